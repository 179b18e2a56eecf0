//! From files to the model.
//!
//! [`Loader`] lives as long as the run: `cli` and the engine load the playbook with it, and the engine comes back with each
//! `include_tasks` and `include_role` that a host reaches. Mistakes are collected, not thrown: one load reports all of them.

mod action;
mod arguments;
mod block;
mod documents;
mod entries;
mod include;
mod keywords;
mod lacks;
mod play;
mod playbook;
mod plugins;
mod role;
mod role_files;
mod search;
mod shape;
mod task;
mod templates;
#[cfg(test)]
mod tests;
mod variables;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::files::Files;
use super::model::{Entry, Playbook, Role, Scope, Task, TaskId};
use crate::diag::{Diagnostic, SourceMap};
use crate::secrets::VaultSecrets;
use crate::template::{Templar, TemplateError};
use crate::value::{Dict, Value};
use crate::yaml::{Document, DuplicateKeys};

pub use include::RoleInclude;
use role::RoleKey;

/// Renders the few values that must be known at load: names of imported files and roles.
pub trait Renderer: Send + Sync {
    /// Evaluates the templates in `value` with nothing but `variables`.
    fn render(&self, value: &Value, variables: &Dict) -> Result<Value, TemplateError>;
}

/// What a loader works with.
#[derive(Clone)]
pub struct Options {
    /// Where texts are kept.
    pub sources: SourceMap,
    /// The controller's files.
    pub files: Arc<dyn Files>,
    /// What vaults are opened with.
    pub vault: Arc<VaultSecrets>,
    /// What to do about duplicate keys.
    pub duplicates: DuplicateKeys,
    /// `roles_path`: where roles are looked for after `roles/` beside the playbook.
    pub roles_path: Vec<PathBuf>,
    /// `collections_path`: folders that hold `ansible_collections`.
    pub collections_path: Vec<PathBuf>,
    /// `library`: folders of Ansible modules outside of the project.
    pub library: Vec<PathBuf>,
    /// Variables of the command line (`-e`).
    pub extra: Dict,
    /// `private_role_vars`, where it is set.
    pub private_role_vars: Option<bool>,
    /// `invalid_task_attribute_failed`: an unknown keyword of a task is an error rather than a warning.
    pub strict_keywords: bool,
    /// For names that are templates.
    pub renderer: Arc<dyn Renderer>,
    /// Reads templates for the checks; shared with whoever evaluates them, since it remembers what it compiled.
    pub templar: Arc<Templar>,
}

/// Loads playbooks, and what they include while they run.
pub struct Loader {
    options: Options,
    next: AtomicU32,
    documents: Mutex<HashMap<PathBuf, Arc<Document>>>,
    roles: Mutex<Vec<(u32, RoleKey)>>,
}

/// What a load gave.
#[derive(Debug)]
pub struct Loaded<T> {
    /// The result, as far as it could be understood; nothing where there was nothing to understand.
    pub item: Option<T>,
    /// Mistakes and warnings, sorted by place. With an error among them the result must not run.
    pub diagnostics: Vec<Diagnostic>,
}

impl<T> Loaded<T> {
    /// Tells whether there is an error among the diagnostics.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// What `include_tasks` or `include_role` brought.
#[derive(Clone, Debug)]
pub struct Included {
    /// The tasks, in order.
    pub tasks: Vec<Entry>,
    /// Handlers that the play has from now on.
    pub handlers: Vec<Arc<Task>>,
    /// The role, for `include_role`.
    pub role: Option<Arc<Role>>,
    /// The file of tasks, for `include_tasks`.
    pub file: Option<PathBuf>,
}

impl Loader {
    /// Returns a loader that has read nothing yet.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            next: AtomicU32::new(1),
            documents: Mutex::default(),
            roles: Mutex::default(),
        }
    }

    /// Loads a playbook with all that it imports.
    pub fn playbook(&self, path: &Path) -> Loaded<Playbook> {
        let mut session = Session::new(self);
        let playbook = session.playbook(path);
        session.finish(playbook)
    }

    /// Returns the texts that were read.
    pub fn sources(&self) -> &SourceMap {
        &self.options.sources
    }

    fn number(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the number for a use of a role within a play: the same for uses that count as one.
    fn role_identity(&self, play: u32, key: RoleKey) -> u32 {
        let mut known = self.roles.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = (play, key);
        let index = known
            .iter()
            .position(|entry| *entry == wanted)
            .unwrap_or_else(|| {
                known.push(wanted);
                known.len() - 1
            });
        u32::try_from(index).unwrap_or(u32::MAX)
    }
}

/// One load.
struct Session<'a> {
    loader: &'a Loader,
    diagnostics: Vec<Diagnostic>,
    play: PlayState,
    /// What is being imported right now, outermost first: files, and for roles the file of tasks.
    importing: Vec<PathBuf>,
}

/// What is known of the play that is being loaded.
#[derive(Default)]
struct PlayState {
    id: u32,
    directory: PathBuf,
    vars_files: Vec<Value>,
    /// Roles so far; see [`super::Play::roles`].
    roles: Vec<Arc<Role>>,
    /// Handlers of imported roles.
    handlers: Vec<Arc<Task>>,
    /// Something before may have ended the play for a host (`meta: end_play` and the like).
    ended: bool,
    /// Folders with modules and other plugins of the project, that only Ansible can run.
    plugin_folders: Vec<PathBuf>,
}

/// Where a list of tasks stands.
#[derive(Clone)]
struct Place {
    /// What surrounds it.
    scope: Arc<Scope>,
    /// The file.
    file: Arc<Path>,
    /// They are handlers.
    handlers: bool,
    /// Something around them may keep a run away, conditions and other keywords aside.
    avoidable: bool,
}

impl Place {
    /// Returns the place below `scope`.
    fn inside(&self, scope: Arc<Scope>) -> Self {
        Self {
            scope,
            ..self.clone()
        }
    }
}

impl<'a> Session<'a> {
    fn new(loader: &'a Loader) -> Self {
        Self {
            loader,
            diagnostics: Vec::new(),
            play: PlayState::default(),
            importing: Vec::new(),
        }
    }

    fn finish<T>(self, item: Option<T>) -> Loaded<T> {
        let mut diagnostics = self.diagnostics;
        diagnostics.sort_by_key(|diagnostic| (!diagnostic.span().is_some(), diagnostic.span()));
        diagnostics.dedup();
        Loaded { item, diagnostics }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn task_id(&self) -> TaskId {
        TaskId(self.loader.number())
    }

    fn files(&self) -> &'a dyn Files {
        &*self.loader.options.files
    }

    fn options(&self) -> &'a Options {
        &self.loader.options
    }
}
