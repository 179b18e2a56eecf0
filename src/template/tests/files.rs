//! Tests of the controller's files, of URLs and of vault text.

use std::path::Path;

use crate::template::call::Call;
use crate::template::context::FileStatus;
use crate::template::error::TemplateError;
use crate::template::filters::bind::{Arguments, bind};
use crate::template::filters::python::{contains, text};
use crate::value::{Marks, Value};

fn status(arguments: &Arguments<'_>) -> Result<Option<FileStatus>, TemplateError> {
    let path = text(&arguments.value)?;
    let what = format!("the test `{}`", arguments.name);
    Ok(arguments.evaluator.outside(&what)?.status(Path::new(&path)))
}

fn judged(call: Call<'_>, judge: fn(FileStatus) -> bool) -> Result<bool, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    Ok(status(&arguments)?.is_some_and(judge))
}

/// `directory`.
pub(super) fn directory(call: Call<'_>) -> Result<bool, TemplateError> {
    judged(call, |status| status.directory)
}

/// `file`.
pub(super) fn file(call: Call<'_>) -> Result<bool, TemplateError> {
    judged(call, |status| status.file)
}

/// `link`.
pub(super) fn link(call: Call<'_>) -> Result<bool, TemplateError> {
    link_exists_as(call, true)
}

/// `mount`.
pub(super) fn mount(call: Call<'_>) -> Result<bool, TemplateError> {
    judged(call, |status| status.mount)
}

/// `exists`: what a link points to.
pub(super) fn exists(call: Call<'_>) -> Result<bool, TemplateError> {
    judged(call, |_| true)
}

/// `link_exists`: also a link that points nowhere.
pub(super) fn link_exists(call: Call<'_>) -> Result<bool, TemplateError> {
    link_exists_as(call, false)
}

/// A broken link has no status, but its name stands in its directory.
fn link_exists_as(call: Call<'_>, only_link: bool) -> Result<bool, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    if let Some(status) = status(&arguments)? {
        return Ok(status.link || !only_link);
    }
    let path = text(&arguments.value)?;
    let path = Path::new(&path);
    let (Some(folder), Some(name)) = (
        path.parent(),
        path.file_name().and_then(|name| name.to_str()),
    ) else {
        return Ok(false);
    };
    let outside = arguments.evaluator.outside("the test `link_exists`")?;
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    Ok(outside
        .list(folder)
        .is_ok_and(|names| names.iter().any(|known| known == name)))
}

/// `same_file(other)`.
pub(super) fn same_file(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind(call, &["other"], 1)?;
    let other = text(arguments.get(0).unwrap_or(&Value::NULL))?;
    let outside = arguments.evaluator.outside("the test `same_file`")?;
    match (status(&arguments)?, outside.status(Path::new(&other))) {
        (Some(one), Some(two)) => Ok(one.identity == two.identity),
        _ => Err(arguments.error("needs two files that exist")),
    }
}

/// `abs`: an absolute path.
pub(super) fn abs(call: Call<'_>) -> Result<bool, TemplateError> {
    Ok(text(&bind(call, &[], 0)?.value)?.starts_with('/'))
}

/// Returns scheme and network location as Python's `urlparse` splits them.
fn url_parts(text: &str) -> (String, bool) {
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest))
            if scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter)) =>
        {
            (scheme.to_lowercase(), rest)
        }
        _ => (String::new(), text),
    };
    let location = rest
        .strip_prefix("//")
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#']));
    (scheme, location)
}

fn is_uri(arguments: &Arguments<'_>) -> Result<bool, TemplateError> {
    let Some(subject) = arguments.value.as_str() else {
        return Ok(false);
    };
    match arguments.given(0) {
        Some(schemes) if schemes.is_true() => contains(schemes, &Value::from(url_parts(subject).0)),
        _ => Ok(true),
    }
}

/// `uri(schemes=None)`.
pub(super) fn uri(call: Call<'_>) -> Result<bool, TemplateError> {
    is_uri(&bind(call, &["schemes"], 0)?)
}

/// `url(schemes=None)`.
pub(super) fn url(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind(call, &["schemes"], 0)?;
    let (scheme, location) = url_parts(arguments.value.as_str().unwrap_or_default());
    Ok(is_uri(&arguments)? && (location || scheme == "file"))
}

/// `urn`.
pub(super) fn urn(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    Ok(arguments
        .value
        .as_str()
        .is_some_and(|text| url_parts(text).0 == "urn"))
}

/// `vault_encrypted`: text that was encrypted by itself. It is decrypted by the time that a template sees it, so only its mark tells.
pub(super) fn vault_encrypted(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    Ok(arguments.value.marks().contains(Marks::VAULTED))
}

/// `vaulted_file`: a file of the controller that is a vault. It is read as it stands, so a decrypted one was one.
pub(super) fn vaulted_file(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let path = text(&arguments.value)?;
    let (_, decrypted) = arguments
        .evaluator
        .outside("the test `vaulted_file`")?
        .read(Path::new(&path))?;
    Ok(decrypted)
}
