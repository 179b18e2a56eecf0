//! JSON text into nodes. Ansible tries JSON before YAML, and the two differ: `1e3` is a number, escapes are JSON's, and
//! `{"__ansible_vault": ...}` and `{"__ansible_unsafe": ...}` stand for tagged values.

use std::iter::Peekable;
use std::str::CharIndices;
use std::sync::Arc;

use num_bigint::BigInt;

use super::node::{Node, NodeKind, Scalar, Style, Tag};
use crate::diag::{FileId, Span};
use crate::value::{Kind, Value};

/// Returns the JSON object or list in `text`, or nothing where it is not valid JSON; then it is read as YAML.
pub(super) fn load(text: &str, file: FileId, max_depth: usize) -> Option<Node> {
    if !text
        .trim_start_matches([' ', '\t', '\r', '\n'])
        .starts_with(['{', '['])
    {
        return None;
    }
    let mut reader = Reader {
        text,
        characters: text.char_indices().peekable(),
        file,
        line: 1,
        column: 1,
        depth: max_depth,
    };
    let root = reader.value()?;
    reader.space();
    reader.characters.next().is_none().then_some(root)
}

struct Reader<'a> {
    text: &'a str,
    characters: Peekable<CharIndices<'a>>,
    file: FileId,
    line: u32,
    column: u32,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.characters.peek().map(|(_, character)| *character)
    }

    fn next(&mut self) -> Option<char> {
        let (_, character) = self.characters.next()?;
        if character == '\n' {
            self.line = self.line.saturating_add(1);
            self.column = 1;
        } else {
            self.column = self.column.saturating_add(1);
        }
        Some(character)
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        (self.peek()? == wanted)
            .then(|| self.next())
            .flatten()
            .map(|_| ())
    }

    fn space(&mut self) {
        while self
            .peek()
            .is_some_and(|c| matches!(c, ' ' | '\t' | '\r' | '\n'))
        {
            self.next();
        }
    }

    fn value(&mut self) -> Option<Node> {
        self.space();
        let start = Span::new(self.file, self.line, self.column, 1);
        let kind = match self.peek()? {
            '{' => return self.object(start),
            '[' => {
                self.descend()?;
                let items = self.items(']', Self::value)?;
                self.depth += 1;
                NodeKind::Sequence(Arc::new(items))
            }
            '"' => {
                return self.string().map(|text| {
                    scalar(
                        self.span_from(start),
                        text.clone(),
                        Kind::Str(text),
                        Style::DoubleQuoted,
                    )
                });
            }
            _ => return self.word(start),
        };
        Some(Node {
            span: start,
            tag: Tag::None,
            kind,
        })
    }

    fn descend(&mut self) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        self.next().map(|_| ())
    }

    fn items<T>(
        &mut self,
        end: char,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut items = Vec::new();
        self.space();
        if self.take(end).is_some() {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            self.space();
            if self.take(end).is_some() {
                return Some(items);
            }
            self.take(',')?;
        }
    }

    fn object(&mut self, span: Span) -> Option<Node> {
        self.descend()?;
        let pairs = self.items('}', |reader| {
            reader.space();
            let start = Span::new(reader.file, reader.line, reader.column, 1);
            let name = reader.string()?;
            let key = scalar(
                reader.span_from(start),
                name.clone(),
                Kind::Str(name),
                Style::DoubleQuoted,
            );
            reader.space();
            reader.take(':')?;
            Some((key, reader.value()?))
        })?;
        self.depth += 1;
        if let [(key, value)] = pairs.as_slice() {
            let tag = match key.as_str() {
                Some("__ansible_vault") => Tag::Vault,
                Some("__ansible_unsafe") => Tag::Unsafe,
                _ => Tag::None,
            };
            if tag != Tag::None && value.as_str().is_some() {
                return Some(Node {
                    tag,
                    ..value.clone()
                });
            }
        }
        Some(Node {
            span,
            tag: Tag::None,
            kind: NodeKind::Mapping(Arc::new(pairs)),
        })
    }

    fn span_from(&self, start: Span) -> Span {
        let length = if self.line == start.line {
            self.column.saturating_sub(start.column)
        } else {
            1
        };
        Span { length, ..start }
    }

    fn string(&mut self) -> Option<Arc<str>> {
        self.take('"')?;
        let mut out = String::new();
        loop {
            match self.next()? {
                '"' => return Some(out.into()),
                '\\' => out.push(self.escape()?),
                c if u32::from(c) < 0x20 => return None,
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = self.hex()?;
                if (0xd800..0xdc00).contains(&first) {
                    self.take('\\')?;
                    self.take('u')?;
                    let second = self.hex().filter(|unit| (0xdc00..0xe000).contains(unit))?;
                    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))?
                } else {
                    char::from_u32(first)?
                }
            }
            c @ ('"' | '\\' | '/') => c,
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let mut value = 0;
        for _ in 0..4 {
            value = value * 16 + self.next()?.to_digit(16)?;
        }
        Some(value)
    }

    fn word(&mut self, start: Span) -> Option<Node> {
        let from = self.characters.peek()?.0;
        while self
            .peek()
            .is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.'))
        {
            self.next();
        }
        let to = self
            .characters
            .peek()
            .map_or(self.text.len(), |(at, _)| *at);
        let text = self.text.get(from..to)?;
        let kind = match text {
            "null" => Kind::Null,
            "true" => Kind::Bool(true),
            "false" => Kind::Bool(false),
            "NaN" => Kind::Float(f64::NAN),
            "Infinity" => Kind::Float(f64::INFINITY),
            "-Infinity" => Kind::Float(f64::NEG_INFINITY),
            _ => number(text)?,
        };
        Some(scalar(
            self.span_from(start),
            text.into(),
            kind,
            Style::Plain,
        ))
    }
}

