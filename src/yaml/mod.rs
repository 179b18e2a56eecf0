//! YAML text into nodes that know their place.
//!
//! `saphyr-parser` gives events with marks; the loader here builds the tree, reads scalars as `PyYAML` does for Ansible (YAML
//! 1.1), joins merge keys, bounds what aliases may grow to, and explains mistakes. Playbooks are walked node by node;
//! variable files become values with [`Node::to_value`]. Called by `varfile`, `inventory`, `playbook` and the command line.

mod build;
mod explain;
mod json;
mod load;
mod locate;
mod node;
mod position;
mod scalar;
mod to_value;

pub use load::{Document, DuplicateKeys, LoadOptions, decode, load, load_bytes};
pub use locate::locate;
pub use node::{Node, NodeKind, Scalar, Style, Tag};
pub use scalar::resolve_plain;
pub use to_value::ValueOptions;
