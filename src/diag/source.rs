//! The texts that a run has read, and places in them.
//!
//! Loaders add every text to the [`SourceMap`] and keep only a [`Span`]; the renderers look the line up again when there is
//! something to say about it. File numbers come from the controller and mean nothing to a host, which only carries them.

use std::sync::{Arc, RwLock};

use serde::{Deserialize, Serialize};

/// The number of a text in the [`SourceMap`]; 0 is no text at all.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct FileId(pub u32);

/// A place in a text: `length` characters from `column` of `line`, both counted from 1.
///
/// [`Span::NONE`] (file 0) stands for "nowhere", as for a value that a host made.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Span {
    /// The text.
    pub file: FileId,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// How many characters the place covers on its line; 0 is a point.
    pub length: u32,
}

impl Span {
    /// No place.
    pub const NONE: Self = Self {
        file: FileId(0),
        line: 0,
        column: 0,
        length: 0,
    };

    /// Returns the place of `length` characters at `line` and `column` (both from 1) of `file`.
    pub fn new(file: FileId, line: u32, column: u32, length: u32) -> Self {
        Self {
            file,
            line,
            column,
            length,
        }
    }

    /// Tells whether this is a place in a text.
    pub fn is_some(self) -> bool {
        self.file.0 != 0
    }

    /// Returns this place, or `other` where this is none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self.is_some() { self } else { other }
    }
}

/// One text with the name under which messages show it.
#[derive(Debug)]
pub struct Source {
    /// The path as the user would type it, or a name such as `<command line>`.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
    /// A decrypted text: it is never excerpted in a message.
    pub secret: bool,
}

/// The texts of a run, shared by all who load and all who report. Cloning shares.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    sources: Arc<RwLock<Vec<Arc<Source>>>>,
}

impl SourceMap {
    /// Adds a text and returns its number.
    pub fn add(&self, name: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        self.push(Source {
            name: name.into(),
            text: text.into(),
            secret: false,
        })
    }

    /// Adds a decrypted text, of which no line is ever shown.
    pub fn add_secret(&self, name: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        self.push(Source {
            name: name.into(),
            text: text.into(),
            secret: true,
        })
    }

    fn push(&self, source: Source) -> FileId {
        let mut sources = self
            .sources
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        sources.push(Arc::new(source));
        FileId(u32::try_from(sources.len()).unwrap_or(0))
    }

    /// Returns the text of that number.
    pub fn get(&self, file: FileId) -> Option<Arc<Source>> {
        let index = usize::try_from(file.0).ok()?.checked_sub(1)?;
        self.sources
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .get(index)
            .cloned()
    }

    /// Returns `name:line:column`, or nothing for [`Span::NONE`].
    pub fn place(&self, span: Span) -> Option<String> {
        let source = self.get(span.file)?;
        Some(format!("{}:{}:{}", source.name, span.line, span.column))
    }

    /// Returns the line that the place lies on, unless its text is secret.
    pub fn line(&self, span: Span) -> Option<String> {
        let source = self.get(span.file)?;
        if source.secret {
            return None;
        }
        let index = usize::try_from(span.line).ok()?.checked_sub(1)?;
        source.text.lines().nth(index).map(str::to_owned)
    }
}
