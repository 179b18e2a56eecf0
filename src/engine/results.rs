//! The part of the dispatcher that takes results: what they set, whom they lead where, what they count for.

use std::sync::Arc;

use super::dispatcher::{BatchEnd, Dispatcher};
use super::effects;
use super::events::{Event, HostResult, HostStats};
use super::include;
use super::progress::State;
use super::slots::{Slot, SlotId};
use crate::playbook::{ActionKind, Task};
use crate::value::Value;
use crate::wire::{Status, TaskResult};

impl Dispatcher<'_> {
    /// A step has ended on a host.
    pub(super) fn done(&mut self, id: SlotId, host: &Arc<str>, result: TaskResult) {
        let Some(slot) = self.program.at(self.program.place(id)).cloned() else {
            return;
        };
        let Some(task) = slot.task().cloned() else {
            return;
        };
        let result = Arc::new(result);
        if result.may_have_changed() {
            self.foresight.note_change(host, id);
        }
        if let Some(progress) = self.hosts.get_mut(host) {
            progress.notified.remove(&task.id);
        }
        self.apply(&slot, &task, host, &result);
        if effects::runs_once(&task, self.setup, host) {
            // A module that runs once by its nature leaves its result to the host that ran it.
            if effects::is_run_once(&task, self.setup, host) {
                self.share(&task, host, &result);
            }
            self.once.insert(id, result);
            self.touch_all();
        }
        self.pass_on(host);
    }

    /// What a step sets that runs once is set for the batch's other hosts too, even for those that never come to it: it was included
    /// for some only, or they have failed before.
    fn share(&mut self, task: &Arc<Task>, host: &Arc<str>, result: &TaskResult) {
        let others: Vec<Arc<str>> = self
            .hosts
            .iter()
            .filter(|(other, progress)| *other != host && progress.state != State::Unreachable)
            .map(|(other, _)| other.clone())
            .collect();
        for other in others {
            self.remember(task, &other, result);
        }
    }

    /// A step that another host ran for all leads a host on. What an include brings that ran once is for the host that ran it.
    pub(super) fn take_shared(&mut self, host: &Arc<str>, id: SlotId, result: &Arc<TaskResult>) {
        let failed =
            matches!(result.status, Status::Failed | Status::Unreachable) && !result.ignore_errors;
        let Some(progress) = self.hosts.get_mut(host) else {
            return;
        };
        if failed {
            progress.fail(&self.program, self.setup.force_handlers);
            self.note_removed(host);
        } else {
            progress.pass_task(id);
        }
    }

    /// Counts a result and leads the host on; tells of it.
    pub(super) fn apply(
        &mut self,
        slot: &Slot,
        task: &Arc<Task>,
        host: &Arc<str>,
        result: &Arc<TaskResult>,
    ) {
        self.learn(slot.id, task, host, result);
        let is_meta = matches!(task.action.kind, ActionKind::Meta(_));
        let is_include = matches!(
            task.action.kind,
            ActionKind::IncludeTasks(_) | ActionKind::IncludeRole(_)
        );
        if is_include {
            self.includes
                .entry(slot.id)
                .or_default()
                .insert(host.clone(), include::asked(host, result));
        }
        let ignored = match result.status {
            Status::Failed => result.ignore_errors,
            Status::Unreachable => self.ignores_unreachable(slot.id, task, host),
            _ => false,
        };
        let fine = matches!(result.status, Status::Ok | Status::Changed);
        if result.status == Status::Changed {
            self.notify(slot.id, task, host);
        }
        if (!(is_include || is_meta) || !fine)
            && let Some(header) = self.headers.get(&slot.id).cloned()
        {
            let event = HostResult {
                task: header,
                host: host.clone(),
                result: result.clone(),
                ignored,
                delegated: self.delegate_label(task, host, result.delegated.as_deref()),
            };
            if !matches!(self.ended, Some(BatchEnd::Faulty(_))) {
                self.queue(slot.id, Event::HostDone(event));
            }
        }
        let failed = self.lead(slot, task, host, result, ignored);
        if failed {
            self.mind_failure(slot, task, host);
        }
        if is_include && fine {
            // Counted for each file or role that comes in.
        } else if !is_meta || !fine {
            let stats = self.recap.entry(host.clone()).or_default();
            count(stats, result, ignored, is_meta);
        } else {
            self.meta(task, host, slot);
        }
    }
}

/// Adds a result to the recap; failures are counted where they are settled.
fn count(stats: &mut HostStats, result: &TaskResult, ignored: bool, is_meta: bool) {
    match result.status {
        Status::Skipped if is_meta => {}
        Status::Skipped => stats.skipped += 1,
        Status::Unreachable if ignored => {
            stats.ok += 1;
            stats.ignored += 1;
        }
        Status::Unreachable => stats.unreachable += 1,
        Status::Failed if ignored => {
            stats.ok += 1;
            stats.ignored += 1;
            if result.value.get("changed").is_some_and(Value::is_true) {
                stats.changed += 1;
            }
        }
        Status::Failed => {}
        Status::Ok => stats.ok += 1,
        Status::Changed => {
            stats.ok += 1;
            stats.changed += 1;
        }
    }
}
