//! What a step that travels needs of the variables: those that its texts name, and what these refer to in turn.
//!
//! `travel` asks for the closure of each step; nothing comes back where no closed set holds it (lookups that ask the controller,
//! `hostvars`, names that only the run can tell).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::scope::HostScope;
use crate::diag::Span;
use crate::kit::{Entry, Supplied, SuppliedContent, TemplateSettings};
use crate::template::{FileSettings, Uses};
use crate::value::Value;
use crate::vars::{Facts, Level};
use crate::wire::{LoopSource, Step};

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
const STEERING: [&str; 17] = [
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

/// Methods of a dictionary: `ansible_facts.get(x)` names no fact.
const DICT_METHODS: [&str; 11] = [
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];

/// The variables of one step, closed under reference.
pub(super) struct Closure<'a> {
    pub(super) scope: &'a HostScope<'a>,
    pub(super) bindings: BTreeMap<Arc<str>, (Level, Value)>,
    pub(super) facts: BTreeSet<Arc<str>>,
    pub(super) whole_facts: bool,
    pending: Vec<Arc<str>>,
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

    /// Takes up all that the step's own keywords name.
    pub(super) fn step(&mut self, step: &Step) -> Option<()> {
        for name in STEERING {
            self.name(name)?;
        }
        if step.async_directory.is_some() {
            self.name("ansible_async_dir")?;
        }
        let keywords = &step.becoming;
        let optional = [
            &step.retries,
            &step.delay,
            &step.ignore_errors,
            &step.check_mode,
            &step.diff,
            &step.no_log,
            &step.timeout,
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
            .chain(&step.argument_defaults)
            .chain([&step.arguments])
        {
            self.value(value)?;
        }
        for value in &step.environment {
            self.value(value)?;
        }
        let conditions = step
            .when
            .iter()
            .chain(&step.until)
            .chain(step.changed_when.iter().flatten());
        for condition in conditions.chain(step.failed_when.iter().flatten()) {
            self.condition(condition)?;
        }
        self.raw_arguments(step)?;
        self.looping(step)
    }

    /// Arguments that a module evaluates itself are expressions (`assert`'s `that`, `debug`'s `var`).
    fn raw_arguments(&mut self, step: &Step) -> Option<()> {
        let Some(Entry::Control(entry)) = crate::modules::find(&step.module) else {
            return Some(());
        };
        for name in entry.raw() {
            if let Some(value) = step.arguments.get(name) {
                if matches!(*name, "that" | "var") {
                    self.condition(value)?;
                } else {
                    self.value(value)?;
                }
            }
        }
        Some(())
    }

    fn looping(&mut self, step: &Step) -> Option<()> {
        let Some(looping) = &step.looping else {
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
        let scope = self.scope;
        let templar = &scope.run.templar;
        templar.each_use_of_condition(condition, &mut |uses| self.uses(uses))
    }

    fn value(&mut self, value: &Value) -> Option<()> {
        let scope = self.scope;
        let templar = &scope.run.templar;
        templar.each_use(value, &mut |uses| self.uses(uses))
    }

    fn uses(&mut self, uses: &Uses) -> Option<()> {
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
        uses.functions.keys().try_for_each(|name| self.name(name))?;
        uses.names.keys().try_for_each(|path| {
            let name = path.first()?;
            match path.get(1) {
                Some(key) if &**name == "ansible_facts" && !DICT_METHODS.contains(&&**key) => {
                    self.fact(name, key)
                }
                _ => self.name(name),
            }
        })
    }

    fn name(&mut self, name: &str) -> Option<()> {
        if OPEN.contains(&name) {
            return None;
        }
        if self.bindings.contains_key(name) {
            return Some(());
        }
        // What nobody has may be a loop variable, or is undefined there as it would be here.
        match self.scope.find_with_level(name) {
            None => {}
            Some((Level::Fact, _)) if name == "ansible_facts" => self.whole_facts = true,
            Some((Level::Fact, _)) => drop(self.facts.insert(Facts::key(name).into())),
            Some((level, value)) => {
                let name: Arc<str> = name.into();
                self.bindings.insert(name.clone(), (level, value));
                self.pending.push(name);
            }
        }
        Some(())
    }

    /// One fact by its key, unless something hides the facts.
    fn fact(&mut self, all: &str, key: &Arc<str>) -> Option<()> {
        match self.scope.find_with_level(all) {
            Some((Level::Fact, _)) => {
                self.facts.insert(key.clone());
                Some(())
            }
            _ => self.name(all),
        }
    }

    /// Follows what the variables themselves refer to.
    pub(super) fn close(&mut self) -> Option<()> {
        while let Some(name) = self.pending.pop() {
            if let Some((_, value)) = self.bindings.get(&name).cloned() {
                self.value(&value)?;
            }
        }
        Some(())
    }

    /// Tells whether the play's hosts are among the variables.
    pub(super) fn names_members(&self) -> bool {
        MEMBERS.iter().any(|name| self.bindings.contains_key(*name))
    }

    /// The text of a template file names variables too.
    pub(super) fn template_text(
        &mut self,
        file: &Supplied,
        settings: &TemplateSettings,
    ) -> Option<()> {
        let SuppliedContent::Here(bytes) = &file.content else {
            return None;
        };
        let text = std::str::from_utf8(bytes).ok()?;
        let settings = FileSettings::from(settings);
        let templar = &self.scope.run.templar;
        let uses = templar.uses_of_file(text, Span::NONE, &settings, None);
        if !uses.includes.is_empty() {
            return None;
        }
        self.uses(&uses)
    }
}
