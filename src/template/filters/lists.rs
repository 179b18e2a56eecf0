//! Filters over sequences: take parts, put together, count.

use std::cmp::Ordering;

use super::bind::{bind, bind_items, defined};
use super::python::{compare, count, integer, iterate, size, text, used, without_case};
use super::select::getter;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::{Kind, Number, Value};

/// `flatten(levels=None, skip_nulls=true)`.
pub(super) fn flatten(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["levels", "skip_nulls"], 0)?;
    let levels = arguments.optional_int(0)?;
    let skip_nulls = arguments.flag(1, true)?;
    flatten_values(&iterate(&arguments.value)?, levels, skip_nulls).map(Value::list)
}

/// Returns the items with lists in them replaced by their items, `levels` deep.
pub(crate) fn flatten_values(
    items: &[Value],
    levels: Option<i64>,
    skip_nulls: bool,
) -> Result<Vec<Value>, TemplateError> {
    let mut flat = Vec::new();
    for item in items {
        if skip_nulls && (used(item)?.is_null() || matches!(item.as_str(), Some("None" | "null"))) {
            continue;
        }
        match item.as_list() {
            Some(inner) if levels.is_none_or(|levels| levels >= 1) => {
                flat.extend(flatten_values(
                    inner,
                    levels.map(|levels| levels - 1),
                    skip_nulls,
                )?);
            }
            _ => flat.push(item.clone()),
        }
    }
    Ok(flat)
}

/// `first`: undefined where there is none.
pub(super) fn first(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let found = iterate(&arguments.value)?.into_iter().next();
    Ok(found.unwrap_or_else(|| {
        Value::undefined("no first item, the sequence is empty", arguments.span)
    }))
}

/// `last`: undefined where there is none.
pub(super) fn last(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let found = iterate(&arguments.value)?.pop();
    Ok(found
        .unwrap_or_else(|| Value::undefined("no last item, the sequence is empty", arguments.span)))
}

/// `length`, `count`.
pub(super) fn length(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    Ok(size(match arguments.value.kind() {
        Kind::Str(text) => text.chars().count(),
        Kind::Bytes(bytes) => bytes.len(),
        Kind::List(items) | Kind::Tuple(items) => items.len(),
        Kind::Dict(dict) => dict.len(),
        _ => return Err(arguments.error(format!("cannot count `{}`", arguments.value.type_name()))),
    }))
}

/// `list`.
pub(super) fn list(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let items = iterate(&arguments.value)?;
    // Going through something undefined makes all of it undefined.
    let missing = items.iter().find(|item| item.as_fault().is_some());
    Ok(missing.cloned().unwrap_or_else(|| Value::list(items)))
}

/// `reverse`: text stays text.
pub(super) fn reverse(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    if let Some(text) = arguments.value.as_str() {
        return Ok(Value::from(text.chars().rev().collect::<String>()));
    }
    let mut items = iterate(&arguments.value)?;
    items.reverse();
    Ok(Value::list(items))
}

/// `join(d='', attribute=None)`.
pub(super) fn join(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["d", "attribute"], 0)?;
    let separator = arguments.get(0).map_or_else(|| Ok(String::new()), text)?;
    let attribute = arguments
        .given(1)
        .map(|attribute| getter(attribute, arguments.evaluator))
        .transpose()?;
    let mut parts = Vec::new();
    for item in iterate(&arguments.value)? {
        let item = match &attribute {
            Some(getter) => getter.get(&item)?,
            None => item,
        };
        parts.push(text(&item)?);
    }
    Ok(Value::from(parts.join(&separator)))
}

/// `sum(attribute=None, start=0)`.
pub(super) fn sum(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["attribute", "start"], 0)?;
    let attribute = arguments
        .given(0)
        .map(|attribute| getter(attribute, arguments.evaluator))
        .transpose()?;
    let mut total = arguments.get(1).cloned().unwrap_or_else(|| Value::from(0));
    if total.as_str().is_some() {
        return Err(arguments.error("cannot add up text"));
    }
    for item in iterate(&arguments.value)? {
        let item = match &attribute {
            Some(getter) => getter.get(&item)?,
            None => item,
        };
        total = add(&total, used(&item)?)?;
    }
    Ok(total)
}

