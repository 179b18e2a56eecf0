//! Python's operators over values: arithmetic with integers of any size, sequences, comparison, membership.
//!
//! The evaluator and the number filters call it with rendered operands. Results carry the secret mark of what they came from.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use super::error::TemplateError;
use super::format;
use super::tree::{Comparison, Operator};
use crate::value::{Dict, Key, Kind, Marks, Moment, Number, Value};

/// The longest text or list, and the widest integer in bits, that an operator makes.
const LIMIT: usize = 64 * 1024 * 1024;

/// Returns the value with the secret mark, if `secret`. A truth value never is: it says one bit about what it was made from.
pub(crate) fn marked(value: Value, secret: bool) -> Value {
    if secret && value.as_bool().is_none() {
        value.with_marks(Marks::SECRET)
    } else {
        value
    }
}

/// What is said of an `if` without `else` whose condition was false. As in Jinja, that is nothing where it is written out
/// beside other text, and false where it is asked for its truth.
pub(crate) const NO_ELSE: &str =
    "the condition of this `if` without `else` was false, so it has no value";

/// Tells whether the value is that of an `if` without `else` whose condition was false.
pub(crate) fn is_no_else(value: &Value) -> bool {
    value
        .as_fault()
        .is_some_and(|fault| fault.message == NO_ELSE)
}

/// Fails with the fault of an undefined operand.
pub(crate) fn defined(value: &Value) -> Result<(), TemplateError> {
    value
        .as_fault()
        .map_or(Ok(()), |fault| Err(TemplateError::Fault(fault.clone())))
}

/// Applies an operator.
pub(crate) fn apply(
    operator: Operator,
    left: &Value,
    right: &Value,
) -> Result<Value, TemplateError> {
    for operand in [left, right] {
        if operator != Operator::Concatenate || !is_no_else(operand) {
            defined(operand)?;
        }
    }
    let secret = left.holds_secret() || right.holds_secret();
    let result = match operator {
        Operator::Concatenate => {
            let mut text = left.to_text();
            text.push_str(&right.to_text());
            Value::from(text)
        }
        _ => match quick(operator, left, right) {
            Some(result) => result,
            None => slow(operator, left, right)?,
        },
    };
    Ok(marked(result, secret))
}

/// Arithmetic on integers that fit, which is nearly all of it.
fn quick(operator: Operator, left: &Value, right: &Value) -> Option<Value> {
    let (left, right) = (left.as_int()?, right.as_int()?);
    match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::FloorDivide if right > 0 => left.checked_div_euclid(right),
        Operator::Remainder if right > 0 => left.checked_rem_euclid(right),
        _ => None,
    }
    .map(Value::from)
}

