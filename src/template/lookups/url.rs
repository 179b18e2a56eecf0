//! The `url` lookup: what a web server answers.

use super::file::outside;
use super::options::{Options, failed, text_term};
use super::{LookupCall, Results};
use crate::template::call::Keyword;
use crate::template::context::LookupContext;
use crate::template::error::TemplateError;
use crate::template::filters::strings::split_lines;
use crate::value::{Dict, Value};
use crate::vars::Found;

const NAMES: &[&str] = &[
    "split_lines",
    "validate_certs",
    "use_proxy",
    "username",
    "password",
    "headers",
    "force",
    "timeout",
    "http_agent",
    "force_basic_auth",
    "follow_redirects",
    "use_gssapi",
    "use_netrc",
    "unix_socket",
    "ca_path",
    "unredirected_headers",
    "ciphers",
];

/// Options that variables `ansible_lookup_url_...` and the environment set as well, and the end of those names.
const SET_ELSEWHERE: [(&str, &str); 7] = [
    ("force", "force"),
    ("timeout", "timeout"),
    ("http_agent", "agent"),
    ("force_basic_auth", "force_basic_auth"),
    ("follow_redirects", "follow_redirects"),
    ("ca_path", "ca_path"),
    ("unredirected_headers", "unredir_headers"),
];

/// Options of which only the default is known here.
const UNKNOWN: [&str; 3] = ["use_gssapi", "unix_socket", "ciphers"];

/// `url(*urls, split_lines=true, validate_certs=true, username, password, headers, ...)`.
pub(super) fn url(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let outside = outside(call)?;
    let mut options = Options::new(call, named, NAMES);
    for (name, end) in SET_ELSEWHERE {
        if options.get(name).is_none()
            && let Some(value) = set_elsewhere(end, call, outside)?
        {
            options.set(name, value);
        }
    }
    for name in UNKNOWN {
        if options.get(name).is_some_and(Value::is_true) {
            return Err(options.error(format!("`{name}` is not supported")));
        }
    }
    let mut request = Dict::new();
    for (name, default) in [
        ("validate_certs", true),
        ("use_proxy", true),
        ("force", false),
        ("force_basic_auth", false),
    ] {
        request.insert(name, options.flag(name, default)?);
    }
    for name in [
        "username",
        "password",
        "http_agent",
        "follow_redirects",
        "ca_path",
    ] {
        if options.get(name).is_some() {
            request.insert(name, options.text(name, "")?);
        }
    }
    request.insert("timeout", options.int("timeout")?.unwrap_or(10));
    request.insert("headers", options.dict("headers")?);
    request.insert(
        "unredirected_headers",
        Value::list(options.list("unredirected_headers")?),
    );
    let split = options.flag("split_lines", true)?;
    let mut results = Vec::new();
    for term in &terms {
        let address = text_term(term, call)?;
        let body = outside
            .fetch(address, &request)
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

/// Returns what a variable or else the environment says of an option.
fn set_elsewhere(
    end: &str,
    call: &LookupCall<'_>,
    outside: &dyn LookupContext,
) -> Result<Option<Value>, TemplateError> {
    let name = format!("ansible_lookup_url_{end}");
    match call.evaluator.variables().find(&name) {
        Found::Value(value) => Ok(Some(call.evaluator.render(&value)?)),
        Found::Missing => Ok(outside.environment(&name.to_uppercase()).map(Value::from)),
        Found::Elsewhere => Err(TemplateError::Elsewhere(format!("the variable `{name}`"))),
    }
}
