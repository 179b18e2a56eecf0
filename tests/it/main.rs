//! The integration tests: one program, so that everything links once.
//!
//! Beside the files here: unit tests at the bottom of the files of `src`, and `tests/oracle`, which compares kplay with
//! ansible-core. `architecture.rs` fails for a file of this folder that has no `mod` line.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test may fail it, as the test itself may"
)]

mod architecture;
mod bad_input;
mod budget;
mod cli;
mod deployment;
mod golden;
mod graph;
mod jobs;
mod order;
mod report;
mod proxmox;
mod quickstart;
mod random;
mod reference;
mod registry;
mod roles;
mod sockets;
mod support;
