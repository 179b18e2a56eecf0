//! Lookups that rearrange what they are given: most of the `with_NAME:` loops.

use super::options::failed;
use super::{LookupCall, Results};
use crate::template::call::Keyword;
use crate::template::error::TemplateError;
use crate::template::filters::python::{iterate, mapping};
use crate::template::filters::random::secure_below;
use crate::value::{Dict, Kind, Value};

/// Opens the lists among the items, once.
fn flat(items: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut opened = Vec::new();
    for item in items {
        match item.as_list() {
            Some(inner) => opened.extend(inner.iter().cloned()),
            None => opened.push(item),
        }
    }
    opened
}

/// `items`: the terms, lists among them opened once.
pub(super) fn items(terms: Vec<Value>, _: Vec<Keyword>, _: &LookupCall<'_>) -> Results {
    Ok(flat(terms))
}

/// `list`: the terms as they are.
pub(super) fn list(terms: Vec<Value>, _: Vec<Keyword>, _: &LookupCall<'_>) -> Results {
    Ok(terms)
}

/// `indexed_items`: pairs of place and item.
pub(super) fn indexed_items(terms: Vec<Value>, _: Vec<Keyword>, _: &LookupCall<'_>) -> Results {
    let pairs = flat(terms).into_iter().enumerate();
    Ok(pairs
        .map(|(index, item)| Value::tuple([Value::from(index), item]))
        .collect())
}

/// `dict`: keys and values of dictionaries.
pub(super) fn dict(terms: Vec<Value>, _: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let mut pairs = Vec::new();
    for term in &terms {
        for (name, value) in mapping(term, call.name)? {
            let pair = Dict::new()
                .with("key", name.to_value())
                .with("value", value.clone());
            pairs.push(Value::dict(pair));
        }
    }
    Ok(pairs)
}

/// Returns what Python's `for` gets out of each term.
fn opened(terms: &[Value], call: &LookupCall<'_>) -> Result<Vec<Vec<Value>>, TemplateError> {
    if terms.is_empty() {
        return Err(failed(call.name, "it needs at least one list"));
    }
    let one = |term| {
        iterate(term).map_err(|error| match error {
            TemplateError::Fault(fault) if fault.undefined => TemplateError::Fault(fault),
            other => failed(call.name, other.to_string()),
        })
    };
    terms.iter().map(one).collect()
}

/// `nested`: every choice of one item of each list; items that are lists are opened.
pub(super) fn nested(terms: Vec<Value>, _: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let mut lists = opened(&terms, call)?.into_iter();
    let mut rows = lists.next().unwrap_or_default();
    for items in lists {
        let row = |left: &Value, right: &Value| Value::list(flat([left.clone(), right.clone()]));
        rows = rows
            .iter()
            .flat_map(|left| items.iter().map(move |right| row(left, right)))
            .collect();
    }
    rows.iter()
        .map(|row| iterate(row).map(|items| Value::list(flat(items))))
        .collect()
}

/// `community.general.cartesian`: every choice of one item of each list.
pub(super) fn cartesian(terms: Vec<Value>, _: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for items in opened(&terms, call)? {
        let longer = |row: &Vec<Value>, item: &Value| row.iter().chain([item]).cloned().collect();
        rows = rows
            .iter()
            .flat_map(|row| items.iter().map(move |item| longer(row, item)))
            .collect();
    }
    Ok(rows.into_iter().map(|row| Value::list(flat(row))).collect())
}

/// `together`: the lists side by side, short ones filled with `None`.
pub(super) fn together(terms: Vec<Value>, _: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let lists = opened(&terms, call)?;
    let length = lists.iter().map(Vec::len).max().unwrap_or(0);
    let row = |index: usize| {
        let row = lists.iter().map(|items| items.get(index).cloned());
        Value::list(flat(row.map(Option::unwrap_or_default)))
    };
    Ok((0..length).map(row).collect())
}

/// `community.general.flattened`: lists opened all the way. The text `None` or `null` ends the list it stands in.
pub(super) fn flattened(terms: Vec<Value>, _: Vec<Keyword>, _: &LookupCall<'_>) -> Results {
    let mut results = Vec::new();
    flatten(&terms, &mut results);
    Ok(results)
}

fn flatten(items: &[Value], results: &mut Vec<Value>) {
    for item in items {
        let mut item = item;
        while let Kind::List(inner) = item.kind()
            && let [only] = inner.as_slice()
        {
            item = only;
        }
        if matches!(item.as_str(), Some("None" | "null")) {
            return;
        }
        match item.kind() {
            Kind::List(inner) => flatten(inner, results),
            _ => results.push(item.clone()),
        }
    }
}

/// `random_choice`: one of the terms.
pub(super) fn random_choice(terms: Vec<Value>, _: Vec<Keyword>, _: &LookupCall<'_>) -> Results {
    if terms.is_empty() {
        return Ok(terms);
    }
    let chosen = secure_below(terms.len())?;
    Ok(terms.into_iter().skip(chosen).take(1).collect())
}
