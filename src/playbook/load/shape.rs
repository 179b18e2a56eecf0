//! What a keyword's value must look like, as far as a constant tells.

use crate::diag::Diagnostic;
use crate::value::{Kind, Value};
use crate::yaml::Node;

use super::documents::{Item, whole};

/// What a keyword wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// True or false.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Number,
    /// A number, perhaps with `%`.
    Percent,
    /// Text.
    Text,
}

/// What is wrong with a constant.
pub(super) enum Mismatch {
    /// Ansible refuses to load it.
    AtLoad(Diagnostic),
    /// Ansible fails when it gets there.
    AtRun(Diagnostic),
}

impl Shape {
    fn wanted(self) -> &'static str {
        match self {
            Self::Bool => "true or false",
            Self::Int => "a whole number",
            Self::Number => "a number",
            Self::Percent => "a number or a percentage",
            Self::Text => "text",
        }
    }

    /// Checks the value of a keyword. What may be a template passes.
    pub(super) fn check(self, item: Item<'_>, value: &Value) -> Option<Mismatch> {
        if value.is_null() || value.as_fault().is_some() || is_template(value) {
            return None;
        }
        let fits = match self {
            Self::Text => value.as_list().is_none() && value.as_dict().is_none(),
            Self::Bool => as_bool(value).is_some(),
            Self::Int => as_number(value).is_some_and(|number| number.fract() == 0.0),
            Self::Number => as_number(value).is_some(),
            Self::Percent => match value.as_str() {
                Some(text) => text.replace('%', "").trim().parse::<f64>().is_ok(),
                None => as_number(value).is_some(),
            },
        };
        if fits {
            return None;
        }
        let headline = format!(
            "`{}` must be {}, not {}",
            item.name,
            self.wanted(),
            described(item.value, value)
        );
        let diagnostic = Diagnostic::error("bad-keyword-value", headline).at(whole(item.value), "");
        Some(if self == Self::Text {
            Mismatch::AtLoad(diagnostic)
        } else {
            Mismatch::AtRun(diagnostic)
        })
    }
}

/// Returns what a message calls a value: `` `maybe` `` or `a list`.
pub(super) fn described(node: &Node, value: &Value) -> String {
    match value.kind() {
        _ if value.holds_secret() => "a secret".to_owned(),
        Kind::List(_) | Kind::Dict(_) | Kind::Null => node.describe().to_owned(),
        _ => format!("`{}`", value.to_text()),
    }
}

/// Tells whether the value is text that may be a template.
pub(super) fn is_template(value: &Value) -> bool {
    value.is_trusted()
        && value
            .as_str()
            .is_some_and(|text| text.contains("{{") || text.contains("{%") || text.contains("{#"))
}

/// Tells whether the whole text is one template: `{{ options }}`.
pub(super) fn is_all_template(value: &Value) -> bool {
    value.is_trusted()
        && value.as_str().map(str::trim).is_some_and(|text| {
            (text.starts_with("{{") && text.ends_with("}}"))
                || (text.starts_with("{%") && text.ends_with("%}"))
        })
}

/// Returns the truth value that Ansible takes a constant for.
pub(super) fn as_bool(value: &Value) -> Option<bool> {
    match value.kind() {
        Kind::Bool(value) => Some(*value),
        Kind::Int(0) => Some(false),
        Kind::Int(1) => Some(true),
        Kind::Float(float) if *float == 0.0 => Some(false),
        Kind::Float(float) if (*float - 1.0).abs() < f64::EPSILON => Some(true),
        Kind::Str(text) => match text.to_lowercase().as_str() {
            "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
            "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the number that a constant is or spells.
pub(super) fn as_number(value: &Value) -> Option<f64> {
    match value.kind() {
        Kind::Bool(value) => Some(f64::from(u8::from(*value))),
        Kind::Int(_) | Kind::Float(_) | Kind::Big(_) => value.to_text().parse().ok(),
        Kind::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Returns what a message calls the type of a value.
pub(super) fn kind_words(value: &Value) -> &'static str {
    match value.kind() {
        Kind::Null => "nothing",
        Kind::Bool(_) => "true or false",
        Kind::Int(_) | Kind::Big(_) => "an integer",
        Kind::Float(_) => "a number",
        Kind::Str(_) => "text",
        Kind::Bytes(_) => "binary data",
        Kind::List(_) | Kind::Tuple(_) => "a list",
        Kind::Dict(_) => "a mapping",
        Kind::Moment(_) => "a date",
        Kind::Undefined(_) => "undefined",
    }
}
