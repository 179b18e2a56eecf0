//! YAML and JSON in: nodes of the loader into the tree of SOPS and back, with types as Go sees them.

use std::sync::Arc;

use super::comments::{Found, comments};
use crate::diag::{Diagnostic, SourceMap, Span};
use crate::sops::error::SopsError;
use crate::sops::scalar::{resolve, yaml_text};
use crate::sops::tree::{Comment, Entry, Item, Leaf, Name, Scalar, Tree};
use crate::value::Kind;
use crate::yaml::{self, DuplicateKeys, LoadOptions, Node, NodeKind, Style, Tag, resolve_plain};

/// Reads a text; `yaml` is false where it must be JSON.
pub(super) fn read(
    content: &[u8],
    name: &str,
    sources: &SourceMap,
    yaml: bool,
) -> Result<Tree, SopsError> {
    let format = if yaml { "YAML" } else { "JSON" };
    let wrong = |why: String, span: Span| SopsError::Format { format, why, span };
    let options = LoadOptions {
        duplicates: DuplicateKeys::Error,
        secret: false,
    };
    let document = yaml::load_bytes(sources, name, content, &options).map_err(|diagnostics| {
        let first = diagnostics.into_iter().find(Diagnostic::is_error);
        let span = first.as_ref().map_or(Span::NONE, Diagnostic::span);
        wrong(first.map_or_else(String::new, |first| first.headline), span)
    })?;
    let source = sources.get(document.file);
    let text = source.as_ref().map_or("", |source| &*source.text);
    if !yaml && !text.trim_start().starts_with('{') {
        return Err(wrong(
            "it does not begin with `{`".to_owned(),
            document.root.span,
        ));
    }
    if document.root.is_null() {
        return Ok(Tree::map([]));
    }
    if document.root.as_mapping().is_none() {
        let why = format!("it holds {}, not a mapping", document.root.describe());
        return Err(wrong(why, document.root.span));
    }
    from_node(&document.root, text, yaml)
}

/// Returns the tree of a node; `text` is what it was read from.
pub(in crate::sops) fn from_node(root: &Node, text: &str, yaml: bool) -> Result<Tree, SopsError> {
    let found = if yaml {
        comments(text, root)
    } else {
        Vec::new()
    };
    let mut reader = Reader {
        found: found.into_iter().peekable(),
        yaml,
    };
    reader.tree(root, u32::MAX)
}

struct Reader {
    found: std::iter::Peekable<std::vec::IntoIter<Found>>,
    yaml: bool,
}

impl Reader {
    /// Takes the comments before a line; behind the end of a list or mapping only those that stand as far right as it.
    fn before(&mut self, line: u32, column: u32) -> Vec<Comment> {
        let mut taken = Vec::new();
        while let Some(found) = self
            .found
            .next_if(|found| found.line < line && found.column >= column)
        {
            taken.push(Comment {
                text: found.text,
                inline: false,
            });
        }
        taken
    }

    /// Takes the comment behind a value.
    fn behind(&mut self, node: &Node, limit: u32) -> Vec<Comment> {
        let alone = node.as_scalar().is_some();
        let taken = self.found.next_if(|found| {
            let own = found.line >= node.span.line && found.line < limit;
            found.inline && (own && alone)
        });
        taken
            .map(|found| Comment {
                text: found.text,
                inline: true,
            })
            .into_iter()
            .collect()
    }

