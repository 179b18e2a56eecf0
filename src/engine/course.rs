//! The part of the dispatcher that looks ahead: which steps of a host go out with the one that it stands at, and where each leads.
//!
//! The way of a host that fares well comes first. Where a step fails, its block's rescue or always section follows: such detours go
//! along as far as they may, so that nobody has to lead the host there. Ways that come to a step in the same state are one from
//! there on.

use std::collections::HashMap;
use std::sync::Arc;

use super::dispatcher::{BatchEnd, Dispatcher, Passing};
use super::foresight;
use super::progress::{Progress, State};
use super::slots::{Slot, SlotId, SlotKind};
use super::start::{Lowest, Turn};
use crate::kit::Entry;
use crate::playbook::{ActionKind, Task};
use crate::step::FAILURE_VARIABLES;

/// How many steps go out together at most.
pub(super) const MOST_STEPS: usize = 512;

/// A step of a host's way, and the steps that follow it, by their numbers in the list of legs.
pub(super) struct Leg {
    pub(super) slot: SlotId,
    pub(super) task: Arc<Task>,
    /// It may only find out whether it would change something.
    pub(super) hold: bool,
    /// And what it finds counts unless another host changes something before its turn.
    pub(super) foreseen: bool,
    /// Whether the host counts among the play's hosts is not what it is now.
    pub(super) members_differ: bool,
    /// What follows if it does not fail.
    pub(super) then: Option<usize>,
    /// What follows if it fails.
    pub(super) on_failure: Option<Detour>,
}

/// Where a failure leads.
#[derive(Clone, Copy)]
pub(super) struct Detour {
    pub(super) to: usize,
    /// A rescue section is on the way, which is told of the failure.
    pub(super) rescued: bool,
}

/// A leg with what is needed to look on from it.
struct Found {
    leg: Leg,
    place: usize,
    /// The host as it comes to the step, where its ways part or meet: in a block, and right behind one.
    before: Option<Progress>,
}

/// A host's ways, as far as they are known.
struct Survey<'a> {
    dispatcher: &'a Dispatcher<'a>,
    index: usize,
    host: &'a Arc<str>,
    lowest: Lowest,
    /// How many legs there may be.
    most: usize,
    /// Whether the host does not count among the play's hosts now.
    removed: bool,
    found: Vec<Found>,
    /// The legs of a slot: a step may be come to in several states.
    of_slot: HashMap<SlotId, Vec<usize>>,
}

impl Dispatcher<'_> {
    /// Returns what a host does next, in the order of places: the step that it stands at, if that may begin, and those that may go
    /// along.
    pub(super) fn legs(&self, index: usize, lowest: Lowest, most: usize) -> Vec<Leg> {
        let Some((host, progress)) = self.hosts.get_index(index) else {
            return Vec::new();
        };
        let slot = self.program.at(progress.place);
        let Some(slot) = slot.filter(|_| !self.awaits_include(progress.place)) else {
            return Vec::new();
        };
        let Some(task) = slot.task() else {
            return Vec::new();
        };
        let turn = self.turn(index, progress.place, lowest);
        match turn {
            Turn::Wait | Turn::Foresee => return Vec::new(),
            Turn::Hold if progress.held == Some(slot.id) => return Vec::new(),
            Turn::Hold | Turn::Go => {}
        }
        if !self.may_begin(host, slot, task) {
            return Vec::new();
        }
        let mut survey = Survey {
            dispatcher: self,
            index,
            host,
            lowest,
            most,
            removed: progress.removed,
            found: Vec::new(),
            of_slot: HashMap::new(),
        };
        survey.add(slot, task, turn, progress, false);
        survey.fare_well(progress.clone());
        if self.may_detour(host, progress) {
            survey.find_detours();
        }
        survey.legs()
    }

    /// Tells whether failures may lead on without a word from here: they concern this host alone.
    fn may_detour(&self, host: &Arc<str>, progress: &Progress) -> bool {
        let record = self.setup.run.records.get(host);
        progress.state == State::Running
            && self.setup.max_fail_percentage.is_none()
            && self.ended != Some(BatchEnd::TooManyFailed)
            // Of two values of one level the one that was set hides what a failure leaves.
            && !FAILURE_VARIABLES.iter().any(|name| record.set.get(name).is_some())
    }

    /// Tells whether a failure of the task concerns other hosts.
    fn fails_all(&self, task: &Task) -> bool {
        let stated = task.scope.effective(|keywords| &keywords.any_errors_fatal);
        stated.is_some() || self.setup.run.config.any_errors_fatal
    }

    /// Leads a host over all that holds no work for it, to its next step.
    fn next_step(&self, host: &Arc<str>, ahead: &mut Progress) -> Option<(&Slot, &Arc<Task>)> {
        loop {
            // A failure that waited for the end of its block takes the host out there.
            if !ahead.is_alive() || self.awaits_include(ahead.place) {
                return None;
            }
            let slot = self.program.at(ahead.place)?;
            match self.passing(host, ahead, slot) {
                None => return slot.task().map(|task| (slot, task)),
                Some(Passing::Once(_)) => return None,
                Some(passing) => passing.lead(ahead, &self.program, self.setup.force_handlers),
            }
        }
    }
}

impl<'a> Survey<'a> {
    /// Adds a leg and returns its number.
    fn add(
        &mut self,
        slot: &Slot,
        task: &Arc<Task>,
        turn: Turn,
        before: &Progress,
        behind_block: bool,
    ) -> usize {
        let number = self.found.len();
        let parts = before.is_in_block() || behind_block;
        if parts {
            self.of_slot.entry(slot.id).or_default().push(number);
        }
        self.found.push(Found {
            leg: Leg {
                slot: slot.id,
                task: task.clone(),
                hold: turn != Turn::Go,
                foreseen: turn == Turn::Foresee,
                members_differ: before.removed != self.removed,
                then: None,
                on_failure: None,
            },
            place: before.place,
            before: parts.then(|| before.clone()),
        });
        number
    }

