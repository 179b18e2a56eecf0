//! Reaches a host and starts the worker on it.
//!
//! The engine builds a [`Target`] from a host's variables, asks the run's [`Connector`] for a [`Connection`] and starts
//! the worker over it with [`start_worker`]; from then on it owns the worker's [`Process`] and speaks the protocol of
//! `wire` over it. SSH is russh, configured by the user's own OpenSSH configuration; a local host is a child process with
//! the same face.

mod agent;
mod algorithms;
mod auth;
mod bytes;
mod client_handler;
pub mod connector;
pub mod error;
mod heard;
pub mod host_key;
pub mod known_hosts;
pub mod local;
pub mod local_user;
pub mod passphrase;
pub mod process;
pub mod push;
mod push_script;
mod resolve;
pub mod ssh;
pub mod ssh_config;
pub mod target;
mod transport;
pub mod worker_binary;

pub use connector::{Connection, Connector};
pub use error::{ConnectError, Failure, Phase};
pub use passphrase::PassphraseRequest;
pub use process::{Exit, Process};
pub use push::{StartError, Started, WorkerOrigin, start_worker};
pub use target::{Password, Target};
pub use worker_binary::{WorkerBinaries, WorkerBinary, WorkerBinaryError};

#[cfg(test)]
mod tests;
