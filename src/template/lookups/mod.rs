//! The lookups, one file per family, and the table that names them.

use super::call::{Callback, Keyword};
use super::error::TemplateError;
use crate::diag::Span;
use crate::value::Value;

/// One use of a lookup.
pub struct LookupCall<'a> {
    /// The name as it was written.
    pub name: &'a str,
    /// Where it stands.
    pub span: Span,
    /// The evaluator.
    pub evaluator: &'a dyn Callback,
}

/// A lookup's function.
pub type LookupFunction = fn(
    terms: Vec<Value>,
    named: Vec<Keyword>,
    call: &LookupCall<'_>,
) -> Result<Vec<Value>, TemplateError>;

/// Returns the lookup of that name.
pub fn find(name: &str) -> Option<LookupFunction> {
    Some(
        match name.strip_prefix("ansible.builtin.").unwrap_or(name) {
            "items" => |terms, _, _| {
                Ok(terms
                    .iter()
                    .flat_map(|term| {
                        term.as_list()
                            .map_or_else(|| vec![term.clone()], <[Value]>::to_vec)
                    })
                    .collect())
            },
            "env" => |terms, _, call| {
                let outside = call.evaluator.outside("the lookup `env`")?;
                Ok(terms
                    .iter()
                    .map(|name| {
                        Value::from(outside.environment(&name.to_text()).unwrap_or_default())
                    })
                    .collect())
            },
            _ => return None,
        },
    )
}
