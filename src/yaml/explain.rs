//! What a mistake in YAML most likely was: the parser's complaint and the line that it points at become a message that says
//! what to do.

use crate::diag::{Diagnostic, FileId, Span};

const CODE: &str = "yaml-syntax";

/// Returns the message for the parser's complaint `info` at `line` and `column` (both from 1).
pub(super) fn explain(
    text: &str,
    file: FileId,
    line: usize,
    column: usize,
    info: &str,
) -> Diagnostic {
    let complaint = Complaint {
        lines: text.lines().collect(),
        file,
        line,
    };
    complaint
        .tab()
        .or_else(|| complaint.template())
        .or_else(|| complaint.open_quote(info))
        .or_else(|| complaint.after_quote())
        .or_else(|| complaint.reserved())
        .or_else(|| complaint.colon())
        .or_else(|| complaint.space_missing())
        .or_else(|| complaint.flow(info))
        .or_else(|| complaint.indentation())
        .unwrap_or_else(|| {
            Diagnostic::error(CODE, info.trim_end_matches('.').to_owned())
                .at(complaint.span(line, column, 1), "here")
        })
}

/// Tells whether a mapping that was used as a key is really `{{ name }}` without quotes.
pub(super) fn is_template_start(text: &str, span: Span) -> bool {
    let Some(line) = usize::try_from(span.line)
        .ok()
        .and_then(|number| text.lines().nth(number.checked_sub(1)?))
    else {
        return false;
    };
    let from = usize::try_from(span.column).unwrap_or(0).saturating_sub(2);
    line.chars()
        .skip(from)
        .take(3)
        .collect::<String>()
        .contains("{{")
}

/// Returns the message for `{{ name }}` without quotes at the start of a value.
pub(super) fn unquoted_template(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, "template without quotes at the start of a value")
        .at(span, "YAML reads `{` as the start of a mapping")
        .help("quote the whole value: `name: \"{{ variable }}\"`")
}

struct Complaint<'a> {
    lines: Vec<&'a str>,
    file: FileId,
    line: usize,
}

/// A line taken apart: dashes and key, then the value.
struct Parts<'a> {
    value: &'a str,
    /// Characters before the value.
    before: usize,
}

impl<'a> Complaint<'a> {
    fn span(&self, line: usize, column: usize, length: usize) -> Span {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Span::new(
            self.file,
            number(line.max(1)),
            number(column.max(1)),
            number(length),
        )
    }

