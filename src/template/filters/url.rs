//! `urlsplit`: a URL taken apart as Python's `urllib` does it.

use super::bind::bind;
use super::python::text;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::{Dict, Value};

/// `urlsplit(query='')`: a dictionary, or one part of it.
pub(super) fn urlsplit(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["query", "alias"], 0)?;
    let subject = text(&arguments.value)?;
    let subject = subject.trim_matches(|letter: char| letter <= ' ');
    let (scheme, rest) = match subject.split_once(':') {
        Some((scheme, rest))
            if scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter)) =>
        {
            (scheme.to_lowercase(), rest)
        }
        _ => (String::new(), subject),
    };
    let (location, rest) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (credentials, host) = location
        .rsplit_once('@')
        .map_or((None, location), |(user, host)| (Some(user), host));
    let (user, password) = match credentials {
        Some(pair) => pair
            .split_once(':')
            .map_or((Some(pair), None), |(user, password)| {
                (Some(user), Some(password))
            }),
        None => (None, None),
    };
    let (name, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((name, after)) => (name, after.strip_prefix(':')),
        None => host
            .split_once(':')
            .map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let port = match port.filter(|port| !port.is_empty()) {
        Some(port) => Some(
            port.parse::<u16>()
                .map_err(|_| arguments.error(format!("cannot read the port `{port}`")))?,
        ),
        None => None,
    };
    let parts = Dict::new()
        .with("fragment", fragment)
        .with(
            "hostname",
            Some(name.to_lowercase()).filter(|name| !name.is_empty()),
        )
        .with("netloc", location)
        .with("password", password)
        .with("path", path)
        .with("port", port)
        .with("query", query)
        .with("scheme", scheme)
        .with("username", user);
    match arguments.optional_text(0)?.filter(|part| !part.is_empty()) {
        None => Ok(Value::dict(parts)),
        Some(part) => parts
            .get(&part)
            .cloned()
            .ok_or_else(|| arguments.error(format!("knows no part `{part}` of a URL"))),
    }
}