fn add(left: &Value, right: &Value) -> Result<Value, TemplateError> {
    if let (Kind::List(left), Kind::List(right)) | (Kind::Tuple(left), Kind::Tuple(right)) =
        (left.kind(), right.kind())
    {
        return Ok(Value::list(left.iter().chain(right.iter()).cloned()));
    }
    let both = left.as_number().zip(right.as_number());
    let Some((one, two)) = both else {
        return Err(TemplateError::new(format!(
            "`{}` and `{}` cannot be added",
            left.type_name(),
            right.type_name()
        )));
    };
    Ok(match (one, two) {
        (Number::Int(one), Number::Int(two)) => Value::integer(one + two),
        _ => Value::from(super::python::number(left)? + super::python::number(right)?),
    })
}

/// `min(case_sensitive=false, attribute=None)`.
pub(super) fn min(call: Call<'_>) -> Result<Value, TemplateError> {
    extreme(call, Ordering::Less)
}

/// `max(case_sensitive=false, attribute=None)`.
pub(super) fn max(call: Call<'_>) -> Result<Value, TemplateError> {
    extreme(call, Ordering::Greater)
}

fn extreme(call: Call<'_>, wanted: Ordering) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["case_sensitive", "attribute"], 0)?;
    let case_sensitive = arguments.flag(0, false)?;
    let attribute = arguments
        .given(1)
        .map(|attribute| getter(attribute, arguments.evaluator))
        .transpose()?;
    let mut best: Option<(Value, Value)> = None;
    for item in iterate(&arguments.value)? {
        let by = match &attribute {
            Some(getter) => getter.get(&item)?,
            None => item.clone(),
        };
        let by = if case_sensitive {
            by
        } else {
            without_case(&by)
        };
        let better = match &best {
            None => true,
            Some((least, _)) => compare(&by, least)? == wanted,
        };
        if better {
            best = Some((by, item));
        }
    }
    Ok(match best {
        Some((_, item)) => item,
        None => Value::undefined("no aggregated item, the sequence is empty", arguments.span),
    })
}

/// `batch(linecount, fill_with=None)`.
pub(super) fn batch(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["linecount", "fill_with"], 1)?;
    let length = arguments.int(0, 0)?;
    let items = iterate(&arguments.value)?;
    let fill = arguments.given(1);
    if length <= 0 {
        // Jinja closes a line when it is exactly that long: an empty one at once, one of negative length never.
        let empty = (length == 0 && !items.is_empty()).then(|| Value::list([]));
        let rest = (!items.is_empty()).then(|| Value::list(items));
        return Ok(empty.into_iter().chain(rest).collect());
    }
    let length = count(length);
    Ok(items
        .chunks(length)
        .map(|chunk| {
            let mut chunk = chunk.to_vec();
            if let Some(fill) = fill {
                chunk.resize(length, fill.clone());
            }
            Value::list(chunk)
        })
        .collect())
}

/// `slice(slices, fill_with=None)`: that many lists, the first ones longer by one.
pub(super) fn slice(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["slices", "fill_with"], 1)?;
    let slices = count(arguments.int(0, 0)?);
    let items = iterate(&arguments.value)?;
    let (Some(each), Some(longer)) = (
        items.len().checked_div(slices),
        items.len().checked_rem(slices),
    ) else {
        return Err(arguments.error("needs at least one slice"));
    };
    let mut rest = items.into_iter();
    Ok((0..slices)
        .map(|index| {
            let take = each + usize::from(index < longer);
            let mut part: Vec<Value> = rest.by_ref().take(take).collect();
            if index >= longer
                && let Some(fill) = arguments.given(1)
            {
                part.push(fill.clone());
            }
            Value::list(part)
        })
        .collect())
}

fn all_sequences(call: &mut Call<'_>) -> Result<Vec<Vec<Value>>, TemplateError> {
    let mut all = vec![iterate(&call.value)?];
    for value in std::mem::take(&mut call.positional) {
        all.push(iterate(&value)?);
    }
    Ok(all)
}

/// `zip(*others, strict=false)`.
pub(super) fn zip(mut call: Call<'_>) -> Result<Value, TemplateError> {
    defined(&call)?;
    let all = all_sequences(&mut call)?;
    let named = bind_items(call.name, Vec::new(), call.named, &["strict"], 0)?;
    let strict = named
        .first()
        .cloned()
        .flatten()
        .is_some_and(|value| value.is_true());
    let length = all.iter().map(Vec::len).min().unwrap_or(0);
    if strict && all.iter().any(|items| items.len() != length) {
        return Err(TemplateError::new(
            "`zip` got lists of different lengths with `strict`",
        ));
    }
    Ok((0..length)
        .map(|index| Value::tuple(all.iter().filter_map(|items| items.get(index).cloned())))
        .collect())
}

