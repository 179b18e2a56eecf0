//! From a task's arguments to a module's struct, with Ansible's conversions.
//!
//! One deserializer reads the rendered dictionary: `yes` and `"1"` are true where a truth value is wanted, `"5"` is a number,
//! `a,b` a list, JSON text a dictionary, numbers are text where text is wanted. Every error names the argument and what was given,
//! and carries the value's own place. Before a run the same code checks constant arguments; what is still a template passes.
//! Longer than most files: one deserializer, with a method for each of serde's types.

use std::cell::Cell;
use std::fmt;

use schemars::JsonSchema;
use serde::de::value::{SeqDeserializer, StrDeserializer};
use serde::de::{
    self, DeserializeOwned, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde::{Deserialize, Serialize};

use crate::diag::{Span, nearest_one};
use crate::value::{Key, Kind, Value};

/// An argument that a module cannot take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentError {
    /// The argument, with a path into it (`rules[2].port`), if the error is about one.
    pub argument: Option<String>,
    /// What is wrong, as a fragment.
    pub message: String,
    /// Where the value was written.
    pub span: Span,
    /// What to do.
    pub help: Option<String>,
    /// The argument itself is not one that the module has.
    pub unknown: bool,
}

impl ArgumentError {
    /// Returns an error about that argument.
    pub fn new(argument: &str, message: impl Into<String>) -> Self {
        Self {
            argument: Some(argument.to_owned()),
            ..Self::general(message)
        }
    }

    /// Returns an error about the arguments together.
    pub fn general(message: impl Into<String>) -> Self {
        Self {
            argument: None,
            message: message.into(),
            span: Span::NONE,
            help: None,
            unknown: false,
        }
    }

    fn inside(mut self, name: &str, span: Span) -> Self {
        self.argument = Some(match self.argument {
            None => name.to_owned(),
            Some(rest) if rest.starts_with('[') => format!("{name}{rest}"),
            Some(rest) => format!("{name}.{rest}"),
        });
        self.span = self.span.or(span);
        self
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.argument {
            Some(argument) => write!(out, "argument `{argument}`: {}", self.message),
            None => out.write_str(&self.message),
        }
    }
}

impl std::error::Error for ArgumentError {}

impl de::Error for ArgumentError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::general(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(field, "is required")
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let help = if let Some(near) = nearest_one(field, expected.iter().copied()) {
            format!("did you mean `{near}`?")
        } else {
            let known: Vec<_> = expected
                .iter()
                .copied()
                .filter(|name| !name.starts_with('_'))
                .collect();
            format!("it takes {}", known.join(", "))
        };
        Self {
            help: Some(help),
            unknown: true,
            ..Self::new(field, "is not an argument of this module")
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let help = nearest_one(variant, expected.iter().copied())
            .map(|near| format!("did you mean `{near}`?"));
        Self {
            help,
            ..Self::general(format!(
                "must be one of {}, not `{variant}`",
                expected.join(", ")
            ))
        }
    }

    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::general(format!("must be {expected}, not {unexpected}"))
    }
}

/// A value of any type, as it was given.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Any(pub Value);

/// A path on the host: `~`, `~user` and `$VARIABLES` are expanded there.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[schemars(transparent)]
pub struct HostPath(pub String);

impl HostPath {
    /// Returns the path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::ops::Deref for HostPath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for Any {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Any".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        true.into()
    }
}

const ANY: &str = "Any";
const HOST_PATH: &str = "HostPath";

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyVisitor;
        impl Visitor<'_> for AnyVisitor {
            type Value = Any;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a value")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Any, E> {
                postcard::from_bytes(bytes).map(Any).map_err(E::custom)
            }
        }
        deserializer.deserialize_newtype_struct(ANY, AnyVisitor)
    }
}

/// How arguments are converted.
#[derive(Default)]
pub struct Coercion<'a> {
    /// Expands a [`HostPath`]; without it paths stay as written.
    pub expand: Option<&'a dyn Fn(&str) -> String>,
    /// Lets pass what is still a template (the check before a run).
    pub templates_pass: bool,
    /// Set where a template was let pass.
    pub passed: Cell<bool>,
}

/// Reads a module's arguments from a rendered dictionary. Arguments that are null count as not given.
pub fn from_value<T: DeserializeOwned>(
    arguments: &Value,
    coercion: &Coercion<'_>,
) -> Result<T, ArgumentError> {
    T::deserialize(Coercing {
        value: arguments,
        coercion,
    })
}

struct Coercing<'v> {
    value: &'v Value,
    coercion: &'v Coercion<'v>,
}

