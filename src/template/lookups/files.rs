//! Lookups that read files of the controller.

#![expect(
    clippy::needless_pass_by_value,
    reason = "all lookups have one signature"
)]

use std::path::{Path, PathBuf};

use super::LookupCall;
use crate::diag::Span;
use crate::template::call::Keyword;
use crate::template::context::{FileKind, LookupContext};
use crate::template::error::TemplateError;
use crate::template::filters::bind::bind_items;
use crate::template::filters::glob::matches;
use crate::template::filters::python::{text, truth, used};
use crate::template::filters::regex::{Flags, Pattern};
use crate::value::{Dict, Kind, Value};

type Results = Result<Vec<Value>, TemplateError>;

fn outside<'a>(call: &'a LookupCall<'_>) -> Result<&'a dyn LookupContext, TemplateError> {
    call.evaluator
        .outside(&format!("the lookup `{}`", call.name))
}

fn find(call: &LookupCall<'_>, kind: FileKind, name: &str) -> Result<PathBuf, TemplateError> {
    outside(call)?.find_file(kind, name)?.ok_or_else(|| {
        TemplateError::new(format!("the lookup `{}` found no file `{name}`", call.name))
    })
}

fn read(
    call: &LookupCall<'_>,
    kind: FileKind,
    name: &str,
) -> Result<(String, bool), TemplateError> {
    let path = find(call, kind, name)?;
    let (content, secret) = outside(call)?.read(&path)?;
    let content = String::from_utf8(content)
        .map_err(|_| TemplateError::new(format!("`{}` is not UTF-8 text", path.display())))?;
    Ok((content, secret))
}

fn marked(value: Value, secret: bool) -> Value {
    if secret { value.secret() } else { value }
}

/// `file(*names, lstrip=false, rstrip=true)`.
pub(super) fn file(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let bound = bind_items(call.name, Vec::new(), named, &["lstrip", "rstrip"], 0)?;
    let flag = |index: usize, default| {
        bound
            .get(index)
            .and_then(Option::as_ref)
            .map_or(Ok(default), truth)
    };
    let (left, right) = (flag(0, false)?, flag(1, true)?);
    let mut results = Vec::new();
    for term in &terms {
        let (content, secret) = read(call, FileKind::File, &text(term)?)?;
        let mut content = content.as_str();
        if left {
            content = content.trim_start();
        }
        if right {
            content = content.trim_end();
        }
        results.push(marked(Value::from(content), secret));
    }
    Ok(results)
}

/// `unvault(*names)`.
pub(super) fn unvault(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    bind_items(call.name, Vec::new(), named, &[], 0)?;
    terms
        .iter()
        .map(|term| {
            read(call, FileKind::File, &text(term)?)
                .map(|(content, secret)| marked(Value::from(content), secret))
        })
        .collect()
}

/// `template(*names, template_vars={}, ...)`: the options become a header of the template.
pub(super) fn template(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let names = [
        "convert_data",
        "jinja2_native",
        "template_vars",
        "variable_start_string",
        "variable_end_string",
        "comment_start_string",
        "comment_end_string",
        "trim_blocks",
    ];
    let bound = bind_items(call.name, Vec::new(), named, &names, 0)?;
    let mut header = Vec::new();
    for (name, value) in names.iter().zip(&bound).skip(3) {
        if let Some(value) = value {
            header.push(format!("{name}: {}", used(value)?.to_repr()));
        }
    }
    let extra = match bound.get(2).and_then(Option::as_ref) {
        Some(value) => crate::template::filters::python::mapping(value, "template")?.clone(),
        None => Dict::new(),
    };
    let mut results = Vec::new();
    for term in &terms {
        let name = text(term)?;
        let path = find(call, FileKind::Template, &name)?;
        let (mut content, secret) = read(call, FileKind::Template, &name)?;
        if !header.is_empty() {
            let own = content.strip_prefix("#jinja2:").map(str::to_owned);
            content = match own {
                Some(rest) => format!("#jinja2:{}, {}", header.join(", "), rest.trim_start()),
                None => format!("#jinja2:{}\n{content}", header.join(", ")),
            };
        }
        let full = path.display().to_string();
        let mut variables = Dict::new()
            .with("template_path", name)
            .with("template_fullpath", full);
        variables.extend(extra.clone());
        let result = call
            .evaluator
            .render_text(&content, Span::NONE, &variables)?;
        results.push(marked(result, secret));
    }
    Ok(results)
}

