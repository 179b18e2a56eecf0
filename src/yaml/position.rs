//! Where things stand in a text: lines, columns, and the first character of a scalar.

use saphyr_parser::Marker;

use crate::diag::{FileId, Span};

/// A text by its lines.
pub(super) struct Lines<'a> {
    pub(super) file: FileId,
    pub(super) text: &'a str,
    /// Where each line starts, in bytes.
    starts: Vec<usize>,
    /// Columns are bytes.
    ascii: bool,
}

impl<'a> Lines<'a> {
    pub(super) fn new(file: FileId, text: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            file,
            text,
            starts,
            ascii: text.is_ascii(),
        }
    }

    pub(super) fn span(&self, start: Marker, length: usize) -> Span {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Span::new(
            self.file,
            number(start.line()),
            number(start.col() + 1),
            number(length),
        )
    }

    fn line(&self, number: usize) -> &str {
        self.rest_of_line(number, 0)
    }

    /// The line from a column (from 0) on. Long lines of plain ASCII cost nothing.
    fn rest_of_line(&self, number: usize, column: usize) -> &str {
        let Some(index) = number.checked_sub(1) else {
            return "";
        };
        let Some(start) = self.starts.get(index).copied() else {
            return "";
        };
        let end = self
            .starts
            .get(index + 1)
            .map_or(self.text.len(), |next| next - 1);
        let line = self.text.get(start..end).unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        if self.ascii {
            return line.get(column..).unwrap_or_default();
        }
        let at = line
            .char_indices()
            .nth(column)
            .map_or(line.len(), |(at, _)| at);
        line.get(at..).unwrap_or_default()
    }

    /// The lines after the first that a quoted scalar covers; none where it is never closed.
    pub(super) fn quoted_lines(&self, start: Marker) -> std::ops::RangeInclusive<usize> {
        let nothing = std::ops::RangeInclusive::new(1, 0);
        let Some(from) = start
            .line()
            .checked_sub(1)
            .and_then(|index| self.starts.get(index))
        else {
            return nothing;
        };
        let rest = self.text.get(*from..).unwrap_or_default();
        let mut characters = rest.chars().skip(start.col()).peekable();
        let quote = characters.next();
        let mut line = start.line();
        while let Some(character) = characters.next() {
            match character {
                '\n' => line += 1,
                // An escaped line break is one still.
                '\\' if quote == Some('"') => line += usize::from(characters.next() == Some('\n')),
                '\'' if quote == Some('\'') && characters.peek() == Some(&'\'') => {
                    characters.next();
                }
                end if Some(end) == quote => return start.line() + 1..=line,
                _ => {}
            }
        }
        nothing
    }

    /// A block scalar on a last line without a line break ends without one.
    pub(super) fn without_added_break<'t>(&self, text: &'t str, end_line: usize) -> &'t str {
        if self.text.ends_with('\n') || end_line <= self.starts.len() {
            return text;
        }
        let blank = self.line(self.starts.len()).trim().is_empty();
        if blank && !text.ends_with("\n\n") {
            text
        } else {
            text.strip_suffix('\n').unwrap_or(text)
        }
    }

    /// The place from the scalar's own first character on. The parser's mark may stand on its tag or anchor, and for a block
    /// scalar (of which `block` is the text) on its content.
    pub(super) fn scalar_span(
        &self,
        place: saphyr_parser::Span,
        block: Option<&str>,
        tagged: bool,
    ) -> Span {
        let (mut line, mut column) = (place.start.line(), place.start.col());
        let mut properties = false;
        if tagged {
            loop {
                let rest = self.rest_of_line(line, column);
                let own = rest.trim_start_matches([' ', '\t']);
                let blanks = rest.len() - own.len();
                if own.starts_with(['&', '!']) {
                    properties = true;
                    column += blanks + own.chars().take_while(|c| !c.is_whitespace()).count();
                } else if properties
                    && (own.is_empty() || own.starts_with('#'))
                    && line < place.end.line()
                {
                    line += 1;
                    column = 0;
                } else {
                    column += if properties { blanks } else { 0 };
                    break;
                }
            }
        }
        if let Some(text) = block {
            let first = self.rest_of_line(line, column);
            let at_header = properties || (text.trim().is_empty() && first.starts_with(['|', '>']));
            if !at_header {
                let header = (1..line)
                    .rev()
                    .find(|line| !self.line(*line).trim().is_empty())
                    .unwrap_or(line);
                let column = block_header(self.line(header)).unwrap_or(0);
                return self.span(Marker::new(0, header, column), 1);
            }
            return self.span(Marker::new(0, line, column), 1);
        }
        let length = if line == place.end.line() {
            place.end.col().saturating_sub(column)
        } else {
            1
        };
        self.span(Marker::new(0, line, column), length)
    }
}

/// Returns the column (from 0) of the `|` or `>` that ends a line, with its digits, signs and comment.
fn block_header(line: &str) -> Option<usize> {
    let starts = line
        .char_indices()
        .enumerate()
        .filter(|(_, (_, c))| matches!(c, '|' | '>'));
    let mut found = None;
    for (column, (at, _)) in starts {
        let rest = line
            .get(at + 1..)
            .unwrap_or_default()
            .trim_start_matches(['+', '-', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        let ends = rest.trim().is_empty()
            || rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#');
        if ends && found.is_none() {
            found = Some(column);
        }
    }
    found
}