    fn text(&self, line: usize) -> &'a str {
        line.checked_sub(1)
            .and_then(|index| self.lines.get(index))
            .copied()
            .unwrap_or_default()
    }

    /// The line of the complaint and the one before it, which holds the cause as often.
    fn candidates(&self) -> impl Iterator<Item = usize> + use<'_> {
        let before = (1..self.line)
            .rev()
            .find(|line| !self.text(*line).trim().is_empty());
        std::iter::once(self.line).chain(before)
    }

    fn tab(&self) -> Option<Diagnostic> {
        self.candidates().find_map(|line| {
            let text = self.text(line);
            let indent: Vec<char> = text
                .chars()
                .take_while(|c| matches!(c, ' ' | '\t'))
                .collect();
            let at = indent.iter().position(|c| *c == '\t')?;
            (indent.len() < text.chars().count()).then(|| {
                Diagnostic::error(CODE, "tab in the indentation")
                    .at(self.span(line, at + 1, 1), "YAML allows only spaces here")
                    .help("replace tabs by spaces, two for each level")
            })
        })
    }

    fn template(&self) -> Option<Diagnostic> {
        self.candidates().find_map(|line| {
            let parts = split(self.text(line))?;
            parts
                .value
                .starts_with("{{")
                .then(|| unquoted_template(self.span(line, parts.before + 1, 2)))
        })
    }

    fn open_quote(&self, info: &str) -> Option<Diagnostic> {
        let ends = info.contains("end of stream")
            || info.contains("quoted scalar")
            || info.contains("document indicator");
        if !ends {
            return None;
        }
        // The parser notices at the end of the text; the cause is the last value whose quote has no partner.
        let from = self.line.min(self.lines.len());
        (1..=from).rev().find_map(|line| {
            let parts = split(self.text(line))?;
            let quote = parts
                .value
                .chars()
                .next()
                .filter(|c| matches!(c, '"' | '\''))?;
            closing(parts.value, quote).is_none().then(|| {
                Diagnostic::error(CODE, "quote that is never closed")
                    .at(self.span(line, parts.before + 1, 1), "opened here")
                    .help(format!(
                        "close it with `{quote}`, or quote the value with the other kind of quotes"
                    ))
            })
        })
    }

    fn after_quote(&self) -> Option<Diagnostic> {
        self.candidates().find_map(|line| {
            let parts = split(self.text(line))?;
            let quote = parts
                .value
                .chars()
                .next()
                .filter(|c| matches!(c, '"' | '\''))?;
            let end = closing(parts.value, quote)?;
            let rest: String = parts.value.chars().skip(end + 1).collect();
            let trailing = rest.trim_start();
            if trailing.is_empty()
                || trailing.starts_with(['#', ',', ']', '}'])
                || trailing == ":"
                || trailing.starts_with(": ") && parts.before == 0
            {
                return None;
            }
            let gap = rest.chars().count() - trailing.chars().count();
            let other = if quote == '"' { '\'' } else { '"' };
            Some(
                Diagnostic::error(CODE, "text after the closing quote")
                    .at(
                        self.span(line, parts.before + end + 2 + gap, trailing.chars().count()),
                        "the value ended before this",
                    )
                    .help(format!(
                        "quote the whole value: `{other}{}{other}`",
                        parts.value.trim_end()
                    )),
            )
        })
    }

    fn reserved(&self) -> Option<Diagnostic> {
        self.candidates().find_map(|line| {
            let parts = split(self.text(line))?;
            let first = parts
                .value
                .chars()
                .next()
                .filter(|c| matches!(c, '@' | '`' | '%'))?;
            Some(
                Diagnostic::error(CODE, format!("value that starts with `{first}`"))
                    .at(
                        self.span(line, parts.before + 1, 1),
                        "this character is reserved in YAML",
                    )
                    .help("quote the value"),
            )
        })
    }

    /// `key: value: more`, and `key: - item`.
    fn colon(&self) -> Option<Diagnostic> {
        let line = self.line;
        let parts = split(self.text(line))?;
        if parts.before == 0
            || parts
                .value
                .starts_with(['"', '\'', '[', '{', '|', '>', '#'])
        {
            return self.quoted_then_colon(line);
        }
        if parts.value.starts_with("- ") {
            return Some(
                Diagnostic::error(CODE, "list item on the line of its key")
                    .at(
                        self.span(line, parts.before + 1, 1),
                        "a list starts on a line of its own",
                    )
                    .help("put `- ` on the next line, or write the list as `[one, two]`"),
            );
        }
        let value = parts.value.split(" #").next().unwrap_or_default();
        let at = value
            .find(": ")
            .or_else(|| value.trim_end().strip_suffix(':').map(str::len))?;
        let column = parts.before + value.get(..at).unwrap_or_default().chars().count() + 1;
        Some(
            Diagnostic::error(CODE, "second `: ` in an unquoted value")
                .at(
                    self.span(line, column, 1),
                    "YAML reads this as one more key",
                )
                .help("quote the whole value"),
        )
    }

    fn quoted_then_colon(&self, line: usize) -> Option<Diagnostic> {
        let parts = split(self.text(line)).filter(|parts| parts.before > 0)?;
        let quote = parts
            .value
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\''))?;
        let end = closing(parts.value, quote)?;
        let rest: String = parts.value.chars().skip(end + 1).collect();
        rest.trim_start().starts_with(':').then(|| {
            Diagnostic::error(CODE, "second `: ` in a value")
                .at(
                    self.span(line, parts.before + end + 2, 1),
                    "YAML reads this as one more key",
                )
                .help("quote the whole value")
        })
    }

    /// `key:value` where a key was expected.
    fn space_missing(&self) -> Option<Diagnostic> {
        self.candidates().find_map(|line| {
            let text = self.text(line);
            let content = text.trim_start_matches([' ', '-']);
            let before = text.chars().count() - content.chars().count();
            let name: String = content
                .chars()
                .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | '\''))
                .collect();
            let rest = content.strip_prefix(name.as_str())?.strip_prefix(':')?;
            let glued = !name.is_empty()
                && rest.starts_with(|c: char| !c.is_whitespace() && c != ':' && c != '/');
            (glued && !content.contains(": ")).then(|| {
                Diagnostic::error(CODE, "no space after the colon")
                    .at(
                        self.span(line, before + name.chars().count() + 1, 1),
                        "a key ends with a colon and a space",
                    )
                    .help(format!("write `{name}: {rest}`"))
            })
        })
    }

    fn flow(&self, info: &str) -> Option<Diagnostic> {
        if !["flow", "illegal placement", "','", "end of stream"]
            .iter()
            .any(|part| info.contains(part))
        {
            return None;
        }
        let open = |line: &usize, pair: (char, char)| {
            let text = self.text(*line);
            text.matches(pair.0).count() > text.matches(pair.1).count()
        };
        let from = self.line.min(self.lines.len());
        let (name, pair) = [("list", ('[', ']')), ("mapping", ('{', '}'))]
            .into_iter()
            .find(|(_, pair)| (1..=from).rev().any(|line| open(&line, *pair)))?;
        let line = (1..=from).rev().find(|line| open(line, pair))?;
        let column = self
            .text(line)
            .chars()
            .position(|c| c == pair.0)
            .map_or(1, |at| at + 1);
        Some(
            Diagnostic::error(
                CODE,
                format!("{name} in brackets that is never closed, or lacks a comma"),
            )
            .at(self.span(line, column, 1), "starts here")
            .help(format!(
                "separate the items with `, ` and close it with `{}`",
                pair.1
            )),
        )
    }

    fn indentation(&self) -> Option<Diagnostic> {
        let indent = |line: usize| self.text(line).chars().take_while(|c| *c == ' ').count();
        let text = self.text(self.line);
        if text.trim().is_empty() || text.trim_start().starts_with('#') {
            return None;
        }
        let here = indent(self.line);
        let earlier = (1..self.line).rev().filter(|line| {
            let text = self.text(*line).trim_start();
            !text.is_empty() && !text.starts_with('#')
        });
        // The nearest line before that is not deeper: a neighbour, or the parent.
        let neighbour = earlier
            .clone()
            .find(|line| indent(*line) <= here)
            .or_else(|| earlier.clone().next())?;
        let there = indent(neighbour);
        if there == here {
            let is_item = |line: usize| self.text(line).trim_start().starts_with("- ");
            return (is_item(neighbour) != is_item(self.line)).then(|| {
                Diagnostic::error(CODE, "list items and keys side by side")
                    .at(
                        self.span(self.line, here + 1, 1),
                        if is_item(self.line) {
                            "a list item"
                        } else {
                            "a key"
                        },
                    )
                    .and_at(
                        self.span(neighbour, there + 1, 1),
                        if is_item(neighbour) {
                            "a list item"
                        } else {
                            "a key"
                        },
                    )
                    .help("indent what belongs to the line above it further")
            });
        }
        Some(
            Diagnostic::error(CODE, "bad indentation")
                .at(
                    self.span(self.line, here + 1, 1),
                    format!("{here} spaces fit nothing above"),
                )
                .and_at(
                    self.span(neighbour, there + 1, 1),
                    format!("this has {there}"),
                )
                .help(
                    "indent what belongs together equally, and children deeper than their parent",
                ),
        )
    }
}

