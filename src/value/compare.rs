//! Equality and order as Python has them: numbers across types, sequences item by item, dictionaries without order.

use std::cmp::Ordering;

use num_bigint::BigInt;

use super::{Kind, Value};

impl PartialEq for Value {
    /// Python's `==`. Marks and origins do not count; undefined values are equal to nothing.
    fn eq(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::Null, Kind::Null) => true,
            (Kind::Str(left), Kind::Str(right)) => left == right,
            (Kind::Bytes(left), Kind::Bytes(right)) => left == right,
            (Kind::List(left), Kind::List(right)) | (Kind::Tuple(left), Kind::Tuple(right)) => {
                left == right
            }
            (Kind::Dict(left), Kind::Dict(right)) => {
                left.len() == right.len()
                    && left
                        .iter()
                        .all(|(key, value)| right.get_key(key) == Some(value))
            }
            (Kind::Moment(left), Kind::Moment(right)) => left == right,
            _ => self.compare_numbers(other) == Some(Ordering::Equal),
        }
    }
}

impl Value {
    /// Returns Python's order of two values, or nothing where Python raises `TypeError` (or either is NaN).
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (&self.kind, &other.kind) {
            (Kind::Str(left), Kind::Str(right)) => Some(left.as_ref().cmp(right.as_ref())),
            (Kind::Bytes(left), Kind::Bytes(right)) => Some(left.cmp(right)),
            (Kind::List(left), Kind::List(right)) | (Kind::Tuple(left), Kind::Tuple(right)) => {
                for (a, b) in left.iter().zip(right.iter()) {
                    if a != b {
                        return a.compare(b);
                    }
                }
                Some(left.len().cmp(&right.len()))
            }
            (Kind::Moment(left), Kind::Moment(right)) => left.partial_cmp(right),
            _ => self.compare_numbers(other),
        }
    }

    fn compare_numbers(&self, other: &Self) -> Option<Ordering> {
        match (self.as_number()?, other.as_number()?) {
            (Number::Int(left), Number::Int(right)) => Some(left.cmp(&right)),
            (Number::Float(left), Number::Float(right)) => left.partial_cmp(&right),
            (Number::Int(left), Number::Float(right)) => compare_mixed(&left, right),
            (Number::Float(left), Number::Int(right)) => {
                compare_mixed(&right, left).map(Ordering::reverse)
            }
        }
    }

    /// Returns the number that Python's arithmetic sees: integers, floats and truth values.
    pub fn as_number(&self) -> Option<Number> {
        Some(match &self.kind {
            Kind::Bool(value) => Number::Int(BigInt::from(u8::from(*value))),
            Kind::Int(value) => Number::Int(BigInt::from(*value)),
            Kind::Big(value) => Number::Int(BigInt::clone(value)),
            Kind::Float(value) => Number::Float(*value),
            _ => return None,
        })
    }
}

/// A number of Python's arithmetic.
#[derive(Clone, Debug)]
pub enum Number {
    /// An integer of any size.
    Int(BigInt),
    /// A float.
    Float(f64),
}

fn compare_mixed(int: &BigInt, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float.is_infinite() {
        return Some(if float > 0.0 {
            Ordering::Less
        } else {
            Ordering::Greater
        });
    }
    let floor = float.floor();
    let whole = big_from_float(floor);
    Some(int.cmp(&whole).then(if float > floor {
        Ordering::Less
    } else {
        Ordering::Equal
    }))
}

/// Returns a finite float's whole part exactly.
fn big_from_float(float: f64) -> BigInt {
    let bits = float.to_bits();
    let raised = (bits >> 52) & 0x7ff;
    let exponent = i64::try_from(raised).unwrap_or(0) - 1_075;
    let fraction = bits & ((1 << 52) - 1);
    let mantissa = if raised == 0 {
        fraction << 1
    } else {
        fraction | (1 << 52)
    };
    let size = BigInt::from(mantissa);
    let magnitude = if exponent >= 0 {
        size << exponent.unsigned_abs()
    } else {
        size >> exponent.unsigned_abs()
    };
    if float < 0.0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_equal_across_types() {
        assert_eq!(Value::from(1), Value::from(1.0));
        assert_eq!(Value::from(true), Value::from(1));
        assert_ne!(Value::from("1"), Value::from(1));
    }

    #[test]
    fn text_and_numbers_have_no_order() {
        assert_eq!(Value::from("a").compare(&Value::from(1)), None);
        assert_eq!(
            Value::from(3).compare(&Value::from(3.5)),
            Some(Ordering::Less)
        );
    }
}
