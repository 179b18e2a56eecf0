//! The part of the dispatcher that lets steps begin: whose turn it is, what goes out together, and what flights tell.

use std::sync::Arc;

use super::common::Common;
use super::course::{Leg, MOST_STEPS};
use super::dispatcher::{BatchEnd, Dispatcher};
use super::effects;
use super::events::{Event, TaskHeader};
use super::flight::{Flight, Stage};
use super::order::Pace;
use super::perform::{self, Job, Notice};
use super::progress::Progress;
use super::slots::{Slot, SlotId};
use crate::playbook::{ActionKind, Task};
use crate::wire::StepId;

/// Whether a step may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Not yet.
    Wait,
    /// What it would find out now counts unless another host changes something before its turn.
    Foresee,
    /// It may find out whether it would change something.
    Hold,
    /// Yes.
    Go,
}

/// Where the hosts are: the lowest place and who is there, and the lowest of the others.
#[derive(Clone, Copy, Default)]
pub(super) struct Lowest {
    first: Option<(usize, usize)>,
    second: Option<usize>,
}

impl Lowest {
    /// Returns the lowest place of all hosts but the one at `index`.
    fn of_others(self, index: usize) -> usize {
        match self.first {
            Some((_, who)) if who == index => self.second,
            first => first.map(|(place, _)| place),
        }
        .unwrap_or(usize::MAX)
    }
}

