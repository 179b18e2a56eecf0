//! What can go wrong while a template is evaluated.

use crate::diag::{Diagnostic, Span};
use crate::value::Fault;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// An undefined name or a failure of an operator, filter, test or lookup.
    #[error("{}", .0.message)]
    Fault(Fault),
    /// The text is not a template: a mistake that is found when it is parsed.
    #[error("{message}")]
    Syntax {
        /// What is wrong, as a fragment.
        message: String,
        /// Where, in the file.
        span: Span,
    },
    /// It needs something that only the controller has; whoever evaluates on a host hands the step back.
    #[error("{0} can only be evaluated on the controller")]
    Elsewhere(String),
}

impl TemplateError {
    /// Returns an error (not an undefined value) with that message.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Fault(Fault {
            undefined: false,
            message: message.into(),
            span: Span::NONE,
            help: None,
            within: None,
        })
    }

    /// Returns what a diagnostic says, its place and the next step too.
    pub fn of(diagnostic: Diagnostic) -> Self {
        let span = diagnostic.span();
        let mut message = diagnostic.headline;
        for help in diagnostic.help {
            message.push_str("; ");
            message.push_str(&help);
        }
        Self::new(message).at(span)
    }

    /// Returns the error with that place, where it has none of its own yet.
    #[must_use]
    pub fn at(self, place: Span) -> Self {
        match self {
            Self::Fault(fault) => Self::Fault(Fault {
                span: fault.span.or(place),
                ..fault
            }),
            Self::Syntax { message, span } => Self::Syntax {
                message,
                span: span.or(place),
            },
            Self::Elsewhere(what) => Self::Elsewhere(what),
        }
    }

    /// Tells whether this comes from an undefined name or attribute.
    pub fn is_undefined(&self) -> bool {
        matches!(self, Self::Fault(fault) if fault.undefined)
    }
}

impl From<Fault> for TemplateError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<TemplateError> for Diagnostic {
    fn from(error: TemplateError) -> Self {
        match error {
            TemplateError::Fault(fault) => {
                let code = if fault.undefined {
                    "undefined-variable"
                } else {
                    "template-failed"
                };
                let diagnostic = Self::error(code, fault.message).at(fault.span, "");
                match fault.help {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic,
                }
            }
            TemplateError::Syntax { message, span } => {
                Self::error("template-syntax", message).at(span, "")
            }
            TemplateError::Elsewhere(what) => {
                Self::error("internal", format!("{what} was evaluated on a host"))
            }
        }
    }
}
