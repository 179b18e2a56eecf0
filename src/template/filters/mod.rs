//! The filters, one file per family, and the table that names them.

use super::call::Call;
use super::error::TemplateError;
use crate::value::Value;

/// A filter's function.
pub type FilterFunction = fn(Call<'_>) -> Result<Value, TemplateError>;

/// Returns the filter of that name.
pub fn find(name: &str) -> Option<FilterFunction> {
    Some(
        match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
            "default" | "d" => |call| {
                let forgiven = call.value.as_fault().is_some_and(|fault| fault.undefined)
                    || (call.positional.get(1).is_some_and(Value::is_true)
                        || call.named.iter().any(|(_, value)| value.is_true()))
                        && !call.value.is_true();
                Ok(if forgiven {
                    call.positional
                        .into_iter()
                        .next()
                        .unwrap_or_else(|| Value::text(""))
                } else {
                    call.value
                })
            },
            "upper" => |call| Ok(Value::from(call.value.to_text().to_uppercase())),
            "list" => |call| super::operators::iterate(&call.value).map(Value::list),
            "length" | "count" => {
                |call| super::operators::iterate(&call.value).map(|items| Value::from(items.len()))
            }
            "int" => |call| {
                Ok(Value::from(
                    call.value
                        .to_text()
                        .split('.')
                        .next()
                        .unwrap_or("")
                        .parse::<i64>()
                        .unwrap_or(0),
                ))
            },
            "string" => |call| Ok(Value::from(call.value.to_text())),
            "join" => |call| {
                let items = super::operators::iterate(&call.value)?;
                let texts = items
                    .iter()
                    .map(|item| super::operators::defined(item).map(|()| item.to_text()));
                let texts: Vec<String> = texts.collect::<Result<_, _>>()?;
                Ok(Value::from(
                    texts.join(
                        &call
                            .positional
                            .first()
                            .map_or_else(String::new, Value::to_text),
                    ),
                ))
            },
            _ => return None,
        },
    )
}
