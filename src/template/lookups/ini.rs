//! The `ini` lookup: values of INI and Java properties files, read as Python's `configparser` reads them.

use indexmap::IndexMap;

use super::file::{find, marked, read};
use super::options::{Options, text_term};
use super::{LookupCall, Results};
use crate::template::call::Keyword;
use crate::template::context::FileKind;
use crate::template::error::TemplateError;
use crate::template::filters::regex::{Flags, Pattern};
use crate::value::Value;

/// The section whose entries all others have as well.
pub(crate) const DEFAULT: &str = "DEFAULT";
/// The section that a properties file is read as.
const PROPERTIES: &str = "java_properties";
/// How deep `%(name)s` may lead.
const DEEPEST: usize = 10;

const NAMES: &[&str] = &[
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

/// `ini(*keys, file='ansible.ini', section='global', type='ini', re=false, default='', case_sensitive=false, ...)`.
pub(super) fn ini(terms: Vec<Value>, named: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let alias = |(name, value): Keyword| match name.as_ref() {
        "allow_none" => ("allow_no_value".into(), value),
        _ => (name, value),
    };
    let mut options = Options::new(call, named.into_iter().map(alias).collect(), NAMES);
    let case_sensitive = options.flag("case_sensitive", false)?;
    let mut results = Vec::new();
    for term in &terms {
        let key = key_of(text_term(term, call)?, &mut options)?;
        let name = options.text("file", "ansible.ini")?;
        let path = find(call, FileKind::File, &name)?;
        let (content, secret) = read(call, &path)?;
        let properties = options.text("type", "ini")? == "properties";
        let section = if properties {
            PROPERTIES.to_owned()
        } else {
            options.text("section", "global")?
        };
        let file = File::read(
            &content,
            Reading {
                case_sensitive,
                allow_no_value: options.flag("allow_no_value", false)?,
                section: properties.then_some(PROPERTIES),
            },
        )
        .map_err(|message| options.error(format!("`{name}`: {message}")))?;
        let Some(entries) = file.section(&section) else {
            return Err(options.error(format!("`{name}` has no section `{section}`")));
        };
        let interpolation = options.flag("interpolation", true)?;
        let shown = |value: &str| {
            if !interpolation {
                return Ok(value.to_owned());
            }
            interpolated(value, &entries, case_sensitive, 0)
                .map_err(|message| options.error(format!("`{name}`: {message}")))
        };
        let found = |value: String| marked(Value::from(value), secret);
        if options.flag("re", false)? {
            let pattern = Pattern::new(&key, Flags::default())
                .map_err(|error| options.error(format!("`{key}`: {error}")))?;
            for (name, value) in &entries {
                let value = value.as_deref().map(&shown).transpose()?;
                if pattern.starts(name)? {
                    results.push(value.map_or(Value::NULL, found));
                }
            }
            continue;
        }
        match entries.get(&folded(&key, case_sensitive)) {
            Some(Some(value)) => results.push(found(shown(value)?)),
            Some(None) => {}
            None => match options.get("default") {
                Some(default) => match default.as_list() {
                    Some(items) => results.extend(items.iter().cloned()),
                    None => results.push(default.clone()),
                },
                None => results.push(Value::from("")),
            },
        }
    }
    Ok(results)
}

/// Takes the options out of a term such as `user section=production` and returns its key.
fn key_of(term: &str, options: &mut Options<'_>) -> Result<String, TemplateError> {
    if !term.contains('=') && !term.trim().contains(' ') {
        return Ok(term.to_owned());
    }
    // Words belong to the option before them, so that a value may hold spaces.
    let mut parts: Vec<String> = Vec::new();
    let mut current = None;
    for word in term.split_whitespace() {
        let option = NAMES
            .iter()
            .rev()
            .find(|name| word.contains(&format!("{name}=")));
        match parts.last_mut() {
            Some(part) if option.is_none() || option == current => {
                part.push(' ');
                part.push_str(word);
            }
            _ => parts.push(word.to_owned()),
        }
        current = option.or(current);
    }
    let mut key = None;
    for part in parts {
        match part.split_once('=') {
            Some((_, value)) if value.contains('=') => {
                return Err(options.error(format!("`{part}` has more than one `=`")));
            }
            Some((name, value)) => {
                if !options.set(name, Value::from(value)) {
                    return Err(options.error(format!("it has no option `{name}`")));
                }
            }
            None => key = key.or(Some(part)),
        }
    }
    key.ok_or_else(|| options.error(format!("`{term}` has no key before its options")))
}

fn folded(name: &str, case_sensitive: bool) -> String {
    if case_sensitive {
        name.to_owned()
    } else {
        name.to_lowercase()
    }
}

/// Entries of one section; nothing stands for a name without a value.
pub(crate) type Entries = IndexMap<String, Option<String>>;

/// How a file is read.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    pub(crate) case_sensitive: bool,
    pub(crate) allow_no_value: bool,
    /// The section that the first line is in already.
    pub(crate) section: Option<&'static str>,
}

