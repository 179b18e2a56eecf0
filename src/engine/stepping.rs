//! `--step`: before each task the person at the terminal is asked whether it is to run.
//!
//! The play goes strictly in step then: all hosts are through with a task before the next one is asked about. `meta` is not asked
//! about, as in Ansible.

use std::sync::atomic::Ordering;

use super::ask;
use super::dispatcher::Dispatcher;
use super::slots::{SlotId, SlotKind};
use crate::playbook::ActionKind;

impl Dispatcher<'_> {
    pub(super) fn is_stepping(&self) -> bool {
        self.setup.run.stepping.load(Ordering::Relaxed)
    }

    /// Tells whether a host that stands at `place` may go on while every task is asked about.
    pub(super) fn may_step(&self, place: usize) -> bool {
        self.lowest() == Some(place)
            && self.program.at(place).is_some_and(|slot| {
                let meta = slot
                    .task()
                    .is_some_and(|task| matches!(task.action.kind, ActionKind::Meta(_)));
                meta || self.permitted.contains(&slot.id)
            })
    }

    /// Returns the task that all hosts wait for an answer about, and the question.
    pub(super) fn question(&self) -> Option<(SlotId, String)> {
        if !self.is_stepping() || self.running > 0 || self.ended.is_some() {
            return None;
        }
        let place = self.lowest()?;
        let slot = self.program.at(place)?;
        let task = slot.task()?;
        if self.may_step(place) {
            return None;
        }
        let kind = match slot.kind {
            SlotKind::Handler(_) => "HANDLER",
            _ => "TASK",
        };
        let name = task.display_name(task.written_name());
        Some((
            slot.id,
            format!("Perform task: {kind}: {name} (N)o/(y)es/(c)ontinue: "),
        ))
    }

    /// Asks, and does what the answer says: the task runs, it is left out on all hosts, or nothing is asked about any more.
    pub(super) fn ask_about(&mut self, id: SlotId, question: &str) {
        match ask::answer(question).trim().to_lowercase().as_str() {
            "y" | "yes" => drop(self.permitted.insert(id)),
            "c" | "continue" => self.setup.run.stepping.store(false, Ordering::Relaxed),
            _ => {
                let place = self.program.place(id);
                for progress in self
                    .hosts
                    .values_mut()
                    .filter(|progress| progress.is_alive() && progress.place == place)
                {
                    progress.place += 1;
                }
            }
        }
        self.touch_all();
    }
}
