//! `to_yaml` and `to_nice_yaml`: values as libyaml's emitter writes them for Python's `yaml`.
//!
//! Python's side (what is a flow collection, sorted keys, anchors for what occurs twice) is here; where lines break and what
//! is quoted is in `yaml_emitter`.

use std::collections::HashMap;
use std::sync::Arc;

use super::bind::{Arguments, bind};
use super::python::{compare, count, used};
use super::yaml_emitter::Emitter;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::{Key, Kind, Moment, Value};

const OPTIONS: [&str; 7] = [
    "indent",
    "default_flow_style",
    "width",
    "sort_keys",
    "explicit_start",
    "explicit_end",
    "vault_to_text",
];

/// `to_yaml(default_flow_style=None, ...)`: collections of scalars in flow style.
pub(super) fn to_yaml(mut call: Call<'_>) -> Result<Value, TemplateError> {
    // Python takes and ignores further arguments by position here.
    call.positional.clear();
    dump(&bind(call, &OPTIONS, 0)?, 2, None)
}

/// `to_nice_yaml(indent=4, default_flow_style=false, ...)`: block style throughout.
pub(super) fn to_nice_yaml(mut call: Call<'_>) -> Result<Value, TemplateError> {
    call.positional.truncate(1);
    dump(&bind(call, &OPTIONS, 0)?, 4, Some(false))
}

fn dump(
    arguments: &Arguments<'_>,
    indent: i64,
    flow: Option<bool>,
) -> Result<Value, TemplateError> {
    let indent = match arguments.get(0) {
        None => indent,
        Some(value) if value.is_null() => 2,
        Some(_) => arguments.int(0, indent)?,
    };
    let indent = if (2..10).contains(&indent) {
        count(indent)
    } else {
        2
    };
    let flow = match arguments.get(1) {
        None => flow,
        Some(value) if value.is_null() => None,
        Some(value) => Some(value.is_true()),
    };
    let width = arguments.optional_int(2)?.unwrap_or(80);
    let width = match width {
        negative if negative < 0 => usize::MAX,
        narrow if count(narrow) <= indent * 2 => 80,
        width => count(width),
    };
    let mut dumper = Dumper {
        emitter: Emitter::new(indent, width),
        flow,
        sort: arguments.flag(3, true)?,
        seen: HashMap::new(),
        anchors: HashMap::new(),
    };
    dumper.census(&arguments.value);
    if arguments.flag(4, false)? {
        dumper.emitter.indicator("---", true, false, false);
    }
    dumper.node(&arguments.value, false, false)?;
    dumper.emitter.new_line();
    if arguments.flag(5, false)? {
        dumper.emitter.indicator("...", true, false, false);
        dumper.emitter.new_line();
    }
    Ok(Value::from(dumper.emitter.into_text()))
}

struct Dumper {
    emitter: Emitter,
    flow: Option<bool>,
    sort: bool,
    /// How often each shared container occurs.
    seen: HashMap<usize, usize>,
    /// The numbers of anchors given so far.
    anchors: HashMap<usize, usize>,
}

/// Returns the identity of a container that is shared, as Python's `id` does for aliases.
fn identity(value: &Value) -> Option<usize> {
    match value.kind() {
        Kind::List(items) => Some(Arc::as_ptr(items).addr()),
        Kind::Tuple(items) if !items.is_empty() => Some(Arc::as_ptr(items).addr()),
        Kind::Dict(dict) => Some(Arc::as_ptr(dict).addr()),
        _ => None,
    }
}

impl Dumper {
    fn census(&mut self, value: &Value) {
        if let Some(identity) = identity(value) {
            let times = self.seen.entry(identity).or_default();
            *times += 1;
            if *times > 1 {
                return;
            }
        }
        match value.kind() {
            Kind::List(items) | Kind::Tuple(items) => {
                items.iter().for_each(|item| self.census(item));
            }
            Kind::Dict(dict) => dict.values().for_each(|item| self.census(item)),
            _ => {}
        }
    }

    /// Writes an anchor or an alias; tells whether it was an alias, so that nothing more is to be written.
    fn anchored(&mut self, value: &Value) -> bool {
        let Some(identity) = identity(value)
            .filter(|identity| self.seen.get(identity).is_some_and(|times| *times > 1))
        else {
            return false;
        };
        if let Some(number) = self.anchors.get(&identity) {
            self.emitter
                .indicator(&format!("*id{number:03}"), true, false, false);
            return true;
        }
        let number = self.anchors.len() + 1;
        self.anchors.insert(identity, number);
        self.emitter
            .indicator(&format!("&id{number:03}"), true, false, false);
        false
    }