impl Coercing<'_> {
    /// The value is a template that nobody has rendered yet.
    fn passes(&self) -> bool {
        let passes = self.coercion.templates_pass
            && self.value.is_trusted()
            && self
                .value
                .as_str()
                .is_some_and(|text| text.contains("{{") || text.contains("{%"));
        if passes {
            self.coercion.passed.set(true);
        }
        passes
    }

    fn wrong<T>(&self, wanted: &str) -> Result<T, ArgumentError> {
        if let Some(fault) = self.value.as_fault() {
            return Err(ArgumentError::general(fault.message.clone()));
        }
        let shown = if self.value.holds_secret() {
            "a secret".to_owned()
        } else {
            shorten(&self.value.to_repr())
        };
        Err(ArgumentError::general(format!(
            "must be {wanted}, not {shown}"
        )))
    }

    fn boolean(&self) -> Option<bool> {
        match self.value.kind() {
            Kind::Bool(value) => Some(*value),
            Kind::Int(0) => Some(false),
            Kind::Int(1) => Some(true),
            Kind::Float(value) if *value == 0.0 => Some(false),
            Kind::Float(value) if (*value - 1.0).abs() < f64::EPSILON => Some(true),
            Kind::Str(text) => match text.trim().to_lowercase().as_str() {
                "yes" | "on" | "true" | "t" | "y" | "1" => Some(true),
                "no" | "off" | "false" | "f" | "n" | "0" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    fn integer(&self) -> Option<i64> {
        match self.value.kind() {
            Kind::Int(value) => Some(*value),
            Kind::Bool(value) => Some(i64::from(*value)),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole and in range, as checked"
            )]
            Kind::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => Some(*value as i64),
            Kind::Str(text) => text.trim().replace('_', "").parse().ok(),
            _ => None,
        }
    }

    fn text(&self) -> Result<String, ArgumentError> {
        match self.value.kind() {
            Kind::Undefined(_) => self.wrong("text"),
            Kind::Bytes(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
            _ => Ok(self.value.to_text()),
        }
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 60 {
        return format!("`{text}`");
    }
    format!("`{}…`", text.chars().take(60).collect::<String>())
}

macro_rules! deserialize_integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
            if self.passes() {
                return visitor.visit_i64(0);
            }
            match self.integer() {
                Some(value) => visitor.visit_i64(value),
                None => self.wrong("a whole number"),
            }
        }
    )*};
}

