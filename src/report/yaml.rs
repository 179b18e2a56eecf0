//! Results as YAML (`callback_result_format=yaml`): block style, several lines of text as a block, indented by four.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use super::stars::starred;
use crate::diag::Span;
use crate::template::{Scope, Templar};
use crate::value::{Dict, Kind, Value};

static TEMPLAR: LazyLock<Templar> = LazyLock::new(Templar::new);

/// Returns the dictionary, each line indented. `lossy` prefers readable text to exact text.
pub(super) fn indented(dict: &Dict, lossy: bool) -> String {
    let mut out = String::new();
    mapping(dict, 4, lossy, &mut out);
    out
}

fn mapping(dict: &Dict, indent: usize, lossy: bool, out: &mut String) {
    let sorted: BTreeMap<String, &Value> = dict
        .iter()
        .map(|(key, item)| (key.to_json_key(), item))
        .collect();
    for (name, value) in sorted {
        let name = scalar(&Value::text(name));
        let _ = write!(out, "{:indent$}{name}:", "");
        node(value, indent, lossy, out);
    }
}

/// What follows `name:` or `-`.
fn node(value: &Value, indent: usize, lossy: bool, out: &mut String) {
    match value.kind() {
        Kind::Dict(dict) if !dict.is_empty() => {
            out.push('\n');
            mapping(dict, indent + 4, lossy, out);
        }
        Kind::List(items) | Kind::Tuple(items) if !items.is_empty() => {
            out.push('\n');
            for item in items.iter() {
                let _ = write!(out, "{:indent$}-", "");
                match item.kind() {
                    // The first key stands beside the dash, behind three blanks.
                    Kind::Dict(dict) if !dict.is_empty() => {
                        let mut inner = String::new();
                        mapping(dict, indent + 4, lossy, &mut inner);
                        out.push_str("   ");
                        out.push_str(inner.trim_start());
                    }
                    _ => node(item, indent, lossy, out),
                }
            }
        }
        Kind::Str(text) if text.contains('\n') && !value.is_secret() && lossy => {
            block(text, indent + 4, out);
        }
        _ => {
            out.push(' ');
            out.push_str(&scalar(&starred(value)).replace('\n', &format!("\n{:indent$}", "")));
            out.push('\n');
        }
    }
}

/// Text of several lines. What a block cannot hold (tabs, blanks at line ends, control characters) goes.
fn block(text: &str, indent: usize, out: &mut String) {
    let cleaned: String = text
        .replace('\t', "        ")
        .chars()
        .filter(|character| *character == '\n' || !character.is_control())
        .collect();
    let ends = if cleaned.ends_with('\n') { "" } else { "-" };
    let lines: Vec<&str> = cleaned.trim_end().lines().map(str::trim_end).collect();
    let first_is_indented = lines
        .first()
        .is_some_and(|line| line.starts_with(' ') || line.is_empty());
    let hint = if first_is_indented { "4" } else { "" };
    let _ = writeln!(out, " |{hint}{ends}");
    for line in lines {
        if line.is_empty() {
            out.push('\n');
        } else {
            let _ = writeln!(out, "{:indent$}{line}", "");
        }
    }
}

/// One scalar (or empty collection) as the filter `to_yaml` writes it, without the marks of a document.
fn scalar(value: &Value) -> String {
    let variables = Dict::new().with("value", value.clone());
    let scope = Scope {
        variables: &variables,
        outside: None,
        sources: None,
    };
    let text = TEMPLAR
        .expression("value | to_yaml", Span::NONE, &scope)
        .map(|text| text.to_text());
    let text = text.unwrap_or_else(|_| value.to_repr());
    text.trim_end_matches('\n')
        .trim_end_matches("\n...")
        .to_owned()
}
