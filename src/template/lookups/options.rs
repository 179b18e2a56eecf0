//! Options of lookups: by name as ansible-core converts them, and inside a term as `key=value` text.

use super::LookupCall;
use crate::template::call::Keyword;
use crate::template::error::TemplateError;
use crate::template::filters::missing::is_truth_word;
use crate::template::filters::numbers::lenient_integer;
use crate::template::filters::python::{text, used};
use crate::value::{Dict, Value};

/// The options of one lookup.
#[derive(Clone)]
pub(super) struct Options<'a> {
    lookup: &'a str,
    names: &'static [&'static str],
    values: Dict,
}

impl<'a> Options<'a> {
    /// Takes what was given by name. An unknown name is passed over, as ansible-core does.
    pub(super) fn new(
        call: &LookupCall<'a>,
        named: Vec<Keyword>,
        names: &'static [&'static str],
    ) -> Self {
        let mut options = Self {
            lookup: call.name,
            names,
            values: Dict::new(),
        };
        for (name, value) in named {
            options.set(&name, value);
        }
        options
    }

    /// Sets an option and tells whether there is one of that name.
    pub(super) fn set(&mut self, name: &str, value: Value) -> bool {
        let known = self.names.contains(&name);
        if known {
            self.values.insert(name, value);
        }
        known
    }

    /// Returns an error that names the lookup.
    pub(super) fn error(&self, message: impl AsRef<str>) -> TemplateError {
        failed(self.lookup, message)
    }

    /// Returns an option that was given and is not `None`.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// Returns an option as text.
    pub(super) fn text(&self, name: &str, default: &str) -> Result<String, TemplateError> {
        self.get(name).map_or_else(|| Ok(default.to_owned()), text)
    }

    /// Returns an option as a truth value; a word that is none counts as false.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, TemplateError> {
        match self.get(name) {
            None => Ok(default),
            Some(value) => Ok(is_truth_word(used(value)?).unwrap_or(false)),
        }
    }

    /// Returns an option as an integer.
    pub(super) fn int(&self, name: &str) -> Result<Option<i64>, TemplateError> {
        let number = |value: &Value| {
            lenient_integer(used(value)?).map_err(|_| {
                let shown = value.to_repr();
                self.error(format!("`{name}` must be an integer, not {shown}"))
            })
        };
        self.get(name).map(number).transpose()
    }

    /// Returns an option as a list; text is split at commas.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Value>, TemplateError> {
        let Some(value) = self.get(name) else {
            return Ok(Vec::new());
        };
        let value = used(value)?;
        Ok(match (value.as_list(), value.as_str()) {
            (Some(items), _) => items.to_vec(),
            (None, Some(text)) => text
                .split(',')
                .map(|part| Value::text(part.trim()))
                .collect(),
            (None, None) => vec![value.clone()],
        })
    }

    /// Returns a dictionary.
    pub(super) fn dict(&self, name: &str) -> Result<Dict, TemplateError> {
        match self.get(name) {
            None => Ok(Dict::new()),
            Some(value) => used(value)?.as_dict().cloned().ok_or_else(|| {
                let kind = value.type_name();
                self.error(format!("`{name}` must be a dictionary, not {kind}"))
            }),
        }
    }
}

/// Returns an error that names the lookup.
pub(super) fn failed(lookup: &str, message: impl AsRef<str>) -> TemplateError {
    TemplateError::new(format!("the lookup `{lookup}`: {}", message.as_ref()))
}

/// Returns a term that must be text.
pub(super) fn text_term<'v>(
    term: &'v Value,
    call: &LookupCall<'_>,
) -> Result<&'v str, TemplateError> {
    used(term)?.as_str().ok_or_else(|| {
        let kind = term.type_name();
        failed(call.name, format!("a term must be text, not {kind}"))
    })
}

/// A term that holds options: `key file=x.csv col=2`.
pub(super) struct Inline {
    /// The words that are no options, as they were written.
    pub(super) words: Option<String>,
    /// Names and values, in order.
    pub(super) options: Vec<(String, String)>,
}

/// Reads a term as the arguments of a task in one line are read.
pub(super) fn inline(term: &str, call: &LookupCall<'_>) -> Result<Inline, TemplateError> {
    let mut words: Vec<String> = Vec::new();
    let mut options = Vec::new();
    for word in split(term)
        .ok_or_else(|| failed(call.name, format!("a quote is not closed in `{term}`")))?
    {
        let equals = word
            .match_indices('=')
            .map(|(at, _)| at)
            .find(|at| *at > 0 && word.get(..*at).is_some_and(|name| !name.ends_with('\\')));
        match equals.and_then(|at| word.split_at_checked(at)) {
            Some((name, value)) => {
                let value = value.strip_prefix('=').unwrap_or(value);
                options.push((name.trim().to_owned(), unquoted(value.trim()).to_owned()));
            }
            None => words.push(word.replace("\\=", "=")),
        }
    }
    let words = (!words.is_empty()).then(|| words.join(" "));
    Ok(Inline { words, options })
}

/// Splits at spaces outside of quotes, which stay; nothing where a quote is not closed.
fn split(term: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut before = ' ';
    for character in term.chars() {
        match quote {
            None if character.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            None => {
                if matches!(character, '\'' | '"') && before != '\\' {
                    quote = Some(character);
                }
                word.push(character);
            }
            Some(open) => {
                if open == character && before != '\\' {
                    quote = None;
                }
                word.push(character);
            }
        }
        before = character;
    }
    if !word.is_empty() {
        words.push(word);
    }
    quote.is_none().then_some(words)
}

fn unquoted(text: &str) -> &str {
    ['\'', '"']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))
        .unwrap_or(text)
}
