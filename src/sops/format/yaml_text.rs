//! YAML as Go writes it: the same quotes and indentation, so that files that both write do not differ where nothing changed.

use crate::sops::scalar::{resolve, yaml_text};
use crate::sops::tree::{Comment, Entry, Item, Leaf, Tree};

/// Writes a document.
pub(super) fn write(tree: &Tree, indent: usize) -> String {
    let mut writer = Writer {
        text: String::new(),
        indent: indent.max(2),
    };
    match tree {
        Tree::Scalar(scalar) => {
            let scalar = writer.scalar(&scalar.leaf, indent, false);
            writer.text = scalar + "\n";
        }
        Tree::List(items, _) if items.is_empty() => writer.text.push_str("[]\n"),
        Tree::Map(entries, _) if entries.is_empty() => writer.text.push_str("{}\n"),
        Tree::List(..) | Tree::Map(..) => writer.block(tree, 0, true),
    }
    writer.text
}

struct Writer {
    text: String,
    indent: usize,
}

impl Writer {
    /// The next column: two further inside of a list, else the next multiple.
    fn deeper(&self, column: usize, in_list: bool) -> usize {
        if in_list {
            column + 2
        } else {
            (column + self.indent) / self.indent * self.indent
        }
    }

    fn comment(&mut self, comment: &Comment, column: usize) {
        for line in comment.text.split('\n') {
            self.text.push_str(&format!("{:column$}#{line}\n", ""));
        }
    }

    /// Writes a list or a mapping; the first line may have been begun.
    fn block(&mut self, tree: &Tree, column: usize, mut fresh: bool) {
        let mut begin = |writer: &mut Self| {
            if fresh {
                writer.text.push_str(&" ".repeat(column));
            }
            fresh = true;
        };
        let mut inline: Vec<&Comment> = Vec::new();
        match tree {
            Tree::Scalar(_) => {}
            Tree::List(items, _) => {
                for item in items {
                    match item {
                        Item::Comment(comment) if comment.inline => inline.push(comment),
                        Item::Comment(comment) => self.comment(comment, column),
                        Item::Value(value) => {
                            begin(self);
                            self.text.push('-');
                            self.value(value, column, true, &mut inline);
                        }
                    }
                }
            }
            Tree::Map(entries, _) => {
                for entry in entries {
                    match entry {
                        Entry::Comment(comment) if comment.inline => inline.push(comment),
                        Entry::Comment(comment) => self.comment(comment, column),
                        Entry::Pair(name, value) => {
                            begin(self);
                            let key = self.scalar(&Leaf::Text(name.text.clone()), column, true);
                            self.text.push_str(&key);
                            self.text.push(':');
                            self.value(value, column, false, &mut inline);
                        }
                    }
                }
            }
        }
        for comment in inline {
            self.comment(comment, column);
        }
    }

    /// Writes what stands behind `-` or `name:`.
    fn value(&mut self, value: &Tree, column: usize, in_list: bool, inline: &mut Vec<&Comment>) {
        let deeper = self.deeper(column, in_list);
        let text = match value {
            Tree::Scalar(scalar) => self.scalar(&scalar.leaf, deeper, false),
            Tree::List(items, _) if items.is_empty() => "[]".to_owned(),
            Tree::Map(entries, _) if entries.is_empty() => "{}".to_owned(),
            Tree::List(..) | Tree::Map(..) => {
                for comment in inline.drain(..) {
                    self.text.push_str(&format!(" #{}", comment.text));
                }
                if in_list && !begins_with_comment(value) {
                    self.text.push(' ');
                    self.block(value, deeper, false);
                } else {
                    self.text.push('\n');
                    self.block(value, deeper, true);
                }
                return;
            }
        };
        let (first, rest) = match text.split_once('\n') {
            Some((first, rest)) => (first, Some(rest)),
            None => (text.as_str(), None),
        };
        self.text.push(' ');
        self.text.push_str(first);
        for comment in inline.drain(..) {
            self.text.push_str(&format!(" #{}", comment.text));
        }
        self.text.push('\n');
        if let Some(rest) = rest {
            self.text.push_str(rest);
        }
    }