macro_rules! deserialize_text {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
            if self.passes() {
                return visitor.visit_str("");
            }
            visitor.visit_string(self.text()?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Coercing<'_> {
    type Error = ArgumentError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        if self.passes() {
            return visitor.visit_i64(0);
        }
        match self.value.kind() {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Int(value) => visitor.visit_i64(*value),
            Kind::Float(value) => visitor.visit_f64(*value),
            Kind::Str(text) => visitor.visit_str(text),
            Kind::List(_) | Kind::Tuple(_) => self.deserialize_seq(visitor),
            Kind::Dict(_) => self.deserialize_map(visitor),
            Kind::Big(_) | Kind::Bytes(_) | Kind::Moment(_) | Kind::Undefined(_) => {
                visitor.visit_string(self.text()?)
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        if self.passes() {
            return visitor.visit_bool(false);
        }
        match self.boolean() {
            Some(value) => visitor.visit_bool(value),
            None => self.wrong("true or false"),
        }
    }

    deserialize_integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    deserialize_text! { deserialize_char deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        if self.passes() {
            return visitor.visit_f64(0.0);
        }
        let number = match self.value.kind() {
            #[expect(clippy::cast_precision_loss, reason = "the argument is a float")]
            Kind::Int(value) => Some(*value as f64),
            Kind::Float(value) => Some(*value),
            Kind::Str(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number {
            Some(value) => visitor.visit_f64(value),
            None => self.wrong("a number"),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        match self.value.kind() {
            Kind::Bytes(bytes) => visitor.visit_bytes(bytes),
            _ => visitor.visit_string(self.text()?),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        if self.value.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        match name {
            ANY => {
                let bytes = postcard::to_stdvec(self.value).map_err(de::Error::custom)?;
                visitor.visit_bytes(&bytes)
            }
            HOST_PATH if !self.passes() => {
                let text = self.text()?;
                let path = self
                    .coercion
                    .expand
                    .map_or_else(|| text.clone(), |expand| expand(&text));
                visitor.visit_newtype_struct(StrDeserializer::new(&path))
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        if self.passes() {
            return visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<u8>()));
        }
        let split;
        let items: &[Value] = match self.value.kind() {
            Kind::List(items) | Kind::Tuple(items) => items,
            Kind::Str(text) => {
                let place = |part: &str| {
                    Value::text(part.trim())
                        .with_marks(self.value.marks())
                        .with_origin(self.value.origin())
                };
                split = text.split(',').map(place).collect::<Vec<_>>();
                &split
            }
            Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => {
                split = vec![Value::text(self.value.to_text()).with_origin(self.value.origin())];
                &split
            }
            _ => return self.wrong("a list"),
        };
        visitor.visit_seq(Items {
            items: items.iter().enumerate(),
            coercion: self.coercion,
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ArgumentError> {
        if self.passes() {
            return visitor.visit_map(Pairs {
                rest: Vec::new().into_iter(),
                coercion: self.coercion,
                value: None,
            });
        }
        let read;
        let dict = match self.value.kind() {
            Kind::Dict(dict) => dict.as_ref(),
            Kind::Str(text) => match dictionary_from_text(text) {
                Some(found) => {
                    read = found;
                    read.as_dict()
                        .map_or_else(|| self.wrong("a dictionary"), Ok)?
                }
                None => return self.wrong("a dictionary, as JSON text, or as key=value pairs"),
            },
            _ => return self.wrong("a dictionary"),
        };
        let pairs: Vec<(&Key, &Value)> =
            dict.iter().filter(|(_, value)| !value.is_null()).collect();
        visitor.visit_map(Pairs {
            rest: pairs.into_iter(),
            coercion: self.coercion,
            value: None,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        if self.passes() {
            let first: StrDeserializer<'_, ArgumentError> = variants
                .first()
                .copied()
                .unwrap_or_default()
                .into_deserializer();
            return visitor.visit_enum(first);
        }
        // YAML has made a truth value of a choice that is spelled like one.
        if let Kind::Bool(value) = self.value.kind() {
            let spelled: &[&str] = if *value {
                &["yes", "on", "true", "True"]
            } else {
                &["no", "off", "false", "False"]
            };
            if let Some(choice) = variants
                .iter()
                .copied()
                .find(|variant| spelled.contains(variant))
            {
                let choice: StrDeserializer<'_, ArgumentError> = choice.into_deserializer();
                return visitor.visit_enum(choice);
            }
        }
        let text = self.text()?;
        let choice: StrDeserializer<'_, ArgumentError> = text.as_str().into_deserializer();
        visitor.visit_enum(choice)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, ArgumentError> {
        visitor.visit_unit()
    }
}

/// Reads `{"a": 1}` or `a=1 b=2`.
fn dictionary_from_text(text: &str) -> Option<Value> {
    let trimmed = text.trim();
    if trimmed.starts_with('{') {
        return serde_json::from_str(trimmed).ok().map(Value::from_json);
    }
    let pairs = trimmed
        .split([',', ' '])
        .filter(|part| !part.is_empty())
        .map(|part| {
            part.split_once('=')
                .map(|(name, value)| (Key::from(name.trim()), Value::text(value.trim())))
        });
    pairs
        .collect::<Option<crate::value::Dict>>()
        .map(Value::dict)
}

struct Items<'v, I> {
    items: I,
    coercion: &'v Coercion<'v>,
}

impl<'v, 'de, I: Iterator<Item = (usize, &'v Value)>> SeqAccess<'de> for Items<'v, I> {
    type Error = ArgumentError;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ArgumentError> {
        let Some((index, value)) = self.items.next() else {
            return Ok(None);
        };
        seed.deserialize(Coercing {
            value,
            coercion: self.coercion,
        })
        .map(Some)
        .map_err(|error| error.inside(&format!("[{index}]"), value.origin()))
    }
}

struct Pairs<'v> {
    rest: std::vec::IntoIter<(&'v Key, &'v Value)>,
    coercion: &'v Coercion<'v>,
    value: Option<(String, &'v Value)>,
}

impl<'de> MapAccess<'de> for Pairs<'_> {
    type Error = ArgumentError;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ArgumentError> {
        let Some((key, value)) = self.rest.next() else {
            return Ok(None);
        };
        let name = key.to_value().to_text();
        let read = seed.deserialize(StrDeserializer::<ArgumentError>::new(&name))?;
        self.value = Some((name, value));
        Ok(Some(read))
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, ArgumentError> {
        let Some((name, value)) = self.value.take() else {
            return Err(ArgumentError::general(
                "a value was asked for before its name",
            ));
        };
        seed.deserialize(Coercing {
            value,
            coercion: self.coercion,
        })
        .map_err(|error| error.inside(&name, value.origin()))
    }
}

#[cfg(test)]
mod tests;
