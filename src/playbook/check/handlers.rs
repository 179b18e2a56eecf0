//! Handlers that are notified and do not exist.

use super::preview::Preview;
use crate::diag::{Diagnostic, nearest_one};
use crate::playbook::model::{Play, Task};
use crate::value::Value;

/// Returns a warning for each name in `notify` that no handler of the play answers to. Ansible finds out only when the task
/// changes something, so that it is no error.
pub(super) fn unknown(play: &Play, preview: &Preview<'_>) -> Vec<Diagnostic> {
    let handlers: Vec<&Task> = play
        .handlers
        .iter()
        .chain(&preview.handlers)
        .map(AsRef::as_ref)
        .collect();
    let templated = handlers
        .iter()
        .any(|handler| handler.name.as_ref().is_some_and(is_template));
    if preview.open || templated {
        return Vec::new();
    }
    let names: Vec<String> = handlers
        .iter()
        .flat_map(|handler| answers_to(handler))
        .collect();
    let mut found: Vec<Diagnostic> = Vec::new();
    for task in &preview.tasks {
        let Some(notify) = task.scope.effective(|keywords| &keywords.notify) else {
            continue;
        };
        let wanted: Vec<&Value> = notify
            .as_list()
            .map_or_else(|| vec![notify], |names| names.iter().collect());
        for wanted in wanted {
            let Some(name) = wanted.as_str().filter(|_| !is_template(wanted)) else {
                continue;
            };
            if names.iter().any(|known| known == name) {
                continue;
            }
            let near = nearest_one(name, names.iter().map(String::as_str));
            let label = near
                .map(|near| format!("did you mean `{near}`?"))
                .unwrap_or_default();
            let warning = Diagnostic::warning(
                "unknown-handler",
                format!("no handler of this play is called `{name}`"),
            )
            .at(super::place_of(wanted, task.span), label)
            .note("a host on which this task changes something fails");
            found.push(warning);
        }
    }
    found
}

/// Returns what a handler answers to: its name, alone and with its role's, and its topics.
fn answers_to(handler: &Task) -> Vec<String> {
    let mut names: Vec<String> = handler.listen.iter().map(ToString::to_string).collect();
    if let Some(name) = handler.written_name() {
        names.push(name.to_owned());
        if let Some(role) = handler.role() {
            names.push(format!("{} : {name}", role.name));
            let short = role.name.rsplit('.').next().unwrap_or(&role.name);
            names.push(format!("{short} : {name}"));
        }
    }
    names
}

fn is_template(value: &Value) -> bool {
    value.is_trusted()
        && value
            .as_str()
            .is_some_and(|text| text.contains("{{") || text.contains("{%"))
}
