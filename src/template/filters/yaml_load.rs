//! `from_yaml` and `from_yaml_all`: text into data that is never a template. Modules that read manifests use it too.

use super::bind::bind;
use crate::diag::SourceMap;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::{Kind, Value};
use crate::yaml::{DuplicateKeys, LoadOptions, ValueOptions, load};

/// `from_yaml`.
pub(super) fn from_yaml(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    match arguments.value.kind() {
        Kind::Str(text) => {
            let mut documents = parse(text)?;
            if documents.len() > 1 {
                return Err(
                    arguments.error("found more than one document; `from_yaml_all` reads them all")
                );
            }
            Ok(documents.pop().unwrap_or_default())
        }
        _ => Ok(arguments.value),
    }
}

/// `from_yaml_all`: a list of the documents.
pub(super) fn from_yaml_all(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    match arguments.value.kind() {
        Kind::Null => Ok(Value::list([])),
        Kind::Str(text) => parse(text).map(Value::list),
        _ => Ok(arguments.value),
    }
}

fn parse(text: &str) -> Result<Vec<Value>, TemplateError> {
    yaml_documents(text)
        .map_err(|reason| TemplateError::new(format!("`from_yaml` cannot read this text{reason}")))
}

/// Returns the documents of a YAML text; the error says why it is none, as `: reason`.
pub(crate) fn yaml_documents(text: &str) -> Result<Vec<Value>, String> {
    let options = LoadOptions {
        duplicates: DuplicateKeys::Ignore,
        secret: true,
    };
    documents(text)
        .iter()
        .map(|document| {
            let loaded = load(&SourceMap::default(), "<from_yaml>", document, &options).map_err(
                |errors| {
                    let error = errors.first();
                    error.map_or_else(String::new, |error| format!(": {}", error.headline))
                },
            )?;
            Ok(loaded
                .root
                .to_value(&ValueOptions::default())
                .map(&mut |value| value.with_origin(crate::diag::Span::NONE)))
        })
        .collect()
}

/// Splits a stream at its document markers, which stand at the beginning of a line and nowhere else.
fn documents(text: &str) -> Vec<String> {
    let marker = |line: &str, sign: &str| {
        line.strip_prefix(sign)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r']))
    };
    let idle = |part: &str| {
        part.lines()
            .all(|line| line.trim().is_empty() || line.starts_with('#') || line.starts_with('%'))
    };
    let mut parts = Vec::new();
    let mut current = String::new();
    let mut explicit = false;
    for line in text.split_inclusive('\n') {
        if marker(line, "---") {
            if explicit || !idle(&current) {
                parts.push(std::mem::take(&mut current));
            }
            explicit = true;
            current.push_str(line);
        } else if marker(line, "...") {
            if explicit || !idle(&current) {
                parts.push(std::mem::take(&mut current));
            }
            explicit = false;
        } else {
            current.push_str(line);
        }
    }
    if explicit || !idle(&current) {
        parts.push(current);
    }
    parts
}
