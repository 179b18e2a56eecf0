//! Files of lines `NAME=value`.

use crate::diag::Span;
use crate::sops::error::SopsError;
use crate::sops::scalar::flat_text;
use crate::sops::tree::{Comment, Entry, Name, Tree};

/// Reads a file. Blanks are part of names and values.
pub(super) fn read(text: &str) -> Result<Tree, SopsError> {
    let mut entries = Vec::new();
    for (line, number) in text.split('\n').zip(1..) {
        if line.is_empty() {
            continue;
        }
        if let Some(comment) = line.strip_prefix('#') {
            entries.push(Entry::Comment(Comment {
                text: comment.to_owned(),
                inline: false,
            }));
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            return Err(SopsError::Format {
                format: "a dotenv file",
                why: format!("line {number} has no `=`"),
                span: Span::NONE,
            });
        };
        let name = Name {
            text: name.to_owned(),
            span: Span::NONE,
        };
        entries.push(Entry::Pair(name, Tree::text(value.replace("\\n", "\n"))));
    }
    Ok(Tree::Map(entries, Span::NONE))
}

/// Writes a file.
pub(super) fn write(tree: &Tree) -> Result<String, SopsError> {
    let mut text = String::new();
    for entry in tree.entries() {
        match entry {
            Entry::Comment(comment) => text.push_str(&format!("#{}\n", comment.text)),
            Entry::Pair(name, Tree::Scalar(scalar)) => {
                let value = flat_text(&scalar.leaf).replace('\n', "\\n");
                text.push_str(&format!("{}={value}\n", name.text));
            }
            Entry::Pair(name, Tree::List(..) | Tree::Map(..)) => {
                return Err(SopsError::Output {
                    format: "a dotenv file",
                    why: format!("the value of `{}` is no single value", name.text),
                });
            }
        }
    }
    Ok(text)
}
