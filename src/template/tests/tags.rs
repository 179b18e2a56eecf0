//! Tests of `ansible._protomatter`, ansible-core's own collection: what is known of a value besides its content.

use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::bind;
use crate::template::filters::protomatter::tags;
use crate::value::Value;

/// The names that ansible-core has for tags.
const KNOWN: [&str; 5] = [
    "Deprecated",
    "Origin",
    "SourceWasEncrypted",
    "TrustedAsTemplate",
    "VaultedValue",
];

/// `tagged`.
pub(super) fn tagged(call: Call<'_>) -> Result<bool, TemplateError> {
    Ok(tags(&bind(call, &[], 0)?.value).next().is_some())
}

/// `tagged_with(tag_name)`.
pub(super) fn tagged_with(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind(call, &["tag_name"], 1)?;
    let wanted = arguments.get(0).and_then(Value::as_str).unwrap_or_default();
    if !KNOWN.contains(&wanted) {
        return Err(arguments.error(format!("knows no tag `{wanted}`")));
    }
    Ok(tags(&arguments.value).any(|name| name == wanted))
}
