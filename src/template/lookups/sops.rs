//! The lookup of `community.sops`: what a file of SOPS holds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::file::{find, outside};
use super::options::{Options, failed, text_term};
use super::{LookupCall, Results};
use crate::secrets::{AgeSettings, Secret};
use crate::sops::{Format, Reading};
use crate::template::call::Keyword;
use crate::template::context::FileKind;
use crate::template::error::TemplateError;
use crate::template::filters::strings::is_space;
use crate::value::Value;
use crate::vars::Found;

const NAMES: &[&str] = &[
    "rstrip",
    "base64",
    "input_type",
    "output_type",
    "empty_on_not_exist",
    "extract",
    "age_key",
    "age_keyfile",
    "age_ssh_private_keyfile",
    "keyservice",
    "aws_profile",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
];
/// Options that variables `sops_...` set as well.
const SET_BY_VARIABLES: [&str; 3] = ["age_key", "age_keyfile", "age_ssh_private_keyfile"];
/// Options of keys that kplay does not have.
const UNKNOWN: [&str; 5] = [
    "keyservice",
    "aws_profile",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
];

/// `community.sops.sops(*files, rstrip=true, base64=false, input_type, output_type, empty_on_not_exist=false, extract, ...)`.
pub(super) fn sops(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let outside = outside(call)?;
    let mut options = Options::new(call, named, NAMES);
    for name in SET_BY_VARIABLES {
        if options.get(name).is_none()
            && let Some(value) = variable(name, call)?
        {
            options.set(name, value);
        }
    }
    for name in UNKNOWN {
        if options.get(name).is_some_and(Value::is_true) {
            return Err(options.error(format!("`{name}` is not supported")));
        }
    }
    let format = |name: &str| match options.text(name, "")?.as_str() {
        "" => Ok(None),
        text => Format::parse(text).map(Some).ok_or_else(|| {
            options.error(format!(
                "`{name}` is one of binary, json, yaml, dotenv and ini, not `{text}`"
            ))
        }),
    };
    let reading = Reading {
        input: format("input_type")?,
        output: format("output_type")?,
        extract: options
            .get("extract")
            .is_some()
            .then(|| options.text("extract", ""))
            .transpose()?,
    };
    let path = |name: &str| {
        let text = options.text(name, "")?;
        Ok::<_, TemplateError>((!text.is_empty()).then(|| text.into()))
    };
    let key = options.text("age_key", "")?;
    let keys = AgeSettings {
        key: (!key.is_empty()).then(|| Secret::from(key)),
        key_file: path("age_keyfile")?,
        ssh_key_file: path("age_ssh_private_keyfile")?,
    };
    let (strip, encode) = (
        options.flag("rstrip", true)?,
        options.flag("base64", false)?,
    );
    let forgive = options.flag("empty_on_not_exist", false)?;
    let mut results = Vec::new();
    for term in &terms {
        let name = text_term(term, call)?;
        if forgive && outside.find_file(FileKind::File, name)?.is_none() {
            results.push(Value::from(""));
            continue;
        }
        let file = find(call, FileKind::File, name)?;
        let plain = Secret::new(outside.sops(&file, None, &reading, keys.clone())?);
        results.push(result(&plain, strip, encode, call)?.secret());
    }
    Ok(results)
}

fn result(
    plain: &Secret,
    strip: bool,
    encode: bool,
    call: &LookupCall<'_>,
) -> Result<Value, TemplateError> {
    if encode {
        let bytes = if strip {
            plain.expose().trim_ascii_end()
        } else {
            plain.expose()
        };
        return Ok(Value::from(STANDARD.encode(bytes)));
    }
    let text = plain.expose_text().ok_or_else(|| {
        failed(
            call.name,
            "what is decrypted is not UTF-8 text; `base64=true` gives it",
        )
    })?;
    Ok(Value::from(if strip {
        text.trim_end_matches(is_space)
    } else {
        text
    }))
}

fn variable(option: &str, call: &LookupCall<'_>) -> Result<Option<Value>, TemplateError> {
    let name = format!("sops_{option}");
    match call.evaluator.variables().find(&name) {
        Found::Value(value) => Ok(Some(call.evaluator.render(&value)?)),
        Found::Missing => Ok(None),
        Found::Elsewhere => Err(TemplateError::Elsewhere(format!("the variable `{name}`"))),
    }
}
