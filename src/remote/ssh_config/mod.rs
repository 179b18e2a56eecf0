//! OpenSSH's client configuration: files, `-o` options and ssh's command line, resolved for one host.
//!
//! [`parser`] turns text into lines with their place, [`walk`] goes through them as ssh does (Host, Match, Include; the
//! first value wins), [`settings`] gives the collected values types, [`tokens`] fills in `%h` and its kin, [`arguments`]
//! reads the words of `ansible_ssh_common_args`. The [`super::Connector`] resolves every host and jump host through
//! [`resolve`].

mod arguments;
mod error;
mod parser;
mod pattern;
mod settings;
mod tokens;
mod walk;
mod warning;

pub use arguments::{SshArguments, split_words};
pub use error::ConfigError;
pub use parser::{Line, Place};
pub use pattern::matches_list;
pub use settings::{
    AddressFamily, AgentChoice, HostKeyPolicy, HostSettings, JumpHost, Proxy, resolve,
};
pub use walk::{SourceFiles, Sources};
pub use warning::Warning;
