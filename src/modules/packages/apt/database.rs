//! What is installed, from dpkg's own database; no process is needed to see that a host has what it shall have.

use std::collections::BTreeMap;

use crate::kit::{Failure, Host};

const STATUS: &str = "/var/lib/dpkg/status";
const EXTENDED: &str = "/var/lib/apt/extended_states";

/// A package that dpkg knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) version: String,
    /// It is installed, rather than removed with its configuration left.
    pub(super) installed: bool,
    /// Something of it is on the disk.
    pub(super) has_files: bool,
    provides: Vec<String>,
}

/// All packages that dpkg knows, by name (of the host's own architecture) and by `name:architecture`.
#[derive(Debug, Default)]
pub(super) struct Database {
    packages: BTreeMap<String, Package>,
    automatic: Vec<String>,
}

impl Database {
    /// Reads it.
    pub(super) fn read(host: &dyn Host) -> Result<Self, Failure> {
        let mut database = Self::default();
        if host.status(STATUS, true)?.is_none() {
            return Err(Failure::new(format!(
                "this host has no `{STATUS}`: it is no Debian system"
            )));
        }
        let text = String::from_utf8_lossy(&host.read(STATUS)?).into_owned();
        for stanza in text.split("\n\n") {
            let field = |name: &str| field(stanza, name);
            let (Some(name), Some(status)) = (field("Package"), field("Status")) else {
                continue;
            };
            let state = status.rsplit(' ').next().unwrap_or_default();
            let package = Package {
                version: field("Version").unwrap_or_default().to_owned(),
                installed: state == "installed",
                has_files: state != "not-installed",
                provides: field("Provides")
                    .unwrap_or_default()
                    .split(',')
                    .filter_map(|name| name.split_whitespace().next().map(str::to_owned))
                    .collect(),
            };
            if let Some(architecture) = field("Architecture") {
                database
                    .packages
                    .insert(format!("{name}:{architecture}"), package.clone());
            }
            // A foreign architecture's package must not hide the own one's.
            match database.packages.get(name) {
                Some(known) if known.installed => {}
                _ => {
                    database.packages.insert(name.to_owned(), package);
                }
            }
        }
        let extended = host.read(EXTENDED).unwrap_or_default();
        for stanza in String::from_utf8_lossy(&extended).split("\n\n") {
            if field(stanza, "Auto-Installed") == Some("1")
                && let Some(name) = field(stanza, "Package")
            {
                database.automatic.push(name.to_owned());
            }
        }
        Ok(database)
    }

    /// Returns an installed package.
    pub(super) fn installed(&self, name: &str) -> Option<&Package> {
        self.packages.get(name).filter(|package| package.installed)
    }

    /// Tells whether something of the package is on the disk.
    pub(super) fn has_files(&self, name: &str) -> bool {
        self.packages
            .get(name)
            .is_some_and(|package| package.has_files)
    }

    /// Tells whether apt has installed it for another package's sake.
    pub(super) fn is_automatic(&self, name: &str) -> bool {
        let plain = name.split(':').next().unwrap_or(name);
        self.automatic.iter().any(|known| known == plain)
    }

    /// Returns the names of installed packages.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.packages
            .iter()
            .filter(|(name, package)| package.has_files && !name.contains(':'))
            .map(|(name, _)| name.as_str())
    }

    /// Returns an installed package that provides that name.
    pub(super) fn provider(&self, name: &str) -> Option<&str> {
        self.packages
            .iter()
            .find(|(_, package)| {
                package.installed && package.provides.iter().any(|provided| provided == name)
            })
            .map(|(name, _)| name.split(':').next().unwrap_or(name))
    }
}

fn field<'t>(stanza: &'t str, name: &str) -> Option<&'t str> {
    stanza
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim)
}
