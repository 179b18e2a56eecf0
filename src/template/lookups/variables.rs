//! Variables by name: `vars`, `varnames`.

use super::options::{Options, failed, text_term};
use super::{LookupCall, Results};
use crate::template::call::Keyword;
use crate::template::error::TemplateError;
use crate::template::filters::python::used;
use crate::template::filters::regex::{Flags, Pattern};
use crate::value::Value;
use crate::vars::Found;

/// `vars(*names, default=...)`.
pub(super) fn vars(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let options = Options::new(call, named, &["default"]);
    let mut results = Vec::new();
    for term in &terms {
        let name = used(term)?.as_str().ok_or_else(|| {
            let kind = term.type_name();
            failed(
                call.name,
                format!("Variable name must be 'str' not '{kind}'"),
            )
        })?;
        let found = match call.evaluator.variables().find(name) {
            Found::Value(value) => call.evaluator.render(&value)?,
            Found::Missing => match options.get("default") {
                Some(default) => default.clone(),
                None => {
                    Value::undefined(format!("No variable named '{name}' was found"), call.span)
                }
            },
            Found::Elsewhere => {
                return Err(TemplateError::Elsewhere(format!("the variable `{name}`")));
            }
        };
        results.push(found);
    }
    Ok(results)
}

/// `varnames(*patterns)`: the names of variables that a regular expression finds.
pub(super) fn varnames(terms: Vec<Value>, _: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let names = call.evaluator.variables().names();
    let mut results = Vec::new();
    for term in &terms {
        let pattern = text_term(term, call)?;
        let pattern = Pattern::new(pattern, Flags::default())
            .map_err(|error| failed(call.name, format!("`{pattern}`: {error}")))?;
        for name in &names {
            if pattern.search(name)?.is_some() {
                results.push(Value::from(name.clone()));
            }
        }
    }
    Ok(results)
}
