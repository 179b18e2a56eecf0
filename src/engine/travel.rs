//! Which steps can be evaluated on their host, and what has to go along.
//!
//! A step travels when everything that its expressions can reach is known here and now or comes to be known on the way: a closed
//! set of variables, no lookup that needs the controller, no delegation. In doubt it stays, and only its rendered arguments go to
//! the host.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::closure::{Closure, STEERING};
use super::common::Common;
use super::outside::Outside;
use super::run_state::RunState;
use super::scope::HostScope;
use crate::kit::{Entry, ModuleEntry, Need, Supplied, SuppliedContent};
use crate::step::FAILURE_VARIABLES;
use crate::value::{Dict, Value};
use crate::vars::{Layered, Level};
use crate::wire::{Batch, BatchStep, Binding, Course, LoopSource, Shared, Step};

/// Modules that work with files of the controller.
const WITH_FILES: [&str; 3] = [
    "ansible.builtin.copy",
    "ansible.builtin.script",
    "ansible.builtin.template",
];

/// A batch is closed when so much of the controller's files goes along.
const MOST_BYTES: usize = 1 << 22;

/// A batch in the making: steps of one host in order.
pub(super) struct Packer {
    batch: Batch,
    /// Where in the batch's variables the values of a name are.
    known: HashMap<Arc<str>, Vec<u32>>,
    whole_facts: bool,
    /// Names that steps of the batch set: their values are known on the host only.
    set: BTreeSet<Arc<str>>,
    /// A step sets names that the run alone can tell.
    sets_any: bool,
    /// A step gathers facts.
    gathers: bool,
    bytes: usize,
    /// Variables that steer steps and that the host has whatever its task is.
    steering: Option<Vec<&'static str>>,
}

impl Packer {
    pub(super) fn new(run: &RunState) -> Self {
        Self {
            batch: Batch {
                inject_facts: run.config.inject_facts_as_vars,
                ..Batch::default()
            },
            known: HashMap::new(),
            whole_facts: false,
            set: BTreeSet::new(),
            sets_any: false,
            gathers: false,
            bytes: 0,
            steering: None,
        }
    }

    /// Adds a step with all that it needs. Says whether it can travel in this batch. With `members_differ` the list of the play's
    /// hosts will be another one by then.
    pub(super) fn add(
        &mut self,
        step: Step,
        common: &Common,
        scope: &HostScope<'_>,
        hold: bool,
        members_differ: bool,
    ) -> bool {
        let needs = common.needs.as_ref();
        let Some(needs) = needs.filter(|_| self.bytes <= MOST_BYTES && can_travel(&step)) else {
            return false;
        };
        let mut closure = Closure::new(scope);
        let collected = closure
            .take(needs)
            .and_then(|()| self.steering(common, &mut closure))
            .and_then(|()| self.files(&step, common, &mut closure))
            .filter(|_| closure.close().is_some())
            .filter(|_| !(members_differ && closure.names_members()));
        let Some(supplied) = collected else {
            return false;
        };
        let Closure {
            bindings,
            facts,
            whole_facts,
            ..
        } = closure;
        self.take_facts(scope, &facts, whole_facts);
        let variables = bindings
            .into_iter()
            .map(|(name, (level, value))| self.intern(&name, level, value))
            .collect();
        self.note(&step);
        self.bytes += supplied
            .iter()
            .map(|(_, file)| match &file.content {
                SuppliedContent::Here(bytes) => bytes.len(),
                SuppliedContent::Tree(entries) => entries.len() * 128,
                SuppliedContent::Remote(_) => 0,
            })
            .sum::<usize>();
        self.batch.steps.push(BatchStep {
            step,
            variables,
            supplied,
            hold,
            course: Course::default(),
        });
        true
    }

    /// Takes up the variables that steer a step. Most hosts have none of them, which is found out once for all steps.
    fn steering(&mut self, common: &Common, closure: &mut Closure<'_>) -> Option<()> {
        let host = self.steering.get_or_insert_with(|| {
            let without_task = HostScope {
                task: None,
                ..closure.scope.clone()
            };
            let is_set = |name: &&str| without_task.find_with_level(name).is_some();
            STEERING.into_iter().filter(is_set).collect()
        });
        let names = host.iter().chain(&common.steering);
        names.into_iter().try_for_each(|name| closure.name(name))
    }

