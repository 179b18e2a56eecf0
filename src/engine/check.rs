//! What is wrong with a site, as far as that can be known before the first connection: the things that need more than one file.

use std::sync::Arc;

use super::site::Site;
use crate::diag::{Diagnostic, Severity};
use crate::playbook::{ActionKind, Entry, TagSelection, Task, Unsupported};
use crate::value::Value;

/// Returns errors and warnings, sorted by place. With an error the site must not run.
pub fn check(site: &Site) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for play in site.playbooks.iter().flat_map(|playbook| &playbook.plays) {
        for unsupported in &play.unsupported {
            found.push(lacking(unsupported, true));
        }
        let tags = TagSelection::new(
            site.options.tags.iter().map(String::as_str),
            site.options.skip_tags.iter().map(String::as_str),
        );
        for section in play.sections() {
            walk(section, &tags, &mut found);
        }
        for handler in &play.handlers {
            check_task(handler, &tags, &mut found);
        }
    }
    found.sort_by_key(|diagnostic| (!diagnostic.span().is_some(), diagnostic.span()));
    found.dedup();
    found
}

fn walk(entries: &[Entry], tags: &TagSelection, found: &mut Vec<Diagnostic>) {
    for entry in entries {
        match entry {
            Entry::Task(task) => check_task(task, tags, found),
            Entry::Block(block) => {
                for part in [&block.block, &block.rescue, &block.always] {
                    walk(part, tags, found);
                }
            }
            Entry::RoleEnd(_) => {}
        }
    }
}

fn check_task(task: &Arc<Task>, tags: &TagSelection, found: &mut Vec<Diagnostic>) {
    // Tags that are templates are known only in the run.
    let written: Vec<String> = task.scope.tags().into_iter().map(Value::to_text).collect();
    let kept_away = task.avoidable || !tags.allows(&written);
    if let ActionKind::Unsupported(unsupported) = &task.action.kind {
        found.push(lacking(unsupported, !kept_away));
    }
    for unsupported in &task.unsupported {
        found.push(lacking(unsupported, !kept_away));
    }
    let severity = if kept_away { Severity::Warning } else { Severity::Error };
    found.extend(task.faults.iter().map(|fault| Diagnostic { severity, ..fault.clone() }));
    found.extend(task.first_faults.iter().cloned());
}

fn lacking(unsupported: &Unsupported, fatal: bool) -> Diagnostic {
    let headline = format!("kplay does not support {} yet", unsupported.what);
    let diagnostic = if fatal {
        Diagnostic::error("unsupported", headline)
    } else {
        Diagnostic::warning("unsupported", format!("{headline}; a host that gets here fails"))
    };
    let diagnostic = diagnostic.at(unsupported.span, "");
    match &unsupported.help {
        Some(help) => diagnostic.help(help.clone()),
        None => diagnostic,
    }
}
