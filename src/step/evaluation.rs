//! Evaluating a step's keywords: rendered, and read as what the keyword wants.

use crate::diag::Diagnostic;
use crate::kit::Failure;
use crate::template::{Scope, TemplateError};
use crate::value::{Kind, Value};
use crate::vars::{Found, Variables};

use super::StepContext;

/// A step's surroundings with the variables that hold just now (loop variables, a result on trial).
#[derive(Clone, Copy)]
pub(super) struct Evaluation<'a> {
    pub(super) context: &'a StepContext<'a>,
    pub(super) variables: &'a dyn Variables,
}

impl<'a> Evaluation<'a> {
    /// Returns the same surroundings with other variables.
    pub(super) fn with<'b>(&self, variables: &'b dyn Variables) -> Evaluation<'b>
    where
        'a: 'b,
    {
        Evaluation {
            context: self.context,
            variables,
        }
    }

    pub(super) fn scope(&self) -> Scope<'a> {
        Scope {
            variables: self.variables,
            outside: self.context.outside,
            sources: self.context.sources,
        }
    }

    /// Renders a value, deep inside too.
    pub(super) fn render(&self, value: &Value) -> Result<Value, TemplateError> {
        self.context.templar.render(value, &self.scope())
    }

    /// Tells whether all conditions hold; the first that does not is returned.
    pub(super) fn first_false<'v>(
        &self,
        conditions: &'v [Value],
    ) -> Result<Option<&'v Value>, TemplateError> {
        for condition in conditions {
            if !self.context.templar.condition(condition, &self.scope())? {
                return Ok(Some(condition));
            }
        }
        Ok(None)
    }

    /// Reads a truth value, with Ansible's words for it.
    pub(super) fn boolean(&self, keyword: &str, value: &Value) -> Result<bool, TemplateError> {
        let rendered = self.render(value)?;
        as_boolean(&rendered).ok_or_else(|| wrong(keyword, "true or false", value, &rendered))
    }

    /// Reads a number that is not negative.
    pub(super) fn number(&self, keyword: &str, value: &Value) -> Result<f64, TemplateError> {
        let rendered = self.render(value)?;
        let number = match rendered.kind() {
            #[expect(clippy::cast_precision_loss, reason = "seconds and counts")]
            Kind::Int(number) => Some(*number as f64),
            Kind::Float(number) => Some(*number),
            Kind::Str(text) => text.trim().parse().ok(),
            _ => None,
        };
        number
            .filter(|number: &f64| number.is_finite())
            .ok_or_else(|| wrong(keyword, "a number", value, &rendered))
    }

    /// Reads text.
    pub(super) fn text(&self, keyword: &str, value: &Value) -> Result<String, TemplateError> {
        let rendered = self.render(value)?;
        match rendered.kind() {
            Kind::List(_) | Kind::Dict(_) | Kind::Tuple(_) | Kind::Undefined(_) => {
                Err(wrong(keyword, "text", value, &rendered))
            }
            _ => Ok(rendered.to_text()),
        }
    }

    /// Returns the variable of that name, rendered, if there is one.
    pub(super) fn variable(&self, name: &str) -> Result<Option<Value>, TemplateError> {
        match self.variables.find(name) {
            Found::Value(value) => self.render(&value).map(Some),
            Found::Missing => Ok(None),
            Found::Elsewhere => Err(TemplateError::Elsewhere(format!("the variable `{name}`"))),
        }
    }
}

pub(super) fn as_boolean(value: &Value) -> Option<bool> {
    match value.kind() {
        Kind::Bool(value) => Some(*value),
        Kind::Int(0) => Some(false),
        Kind::Int(1) => Some(true),
        Kind::Str(text) => match text.trim().to_lowercase().as_str() {
            "yes" | "on" | "true" | "t" | "y" | "1" => Some(true),
            "no" | "off" | "false" | "f" | "n" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn wrong(keyword: &str, wanted: &str, written: &Value, rendered: &Value) -> TemplateError {
    TemplateError::new(format!("`{keyword}` must be {wanted}, not `{rendered:?}`"))
        .at(written.origin())
}

/// Why a step cannot go on: an expression, or something that a module could not do.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) message: String,
    pub(super) diagnostic: Option<Diagnostic>,
    pub(super) unreachable: bool,
}

impl Trouble {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            diagnostic: None,
            unreachable: false,
        }
    }

    /// Says which keyword it was about.
    pub(super) fn about(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl From<TemplateError> for Trouble {
    fn from(error: TemplateError) -> Self {
        Self {
            message: error.to_string(),
            diagnostic: Some(error.into()),
            unreachable: false,
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let diagnostic = failure.span.is_some().then(|| {
            Diagnostic::error("task-failed", failure.message.clone()).at(failure.span, "")
        });
        Self {
            message: failure.message,
            diagnostic,
            unreachable: false,
        }
    }
}
