//! What a SOPS file holds, whatever its format: an ordered tree with its comments.

use crate::diag::Span;

/// A single value in Go's types, which the MAC is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Leaf {
    Null,
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// RFC 3339.
    Time(String),
    Bytes(Vec<u8>),
    /// A list may hold one as an encrypted value.
    Comment(String),
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scalar {
    pub(super) leaf: Leaf,
    pub(super) span: Span,
    /// It was encrypted.
    pub(super) secret: bool,
}

impl Scalar {
    pub(super) fn new(leaf: Leaf, span: Span) -> Self {
        Self {
            leaf,
            span,
            secret: false,
        }
    }

    /// Returns the text, if it is text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.leaf {
            Leaf::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A comment without its `#`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Comment {
    pub(super) text: String,
    /// It stands behind a value on the same line.
    pub(super) inline: bool,
}

/// The name of an entry.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) span: Span,
}

/// A value, a list or a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Scalar(Scalar),
    List(Vec<Item>, Span),
    Map(Vec<Entry>, Span),
}

/// What a list holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Comment(Comment),
    Value(Tree),
}

/// What a mapping holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    Comment(Comment),
    Pair(Name, Tree),
}

impl Tree {
    /// Returns a value without a place.
    pub(super) fn leaf(leaf: Leaf) -> Self {
        Self::Scalar(Scalar::new(leaf, Span::NONE))
    }

    /// Returns text without a place.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::leaf(Leaf::Text(text.into()))
    }

    /// Returns a mapping without comments or places.
    pub(super) fn map(pairs: impl IntoIterator<Item = (String, Self)>) -> Self {
        let entry = |(text, value)| {
            let name = Name {
                text,
                span: Span::NONE,
            };
            Entry::Pair(name, value)
        };
        Self::Map(pairs.into_iter().map(entry).collect(), Span::NONE)
    }

    /// Returns a list without comments or places.
    pub(super) fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(items.into_iter().map(Item::Value).collect(), Span::NONE)
    }

    /// Returns the entries of a mapping.
    pub(super) fn entries(&self) -> &[Entry] {
        match self {
            Self::Map(entries, _) => entries,
            Self::Scalar(_) | Self::List(..) => &[],
        }
    }

    /// Returns the values of a list.
    pub(super) fn values(&self) -> impl Iterator<Item = &Self> {
        let items = match self {
            Self::List(items, _) => items.as_slice(),
            Self::Scalar(_) | Self::Map(..) => &[],
        };
        items.iter().filter_map(|item| match item {
            Item::Value(value) => Some(value),
            Item::Comment(_) => None,
        })
    }

    /// Returns a mapping's value of that name.
    pub(super) fn get(&self, wanted: &str) -> Option<&Self> {
        self.entries().iter().find_map(|entry| match entry {
            Entry::Pair(name, value) if name.text == wanted => Some(value),
            Entry::Pair(..) | Entry::Comment(_) => None,
        })
    }

    /// Returns the text, if this is text or a time.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Scalar(Scalar {
                leaf: Leaf::Text(text) | Leaf::Time(text),
                ..
            }) => Some(text),
            _ => None,
        }
    }

    /// Collects the texts in it that were encrypted.
    pub(super) fn secrets(&self, found: &mut Vec<String>) {
        match self {
            Self::Scalar(scalar) => {
                let text = scalar.text().filter(|_| scalar.secret);
                found.extend(text.map(str::to_owned));
            }
            Self::List(..) => self.values().for_each(|value| value.secrets(found)),
            Self::Map(entries, _) => {
                for entry in entries {
                    if let Entry::Pair(_, value) = entry {
                        value.secrets(found);
                    }
                }
            }
        }
    }

    /// Returns where it stands.
    pub(super) fn span(&self) -> Span {
        match self {
            Self::Scalar(scalar) => scalar.span,
            Self::List(_, span) | Self::Map(_, span) => *span,
        }
    }
}
