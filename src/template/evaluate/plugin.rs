//! Filters, tests and lookups by name: what they are given, and what becomes of what they give.

use std::sync::Arc;

use super::{Evaluator, Frame};
use crate::diag::Span;
use crate::template::call::{Call, Keyword};
use crate::template::error::TemplateError;
use crate::template::globals::Function;
use crate::template::lookups::{self, LookupCall};
use crate::template::operators::{self, defined};
use crate::template::tree::{Argument, Expression, Node};
use crate::template::{filters, tests};
use crate::value::{Kind, Value};

/// Filters that look at undefined values rather than fail on them.
const FORGIVING_FILTERS: [&str; 6] = [
    "default",
    "d",
    "mandatory",
    "type_debug",
    "ternary",
    "unvault",
];
/// Tests that look at undefined values.
const FORGIVING_TESTS: [&str; 3] = ["defined", "undefined", "vault_encrypted"];
/// Lookups that look at undefined terms or options.
const FORGIVING_LOOKUPS: [&str; 2] = ["first_found", "env"];
/// Filters that hand values on as they are: what comes out is as secret as it was, each value for itself.
const PASSING_FILTERS: [&str; 26] = [
    "attr",
    "combine",
    "d",
    "default",
    "dict2items",
    "difference",
    "extract",
    "first",
    "flatten",
    "intersect",
    "items2dict",
    "last",
    "list",
    "mandatory",
    "map",
    "product",
    "reject",
    "rejectattr",
    "reverse",
    "select",
    "selectattr",
    "ternary",
    "union",
    "unique",
    "zip",
    "zip_longest",
];
/// Filters whose result changes by itself.
const FLEETING_FILTERS: [&str; 5] = ["random", "shuffle", "password_hash", "vault", "random_mac"];

