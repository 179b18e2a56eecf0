//! Every code that a diagnostic may carry, with what it means and what to do; `kplay explain CODE` and the reference page show it.
//!
//! A code is stable: scripts and people look for it. The table is sorted, and a test looks for codes in the sources that are not here.

/// A code with its explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The name, in kebab-case.
    pub name: &'static str,
    /// What it means, and what to do.
    pub text: &'static str,
}

const fn code(name: &'static str, text: &'static str) -> Code {
    Code { name, text }
}

/// All codes, sorted by name.
pub const CODES: &[Code] = &[
    code("argument-spec", "A role's argument specification cannot be used, so that the role's parameters are not checked."),
    code("argument-wrong", "A module got an argument that it cannot work with. The message names the argument; `kplay doc MODULE` shows what it takes."),
    code("bad-argument", "An argument of an include or import has a value that makes no sense there."),
    code("bad-arguments", "The arguments of a task are not a mapping of names to values, nor text that the module takes."),
    code("bad-keyword-value", "A keyword of a play, block, task or role has a value of the wrong kind, such as a list where a word is wanted."),
    code("bad-loop-control", "`loop_control` is not a mapping, or holds what it does not know."),
    code("bad-meta", "`meta` names an action that there is not, or that cannot stand there."),
    code("bad-module-defaults", "`module_defaults` is not a mapping of modules or groups to arguments."),
    code("bad-prompt", "An entry of `vars_prompt` has no `name`, or a value that it cannot have."),
    code("bad-role-metadata", "`meta/main.yml` of a role cannot be understood."),
    code("bad-roles", "`roles` is not a list of roles."),
    code("bad-tags", "`tags` is not a word or a list of words."),
    code("bad-variable-name", "A variable's name must be letters, digits and underscores, must not begin with a digit, and must be none of Python's keywords."),
    code("bad-vars", "`vars` is not a mapping of names to values."),
    code("bad-vars-file", "An entry of `vars_files` is neither a file's name nor a list of them."),
    code("block-among-handlers", "A block cannot stand where only handlers can."),
    code("condition-delimiters", "`when` and its like hold expressions already: `{{` and `}}` around one are not needed and may go wrong."),
    code("config-syntax", "`ansible.cfg` cannot be read: a line is neither a section nor `name = value`."),
    code("config-unknown", "`ansible.cfg` has a setting that Ansible does not know; it has no effect."),
    code("config-unreadable", "The configuration file that `ANSIBLE_CONFIG` names cannot be read."),
    code("config-unsupported", "A setting of Ansible has no effect in kplay. The run is as if it were not there."),
    code("config-value", "A setting has a value that it cannot have."),
    code("config-world-writable", "`ansible.cfg` lies in a directory that anyone can write to and is ignored: somebody else could have put it there. Name it in `ANSIBLE_CONFIG` to use it all the same."),
    code("conflicting-actions", "A task names two modules. Each task runs one; often the second is an argument that is not indented far enough."),
    code("conflicting-keywords", "Two keywords that mean the same are both given."),
    code("duplicate-handler", "Two handlers of a play have one name; the later one counts."),
    code("duplicate-loop", "A task has more than one loop."),
    code("empty-file", "A file of tasks that is imported or included holds none."),
    code("empty-loop", "A loop has nothing to go through: its value is missing."),
    code("empty-playbook", "A playbook holds no play."),
    code("extra-vars", "`-e` takes `name=value`, YAML or JSON text that is a mapping, or a file as `@FILE`."),
    code("file-not-found", "A file that was named is not there. The message says where it was looked for."),
    code("file-outside-role", "A role names a file that lies outside of it."),
    code("file-unreadable", "A file is there, but cannot be read."),
    code("free-text", "A module got text without a name, and it takes none."),
    code("handler-missing", "A task notified a handler that the play does not have."),
    code("host-pattern", "A pattern of hosts matches nothing, or cannot be read."),
    code("import-loop", "A file or role brings itself, directly or through others."),
    code("include-without-file", "An include or import of tasks names no file."),
    code("include-without-role", "An include or import of a role names no role."),
    code("internal", "A bug in kplay. Please report it."),
    code("inventory-limit", "`--limit` leaves no host, or cannot be read."),
    code("inventory-name", "A group or host has a name that leads to trouble, or one name means both."),
    code("inventory-syntax", "An inventory source cannot be read at this line."),
    code("inventory-unknown", "The inventory has no host or group of that name."),
    code("inventory-unparsed", "No inventory source could be read; only the implicit localhost is there."),
    code("inventory-unsupported", "An inventory source is of a kind that kplay does not read."),
    code("inventory-value", "A value in an inventory cannot be what it is used for."),
    code("limit", "`--limit` cannot be read."),
    code("loop-on-import", "An import happens before the run, so that it cannot have a loop; `include_tasks` and `include_role` can."),
    code("misplaced-import", "`import_playbook` stands among plays, not among tasks."),
    code("misplaced-include", "A role cannot be brought in as a handler."),
    code("missing-argument", "A module needs an argument that is not given."),
    code("module-gone", "Ansible had a module of that name and has removed it."),
    code("no-action", "A task names no module."),
    code("no-hosts", "A play does not say where it runs, or there is no host at all."),
    code("password-file", "A file with a password cannot be read, or is empty."),
    code("play-not-a-mapping", "A play is a mapping with `hosts` and `tasks`, and this is something else."),
    code("playbook-not-a-list", "A playbook is a list of plays, each beginning with `- `."),
    code("rescue-without-block", "`rescue` and `always` belong to a `block`."),
    code("reserved-argument", "A name that Ansible keeps for itself is used as an argument."),
    code("role-not-found", "There is no role of that name in any of the places that are looked at: `roles/` beside the playbook, the directories of `roles_path`, and beside the playbook itself."),
    code("role-parameter", "A role is given a parameter that its argument specification does not have, or not in that way."),
    code("role-without-name", "An entry of `roles` or `dependencies` does not say which role it is."),
    code("run", "Something of the run that is worth knowing."),
    code("serial", "`serial` is a number, a percentage, or a list of those."),
    code("ssh-config", "An option in an SSH configuration is not honoured, and the connection may differ from what ssh would make."),
    code("static-name", "What an import names, and a role's name, must be known before the run; only variables of the command line and of the play are."),
    code("strategy", "`strategy` names one that kplay does not have."),
    code("task-failed", "A task failed on a host; the message is the module's."),
    code("task-not-a-mapping", "A task is a mapping with a module's name in it, and this is something else."),
    code("tasks-not-a-list", "Tasks are a list, each beginning with `- `."),
    code("template-failed", "A template cannot be evaluated: an operator, filter, test or lookup does not take what it got."),
    code("template-syntax", "A template cannot be read."),
    code("undefined-variable", "A template uses a variable that nobody has defined. `default` gives one a value for that case."),
    code("unknown-argument", "A module has no argument of that name; `kplay doc MODULE` shows those that it has."),
    code("unknown-filter", "Nobody has a filter of that name: neither kplay, nor Ansible, nor its collections."),
    code("unknown-handler", "A task notifies a handler that the play does not have."),
    code("unknown-keyword", "A play, block, task or role has a keyword that there is not."),
    code("unknown-lookup", "Nobody has a lookup of that name: neither kplay, nor Ansible, nor its collections."),
    code("unknown-module", "Nobody has a module of that name: neither kplay, nor Ansible, nor its collections."),
    code("unknown-test", "Nobody has a test of that name: neither kplay, nor Ansible, nor its collections."),
    code("unsupported-keyword", "Ansible has this keyword, kplay does not yet. Where nothing may keep the run away from it, the run is refused; elsewhere the task fails on the host that reaches it."),
    code("unsupported-module", "Ansible has this module, kplay does not yet. Where nothing may keep the run away from it, the run is refused; elsewhere the task fails on the host that reaches it."),
    code("unsupported-plugin", "Ansible has this filter, test or lookup, kplay does not yet. Where nothing may keep the run away from it, the run is refused; elsewhere the task fails on the host that reaches it."),
    code("unsupported-role", "Ansible has this kind of role, kplay does not yet. Where nothing may keep the run away from it, the run is refused; elsewhere the task fails on the host that reaches it."),
    code("vars-file", "A file of variables is not there, or is not a mapping of names to values."),
    code("vault", "A vault cannot be opened: no password fits, or it is damaged."),
    code("vault-password", "A vault password cannot be had."),
    code("yaml-duplicate-key", "A key stands twice in one mapping; the last one counts."),
    code("yaml-encoding", "YAML is UTF-8 text, and this is not."),
    code("yaml-limit", "YAML is nested too deeply, or aliases make too much of it."),
    code("yaml-syntax", "YAML cannot be read at this place."),
    code("yaml-tag", "A YAML tag is not known, or cannot stand there."),
];

