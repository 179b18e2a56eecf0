//! The part of the dispatcher that marks handlers: what `notify` names, and what is said of a name that nobody has.

use std::sync::Arc;

use super::dispatcher::{BatchEnd, Dispatcher};
use super::effects;
use super::events::Event;
use super::slots::SlotId;
use crate::playbook::Task;

impl Dispatcher<'_> {
    /// Renders what `notify` names and marks the handlers.
    pub(super) fn notify(&mut self, id: SlotId, task: &Arc<Task>, host: &Arc<str>) {
        let Some(notify) = task.scope.effective(|keywords| &keywords.notify) else {
            return;
        };
        let scope = self.scope_at(id, task, host);
        let found_for = |name: String| {
            let found = effects::handlers_for(&name, &self.handlers, &scope);
            (name, found)
        };
        let names = effects::texts(notify, &scope);
        let found: Vec<_> = names.into_iter().map(found_for).collect();
        for (name, found) in found {
            if found.is_empty() {
                self.missing_handler(&name, task);
                continue;
            }
            if let Some(progress) = self.hosts.get_mut(host) {
                progress.notified.extend(found);
            }
        }
    }

    pub(super) fn missing_handler(&mut self, name: &str, task: &Arc<Task>) {
        let message = format!(
            "the handler `{name}` was notified, but neither a handler nor a `listen` topic has that name"
        );
        let diagnostic = crate::diag::Diagnostic::error("handler-missing", message)
            .at(task.span, "notified here");
        if !self.setup.run.config.error_on_missing_handler {
            let _ = self
                .setup
                .events
                .send(Event::Warning(crate::diag::Diagnostic {
                    severity: crate::diag::Severity::Warning,
                    ..diagnostic
                }));
            return;
        }
        // As in Ansible: what is notified and missing is a fault of the playbook, and ends the run.
        self.ended = Some(BatchEnd::Faulty(Box::new(diagnostic)));
    }
}