    /// Remembers that later steps may be told of a failure inside the batch.
    pub(super) fn expect_failure(&mut self) {
        for name in FAILURE_VARIABLES {
            if !self.set.contains(name) {
                self.set.insert(name.into());
            }
        }
    }

    /// Returns how many steps there are.
    pub(super) fn count(&self) -> usize {
        self.batch.steps.len()
    }

    /// Returns the batch, with what follows each of its steps.
    pub(super) fn finish(mut self, courses: Vec<Course>) -> Batch {
        for (step, course) in self.batch.steps.iter_mut().zip(courses) {
            step.course = course;
        }
        self.batch
    }

    /// Returns the number of a variable in the batch; equal ones travel once.
    fn intern(&mut self, name: &Arc<str>, level: Level, value: Value) -> u32 {
        let numbers = self.known.entry(name.clone()).or_default();
        let found = numbers.iter().find(|at| {
            usize::try_from(**at)
                .ok()
                .and_then(|at| self.batch.variables.get(at))
                .is_some_and(|binding| binding.level == level && binding.value.is_same(&value))
        });
        if let Some(at) = found {
            return *at;
        }
        let at = u32::try_from(self.batch.variables.len()).unwrap_or(u32::MAX);
        numbers.push(at);
        self.batch.variables.push(Binding {
            name: name.clone(),
            level,
            value,
        });
        at
    }

    fn take_facts(&mut self, scope: &HostScope<'_>, names: &BTreeSet<Arc<str>>, whole: bool) {
        let facts = &scope.record.facts;
        if self.whole_facts {
            return;
        }
        if whole {
            self.whole_facts = true;
            self.batch.facts.clone_from(facts);
            return;
        }
        for name in names {
            if let Some(value) = facts.get(name) {
                self.batch.facts.insert(name.clone(), value.clone());
            }
        }
    }

    /// Remembers what the step will have set.
    fn note(&mut self, step: &Step) {
        self.set.extend(step.register.clone());
        if &*step.module == "ansible.builtin.set_fact" {
            match step.arguments.as_dict() {
                Some(arguments) if step.argument_defaults.is_empty() => {
                    for name in arguments.keys().filter_map(|name| name.as_str()) {
                        self.sets_any |= name.contains("{{");
                        self.set.insert(name.into());
                    }
                }
                _ => self.sets_any = true,
            }
        }
        let short = step.module.rsplit('.').next().unwrap_or_default();
        self.gathers |= short == "setup" || short == "getent" || short.ends_with("facts");
    }

    /// Tells whether what the value renders to may be set by a step of this batch.
    fn is_open(&self, value: &Value, scope: &HostScope<'_>) -> bool {
        if self.sets_any {
            return true;
        }
        if self.set.is_empty() && !self.gathers {
            return false;
        }
        let mut seen: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut pending = vec![value.clone()];
        while let Some(value) = pending.pop() {
            let uses = scope.run.templar.uses(&value, None);
            for name in uses.variables() {
                if self.set.contains(name) || self.gathers && name.starts_with("ansible_") {
                    return true;
                }
                if seen.insert(name.clone())
                    && let Some((_, value)) = scope.find_with_level(name)
                {
                    pending.push(value);
                }
            }
        }
        false
    }

