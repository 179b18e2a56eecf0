//! Lookups that rearrange what they are given: most of the `with_NAME:` loops.
//!
//! `items`, `flattened` flatten their terms; `first_found` alone tolerates undefined ones.

#![expect(
    clippy::needless_pass_by_value,
    reason = "all lookups have one signature"
)]

use super::LookupCall;
use crate::template::call::Keyword;
use crate::template::error::TemplateError;
use crate::template::filters::bind::bind_items;
use crate::template::filters::python::{key, mapping, text, truth, used};
use crate::value::{Dict, Kind, Value};

type Results = Result<Vec<Value>, TemplateError>;

fn no_options(call: &LookupCall<'_>, named: Vec<Keyword>) -> Result<(), TemplateError> {
    bind_items(call.name, Vec::new(), named, &[], 0).map(|_| ())
}

/// One level of lists in the list becomes flat.
fn flat(terms: &[Value]) -> Vec<Value> {
    let mut items = Vec::new();
    for term in terms {
        match term.as_list() {
            Some(inner) => items.extend(inner.iter().cloned()),
            None => items.push(term.clone()),
        }
    }
    items
}

/// `items`: the terms, lists among them opened once.
pub(super) fn items(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    no_options(call, named)?;
    Ok(flat(&terms))
}

/// `list`: the terms as they are.
pub(super) fn list(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    no_options(call, named)?;
    Ok(terms)
}

/// `indexed_items`: pairs of place and item.
pub(super) fn indexed_items(
    terms: Vec<Value>,
    named: Vec<Keyword>,
    call: &LookupCall<'_>,
) -> Results {
    no_options(call, named)?;
    Ok(flat(&terms)
        .into_iter()
        .enumerate()
        .map(|(index, item)| Value::tuple([Value::from(index), item]))
        .collect())
}

/// `dict`: keys and values of dictionaries.
pub(super) fn dict(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    no_options(call, named)?;
    let mut pairs = Vec::new();
    for term in &terms {
        for (name, value) in mapping(term, "dict")? {
            pairs.push(Value::dict(
                Dict::new()
                    .with("key", name.to_value())
                    .with("value", value.clone()),
            ));
        }
    }
    Ok(pairs)
}

fn lists(terms: &[Value], call: &LookupCall<'_>) -> Result<Vec<Vec<Value>>, TemplateError> {
    if terms.is_empty() {
        return Err(TemplateError::new(format!(
            "`{}` needs at least one list",
            call.name
        )));
    }
    let mut all = Vec::new();
    for term in terms {
        all.push(
            used(term)?
                .as_list()
                .map_or_else(|| vec![term.clone()], <[Value]>::to_vec),
        );
    }
    Ok(all)
}

/// `nested`: every choice of one item of each list.
pub(super) fn nested(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    no_options(call, named)?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for items in lists(&terms, call)? {
        rows = rows
            .iter()
            .flat_map(|row| {
                items
                    .iter()
                    .map(|item| row.iter().chain([item]).cloned().collect())
            })
            .collect();
    }
    Ok(rows
        .into_iter()
        .map(|row| Value::list(flat(&row)))
        .collect())
}

/// `together`: the lists side by side, short ones filled with `None`.
pub(super) fn together(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    no_options(call, named)?;
    let all = lists(&terms, call)?;
    let length = all.iter().map(Vec::len).max().unwrap_or(0);
    Ok((0..length)
        .map(|index| {
            let row: Vec<Value> = all
                .iter()
                .map(|items| items.get(index).cloned().unwrap_or_default())
                .collect();
            Value::list(flat(&row))
        })
        .collect())
}

/// `community.general.flattened`: lists opened all the way.
pub(super) fn flattened(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    no_options(call, named)?;
    let mut items = terms;
    while items.iter().any(|item| item.as_list().is_some()) {
        items = flat(&items);
    }
    items.retain(|item| !matches!(item.as_str(), Some("None" | "null")));
    Ok(items)
}

