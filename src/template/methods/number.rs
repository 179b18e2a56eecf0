//! Methods and attributes of numbers.

use super::Arguments;
use crate::template::error::TemplateError;
use crate::template::operators::float;
use crate::value::{Number, Value};

pub(super) const INTEGER_METHODS: [&str; 9] = [
    "__and__",
    "__lshift__",
    "__or__",
    "__rshift__",
    "__xor__",
    "as_integer_ratio",
    "bit_count",
    "bit_length",
    "is_integer",
];
pub(super) const FLOAT_METHODS: [&str; 2] = ["is_integer", "hex"];

pub(super) fn attribute(value: &Value, name: &str) -> Option<Value> {
    match (value.as_number()?, name) {
        (Number::Int(int), "real" | "numerator") => Some(Value::integer(int)),
        (Number::Float(float), "real") => Some(Value::from(float)),
        (_, "imag") => Some(Value::from(0)),
        (Number::Int(_), "denominator") => Some(Value::from(1)),
        _ => None,
    }
}

pub(super) fn call(value: &Value, arguments: &Arguments<'_>) -> Result<Value, TemplateError> {
    let number = value.as_number().ok_or_else(|| arguments.unknown(value))?;
    let int = match &number {
        Number::Int(int) => int.clone(),
        Number::Float(size) => {
            return match arguments.method {
                "is_integer" => Ok(Value::from(size.fract() == 0.0)),
                _ => Ok(Value::from(float(&number).to_string())),
            };
        }
    };
    let other = || {
        let value = arguments.required(0, "value")?;
        match value.as_number() {
            Some(Number::Int(other)) => Ok(other),
            _ => Err(arguments.wrong("value", "int", value)),
        }
    };
    let shift = || {
        u32::try_from(other()?)
            .ok()
            .filter(|shift| *shift < 1_000_000)
            .ok_or_else(|| TemplateError::new("the shift is out of range"))
    };
    Ok(match arguments.method {
        "bit_length" => Value::from(int.bits()),
        "bit_count" => Value::from(int.magnitude().count_ones()),
        "is_integer" => Value::from(true),
        "as_integer_ratio" => Value::tuple([Value::integer(int), Value::from(1)]),
        "__and__" => Value::integer(int & other()?),
        "__or__" => Value::integer(int | other()?),
        "__xor__" => Value::integer(int ^ other()?),
        "__lshift__" => Value::integer(int << shift()?),
        "__rshift__" => Value::integer(int >> shift()?),
        _ => return Err(arguments.unknown(value)),
    })
}
