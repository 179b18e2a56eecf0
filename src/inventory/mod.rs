//! The inventory: hosts, groups and their variables, from INI and YAML files, directories and lists of hosts, with
//! `group_vars/` and `host_vars/` beside it.
//!
//! `cli` loads it, the engine asks it for patterns and for each host's variables by level; `kplay inventory` prints it.

mod data;
mod ini;
mod literal;
mod load;
mod output;
mod range;
mod shlex;
mod variables;
mod yaml;

pub use data::{GroupId, HostId, InvalidNames, Inventory, InventoryError};
pub use load::{DEFAULT_IGNORED_EXTENSIONS, Loaded, SourceOptions, load};
pub use output::{Shown, graph_text, host_json, list_json};
pub use variables::{Layer, VarsDirectories, VarsDirectory, merge};