    /// Brings the controller's files that the step names. A template that is not known here and now makes the step wait: its text
    /// names variables too. Other files the host asks for when it comes to the step.
    fn files(
        &self,
        step: &Step,
        common: &Common,
        closure: &mut Closure<'_>,
    ) -> Option<Vec<(Need, Shared<Supplied>)>> {
        let Some(Entry::Module(entry)) = crate::modules::find(&step.module) else {
            return Some(Vec::new());
        };
        if !WITH_FILES.contains(&&*step.module) {
            return Some(Vec::new());
        }
        let is_template = &*step.module == "ansible.builtin.template";
        let otherwise = || (!is_template).then(Vec::new);
        let scope = closure.scope;
        let Some(arguments) = step
            .arguments
            .as_dict()
            .filter(|_| step.argument_defaults.is_empty())
        else {
            return otherwise();
        };
        let named = ["src", "cmd", "_raw_params"].map(|name| arguments.get(name));
        let source = step.looping.as_ref().map(|looping| match &looping.source {
            LoopSource::Items(items) => items,
            LoopSource::Lookup { terms, .. } => terms,
        });
        if named.iter().all(Option::is_none) && !is_template {
            return Some(Vec::new());
        }
        if named
            .into_iter()
            .flatten()
            .chain(source)
            .any(|value| self.is_open(value, scope))
        {
            return otherwise();
        }
        let Some(items) = loop_items(step, scope) else {
            return otherwise();
        };
        let mut supplied: Vec<(Need, Shared<Supplied>)> = Vec::new();
        for item in items {
            let Some(needs) = needs_of(entry, arguments, &item, scope) else {
                otherwise()?;
                continue;
            };
            for need in needs {
                if supplied.iter().any(|(known, _)| *known == need) {
                    continue;
                }
                match common.file(&need, scope) {
                    Ok(file) => {
                        closure.take(file.needs.as_ref()?)?;
                        supplied.push((need, file.supplied.clone()));
                    }
                    // The step says so when it comes to it.
                    Err(_) => drop(otherwise()?),
                }
            }
        }
        Some(supplied)
    }
}

/// Tells whether the step's kind of work can be done from its host alone.
fn can_travel(step: &Step) -> bool {
    if step.delegate_to.is_some()
        || step.asynchronous.is_some()
        || matches!(
            &*step.module,
            "ansible.builtin.fetch" | "ansible.builtin.raw"
        )
    {
        return false;
    }
    match crate::modules::find(&step.module) {
        Some(Entry::Control(entry)) => !entry.needs_controller(),
        Some(Entry::Module(_)) => true,
        None => false,
    }
}

/// Returns what each item of the step's loop adds to the variables; one empty dictionary where it has no loop.
pub(super) fn loop_items(step: &Step, scope: &HostScope<'_>) -> Option<Vec<Dict>> {
    let Some(looping) = &step.looping else {
        return Some(vec![Dict::new()]);
    };
    let outside = Outside { scope };
    let templates = scope.template_scope(Some(&outside));
    let templar = &scope.run.templar;
    let items: Vec<Value> = match &looping.source {
        LoopSource::Items(value) => templar.render(value, &templates).ok()?.as_list()?.to_vec(),
        LoopSource::Lookup { name, terms } => templar.loop_lookup(name, terms, &templates).ok()?,
    };
    let variable = match &looping.control.variable {
        Some(name) => templar.render(name, &templates).ok()?.to_text(),
        None => "item".to_owned(),
    };
    Some(
        items
            .into_iter()
            .map(|item| Dict::new().with(variable.as_str(), item))
            .collect(),
    )
}

/// Renders the arguments for an item and asks the module which files it needs. What cannot be rendered yet is none of the names.
fn needs_of(
    entry: &dyn ModuleEntry,
    arguments: &Dict,
    item: &Dict,
    scope: &HostScope<'_>,
) -> Option<Vec<Need>> {
    let outside = Outside { scope };
    let variables = Layered {
        first: item,
        then: scope,
    };
    let templates = crate::template::Scope {
        variables: &variables,
        ..scope.template_scope(Some(&outside))
    };
    let mut rendered = Dict::new();
    for (name, value) in arguments {
        match (name.as_str(), scope.run.templar.render(value, &templates)) {
            (Some("src"), Err(_)) => return None,
            (_, Ok(value)) if value.is_omit() => {}
            (_, Ok(value)) => drop(rendered.insert(name.clone(), value)),
            (_, Err(_)) => drop(rendered.insert(name.clone(), "/")),
        }
    }
    entry.prepare(&Value::dict(rendered)).ok()
}
