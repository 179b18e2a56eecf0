//! `value.name` and `value[index]`, and the way back: what a method that changes its list or dictionary leaves behind.
//!
//! Values never change, so `items.append(x)` makes a new list and gives it to the name, attribute or key that `items` was
//! reached through. What was a second name for the same list keeps the old one.

use std::rc::Rc;
use std::sync::Arc;

use super::expression::{absent, inherited};
use super::object::{Loop, Object, Operand};
use super::{Evaluator, Frame, missing};
use crate::template::error::TemplateError;
use crate::template::methods;
use crate::template::tree::{Expression, Node, Spot};
use crate::value::{Dict, Key, Kind, Marks, Value};
use crate::vars::Found;

impl Evaluator<'_> {
    /// Returns `base.name`: a method or attribute first, then an item.
    pub(super) fn attribute_of(
        &self,
        frame: &Frame,
        base: Operand,
        name: &Arc<str>,
        spot: Spot,
    ) -> Result<Operand, TemplateError> {
        match base {
            Operand::Value(value) => {
                if value.as_fault().is_some() {
                    return Ok(value.into());
                }
                if let Some(attribute) = methods::attribute(&value, name) {
                    return Ok(attribute.into());
                }
                if methods::has(&value, name) {
                    return Ok(Operand::Object(Object::Method(value, Arc::clone(name))));
                }
                match value.get(name) {
                    Some(item) => self
                        .resolve(inherited(&value, item), Some(name))
                        .map(Operand::Value),
                    None => Ok(self.lacks(frame, spot, &value, name).into()),
                }
            }
            Operand::Object(object) => {
                if let Some(operand) = self.object_attribute(&object, name)? {
                    return Ok(operand);
                }
                let message = format!("{} has no attribute `{name}`", object.describe());
                Ok(missing(frame, spot, message).into())
            }
        }
    }

    fn lacks(&self, frame: &Frame, spot: Spot, value: &Value, name: &Arc<str>) -> Value {
        *self.lacking.borrow_mut() = Some((Arc::clone(name), value.clone()));
        missing(frame, spot, lacking(value, &Value::text(Arc::clone(name))))
    }

    fn object_attribute(
        &self,
        object: &Object,
        name: &str,
    ) -> Result<Option<Operand>, TemplateError> {
        Ok(match object {
            Object::Namespace(names) => match names.borrow().get(name) {
                Some(value) => Some(self.resolve(value.clone(), Some(name))?.into()),
                None => None,
            },
            Object::Module(module) => module.scope.own(name).filter(|_| !name.starts_with('_')),
            Object::Loop(state) => loop_attribute(state, name),
            Object::Cycler(cycler) if name == "current" => {
                cycler.0.get(cycler.1.get()).cloned().map(Operand::Value)
            }
            Object::Macro(closure) => match name {
                "name" => Some(Value::text(Arc::clone(&closure.code.name)).into()),
                "arguments" => {
                    let names = closure
                        .code
                        .parameters
                        .iter()
                        .map(|(name, _)| Value::text(Arc::clone(name)));
                    Some(Value::tuple(names).into())
                }
                "catch_varargs" => Some(Value::from(closure.code.takes.varargs).into()),
                "catch_kwargs" => Some(Value::from(closure.code.takes.kwargs).into()),
                "caller" => Some(Value::from(closure.code.takes.caller).into()),
                _ => None,
            },
            _ => None,
        })
    }

    /// Returns `base[index]`: an item first, then a method or attribute.
    pub(super) fn item_of(
        &self,
        frame: &Frame,
        base: Operand,
        index: &Value,
        spot: Spot,
    ) -> Result<Operand, TemplateError> {
        let value = match base {
            Operand::Value(value) => value,
            object @ Operand::Object(_) => {
                return match index.kind() {
                    Kind::Str(name) => self.attribute_of(frame, object, name, spot),
                    _ => object.value().map(Operand::Value),
                };
            }
        };
        if value.as_fault().is_some() {
            return Ok(value.into());
        }
        if index.as_fault().is_some() {
            return Ok(index.clone().into());
        }
        if let Some(item) = item(&value, index) {
            return self.resolve(item, index.as_str()).map(Operand::Value);
        }
        if value.marks().contains(Marks::HOSTS)
            && let Some(Found::Value(item)) = self
                .variables
                .find_below("hostvars", std::slice::from_ref(index))
        {
            return self.resolve(item, None).map(Operand::Value);
        }
        match index.kind() {
            Kind::Str(name) => {
                if value.as_dict().is_some() && !methods::has(&value, name) {
                    return Ok(self.lacks(frame, spot, &value, name).into());
                }
                self.attribute_of(frame, value.into(), name, spot)
            }
            _ => Ok(missing(frame, spot, lacking(&value, index)).into()),
        }
    }

    /// Gives a changed list or dictionary to whatever the expression reached it through.
    pub(super) fn store(
        &self,
        frame: &Frame,
        path: &Expression,
        changed: Value,
    ) -> Result<(), TemplateError> {
        match &path.node {
            Node::Variable(name) => frame.scope.replace(name, changed.into()),
            Node::Attribute(base, name) => match self.operand(frame, base)? {
                Operand::Object(Object::Namespace(names)) => {
                    names.borrow_mut().insert(Arc::clone(name), changed);
                }
                Operand::Value(container) => {
                    if let Some(container) =
                        with_item(&container, &Value::text(Arc::clone(name)), changed)
                    {
                        self.store(frame, base, container)?;
                    }
                }
                Operand::Object(_) => {}
            },
            Node::Item(base, index) => {
                let index = self.whole(frame, index)?;
                let container = self.value(frame, base)?;
                if let Some(container) = with_item(&container, &index, changed) {
                    self.store(frame, base, container)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Returns what is said of a value without such an attribute or item.
fn lacking(value: &Value, name: &Value) -> String {
    let kind = value.type_name();
    let index = name.to_repr();
    // ansible-core words it itself unless Python takes the name as false; then it is Jinja that speaks.
    match name.as_str() {
        _ if name.is_true() => format!("object of type '{kind}' has no attribute {index}"),
        Some(_) => format!("'{kind} object' has no attribute {index}"),
        None => format!("{kind} object has no element {index}"),
    }
}

/// Returns `container[index]` without rendering it.
pub(in crate::template) fn item(container: &Value, index: &Value) -> Option<Value> {
    let position = |length: usize| {
        let index = match index.kind() {
            Kind::Int(index) => *index,
            Kind::Bool(index) => i64::from(*index),
            _ => return None,
        };
        if index < 0 {
            length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
        } else {
            usize::try_from(index).ok()
        }
    };
    match container.kind() {
        Kind::Dict(dict) => match index.kind() {
            Kind::Str(name) => dict.get(name),
            _ => dict.get_key(&Key::from_value(index)?),
        }
        .map(|item| inherited(container, item)),
        Kind::List(items) | Kind::Tuple(items) => items
            .get(position(items.len())?)
            .map(|item| inherited(container, item)),
        Kind::Str(text) => {
            let character = text.chars().nth(position(text.chars().count())?)?;
            Some(inherited(container, &Value::text(String::from(character))))
        }
        _ => None,
    }
}

/// Returns the value's attribute or item without an evaluator, for filters such as `map(attribute=)`.
pub(in crate::template) fn item_or_attribute(value: &Value, name: &Value) -> Value {
    if value.as_fault().is_some() {
        return value.clone();
    }
    item(value, name)
        .or_else(|| methods::attribute(value, name.as_str()?))
        .unwrap_or_else(|| absent(lacking(value, name)))
}

fn with_item(container: &Value, index: &Value, item: Value) -> Option<Value> {
    let kind = match container.kind() {
        Kind::Dict(dict) => {
            let mut dict = Dict::clone(dict);
            dict.extend([(Key::from_value(index)?, item)]);
            Kind::Dict(Arc::new(dict))
        }
        Kind::List(items) => {
            let position = index.as_int()?;
            let length = i64::try_from(items.len()).ok()?;
            let position = usize::try_from(if position < 0 {
                position + length
            } else {
                position
            })
            .ok()?;
            let mut items = items.to_vec();
            *items.get_mut(position)? = item;
            Kind::List(Arc::new(items))
        }
        _ => return None,
    };
    Some(
        Value::new(kind)
            .with_marks(container.marks())
            .with_origin(container.origin()),
    )
}

fn loop_attribute(state: &Rc<Loop>, name: &str) -> Option<Operand> {
    let (index, length) = (state.index.get(), state.items.len());
    let at = |index: usize| state.items.get(index).cloned();
    Some(Operand::Value(match name {
        "index" => Value::from(index + 1),
        "index0" => Value::from(index),
        "revindex" => Value::from(length - index),
        "revindex0" => Value::from(length.saturating_sub(index + 1)),
        "first" => Value::from(index == 0),
        "last" => Value::from(index + 1 == length),
        "length" => Value::from(length),
        "depth" => Value::from(state.depth),
        "depth0" => Value::from(state.depth.saturating_sub(1)),
        "previtem" => index
            .checked_sub(1)
            .and_then(at)
            .unwrap_or_else(|| absent("there is no previous item".to_owned())),
        "nextitem" => at(index + 1).unwrap_or_else(|| absent("there is no next item".to_owned())),
        _ => return None,
    }))
}
