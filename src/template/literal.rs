//! Constants as Jinja's lexer reads them: Python's escapes in text, integers of any size.
//!
//! `syntax` calls it with the source of a constant, because the parser beneath reads escapes and big integers differently.

use num_bigint::BigInt;

use crate::value::Value;

/// What a backslash inside text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Backslash {
    /// Itself: text inside `{{ }}` of a YAML scalar, whose escapes YAML has read already.
    Literal,
    /// The start of one of Python's escapes.
    Escape,
}

/// Returns the text of adjacent quoted literals, or nothing where the source is something else.
pub(crate) fn text(source: &str, backslash: Backslash) -> Option<String> {
    let mut out = String::new();
    let mut rest = source.trim();
    while let Some(quote) = rest.chars().next() {
        if quote != '\'' && quote != '"' {
            return None;
        }
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find_map(|(index, character)| {
            if escaped {
                escaped = false;
                return None;
            }
            escaped = character == '\\';
            (character == quote).then_some(index)
        })?;
        let inside = rest.get(1..end)?;
        match backslash {
            Backslash::Literal => out.push_str(inside),
            Backslash::Escape => unescape(inside, &mut out),
        }
        rest = rest.get(end + 1..)?.trim_start();
    }
    Some(out)
}

/// Appends the text with Python's escapes read; unknown ones stay as they are.
fn unescape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(index) = rest.find('\\') {
        out.push_str(rest.get(..index).unwrap_or(""));
        rest = rest.get(index + 1..).unwrap_or("");
        let Some(letter) = rest.chars().next() else {
            out.push('\\');
            break;
        };
        let simple = match letter {
            '\\' | '\'' | '"' => Some(letter),
            'n' => Some('\n'),
            't' => Some('\t'),
            'r' => Some('\r'),
            'a' => Some('\u{7}'),
            'b' => Some('\u{8}'),
            'f' => Some('\u{c}'),
            'v' => Some('\u{b}'),
            _ => None,
        };
        if let Some(character) = simple {
            out.push(character);
            rest = rest.get(1..).unwrap_or("");
            continue;
        }
        let (skip, radix, digits) = match letter {
            '\n' => {
                rest = rest.get(1..).unwrap_or("");
                continue;
            }
            '0'..='7' => (0, 8, 3),
            'x' => (1, 16, 2),
            'u' => (1, 16, 4),
            'U' => (1, 16, 8),
            _ => {
                out.push('\\');
                continue;
            }
        };
        let body = rest.get(skip..).unwrap_or("");
        let length = body
            .chars()
            .take(digits)
            .take_while(|digit| digit.is_digit(radix))
            .count();
        let complete = radix == 8 || length == digits;
        let character = body
            .get(..length)
            .filter(|_| complete)
            .and_then(|number| u32::from_str_radix(number, radix).ok())
            .and_then(char::from_u32);
        match character {
            Some(character) => {
                out.push(character);
                rest = rest.get(skip + length..).unwrap_or("");
            }
            None => out.push('\\'),
        }
    }
    out.push_str(rest);
}

/// Returns a number as Jinja reads it: underscores between digits, `0x`, `0o`, `0b`, floats with a fraction or an exponent.
pub(crate) fn number(source: &str) -> Option<Value> {
    let digits: String = source
        .trim()
        .chars()
        .filter(|character| *character != '_')
        .collect();
    let lower = digits.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(rest) = lower.strip_prefix(prefix) {
            return BigInt::parse_bytes(rest.as_bytes(), radix).map(Value::integer);
        }
    }
    match digits.parse::<BigInt>() {
        Ok(integer) => Some(Value::integer(integer)),
        Err(_) => digits.parse::<f64>().ok().map(Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_pythons() {
        assert_eq!(
            text(r"'a\n\d\x41\u00e9\101\\1'", Backslash::Escape).as_deref(),
            Some("a\n\\dA\u{e9}A\\1")
        );
        assert_eq!(text(r"'\x4'", Backslash::Escape).as_deref(), Some("\\x4"));
    }

    #[test]
    fn backslashes_of_scalars_stay() {
        assert_eq!(
            text(r"'\1\n'", Backslash::Literal).as_deref(),
            Some(r"\1\n")
        );
    }

    #[test]
    fn adjacent_texts_are_one() {
        assert_eq!(text("'a' \"b\"", Backslash::Escape).as_deref(), Some("ab"));
    }

    #[test]
    fn integers_have_any_size() {
        assert_eq!(number("1_000"), Some(Value::from(1000)));
        assert_eq!(number("0xff"), Some(Value::from(255)));
        assert_eq!(number("1.5e3"), Some(Value::from(1500.0)));
        assert_eq!(
            number("123456789012345678901234567890").map(|v| v.to_text()),
            Some("123456789012345678901234567890".to_owned())
        );
    }
}
