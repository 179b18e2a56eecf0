//! The step as control modules see it.

use std::sync::Arc;

use super::evaluation::Evaluation;
use crate::kit::{Failure, StepView};
use crate::template::{LookupContext, TemplateError};
use crate::value::{Kind, Value};
use crate::vars::Found;
use crate::wire::Step;

/// A [`StepView`] over a step's evaluation.
pub(super) struct View<'a> {
    pub(super) step: &'a Step,
    pub(super) evaluation: Evaluation<'a>,
    /// Check mode.
    pub(super) check: bool,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "`map_err` hands the error over"
)]
fn failure(error: TemplateError) -> Failure {
    let span = match &error {
        TemplateError::Fault(fault) => fault.span,
        TemplateError::Syntax { span, .. } => *span,
        TemplateError::Elsewhere(_) => crate::diag::Span::NONE,
    };
    Failure {
        span,
        ..Failure::new(error.to_string())
    }
}

impl StepView for View<'_> {
    fn render(&self, value: &Value) -> Result<Value, Failure> {
        self.evaluation.render(value).map_err(failure)
    }

    fn expression(&self, text: &Value) -> Result<Value, Failure> {
        let scope = self.evaluation.scope();
        let templar = self.evaluation.context.templar;
        let found = match text.as_str() {
            Some(source) if text.is_trusted() => templar.expression(source, text.origin(), &scope),
            _ => templar.render(text, &scope),
        };
        match found {
            Err(TemplateError::Fault(fault)) if fault.undefined => {
                Ok(Value::new(Kind::Undefined(Arc::new(fault))))
            }
            other => other.map_err(failure),
        }
    }

    fn variable(&self, name: &str) -> Result<Option<Value>, Failure> {
        match self.evaluation.variables.find(name) {
            Found::Value(value) => Ok(Some(value)),
            Found::Missing => Ok(None),
            Found::Elsewhere => Err(failure(TemplateError::Elsewhere(name.into()))),
        }
    }

    fn condition(&self, value: &Value) -> Result<bool, Failure> {
        self.evaluation
            .context
            .templar
            .condition(value, &self.evaluation.scope())
            .map_err(failure)
    }

    fn host(&self) -> Arc<str> {
        self.step.host.clone()
    }

    fn check(&self) -> bool {
        self.check
    }

    fn verbosity(&self) -> u8 {
        self.step.verbosity
    }

    fn controller(&self) -> Result<&dyn LookupContext, Failure> {
        self.evaluation.context.outside.ok_or_else(|| {
            Failure::new(format!(
                "internal error: `{}` ran on a host",
                self.step.module
            ))
        })
    }
}
