//! What the user should know of a connection: options that are not honoured, checks that are off.
//!
//! Each distinct warning is shown once in a run by the [`crate::remote::Connector`].

use super::Place;

/// Something about a connection's configuration that the user should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    /// The option would change or weaken the connection, and kplay does not have it.
    NotHonoured { option: String, place: Place },
    /// A list names algorithms, and kplay has only some of them.
    UnknownAlgorithms {
        option: String,
        names: Vec<String>,
        place: Place,
    },
    /// Host keys are accepted unseen.
    HostKeyCheckingOff { host: String },
    /// A key was accepted on first sight and written down.
    HostKeyAccepted {
        host: String,
        fingerprint: String,
        file: String,
    },
    /// A line of a `known_hosts` file could not be read.
    UnreadableKnownHost { place: String, problem: String },
}

impl std::fmt::Display for Warning {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotHonoured { option, place } => {
                write!(
                    formatter,
                    "{place}: `{option}` changes how ssh connects, and kplay does not honour it"
                )
            }
            Self::UnknownAlgorithms {
                option,
                names,
                place,
            } => {
                write!(
                    formatter,
                    "{place}: kplay does not have these of `{option}`: {}",
                    names.join(", ")
                )
            }
            Self::HostKeyCheckingOff { host } => write!(
                formatter,
                "host key checking is off for `{host}`: whoever answers there is believed"
            ),
            Self::HostKeyAccepted {
                host,
                fingerprint,
                file,
            } => write!(
                formatter,
                "accepted the new host key of `{host}` ({fingerprint}) into {file}"
            ),
            Self::UnreadableKnownHost { place, problem } => {
                write!(formatter, "{place}: line ignored: {problem}")
            }
        }
    }
}