/// `random_choice`: one of the terms.
pub(super) fn random_choice(
    terms: Vec<Value>,
    named: Vec<Keyword>,
    call: &LookupCall<'_>,
) -> Results {
    no_options(call, named)?;
    if terms.is_empty() {
        return Ok(terms);
    }
    let chosen = super::password::below(terms.len())?;
    Ok(terms.into_iter().skip(chosen).take(1).collect())
}

/// `subelements`: each dictionary with each item of the list at a dotted key in it.
pub(super) fn subelements(
    terms: Vec<Value>,
    named: Vec<Keyword>,
    call: &LookupCall<'_>,
) -> Results {
    no_options(call, named)?;
    let (subject, path, flags) = match terms.as_slice() {
        [subject, path] => (subject, path, None),
        [subject, path, flags] => (subject, path, Some(flags)),
        _ => {
            return Err(TemplateError::new(
                "`subelements` needs a list, a key and, if wanted, flags",
            ));
        }
    };
    let skip_missing = match flags {
        Some(flags) => mapping(flags, "subelements")?
            .get("skip_missing")
            .map_or(Ok(false), lenient_truth)?,
        None => false,
    };
    let items: Vec<Value> = match (used(subject)?.as_list(), subject.as_dict()) {
        (Some(items), _) => items.to_vec(),
        (None, Some(dict)) => dict.values().cloned().collect(),
        _ => {
            return Err(TemplateError::new(
                "`subelements` needs a list or a dictionary first",
            ));
        }
    };
    let path = path
        .as_str()
        .ok_or_else(|| TemplateError::new("`subelements` needs its key as text"))?;
    let names: Vec<&str> = path.split('.').collect();
    let mut pairs = Vec::new();
    for item in items {
        mapping(&item, "subelements")?;
        if item
            .get("skipped")
            .is_some_and(|skipped| skipped.as_bool() != Some(false))
        {
            continue;
        }
        let Some((rest, inner)) = take_list(&item, &names, skip_missing)? else {
            continue;
        };
        pairs.extend(
            inner
                .into_iter()
                .map(|value| Value::tuple([rest.clone(), value])),
        );
    }
    Ok(pairs)
}

/// Takes the list at a dotted key out of the item: as in Ansible, the items of the loop come without it.
fn take_list(
    item: &Value,
    names: &[&str],
    skip_missing: bool,
) -> Result<Option<(Value, Vec<Value>)>, TemplateError> {
    let Some((name, deeper)) = names.split_first() else {
        return Ok(None);
    };
    let mut dict = mapping(item, "subelements")?.clone();
    let Some(inner) = dict.get_key(&key(&Value::from(*name))?).cloned() else {
        if skip_missing {
            return take_list(item, deeper, skip_missing);
        }
        return Err(TemplateError::new(format!(
            "`subelements` found no key `{name}` in an item"
        )));
    };
    if deeper.is_empty() {
        let Kind::List(list) = used(&inner)?.kind() else {
            return Err(TemplateError::new(format!(
                "`subelements` needs a list at `{name}`, got {}",
                inner.type_name()
            )));
        };
        dict.remove(name);
        return Ok(Some((Value::dict(dict), list.to_vec())));
    }
    if inner.as_dict().is_none() {
        if skip_missing {
            return take_list(item, deeper, skip_missing);
        }
        return Err(TemplateError::new(format!(
            "`subelements` needs a dictionary at `{name}`, got {}",
            inner.type_name()
        )));
    }
    let Some((inner, list)) = take_list(&inner, deeper, skip_missing)? else {
        return Ok(None);
    };
    dict.insert(*name, inner);
    Ok(Some((Value::dict(dict), list)))
}

fn lenient_truth(value: &Value) -> Result<bool, TemplateError> {
    crate::template::filters::missing::is_truth_word(value).map_or_else(|| truth(value), Ok)
}

