//! The functions of JMESPath.

use std::cmp::Ordering;

use jmespath::ast::Ast;

use super::evaluate::{equal, evaluate};
use crate::template::filters::json;
use crate::template::filters::numbers::{parse_float, parse_int};
use crate::template::filters::python::{float_to_int, number, sort_by_keys};
use crate::template::operators::extend_dict;
use crate::value::{Dict, Key, Kind, Value};

/// What a function was given.
struct Given<'a> {
    name: &'a str,
    items: Vec<Item<'a>>,
}

/// One argument.
enum Item<'a> {
    Value(Value),
    /// `&expression`, for the functions that apply one.
    Expression(&'a Ast),
}

/// How many arguments a function takes: the least, and the most unless any number.
fn arity(name: &str) -> Option<(usize, Option<usize>)> {
    Some(match name {
        "abs" | "avg" | "ceil" | "floor" | "keys" | "length" | "max" | "min" | "reverse"
        | "sort" | "sum" | "to_array" | "to_number" | "to_string" | "type" | "values" => {
            (1, Some(1))
        }
        "contains" | "ends_with" | "join" | "map" | "max_by" | "min_by" | "sort_by"
        | "starts_with" => (2, Some(2)),
        "merge" => (0, None),
        "not_null" => (1, None),
        _ => return None,
    })
}

/// Calls a function with the value that stands before it.
pub(super) fn call(name: &str, arguments: &[Ast], value: &Value) -> Result<Value, String> {
    let (least, most) = arity(name).ok_or_else(|| format!("Unknown function: {name}()"))?;
    if arguments.len() < least || most.is_some_and(|most| arguments.len() > most) {
        return Err(format!(
            "the function {name}() takes {least} argument(s), {} were given",
            arguments.len()
        ));
    }
    let mut items = Vec::with_capacity(arguments.len());
    for argument in arguments {
        items.push(match argument {
            Ast::Expref { ast, .. } => Item::Expression(ast),
            other => Item::Value(evaluate(other, value)?),
        });
    }
    Given { name, items }.run()
}

/// The type's name in JMESPath.
fn type_of(value: &Value) -> &'static str {
    match value.kind() {
        Kind::Bool(_) => "boolean",
        Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => "number",
        Kind::List(_) | Kind::Tuple(_) => "array",
        Kind::Dict(_) => "object",
        Kind::Null => "null",
        _ => "string",
    }
}

impl<'a> Given<'a> {
    fn wrong(&self, wanted: &str, value: &Value) -> String {
        format!(
            "In function {}(), invalid type for value: {}, expected: {wanted}, received: {}",
            self.name,
            value.to_repr(),
            type_of(value)
        )
    }

    fn value(&self, index: usize) -> Result<&Value, String> {
        match self.items.get(index) {
            Some(Item::Value(value)) => Ok(value),
            _ => Err(format!(
                "the function {}() needs a value, not an expression",
                self.name
            )),
        }
    }

