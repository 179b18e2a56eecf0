//! Keywords that Ansible has and kplay lacks so far. Delete a line here when kplay learns one.

use super::shape::is_template;
use crate::playbook::model::{Scope, Unsupported, UnsupportedKind};
use crate::value::Value;

fn keyword(name: &str, value: &Value) -> Unsupported {
    Unsupported {
        kind: UnsupportedKind::Keyword,
        what: format!("keyword `{name}`"),
        span: value.origin(),
        help: None,
    }
}

/// Returns what of the keywords that hold for a task kplay lacks, wherever they are stated.
pub(super) fn of_scope(scope: &Scope) -> Vec<Unsupported> {
    let debugger = scope
        .effective(|keywords| &keywords.debugger)
        .filter(|value| !value.is_null() && value.as_str() != Some("never"))
        .map(|value| keyword("debugger", value));
    debugger.into_iter().collect()
}

/// Returns what of a play's strategy kplay lacks. What a template gives is for the engine to look at.
pub(super) fn of_strategy(strategy: &Value) -> Option<Unsupported> {
    let name = strategy.as_str().filter(|_| !is_template(strategy))?;
    let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
    (!matches!(short, "linear" | "free" | "host_pinned")).then(|| Unsupported {
        kind: UnsupportedKind::Keyword,
        what: format!("strategy `{name}`"),
        span: strategy.origin(),
        help: Some("kplay has linear, free and host_pinned".to_owned()),
    })
}