fn slow(operator: Operator, left: &Value, right: &Value) -> Result<Value, TemplateError> {
    match (operator, left.kind(), right.kind()) {
        (Operator::Add, Kind::Str(a), Kind::Str(b)) => {
            let mut text = String::with_capacity(a.len() + b.len());
            text.push_str(a);
            text.push_str(b);
            return Ok(Value::from(text));
        }
        (Operator::Add, Kind::Bytes(a), Kind::Bytes(b)) => {
            return Ok(Value::new(Kind::Bytes(
                a.iter().chain(b.iter()).copied().collect(),
            )));
        }
        (Operator::Add, Kind::List(a), Kind::List(b)) => {
            return Ok(Value::list(a.iter().chain(b.iter()).cloned()));
        }
        (Operator::Add, Kind::Tuple(a), Kind::Tuple(b)) => {
            return Ok(Value::tuple(a.iter().chain(b.iter()).cloned()));
        }
        (Operator::Multiply, Kind::Str(_) | Kind::List(_) | Kind::Tuple(_), _)
        | (Operator::Multiply, _, Kind::Str(_) | Kind::List(_) | Kind::Tuple(_)) => {
            if let Some(result) = repeat(left, right).or_else(|| repeat(right, left)) {
                return result;
            }
        }
        (Operator::Remainder, Kind::Str(text), _) => {
            return format::percent(text, right).map(Value::from);
        }
        (Operator::Add | Operator::Subtract, Kind::Moment(a), Kind::Moment(b)) => {
            if let Some(moment) = moments(operator, *a, *b) {
                return Ok(Value::from(moment));
            }
        }
        (
            Operator::Multiply | Operator::FloorDivide | Operator::Divide,
            Kind::Moment(Moment::Delta(_)),
            _,
        ) => {
            if let Some(value) = delta_by_number(operator, left, right) {
                return value;
            }
        }
        _ => {}
    }
    let unsupported = || {
        TemplateError::new(match (operator, left.kind(), right.kind()) {
            (Operator::Add, Kind::Str(_), _) => {
                format!(
                    "can only concatenate str (not `{}`) to str",
                    right.type_name()
                )
            }
            (Operator::Add, Kind::List(_), _) => {
                format!(
                    "can only concatenate list (not `{}`) to list",
                    right.type_name()
                )
            }
            (Operator::Multiply, Kind::Str(_) | Kind::List(_) | Kind::Tuple(_), _) => {
                format!(
                    "can't multiply sequence by non-int of type `{}`",
                    right.type_name()
                )
            }
            _ => format!(
                "unsupported operand types for `{}`: `{}` and `{}`",
                operator.symbol(),
                left.type_name(),
                right.type_name()
            ),
        })
    };
    let (Some(a), Some(b)) = (left.as_number(), right.as_number()) else {
        return Err(unsupported());
    };
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => integers(operator, &a, &b),
        (a, b) => floats(operator, float(&a), float(&b)),
    }
}

/// Python's `float()` of a number.
pub(crate) fn float(number: &Number) -> f64 {
    match number {
        Number::Float(float) => *float,
        // Exact digits and one rounding, as Python does.
        Number::Int(int) => int.to_string().parse().unwrap_or(f64::NAN),
    }
}

fn integers(operator: Operator, a: &BigInt, b: &BigInt) -> Result<Value, TemplateError> {
    let zero = b.sign() == Sign::NoSign;
    Ok(Value::integer(match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => {
            if usize::try_from(a.bits() + b.bits()).is_ok_and(|bits| bits > LIMIT) {
                return Err(TemplateError::new("the product is too large"));
            }
            a * b
        }
        Operator::Divide if zero => return Err(TemplateError::new("division by zero")),
        Operator::Divide => {
            let quotient = float(&Number::Int(a.clone())) / float(&Number::Int(b.clone()));
            return Ok(Value::from(quotient));
        }
        Operator::FloorDivide | Operator::Remainder if zero => {
            return Err(TemplateError::new("integer division or modulo by zero"));
        }
        Operator::FloorDivide => floor_divide(a, b).0,
        Operator::Remainder => floor_divide(a, b).1,
        Operator::Power if b.sign() == Sign::Minus => {
            return floats(
                operator,
                float(&Number::Int(a.clone())),
                float(&Number::Int(b.clone())),
            );
        }
        Operator::Power => {
            let exponent = u32::try_from(b).ok().filter(|exponent| {
                a.bits() <= 1 || (a.bits().saturating_mul(u64::from(*exponent))) < LIMIT as u64
            });
            let Some(exponent) = exponent else {
                return Err(TemplateError::new("the power is too large"));
            };
            a.pow(exponent)
        }
        Operator::Concatenate => return Ok(Value::from(format!("{a}{b}"))),
    }))
}

/// Quotient rounded down, and the remainder with the divisor's sign.
fn floor_divide(a: &BigInt, b: &BigInt) -> (BigInt, BigInt) {
    let (quotient, remainder) = (a / b, a % b);
    if remainder.sign() != Sign::NoSign && remainder.sign() != b.sign() {
        (quotient - 1, remainder + b)
    } else {
        (quotient, remainder)
    }
}

