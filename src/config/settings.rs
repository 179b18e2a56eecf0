//! The table: every setting that kplay knows by name, where it is set, and what it is without.

use std::path::PathBuf;

use super::resolve::{Definition, Resolver};

/// Makes the struct, the list of definitions and the reading from one table.
///
/// `field: kind "ANSIBLE_NAME" [ini] [environment] default [choices];` where the kind is a method of [`Resolver`].
macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $field:ident: $kind:ident($type:ty) $name:literal
        [$($ini:literal),*] [$($environment:literal),*] $default:expr $(, [$($choice:literal),*])?;)*) => {
        /// Every setting with its value.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $field: $type,)*
        }

        /// The table itself.
        pub(super) const DEFINITIONS: &[Definition] = &[$(Definition {
            name: $name,
            ini: &[$($ini),*],
            environment: &[$($environment),*],
            default: $default,
            choices: &[$($($choice),*)?],
        },)*];

        impl Settings {
            pub(super) fn read(resolver: &mut Resolver<'_>) -> Self {
                Self {
                    $($field: resolver.$kind(&Definition {
                        name: $name,
                        ini: &[$($ini),*],
                        environment: &[$($environment),*],
                        default: $default,
                        choices: &[$($($choice),*)?],
                    }),)*
                }
            }
        }
    };
}

