//! What every command stands on: settings, vault passwords, extra variables, inventory; loaded in this order, and what is wrong with
//! any of them said before anything else happens.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::options::{InventoryOptions, VaultOptions};
use super::{extra_vars, passwords};
use crate::config::{self, Environment, Origin, Settings, Shown};
use crate::diag::{Diagnostic, SourceMap};
use crate::inventory::{self, Inventory, SourceOptions, VarsDirectories, VarsDirectory};
use crate::pattern;
use crate::report::Printer;
use crate::secrets::{AgeKeys, AgeSettings, Secret, SopsFiles, VaultSecrets};
use crate::value::Dict;
use crate::varfile::Reader;
use crate::yaml::DuplicateKeys;

/// Settings, before anything else is read.
pub(super) struct Base {
    pub(super) environment: Environment,
    pub(super) sources: SourceMap,
    pub(super) settings: Arc<Settings>,
    pub(super) config_file: Option<PathBuf>,
    pub(super) shown: Vec<Shown>,
    /// What is odd so far.
    pub(super) warnings: Vec<Diagnostic>,
    /// Learns what comes out of vaults.
    pub(super) printer: Option<Printer>,
}

impl Base {
    /// Reads the configuration.
    pub(super) fn load(sources: &SourceMap) -> Result<Self, Vec<Diagnostic>> {
        let environment = Environment::of_process();
        let config = config::load(&environment, sources)?;
        Ok(Self {
            environment,
            sources: sources.clone(),
            settings: Arc::new(config.settings),
            config_file: config.file,
            shown: config.shown,
            warnings: config.warnings,
            printer: None,
        })
    }

    /// Gets the vault passwords.
    pub(super) fn vault(
        &mut self,
        options: &VaultOptions,
    ) -> Result<Arc<VaultSecrets>, Vec<Diagnostic>> {
        let (mut vault, warnings) = passwords::vault(options, &self.settings, &self.environment)
            .map_err(|error| vec![error])?;
        self.warnings.extend(warnings);
        self.sops(&mut vault);
        if let Some(printer) = self.printer.clone() {
            vault.set_listener(move |text| printer.learn(text));
        }
        Ok(Arc::new(vault))
    }

    /// Says where the age keys are and which variable files they are for.
    fn sops(&self, vault: &mut VaultSecrets) {
        let key = self.environment.variables.get("ANSIBLE_SOPS_AGE_KEY");
        let keys = AgeSettings {
            key: key.map(|key| Secret::from(key.as_str())),
            key_file: self.settings.sops_age_keyfile.clone(),
            ssh_key_file: self.settings.sops_age_ssh_keyfile.clone(),
        };
        vault.set_age(AgeKeys::new(self.environment.clone(), keys));
        // Nobody keeps such files beside an inventory for anything else; ansible-core wants to be told, and so may kplay.
        let told = self.shown.iter().any(|shown| {
            shown.name == "VARIABLE_PLUGINS_ENABLED" && !matches!(shown.origin, Origin::Default)
        });
        let named = &self.settings.vars_plugins;
        let wanted = !told || named.iter().any(|name| name == "community.sops.sops");
        let mut files = SopsFiles::from(&*self.settings);
        if !wanted || self.settings.sops_disabled {
            files.extensions.clear();
        }
        vault.set_sops_files(files);
    }
}

/// Hosts and variables.
pub(super) struct Ground {
    pub(super) vault: Arc<VaultSecrets>,
    pub(super) duplicates: DuplicateKeys,
    pub(super) extra: Dict,
    pub(super) inventory: Inventory,
    /// The sources as they were given, or configured.
    pub(super) inventory_sources: Vec<String>,
    pub(super) directories: VarsDirectories,
    /// `--limit`, its parts joined.
    pub(super) limit: Option<String>,
    /// The hosts that it leaves.
    pub(super) limited: Option<Vec<Arc<str>>>,
}

impl Ground {
    /// Loads what these options name. `beside` are the directories of the playbooks.
    pub(super) fn load(
        base: &mut Base,
        options: &InventoryOptions,
        beside: &[PathBuf],
    ) -> Result<Self, Vec<Diagnostic>> {
        let vault = base.vault(&options.vault)?;
        let settings = Arc::clone(&base.settings);
        let duplicates = DuplicateKeys::from(&*settings);
        let sources = base.sources.clone();
        let reader = Reader {
            sources: &sources,
            vault: &vault,
            duplicates,
        };
        let (extra, warnings) = extra_vars::read(&options.extra_vars, &reader)?;
        base.warnings.extend(warnings);
        let inventory_sources = match &*options.inventory {
            [] => settings
                .inventory
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
            given => given.to_vec(),
        };
        let shown = base.shown.iter();
        let source_options = SourceOptions {
            extra: extra.clone(),
            directory: base.environment.directory.clone(),
            settings: shown
                .map(|shown| (shown.name.to_owned(), shown.value.clone()))
                .collect(),
            only_proxmox: options.only_proxmox,
            ..SourceOptions::from(&*settings)
        };
        let loaded = inventory::load(&inventory_sources, &reader, &source_options)?;
        base.warnings.extend(loaded.warnings);
        if loaded.inventory.is_empty() && settings.localhost_warning {
            base.warnings.push(Diagnostic::warning(
                "no-hosts",
                "provided hosts list is empty, only localhost is available. Note that the implicit localhost does not match 'all'",
            ));
        }
        let mut ground = Self {
            directories: VarsDirectories {
                inventory: unique(&loaded.directories),
                playbook: unique(beside),
            },
            inventory: loaded.inventory,
            vault,
            duplicates,
            extra,
            inventory_sources,
            limit: (!options.limit.is_empty()).then(|| options.limit.join(",")),
            limited: None,
        };
        ground.apply_limit(base)?;
        Ok(ground)
    }

    fn apply_limit(&mut self, base: &mut Base) -> Result<(), Vec<Diagnostic>> {
        let Some(limit) = &self.limit else {
            return Ok(());
        };
        let wrong = |why: String| vec![Diagnostic::error("inventory-limit", why)];
        let patterns = pattern::read_limit(limit).map_err(wrong)?;
        let all = pattern::hosts(&self.inventory, &["all".to_owned()])
            .map_err(|error| wrong(error.to_string()))?;
        let left = pattern::limit(&self.inventory, all.hosts, &patterns)
            .map_err(|error| wrong(error.to_string()))?;
        for part in &left.unmatched {
            let text = format!("Could not match supplied host pattern, ignoring: {part}");
            base.warnings
                .push(Diagnostic::warning("host-pattern", text));
        }
        if left.hosts.is_empty() && !self.inventory.is_empty() {
            return Err(wrong("Specified inventory, host pattern and/or --limit leaves us with no hosts to target.".to_owned()));
        }
        self.limited = Some(left.hosts);
        Ok(())
    }

    /// Returns what reads variable files.
    pub(super) fn reader<'a>(&'a self, sources: &'a SourceMap) -> Reader<'a> {
        Reader {
            sources,
            vault: &self.vault,
            duplicates: self.duplicates,
        }
    }
}

fn unique(directories: &[PathBuf]) -> Vec<Arc<VarsDirectory>> {
    let mut seen: Vec<&Path> = Vec::new();
    let mut found = Vec::new();
    for directory in directories {
        if !seen.contains(&directory.as_path()) {
            seen.push(directory);
            found.push(Arc::new(VarsDirectory::new(directory)));
        }
    }
    found
}
