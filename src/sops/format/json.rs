//! JSON as Go writes it.

use crate::sops::tree::{Entry, Leaf, Tree};

/// Writes a file; indented with tabs unless a number of blanks is given.
pub(super) fn write(tree: &Tree, indent: Option<usize>) -> String {
    write_value(tree, indent) + "\n"
}

/// Writes a value without a line break at its end.
pub(super) fn write_value(tree: &Tree, indent: Option<usize>) -> String {
    let indent = indent.map_or_else(|| "\t".to_owned(), |count| " ".repeat(count));
    let mut text = String::new();
    value(tree, &indent, 0, &mut text);
    text
}

fn value(tree: &Tree, indent: &str, level: usize, text: &mut String) {
    let parts: Vec<(Option<&str>, &Tree)> = match tree {
        Tree::Scalar(scalar) => return leaf(&scalar.leaf, text),
        Tree::List(..) => tree.values().map(|value| (None, value)).collect(),
        Tree::Map(entries, _) => entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Pair(name, value) => Some((Some(name.text.as_str()), value)),
                Entry::Comment(_) => None,
            })
            .collect(),
    };
    let (open, close) = match tree {
        Tree::List(..) => ('[', ']'),
        Tree::Map(..) | Tree::Scalar(_) => ('{', '}'),
    };
    text.push(open);
    for (at, (name, part)) in parts.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push('\n');
        text.push_str(&indent.repeat(level + 1));
        if let Some(name) = name {
            string(name, text);
            text.push_str(": ");
        }
        value(part, indent, level + 1, text);
    }
    if !parts.is_empty() {
        text.push('\n');
        text.push_str(&indent.repeat(level));
    }
    text.push(close);
}

fn leaf(leaf: &Leaf, text: &mut String) {
    match leaf {
        Leaf::Null | Leaf::Comment(_) => text.push_str("null"),
        Leaf::Text(value) | Leaf::Time(value) => string(value, text),
        Leaf::Int(number) => text.push_str(&number.to_string()),
        Leaf::Float(number) => text.push_str(&float(*number)),
        Leaf::Bool(flag) => text.push_str(&flag.to_string()),
        Leaf::Bytes(bytes) => string(&String::from_utf8_lossy(bytes), text),
    }
}

/// Exponents as in ECMAScript: from 21 digits on, and below a millionth.
fn float(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return number.to_string();
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((mantissa, power)) if !power.starts_with('-') => format!("{mantissa}e+{power}"),
        _ => text,
    }
}

fn string(value: &str, text: &mut String) {
    text.push('"');
    for letter in value.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            _ => text.push(letter),
        }
    }
    text.push('"');
}
