//! What a scalar means: the implicit types of YAML 1.1 as `PyYAML`'s resolver and constructor have them.

use std::sync::Arc;

use base64::Engine as _;
use jiff::civil::{Date, DateTime, Time};
use num_bigint::BigInt;

use crate::value::{Kind, Moment, Value};

/// An implicit type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Implicit {
    Bool,
    Float,
    Int,
    Merge,
    Null,
    Timestamp,
    Value,
    Text,
}

/// Returns what a plain scalar means, or why it cannot be read.
pub fn resolve_plain(text: &str) -> Result<Kind, String> {
    match implicit(text) {
        Implicit::Bool => Ok(Kind::Bool(truth(text) == Some(true))),
        Implicit::Float => float(text),
        Implicit::Int => int(text),
        Implicit::Null => Ok(Kind::Null),
        Implicit::Timestamp => timestamp(text),
        Implicit::Merge => {
            Err("`<<` merges mappings and is no value; quote it to mean text".to_owned())
        }
        Implicit::Value => {
            Err("`=` has a meaning of its own in YAML; quote it to mean text".to_owned())
        }
        Implicit::Text => Ok(Kind::Str(text.into())),
    }
}

/// Reads a scalar with a tag of YAML's own (`int` for `!!int`). Nothing where there is no such scalar type.
pub(super) fn resolve_tagged(name: &str, text: &str) -> Option<Result<Kind, String>> {
    Some(match name {
        "str" | "python/unicode" => Ok(Kind::Str(text.into())),
        "int" => int(text),
        "float" => float(text),
        "bool" => truth(&text.to_lowercase())
            .map(Kind::Bool)
            .ok_or_else(|| format!("`{text}` is neither true nor false")),
        "null" => Ok(Kind::Null),
        "timestamp" => timestamp(text),
        "binary" => binary(text),
        _ => return None,
    })
}

/// Tells whether a plain scalar is the merge key.
pub(super) fn is_merge(text: &str) -> bool {
    text == "<<"
}

