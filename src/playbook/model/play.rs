//! Playbooks and plays.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::role::Role;
use super::scope::Scope;
use super::task::{Entry, Task};
use super::unsupported::Unsupported;
use crate::diag::Span;
use crate::value::Value;

/// A playbook with all that it imports.
#[derive(Clone, Debug)]
pub struct Playbook {
    /// The file.
    pub path: PathBuf,
    /// The plays in order, those of imported playbooks in their place.
    pub plays: Vec<Arc<Play>>,
}

/// One item of `vars_prompt`.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The variable.
    pub name: Arc<str>,
    /// What is asked; the variable's name where it is not given.
    pub prompt: Option<Value>,
    /// The answer where none is given.
    pub default: Option<Value>,
    /// What is typed is not shown; true where it is not given.
    pub private: bool,
    /// It is asked twice.
    pub confirm: bool,
    /// The answer is hashed with that scheme.
    pub encrypt: Option<Arc<str>>,
    /// How long a salt is made.
    pub salt_size: Option<Value>,
    /// The salt.
    pub salt: Option<Value>,
    /// The answer is never evaluated as a template.
    pub is_unsafe: bool,
    /// Where it was written.
    pub span: Span,
}

/// A play. Values may be templates that see extra variables and those of the play.
#[derive(Clone, Debug)]
pub struct Play {
    /// Its number, unique in a run.
    pub id: u32,
    /// Its name as written.
    pub name: Option<Value>,
    /// `hosts`: patterns.
    pub hosts: Vec<Value>,
    /// Its keywords; `scope.keywords.vars` are the play's variables.
    pub scope: Arc<Scope>,
    /// `gather_facts`
    pub gather_facts: Option<Value>,
    /// `gather_subset`
    pub gather_subset: Option<Value>,
    /// `gather_timeout`
    pub gather_timeout: Option<Value>,
    /// `fact_path`
    pub fact_path: Option<Value>,
    /// `vars_files`: names, or lists of names of which the first that exists counts.
    pub vars_files: Vec<Value>,
    /// `vars_prompt`
    pub vars_prompt: Vec<Prompt>,
    /// `serial`: numbers and percentages.
    pub serial: Vec<Value>,
    /// `strategy`
    pub strategy: Option<Value>,
    /// `order`
    pub order: Option<Value>,
    /// `max_fail_percentage`
    pub max_fail_percentage: Option<Value>,
    /// `force_handlers`
    pub force_handlers: Option<Value>,
    /// The conditions of the outermost `import_playbook` that has some: gathering facts is subject to them as well.
    pub gather_when: Vec<Value>,
    /// `pre_tasks`
    pub pre_tasks: Vec<Entry>,
    /// What the roles of `roles:` bring, dependencies first, each with its [`Entry::RoleEnd`].
    pub role_tasks: Vec<Entry>,
    /// `tasks`
    pub tasks: Vec<Entry>,
    /// `post_tasks`
    pub post_tasks: Vec<Entry>,
    /// All handlers known at load: of the roles, of the play, of imported roles. Of two with one name the later counts.
    pub handlers: Vec<Arc<Task>>,
    /// The roles of `roles:`, then those that `import_role` brings; dependencies are inside of them.
    pub roles: Vec<Arc<Role>>,
    /// What the play itself needs that kplay lacks.
    pub unsupported: Vec<Unsupported>,
    /// The file that it was written in.
    pub file: Arc<Path>,
    /// The folder of that file: `playbook_dir`.
    pub directory: Arc<Path>,
    /// Where it was written.
    pub span: Span,
}

impl Play {
    /// Returns what the play is called on the screen: its name, with `name` as rendered for the purpose, else its patterns.
    pub fn display_name(&self, name: Option<&str>) -> String {
        match name.filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => self
                .hosts
                .iter()
                .map(Value::to_text)
                .collect::<Vec<_>>()
                .join(","),
        }
    }

    /// Returns the four lists of tasks in the order in which they run. Handlers are flushed after the first, the third and
    /// the fourth.
    pub fn sections(&self) -> [&[Entry]; 4] {
        [
            &self.pre_tasks,
            &self.role_tasks,
            &self.tasks,
            &self.post_tasks,
        ]
    }
}
