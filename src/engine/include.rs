//! Dynamic includes: what hosts asked for, grouped, loaded, and put into the program.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::playbook::{ActionKind, IncludeRole, RoleInclude, Task};
use crate::value::{Dict, Value};
use crate::wire::{Status, TaskResult};

/// Returns the arguments of the module that stands for an include in `step`: what it names, rendered there, comes back in the
/// result.
pub(super) fn arguments(task: &Task) -> Option<Value> {
    match &task.action.kind {
        ActionKind::IncludeTasks(include) => {
            Some(Value::dict(Dict::new().with("file", include.file.clone())))
        }
        ActionKind::IncludeRole(include) => Some(Value::dict(role_arguments(include))),
        ActionKind::Meta(action) => Some(Value::dict(Dict::new().with("action", action.name()))),
        ActionKind::Module(_) | ActionKind::Unsupported(_) | ActionKind::Templated(_) => None,
    }
}

fn role_arguments(include: &IncludeRole) -> Dict {
    let mut arguments = Dict::new().with("name", include.name.clone());
    for (name, value) in [
        ("tasks_from", &include.from.tasks),
        ("vars_from", &include.from.vars),
        ("defaults_from", &include.from.defaults),
        ("handlers_from", &include.from.handlers),
        ("public", &include.public),
        ("allow_duplicates", &include.allow_duplicates),
        ("rolespec_validate", &include.validate),
    ] {
        if let Some(value) = value {
            arguments.insert(name, value.clone());
        }
    }
    arguments
}

/// What is to be included, for which hosts.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// The rendered arguments: `file`, or the role's.
    pub(super) arguments: Dict,
    /// Loop variables.
    pub(super) variables: Dict,
    /// What the screen calls the item.
    pub(super) item: Option<String>,
    pub(super) hosts: BTreeSet<Arc<str>>,
}

/// Returns what one host's result asks for, in the order of its items.
pub(super) fn asked(host: &Arc<str>, result: &TaskResult) -> Vec<Request> {
    let request = |value: &Dict, variables: Dict, item: Option<String>| {
        let arguments = value.get("include_arguments").and_then(Value::as_dict)?;
        Some(Request {
            arguments: arguments.clone(),
            variables,
            item,
            hosts: BTreeSet::from([host.clone()]),
        })
    };
    let went = |status| matches!(status, Status::Ok | Status::Changed);
    let Some(items) = &result.items else {
        return went(result.status)
            .then(|| request(&result.value, Dict::new(), None))
            .flatten()
            .into_iter()
            .collect();
    };
    items
        .iter()
        .filter(|item| went(item.status))
        .filter_map(|item| {
            let label = item.label.to_text();
            request(&item.value, loop_variables(&item.value), Some(label))
        })
        .collect()
}

/// Makes one request of those that ask for the same; what the first host asks for comes first. A host that asks twice gets it twice.
pub(super) fn merged(by_host: impl IntoIterator<Item = Vec<Request>>) -> Vec<Request> {
    let mut all: Vec<Request> = Vec::new();
    for request in by_host.into_iter().flatten() {
        match all.iter_mut().find(|known| {
            known.arguments == request.arguments
                && known.variables == request.variables
                && known.hosts.is_disjoint(&request.hosts)
        }) {
            Some(known) => known.hosts.extend(request.hosts),
            None => all.push(request),
        }
    }
    all
}

/// The loop's variables of one item, as its result carries them.
fn loop_variables(value: &Dict) -> Dict {
    let mut variables = Dict::new();
    for (marker, name) in [
        ("ansible_loop_var", None),
        ("ansible_index_var", None),
        ("ansible_loop", Some("ansible_loop")),
    ] {
        let Some(found) = value.get(marker) else {
            continue;
        };
        let name = name.map_or_else(|| found.to_text(), ToOwned::to_owned);
        if let Some(own) = value.get(&name) {
            variables.insert(name, own.clone());
        }
        if marker != "ansible_loop" {
            variables.insert(marker, found.clone());
        }
    }
    variables
}

/// Reads the rendered arguments of `include_role`.
pub(super) fn role(arguments: &Dict) -> RoleInclude {
    let text = |name: &str| {
        arguments
            .get(name)
            .filter(|value| !value.is_null())
            .map(Value::to_text)
    };
    let flag = |name: &str| {
        arguments
            .get(name)
            .and_then(|value| value.as_bool().or_else(|| value.to_text().parse().ok()))
    };
    RoleInclude {
        name: text("name").unwrap_or_default(),
        tasks_from: text("tasks_from"),
        vars_from: text("vars_from"),
        defaults_from: text("defaults_from"),
        handlers_from: text("handlers_from"),
        public: flag("public"),
        allow_duplicates: flag("allow_duplicates"),
        validate: flag("rolespec_validate"),
    }
}
