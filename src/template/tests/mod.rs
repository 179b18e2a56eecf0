//! The tests, one file per family, and the table that names them.

use super::call::Call;
use super::error::TemplateError;

/// A test's function.
pub type TestFunction = fn(Call<'_>) -> Result<bool, TemplateError>;

/// Returns the test of that name.
pub fn find(name: &str) -> Option<TestFunction> {
    Some(
        match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
            "defined" => |call| Ok(call.value.as_fault().is_none_or(|fault| !fault.undefined)),
            "undefined" => |call| Ok(call.value.as_fault().is_some_and(|fault| fault.undefined)),
            "divisibleby" => |call| {
                let by = call
                    .positional
                    .first()
                    .and_then(crate::value::Value::as_int)
                    .unwrap_or(1);
                Ok(call
                    .value
                    .as_int()
                    .is_some_and(|value| value.checked_rem(by) == Some(0)))
            },
            "in" => |call| {
                super::operators::contains(
                    call.positional.first().unwrap_or(&call.value),
                    &call.value,
                )
            },
            "match" => |call| {
                let pattern = call
                    .positional
                    .first()
                    .map(crate::value::Value::to_text)
                    .unwrap_or_default();
                Ok(call.value.to_text().starts_with(&pattern))
            },
            "number" => |call| Ok(call.value.as_number().is_some()),
            "none" => |call| Ok(call.value.is_null()),
            "string" => |call| Ok(call.value.as_str().is_some()),
            _ => return None,
        },
    )
}
