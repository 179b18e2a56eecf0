//! Tasks, blocks and handlers.

use std::path::Path;
use std::sync::Arc;

use super::action::{Action, ActionKind};
use super::role::Role;
use super::scope::Scope;
use super::unsupported::Unsupported;
use crate::diag::{Diagnostic, Span};
use crate::value::Value;

/// The number of a task or block, unique in a run, ascending in the order of loading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u32);

/// One item of a list of tasks.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A task.
    Task(Arc<Task>),
    /// A block.
    Block(Arc<Block>),
    /// All of that role is through: a host that ran one of its tasks has completed it.
    RoleEnd(Arc<Role>),
}

/// A `block:` with its `rescue:` and `always:`.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its number.
    pub id: TaskId,
    /// Its name, perhaps a template.
    pub name: Option<Value>,
    /// Its keywords and surroundings.
    pub scope: Arc<Scope>,
    /// What is tried.
    pub block: Vec<Entry>,
    /// What runs where that failed.
    pub rescue: Vec<Entry>,
    /// What runs in each case.
    pub always: Vec<Entry>,
    /// Where it was written.
    pub span: Span,
}

/// What a task repeats over.
#[derive(Clone, Debug)]
pub enum Loop {
    /// `loop:` a list or a template of one.
    Items(Value),
    /// `with_NAME:` the terms of a lookup.
    With {
        /// The lookup's name, without `with_`.
        lookup: Arc<str>,
        /// Its terms, or a template of them.
        terms: Value,
        /// Where `with_NAME` stands.
        span: Span,
    },
}

/// `loop_control:`. Values may be templates.
#[derive(Clone, Debug, Default)]
pub struct LoopControl {
    /// `loop_var`, else `item`.
    pub loop_var: Option<Value>,
    /// `index_var`
    pub index_var: Option<Value>,
    /// `label`
    pub label: Option<Value>,
    /// `pause`, in seconds.
    pub pause: Option<Value>,
    /// `extended`
    pub extended: Option<Value>,
    /// `extended_allitems`, true where it is not given.
    pub extended_allitems: Option<Value>,
    /// `break_when`: the loop ends after the item for which all hold.
    pub break_when: Vec<Value>,
}

impl LoopControl {
    /// What is given of it but the conditions of `break_when`.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        let all = [
            &self.loop_var,
            &self.index_var,
            &self.label,
            &self.pause,
            &self.extended,
            &self.extended_allitems,
        ];
        all.into_iter().flatten()
    }
}

/// A task or handler. Values may be templates, except where the type says otherwise.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its number.
    pub id: TaskId,
    /// Its name as written.
    pub name: Option<Value>,
    /// What it does.
    pub action: Action,
    /// Its keywords and surroundings.
    pub scope: Arc<Scope>,
    /// What it repeats over.
    pub loop_: Option<Loop>,
    /// How.
    pub loop_control: LoopControl,
    /// `register`
    pub register: Option<Arc<str>>,
    /// `until`: conditions that must all hold.
    pub until: Vec<Value>,
    /// `retries`
    pub retries: Option<Value>,
    /// `delay`, in seconds; 5 where it is not given.
    pub delay: Option<Value>,
    /// `changed_when`; empty where it is not given.
    pub changed_when: Vec<Value>,
    /// `failed_when`; empty where it is not given.
    pub failed_when: Vec<Value>,
    /// `async`, in seconds.
    pub async_: Option<Value>,
    /// `poll`, in seconds.
    pub poll: Option<Value>,
    /// `listen`, of a handler: topics, each for a handler of a role also as `ROLE : TOPIC`.
    pub listen: Vec<Arc<str>>,
    /// It is a handler.
    pub handler: bool,
    /// It was added by kplay (gathering facts, flushing handlers) and is not in a file.
    pub implicit: bool,
    /// What it needs that kplay lacks, the module aside ([`super::ActionKind::Unsupported`]).
    pub unsupported: Vec<Unsupported>,
    /// Mistakes that make it fail on each host that reaches it, and that Ansible too finds only there: unknown arguments,
    /// constants of a wrong type. All are errors.
    pub faults: Vec<Diagnostic>,
    /// The same, of the outermost condition where nothing can keep a run from evaluating it, whatever `avoidable` says.
    pub first_faults: Vec<Diagnostic>,
    /// Something in the playbook may keep a run away from it, or from failing because of it: a condition, a loop, a rescue, a
    /// notification, a dynamic include, `ignore_errors`. Tags and hosts are not counted.
    pub avoidable: bool,
    /// Where it was written.
    pub span: Span,
    /// The file that it was written in.
    pub file: Arc<Path>,
}

impl Task {
    /// Returns a task that nobody wrote: kplay adds it, at the place that its scope names.
    pub fn made(id: TaskId, name: &str, action: Action, scope: Scope, file: Arc<Path>) -> Self {
        let span = scope.span;
        Self {
            id,
            name: Some(Value::text(name)),
            action,
            scope: Arc::new(scope),
            loop_: None,
            loop_control: LoopControl::default(),
            register: None,
            until: Vec::new(),
            retries: None,
            delay: None,
            changed_when: Vec::new(),
            failed_when: Vec::new(),
            async_: None,
            poll: None,
            listen: Vec::new(),
            handler: false,
            implicit: false,
            unsupported: Vec::new(),
            faults: Vec::new(),
            first_faults: Vec::new(),
            avoidable: false,
            span,
            file,
        }
    }

    /// Returns the role that it is in, if it is in one.
    pub fn role(&self) -> Option<&Arc<Role>> {
        self.scope.role()
    }

    /// Returns what the task is called on the screen: `ROLE : NAME`, with `name` as rendered for the purpose, or the action as
    /// written where it has none. An `include_role` names the role that it brings, and never the one that it is in.
    pub fn display_name(&self, name: Option<&str>) -> String {
        let action = &self.action.written;
        let name = name.filter(|name| !name.is_empty());
        if let ActionKind::IncludeRole(include) = &self.action.kind {
            return name.map_or_else(
                || format!("{action} : {}", include.name.to_text()),
                str::to_owned,
            );
        }
        let name = name.unwrap_or(action);
        match self.role() {
            Some(role) => format!("{} : {name}", role.name),
            None => name.to_owned(),
        }
    }

    /// Returns the name as written, where it is text.
    pub fn written_name(&self) -> Option<&str> {
        self.name
            .as_ref()
            .and_then(Value::as_str)
            .filter(|name| !name.is_empty())
    }
}