    fn tree(&mut self, node: &Node, limit: u32) -> Result<Tree, SopsError> {
        match &node.kind {
            NodeKind::Scalar(scalar) => {
                let leaf = self.leaf(scalar);
                Ok(Tree::Scalar(Scalar::new(leaf, node.span)))
            }
            NodeKind::Sequence(nodes) => {
                let mut items = Vec::new();
                for (at, node) in nodes.iter().enumerate() {
                    let next = nodes.get(at + 1).map_or(limit, |next| next.span.line);
                    let before = self.before(node.span.line, 0);
                    items.extend(before.into_iter().map(Item::Comment));
                    let value = self.tree(node, next)?;
                    items.extend(self.behind(node, next).into_iter().map(Item::Comment));
                    items.push(Item::Value(value));
                }
                // The items stand two columns behind their dashes.
                let column = node.span.column;
                let left = self.before(limit, column);
                items.extend(left.into_iter().map(Item::Comment));
                Ok(Tree::List(items, node.span))
            }
            NodeKind::Mapping(pairs) => {
                let mut entries = Vec::new();
                for (at, (key, value)) in pairs.iter().enumerate() {
                    let next = pairs.get(at + 1).map_or(limit, |(next, _)| next.span.line);
                    let Some(text) = key.as_scalar().map(|scalar| &scalar.text) else {
                        return Err(SopsError::Format {
                            format: "a file for SOPS",
                            why: "a key is no text".to_owned(),
                            span: key.span,
                        });
                    };
                    let before = self.before(key.span.line, 0);
                    entries.extend(before.into_iter().map(Entry::Comment));
                    let name = Name {
                        text: text.to_string(),
                        span: key.span,
                    };
                    let own = self.tree(value, next)?;
                    entries.extend(self.behind(value, next).into_iter().map(Entry::Comment));
                    entries.push(Entry::Pair(name, own));
                }
                let column = pairs.first().map_or(0, |(key, _)| key.span.column);
                let left = self.before(limit, column);
                entries.extend(left.into_iter().map(Entry::Comment));
                Ok(Tree::Map(entries, node.span))
            }
        }
    }

    fn leaf(&self, scalar: &yaml::Scalar) -> Leaf {
        if scalar.style != Style::Plain {
            return Leaf::Text(scalar.text.to_string());
        }
        if self.yaml {
            return resolve(&scalar.text);
        }
        match &scalar.kind {
            Kind::Null => Leaf::Null,
            Kind::Bool(flag) => Leaf::Bool(*flag),
            Kind::Int(number) => Leaf::Int(*number),
            Kind::Float(number) => Leaf::Float(*number),
            Kind::Big(_) => scalar
                .text
                .parse()
                .map_or_else(|_| Leaf::Text(scalar.text.to_string()), Leaf::Float),
            _ => Leaf::Text(scalar.text.to_string()),
        }
    }
}

/// Returns a decrypted tree as a node, with the places of the file. Values have the types that they get when SOPS prints the
/// file and Ansible reads that.
pub(in crate::sops) fn to_node(tree: &Tree, yaml: bool) -> Node {
    match tree {
        Tree::Scalar(scalar) => scalar_node(scalar, yaml),
        Tree::List(_, span) => Node {
            span: *span,
            tag: Tag::None,
            kind: NodeKind::Sequence(Arc::new(
                tree.values().map(|value| to_node(value, yaml)).collect(),
            )),
        },
        Tree::Map(entries, span) => {
            let pairs = entries.iter().filter_map(|entry| match entry {
                Entry::Pair(name, value) => {
                    let key = Scalar::new(Leaf::Text(name.text.clone()), name.span);
                    Some((scalar_node(&key, yaml), to_node(value, yaml)))
                }
                Entry::Comment(_) => None,
            });
            Node {
                span: *span,
                tag: Tag::None,
                kind: NodeKind::Mapping(Arc::new(pairs.collect())),
            }
        }
    }
}

fn scalar_node(scalar: &Scalar, yaml: bool) -> Node {
    let text: Arc<str> = yaml_text(&scalar.leaf).into();
    let (kind, style) = match &scalar.leaf {
        Leaf::Text(_) => (Kind::Str(text.clone()), Style::DoubleQuoted),
        Leaf::Bytes(bytes) => (Kind::Bytes(bytes.as_slice().into()), Style::DoubleQuoted),
        Leaf::Float(number) if !yaml && number.fract() != 0.0 => {
            (Kind::Float(*number), Style::Plain)
        }
        Leaf::Time(_) if !yaml => (Kind::Str(text.clone()), Style::DoubleQuoted),
        _ => {
            let kind = resolve_plain(&text).unwrap_or_else(|_| Kind::Str(text.clone()));
            (kind, Style::Plain)
        }
    };
    Node {
        span: scalar.span,
        tag: if scalar.secret {
            Tag::Secret
        } else {
            Tag::None
        },
        kind: NodeKind::Scalar(yaml::Scalar { text, style, kind }),
    }
}