fn implicit(text: &str) -> Implicit {
    match text.as_bytes().first() {
        None => Implicit::Null,
        Some(b'~') if text == "~" => Implicit::Null,
        Some(b'n' | b'N') if matches!(text, "null" | "Null" | "NULL") => Implicit::Null,
        Some(b'<') if text == "<<" => Implicit::Merge,
        Some(b'=') if text == "=" => Implicit::Value,
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O')
            if truth(text).is_some() =>
        {
            Implicit::Bool
        }
        Some(b'-' | b'+' | b'0'..=b'9' | b'.') => {
            if is_float(text) {
                Implicit::Float
            } else if is_int(text) {
                Implicit::Int
            } else if timestamp_parts(text).is_some() {
                Implicit::Timestamp
            } else {
                Implicit::Text
            }
        }
        Some(_) => Implicit::Text,
    }
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn all(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(allowed)
}

fn digits(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

/// `:[0-5]?[0-9]`, once or more.
fn is_sixties(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|rest| {
        rest.split(':').all(|part| match part.as_bytes() {
            [one] => one.is_ascii_digit(),
            [ten, one] => (b'0'..=b'5').contains(ten) && one.is_ascii_digit(),
            _ => false,
        })
    })
}

fn is_int(text: &str) -> bool {
    let rest = unsigned(text);
    if let Some(bits) = rest.strip_prefix("0b") {
        return all(bits, |byte| matches!(byte, b'0' | b'1' | b'_'));
    }
    if let Some(hex) = rest.strip_prefix("0x") {
        return all(hex, |byte| byte.is_ascii_hexdigit() || byte == b'_');
    }
    if let Some(octal) = rest.strip_prefix('0') {
        return octal.bytes().all(|byte| matches!(byte, b'0'..=b'7' | b'_'));
    }
    if !rest.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    match rest.find(':') {
        None => all(rest, digits),
        Some(colon) => {
            let (whole, sixties) = rest.split_at(colon);
            all(whole, digits) && is_sixties(sixties)
        }
    }
}

fn is_float(text: &str) -> bool {
    let rest = unsigned(text);
    if matches!(rest, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let Some((whole, fraction)) = rest.split_once('.') else {
        return false;
    };
    if whole.is_empty() {
        // Without a digit before the dot PyYAML allows no sign.
        return rest.len() == text.len()
            && fraction.starts_with(|first: char| first.is_ascii_digit())
            && is_fraction(fraction);
    }
    if !whole.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    match whole.find(':') {
        None => all(whole, digits) && is_fraction(fraction),
        Some(colon) => {
            let (first, sixties) = whole.split_at(colon);
            all(first, digits) && is_sixties(sixties) && fraction.bytes().all(digits)
        }
    }
}

/// `[0-9_]*([eE][-+][0-9]+)?`: the exponent needs its sign, so that `1.5e3` is text.
fn is_fraction(text: &str) -> bool {
    match text.find(['e', 'E']) {
        None => text.bytes().all(digits),
        Some(at) => {
            let (mantissa, exponent) = text.split_at(at);
            let signed = exponent.get(1..).unwrap_or_default();
            mantissa.bytes().all(digits)
                && signed.starts_with(['-', '+'])
                && all(unsigned(signed), |byte| byte.is_ascii_digit())
        }
    }
}

fn int(text: &str) -> Result<Kind, String> {
    let plain = text.replace('_', "");
    let (negative, rest) = match plain.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let fail = || format!("`{text}` is no integer");
    let value = if rest == "0" {
        BigInt::from(0)
    } else if let Some(bits) = rest.strip_prefix("0b") {
        BigInt::parse_bytes(bits.as_bytes(), 2).ok_or_else(fail)?
    } else if let Some(hex) = rest.strip_prefix("0x") {
        BigInt::parse_bytes(hex.as_bytes(), 16).ok_or_else(fail)?
    } else if rest.starts_with('0') {
        BigInt::parse_bytes(rest.as_bytes(), 8).ok_or_else(fail)?
    } else if rest.contains(':') {
        let mut sum = BigInt::from(0);
        for part in rest.split(':') {
            sum = sum * 60 + BigInt::parse_bytes(part.as_bytes(), 10).ok_or_else(fail)?;
        }
        sum
    } else {
        BigInt::parse_bytes(rest.trim().as_bytes(), 10).ok_or_else(fail)?
    };
    Ok(Value::integer(if negative { -value } else { value }).into_kind())
}

fn float(text: &str) -> Result<Kind, String> {
    let plain = text.replace('_', "").to_lowercase();
    let (sign, rest) = match plain.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, plain.strip_prefix('+').unwrap_or(&plain)),
    };
    let fail = || format!("`{text}` is no number");
    let value = match rest {
        ".inf" => f64::INFINITY,
        ".nan" => f64::NAN,
        _ if rest.contains(':') => {
            let mut sum = 0.0;
            for part in rest.split(':') {
                sum = sum * 60.0 + part.parse::<f64>().map_err(|_| fail())?;
            }
            sum
        }
        _ => rest.trim().parse::<f64>().map_err(|_| fail())?,
    };
    Ok(Kind::Float(sign * value))
}

fn binary(text: &str) -> Result<Kind, String> {
    let clean: String = text
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='))
        .collect();
    base64::engine::general_purpose::STANDARD
        .decode(clean)
        .map(|bytes| Kind::Bytes(Arc::from(bytes)))
        .map_err(|_| "this is no base64".to_owned())
}

/// The pieces of a timestamp.
struct Parts<'a> {
    date: (i16, i8, i8),
    time: Option<(i8, i8, i8)>,
    fraction: &'a str,
    offset: Option<i32>,
}

