//! Templates of a playbook before it runs: those that cannot be read, and names of filters, tests and lookups.
//!
//! What nobody knows, or cannot be read, is a fault of the task that evaluates it; what Ansible has and kplay lacks is
//! something unsupported of that task. Variables are evaluated only where they are used, so that a mistake in one is a warning.

use super::Session;
use super::shape::{is_template, kind_words};
use crate::diag::{Diagnostic, Severity, Span, nearest_one};
use crate::kit::Effect;
use crate::playbook::model::{
    ActionKind, Arguments, Loop, LoopControl, Unsupported, UnsupportedKind,
};
use crate::playbook::names::{PluginKind, knows_plugin, plugin_names};
use crate::template::{Uses, has_filter, has_lookup, has_test};
use crate::value::{Dict, Value};

/// Arguments that hold expressions without delimiters.
const EXPRESSIONS: [(&str, &str); 2] = [
    ("ansible.builtin.assert", "that"),
    ("ansible.builtin.debug", "var"),
];

/// What templates were found to be.
#[derive(Default)]
pub(super) struct Found {
    /// What makes their evaluation fail, in Ansible too. All are errors.
    pub(super) faults: Vec<Diagnostic>,
    /// What Ansible has and kplay lacks.
    pub(super) unsupported: Vec<Unsupported>,
}

impl Found {
    fn extend(&mut self, other: Self) {
        self.faults.extend(other.faults);
        self.unsupported.extend(other.unsupported);
    }
}

impl Session<'_> {
    /// Looks at the templates in a value.
    pub(super) fn look_at_value(&self, value: &Value) -> Found {
        self.look_at(
            &self
                .options()
                .templar
                .uses(value, Some(&self.options().sources)),
        )
    }

    /// Looks at a condition.
    pub(super) fn look_at_condition(&self, condition: &Value) -> Found {
        self.look_at(
            &self
                .options()
                .templar
                .uses_of_condition(condition, Some(&self.options().sources)),
        )
    }

    fn look_at(&self, uses: &Uses) -> Found {
        let mut found = Found::default();
        found
            .faults
            .extend(uses.errors.iter().cloned().map(Diagnostic::from));
        for (name, span) in &uses.filters {
            self.look_at_plugin(PluginKind::Filter, name, *span, &mut found);
        }
        for (name, span) in &uses.tests {
            self.look_at_plugin(PluginKind::Test, name, *span, &mut found);
        }
        for lookup in &uses.lookups {
            if let Some(name) = &lookup.name {
                self.look_at_plugin(PluginKind::Lookup, name, lookup.span, &mut found);
            }
        }
        found
    }

    fn look_at_plugin(&self, kind: PluginKind, name: &str, span: Span, found: &mut Found) {
        let short = name.strip_prefix("ansible.legacy.").unwrap_or(name);
        let has = match kind {
            PluginKind::Filter => has_filter(short),
            PluginKind::Test => has_test(short),
            PluginKind::Lookup => has_lookup(short),
        };
        if has {
            return;
        }
        let word = kind.name();
        if knows_plugin(kind, name) || self.local_plugin(kind, name) {
            found.unsupported.push(Unsupported {
                kind: UnsupportedKind::Plugin,
                what: format!("{word} `{name}`"),
                span,
                help: None,
            });
            return;
        }
        let near = nearest_one(name, plugin_names(kind));
        let label = near
            .map(|near| format!("did you mean `{near}`?"))
            .unwrap_or_default();
        let code = match kind {
            PluginKind::Filter => "unknown-filter",
            PluginKind::Test => "unknown-test",
            PluginKind::Lookup => "unknown-lookup",
        };
        let headline = format!("nobody has a {word} called `{name}`");
        found
            .faults
            .push(Diagnostic::error(code, headline).at(named(span, name), label));
    }

    /// Looks at what a task evaluates once its conditions hold.
    pub(super) fn look_at_task(
        &self,
        kind: &ActionKind,
        arguments: &Arguments,
        loop_: Option<&Loop>,
        control: &LoopControl,
        conditions: [&[Value]; 3],
    ) -> Found {
        let mut found = Found::default();
        let module = match kind {
            ActionKind::Module(entry) => entry.meta().name,
            _ => "",
        };
        for (name, value) in &arguments.given {
            let is_expression = name
                .as_str()
                .is_some_and(|name| EXPRESSIONS.contains(&(module, name)));
            found.extend(if is_expression {
                self.look_at_condition(value)
            } else {
                self.look_at_value(value)
            });
        }
        for template in &arguments.templates {
            found.extend(self.look_at_value(template));
        }
        match loop_ {
            Some(Loop::Items(items)) => found.extend(self.look_at_value(items)),
            Some(Loop::With {
                lookup,
                terms,
                span,
            }) => {
                found.extend(self.look_at_value(terms));
                // Nobody knowing it was an unknown keyword.
                if !has_lookup(lookup) {
                    found.unsupported.push(Unsupported {
                        kind: UnsupportedKind::Plugin,
                        what: format!("lookup `{lookup}`"),
                        span: *span,
                        help: None,
                    });
                }
            }
            None => {}
        }
        for value in [&control.label, &control.loop_var, &control.index_var]
            .into_iter()
            .flatten()
        {
            found.extend(self.look_at_value(value));
        }
        for condition in conditions.into_iter().flatten().chain(&control.break_when) {
            found.extend(self.look_at_condition(condition));
        }
        found
    }

    /// Looks at variables. They may never be used, so that all there is to say are warnings.
    pub(super) fn look_at_variables(&mut self, variables: &Dict) {
        if let Some(stated) = variables.get(Effect::VARIABLE) {
            self.stated_effect(stated);
        }
        for value in variables.values() {
            let found = self.look_at_value(value);
            for mut fault in found.faults {
                fault.severity = Severity::Warning;
                self.report(fault);
            }
            for unsupported in found.unsupported {
                let mut warning = unsupported
                    .diagnostic()
                    .at(unsupported.span, "what uses this variable will fail");
                warning.severity = Severity::Warning;
                self.report(warning);
            }
        }
    }
}

impl Session<'_> {
    /// Looks at what `kplay_effect` says. Nobody but kplay reads it, so that a mistake is an error.
    fn stated_effect(&mut self, stated: &Value) {
        let word = stated.as_str();
        if word.and_then(Effect::parse).is_some() {
            return;
        }
        let words = || Effect::ALL.into_iter().map(Effect::name);
        let near = word.and_then(|word| nearest_one(word, words()));
        let label = near
            .map(|near| format!("did you mean `{near}`?"))
            .unwrap_or_default();
        let headline = match word {
            Some(_) if is_template(stated) => {
                format!(
                    "`{}` must be known before the run, so it cannot be a template",
                    Effect::VARIABLE
                )
            }
            Some(word) => format!("`{word}` is not an effect"),
            None => format!(
                "`{}` must be text, not {}",
                Effect::VARIABLE,
                kind_words(stated)
            ),
        };
        let choices: Vec<&str> = words().collect();
        let diagnostic = Diagnostic::error("bad-effect", headline)
            .at(stated.origin(), label)
            .help(format!("it is one of {}", choices.join(", ")));
        self.report(diagnostic);
    }
}

/// Returns the place of a name that the parser gave as a point.
fn named(span: Span, name: &str) -> Span {
    if span.length > 1 {
        span
    } else {
        Span {
            length: u32::try_from(name.chars().count()).unwrap_or(1),
            ..span
        }
    }
}
