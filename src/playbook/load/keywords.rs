//! The keywords that plays, roles, blocks and tasks share.

use std::sync::Arc;

use super::Session;
use super::documents::{Item, items, odd_keys, whole};
use super::shape::{Mismatch, Shape, as_bool, is_all_template, is_template, kind_words};
use crate::diag::{Diagnostic, nearest_one};
use crate::playbook::model::{Keywords, ModuleDefaults};
use crate::playbook::names::{self, Owner, Resolution};
use crate::value::{Dict, Kind, Value, is_variable_name};
use crate::yaml::Node;

type Field = fn(&mut Keywords) -> &mut Option<Value>;

/// The keywords that hold one value and override.
const FIELDS: [(&str, Shape, Field); 20] = [
    ("any_errors_fatal", Shape::Bool, |keywords| {
        &mut keywords.any_errors_fatal
    }),
    ("become", Shape::Bool, |keywords| &mut keywords.become_),
    ("become_exe", Shape::Text, |keywords| {
        &mut keywords.become_exe
    }),
    ("become_flags", Shape::Text, |keywords| {
        &mut keywords.become_flags
    }),
    ("become_method", Shape::Text, |keywords| {
        &mut keywords.become_method
    }),
    ("become_user", Shape::Text, |keywords| {
        &mut keywords.become_user
    }),
    ("check_mode", Shape::Bool, |keywords| {
        &mut keywords.check_mode
    }),
    ("connection", Shape::Text, |keywords| {
        &mut keywords.connection
    }),
    ("debugger", Shape::Text, |keywords| &mut keywords.debugger),
    ("delegate_facts", Shape::Bool, |keywords| {
        &mut keywords.delegate_facts
    }),
    ("delegate_to", Shape::Text, |keywords| {
        &mut keywords.delegate_to
    }),
    ("diff", Shape::Bool, |keywords| &mut keywords.diff),
    ("ignore_errors", Shape::Bool, |keywords| {
        &mut keywords.ignore_errors
    }),
    ("ignore_unreachable", Shape::Bool, |keywords| {
        &mut keywords.ignore_unreachable
    }),
    ("no_log", Shape::Bool, |keywords| &mut keywords.no_log),
    ("port", Shape::Int, |keywords| &mut keywords.port),
    ("remote_user", Shape::Text, |keywords| {
        &mut keywords.remote_user
    }),
    ("run_once", Shape::Bool, |keywords| &mut keywords.run_once),
    ("throttle", Shape::Int, |keywords| &mut keywords.throttle),
    ("timeout", Shape::Int, |keywords| &mut keywords.timeout),
];

