//! The lookups, one file per family, and the table that names them.

#![expect(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "all lookups have the signature of the table, whether they need all of it or not"
)]

#[cfg(test)]
mod cases;
#[cfg(test)]
pub(crate) mod fake;
pub(crate) mod csvfile;
mod fetch;
mod file;
mod find;
pub(crate) mod ini;
mod lists;
mod sequence;
mod subelements;
mod options;
mod password;
#[cfg(test)]
mod recorded;
mod settings;
mod shell;
mod sops;
mod template;
mod url;
mod variables;

pub use fetch::fetch_url;

use super::call::{Callback, Keyword};
use super::error::TemplateError;
use crate::diag::Span;
use crate::value::Value;

/// One use of a lookup.
pub(crate) struct LookupCall<'a> {
    /// The name as it was written.
    pub(crate) name: &'a str,
    /// Where it stands.
    pub(crate) span: Span,
    /// It makes the items of a `with_NAME:` loop.
    pub(crate) looped: bool,
    /// The evaluator.
    pub(crate) evaluator: &'a dyn Callback,
}

/// A lookup's function.
pub(crate) type LookupFunction = fn(
    terms: Vec<Value>,
    named: Vec<Keyword>,
    call: &LookupCall<'_>,
) -> Result<Vec<Value>, TemplateError>;

/// What a lookup gives.
type Results = Result<Vec<Value>, TemplateError>;

/// All lookups of ansible-core by their short names, sorted.
const BUILTIN: &[(&str, LookupFunction)] = &[
    ("config", settings::config),
    ("csvfile", csvfile::csvfile),
    ("dict", lists::dict),
    ("env", settings::env),
    ("file", file::file),
    ("fileglob", find::fileglob),
    ("first_found", find::first_found),
    ("indexed_items", lists::indexed_items),
    ("ini", ini::ini),
    ("inventory_hostnames", settings::inventory_hostnames),
    ("items", lists::items),
    ("lines", shell::lines),
    ("list", lists::list),
    ("nested", lists::nested),
    ("password", password::password),
    ("pipe", shell::pipe),
    ("random_choice", lists::random_choice),
    ("sequence", sequence::sequence),
    ("subelements", subelements::subelements),
    ("template", template::template),
    ("together", lists::together),
    ("unvault", file::unvault),
    ("url", url::url),
    ("varnames", variables::varnames),
    ("vars", variables::vars),
];

/// Lookups of `community.general` that were ansible-core's once, and that its short names still reach.
const MOVED: &[(&str, LookupFunction)] = &[
    ("cartesian", lists::cartesian),
    ("flattened", lists::flattened),
];

/// Those of `community.sops`.
const SOPS: &[(&str, LookupFunction)] = &[("sops", sops::sops)];

/// Returns the lookup of that name.
pub(crate) fn find(name: &str) -> Option<LookupFunction> {
    let within = |table: &[(&str, LookupFunction)], short: &str| {
        let index = table
            .binary_search_by(|(known, _)| (*known).cmp(short))
            .ok()?;
        table.get(index).map(|(_, function)| *function)
    };
    if let Some(short) = name.strip_prefix("community.general.") {
        return within(MOVED, short);
    }
    if let Some(short) = name.strip_prefix("community.sops.") {
        return within(SOPS, short);
    }
    let short = ["ansible.builtin.", "ansible.legacy."]
        .iter()
        .find_map(|collection| name.strip_prefix(collection))
        .unwrap_or(name);
    within(BUILTIN, short).or_else(|| within(MOVED, short))
}

/// Returns all short names, sorted, for "did you mean".
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let mut all: Vec<&'static str> = BUILTIN.iter().chain(MOVED).map(|(name, _)| *name).collect();
    all.sort_unstable();
    all.into_iter()
}

#[cfg(test)]
mod table {
    use super::*;

    #[test]
    fn is_sorted_and_without_repetition() {
        for table in [BUILTIN, MOVED] {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
        let names: Vec<_> = names().collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(names.iter().all(|name| find(name).is_some()));
    }

    #[test]
    fn full_names_reach_their_own_collection_alone() {
        assert!(find("ansible.builtin.file").is_some() && find("ansible.legacy.file").is_some());
        assert!(find("community.general.flattened").is_some());
        assert!(find("community.general.file").is_none() && find("other.file").is_none());
    }
}
