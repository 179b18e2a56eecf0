//! Reading the small files that the system describes itself in. Every group of facts uses it.

use crate::kit::Host;

/// Returns the trimmed text of a file, or nothing where it is empty, missing or not readable.
pub(super) fn content(path: &str, host: &dyn Host) -> Option<String> {
    let bytes = host.read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// Returns the whole text of a file, empty where it cannot be read.
pub(super) fn text(path: &str, host: &dyn Host) -> String {
    host.read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

/// Tells whether there is something of that name.
pub(super) fn exists(path: &str, host: &dyn Host) -> bool {
    matches!(host.status(path, true), Ok(Some(_)))
}

/// Returns the names in a directory, none where it cannot be read.
pub(super) fn names(path: &str, host: &dyn Host) -> Vec<String> {
    host.list(path)
        .map(|entries| entries.into_iter().map(|entry| entry.name).collect())
        .unwrap_or_default()
}

/// Reads `NAME=value` lines with shell quotes, as `/etc/os-release` has them.
pub(super) fn assignments(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.trim().split_once('='))
        .filter(|(name, _)| !name.starts_with('#'))
        .map(|(name, value)| {
            let value = value.trim().trim_matches(['"', '\'']);
            (
                name.trim().to_owned(),
                value.replace("\\\"", "\"").replace("\\$", "$"),
            )
        })
        .collect()
}
