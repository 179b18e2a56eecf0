//! The lookups, one file per family, and the table that names them.

mod files;
mod loops;
mod password;
mod settings;

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
    /// The evaluator.
    pub(crate) evaluator: &'a dyn Callback,
}

/// A lookup's function.
pub(crate) type LookupFunction = fn(
    terms: Vec<Value>,
    named: Vec<Keyword>,
    call: &LookupCall<'_>,
) -> Result<Vec<Value>, TemplateError>;

/// All lookups of ansible-core by their short names, sorted.
const BUILTIN: &[(&str, LookupFunction)] = &[
    ("config", settings::config),
    ("csvfile", files::csvfile),
    ("dict", loops::dict),
    ("env", settings::env),
    ("file", files::file),
    ("fileglob", files::fileglob),
    ("first_found", files::first_found),
    ("indexed_items", loops::indexed_items),
    ("ini", files::ini),
    ("inventory_hostnames", settings::inventory_hostnames),
    ("items", loops::items),
    ("lines", settings::lines),
    ("list", loops::list),
    ("nested", loops::nested),
    ("password", password::password),
    ("pipe", settings::pipe),
    ("random_choice", loops::random_choice),
    ("sequence", loops::sequence),
    ("subelements", loops::subelements),
    ("template", files::template),
    ("together", loops::together),
    ("unvault", files::unvault),
    ("url", settings::url),
    ("varnames", settings::varnames),
    ("vars", settings::vars),
];

/// Returns the lookup of that name.
pub(crate) fn find(name: &str) -> Option<LookupFunction> {
    let short = name
        .strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .unwrap_or(name);
    if matches!(short, "flattened" | "community.general.flattened") {
        return Some(loops::flattened);
    }
    let short = if short == "cartesian" || short == "community.general.cartesian" {
        "nested"
    } else {
        short
    };
    let index = BUILTIN
        .binary_search_by(|(known, _)| (*known).cmp(short))
        .ok()?;
    BUILTIN.get(index).map(|(_, function)| *function)
}

/// Returns all names, for "did you mean".
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod table {
    #[test]
    fn is_sorted_and_without_repetition() {
        assert!(super::BUILTIN.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
