//! Expressions: every node of the tree to what it stands for.

use std::sync::Arc;

use super::object::{Object, Operand};
use super::{Evaluator, Frame, deeper, missing, placed};
use crate::diag::Span;
use crate::template::error::TemplateError;
use crate::template::globals;
use crate::template::operators::{self, defined, marked};
use crate::template::tree::{
    Comparison, Conditional, Expression, Filter, Node, Operator, Slice, Test,
};
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
            Node::Attribute(base, name) => deeper(|| {
                if let Some(found) = self.below(frame, expression)? {
                    return Ok(found);
                }
                let base = self.operand(frame, base)?;
                self.attribute_of(frame, base, name, expression.spot)
            })
            .map_err(|error| placed(frame, expression.spot, error)),
            _ => deeper(|| self.composite(frame, expression))
                .map_err(|error| placed(frame, expression.spot, error)),
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
        let failed = |error| placed(frame, expression.spot, error);
        let found = if frame.bare {
            Found::Missing
        } else {
            self.variables.find(name)
        };
        match found {
            Found::Value(value) => self
                .resolve(value, Some(name))
                .map(Operand::Value)
                .map_err(failed),
            Found::Elsewhere if globals::Function::named(name).is_none() => {
                Err(TemplateError::Elsewhere(format!("variable `{name}`")))
            }
            Found::Missing | Found::Elsewhere => {
                if let Some(function) = globals::Function::named(name) {
                    return Ok(Operand::Object(Object::Function(function)));
                }
                match name.as_ref() {
                    "self" if frame.blocks.is_some() || !frame.template.blocks.is_empty() => {
                        Ok(Operand::Object(Object::Blocks))
                    }
                    "omit" => Ok(Value::omit().into()),
                    "super" if frame.block.is_some() => Ok(Operand::Object(Object::Super)),
                    _ => Ok(
                        missing(frame, expression.spot, format!("'{name}' is undefined")).into(),
                    ),
                }
            }
        }
    }

    // The arms are functions of their own because this one recurses: its frame stays small.
    fn composite(&self, frame: &Frame, expression: &Expression) -> Result<Operand, TemplateError> {
        match &expression.node {
            Node::Constant(_) | Node::Variable(_) | Node::Attribute(..) => {
                self.operand(frame, expression)
            }
            Node::Embedded(text) => self.embedded(frame, text).map(Operand::Value),
            Node::List(items) => self
                .values(frame, items)
                .map(|items| Value::list(items).into()),
            Node::Tuple(items) => self
                .values(frame, items)
                .map(|items| Value::tuple(items).into()),
            Node::Dict(pairs) => self.dict(frame, pairs).map(Operand::Value),
            Node::Item(base, index) => self.item(frame, base, index, expression),
            Node::Slice(slice) => self.slice(frame, slice).map(Operand::Value),
            Node::Call(callee, arguments) => self.call(frame, callee, arguments, expression.spot),
            Node::Filter(filter) => self.filter_node(frame, filter).map(Operand::Value),
            Node::Test(test) => self.tested(frame, test).map(Operand::Value),
            Node::Not(value) => self.not(frame, value).map(Operand::Value),
            Node::Negative(value) => self.negative(frame, value).map(Operand::Value),
            Node::And(left, right) => self.either(frame, left, right, false),
            Node::Or(left, right) => self.either(frame, left, right, true),
            Node::Binary(operator, left, right) => self
                .binary(frame, *operator, left, right)
                .map(Operand::Value),
            Node::Compare(first, rest) => self.compared(frame, first, rest).map(Operand::Value),
            Node::Conditional(conditional) => self.conditional(frame, conditional, expression),
        }
    }

    fn embedded(&self, frame: &Frame, text: &Arc<str>) -> Result<Value, TemplateError> {
        if frame.embedded {
            self.resolve(Value::template(Arc::clone(text), frame.origin), None)
        } else {
            Ok(Value::text(Arc::clone(text)))
        }
    }

    fn item(
        &self,
        frame: &Frame,
        base: &Expression,
        index: &Expression,
        expression: &Expression,
    ) -> Result<Operand, TemplateError> {
        if let Some(found) = self.below(frame, expression)? {
            return Ok(found);
        }
        let base = self.operand(frame, base)?;
        let index = self.whole(frame, index)?;
        self.item_of(frame, base, &index, expression.spot)
    }

    fn slice(&self, frame: &Frame, slice: &Slice) -> Result<Value, TemplateError> {
        let value = self.value(frame, &slice.value)?;
        let bound = |bound: &Option<Expression>| {
            bound
                .as_ref()
                .map_or(Ok(Value::NULL), |bound| self.value(frame, bound))
        };
        let (start, stop, step) = (
            bound(&slice.start)?,
            bound(&slice.stop)?,
            bound(&slice.step)?,
        );
        if value.as_fault().is_some() {
            Ok(value)
        } else {
            operators::slice(&value, &start, &stop, &step)
        }
    }

    fn filter_node(&self, frame: &Frame, filter: &Filter) -> Result<Value, TemplateError> {
        let Some(value) = &filter.value else {
            return Err(TemplateError::new("a filter without a value"));
        };
        let value = self.whole(frame, value)?;
        self.filtered(frame, filter, value)
    }

    fn not(&self, frame: &Frame, value: &Expression) -> Result<Value, TemplateError> {
        let value = self.value(frame, value)?;
        if !operators::is_no_else(&value) {
            defined(&value)?;
        }
        Ok(marked(Value::from(!value.is_true()), value.is_secret()))
    }

    fn negative(&self, frame: &Frame, value: &Expression) -> Result<Value, TemplateError> {
        operators::negate(&self.value(frame, value)?)
    }

    /// `and`, or `or` where truth decides for the left side.
    fn either(
        &self,
        frame: &Frame,
        left: &Expression,
        right: &Expression,
        decides: bool,
    ) -> Result<Operand, TemplateError> {
        let operand = self.operand(frame, left)?;
        let truth = match &operand {
            Operand::Value(value) if operators::is_no_else(value) => false,
            Operand::Value(value) => {
                defined(value).map_err(|error| placed(frame, left.spot, error))?;
                value.is_true()
            }
            Operand::Object(_) => true,
        };
        if truth == decides {
            Ok(operand)
        } else {
            self.operand(frame, right)
        }
    }

    fn binary(
        &self,
        frame: &Frame,
        operator: Operator,
        left: &Expression,
        right: &Expression,
    ) -> Result<Value, TemplateError> {
        let left = self.whole(frame, left)?;
        let right = self.whole(frame, right)?;
        operators::apply(operator, &sound(left)?, &sound(right)?)
    }

    fn conditional(
        &self,
        frame: &Frame,
        conditional: &Conditional,
        expression: &Expression,
    ) -> Result<Operand, TemplateError> {
        match (
            self.truth(frame, &conditional.condition)?,
            &conditional.otherwise,
        ) {
            (true, _) => self.operand(frame, &conditional.then),
            (false, Some(otherwise)) => self.operand(frame, otherwise),
            (false, None) => {
                Ok(missing(frame, expression.spot, operators::NO_ELSE.to_owned()).into())
            }
        }
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

    /// Returns whether an expression's value is true.
    pub(super) fn truth(
        &self,
        frame: &Frame,
        expression: &Expression,
    ) -> Result<bool, TemplateError> {
        let check = |operand: Operand| match operand {
            Operand::Value(value) if operators::is_no_else(&value) => Ok(false),
            Operand::Value(value) => defined(&value).map(|()| value.is_true()),
            Operand::Object(_) => Ok(true),
        };
        self.operand(frame, expression)
            .and_then(check)
            .map_err(|error| placed(frame, expression.spot, error))
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
            let (a, b) = (sound(left)?, sound(right)?);
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
    ) -> Result<Value, TemplateError> {
        let (positional, named) = self.arguments(frame, &filter.arguments)?;
        self.apply_filter(&filter.name, value, positional, named, Span::NONE)
    }

    fn tested(&self, frame: &Frame, test: &Test) -> Result<Value, TemplateError> {
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
        let name = test.name.rsplit('.').next().unwrap_or(&test.name);
        if value.is_omit() && matches!(name, "defined" | "undefined") {
            return Ok(Value::from(name == "defined"));
        }
        let (positional, named) = self.arguments(frame, &test.arguments)?;
        let secret = value.holds_secret() || positional.iter().any(Value::holds_secret);
        self.apply_test(&test.name, value, positional, named, Span::NONE)
            .map(|value| marked(value, secret))
    }
}

/// Returns a deep rendered operand, or fails with the first fault in it.
fn sound(value: Value) -> Result<Value, TemplateError> {
    match first_fault(&value) {
        Some(fault) if !operators::is_no_else(&value) && !value.is_omit() => Err(fault),
        _ => Ok(value),
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