fn timestamp(text: &str) -> Result<Kind, String> {
    let parts = timestamp_parts(text).ok_or_else(|| format!("`{text}` is no date"))?;
    let (year, month, day) = parts.date;
    let wrong = |_| {
        format!(
            "`{text}` looks like a date, but there is no such day or time; quote it to mean text"
        )
    };
    let date = Date::new(year, month, day).map_err(wrong)?;
    if year == 0 {
        return Err(format!(
            "`{text}` looks like a date, but there is no year 0; quote it to mean text"
        ));
    }
    let Some((hour, minute, second)) = parts.time else {
        return Ok(Kind::Moment(Moment::Date(date)));
    };
    let micros: String = format!("{:0<6}", parts.fraction.get(..6).unwrap_or(parts.fraction));
    let nanos = micros.parse::<i32>().unwrap_or(0).saturating_mul(1_000);
    let time = Time::new(hour, minute, second, nanos).map_err(wrong)?;
    Ok(Kind::Moment(Moment::DateTime(
        DateTime::from_parts(date, time),
        parts.offset,
    )))
}

fn timestamp_parts(text: &str) -> Option<Parts<'_>> {
    let mut rest = text;
    let year: i16 = take_digits(&mut rest, 4, 4)?.parse().ok()?;
    rest = rest.strip_prefix('-')?;
    let month = take_digits(&mut rest, 1, 2)?;
    rest = rest.strip_prefix('-')?;
    let day = take_digits(&mut rest, 1, 2)?;
    let date = (year, month.parse().ok()?, day.parse().ok()?);
    if rest.is_empty() {
        // A date alone needs both digits of each.
        let whole = month.len() == 2 && day.len() == 2;
        return whole.then_some(Parts {
            date,
            time: None,
            fraction: "",
            offset: None,
        });
    }
    rest = if let Some(time) = rest.strip_prefix(['T', 't']) {
        time
    } else {
        let time = rest.trim_start_matches([' ', '\t']);
        if time.len() == rest.len() {
            return None;
        }
        time
    };
    let hour = take_digits(&mut rest, 1, 2)?.parse().ok()?;
    rest = rest.strip_prefix(':')?;
    let minute = take_digits(&mut rest, 2, 2)?.parse().ok()?;
    rest = rest.strip_prefix(':')?;
    let second = take_digits(&mut rest, 2, 2)?.parse().ok()?;
    let mut fraction = "";
    if let Some(after) = rest.strip_prefix('.') {
        rest = after;
        fraction = take_digits(&mut rest, 0, usize::MAX)?;
    }
    let time = Some((hour, minute, second));
    if rest.is_empty() {
        return Some(Parts {
            date,
            time,
            fraction,
            offset: None,
        });
    }
    rest = rest.trim_start_matches([' ', '\t']);
    if rest == "Z" {
        return Some(Parts {
            date,
            time,
            fraction,
            offset: Some(0),
        });
    }
    let sign = if rest.starts_with('-') { -1 } else { 1 };
    rest = rest.strip_prefix(['-', '+'])?;
    let hours: i32 = take_digits(&mut rest, 1, 2)?.parse().ok()?;
    let minutes: i32 = match rest.strip_prefix(':') {
        None => 0,
        Some(after) => {
            rest = after;
            take_digits(&mut rest, 2, 2)?.parse().ok()?
        }
    };
    rest.is_empty().then_some(Parts {
        date,
        time,
        fraction,
        offset: Some(sign * (hours * 60 + minutes) * 60),
    })
}

