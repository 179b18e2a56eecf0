//! Filters that work item by item: `map`, `select` and kin, `sort`, `groupby`, `extract`, `attr`.

use super::bind::{bind, bind_items, defined};
use super::python::{iterate, sort_by_keys, truth, used, without_case};
use crate::template::call::{Call, Callback, Keyword};
use crate::template::error::TemplateError;
use crate::value::{Kind, Marks, Value};

/// A dotted attribute such as `a.0.b`, as Jinja's `attribute=` reads it.
pub(crate) struct Getter<'a> {
    parts: Vec<Value>,
    evaluator: &'a dyn Callback,
}

/// Returns the getter of an attribute given as text or number.
pub(crate) fn getter<'a>(
    attribute: &Value,
    evaluator: &'a dyn Callback,
) -> Result<Getter<'a>, TemplateError> {
    let parts = match used(attribute)?.kind() {
        Kind::Str(text) => text.split('.').map(part).collect(),
        _ => vec![attribute.clone()],
    };
    Ok(Getter { parts, evaluator })
}

fn part(text: &str) -> Value {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(index) if digits => Value::from(index),
        _ => Value::from(text),
    }
}

impl Getter<'_> {
    /// Returns the attribute of the item; undefined where it has none.
    pub(crate) fn get(&self, item: &Value) -> Result<Value, TemplateError> {
        let mut value = item.clone();
        for part in &self.parts {
            if value.as_fault().is_some() {
                return Ok(value);
            }
            value = self.evaluator.attribute(&value, part)?;
        }
        Ok(value)
    }
}

/// Turns a fault into an undefined value that fails where it is used, as it does inside of Ansible's lazy lists.
fn keep_fault(result: Result<Value, TemplateError>) -> Result<Value, TemplateError> {
    match result {
        Err(TemplateError::Fault(fault)) => {
            Ok(Value::new(Kind::Undefined(std::sync::Arc::new(fault))))
        }
        other => other,
    }
}

/// `map('filter', ...)` or `map(attribute='name', default=...)`.
pub(super) fn map(call: Call<'_>) -> Result<Value, TemplateError> {
    defined(&call)?;
    let Call {
        name,
        value,
        mut positional,
        named,
        evaluator,
        ..
    } = call;
    let items = iterate(&value)?;
    if positional.is_empty() && named.iter().any(|(key, _)| key.as_ref() == "attribute") {
        let bound = bind_items(name, Vec::new(), named, &["attribute", "default"], 1)?;
        let mut bound = bound.into_iter();
        let getter = getter(&bound.next().flatten().unwrap_or_default(), evaluator)?;
        let default = bound.next().flatten().filter(|default| !default.is_null());
        let mut mapped = Vec::with_capacity(items.len());
        for item in items {
            let found = getter.get(&item)?;
            mapped.push(match (&default, found.as_fault()) {
                (Some(default), Some(fault)) if fault.undefined => default.clone(),
                _ => found,
            });
        }
        return Ok(Value::list(mapped));
    }
    if positional.is_empty() {
        return Err(TemplateError::new(
            "`map` needs the name of a filter or `attribute`",
        ));
    }
    let filter = positional.remove(0);
    let filter = filter
        .as_str()
        .ok_or_else(|| TemplateError::new("`map` needs the name of a filter"))?;
    items
        .into_iter()
        .map(|item| keep_fault(evaluator.filter(filter, item, positional.clone(), named.clone())))
        .collect::<Result<Vec<_>, _>>()
        .map(Value::list)
}

/// `select('test', ...)`.
pub(super) fn select(call: Call<'_>) -> Result<Value, TemplateError> {
    choose(call, true, false)
}

/// `reject('test', ...)`.
pub(super) fn reject(call: Call<'_>) -> Result<Value, TemplateError> {
    choose(call, false, false)
}

/// `selectattr('name', 'test', ...)`.
pub(super) fn selectattr(call: Call<'_>) -> Result<Value, TemplateError> {
    choose(call, true, true)
}

/// `rejectattr('name', 'test', ...)`.
pub(super) fn rejectattr(call: Call<'_>) -> Result<Value, TemplateError> {
    choose(call, false, true)
}

