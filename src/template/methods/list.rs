//! Methods of lists and tuples.

use super::{Arguments, Called};
use crate::template::error::TemplateError;
use crate::template::operators::iterate;
use crate::value::Value;

pub(super) const METHODS: [&str; 11] = [
    "append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse",
    "sort",
];

pub(super) fn call(items: &[Value], arguments: &Arguments<'_>) -> Result<Called, TemplateError> {
    let changed = |items: Vec<Value>| Called {
        result: Value::NULL,
        changed: Some(Value::list(items)),
    };
    let position = |index: i64| {
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        usize::try_from(if index < 0 { index + length } else { index }).ok()
    };
    let mut copy = items.to_vec();
    Ok(match arguments.method {
        "append" => {
            copy.push(arguments.required(0, "object")?.clone());
            changed(copy)
        }
        "extend" => {
            copy.extend(iterate(arguments.required(0, "iterable")?)?);
            changed(copy)
        }
        "clear" => changed(Vec::new()),
        "copy" => Value::list(copy).into(),
        "count" => {
            let wanted = arguments.required(0, "value")?;
            Value::from(items.iter().filter(|item| *item == wanted).count()).into()
        }
        "index" => {
            let wanted = arguments.required(0, "value")?;
            let start = arguments
                .integer(1, "start")?
                .and_then(position)
                .unwrap_or(0);
            let stop = arguments
                .integer(2, "stop")?
                .map_or(items.len(), |stop| position(stop).unwrap_or(0));
            let found = items
                .iter()
                .enumerate()
                .take(stop)
                .skip(start)
                .find(|(_, item)| *item == wanted);
            match found {
                Some((index, _)) => Value::from(index).into(),
                None => return Err(TemplateError::new(format!("{wanted:?} is not in list"))),
            }
        }
        "insert" => {
            let index = arguments.integer(0, "index")?.unwrap_or(0);
            let index = position(index).unwrap_or(0).min(copy.len());
            copy.insert(index, arguments.required(1, "object")?.clone());
            changed(copy)
        }
        "pop" => {
            let index = position(arguments.integer(0, "index")?.unwrap_or(-1))
                .filter(|index| *index < copy.len());
            let Some(index) = index else {
                let what = if copy.is_empty() {
                    "pop from empty list"
                } else {
                    "pop index out of range"
                };
                return Err(TemplateError::new(what));
            };
            let result = copy.remove(index);
            Called {
                result,
                changed: Some(Value::list(copy)),
            }
        }
        "remove" => {
            let wanted = arguments.required(0, "value")?;
            let Some(index) = copy.iter().position(|item| item == wanted) else {
                return Err(TemplateError::new("list.remove(x): x not in list"));
            };
            copy.remove(index);
            changed(copy)
        }
        "reverse" => {
            copy.reverse();
            changed(copy)
        }
        _ => {
            sort(&mut copy)?;
            if arguments
                .get(usize::MAX, "reverse")
                .is_some_and(Value::is_true)
            {
                copy.reverse();
            }
            changed(copy)
        }
    })
}

fn sort(items: &mut [Value]) -> Result<(), TemplateError> {
    let mut failed = None;
    items.sort_by(|left, right| {
        left.compare(right).unwrap_or_else(|| {
            failed.get_or_insert_with(|| (left.type_name(), right.type_name()));
            std::cmp::Ordering::Equal
        })
    });
    match failed {
        Some((left, right)) => Err(TemplateError::new(format!(
            "`<` not supported between instances of `{left}` and `{right}`"
        ))),
        None => Ok(()),
    }
}
