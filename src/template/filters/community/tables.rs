//! Text with a structure: `from_csv`, `from_ini`, `to_ini`.

use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::bind;
use crate::template::filters::python::{iterate, mapping};
use crate::template::lookups::csvfile::rows;
use crate::template::lookups::ini::{DEFAULT, Entries, File, Reading};
use crate::value::{Dict, Value};

/// `from_csv(dialect='excel', fieldnames=None, delimiter=None, skipinitialspace=None, strict=None)`: a dictionary per row.
pub(crate) fn from_csv(call: Call<'_>) -> Result<Value, TemplateError> {
    let names = [
        "dialect",
        "fieldnames",
        "delimiter",
        "skipinitialspace",
        "strict",
    ];
    let arguments = bind(call, &names, 0)?;
    let text = arguments.value.as_str().ok_or_else(|| {
        arguments.error(format!("needs text, got {}", arguments.value.type_name()))
    })?;
    let usual = match arguments.text(0, "excel")?.as_str() {
        "excel" | "unix" => ',',
        "excel-tab" => '\t',
        other => {
            return Err(arguments.error(format!(
                "Dialect '{other}' is not supported by your version of python."
            )));
        }
    };
    let delimiter = match arguments.optional_text(2)? {
        None => usual,
        Some(text) => {
            let mut letters = text.chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) => letter,
                _ => return Err(arguments.error("needs one character as delimiter")),
            }
        }
    };
    let trim = arguments.given(3).is_some_and(Value::is_true);
    let mut table = rows(text.trim_start_matches('\u{feff}'), delimiter, trim).into_iter();
    let fields: Vec<String> = match arguments.given(1) {
        Some(names) => iterate(names)?.iter().map(Value::to_text).collect(),
        None => table.next().unwrap_or_default(),
    };
    let mut result = Vec::new();
    for row in table {
        let mut dict = Dict::new();
        for (index, field) in fields.iter().enumerate() {
            dict.insert(field.as_str(), row.get(index).map(String::as_str));
        }
        if let Some(rest) = row.get(fields.len()..).filter(|rest| !rest.is_empty()) {
            // Python puts what is too much under `None`, which as a key of a result is text.
            dict.insert(
                crate::value::Key::Null,
                Value::list(rest.iter().map(Value::from)),
            );
        }
        result.push(Value::dict(dict));
    }
    Ok(Value::list(result))
}

/// `from_ini`: a dictionary per section.
pub(crate) fn from_ini(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let text = arguments.value.as_str().ok_or_else(|| {
        arguments.error(format!(
            "requires a str, got {}",
            arguments.value.type_name()
        ))
    })?;
    let reading = Reading {
        case_sensitive: true,
        allow_no_value: false,
        section: None,
    };
    let file = File::read(text, reading)
        .map_err(|message| arguments.error(format!("failed to parse given string: {message}")))?;
    let shown = |entries: Entries| {
        let mut dict = Dict::new();
        for (name, value) in entries {
            dict.insert(name, value);
        }
        Value::dict(dict)
    };
    let mut result = Dict::new();
    for name in file.sections.keys().filter(|name| *name != DEFAULT) {
        result.insert(name.as_str(), shown(file.section(name).unwrap_or_default()));
    }
    if let Some(entries) = file
        .sections
        .get(DEFAULT)
        .filter(|entries| !entries.is_empty())
    {
        result.insert(DEFAULT, shown(entries.clone()));
    }
    Ok(Value::dict(result))
}

/// `to_ini`: sections and their entries as text.
pub(crate) fn to_ini(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &[], 0)?;
    let sections = mapping(&arguments.value, "to_ini")?;
    if sections.is_empty() {
        return Err(arguments.error("received an empty dict. An empty dict cannot be converted."));
    }
    let section_text = |name: &str, entries: &Value| -> Result<String, TemplateError> {
        let mut text = format!("[{name}]\n");
        for (key, value) in mapping(entries, "to_ini")? {
            let value = value.to_text().replace('\n', "\n\t");
            text.push_str(&format!("{} = {value}\n", key.to_value().to_text()));
        }
        text.push('\n');
        Ok(text)
    };
    let mut text = String::new();
    // The section that all others inherit from stands first.
    if let Some(entries) = sections.get(DEFAULT).filter(|entries| entries.is_true()) {
        text.push_str(&section_text(DEFAULT, entries)?);
    }
    for (name, entries) in sections {
        let name = name.to_value().to_text();
        if name != DEFAULT {
            text.push_str(&section_text(&name, entries)?);
        }
    }
    text.pop();
    Ok(Value::from(text))
}
