//! Values as text, the way Python's `str()` and `repr()` write them.

use std::fmt::{self, Write as _};

use super::{Kind, Value};

impl Value {
    /// Returns Python's `str()` of the value. Undefined becomes empty; check for it before.
    pub fn to_text(&self) -> String {
        match self.kind() {
            Kind::Str(text) => text.to_string(),
            Kind::Undefined(_) => String::new(),
            Kind::Moment(moment) => moment.to_string(),
            _ => self.to_repr(),
        }
    }

    /// Returns Python's `repr()` of the value.
    pub fn to_repr(&self) -> String {
        let mut out = String::new();
        self.write_repr(&mut out);
        out
    }

    fn write_repr(&self, out: &mut String) {
        match self.kind() {
            Kind::Null => out.push_str("None"),
            Kind::Bool(true) => out.push_str("True"),
            Kind::Bool(false) => out.push_str("False"),
            Kind::Int(value) => {
                let _ = write!(out, "{value}");
            }
            Kind::Big(value) => {
                let _ = write!(out, "{value}");
            }
            Kind::Float(value) => out.push_str(&float_text(*value)),
            Kind::Str(text) => write_quoted(text, out),
            Kind::Bytes(bytes) => {
                out.push_str("b'");
                for byte in bytes.iter() {
                    match byte {
                        b'\\' => out.push_str("\\\\"),
                        b'\'' => out.push_str("\\'"),
                        b'\n' => out.push_str("\\n"),
                        b'\r' => out.push_str("\\r"),
                        b'\t' => out.push_str("\\t"),
                        0x20..=0x7e => out.push(char::from(*byte)),
                        _ => {
                            let _ = write!(out, "\\x{byte:02x}");
                        }
                    }
                }
                out.push('\'');
            }
            Kind::List(items) => {
                out.push('[');
                write_items(items, out);
                out.push(']');
            }
            Kind::Tuple(items) => {
                out.push('(');
                write_items(items, out);
                if items.len() == 1 {
                    out.push(',');
                }
                out.push(')');
            }
            Kind::Dict(dict) => {
                out.push('{');
                for (index, (key, value)) in dict.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    key.to_value().write_repr(out);
                    out.push_str(": ");
                    value.write_repr(out);
                }
                out.push('}');
            }
            Kind::Moment(moment) => {
                out.push_str(&moment.repr());
            }
            Kind::Undefined(_) => out.push_str("Undefined"),
        }
    }
}

fn write_items(items: &[Value], out: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        item.write_repr(out);
    }
}

/// Python's quoting: single quotes unless the text has those and no double ones.
fn write_quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if u32::from(c) < 0x20 || (0x7f..=0xa0).contains(&u32::from(c)) || c == '\u{ad}' => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// Python's `repr` of a float: the shortest digits that read back, exponents from 1e16 and below 1e-4.
pub(super) fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 {
            "inf".to_owned()
        } else {
            "-inf".to_owned()
        };
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{value:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, number) = exponent
            .strip_prefix('-')
            .map_or(('+', exponent), |rest| ('-', rest));
        return format!("{digits}e{sign}{number:0>2}");
    }
    let text = format!("{value}");
    if text.contains('.') {
        text
    } else {
        text + ".0"
    }
}

impl fmt::Debug for Value {
    /// Python's `repr`; a secret shows as stars.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.holds_secret() {
            out.write_str("'***'")
        } else {
            out.write_str(&self.to_repr())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_read_as_in_python() {
        for (value, text) in [
            (1.0, "1.0"),
            (1e16, "1e+16"),
            (1e-5, "1e-05"),
            (0.1, "0.1"),
            (123_456.789, "123456.789"),
        ] {
            assert_eq!(float_text(value), text);
        }
    }

    #[test]
    fn quotes_are_chosen_as_in_python() {
        assert_eq!(Value::from("it's").to_repr(), "\"it's\"");
        assert_eq!(Value::from("a\n\"'").to_repr(), "'a\\n\"\\''");
    }
}
