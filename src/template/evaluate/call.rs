//! Calls: methods, macros, and the functions that every template has.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::object::{Closure, Object, Operand};
use super::plugin::first_undefined;
use super::{Evaluator, Frame, Output, deeper, missing};
use crate::template::call::Keyword;
use crate::template::error::TemplateError;
use crate::template::globals::{self, Function};
use crate::template::methods;
use crate::template::operators::{self, defined};
use crate::template::tree::{Argument, Expression, Node, Spot};
use crate::value::{Dict, Key, Value};

type Operands = (Vec<Operand>, Vec<(Arc<str>, Operand)>);

impl Evaluator<'_> {
    /// Returns what a call gives.
    pub(super) fn call(
        &self,
        frame: &Frame,
        callee: &Expression,
        arguments: &[Argument],
        spot: Spot,
    ) -> Result<Operand, TemplateError> {
        if let Node::Attribute(receiver, name) = &callee.node {
            match self.operand(frame, receiver)? {
                Operand::Value(value) => {
                    if methods::has(&value, name) {
                        return self
                            .method(frame, &value, name, arguments, Some(receiver))
                            .map(Operand::Value);
                    }
                    let operand = self.attribute_of(frame, value.into(), name, callee.spot)?;
                    return self.call_operand(frame, operand, arguments, spot);
                }
                Operand::Object(object) => {
                    if let Some(result) = self.object_method(frame, &object, name, arguments)? {
                        return Ok(result);
                    }
                    let operand =
                        self.attribute_of(frame, Operand::Object(object), name, callee.spot)?;
                    return self.call_operand(frame, operand, arguments, spot);
                }
            }
        }
        let operand = self.operand(frame, callee)?;
        self.call_operand(frame, operand, arguments, spot)
    }

    fn call_operand(
        &self,
        frame: &Frame,
        operand: Operand,
        arguments: &[Argument],
        spot: Spot,
    ) -> Result<Operand, TemplateError> {
        match operand {
            Operand::Value(value) if value.as_fault().is_some() => Ok(value.into()),
            Operand::Value(value) => Err(TemplateError::new(format!(
                "`{}` object is not callable",
                value.type_name()
            ))),
            Operand::Object(Object::Method(value, name)) => self
                .method(frame, &value, &name, arguments, None)
                .map(Operand::Value),
            Operand::Object(Object::Function(function)) => {
                self.function(frame, function, arguments, spot)
            }
            Operand::Object(object) => {
                let given = self.operands(frame, arguments)?;
                self.call_object(frame, &object, given)
            }
        }
    }

    /// Calls a macro, `loop`, `super`, a joiner or a cycler.
    pub(super) fn call_object(
        &self,
        frame: &Frame,
        object: &Object,
        given: Operands,
    ) -> Result<Operand, TemplateError> {
        Ok(Operand::Value(match object {
            Object::Macro(closure) => self.invoke(closure, given)?,
            Object::Joiner(joiner) => {
                if joiner.1.replace(true) {
                    joiner.0.clone()
                } else {
                    Value::text("")
                }
            }
            Object::Super => self.parent_block(frame)?,
            Object::Loop(state) => {
                let Some((around, code)) = &state.code else {
                    return Err(TemplateError::new(
                        "the loop is not `recursive`, so `loop` cannot be called",
                    ));
                };
                let Some(items) = given.0.into_iter().next() else {
                    return Err(TemplateError::new("`loop` needs what to go through"));
                };
                let items = items.value()?;
                let mut output = Output::default();
                deeper(|| self.for_loop(around, code, &items, state.depth + 1, &mut output))?;
                self.joined(output)?
            }
            other => {
                return Err(TemplateError::new(format!(
                    "{} cannot be called",
                    other.describe()
                )));
            }
        }))
    }

    fn object_method(
        &self,
        frame: &Frame,
        object: &Object,
        name: &str,
        arguments: &[Argument],
    ) -> Result<Option<Operand>, TemplateError> {
        Ok(Some(Operand::Value(match (object, name) {
            (Object::Loop(state), "cycle") => {
                let (values, _) = self.arguments(frame, arguments)?;
                let Some(index) = state.index.get().checked_rem(values.len()) else {
                    return Err(TemplateError::new("`cycle` needs items to go through"));
                };
                values.get(index).cloned().unwrap_or_default()
            }
            (Object::Loop(state), "changed") => {
                let (values, _) = self.arguments(frame, arguments)?;
                let before = state.changed.replace(Some(values.clone()));
                Value::from(before != Some(values))
            }
            (Object::Cycler(cycler), "next") => {
                let index = cycler.1.get();
                cycler
                    .1
                    .set((index + 1).checked_rem(cycler.0.len()).unwrap_or(0));
                cycler.0.get(index).cloned().unwrap_or_default()
            }
            (Object::Cycler(cycler), "reset") => {
                cycler.1.set(0);
                Value::NULL
            }
            (Object::Blocks, _) => self.block_named(frame, name)?,
            _ => return Ok(None),
        })))
    }

    fn method(
        &self,
        frame: &Frame,
        value: &Value,
        name: &str,
        arguments: &[Argument],
        receiver: Option<&Expression>,
    ) -> Result<Value, TemplateError> {
        let (positional, named) = self.arguments(frame, arguments)?;
        if let Some(fault) = first_undefined(&positional, &named) {
            return Ok(fault);
        }
        let value = if methods::needs_whole(value, name) {
            self.deep(value)?
        } else {
            value.clone()
        };
        let secret = value.is_secret() || positional.iter().any(Value::holds_secret);
        let called = methods::call(&value, name, &positional, &named)?;
        if let (Some(changed), Some(receiver)) = (called.changed, receiver) {
            self.store(frame, receiver, changed.with_marks(value.marks()))?;
        }
        let result = if secret {
            called.result.secret()
        } else {
            called.result
        };
        self.resolve(result, None)
    }

    /// Evaluates arguments as they are, objects included.
    pub(super) fn operands(
        &self,
        frame: &Frame,
        arguments: &[Argument],
    ) -> Result<Operands, TemplateError> {
        let mut positional = Vec::with_capacity(arguments.len());
        let mut named = Vec::new();
        for argument in arguments {
            match argument {
                Argument::Positional(value) => positional.push(self.operand(frame, value)?),
                Argument::Named(name, value) => {
                    named.push((Arc::clone(name), self.operand(frame, value)?));
                }
                Argument::Positionals(values) => {
                    let values = self.whole(frame, values)?;
                    positional.extend(operators::iterate(&values)?.into_iter().map(Operand::Value));
                }
                Argument::Nameds(values) => {
                    let values = self.whole(frame, values)?;
                    defined(&values)?;
                    let Some(dict) = values.as_dict() else {
                        return Err(TemplateError::new(format!(
                            "`**` needs a dict, not `{}`",
                            values.type_name()
                        )));
                    };
                    for (key, value) in dict {
                        let name = key
                            .as_str()
                            .ok_or_else(|| TemplateError::new("keywords must be strings"))?;
                        named.push((name.into(), value.clone().into()));
                    }
                }
            }
        }
        Ok((positional, named))
    }

    /// Evaluates arguments to values that are rendered deep.
    pub(super) fn arguments(
        &self,
        frame: &Frame,
        arguments: &[Argument],
    ) -> Result<(Vec<Value>, Vec<Keyword>), TemplateError> {
        if arguments.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let (positional, named) = self.operands(frame, arguments)?;
        let whole = |operand: Operand| operand.value().and_then(|value| self.deep(&value));
        Ok((
            positional
                .into_iter()
                .map(whole)
                .collect::<Result<_, _>>()?,
            named
                .into_iter()
                .map(|(name, value)| Ok((name, whole(value)?)))
                .collect::<Result<_, TemplateError>>()?,
        ))
    }

    fn invoke(
        &self,
        closure: &Rc<Closure>,
        (positional, mut named): Operands,
    ) -> Result<Value, TemplateError> {
        let code = &closure.code;
        let frame = closure.frame.inner();
        let mut extra = positional.into_iter();
        for (name, default) in &code.parameters {
            let given = extra.next().or_else(|| {
                let index = named.iter().position(|(other, _)| other == name)?;
                Some(named.remove(index).1)
            });
            let operand = match (given, default) {
                (Some(operand), _) => operand,
                (None, Some(default)) => self.operand(&frame, default)?,
                (None, None) => super::expression::absent(format!(
                    "parameter `{name}` of `{}` was not given",
                    code.name
                ))
                .into(),
            };
            frame.scope.set(name, operand);
        }
        if let Some(index) = named.iter().position(|(name, _)| name.as_ref() == "caller") {
            let (name, caller) = named.remove(index);
            frame.scope.set(&name, caller);
        } else if code.takes.caller && frame.scope.find("caller").is_none() {
            frame.scope.set(
                &"caller".into(),
                super::expression::absent("no `caller` was given".to_owned()).into(),
            );
        }
        let extra: Vec<Operand> = extra.collect();
        if code.takes.varargs {
            let values = extra
                .into_iter()
                .map(Operand::value)
                .collect::<Result<Vec<_>, _>>()?;
            frame
                .scope
                .set(&"varargs".into(), Value::tuple(values).into());
        } else if !extra.is_empty() {
            let limit = code.parameters.len();
            return Err(TemplateError::new(format!(
                "macro `{}` takes not more than {limit} argument(s)",
                code.name
            )));
        }
        if code.takes.kwargs {
            let mut values = Dict::new();
            for (name, operand) in named {
                values.insert(name, operand.value()?);
            }
            frame
                .scope
                .set(&"kwargs".into(), Value::dict(values).into());
        } else if let Some((name, _)) = named.first() {
            return Err(TemplateError::new(format!(
                "macro `{}` takes no keyword argument `{name}`",
                code.name
            )));
        }
        let mut output = Output::default();
        deeper(|| self.statements(&frame, &code.body, &mut output))?;
        self.joined(output)
    }

    fn function(
        &self,
        frame: &Frame,
        function: Function,
        arguments: &[Argument],
        spot: Spot,
    ) -> Result<Operand, TemplateError> {
        if matches!(function, Function::Lookup | Function::Query) {
            return self
                .lookup_call(frame, function, arguments)
                .map(Operand::Value);
        }
        let (positional, named) = self.arguments(frame, arguments)?;
        if let Some(fault) = first_undefined(&positional, &named) {
            return Ok(fault.into());
        }
        Ok(match function {
            Function::Namespace => {
                let mut names = Dict::new();
                for value in &positional {
                    operators::extend_dict(&mut names, value)?;
                }
                names.extend(
                    named
                        .into_iter()
                        .map(|(name, value)| (Key::Str(name), value)),
                );
                Operand::Object(Object::Namespace(Rc::new(RefCell::new(names))))
            }
            Function::Cycler if positional.is_empty() => {
                return Err(TemplateError::new("`cycler` needs at least one item"));
            }
            Function::Cycler => {
                Operand::Object(Object::Cycler(Rc::new((positional, Cell::new(0)))))
            }
            Function::Joiner => {
                let separator = positional
                    .into_iter()
                    .next()
                    .unwrap_or_else(|| Value::text(", "));
                Operand::Object(Object::Joiner(Rc::new((separator, Cell::new(false)))))
            }
            Function::Undef => {
                let hint = positional.into_iter().next().or_else(|| {
                    named
                        .into_iter()
                        .find(|(name, _)| name.as_ref() == "hint")
                        .map(|(_, hint)| hint)
                });
                let hint = hint.filter(|hint| !hint.is_null());
                let message = hint.map_or_else(
                    || "a mandatory variable has not been overridden".to_owned(),
                    |hint| hint.to_text(),
                );
                missing(frame, spot, message).into()
            }
            Function::Now => {
                self.fleeting.set(true);
                // The controller's clock and time zone count, wherever this is evaluated.
                let Some(outside) = self.context() else {
                    return Err(TemplateError::Elsewhere("`now`".to_owned()));
                };
                globals::now(&positional, &named, outside.now())?.into()
            }
            Function::Lipsum => {
                self.fleeting.set(true);
                globals::lipsum(&positional, &named)?.into()
            }
            Function::Range | Function::Dict | Function::Lookup | Function::Query => {
                globals::call(function, &positional, &named)?.into()
            }
        })
    }
}
