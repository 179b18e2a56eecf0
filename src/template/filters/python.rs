//! Python's conversions as filters, tests and lookups need them: iteration, truth, numbers and text, failing on undefined values.

use std::cmp::Ordering;

use num_bigint::BigInt;

use crate::template::error::TemplateError;
use crate::value::{Dict, Key, Kind, Value};

/// Fails where the value itself is undefined.
pub(crate) fn used(value: &Value) -> Result<&Value, TemplateError> {
    value
        .as_fault()
        .map_or(Ok(value), |fault| Err(TemplateError::Fault(fault.clone())))
}

/// Fails where the value or anything in it is undefined.
pub(crate) fn used_deep(value: &Value) -> Result<&Value, TemplateError> {
    match value.kind() {
        Kind::Undefined(fault) => return Err(TemplateError::Fault((**fault).clone())),
        Kind::List(items) | Kind::Tuple(items) => {
            for item in items.iter() {
                used_deep(item)?;
            }
        }
        Kind::Dict(dict) => {
            for item in dict.values() {
                used_deep(item)?;
            }
        }
        _ => {}
    }
    Ok(value)
}

/// Returns what Python's `for` would yield: items, keys of a dictionary, characters of a text.
pub(crate) fn iterate(value: &Value) -> Result<Vec<Value>, TemplateError> {
    Ok(match value.kind() {
        Kind::List(items) | Kind::Tuple(items) => items.to_vec(),
        Kind::Dict(dict) => dict.keys().map(Key::to_value).collect(),
        Kind::Str(text) => text
            .chars()
            .map(|character| Value::from(character.to_string()))
            .collect(),
        Kind::Bytes(bytes) => bytes.iter().map(|byte| Value::from(*byte)).collect(),
        Kind::Undefined(fault) => return Err(TemplateError::Fault((**fault).clone())),
        _ => {
            return Err(TemplateError::new(format!(
                "`{}` cannot be iterated over",
                value.type_name()
            )));
        }
    })
}

/// Returns the items of a list or tuple; text and dictionaries are none.
pub(crate) fn sequence<'a>(value: &'a Value, who: &str) -> Result<&'a [Value], TemplateError> {
    used(value)?.as_list().ok_or_else(|| {
        TemplateError::new(format!("`{who}` needs a list, got {}", value.type_name()))
    })
}

/// Returns the dictionary.
pub(crate) fn mapping<'a>(value: &'a Value, who: &str) -> Result<&'a Dict, TemplateError> {
    used(value)?.as_dict().ok_or_else(|| {
        TemplateError::new(format!(
            "`{who}` needs a dictionary, got {}",
            value.type_name()
        ))
    })
}

/// Returns Python's truth of the value; undefined fails.
pub(crate) fn truth(value: &Value) -> Result<bool, TemplateError> {
    Ok(used(value)?.is_true())
}

/// Returns an integer where Python takes one (truth values too).
pub(crate) fn integer(value: &Value) -> Result<i64, TemplateError> {
    match used(value)?.kind() {
        Kind::Int(number) => Ok(*number),
        Kind::Bool(flag) => Ok(i64::from(*flag)),
        _ => Err(TemplateError::new(format!(
            "an integer is needed, got {}",
            value.type_name()
        ))),
    }
}

/// Returns a float where Python's `math` takes one.
pub(crate) fn number(value: &Value) -> Result<f64, TemplateError> {
    match used(value)?.kind() {
        Kind::Int(number) => Ok(int_to_float(*number)),
        Kind::Bool(flag) => Ok(f64::from(u8::from(*flag))),
        Kind::Float(number) => Ok(*number),
        Kind::Big(number) => Ok(big_to_float(number)),
        _ => Err(TemplateError::new(format!(
            "a number is needed, got {}",
            value.type_name()
        ))),
    }
}

/// Returns the nearest float.
#[expect(clippy::cast_precision_loss, reason = "Python rounds here too")]
pub(crate) fn int_to_float(number: i64) -> f64 {
    number as f64
}

/// Returns the nearest float of a big integer.
pub(crate) fn big_to_float(number: &BigInt) -> f64 {
    number.to_string().parse().unwrap_or(f64::NAN)
}

/// Returns the integer with the fraction cut off, or nothing for NaN and infinities.
pub(crate) fn float_to_int(number: f64) -> Option<Value> {
    if !number.is_finite() {
        return None;
    }
    format!("{:.0}", number.trunc())
        .parse::<BigInt>()
        .ok()
        .map(Value::integer)
}

/// Returns Python's `str()` of the value; undefined fails.
pub(crate) fn text(value: &Value) -> Result<String, TemplateError> {
    Ok(used_deep(value)?.to_text())
}

/// Returns a length or count as a value's integer.
pub(crate) fn size(count: usize) -> Value {
    Value::from(count)
}

/// Returns `usize` of a number that counts something; negative ones count nothing.
pub(crate) fn count(number: i64) -> usize {
    usize::try_from(number.max(0)).unwrap_or(usize::MAX)
}

/// Compares as Python's `<` does, failing where it raises.
pub(crate) fn compare(left: &Value, right: &Value) -> Result<Ordering, TemplateError> {
    used(left)?;
    used(right)?;
    match left.compare(right) {
        Some(order) => Ok(order),
        None if left == right => Ok(Ordering::Equal),
        None if left.as_number().is_some() && right.as_number().is_some() => Ok(Ordering::Equal),
        None => Err(TemplateError::new(format!(
            "`{}` and `{}` have no order",
            left.type_name(),
            right.type_name()
        ))),
    }
}

/// Sorts stably by Python's order of the keys.
pub(crate) fn sort_by_keys(
    mut items: Vec<(Value, Value)>,
    reverse: bool,
) -> Result<Vec<Value>, TemplateError> {
    let mut failure = None;
    items.sort_by(|left, right| {
        let order = compare(&left.0, &right.0).unwrap_or_else(|error| {
            failure.get_or_insert(error);
            Ordering::Equal
        });
        if reverse { order.reverse() } else { order }
    });
    match failure {
        Some(error) => Err(error),
        None => Ok(items.into_iter().map(|(_, item)| item).collect()),
    }
}

/// Tells whether Python could put the value in a set.
pub(crate) fn hashable(value: &Value) -> bool {
    Key::from_value(value).is_some()
}

/// Returns the dictionary key, failing for what Python cannot hash.
pub(crate) fn key(value: &Value) -> Result<Key, TemplateError> {
    Key::from_value(used(value)?).ok_or_else(|| {
        TemplateError::new(format!(
            "`{}` cannot be the key of a dictionary",
            value.type_name()
        ))
    })
}

/// Returns the text in lower case, other values as they are: how Jinja compares without case.
pub(crate) fn without_case(value: &Value) -> Value {
    value
        .as_str()
        .map_or_else(|| value.clone(), |text| Value::from(text.to_lowercase()))
}

/// Tells whether Jinja's `in` finds the value in the container.
pub(crate) fn contains(container: &Value, item: &Value) -> Result<bool, TemplateError> {
    used(item)?;
    match used(container)?.kind() {
        Kind::List(items) | Kind::Tuple(items) => Ok(items.iter().any(|other| other == item)),
        Kind::Dict(dict) => Ok(dict.get_key(&key(item)?).is_some()),
        Kind::Str(text) => match item.kind() {
            Kind::Str(part) => Ok(text.contains(part.as_ref())),
            _ => Err(TemplateError::new(format!(
                "only text can be in text, not {}",
                item.type_name()
            ))),
        },
        _ => Err(TemplateError::new(format!(
            "`{}` contains nothing",
            container.type_name()
        ))),
    }
}
