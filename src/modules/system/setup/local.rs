//! `local`: what the host's administrator has put into `facts.d`.

use super::gathering::Gathering;
use crate::kit::{Command, FileType};
use crate::modules::commands::glob;
use crate::value::{Dict, Value};

/// Gathers them.
pub(super) fn gather(with: &mut Gathering<'_>) -> Dict {
    let mut facts = Dict::new();
    let folder = with.fact_path.trim_end_matches('/').to_owned();
    let files = with.host.list(&folder).unwrap_or_default();
    for entry in files {
        if !glob::matches("*.fact", &entry.name) || entry.kind == FileType::Directory {
            continue;
        }
        let path = format!("{folder}/{}", entry.name);
        let fact = read(&path, with).unwrap_or_else(|problem| {
            with.warnings.push(problem.clone());
            Value::from(problem)
        });
        facts.insert(entry.name.replace(".fact", ""), fact);
    }
    Dict::new().with("local", facts)
}

fn read(path: &str, with: &Gathering<'_>) -> Result<Value, String> {
    let status = with.host.status(path, true).ok().flatten();
    let status = status.ok_or_else(|| format!("Could not stat fact ({path})"))?;
    let bytes = if status.mode & 0o100 == 0 {
        with.host.read(path).unwrap_or_default()
    } else {
        run(path, with)?
    };
    let text = String::from_utf8(bytes)
        .map_err(|_| format!("error loading fact - output of running \"{path}\" was not utf-8"))?;
    if let Ok(json) = serde_json::from_str(&text) {
        return Ok(Value::from_json(json));
    }
    sections(&text)
        .map(Value::from)
        .ok_or_else(|| format!("error loading facts as JSON or ini - please check content: {path}"))
}

fn run(path: &str, with: &Gathering<'_>) -> Result<Vec<u8>, String> {
    let mut command = Command::new([path]);
    command.timeout = Some(with.timeout);
    let output = with
        .host
        .run(&command)
        .map_err(|error| format!("Could not execute fact script ({path}): {error}"))?;
    if !output.success() {
        return Err(format!(
            "Failure executing fact script ({path}), rc: {}, err: {}",
            output.status,
            output.stderr_text()
        ));
    }
    Ok(output.stdout)
}

/// Reads `[section]` and `name = value` (or `name: value`) lines as Python's `ConfigParser` does: names in lower case, an
/// indented line continues a value, `[DEFAULT]` counts for every section. Nothing where a line is none of these.
fn sections(text: &str) -> Option<Dict> {
    let mut all: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t'])
            && let Some((_, value)) = all.last_mut().and_then(|(_, options)| options.last_mut())
        {
            value.push('\n');
            value.push_str(trimmed);
            continue;
        }
        if let Some(name) = trimmed
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            if all.iter().any(|(known, _)| known == name) {
                return None;
            }
            all.push((name.to_owned(), Vec::new()));
            continue;
        }
        let (name, value) = trimmed.split_once(['=', ':'])?;
        let (_, options) = all.last_mut()?;
        options.push((name.trim().to_lowercase(), value.trim().to_owned()));
    }
    let defaults = all
        .iter()
        .find(|(name, _)| name == "DEFAULT")
        .map(|(_, options)| options.clone())
        .unwrap_or_default();
    let mut facts = Dict::new();
    for (name, options) in all.into_iter().filter(|(name, _)| name != "DEFAULT") {
        let mut section = Dict::new();
        for (name, value) in options.into_iter().chain(defaults.iter().cloned()) {
            if !section.contains(&name) {
                section.insert(name, value);
            }
        }
        facts.insert(name, section);
    }
    Some(facts)
}
