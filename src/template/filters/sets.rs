//! Filters of set theory: in the order of the left side first, where Python's sets have none.

use std::collections::HashSet;

use super::bind::bind;
use super::python::{hashable, iterate, without_case};
use super::select::getter;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::{Key, Value};

/// What has been seen: by hash where possible, else by comparison.
#[derive(Default)]
struct Seen {
    keys: HashSet<Key>,
    others: Vec<Value>,
}

impl Seen {
    fn of(items: &[Value]) -> Self {
        let mut seen = Self::default();
        for item in items {
            seen.add(item);
        }
        seen
    }

    /// Tells whether the value is new, and remembers it.
    fn add(&mut self, value: &Value) -> bool {
        match Key::from_value(value) {
            Some(key) => self.keys.insert(key),
            None if self.others.contains(value) => false,
            None => {
                self.others.push(value.clone());
                true
            }
        }
    }

    fn has(&self, value: &Value) -> bool {
        Key::from_value(value).map_or_else(
            || self.others.contains(value),
            |key| self.keys.contains(&key),
        )
    }
}

fn distinct(items: impl IntoIterator<Item = Value>) -> Value {
    let mut seen = Seen::default();
    items.into_iter().filter(|item| seen.add(item)).collect()
}

/// `unique(case_sensitive=None, attribute=None)`: without regard to case unless told or unless an item is a container.
pub(super) fn unique(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["case_sensitive", "attribute"], 0)?;
    let case_sensitive = arguments.flag(0, false)?;
    let explicit = arguments
        .get(0)
        .is_some_and(|value| value.as_bool() == Some(false));
    let attribute = arguments
        .given(1)
        .map(|attribute| getter(attribute, arguments.evaluator))
        .transpose()?;
    let items = iterate(&arguments.value)?;
    let mut keyed = Vec::new();
    for item in items {
        let by = match &attribute {
            Some(getter) => getter.get(&item)?,
            None => item.clone(),
        };
        keyed.push((super::python::used(&by)?.clone(), item));
    }
    let plain = keyed.iter().all(|(by, _)| hashable(by));
    if !plain && (explicit || attribute.is_some()) {
        return Err(
            arguments.error("cannot compare containers with `case_sensitive` or `attribute`")
        );
    }
    let mut seen = Seen::default();
    Ok(keyed
        .into_iter()
        .filter(|(by, _)| {
            seen.add(&if case_sensitive || !plain {
                by.clone()
            } else {
                without_case(by)
            })
        })
        .map(|(_, item)| item)
        .collect())
}

fn sides(call: Call<'_>) -> Result<(Vec<Value>, Vec<Value>), TemplateError> {
    let arguments = bind(call, &["b"], 1)?;
    let left = iterate(&arguments.value)?;
    let right = iterate(arguments.get(0).unwrap_or(&Value::NULL))?;
    for item in left.iter().chain(&right) {
        super::python::used(item)?;
    }
    Ok((left, right))
}

/// `union(other)`.
pub(super) fn union(call: Call<'_>) -> Result<Value, TemplateError> {
    let (left, right) = sides(call)?;
    Ok(distinct(left.into_iter().chain(right)))
}

/// `intersect(other)`.
pub(super) fn intersect(call: Call<'_>) -> Result<Value, TemplateError> {
    let (left, right) = sides(call)?;
    let other = Seen::of(&right);
    Ok(distinct(left.into_iter().filter(|item| other.has(item))))
}

/// `difference(other)`.
pub(super) fn difference(call: Call<'_>) -> Result<Value, TemplateError> {
    let (left, right) = sides(call)?;
    let other = Seen::of(&right);
    Ok(distinct(left.into_iter().filter(|item| !other.has(item))))
}

/// `symmetric_difference(other)`.
pub(super) fn symmetric_difference(call: Call<'_>) -> Result<Value, TemplateError> {
    let (left, right) = sides(call)?;
    let (in_left, in_right) = (Seen::of(&left), Seen::of(&right));
    let only_left = left.into_iter().filter(|item| !in_right.has(item));
    let only_right = right.into_iter().filter(|item| !in_left.has(item));
    Ok(distinct(only_left.chain(only_right)))
}