impl Evaluator<'_> {
    pub(super) fn lookup_call(
        &self,
        frame: &Frame,
        function: Function,
        arguments: &[Argument],
    ) -> Result<Value, TemplateError> {
        let (positional, mut named) = {
            let mut positional = Vec::with_capacity(arguments.len());
            let mut rest = Vec::new();
            for argument in arguments {
                if let Argument::Positional(term) = argument {
                    positional.push(self.term(frame, term)?);
                } else {
                    rest.push(argument);
                }
            }
            let mut named = Vec::new();
            for argument in rest {
                let (more, keywords) = self.arguments(frame, std::slice::from_ref(argument))?;
                positional.extend(more);
                named.extend(keywords);
            }
            (positional, named)
        };
        let mut terms = positional.into_iter();
        let name = terms
            .next()
            .ok_or_else(|| TemplateError::new("`lookup` needs the name of a lookup"))?;
        defined(&name)?;
        let name = name.to_text();
        let terms: Vec<Value> = terms.collect();
        let mut option = |wanted: &str| {
            let index = named.iter().position(|(name, _)| name.as_ref() == wanted)?;
            Some(named.remove(index).1)
        };
        let as_list =
            (function == Function::Query) | option("wantlist").is_some_and(|value| value.is_true());
        let errors = option("errors").map_or_else(|| "strict".to_owned(), |value| value.to_text());
        if !FORGIVING_LOOKUPS.contains(&base_name(&name))
            && let Some(fault) = first_undefined(&terms, &named)
        {
            return Ok(fault);
        }
        let results = match self.run_lookup(&name, terms, named, false) {
            Ok(results) => results,
            Err(error @ TemplateError::Fault(_))
                if !matches!(errors.as_str(), "ignore" | "warn") =>
            {
                return match error {
                    TemplateError::Fault(fault) if fault.undefined => {
                        Ok(Value::new(Kind::Undefined(Arc::new(fault))))
                    }
                    other => Err(other),
                };
            }
            Err(TemplateError::Fault(_)) => {
                return Ok(if as_list {
                    Value::list([])
                } else {
                    Value::NULL
                });
            }
            Err(other) => return Err(other),
        };
        Ok(if as_list {
            Value::list(results)
        } else {
            single(results)
        })
    }

    /// Evaluates a lookup's term. A constant in it that looks like a template is one.
    fn term(&self, frame: &Frame, expression: &Expression) -> Result<Value, TemplateError> {
        match &expression.node {
            Node::Embedded(text) => self.deep(&Value::template(Arc::clone(text), frame.origin)),
            Node::List(items) => Ok(Value::list(
                items
                    .iter()
                    .map(|item| self.term(frame, item))
                    .collect::<Result<Vec<_>, _>>()?,
            )),
            Node::Tuple(items) => Ok(Value::tuple(
                items
                    .iter()
                    .map(|item| self.term(frame, item))
                    .collect::<Result<Vec<_>, _>>()?,
            )),
            _ => self.whole(frame, expression),
        }
    }

    /// Runs a lookup, for a `with_NAME:` loop or a call; its results are never evaluated as templates, and are as secret as what it was given.
    pub(super) fn run_lookup(
        &self,
        name: &str,
        terms: Vec<Value>,
        named: Vec<Keyword>,
        looped: bool,
    ) -> Result<Vec<Value>, TemplateError> {
        let Some(function) = lookups::find(name) else {
            return Err(unknown("lookup", name, lookups::names()));
        };
        self.fleeting.set(true);
        let secret = terms.iter().any(Value::holds_secret)
            || named.iter().any(|(_, value)| value.holds_secret());
        let call = LookupCall {
            name,
            span: Span::NONE,
            looped,
            evaluator: self,
        };
        let results = function(terms, named, &call)?;
        Ok(results
            .into_iter()
            .map(|result| {
                let result = result.untrusted();
                if secret { result.secret() } else { result }
            })
            .collect())
    }

    /// Applies a filter to values that are rendered deep.
    pub(super) fn apply_filter(
        &self,
        name: &str,
        value: Value,
        positional: Vec<Value>,
        named: Vec<Keyword>,
        span: Span,
    ) -> Result<Value, TemplateError> {
        let Some(function) = filters::find(name) else {
            return Err(unknown("filter", name, filters::names()));
        };
        let base = base_name(name);
        if !FORGIVING_FILTERS.contains(&base) {
            if value.as_fault().is_some() {
                return Ok(value);
            }
            if let Some(fault) = first_undefined(&positional, &named) {
                return Ok(fault);
            }
        }
        if FLEETING_FILTERS.contains(&base)
            && !named
                .iter()
                .any(|(name, _)| matches!(name.as_ref(), "seed" | "salt"))
        {
            self.fleeting.set(true);
        }
        let secret = {
            let passes = PASSING_FILTERS.contains(&base);
            let taints = |value: &Value| match passes {
                true => value.is_secret(),
                false => value.holds_secret(),
            };
            taints(&value)
                || positional.iter().any(taints)
                || named.iter().any(|(_, value)| taints(value))
        };
        let call = Call {
            name,
            value,
            positional,
            named,
            span,
            evaluator: self,
        };
        match function(call) {
            Ok(value) if secret && value.as_bool().is_none() => Ok(value.secret()),
            Err(TemplateError::Fault(fault)) if fault.undefined => {
                Ok(Value::new(Kind::Undefined(Arc::new(fault))))
            }
            result => result,
        }
    }

    /// Applies a test to values that are rendered deep; the result is a truth value, or undefined as what it looked at.
    pub(super) fn apply_test(
        &self,
        name: &str,
        value: Value,
        positional: Vec<Value>,
        named: Vec<Keyword>,
        span: Span,
    ) -> Result<Value, TemplateError> {
        let Some(function) = tests::find(name) else {
            return Err(unknown("test", name, tests::names()));
        };
        if !FORGIVING_TESTS.contains(&base_name(name)) {
            if value.as_fault().is_some() {
                return Ok(value);
            }
            if let Some(fault) = first_undefined(&positional, &named) {
                return Ok(fault);
            }
        }
        let call = Call {
            name,
            value,
            positional,
            named,
            span,
            evaluator: self,
        };
        match function(call) {
            Ok(result) => Ok(Value::from(result)),
            Err(TemplateError::Fault(fault)) if fault.undefined => {
                Ok(Value::new(Kind::Undefined(Arc::new(fault))))
            }
            Err(error) => Err(error),
        }
    }
}

/// Returns the last part of a name such as `ansible.builtin.default`.
fn base_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// A lookup's results as `lookup()` gives them: one alone, texts joined by commas, others as a list.
fn single(mut results: Vec<Value>) -> Value {
    if results.len() == 1 {
        return results.pop().unwrap_or_default();
    }
    let texts: Option<Vec<&str>> = results.iter().map(Value::as_str).collect();
    match texts {
        Some(texts) if !texts.is_empty() => {
            let secret = results.iter().any(Value::is_secret);
            operators::marked(Value::from(texts.join(",")), secret)
        }
        _ => Value::list(results),
    }
}

/// Returns the first argument that is undefined.
pub(super) fn first_undefined(positional: &[Value], named: &[Keyword]) -> Option<Value> {
    positional
        .iter()
        .chain(named.iter().map(|(_, value)| value))
        .find(|value| value.as_fault().is_some())
        .cloned()
}

/// The error for a name that nothing has, with the nearest one.
fn unknown(kind: &str, name: &str, names: impl Iterator<Item = &'static str>) -> TemplateError {
    let error = TemplateError::new(format!("there is no {kind} `{name}`"));
    match (error, crate::diag::nearest_one(name, names)) {
        (TemplateError::Fault(fault), Some(near)) => TemplateError::Fault(crate::value::Fault {
            help: Some(format!("did you mean `{near}`?")),
            ..fault
        }),
        (error, _) => error,
    }
}