fn choose(call: Call<'_>, wanted: bool, by_attribute: bool) -> Result<Value, TemplateError> {
    defined(&call)?;
    let Call {
        name,
        value,
        mut positional,
        named,
        evaluator,
        ..
    } = call;
    let attribute = if by_attribute {
        if positional.is_empty() {
            return Err(TemplateError::new(format!(
                "`{name}` misses the name of the attribute"
            )));
        }
        Some(getter(&positional.remove(0), evaluator)?)
    } else {
        None
    };
    let test = if positional.is_empty() {
        None
    } else {
        Some(positional.remove(0))
    };
    let mut chosen = Vec::new();
    for item in iterate(&value)? {
        let subject = match &attribute {
            Some(getter) => getter.get(&item)?,
            None => item.clone(),
        };
        if passes(test.as_ref(), subject, &positional, &named, evaluator)? == wanted {
            chosen.push(item);
        }
    }
    Ok(Value::list(chosen))
}

fn passes(
    test: Option<&Value>,
    subject: Value,
    positional: &[Value],
    named: &[Keyword],
    evaluator: &dyn Callback,
) -> Result<bool, TemplateError> {
    let Some(test) = test else {
        return truth(&subject);
    };
    let test = test
        .as_str()
        .ok_or_else(|| TemplateError::new("a test is named by text"))?;
    evaluator.test(test, subject, positional.to_vec(), named.to_vec())
}

/// `sort(reverse=false, case_sensitive=false, attribute=None)`.
pub(super) fn sort(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["reverse", "case_sensitive", "attribute"], 0)?;
    let reverse = arguments.flag(0, false)?;
    let case_sensitive = arguments.flag(1, false)?;
    let getters = match arguments.given(2) {
        None => Vec::new(),
        Some(value) => match value.as_str() {
            Some(text) => text
                .split(',')
                .map(|name| getter(&Value::from(name), arguments.evaluator))
                .collect::<Result<Vec<_>, _>>()?,
            None => vec![getter(value, arguments.evaluator)?],
        },
    };
    let folded = |value: Value| {
        if case_sensitive {
            value
        } else {
            without_case(&value)
        }
    };
    let mut keyed = Vec::new();
    for item in iterate(&arguments.value)? {
        let by = if getters.is_empty() {
            folded(item.clone())
        } else {
            let mut parts = Vec::new();
            for getter in &getters {
                parts.push(folded(used(&getter.get(&item)?)?.clone()));
            }
            Value::list(parts)
        };
        keyed.push((by, item));
    }
    sort_by_keys(keyed, reverse).map(Value::list)
}

/// `groupby(attribute, default=None, case_sensitive=false)`: pairs of the attribute and the items that have it.
pub(super) fn groupby(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["attribute", "default", "case_sensitive"], 1)?;
    let getter = getter(
        arguments.get(0).unwrap_or(&Value::NULL),
        arguments.evaluator,
    )?;
    let case_sensitive = arguments.flag(2, false)?;
    let mut keyed = Vec::new();
    for item in iterate(&arguments.value)? {
        // Ansible fails here even where there is a `default`.
        let by = used(&getter.get(&item)?)?.clone();
        let folded = if case_sensitive {
            by.clone()
        } else {
            without_case(&by)
        };
        keyed.push((folded.clone(), Value::tuple([folded, by, item])));
    }
    let mut groups: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for entry in sort_by_keys(keyed, false)? {
        let Some([folded, by, item]) = entry.as_list() else {
            continue;
        };
        match groups.last_mut() {
            Some((current, _, items)) if current == folded => items.push(item.clone()),
            _ => groups.push((folded.clone(), by.clone(), vec![item.clone()])),
        }
    }
    Ok(groups
        .into_iter()
        .map(|(_, by, items)| Value::tuple([by, Value::list(items)]).with_marks(Marks::GROUP))
        .collect())
}

/// `extract(container, morekeys=None)`.
pub(super) fn extract(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["container", "morekeys"], 1)?;
    let mut value = arguments.get(0).cloned().unwrap_or_default();
    let mut keys = vec![arguments.value.clone()];
    if let Some(more) = arguments.given(1) {
        match more.kind() {
            Kind::List(items) => keys.extend(items.iter().cloned()),
            _ => keys.push(more.clone()),
        }
    }
    for key in &keys {
        if value.as_fault().is_some() {
            return Ok(value);
        }
        value = arguments.evaluator.attribute(&value, key)?;
    }
    Ok(value)
}

/// `attr(name)`.
pub(super) fn attr(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["name"], 1)?;
    let name = Value::from(arguments.text(0, "")?);
    arguments.evaluator.attribute(&arguments.value, &name)
}