/// `first_found(*terms, files, paths, skip=false)`: the first file that exists. Undefined names are passed over.
pub(super) fn first_found(
    terms: Vec<Value>,
    named: Vec<Keyword>,
    call: &LookupCall<'_>,
) -> Results {
    let bound = bind_items(call.name, Vec::new(), named, &["files", "paths", "skip"], 0)?;
    let option = |index: usize| bound.get(index).cloned().flatten();
    let (files, paths) = (option(0), option(1));
    let mut skip = option(2).map_or(Ok(false), |skip| truth(&skip))?;
    let mut names = Vec::new();
    let terms = if terms.is_empty() {
        files.into_iter().collect()
    } else {
        terms
    };
    candidates(&terms, paths.as_ref(), &mut skip, &mut names)?;
    let outside = outside(call)?;
    for name in names {
        for kind in [
            FileKind::File,
            FileKind::Template,
            FileKind::Vars,
            FileKind::Tasks,
        ] {
            if let Some(path) = outside.find_file(kind, &name)? {
                return Ok(vec![Value::from(path.display().to_string())]);
            }
        }
    }
    if skip {
        Ok(Vec::new())
    } else {
        Err(TemplateError::new("`first_found` found none of its files"))
    }
}

fn candidates(
    terms: &[Value],
    paths: Option<&Value>,
    skip: &mut bool,
    names: &mut Vec<String>,
) -> Result<(), TemplateError> {
    for term in terms {
        let (files, paths) = match term.kind() {
            Kind::Undefined(fault) if fault.undefined => continue,
            Kind::Dict(dict) => {
                if let Some(wanted) = dict.get("skip") {
                    *skip = truth(wanted)?;
                }
                (
                    dict.get("files")
                        .map_or_else(|| Ok(Vec::new()), |files| split(files, ",;"))?,
                    dict.get("paths"),
                )
            }
            Kind::Str(_) => (split(term, ",;")?, paths),
            Kind::List(items) | Kind::Tuple(items) => {
                candidates(items, paths, skip, names)?;
                continue;
            }
            _ => {
                used(term)?;
                let message = format!(
                    "`first_found` takes text, lists and dictionaries, not {}",
                    term.type_name()
                );
                return Err(TemplateError::new(message));
            }
        };
        let folders = paths.map_or_else(|| Ok(Vec::new()), |paths| split(paths, ",:;"))?;
        if folders.is_empty() {
            names.extend(files);
        } else {
            for folder in &folders {
                names.extend(
                    files
                        .iter()
                        .map(|file| Path::new(folder).join(file).display().to_string()),
                );
            }
        }
    }
    Ok(())
}

fn split(value: &Value, separators: &str) -> Result<Vec<String>, TemplateError> {
    let mut parts = Vec::new();
    match value.kind() {
        Kind::Undefined(fault) if fault.undefined => {}
        Kind::Str(text) => {
            parts.extend(
                text.split(|next| separators.contains(next))
                    .map(|part| part.trim().to_owned()),
            );
        }
        Kind::List(items) | Kind::Tuple(items) => {
            for item in items.iter() {
                parts.extend(split(item, separators)?);
            }
        }
        _ => parts.push(text(value)?),
    }
    Ok(parts)
}

