//! `kplay doc`: the manual of a module, from the documentation of its arguments; or the list of all modules.

use std::fmt::Write as _;

use serde_json::Value;

use super::exit;
use crate::diag::nearest;
use crate::kit::{Entry, Support};
use crate::modules;
use crate::playbook::names::{Resolution, resolve};
use crate::report::Printer;

/// Does it.
pub(super) fn doc(name: Option<&str>, printer: &Printer) -> u8 {
    let Some(name) = name else {
        printer.data(&list());
        return exit::FINE;
    };
    if name == "exit-codes" {
        let lines: Vec<String> = exit::CODES
            .iter()
            .map(|(code, meaning)| format!("{code:>3}  {meaning}"))
            .collect();
        printer.data(&lines.join("\n"));
        return exit::FINE;
    }
    let resolved = match resolve(name, &[]) {
        Resolution::Known(full) => Some(full),
        Resolution::Gone(why) => {
            printer.error_line(
                &format!("error: the module `{name}` was removed from Ansible: {why}"),
                None,
            );
            return exit::ERROR;
        }
        Resolution::Unknown => None,
    };
    if let Some(entry) = resolved.as_deref().and_then(modules::find) {
        printer.data(&manual(entry));
        return exit::FINE;
    }
    if let Some(full) = resolved {
        printer.error_line(
            &format!("error: Ansible has the module `{full}`, kplay does not"),
            None,
        );
    } else {
        let known: Vec<&str> = modules::all()
            .map(|entry| entry.meta().short_name())
            .collect();
        let near = nearest(name, known).join("`, `");
        let near = if near.is_empty() {
            String::new()
        } else {
            format!("; did you mean `{near}`?")
        };
        printer.error_line(
            &format!("error: nobody has a module called `{name}`{near}"),
            None,
        );
    }
    exit::ERROR
}

/// Returns a line for each module.
fn list() -> String {
    let mut entries: Vec<Entry> = modules::all().collect();
    entries.sort_by_key(|entry| entry.meta().name);
    let width = entries
        .iter()
        .map(|entry| entry.meta().name.len())
        .max()
        .unwrap_or(0);
    let lines: Vec<String> = entries
        .iter()
        .map(|entry| {
            let text = modules::schema(*entry);
            format!(
                "{:width$}  {}",
                entry.meta().name,
                headline(text.as_value())
            )
        })
        .collect();
    lines.join("\n")
}

fn headline(schema: &Value) -> &str {
    match schema.get("title").and_then(Value::as_str) {
        Some(title) if title.contains(' ') => title,
        _ => description(schema).lines().next().unwrap_or_default(),
    }
}

fn description(schema: &Value) -> &str {
    schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Returns the whole manual of a module.
pub(super) fn manual(entry: Entry) -> String {
    let meta = entry.meta();
    let schema = modules::schema(entry);
    let schema = schema.as_value();
    let mut out = format!("{}\n{}\n\n", meta.name, "=".repeat(meta.name.len()));
    let title = headline(schema);
    let body = description(schema).trim();
    let (before, rest) = body.split_once("\n## ").unwrap_or((body, ""));
    if !before.starts_with(title) {
        let _ = writeln!(out, "{title}\n");
    }
    let _ = writeln!(out, "{}\n", before.trim());
    if !meta.aliases.is_empty() {
        let _ = writeln!(out, "Also known as {}.\n", meta.aliases.join(", "));
    }
    let _ = writeln!(
        out,
        "Check mode: {}. Differences: {}. Reach: {}. Since kplay {}.\n",
        support(meta.check),
        support(meta.diff),
        meta.effect.name(),
        meta.since
    );
    arguments(schema, meta.free_form, &mut out);
    if !rest.is_empty() {
        let _ = write!(out, "\n## {}\n", rest.trim());
    }
    out.trim_end().to_owned()
}

fn support(support: Support) -> &'static str {
    match support {
        Support::Full => "yes",
        Support::Partial => "in part",
        Support::None => "no",
    }
}