fn floats(operator: Operator, a: f64, b: f64) -> Result<Value, TemplateError> {
    let zero = || TemplateError::new("float division by zero");
    Ok(Value::from(match operator {
        Operator::Add => a + b,
        Operator::Subtract => a - b,
        Operator::Multiply => a * b,
        Operator::Divide | Operator::FloorDivide | Operator::Remainder if b == 0.0 => {
            return Err(zero());
        }
        Operator::Divide => a / b,
        Operator::FloorDivide => ((a - python_remainder(a, b)) / b).round(),
        Operator::Remainder => python_remainder(a, b),
        Operator::Power if a == 0.0 && b < 0.0 => {
            return Err(TemplateError::new(
                "0.0 cannot be raised to a negative power",
            ));
        }
        Operator::Power => a.powf(b),
        Operator::Concatenate => {
            return Ok(Value::from(
                Value::from(a).to_text() + &Value::from(b).to_text(),
            ));
        }
    }))
}

fn python_remainder(a: f64, b: f64) -> f64 {
    let remainder = a % b;
    if remainder != 0.0 && (remainder < 0.0) != (b < 0.0) {
        remainder + b
    } else {
        remainder
    }
}

fn repeat(sequence: &Value, times: &Value) -> Option<Result<Value, TemplateError>> {
    let length = match sequence.kind() {
        Kind::Str(text) => text.len(),
        Kind::List(items) | Kind::Tuple(items) => items.len(),
        _ => return None,
    };
    let times = match times.kind() {
        Kind::Int(times) => usize::try_from(*times).unwrap_or(0),
        Kind::Bool(times) => usize::from(*times),
        _ => return None,
    };
    if length.saturating_mul(times) > LIMIT {
        return Some(Err(TemplateError::new("the repeated sequence is too long")));
    }
    Some(Ok(match sequence.kind() {
        Kind::Str(text) => Value::from(text.repeat(times)),
        Kind::Tuple(items) => {
            Value::tuple(std::iter::repeat_n(items.iter().cloned(), times).flatten())
        }
        Kind::List(items) => {
            Value::list(std::iter::repeat_n(items.iter().cloned(), times).flatten())
        }
        _ => return None,
    }))
}

fn moments(operator: Operator, a: Moment, b: Moment) -> Option<Moment> {
    Some(match (operator, a, b) {
        (Operator::Add, Moment::DateTime(time, zone), Moment::Delta(length))
        | (Operator::Add, Moment::Delta(length), Moment::DateTime(time, zone)) => {
            Moment::DateTime(time.checked_add(length).ok()?, zone)
        }
        (Operator::Subtract, Moment::DateTime(time, zone), Moment::Delta(length)) => {
            Moment::DateTime(time.checked_sub(length).ok()?, zone)
        }
        (Operator::Add, Moment::Date(date), Moment::Delta(length)) => {
            Moment::Date(date.checked_add(length).ok()?)
        }
        (Operator::Subtract, Moment::Date(date), Moment::Delta(length)) => {
            Moment::Date(date.checked_sub(length).ok()?)
        }
        (Operator::Subtract, Moment::DateTime(a, zone_a), Moment::DateTime(b, zone_b)) => {
            let apart = a.duration_since(b);
            let zones = i64::from(zone_a.unwrap_or(0)) - i64::from(zone_b.unwrap_or(0));
            if zone_a.is_some() != zone_b.is_some() {
                return None;
            }
            Moment::Delta(apart.checked_sub(jiff::SignedDuration::from_secs(zones))?)
        }
        (Operator::Subtract, Moment::Date(a), Moment::Date(b)) => {
            Moment::Delta(a.duration_since(b))
        }
        (Operator::Add, Moment::Delta(a), Moment::Delta(b)) => Moment::Delta(a.checked_add(b)?),
        (Operator::Subtract, Moment::Delta(a), Moment::Delta(b)) => {
            Moment::Delta(a.checked_sub(b)?)
        }
        _ => return None,
    })
}