/// `fileglob(*patterns)`: regular files of one directory.
pub(super) fn fileglob(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    bind_items(call.name, Vec::new(), named, &[], 0)?;
    let outside = outside(call)?;
    let mut results = Vec::new();
    for term in &terms {
        let term = text(term)?;
        let (folder, pattern) = term
            .rsplit_once('/')
            .map_or((None, term.as_str()), |(folder, name)| (Some(folder), name));
        let folders = match folder {
            Some("") => vec![PathBuf::from("/")],
            Some(folder) => outside
                .find_file(FileKind::File, folder)?
                .into_iter()
                .collect(),
            None => outside
                .search_path()
                .into_iter()
                .flat_map(|path| [path.join("files"), path])
                .collect(),
        };
        for folder in folders {
            let found: Vec<Value> = outside
                .list(&folder)
                .unwrap_or_default()
                .into_iter()
                .filter(|name| matches(pattern, name))
                .map(|name| folder.join(name))
                .filter(|path| outside.status(path).is_some_and(|status| status.file))
                .map(|path| Value::from(path.display().to_string()))
                .collect();
            if !found.is_empty() {
                results.extend(found);
                break;
            }
        }
    }
    Ok(results)
}

/// Splits a term such as `key file=x.csv col=2` into its key and options.
fn inline_options(
    term: &str,
    known: &[&str],
    bound: &mut [Option<Value>],
) -> Result<String, TemplateError> {
    let mut words = Vec::new();
    for word in crate::template::filters::shell::split(term)? {
        let place = word.split_once('=').and_then(|(name, value)| {
            Some((known.iter().position(|known| *known == name)?, value))
        });
        match place.and_then(|(index, value)| Some((bound.get_mut(index)?, value))) {
            Some((place, value)) => *place = Some(Value::from(value)),
            None => words.push(word.clone()),
        }
    }
    Ok(words.join(" "))
}

/// `csvfile(*keys, file='ansible.csv', delimiter='TAB', col=1, keycol=0, default=None)`.
pub(super) fn csvfile(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let names = ["col", "default", "delimiter", "file", "encoding", "keycol"];
    let bound = bind_items(call.name, Vec::new(), named, &names, 0)?;
    if terms.is_empty() {
        return Err(TemplateError::new("`csvfile` needs a key"));
    }
    let mut results = Vec::new();
    for term in &terms {
        let mut options = bound.clone();
        let key = inline_options(&text(term)?, &names, &mut options)?;
        let column = |index: usize, default: i64| match options.get(index).and_then(Option::as_ref)
        {
            None => Ok(crate::template::filters::python::count(default)),
            Some(value) => crate::template::filters::numbers::lenient_integer(value)
                .map(crate::template::filters::python::count),
        };
        let option = |index: usize, default: &str| {
            options
                .get(index)
                .and_then(Option::as_ref)
                .map_or_else(|| Ok(default.to_owned()), text)
        };
        let delimiter = option(2, "TAB")?;
        let delimiter = match delimiter.as_str() {
            "TAB" | "\\t" => '\t',
            other => other
                .chars()
                .next()
                .ok_or_else(|| TemplateError::new("`csvfile` needs a delimiter"))?,
        };
        let (content, secret) = read(call, FileKind::File, &option(3, "ansible.csv")?)?;
        let (wanted, key_column) = (column(0, 1)?, column(5, 0)?);
        let row = rows(&content, delimiter)
            .into_iter()
            .find(|row| row.get(key_column) == Some(&key));
        match row {
            Some(row) => {
                let found = row.get(wanted).ok_or_else(|| {
                    TemplateError::new(format!("`csvfile`: there is no column {wanted}"))
                })?;
                results.push(marked(Value::from(found.as_str()), secret));
            }
            None => match options
                .get(1)
                .cloned()
                .flatten()
                .filter(|default| !default.is_null())
            {
                Some(default) if default.as_list().is_some() => {
                    results.extend(default.as_list().unwrap_or_default().iter().cloned());
                }
                Some(default) => results.push(default),
                None => {}
            },
        }
    }
    Ok(results)
}

