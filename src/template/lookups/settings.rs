//! Lookups of the environment, configuration, variables, inventory, commands and URLs.

#![expect(
    clippy::needless_pass_by_value,
    reason = "all lookups have one signature"
)]

use super::LookupCall;
use crate::template::call::Keyword;
use crate::template::error::TemplateError;
use crate::template::filters::bind::bind_items;
use crate::template::filters::python::{text, used};
use crate::template::filters::regex::{Flags, Pattern};
use crate::value::{Dict, Value};
use crate::vars::Found;

type Results = Result<Vec<Value>, TemplateError>;

/// `env(*names, default='')`.
pub(super) fn env(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let bound = bind_items(call.name, Vec::new(), named, &["default"], 0)?;
    let default = bound
        .into_iter()
        .next()
        .flatten()
        .unwrap_or_else(|| Value::from(""));
    let outside = call.evaluator.outside("the lookup `env`")?;
    let mut results = Vec::new();
    for term in &terms {
        let name = text(term)?;
        let name = name.split_whitespace().next().unwrap_or_default();
        results.push(match outside.environment(name) {
            Some(found) => Value::from(found),
            None => used(&default)?.clone(),
        });
    }
    Ok(results)
}

/// `config(*names, on_missing='error')`.
pub(super) fn config(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let names = ["on_missing", "plugin_type", "plugin_name", "show_origin"];
    let bound = bind_items(call.name, Vec::new(), named, &names, 0)?;
    let missing = bound
        .first()
        .cloned()
        .flatten()
        .map_or_else(|| "error".to_owned(), |value| value.to_text());
    let outside = call.evaluator.outside("the lookup `config`")?;
    let mut results = Vec::new();
    for term in &terms {
        let name = text(term)?;
        match outside.setting(&name) {
            Some(value) => results.push(value),
            None if missing == "error" => {
                return Err(TemplateError::new(format!("there is no setting `{name}`")));
            }
            None => {}
        }
    }
    Ok(results)
}

fn shell(command: &str, call: &LookupCall<'_>) -> Result<String, TemplateError> {
    let outside = call
        .evaluator
        .outside(&format!("the lookup `{}`", call.name))?;
    let output = outside.shell(command)?;
    if output.status != 0 {
        let detail = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let detail = if detail.is_empty() {
            detail
        } else {
            format!(": {detail}")
        };
        return Err(TemplateError::new(format!(
            "`{command}` ended with status {}{detail}",
            output.status
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `pipe(*commands)`: what each prints, without the newlines at its end.
pub(super) fn pipe(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    bind_items(call.name, Vec::new(), named, &[], 0)?;
    terms
        .iter()
        .map(|term| Ok(Value::from(shell(&text(term)?, call)?.trim_end())))
        .collect()
}

/// `lines(*commands)`: the lines that each prints.
pub(super) fn lines(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    bind_items(call.name, Vec::new(), named, &[], 0)?;
    let mut results = Vec::new();
    for term in &terms {
        let output = shell(&text(term)?, call)?;
        results.extend(
            crate::template::filters::strings::split_lines(&output)
                .into_iter()
                .map(Value::from),
        );
    }
    Ok(results)
}

/// `url(*urls, split_lines=true, ...)`.
pub(super) fn url(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let outside = call.evaluator.outside("the lookup `url`")?;
    let options: Dict = named
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect();
    let split = options.get("split_lines").is_none_or(Value::is_true);
    let mut results = Vec::new();
    for term in &terms {
        let body = outside.fetch(&text(term)?, &options)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        if split {
            results.extend(
                crate::template::filters::strings::split_lines(&body)
                    .into_iter()
                    .map(Value::from),
            );
        } else {
            results.push(Value::from(body));
        }
    }
    Ok(results)
}

/// `vars(*names, default=...)`.
pub(super) fn vars(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let bound = bind_items(call.name, Vec::new(), named, &["default"], 0)?;
    let default = bound.into_iter().next().flatten();
    let mut results = Vec::new();
    for term in &terms {
        let Some(name) = used(term)?.as_str() else {
            return Err(TemplateError::new(format!(
                "`vars` needs names as text, got {}",
                term.type_name()
            )));
        };
        let found = match call.evaluator.variables().find(name) {
            Found::Value(value) => Some(value),
            Found::Missing => None,
            Found::Elsewhere => {
                return Err(TemplateError::Elsewhere(format!("the variable `{name}`")));
            }
        };
        results.push(match (found, &default) {
            (Some(value), _) => call.evaluator.render(&value)?,
            (None, Some(default)) => used(default)?.clone(),
            (None, None) => {
                let missing = Value::undefined(format!("`{name}` is undefined"), call.span);
                return Err(missing
                    .as_fault()
                    .cloned()
                    .map_or_else(|| TemplateError::new(""), TemplateError::Fault));
            }
        });
    }
    Ok(results)
}

/// `varnames(*patterns)`: the names of variables that a pattern finds.
pub(super) fn varnames(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    bind_items(call.name, Vec::new(), named, &[], 0)?;
    let names = call.evaluator.variables().names();
    let mut results = Vec::new();
    for term in &terms {
        let pattern = used(term)?.as_str().ok_or_else(|| {
            TemplateError::new(format!(
                "`varnames` needs patterns as text, got {}",
                term.type_name()
            ))
        })?;
        let pattern = Pattern::new(pattern, Flags::default())?;
        for name in &names {
            if pattern.search(name)?.is_some() {
                results.push(Value::from(name.clone()));
            }
        }
    }
    Ok(results)
}

/// `inventory_hostnames(*patterns)`.
pub(super) fn inventory_hostnames(
    terms: Vec<Value>,
    named: Vec<Keyword>,
    call: &LookupCall<'_>,
) -> Results {
    bind_items(call.name, Vec::new(), named, &[], 0)?;
    let outside = call.evaluator.outside("the lookup `inventory_hostnames`")?;
    let patterns = terms.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    Ok(outside
        .hosts(&patterns.join(","))?
        .into_iter()
        .map(Value::from)
        .collect())
}
