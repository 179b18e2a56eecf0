//! The evaluation of a JMESPath expression.

use jmespath::Variable;
use jmespath::ast::{Ast, Comparator};

use super::functions;
use crate::template::operators;
use crate::value::{Dict, Kind, Value};

/// Applies the expression to a value. An error is its text.
pub(super) fn evaluate(tree: &Ast, value: &Value) -> Result<Value, String> {
    Ok(match tree {
        Ast::Identity { .. } => value.clone(),
        Ast::Literal { value, .. } => literal(value),
        Ast::Field { name, .. } => value.get(name).cloned().unwrap_or_default(),
        Ast::Index { idx, .. } => index(value, i64::from(*idx)),
        Ast::Subexpr { lhs, rhs, .. } => evaluate(rhs, &evaluate(lhs, value)?)?,
        Ast::Or { lhs, rhs, .. } => {
            let left = evaluate(lhs, value)?;
            if is_true(&left) {
                left
            } else {
                evaluate(rhs, value)?
            }
        }
        Ast::And { lhs, rhs, .. } => {
            let left = evaluate(lhs, value)?;
            if is_true(&left) {
                evaluate(rhs, value)?
            } else {
                left
            }
        }
        Ast::Not { node, .. } => Value::from(!is_true(&evaluate(node, value)?)),
        Ast::Comparison {
            comparator,
            lhs,
            rhs,
            ..
        } => compare(comparator, &evaluate(lhs, value)?, &evaluate(rhs, value)?)?,
        Ast::Condition {
            predicate, then, ..
        } => {
            if is_true(&evaluate(predicate, value)?) {
                evaluate(then, value)?
            } else {
                Value::NULL
            }
        }
        Ast::Projection { lhs, rhs, .. } => {
            let left = evaluate(lhs, value)?;
            let Some(items) = left.as_list() else {
                return Ok(Value::NULL);
            };
            let mut kept = Vec::new();
            for item in items {
                let item = evaluate(rhs, item)?;
                if !item.is_null() {
                    kept.push(item);
                }
            }
            Value::list(kept)
        }
        Ast::ObjectValues { node, .. } => match evaluate(node, value)?.as_dict() {
            Some(dict) => Value::list(dict.values().cloned()),
            None => Value::NULL,
        },
        Ast::Flatten { node, .. } => match evaluate(node, value)?.as_list() {
            Some(items) => Value::list(items.iter().flat_map(|item| match item.as_list() {
                Some(inner) => inner.to_vec(),
                None => vec![item.clone()],
            })),
            None => Value::NULL,
        },
        Ast::Slice {
            start, stop, step, ..
        } => slice(value, *start, *stop, *step)?,
        Ast::MultiList { elements, .. } => {
            if value.is_null() {
                return Ok(Value::NULL);
            }
            let items: Result<Vec<Value>, String> = elements
                .iter()
                .map(|element| evaluate(element, value))
                .collect();
            Value::list(items?)
        }
        Ast::MultiHash { elements, .. } => {
            if value.is_null() {
                return Ok(Value::NULL);
            }
            let mut dict = Dict::new();
            for element in elements {
                dict.insert(element.key.as_str(), evaluate(&element.value, value)?);
            }
            Value::dict(dict)
        }
        Ast::Function { name, args, .. } => functions::call(name, args, value)?,
        Ast::Expref { .. } => {
            return Err("an expression reference stands outside of a function".to_owned());
        }
    })
}

fn literal(value: &Variable) -> Value {
    serde_json::to_value(value).map_or(Value::NULL, Value::from_json)
}

/// What counts as true: all but null, false and what is empty. Zero is true.
pub(super) fn is_true(value: &Value) -> bool {
    match value.kind() {
        Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => true,
        _ => value.is_true(),
    }
}

fn index(value: &Value, index: i64) -> Value {
    let Some(items) = value.as_list() else {
        return Value::NULL;
    };
    let place = if index < 0 {
        usize::try_from(index.unsigned_abs())
            .ok()
            .and_then(|back| items.len().checked_sub(back))
    } else {
        usize::try_from(index).ok()
    };
    place
        .and_then(|place| items.get(place))
        .cloned()
        .unwrap_or_default()
}

fn slice(value: &Value, start: Option<i32>, stop: Option<i32>, step: i32) -> Result<Value, String> {
    let bound = |bound: Option<i32>| Value::from(bound.map(i64::from));
    if value.as_list().is_none() {
        return Ok(Value::NULL);
    }
    let (start, stop) = (bound(start), bound(stop));
    let step = Value::from(i64::from(step));
    operators::slice(value, &start, &stop, &step).map_err(|error| error.to_string())
}

/// Equality as JMESPath has it: a truth value is not a number.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    left.as_bool().is_some() == right.as_bool().is_some() && left == right
}

fn compare(comparator: &Comparator, left: &Value, right: &Value) -> Result<Value, String> {
    let holds: fn(std::cmp::Ordering) -> bool = match comparator {
        Comparator::Equal => return Ok(Value::from(equal(left, right))),
        Comparator::NotEqual => return Ok(Value::from(!equal(left, right))),
        Comparator::LessThan => std::cmp::Ordering::is_lt,
        Comparator::LessThanEqual => std::cmp::Ordering::is_le,
        Comparator::GreaterThan => std::cmp::Ordering::is_gt,
        Comparator::GreaterThanEqual => std::cmp::Ordering::is_ge,
    };
    let comparable = |value: &Value| {
        matches!(
            value.kind(),
            Kind::Int(_) | Kind::Big(_) | Kind::Float(_) | Kind::Str(_)
        )
    };
    if !comparable(left) || !comparable(right) {
        return Ok(Value::NULL);
    }
    match left.compare(right) {
        Some(order) => Ok(Value::from(holds(order))),
        None if left.as_str().is_some() == right.as_str().is_some() => Ok(Value::from(false)),
        None => Err(format!(
            "`{}` and `{}` have no order",
            left.type_name(),
            right.type_name()
        )),
    }
}