    /// Returns a scalar; one of several lines ends with a line break.
    fn scalar(&self, leaf: &Leaf, column: usize, key: bool) -> String {
        let Leaf::Text(text) = leaf else {
            return match leaf {
                Leaf::Bytes(bytes) => {
                    use base64::Engine as _;
                    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
                    format!("!!binary {text}")
                }
                other => yaml_text(other),
            };
        };
        let shape = Shape::of(text);
        if text.contains('\n') && shape.block && !key {
            return literal(text, column, self.indent);
        }
        if text.contains('\n') || !shape.single || looks_typed(text) {
            return double(text);
        }
        if shape.plain {
            text.clone()
        } else {
            format!("'{}'", text.replace('\'', "''"))
        }
    }
}

fn begins_with_comment(tree: &Tree) -> bool {
    match tree {
        Tree::List(items, _) => matches!(items.first(), Some(Item::Comment(_))),
        Tree::Map(entries, _) => matches!(entries.first(), Some(Entry::Comment(_))),
        Tree::Scalar(_) => false,
    }
}

/// Tells whether text without quotes would be something else, to Go or to YAML 1.1.
fn looks_typed(text: &str) -> bool {
    const OLD: [&str; 16] = [
        "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off",
        "OFF",
    ];
    !matches!(resolve(text), Leaf::Text(_))
        || text == "<<"
        || OLD.contains(&text)
        || is_base_60(text)
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let Some((first, rest)) = text.split_once(':') else {
        return false;
    };
    let digits = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    };
    let (rest, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    first.starts_with(|letter: char| letter.is_ascii_digit())
        && digits(first)
        && digits(fraction)
        && rest
            .split(':')
            .all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
}

/// In which ways text can be written.
struct Shape {
    plain: bool,
    single: bool,
    block: bool,
}

impl Shape {
    fn of(text: &str) -> Self {
        let mut shape = Self {
            plain: !text.is_empty() && !text.starts_with("---") && !text.starts_with("..."),
            single: !text.is_empty(),
            block: true,
        };
        let letters: Vec<char> = text.chars().collect();
        let blank = |letter: Option<&char>| {
            letter.is_none_or(|letter| {
                matches!(
                    letter,
                    ' ' | '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'
                )
            })
        };
        for (at, letter) in letters.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|at| letters.get(at));
            let followed = blank(letters.get(at + 1));
            let indicator = match (letter, at) {
                (
                    '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"'
                    | '%' | '@' | '`',
                    0,
                ) => true,
                ('?' | ':' | '-', 0) | (':', _) => followed,
                ('#', _) => blank(before),
                _ => false,
            };
            let edge = at == 0 || at + 1 == letters.len();
            match letter {
                '\n' => {
                    shape.plain = false;
                    if before == Some(&' ') {
                        shape.single = false;
                        shape.block = false;
                    }
                }
                ' ' => {
                    shape.plain &= !edge;
                    shape.block &= at + 1 != letters.len();
                    shape.single &= before != Some(&'\n');
                }
                '\t' => {
                    shape.plain = false;
                    shape.single = false;
                }
                other if !printable(*other) => {
                    shape.plain = false;
                    shape.single = false;
                    shape.block = false;
                }
                _ => shape.plain &= !indicator,
            }
        }
        shape
    }
}

/// What Go's writer leaves as it is: nothing beyond the first plane.
fn printable(letter: char) -> bool {
    matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
        && !matches!(letter, '\u{2028}' | '\u{2029}')
}

fn literal(text: &str, column: usize, indent: usize) -> String {
    let hint = if text.starts_with([' ', '\n']) {
        indent.to_string()
    } else {
        String::new()
    };
    let chomp = match (text.strip_suffix('\n'), text) {
        (None, _) => "-",
        (Some(""), _) => "+",
        (Some(before), _) if before.ends_with('\n') => "+",
        (Some(_), _) => "",
    };
    let mut out = format!("|{hint}{chomp}\n");
    for line in text.split_terminator('\n') {
        if !line.is_empty() {
            out.push_str(&" ".repeat(column));
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

fn double(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push_str("\\0"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{a0}' => out.push_str("\\_"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            other if printable(other) => out.push(other),
            other => {
                let number = u32::from(other);
                out.push_str(&match number {
                    0..=0xff => format!("\\x{number:02X}"),
                    0x100..=0xffff => format!("\\u{number:04X}"),
                    _ => format!("\\U{number:08X}"),
                });
            }
        }
    }
    out.push('"');
    out
}
