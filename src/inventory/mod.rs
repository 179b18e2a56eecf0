//! The inventory: hosts, groups and their variables, from INI and YAML files, directories, lists of hosts and
//! Proxmox VE, with `group_vars/` and `host_vars/` beside it.
//!
//! `cli` loads it, the engine asks it for patterns and for each host's variables by level; `kplay inventory` prints it.

mod constructed;
mod controller;
mod data;
mod ini;
mod literal;
mod load;
mod options;
mod output;
mod proxmox;
mod range;
mod shlex;
mod static_yaml;
mod variables;
mod yaml;

pub use data::{GroupId, HostId, InvalidNames, Inventory, InventoryError};
pub use load::{Loaded, load};
pub use options::{DEFAULT_IGNORED_EXTENSIONS, SourceOptions};
pub use output::{Shown, graph_text, host_json, list_json};
pub use static_yaml::static_yaml;
pub use variables::{Layer, VarsDirectories, VarsDirectory, merge};
