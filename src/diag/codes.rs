//! The codes of all diagnostics, each with what it means: for `kplay explain` and the page of the reference.
//!
//! `tests/it/reference.rs` fails for a code of the sources that is not here, and for one here that nothing uses.

/// Every code with its explanation, sorted.
pub const CODES: &[(&str, &str)] = &[
    (
        "argument-wrong",
        "A module was given an argument that it cannot take, as rendered for this host. The message names the argument and the value.",
    ),
    (
        "bad-argument",
        "An argument is known to be wrong before the run: of the wrong type, or none of the valid choices.",
    ),
    (
        "bad-arguments",
        "A module's arguments must be a mapping, or text where the module takes some.",
    ),
    (
        "bad-effect",
        "`kplay_effect` says how far a task reaches beyond its host, in one of five words. `docs/guide/order.md` tells what they mean.",
    ),
    (
        "bad-keyword-value",
        "A keyword has a value that it cannot have.",
    ),
    (
        "bad-loop-control",
        "`loop_control` must be a mapping of its own keywords.",
    ),
    ("bad-meta", "`meta` needs one of its actions."),
    (
        "bad-module-defaults",
        "`module_defaults` must be a mapping from module or group names to arguments.",
    ),
    (
        "bad-prompt",
        "An entry of `vars_prompt` is not understood: it needs at least a `name`.",
    ),
    (
        "bad-register",
        "`register` names a variable: a letter or `_`, then letters, digits and `_`.",
    ),
    (
        "bad-role-metadata",
        "`meta/main.yml` of a role is not understood.",
    ),
    (
        "bad-roles",
        "`roles` must be a list of names, or of mappings with `role`.",
    ),
    ("bad-tags", "Tags are text or lists of text."),
    (
        "bad-variable-name",
        "Names of variables begin with a letter or `_` and have only letters, digits and `_`.",
    ),
    ("bad-vars", "`vars` must be a mapping."),
    (
        "bad-vars-file",
        "A file of a role's variables must hold a mapping.",
    ),
    (
        "block-among-handlers",
        "Handlers are notified one by one, so a handler's block cannot hold blocks.",
    ),
    (
        "condition-delimiters",
        "`when` and its kin are expressions already. `{{ }}` around them evaluates a result once more.",
    ),
    ("config-syntax", "`ansible.cfg` is not understood."),
    (
        "config-unknown",
        "A setting, or its section, is not one of Ansible's. It has no effect; perhaps a name is misspelt.",
    ),
    (
        "config-unreadable",
        "The configuration file cannot be read, or is not one.",
    ),
    (
        "config-unsupported",
        "A setting that Ansible has and kplay lacks. It has no effect, so the run may differ.",
    ),
    ("config-value", "A setting has a value that it cannot have."),
    (
        "config-world-writable",
        "`ansible.cfg` lies in a directory that everyone may write to, and is not read: anybody could have put it there.",
    ),
    (
        "conflicting-actions",
        "A task runs one module. The message shows both names; one of them may be a misspelt keyword.",
    ),
    (
        "conflicting-keywords",
        "Two keywords that mean the same are both given.",
    ),
    (
        "duplicate-handler",
        "Two handlers have one name. The last one runs when it is notified.",
    ),
    ("duplicate-loop", "A task has one loop."),
    ("empty-file", "A file of tasks holds none."),
    ("empty-loop", "A loop needs something to go over."),
    ("empty-playbook", "A playbook without a play."),
    (
        "extra-vars",
        "What `-e` was given is not understood: it takes `name=value` pairs, YAML or JSON, or `@FILE`.",
    ),
    (
        "file-not-found",
        "A file that is named does not exist. The message lists where it was looked for.",
    ),
    (
        "file-outside-role",
        "A role's `tasks_from` and the like must stay in the role's own folders.",
    ),
    (
        "file-unreadable",
        "A file exists and cannot be read, or is a directory.",
    ),
    (
        "free-text",
        "Text that this module does not take. Arguments are written `name: value` below the module, or `name=value`.",
    ),
    (
        "handler-missing",
        "A task changed something and notified a handler that the play does not have.",
    ),
    (
        "host-pattern",
        "A pattern of hosts is not understood, or matches nothing.",
    ),
    (
        "import-loop",
        "A playbook, file of tasks or role brings itself, by the way that the message shows.",
    ),
    (
        "include-without-file",
        "An include or import needs to say which file.",
    ),
    (
        "include-without-role",
        "An include or import needs to say which role.",
    ),
    (
        "internal",
        "Something that cannot happen, happened: a bug in kplay. Please report it with the task.",
    ),
    (
        "inventory-construct",
        "An expression of `compose`, `groups`, `keyed_groups`, `filters` or a host name's template in an inventory source has no usable value. Without `strict` most of them are passed over.",
    ),
    (
        "inventory-limit",
        "`--limit` is not understood, or its file cannot be read.",
    ),
    (
        "inventory-name",
        "A group's name is no name of a variable, so `groups.NAME` cannot be written. Take letters, digits and `_`.",
    ),
    (
        "inventory-option",
        "An option of an inventory plugin's file is missing, wrong, or unknown to the plugin. `docs/reference/inventory-proxmox.md` lists those of Proxmox VE.",
    ),
    (
        "inventory-proxmox",
        "Proxmox VE could not be asked for hosts, or did not answer everything. When its list of guests cannot be had, the run does not begin: a part of the hosts must not pass for all of them.",
    ),
    (
        "inventory-secret",
        "A variable that is secret would end up in a static inventory, which is made to be committed.",
    ),
    (
        "inventory-syntax",
        "A file of the inventory is not understood.",
    ),
    (
        "inventory-unparsed",
        "A source of the inventory could not be read. With none at all there is localhost alone, and most patterns match nothing.",
    ),
    (
        "inventory-unsupported",
        "A kind of inventory that kplay does not read yet.",
    ),
    (
        "inventory-value",
        "`ansible_group_priority` must be a whole number.",
    ),
    (
        "inventory-write",
        "The static inventory of `kplay inventory --write` cannot be written.",
    ),
    (
        "limit",
        "`--limit` is not understood, or its file cannot be read.",
    ),
    (
        "loop-on-import",
        "An import happens once, before the run, so it cannot loop. `include_tasks` and `include_role` can.",
    ),
    ("misplaced-import", "`import_playbook` stands among plays."),
    ("misplaced-include", "Handlers cannot bring in roles."),
    (
        "missing-argument",
        "A module needs an argument that is not given.",
    ),
    (
        "module-gone",
        "A module that Ansible has removed. The message says what to take instead.",
    ),
    (
        "no-action",
        "A task without a module. Perhaps its name is misspelt, or indented as a keyword.",
    ),
    ("no-hosts", "A play must say where it runs: `hosts`."),
    (
        "password-file",
        "A password cannot be read from the file or program that was named.",
    ),
    (
        "play-not-a-mapping",
        "A playbook is a list of mappings, each with `hosts`, or `import_playbook`.",
    ),
    (
        "playbook-not-a-list",
        "A playbook is a list: its plays begin with `- `.",
    ),
    (
        "rescue-without-block",
        "`rescue` and `always` belong to a `block`.",
    ),
    (
        "reserved-argument",
        "Arguments that begin with `_ansible_` are Ansible's own.",
    ),
    (
        "role-not-found",
        "A role was not found. The message lists where it was looked for.",
    ),
    (
        "role-parameter",
        "A parameter of a role has almost the name of a keyword. If the keyword was meant, it is misspelt.",
    ),
    (
        "role-without-name",
        "An entry of `roles`, or of a role's dependencies, that does not say which role.",
    ),
    (
        "run",
        "Something to know about this run. The message says what.",
    ),
    (
        "serial",
        "`serial` must be a number, a percentage, or a list of these.",
    ),
    (
        "sops",
        "A file of SOPS cannot be opened: no key fits, it was changed, or it is not encrypted.",
    ),
    (
        "ssh-config",
        "The OpenSSH configuration says something that kplay does not honour, and that would change the connection.",
    ),
    (
        "static-name",
        "The name of something that is imported must be known before the run: from variables of the play, its files, or `-e`.",
    ),
    (
        "strategy",
        "kplay has the strategies `linear`, `free` and `host_pinned`.",
    ),
    (
        "task-failed",
        "A task failed on a host. The message is the module's.",
    ),
    (
        "task-not-a-mapping",
        "A task is a mapping: keywords, and one module with its arguments.",
    ),
    (
        "tasks-not-a-list",
        "Tasks are a list: each begins with `- `.",
    ),
    (
        "template-failed",
        "An expression has no value: an operator, filter, test or lookup failed.",
    ),
    ("template-syntax", "A template is not understood."),
    (
        "throttle",
        "`throttle` says how many hosts may do a task at once, and must be a whole number when the task is reached.",
    ),
    (
        "undefined-variable",
        "Nobody has set that name. The message lists names that are near to it.",
    ),
    ("unknown-argument", "A module has no argument of that name."),
    (
        "unknown-filter",
        "Neither kplay nor Ansible has a filter of that name.",
    ),
    (
        "unknown-handler",
        "No handler of the play has that name. It counts only when the task changes something.",
    ),
    (
        "unknown-keyword",
        "Ansible has no keyword of that name here. Perhaps it belongs to another place, or is an argument with the wrong indent.",
    ),
    (
        "unknown-lookup",
        "Neither kplay nor Ansible has a lookup of that name.",
    ),
    (
        "unknown-module",
        "Neither kplay nor Ansible nor a collection of the `ansible` package has a module of that name.",
    ),
    (
        "unknown-test",
        "Neither kplay nor Ansible has a test of that name.",
    ),
    (
        "unsupported-keyword",
        "A keyword that Ansible has and kplay lacks.",
    ),
    (
        "unsupported-module",
        "A module that Ansible has and kplay lacks. It is a warning where the run may never get there.",
    ),
    (
        "unsupported-plugin",
        "A filter, test or lookup that Ansible has and kplay lacks.",
    ),
    (
        "vars-file",
        "A file of variables is not understood, or its name is not.",
    ),
    (
        "vault",
        "A vault cannot be opened: no password fits, or its content is damaged.",
    ),
    (
        "vault-password",
        "A vault password cannot be read from where it was said to be.",
    ),
    (
        "yaml-duplicate-key",
        "A key stands twice in one mapping. Only the last one counts.",
    ),
    ("yaml-encoding", "Files are UTF-8."),
    (
        "yaml-limit",
        "A file is too large, too deep, or grows too large by its aliases.",
    ),
    (
        "yaml-syntax",
        "A file is not YAML. The message points at the place, and says what is usually wrong there.",
    ),
    (
        "yaml-tag",
        "A tag that cannot be used here. Ansible knows `!vault` and `!unsafe`.",
    ),
];

/// Returns the explanation of a code.
pub fn explain(code: &str) -> Option<&'static str> {
    let index = CODES.binary_search_by_key(&code, |(name, _)| name).ok()?;
    CODES.get(index).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_explained() {
        assert!(CODES.is_sorted_by(|one, other| one.0 < other.0));
        for (code, text) in CODES {
            assert!(text.ends_with('.'), "{code}");
            assert_eq!(explain(code), Some(*text));
        }
        assert_eq!(explain("no-such-code"), None);
    }
}