fn take_digits<'a>(rest: &mut &'a str, least: usize, most: usize) -> Option<&'a str> {
    let count = rest
        .bytes()
        .take_while(u8::is_ascii_digit)
        .take(most)
        .count();
    if count < least {
        return None;
    }
    let (taken, left) = rest.split_at(count);
    *rest = left;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match resolve_plain(text) {
            Ok(kind) => {
                let value = Value::new(kind);
                let shown = match value.kind() {
                    Kind::Moment(moment) => moment.to_string(),
                    _ => value.to_repr(),
                };
                format!("{} {shown}", value.type_name())
            }
            Err(why) => format!("error {why}"),
        }
    }

    /// Expected values as `PyYAML` gave them under ansible-core 2.19.
    #[test]
    fn plain_scalars_read_as_pyyaml_reads_them() {
        for (text, expected) in [
            ("", "NoneType None"),
            ("~", "NoneType None"),
            ("Null", "NoneType None"),
            ("nULL", "str 'nULL'"),
            ("yes", "bool True"),
            ("Off", "bool False"),
            ("yEs", "str 'yEs'"),
            ("y", "str 'y'"),
            ("NO", "bool False"),
            ("0", "int 0"),
            ("-0", "int 0"),
            ("+5", "int 5"),
            ("00", "int 0"),
            ("0123", "int 83"),
            ("089", "str '089'"),
            ("0o17", "str '0o17'"),
            ("0x_ff", "int 255"),
            ("-0x1f", "int -31"),
            ("0b1_0", "int 2"),
            ("0b12", "str '0b12'"),
            ("1_000", "int 1000"),
            ("_1", "str '_1'"),
            ("1:30", "int 90"),
            ("1:60", "str '1:60'"),
            ("190:20:30", "int 685230"),
            ("0x1:2", "str '0x1:2'"),
            ("12345678901234567890", "int 12345678901234567890"),
            ("1e3", "str '1e3'"),
            ("1.5e3", "str '1.5e3'"),
            ("1.5e+3", "float 1500.0"),
            (".5", "float 0.5"),
            ("-.5", "str '-.5'"),
            ("0.", "float 0.0"),
            ("685_230.15", "float 685230.15"),
            ("-1:30.5", "float -90.5"),
            ("-1_0.5e-3", "float -0.0105"),
            ("1.5.2", "str '1.5.2'"),
            ("+.inf", "float inf"),
            (".NaN", "float nan"),
            ("2001-01-01", "date 2001-01-01"),
            ("2002-1-1", "str '2002-1-1'"),
            ("2001-01-01x", "str '2001-01-01x'"),
            (
                "2001-12-14t21:59:43.10-05:00",
                "datetime 2001-12-14 21:59:43.100000-05:00",
            ),
            ("2001-12-14T21:59:43Z", "datetime 2001-12-14 21:59:43+00:00"),
            (
                "2001-12-14 21:59:43 +5",
                "datetime 2001-12-14 21:59:43+05:00",
            ),
            (
                "2001-12-14 21:59:43.1234567",
                "datetime 2001-12-14 21:59:43.123456",
            ),
            ("1.2.3.4", "str '1.2.3.4'"),
            ("-", "str '-'"),
            ("...", "str '...'"),
            ("a=b", "str 'a=b'"),
        ] {
            let shown = read(text);
            let shown = shown.replace("datetime.date(2001, 1, 1)", "2001-01-01");
            assert_eq!(shown, expected, "{text}");
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_errors() {
        assert!(resolve_plain("2024-13-45").is_err());
        assert!(resolve_plain("2024-01-01 25:00:00").is_err());
        assert!(resolve_plain("<<").is_err() && resolve_plain("=").is_err());
    }

    #[test]
    fn tags_force_a_type() {
        assert!(matches!(resolve_tagged("str", "5"), Some(Ok(Kind::Str(_)))));
        assert!(matches!(
            resolve_tagged("int", "0x10"),
            Some(Ok(Kind::Int(16)))
        ));
        assert!(matches!(resolve_tagged("int", "abc"), Some(Err(_))));
        assert!(
            matches!(resolve_tagged("binary", "aGVs\nbG8="), Some(Ok(Kind::Bytes(bytes))) if &*bytes == b"hello")
        );
        assert!(resolve_tagged("foo", "x").is_none());
    }
}
