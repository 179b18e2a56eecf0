//! `hostvars[host].name`: found below the variable without making all of it.

use super::object::Operand;
use super::{Evaluator, Frame};
use crate::template::error::TemplateError;
use crate::template::tree::{Expression, Node};
use crate::value::Value;
use crate::vars::Found;

impl Evaluator<'_> {
    /// Returns what one or two keys below a variable name, where the variables answer for it. What they do not know is
    /// looked for in the ordinary way (`hostvars.keys()`).
    pub(super) fn below(
        &self,
        frame: &Frame,
        expression: &Expression,
    ) -> Result<Option<Operand>, TemplateError> {
        let Some((base, last)) = step_down(expression) else {
            return Ok(None);
        };
        let (root, first) = match step_down(base) {
            Some((root, first)) => (root, Some(first)),
            None => (base, None),
        };
        let Node::Variable(name) = &root.node else {
            return Ok(None);
        };
        if !matches!(name.as_ref(), "hostvars" | "vars") || frame.scope.find(name).is_some() {
            return Ok(None);
        }
        let mut keys = Vec::with_capacity(2);
        for key in first.into_iter().chain([last]) {
            keys.push(match key {
                Step::Name(name) => Value::text(name.clone()),
                Step::Index(index) => self.whole(frame, index)?,
            });
        }
        match self.variables.find_below(name, &keys) {
            Some(Found::Value(value)) => self
                .resolve(value, None)
                .map(|value| Some(Operand::Value(value))),
            Some(Found::Elsewhere) => Err(TemplateError::Elsewhere(format!("variable `{name}`"))),
            Some(Found::Missing) | None => Ok(None),
        }
    }
}

enum Step<'a> {
    Name(&'a std::sync::Arc<str>),
    Index(&'a Expression),
}

fn step_down(expression: &Expression) -> Option<(&Expression, Step<'_>)> {
    match &expression.node {
        Node::Attribute(base, name) => Some((base, Step::Name(name))),
        Node::Item(base, index) => Some((base, Step::Index(index))),
        _ => None,
    }
}