/// Takes `- - key: value` apart. A line without a key is all value.
fn split(line: &str) -> Option<Parts<'_>> {
    let mut rest = line.trim_start();
    while let Some(after) = rest.strip_prefix("- ") {
        rest = after.trim_start();
    }
    if rest.is_empty() || rest.starts_with('#') {
        return None;
    }
    if !rest.starts_with(['"', '\'', '{', '['])
        && let Some(at) = rest.find(": ")
        && let Some(value) = rest.get(at + 2..)
    {
        rest = value.trim_start();
    }
    Some(Parts {
        value: rest,
        before: line.chars().count() - rest.chars().count(),
    })
}

/// Returns the index in characters of the quote that closes the value.
fn closing(value: &str, quote: char) -> Option<usize> {
    let mut characters = value.chars().enumerate().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\\' && quote == '"' {
            characters.next();
        } else if character == quote {
            if quote == '\'' && characters.peek().is_some_and(|(_, next)| *next == '\'') {
                characters.next();
            } else {
                return Some(at);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::diag::SourceMap;
    use crate::yaml::{LoadOptions, load};

    fn first(text: &str) -> (String, u32, u32) {
        let errors = load(&SourceMap::default(), "t", text, &LoadOptions::default()).unwrap_err();
        let error = &errors[0];
        (
            error.headline.clone(),
            error.span().line,
            error.span().column,
        )
    }

    #[test]
    fn mistakes_are_explained_at_their_place() {
        for (text, headline, line, column) in [
            ("a:\n\t- b\n", "tab in the indentation", 2, 1),
            (
                "a: 1\nb: {{ c }}\n",
                "template without quotes at the start of a value",
                2,
                4,
            ),
            (
                "- name: {{ c }}/x\n  b: 1\n",
                "template without quotes at the start of a value",
                1,
                9,
            ),
            ("a: \"x\nb: 1\n", "quote that is never closed", 1, 4),
            ("a: 'x\nb: 1\n", "quote that is never closed", 1, 4),
            ("a: \"b\" c\n", "text after the closing quote", 1, 8),
            ("a: @foo\n", "value that starts with `@`", 1, 4),
            (
                "- shell: echo a: b\n",
                "second `: ` in an unquoted value",
                1,
                16,
            ),
            ("a: 'b' : c\n", "text after the closing quote", 1, 8),
            ("a: - b\n", "list item on the line of its key", 1, 4),
            ("a: 1\nb:2\nc: 3\n", "no space after the colon", 2, 2),
            (
                "a: [1, 2\nb: 3\n",
                "list in brackets that is never closed, or lacks a comma",
                1,
                4,
            ),
            ("a:\n  b: 1\n c: 2\n", "bad indentation", 3, 2),
            ("- a\nb: 1\n", "list items and keys side by side", 2, 1),
            ("a: 1\n b: 2\n", "bad indentation", 2, 2),
        ] {
            assert_eq!(first(text), (headline.to_owned(), line, column), "{text}");
        }
    }
}
