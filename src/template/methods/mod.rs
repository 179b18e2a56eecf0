//! Python's methods and attributes of values, as templates call them: `text.split(',')`, `dict.items()`, `time.strftime(...)`.
//!
//! Methods that change a list or dictionary give the changed one back; the evaluator decides where it goes.

mod list;
pub(super) mod mapping;
mod moment;
mod number;
mod text;

use super::call::Keyword;
use super::error::TemplateError;
use crate::value::{Kind, Marks, Value};

pub(crate) use moment::strftime;

/// What a method gives, and what its value becomes where it changes.
pub(crate) struct Called {
    pub(crate) result: Value,
    pub(crate) changed: Option<Value>,
}

impl From<Value> for Called {
    fn from(result: Value) -> Self {
        Self {
            result,
            changed: None,
        }
    }
}

/// Tells whether values of that kind have such a method.
pub(crate) fn has(value: &Value, name: &str) -> bool {
    match value.kind() {
        Kind::Str(_) => text::METHODS.contains(&name),
        Kind::List(_) => list::METHODS.contains(&name),
        Kind::Tuple(_) => matches!(name, "count" | "index"),
        Kind::Dict(_) => mapping::METHODS.contains(&name),
        Kind::Int(_) | Kind::Big(_) | Kind::Bool(_) => number::INTEGER_METHODS.contains(&name),
        Kind::Float(_) => number::FLOAT_METHODS.contains(&name),
        Kind::Bytes(_) => matches!(name, "decode" | "hex"),
        Kind::Moment(moment) => moment::has(*moment, name),
        Kind::Null | Kind::Undefined(_) => false,
    }
}

/// Returns an attribute that is no method, such as `time.year`.
pub(crate) fn attribute(value: &Value, name: &str) -> Option<Value> {
    match value.kind() {
        Kind::Moment(moment) => moment::attribute(*moment, name),
        Kind::Int(_) | Kind::Big(_) | Kind::Float(_) | Kind::Bool(_) => {
            number::attribute(value, name)
        }
        Kind::Tuple(items) if value.marks().contains(Marks::GROUP) => match name {
            "grouper" => items.first().cloned(),
            "list" => items.get(1).cloned(),
            _ => None,
        },
        _ => None,
    }
}

/// Tells whether the method looks at what its value contains, which then has to be rendered.
pub(crate) fn needs_whole(value: &Value, name: &str) -> bool {
    match value.kind() {
        Kind::List(_) | Kind::Tuple(_) => matches!(name, "count" | "index" | "remove" | "sort"),
        _ => false,
    }
}

/// Calls the method. Arguments are rendered.
pub(crate) fn call(
    value: &Value,
    name: &str,
    positional: &[Value],
    named: &[Keyword],
) -> Result<Called, TemplateError> {
    let arguments = Arguments {
        method: name,
        positional,
        named,
    };
    match value.kind() {
        Kind::Str(text) => text::call(text, &arguments).map(Called::from),
        Kind::List(items) | Kind::Tuple(items) => list::call(items, &arguments),
        Kind::Dict(dict) => mapping::call(dict, &arguments),
        Kind::Int(_) | Kind::Big(_) | Kind::Bool(_) | Kind::Float(_) => {
            number::call(value, &arguments).map(Called::from)
        }
        Kind::Bytes(bytes) => match name {
            "hex" => Ok(Value::from(hexadecimal(bytes)).into()),
            _ => std::str::from_utf8(bytes)
                .map(|text| Value::from(text).into())
                .map_err(|error| TemplateError::new(format!("the bytes are not UTF-8: {error}"))),
        },
        Kind::Moment(moment) => moment::call(*moment, &arguments).map(Called::from),
        Kind::Null | Kind::Undefined(_) => Err(arguments.unknown(value)),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
        out.push(digit(byte >> 4));
        out.push(digit(byte & 15));
    }
    out
}

/// A method's arguments.
struct Arguments<'a> {
    method: &'a str,
    positional: &'a [Value],
    named: &'a [Keyword],
}

impl<'a> Arguments<'a> {
    /// Returns the argument at that place or of that name.
    fn get(&self, index: usize, name: &str) -> Option<&'a Value> {
        self.positional.get(index).or_else(|| {
            self.named
                .iter()
                .find(|(other, _)| other.as_ref() == name)
                .map(|(_, value)| value)
        })
    }

    fn required(&self, index: usize, name: &str) -> Result<&'a Value, TemplateError> {
        self.get(index, name).ok_or_else(|| {
            TemplateError::new(format!(
                "`{}()` is missing its argument `{name}`",
                self.method
            ))
        })
    }

    fn text(&self, index: usize, name: &str) -> Result<&'a str, TemplateError> {
        let value = self.required(index, name)?;
        value.as_str().ok_or_else(|| self.wrong(name, "str", value))
    }

    /// Returns optional text, where `None` counts as not given.
    fn optional_text(&self, index: usize, name: &str) -> Result<Option<&'a str>, TemplateError> {
        match self.get(index, name) {
            None => Ok(None),
            Some(value) if value.is_null() => Ok(None),
            Some(value) => value
                .as_str()
                .map(Some)
                .ok_or_else(|| self.wrong(name, "str", value)),
        }
    }

    fn integer(&self, index: usize, name: &str) -> Result<Option<i64>, TemplateError> {
        match self.get(index, name).map(|value| (value, value.kind())) {
            None | Some((_, Kind::Null)) => Ok(None),
            Some((_, Kind::Int(number))) => Ok(Some(*number)),
            Some((_, Kind::Bool(flag))) => Ok(Some(i64::from(*flag))),
            Some((value, _)) => Err(self.wrong(name, "int", value)),
        }
    }

    fn wrong(&self, name: &str, wanted: &str, value: &Value) -> TemplateError {
        TemplateError::new(format!(
            "argument `{name}` of `{}()` must be {wanted}, not `{}`",
            self.method,
            value.type_name()
        ))
    }

    fn unknown(&self, value: &Value) -> TemplateError {
        TemplateError::new(format!(
            "`{}` has no method `{}`",
            value.type_name(),
            self.method
        ))
    }

    /// Fails where more arguments are given than the method takes.
    fn at_most(&self, count: usize) -> Result<(), TemplateError> {
        if self.positional.len() > count {
            return Err(TemplateError::new(format!(
                "`{}()` takes at most {count} argument(s), {} given",
                self.method,
                self.positional.len()
            )));
        }
        Ok(())
    }
}