    /// Follows a host from the first leg on that fares well.
    fn fare_well(&mut self, mut ahead: Progress) {
        let mut at = 0;
        while self.found.len() < self.most {
            let in_block = ahead.is_in_block();
            let Some((slot, task, turn)) = self.step_behind(at, &mut ahead, false) else {
                return;
            };
            let next = self.add(slot, task, turn, &ahead, in_block);
            self.lead(at, next);
            at = next;
        }
    }

    fn lead(&mut self, at: usize, next: usize) {
        if let Some(found) = self.found.get_mut(at) {
            found.leg.then = Some(next);
        }
    }

    /// Follows the failures of all legs, and what comes behind them.
    fn find_detours(&mut self) {
        let well = self.found.len();
        let mut at = 0;
        while let Some(found) = self.found.get(at) {
            if let Some(before) = found.before.clone().filter(Progress::is_in_block) {
                let task = found.leg.task.clone();
                if at >= well
                    && let Some(next) = self.meet_or_add(at, before.clone(), false)
                {
                    self.lead(at, next);
                }
                let rescued = before.would_be_rescued();
                if !self.dispatcher.fails_all(&task)
                    && let Some(to) = self.meet_or_add(at, before, true)
                    && let Some(found) = self.found.get_mut(at)
                {
                    found.leg.on_failure = Some(Detour { to, rescued });
                }
            }
            at += 1;
        }
    }

    /// Returns the leg that follows the one at `at`, whichever way leads there already, or adds it.
    fn meet_or_add(&mut self, at: usize, mut ahead: Progress, failed: bool) -> Option<usize> {
        let (slot, task, turn) = self.step_behind(at, &mut ahead, failed)?;
        let same = |number: &&usize| {
            let found = self.found.get(**number);
            let before = found.and_then(|found| found.before.as_ref());
            before.is_some_and(|before| before.is_as(&ahead))
        };
        let known = self.of_slot.get(&slot.id);
        if let Some(number) = known.and_then(|known| known.iter().find(same)) {
            return Some(*number);
        }
        // A way that does not meet another one behind its block ends there: all that follows would go along twice.
        (ahead.is_in_block() && self.found.len() < self.most)
            .then(|| self.add(slot, task, turn, &ahead, false))
    }

    /// Leads a host over the leg at `at`, where it stands, and on to the next step, if that may go along: with it, and how it may
    /// begin.
    fn step_behind(
        &self,
        at: usize,
        ahead: &mut Progress,
        failed: bool,
    ) -> Option<(&'a Slot, &'a Arc<Task>, Turn)> {
        let dispatcher = self.dispatcher;
        let task = &self.found.get(at)?.leg.task;
        let slot = dispatcher.program.at(ahead.place)?;
        if !goes_along(slot, task) || dispatcher.awaits_fate(slot.id) {
            return None;
        }
        if let Some(role) = task.role() {
            ahead.roles_begun.insert(role.identity);
        }
        ahead.notified.remove(&task.id);
        if failed {
            ahead.fail(&dispatcher.program, dispatcher.setup.force_handlers);
            if ahead.state != State::Running {
                return None;
            }
        } else {
            ahead.place += 1;
        }
        let (slot, task) = dispatcher.next_step(self.host, ahead)?;
        let turn = dispatcher.turn(self.index, ahead.place, self.lowest);
        let may_begin = match turn {
            Turn::Wait => false,
            Turn::Foresee => foresight::foretells(task),
            Turn::Hold | Turn::Go => true,
        };
        (may_begin && goes_along(slot, task)).then_some((slot, task, turn))
    }

    /// Returns the legs in the order of their places, so that each leads to later ones.
    fn legs(self) -> Vec<Leg> {
        if self.found.is_sorted_by_key(|found| found.place) {
            return self.found.into_iter().map(|found| found.leg).collect();
        }
        let mut found: Vec<(usize, Found)> = self.found.into_iter().enumerate().collect();
        found.sort_by_key(|(_, found)| found.place);
        let numbers: HashMap<usize, usize> = found
            .iter()
            .enumerate()
            .map(|(new, (old, _))| (*old, new))
            .collect();
        let number = |old: usize| numbers.get(&old).copied();
        found
            .into_iter()
            .map(|(_, Found { leg, .. })| Leg {
                then: leg.then.and_then(number),
                on_failure: leg.on_failure.and_then(|detour| {
                    let to = number(detour.to)?;
                    Some(Detour { to, ..detour })
                }),
                ..leg
            })
            .collect()
    }
}

/// Tells whether a step can be one of several that go out together: the same for whoever comes to it, and on its own host.
fn goes_along(slot: &Slot, task: &Arc<Task>) -> bool {
    let ActionKind::Module(entry) = &task.action.kind else {
        return false;
    };
    let scope = &task.scope;
    // A handler that notifies may make others run that are not known to.
    let notifies = matches!(slot.kind, SlotKind::Handler(_))
        && scope.effective(|keywords| &keywords.notify).is_some();
    !notifies
        && !matches!(entry, Entry::Control(entry) if entry.once() || entry.needs_controller())
        && scope.effective(|keywords| &keywords.run_once).is_none()
        && scope.effective(|keywords| &keywords.throttle).is_none()
        && scope.effective(|keywords| &keywords.delegate_to).is_none()
}
