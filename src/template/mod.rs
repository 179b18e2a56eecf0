//! Templates: Jinja2's language with Python's rules, over [`crate::value::Value`].
//!
//! minijinja's parser reads the text; `syntax` turns its tree into ours; the evaluator, the filters, tests and lookups are our
//! own, because Python's operators, trust, secrets and the analysis before a run are the product.

mod analysis;
#[cfg(test)]
mod behaviour;
mod call;
mod context;
mod error;
mod evaluate;
mod file_variables;
mod filters;
mod format;
mod globals;
mod guard;
mod literal;
mod lookups;
mod loops;
pub mod machine;
mod methods;
mod operators;
mod place;
#[cfg(test)]
mod recorded;
mod settings;
mod syntax;
mod templar;
mod tests;
mod tree;

pub use analysis::{LookupUse, Uses};
pub use call::{Call, Callback, Keyword};
pub use context::{FileKind, FileStatus, LookupContext, ShellOutput};
pub use error::TemplateError;
pub(crate) use file_variables::file_variables;
pub(crate) use filters::numbers::size_of_text;
pub(crate) use filters::regex::{Flags, Pattern};
pub(crate) use filters::yaml_load::yaml_documents;
#[cfg(test)]
pub(crate) use lookups::fake::FakeController;
pub use lookups::fetch_url;
pub(crate) use methods::mapping::METHODS as DICT_METHODS;
pub use settings::FileSettings;
pub use templar::{Scope, Templar};

/// Tells whether kplay has the filter of that name.
pub fn has_filter(name: &str) -> bool {
    filters::find(name).is_some()
}

/// Tells whether kplay has the test of that name.
pub fn has_test(name: &str) -> bool {
    tests::find(name).is_some()
}

/// Tells whether kplay has the lookup of that name.
pub fn has_lookup(name: &str) -> bool {
    lookups::find(name).is_some()
}