/// A file's sections.
pub(crate) struct File {
    pub(crate) sections: IndexMap<String, Entries>,
}

impl File {
    /// Returns the entries of a section, those of `DEFAULT` first.
    pub(crate) fn section(&self, name: &str) -> Option<Entries> {
        let mut entries = self.sections.get(DEFAULT).cloned().unwrap_or_default();
        if name != DEFAULT {
            entries.extend(self.sections.get(name)?.clone());
        }
        Some(entries)
    }

    /// Reads the text.
    pub(crate) fn read(content: &str, reading: Reading) -> Result<Self, String> {
        let mut sections: IndexMap<String, Entries> = IndexMap::new();
        let mut section = reading.section.map(str::to_owned);
        if let Some(name) = &section {
            sections.insert(name.clone(), Entries::new());
        }
        let mut option: Option<String> = None;
        let mut indent = 0;
        for (number, line) in content.lines().enumerate() {
            let number = number + 1;
            let text = line.trim();
            if text.starts_with(['#', ';']) {
                continue;
            }
            let current = section.as_ref().and_then(|name| sections.get_mut(name));
            let value = option.as_ref().and_then(|name| current?.get_mut(name));
            if text.is_empty() {
                // An empty line inside a value belongs to it, if more of it follows.
                if let Some(Some(value)) = value {
                    value.push('\n');
                }
                continue;
            }
            let column = line.len() - line.trim_start().len();
            if column > indent
                && let Some(value) = value
            {
                let Some(value) = value else {
                    return Err(format!("line {number} continues a name that has no value"));
                };
                value.push('\n');
                value.push_str(text);
                continue;
            }
            indent = column;
            let header = text
                .strip_prefix('[')
                .and_then(|rest| rest.rsplit_once(']'));
            if let Some((name, _)) = header.filter(|(name, _)| !name.is_empty()) {
                if sections.insert(name.to_owned(), Entries::new()).is_some() {
                    return Err(format!(
                        "line {number}: the section `{name}` is there twice"
                    ));
                }
                section = Some(name.to_owned());
                option = None;
                continue;
            }
            let Some(entries) = section.as_ref().and_then(|name| sections.get_mut(name)) else {
                return Err(format!("line {number} stands before the first `[section]`"));
            };
            let (name, value) = match text.split_once(['=', ':']) {
                Some((name, value)) => (name.trim_end(), Some(value.trim().to_owned())),
                None => (text, None),
            };
            if name.is_empty() || value.is_none() && !reading.allow_no_value {
                return Err(format!("line {number} is not `name = value`"));
            }
            let name = folded(name, reading.case_sensitive);
            if entries.insert(name.clone(), value).is_some() {
                return Err(format!("line {number}: `{name}` is there twice"));
            }
            option = Some(name);
        }
        let entries = sections.values_mut().flat_map(IndexMap::values_mut);
        for text in entries.flatten() {
            text.truncate(text.trim_end().len());
        }
        Ok(Self { sections })
    }
}

/// Puts other entries in the place of `%(name)s`, and `%` in that of `%%`.
fn interpolated(
    value: &str,
    entries: &Entries,
    case_sensitive: bool,
    depth: usize,
) -> Result<String, String> {
    if depth > DEEPEST {
        return Err(format!("`{value}` leads back to itself"));
    }
    let mut shown = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('%') {
        shown.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            shown.push('%');
            rest = after;
            continue;
        }
        let Some((name, after)) = after
            .strip_prefix('(')
            .and_then(|named| named.split_once(")s"))
            .filter(|(name, _)| !name.contains(')') && !name.is_empty())
        else {
            return Err(format!(
                "`%` in `{value}` must be followed by `%` or `(name)s`"
            ));
        };
        let Some(inner) = entries.get(&folded(name, case_sensitive)) else {
            return Err(format!("`{value}` names `{name}`, which is not there"));
        };
        let inner = inner.as_deref().unwrap_or_default();
        shown.push_str(&interpolated(inner, entries, case_sensitive, depth + 1)?);
        rest = after;
    }
    shown.push_str(rest);
    Ok(shown)
}
