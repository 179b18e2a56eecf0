//! `to_json`, `to_nice_json`, `tojson`, `from_json`: Python's `json` to the letter.

use std::fmt::Write as _;

use super::bind::{Arguments, bind};
use super::python::{count, used};
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::{Kind, Value};

/// How JSON is laid out.
struct Layout {
    indent: Option<String>,
    item: String,
    colon: String,
    sort: bool,
    ascii: bool,
    skip_odd_keys: bool,
}

const NAMES: [&str; 12] = [
    "profile",
    "indent",
    "sort_keys",
    "separators",
    "ensure_ascii",
    "vault_to_text",
    "preprocess_unsafe",
    "allow_nan",
    "skipkeys",
    "check_circular",
    "default",
    "cls",
];

fn layout(
    arguments: &Arguments<'_>,
    first: usize,
    indent: Option<&str>,
    sort: bool,
) -> Result<Layout, TemplateError> {
    let indent = match arguments.get(first).map(Value::kind) {
        None => indent.map(str::to_owned),
        Some(Kind::Null) => None,
        Some(Kind::Str(text)) => Some(text.to_string()),
        Some(_) => Some(" ".repeat(count(arguments.int(first, 4)?))),
    };
    Ok(Layout {
        item: if indent.is_some() {
            ",".to_owned()
        } else {
            ", ".to_owned()
        },
        colon: ": ".to_owned(),
        sort: arguments.flag(first + 1, sort)?,
        ascii: true,
        skip_odd_keys: false,
        indent,
    })
}

/// `to_json(profile=None, indent=None, sort_keys=false, separators=None, ensure_ascii=true, ...)`.
pub(super) fn to_json(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &NAMES, 0)?;
    let mut layout = layout(&arguments, 1, None, false)?;
    if let Some(separators) = arguments.given(3) {
        let [item, colon] = separators.as_list().unwrap_or_default() else {
            return Err(arguments.error("needs two separators"));
        };
        layout.item = item.to_text();
        layout.colon = colon.to_text();
    }
    layout.ascii = arguments.flag(4, true)?;
    layout.skip_odd_keys = arguments.flag(8, false)?;
    dump(&arguments.value, &layout).map(Value::from)
}

/// `to_nice_json(indent=4, sort_keys=true, ...)`.
pub(super) fn to_nice_json(call: Call<'_>) -> Result<Value, TemplateError> {
    let names = [
        "indent",
        "sort_keys",
        "ensure_ascii",
        "separators",
        "profile",
        "vault_to_text",
        "preprocess_unsafe",
        "allow_nan",
        "skipkeys",
    ];
    let arguments = bind(call, &names, 0)?;
    let mut layout = layout(&arguments, 0, Some("    "), true)?;
    ",".clone_into(&mut layout.item);
    layout.ascii = arguments.flag(2, true)?;
    layout.skip_odd_keys = arguments.flag(8, false)?;
    dump(&arguments.value, &layout).map(Value::from)
}

/// `tojson(indent=None)`: safe inside of HTML.
pub(super) fn tojson(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["indent"], 0)?;
    let mut layout = layout(&arguments, 0, None, true)?;
    layout.sort = true;
    let text = dump(&arguments.value, &layout)?;
    let text = text
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\'', "\\u0027");
    Ok(Value::from(text))
}

/// Returns JSON without any space, as `json.dumps` writes it with the separators `,` and `:`.
pub(super) fn compact(value: &Value) -> Result<String, TemplateError> {
    let layout = Layout {
        indent: None,
        item: ",".to_owned(),
        colon: ":".to_owned(),
        sort: false,
        ascii: true,
        skip_odd_keys: false,
    };
    dump(value, &layout)
}

fn dump(value: &Value, layout: &Layout) -> Result<String, TemplateError> {
    let mut out = String::new();
    write(value, layout, 0, &mut out)?;
    Ok(out)
}

fn write(
    value: &Value,
    layout: &Layout,
    depth: usize,
    out: &mut String,
) -> Result<(), TemplateError> {
    match used(value)?.kind() {
        Kind::Null => out.push_str("null"),
        Kind::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Kind::Float(number) if number.is_nan() => out.push_str("NaN"),
        Kind::Float(number) if number.is_infinite() => out.push_str(if *number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }),
        Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => out.push_str(&value.to_repr()),
        Kind::Str(text) => quote(text, layout.ascii, out),
        Kind::Moment(moment) => quote(&moment.iso(), layout.ascii, out),
        Kind::List(items) | Kind::Tuple(items) => {
            let mut group = Group::open('[', layout, depth, out);
            for item in items.iter() {
                group.item(out);
                write(item, layout, depth + 1, out)?;
            }
            group.close(']', out);
        }
        Kind::Dict(dict) => {
            let mut entries: Vec<_> = dict
                .iter()
                .map(|(key, item)| (key.to_value(), key.to_json_key(), item))
                .collect();
            if layout.sort {
                let mut failure = None;
                entries.sort_by(|left, right| {
                    super::python::compare(&left.0, &right.0).unwrap_or_else(|error| {
                        failure.get_or_insert(error);
                        std::cmp::Ordering::Equal
                    })
                });
                if let Some(error) = failure {
                    return Err(error);
                }
            }
            let mut group = Group::open('{', layout, depth, out);
            for (key, name, item) in entries {
                if key.as_list().is_some() {
                    if layout.skip_odd_keys {
                        continue;
                    }
                    return Err(TemplateError::new(
                        "keys of JSON are text, numbers, truth values or None, not tuples",
                    ));
                }
                group.item(out);
                quote(&name, layout.ascii, out);
                out.push_str(&layout.colon);
                write(item, layout, depth + 1, out)?;
            }
            group.close('}', out);
        }
        Kind::Bytes(_) => return Err(TemplateError::new("bytes cannot be written as JSON")),
        Kind::Undefined(fault) => return Err(TemplateError::Fault((**fault).clone())),
    }
    Ok(())
}

/// A list or object while it is written.
struct Group<'l> {
    layout: &'l Layout,
    depth: usize,
    empty: bool,
}

impl<'l> Group<'l> {
    fn open(sign: char, layout: &'l Layout, depth: usize, out: &mut String) -> Self {
        out.push(sign);
        Self {
            layout,
            depth,
            empty: true,
        }
    }

    fn line(&self, depth: usize, out: &mut String) {
        if let Some(indent) = &self.layout.indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    }

    fn item(&mut self, out: &mut String) {
        if !self.empty {
            out.push_str(&self.layout.item);
        }
        self.empty = false;
        self.line(self.depth + 1, out);
    }

    fn close(&self, sign: char, out: &mut String) {
        if !self.empty {
            self.line(self.depth, out);
        }
        out.push(sign);
    }
}

fn quote(text: &str, ascii: bool, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            other if u32::from(other) < 0x20 || (ascii && !(' '..='~').contains(&other)) => {
                let mut units = [0; 2];
                for unit in other.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

/// `from_json(profile=None)`.
pub(super) fn from_json(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["profile"], 0)?;
    let text = match arguments.value.kind() {
        Kind::Str(text) => text.to_string(),
        Kind::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => {
            return Err(arguments.error(format!("needs text, got {}", arguments.value.type_name())));
        }
    };
    if let Some(word) = match text.trim() {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    } {
        return Ok(Value::from(word));
    }
    serde_json::from_str(&text)
        .map(Value::from_json)
        .map_err(|error| arguments.error(format!("cannot read this JSON: {error}")))
}
