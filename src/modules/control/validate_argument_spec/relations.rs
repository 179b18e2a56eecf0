//! How options depend on each other: `mutually_exclusive` and the `required_...` keys. Each check reports its first violation.

use super::specification::Relations;
use crate::kit::Failure;
use crate::value::{Dict, Value};

/// Returns what the options that exclude each other say.
pub(super) fn exclusive(relations: &Relations, given: &Dict) -> Option<String> {
    let violated: Vec<String> = groups(relations.mutually_exclusive.as_ref())
        .filter(|group| present(group, given) > 1)
        .map(|group| texts(group).join("|"))
        .collect();
    (!violated.is_empty())
        .then(|| format!("parameters are mutually exclusive: {}", violated.join(", ")))
}

/// Returns what the other relations say, in Ansible's order.
pub(super) fn required(relations: &Relations, given: &Dict) -> Result<Vec<String>, Failure> {
    let together = groups(relations.required_together.as_ref())
        .find(|group| {
            let count = present(group, given);
            count > 0 && count < texts(group).len()
        })
        .map(|group| {
            format!(
                "parameters are required together: {}",
                texts(group).join(", ")
            )
        });
    let one_of = groups(relations.required_one_of.as_ref())
        .find(|group| present(group, given) == 0)
        .map(|group| {
            format!(
                "one of the following is required: {}",
                texts(group).join(", ")
            )
        });
    let mut found: Vec<String> = together.into_iter().chain(one_of).collect();
    for rule in groups(relations.required_if.as_ref()) {
        if let Some(violation) = required_if(rule, given)? {
            found.push(violation);
            break;
        }
    }
    found.extend(required_by(relations.required_by.as_ref(), given));
    Ok(found)
}

/// `[option, value, [others]]`, with a fourth item that says whether one of the others is enough.
fn required_if(rule: &Value, given: &Dict) -> Result<Option<String>, Failure> {
    let parts = rule.as_list().unwrap_or_default();
    let (option, value, others, any) = match parts {
        [option, value, others] => (option, value, others, false),
        [option, value, others, any] => (option, value, others, any.is_true()),
        _ => {
            return Err(Failure::new(format!(
                "an item of `required_if` has three or four parts, not {}",
                parts.len()
            )));
        }
    };
    let option = option.to_text();
    if given.get(&option) != Some(value) {
        return Ok(None);
    }
    let others = texts(others);
    let missing: Vec<String> = others
        .iter()
        .filter(|name| !given.contains(name))
        .cloned()
        .collect();
    let enough = if any { others.len() } else { 1 };
    Ok((!missing.is_empty() && missing.len() >= enough).then(|| {
        format!(
            "{option} is {} but {} of the following are missing: {}",
            value.to_text(),
            if any { "any" } else { "all" },
            missing.join(", ")
        )
    }))
}

fn required_by(rules: Option<&Value>, given: &Dict) -> Option<String> {
    let stated = |name: &str| given.get(name).is_some_and(|value| !value.is_null());
    for (option, others) in rules?.as_dict()? {
        let option = option.to_value().to_text();
        if !stated(&option) {
            continue;
        }
        let missing: Vec<String> = texts(others)
            .into_iter()
            .filter(|name| !stated(name))
            .collect();
        if !missing.is_empty() {
            return Some(format!(
                "missing parameter(s) required by '{option}': {}",
                missing.join(", ")
            ));
        }
    }
    None
}

fn groups(written: Option<&Value>) -> impl Iterator<Item = &Value> {
    written.and_then(Value::as_list).unwrap_or_default().iter()
}

/// The names of a group; one name alone is a group too.
fn texts(group: &Value) -> Vec<String> {
    match group.as_list() {
        Some(names) => names.iter().map(Value::to_text).collect(),
        None => vec![group.to_text()],
    }
}

fn present(group: &Value, given: &Dict) -> usize {
    texts(group)
        .iter()
        .filter(|name| given.contains(name))
        .count()
}
