//! Playbooks of a test: files in memory, and diagnostics as short text.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::files::MemoryFiles;
use super::load::{Included, Loaded, Loader, Options, Renderer};
use super::model::{Entry, Play, Playbook, Task};
use crate::diag::{Diagnostic, Severity, SourceMap, Span};
use crate::secrets::VaultSecrets;
use crate::template::{Templar, TemplateError};
use crate::value::{Dict, Value};
use crate::yaml::DuplicateKeys;

/// Replaces `{{ name }}` by the variable, which is all that these tests need.
struct Names;

impl Renderer for Names {
    fn render(&self, value: &Value, variables: &Dict) -> Result<Value, TemplateError> {
        let mut out = String::new();
        let mut rest = value.as_str().unwrap();
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").unwrap();
            let name = name.trim();
            let found = variables
                .get(name)
                .ok_or_else(|| TemplateError::new(format!("`{name}` is undefined")))?;
            out.push_str(before);
            out.push_str(&self.render_deep(found, variables)?);
            rest = after;
        }
        out.push_str(rest);
        Ok(Value::text(out))
    }
}

impl Names {
    fn render_deep(&self, value: &Value, variables: &Dict) -> Result<String, TemplateError> {
        if value.as_str().is_some() {
            Ok(self.render(value, variables)?.to_text())
        } else {
            Ok(value.to_text())
        }
    }
}

/// Returns a loader of files in memory; relative names lie in `/p`.
pub(super) fn loader(files: &[(&str, &str)]) -> Loader {
    Loader::new(Options {
        sources: SourceMap::default(),
        files: Arc::new(MemoryFiles::new(files)),
        vault: Arc::new(VaultSecrets::default()),
        duplicates: DuplicateKeys::Warn,
        roles_path: vec!["/etc/roles".into()],
        collections_path: vec!["/usr/share/collections".into()],
        library: Vec::new(),
        extra: Dict::new(),
        private_role_vars: None,
        strict_keywords: true,
        renderer: Arc::new(Names),
        templar: Arc::new(Templar::new()),
    })
}

/// Loads `site.yml` among these files.
pub(super) fn load(files: &[(&str, &str)]) -> (Loader, Loaded<Playbook>) {
    let loader = loader(files);
    let loaded = loader.playbook(Path::new("site.yml"));
    (loader, loaded)
}

/// Loads files that must be in order.
pub(super) fn good(files: &[(&str, &str)]) -> (Loader, Playbook) {
    let (loader, loaded) = load(files);
    assert_eq!(texts(&loader, &loaded.diagnostics), Vec::<String>::new());
    (loader, loaded.item.unwrap())
}

/// Loads one play, which stands on `hosts: all`, of these indented lines.
pub(super) fn play(lines: &str) -> (Loader, Arc<Play>) {
    let (loader, playbook) = good(&[("site.yml", &format!("- hosts: all\n{lines}"))]);
    (loader, Arc::clone(&playbook.plays[0]))
}

/// Returns the diagnostics of `site.yml` among these files, a text for each.
pub(super) fn messages(files: &[(&str, &str)]) -> Vec<String> {
    let (loader, loaded) = load(files);
    texts(&loader, &loaded.diagnostics)
}

/// Returns the diagnostics of tasks in a play.
pub(super) fn task_messages(tasks: &str) -> Vec<String> {
    messages(&[("site.yml", &format!("- hosts: all\n  tasks:\n{tasks}"))])
}

/// Returns the faults of tasks in a play; nothing else may be wrong.
pub(super) fn task_faults(tasks: &str) -> Vec<String> {
    let (loader, play) = play(&format!("  tasks:\n{tasks}"));
    let faults: Vec<Diagnostic> = all_tasks(&play.tasks)
        .into_iter()
        .flat_map(|task| task.faults.clone())
        .collect();
    texts(&loader, &faults)
}

pub(super) fn texts(loader: &Loader, diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|diagnostic| text(loader, diagnostic))
        .collect()
}

/// Returns a diagnostic as `PLACE error[CODE]: HEADLINE @ MARKED TEXT: LABEL | note | help`.
pub(super) fn text(loader: &Loader, diagnostic: &Diagnostic) -> String {
    let sources = loader.sources();
    let severity = if diagnostic.severity == Severity::Error {
        "error"
    } else {
        "warning"
    };
    let mut out = format!("{severity}[{}]: {}", diagnostic.code, diagnostic.headline);
    for label in diagnostic.primary.iter().chain(&diagnostic.secondary) {
        let place = sources.place(label.span).unwrap_or_default();
        write!(out, "\n  {place} `{}`", marked(sources, label.span)).unwrap();
        if !label.text.is_empty() {
            write!(out, " {}", label.text).unwrap();
        }
    }
    for note in &diagnostic.notes {
        write!(out, "\n  note: {note}").unwrap();
    }
    for help in &diagnostic.help {
        write!(out, "\n  help: {help}").unwrap();
    }
    out
}

/// Returns the text that a place covers.
pub(super) fn marked(sources: &SourceMap, span: Span) -> String {
    let line = sources.line(span).unwrap_or_default();
    line.chars()
        .skip(span.column as usize - 1)
        .take(span.length as usize)
        .collect()
}

/// Returns the tasks in a list, those in blocks too.
pub(super) fn all_tasks(entries: &[Entry]) -> Vec<Arc<Task>> {
    let mut all = Vec::new();
    for entry in entries {
        match entry {
            Entry::Task(task) => all.push(Arc::clone(task)),
            Entry::Block(block) => {
                for section in [&block.block, &block.rescue, &block.always] {
                    all.extend(all_tasks(section));
                }
            }
            Entry::RoleEnd(_) => {}
        }
    }
    all
}

/// Returns the names of the tasks in a list, and where roles end.
pub(super) fn outline(entries: &[Entry]) -> Vec<String> {
    let mut all = Vec::new();
    for entry in entries {
        match entry {
            Entry::Task(task) => all.push(task.display_name(task.written_name())),
            Entry::Block(block) => {
                all.push("block".to_owned());
                all.extend(outline(&block.block));
                all.extend(
                    outline(&block.rescue)
                        .into_iter()
                        .map(|name| format!("rescue: {name}")),
                );
                all.extend(
                    outline(&block.always)
                        .into_iter()
                        .map(|name| format!("always: {name}")),
                );
            }
            Entry::RoleEnd(role) => all.push(format!("end of {}", role.name)),
        }
    }
    all
}

/// Returns what an include brought; nothing may be wrong with it.
pub(super) fn brought(loader: &Loader, loaded: Loaded<Included>) -> Included {
    assert_eq!(texts(loader, &loaded.diagnostics), Vec::<String>::new());
    loaded.item.unwrap()
}
