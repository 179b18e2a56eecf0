//! The variables of one host for one task: the table of levels, filled.
//!
//! Nothing is merged beforehand: a name is looked for from the highest level down, in dictionaries that are shared. Magic
//! variables are made when they are asked for.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::hosts::HostRecord;
use super::magic;
use super::moment::Moment;
use super::run_state::{PlayState, RunState};
use crate::diag::Span;
use crate::playbook::{Role, Scope as TaskScope, ScopeKind};
use crate::template::Scope as TemplateScope;
use crate::value::{Dict, Fault, Kind, Value};
use crate::vars::{Found, Level, Variables};

/// One host's variables, as a task (or, without one, the play, or `hostvars`) sees them.
#[derive(Clone)]
pub(super) struct HostScope<'a> {
    pub(super) run: &'a RunState,
    pub(super) play: Option<&'a PlayState>,
    pub(super) task: Option<&'a Arc<TaskScope>>,
    pub(super) host: Arc<str>,
    pub(super) record: Arc<HostRecord>,
    /// Somebody looks through `hostvars`: what is found there cannot use `hostvars` itself.
    pub(super) through_hostvars: bool,
    /// How the hosts were when the first of them began the task; without it they are seen as they are.
    pub(super) moment: Option<Arc<Moment>>,
}

impl<'a> HostScope<'a> {
    pub(super) fn new(
        run: &'a RunState,
        play: Option<&'a PlayState>,
        task: Option<&'a Arc<TaskScope>>,
        host: &Arc<str>,
    ) -> Self {
        Self {
            run,
            play,
            task,
            host: host.clone(),
            record: run.records.get(host),
            through_hostvars: false,
            moment: None,
        }
    }

    /// Returns another host's variables as `hostvars` shows them: without those of the play and the task.
    pub(super) fn through_hostvars(&self, host: &Arc<str>) -> Self {
        let known = self.moment.as_ref().and_then(|moment| moment.record(host));
        Self {
            run: self.run,
            play: None,
            task: None,
            host: host.clone(),
            record: known.unwrap_or_else(|| self.run.records.get(host)),
            through_hostvars: true,
            moment: None,
        }
    }

    /// Returns the play's hosts that are still in it; nothing outside of a play.
    pub(super) fn members(&self) -> Option<Vec<Arc<str>>> {
        let play = self.play?;
        let known = self.moment.as_ref().map(|moment| moment.members().to_vec());
        Some(known.unwrap_or_else(|| play.active_hosts()))
    }

    /// Returns the variable with the level that it comes from.
    pub(super) fn find_with_level(&self, name: &str) -> Option<(Level, Value)> {
        if let Some(value) = magic::find(self, name) {
            return Some((Level::Magic, value));
        }
        let some = |level: Level, value: Option<&Value>| value.map(|value| (level, value.clone()));
        some(Level::Extra, self.run.options.extra_vars.get(name))
            .or_else(|| {
                self.in_links(name, |kind| matches!(kind, ScopeKind::Include(_)))
                    .map(|v| (Level::IncludeParameter, v))
            })
            .or_else(|| {
                self.in_roles(name, parameter)
                    .map(|value| (Level::RoleParameter, value))
            })
            .or_else(|| some(Level::SetFact, self.record.set.get(name)))
            .or_else(|| some(Level::SetFact, self.record.failure.get(name)))
            .or_else(|| some(Level::IncludeVars, self.record.included.get(name)))
            .or_else(|| {
                self.in_links(name, is_task_or_block)
                    .map(|value| (Level::TaskVars, value))
            })
            .or_else(|| {
                self.in_roles(name, |role, name| role.vars.get(name))
                    .map(|value| (Level::RoleVars, value))
            })
            .or_else(|| {
                self.in_public_roles(name, |role| &role.vars)
                    .map(|value| (Level::RoleVars, value))
            })
            .or_else(|| {
                some(
                    Level::VarsFile,
                    self.play.and_then(|play| play.files.get(name)),
                )
            })
            .or_else(|| {
                some(
                    Level::Prompt,
                    self.play.and_then(|play| play.prompts.get(name)),
                )
            })
            .or_else(|| {
                some(
                    Level::PlayVars,
                    self.play
                        .and_then(|play| play.play.scope.keywords.vars.get(name)),
                )
            })
            .or_else(|| self.fact(name).map(|value| (Level::Fact, value)))
            .or_else(|| self.in_inventory(name))
            .or_else(|| {
                self.in_roles(name, |role, name| role.defaults.get(name))
                    .map(|value| (Level::RoleDefault, value))
            })
            .or_else(|| {
                self.in_public_roles(name, |role| &role.defaults)
                    .map(|value| (Level::RoleDefault, value))
            })
            .or_else(|| {
                self.command_line_value(name)
                    .map(|value| (Level::CommandLineValue, value))
            })
    }

    /// The innermost link of the task's chain that has the name and is of that kind.
    fn in_links(&self, name: &str, is: impl Fn(&ScopeKind) -> bool) -> Option<Value> {
        self.task?
            .chain()
            .filter(|link| is(&link.kind))
            .find_map(|link| link.keywords.vars.get(name))
            .cloned()
    }

