//! Lists as sets of several, lists of dictionaries merged, and lists turned into dictionaries.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a filter of the table takes its call"
)]

use indexmap::IndexMap;

use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::{bind, defined, unknown};
use crate::template::filters::dicts::{ListMerge, merge};
use crate::template::filters::python::{iterate, key, mapping, sequence, sort_by_keys, truth};
use crate::template::operators;
use crate::template::tree::Operator;
use crate::value::{Dict, Key, Value};

/// Takes the lists of a call, one level flattened where that is asked for.
fn lists(call: &Call<'_>) -> Result<Vec<Vec<Value>>, TemplateError> {
    defined(call)?;
    let mut flat = false;
    for (name, value) in &call.named {
        if name.as_ref() != "flatten" {
            return Err(unknown(call.name, name, &["flatten"]));
        }
        flat = truth(value)?;
    }
    let mut lists = Vec::new();
    for list in std::iter::once(&call.value).chain(&call.positional) {
        let items = sequence(list, call.name)?;
        if flat && !items.is_empty() && items.iter().all(|item| item.as_list().is_some()) {
            for item in items {
                lists.push(iterate(item)?);
            }
        } else if !(flat && items.is_empty()) {
            lists.push(items.to_vec());
        }
    }
    Ok(lists)
}

fn distinct(items: Vec<Value>) -> Vec<Value> {
    let mut kept: Vec<Value> = Vec::new();
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}

/// Joins the lists two by two; a single one stays as it is.
fn folded(
    call: &Call<'_>,
    start: fn(Vec<Value>) -> Vec<Value>,
    join: fn(Vec<Value>, Vec<Value>) -> Vec<Value>,
    end: fn(Vec<Value>) -> Vec<Value>,
) -> Result<Value, TemplateError> {
    let mut lists = lists(call)?.into_iter();
    let Some(first) = lists.next() else {
        return Ok(Value::list([]));
    };
    if lists.len() == 0 {
        return Ok(Value::list(first));
    }
    Ok(Value::list(end(lists.fold(start(first), join))))
}

fn as_it_is(items: Vec<Value>) -> Vec<Value> {
    items
}

/// `lists_union(*lists, flatten=false)`.
pub(crate) fn lists_union(call: Call<'_>) -> Result<Value, TemplateError> {
    folded(
        &call,
        as_it_is,
        |left, right| [left, right].concat(),
        distinct,
    )
}

/// `lists_intersect(*lists, flatten=false)`.
pub(crate) fn lists_intersect(call: Call<'_>) -> Result<Value, TemplateError> {
    let join = |left: Vec<Value>, right: Vec<Value>| {
        left.into_iter()
            .filter(|item| right.contains(item))
            .collect()
    };
    folded(&call, distinct, join, as_it_is)
}

/// `lists_difference(*lists, flatten=false)`.
pub(crate) fn lists_difference(call: Call<'_>) -> Result<Value, TemplateError> {
    let join = |left: Vec<Value>, right: Vec<Value>| {
        left.into_iter()
            .filter(|item| !right.contains(item))
            .collect()
    };
    folded(&call, distinct, join, as_it_is)
}

/// `lists_symmetric_difference(*lists, flatten=false)`.
pub(crate) fn lists_symmetric_difference(call: Call<'_>) -> Result<Value, TemplateError> {
    let join = |left: Vec<Value>, right: Vec<Value>| {
        let both = |item: &Value| left.contains(item) && right.contains(item);
        let union = distinct([left.clone(), right.clone()].concat());
        union.into_iter().filter(|item| !both(item)).collect()
    };
    folded(&call, as_it_is, join, as_it_is)
}

/// `lists_mergeby(*lists, index, recursive=false, list_merge='replace')`: dictionaries with the same value under `index` merged.
pub(crate) fn lists_mergeby(call: Call<'_>) -> Result<Value, TemplateError> {
    defined(&call)?;
    let mut recursive = false;
    let mut how = ListMerge::Replace;
    for (name, value) in &call.named {
        match name.as_ref() {
            "recursive" => recursive = truth(value)?,
            "list_merge" => how = ListMerge::from_value(value)?,
            other => return Err(unknown(call.name, other, &["recursive", "list_merge"])),
        }
    }
    let mut terms = vec![call.value];
    terms.extend(call.positional);
    let index = terms.pop().filter(|_| !terms.is_empty()).ok_or_else(|| {
        TemplateError::new(format!(
            "`{}` needs a list and an index at least",
            call.name
        ))
    })?;
    let mut lists = Vec::new();
    for term in &terms {
        let items = sequence(term, call.name)?;
        if items.iter().all(|item| item.as_list().is_some()) {
            lists.extend(items.iter().cloned());
        } else {
            lists.push(term.clone());
        }
    }
    let mut lists = lists.into_iter().rev();
    let Some(mut result) = lists.next() else {
        return Ok(Value::list([]));
    };
    if lists.len() == 0 {
        return Ok(result);
    }
    let name = index
        .as_str()
        .map(|name| Key::Str(name.into()))
        .ok_or_else(|| {
            TemplateError::new(format!(
                "`{}` needs text as index, got {}",
                call.name,
                index.type_name()
            ))
        })?;
    for below in lists {
        let mut merged: IndexMap<Key, Value> = IndexMap::new();
        for item in iterate(&below)?.into_iter().chain(iterate(&result)?) {
            let Some(value) = mapping(&item, call.name)?.get_key(&name) else {
                continue;
            };
            let under = merged
                .entry(key(value)?)
                .or_insert_with(|| Value::dict(Dict::new()));
            *under = merge(under, &item, recursive, how)?;
        }
        let keyed = merged
            .into_values()
            .map(|item| {
                let value = item.as_dict().and_then(|dict| dict.get_key(&name)).cloned();
                (value.unwrap_or_default(), item)
            })
            .collect();
        result = sort_by_keys(keyed, false).map(Value::list)?;
    }
    Ok(result)
}

/// `groupby_as_dict(attribute)`: dictionaries by the value of one of their keys.
pub(crate) fn groupby_as_dict(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["attribute"], 1)?;
    let attribute = key(arguments.get(0).unwrap_or(&Value::NULL))?;
    let mut result = Dict::new();
    for (index, item) in sequence(&arguments.value, "groupby_as_dict")?
        .iter()
        .enumerate()
    {
        let Some(dict) = item.as_dict() else {
            return Err(arguments.error(format!("Sequence element #{index} is not a mapping")));
        };
        let Some(value) = dict.get_key(&attribute) else {
            return Err(arguments.error(format!(
                "Attribute not contained in element #{index} of sequence"
            )));
        };
        if result.insert(key(value)?, item.clone()).is_some() {
            return Err(arguments.error(format!(
                "Multiple sequence entries have attribute value {}",
                value.to_repr()
            )));
        }
    }
    Ok(Value::dict(result))
}

/// `accumulate`: what adding up gives after each item.
pub(crate) fn accumulate(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let mut sums: Vec<Value> = Vec::new();
    for item in iterate(&arguments.value)? {
        let next = match sums.last() {
            None => item,
            Some(sum) => operators::apply(Operator::Add, sum, &item)?,
        };
        sums.push(next);
    }
    Ok(Value::list(sums))
}