fn arguments(schema: &Value, free_form: Option<&str>, out: &mut String) {
    let Some(properties) = schema
        .get("properties")
        .and_then(Value::as_object)
        .filter(|all| !all.is_empty())
    else {
        out.push_str("It takes no arguments.\n");
        return;
    };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    out.push_str("## Arguments\n");
    let mut names: Vec<&String> = properties.keys().collect();
    // What must be given comes first.
    names.sort_by_key(|name| (!required.contains(&name.as_str()), name.as_str()));
    for name in names {
        let Some(property) = properties.get(name) else {
            continue;
        };
        let mut facts = Vec::new();
        if required.contains(&name.as_str()) {
            facts.push("required".to_owned());
        }
        if free_form == Some(name) {
            facts.push("may stand without its name".to_owned());
        }
        let resolved = resolve_reference(schema, property);
        if let Some(kind) = kind(resolved) {
            facts.push(kind);
        }
        if let Some(default) = property.get("default").filter(|default| !default.is_null()) {
            let text = default
                .as_str()
                .map_or_else(|| default.to_string(), str::to_owned);
            if !text.is_empty() {
                facts.push(format!("default `{text}`"));
            }
        }
        let facts = if facts.is_empty() {
            String::new()
        } else {
            format!(" ({})", facts.join(", "))
        };
        let _ = write!(out, "\n{name}{facts}\n");
        for line in description(property).lines() {
            let _ = writeln!(out, "    {line}");
        }
        for (choice, text) in choices(resolved) {
            let text = if text.is_empty() {
                String::new()
            } else {
                format!(": {text}")
            };
            let _ = writeln!(out, "    - `{choice}`{text}");
        }
    }
}

/// Follows `$ref`, and looks through what is optional.
fn resolve_reference<'a>(schema: &'a Value, property: &'a Value) -> &'a Value {
    let inner = ["anyOf", "allOf", "oneOf"]
        .iter()
        .filter_map(|key| property.get(*key)?.as_array())
        .find_map(|all| all.iter().find(|one| one.get("$ref").is_some()));
    let target = inner.unwrap_or(property);
    let name = target
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| reference.rsplit('/').next());
    name.and_then(|name| schema.get("$defs")?.get(name))
        .unwrap_or(property)
}

fn kind(property: &Value) -> Option<String> {
    let kind = property.get("type")?;
    let names: Vec<&str> = match kind {
        Value::String(name) => vec![name],
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .collect(),
        _ => return None,
    };
    let names: Vec<&str> = names
        .into_iter()
        .map(|name| match name {
            "array" => "list",
            "object" => "dictionary",
            "string" => "text",
            "boolean" => "yes or no",
            other => other,
        })
        .collect();
    Some(names.join(" or "))
}

/// The values that an argument may have, with what they mean.
fn choices(property: &Value) -> Vec<(String, &str)> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    if let Some(values) = property.get("enum").and_then(Value::as_array) {
        return values
            .iter()
            .filter(|value| !value.is_null())
            .map(|value| (text(value), ""))
            .collect();
    }
    let each = property
        .get("oneOf")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    each.flat_map(|one| {
        let told = description(one).lines().next().unwrap_or_default();
        match (one.get("const"), one.get("enum").and_then(Value::as_array)) {
            (Some(value), _) => vec![(text(value), told)],
            (None, Some(values)) => values.iter().map(|value| (text(value), told)).collect(),
            (None, None) => Vec::new(),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_has_a_manual_with_its_arguments() {
        for entry in modules::all() {
            let manual = manual(entry);
            assert!(
                manual.starts_with(entry.meta().name) && manual.contains("## Examples"),
                "{manual}"
            );
            for name in modules::schema(entry).as_value()["properties"]
                .as_object()
                .into_iter()
                .flat_map(|all| all.keys())
            {
                assert!(manual.contains(&format!("\n{name}")), "{name} in {manual}");
            }
        }
        assert!(list().contains("ansible.builtin.copy"));
    }
}
