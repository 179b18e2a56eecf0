//! The one shape of a message about a mistake.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::source::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// The run goes on.
    Warning,
    /// The run, or the host's part of it, ends.
    Error,
}

/// A place with a short text about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is to be said of this place; may be empty.
    pub text: String,
}

/// A mistake as data: code, headline, places, context, and the next step.
///
/// The headline alone must make sense: a lowercase fragment without a full stop that says what is wrong, names in backticks.
/// Labels say what is wrong *here*; notes give context (task, role, play, host); help says what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Stable name in kebab-case, as `kplay explain CODE` takes it.
    pub code: Cow<'static, str>,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub headline: String,
    /// The place that the message is about.
    pub primary: Option<Label>,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// Context, a line each.
    pub notes: Vec<String>,
    /// What to do, a line each.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// Returns an error with that code and headline.
    pub fn error(code: impl Into<Cow<'static, str>>, headline: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            severity: Severity::Error,
            headline: headline.into(),
            primary: None,
            secondary: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Returns a warning with that code and headline.
    pub fn warning(code: impl Into<Cow<'static, str>>, headline: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, headline)
        }
    }

    /// Adds the place that the message is about, with what is to be said of it (may be empty). [`Span::NONE`] adds nothing.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        if span.is_some() {
            self.primary = Some(Label {
                span,
                text: text.into(),
            });
        }
        self
    }

    /// Adds another place. [`Span::NONE`] adds nothing.
    #[must_use]
    pub fn and_at(mut self, span: Span, text: impl Into<String>) -> Self {
        if span.is_some() {
            self.secondary.push(Label {
                span,
                text: text.into(),
            });
        }
        self
    }

    /// Adds a line of context.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds a next step.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Returns where the message is about, or [`Span::NONE`].
    pub fn span(&self) -> Span {
        self.primary.as_ref().map_or(Span::NONE, |label| label.span)
    }

    /// Tells whether this is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
