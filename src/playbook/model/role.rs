//! A role as one place uses it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::diag::Span;
use crate::value::{Dict, Value};

/// A role as `roles:`, a dependency, an import or an include uses it. Its tasks and handlers are not here but in the lists
/// that they run in; they know it through their [`super::Scope`].
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name, as shown in `ROLE : TASK`.
    pub name: Arc<str>,
    /// Its folder.
    pub path: PathBuf,
    /// The same for all uses of a role that count as one within a play: such a role runs once unless `allow_duplicates`.
    pub identity: u32,
    /// `allow_duplicates`
    pub allow_duplicates: bool,
    /// Its defaults and vars are visible to the whole play.
    pub public: bool,
    /// It was brought by `import_role` or `include_role` rather than listed.
    pub from_include: bool,
    /// `defaults/`
    pub defaults: Dict,
    /// `vars/`
    pub vars: Dict,
    /// Parameters: what stands beside the keywords in `roles:` and `dependencies:`.
    pub parameters: Dict,
    /// `vars:` where it is used.
    pub keyword_vars: Dict,
    /// What it depends on, in order; each runs before it.
    pub dependencies: Vec<Arc<Role>>,
    /// What its task file's argument specification wants, if there is one: `options` of the entry point.
    pub argument_spec: Option<Value>,
    /// Where it is used.
    pub span: Span,
}

impl Role {
    /// Returns all roles that this one depends on, deepest first, as they run.
    pub fn all_dependencies(&self) -> Vec<&Arc<Self>> {
        let mut all = Vec::new();
        for dependency in &self.dependencies {
            all.extend(dependency.all_dependencies());
            all.push(dependency);
        }
        all
    }
}
