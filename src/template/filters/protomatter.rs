//! Filters of `ansible._protomatter`, ansible-core's own collection for looking at values, as far as they make sense here.

use super::bind::bind;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::Value;

/// `dump_object`: data is what it is.
pub(super) fn dump_object(call: Call<'_>) -> Result<Value, TemplateError> {
    Ok(bind(call, &[], 0)?.value)
}

/// `tag_names`: what is known of the value besides its content, in ansible-core's words.
pub(super) fn tag_names(call: Call<'_>) -> Result<Value, TemplateError> {
    let value = bind(call, &[], 0)?.value;
    Ok(tags(&value).map(Value::from).collect())
}

/// Returns the names of the value's tags, sorted.
pub(crate) fn tags(value: &Value) -> impl Iterator<Item = &'static str> {
    [
        ("Origin", value.origin().is_some()),
        ("TrustedAsTemplate", value.is_trusted()),
        ("VaultedValue", value.is_secret()),
    ]
    .into_iter()
    .filter_map(|(name, tagged)| tagged.then_some(name))
}
