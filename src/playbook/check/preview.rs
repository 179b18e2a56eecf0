//! What includes will bring, as far as their names are constant.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::verdict::{Selected, Verdicts, selected};
use crate::diag::{Diagnostic, Severity};
use crate::playbook::load::{Included, Loaded, Loader, RoleInclude};
use crate::playbook::model::{ActionKind, Entry, Play, Role, Task};
use crate::playbook::tags::TagSelection;
use crate::value::{Dict, Value};

/// How deep includes are followed.
const MAX_DEPTH: usize = 24;

/// A walk through a play and what it includes.
pub(super) struct Preview<'a> {
    loader: &'a Loader,
    play: &'a Play,
    tags: &'a TagSelection,
    /// What was brought already: an include in a file that includes itself, say.
    seen: BTreeSet<String>,
    depth: usize,
    /// Handlers of included roles.
    pub(super) handlers: Vec<Arc<Task>>,
    /// Tasks of what was included.
    pub(super) tasks: Vec<Arc<Task>>,
    /// Roles that were included.
    pub(super) roles: Vec<Arc<Role>>,
    /// Something is included of which only the run can tell what it is.
    pub(super) open: bool,
}

impl<'a> Preview<'a> {
    pub(super) fn new(loader: &'a Loader, play: &'a Play, tags: &'a TagSelection) -> Self {
        Self {
            loader,
            play,
            tags,
            seen: BTreeSet::new(),
            depth: 0,
            handlers: Vec::new(),
            tasks: Vec::new(),
            roles: Vec::new(),
            open: false,
        }
    }

    /// Goes through a list of tasks. `certain` says that nothing keeps a run away from the list.
    pub(super) fn entries(&mut self, entries: &[Entry], certain: bool, verdicts: &mut Verdicts) {
        for entry in entries {
            match entry {
                Entry::Task(task) => self.task(task, certain, verdicts),
                Entry::Block(block) => {
                    for section in [&block.block, &block.rescue, &block.always] {
                        self.entries(section, certain, verdicts);
                    }
                }
                Entry::RoleEnd(_) => {}
            }
        }
    }

    /// Goes through handlers.
    pub(super) fn tasks(&mut self, tasks: &[Arc<Task>], verdicts: &mut Verdicts) {
        for task in tasks {
            self.task(task, true, verdicts);
        }
    }

    fn task(&mut self, task: &Arc<Task>, certain: bool, verdicts: &mut Verdicts) {
        self.tasks.push(Arc::clone(task));
        let selection = selected(task, self.tags);
        verdicts.task(task, certain, selection);
        if selection == Selected::No {
            return;
        }
        let certain = certain && selection == Selected::Yes && !task.avoidable;
        let loaded = match &task.action.kind {
            ActionKind::IncludeTasks(include) => constant(&include.file).map(|file| {
                let key = format!("{}\n{file}\n{}", task.file.display(), task.handler);
                (key, Brought::Tasks(file))
            }),
            ActionKind::IncludeRole(include) => {
                let from = [
                    &include.from.tasks,
                    &include.from.vars,
                    &include.from.defaults,
                    &include.from.handlers,
                ];
                let known = from
                    .iter()
                    .all(|value| value.as_ref().is_none_or(|value| constant(value).is_some()));
                constant(&include.name).filter(|_| known).map(|name| {
                    let text = |value: &Option<Value>| value.as_ref().and_then(constant);
                    let role = RoleInclude {
                        name: name.clone(),
                        tasks_from: text(&include.from.tasks),
                        vars_from: text(&include.from.vars),
                        defaults_from: text(&include.from.defaults),
                        handlers_from: text(&include.from.handlers),
                        ..RoleInclude::default()
                    };
                    (
                        format!(
                            "role\n{name}\n{:?}\n{:?}\n{:?}",
                            role.tasks_from, role.vars_from, role.defaults_from
                        ),
                        Brought::Role(Box::new(role)),
                    )
                })
            }
            _ => return,
        };
        let Some((key, what)) = loaded else {
            self.open = true;
            return;
        };
        if !self.seen.insert(key) {
            return;
        }
        if self.depth >= MAX_DEPTH {
            self.open = true;
            return;
        }
        let loaded = match what {
            Brought::Tasks(file) => self
                .loader
                .include_tasks(self.play, task, &file, &Dict::new()),
            Brought::Role(role) => self
                .loader
                .include_role(self.play, task, &role, &Dict::new()),
        };
        self.brought(loaded, certain, verdicts);
    }

    fn brought(&mut self, loaded: Loaded<Included>, certain: bool, verdicts: &mut Verdicts) {
        verdicts.add(
            loaded
                .diagnostics
                .into_iter()
                .map(|mut diagnostic: Diagnostic| {
                    if !certain {
                        diagnostic.severity = Severity::Warning;
                    }
                    diagnostic
                }),
        );
        let Some(included) = loaded.item else {
            self.open = true;
            return;
        };
        self.depth += 1;
        self.entries(&included.tasks, false, verdicts);
        self.tasks(&included.handlers, verdicts);
        self.depth -= 1;
        self.handlers.extend(included.handlers);
        self.roles.extend(included.role);
    }
}

enum Brought {
    Tasks(String),
    Role(Box<RoleInclude>),
}

/// Returns the text of a value that is no template.
fn constant(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.contains("{{") && !text.contains("{%"))
        .map(str::to_owned)
}
