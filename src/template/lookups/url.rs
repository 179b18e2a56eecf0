//! The `url` lookup: what a web server answers.

use super::file::outside;
use super::options::{Options, failed, text_term};
use super::{LookupCall, Results};
use crate::template::call::Keyword;
use crate::template::filters::strings::split_lines;
use crate::value::{Dict, Value};

/// `url(*urls, split_lines=true, validate_certs=true, username, password, headers, ...)`.
pub(super) fn url(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let outside = outside(call)?;
    let for_request: Dict = named
        .iter()
        .filter(|(name, _)| name.as_ref() != "split_lines")
        .map(|(name, value)| (name.clone().into(), value.clone()))
        .collect();
    let split = Options::new(call, named, &["split_lines"]).flag("split_lines", true)?;
    let mut results = Vec::new();
    for term in &terms {
        let address = text_term(term, call)?;
        let body = outside
            .fetch(address, &for_request)
            .map_err(|error| failed(call.name, error.to_string()))?;
        let body = String::from_utf8(body)
            .map_err(|_| failed(call.name, format!("`{address}` is not UTF-8 text")))?;
        if split {
            results.extend(split_lines(&body).into_iter().map(Value::from));
        } else {
            results.push(Value::from(body));
        }
    }
    Ok(results)
}
