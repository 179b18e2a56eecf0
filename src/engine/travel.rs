//! Whether a step can be evaluated on its host, and what has to go along.
//!
//! A step travels when everything that its expressions can reach is known here and now: a closed set of variables, no lookup that
//! needs the controller, no delegation. In doubt it stays, and only its rendered arguments go to the host.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::outside::Outside;
use super::scope::HostScope;
use crate::diag::Span;
use crate::kit::{Entry, Need, NeedKind, Supplied, SuppliedContent};
use crate::template::{FileSettings, Uses};
use crate::value::{Dict, Value};
use crate::wire::{Batch, Binding, LoopSource, Step};

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

/// Names that no closed set can hold.
const OPEN: [&str; 2] = ["hostvars", "vars"];

/// Returns the batch of this one step, or nothing where the step has to stay.
pub(super) fn pack(step: &Step, scope: &HostScope<'_>) -> Option<Batch> {
    if step.delegate_to.is_some()
        || matches!(
            &*step.module,
            "ansible.builtin.fetch" | "ansible.builtin.raw"
        )
    {
        return None;
    }
    match crate::modules::find(&step.module)? {
        Entry::Control(entry) if entry.needs_controller() => return None,
        Entry::Module(_) | Entry::Control(_) => {}
    }
    let mut closure = Closure {
        scope,
        bindings: BTreeMap::new(),
        pending: Vec::new(),
    };
    closure.step(step)?;
    let supplied = closure.template_files(step)?;
    closure.close()?;
    let variables = closure.bindings.into_values().collect();
    Some(Batch {
        steps: vec![step.clone()],
        variables,
        supplied,
    })
}

struct Closure<'a> {
    scope: &'a HostScope<'a>,
    bindings: BTreeMap<Arc<str>, Binding>,
    pending: Vec<Arc<str>>,
}

impl Closure<'_> {
    /// Takes up all that the step's own keywords name.
    fn step(&mut self, step: &Step) -> Option<()> {
        for name in STEERING {
            self.name(name)?;
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
        let uses = self.scope.run.templar.uses_of_condition(condition, None);
        self.uses(&uses)
    }

    fn value(&mut self, value: &Value) -> Option<()> {
        let uses = self.scope.run.templar.uses(value, None);
        self.uses(&uses)
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
        uses.variables().try_for_each(|name| self.name(name))
    }

    fn name(&mut self, name: &str) -> Option<()> {
        if OPEN.contains(&name) {
            return None;
        }
        if self.bindings.contains_key(name) {
            return Some(());
        }
        // What nobody has may be a loop variable, or is undefined there as it would be here.
        if let Some((level, value)) = self.scope.find_with_level(name) {
            let name: Arc<str> = name.into();
            self.bindings.insert(
                name.clone(),
                Binding {
                    name: name.clone(),
                    level,
                    value,
                },
            );
            self.pending.push(name);
        }
        Some(())
    }

    /// Follows what the variables themselves refer to.
    fn close(&mut self) -> Option<()> {
        while let Some(name) = self.pending.pop() {
            if let Some(value) = self
                .bindings
                .get(&name)
                .map(|binding| binding.value.clone())
            {
                self.value(&value)?;
            }
        }
        Some(())
    }

    /// Reads the template files that the step renders: their text names variables too. A name that is known only for an item of a
    /// loop makes the step stay.
    fn template_files(&mut self, step: &Step) -> Option<Vec<(Need, Supplied)>> {
        let Some(Entry::Module(entry)) = crate::modules::find(&step.module) else {
            return Some(Vec::new());
        };
        if &*step.module != "ansible.builtin.template" {
            return Some(Vec::new());
        }
        let outside = Outside { scope: self.scope };
        let scope = self.scope.template_scope(Some(&outside));
        let mut arguments = Dict::new();
        for (name, value) in step.arguments.as_dict()? {
            let rendered = self.scope.run.templar.render(value, &scope).ok();
            match (name.as_str(), rendered) {
                (Some("src"), None) => return None,
                (_, Some(rendered)) => drop(arguments.insert(name.clone(), rendered)),
                (_, None) => drop(arguments.insert(name.clone(), "/")),
            }
        }
        let needs = entry.prepare(&Value::dict(arguments)).ok()?;
        let mut supplied = Vec::new();
        for need in needs {
            let file = self.scope.run.contents.supply(&need, &outside).ok()?;
            let (NeedKind::Rendered(_), SuppliedContent::Here(bytes)) = (&need.kind, &file.content)
            else {
                return None;
            };
            let text = std::str::from_utf8(bytes).ok()?;
            let uses = self.scope.run.templar.uses_of_file(
                text,
                Span::NONE,
                &FileSettings::default(),
                None,
            );
            if !uses.includes.is_empty() {
                return None;
            }
            self.uses(&uses)?;
            supplied.push((need, file));
        }
        Some(supplied)
    }
}