fn delta_by_number(
    operator: Operator,
    left: &Value,
    right: &Value,
) -> Option<Result<Value, TemplateError>> {
    let Kind::Moment(Moment::Delta(length)) = left.kind() else {
        return None;
    };
    if let Kind::Moment(Moment::Delta(other)) = right.kind() {
        if other.is_zero() {
            return Some(Err(TemplateError::new("division by zero")));
        }
        return Some(Ok(Value::from(length.as_secs_f64() / other.as_secs_f64())));
    }
    let factor = float(&right.as_number()?);
    let seconds = match operator {
        Operator::Multiply => length.as_secs_f64() * factor,
        _ if factor == 0.0 => return Some(Err(TemplateError::new("division by zero"))),
        _ => length.as_secs_f64() / factor,
    };
    Some(
        jiff::SignedDuration::try_from_secs_f64(seconds)
            .map(|length| Value::from(Moment::Delta(length)))
            .map_err(|_| TemplateError::new("the span of time is too long")),
    )
}

/// Returns the negated number.
pub(crate) fn negate(value: &Value) -> Result<Value, TemplateError> {
    defined(value)?;
    let result = match value.as_number() {
        Some(Number::Int(int)) => Value::integer(-int),
        Some(Number::Float(float)) => Value::from(-float),
        None => match value.kind() {
            Kind::Moment(Moment::Delta(length)) => Value::from(Moment::Delta(-*length)),
            _ => {
                return Err(TemplateError::new(format!(
                    "bad operand type for unary `-`: `{}`",
                    value.type_name()
                )));
            }
        },
    };
    Ok(marked(result, value.is_secret()))
}

/// Compares two values.
pub(crate) fn compare(
    comparison: Comparison,
    left: &Value,
    right: &Value,
) -> Result<bool, TemplateError> {
    if left.is_omit() || right.is_omit() {
        let same = left.is_omit() && right.is_omit();
        match comparison {
            Comparison::Equal => return Ok(same),
            Comparison::NotEqual => return Ok(!same),
            _ => {}
        }
    }
    defined(left)?;
    defined(right)?;
    let order = || {
        let nan = |value: &Value| matches!(value.kind(), Kind::Float(float) if float.is_nan());
        match left.compare(right) {
            Some(order) => Ok(Some(order)),
            None if left.as_number().is_some()
                && right.as_number().is_some()
                && (nan(left) || nan(right)) =>
            {
                Ok(None)
            }
            None => Err(TemplateError::new(format!(
                "`{}` not supported between instances of `{}` and `{}`",
                comparison.symbol(),
                left.type_name(),
                right.type_name()
            ))),
        }
    };
    Ok(match comparison {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::Less => order()? == Some(Ordering::Less),
        Comparison::LessOrEqual => order()?.is_some_and(Ordering::is_le),
        Comparison::Greater => order()? == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => order()?.is_some_and(Ordering::is_ge),
        Comparison::In => contains(right, left)?,
        Comparison::NotIn => !contains(right, left)?,
    })
}

/// Tells whether the container holds the item: text in text, an item in a sequence, a key in a dictionary.
pub(crate) fn contains(container: &Value, item: &Value) -> Result<bool, TemplateError> {
    defined(container)?;
    defined(item)?;
    match (container.kind(), item.kind()) {
        (Kind::Str(text), Kind::Str(part)) => Ok(text.contains(part.as_ref())),
        (Kind::Str(_), _) => Err(TemplateError::new(format!(
            "`in <string>` requires string as left operand, not `{}`",
            item.type_name()
        ))),
        (Kind::List(items) | Kind::Tuple(items), _) => Ok(items.iter().any(|other| other == item)),
        (Kind::Dict(dict), _) => match Key::from_value(item) {
            Some(key) => Ok(dict.get_key(&key).is_some()),
            None => Err(TemplateError::new(format!(
                "unhashable type: `{}`",
                item.type_name()
            ))),
        },
        _ => Err(TemplateError::new(format!(
            "argument of type `{}` is not iterable",
            container.type_name()
        ))),
    }
}