    /// The role of the task, then the ones that brought it.
    fn in_roles(
        &self,
        name: &str,
        find: impl Fn(&'a Role, &str) -> Option<&'a Value>,
    ) -> Option<Value> {
        self.task?
            .roles()
            .find_map(|role| find(role, name))
            .cloned()
    }

    /// The roles that the whole play sees; the later ones win.
    fn in_public_roles(&self, name: &str, dict: impl Fn(&Role) -> &Dict) -> Option<Value> {
        self.play?
            .roles()
            .iter()
            .rev()
            .find_map(|role| dict(role).get(name).cloned())
    }

    fn fact(&self, name: &str) -> Option<Value> {
        if name == "ansible_facts" {
            return Some(self.record.facts.to_value());
        }
        if !self.run.config.inject_facts_as_vars {
            return (name == "ansible_local")
                .then(|| self.record.facts.get("ansible_local").cloned())
                .flatten();
        }
        self.record.facts.variable(name).cloned()
    }

    fn in_inventory(&self, name: &str) -> Option<(Level, Value)> {
        self.run.inventory().find_variable(&self.host, name)
    }

    /// Connection settings of the command line and the configuration: below everything.
    fn command_line_value(&self, name: &str) -> Option<Value> {
        let options = &self.run.options;
        match name {
            "ansible_user" => options.remote_user.as_deref().map(Value::text),
            // Where a task's modules go by default; `hostvars` knows nothing of it.
            "ansible_host" if self.task.is_some() => {
                let older = self.find_with_level("ansible_ssh_host");
                Some(older.map_or_else(|| Value::from(self.host.clone()), |(_, value)| value))
            }
            _ => None,
        }
    }

    /// Returns all names with their levels, highest first, each once: for `vars`, `hostvars` and `varnames`.
    pub(super) fn all_names(&self) -> BTreeSet<Arc<str>> {
        let mut names: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut add =
            |dict: &Dict| names.extend(dict.keys().filter_map(|key| key.as_str().map(Arc::from)));
        add(&self.run.options.extra_vars);
        add(&self.record.set);
        add(&self.record.failure);
        add(&self.record.included);
        if let Some(play) = self.play {
            add(&play.files);
            add(&play.prompts);
            add(&play.play.scope.keywords.vars);
            for role in play.roles().iter() {
                add(&role.vars);
                add(&role.defaults);
            }
        }
        if let Some(task) = self.task {
            for link in task.chain() {
                add(&link.keywords.vars);
            }
            for role in task.roles() {
                for dict in [
                    &role.parameters,
                    &role.keyword_vars,
                    &role.vars,
                    &role.defaults,
                ] {
                    add(dict);
                }
            }
        }
        names.extend(self.run.inventory().variable_names(&self.host));
        if self.run.config.inject_facts_as_vars {
            names.extend(
                self.record
                    .facts
                    .keys()
                    .filter_map(|key| key.as_str().map(injected)),
            );
        }
        names.insert("ansible_facts".into());
        names.extend(magic::NAMES.iter().map(|name| Arc::from(*name)));
        if self.through_hostvars {
            names.remove("hostvars");
        }
        names
    }

    /// Returns what templates of this host are rendered in.
    pub(super) fn template_scope<'s>(
        &'s self,
        outside: Option<&'s dyn crate::template::LookupContext>,
    ) -> TemplateScope<'s> {
        TemplateScope {
            variables: self,
            outside,
            sources: Some(&self.run.sources),
        }
    }

    /// Returns all variables of the host, rendered; what cannot be rendered is undefined in it. For `hostvars[host]`.
    pub(super) fn rendered(&self) -> Value {
        let mut dict = Dict::new();
        for name in self.all_names() {
            if matches!(name.as_ref(), "vars" | "hostvars" | "omit") {
                continue;
            }
            if let Some(value) = self.rendered_variable(&name) {
                dict.insert(name, value);
            }
        }
        Value::dict(dict)
    }

    /// Returns one variable, rendered. For `hostvars[host].name`.
    pub(super) fn rendered_variable(&self, name: &str) -> Option<Value> {
        let (_, value) = self.find_with_level(name)?;
        let rendered = self.render_or_fault(&value);
        let Some(fault) = rendered
            .as_fault()
            .filter(|fault| self.through_hostvars && fault.message == NO_HOSTVARS)
        else {
            return Some(rendered);
        };
        Some(Value::new(Kind::Undefined(Arc::new(Fault {
            help: Some(format!(
                "what is looked at through `hostvars` cannot use `hostvars` itself, and `{name}` of `{}` does",
                self.host
            )),
            ..fault.clone()
        }))))
    }

    /// Renders a value in this host's variables; a failure becomes an undefined value that says why.
    pub(super) fn render_or_fault(&self, value: &Value) -> Value {
        match self.run.templar.render(value, &self.template_scope(None)) {
            Ok(value) => value,
            Err(crate::template::TemplateError::Fault(fault)) => {
                Value::new(Kind::Undefined(Arc::new(fault)))
            }
            Err(error) => Value::undefined(error.to_string(), Span::NONE),
        }
    }
}

/// What is said of `hostvars` where it is not seen.
const NO_HOSTVARS: &str = "'hostvars' is undefined";

/// The variable that a fact is.
fn injected(fact: &str) -> Arc<str> {
    if fact.starts_with("ansible_") {
        fact.into()
    } else {
        format!("ansible_{fact}").into()
    }
}

fn parameter<'a>(role: &'a Role, name: &str) -> Option<&'a Value> {
    role.keyword_vars
        .get(name)
        .or_else(|| role.parameters.get(name))
}

fn is_task_or_block(kind: &ScopeKind) -> bool {
    matches!(
        kind,
        ScopeKind::Task | ScopeKind::Block | ScopeKind::Import(_) | ScopeKind::ImportPlaybook
    )
}

impl Variables for HostScope<'_> {
    fn find(&self, name: &str) -> Found {
        self.find_with_level(name)
            .map_or(Found::Missing, |(_, value)| Found::Value(value))
    }

    fn find_below(&self, name: &str, keys: &[Value]) -> Option<Found> {
        magic::find_below(self, name, keys)
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.all_names().into_iter().collect()
    }
}