/// `zip_longest(*others, fillvalue=None)`.
pub(super) fn zip_longest(mut call: Call<'_>) -> Result<Value, TemplateError> {
    defined(&call)?;
    let all = all_sequences(&mut call)?;
    let named = bind_items(call.name, Vec::new(), call.named, &["fillvalue"], 0)?;
    let fill = named.into_iter().next().flatten().unwrap_or_default();
    let length = all.iter().map(Vec::len).max().unwrap_or(0);
    Ok((0..length)
        .map(|index| {
            Value::tuple(
                all.iter()
                    .map(|items| items.get(index).unwrap_or(&fill).clone()),
            )
        })
        .collect())
}

/// `product(*others, repeat=1)`.
pub(super) fn product(mut call: Call<'_>) -> Result<Value, TemplateError> {
    defined(&call)?;
    let once = all_sequences(&mut call)?;
    let named = bind_items(call.name, Vec::new(), call.named, &["repeat"], 0)?;
    let repeat = named
        .first()
        .and_then(Option::as_ref)
        .map_or(Ok(1), integer)?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for _ in 0..repeat {
        for items in &once {
            rows = rows
                .iter()
                .flat_map(|row| {
                    items
                        .iter()
                        .map(|item| row.iter().chain([item]).cloned().collect())
                })
                .collect();
        }
    }
    Ok(rows.into_iter().map(Value::tuple).collect())
}

/// `permutations(r=None)`.
pub(super) fn permutations(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["r"], 0)?;
    let items = iterate(&arguments.value)?;
    let length = arguments.optional_int(0)?.map_or(items.len(), count);
    let rows = arrange(items.len(), length, &|row, next| !row.contains(&next));
    Ok(pick(&items, rows))
}

/// `combinations(r)`.
pub(super) fn combinations(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["r"], 1)?;
    let items = iterate(&arguments.value)?;
    let length = count(arguments.int(0, 0)?);
    let rows = arrange(items.len(), length, &|row, next| {
        row.last().is_none_or(|last| *last < next)
    });
    Ok(pick(&items, rows))
}

/// Returns all rows of `length` numbers below `total`, each number allowed by what stands before it.
fn arrange(
    total: usize,
    length: usize,
    allowed: &dyn Fn(&[usize], usize) -> bool,
) -> Vec<Vec<usize>> {
    let mut rows: Vec<Vec<usize>> = vec![Vec::new()];
    if length > total {
        return Vec::new();
    }
    for _ in 0..length {
        rows = rows
            .iter()
            .flat_map(|row| {
                (0..total)
                    .filter(|next| allowed(row, *next))
                    .map(|next| row.iter().copied().chain([next]).collect())
            })
            .collect();
    }
    rows
}

fn pick(items: &[Value], rows: Vec<Vec<usize>>) -> Value {
    rows.into_iter()
        .map(|row| {
            Value::tuple(
                row.into_iter()
                    .filter_map(|index| items.get(index).cloned()),
            )
        })
        .collect()
}

/// `subelements(subelements, skip_missing=false)`.
pub(super) fn subelements(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["subelements", "skip_missing"], 1)?;
    let skip_missing = arguments.flag(1, false)?;
    let items = match arguments.value.kind() {
        Kind::Dict(dict) => dict.values().cloned().collect(),
        Kind::List(items) => items.to_vec(),
        _ => return Err(arguments.error("needs a list of dictionaries or a dictionary of them")),
    };
    let path: Vec<Value> = match arguments.get(0).map(Value::kind) {
        Some(Kind::Str(path)) => path.split('.').map(Value::from).collect(),
        Some(Kind::List(path)) => path.to_vec(),
        _ => return Err(arguments.error("needs the name of the sub-elements as text or list")),
    };
    let mut pairs = Vec::new();
    for item in items {
        let mut inner = Some(item.clone());
        for name in &path {
            let Some(value) = &inner else { break };
            let dict = super::python::mapping(value, "subelements")?;
            inner = dict.get_key(&super::python::key(name)?).cloned();
            if inner.is_none() && !skip_missing {
                return Err(arguments.error(format!("found no key {} in an item", name.to_repr())));
            }
        }
        let Some(inner) = inner else { continue };
        let Kind::List(values) = used(&inner)?.kind() else {
            return Err(arguments.error(format!(
                "needs lists as sub-elements, got {}",
                inner.type_name()
            )));
        };
        pairs.extend(
            values
                .iter()
                .map(|value| Value::tuple([item.clone(), value.clone()])),
        );
    }
    Ok(Value::list(pairs))
}
