//! What the steps of a task have in common, whichever host does it: found out once, by the dispatcher, for all of them.
//!
//! A thousand hosts do the same hundred tasks. What differs from host to host is a step's number, the host's name, perhaps the
//! task's name, and what the variables are that it names.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::closure::{Needs, STEERING};
use super::contents::Version;
use super::outside::Outside;
use super::perform::shown_name;
use super::run_state::RunState;
use super::scope::HostScope;
use super::specification;
use crate::kit::{Need, NeedKind, Supplied, SuppliedContent};
use crate::playbook::{Scope, Task};
use crate::template::LookupContext as _;
use crate::wire::{Shared, Step, StepId, StepTask};

/// A task for all hosts.
#[derive(Debug)]
pub(super) struct Common {
    task: Shared<StepTask>,
    /// The task's name as shown, where it is the same for all.
    name: Option<Arc<str>>,
    /// What its texts name; nothing where no closed set holds it.
    pub(super) needs: Option<Needs>,
    /// Those of [`STEERING`] that are set by the task, what is around it, or its roles.
    pub(super) steering: Vec<&'static str>,
    files: Mutex<Vec<(Need, Version, Arc<File>)>>,
}

/// How many files of a task are kept for its other hosts.
const MOST_FILES: usize = 64;

/// A file of the controller that goes along with a step.
#[derive(Debug)]
pub(super) struct File {
    pub(super) supplied: Shared<Supplied>,
    /// What a template's text names; nothing where no closed set holds it.
    pub(super) needs: Option<Needs>,
}

impl Common {
    pub(super) fn of(task: &Task, run: &RunState) -> Self {
        let specification = specification::task(task, run);
        let name = task.name.as_ref();
        let is_constant = name.is_none_or(|name| {
            let text = name.as_str();
            text.is_some_and(|text| !run.templar.is_template(text))
        });
        Self {
            name: is_constant.then(|| {
                let text = name.and_then(|name| name.as_str());
                task.display_name(text).into()
            }),
            needs: Needs::of(&specification, &run.templar),
            steering: STEERING
                .into_iter()
                .filter(|name| sets(&task.scope, name))
                .collect(),
            task: Shared::new(specification),
            files: Mutex::default(),
        }
    }

    /// Brings a file that the task needs on a host. One that other hosts need too is looked for and read once, as long as nobody
    /// changes it, unless it holds secrets or is a directory.
    pub(super) fn file(&self, need: &Need, scope: &HostScope<'_>) -> Result<Arc<File>, String> {
        let mut key = need.clone();
        if let NeedKind::Rendered(settings) = &mut key.kind {
            // The file is the same wherever it goes.
            settings.destination.clear();
        }
        let known = self
            .files()
            .iter()
            .find(|(known, ..)| *known == key)
            .cloned();
        if let Some((_, version, file)) = known
            && Version::of(&version.path).is_ok_and(|now| now == version)
        {
            return Ok(file);
        }
        let (run, outside) = (scope.run, Outside { scope });
        // Before it is read: a change meanwhile is seen by the next host.
        let found = outside.find_file(need.place, need.name.trim_end_matches('/'));
        let version = found
            .ok()
            .flatten()
            .and_then(|path| Version::of(&path).ok());
        let supplied = run.contents.supply(need, &outside)?;
        let needs = match &need.kind {
            NeedKind::Rendered(settings) => Needs::of_template(&supplied, settings, &run.templar),
            _ => Some(Needs::default()),
        };
        let is_kept = !supplied.secret && !matches!(supplied.content, SuppliedContent::Tree(_));
        let file = Arc::new(File {
            supplied: Shared::new(supplied),
            needs,
        });
        let mut files = self.files();
        files.retain(|(known, ..)| *known != key);
        if let Some(version) = version.filter(|_| is_kept && files.len() < MOST_FILES) {
            files.push((key, version, file.clone()));
        }
        Ok(file)
    }

    fn files(&self) -> MutexGuard<'_, Vec<(Need, Version, Arc<File>)>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the step that the task is on a host.
    pub(super) fn step(&self, task: &Task, id: StepId, scope: &HostScope<'_>) -> Step {
        let name = self.name.clone();
        Step {
            id,
            name: name.unwrap_or_else(|| shown_name(task, scope).into()),
            host: scope.host.clone(),
            task: self.task.clone(),
        }
    }
}

/// Tells whether a name is set by a task itself: by one of the links around it, or by a role that it is in.
fn sets(scope: &Scope, name: &str) -> bool {
    let in_links = scope
        .chain()
        .any(|link| link.keywords.vars.get(name).is_some());
    in_links
        || scope.roles().any(|role| {
            let dicts = [
                &role.parameters,
                &role.keyword_vars,
                &role.vars,
                &role.defaults,
            ];
            dicts.into_iter().any(|dict| dict.get(name).is_some())
        })
}
