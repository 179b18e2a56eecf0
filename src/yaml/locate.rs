//! From a character of a decoded scalar back to its place in the file.
//!
//! A fault inside a folded or escaped scalar shall point at its own line and column. The scalar is decoded once more from the
//! source text, only when there is something to say about it.

use crate::diag::{SourceMap, Span};

/// A character of the source with its place.
#[derive(Clone, Copy)]
struct Place {
    character: char,
    line: u32,
    column: u32,
}

/// Returns the place of `length` characters at `decoded_offset` (in characters) of the scalar that starts at `scalar_start`.
///
/// Where the source is not at hand, or the offset lies outside, the start itself is the answer.
pub fn locate(
    sources: &SourceMap,
    scalar_start: Span,
    decoded_offset: usize,
    length: usize,
) -> Span {
    let Some(source) = sources.get(scalar_start.file) else {
        return scalar_start;
    };
    let wanted = decoded_offset.saturating_add(length).saturating_add(1);
    let map = decode(&source.text, scalar_start, wanted);
    let Some(&(line, column)) = map.get(decoded_offset) else {
        return scalar_start;
    };
    // As far as it stays on its line.
    let last = map
        .get(decoded_offset..)
        .unwrap_or_default()
        .iter()
        .take(length.max(1))
        .take_while(|place| place.0 == line)
        .last()
        .map_or(column, |place| place.1);
    let covered = if length == 0 {
        0
    } else {
        last.saturating_sub(column) + 1
    };
    Span::new(scalar_start.file, line, column, covered)
}

/// Returns line and column of each of the first `wanted` decoded characters.
fn decode(text: &str, start: Span, wanted: usize) -> Vec<(u32, u32)> {
    let mut places = places_from(text, start);
    let Some(&first) = places.first() else {
        return Vec::new();
    };
    match first.character {
        '|' | '>' => block(text, &places, start, first.character == '>', wanted),
        '\'' => {
            places.remove(0);
            flow(&places, Some('\''), wanted)
        }
        '"' => {
            places.remove(0);
            flow(&places, Some('"'), wanted)
        }
        _ => flow(&places, None, wanted),
    }
}

fn places_from(text: &str, start: Span) -> Vec<Place> {
    let mut places = Vec::new();
    let skip_lines = usize::try_from(start.line.saturating_sub(1)).unwrap_or(usize::MAX);
    for (index, line) in text.split_inclusive('\n').enumerate().skip(skip_lines) {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        for (column, character) in line.chars().enumerate() {
            let column = u32::try_from(column + 1).unwrap_or(u32::MAX);
            if (number, column) >= (start.line, start.column) && character != '\r' {
                places.push(Place {
                    character,
                    line: number,
                    column,
                });
            }
        }
    }
    places
}