/// Returns what Python's `for` would go through: items, keys, characters.
pub(crate) fn iterate(value: &Value) -> Result<Vec<Value>, TemplateError> {
    defined(value)?;
    let secret = value.is_secret();
    Ok(match value.kind() {
        Kind::List(items) | Kind::Tuple(items) => {
            if secret {
                items
                    .iter()
                    .map(|item| marked(item.clone(), true))
                    .collect()
            } else {
                items.to_vec()
            }
        }
        Kind::Dict(dict) => dict
            .keys()
            .map(|key| marked(key.to_value(), secret))
            .collect(),
        Kind::Str(text) => text
            .chars()
            .map(|c| marked(Value::text(String::from(c)), secret))
            .collect(),
        Kind::Bytes(bytes) => bytes
            .iter()
            .map(|byte| marked(Value::from(*byte), secret))
            .collect(),
        _ => {
            return Err(TemplateError::new(format!(
                "`{}` object is not iterable",
                value.type_name()
            )));
        }
    })
}

/// Returns `value[start:stop:step]`.
pub(crate) fn slice(
    value: &Value,
    start: &Value,
    stop: &Value,
    step: &Value,
) -> Result<Value, TemplateError> {
    defined(value)?;
    let index = |part: &Value| -> Result<Option<i64>, TemplateError> {
        defined(part)?;
        match part.kind() {
            Kind::Null => Ok(None),
            Kind::Int(index) => Ok(Some(*index)),
            Kind::Bool(index) => Ok(Some(i64::from(*index))),
            _ => Err(TemplateError::new("slice indices must be integers or None")),
        }
    };
    let (start, stop, step) = (index(start)?, index(stop)?, index(step)?.unwrap_or(1));
    if step == 0 {
        return Err(TemplateError::new("slice step cannot be zero"));
    }
    let result = match value.kind() {
        Kind::Str(text) => {
            let characters: Vec<char> = text.chars().collect();
            let picked = indices(characters.len(), start, stop, step);
            Value::from(
                picked
                    .filter_map(|index| characters.get(index))
                    .collect::<String>(),
            )
        }
        Kind::List(items) => Value::list(
            indices(items.len(), start, stop, step).filter_map(|index| items.get(index).cloned()),
        ),
        Kind::Tuple(items) => Value::tuple(
            indices(items.len(), start, stop, step).filter_map(|index| items.get(index).cloned()),
        ),
        _ => {
            return Ok(Value::undefined(
                format!("object of type `{}` has no slices", value.type_name()),
                crate::diag::Span::NONE,
            ));
        }
    };
    Ok(marked(result, value.is_secret()))
}

fn indices(
    length: usize,
    start: Option<i64>,
    stop: Option<i64>,
    step: i64,
) -> impl Iterator<Item = usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let (low, high) = if step > 0 {
        (0, length)
    } else {
        (-1, length - 1)
    };
    let bound = |index: Option<i64>, default: i64| match index {
        None => default,
        Some(index) if index < 0 => (index.saturating_add(length)).clamp(low, high),
        Some(index) => index.clamp(low, high),
    };
    let (start, stop) = if step > 0 {
        (bound(start, 0), bound(stop, length))
    } else {
        (bound(start, length - 1), bound(stop, -1))
    };
    let mut next = start;
    std::iter::from_fn(move || {
        let inside = if step > 0 { next < stop } else { next > stop };
        let index = usize::try_from(next).ok().filter(|_| inside)?;
        next = next.saturating_add(step);
        Some(index)
    })
}

/// Returns a copy of the dictionary with the pairs of another value: a dictionary or pairs.
pub(crate) fn extend_dict(dict: &mut Dict, other: &Value) -> Result<(), TemplateError> {
    defined(other)?;
    if let Some(other) = other.as_dict() {
        dict.extend(
            other
                .iter()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        return Ok(());
    }
    for pair in iterate(other)? {
        let items = iterate(&pair)?;
        let [key, value] = items.as_slice() else {
            return Err(TemplateError::new("a dictionary is made of pairs"));
        };
        let Some(key) = Key::from_value(key) else {
            return Err(TemplateError::new(format!(
                "unhashable type: `{}`",
                key.type_name()
            )));
        };
        dict.extend([(key, value.clone())]);
    }
    Ok(())
}
