//! A field of formatted text: numbers, signs and padding, for `%` and `format` alike.

use num_bigint::{BigInt, Sign};

use crate::template::error::TemplateError;
use crate::value::{Number, Value};

/// The widest field that is made.
const WIDEST: usize = 1_000_000;

/// How one value is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Field {
    pub(super) fill: Option<char>,
    pub(super) align: Option<char>,
    pub(super) sign: Option<char>,
    pub(super) alternate: bool,
    pub(super) width: usize,
    pub(super) group: Option<char>,
    pub(super) precision: Option<usize>,
    pub(super) kind: Option<char>,
}

pub(super) fn integer_text(int: &BigInt, field: &Field) -> (&'static str, String) {
    let sign = if int.sign() == Sign::Minus { "-" } else { "" };
    let size = int.magnitude();
    let (prefix, body) = match field.kind {
        Some('x') => ("0x", size.to_str_radix(16)),
        Some('X') => ("0X", size.to_str_radix(16).to_uppercase()),
        Some('o') => ("0o", size.to_str_radix(8)),
        Some('b') => ("0b", size.to_str_radix(2)),
        _ => ("", size.to_string()),
    };
    let body = grouped(&body, field);
    (
        sign,
        if field.alternate {
            format!("{prefix}{body}")
        } else {
            body
        },
    )
}

fn grouped(digits: &str, field: &Field) -> String {
    let Some(separator) = field.group else {
        return digits.to_owned();
    };
    let every = if matches!(field.kind, Some('x' | 'X' | 'o' | 'b')) {
        4
    } else {
        3
    };
    let mut out = String::new();
    let length = digits.chars().count();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (length - index).is_multiple_of(every) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

pub(super) fn number_field(number: &Number, field: &Field) -> Result<String, TemplateError> {
    match number {
        Number::Int(int) if field.kind == Some('c') => {
            let character = u32::try_from(int).ok().and_then(char::from_u32);
            let character =
                character.ok_or_else(|| TemplateError::new("%c arg not in range(0x110000)"))?;
            padded(&character.to_string(), field)
        }
        Number::Int(int) => {
            let (sign, body) = integer_text(int, field);
            signed(sign, &body, field)
        }
        Number::Float(value) => {
            let sign = if value.is_sign_negative() && !value.is_nan() {
                "-"
            } else {
                ""
            };
            let body = float_text(value.abs(), field);
            let (whole, rest) = body.split_at(
                body.find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(body.len()),
            );
            let body = format!("{}{rest}", grouped(whole, field));
            signed(sign, &body, field)
        }
    }
}

pub(super) fn float_text(value: f64, field: &Field) -> String {
    if value.is_nan() || value.is_infinite() {
        let text = if value.is_nan() { "nan" } else { "inf" };
        return if matches!(field.kind, Some('E' | 'F' | 'G')) {
            text.to_uppercase()
        } else {
            text.to_owned()
        };
    }
    let precision = field.precision.unwrap_or(6);
    match field.kind {
        Some('f' | 'F') => format!("{value:.precision$}"),
        Some('%') => format!("{:.precision$}%", value * 100.0),
        Some('e') => exponent(value, precision),
        Some('E') => exponent(value, precision).to_uppercase(),
        Some('g') => general(value, precision.max(1), false, field.alternate),
        Some('G') => general(value, precision.max(1), false, field.alternate).to_uppercase(),
        _ => match field.precision {
            Some(precision) => general(value, precision.max(1), true, field.alternate),
            None => Value::from(value).to_text(),
        },
    }
}

fn exponent(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, power) = power
        .strip_prefix('-')
        .map_or(('+', power), |power| ('-', power));
    format!("{digits}e{sign}{power:0>2}")
}

/// `%g`: `precision` digits, as an exponent where the number is very small or large; trailing zeros go.
fn general(value: f64, precision: usize, plain: bool, zeros: bool) -> String {
    let scientific = exponent(value, precision - 1);
    let power: i64 = scientific
        .split_once('e')
        .and_then(|(_, power)| power.parse().ok())
        .unwrap_or(0);
    let limit = i64::try_from(precision).unwrap_or(i64::MAX) - i64::from(plain);
    let trim = |text: &str| {
        if zeros || !text.contains('.') {
            text.to_owned()
        } else {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    };
    if (-4..limit).contains(&power) {
        let decimals =
            usize::try_from(i64::try_from(precision).unwrap_or(0) - 1 - power).unwrap_or(0);
        let text = trim(&format!("{value:.decimals$}"));
        return if plain && !text.contains('.') {
            text + ".0"
        } else {
            text
        };
    }
    let (digits, power) = scientific.split_once('e').unwrap_or((&scientific, "+00"));
    format!("{}e{power}", trim(digits))
}

pub(super) fn signed(sign: &str, body: &str, field: &Field) -> Result<String, TemplateError> {
    let sign = match (sign, field.sign) {
        ("", Some(plus)) => plus.to_string(),
        (sign, _) => sign.to_owned(),
    };
    if field.align == Some('=') {
        let width = field.width.saturating_sub(sign.chars().count());
        let inner = Field {
            align: Some('>'),
            width,
            ..field.clone()
        };
        return Ok(sign + &padded(body, &inner)?);
    }
    let field = Field {
        align: field.align.or(Some('>')),
        ..field.clone()
    };
    padded(&(sign + body), &field)
}

pub(super) fn padded(text: &str, field: &Field) -> Result<String, TemplateError> {
    if field.width > WIDEST {
        return Err(TemplateError::new("the field is too wide"));
    }
    let missing = field.width.saturating_sub(text.chars().count());
    let (before, after) = match field.align {
        Some('<') => (0, missing),
        Some('^') => (missing / 2, missing - missing / 2),
        _ => (missing, 0),
    };
    let fill = String::from(field.fill.unwrap_or(' '));
    Ok(fill.repeat(before) + text + &fill.repeat(after))
}

pub(super) fn cut(text: &str, precision: Option<usize>) -> String {
    precision.map_or_else(
        || text.to_owned(),
        |length| text.chars().take(length).collect(),
    )
}
