//! What a run has learned of its hosts: facts, `set_fact` and registers, `include_vars`.
//!
//! Each host's record is shared while a step runs and changed in between; the dispatcher alone writes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::value::{Dict, Value};

/// What is known of one host.
#[derive(Clone, Debug, Default)]
pub(super) struct HostRecord {
    /// Facts without the prefix `ansible_`, as `ansible_facts` holds them.
    pub(super) facts: Dict,
    /// `set_fact` and registers.
    pub(super) set: Dict,
    /// `include_vars`.
    pub(super) included: Dict,
    /// `ansible_failed_task` and `ansible_failed_result` in a rescue section.
    pub(super) failure: Dict,
}

/// The records of all hosts.
#[derive(Debug, Default)]
pub(super) struct Records {
    hosts: RwLock<BTreeMap<Arc<str>, Arc<HostRecord>>>,
}

impl Records {
    /// Returns the record of a host as it is now.
    pub(super) fn get(&self, host: &str) -> Arc<HostRecord> {
        self.hosts
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(host)
            .cloned()
            .unwrap_or_default()
    }

    /// Changes the record of a host.
    pub(super) fn change(&self, host: &Arc<str>, change: impl FnOnce(&mut HostRecord)) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(hosts.entry(host.clone()).or_default()));
    }
}

impl HostRecord {
    /// Takes facts as modules return them: `ansible_os_family` is kept as `os_family`. Names that steer connections or kplay
    /// itself are refused and returned, so that a host cannot redirect what is done to it.
    pub(super) fn learn_facts(&mut self, facts: &Dict) -> Vec<String> {
        let mut refused = Vec::new();
        for (name, value) in facts {
            let Some(text) = name.as_str() else { continue };
            if is_steering(text) {
                refused.push(text.to_owned());
                continue;
            }
            let short = short_name(text);
            self.facts.insert(short, value.clone().untrusted());
        }
        refused
    }
}

/// The name under which `ansible_facts` holds a fact: without the prefix, but for the facts of the host's own files.
fn short_name(name: &str) -> &str {
    if name == "ansible_local" {
        return name;
    }
    name.strip_prefix("ansible_").unwrap_or(name)
}

/// Names that no host may set: connection, become, interpreter and temporary directories, and the magic variables.
pub(super) fn is_steering(name: &str) -> bool {
    const EXACT: [&str; 24] = [
        "ansible_connection",
        "ansible_host",
        "ansible_port",
        "ansible_user",
        "ansible_password",
        "ansible_pass",
        "ansible_private_key_file",
        "ansible_shell_type",
        "ansible_shell_executable",
        "ansible_remote_tmp",
        "ansible_pipelining",
        "ansible_check_mode",
        "ansible_diff_mode",
        "ansible_facts",
        "ansible_forks",
        "ansible_play_hosts",
        "ansible_play_hosts_all",
        "ansible_play_batch",
        "ansible_run_tags",
        "ansible_skip_tags",
        "ansible_verbosity",
        "ansible_limit",
        "ansible_version",
        "ansible_search_path",
    ];
    const PREFIXES: [&str; 10] = [
        "ansible_become",
        "ansible_ssh_",
        "ansible_sudo",
        "ansible_su_",
        "ansible_doas",
        "ansible_paramiko",
        "ansible_winrm",
        "ansible_psrp",
        "ansible_scp_",
        "ansible_sftp_",
    ];
    const MAGIC: [&str; 9] = [
        "hostvars",
        "groups",
        "group_names",
        "inventory_hostname",
        "inventory_dir",
        "inventory_file",
        "playbook_dir",
        "vars",
        "omit",
    ];
    // Facts about host keys are data and have that prefix by tradition.
    if name.starts_with("ansible_ssh_host_key_") {
        return false;
    }
    EXACT.contains(&name)
        || MAGIC.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || (name.starts_with("ansible_") && name.ends_with("_interpreter"))
}

/// Returns the fact that a variable name means: `ansible_os_family` is `os_family`, other names only as they are.
pub(super) fn fact<'a>(facts: &'a Dict, name: &str) -> Option<&'a Value> {
    name.strip_prefix("ansible_")?;
    facts.get(short_name(name)).filter(|_| !is_steering(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t3_facts_cannot_steer_the_connection() {
        let mut record = HostRecord::default();
        let facts = Dict::new()
            .with("ansible_os_family", "Debian")
            .with("ansible_ssh_common_args", "-o ProxyCommand=evil")
            .with("ansible_become_exe", "/tmp/evil")
            .with("ansible_python_interpreter", "/tmp/evil")
            .with("ansible_ssh_host_key_ed25519_public", "AAAA");
        let refused = record.learn_facts(&facts);
        assert_eq!(
            refused,
            [
                "ansible_ssh_common_args",
                "ansible_become_exe",
                "ansible_python_interpreter"
            ]
        );
        assert_eq!(
            fact(&record.facts, "ansible_os_family"),
            Some(&Value::from("Debian"))
        );
        assert!(fact(&record.facts, "ansible_become_exe").is_none());
        assert!(fact(&record.facts, "ansible_ssh_host_key_ed25519_public").is_some());
    }
}
