//! Tests of what a value is.

use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters;
use crate::template::filters::bind::{bind, bind_lazy};
use crate::template::filters::missing::is_truth_word;
use crate::template::filters::python::{integer as whole, text, truth};
use crate::value::{Kind, Value};

fn kind(call: Call<'_>, judge: impl Fn(&Value) -> bool) -> Result<bool, TemplateError> {
    Ok(judge(&bind(call, &[], 0)?.value))
}

/// `defined`: an error in the value stays one.
pub(super) fn defined(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind_lazy(call, &[], 0)?;
    match arguments.value.as_fault() {
        Some(fault) if !fault.undefined => Err(TemplateError::Fault(fault.clone())),
        fault => Ok(fault.is_none()),
    }
}

/// `undefined`.
pub(super) fn undefined(call: Call<'_>) -> Result<bool, TemplateError> {
    defined(call).map(|defined| !defined)
}

/// `none`.
pub(super) fn none(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(call, Value::is_null)
}

/// `boolean`.
pub(super) fn boolean(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(call, |value| value.as_bool().is_some())
}

/// `true`: the truth value, not what Python takes for one.
pub(super) fn is_true(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(call, |value| value.as_bool() == Some(true))
}

/// `false`.
pub(super) fn is_false(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(call, |value| value.as_bool() == Some(false))
}

/// `string`.
pub(super) fn string(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(call, |value| value.as_str().is_some())
}

/// `integer`: not truth values.
pub(super) fn integer(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(call, |value| {
        matches!(value.kind(), Kind::Int(_) | Kind::Big(_))
    })
}

/// `float`.
pub(super) fn float(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(call, |value| matches!(value.kind(), Kind::Float(_)))
}

/// `number`: truth values too.
pub(super) fn number(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(call, |value| value.as_number().is_some())
}

/// `nan`.
pub(super) fn nan(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(
        call,
        |value| matches!(value.kind(), Kind::Float(number) if number.is_nan()),
    )
}

/// `mapping`.
pub(super) fn mapping(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(call, |value| value.as_dict().is_some())
}

/// `iterable`.
pub(super) fn iterable(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(call, |value| filters::python::iterate(value).is_ok())
}

/// `sequence`: whatever has a length and items, so text and dictionaries too.
pub(super) fn sequence(call: Call<'_>) -> Result<bool, TemplateError> {
    iterable(call)
}

/// `callable`, `escaped`: no value of kplay is.
pub(super) fn callable(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(call, |_| false)
}

/// `even`.
pub(super) fn even(call: Call<'_>) -> Result<bool, TemplateError> {
    remainder(&bind(call, &[], 0)?.value, &Value::from(2))
}

/// `odd`.
pub(super) fn odd(call: Call<'_>) -> Result<bool, TemplateError> {
    even(call).map(|even| !even)
}

/// `divisibleby(num)`.
pub(super) fn divisibleby(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind(call, &["num"], 1)?;
    remainder(&arguments.value, arguments.get(0).unwrap_or(&Value::NULL))
}

fn remainder(value: &Value, by: &Value) -> Result<bool, TemplateError> {
    if matches!(value.kind(), Kind::Float(_)) || matches!(by.kind(), Kind::Float(_)) {
        return Ok(filters::python::number(value)? % filters::python::number(by)? == 0.0);
    }
    whole(value)?
        .checked_rem(whole(by)?)
        .map(|rest| rest == 0)
        .ok_or_else(|| TemplateError::new("division by zero"))
}

/// `lower`: has letters, none of them upper case.
pub(super) fn lower(call: Call<'_>) -> Result<bool, TemplateError> {
    let subject = text(&bind(call, &[], 0)?.value)?;
    Ok(subject.chars().any(char::is_lowercase) && !subject.chars().any(char::is_uppercase))
}

/// `upper`: has letters, none of them lower case.
pub(super) fn upper(call: Call<'_>) -> Result<bool, TemplateError> {
    let subject = text(&bind(call, &[], 0)?.value)?;
    Ok(subject.chars().any(char::is_uppercase) && !subject.chars().any(char::is_lowercase))
}

/// `filter`: there is a filter of that name.
pub(super) fn filter(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(call, |value| {
        value
            .as_str()
            .is_some_and(|name| filters::find(name).is_some())
    })
}

/// `test`: there is a test of that name.
pub(super) fn test(call: Call<'_>) -> Result<bool, TemplateError> {
    kind(call, |value| {
        value
            .as_str()
            .is_some_and(|name| super::find(name).is_some())
    })
}

/// `truthy(convert_bool=false)`.
pub(super) fn truthy(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind(call, &["convert_bool"], 0)?;
    if arguments.flag(0, false)? {
        let value = &arguments.value;
        let word = value.as_str().map(|text| text.trim().to_lowercase());
        let found = match word.as_deref() {
            Some("y" | "t") => Some(true),
            Some("n" | "f") => Some(false),
            Some(word) => is_truth_word(&Value::from(word)),
            None => is_truth_word(value),
        };
        if let Some(found) = found {
            return Ok(found);
        }
    }
    truth(&arguments.value)
}

/// `falsy(convert_bool=false)`.
pub(super) fn falsy(call: Call<'_>) -> Result<bool, TemplateError> {
    truthy(call).map(|truthy| !truthy)
}

/// `sameas(other)`: the same singleton, small number or text, or one shared container.
pub(super) fn sameas(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind(call, &["other"], 1)?;
    let other = arguments.get(0).unwrap_or(&Value::NULL);
    Ok(match (arguments.value.kind(), other.kind()) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Bool(left), Kind::Bool(right)) => left == right,
        (Kind::Int(left), Kind::Int(right)) => left == right,
        (Kind::Str(left), Kind::Str(right)) => left == right,
        (Kind::List(left), Kind::List(right)) | (Kind::Tuple(left), Kind::Tuple(right)) => {
            std::sync::Arc::ptr_eq(left, right)
        }
        (Kind::Dict(left), Kind::Dict(right)) => std::sync::Arc::ptr_eq(left, right),
        _ => false,
    })
}
