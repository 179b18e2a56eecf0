//! A module's manual, taken apart: its text, parts, examples and arguments, from the schema of its arguments.

use schemars::Schema;
use serde_json::Value as Json;

/// An argument as a manual shows it.
pub(crate) struct Argument {
    /// Its name.
    pub(crate) name: String,
    /// What it takes, in words.
    pub(crate) takes: String,
    /// It must be given.
    pub(crate) required: bool,
    /// What holds without it, if that is more than nothing.
    pub(crate) default: Option<String>,
    /// Its documentation.
    pub(crate) text: String,
}

/// Returns the manual's text.
pub(crate) fn text(schema: &Schema) -> String {
    text_at(schema.as_value(), "/description")
}

fn text_at(schema: &Json, pointer: &str) -> String {
    schema
        .pointer(pointer)
        .and_then(Json::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// Returns the headings of the second level, outside of examples.
pub(crate) fn headings(text: &str) -> Vec<String> {
    let mut inside = false;
    text.lines()
        .filter(|line| {
            inside ^= line.starts_with("```");
            !inside
        })
        .filter_map(|line| line.strip_prefix("## "))
        .map(str::to_owned)
        .collect()
}

/// Returns what stands in blocks of YAML.
pub(crate) fn examples(text: &str) -> Vec<String> {
    text.split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(example, _)| example.to_owned())
        .collect()
}

/// Returns the arguments in the order of the struct.
pub(crate) fn arguments(schema: &Schema) -> Vec<Argument> {
    arguments_of(schema.as_value(), schema.as_value())
}

fn arguments_of(schema: &Json, root: &Json) -> Vec<Argument> {
    let required: Vec<_> = schema
        .get("required")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    schema
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .map(|(name, property)| Argument {
            name: name.clone(),
            takes: takes(property, root),
            required: required.contains(&name.as_str()),
            default: property
                .get("default")
                .filter(|default| !is_nothing(default))
                .map(Json::to_string),
            text: text_at(property, "/description"),
        })
        .collect()
}

fn is_nothing(default: &Json) -> bool {
    match default {
        Json::Null => true,
        Json::Array(items) => items.is_empty(),
        Json::Object(items) => items.is_empty(),
        _ => false,
    }
}

/// Returns the arguments without documentation, those of nested structs too.
pub(crate) fn undocumented(schema: &Schema) -> Vec<String> {
    let root = schema.as_value();
    let definitions = root.get("$defs").and_then(Json::as_object);
    let nested = definitions
        .into_iter()
        .flatten()
        .map(|(name, definition)| (format!("{name}."), definition));
    [(String::new(), root)]
        .into_iter()
        .chain(nested)
        .flat_map(|(prefix, schema)| {
            arguments_of(schema, root)
                .into_iter()
                .filter(|argument| argument.text.trim().is_empty())
                .map(move |argument| format!("{prefix}{}", argument.name))
        })
        .collect()
}

/// What a schema takes, in words.
fn takes(schema: &Json, root: &Json) -> String {
    if let Some(constant) = schema.get("const").and_then(Json::as_str) {
        return format!("`{constant}`");
    }
    if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
        let found = root.pointer(reference.trim_start_matches('#'));
        return found.map_or_else(String::new, |found| takes(found, root));
    }
    if let Some(choices) = schema.get("enum").and_then(Json::as_array) {
        let choices: Vec<_> = choices
            .iter()
            .filter_map(Json::as_str)
            .map(|choice| format!("`{choice}`"))
            .collect();
        return choices.join(", ");
    }
    for word in ["anyOf", "oneOf"] {
        if let Some(choices) = schema.get(word).and_then(Json::as_array) {
            let choices: Vec<_> = choices
                .iter()
                .filter(|choice| choice.get("type").and_then(Json::as_str) != Some("null"))
                .map(|choice| takes(choice, root))
                .collect();
            return choices.join(", ");
        }
    }
    let mut types: Vec<_> = match schema.get("type") {
        Some(Json::String(one)) => vec![one.as_str()],
        Some(Json::Array(several)) => several.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    };
    types.retain(|kind| *kind != "null");
    let words: Vec<_> = types
        .into_iter()
        .map(|kind| match kind {
            "string" => "text".to_owned(),
            "boolean" => "truth value".to_owned(),
            "integer" => "whole number".to_owned(),
            "array" => match schema.get("items").map(|items| takes(items, root)) {
                Some(items) if !items.is_empty() && items != "anything" => {
                    format!("list of {items}")
                }
                _ => "list".to_owned(),
            },
            "object" => "dictionary".to_owned(),
            other => other.to_owned(),
        })
        .collect();
    if words.is_empty() {
        "anything".to_owned()
    } else {
        words.join(" or ")
    }
}
