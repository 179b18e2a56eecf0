//! `ansible.cfg` as Python's `configparser` reads it for Ansible: keys without case, `=` or `:`, whole-line comments with `#`
//! and `;`, `;` after a blank inside a line, values over several indented lines.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, FileId, Span};

/// A value with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) value: String,
    pub(super) key: Span,
    pub(super) place: Span,
}

/// `section.key` to value.
pub(super) type Entries = BTreeMap<(String, String), Entry>;

fn mistake(headline: impl Into<String>, span: Span) -> Diagnostic {
    Diagnostic::error("config-syntax", headline).at(span, "")
}

fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// Reads the text, or says all that is wrong with it.
pub(super) fn read(text: &str, file: FileId) -> Result<Entries, Vec<Diagnostic>> {
    let mut entries = Entries::new();
    let mut errors = Vec::new();
    let mut sections: BTreeMap<String, Span> = BTreeMap::new();
    let mut section: Option<String> = None;
    // The entry whose value may go on, and how far its key was indented.
    let mut open: Option<((String, String), usize)> = None;
    for (line, row) in text.lines().zip(1u32..) {
        let content = without_comment(line);
        let trimmed = content.trim();
        let indent = content.chars().take_while(|c| c.is_whitespace()).count();
        let span =
            |column: usize, length: usize| Span::new(file, row, number(column + 1), number(length));
        if trimmed.is_empty() {
            // An empty line may stand inside of a value; a comment does not end one either.
            if line.trim().is_empty()
                && let Some(entry) = open.as_ref().and_then(|(key, _)| entries.get_mut(key))
            {
                entry.value.push('\n');
            }
            continue;
        }
        if let Some((key, depth)) = &open
            && indent > *depth
            && let Some(entry) = entries.get_mut(key)
        {
            entry.value.push('\n');
            entry.value.push_str(trimmed);
            continue;
        }
        open = None;
        let whole = span(indent, trimmed.chars().count());
        if let Some((name, _)) = trimmed
            .strip_prefix('[')
            .and_then(|rest| rest.rsplit_once(']'))
        {
            if let Some(first) = sections.insert(name.to_owned(), whole) {
                errors.push(
                    mistake(format!("section `[{name}]` stands twice"), whole)
                        .and_at(first, "first here"),
                );
            }
            section = Some(name.to_owned());
            continue;
        }
        let Some(section) = &section else {
            errors.push(
                mistake("a setting before the first section", whole)
                    .help("put `[defaults]` above it"),
            );
            continue;
        };
        let Some((name, value)) = trimmed.split_once(['=', ':']) else {
            errors.push(mistake(
                format!("expected `name = value`, got `{trimmed}`"),
                whole,
            ));
            continue;
        };
        let key = (section.clone(), name.trim().to_lowercase());
        let column = indent
            + name.chars().count()
            + 1
            + (value.chars().count() - value.trim_start().chars().count());
        let entry = Entry {
            value: value.trim().to_owned(),
            key: span(indent, name.trim().chars().count()),
            place: span(column, value.trim().chars().count()),
        };
        if let Some(first) = entries.get(&key) {
            errors.push(
                mistake(
                    format!("`{}` stands twice in `[{section}]`", key.1),
                    entry.key,
                )
                .and_at(first.key, "first here"),
            );
            continue;
        }
        entries.insert(key.clone(), entry);
        open = Some((key, indent));
    }
    for entry in entries.values_mut() {
        entry.value.truncate(entry.value.trim_end().len());
    }
    if errors.is_empty() {
        Ok(entries)
    } else {
        Err(errors)
    }
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with(['#', ';']) {
        return "";
    }
    let mut previous = ' ';
    for (at, character) in line.char_indices() {
        if character == ';' && previous.is_whitespace() {
            return line.get(..at).unwrap_or_default();
        }
        previous = character;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        let entries = read(text, FileId(1)).unwrap();
        entries
            .iter()
            .map(|((section, key), entry)| format!("{section}.{key}={}", entry.value))
            .collect()
    }

    /// Expected values from Python's `configparser` with `;` as the inline comment.
    #[test]
    fn text_reads_as_configparser_reads_it() {
        assert_eq!(
            values(
                "# c\n[defaults]\nForks = 10 ; c\nroles_path: a:b\n; c\nlist = a,\n  b\n # no\n  c\n\nx=1#2\ny = \n[d e]\nz = a;b\n"
            ),
            [
                "d e.z=a;b",
                "defaults.forks=10",
                "defaults.list=a,\nb\nc",
                "defaults.roles_path=a:b",
                "defaults.x=1#2",
                "defaults.y="
            ]
        );
    }

    #[test]
    fn mistakes_have_a_place() {
        for (text, headline, line) in [
            ("forks = 1\n", "a setting before the first section", 1),
            ("[a]\nx\n", "expected `name = value`, got `x`", 2),
            ("[a]\nx=1\nX=2\n", "`x` stands twice in `[a]`", 3),
            ("[a]\n[b]\n[a]\n", "section `[a]` stands twice", 3),
        ] {
            let errors = read(text, FileId(1)).unwrap_err();
            assert_eq!(
                (errors[0].headline.as_str(), errors[0].span().line),
                (headline, line),
                "{text}"
            );
        }
    }
}
