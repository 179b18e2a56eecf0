//! The comments of a YAML text: a parser drops them, but SOPS encrypts them and lets them decide what is encrypted.

use std::collections::HashMap;

use crate::yaml::{Node, NodeKind, Style};

/// A comment and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) line: u32,
    pub(super) column: u32,
    /// Without its `#`.
    pub(super) text: String,
    /// Something stands before it on its line.
    pub(super) inline: bool,
}

/// Returns the comments of a text in order; `root` says where its scalars are.
pub(super) fn comments(text: &str, root: &Node) -> Vec<Found> {
    let mut scalars = HashMap::new();
    collect(root, &mut scalars);
    let mut scanner = Scanner {
        lines: text
            .split('\n')
            .map(|line| line.chars().collect())
            .collect(),
        line: 0,
        column: 0,
    };
    let mut found = Vec::new();
    while let Some(line) = scanner.lines.get(scanner.line) {
        let Some(letter) = line.get(scanner.column).copied() else {
            scanner.line += 1;
            scanner.column = 0;
            continue;
        };
        let before = line.get(..scanner.column).unwrap_or_default();
        let place = (number(scanner.line), number(scanner.column));
        match (scalars.get(&place), letter) {
            (Some(Style::DoubleQuoted), '"') => scanner.quoted('"'),
            (Some(Style::SingleQuoted), '\'') => scanner.quoted('\''),
            (Some(Style::Literal | Style::Folded), '|' | '>') => scanner.block(),
            (_, '#') if before.last().is_none_or(|letter| letter.is_whitespace()) => {
                let rest = line.get(scanner.column + 1..).unwrap_or_default();
                found.push(Found {
                    line: place.0,
                    column: place.1,
                    text: rest
                        .iter()
                        .collect::<String>()
                        .trim_end_matches('\r')
                        .to_owned(),
                    inline: before.iter().any(|letter| !letter.is_whitespace()),
                });
                scanner.column = line.len();
            }
            _ => scanner.column += 1,
        }
    }
    found
}

fn number(index: usize) -> u32 {
    u32::try_from(index).map_or(u32::MAX, |index| index.saturating_add(1))
}

fn collect(node: &Node, scalars: &mut HashMap<(u32, u32), Style>) {
    match &node.kind {
        NodeKind::Scalar(scalar) => {
            scalars.insert((node.span.line, node.span.column), scalar.style);
        }
        NodeKind::Sequence(items) => items.iter().for_each(|item| collect(item, scalars)),
        NodeKind::Mapping(pairs) => {
            for (key, value) in pairs.iter() {
                collect(key, scalars);
                collect(value, scalars);
            }
        }
    }
}

struct Scanner {
    lines: Vec<Vec<char>>,
    line: usize,
    column: usize,
}

impl Scanner {
    /// Goes behind the closing quote.
    fn quoted(&mut self, quote: char) {
        self.column += 1;
        while let Some(line) = self.lines.get(self.line) {
            match line.get(self.column) {
                None => {
                    self.line += 1;
                    self.column = 0;
                }
                Some('\\') if quote == '"' => self.column += 2,
                Some(letter) if *letter == quote => {
                    self.column += 1;
                    if quote == '"' || line.get(self.column) != Some(&quote) {
                        return;
                    }
                    self.column += 1;
                }
                Some(_) => self.column += 1,
            }
        }
    }

    /// Goes behind a block of lines: those that are indented as its first one.
    fn block(&mut self) {
        let indent = |line: &[char]| {
            let blanks = line.iter().take_while(|letter| **letter == ' ').count();
            (line.iter().any(|letter| !letter.is_whitespace())).then_some(blanks)
        };
        let own = self.lines.get(self.line).and_then(|line| indent(line));
        self.line += 1;
        self.column = 0;
        let mut inside = None;
        while let Some(line) = self.lines.get(self.line) {
            if let Some(blanks) = indent(line) {
                let least = *inside.get_or_insert(blanks);
                if blanks < least || own.is_some_and(|own| blanks <= own && least <= own) {
                    return;
                }
            }
            self.line += 1;
        }
    }
}
