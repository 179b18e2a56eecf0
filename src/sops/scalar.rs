//! Single values as Go's YAML and SOPS read and write them: the MAC is made of their Go forms, not of their YAML text.

use super::tree::Leaf;

/// Returns what a plain YAML scalar means to Go.
pub(super) fn resolve(text: &str) -> Leaf {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Leaf::Null,
        "true" | "True" | "TRUE" => return Leaf::Bool(true),
        "false" | "False" | "FALSE" => return Leaf::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Leaf::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Leaf::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Leaf::Float(f64::NAN),
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first)) {
        return Leaf::Text(text.to_owned());
    }
    if let Some(time) = timestamp(text) {
        return Leaf::Time(time);
    }
    let digits = text.replace('_', "");
    if let Some(number) = integer(&digits) {
        return Leaf::Int(number);
    }
    match digits.parse::<f64>() {
        Ok(number) if is_float(&digits) => Leaf::Float(number),
        _ => Leaf::Text(text.to_owned()),
    }
}

/// Reads an integer with Go's prefixes; a zero before it means octal.
fn integer(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = rest.to_ascii_lowercase();
    let (base, digits) = if let Some(digits) = lower.strip_prefix("0x") {
        (16, digits)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (2, digits)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (8, digits)
    } else if let Some(digits) = lower.strip_prefix('0').filter(|digits| !digits.is_empty()) {
        (8, digits)
    } else {
        (10, lower.as_str())
    };
    if !digits.starts_with(|first: char| first.is_digit(base)) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), base).ok()
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)),
        ),
        None => (text, None),
    };
    let all = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let good = match mantissa.split_once('.') {
        Some((whole, part)) => all(whole) && all(part) && !(whole.is_empty() && part.is_empty()),
        None => !mantissa.is_empty() && all(mantissa),
    };
    good && exponent.is_none_or(|digits| !digits.is_empty() && all(digits))
}

/// Returns a time as RFC 3339 writes it: a date, or a date and a time with or without a zone.
fn timestamp(text: &str) -> Option<String> {
    let number = |part: &str, longest: usize| {
        let good = !part.is_empty()
            && part.len() <= longest
            && part.bytes().all(|byte| byte.is_ascii_digit());
        good.then(|| part.parse::<u32>().ok()).flatten()
    };
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (
            text.get(..at)?,
            Some((text.get(at..=at)?, text.get(at + 1..)?)),
        ),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 || parts.next().is_some() {
        return None;
    }
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    let Some((between, time)) = time else {
        return Some(format!("{date}T00:00:00Z"));
    };
    let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at_checked(zone_at)?;
    // Without `T` Go wants no zone, and with it one.
    if zone.is_empty() != (between == " ") {
        return None;
    }
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = whole.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction = fraction.get(..9).unwrap_or(fraction).trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let zone = match zone {
        "" | "Z" | "+00:00" | "-00:00" => "Z",
        zone if zone.len() == 6 && zone.get(3..4) == Some(":") => zone,
        _ => return None,
    };
    Some(format!(
        "{date}T{hour:02}:{minute:02}:{second:02}{point}{fraction}{zone}"
    ))
}

/// Returns the form that the MAC is made of and that is encrypted; null and comments have none.
pub(super) fn plain_bytes(leaf: &Leaf) -> Option<Vec<u8>> {
    match leaf {
        Leaf::Null | Leaf::Comment(_) => None,
        Leaf::Text(text) | Leaf::Time(text) => Some(text.clone().into_bytes()),
        Leaf::Int(number) => Some(number.to_string().into_bytes()),
        Leaf::Float(number) => Some(plain_float(*number).into_bytes()),
        Leaf::Bool(true) => Some(b"True".to_vec()),
        Leaf::Bool(false) => Some(b"False".to_vec()),
        Leaf::Bytes(bytes) => Some(bytes.clone()),
    }
}

/// Go's `FormatFloat(number, 'f', -1, 64)`.
fn plain_float(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        number.to_string()
    }
}

/// Go's `FormatFloat(number, 'g', -1, 64)`.
fn short_float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let Ok(power) = exponent.parse::<i32>() else {
        return scientific;
    };
    if !(-4..6).contains(&power) {
        let sign = if power < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", power.abs());
    }
    number.to_string()
}

/// Returns a value as YAML written by Go has it, which nothing but quotes may stand around.
pub(super) fn yaml_text(leaf: &Leaf) -> String {
    match leaf {
        Leaf::Null => "null".to_owned(),
        Leaf::Text(text) | Leaf::Time(text) | Leaf::Comment(text) => text.clone(),
        Leaf::Int(number) => number.to_string(),
        Leaf::Float(number) if number.is_nan() => ".nan".to_owned(),
        Leaf::Float(number) if number.is_infinite() => {
            if *number > 0.0 { ".inf" } else { "-.inf" }.to_owned()
        }
        Leaf::Float(number) => short_float(*number),
        Leaf::Bool(flag) => flag.to_string(),
        Leaf::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Returns a value as INI and dotenv files have it.
pub(super) fn flat_text(leaf: &Leaf) -> String {
    match leaf {
        Leaf::Float(number) if number.is_finite() => {
            let text = short_float(*number).replace('e', "E");
            if text.contains(['.', 'E']) {
                text
            } else {
                format!("{number:.1}")
            }
        }
        Leaf::Null => "<nil>".to_owned(),
        other => yaml_text(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_have_gos_types() {
        for (text, leaf) in [
            ("~", Leaf::Null),
            ("yes", Leaf::Text("yes".to_owned())),
            ("True", Leaf::Bool(true)),
            ("010", Leaf::Int(8)),
            ("0o17", Leaf::Int(15)),
            ("0x_1F", Leaf::Int(31)),
            ("1_000", Leaf::Int(1000)),
            ("-5", Leaf::Int(-5)),
            ("+-5", Leaf::Text("+-5".to_owned())),
            ("1.5", Leaf::Float(1.5)),
            ("1e3", Leaf::Float(1000.0)),
            (".5", Leaf::Float(0.5)),
            (".", Leaf::Text(".".to_owned())),
            ("1.2.3", Leaf::Text("1.2.3".to_owned())),
            ("08", Leaf::Float(8.0)),
            ("2001-12-14", Leaf::Time("2001-12-14T00:00:00Z".to_owned())),
            (
                "2001-12-14 1:2:3.50",
                Leaf::Time("2001-12-14T01:02:03.5Z".to_owned()),
            ),
            (
                "2001-12-14T01:02:03+02:00",
                Leaf::Time("2001-12-14T01:02:03+02:00".to_owned()),
            ),
            ("2001-13-14", Leaf::Text("2001-13-14".to_owned())),
            ("10.0.0.1", Leaf::Text("10.0.0.1".to_owned())),
        ] {
            assert_eq!(resolve(text), leaf, "{text}");
        }
    }

    #[test]
    fn floats_have_gos_forms() {
        for (number, plain, yaml) in [
            (1.5, "1.5", "1.5"),
            (25.0, "25", "25"),
            (1e21, "1000000000000000000000", "1e+21"),
            (1_234_567.5, "1234567.5", "1.2345675e+06"),
            (0.00001, "0.00001", "1e-05"),
        ] {
            assert_eq!(plain_bytes(&Leaf::Float(number)).unwrap(), plain.as_bytes());
            assert_eq!(yaml_text(&Leaf::Float(number)), yaml);
        }
        assert_eq!(flat_text(&Leaf::Float(25.0)), "25.0");
    }
}