/// Quoted and plain scalars: line breaks fold, escapes count as one.
fn flow(places: &[Place], quote: Option<char>, wanted: usize) -> Vec<(u32, u32)> {
    let mut map: Vec<(u32, u32)> = Vec::new();
    let mut at = 0;
    while let Some(place) = places.get(at).copied() {
        if map.len() >= wanted {
            break;
        }
        let here = (place.line, place.column);
        match place.character {
            '\'' if quote == Some('\'') => {
                if places
                    .get(at + 1)
                    .is_some_and(|next| next.character == '\'')
                {
                    map.push(here);
                    at += 2;
                    continue;
                }
                break;
            }
            '"' if quote == Some('"') => break,
            '\\' if quote == Some('"') => {
                let Some(escape) = places.get(at + 1) else {
                    break;
                };
                let digits = match escape.character {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                at += 2 + digits;
                if escape.character == '\n' {
                    while places
                        .get(at)
                        .is_some_and(|next| matches!(next.character, ' ' | '\t'))
                    {
                        at += 1;
                    }
                } else {
                    map.push(here);
                }
            }
            ' ' | '\t' | '\n' => {
                let run_start = at;
                let mut breaks = Vec::new();
                while let Some(next) = places
                    .get(at)
                    .filter(|next| matches!(next.character, ' ' | '\t' | '\n'))
                {
                    if next.character == '\n' {
                        breaks.push((next.line, next.column));
                    }
                    at += 1;
                }
                match breaks.as_slice() {
                    [] => map.extend(
                        places
                            .get(run_start..at)
                            .unwrap_or_default()
                            .iter()
                            .map(|place| (place.line, place.column)),
                    ),
                    [only] => map.push(*only),
                    [_, others @ ..] => map.extend(others),
                }
            }
            _ => {
                map.push(here);
                at += 1;
            }
        }
    }
    map
}

/// Literal and folded scalars: the header's line goes, the indentation goes, folded lines join.
fn block(
    text: &str,
    places: &[Place],
    start: Span,
    folded: bool,
    wanted: usize,
) -> Vec<(u32, u32)> {
    let header: String = places
        .iter()
        .map(|place| place.character)
        .take_while(|c| *c != '\n')
        .collect();
    let lines: Vec<(u32, &str)> = text
        .lines()
        .enumerate()
        .map(|(index, line)| (u32::try_from(index + 1).unwrap_or(u32::MAX), line))
        .filter(|(number, _)| *number > start.line)
        .collect();
    let indent_of = |line: &str| line.chars().take_while(|c| *c == ' ').count();
    let detected = lines
        .iter()
        .find(|(_, line)| !line.trim_matches(' ').is_empty())
        .map_or(0, |(_, line)| indent_of(line));
    let explicit = header
        .split('#')
        .next()
        .unwrap_or_default()
        .chars()
        .find_map(|c| c.to_digit(10));
    let indent = match explicit.and_then(|digit| usize::try_from(digit).ok()) {
        None => detected,
        Some(digit) => {
            // The number counts from the parent's indentation: the nearest that leaves the content where it is.
            let parent = text
                .lines()
                .nth(usize::try_from(start.line.saturating_sub(1)).unwrap_or(usize::MAX))
                .map_or(0, parent_indent);
            parent + digit
        }
    };
    let mut map: Vec<(u32, u32)> = Vec::new();
    let mut previous_plain = false;
    let mut pending: Vec<(u32, u32)> = Vec::new();
    for (number, line) in lines {
        if map.len() >= wanted {
            break;
        }
        let width = line.chars().count();
        let end = (number, u32::try_from(width + 1).unwrap_or(u32::MAX));
        if width <= indent && line.trim_matches(' ').is_empty() {
            pending.push(end);
            continue;
        }
        if indent_of(line) < indent {
            break;
        }
        let plain = folded
            && !line
                .chars()
                .nth(indent)
                .is_some_and(|c| matches!(c, ' ' | '\t'));
        // `pending` holds the break that ended the line before, and one per empty line.
        if folded && plain && previous_plain && pending.len() > 1 {
            map.extend(pending.iter().skip(1));
        } else {
            map.extend(&pending);
        }
        pending.clear();
        map.extend(
            (indent..width).map(|column| (number, u32::try_from(column + 1).unwrap_or(u32::MAX))),
        );
        pending.push(end);
        previous_plain = plain;
    }
    map.extend(pending);
    map
}

/// The indentation of the mapping or list that a block scalar's first line belongs to: dashes nest.
fn parent_indent(line: &str) -> usize {
    let mut column = line.chars().take_while(|c| *c == ' ').count();
    let mut rest: &str = line.trim_start_matches(' ');
    while let Some(after) = rest.strip_prefix("- ") {
        let inner = after.trim_start_matches(' ');
        if inner.starts_with(['|', '>']) {
            break;
        }
        column += rest.chars().count() - inner.chars().count();
        rest = inner;
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{LoadOptions, Node, NodeKind, load};

    fn scalars(node: &Node, out: &mut Vec<Node>) {
        match &node.kind {
            NodeKind::Scalar(_) => out.push(node.clone()),
            NodeKind::Sequence(items) => items.iter().for_each(|item| scalars(item, out)),
            NodeKind::Mapping(pairs) => pairs.iter().for_each(|(key, value)| {
                scalars(key, out);
                scalars(value, out);
            }),
        }
    }

    /// Every letter of every decoded scalar must be found at its own place.
    #[test]
    fn every_letter_is_found_again() {
        let text = concat!(
            "plain: some text here\n",
            "multi: first line\n  second  \n\n  third\n",
            "single: 'it''s a\n   folded one'\n",
            "double: \"tab\\tafter \\u00e4x\n  joined \\\n   directly\"\n",
            "literal: |\n    one\n      two\n\n    three\n",
            "folded: >-\n  aa\n  bb\n\n  cc\n   more\n  dd\n",
            "list:\n  - |2\n     x\n    y\n  - name: >1\n     zz\n",
            "tagged: !unsafe &a \"quoted {{ x }}\"\n",
            "ünï: 'äö{{ y }}'\n",
        );
        let sources = SourceMap::default();
        let document = load(&sources, "t.yml", text, &LoadOptions::default()).unwrap();
        let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
        let mut all = Vec::new();
        scalars(&document.root, &mut all);
        assert!(all.len() > 15);
        for node in all {
            let scalar = node.as_scalar().unwrap();
            for (offset, character) in scalar.text.chars().enumerate() {
                let span = locate(&sources, node.span, offset, 1);
                let there = lines
                    .get(span.line as usize - 1)
                    .and_then(|line| line.get(span.column as usize - 1))
                    .copied()
                    .unwrap_or('\n');
                let same =
                    there == character || (character == ' ' && there == '\n') || there == '\\';
                assert!(
                    same,
                    "{:?} offset {offset} {character:?} found {there:?} at {span:?}",
                    scalar.text
                );
            }
        }
    }

    #[test]
    fn a_length_stays_on_its_line() {
        let sources = SourceMap::default();
        let document = load(
            &sources,
            "t.yml",
            "a: |\n  x {{ foo }}\n  y\n",
            &LoadOptions::default(),
        )
        .unwrap();
        let node = document.root.get("a").unwrap();
        let span = locate(&sources, node.span, 5, 3);
        assert_eq!((span.line, span.column, span.length), (2, 8, 3));
    }
}
