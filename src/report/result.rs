//! Results as text: the dictionary behind `=>`, as Ansible cuts and writes it.

use std::collections::BTreeMap;

use super::stars::STARS;
use super::yaml;
use crate::config::Settings;
use crate::value::{Dict, Kind, Value};

/// What stands in the place of a result that `no_log` hides.
const CENSORED: &str =
    "the output has been hidden due to the fact that 'no_log: true' was specified for this result";
/// What is shown of such a result all the same.
const NOT_CENSORED: [&str; 3] = ["attempts", "changed", "retries"];
/// What the kind of the line says already, or what is shown elsewhere.
const NEVER_SHOWN: [&str; 7] = [
    "failed",
    "skipped",
    "exception",
    "warnings",
    "deprecations",
    "results",
    "diff",
];
/// What `debug: var=` does not show.
const NOT_IN_DEBUG: [&str; 6] = [
    "changed",
    "invocation",
    "skip_reason",
    "ansible_loop_var",
    "ansible_index_var",
    "ansible_loop",
];

/// How results are written (`callback_result_format`, `callback_format_pretty`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    yaml: bool,
    pretty: Option<bool>,
    /// `-vvv` writes JSON with indents.
    verbose: bool,
}

impl Format {
    /// Returns what the settings say.
    pub fn new(settings: &Settings, verbosity: u8) -> Self {
        let pretty = settings.callback_format_pretty.as_deref().map(|text| {
            matches!(
                text.to_ascii_lowercase().as_str(),
                "yes" | "true" | "on" | "y" | "t" | "1" | "1.0"
            )
        });
        Self {
            yaml: settings.callback_result_format == "yaml",
            pretty,
            verbose: verbosity > 2,
        }
    }

    /// Returns the result as text; `always` for results that are shown in any case, which get indents.
    pub(super) fn result(&self, result: &Dict, always: bool) -> String {
        let lossy = self.pretty != Some(false);
        if self.yaml {
            let mut shown = result.clone();
            for stream in ["stdout", "stderr"] {
                let lines = format!("{stream}_lines");
                if lossy && shown.contains(stream) && shown.contains(&lines) {
                    shown.insert(lines, "<omitted>");
                }
            }
            return format!("\n{}", yaml::indented(&shown, lossy));
        }
        let indents = lossy && (always || self.pretty == Some(true) || self.verbose);
        json(&Value::dict(result.clone()), indents)
    }

    /// Returns a state of a difference as text.
    pub(super) fn state(&self, state: &Value) -> String {
        match state.as_dict() {
            Some(dict) if self.yaml => {
                format!("{}\n", yaml::indented(dict, self.pretty != Some(false)))
            }
            Some(_) => json(state, true) + "\n",
            None if state.is_null() => String::new(),
            None => state.to_text(),
        }
    }
}

