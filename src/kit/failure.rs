//! Why a module could not do its work.

use super::arguments::ArgumentError;
use super::host::HostError;
use crate::diag::Span;
use crate::value::{Dict, Value};

/// A failed module: the message, and the return values that a failed result carries besides (`rc`, `stdout`, ...).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What went wrong and, where that helps, what to do: the result's `msg`.
    pub message: String,
    /// Other return values.
    pub values: Dict,
    /// Other return values of check mode alone.
    pub in_check: Dict,
    /// The place in the playbook that is to blame, if one is.
    pub span: Span,
    /// Something had changed before it failed.
    pub changed: bool,
}

impl Failure {
    /// Returns a failure with that message.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            values: Dict::new(),
            in_check: Dict::new(),
            span: Span::NONE,
            changed: false,
        }
    }

    /// Adds a return value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name, value);
        self
    }

    /// Adds a return value of check mode alone.
    #[must_use]
    pub fn with_in_check(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.in_check.insert(name, value);
        self
    }

    /// Says that something had changed before.
    #[must_use]
    pub fn after_change(mut self) -> Self {
        self.changed = true;
        self
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<ArgumentError> for Failure {
    fn from(error: ArgumentError) -> Self {
        Self {
            span: error.span,
            ..Self::new(error.to_string())
        }
    }
}

impl PartialEq for Dict {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .all(|(key, value)| other.get_key(key) == Some(value))
    }
}
