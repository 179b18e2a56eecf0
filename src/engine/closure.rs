//! What a step that travels needs of the variables: those that its texts name, and what these refer to in turn.
//!
//! `travel` asks for the closure of each step; nothing comes back where no closed set holds it (lookups that ask the controller,
//! `hostvars`, names that only the run can tell).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::scope::HostScope;
use crate::diag::Span;
use crate::kit::{Entry, Supplied, SuppliedContent, TemplateSettings};
use crate::template::{DICT_METHODS, FileSettings, Templar, Uses};
use crate::value::Value;
use crate::vars::{Facts, Level};
use crate::wire::{LoopSource, StepTask};

/// Lookups that work on their terms alone.
const SELF_CONTAINED: [&str; 9] = [
    "dict",
    "flattened",
    "indexed_items",
    "items",
    "list",
    "nested",
    "sequence",
    "subelements",
    "together",
];

/// Variables that steer a step besides those that its text names.
pub(super) const STEERING: [&str; 17] = [
    "ansible_become",
    "ansible_become_exe",
    "ansible_become_flags",
    "ansible_become_method",
    "ansible_become_pass",
    "ansible_become_password",
    "ansible_become_user",
    "ansible_sudo_exe",
    "ansible_sudo_flags",
    "ansible_sudo_pass",
    "ansible_sudo_password",
    "ansible_sudo_user",
    "ansible_su_exe",
    "ansible_su_flags",
    "ansible_su_pass",
    "ansible_su_password",
    "ansible_su_user",
];

/// Filters that look at the controller's files, home directories or vault secrets.
const OUTWARD_FILTERS: [&str; 7] = [
    "expanduser",
    "expandvars",
    "fileglob",
    "realpath",
    "relpath",
    "unvault",
    "vault",
];

/// Tests that look at the controller's files.
const OUTWARD_TESTS: [&str; 14] = [
    "directory",
    "exists",
    "file",
    "is_dir",
    "is_file",
    "is_link",
    "is_mount",
    "is_same_file",
    "link",
    "link_exists",
    "mount",
    "same_file",
    "abs",
    "is_abs",
];

/// Functions that ask the controller.
const OUTWARD_FUNCTIONS: [&str; 4] = ["lookup", "now", "q", "query"];

/// The play's hosts: those that have failed are left out.
const MEMBERS: [&str; 3] = ["ansible_play_batch", "ansible_play_hosts", "play_hosts"];

/// Names that no closed set can hold.
const OPEN: [&str; 2] = ["hostvars", "vars"];

/// The dictionary of all facts.
const FACTS: &str = "ansible_facts";

/// What a text needs.
#[derive(Clone, Copy)]
enum Needed<'a> {
    /// A variable by its name.
    Variable(&'a Arc<str>),
    /// A fact by its key.
    Fact(&'a Arc<str>),
}

/// Shows `take` what a text needs; nothing comes back where no closed set holds it.
fn each_needed(uses: &Uses, mut take: impl FnMut(Needed<'_>) -> Option<()>) -> Option<()> {
    if uses.dynamic || !uses.errors.is_empty() || !uses.lookups.is_empty() {
        return None;
    }
    let outward = |names: &BTreeMap<Arc<str>, Span>, known: &[&str]| {
        names
            .keys()
            .any(|name| known.contains(&name.rsplit('.').next().unwrap_or(name)))
    };
    if outward(&uses.filters, &OUTWARD_FILTERS)
        || outward(&uses.tests, &OUTWARD_TESTS)
        || outward(&uses.functions, &OUTWARD_FUNCTIONS)
    {
        return None;
    }
    // A variable may have the name of a function.
    for name in uses.functions.keys() {
        take(Needed::Variable(name))?;
    }
    uses.names.keys().try_for_each(|path| {
        let name = path.first()?;
        match path.get(1) {
            // `ansible_facts.get(x)` names no fact.
            Some(key) if &**name == FACTS && !DICT_METHODS.contains(&&**key) => {
                take(Needed::Fact(key))
            }
            _ => take(Needed::Variable(name)),
        }
    })
}

/// What a task's own texts name, the same for every host.
#[derive(Debug, Default)]
pub(super) struct Needs {
    variables: BTreeSet<Arc<str>>,
    facts: BTreeSet<Arc<str>>,
}

impl Needs {
    /// Takes up all that the task's keywords name; nothing where no closed set holds it.
    pub(super) fn of(task: &StepTask, templar: &Templar) -> Option<Self> {
        let mut gathering = Gathering {
            templar,
            needs: Self::default(),
        };
        gathering.task(task)?;
        let needs = gathering.needs;
        let is_open = OPEN.iter().any(|name| needs.variables.contains(*name));
        (!is_open).then_some(needs)
    }

    /// Takes up what the text of a template file names.
    pub(super) fn of_template(
        file: &Supplied,
        settings: &TemplateSettings,
        templar: &Templar,
    ) -> Option<Self> {
        let SuppliedContent::Here(bytes) = &file.content else {
            return None;
        };
        let text = std::str::from_utf8(bytes).ok()?;
        let settings = FileSettings::from(settings);
        let uses = templar.uses_of_file(text, Span::NONE, &settings, None);
        let mut needs = Self::default();
        needs.take_uses(&uses)?;
        uses.includes.is_empty().then_some(needs)
    }
}

/// Needs in the making.
struct Gathering<'a> {
    templar: &'a Templar,
    needs: Needs,
}

impl Gathering<'_> {
    fn task(&mut self, task: &StepTask) -> Option<()> {
        if task.async_directory.is_some() {
            self.needs.variables.insert("ansible_async_dir".into());
        }
        let keywords = &task.becoming;
        let optional = [
            &task.retries,
            &task.delay,
            &task.ignore_errors,
            &task.check_mode,
            &task.diff,
            &task.no_log,
            &task.timeout,
            &keywords.enabled,
            &keywords.user,
            &keywords.method,
            &keywords.executable,
            &keywords.flags,
            &keywords.password,
        ];
        for value in optional
            .into_iter()
            .flatten()
            .chain(&task.argument_defaults)
            .chain([&task.arguments])
            .chain(&task.environment)
        {
            self.value(value)?;
        }
        let conditions = task
            .when
            .iter()
            .chain(&task.until)
            .chain(task.changed_when.iter().flatten());
        for condition in conditions.chain(task.failed_when.iter().flatten()) {
            self.condition(condition)?;
        }
        self.raw_arguments(task)?;
        self.looping(task)
    }

    /// Arguments that a module evaluates itself are expressions (`assert`'s `that`, `debug`'s `var`).
    fn raw_arguments(&mut self, task: &StepTask) -> Option<()> {
        let Some(Entry::Control(entry)) = crate::modules::find(&task.module) else {
            return Some(());
        };
        for name in entry.raw() {
            if let Some(value) = task.arguments.get(name) {
                if matches!(*name, "that" | "var") {
                    self.condition(value)?;
                } else {
                    self.value(value)?;
                }
            }
        }
        Some(())
    }

    fn looping(&mut self, task: &StepTask) -> Option<()> {
        let Some(looping) = &task.looping else {
            return Some(());
        };
        let control = &looping.control;
        for value in [
            &control.variable,
            &control.index,
            &control.label,
            &control.pause,
            &control.extended,
            &control.extended_all,
        ]
        .into_iter()
        .flatten()
        {
            self.value(value)?;
        }
        for condition in &control.break_when {
            self.condition(condition)?;
        }
        match &looping.source {
            LoopSource::Items(items) => self.value(items),
            LoopSource::Lookup { name, terms } => {
                let short = name.rsplit('.').next().unwrap_or(name);
                SELF_CONTAINED.contains(&short).then_some(())?;
                self.value(terms)
            }
        }
    }

    fn condition(&mut self, condition: &Value) -> Option<()> {
        let needs = &mut self.needs;
        let mut take = |uses: &Uses| needs.take_uses(uses);
        self.templar.each_use_of_condition(condition, &mut take)
    }

    fn value(&mut self, value: &Value) -> Option<()> {
        let needs = &mut self.needs;
        let mut take = |uses: &Uses| needs.take_uses(uses);
        self.templar.each_use(value, &mut take)
    }
}

