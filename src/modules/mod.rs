//! The modules, one file each, by family; and the table that names them.
//!
//! A new module is one file, its `mod` line in the family's `mod.rs`, and its line in the family's `ENTRIES`. Nothing here
//! touches the system by itself: everything goes through [`crate::kit::Host`].
#![warn(clippy::disallowed_methods)]

/// Names the modules of a family: their entries, and apart from these their manuals.
macro_rules! family {
    ($(Entry::$kind:ident::<$module:ty>()),* $(,)?) => {
        pub(super) const ENTRIES: &[crate::kit::Entry] = &[$(crate::kit::Entry::$kind::<$module>()),*];
        pub(super) const MANUALS: &[crate::kit::Manual] = &[$(crate::kit::Manual::$kind::<$module>()),*];
    };
}

mod commands;
mod control;
mod files;
mod kubernetes;
mod net;
mod packages;
mod paths;
mod services;
mod system;
mod users;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::kit::{Entry, Manual};

pub use system::setup::{NEEDED_GROUPS, fact_group};

/// The families in the order of the documentation; within each, modules are sorted by name.
pub const REGISTRY: &[&[Entry]] = &[
    commands::ENTRIES,
    control::ENTRIES,
    files::ENTRIES,
    kubernetes::ENTRIES,
    net::ENTRIES,
    packages::ENTRIES,
    services::ENTRIES,
    system::ENTRIES,
    users::ENTRIES,
];

const MANUALS: &[&[Manual]] = &[
    commands::MANUALS,
    control::MANUALS,
    files::MANUALS,
    kubernetes::MANUALS,
    net::MANUALS,
    packages::MANUALS,
    services::MANUALS,
    system::MANUALS,
    users::MANUALS,
];

/// Returns all modules.
pub fn all() -> impl Iterator<Item = Entry> {
    REGISTRY.iter().flat_map(|family| family.iter().copied())
}

/// Returns the module of that full name (`ansible.builtin.copy`) or redirected name; short names are resolved by the playbook.
pub fn find(name: &str) -> Option<Entry> {
    /// By names and aliases: each step of each host asks.
    static BY_NAME: LazyLock<HashMap<&str, Entry>> = LazyLock::new(|| {
        let names = |entry: Entry| {
            let meta = entry.meta();
            let aliases = meta.aliases.iter().copied();
            aliases.chain([meta.name]).map(move |name| (name, entry))
        };
        all().flat_map(names).collect()
    });
    BY_NAME.get(name).copied()
}

/// Returns the JSON Schema of a module's arguments, documentation included.
pub fn schema(entry: Entry) -> schemars::Schema {
    MANUALS
        .iter()
        .flat_map(|family| family.iter())
        .find(|manual| manual.meta.name == entry.meta().name)
        .map(|manual| (manual.schema)())
        .unwrap_or_default()
}
