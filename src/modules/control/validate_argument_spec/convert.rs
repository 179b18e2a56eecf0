//! The types of options: what a value becomes, or why it cannot.

use num_bigint::BigInt;

use crate::template::size_of_text;
use crate::value::{Dict, Kind, Number, Value};

/// Exponents beyond this are no integers that anyone means.
const LARGEST_EXPONENT: i64 = 4300;

/// Returns the value as that type.
pub(super) fn convert(kind: &str, value: &Value) -> Result<Value, String> {
    let class = || format!("<class '{}'>", value.type_name());
    match kind {
        "str" | "path" => Ok(match value.kind() {
            Kind::Str(_) => value.clone(),
            Kind::Null => Value::text(""),
            _ => Value::text(value.to_text()),
        }),
        "raw" => Ok(value.clone()),
        "list" => match value.kind() {
            Kind::List(_) => Ok(value.clone()),
            Kind::Str(text) => Ok(Value::list(text.split(',').map(Value::text))),
            Kind::Bool(_) | Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => {
                Ok(Value::list([Value::text(value.to_text())]))
            }
            _ => Err(format!("{} cannot be converted to a list", class())),
        },
        "dict" => dict(value),
        "bool" => boolean(value),
        "int" => integer(value)
            .ok_or_else(|| format!("\"{}\" cannot be converted to an int", value.to_repr())),
        "float" => float(value)
            .map(Value::from)
            .ok_or_else(|| format!("{} cannot be converted to a float", class())),
        "bytes" | "bits" => {
            let (bits, what) = (kind == "bits", if kind == "bits" { "Bit" } else { "Byte" });
            size_of_text(&value.to_text(), None, bits)
                .ok_or_else(|| format!("{} cannot be converted to a {what} value", class()))
        }
        "json" | "jsonarg" => match value.kind() {
            Kind::Str(text) => Ok(Value::text(text.trim())),
            Kind::List(_) | Kind::Tuple(_) | Kind::Dict(_) => {
                Ok(Value::text(value.to_json().to_string()))
            }
            _ => Err(format!("{} cannot be converted to a json string", class())),
        },
        // What Python says of a type that nobody knows.
        _ => Err("'NoneType' object is not callable".to_owned()),
    }
}

/// Reads a dictionary, JSON text or `key=value` pairs.
pub(super) fn dict(value: &Value) -> Result<Value, String> {
    let text = match value.kind() {
        Kind::Dict(_) => return Ok(value.clone()),
        Kind::Str(text) => text,
        _ => {
            return Err(format!(
                "<class '{}'> cannot be converted to a dict",
                value.type_name()
            ));
        }
    };
    if text.starts_with('{') {
        return serde_json::from_str(text)
            .map(Value::from_json)
            .ok()
            .filter(|read| read.as_dict().is_some())
            .ok_or_else(|| "unable to evaluate string as dictionary".to_owned());
    }
    if !text.contains('=') {
        return Err("dictionary requested, could not parse JSON or key=value".to_owned());
    }
    let mut read = Dict::new();
    for field in fields(text.trim()) {
        let Some((key, value)) = field.split_once('=') else {
            return Err(
                "unable to evaluate string in the \"key=value\" format as dictionary".to_owned(),
            );
        };
        read.insert(key, value);
    }
    Ok(Value::dict(read))
}

/// Splits at commas and spaces outside of quotes.
fn fields(text: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let (mut quote, mut escaped) = (None, false);
    for letter in text.chars() {
        let plain = match letter {
            _ if escaped => {
                escaped = false;
                true
            }
            '\\' => {
                escaped = true;
                false
            }
            '\'' | '"' if quote.is_none() => {
                quote = Some(letter);
                false
            }
            _ if quote == Some(letter) => {
                quote = None;
                false
            }
            ',' | ' ' if quote.is_none() => {
                fields.push(String::new());
                false
            }
            _ => true,
        };
        if plain && let Some(last) = fields.last_mut() {
            last.push(letter);
        }
    }
    fields.retain(|field| !field.is_empty());
    fields
}

fn boolean(value: &Value) -> Result<Value, String> {
    let read = match value.kind() {
        Kind::Bool(read) => Some(*read),
        Kind::Str(text) => match text.trim().to_lowercase().as_str() {
            "yes" | "on" | "true" | "t" | "y" | "1" => Some(true),
            "no" | "off" | "false" | "f" | "n" | "0" => Some(false),
            _ => None,
        },
        Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => [true, false]
            .into_iter()
            .find(|known| *value == Value::from(*known)),
        _ => {
            return Err(format!(
                "<class '{}'> cannot be converted to a bool",
                value.type_name()
            ));
        }
    };
    read.map(Value::from).ok_or_else(|| {
        format!(
            "The value '{}' is not a valid boolean. Valid booleans include: 'yes', 'on', 'true', 't', 'y', '1', 'no', 'off', 'false', 'f', 'n', '0'",
            value.to_text()
        )
    })
}

