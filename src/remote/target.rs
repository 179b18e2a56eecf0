//! What is known of a host before the first packet: the connection variables of the inventory.
//!
//! The engine fills a [`Target`] from `ansible_host`, `ansible_port`, `ansible_user` and their kin.

use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

/// A password or passphrase: wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Returns the text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Password(****)")
    }
}

/// A host to connect to, as the inventory and the command line describe it.
///
/// The precedence is that of Ansible's own command line for ssh: `ssh_args`, then the fields here, then
/// `ssh_common_args` and `ssh_extra_args`, then the configuration files.
#[derive(Debug, Clone)]
pub struct Target {
    /// The inventory's name of the host, for messages.
    pub name: String,
    /// `ansible_host`, or the name again.
    pub address: String,
    pub port: Option<u16>,
    pub user: Option<String>,
    pub password: Option<Password>,
    pub private_key_file: Option<PathBuf>,
    /// `ansible_ssh_args`; leave it empty for Ansible's default, which is about connection sharing and compression.
    pub ssh_args: String,
    pub ssh_common_args: String,
    pub ssh_extra_args: String,
    /// Ansible's `timeout`: how long a connection may take.
    pub timeout: Duration,
    pub host_key_checking: bool,
}

impl Target {
    /// Returns a target with Ansible's defaults.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            address: name.clone(),
            name,
            port: None,
            user: None,
            password: None,
            private_key_file: None,
            ssh_args: String::new(),
            ssh_common_args: String::new(),
            ssh_extra_args: String::new(),
            timeout: Duration::from_secs(10),
            host_key_checking: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_never_prints_itself() {
        let mut target = Target::new("web");
        target.password = Some(Password::new("hunter2"));
        assert!(!format!("{target:?}").contains("hunter2"));
    }
}
