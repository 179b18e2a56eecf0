//! The names that Ansible knows: modules of the `ansible` package with their redirects, filters, tests, lookups, action groups.
//!
//! The text files beside this one are recorded from ansible-core and its collections by `tests/names/record.py`. They are searched
//! as text when a playbook is loaded, line by collection; nothing is built at start. The loader and the checks ask here.

mod keywords;
mod modules;
mod plugins;

pub use keywords::Owner;
pub use modules::{Resolution, group_contains, group_name, module_names, resolve};
pub use plugins::{PluginKind, knows_plugin, plugin_names};
