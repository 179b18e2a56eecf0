//! Values of INI inventories: a Python literal where the text is one, else the text itself.

use std::iter::Peekable;
use std::str::Chars;

use num_bigint::BigInt;

use crate::diag::Span;
use crate::value::{Dict, Key, Kind, Value};

/// Returns the value that Python's `ast.literal_eval` makes of the text, as Ansible keeps it: tuples and sets as lists. All
/// text in it may be a template.
pub(super) fn value(text: &str, origin: Span) -> Value {
    let mut reader = Reader {
        characters: text.chars().peekable(),
        depth: 0,
    };
    let literal = reader.whole().unwrap_or_else(|| Value::from(text));
    literal.map(&mut |value| match value.kind() {
        Kind::Str(text) => Value::template(text.clone(), origin),
        _ => value.with_origin(origin),
    })
}

/// Nested deeper, it is not taken for a literal.
const MAX_DEPTH: usize = 64;

struct Reader<'a> {
    characters: Peekable<Chars<'a>>,
    depth: usize,
}

impl Reader<'_> {
    fn whole(&mut self) -> Option<Value> {
        self.space(false);
        let first = self.item()?;
        self.space(false);
        // `1, 2` is a tuple without parentheses.
        let value = if self.characters.peek() == Some(&',') {
            let mut items = vec![first];
            while self.take(',') {
                self.space(false);
                if self.characters.peek().is_none() {
                    break;
                }
                items.push(self.item()?);
                self.space(false);
            }
            Value::list(items)
        } else {
            first
        };
        self.characters.next().is_none().then_some(value)
    }

    fn take(&mut self, wanted: char) -> bool {
        self.characters.next_if_eq(&wanted).is_some()
    }

    /// Blanks, line breaks inside of brackets, and a comment.
    fn space(&mut self, inside: bool) {
        while let Some(character) = self.characters.peek().copied() {
            match character {
                ' ' | '\t' => {}
                '\n' | '\r' if inside => {}
                '#' => {
                    while self.characters.next_if(|c| *c != '\n').is_some() {}
                    continue;
                }
                _ => break,
            }
            self.characters.next();
        }
    }

    fn item(&mut self) -> Option<Value> {
        match *self.characters.peek()? {
            '[' => self.items('[', ']').map(|(items, _)| Value::list(items)),
            '(' => {
                let (mut items, comma) = self.items('(', ')')?;
                match (items.len(), comma) {
                    (1, false) => items.pop(),
                    _ => Some(Value::list(items)),
                }
            }
            '{' => self.braces(),
            '\'' | '"' => self.strings(),
            '+' | '-' => {
                let negative = self.characters.next()? == '-';
                self.space(false);
                let value = self.item()?;
                match value.kind() {
                    Kind::Int(number) if negative => Some(Value::integer(-BigInt::from(*number))),
                    Kind::Big(number) if negative => Some(Value::integer(-BigInt::clone(number))),
                    Kind::Float(number) if negative => Some(Value::from(-number)),
                    Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => Some(value),
                    _ => None,
                }
            }
            '.' | '0'..='9' => self.number(),
            _ => self.name(),
        }
    }

    fn items(&mut self, open: char, close: char) -> Option<(Vec<Value>, bool)> {
        self.enter(open)?;
        let mut items = Vec::new();
        let mut comma = false;
        loop {
            self.space(true);
            if self.take(close) {
                self.depth -= 1;
                return Some((items, comma));
            }
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(self.item()?);
            self.space(true);
            comma = self.take(',');
        }
    }

    fn enter(&mut self, open: char) -> Option<()> {
        self.depth += 1;
        (self.depth <= MAX_DEPTH && self.take(open)).then_some(())
    }

    /// A dictionary, or a set.
    fn braces(&mut self) -> Option<Value> {
        self.enter('{')?;
        let mut dict = Dict::new();
        let mut set = Vec::new();
        loop {
            self.space(true);
            if self.take('}') {
                break;
            }
            let item = self.item()?;
            self.space(true);
            if set.is_empty() && self.take(':') {
                self.space(true);
                let value = self.item()?;
                dict.insert(Key::from_value(&item)?, value);
            } else if dict.is_empty() {
                let key = Key::from_value(&item)?;
                if !set
                    .iter()
                    .any(|known: &Value| Key::from_value(known).as_ref() == Some(&key))
                {
                    set.push(item);
                }
            } else {
                return None;
            }
            self.space(true);
            if !self.take(',') {
                self.space(true);
                if !self.take('}') {
                    return None;
                }
                break;
            }
        }
        self.depth -= 1;
        Some(if set.is_empty() {
            Value::dict(dict)
        } else {
            Value::list(set)
        })
    }

    /// Strings that stand side by side are one.
    fn strings(&mut self) -> Option<Value> {
        let mut text = self.string(false)?;
        loop {
            self.space(self.depth > 0);
            match self.characters.peek() {
                Some('\'' | '"') => text.push_str(&self.string(false)?),
                _ => return Some(Value::from(text)),
            }
        }
    }

    fn string(&mut self, raw: bool) -> Option<String> {
        let quote = self.characters.next()?;
        let mut triple = false;
        if self.take(quote) {
            if !self.take(quote) {
                return Some(String::new());
            }
            triple = true;
        }
        let mut text = String::new();
        loop {
            match self.characters.next()? {
                '\\' if raw => {
                    text.push('\\');
                    text.push(self.characters.next()?);
                }
                '\\' => self.escape(&mut text)?,
                '\n' if !triple => return None,
                end if end == quote => {
                    if !triple {
                        return Some(text);
                    }
                    let second = self.take(quote);
                    if second && self.take(quote) {
                        return Some(text);
                    }
                    text.push(quote);
                    if second {
                        text.push(quote);
                    }
                }
                other => text.push(other),
            }
        }
    }

    fn escape(&mut self, text: &mut String) -> Option<()> {
        let escaped = self.characters.next()?;
        let decoded = match escaped {
            '\n' => return Some(()),
            '\\' | '\'' | '"' => escaped,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'x' => self.hex(2)?,
            'u' => self.hex(4)?,
            'U' => self.hex(8)?,
            '0'..='7' => {
                let mut code = escaped.to_digit(8)?;
                for _ in 0..2 {
                    match self.characters.next_if(|c| c.is_digit(8)) {
                        Some(digit) => code = code * 8 + digit.to_digit(8)?,
                        None => break,
                    }
                }
                char::from_u32(code)?
            }
            'N' => return None,
            other => {
                text.push('\\');
                other
            }
        };
        text.push(decoded);
        Some(())
    }

    fn hex(&mut self, digits: usize) -> Option<char> {
        let mut code = 0u32;
        for _ in 0..digits {
            code = code
                .checked_mul(16)?
                .checked_add(self.characters.next()?.to_digit(16)?)?;
        }
        char::from_u32(code)
    }

    fn number(&mut self) -> Option<Value> {
        let mut text = String::new();
        while let Some(character) = self.characters.peek().copied() {
            let sign = matches!(character, '+' | '-')
                && text.ends_with(['e', 'E'])
                && !text.starts_with("0x");
            if !(character.is_ascii_alphanumeric() || matches!(character, '_' | '.') || sign) {
                break;
            }
            text.push(character);
            self.characters.next();
        }
        if text == "..." {
            return Some(Value::from(text));
        }
        number(&text)
    }

    fn name(&mut self) -> Option<Value> {
        let mut word = String::new();
        while let Some(character) = self
            .characters
            .next_if(|c| c.is_alphanumeric() || *c == '_')
        {
            word.push(character);
        }
        if matches!(self.characters.peek(), Some('\'' | '"')) {
            return match word.to_ascii_lowercase().as_str() {
                "r" | "br" | "rb" => self.string(true).map(Value::from),
                "u" | "b" => self.strings(),
                _ => None,
            };
        }
        match word.as_str() {
            "None" => Some(Value::NULL),
            "True" => Some(Value::from(true)),
            "False" => Some(Value::from(false)),
            "set" => {
                let (items, _) = self.items('(', ')')?;
                items.is_empty().then(|| Value::list([]))
            }
            _ => None,
        }
    }
}

