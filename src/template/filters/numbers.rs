//! Filters over numbers and sizes.

use super::bind::bind;
use super::python::{big_to_float, float_to_int, integer, number, used};
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::{Kind, Value};
use num_bigint::BigInt;

/// `int(default=0, base=10)`.
pub(super) fn int(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["default", "base"], 0)?;
    let base = u32::try_from(arguments.int(1, 10)?).unwrap_or(10);
    let converted = match arguments.value.kind() {
        Kind::Int(_) | Kind::Big(_) => Some(arguments.value.clone()),
        Kind::Bool(flag) => Some(Value::from(i64::from(*flag))),
        Kind::Float(number) => float_to_int(*number),
        Kind::Str(text) => {
            parse_int(text, base).or_else(|| parse_float(text).and_then(float_to_int))
        }
        _ => None,
    };
    Ok(converted
        .or_else(|| arguments.get(0).cloned())
        .unwrap_or_else(|| Value::from(0)))
}

/// Python's `int(text, base)`.
pub(crate) fn parse_int(text: &str, base: u32) -> Option<Value> {
    let text = text.trim_matches(super::strings::is_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let prefixed = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| {
            let rest = lower
                .strip_prefix(prefix)
                .filter(|_| base == radix || base == 0)?;
            Some((rest.strip_prefix('_').unwrap_or(rest).to_owned(), radix))
        });
    let zeros = lower.bytes().all(|byte| matches!(byte, b'0' | b'_'));
    if base == 0 && prefixed.is_none() && lower.starts_with('0') && !zeros {
        return None;
    }
    let (digits, radix) = prefixed.unwrap_or((lower, if base == 0 { 10 } else { base }));
    if digits.starts_with('_')
        || digits.ends_with('_')
        || digits.contains("__")
        || !(2..=36).contains(&radix)
    {
        return None;
    }
    let digits = digits.replace('_', "");
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let size = BigInt::parse_bytes(digits.as_bytes(), radix)?;
    Some(Value::integer(if negative { -size } else { size }))
}

/// Python's `float(text)`.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let text = text
        .trim_matches(super::strings::is_space)
        .to_ascii_lowercase();
    let bare = text.trim_start_matches(['+', '-']);
    let word = matches!(bare, "inf" | "infinity" | "nan");
    if !word
        && !bare
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-' | b'_'))
    {
        return None;
    }
    if text.contains("__")
        || text.starts_with('_')
        || text.ends_with('_')
        || text.contains("_.")
        || text.contains("._")
    {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// `float(default=0.0)`.
pub(super) fn float(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["default"], 0)?;
    let converted = match arguments.value.kind() {
        Kind::Str(text) => parse_float(text),
        Kind::Int(_) | Kind::Bool(_) | Kind::Float(_) => Some(number(&arguments.value)?),
        Kind::Big(number) => Some(big_to_float(number)),
        _ => None,
    };
    Ok(converted
        .map(Value::from)
        .or_else(|| arguments.get(0).cloned())
        .unwrap_or_else(|| Value::from(0.0)))
}

/// `abs`.
pub(super) fn abs(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    Ok(match arguments.value.as_number() {
        Some(crate::value::Number::Float(number)) => Value::from(number.abs()),
        Some(crate::value::Number::Int(number)) => Value::integer(if number < BigInt::from(0) {
            -number
        } else {
            number
        }),
        None => {
            return Err(arguments.error(format!(
                "needs a number, got {}",
                arguments.value.type_name()
            )));
        }
    })
}

/// `round(precision=0, method='common')`.
pub(super) fn round(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["precision", "method"], 0)?;
    let precision = arguments.int(0, 0)?;
    let method = arguments.text(1, "common")?;
    let value = number(&arguments.value)?;
    let scale = 10f64.powi(i32::try_from(precision).unwrap_or(0));
    Ok(match method.as_str() {
        // Python leaves whole numbers whole here.
        "common"
            if matches!(arguments.value.kind(), Kind::Int(_) | Kind::Big(_)) && precision >= 0 =>
        {
            arguments.value
        }
        "common" => {
            let rounded = round_half_even(value, precision);
            if matches!(arguments.value.kind(), Kind::Int(_)) {
                float_to_int(rounded).unwrap_or_default()
            } else {
                Value::from(rounded)
            }
        }
        "ceil" => Value::from((value * scale).ceil() / scale),
        "floor" => Value::from((value * scale).floor() / scale),
        _ => return Err(arguments.error("rounds by `common`, `ceil` or `floor`")),
    })
}

/// Python's `round`: exact, ties to even.
pub(crate) fn round_half_even(value: f64, precision: i64) -> f64 {
    if precision >= 0 {
        // Rust formats the exact binary value, ties to even, as Python does.
        let digits = usize::try_from(precision).unwrap_or(0).min(320);
        return format!("{value:.digits$}").parse().unwrap_or(value);
    }
    let scale = 10f64.powi(i32::try_from(-precision).unwrap_or(0));
    (value / scale).round_ties_even() * scale
}

/// `log(base=e)`.
pub(super) fn log(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["base"], 0)?;
    let value = number(&arguments.value)?;
    if value <= 0.0 {
        return Err(arguments.error("needs a number above 0"));
    }
    let natural = Value::from(std::f64::consts::E);
    let given = arguments.get(0).unwrap_or(&natural);
    let base = number(given)?;
    if *given == Value::from(10) {
        return Ok(Value::from(value.log10()));
    }
    if base <= 0.0 || *given == Value::from(1) {
        return Err(arguments.error("needs a base above 0 that is not 1"));
    }
    Ok(Value::from(value.ln() / base.ln()))
}

