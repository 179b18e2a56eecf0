//! The `csvfile` lookup: a cell of a table, found by the row's key.

use super::file::{find, marked, outside};
use super::options::{Options, failed, inline, text_term};
use super::{LookupCall, Results};
use crate::template::call::Keyword;
use crate::template::context::FileKind;
use crate::template::error::TemplateError;
use crate::value::Value;

/// `csvfile(*keys, file='ansible.csv', delimiter='TAB', col=1, keycol=0, default=None, encoding='utf-8')`.
pub(super) fn csvfile(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let names = &["col", "default", "delimiter", "file", "encoding", "keycol"];
    // Options inside a term hold for the terms behind it too.
    let mut options = Options::new(call, named, names);
    if terms.is_empty() {
        return Err(options.error("it needs a key to look for"));
    }
    let mut results = Vec::new();
    for term in &terms {
        let term = inline(text_term(term, call)?, call)?;
        let Some(key) = term.words else {
            return Err(options.error("it needs a key to look for"));
        };
        for (name, value) in term.options {
            if !options.set(&name, Value::from(value)) {
                return Err(options.error(format!("it has no option `{name}`")));
            }
        }
        let delimiter = match options.text("delimiter", "TAB")?.as_str() {
            "TAB" => '\t',
            other => one_character(other)
                .ok_or_else(|| options.error("`delimiter` must be one character"))?,
        };
        let name = options.text("file", "ansible.csv")?;
        let path = find(call, FileKind::File, &name)?;
        let (content, secret) = outside(call)?.read(&path)?;
        let content = decoded(content, &options.text("encoding", "utf-8")?, call)?;
        let column = options.int("col")?.unwrap_or(1);
        let key_column = options.int("keycol")?.unwrap_or(0);
        let cell = |row: &[String], column: i64| {
            let place = usize::try_from(column).ok().or_else(|| {
                row.len()
                    .checked_sub(usize::try_from(column.unsigned_abs()).ok()?)
            });
            place
                .and_then(|place| row.get(place))
                .cloned()
                .ok_or_else(|| {
                    let width = row.len();
                    options.error(format!(
                        "`{name}`: a row of {width} columns has no column {column}"
                    ))
                })
        };
        let mut found = None;
        for row in rows(&content, delimiter, false) {
            if cell(&row, key_column)? == key {
                found = Some(Value::from(cell(&row, column)?));
                break;
            }
        }
        match (found, options.get("default")) {
            (Some(found), _) => results.push(marked(found, secret)),
            (None, Some(default)) => match default.as_list() {
                Some(items) => results.extend(items.iter().cloned()),
                None => results.push(default.clone()),
            },
            (None, None) => {}
        }
    }
    Ok(results)
}

fn one_character(text: &str) -> Option<char> {
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}

fn decoded(
    content: Vec<u8>,
    encoding: &str,
    call: &LookupCall<'_>,
) -> Result<String, TemplateError> {
    let wrong = || failed(call.name, format!("the file is not {encoding} text"));
    match encoding.to_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => String::from_utf8(content).map_err(|_| wrong()),
        "utf-8-sig" => {
            let text = String::from_utf8(content).map_err(|_| wrong())?;
            Ok(text.trim_start_matches('\u{feff}').to_owned())
        }
        "ascii" | "us-ascii" if content.is_ascii() => {
            String::from_utf8(content).map_err(|_| wrong())
        }
        "ascii" | "us-ascii" => Err(wrong()),
        "latin-1" | "latin1" | "iso-8859-1" => Ok(content.into_iter().map(char::from).collect()),
        _ => Err(failed(
            call.name,
            format!("the encoding `{encoding}` is not known; utf-8, ascii and latin-1 are"),
        )),
    }
}

/// Splits a table into rows of cells, perhaps without the spaces before them; lines without anything are no rows.
pub(crate) fn rows(content: &str, delimiter: char, trim: bool) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut cell = String::new();
    let mut quoted = false;
    let mut fresh = true;
    let mut rest = content.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' if quoted => {
                if rest.next_if_eq(&'"').is_some() {
                    cell.push('"');
                } else {
                    quoted = false;
                }
            }
            '\r' if rest.peek() == Some(&'\n') => {}
            ' ' if trim && fresh && !quoted && cell.is_empty() => {}
            _ if quoted => cell.push(if character == '\r' { '\n' } else { character }),
            '"' if fresh => {
                quoted = true;
                fresh = false;
            }
            '\n' | '\r' => {
                if !fresh || !row.is_empty() {
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                fresh = true;
            }
            other if other == delimiter => {
                row.push(std::mem::take(&mut cell));
                fresh = true;
            }
            other => {
                cell.push(other);
                fresh = false;
            }
        }
    }
    if !fresh || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}
