//! Why a host could not be reached, in words a user can act on.
//!
//! Every failure to connect ends as a [`ConnectError`]: where (the inventory name, address, port and user), what happened
//! ([`Failure`]) and what to do about it ([`ConnectError::help`]). The engine turns it into an `unreachable` host.

use std::path::PathBuf;
use std::time::Duration;

use super::host_key::HostKeyRefusal;
use super::ssh_config::ConfigError;

/// A host that could not be reached.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect to `{host}` ({place}): {failure}")]
pub struct ConnectError {
    /// The name of the host in the inventory.
    pub host: String,
    pub place: Place,
    #[source]
    pub failure: Box<Failure>,
}

/// Where a connection was going.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub user: String,
    pub address: String,
    pub port: u16,
    /// The jump host at which the connection failed, if it was one.
    pub jump: Option<String>,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            user,
            address,
            port,
            jump,
        } = self;
        if address.contains(':') {
            write!(formatter, "{user}@[{address}]:{port}")?;
        } else {
            write!(formatter, "{user}@{address}:{port}")?;
        }
        match jump {
            Some(jump) => write!(formatter, " by way of jump host `{jump}`"),
            None => Ok(()),
        }
    }
}

/// The step of a connection that ran out of time or broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    NameLookup,
    TcpConnect,
    ProxyCommand,
    KeyExchange,
    Authentication,
    OpeningChannel,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::NameLookup => "looking up its address",
            Self::TcpConnect => "opening the TCP connection",
            Self::ProxyCommand => "starting its ProxyCommand",
            Self::KeyExchange => "waiting for the SSH banner and key exchange",
            Self::Authentication => "authenticating",
            Self::OpeningChannel => "opening a channel",
        })
    }
}

/// What happened.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("host name `{name}` not found")]
    NameNotFound { name: String },
    #[error("{phase} took longer than {} s", limit.as_secs())]
    Timeout { phase: Phase, limit: Duration },
    #[error("connection refused")]
    Refused,
    #[error("{phase} failed: {source}")]
    Network {
        phase: Phase,
        #[source]
        source: std::io::Error,
    },
    #[error("the connection was closed while {phase}{}", detail.as_ref().map(|text| format!(": {text}")).unwrap_or_default())]
    Closed {
        phase: Phase,
        detail: Option<String>,
    },
    #[error("what answers there does not speak SSH")]
    NotSsh,
    #[error("no common {kind} algorithm: kplay offers {}, the host {}", ours.join(", "), theirs.join(", "))]
    NoCommonAlgorithm {
        kind: String,
        ours: Vec<String>,
        theirs: Vec<String>,
    },
    #[error(transparent)]
    HostKey(#[from] HostKeyRefusal),
    #[error("permission denied: {}", describe_attempts(attempts, server_methods))]
    Authentication {
        attempts: Vec<Attempt>,
        server_methods: Vec<String>,
    },
    #[error("the SSH protocol broke while {phase}: {source}")]
    Protocol {
        phase: Phase,
        #[source]
        source: russh::Error,
    },
    #[error("the jump host refuses to reach `{destination}`: {reason}")]
    JumpRefused { destination: String, reason: String },
    #[error("ProxyCommand `{command}` failed: {detail}")]
    ProxyCommand { command: String, detail: String },
    #[error("the chain of jump hosts is longer than {limit}, or leads back to itself")]
    TooManyJumps { limit: usize },
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// One try to authenticate and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What was tried, as `key /home/me/.ssh/id_ed25519 (SHA256:...)`.
    pub what: String,
    pub outcome: AttemptOutcome,
}

/// How one try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptOutcome {
    Rejected,
    /// Never sent, and why.
    Unusable(String),
    /// The server accepted it and wants another method as well.
    Partial,
}

fn describe_attempts(attempts: &[Attempt], server_methods: &[String]) -> String {
    let tried = if attempts.is_empty() {
        "there is no key, agent or password to try".to_owned()
    } else {
        attempts
            .iter()
            .map(|attempt| match &attempt.outcome {
                AttemptOutcome::Rejected => format!("{} was rejected", attempt.what),
                AttemptOutcome::Unusable(why) => format!("{} {why}", attempt.what),
                AttemptOutcome::Partial => {
                    format!("{} was accepted but is not enough", attempt.what)
                }
            })
            .collect::<Vec<_>>()
            .join("; ")
    };
    if server_methods.is_empty() {
        tried
    } else {
        format!("{tried} (the host accepts {})", server_methods.join(", "))
    }
}

/// The kind of a failure, for those who count or branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Network,
    Timeout,
    HostKey,
    Authentication,
    Configuration,
    Protocol,
}

impl ConnectError {
    /// Returns the kind of the failure.
    pub fn class(&self) -> Class {
        match &*self.failure {
            Failure::NameNotFound { .. }
            | Failure::Refused
            | Failure::Network { .. }
            | Failure::Closed { .. }
            | Failure::JumpRefused { .. }
            | Failure::ProxyCommand { .. } => Class::Network,
            Failure::Timeout { .. } => Class::Timeout,
            Failure::HostKey(_) => Class::HostKey,
            Failure::Authentication { .. } => Class::Authentication,
            Failure::TooManyJumps { .. } | Failure::Config(_) => Class::Configuration,
            Failure::NotSsh | Failure::NoCommonAlgorithm { .. } | Failure::Protocol { .. } => {
                Class::Protocol
            }
        }
    }

    /// Returns the next step for the user, if there is an obvious one.
    pub fn help(&self) -> Option<String> {
        let Place { user, port, .. } = &self.place;
        match &*self.failure {
            Failure::NameNotFound { name } => Some(format!(
                "set `ansible_host` for `{}`, or make `{name}` known to DNS or /etc/hosts",
                self.host
            )),
            Failure::Refused => Some(format!("is sshd running there, and on port {port}? Else set `ansible_port`")),
            Failure::Timeout { .. } => Some("is the host up, and no firewall in between? `--timeout` waits longer".to_owned()),
            Failure::NotSsh => Some(format!("is port {port} the one of sshd? Else set `ansible_port`")),
            Failure::HostKey(refusal) => refusal.help(),
            Failure::Authentication { attempts, .. } if attempts.is_empty() => Some(
                "load a key into ssh-agent, or set `ansible_ssh_private_key_file` or `ansible_password`".to_owned(),
            ),
            Failure::Authentication { .. } => Some(format!(
                "is one of these keys in the authorized_keys of `{user}` there? `ansible_user` sets another user"
            )),
            Failure::Closed {
                phase: Phase::Authentication,
                ..
            } => Some("too many keys are tried: name the right one in `ansible_ssh_private_key_file`, with `IdentitiesOnly yes` in ssh_config".to_owned()),
            _ => None,
        }
    }
}

/// The start of a command on a connection that stands already went wrong.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    #[error("the connection to `{host}` is lost")]
    ConnectionLost { host: String },
    #[error("`{host}` refuses to open a session channel: {reason}")]
    ChannelRefused { host: String, reason: String },
    #[error("opening a channel on `{host}` took longer than {} s", limit.as_secs())]
    Timeout { host: String, limit: Duration },
    #[error("cannot start `{}`: {source}", program.display())]
    Spawn {
        program: PathBuf,
        #[source]
        source: std::io::Error,
    },
}
