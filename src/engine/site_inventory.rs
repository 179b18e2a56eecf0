//! The inventory as the engine uses it: with the variable files beside it, and each host's layers read once.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::diag::{Diagnostic, SourceMap};
use crate::inventory::{HostId, Inventory, Layer, VarsDirectories};
use crate::pattern;
use crate::secrets::VaultSecrets;
use crate::value::Value;
use crate::varfile::Reader;
use crate::vars::Level;
use crate::yaml::DuplicateKeys;

/// Hosts, groups and their variables.
pub(super) struct SiteInventory {
    pub(super) inventory: Inventory,
    pub(super) directories: Arc<VarsDirectories>,
    sources: SourceMap,
    vault: Arc<VaultSecrets>,
    pub(super) duplicates: DuplicateKeys,
    layers: Mutex<HashMap<Arc<str>, Arc<Vec<Layer>>>>,
    groups: Mutex<Option<Value>>,
}

impl Clone for SiteInventory {
    /// What was remembered is not taken along: the clone is made to be changed.
    fn clone(&self) -> Self {
        Self {
            inventory: self.inventory.clone(),
            directories: self.directories.clone(),
            sources: self.sources.clone(),
            vault: self.vault.clone(),
            duplicates: self.duplicates,
            layers: Mutex::default(),
            groups: Mutex::default(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SiteInventory {
    pub(super) fn new(
        inventory: Inventory,
        directories: Arc<VarsDirectories>,
        sources: SourceMap,
        vault: Arc<VaultSecrets>,
        duplicates: DuplicateKeys,
    ) -> Self {
        Self {
            inventory,
            directories,
            sources,
            vault,
            duplicates,
            layers: Mutex::default(),
            groups: Mutex::default(),
        }
    }

    /// Forgets what was remembered of an inventory that has changed.
    pub(super) fn forget(&mut self) {
        self.layers = Mutex::default();
        self.groups = Mutex::default();
    }

    /// Reads a host's variables; an error names the file.
    pub(super) fn load(&self, host: &str) -> Result<Arc<Vec<Layer>>, Vec<Diagnostic>> {
        if let Some(layers) = lock(&self.layers).get(host) {
            return Ok(layers.clone());
        }
        let reader = Reader {
            sources: &self.sources,
            vault: &self.vault,
            duplicates: self.duplicates,
        };
        let layers = Arc::new(self.directories.layers(&self.inventory, host, &reader)?);
        lock(&self.layers).insert(host.into(), layers.clone());
        Ok(layers)
    }

    /// Returns the inventory's variable of that name, of the highest level.
    pub(super) fn find_variable(&self, host: &str, name: &str) -> Option<(Level, Value)> {
        // Files that cannot be read were reported when the play began.
        let layers = self.load(host).ok()?;
        layers.iter().rev().find_map(|layer| {
            layer
                .vars
                .get(name)
                .map(|value| (layer.level, value.clone()))
        })
    }

    /// Returns the names of all variables of the host.
    pub(super) fn variable_names(&self, host: &str) -> BTreeSet<Arc<str>> {
        let layers = self.load(host).unwrap_or_default();
        layers
            .iter()
            .flat_map(|layer| {
                layer
                    .vars
                    .keys()
                    .filter_map(|key| key.as_str().map(Arc::from))
            })
            .collect()
    }

    fn id(&self, host: &str) -> Option<HostId> {
        self.inventory.host(host)
    }

    /// Returns the groups of a host, sorted, without `all`.
    pub(super) fn group_names_of(&self, host: &str) -> Vec<Arc<str>> {
        self.id(host)
            .map(|id| self.inventory.group_names(id))
            .unwrap_or_default()
    }

    /// Returns what the variable `groups` holds.
    pub(super) fn groups_value(&self) -> Value {
        lock(&self.groups)
            .get_or_insert_with(|| self.inventory.groups_value())
            .clone()
    }

    /// Returns the folder of the source in which the host was first seen.
    pub(super) fn directory_of(&self, host: &str) -> Option<PathBuf> {
        self.inventory
            .inventory_dir(self.id(host)?)
            .map(std::path::Path::to_path_buf)
    }

    /// Returns the source in which the host was first seen.
    pub(super) fn file_of(&self, host: &str) -> Option<String> {
        self.inventory
            .inventory_file(self.id(host)?)
            .map(ToOwned::to_owned)
    }

    /// Returns all hosts in order.
    pub(super) fn host_names(&self) -> Vec<Arc<str>> {
        self.inventory
            .host_ids()
            .map(|id| self.inventory.host_name(id))
            .collect()
    }

    /// Tells whether the host is in the inventory.
    pub(super) fn lists(&self, host: &str) -> bool {
        self.id(host).is_some()
    }

    /// Tells whether `hostvars` knows the host: one of the inventory, or the implicit localhost.
    pub(super) fn knows(&self, host: &str) -> bool {
        self.lists(host) || pattern::LOCALHOST.contains(&host)
    }

    /// Returns the hosts that a pattern names; the error is a fragment.
    pub(super) fn matching(&self, text: &str) -> Result<Vec<Arc<str>>, String> {
        let matched = pattern::hosts(&self.inventory, &pattern::split(text))
            .map_err(|error| error.to_string())?;
        Ok(matched.hosts)
    }
}
