//! Tests that compare: order, membership, sets, regular expressions.

use std::cmp::Ordering;

use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::{Arguments, bind};
use crate::template::filters::python::{compare, contains as within, iterate, text, truth};
use crate::template::filters::regex::{Flags, Pattern};
use crate::value::Value;

fn two(call: Call<'_>) -> Result<(Value, Value), TemplateError> {
    let mut arguments = bind(call, &["other"], 1)?;
    let other = arguments.take(0);
    Ok((arguments.value, other))
}

/// `eq`, `==`, `equalto`.
pub(super) fn eq(call: Call<'_>) -> Result<bool, TemplateError> {
    two(call).map(|(left, right)| left == right)
}

/// `ne`, `!=`.
pub(super) fn ne(call: Call<'_>) -> Result<bool, TemplateError> {
    eq(call).map(|equal| !equal)
}

fn order(call: Call<'_>, fits: fn(Ordering) -> bool) -> Result<bool, TemplateError> {
    let (left, right) = two(call)?;
    compare(&left, &right).map(fits)
}

/// `lt`, `<`, `lessthan`.
pub(super) fn lt(call: Call<'_>) -> Result<bool, TemplateError> {
    order(call, Ordering::is_lt)
}

/// `le`, `<=`.
pub(super) fn le(call: Call<'_>) -> Result<bool, TemplateError> {
    order(call, Ordering::is_le)
}

/// `gt`, `>`, `greaterthan`.
pub(super) fn gt(call: Call<'_>) -> Result<bool, TemplateError> {
    order(call, Ordering::is_gt)
}

/// `ge`, `>=`.
pub(super) fn ge(call: Call<'_>) -> Result<bool, TemplateError> {
    order(call, Ordering::is_ge)
}

/// `in(seq)`.
pub(super) fn is_in(call: Call<'_>) -> Result<bool, TemplateError> {
    let (item, container) = two(call)?;
    within(&container, &item)
}

/// `contains(value)`.
pub(super) fn contains(call: Call<'_>) -> Result<bool, TemplateError> {
    let (container, item) = two(call)?;
    within(&container, &item)
}

/// `all`.
pub(super) fn all(call: Call<'_>) -> Result<bool, TemplateError> {
    for item in iterate(&bind(call, &[], 0)?.value)? {
        if !truth(&item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `any`.
pub(super) fn any(call: Call<'_>) -> Result<bool, TemplateError> {
    for item in iterate(&bind(call, &[], 0)?.value)? {
        if truth(&item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_part(part: &Value, whole: &Value) -> Result<bool, TemplateError> {
    let whole = iterate(whole)?;
    let part = iterate(part)?;
    for item in whole.iter().chain(&part) {
        crate::template::filters::python::key(item)?;
    }
    Ok(part.iter().all(|item| whole.contains(item)))
}

/// `subset(b)`.
pub(super) fn subset(call: Call<'_>) -> Result<bool, TemplateError> {
    let (left, right) = two(call)?;
    is_part(&left, &right)
}

/// `superset(b)`.
pub(super) fn superset(call: Call<'_>) -> Result<bool, TemplateError> {
    let (left, right) = two(call)?;
    is_part(&right, &left)
}

fn pattern(arguments: &Arguments<'_>) -> Result<(String, Pattern), TemplateError> {
    let subject = match arguments.value.as_str() {
        Some(text) => text.to_owned(),
        None => text(&arguments.value)?,
    };
    let flags = Flags {
        ignorecase: arguments.flag(1, false)?,
        multiline: arguments.flag(2, false)?,
    };
    Ok((subject, Pattern::new(&arguments.text(0, "")?, flags)?))
}

/// `match(pattern='', ignorecase=false, multiline=false)`: at the beginning.
pub(super) fn match_(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind(call, &["pattern", "ignorecase", "multiline"], 0)?;
    let (subject, pattern) = pattern(&arguments)?;
    pattern.starts(&subject)
}

/// `search(pattern='', ignorecase=false, multiline=false)`: anywhere.
pub(super) fn search(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind(call, &["pattern", "ignorecase", "multiline"], 0)?;
    let (subject, pattern) = pattern(&arguments)?;
    Ok(pattern.search(&subject)?.is_some())
}

/// `regex(pattern='', ignorecase=false, multiline=false, match_type='search')`.
pub(super) fn regex(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind(
        call,
        &["pattern", "ignorecase", "multiline", "match_type"],
        0,
    )?;
    let (subject, pattern) = pattern(&arguments)?;
    match arguments.text(3, "search")?.as_str() {
        "search" => Ok(pattern.search(&subject)?.is_some()),
        "match" => pattern.starts(&subject),
        "fullmatch" => {
            let whole = format!("(?:{})\\Z", arguments.text(0, "")?);
            let flags = Flags {
                ignorecase: arguments.flag(1, false)?,
                multiline: arguments.flag(2, false)?,
            };
            Pattern::new(&whole, flags)?.starts(&subject)
        }
        other => Err(arguments.error(format!("knows no `match_type` `{other}`"))),
    }
}
