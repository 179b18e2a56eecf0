//! The controller's environment, configuration and inventory: `env`, `config`, `inventory_hostnames`.

use super::file::outside;
use super::options::{Options, failed, text_term};
use super::{LookupCall, Results};
use crate::template::call::Keyword;
use crate::template::filters::python::{text, used};
use crate::value::Value;

/// `env(*names, default='')`: an undefined default makes an unset variable undefined.
pub(super) fn env(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let default = Options::new(call, named, &["default"]);
    let default = default.get("default").cloned();
    let default = default.unwrap_or_else(|| Value::from(""));
    let outside = outside(call)?;
    let mut results = Vec::new();
    for term in &terms {
        let words = text_term(term, call)?;
        let Some(name) = words.split_whitespace().next() else {
            return Err(failed(call.name, "it needs the name of a variable"));
        };
        results.push(match outside.environment(name) {
            Some(found) => Value::from(found),
            None if default.as_fault().is_some_and(|fault| fault.undefined) => {
                let message = format!("the environment variable `{name}` is not set");
                Value::undefined(message, call.span)
            }
            None => used(&default)?.clone(),
        });
    }
    Ok(results)
}

/// `config(*names, on_missing='error')`.
pub(super) fn config(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let names = &["on_missing", "plugin_type", "plugin_name", "show_origin"];
    let options = Options::new(call, named, names);
    let missing = options.text("on_missing", "error")?;
    if !matches!(missing.as_str(), "error" | "skip" | "warn") {
        let message = format!("`on_missing` must be error, skip or warn, not `{missing}`");
        return Err(options.error(message));
    }
    for name in ["plugin_type", "plugin_name"] {
        if options.get(name).is_some() {
            return Err(options.error(format!("`{name}`: settings of plugins are not known here")));
        }
    }
    if options.flag("show_origin", false)? {
        return Err(options.error("`show_origin` is not supported"));
    }
    let outside = outside(call)?;
    let mut results = Vec::new();
    for term in &terms {
        let name = text_term(term, call)?;
        match outside.setting(name) {
            Some(value) => results.push(value),
            None if missing == "error" => {
                return Err(options.error(format!("there is no setting `{name}`")));
            }
            None => {}
        }
    }
    Ok(results)
}

/// `inventory_hostnames(*patterns)`; a pattern that is none names no host.
pub(super) fn inventory_hostnames(
    terms: Vec<Value>,
    _: Vec<Keyword>,
    call: &LookupCall<'_>,
) -> Results {
    let patterns = terms.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let hosts = outside(call)?.hosts(&patterns.join(","));
    let hosts = hosts.unwrap_or_default().into_iter();
    Ok(hosts.map(Value::from).collect())
}