/// Returns what there is to say of a code.
pub fn find(name: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.name == name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_text_is_a_sentence() {
        assert!(CODES.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(CODES.iter().all(|code| code.text.ends_with('.') && code.text.starts_with(char::is_uppercase) || code.text.starts_with('`')));
    }

    #[test]
    fn every_code_in_the_sources_is_explained() {
        let call = fancy_regex::Regex::new(r#"Diagnostic::(?:error|warning)\(\s*"([a-z-]+)""#).unwrap();
        let mut unknown = Vec::new();
        visit(Path::new("src"), &mut |path, text| {
            let (code, _) = text.split_once("#[cfg(test)]").unwrap_or((text, ""));
            for found in call.captures_iter(code) {
                let name = found.unwrap().get(1).unwrap().as_str().to_owned();
                if find(&name).is_none() {
                    unknown.push(format!("{}: {name}", path.display()));
                }
            }
        });
        assert_eq!(unknown, Vec::<String>::new(), "codes without an entry in src/diag/codes.rs");
    }

    fn visit(directory: &Path, look: &mut dyn FnMut(&Path, &str)) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && path.file_name() != Some("tests".as_ref()) {
                visit(&path, look);
            } else if path.extension() == Some("rs".as_ref()) && path.file_name() != Some("tests.rs".as_ref()) {
                look(&path, &std::fs::read_to_string(&path).unwrap());
            }
        }
    }
}
