//! Lists of tasks and blocks.

use super::documents::whole;
use super::{Place, Session};
use crate::diag::Diagnostic;
use crate::playbook::model::{Entry, Task};
use crate::yaml::Node;
use std::sync::Arc;

impl Session<'_> {
    /// Loads a list of tasks and blocks; `what` names the list in messages. Empty items are skipped where Ansible does, in the
    /// lists of plays and files.
    pub(super) fn entries(
        &mut self,
        node: &Node,
        what: &str,
        place: &Place,
        top: bool,
    ) -> Vec<Entry> {
        if node.is_null() {
            return Vec::new();
        }
        let Some(nodes) = node.as_sequence() else {
            let headline = format!("{what} must be a list of tasks, not {}", node.describe());
            let mut diagnostic =
                Diagnostic::error("tasks-not-a-list", headline).at(whole(node), "");
            if node.as_mapping().is_some() {
                diagnostic = diagnostic.help("begin each task with `- `");
            }
            self.report(diagnostic);
            return Vec::new();
        };
        let mut entries = Vec::new();
        for item in nodes {
            if item.is_null() && top {
                continue;
            }
            if item.as_mapping().is_none() {
                let headline = format!("a task must be a mapping, not {}", item.describe());
                let mut diagnostic =
                    Diagnostic::error("task-not-a-mapping", headline).at(whole(item), "");
                if let Some(name) = item.as_str().filter(|name| !name.contains([' ', '=', '{'])) {
                    diagnostic =
                        diagnostic.help(format!("write `{name}:` for a module without arguments"));
                }
                self.report(diagnostic);
                continue;
            }
            let is_block = ["block", "rescue", "always"]
                .iter()
                .any(|key| item.get(key).is_some());
            if is_block {
                entries.extend(self.block(item, place, top));
            } else {
                entries.extend(self.task(item, place));
            }
        }
        entries
    }

    /// Loads a list of handlers; blocks and imports among them are opened.
    pub(super) fn handler_list(
        &mut self,
        node: &Node,
        what: &str,
        place: &Place,
    ) -> Vec<Arc<Task>> {
        let entries = self.entries(node, what, place, true);
        let handlers: Vec<Arc<Task>> = entries
            .into_iter()
            .filter_map(|entry| match entry {
                Entry::Task(task) => Some(task),
                Entry::Block(_) | Entry::RoleEnd(_) => None,
            })
            .collect();
        self.duplicate_handlers(&handlers);
        handlers
    }

    /// Warns of handlers that hide others of the same list: only the last of a name is ever notified.
    fn duplicate_handlers(&mut self, handlers: &[Arc<Task>]) {
        for (index, handler) in handlers.iter().enumerate() {
            let Some(name) = handler.written_name() else {
                continue;
            };
            let later = handlers
                .iter()
                .skip(index + 1)
                .find(|later| later.written_name() == Some(name));
            let Some(later) = later.filter(|later| later.file == handler.file) else {
                continue;
            };
            let warning = Diagnostic::warning(
                "duplicate-handler",
                format!("two handlers are called `{name}`"),
            )
            .at(
                handler
                    .name
                    .as_ref()
                    .map_or(handler.span, crate::value::Value::origin),
                "this one never runs by that name",
            )
            .and_at(
                later
                    .name
                    .as_ref()
                    .map_or(later.span, crate::value::Value::origin),
                "this one does",
            );
            self.report(warning);
        }
    }
}