impl Needs {
    fn take_uses(&mut self, uses: &Uses) -> Option<()> {
        each_needed(uses, |needed| {
            self.add(needed);
            Some(())
        })
    }

    fn add(&mut self, needed: Needed<'_>) {
        let (names, name) = match needed {
            Needed::Variable(name) => (&mut self.variables, name),
            Needed::Fact(key) => (&mut self.facts, key),
        };
        if !names.contains(name) {
            names.insert(name.clone());
        }
    }
}

/// The variables of one step, closed under reference.
pub(super) struct Closure<'a> {
    pub(super) scope: &'a HostScope<'a>,
    pub(super) bindings: BTreeMap<Arc<str>, (Level, Value)>,
    pub(super) facts: BTreeSet<Arc<str>>,
    pub(super) whole_facts: bool,
    pending: Vec<Value>,
}

impl<'a> Closure<'a> {
    pub(super) fn new(scope: &'a HostScope<'a>) -> Self {
        Self {
            scope,
            bindings: BTreeMap::new(),
            facts: BTreeSet::new(),
            whole_facts: false,
            pending: Vec::new(),
        }
    }

    /// Takes up what the step's own texts name.
    pub(super) fn take(&mut self, needs: &Needs) -> Option<()> {
        for name in &needs.variables {
            self.name(name)?;
        }
        needs.facts.iter().try_for_each(|key| self.fact(key))
    }

    fn uses(&mut self, uses: &Uses) -> Option<()> {
        each_needed(uses, |needed| match needed {
            Needed::Variable(name) => self.name(name),
            Needed::Fact(key) => self.fact(key),
        })
    }

    pub(super) fn name(&mut self, name: &str) -> Option<()> {
        if OPEN.contains(&name) {
            return None;
        }
        if self.bindings.contains_key(name) {
            return Some(());
        }
        // What nobody has may be a loop variable, or is undefined there as it would be here.
        match self.scope.find_with_level(name) {
            None => {}
            Some((Level::Fact, _)) if name == FACTS => self.whole_facts = true,
            Some((Level::Fact, _)) => drop(self.facts.insert(Facts::key(name).into())),
            Some((level, value)) => {
                self.pending.push(value.clone());
                self.bindings.insert(name.into(), (level, value));
            }
        }
        Some(())
    }

    /// One fact by its key, unless something hides the facts.
    fn fact(&mut self, key: &Arc<str>) -> Option<()> {
        match self.scope.find_with_level(FACTS) {
            Some((Level::Fact, _)) => {
                self.facts.insert(key.clone());
                Some(())
            }
            _ => self.name(FACTS),
        }
    }

    /// Follows what the variables themselves refer to.
    pub(super) fn close(&mut self) -> Option<()> {
        let templar = &self.scope.run.templar;
        while let Some(value) = self.pending.pop() {
            templar.each_use(&value, &mut |uses| self.uses(uses))?;
        }
        Some(())
    }

    /// Tells whether the play's hosts are among the variables.
    pub(super) fn names_members(&self) -> bool {
        MEMBERS.iter().any(|name| self.bindings.contains_key(*name))
    }
}