fn rows(content: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut rest = content.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' if quoted => {
                if rest.next_if_eq(&'"').is_some() {
                    field.push('"');
                } else {
                    quoted = false;
                }
            }
            '"' if field.is_empty() => quoted = true,
            _ if quoted => field.push(character),
            '\n' | '\r' => {
                if character == '\r' {
                    rest.next_if_eq(&'\n');
                }
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            other if other == delimiter => row.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

/// `ini(*keys, file='ansible.ini', section='global', type='ini', re=false, default='', case_sensitive=false, ...)`.
pub(super) fn ini(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let names = [
        "type",
        "file",
        "section",
        "re",
        "encoding",
        "default",
        "case_sensitive",
        "allow_no_value",
        "interpolation",
    ];
    let named = named
        .into_iter()
        .map(|(name, value)| {
            (
                if name.as_ref() == "allow_none" {
                    "allow_no_value".into()
                } else {
                    name
                },
                value,
            )
        })
        .collect();
    let bound = bind_items(call.name, Vec::new(), named, &names, 0)?;
    let mut results = Vec::new();
    for term in &terms {
        let mut options = bound.clone();
        let key = inline_options(&text(term)?, &names, &mut options)?;
        let option = |index: usize, default: &str| {
            options
                .get(index)
                .and_then(Option::as_ref)
                .map_or_else(|| Ok(default.to_owned()), text)
        };
        let flag = |index: usize| match options.get(index).and_then(Option::as_ref) {
            None => Ok(false),
            Some(value) => crate::template::filters::missing::is_truth_word(value)
                .map_or_else(|| truth(value), Ok),
        };
        let properties = option(0, "ini")? == "properties";
        let section = if properties {
            "java_properties".to_owned()
        } else {
            option(2, "global")?
        };
        let (content, secret) = read(call, FileKind::File, &option(1, "ansible.ini")?)?;
        let content = if properties {
            format!("[java_properties]\n{content}")
        } else {
            content
        };
        let entries = section_of(&content, &section, flag(6)?);
        let Some(entries) = entries else {
            return Err(TemplateError::new(format!(
                "`ini` found no section `{section}`"
            )));
        };
        if flag(3)? {
            let pattern = Pattern::new(
                &key,
                Flags {
                    ignorecase: true,
                    multiline: false,
                },
            )?;
            for (name, value) in entries {
                if pattern.starts(&name)? {
                    results.push(marked(Value::from(value), secret));
                }
            }
            continue;
        }
        let key = if flag(6)? { key } else { key.to_lowercase() };
        let found = entries
            .into_iter()
            .rev()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value);
        match found {
            Some(value) => results.push(marked(Value::from(value), secret)),
            None => match options.get(5).cloned().flatten() {
                Some(default) => results.push(default),
                None => results.push(Value::from("")),
            },
        }
    }
    Ok(results)
}

/// Returns the entries of a section, those of `DEFAULT` first; nothing where there is no such section.
fn section_of(content: &str, wanted: &str, case_sensitive: bool) -> Option<Vec<(String, String)>> {
    let mut entries: Vec<(String, String)> = Vec::new();
    let mut current = String::new();
    let mut found = wanted == "DEFAULT";
    let mut inside = false;
    for line in content.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            name.clone_into(&mut current);
            inside = current == wanted || current == "DEFAULT";
            found |= current == wanted;
            continue;
        }
        if !inside {
            continue;
        }
        if line.starts_with([' ', '\t'])
            && let Some((_, value)) = entries.last_mut()
        {
            value.push('\n');
            value.push_str(trimmed);
            continue;
        }
        let (name, value) = trimmed.split_once(['=', ':']).unwrap_or((trimmed, ""));
        let name = name.trim();
        let name = if case_sensitive {
            name.to_owned()
        } else {
            name.to_lowercase()
        };
        entries.retain(|(known, _)| *known != name);
        entries.push((name, value.trim().to_owned()));
    }
    found.then_some(entries)
}
