//! Words of a line as a shell splits them, for terms of lookups with options in them.

use crate::template::error::TemplateError;

/// Splits at spaces outside of quotes and removes the quotes.
pub(crate) fn split(line: &str) -> Result<Vec<String>, TemplateError> {
    let mut words = Vec::new();
    let mut current: Option<String> = None;
    let mut quote = None;
    for character in line.chars() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                current.get_or_insert_default();
            }
            (None, ' ' | '\t' | '\n') => words.extend(current.take()),
            _ => current.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err(TemplateError::new(format!(
            "a quote is not closed in `{line}`"
        )));
    }
    words.extend(current);
    Ok(words)
}
