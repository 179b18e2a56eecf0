//! kplay runs Ansible playbooks over SSH with nothing to install on the hosts.
//!
//! The floors, lowest first. A file may use its own folder and those listed above it here; the folders of floor 5 do not know
//! each other. `tests/it/architecture.rs` holds the tree to this.

// floor 0: ground, knows nothing of kplay
pub mod diag;
pub mod config;
pub mod http;
// floor 1: language
pub mod secrets;
pub mod value;
pub mod vars;
pub mod yaml;
pub mod sops;
pub mod template;
pub mod varfile;
pub mod pattern;
// floor 2: contract
pub mod kit;
pub mod wire;
// floor 3: capability
pub mod modules;
// floor 4: what a task means
pub mod step;
// floor 5: the two ends; none knows another
pub mod worker;
pub mod remote;
pub mod inventory;
pub mod playbook;
// floor 6: engine
pub mod engine;
// floor 7: voice
pub mod report;
// floor 8: door handle
pub mod cli;
