//! Filters about what is there: `default`, `mandatory`, `ternary`, `bool`, `type_debug`.

use super::bind::{bind, bind_lazy};
use super::python::{truth, used};
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::{Kind, Value};

/// `default(default_value='', boolean=false)`: forgives undefined values, not errors.
pub(super) fn default(call: Call<'_>) -> Result<Value, TemplateError> {
    let mut arguments = bind_lazy(call, &["default_value", "boolean"], 0)?;
    let boolean = arguments
        .get(1)
        .cloned()
        .unwrap_or_else(|| Value::from(false));
    let Some(boolean) = used(&boolean)?.as_bool() else {
        return Err(arguments.error("needs a truth value as `boolean`"));
    };
    let replacement = |arguments: &mut super::bind::Arguments<'_>| {
        if arguments.get(0).is_some() {
            arguments.take(0)
        } else {
            Value::from("")
        }
    };
    match arguments.value.as_fault() {
        Some(fault) if fault.undefined => Ok(replacement(&mut arguments)),
        None if boolean && !arguments.value.is_true() => Ok(replacement(&mut arguments)),
        _ => Ok(arguments.value),
    }
}

/// `mandatory(msg=None)`: fails for what is undefined.
pub(super) fn mandatory(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind_lazy(call, &["msg"], 0)?;
    match arguments.value.as_fault() {
        Some(fault) if fault.undefined => Err(TemplateError::new(match arguments.given(0) {
            Some(message) => used(message)?.to_text(),
            None => format!("mandatory variable not defined: {}", fault.message),
        })),
        _ => Ok(arguments.value),
    }
}

/// `ternary(true_val, false_val, none_val=None)`: what is not chosen may be undefined.
pub(super) fn ternary(call: Call<'_>) -> Result<Value, TemplateError> {
    let mut arguments = bind_lazy(call, &["true_val", "false_val", "none_val"], 2)?;
    if arguments.value.is_null() && arguments.given(2).is_some() {
        return Ok(arguments.take(2));
    }
    let chosen = usize::from(!truth(&arguments.value)?);
    Ok(arguments.take(chosen))
}

/// `bool`: the words and numbers that Ansible takes for truth values; all others are false.
pub(super) fn bool(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    Ok(Value::from(
        is_truth_word(&arguments.value).unwrap_or(arguments.value == Value::from(1)),
    ))
}

/// Returns what Ansible's `bool` takes the value for, or nothing where it only guesses.
pub(crate) fn is_truth_word(value: &Value) -> Option<bool> {
    let word = match value.kind() {
        Kind::Bool(flag) => return Some(*flag),
        Kind::Str(text) => text.to_lowercase(),
        Kind::Int(number) => number.to_string(),
        _ => return None,
    };
    match word.as_str() {
        "yes" | "on" | "true" | "1" => Some(true),
        "no" | "off" | "false" | "0" => Some(false),
        _ => None,
    }
}

/// `type_debug`: Python's name of the type.
pub(super) fn type_debug(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind_lazy(call, &[], 0)?;
    Ok(Value::from(match arguments.value.as_fault() {
        Some(_) if arguments.value.is_omit() => "_OmitType",
        Some(fault) if !fault.undefined => "CapturedExceptionMarker",
        Some(_) => "UndefinedMarker",
        None => arguments.value.type_name(),
    }))
}

/// `ansible._protomatter.finalize`: the value as it would leave the template, tuples as lists.
pub(super) fn finalize(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    Ok(arguments.value.map(&mut |value| match value.kind() {
        Kind::Tuple(items) => Value::list(items.iter().cloned()),
        _ => value,
    }))
}
