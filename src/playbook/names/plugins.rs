//! Names of filters, tests and lookups.

use super::modules::{lines_of, words_of};

const FILTERS: &str = include_str!("filters.txt");
const TESTS: &str = include_str!("tests.txt");
const LOOKUPS: &str = include_str!("lookups.txt");

/// What sort of plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PluginKind {
    /// After `|`.
    Filter,
    /// After `is`.
    Test,
    /// In `lookup()` and after `with_`.
    Lookup,
}

impl PluginKind {
    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Test => "test",
            Self::Lookup => "lookup",
        }
    }

    fn table(self) -> &'static str {
        match self {
            Self::Filter => FILTERS,
            Self::Test => TESTS,
            Self::Lookup => LOOKUPS,
        }
    }
}

/// Tells whether Ansible has the plugin. Short names are those of ansible-core and Jinja.
pub fn knows_plugin(kind: PluginKind, name: &str) -> bool {
    let table = kind.table();
    let name = name
        .strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .unwrap_or(name);
    match name.rsplit_once('.') {
        Some((collection, rest)) => words_of(table, collection).any(|word| word == rest),
        None => ["ansible.builtin", "jinja2"]
            .iter()
            .any(|owner| words_of(table, owner).any(|word| word == name)),
    }
}

/// Returns the short names of a kind, for "did you mean".
pub fn plugin_names(kind: PluginKind) -> impl Iterator<Item = &'static str> {
    ["ansible.builtin", "jinja2"]
        .into_iter()
        .flat_map(move |owner| lines_of(kind.table(), owner))
        .flat_map(|line| line.split(' ').skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_known_by_short_and_full_name() {
        for (kind, name) in [
            (PluginKind::Filter, "combine"),
            (PluginKind::Filter, "ansible.builtin.combine"),
            (PluginKind::Filter, "upper"),
            (PluginKind::Filter, "ansible.utils.ipaddr"),
            (PluginKind::Test, "version"),
            (PluginKind::Test, "divisibleby"),
            (PluginKind::Lookup, "first_found"),
            (PluginKind::Lookup, "community.general.dig"),
        ] {
            assert!(knows_plugin(kind, name), "{} {name}", kind.name());
        }
        assert!(!knows_plugin(PluginKind::Filter, "combin"));
        assert!(!knows_plugin(PluginKind::Filter, "nobody.nowhere.combine"));
    }
}
