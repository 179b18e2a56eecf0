//! The tree that the loader makes.

use std::sync::Arc;

use crate::diag::Span;
use crate::value::Kind;

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'...'`.
    SingleQuoted,
    /// `"..."`.
    DoubleQuoted,
    /// `|`.
    Literal,
    /// `>`.
    Folded,
}

/// A tag that still matters after loading. Tags of YAML's own scalar types have done their work by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// None, or one that changed nothing.
    None,
    /// `!unsafe`: nothing in it is ever a template.
    Unsafe,
    /// `!vault` or `!vault-encrypted`.
    Vault,
    /// No tag of YAML: it came out of an encrypted file.
    Secret,
    /// `!!set`.
    Set,
    /// `!!omap` or `!!pairs`.
    Pairs,
}

/// A scalar: its text, and what it means.
#[derive(Clone, Debug)]
pub struct Scalar {
    /// The decoded text.
    pub text: Arc<str>,
    /// How it was written.
    pub style: Style,
    /// What it is: never a list, dictionary, tuple or undefined.
    pub kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    Sequence(Arc<Vec<Node>>),
    /// A mapping, merge keys joined in, in the order of the dictionary that it makes. A duplicate key is here twice: the last
    /// one counts.
    Mapping(Arc<Vec<(Node, Node)>>),
}

/// A piece of YAML with its place. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it starts. A scalar's place is its first character: the quote, the `|` or the letter.
    pub span: Span,
    /// What its tag asks for.
    pub tag: Tag,
    /// What it is.
    pub kind: NodeKind,
}

impl Node {
    /// Returns a node that is null, at that place.
    pub fn null(span: Span) -> Self {
        let scalar = Scalar {
            text: "".into(),
            style: Style::Plain,
            kind: Kind::Null,
        };
        Self {
            span,
            tag: Tag::None,
            kind: NodeKind::Scalar(scalar),
        }
    }

    /// Tells whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(
            &self.kind,
            NodeKind::Scalar(Scalar {
                kind: Kind::Null,
                ..
            })
        )
    }

    /// Returns the scalar, if this is one.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.kind {
            NodeKind::Scalar(scalar) => Some(scalar),
            NodeKind::Sequence(_) | NodeKind::Mapping(_) => None,
        }
    }

    /// Returns the text, if this is text (`5` and `yes` are not).
    pub fn as_str(&self) -> Option<&str> {
        match self.as_scalar()?.kind {
            Kind::Str(_) => self.as_scalar().map(|scalar| &*scalar.text),
            _ => None,
        }
    }

    /// Returns the truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.as_scalar()?.kind {
            Kind::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the integer, if this is one that fits.
    pub fn as_int(&self) -> Option<i64> {
        match self.as_scalar()?.kind {
            Kind::Int(value) => Some(value),
            _ => None,
        }
    }

    /// Returns the items, if this is a list.
    pub fn as_sequence(&self) -> Option<&[Self]> {
        match &self.kind {
            NodeKind::Sequence(items) => Some(items),
            NodeKind::Scalar(_) | NodeKind::Mapping(_) => None,
        }
    }

    /// Returns keys and values, if this is a mapping.
    pub fn as_mapping(&self) -> Option<&[(Self, Self)]> {
        match &self.kind {
            NodeKind::Mapping(pairs) => Some(pairs),
            NodeKind::Scalar(_) | NodeKind::Sequence(_) => None,
        }
    }

    /// Returns the value of a text key, the last one where it stands twice.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Returns the key and the value of a text key, the last one where it stands twice.
    pub fn entry(&self, key: &str) -> Option<&(Self, Self)> {
        self.as_mapping()?
            .iter()
            .rev()
            .find(|(name, _)| name.as_str() == Some(key))
    }

    /// Returns the name of the type as a message gives it: `a list`, `text`.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            NodeKind::Sequence(_) => "a list",
            NodeKind::Mapping(_) => "a mapping",
            NodeKind::Scalar(scalar) => match scalar.kind {
                Kind::Null => "empty",
                Kind::Bool(_) => "true or false",
                Kind::Int(_) | Kind::Big(_) => "an integer",
                Kind::Float(_) => "a number",
                Kind::Moment(_) => "a date",
                Kind::Bytes(_) => "binary data",
                Kind::Str(_)
                | Kind::List(_)
                | Kind::Tuple(_)
                | Kind::Dict(_)
                | Kind::Undefined(_) => "text",
            },
        }
    }
}
