//! Expressions: every node of the tree to what it stands for.

use std::sync::Arc;

use super::object::{Object, Operand};
use super::{Evaluator, Frame};
use crate::diag::Span;
use crate::template::error::TemplateError;
use crate::template::globals;
use crate::template::operators::{self, defined, marked};
use crate::template::tree::{Comparison, Expression, Filter, Node, Test};
use crate::value::{Dict, Key, Kind, Marks, Value};
use crate::vars::Found;

impl Evaluator<'_> {
    /// Returns what an expression stands for. Values are rendered themselves, but may hold what is not.
    pub(super) fn operand(
        &self,
        frame: &Frame,
        expression: &Expression,
    ) -> Result<Operand, TemplateError> {
        match &expression.node {
            Node::Constant(value) => Ok(Operand::Value(value.clone())),
            Node::Variable(name) => self.variable(frame, name, expression),
            Node::Attribute(base, name) => self
                .deeper(|| {
                    if let Some(found) = self.below(frame, expression)? {
                        return Ok(found);
                    }
                    let base = self.operand(frame, base)?;
                    self.attribute_of(frame, base, name, expression.spot)
                })
                .map_err(|error| self.placed(frame, expression.spot, error)),
            _ => self
                .deeper(|| self.composite(frame, expression))
                .map_err(|error| self.placed(frame, expression.spot, error)),
        }
    }

    fn variable(
        &self,
        frame: &Frame,
        name: &Arc<str>,
        expression: &Expression,
    ) -> Result<Operand, TemplateError> {
        if let Some(operand) = frame.scope.find(name) {
            return match operand {
                Operand::Value(value) => self.resolve(value, Some(name)).map(Operand::Value),
                object @ Operand::Object(_) => Ok(object),
            };
        }
        let failed = |error| self.placed(frame, expression.spot, error);
        match self.variables.find(name) {
            Found::Value(value) => self
                .resolve(value, Some(name))
                .map(Operand::Value)
                .map_err(failed),
            Found::Elsewhere => Err(TemplateError::Elsewhere(format!("variable `{name}`"))),
            Found::Missing => {
                if let Some(function) = globals::Function::named(name) {
                    return Ok(Operand::Object(Object::Function(function)));
                }
                match name.as_ref() {
                    "self" if frame.blocks.is_some() || !frame.template.blocks.is_empty() => {
                        Ok(Operand::Object(Object::Blocks))
                    }
                    "super" if frame.block.is_some() => Ok(Operand::Object(Object::Super)),
                    _ => Ok(self
                        .missing(frame, expression.spot, format!("`{name}` is undefined"))
                        .into()),
                }
            }
        }
    }

    fn composite(&self, frame: &Frame, expression: &Expression) -> Result<Operand, TemplateError> {
        Ok(Operand::Value(match &expression.node {
            Node::Constant(_) | Node::Variable(_) | Node::Attribute(..) => {
                return self.operand(frame, expression);
            }
            Node::Embedded(text) if frame.embedded => {
                let template = Value::template(Arc::clone(text), frame.origin);
                self.resolve(template, None)?
            }
            Node::Embedded(text) => Value::text(Arc::clone(text)),
            Node::List(items) => Value::list(self.values(frame, items)?),
            Node::Tuple(items) => Value::tuple(self.values(frame, items)?),
            Node::Dict(pairs) => self.dict(frame, pairs)?,
            Node::Item(base, index) => {
                if let Some(found) = self.below(frame, expression)? {
                    return Ok(found);
                }
                let base = self.operand(frame, base)?;
                let index = self.whole(frame, index)?;
                return self.item_of(frame, base, &index, expression.spot);
            }
            Node::Slice(slice) => {
                let value = self.value(frame, &slice.value)?;
                let mut parts = [Value::NULL, Value::NULL, Value::NULL];
                for (part, bound) in parts
                    .iter_mut()
                    .zip([&slice.start, &slice.stop, &slice.step])
                {
                    if let Some(bound) = bound {
                        *part = self.value(frame, bound)?;
                    }
                }
                let [start, stop, step] = &parts;
                if value.as_fault().is_some() {
                    value
                } else {
                    operators::slice(&value, start, stop, step)?
                }
            }
            Node::Call(callee, arguments) => {
                return self.call(frame, callee, arguments, expression.spot);
            }
            Node::Filter(filter) => {
                let value = match &filter.value {
                    Some(value) => self.whole(frame, value)?,
                    None => return Err(TemplateError::new("a filter without a value")),
                };
                self.filtered(frame, filter, value, expression)?
            }
            Node::Test(test) => self.tested(frame, test, expression)?,
            Node::Not(value) => {
                let value = self.value(frame, value)?;
                defined(&value)?;
                marked(Value::from(!value.is_true()), value.is_secret())
            }
            Node::Negative(value) => operators::negate(&self.value(frame, value)?)?,
            Node::And(left, right) | Node::Or(left, right) => {
                let operand = self.operand(frame, left)?;
                let truth = match &operand {
                    Operand::Value(value) => {
                        defined(value).map_err(|error| self.placed(frame, left.spot, error))?;
                        value.is_true()
                    }
                    Operand::Object(_) => true,
                };
                let takes_left = truth == matches!(expression.node, Node::Or(..));
                return if takes_left {
                    Ok(operand)
                } else {
                    self.operand(frame, right)
                };
            }
            Node::Binary(operator, left, right) => {
                let left = self.whole(frame, left)?;
                let right = self.whole(frame, right)?;
                operators::apply(*operator, &self.sound(left)?, &self.sound(right)?)?
            }
            Node::Compare(first, rest) => self.compared(frame, first, rest)?,
            Node::Conditional(conditional) => {
                let condition = self.truth(frame, &conditional.condition)?;
                return match (condition, &conditional.otherwise) {
                    (true, _) => self.operand(frame, &conditional.then),
                    (false, Some(otherwise)) => self.operand(frame, otherwise),
                    (false, None) => Ok(self
                        .missing(
                            frame,
                            expression.spot,
                            "the condition of this `if` without `else` was false, so it has no value".to_owned(),
                        )
                        .into()),
                };
            }
        }))
    }

    /// Returns an expression's value, rendered deep; undefined parts stay in it.
    pub(super) fn whole(
        &self,
        frame: &Frame,
        expression: &Expression,
    ) -> Result<Value, TemplateError> {
        let value = self.value(frame, expression)?;
        match value.kind() {
            Kind::List(_) | Kind::Tuple(_) | Kind::Dict(_) => self.deep_inside(&value),
            _ => Ok(value),
        }
    }

    /// Returns a deep rendered operand, or fails with the first fault in it.
    fn sound(&self, value: Value) -> Result<Value, TemplateError> {
        match first_fault(&value) {
            Some(fault) => Err(fault),
            None => Ok(value),
        }
    }

    /// Returns whether an expression's value is true.
    pub(super) fn truth(
        &self,
        frame: &Frame,
        expression: &Expression,
    ) -> Result<bool, TemplateError> {
        let check = |operand: Operand| match operand {
            Operand::Value(value) => defined(&value).map(|()| value.is_true()),
            Operand::Object(_) => Ok(true),
        };
        self.operand(frame, expression)
            .and_then(check)
            .map_err(|error| self.placed(frame, expression.spot, error))
    }

    fn values(&self, frame: &Frame, items: &[Expression]) -> Result<Vec<Value>, TemplateError> {
        items.iter().map(|item| self.value(frame, item)).collect()
    }

    fn dict(
        &self,
        frame: &Frame,
        pairs: &[(Expression, Expression)],
    ) -> Result<Value, TemplateError> {
        let mut dict = Dict::new();
        let mut secret = false;
        for (key, value) in pairs {
            let key = self.whole(frame, key)?;
            defined(&key)?;
            secret |= key.is_secret();
            let Some(name) = Key::from_value(&key) else {
                return Err(TemplateError::new(format!(
                    "unhashable type: `{}`",
                    key.type_name()
                )));
            };
            dict.extend([(name, self.value(frame, value)?)]);
        }
        Ok(marked(Value::dict(dict), secret))
    }

    fn compared(
        &self,
        frame: &Frame,
        first: &Expression,
        rest: &[(Comparison, Expression)],
    ) -> Result<Value, TemplateError> {
        let mut left = self.whole(frame, first)?;
        let mut secret = left.holds_secret();
        for (comparison, right) in rest {
            let right = self.whole(frame, right)?;
            secret |= right.holds_secret();
            let (a, b) = (self.sound(left)?, self.sound(right)?);
            if !operators::compare(*comparison, &a, &b)? {
                return Ok(marked(Value::from(false), secret));
            }
            left = b;
        }
        Ok(marked(Value::from(true), secret))
    }

    /// Applies a filter of the tree to a value that is rendered deep.
    pub(super) fn filtered(
        &self,
        frame: &Frame,
        filter: &Filter,
        value: Value,
        expression: &Expression,
    ) -> Result<Value, TemplateError> {
        let (positional, named) = self.arguments(frame, &filter.arguments)?;
        let (span, _) = self.place(frame, expression.spot);
        self.apply_filter(&filter.name, value, positional, named, span)
    }

    fn tested(
        &self,
        frame: &Frame,
        test: &Test,
        expression: &Expression,
    ) -> Result<Value, TemplateError> {
        let value = match self.operand(frame, &test.value)? {
            Operand::Value(value) => match value.kind() {
                Kind::List(_) | Kind::Tuple(_) | Kind::Dict(_) => self.deep_inside(&value)?,
                _ => value,
            },
            Operand::Object(object) => {
                let name = test.name.rsplit('.').next().unwrap_or(&test.name);
                return match name {
                    "defined" => Ok(Value::from(true)),
                    "undefined" | "none" | "string" | "number" | "mapping" | "sequence" => {
                        Ok(Value::from(false))
                    }
                    "callable" => Ok(Value::from(object.is_callable())),
                    _ => Operand::Object(object).value(),
                };
            }
        };
        let (positional, named) = self.arguments(frame, &test.arguments)?;
        let (span, _) = self.place(frame, expression.spot);
        let secret = value.holds_secret() || positional.iter().any(Value::holds_secret);
        self.apply_test(&test.name, value, positional, named, span)
            .map(|value| marked(value, secret))
    }
}

/// Returns the first fault in a value that was rendered deep.
pub(super) fn first_fault(value: &Value) -> Option<TemplateError> {
    match value.kind() {
        Kind::Undefined(fault) => Some(TemplateError::Fault(fault.as_ref().clone())),
        Kind::List(items) | Kind::Tuple(items) => items.iter().find_map(first_fault),
        Kind::Dict(dict) => dict.values().find_map(first_fault),
        _ => None,
    }
}

/// Returns a value of a container, as secret as the container.
pub(super) fn inherited(container: &Value, item: &Value) -> Value {
    let item = item.clone();
    if container.is_secret() {
        item.with_marks(Marks::SECRET)
    } else {
        item
    }
}

/// An undefined value without a place.
pub(super) fn absent(message: String) -> Value {
    Value::undefined(message, Span::NONE)
}
