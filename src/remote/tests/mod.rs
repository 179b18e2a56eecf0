//! Connections to a private sshd that each test starts on 127.0.0.1 as the current user.

mod agent_and_proxies;
mod broken_hosts;
mod host_keys;
mod logins;
mod passwords;
mod sshd;
mod timing;
mod workers;