    fn expression(&self, index: usize) -> Result<&'a Ast, String> {
        match self.items.get(index) {
            Some(Item::Expression(tree)) => Ok(tree),
            _ => Err(format!(
                "the function {}() needs an expression such as &name",
                self.name
            )),
        }
    }

    fn list(&self, index: usize) -> Result<&[Value], String> {
        let value = self.value(index)?;
        value.as_list().ok_or_else(|| self.wrong("array", value))
    }

    fn text(&self, index: usize) -> Result<&str, String> {
        let value = self.value(index)?;
        value.as_str().ok_or_else(|| self.wrong("string", value))
    }

    fn dict(&self, index: usize) -> Result<&Dict, String> {
        let value = self.value(index)?;
        value.as_dict().ok_or_else(|| self.wrong("object", value))
    }

    fn number(&self, index: usize) -> Result<&Value, String> {
        let value = self.value(index)?;
        match type_of(value) {
            "number" => Ok(value),
            _ => Err(self.wrong("number", value)),
        }
    }

    /// A list whose items are all numbers or all text.
    fn alike(&self) -> Result<&[Value], String> {
        let items = self.list(0)?;
        self.same_type(items.iter())?;
        Ok(items)
    }

    fn same_type<'v>(&self, items: impl Iterator<Item = &'v Value>) -> Result<(), String> {
        let mut first = None;
        for item in items {
            let kind = type_of(item);
            if !matches!(kind, "number" | "string") || first.is_some_and(|first| first != kind) {
                return Err(self.wrong("number or string", item));
            }
            first = Some(kind);
        }
        Ok(())
    }

    fn rounded(&self, round: fn(f64) -> f64) -> Result<Value, String> {
        let value = self.number(0)?;
        match value.kind() {
            Kind::Float(float) => {
                float_to_int(round(*float)).ok_or_else(|| self.wrong("number", value))
            }
            _ => Ok(value.clone()),
        }
    }

    fn sum(&self) -> Result<Value, String> {
        let mut whole = num_bigint::BigInt::from(0);
        let mut float = None;
        for item in self.list(0)? {
            match item.kind() {
                Kind::Int(number) => whole += *number,
                Kind::Big(number) => whole += &**number,
                Kind::Float(number) => float = Some(float.unwrap_or(0.0) + number),
                _ => return Err(self.wrong("array-number", item)),
            }
        }
        match float {
            None => Ok(Value::integer(whole)),
            Some(float) => {
                let whole = number(&Value::integer(whole)).map_err(|error| error.to_string())?;
                Ok(Value::from(float + whole))
            }
        }
    }

    fn average(&self) -> Result<Value, String> {
        let count = self.list(0)?.len();
        if count == 0 {
            return Ok(Value::NULL);
        }
        let as_number = |value: &Value| number(value).map_err(|error| error.to_string());
        let sum = as_number(&self.sum()?)?;
        Ok(Value::from(sum / as_number(&Value::from(count))?))
    }

    fn keyed(&self) -> Result<Vec<(Value, Value)>, String> {
        let tree = self.expression(1)?;
        let mut keyed = Vec::new();
        for item in self.list(0)? {
            keyed.push((evaluate(tree, item)?, item.clone()));
        }
        self.same_type(keyed.iter().map(|(key, _)| key))?;
        Ok(keyed)
    }

    fn extreme(wanted: Ordering, keyed: Vec<(Value, Value)>) -> Value {
        let mut best: Option<(Value, Value)> = None;
        for candidate in keyed {
            let better = match &best {
                None => true,
                Some((key, _)) => candidate.0.compare(key) == Some(wanted),
            };
            if better {
                best = Some(candidate);
            }
        }
        best.map_or(Value::NULL, |(_, item)| item)
    }

    fn run(&self) -> Result<Value, String> {
        let alone = |items: &[Value]| {
            items
                .iter()
                .map(|item| (item.clone(), item.clone()))
                .collect::<Vec<_>>()
        };
        let sorted = |keyed| {
            sort_by_keys(keyed, false)
                .map(Value::list)
                .map_err(|error| error.to_string())
        };
        Ok(match self.name {
            "abs" => {
                let value = self.number(0)?;
                match value.kind() {
                    Kind::Int(number) => Value::integer(number.unsigned_abs().into()),
                    Kind::Big(number) => Value::integer(number.magnitude().clone().into()),
                    Kind::Float(number) => Value::from(number.abs()),
                    _ => return Err(self.wrong("number", value)),
                }
            }
            "avg" => self.average()?,
            "ceil" => self.rounded(f64::ceil)?,
            "floor" => self.rounded(f64::floor)?,
            "contains" => {
                let (subject, wanted) = (self.value(0)?, self.value(1)?);
                match (subject.as_list(), subject.as_str()) {
                    (Some(items), _) => Value::from(items.iter().any(|item| item == wanted)),
                    (None, Some(text)) => match wanted.as_str() {
                        Some(part) => Value::from(text.contains(part)),
                        None => return Err(self.wrong("string", wanted)),
                    },
                    (None, None) => return Err(self.wrong("array or string", subject)),
                }
            }
            "ends_with" => Value::from(self.text(0)?.ends_with(self.text(1)?)),
            "starts_with" => Value::from(self.text(0)?.starts_with(self.text(1)?)),
            "join" => {
                let glue = self.text(0)?;
                let mut texts = Vec::new();
                for item in self.list(1)? {
                    texts.push(
                        item.as_str()
                            .ok_or_else(|| self.wrong("array-string", item))?,
                    );
                }
                Value::from(texts.join(glue))
            }
            "keys" => Value::list(self.dict(0)?.keys().map(Key::to_value)),
            "values" => Value::list(self.dict(0)?.values().cloned()),
            "length" => {
                let value = self.value(0)?;
                Value::from(match value.kind() {
                    Kind::Str(text) => text.chars().count(),
                    Kind::List(items) | Kind::Tuple(items) => items.len(),
                    Kind::Dict(dict) => dict.len(),
                    _ => return Err(self.wrong("string, array or object", value)),
                })
            }
            "map" => {
                let tree = self.expression(0)?;
                let items: Result<Vec<Value>, String> = self
                    .list(1)?
                    .iter()
                    .map(|item| evaluate(tree, item))
                    .collect();
                Value::list(items?)
            }
            "max" => Self::extreme(Ordering::Greater, alone(self.alike()?)),
            "min" => Self::extreme(Ordering::Less, alone(self.alike()?)),
            "max_by" => Self::extreme(Ordering::Greater, self.keyed()?),
            "min_by" => Self::extreme(Ordering::Less, self.keyed()?),
            "merge" => {
                let mut merged = Dict::new();
                for index in 0..self.items.len() {
                    self.dict(index)?;
                    extend_dict(&mut merged, self.value(index)?)
                        .map_err(|error| error.to_string())?;
                }
                Value::dict(merged)
            }
            "not_null" => {
                for index in 0..self.items.len() {
                    let value = self.value(index)?;
                    if !equal(value, &Value::NULL) {
                        return Ok(value.clone());
                    }
                }
                Value::NULL
            }
            "reverse" => {
                let value = self.value(0)?;
                match (value.as_list(), value.as_str()) {
                    (Some(items), _) => Value::list(items.iter().rev().cloned()),
                    (None, Some(text)) => Value::from(text.chars().rev().collect::<String>()),
                    (None, None) => return Err(self.wrong("array or string", value)),
                }
            }
            "sort" => sorted(alone(self.alike()?))?,
            "sort_by" => sorted(self.keyed()?)?,
            "sum" => self.sum()?,
            "to_array" => {
                let value = self.value(0)?;
                if value.as_list().is_some() {
                    value.clone()
                } else {
                    Value::list([value.clone()])
                }
            }
            "to_number" => {
                let value = self.value(0)?;
                match value.kind() {
                    Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => value.clone(),
                    Kind::Str(text) => parse_int(text, 10)
                        .or_else(|| parse_float(text).map(Value::from))
                        .unwrap_or_default(),
                    _ => Value::NULL,
                }
            }
            "to_string" => {
                let value = self.value(0)?;
                if value.as_str().is_some() {
                    value.clone()
                } else {
                    Value::from(json::compact(value).map_err(|error| error.to_string())?)
                }
            }
            _ => Value::from(type_of(self.value(0)?)),
        })
    }
}
