//! What a loaded playbook will do wrong: errors where the run must fail, warnings where it may.
//!
//! The engine asks after the inventory is known, for a play that no host is in fails at nothing, and before the first connection.

mod handlers;
mod preview;
#[cfg(test)]
mod tests;
mod verdict;

use std::sync::Arc;

use super::load::Loader;
use super::model::{Play, Playbook, Role, Task};
use super::tags::TagSelection;
use crate::diag::{Diagnostic, Span};
use crate::value::Value;

/// How far a run can get.
pub struct Reach<'a> {
    /// Tells whether a play has hosts.
    pub hosts: &'a dyn Fn(&Play) -> bool,
    /// `--tags` and `--skip-tags`.
    pub tags: &'a TagSelection,
}

/// What a play may come to, as far as its files tell.
pub struct Reachable {
    /// Its tasks and handlers, with those of includes.
    pub tasks: Vec<Arc<Task>>,
    /// Roles that includes bring.
    pub roles: Vec<Arc<Role>>,
    /// An include brings what only the run can tell.
    pub open: bool,
}

impl Loader {
    /// Returns what a play may come to with these tags, included files and roles with constant names among it.
    pub fn reachable(&self, play: &Play, tags: &TagSelection) -> Reachable {
        let mut unheard = verdict::Verdicts::default();
        let mut preview = preview::Preview::new(self, play, tags);
        for section in play.sections() {
            preview.entries(section, true, &mut unheard);
        }
        preview.tasks(&play.handlers, &mut unheard);
        Reachable {
            tasks: preview.tasks,
            roles: preview.roles,
            open: preview.open,
        }
    }

    /// Returns what is wrong with a playbook that loads: unknown arguments, what kplay lacks, handlers that do not exist. What
    /// includes with constant names will bring is looked at as well, and is worth a warning at most.
    pub fn findings(&self, playbook: &Playbook, reach: &Reach<'_>) -> Vec<Diagnostic> {
        let mut verdicts = verdict::Verdicts::default();
        for play in &playbook.plays {
            if !(reach.hosts)(play) {
                continue;
            }
            for unsupported in &play.unsupported {
                verdicts.unsupported(unsupported, true);
            }
            let mut preview = preview::Preview::new(self, play, reach.tags);
            for section in play.sections() {
                preview.entries(section, true, &mut verdicts);
            }
            preview.tasks(&play.handlers, &mut verdicts);
            verdicts.add(handlers::unknown(play, &preview));
        }
        verdicts.finish()
    }
}

/// Returns the exit code that Ansible ends with for a playbook that does not load: 1 for what is wrong around it (a file or role that
/// is missing, a name that cannot be), 4 for what is wrong in it. The first error decides.
pub fn exit_code(diagnostics: &[Diagnostic]) -> u8 {
    const GENERAL: [&str; 12] = [
        "bad-meta",
        "bad-tags",
        "bad-variable-name",
        "duplicate-loop",
        "empty-loop",
        "file-not-found",
        "file-unreadable",
        "module-gone",
        "reserved-argument",
        "role-not-found",
        "role-without-name",
        "vault",
    ];
    match diagnostics.iter().find(|diagnostic| diagnostic.is_error()) {
        None => 0,
        Some(error) if GENERAL.contains(&error.code.as_ref()) => 1,
        Some(_) => 4,
    }
}

/// Returns the place of a text value with its length.
fn place_of(value: &Value, otherwise: Span) -> Span {
    let length = value
        .as_str()
        .and_then(|text| u32::try_from(text.chars().count()).ok())
        .unwrap_or(1);
    if value.origin().is_some() {
        Span {
            length: value.origin().length.max(length),
            ..value.origin()
        }
    } else {
        otherwise
    }
}