/// `sequence`: numbers as text, by `start`, `end` or `count`, `stride` and `format`, or short as `0-20/2:%02d`.
pub(super) fn sequence(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let names = ["start", "end", "count", "stride", "format"];
    let bound = bind_items(call.name, Vec::new(), named, &names, 0)?;
    let terms = if terms.is_empty() {
        vec![Value::from("")]
    } else {
        terms
    };
    let mut results = Vec::new();
    for term in &terms {
        let mut options: [Option<String>; 5] = [const { None }; 5];
        for (option, value) in options.iter_mut().zip(&bound) {
            *option = value.as_ref().map(text).transpose()?;
        }
        let term = text(term)?;
        if !short_form(&term, &mut options) {
            for word in term.split_whitespace() {
                let place = word.split_once('=').and_then(|(name, value)| {
                    Some((
                        options.get_mut(names.iter().position(|known| *known == name)?)?,
                        value,
                    ))
                });
                let Some((place, value)) = place else {
                    return Err(TemplateError::new(format!(
                        "`sequence` does not know `{word}`"
                    )));
                };
                *place = Some(value.to_owned());
            }
        }
        results.extend(numbers(options)?);
    }
    Ok(results)
}

/// Reads `[start-]end[/stride][:format]`.
fn short_form(term: &str, options: &mut [Option<String>; 5]) -> bool {
    let (range, format) = term
        .split_once(':')
        .map_or((term, None), |(range, format)| (range, Some(format)));
    let (range, stride) = range
        .split_once('/')
        .map_or((range, None), |(range, stride)| (range, Some(stride)));
    let (start, end) = range
        .split_once('-')
        .map_or((None, range), |(start, end)| (Some(start), end));
    let fine = |text: &str| parse(text).is_some();
    if !fine(end)
        || start.is_some_and(|start| !fine(start))
        || stride.is_some_and(|stride| !fine(stride))
    {
        return false;
    }
    let [first, last, _, step, shape] = options;
    *last = Some(end.to_owned());
    for (place, value) in [(first, start), (step, stride), (shape, format)] {
        if let Some(value) = value {
            *place = Some(value.to_owned());
        }
    }
    true
}

fn parse(text: &str) -> Option<i64> {
    crate::template::filters::numbers::parse_int(text, 10)?.as_int()
}

fn numbers(options: [Option<String>; 5]) -> Results {
    let [start, end, count, stride, format] = options;
    let number = |text: Option<String>| match text {
        None => Ok(None),
        Some(text) => parse(&text).map(Some).ok_or_else(|| {
            TemplateError::new(format!("`sequence` cannot read `{text}` as a number"))
        }),
    };
    let start = number(start)?.unwrap_or(1);
    let mut stride = number(stride)?.unwrap_or(1);
    let end = match (number(end)?, number(count)?) {
        (Some(end), None) => end,
        (None, Some(0)) => return Ok(Vec::new()),
        (None, Some(count)) => start + count * stride - 1,
        _ => {
            return Err(TemplateError::new(
                "`sequence` needs `end` or `count`, one of them",
            ));
        }
    };
    if stride > 0 && end < start {
        return Err(TemplateError::new(
            "`sequence` needs a negative `stride` to count backwards",
        ));
    }
    if stride < 0 && end > start {
        return Err(TemplateError::new(
            "`sequence` needs a positive `stride` to count forwards",
        ));
    }
    if stride == 0 {
        return Ok(Vec::new());
    }
    let format = format.unwrap_or_else(|| "%d".to_owned());
    if format.matches('%').count() != 1 {
        return Err(TemplateError::new(format!(
            "`sequence` needs one `%` in `{format}`"
        )));
    }
    let mut results = Vec::new();
    let mut current = start;
    stride = stride.clamp(-i64::from(i32::MAX), i64::from(i32::MAX));
    while (stride > 0 && current <= end) || (stride < 0 && current >= end) {
        let shown = crate::template::format::percent(&format, &Value::from(current))?;
        results.push(Value::from(shown));
        current += stride;
    }
    Ok(results)
}