settings! {
    /// Whether a failed host ends the play for all.
    any_errors_fatal: boolean(bool) "ANY_ERRORS_FATAL" ["defaults.any_errors_fatal"] ["ANSIBLE_ANY_ERRORS_FATAL"] Some("no");
    /// Where hosts keep what is known of asynchronous tasks.
    async_dir: text(String) "shell:async_dir" ["defaults.async_dir"] ["ANSIBLE_ASYNC_DIR"] Some("~/.ansible_async");
    /// Ask for the become password.
    ask_become_password: boolean(bool) "DEFAULT_BECOME_ASK_PASS" ["privilege_escalation.become_ask_pass"] ["ANSIBLE_BECOME_ASK_PASS"] Some("no");
    /// Ask for the connection password.
    ask_password: boolean(bool) "DEFAULT_ASK_PASS" ["defaults.ask_pass"] ["ANSIBLE_ASK_PASS"] Some("no");
    /// Ask for a vault password.
    ask_vault_password: boolean(bool) "DEFAULT_ASK_VAULT_PASS" ["defaults.ask_vault_pass"] ["ANSIBLE_ASK_VAULT_PASS"] Some("no");
    /// Where Ansible keeps its files.
    home: path(PathBuf) "ANSIBLE_HOME" ["defaults.home"] ["ANSIBLE_HOME"] Some("~/.ansible");
    /// The text of `ansible_managed`.
    ansible_managed: text(String) "DEFAULT_MANAGED_STR" ["defaults.ansible_managed"] [] Some("Ansible managed");
    /// Become another user.
    r#become: boolean(bool) "DEFAULT_BECOME" ["privilege_escalation.become"] ["ANSIBLE_BECOME"] Some("no");
    /// Become even the user who one is.
    become_allow_same_user: boolean(bool) "BECOME_ALLOW_SAME_USER" ["privilege_escalation.become_allow_same_user"] ["ANSIBLE_BECOME_ALLOW_SAME_USER"] Some("no");
    /// The program that becomes.
    become_exe: optional_text(Option<String>) "DEFAULT_BECOME_EXE" ["privilege_escalation.become_exe"] ["ANSIBLE_BECOME_EXE"] None;
    /// Its options.
    become_flags: optional_text(Option<String>) "DEFAULT_BECOME_FLAGS" ["privilege_escalation.become_flags"] ["ANSIBLE_BECOME_FLAGS"] None;
    /// How to become.
    become_method: text(String) "DEFAULT_BECOME_METHOD" ["privilege_escalation.become_method"] ["ANSIBLE_BECOME_METHOD"] Some("sudo");
    /// Where the become password is.
    become_password_file: optional_path(Option<PathBuf>) "BECOME_PASSWORD_FILE" ["defaults.become_password_file"] ["ANSIBLE_BECOME_PASSWORD_FILE"] None;
    /// Whom to become.
    become_user: text(String) "DEFAULT_BECOME_USER" ["privilege_escalation.become_user"] ["ANSIBLE_BECOME_USER"] Some("root");
    /// Options of sudo.
    sudo_flags: optional_text(Option<String>) "sudo:become_flags" ["sudo_become_plugin.flags"] ["ANSIBLE_SUDO_FLAGS"] None;
    /// Whether results are shown as pretty as possible.
    callback_format_pretty: optional_text(Option<String>) "callback:format_pretty" ["defaults.callback_format_pretty"] ["ANSIBLE_CALLBACK_FORMAT_PRETTY"] None;
    /// JSON or YAML for results.
    callback_result_format: text(String) "callback:result_format" ["defaults.callback_result_format"] ["ANSIBLE_CALLBACK_RESULT_FORMAT"] Some("json"), ["json", "yaml"];
    /// Further reports.
    callbacks_enabled: list(Vec<String>) "CALLBACKS_ENABLED" ["defaults.callbacks_enabled"] ["ANSIBLE_CALLBACKS_ENABLED"] None;
    /// Whether the banner of a task says that it only checks.
    check_mode_markers: boolean(bool) "callback:check_mode_markers" ["defaults.check_mode_markers"] ["ANSIBLE_CHECK_MODE_MARKERS"] Some("no");
    /// Where collections are looked for.
    collections_path: paths_at_colons(Vec<PathBuf>) "COLLECTIONS_PATHS" ["defaults.collections_path"] ["ANSIBLE_COLLECTIONS_PATH"] Some("{{ANSIBLE_HOME}}/collections:/usr/share/ansible/collections");
    /// Where the connection password is.
    connection_password_file: optional_path(Option<PathBuf>) "CONNECTION_PASSWORD_FILE" ["defaults.connection_password_file"] ["ANSIBLE_CONNECTION_PASSWORD_FILE"] None;
    /// Whether what will go away is warned about.
    deprecation_warnings: boolean(bool) "DEPRECATION_WARNINGS" ["defaults.deprecation_warnings"] ["ANSIBLE_DEPRECATION_WARNINGS"] Some("yes");
    /// Show differences without being asked.
    diff_always: boolean(bool) "DIFF_ALWAYS" ["diff.always"] ["ANSIBLE_DIFF_ALWAYS"] Some("no");
    /// How many lines around a difference.
    diff_context: integer(i64) "DIFF_CONTEXT" ["diff.context"] ["ANSIBLE_DIFF_CONTEXT"] Some("3");
    /// Show a task's arguments in its banner.
    display_args_to_stdout: boolean(bool) "DISPLAY_ARGS_TO_STDOUT" ["defaults.display_args_to_stdout"] ["ANSIBLE_DISPLAY_ARGS_TO_STDOUT"] Some("no");
    /// Failures go to standard error.
    display_failed_stderr: boolean(bool) "callback:display_failed_stderr" ["defaults.display_failed_stderr"] ["ANSIBLE_DISPLAY_FAILED_STDERR"] Some("no");
    /// Show hosts on which all was well.
    display_ok_hosts: boolean(bool) "callback:display_ok_hosts" ["defaults.display_ok_hosts"] ["ANSIBLE_DISPLAY_OK_HOSTS"] Some("yes");
    /// Show skipped tasks.
    display_skipped_hosts: boolean(bool) "DISPLAY_SKIPPED_HOSTS" ["defaults.display_skipped_hosts"] ["ANSIBLE_DISPLAY_SKIPPED_HOSTS"] Some("yes");
    /// What a key that stands twice in YAML is.
    duplicate_dict_key: text(String) "DUPLICATE_YAML_DICT_KEY" ["defaults.duplicate_dict_key"] ["ANSIBLE_DUPLICATE_YAML_DICT_KEY"] Some("warn"), ["error", "warn", "ignore"];
    /// A handler that nobody has is an error.
    error_on_missing_handler: boolean(bool) "ERROR_ON_MISSING_HANDLER" ["defaults.error_on_missing_handler"] ["ANSIBLE_ERROR_ON_MISSING_HANDLER"] Some("yes");
    /// The shell of `shell` and of login.
    executable: text(String) "DEFAULT_EXECUTABLE" ["defaults.executable"] ["ANSIBLE_EXECUTABLE"] Some("/bin/sh");
    /// Where facts are kept between runs.
    fact_caching: text(String) "CACHE_PLUGIN" ["defaults.fact_caching"] ["ANSIBLE_CACHE_PLUGIN"] Some("memory");
    /// The place of that.
    fact_caching_connection: optional_path(Option<PathBuf>) "CACHE_PLUGIN_CONNECTION" ["defaults.fact_caching_connection"] ["ANSIBLE_CACHE_PLUGIN_CONNECTION"] None;
    /// What stands before the names of its files.
    fact_caching_prefix: text(String) "CACHE_PLUGIN_PREFIX" ["defaults.fact_caching_prefix"] ["ANSIBLE_CACHE_PLUGIN_PREFIX"] Some("");
    /// How long they are good, in seconds; 0 is for ever.
    fact_caching_timeout: integer(i64) "CACHE_PLUGIN_TIMEOUT" ["defaults.fact_caching_timeout"] ["ANSIBLE_CACHE_PLUGIN_TIMEOUT"] Some("86400");
    /// Colour even without a terminal.
    force_color: boolean(bool) "ANSIBLE_FORCE_COLOR" ["defaults.force_color"] ["ANSIBLE_FORCE_COLOR"] Some("no");
    /// Run notified handlers of failed hosts too.
    force_handlers: boolean(bool) "DEFAULT_FORCE_HANDLERS" ["defaults.force_handlers"] ["ANSIBLE_FORCE_HANDLERS"] Some("no");
    /// How many hosts are at work at once.
    forks: integer(i64) "DEFAULT_FORKS" ["defaults.forks"] ["ANSIBLE_FORKS"] Some("5");
    /// When facts are gathered.
    gathering: text(String) "DEFAULT_GATHERING" ["defaults.gathering"] ["ANSIBLE_GATHERING"] Some("implicit"), ["implicit", "explicit", "smart"];
    /// Whether dictionaries of different levels join.
    hash_behaviour: text(String) "DEFAULT_HASH_BEHAVIOUR" ["defaults.hash_behaviour"] ["ANSIBLE_HASH_BEHAVIOUR"] Some("replace"), ["replace", "merge"];
    /// Check host keys.
    host_key_checking: boolean(bool) "HOST_KEY_CHECKING" ["defaults.host_key_checking", "ssh_connection.host_key_checking"] ["ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"] Some("yes");
    /// What a pattern that matches nothing is.
    host_pattern_mismatch: text(String) "HOST_PATTERN_MISMATCH" ["inventory.host_pattern_mismatch"] ["ANSIBLE_HOST_PATTERN_MISMATCH"] Some("warning"), ["error", "warning", "ignore"];
    /// Facts are variables of their own.
    inject_facts_as_vars: boolean(bool) "INJECT_FACTS_AS_VARS" ["defaults.inject_facts_as_vars"] ["ANSIBLE_INJECT_FACT_VARS"] Some("yes");
    /// What to do about odd group names.
    force_valid_group_names: text(String) "TRANSFORM_INVALID_GROUP_CHARS" ["defaults.force_valid_group_names"] ["ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"] Some("never"), ["always", "never", "ignore", "silently"];
    /// The inventory's sources.
    inventory: paths_at_commas(Vec<PathBuf>) "DEFAULT_HOST_LIST" ["defaults.inventory"] ["ANSIBLE_INVENTORY"] Some("/etc/ansible/hosts");
    /// A source that cannot be read is an error.
    inventory_any_unparsed_is_failed: boolean(bool) "INVENTORY_ANY_UNPARSED_IS_FAILED" ["inventory.any_unparsed_is_failed"] ["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] Some("no");
    /// `kplay inventory --list` leaves variables where they are.
    inventory_export: boolean(bool) "INVENTORY_EXPORT" ["inventory.export"] ["ANSIBLE_INVENTORY_EXPORT"] Some("no");
    /// Endings of what is no inventory.
    inventory_ignore_extensions: list(Vec<String>) "INVENTORY_IGNORE_EXTS" ["defaults.inventory_ignore_extensions", "inventory.ignore_extensions"] ["ANSIBLE_INVENTORY_IGNORE"] Some(".pyc,.pyo,.swp,.bak,~,.rpm,.md,.txt,.rst,.orig,.cfg,.retry");
    /// Names of what is no inventory.
    inventory_ignore_patterns: list(Vec<String>) "INVENTORY_IGNORE_PATTERNS" ["defaults.inventory_ignore_patterns", "inventory.ignore_patterns"] ["ANSIBLE_INVENTORY_IGNORE_REGEX"] None;
    /// No readable source at all is an error.
    inventory_unparsed_is_failed: boolean(bool) "INVENTORY_UNPARSED_IS_FAILED" ["inventory.unparsed_is_failed"] ["ANSIBLE_INVENTORY_UNPARSED_FAILED"] Some("no");
    /// No readable source at all is warned about.
    inventory_unparsed_warning: boolean(bool) "INVENTORY_UNPARSED_WARNING" ["inventory.inventory_unparsed_warning"] ["ANSIBLE_INVENTORY_UNPARSED_WARNING"] Some("yes");
    /// The project's own modules, whose names are known then.
    library: paths_at_colons(Vec<PathBuf>) "DEFAULT_MODULE_PATH" ["defaults.library"] ["ANSIBLE_LIBRARY"] Some("{{ANSIBLE_HOME}}/plugins/modules:/usr/share/ansible/plugins/modules");
    /// Warn that only localhost is there.
    localhost_warning: boolean(bool) "LOCALHOST_WARNING" ["defaults.localhost_warning"] ["ANSIBLE_LOCALHOST_WARNING"] Some("yes");
    /// Temporary files here.
    local_tmp: path(PathBuf) "DEFAULT_LOCAL_TMP" ["defaults.local_tmp"] ["ANSIBLE_LOCAL_TEMP"] Some("{{ANSIBLE_HOME}}/tmp");
    /// Where the run is logged.
    log_path: optional_path(Option<PathBuf>) "DEFAULT_LOG_PATH" ["defaults.log_path"] ["ANSIBLE_LOG_PATH"] None;
    /// Larger files are not compared.
    max_diff_size: integer(i64) "MAX_FILE_SIZE_FOR_DIFF" ["defaults.max_diff_size"] ["ANSIBLE_MAX_DIFF_SIZE"] Some("104448");
    /// The module of an ad-hoc run.
    module_name: text(String) "DEFAULT_MODULE_NAME" ["defaults.module_name"] [] Some("command");
    /// No colour.
    no_color: boolean(bool) "ANSIBLE_NOCOLOR" ["defaults.nocolor"] ["NO_COLOR", "ANSIBLE_NOCOLOR"] Some("no");
    /// No result of any task is shown.
    no_log: boolean(bool) "DEFAULT_NO_LOG" ["defaults.no_log"] ["ANSIBLE_NO_LOG"] Some("no");
    /// Hosts log nothing of what is done.
    no_target_syslog: boolean(bool) "DEFAULT_NO_TARGET_SYSLOG" ["defaults.no_target_syslog"] ["ANSIBLE_NO_TARGET_SYSLOG"] Some("no");
    /// Where the playbook is taken to be.
    playbook_dir: optional_path(Option<PathBuf>) "PLAYBOOK_DIR" ["defaults.playbook_dir"] ["ANSIBLE_PLAYBOOK_DIR"] None;
    /// Which playbook's directory counts for `group_vars`.
    playbook_vars_root: text(String) "PLAYBOOK_VARS_ROOT" ["defaults.playbook_vars_root"] ["ANSIBLE_PLAYBOOK_VARS_ROOT"] Some("top"), ["top", "bottom", "all"];
    /// How often an asynchronous task is asked about, in seconds.
    poll_interval: integer(i64) "DEFAULT_POLL_INTERVAL" ["defaults.poll_interval"] ["ANSIBLE_POLL_INTERVAL"] Some("15");
    /// The key to log in with.
    private_key_file: optional_path(Option<PathBuf>) "DEFAULT_PRIVATE_KEY_FILE" ["defaults.private_key_file"] ["ANSIBLE_PRIVATE_KEY_FILE"] None;
    /// A role's variables stay its own.
    private_role_vars: boolean(bool) "DEFAULT_PRIVATE_ROLE_VARS" ["defaults.private_role_vars"] ["ANSIBLE_PRIVATE_ROLE_VARS"] Some("no");
    /// The port to connect to.
    remote_port: optional_integer(Option<i64>) "DEFAULT_REMOTE_PORT" ["defaults.remote_port"] ["ANSIBLE_REMOTE_PORT"] None;
    /// Temporary files there.
    remote_tmp: text(String) "shell:remote_tmp" ["defaults.remote_tmp"] ["ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP"] Some("~/.ansible/tmp");
    /// The user to log in as.
    remote_user: optional_text(Option<String>) "DEFAULT_REMOTE_USER" ["defaults.remote_user"] ["ANSIBLE_REMOTE_USER"] None;
    /// Where roles are looked for.
    roles_path: paths_at_colons(Vec<PathBuf>) "DEFAULT_ROLES_PATH" ["defaults.roles_path"] ["ANSIBLE_ROLES_PATH"] Some("{{ANSIBLE_HOME}}/roles:/usr/share/ansible/roles:/etc/ansible/roles");
    /// Show what `set_stats` set.
    show_custom_stats: boolean(bool) "SHOW_CUSTOM_STATS" ["defaults.show_custom_stats"] ["ANSIBLE_SHOW_CUSTOM_STATS"] Some("no");
    /// A line for each host that starts a task.
    show_per_host_start: boolean(bool) "callback:show_per_host_start" ["defaults.show_per_host_start"] ["ANSIBLE_SHOW_PER_HOST_START"] Some("no");
    /// Where a failed task stands.
    show_task_path_on_failure: boolean(bool) "callback:show_task_path_on_failure" ["defaults.show_task_path_on_failure"] ["ANSIBLE_SHOW_TASK_PATH_ON_FAILURE"] Some("no");
    /// Options of ssh, in the place of Ansible's own.
    ssh_args: optional_text(Option<String>) "ssh:ssh_args" ["ssh_connection.ssh_args"] ["ANSIBLE_SSH_ARGS"] None;
    /// Options of ssh, sftp and scp.
    ssh_common_args: text(String) "ssh:ssh_common_args" ["ssh_connection.ssh_common_args"] ["ANSIBLE_SSH_COMMON_ARGS"] Some("");
    /// Options of ssh alone.
    ssh_extra_args: text(String) "ssh:ssh_extra_args" ["ssh_connection.ssh_extra_args"] ["ANSIBLE_SSH_EXTRA_ARGS"] Some("");
    /// How often a connection is tried again.
    ssh_retries: integer(i64) "ssh:reconnection_retries" ["connection.retries", "ssh_connection.retries"] ["ANSIBLE_SSH_RETRIES"] Some("0");
    /// The shape of the output.
    stdout_callback: text(String) "DEFAULT_STDOUT_CALLBACK" ["defaults.stdout_callback"] ["ANSIBLE_STDOUT_CALLBACK"] Some("default");
    /// The order of tasks.
    strategy: text(String) "DEFAULT_STRATEGY" ["defaults.strategy"] ["ANSIBLE_STRATEGY"] Some("linear");
    /// Warnings about this machine.
    system_warnings: boolean(bool) "SYSTEM_WARNINGS" ["defaults.system_warnings"] ["ANSIBLE_SYSTEM_WARNINGS"] Some("yes");
    /// Where age keys for SOPS are.
    sops_age_keyfile: optional_path(Option<PathBuf>) "sops:age_keyfile" ["community.sops.age_keyfile"] ["ANSIBLE_SOPS_AGE_KEYFILE"] None;
    /// An SSH key that SOPS uses as an age key.
    sops_age_ssh_keyfile: optional_path(Option<PathBuf>) "sops:age_ssh_private_keyfile" ["community.sops.age_ssh_private_keyfile"] ["ANSIBLE_SOPS_AGE_SSH_PRIVATE_KEYFILE"] None;
    /// Leave the variable files of SOPS out.
    sops_disabled: boolean(bool) "sops:disable_vars_plugin_temporarily" [] ["SOPS_ANSIBLE_AWX_DISABLE_VARS_PLUGIN_TEMPORARILY"] Some("no");
    /// What the names of SOPS's variable files end in.
    sops_extensions: list(Vec<String>) "sops:valid_extensions" ["community.sops.valid_extensions"] ["ANSIBLE_VARS_SOPS_PLUGIN_VALID_EXTENSIONS"] Some(".sops.yml,.sops.yaml,.sops.json");
    /// What to do about one of them that is not encrypted.
    sops_unencrypted: text(String) "sops:handle_unencrypted_files" ["community.sops.handle_unencrypted_files"] ["ANSIBLE_VARS_SOPS_PLUGIN_HANDLE_UNENCRYPTED_FILES"] Some("error"), ["error", "skip", "warn"];
    /// Tags to run.
    tags_run: list(Vec<String>) "TAGS_RUN" ["tags.run"] ["ANSIBLE_RUN_TAGS"] None;
    /// Tags to skip.
    tags_skip: list(Vec<String>) "TAGS_SKIP" ["tags.skip"] ["ANSIBLE_SKIP_TAGS"] None;
    /// How long a task may take, in seconds; 0 is for ever.
    task_timeout: integer(i64) "TASK_TIMEOUT" ["defaults.task_timeout"] ["ANSIBLE_TASK_TIMEOUT"] Some("0");
    /// How long connecting may take, in seconds.
    timeout: integer(i64) "DEFAULT_TIMEOUT" ["defaults.timeout", "ssh_connection.timeout"] ["ANSIBLE_TIMEOUT", "ANSIBLE_SSH_TIMEOUT"] Some("10");
    /// How to connect.
    transport: text(String) "DEFAULT_TRANSPORT" ["defaults.transport"] ["ANSIBLE_TRANSPORT"] Some("ssh");
    /// What reads variable files beside inventories and playbooks.
    vars_plugins: list(Vec<String>) "VARIABLE_PLUGINS_ENABLED" ["defaults.vars_plugins_enabled"] ["ANSIBLE_VARS_ENABLED"] Some("host_group_vars");
    /// Only the password of the vault's own id is tried.
    vault_id_match: boolean(bool) "DEFAULT_VAULT_ID_MATCH" ["defaults.vault_id_match"] ["ANSIBLE_VAULT_ID_MATCH"] Some("no");
    /// The id of a password that was given none.
    vault_identity: text(String) "DEFAULT_VAULT_IDENTITY" ["defaults.vault_identity"] ["ANSIBLE_VAULT_IDENTITY"] Some("default");
    /// Vault passwords, as for `--vault-id`.
    vault_identity_list: list(Vec<String>) "DEFAULT_VAULT_IDENTITY_LIST" ["defaults.vault_identity_list"] ["ANSIBLE_VAULT_IDENTITY_LIST"] None;
    /// Where the vault password is.
    vault_password_file: optional_path(Option<PathBuf>) "DEFAULT_VAULT_PASSWORD_FILE" ["defaults.vault_password_file"] ["ANSIBLE_VAULT_PASSWORD_FILE"] None;
    /// How much is said.
    verbosity: integer(i64) "DEFAULT_VERBOSITY" ["defaults.verbosity"] ["ANSIBLE_VERBOSITY"] Some("0");
}