/// `pow(y)`.
pub(super) fn pow(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["y"], 1)?;
    let result = number(&arguments.value)?.powf(number(arguments.get(0).unwrap_or(&Value::NULL))?);
    if result.is_nan() {
        return Err(arguments.error("has no result for these numbers"));
    }
    Ok(Value::from(result))
}

/// `root(base=2)`.
pub(super) fn root(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["base"], 0)?;
    let value = number(&arguments.value)?;
    let two = Value::from(2);
    let given = arguments.get(0).unwrap_or(&two);
    let result = if *given == two {
        value.sqrt()
    } else {
        value.powf(1.0 / number(given)?)
    };
    if result.is_nan() {
        return Err(arguments.error("can only be used on numbers that have one"));
    }
    Ok(Value::from(result))
}

fn unit_size(letter: char) -> Option<f64> {
    if letter == 'B' {
        return Some(1.0);
    }
    let index = "KMGTPEZY".find(letter)?;
    Some(1024f64.powi(i32::try_from(index).unwrap_or(0) + 1))
}

/// `human_readable(isbits=false, unit=None)`.
pub(super) fn human_readable(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["isbits", "unit"], 0)?;
    let size = number(&arguments.value)?;
    let base = if arguments.flag(0, false)? {
        "bits"
    } else {
        "Bytes"
    };
    let unit = arguments.optional_text(1)?.map(|unit| unit.to_uppercase());
    let wanted = unit.as_deref().and_then(|unit| unit.chars().next());
    for letter in "YZEPTGMK".chars() {
        let limit = unit_size(letter).unwrap_or(1.0);
        if (unit.is_none() && size >= limit) || wanted == Some(letter) {
            return Ok(Value::from(format!(
                "{:.2} {letter}{}",
                size / limit,
                base.get(..1).unwrap_or_default()
            )));
        }
    }
    Ok(Value::from(format!("{size:.2} {base}")))
}

/// `human_to_bytes(default_unit=None, isbits=false)`.
pub(super) fn human_to_bytes(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["default_unit", "isbits"], 0)?;
    let bits = arguments.flag(1, false)?;
    let subject = used(&arguments.value)?.to_text();
    let default = arguments.optional_text(0)?;
    size_of_text(&subject, default.as_deref(), bits)
        .ok_or_else(|| arguments.error(format!("cannot read `{subject}` as a size")))
}

/// Returns the number of bytes, or of bits, that a text such as `10M` or `1.5 kilobyte` stands for.
pub(crate) fn size_of_text(subject: &str, default: Option<&str>, bits: bool) -> Option<Value> {
    let end = subject
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(subject.len());
    let (digits, unit) = subject.split_at(end);
    let unit = unit.trim_matches(super::strings::is_space);
    if digits.ends_with('.') || !unit.chars().all(|letter| letter.is_ascii_alphabetic()) {
        return None;
    }
    let size: f64 = digits.parse().ok()?;
    let unit = if unit.is_empty() {
        default.unwrap_or_default()
    } else {
        unit
    };
    if unit.is_empty() {
        return float_to_int(round_half_even(size, 0));
    }
    let letter = unit
        .chars()
        .next()
        .map_or(' ', |letter| letter.to_ascii_uppercase());
    let factor = unit_size(letter)?;
    if unit.len() > 1 {
        let (word, short) = if bits { ("bit", "b") } else { ("byte", "B") };
        let long = format!("{}{word}", prefix(letter));
        let short = if letter == 'B' {
            short.to_owned()
        } else {
            format!("{letter}{short}")
        };
        if unit.to_lowercase() != long && unit != short {
            return None;
        }
    }
    float_to_int(round_half_even(size * factor, 0))
}

/// Returns the word before `byte` or `bit` that a unit's letter stands for.
fn prefix(letter: char) -> &'static str {
    match letter {
        'K' => "kilo",
        'M' => "mega",
        'G' => "giga",
        'T' => "tera",
        'P' => "peta",
        'E' => "exa",
        'Z' => "zetta",
        'Y' => "yotta",
        _ => "",
    }
}

/// `filesizeformat(binary=false)`.
pub(super) fn filesizeformat(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["binary"], 0)?;
    let binary = arguments.flag(0, false)?;
    let bytes = match arguments.value.as_str() {
        Some(text) => parse_float(text).ok_or_else(|| arguments.error("needs a number"))?,
        None => number(&arguments.value)?,
    };
    let base = if binary { 1024.0 } else { 1000.0 };
    #[expect(clippy::float_cmp, reason = "exactly one byte")]
    let one = bytes == 1.0;
    if one {
        return Ok(Value::from("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::from(format!("{bytes:.0} Bytes")));
    }
    let names = if binary {
        ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]
    } else {
        ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]
    };
    let mut size = base;
    let mut last = "";
    for name in names {
        last = name;
        if bytes < size * base {
            break;
        }
        if name != "YiB" && name != "YB" {
            size *= base;
        }
    }
    Ok(Value::from(format!("{:.1} {last}", bytes / size)))
}

/// Reads an integer argument that may be text of digits.
pub(crate) fn lenient_integer(value: &Value) -> Result<i64, TemplateError> {
    match value.as_str().and_then(|text| parse_int(text, 10)) {
        Some(number) => integer(&number),
        None => integer(value),
    }
}
