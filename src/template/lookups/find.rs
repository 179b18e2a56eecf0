//! Names of files of the controller: `first_found`, `fileglob`.

use std::path::{Component, Path, PathBuf};

use super::file::outside;
use super::options::{Options, failed, text_term};
use super::{LookupCall, Results};
use crate::template::call::Keyword;
use crate::template::context::FileKind;
use crate::template::error::TemplateError;
use crate::template::filters::glob::matches;
use crate::template::filters::python::{text, used_deep};
use crate::value::{Dict, Kind, Value};

/// Where a loop looks for a name, one after the other; a call looks in none of the folders for kinds of files.
const KINDS: [FileKind; 4] = [
    FileKind::File,
    FileKind::Template,
    FileKind::Vars,
    FileKind::Tasks,
];

/// `first_found(*terms, files, paths, skip=false)`: the first file that exists.
///
/// A loop passes over undefined names, a call fails with them.
pub(super) fn first_found(
    terms: Vec<Value>,
    named: Vec<Keyword>,
    call: &LookupCall<'_>,
) -> Results {
    let mut terms = terms;
    if call.looped {
        terms = terms.into_iter().filter_map(without_undefined).collect();
    }
    for value in terms.iter().chain(named.iter().map(|(_, value)| value)) {
        used_deep(value)?;
    }
    let mut search = Search::new(call, named)?;
    let terms = if terms.is_empty() {
        search.files.clone()
    } else {
        terms
    };
    search.add(&terms, call)?;
    for name in &search.names {
        if let Some(path) = existing(call, name)? {
            return Ok(vec![Value::from(path.display().to_string())]);
        }
    }
    if search.skip {
        return Ok(Vec::new());
    }
    let tried = search.names.iter().map(|name| format!("`{name}`"));
    let tried: Vec<String> = tried.collect();
    let folders = outside(call)?.search_path();
    let folders = folders.iter().map(|path| format!("`{}`", path.display()));
    Err(failed(
        call.name,
        format!(
            "none of its files exists: {}; searched from {}",
            if tried.is_empty() {
                "it was given none".to_owned()
            } else {
                tried.join(", ")
            },
            folders.collect::<Vec<_>>().join(", ")
        ),
    ))
}

/// What is looked for. A dictionary among the terms sets all options anew, for the terms behind it too.
struct Search {
    files: Vec<Value>,
    paths: Vec<Value>,
    skip: bool,
    names: Vec<String>,
}

impl Search {
    fn new(call: &LookupCall<'_>, named: Vec<Keyword>) -> Result<Self, TemplateError> {
        let options = Options::new(call, named, &["files", "paths", "skip"]);
        Ok(Self {
            files: options.list("files")?,
            paths: options.list("paths")?,
            skip: options.flag("skip", false)?,
            names: Vec::new(),
        })
    }

    fn add(&mut self, terms: &[Value], call: &LookupCall<'_>) -> Result<(), TemplateError> {
        for term in terms {
            let files = match term.kind() {
                Kind::Dict(dict) => {
                    let given = dict
                        .iter()
                        .filter_map(|(name, value)| Some((name.as_str()?.into(), value.clone())));
                    let fresh = Self::new(call, given.collect())?;
                    (self.paths, self.skip) = (fresh.paths, fresh.skip);
                    fresh.files
                }
                Kind::Str(_) => vec![term.clone()],
                Kind::List(items) | Kind::Tuple(items) => {
                    self.add(items, call)?;
                    continue;
                }
                _ => {
                    let kind = term.type_name();
                    return Err(failed(
                        call.name,
                        format!("a term must be text, a list or a dictionary, not {kind}"),
                    ));
                }
            };
            let files = split(&files, &[',', ';'])?;
            let folders = split(&self.paths, &[',', ':', ';'])?;
            if folders.is_empty() {
                self.names.extend(files);
                continue;
            }
            for folder in &folders {
                let joined = files.iter().map(|file| Path::new(folder).join(file));
                self.names
                    .extend(joined.map(|path| path.display().to_string()));
            }
        }
        Ok(())
    }
}

fn split(values: &[Value], separators: &[char]) -> Result<Vec<String>, TemplateError> {
    let mut parts = Vec::new();
    for value in values {
        match value.as_list() {
            Some(items) => parts.extend(split(items, separators)?),
            None => parts.extend(text(value)?.split(separators).map(str::to_owned)),
        }
    }
    Ok(parts)
}

/// Leaves out what is undefined, in lists and dictionaries too; other faults stay.
fn without_undefined(value: Value) -> Option<Value> {
    match value.kind() {
        Kind::Undefined(fault) if fault.undefined => None,
        Kind::List(items) | Kind::Tuple(items) => Some(Value::list(
            items.iter().cloned().filter_map(without_undefined),
        )),
        Kind::Dict(dict) => {
            let kept = dict.iter().filter_map(|(name, value)| {
                Some((name.clone(), without_undefined(value.clone())?))
            });
            Some(Value::dict(kept.collect::<Dict>()))
        }
        _ => Some(value),
    }
}

fn existing(call: &LookupCall<'_>, name: &str) -> Result<Option<PathBuf>, TemplateError> {
    let outside = outside(call)?;
    if call.looped {
        for kind in KINDS {
            if let Some(path) = outside.find_file(kind, name)? {
                return Ok(Some(clean(&path)));
            }
        }
        return Ok(None);
    }
    let name = match (name.strip_prefix("~/"), outside.home(None)) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(name),
    };
    let candidates = outside.search_path();
    let mut candidates = candidates.iter().map(|folder| clean(&folder.join(&name)));
    Ok(candidates.find(|path| outside.status(path).is_some()))
}

/// Removes `.` and resolves `..` by name.
fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                cleaned.pop();
            }
            other => cleaned.push(other),
        }
    }
    cleaned
}

/// `fileglob(*patterns)`: regular files of one directory, sorted.
pub(super) fn fileglob(terms: Vec<Value>, _: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let outside = outside(call)?;
    let mut results = Vec::new();
    for term in &terms {
        let term = text_term(term, call)?;
        let (folders, pattern) = match term.rsplit_once('/') {
            Some(("", name)) => (vec![PathBuf::from("/")], name),
            Some((folder, name)) => {
                let found = outside.find_file(FileKind::File, folder)?;
                (found.into_iter().collect(), name)
            }
            None => {
                let folders = outside.search_path().into_iter();
                let folders = folders.flat_map(|path| [path.join("files"), path]);
                (folders.collect(), term)
            }
        };
        for folder in folders {
            // A folder that is missing or closed has no files.
            let names = outside.list(&folder).unwrap_or_default().into_iter();
            let found: Vec<Value> = names
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
