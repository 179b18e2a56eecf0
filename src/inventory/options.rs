//! How the sources of an inventory are read: what the configuration and the command line say about it. `cli` fills it in for `load`.

use std::collections::HashMap;
use std::path::PathBuf;

use super::data::InvalidNames;
use crate::config::Settings;
use crate::value::Dict;

/// Endings of names that are no inventory in a directory (`INVENTORY_IGNORE_EXTS`).
pub const DEFAULT_IGNORED_EXTENSIONS: [&str; 12] = [
    ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry",
];

/// How sources are read.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    /// What to do about group names that are no variable names.
    pub invalid_names: InvalidNames,
    /// Names in a directory with one of these endings are passed over.
    pub ignored_extensions: Vec<String>,
    /// Names in a directory that one of these regular expressions finds something in are passed over.
    pub ignored_patterns: Vec<String>,
    /// A source that cannot be read ends the run (`INVENTORY_ANY_UNPARSED_IS_FAILED`).
    pub any_unparsed_fails: bool,
    /// It ends the run when no source could be read (`INVENTORY_UNPARSED_IS_FAILED`).
    pub all_unparsed_fails: bool,
    /// It is said when no source could be read (`INVENTORY_UNPARSED_WARNING`).
    pub unparsed_warns: bool,
    /// The variables of the command line, which templates in sources may use.
    pub extra: Dict,
    /// Where templates in sources look for files: the working directory.
    pub directory: PathBuf,
    /// The configuration as the `config` lookup shows it.
    pub settings: HashMap<String, String>,
    /// Only sources of Proxmox VE are read.
    pub only_proxmox: bool,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            invalid_names: InvalidNames::default(),
            ignored_extensions: DEFAULT_IGNORED_EXTENSIONS.map(str::to_owned).to_vec(),
            ignored_patterns: Vec::new(),
            any_unparsed_fails: false,
            all_unparsed_fails: false,
            unparsed_warns: true,
            extra: Dict::new(),
            directory: PathBuf::from("."),
            settings: HashMap::new(),
            only_proxmox: false,
        }
    }
}

impl From<&Settings> for SourceOptions {
    fn from(settings: &Settings) -> Self {
        Self {
            invalid_names: match settings.force_valid_group_names.as_str() {
                "always" => InvalidNames::Always,
                "ignore" => InvalidNames::Ignore,
                "silently" => InvalidNames::Silently,
                _ => InvalidNames::Never,
            },
            ignored_extensions: settings.inventory_ignore_extensions.clone(),
            ignored_patterns: settings.inventory_ignore_patterns.clone(),
            any_unparsed_fails: settings.inventory_any_unparsed_is_failed,
            all_unparsed_fails: settings.inventory_unparsed_is_failed,
            unparsed_warns: settings.inventory_unparsed_warning,
            ..Self::default()
        }
    }
}
