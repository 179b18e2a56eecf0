//! The part of the dispatcher that deals with failures: where a failed host goes, what it counts for, whom else it concerns.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::dispatcher::{BatchEnd, Dispatcher};
use super::effects;
use super::events::{Event, HostResult};
use super::perform::{self};
use super::progress::State;
use super::slots::{Slot, SlotId, SlotKind};
use crate::playbook::Task;
use crate::step::failure_variables;
use crate::value::Value;
use crate::wire::{Status, TaskResult};

impl Dispatcher<'_> {
    /// Once everybody is through with a task at which hosts failed: fails the others too where the play wants that.
    pub(super) fn end_if_fatal(&mut self) -> bool {
        let due: Vec<SlotId> = self
            .failures
            .keys()
            .copied()
            .filter(|id| {
                let place = self.program.place(*id);
                !self
                    .hosts
                    .values()
                    .any(|progress| progress.is_alive() && progress.place <= place)
            })
            .collect();
        for id in &due {
            let Some((failed, for_all)) = self.failures.remove(id) else {
                continue;
            };
            if for_all {
                self.fail_others(*id, &failed);
            }
            #[expect(clippy::cast_precision_loss, reason = "counts of hosts")]
            let percentage = self.barred.len() as f64 * 100.0 / self.batch_size() as f64;
            let most = self.setup.max_fail_percentage;
            if most.is_some_and(|most| percentage > most) {
                self.fail_others(*id, &failed);
                self.queue(*id, Event::NoHostsLeft);
                self.ended = Some(BatchEnd::TooManyFailed);
            }
            if self.ended == Some(BatchEnd::TooManyFailed) {
                self.break_off(*id);
            }
        }
        !due.is_empty()
    }

    /// Tells whether hosts have failed at a task for which all who are through with it may have to leave too.
    pub(super) fn awaits_fate(&self, id: SlotId) -> bool {
        self.failures.get(&id).is_some_and(|(_, for_all)| {
            *for_all
                || self.setup.max_fail_percentage.is_some()
                || self.ended == Some(BatchEnd::TooManyFailed)
        })
    }

    pub(super) fn batch_size(&self) -> usize {
        self.setup.batch_size.max(1)
    }

    /// Fails those that are still in and did not fail at `id` themselves.
    pub(super) fn fail_others(&mut self, id: SlotId, failed: &BTreeSet<Arc<str>>) {
        let others: Vec<Arc<str>> = self
            .hosts
            .iter()
            .filter(|(host, progress)| {
                progress.state != State::Unreachable && !failed.contains(*host)
            })
            .map(|(host, _)| host.clone())
            .collect();
        for host in others {
            if let Some(progress) = self.hosts.get_mut(&host)
                && progress.state == State::Running
            {
                progress.fail_with_others(id, &self.program, self.setup.force_handlers);
            }
            self.note_removed(&host);
            self.barred.insert(host);
        }
    }

    /// Where nobody is left but hosts that have failed, a play of which too many have failed ends at once, without what rescues.
    pub(super) fn break_off(&mut self, id: SlotId) {
        let left = self
            .hosts
            .values()
            .filter(|progress| progress.state != State::Unreachable);
        if self.barred.len() < left.count() {
            return;
        }
        self.queue(id, Event::NoHostsLeft);
        for progress in self.hosts.values_mut().filter(|host| host.is_alive()) {
            progress.state = State::Failed;
        }
    }

    /// Keeps the play's list of hosts that are out up to date.
    pub(super) fn note_removed(&mut self, host: &Arc<str>) {
        let Some(progress) = self.hosts.get(host) else {
            return;
        };
        let mut lost = self
            .setup
            .play
            .lost
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if progress.removed || progress.state == State::Unreachable {
            lost.insert(host.clone());
        } else {
            lost.remove(host);
        }
    }

    /// Fails a host at an include that brings nothing: its rescue sections learn nothing of it, and later plays leave the host out.
    pub(super) fn fail_at(&mut self, host: &Arc<str>, id: SlotId, result: &Arc<TaskResult>) {
        if let Some(header) = self.headers.get(&id).cloned() {
            let event = HostResult {
                task: header,
                host: host.clone(),
                result: result.clone(),
                ignored: false,
                delegated: None,
            };
            self.queue(id, Event::HostDone(event));
        }
        if let Some(progress) = self.hosts.get_mut(host) {
            progress.fail(&self.program, self.setup.force_handlers);
        }
        self.recap.entry(host.clone()).or_default().failed += 1;
        self.barred.insert(host.clone());
        self.note_removed(host);
    }

    pub(super) fn ignores_unreachable(
        &self,
        id: SlotId,
        task: &Arc<Task>,
        host: &Arc<str>,
    ) -> bool {
        let scope = self.scope_at(id, task, host);
        let keyword = task
            .scope
            .effective(|keywords| &keywords.ignore_unreachable);
        perform::flag(keyword, &scope) == Some(true)
    }

    /// Sends the host where its result leads. Says whether it failed without being ignored.
    pub(super) fn lead(
        &mut self,
        slot: &Slot,
        task: &Arc<Task>,
        host: &Arc<str>,
        result: &TaskResult,
        ignored: bool,
    ) -> bool {
        if self.ended == Some(BatchEnd::TooManyFailed) {
            // What still rescues is judged after every task.
            self.failures.entry(slot.id).or_default();
        }
        let Some(progress) = self.hosts.get_mut(host) else {
            return false;
        };
        match result.status {
            Status::Failed if !ignored => {
                progress.place = self.program.place(slot.id);
                let rescued = progress.would_be_rescued();
                progress.fail(&self.program, self.setup.force_handlers);
                self.settle_failure(task, host, result, rescued);
                true
            }
            Status::Unreachable if !ignored => {
                progress.state = State::Unreachable;
                self.note_removed(host);
                true
            }
            _ => {
                progress.pass_task(slot.id);
                false
            }
        }
    }

    /// After a failure: rescued or lost, the numbers of the recap, and what a rescue section is told.
    pub(super) fn settle_failure(
        &mut self,
        task: &Arc<Task>,
        host: &Arc<str>,
        result: &TaskResult,
        rescued: bool,
    ) {
        // Marks without work between them decide where the host really is.
        while let Some(progress) = self
            .hosts
            .get_mut(host)
            .filter(|progress| progress.state == State::Running)
        {
            let mark = self.program.at(progress.place).is_some_and(|slot| {
                matches!(
                    slot.kind,
                    SlotKind::BlockStart { .. }
                        | SlotKind::RescueStart
                        | SlotKind::AlwaysStart
                        | SlotKind::BlockEnd
                )
            });
            if !mark {
                break;
            }
            progress.pass_mark(&self.program, self.setup.force_handlers);
        }
        let Some(progress) = self.hosts.get(host) else {
            return;
        };
        let lost = progress.state == State::Failed;
        let stats = self.recap.entry(host.clone()).or_default();
        if rescued {
            stats.rescued += 1;
            let failure = failure_variables(
                task.written_name().unwrap_or_default(),
                &task.action.name,
                &Value::dict(task.action.arguments.given.clone()),
                &result.value,
            );
            self.setup
                .run
                .records
                .change(host, |record| record.failure = failure);
        } else {
            stats.failed += 1;
        }
        if lost {
            self.barred.insert(host.clone());
        }
        self.note_removed(host);
    }

    /// Whether this failure concerns the other hosts too.
    pub(super) fn mind_failure(&mut self, slot: &Slot, task: &Arc<Task>, host: &Arc<str>) {
        let scope = self.scope_at(slot.id, task, host);
        let for_all = perform::flag(
            task.scope.effective(|keywords| &keywords.any_errors_fatal),
            &scope,
        )
        .unwrap_or(self.setup.run.config.any_errors_fatal);
        let for_all = for_all || effects::runs_once(task, self.setup, host);
        let entry = self.failures.entry(slot.id).or_default();
        entry.0.insert(host.clone());
        entry.1 |= for_all;
    }
}
