//! Facts: under which names they are kept and found, and which names no host may set.
//!
//! The engine keeps what a run has learned of each host in them, the worker what the steps of a batch have learned.

use std::collections::HashSet;
use std::ops::Deref;
use std::sync::Arc;

use crate::value::{Dict, Key, Kind, Value};

/// Facts of one host without the prefix `ansible_`, as `ansible_facts` holds them. Cloning is cheap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    known: Arc<Dict>,
    /// Those that were given without the prefix.
    bare: Arc<HashSet<Key>>,
}

impl Facts {
    /// Takes facts as modules return them: `ansible_os_family` is kept as `os_family`. Names that steer connections or kplay
    /// itself are refused and returned, so that a host cannot redirect what is done to it.
    pub fn learn(&mut self, facts: &Dict) -> Vec<String> {
        let mut refused = Vec::new();
        let known = Arc::make_mut(&mut self.known);
        for (name, value) in facts {
            let Some(text) = name.as_str() else { continue };
            if is_steering(text) {
                refused.push(text.to_owned());
                continue;
            }
            let short = short_name(text);
            if short == text {
                Arc::make_mut(&mut self.bare).insert(name.clone());
            } else if !self.bare.is_empty() {
                Arc::make_mut(&mut self.bare).remove(&Key::from(short));
            }
            known.insert(short, value.clone().untrusted());
        }
        refused
    }

    /// Returns the fact that a variable name means: `ansible_os_family` is `os_family`, other names only as they are.
    pub fn variable(&self, name: &str) -> Option<&Value> {
        name.strip_prefix("ansible_")?;
        self.known
            .get(short_name(name))
            .filter(|_| !is_steering(name))
    }

    /// Returns all of them under the names that modules gave them.
    pub fn under_given_names(&self) -> Dict {
        let named = |(name, value): (&Key, &Value)| {
            let full = match name.as_str() {
                Some(text) if !self.bare.contains(name) => format!("ansible_{text}").into(),
                _ => name.clone(),
            };
            (full, value.clone())
        };
        self.known.iter().map(named).collect()
    }

    /// Returns the key under which the fact of that variable is kept.
    pub fn key(variable: &str) -> &str {
        short_name(variable)
    }

    /// Returns all of them, as the variable `ansible_facts`.
    pub fn to_value(&self) -> Value {
        Value::new(Kind::Dict(self.known.clone()))
    }
}

impl Deref for Facts {
    type Target = Dict;

    fn deref(&self) -> &Dict {
        &self.known
    }
}

impl From<Dict> for Facts {
    fn from(known: Dict) -> Self {
        Self {
            known: Arc::new(known),
            bare: Arc::default(),
        }
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
pub fn is_steering(name: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t3_facts_cannot_steer_the_connection() {
        let mut facts = Facts::default();
        let refused = facts.learn(
            &Dict::new()
                .with("ansible_os_family", "Debian")
                .with("ansible_ssh_common_args", "-o ProxyCommand=evil")
                .with("ansible_become_exe", "/tmp/evil")
                .with("ansible_python_interpreter", "/tmp/evil")
                .with("ansible_ssh_host_key_ed25519_public", "AAAA"),
        );
        assert_eq!(
            refused,
            [
                "ansible_ssh_common_args",
                "ansible_become_exe",
                "ansible_python_interpreter"
            ]
        );
        let family = Value::from("Debian");
        assert_eq!(facts.variable("ansible_os_family"), Some(&family));
        assert!(facts.variable("os_family").is_none());
        assert!(facts.variable("ansible_become_exe").is_none());
        assert!(
            facts
                .variable("ansible_ssh_host_key_ed25519_public")
                .is_some()
        );
    }
}