fn number(text: &str) -> Option<Kind> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let leading_zero = digits.len() > 1
        && digits.starts_with('0')
        && !digits.starts_with("0.")
        && !digits.starts_with("0e")
        && !digits.starts_with("0E");
    if leading_zero || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Value::integer(text.parse::<BigInt>().ok()?).into_kind());
    }
    let (mantissa, _) = digits.split_once(['e', 'E']).unwrap_or((digits, ""));
    if mantissa.ends_with('.') {
        return None;
    }
    text.parse::<f64>().ok().map(Kind::Float)
}

fn scalar(span: Span, text: Arc<str>, kind: Kind, style: Style) -> Node {
    Node {
        span,
        tag: Tag::None,
        kind: NodeKind::Scalar(Scalar { text, style, kind }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::ValueOptions;

    fn read(text: &str) -> Option<String> {
        load(text, FileId(1), 20).map(|node| node.to_value(&ValueOptions::default()).to_repr())
    }

    #[test]
    fn json_is_json() {
        assert_eq!(
            read("{\"a\": [1, -2.5, 1e3, true, null],\n\t\"b\": \"x\\n\\ud83c\\udf0d\"} ").unwrap(),
            "{'a': [1, -2.5, 1000.0, True, None], 'b': 'x\\n🌍'}"
        );
        assert_eq!(
            read("{\"a\": {\"__ansible_unsafe\": \"{{x}}\"}}").unwrap(),
            "{'a': '{{x}}'}"
        );
        assert_eq!(read("[]").unwrap(), "[]");
    }

    #[test]
    fn other_text_is_left_to_yaml() {
        for text in [
            "{a: 1}",
            "[1,]",
            "{\"a\": 01}",
            "[1] x",
            "{\"a\": yes}",
            "",
            "a: 1",
            "[1.]",
            "[",
            "{{ x }}",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
        assert!(read(&"[".repeat(100_000)).is_none());
    }

    #[test]
    fn places_are_known() {
        let node = load("{\n  \"a\": \"x\"\n}", FileId(1), 20).unwrap();
        assert_eq!(node.get("a").unwrap().span, Span::new(FileId(1), 2, 8, 3));
    }
}