/// What of a result is shown.
pub(super) fn shown(result: &Dict, no_log: bool, debug: bool) -> Dict {
    if no_log {
        let mut kept: Dict = result
            .iter()
            .filter(|(key, _)| {
                key.as_str()
                    .is_some_and(|name| NOT_CENSORED.contains(&name))
            })
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        kept.insert("censored", CENSORED);
        return kept;
    }
    let message_only = debug && result.contains("msg");
    result
        .iter()
        .filter(|(key, _)| {
            let name = key.as_str().unwrap_or_default();
            let internal = name.starts_with("_ansible_") || NEVER_SHOWN.contains(&name);
            let not_for_debug = if message_only {
                name != "msg"
            } else {
                debug && NOT_IN_DEBUG.contains(&name)
            };
            !internal && !not_for_debug
        })
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Python's `json.dumps` with sorted keys, in one line or with indents of four.
pub(super) fn json(value: &Value, indents: bool) -> String {
    let mut out = String::new();
    write(value, indents.then_some(0), &mut out);
    out
}

fn write(value: &Value, depth: Option<usize>, out: &mut String) {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let new_line = |depth: Option<usize>, out: &mut String| {
        if let Some(depth) = depth {
            out.push('\n');
            out.push_str(&"    ".repeat(depth));
        }
    };
    let between = |index: usize, depth: Option<usize>, out: &mut String| {
        if index > 0 {
            out.push_str(if depth.is_some() { "," } else { ", " });
        }
        new_line(depth, out);
    };
    let inner = depth.map(|depth| depth + 1);
    match value.kind() {
        Kind::List(items) | Kind::Tuple(items) if !items.is_empty() => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                between(index, inner, out);
                write(item, inner, out);
            }
            new_line(depth, out);
            out.push(']');
        }
        Kind::Dict(dict) if !dict.is_empty() => {
            let sorted: BTreeMap<String, &Value> = dict
                .iter()
                .map(|(key, item)| (key.to_json_key(), item))
                .collect();
            out.push('{');
            for (index, (name, item)) in sorted.into_iter().enumerate() {
                between(index, inner, out);
                out.push_str(&quoted(&name));
                out.push_str(": ");
                write(item, inner, out);
            }
            new_line(depth, out);
            out.push('}');
        }
        Kind::List(_) | Kind::Tuple(_) => out.push_str("[]"),
        Kind::Dict(_) => out.push_str("{}"),
        Kind::Undefined(fault) => {
            out.push_str(&quoted(&format!("<< error 1 - {} >>", fault.message)));
        }
        Kind::Null => out.push_str("null"),
        Kind::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        _ if value.is_secret() => out.push_str(&quoted(STARS)),
        Kind::Float(number) if number.is_nan() => out.push_str("NaN"),
        Kind::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            });
        }
        Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => out.push_str(&value.to_repr()),
        Kind::Str(text) => out.push_str(&quoted(text)),
        Kind::Bytes(bytes) => out.push_str(&quoted(&String::from_utf8_lossy(bytes))),
        Kind::Moment(moment) => out.push_str(&quoted(&moment.iso())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Dict {
        Dict::new()
            .with("msg", "non-zero return code")
            .with("rc", 1_i64)
            .with("failed", true)
            .with("cmd", Value::list([Value::text("/bin/false")]))
            .with("stdout", "ä\u{1b}\n")
            .with("stdout_lines", Value::list([Value::text("ä")]))
            .with("changed", true)
            .with("skipped", false)
            .with("warnings", Value::list([]))
            .with("ratio", 1.5)
            .with("_ansible_parsed", true)
    }

    #[test]
    fn one_line_of_json_has_sorted_keys() {
        assert_eq!(
            Format::default().result(&shown(&command(), false, false), false),
            "{\"changed\": true, \"cmd\": [\"/bin/false\"], \"msg\": \"non-zero return code\", \"ratio\": 1.5, \"rc\": 1, \
             \"stdout\": \"ä\\u001b\\n\", \"stdout_lines\": [\"ä\"]}"
        );
    }

    #[test]
    fn results_that_are_always_shown_have_indents() {
        let message = Dict::new().with(
            "msg",
            Dict::new()
                .with("b", 1_i64)
                .with("a", Value::list([Value::NULL])),
        );
        let text =
            Format::default().result(&shown(&message.with("changed", false), false, true), true);
        assert_eq!(
            text,
            "{\n    \"msg\": {\n        \"a\": [\n            null\n        ],\n        \"b\": 1\n    }\n}"
        );
    }

    #[test]
    fn debug_of_a_variable_shows_nothing_else() {
        let result = Dict::new()
            .with("x", 1_i64)
            .with("changed", false)
            .with("ansible_loop_var", "item")
            .with("item", 2_i64);
        assert_eq!(
            Format::default().result(&shown(&result, false, true), false),
            "{\"item\": 2, \"x\": 1}"
        );
    }

    #[test]
    fn t05_no_log_and_secrets_hide_content() {
        let hidden = Format::default().result(&shown(&command(), true, false), false);
        assert_eq!(
            hidden,
            format!("{{\"censored\": \"{CENSORED}\", \"changed\": true}}")
        );
        let secret = Dict::new().with("msg", Value::list([Value::text("canary").secret()]));
        assert_eq!(
            Format::default().result(&secret, false),
            "{\"msg\": [\"********\"]}"
        );
    }

    /// As ansible-playbook printed it.
    #[test]
    fn yaml_stands_below_the_line() {
        let format = Format {
            yaml: true,
            ..Format::default()
        };
        let result = Dict::new()
            .with("cmd", Value::list([Value::text("echo"), Value::text("hi")]))
            .with("end", "2026-11-21 05:45:02")
            .with("stdout", "")
            .with("stdout_lines", Value::list([]))
            .with("changed", true)
            .with("text", "a\nb\n");
        assert_eq!(
            format.result(&result, false),
            "\n    changed: true\n    cmd:\n    - echo\n    - hi\n    end: '2026-11-21 05:45:02'\n    stdout: ''\n    stdout_lines: <omitted>\n    text: |\n        a\n        b\n"
        );
    }
}