fn float(value: &Value) -> Option<f64> {
    match value.as_number() {
        Some(Number::Float(number)) => Some(number),
        Some(Number::Int(number)) => number.to_string().parse().ok(),
        None => match value
            .as_str()?
            .trim()
            .replace('_', "")
            .to_lowercase()
            .as_str()
        {
            "infinity" | "+infinity" => Some(f64::INFINITY),
            "-infinity" => Some(f64::NEG_INFINITY),
            text => text.parse().ok(),
        },
    }
}

/// An integer, or what is one in value: `5.0`, `"1e3"`.
fn integer(value: &Value) -> Option<Value> {
    match value.kind() {
        Kind::Bool(_) | Kind::Int(_) | Kind::Big(_) => Some(value.clone()),
        Kind::Float(number) if number.is_finite() => decimal(&format!("{number:.60}")),
        Kind::Str(text) => decimal(&text.trim().replace('_', "")),
        _ => None,
    }
}

fn decimal(text: &str) -> Option<Value> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    if (whole.is_empty() && fraction.is_empty() && !digits.contains('0'))
        || !whole
            .chars()
            .chain(fraction.chars())
            .all(|digit| digit.is_ascii_digit())
    {
        return None;
    }
    let mut digits = format!("{whole}{fraction}");
    let mut shift = exponent - i64::try_from(fraction.len()).ok()?;
    // Trailing zeros of the digits make up for a negative exponent.
    while shift < 0 && digits.ends_with('0') {
        digits.pop();
        shift += 1;
    }
    if digits.trim_start_matches('0').is_empty() {
        return Some(Value::from(0));
    }
    if !(0..=LARGEST_EXPONENT).contains(&shift) {
        return None;
    }
    digits.extend(std::iter::repeat_n('0', usize::try_from(shift).ok()?));
    format!("{sign}{digits}")
        .parse::<BigInt>()
        .ok()
        .map(Value::integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_what_is_one_in_value() {
        for (given, expected) in [
            ("5", Some(5)),
            (" -5.0 ", Some(-5)),
            ("1e3", Some(1000)),
            ("1500e-2", Some(15)),
            ("1_0", Some(10)),
            ("0.0", Some(0)),
            ("5.5", None),
            ("many", None),
            ("", None),
            (".", None),
            ("1e99999", None),
        ] {
            assert_eq!(
                convert("int", &Value::text(given)).ok(),
                expected.map(|number: i64| Value::from(number)),
                "{given}"
            );
        }
        assert_eq!(convert("int", &Value::from(5.0)), Ok(Value::from(5)));
        assert_eq!(
            convert("int", &Value::text("x")).unwrap_err(),
            "\"'x'\" cannot be converted to an int"
        );
    }

    #[test]
    fn dictionaries_are_read_from_text() {
        let read = |text: &str| convert("dict", &Value::text(text));
        let pairs = read("a=1, b='x y' c=d\\ e").unwrap();
        assert_eq!(
            pairs.to_json(),
            serde_json::json!({"a": "1", "b": "x y", "c": "d e"})
        );
        assert_eq!(
            read("{\"a\": 1}").unwrap().to_json(),
            serde_json::json!({"a": 1})
        );
        assert_eq!(
            read("{a").unwrap_err(),
            "unable to evaluate string as dictionary"
        );
        assert!(read("a").unwrap_err().starts_with("dictionary requested"));
        assert!(read("a=1 b").unwrap_err().contains("key=value"));
    }

    #[test]
    fn other_types_convert_or_say_why_not() {
        let text = |kind: &str, value: Value| convert(kind, &value).map(|value| value.to_text());
        assert_eq!(text("str", Value::from(5)).unwrap(), "5");
        assert_eq!(text("list", Value::text("a,b")).unwrap(), "['a', 'b']");
        assert_eq!(text("bool", Value::text("Yes")).unwrap(), "True");
        assert_eq!(text("float", Value::text("1e3")).unwrap(), "1000.0");
        assert_eq!(text("bytes", Value::text("1K")).unwrap(), "1024");
        assert_eq!(text("json", Value::list([Value::from(1)])).unwrap(), "[1]");
        assert!(text("bool", Value::text("maybe")).is_err());
        assert!(
            text("bits", Value::text("lots"))
                .unwrap_err()
                .ends_with("Bit value")
        );
        assert!(
            text("odd", Value::text("x"))
                .unwrap_err()
                .contains("not callable")
        );
    }
}
