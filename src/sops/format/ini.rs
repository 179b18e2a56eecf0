//! INI files: sections of `name = value`.

use crate::diag::Span;
use crate::sops::error::SopsError;
use crate::sops::scalar::flat_text;
use crate::sops::tree::{Comment, Entry, Name, Tree};

/// The section of what stands before the first one.
const DEFAULT: &str = "DEFAULT";

fn wrong(why: String) -> SopsError {
    SopsError::Format {
        format: "an INI file",
        why,
        span: Span::NONE,
    }
}

fn named(text: &str, value: Tree) -> Entry {
    let name = Name {
        text: text.to_owned(),
        span: Span::NONE,
    };
    Entry::Pair(name, value)
}

fn comment(text: &str) -> Entry {
    Entry::Comment(Comment {
        text: text
            .trim_start_matches([';', '#'])
            .trim_start_matches(' ')
            .to_owned(),
        inline: false,
    })
}

/// Reads a file.
pub(super) fn read(text: &str) -> Result<Tree, SopsError> {
    let mut sections: Vec<(String, Vec<Entry>)> = vec![(DEFAULT.to_owned(), Vec::new())];
    let mut pending: Vec<&str> = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if line.starts_with([';', '#']) {
            pending.push(line);
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest
                .rfind(']')
                .and_then(|at| rest.get(..at))
                .ok_or_else(|| wrong(format!("line {number} does not close its `[`")))?;
            let comments = pending.drain(..).map(comment).collect();
            sections.push((name.trim().to_owned(), comments));
            continue;
        }
        let (name, value) = line
            .split_once(['=', ':'])
            .ok_or_else(|| wrong(format!("line {number} has no `=`")))?;
        let value = value.trim();
        // Some versions of SOPS wrote lines as they are, in three quotes.
        let value = match value.strip_prefix("\"\"\"") {
            Some(first) => {
                let mut whole = first.to_owned();
                while !whole.ends_with("\"\"\"") {
                    let (next, _) = lines
                        .next()
                        .ok_or_else(|| wrong(format!("line {number} does not close its quotes")))?;
                    whole.push('\n');
                    whole.push_str(next);
                }
                whole.trim_end_matches("\"\"\"").to_owned()
            }
            None => unquoted(value).to_owned(),
        };
        if let Some((_, entries)) = sections.last_mut() {
            entries.push(named(name.trim(), Tree::text(value)));
            entries.extend(pending.drain(..).map(comment));
        }
    }
    let sections = sections
        .into_iter()
        .map(|(name, entries)| named(&name, Tree::Map(entries, Span::NONE)));
    Ok(Tree::Map(sections.collect(), Span::NONE))
}

/// Takes quotes off, or the comment behind a value without quotes.
fn unquoted(value: &str) -> &str {
    for quote in ['`', '"', '\''] {
        if let Some(rest) = value.strip_prefix(quote)
            && let Some(inner) = rest.strip_suffix(quote)
        {
            return inner;
        }
    }
    let end = [" #", " ;"]
        .iter()
        .filter_map(|mark| value.find(mark))
        .min();
    value
        .get(..end.unwrap_or(value.len()))
        .unwrap_or(value)
        .trim()
}

/// Writes a file, the equals signs of a section below one another.
pub(super) fn write(tree: &Tree) -> Result<String, SopsError> {
    let mut parts = Vec::new();
    for entry in tree.entries() {
        let Entry::Pair(name, section) = entry else {
            continue;
        };
        let Tree::Map(entries, _) = section else {
            return Err(SopsError::Output {
                format: "an INI file",
                why: format!("`{}` is no section", name.text),
            });
        };
        if name.text == DEFAULT && entries.is_empty() {
            continue;
        }
        parts.push(write_section(&name.text, entries)?);
    }
    Ok(parts.join("\n"))
}

fn write_section(name: &str, entries: &[Entry]) -> Result<String, SopsError> {
    let mut text = String::new();
    let mut entries = entries.iter().peekable();
    while let Some(Entry::Comment(comment)) =
        entries.next_if(|entry| matches!(entry, Entry::Comment(_)))
    {
        text.push_str(&format!("; {}\n", comment.text));
    }
    text.push_str(&format!("[{name}]\n"));
    let rest: Vec<&Entry> = entries.collect();
    let width = rest
        .iter()
        .filter_map(|entry| match entry {
            Entry::Pair(name, _) => Some(name.text.chars().count()),
            Entry::Comment(_) => None,
        })
        .max()
        .unwrap_or(0);
    let mut rest = rest.into_iter().peekable();
    while let Some(entry) = rest.next() {
        let Entry::Pair(name, value) = entry else {
            continue;
        };
        // A comment stands behind its value in the tree and above it in the file.
        while let Some(Entry::Comment(comment)) =
            rest.next_if(|entry| matches!(entry, Entry::Comment(_)))
        {
            text.push_str(&format!("; {}\n", comment.text));
        }
        let Tree::Scalar(scalar) = value else {
            return Err(SopsError::Output {
                format: "an INI file",
                why: format!("the value of `{}` is no single value", name.text),
            });
        };
        let value = quoted(&flat_text(&scalar.leaf));
        text.push_str(&format!("{:width$} = {value}\n", name.text));
    }
    Ok(text)
}

fn quoted(value: &str) -> String {
    if value.contains(['\n', '`']) {
        format!("\"\"\"{value}\"\"\"")
    } else if value.contains(['#', ';']) {
        format!("`{value}`")
    } else if value.trim() != value {
        format!("\"{value}\"")
    } else {
        value.to_owned()
    }
}