impl Session<'_> {
    /// Takes a shared keyword and tells whether it was one. Mistakes that Ansible finds only when it runs go to `faults`.
    pub(super) fn shared_keyword(
        &mut self,
        item: Item<'_>,
        keywords: &mut Keywords,
        faults: &mut Vec<Diagnostic>,
    ) -> bool {
        if let Some((_, shape, field)) = FIELDS.iter().find(|(name, ..)| *name == item.name) {
            *field(keywords) = self.shaped(item, *shape, faults);
            return true;
        }
        match item.name {
            "collections" => keywords.collections = self.collections(item),
            "environment" => keywords.environment = self.environment(item),
            "module_defaults" => keywords.module_defaults = self.module_defaults(item),
            "notify" => keywords.notify = self.notify(item),
            "tags" => keywords.tags = self.tags(item, faults),
            "vars" => keywords.vars = self.vars(item),
            "when" => keywords.when = self.conditions(item),
            _ => return false,
        }
        true
    }

    /// Takes the value of a keyword that must look like `shape`.
    pub(super) fn shaped(
        &mut self,
        item: Item<'_>,
        shape: Shape,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Value> {
        let value = self.value(item.value);
        match shape.check(item, &value) {
            None => Some(value),
            Some(Mismatch::AtRun(diagnostic)) => {
                faults.push(diagnostic);
                Some(value)
            }
            Some(Mismatch::AtLoad(diagnostic)) => {
                self.report(diagnostic);
                None
            }
        }
    }

    /// Takes a list, or one thing that stands for a list of it.
    pub(super) fn listed(&self, node: &Node) -> Vec<Value> {
        let value = self.value(node);
        match value.kind() {
            Kind::Null => Vec::new(),
            Kind::List(items) => items.to_vec(),
            _ => vec![value],
        }
    }

    /// Takes conditions: expressions without delimiters.
    pub(super) fn conditions(&mut self, item: Item<'_>) -> Vec<Value> {
        let conditions: Vec<Value> = self
            .listed(item.value)
            .into_iter()
            .filter(|value| !value.is_null())
            .collect();
        for condition in conditions
            .iter()
            .filter(|condition| is_all_template(condition))
        {
            let inner = condition.to_text();
            let inner = inner
                .trim()
                .trim_start_matches("{{")
                .trim_end_matches("}}")
                .trim()
                .to_owned();
            let mut warning = Diagnostic::warning(
                "condition-delimiters",
                format!(
                    "`{}` is an expression already and needs no delimiters",
                    item.name
                ),
            )
            .at(condition.origin(), "");
            if !inner.contains(['{', '%', '\n']) {
                warning = warning.help(format!("write `{}: {inner}`", item.name));
            }
            self.report(warning);
        }
        conditions
    }

    /// Takes `tags`: a list, or text with commas.
    fn tags(&mut self, item: Item<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Value> {
        let value = self.value(item.value);
        match value.kind() {
            Kind::Str(text) => text
                .split(',')
                .map(|tag| {
                    Value::text(tag.trim())
                        .with_marks(value.marks())
                        .with_origin(value.origin())
                })
                .collect(),
            Kind::List(tags) => {
                // A list in the list counts by its items, as what a template gives does.
                let flat: Vec<Value> = tags
                    .iter()
                    .flat_map(|tag| {
                        tag.as_list()
                            .map_or_else(|| vec![tag.clone()], <[Value]>::to_vec)
                    })
                    .collect();
                for tag in flat.iter().filter(|tag| {
                    tag.as_list().is_some() || tag.as_dict().is_some() || tag.is_null()
                }) {
                    let headline =
                        format!("a tag must be text or a number, not {}", kind_words(tag));
                    faults.push(Diagnostic::error("bad-tags", headline).at(tag.origin(), ""));
                }
                flat
            }
            _ => {
                let headline = format!(
                    "`tags` must be a list or text, not {}",
                    item.value.describe()
                );
                self.report(
                    Diagnostic::error("bad-tags", headline)
                        .at(whole(item.value).or(whole(item.key)), ""),
                );
                Vec::new()
            }
        }
    }

    /// Takes `vars`: a mapping of variables.
    pub(super) fn vars(&mut self, item: Item<'_>) -> Dict {
        if item.value.is_null() {
            return Dict::new();
        }
        if item.value.as_mapping().is_none() {
            let headline = format!(
                "`{}` must be a mapping of variables, not {}",
                item.name,
                item.value.describe()
            );
            self.report(Diagnostic::error("bad-vars", headline).at(whole(item.value), ""));
            return Dict::new();
        }
        for key in odd_keys(item.value) {
            let headline = format!("a variable's name must be text, not {}", key.describe());
            self.report(Diagnostic::error("bad-variable-name", headline).at(whole(key), ""));
        }
        for variable in items(item.value) {
            self.variable_name(variable.name, variable.key, |headline| {
                Diagnostic::error("bad-variable-name", headline)
            });
        }
        self.dict(item.value)
    }

    /// Tells whether a variable can have that name; if not, reports what `diagnostic` makes of the headline.
    pub(super) fn variable_name(
        &mut self,
        name: &str,
        node: &Node,
        diagnostic: impl FnOnce(String) -> Diagnostic,
    ) -> bool {
        if is_variable_name(name) {
            return true;
        }
        let diagnostic = diagnostic(format!("`{name}` cannot be the name of a variable"))
            .at(whole(node), "")
            .help("names begin with a letter or `_` and have only letters, digits and `_`; `true`, `none` and `not` are none");
        self.report(diagnostic);
        false
    }

    fn environment(&mut self, item: Item<'_>) -> Vec<Value> {
        let all: Vec<Value> = self
            .listed(item.value)
            .into_iter()
            .filter(|value| !value.is_null())
            .collect();
        for value in all
            .iter()
            .filter(|value| value.as_dict().is_none() && !is_template(value))
        {
            let headline = format!("`environment` must be a mapping, not {}", kind_words(value));
            // Ansible warns and goes on without it.
            self.report(
                Diagnostic::warning("bad-keyword-value", headline)
                    .at(value.origin(), "this is left out"),
            );
        }
        all
    }

    fn notify(&mut self, item: Item<'_>) -> Option<Value> {
        let value = self.value(item.value);
        if value.as_dict().is_some() {
            let headline = format!(
                "`notify` must be a list of handlers, not {}",
                item.value.describe()
            );
            self.report(Diagnostic::error("bad-keyword-value", headline).at(item.value.span, ""));
            return None;
        }
        Some(value)
    }

    fn collections(&mut self, item: Item<'_>) -> Option<Vec<Arc<str>>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for value in self.listed(item.value) {
            if let Some(name) = value.as_str() {
                names.push(name.into());
            } else {
                let headline = format!(
                    "`collections` must be a list of names, not of {}",
                    kind_words(&value)
                );
                self.report(
                    Diagnostic::error("bad-keyword-value", headline).at(value.origin(), ""),
                );
            }
        }
        (!names.is_empty()).then_some(names)
    }

    fn module_defaults(&mut self, item: Item<'_>) -> Vec<ModuleDefaults> {
        let nodes: Vec<&Node> = match item.value.as_sequence() {
            Some(nodes) => nodes.iter().collect(),
            None if item.value.is_null() => Vec::new(),
            None => vec![item.value],
        };
        nodes
            .into_iter()
            .map(|node| self.module_defaults_entry(node))
            .collect()
    }

    fn module_defaults_entry(&mut self, node: &Node) -> ModuleDefaults {
        let mut defaults = ModuleDefaults::default();
        if node.as_mapping().is_none() {
            let headline = format!(
                "`module_defaults` must be a mapping of modules, not {}",
                node.describe()
            );
            self.report(Diagnostic::error("bad-module-defaults", headline).at(whole(node), ""));
            return defaults;
        }
        for item in items(node) {
            let value = self.value(item.value);
            let name: Option<Arc<str>> = match item.name.strip_prefix("group/") {
                Some(group) => {
                    names::group_name(group).map(|group| format!("group/{group}").into())
                }
                None => match names::resolve(item.name, &[]) {
                    Resolution::Known(name) => Some(name),
                    Resolution::Gone(_) => None,
                    Resolution::Unknown => self.local_module(item.name).then(|| item.name.into()),
                },
            };
            if let Some(name) = name {
                defaults.by_name.push((name, value));
            } else {
                let what = if item.name.starts_with("group/") {
                    "action group"
                } else {
                    "module"
                };
                let headline = format!(
                    "no {what} is called `{}`",
                    item.name.trim_start_matches("group/")
                );
                let mut diagnostic =
                    Diagnostic::error("bad-module-defaults", headline).at(whole(item.key), "");
                if let Some(near) = nearest_one(item.name, names::module_names("ansible.builtin")) {
                    diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
                }
                self.report(diagnostic);
            }
        }
        defaults
    }

    /// Reports a keyword that does not belong here.
    pub(super) fn unknown_keyword(&mut self, owner: Owner, name: &str, key: &Node) {
        let headline = format!("`{name}` is not a keyword of {}", owner.describe());
        let lenient = !self.options().strict_keywords
            && matches!(
                owner,
                Owner::Task | Owner::Handler | Owner::Include | Owner::HandlerInclude
            );
        let mut diagnostic = if lenient {
            Diagnostic::warning("unknown-keyword", headline)
        } else {
            Diagnostic::error("unknown-keyword", headline)
        };
        let others = Owner::others_with(name);
        let near = nearest_one(name, owner.keywords());
        let label = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if !others.is_empty() => format!("it belongs to {}", list_words(&others)),
            None => String::new(),
        };
        diagnostic = diagnostic.at(whole(key), label);
        let include = matches!(owner, Owner::Include | Owner::HandlerInclude);
        if include && near.is_none() && Owner::Block.has(name) {
            diagnostic = diagnostic.help(format!(
                "for the tasks that it brings, write `apply: {{{name}: ...}}` among its arguments"
            ));
        }
        self.report(diagnostic);
    }

    /// Reports keys that are no text.
    pub(super) fn refuse_odd_keys(&mut self, owner: Owner, node: &Node) {
        for key in odd_keys(node) {
            let headline = format!(
                "a keyword of {} must be text, not {}",
                owner.describe(),
                key.describe()
            );
            self.report(Diagnostic::error("unknown-keyword", headline).at(whole(key), ""));
        }
    }
}

/// Returns `a, b or c`.
pub(super) fn list_words(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Tells whether a keyword's constant says false; what is not stated or a template does not.
pub(super) fn is_false(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value.is_null() || as_bool(value) == Some(false))
}
