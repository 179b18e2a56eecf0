//! The tests (`is ...`), one file per family, and the table that names them.

mod compare;
mod files;
mod results;
mod tags;
mod types;
pub(crate) mod version;

use super::call::Call;
use super::error::TemplateError;

/// A test's function.
pub(crate) type TestFunction = fn(Call<'_>) -> Result<bool, TemplateError>;

/// All tests by their short names, sorted.
const TESTS: &[(&str, TestFunction)] = &[
    ("!=", compare::ne),
    ("<", compare::lt),
    ("<=", compare::le),
    ("==", compare::eq),
    (">", compare::gt),
    (">=", compare::ge),
    ("abs", files::abs),
    ("all", compare::all),
    ("any", compare::any),
    ("boolean", types::boolean),
    ("callable", types::callable),
    ("change", results::changed),
    ("changed", results::changed),
    ("contains", compare::contains),
    ("defined", types::defined),
    ("directory", files::directory),
    ("divisibleby", types::divisibleby),
    ("eq", compare::eq),
    ("equalto", compare::eq),
    ("escaped", types::callable),
    ("even", types::even),
    ("exists", files::exists),
    ("failed", results::failed),
    ("failure", results::failed),
    ("false", types::is_false),
    ("falsy", types::falsy),
    ("file", files::file),
    ("filter", types::filter),
    ("finished", results::finished),
    ("float", types::float),
    ("ge", compare::ge),
    ("greaterthan", compare::gt),
    ("gt", compare::gt),
    ("in", compare::is_in),
    ("integer", types::integer),
    ("is_abs", files::abs),
    ("is_dir", files::directory),
    ("is_file", files::file),
    ("is_link", files::link),
    ("is_mount", files::mount),
    ("is_same_file", files::same_file),
    ("isnan", types::nan),
    ("issubset", compare::subset),
    ("issuperset", compare::superset),
    ("iterable", types::iterable),
    ("le", compare::le),
    ("lessthan", compare::lt),
    ("link", files::link),
    ("link_exists", files::link_exists),
    ("lower", types::lower),
    ("lt", compare::lt),
    ("mapping", types::mapping),
    ("match", compare::match_),
    ("mount", files::mount),
    ("nan", types::nan),
    ("ne", compare::ne),
    ("none", types::none),
    ("number", types::number),
    ("odd", types::odd),
    ("reachable", results::reachable),
    ("regex", compare::regex),
    ("same_file", files::same_file),
    ("sameas", types::sameas),
    ("search", compare::search),
    ("sequence", types::sequence),
    ("skip", results::skipped),
    ("skipped", results::skipped),
    ("started", results::started),
    ("string", types::string),
    ("subset", compare::subset),
    ("succeeded", results::succeeded),
    ("success", results::succeeded),
    ("successful", results::succeeded),
    ("superset", compare::superset),
    ("test", types::test),
    ("timedout", results::timedout),
    ("true", types::is_true),
    ("truthy", types::truthy),
    ("undefined", types::undefined),
    ("unreachable", results::unreachable),
    ("upper", types::upper),
    ("uri", files::uri),
    ("url", files::url),
    ("urn", files::urn),
    ("vault_encrypted", files::vault_encrypted),
    ("vaulted_file", files::vaulted_file),
    ("version", version::version),
    ("version_compare", version::version),
];

/// Tests of collections by their full names, sorted.
const COLLECTIONS: &[(&str, TestFunction)] = &[
    ("ansible._protomatter.tagged", tags::tagged),
    ("ansible._protomatter.tagged_with", tags::tagged_with),
];

/// Returns the test of that name, short as `ansible.builtin.` or `ansible.legacy.`, or of a collection.
pub(crate) fn find(name: &str) -> Option<TestFunction> {
    let short = name
        .strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .unwrap_or(name);
    look_up(TESTS, short).or_else(|| look_up(COLLECTIONS, name))
}

fn look_up(table: &[(&str, TestFunction)], name: &str) -> Option<TestFunction> {
    let index = table
        .binary_search_by(|(known, _)| (*known).cmp(name))
        .ok()?;
    table.get(index).map(|(_, function)| *function)
}

/// Returns all names, for "did you mean".
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TESTS.iter().chain(COLLECTIONS).map(|(name, _)| *name)
}

#[cfg(test)]
mod table {
    #[test]
    fn is_sorted_and_without_repetition() {
        for table in [super::TESTS, super::COLLECTIONS] {
            assert!(table.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }
}
