//! One host's way through a play: where it is, which blocks surround it, and where a failure leads.

use std::collections::BTreeSet;

use super::slots::{Program, SlotId, SlotKind};
use crate::playbook::TaskId;

/// Which part of a block a host is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Block,
    Rescue,
    Always,
}

/// A block that surrounds the host's place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Frame {
    section: Section,
    has_rescue: bool,
    /// A task of it failed, and nothing has rescued that so far.
    failed: bool,
}

/// What became of a host in a play.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// On its way.
    Running,
    /// Through, or ended by `meta`.
    Done,
    /// Failed, and nothing rescued it.
    Failed,
    /// Failed, but on its way to handlers that are forced.
    FailedWithHandlers,
    /// Lost.
    Unreachable,
}

/// A host's progress.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    /// The slot that it does next, or does now.
    pub(super) place: usize,
    pub(super) state: State,
    /// A step runs.
    pub(super) busy: bool,
    /// A step that would have changed something before its turn.
    pub(super) held: Option<SlotId>,
    /// Handlers that have been notified and have not run.
    pub(super) notified: BTreeSet<TaskId>,
    /// Roles of which it ran a task, by identity.
    pub(super) roles_begun: BTreeSet<u32>,
    /// Roles that it is through with.
    pub(super) roles_completed: BTreeSet<u32>,
    /// It failed, and no rescue section has begun since: it does not count among the play's hosts.
    pub(super) removed: bool,
    frames: Vec<Frame>,
    /// The slot of the last task that it was led past, and the blocks around it: a failure of another host that counts for all
    /// leads from there.
    last: Option<(SlotId, Vec<Frame>)>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            place: 0,
            state: State::Running,
            busy: false,
            held: None,
            notified: BTreeSet::new(),
            roles_begun: BTreeSet::new(),
            roles_completed: BTreeSet::new(),
            removed: false,
            frames: Vec::new(),
            last: None,
        }
    }

    /// Goes on behind the task at `id`.
    pub(super) fn pass_task(&mut self, id: SlotId) {
        self.last = Some((id, self.frames.clone()));
        self.place += 1;
    }

    /// Fails the host for a failure that others had at `id`.
    pub(super) fn fail_with_others(&mut self, id: SlotId, program: &Program, force_handlers: bool) {
        if let Some((_, frames)) = self.last.take_if(|(last, _)| *last == id) {
            self.frames = frames;
            self.place = program.place(id);
        }
        self.fail(program, force_handlers);
    }

    /// Forgets every failure: `meta: clear_host_errors`. A host that is out of the play already stays out of it, without a fault.
    pub(super) fn forget_failures(&mut self) {
        for frame in &mut self.frames {
            frame.failed = false;
        }
        if self.state == State::Failed {
            self.state = State::Done;
        }
        self.removed = false;
    }

    /// Tells whether the host has anything left to do.
    pub(super) fn is_alive(&self) -> bool {
        matches!(self.state, State::Running | State::FailedWithHandlers)
    }

    /// Tells whether a block surrounds the host's place.
    pub(super) fn is_in_block(&self) -> bool {
        !self.frames.is_empty()
    }

    /// Tells whether two hosts at this place would go the same ways from here on, whatever becomes of their steps.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        self.place == other.place
            && self.state == other.state
            && self.removed == other.removed
            && self.frames == other.frames
            && self.notified == other.notified
            && self.roles_begun == other.roles_begun
            && self.roles_completed == other.roles_completed
    }

    /// Tells whether a failure here would come to a rescue section in the end.
    pub(super) fn would_be_rescued(&self) -> bool {
        let rescues = |frame: &Frame| frame.section == Section::Block && frame.has_rescue;
        self.frames.iter().any(rescues)
    }

    /// Steps over a mark. Only for slots that hold no task.
    pub(super) fn pass_mark(&mut self, program: &Program, force_handlers: bool) {
        let Some(slot) = program.at(self.place) else {
            return;
        };
        match &slot.kind {
            SlotKind::BlockStart { rescue } => {
                self.frames.push(Frame {
                    section: Section::Block,
                    has_rescue: *rescue,
                    failed: false,
                });
                self.place += 1;
            }
            SlotKind::RescueStart => self.pass_rescue_start(program),
            SlotKind::AlwaysStart => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.section = Section::Always;
                }
                self.place += 1;
            }
            SlotKind::BlockEnd => {
                let failed = self.frames.pop().is_some_and(|frame| frame.failed);
                self.place += 1;
                if failed {
                    self.fail(program, force_handlers);
                }
            }
            _ => self.place += 1,
        }
    }

    fn pass_rescue_start(&mut self, program: &Program) {
        let Some(frame) = self.frames.last_mut() else {
            self.place += 1;
            return;
        };
        if frame.failed && frame.has_rescue {
            frame.failed = false;
            frame.section = Section::Rescue;
            self.removed = false;
            self.place += 1;
        } else {
            let always =
                program.next_mark(self.place + 1, |kind| matches!(kind, SlotKind::AlwaysStart));
            self.place = always.unwrap_or(self.place + 1);
        }
    }

    /// Leads the host where its failure leads: to a rescue, an always section, forced handlers, or out of the play.
    pub(super) fn fail(&mut self, program: &Program, force_handlers: bool) {
        self.removed = true;
        while let Some(frame) = self.frames.last_mut() {
            let target = match frame.section {
                Section::Block => {
                    program.next_mark(self.place, |kind| matches!(kind, SlotKind::RescueStart))
                }
                Section::Rescue => {
                    program.next_mark(self.place, |kind| matches!(kind, SlotKind::AlwaysStart))
                }
                Section::Always => None,
            };
            if let Some(target) = target {
                frame.failed = true;
                self.place = target;
                return;
            }
            // Out of this block: what follows its end counts for the next one out.
            if let Some(end) =
                program.next_mark(self.place, |kind| matches!(kind, SlotKind::BlockEnd))
            {
                self.place = end + 1;
            }
            self.frames.pop();
        }
        let flush = force_handlers.then(|| {
            program
                .slots()
                .iter()
                .enumerate()
                .skip(self.place)
                .find(|(_, slot)| matches!(slot.kind, SlotKind::Flush))
        });
        match flush.flatten() {
            Some((place, _)) if !self.notified.is_empty() => {
                self.state = State::FailedWithHandlers;
                self.place = place;
            }
            _ => self.state = State::Failed,
        }
    }

    /// Ends the host's part of the play without a failure.
    pub(super) fn finish(&mut self) {
        if self.state == State::Running {
            self.state = State::Done;
        }
    }

    /// Moves the place along when slots came in before it.
    pub(super) fn shift(&mut self, behind: usize, count: usize) {
        if self.place > behind {
            self.place += count;
        }
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    fn program(kinds: Vec<SlotKind>) -> Program {
        let mut program = Program::default();
        for kind in kinds {
            program.push(kind);
        }
        program
    }

    /// A block with one place of work in each section (`Flush` stands for work: it is no mark of a block).
    fn block(rescue: bool) -> Vec<SlotKind> {
        vec![
            SlotKind::BlockStart { rescue },
            SlotKind::Flush,
            SlotKind::RescueStart,
            SlotKind::Flush,
            SlotKind::AlwaysStart,
            SlotKind::Flush,
            SlotKind::BlockEnd,
            SlotKind::Flush,
        ]
    }

    #[test]
    fn a_failure_leads_to_the_rescue_and_is_forgotten_after_it() {
        let program = program(block(true));
        let mut host = Progress::new();
        host.pass_mark(&program, false);
        host.fail(&program, false);
        assert_eq!(host.place, 2);
        host.pass_mark(&program, false);
        assert!(!host.removed);
        assert_eq!(host.place, 3);
        host.place += 1;
        host.pass_mark(&program, false);
        assert_eq!(host.place, 5);
        host.place += 1;
        host.pass_mark(&program, false);
        assert_eq!((host.place, host.state), (7, State::Running));
    }

    #[test]
    fn without_a_rescue_always_runs_and_the_host_is_lost() {
        let program = program(block(false));
        let mut host = Progress::new();
        host.pass_mark(&program, false);
        host.fail(&program, false);
        host.pass_mark(&program, false);
        assert_eq!(host.place, 4);
        host.pass_mark(&program, false);
        host.place += 1;
        host.pass_mark(&program, false);
        assert_eq!(host.state, State::Failed);
    }

    #[test]
    fn a_failed_rescue_runs_always_and_fails_outward() {
        let mut kinds = vec![SlotKind::BlockStart { rescue: true }];
        kinds.extend(block(true));
        kinds.extend([
            SlotKind::RescueStart,
            SlotKind::Flush,
            SlotKind::AlwaysStart,
            SlotKind::BlockEnd,
        ]);
        let program = program(kinds);
        let mut host = Progress::new();
        host.pass_mark(&program, false);
        host.pass_mark(&program, false);
        host.fail(&program, false);
        host.pass_mark(&program, false);
        assert_eq!(host.place, 4);
        host.fail(&program, false);
        assert_eq!(host.place, 5);
        host.pass_mark(&program, false);
        host.place += 1;
        host.pass_mark(&program, false);
        assert_eq!(host.place, 9, "the outer rescue");
    }

    #[test]
    fn a_failure_of_others_leads_to_the_rescue_of_the_block_that_was_left_meanwhile() {
        let program = program(block(true));
        let mut host = Progress::new();
        host.pass_mark(&program, false);
        let id = program.at(1).map(|slot| slot.id).unwrap();
        host.pass_task(id);
        host.pass_mark(&program, false);
        assert_eq!(host.place, 4);
        host.fail_with_others(id, &program, false);
        assert_eq!((host.place, host.removed), (2, true));
        host.pass_mark(&program, false);
        assert_eq!((host.place, host.removed), (3, false));
    }

    #[test]
    fn forgotten_failures_do_not_end_the_block() {
        let program = program(block(false));
        let mut host = Progress::new();
        host.pass_mark(&program, false);
        host.fail(&program, false);
        host.pass_mark(&program, false);
        host.forget_failures();
        host.pass_mark(&program, false);
        host.place += 1;
        host.pass_mark(&program, false);
        assert_eq!((host.place, host.state), (7, State::Running));
    }

    #[test]
    fn a_host_that_does_not_fail_passes_over_the_rescue() {
        let program = program(block(true));
        let mut host = Progress::new();
        host.pass_mark(&program, false);
        host.place += 1;
        host.pass_mark(&program, false);
        assert_eq!(host.place, 4);
    }
}