fn number(text: &str) -> Option<Value> {
    if text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    let plain = text.replace('_', "");
    let based =
        |digits: &str, base: u32| BigInt::parse_bytes(digits.as_bytes(), base).map(Value::integer);
    let lower = plain.to_ascii_lowercase();
    for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return based(digits, base);
        }
    }
    if lower.bytes().all(|byte| byte.is_ascii_digit()) {
        // Python refuses leading zeros, except in zero itself.
        let zeros =
            lower.len() > 1 && lower.starts_with('0') && lower.bytes().any(|byte| byte != b'0');
        return if zeros { None } else { based(&lower, 10) };
    }
    let mantissa = lower.split('e').next().unwrap_or_default();
    let digits = mantissa.bytes().any(|byte| byte.is_ascii_digit());
    let fits = digits
        && lower
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-'));
    fits.then(|| lower.parse::<f64>().ok())
        .flatten()
        .map(Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let value = value(text, Span::NONE);
        format!("{} {}", value.type_name(), value.to_repr())
    }

    /// Expected values from Python's `ast.literal_eval` and Ansible's conversions.
    #[test]
    fn literals_are_python_literals() {
        for (text, expected) in [
            ("5", "int 5"),
            ("-5", "int -5"),
            ("+ 5", "int 5"),
            ("1_000", "int 1000"),
            ("1__0", "str '1__0'"),
            ("0123", "str '0123'"),
            ("00", "int 0"),
            ("0x1f", "int 31"),
            ("0o17", "int 15"),
            ("0b11", "int 3"),
            ("1e3", "float 1000.0"),
            ("1.", "float 1.0"),
            (".5", "float 0.5"),
            ("123456789012345678901", "int 123456789012345678901"),
            ("10.0.0.1", "str '10.0.0.1'"),
            ("2024-01-01", "str '2024-01-01'"),
            ("2024-10-10", "str '2024-10-10'"),
            ("True", "bool True"),
            ("true", "str 'true'"),
            ("yes", "str 'yes'"),
            ("None", "NoneType None"),
            ("80 # c", "int 80"),
            ("foo # c", "str 'foo # c'"),
            ("'a b'", "str 'a b'"),
            ("\"it's\"", "str \"it's\""),
            ("'a' 'b'", "str 'ab'"),
            ("r'\\n'", "str '\\\\n'"),
            ("b'x'", "str 'x'"),
            ("'\\x41\\u00e4\\n'", "str 'Aä\\n'"),
            ("'\\d'", "str '\\\\d'"),
            ("[1, 'a', [True]]", "list [1, 'a', [True]]"),
            ("(1, 2)", "list [1, 2]"),
            ("(1)", "int 1"),
            ("(1,)", "list [1]"),
            ("1, 2", "list [1, 2]"),
            ("()", "list []"),
            ("{'a': 1, 2: [3]}", "dict {'a': 1, 2: [3]}"),
            ("{1, 2, 1}", "list [1, 2]"),
            ("{}", "dict {}"),
            ("[1, 2", "str '[1, 2'"),
            ("{a:1}", "str '{a:1}'"),
            ("[a]", "str '[a]'"),
            ("1+2", "str '1+2'"),
            ("{{ x }}", "str '{{ x }}'"),
            ("", "str ''"),
            ("...", "str '...'"),
            ("1a", "str '1a'"),
            ("set()", "list []"),
            ("f'x'", "str \"f'x'\""),
            ("'unclosed", "str \"'unclosed\""),
            ("[1 2]", "str '[1 2]'"),
            ("-'a'", "str \"-'a'\""),
            ("[1,,2]", "str '[1,,2]'"),
            ("a, b", "str 'a, b'"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(value(&"[".repeat(100_000), Span::NONE).type_name(), "str");
    }

    #[test]
    fn text_anywhere_in_it_is_trusted() {
        assert!(value("['{{ a }}']", Span::NONE).as_list().unwrap()[0].is_trusted());
    }
}