    /// `in_mapping`: this is the value of a key; `key`: this is a simple key.
    fn node(&mut self, value: &Value, in_mapping: bool, key: bool) -> Result<(), TemplateError> {
        if self.anchored(used(value)?) {
            return Ok(());
        }
        match value.kind() {
            Kind::List(items) | Kind::Tuple(items) => self.sequence(items, in_mapping),
            Kind::Dict(dict) => {
                let mut entries: Vec<(Value, &Value)> = dict
                    .iter()
                    .map(|(name, item)| (Key::to_value(name), item))
                    .collect();
                if self.sort {
                    sort(&mut entries);
                }
                self.mapping(&entries)
            }
            _ => {
                let (text, plain) = scalar(value)?;
                self.emitter
                    .scalar(&text, plain, key, value.as_str().is_none());
                Ok(())
            }
        }
    }

    fn flows(&self, leaves: bool) -> bool {
        self.emitter.in_flow() || self.flow.unwrap_or(leaves)
    }

    fn sequence(&mut self, items: &[Value], in_mapping: bool) -> Result<(), TemplateError> {
        if items.is_empty() || self.flows(items.iter().all(is_leaf)) {
            self.emitter.open("[");
            for (index, item) in items.iter().enumerate() {
                self.emitter.flow_item(index == 0);
                self.node(item, false, false)?;
            }
            self.emitter.close("]");
            return Ok(());
        }
        self.emitter.indent_for_sequence(in_mapping);
        for item in items {
            self.emitter.new_line();
            self.emitter.indicator("-", true, false, true);
            self.node(item, false, false)?;
        }
        self.emitter.dedent();
        Ok(())
    }

    fn mapping(&mut self, entries: &[(Value, &Value)]) -> Result<(), TemplateError> {
        let flow = entries.is_empty()
            || self.flows(
                entries
                    .iter()
                    .all(|(name, item)| is_leaf(name) && is_leaf(item)),
            );
        if flow {
            self.emitter.open("{");
        } else {
            self.emitter.indent();
        }
        for (index, (name, item)) in entries.iter().enumerate() {
            if flow {
                self.emitter.flow_item(index == 0);
            } else {
                self.emitter.new_line();
            }
            if is_simple(name)? {
                self.node(name, false, true)?;
                self.emitter.indicator(":", false, false, false);
            } else {
                self.emitter.indicator("?", true, false, !flow);
                self.node(name, true, false)?;
                if !flow || self.emitter.is_wide() {
                    self.emitter.new_line();
                }
                self.emitter.indicator(":", true, false, !flow);
            }
            self.node(item, true, false)?;
        }
        if flow {
            self.emitter.close("}");
        } else {
            self.emitter.dedent();
        }
        Ok(())
    }
}

/// Python leaves the order where the keys have none.
fn sort(entries: &mut [(Value, &Value)]) {
    let ordered = entries.iter().all(|(name, _)| {
        entries
            .first()
            .is_none_or(|(first, _)| compare(first, name).is_ok())
    });
    if ordered {
        entries
            .sort_by(|left, right| compare(&left.0, &right.0).unwrap_or(std::cmp::Ordering::Equal));
    }
}

fn is_leaf(value: &Value) -> bool {
    !matches!(value.kind(), Kind::List(_) | Kind::Tuple(_) | Kind::Dict(_))
}

fn is_simple(key: &Value) -> Result<bool, TemplateError> {
    if !is_leaf(key) {
        return Ok(key.as_list().is_some_and(<[Value]>::is_empty));
    }
    let (text, _) = scalar(key)?;
    let multiline = text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
    Ok(!multiline && text.len() <= 128)
}

/// Returns a scalar's text, and whether reading it back plain gives the same type.
fn scalar(value: &Value) -> Result<(String, bool), TemplateError> {
    Ok(match value.kind() {
        Kind::Null => ("null".to_owned(), true),
        Kind::Bool(flag) => (flag.to_string(), true),
        Kind::Float(number) if number.is_nan() => (".nan".to_owned(), true),
        Kind::Float(number) if number.is_infinite() => (
            (if *number > 0.0 { ".inf" } else { "-.inf" }).to_owned(),
            true,
        ),
        Kind::Float(_) => {
            let text = value.to_repr();
            (
                if text.contains('.') {
                    text
                } else {
                    text.replacen('e', ".0e", 1)
                },
                true,
            )
        }
        Kind::Int(_) | Kind::Big(_) => (value.to_repr(), true),
        Kind::Moment(Moment::Delta(_)) | Kind::Bytes(_) => {
            return Err(TemplateError::new(format!(
                "`{}` cannot be written as YAML",
                value.type_name()
            )));
        }
        Kind::Moment(moment) => (moment.to_string(), true),
        _ => {
            let text = value.to_text();
            let plain = matches!(crate::yaml::resolve_plain(&text), Ok(Kind::Str(_)))
                && text != "="
                && text != "<<";
            (text, plain)
        }
    })
}