impl Dispatcher<'_> {
    pub(super) fn lowest_places(&self) -> Lowest {
        let mut lowest = Lowest::default();
        for (index, progress) in self.hosts.values().enumerate() {
            if !progress.is_alive() {
                continue;
            }
            match lowest.first {
                Some((place, _)) if place <= progress.place => {
                    let second = lowest.second.unwrap_or(usize::MAX);
                    lowest.second = Some(second.min(progress.place));
                }
                first => {
                    lowest.second = first.map(|(place, _)| place);
                    lowest.first = Some((progress.place, index));
                }
            }
        }
        lowest
    }

    /// Starts what may start: the lowest task first, hosts in their order.
    pub(super) fn start(&mut self) {
        let lowest = self.lowest_places();
        let mut ready: Vec<(usize, usize)> = self
            .hosts
            .iter()
            .enumerate()
            .filter(|(_, (_, progress))| progress.is_alive() && !progress.busy)
            .map(|(index, (_, progress))| (progress.place, index))
            .collect();
        ready.sort_unstable();
        for (place, index) in ready {
            let over = !matches!(self.ended, None | Some(BatchEnd::TooManyFailed));
            if over || self.running >= self.setup.forks {
                return;
            }
            let stepping = self.is_stepping();
            if stepping && !self.may_step(place) {
                continue;
            }
            let most = match self.setup.run.options.order.pace {
                Pace::Batched if !stepping => MOST_STEPS,
                _ => 1,
            };
            let legs = self.legs(index, lowest, most);
            if !legs.is_empty() {
                self.take_off(index, legs);
            }
        }
    }

    /// Tells whether the other hosts are far enough.
    pub(super) fn turn(&self, index: usize, place: usize, lowest: Lowest) -> Turn {
        let others = lowest.of_others(index);
        let before = self.waits.before(place);
        let behind = |earlier: Option<usize>| earlier.is_some_and(|earlier| others <= earlier);
        if behind(before.begin) || self.waits_for_its_machine(index, place) {
            return Turn::Wait;
        }
        if behind(before.foresee) {
            return Turn::Foresee;
        }
        if behind(before.change) {
            return Turn::Hold;
        }
        Turn::Go
    }

    /// Hosts that are one machine keep their order.
    fn waits_for_its_machine(&self, index: usize, place: usize) -> bool {
        if self.setup.free || !self.shared_machines {
            return false;
        }
        let Some((host, _)) = self.hosts.get_index(index) else {
            return false;
        };
        let machine = self.machines.get(host);
        self.hosts.iter().any(|(name, progress)| {
            name != host
                && progress.is_alive()
                && progress.place < place
                && self.machines.get(name) == machine
        })
    }

    /// Tells whether `run_once` and `throttle` let a step begin.
    pub(super) fn may_begin(&self, host: &Arc<str>, slot: &Slot, task: &Arc<Task>) -> bool {
        let place = self.program.place(slot.id);
        let others = || {
            self.hosts
                .iter()
                .filter(|(name, progress)| *name != host && progress.is_alive())
        };
        let before = |name: &Arc<str>, progress: &Progress| {
            slot.is_for(name)
                && progress.place <= place
                && (progress.busy || self.hosts.get_index_of(name) < self.hosts.get_index_of(host))
        };
        if effects::goes_in_order(task) && !self.setup.free {
            // One host after the other, in their order.
            return !others().any(|(name, progress)| before(name, progress));
        }
        if effects::runs_once(task, self.setup, host) {
            // The first host does it for all; the others wait here for its result.
            return !others().any(|(name, progress)| before(name, progress));
        }
        match effects::throttle(task, self.setup, host) {
            Ok(Some(most)) => {
                others()
                    .filter(|(_, progress)| progress.busy && progress.place == place)
                    .count()
                    < most
            }
            // What is wrong with it is said when the task starts.
            Ok(None) | Err(_) => true,
        }
    }

    fn take_off(&mut self, index: usize, legs: Vec<Leg>) {
        let Some((host, progress)) = self.hosts.get_index_mut(index) else {
            return;
        };
        let host = host.clone();
        progress.busy = true;
        self.foresight.look_ahead(&host, &legs);
        let Some(first) = legs.first() else { return };
        self.begin(first.slot, &host);
        if let Err(diagnostic) = effects::throttle(&first.task, self.setup, &host) {
            self.ended = Some(BatchEnd::Faulty(Box::new(diagnostic)));
            return;
        }
        let stages: Vec<Stage> = legs
            .into_iter()
            .map(|leg| {
                self.next_step += 1;
                let job = Arc::new(Job {
                    run: self.setup.run.clone(),
                    play: self.setup.play.clone(),
                    links: self.setup.links.clone(),
                    common: self.common(leg.slot, &leg.task),
                    task: leg.task.clone(),
                    slot: leg.slot,
                    host: host.clone(),
                    id: StepId(self.next_step),
                    notices: self.sender.clone(),
                    interrupted: self.setup.interrupted.clone(),
                    moment: self.moment_of(leg.slot).cloned(),
                });
                Stage { job, leg }
            })
            .collect();
        let Some(first) = stages.first().map(|stage| stage.job.clone()) else {
            return;
        };
        let flight = Flight { first, stages };
        self.running += 1;
        tokio::spawn(flight.perform());
    }

    /// Returns what a task's steps have in common.
    fn common(&mut self, id: SlotId, task: &Task) -> Arc<Common> {
        let run = &self.setup.run;
        let known = self.commons.entry(id);
        known
            .or_insert_with(|| Arc::new(Common::of(task, run)))
            .clone()
    }

    /// A step begins on a host: it is told of, and counts for its role.
    fn begin(&mut self, id: SlotId, host: &Arc<str>) {
        // Behind a fault of the playbook nothing is told of any more.
        if matches!(self.ended, Some(BatchEnd::Faulty(_))) {
            return;
        }
        let Some(slot) = self.program.at(self.program.place(id)).cloned() else {
            return;
        };
        let Some(task) = slot.task().cloned() else {
            return;
        };
        self.take_moment(id, &task);
        let is_meta = matches!(task.action.kind, ActionKind::Meta(_));
        if is_meta {
            // Each host that comes to a `meta` has a heading of its own.
            self.headers.remove(&slot.id);
        }
        let header = self.header(&slot, &task, host);
        let queue = self.queued.entry(slot.id).or_default();
        if self.expanded.insert(slot.id) || is_meta {
            queue.push(Event::TaskStarted(header.clone()));
        }
        queue.push(Event::HostStarted {
            task: header,
            host: host.clone(),
        });
        if let Some(progress) = self.hosts.get_mut(host)
            && let Some(role) = task.role()
        {
            progress.roles_begun.insert(role.identity);
        }
    }

    fn header(&mut self, slot: &Slot, task: &Arc<Task>, host: &Arc<str>) -> Arc<TaskHeader> {
        let index = self.hosts.get_index_of(host).unwrap_or(usize::MAX);
        match self.headers.get(&slot.id) {
            Some(header) if !self.may_name(index, slot.id, task) => header.clone(),
            _ => {
                self.named_by.insert(slot.id, index);
                self.name(slot, task, host)
            }
        }
    }

    /// Tells whether a host names a task that another one has begun before it: the first in the hosts' order does, as long as
    /// nothing of the task is shown.
    fn may_name(&self, index: usize, slot: SlotId, task: &Task) -> bool {
        let is_template = |text: &str| self.setup.run.templar.is_template(text);
        let name = task.name.as_ref().and_then(|name| name.as_str());
        self.named_by.get(&slot).is_some_and(|by| index < *by) && name.is_some_and(is_template)
    }

    /// Gives a task its name before anything of it is shown: the one that it has for the first of the hosts that begin it now.
    pub(super) fn settle_name(&mut self, id: SlotId) {
        let place = self.program.place(id);
        if let Some(slot) = self.program.at(place).cloned()
            && let Some(task) = slot.task().cloned()
            && let Some((index, host)) = self
                .hosts
                .iter()
                .enumerate()
                .find(|(_, (host, progress))| {
                    progress.is_alive() && progress.place == place && slot.is_for(host)
                })
                .map(|(index, (host, _))| (index, host.clone()))
            && self.may_name(index, id, &task)
        {
            self.name(&slot, &task, &host);
        }
        self.named_by.remove(&id);
    }

    /// Names a task as that host sees it.
    fn name(&mut self, slot: &Slot, task: &Arc<Task>, host: &Arc<str>) -> Arc<TaskHeader> {
        let number = self.headers.get(&slot.id).map(|header| header.number);
        let scope = self.scope_at(slot.id, task, host);
        let header = Arc::new(TaskHeader {
            number: number.unwrap_or_else(|| {
                let numbers = &self.setup.run.numbers;
                numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
            }),
            name: perform::shown_name(task, &scope),
            handler: slot.is_handling(),
            span: task.span,
            module: super::specification::module(task),
            check: self.setup.run.options.check,
        });
        self.headers.insert(slot.id, header.clone());
        header
    }

    /// Takes what a flight tells, once it counts.
    pub(super) fn take(&mut self, notice: Notice) {
        if matches!(notice, Notice::Landed(_)) {
            self.running = self.running.saturating_sub(1);
        }
        if let Some(notice) = self.foresight.put_off(notice) {
            self.accept(notice);
        }
    }

    /// Takes what counts.
    pub(super) fn accept(&mut self, notice: Notice) {
        match notice {
            Notice::Begun(slot, host) => {
                self.reach(slot, &host);
                self.begin(slot, &host);
            }
            Notice::Item(slot, host, item) => {
                if let Some(task) = self.headers.get(&slot).cloned() {
                    let written = self
                        .program
                        .at(self.program.place(slot))
                        .and_then(Slot::task);
                    let delegated = written.and_then(|task| {
                        self.delegate_label(task, &host, item.delegated.as_deref())
                    });
                    let item = Arc::new(*item);
                    self.queue(
                        slot,
                        Event::ItemDone {
                            task,
                            host,
                            item,
                            delegated,
                        },
                    );
                }
            }
            Notice::Retry(slot, host, left, result) => {
                if let Some(task) = self.headers.get(&slot).cloned() {
                    let result = Arc::new(*result);
                    self.queue(
                        slot,
                        Event::Retrying {
                            task,
                            host,
                            left,
                            result,
                        },
                    );
                }
            }
            Notice::Job(slot, host, news) => self.queue(slot, Event::Job { host, news }),
            Notice::Message(slot, text) => self.queue(slot, Event::Message(text)),
            Notice::Done(slot, host, result) => self.done(slot, &host, *result),
            Notice::Held(slot, host) => {
                if let Some(progress) = self.hosts.get_mut(&host) {
                    progress.held = Some(slot);
                }
            }
            Notice::Landed(host) => {
                if let Some(progress) = self.hosts.get_mut(&host) {
                    progress.busy = false;
                }
                self.touched.push(host);
            }
        }
    }

    /// Leads a host whose flight is under way over what lies in front of its next step.
    fn reach(&mut self, id: SlotId, host: &Arc<str>) {
        let target = self.program.place(id);
        while let Some(progress) = self
            .hosts
            .get(host)
            .filter(|progress| progress.is_alive() && progress.place < target)
            && self.pass_one(host, progress.place)
        {}
    }
}
