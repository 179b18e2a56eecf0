//! Walks the hosts of a batch through a play: starts what may start, takes what has ended, tells it in order.
//!
//! One owner for all of it; steps run as tasks of their own and send notices. A step starts when the graph's earlier steps have
//! ended on the other hosts, a fork is free, and nothing else stands in its way.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;
use tokio::sync::{mpsc, watch};

use super::common::Common;
use super::effects;
use super::events::{Event, Recap, TaskHeader};
use super::foresight::Foresight;
use super::graph::{Reach, Waits};
use super::include;
use super::links::Links;
use super::moment::Moment;
use super::order::Pace;
use super::outward::Outward;
use super::perform::Notice;
use super::progress::{Progress, State};
use super::run_state::{PlayState, RunState};
use super::scope::HostScope;
use super::slots::{Program, Slot, SlotId, SlotKind};
use crate::inventory::GroupId;
use crate::playbook::{Loader, TagSelection, Task};
use crate::value::Value;
use crate::wire::TaskResult;

/// What a batch is run with.
pub(super) struct Setup {
    pub(super) run: Arc<RunState>,
    pub(super) play: Arc<PlayState>,
    pub(super) links: Arc<Links>,
    pub(super) loader: Arc<Loader>,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) interrupted: watch::Receiver<bool>,
    pub(super) forks: usize,
    pub(super) free: bool,
    pub(super) force_handlers: bool,
    pub(super) max_fail_percentage: Option<f64>,
    /// How many hosts the batch has, with those that are out already.
    pub(super) batch_size: usize,
}

/// How a batch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BatchEnd {
    /// All hosts are through or out.
    Done,
    /// `meta: end_play`: no further batch.
    PlayEnded,
    /// Too many hosts failed: no further play.
    TooManyFailed,
    /// Ctrl-C.
    Interrupted,
    /// The playbook is at fault.
    Faulty(Box<crate::diag::Diagnostic>),
}

/// What became of a batch.
pub(super) struct BatchResult {
    pub(super) end: BatchEnd,
    pub(super) failed: BTreeSet<Arc<str>>,
    pub(super) unreachable: BTreeSet<Arc<str>>,
    /// Hosts that later plays leave out although they did not all fail in the end.
    pub(super) barred: BTreeSet<Arc<str>>,
    /// Earlier failures of the play's hosts are forgotten.
    pub(super) cleared: bool,
}

/// The dispatcher of one batch.
pub(super) struct Dispatcher<'a> {
    pub(super) setup: &'a Setup,
    pub(super) program: Program,
    pub(super) waits: Waits,
    pub(super) reaches: HashMap<SlotId, Reach>,
    pub(super) outward: Outward,
    /// Tasks that `--step` was told to run.
    pub(super) permitted: BTreeSet<SlotId>,
    /// Places where handlers would run, if any could have been notified.
    pub(super) idle: BTreeSet<SlotId>,
    pub(super) hosts: IndexMap<Arc<str>, Progress>,
    /// Hosts that may be able to move on.
    pub(super) touched: Vec<Arc<str>>,
    pub(super) recap: &'a mut Recap,
    pub(super) handlers: Vec<Arc<Task>>,
    pub(super) tags: TagSelection,
    /// What is the same for all hosts of the tasks that some have begun.
    pub(super) commons: HashMap<SlotId, Arc<Common>>,
    pub(super) headers: HashMap<SlotId, Arc<TaskHeader>>,
    /// The place among the hosts of the one that named a task of which nothing is shown yet.
    pub(super) named_by: HashMap<SlotId, usize>,
    /// Events of slots that are not shown yet.
    pub(super) queued: BTreeMap<SlotId, Vec<Event>>,
    pub(super) shown: usize,
    /// Results of steps that run once for all.
    pub(super) once: HashMap<SlotId, Arc<TaskResult>>,
    /// Includes: what each host asked for so far.
    pub(super) includes: HashMap<SlotId, HashMap<Arc<str>, Vec<include::Request>>>,
    pub(super) expanded: BTreeSet<SlotId>,
    /// Groups that hosts made by `group_by`: how many hosts were in them before.
    pub(super) grouped: HashMap<(SlotId, GroupId), usize>,
    /// Slots at which hosts failed, and whether that is to fail all the others too.
    pub(super) failures: BTreeMap<SlotId, (BTreeSet<Arc<str>>, bool)>,
    /// Hosts that later plays leave out: they failed in the end, or had to share the failure of another.
    pub(super) barred: BTreeSet<Arc<str>>,
    /// `meta: clear_host_errors` was there.
    pub(super) cleared: bool,
    pub(super) ended: Option<BatchEnd>,
    /// Some inventory hosts are one machine.
    pub(super) shared_machines: bool,
    /// What tells the machine of each.
    pub(super) machines: HashMap<Arc<str>, String>,
    pub(super) notices: mpsc::UnboundedReceiver<Notice>,
    pub(super) sender: mpsc::UnboundedSender<Notice>,
    pub(super) running: usize,
    pub(super) next_step: u64,
    /// How the hosts were when they began the last task that all wait for; nothing where it names nothing of other hosts.
    pub(super) moment: Option<(SlotId, Option<Arc<Moment>>)>,
    /// What hosts told before its turn.
    pub(super) foresight: Foresight,
}

impl<'a> Dispatcher<'a> {
    pub(super) fn new(
        setup: &'a Setup,
        program: Program,
        handlers: Vec<Arc<Task>>,
        recap: &'a mut Recap,
    ) -> Self {
        let (sender, notices) = mpsc::unbounded_channel();
        let hosts: IndexMap<Arc<str>, Progress> = setup
            .play
            .batch
            .iter()
            .map(|host| (host.clone(), Progress::new()))
            .collect();
        let options = &setup.run.options;
        let tags = TagSelection::new(
            options.tags.iter().map(String::as_str),
            options.skip_tags.iter().map(String::as_str),
        );
        let machines: HashMap<Arc<str>, String> = setup
            .play
            .batch
            .iter()
            .map(|host| (host.clone(), effects::machine(setup, host)))
            .collect();
        let mut dispatcher = Self {
            setup,
            program,
            waits: Waits::default(),
            reaches: HashMap::new(),
            outward: Outward::default(),
            permitted: BTreeSet::new(),
            idle: BTreeSet::new(),
            touched: hosts.keys().cloned().collect(),
            hosts,
            recap,
            handlers,
            tags,
            commons: HashMap::new(),
            headers: HashMap::new(),
            named_by: HashMap::new(),
            queued: BTreeMap::new(),
            shown: 0,
            once: HashMap::new(),
            includes: HashMap::new(),
            expanded: BTreeSet::new(),
            grouped: HashMap::new(),
            failures: BTreeMap::new(),
            barred: BTreeSet::new(),
            cleared: false,
            ended: None,
            shared_machines: machines.values().collect::<BTreeSet<_>>().len() < machines.len(),
            machines,
            notices,
            sender,
            running: 0,
            next_step: 0,
            moment: None,
            foresight: Foresight::default(),
        };
        dispatcher.rebuild_waits();
        dispatcher
    }

    /// Something happened that any host may be able to go on from.
    pub(super) fn touch_all(&mut self) {
        self.touched.extend(self.hosts.keys().cloned());
    }

    fn rebuild_waits(&mut self) {
        let alone = self.setup.play.batch.len() == 1;
        let notified = self
            .hosts
            .values()
            .any(|progress| !progress.notified.is_empty());
        if self.setup.run.options.order.pace != Pace::Strict {
            self.idle = effects::idle_flushes(&self.program, notified);
        }
        if !alone {
            let outward = Outward::of(self.setup, &self.program);
            if outward != self.outward {
                self.outward = outward;
                self.reaches.clear();
            }
        }
        for slot in self.program.slots() {
            if self.idle.contains(&slot.id) {
                self.reaches.insert(slot.id, Reach::NOTHING);
                continue;
            }
            if matches!(slot.kind, SlotKind::Flush) {
                self.reaches.remove(&slot.id);
            }
            self.reaches
                .entry(slot.id)
                .or_insert_with(|| effects::reach(slot, self.setup, alone, &self.outward));
        }
        let reach = |place: usize| {
            let slot = self.program.at(place);
            slot.and_then(|slot| self.reaches.get(&slot.id))
                .copied()
                .unwrap_or(Reach::WORLD)
        };
        self.waits = Waits::build(&self.program, reach, self.setup.free);
    }

    /// Runs the batch to its end.
    pub(super) async fn run(mut self) -> BatchResult {
        for host in self.setup.play.batch.clone() {
            self.recap.entry(host).or_default();
        }
        let mut interrupted = self.setup.interrupted.clone();
        loop {
            self.advance();
            self.flush();
            if let Some((id, question)) = self.question() {
                // What was told so far is shown first.
                tokio::task::yield_now().await;
                self.ask_about(id, &question);
                continue;
            }
            if matches!(self.ended, Some(BatchEnd::Faulty(_))) {
                break;
            }
            if self.running == 0 && !self.hosts.values().any(Progress::is_alive) {
                break;
            }
            if self.running == 0 {
                // Nobody works and nobody may start: a hole in the rules would hang the run for ever.
                self.warn(
                    "internal error: no step may start; the play ends here. Please report it",
                );
                break;
            }
            tokio::select! {
                notice = self.notices.recv() => {
                    if let Some(notice) = notice {
                        self.take(notice);
                    }
                    while let Ok(notice) = self.notices.try_recv() {
                        self.take(notice);
                    }
                }
                _ = interrupted.wait_for(|now| *now) => {
                    self.ended = Some(BatchEnd::Interrupted);
                    break;
                }
            }
        }
        for progress in self
            .hosts
            .values_mut()
            .filter(|progress| progress.state == State::FailedWithHandlers)
        {
            progress.state = State::Failed;
        }
        // A fault of the playbook ends the run before the task that showed it is told of.
        if !matches!(self.ended, Some(BatchEnd::Faulty(_))) {
            self.shown_to_end();
        }
        let with = |state: State| {
            let hosts = self.hosts.iter();
            hosts
                .filter(|(_, progress)| progress.state == state)
                .map(|(host, _)| host.clone())
                .collect()
        };
        BatchResult {
            failed: with(State::Failed),
            unreachable: with(State::Unreachable),
            barred: self.barred,
            cleared: self.cleared,
            end: self.ended.unwrap_or(BatchEnd::Done),
        }
    }

    pub(super) fn warn(&self, text: &str) {
        let _ = self
            .setup
            .events
            .send(Event::Warning(crate::diag::Diagnostic::warning(
                "run", text,
            )));
    }

    /// Moves all hosts as far as they can go and starts what may start, until nothing changes.
    fn advance(&mut self) {
        let mut touched = std::mem::take(&mut self.touched);
        loop {
            for host in touched.drain(..) {
                self.pass(&host);
            }
            // A host that only takes over another one's result may be the last that an include waited for.
            let mut all = self.expand_includes();
            all |= self.flush_handlers();
            all |= self.end_if_fatal();
            all |= self.settle_foresight();
            if !all {
                break;
            }
            touched.extend(self.hosts.keys().cloned());
        }
        self.start();
    }

    /// Takes a host over everything that holds no work for it.
    fn pass(&mut self, host: &Arc<str>) {
        while let Some(progress) = self
            .hosts
            .get(host)
            .filter(|progress| progress.is_alive() && !progress.busy)
            && self.pass_one(host, progress.place)
        {}
    }

    /// Leads a host that has ended a step on to its next one, though the rest of its flight is under way: where it stands, and
    /// whether it counts among the play's hosts, must not depend on when its flight lands.
    pub(super) fn pass_on(&mut self, host: &Arc<str>) {
        while let Some(progress) = self.hosts.get(host).filter(|progress| progress.is_alive())
            && let Some(slot) = self.program.at(progress.place)
            && !matches!(self.passing(host, progress, slot), Some(Passing::Once(_)))
            && self.pass_one(host, progress.place)
        {}
    }

    /// Takes a host over one slot that holds no work for it, or out of the play at its end. Says whether it moved.
    pub(super) fn pass_one(&mut self, host: &Arc<str>, place: usize) -> bool {
        if self.awaits_include(place) {
            return false;
        }
        let Some(progress) = self.hosts.get(host) else {
            return false;
        };
        let Some(slot) = self.program.at(place) else {
            if let Some(progress) = self.hosts.get_mut(host) {
                match progress.state {
                    State::FailedWithHandlers => progress.state = State::Failed,
                    _ => progress.finish(),
                }
            }
            return true;
        };
        let Some(passing) = self.passing(host, progress, slot) else {
            return false;
        };
        if let Passing::Once(result) = passing {
            let id = slot.id;
            self.take_shared(host, id, &result);
        } else if let Some(progress) = self.hosts.get_mut(host) {
            passing.lead(progress, &self.program, self.setup.force_handlers);
        }
        self.note_removed(host);
        true
    }

    /// Tells whether what was included before this place is not in the program yet.
    pub(super) fn awaits_include(&self, place: usize) -> bool {
        self.includes
            .keys()
            .any(|id| self.program.place(*id) < place)
    }

    pub(super) fn passing(
        &self,
        host: &Arc<str>,
        progress: &Progress,
        slot: &Slot,
    ) -> Option<Passing> {
        if !slot.is_for(host) {
            return Some(Passing::Over);
        }
        let only_handlers = progress.state == State::FailedWithHandlers && !slot.in_handler;
        match &slot.kind {
            SlotKind::Flush => self.idle.contains(&slot.id).then_some(Passing::Over),
            SlotKind::RoleEnd(role) => Some(Passing::Role(role.identity)),
            SlotKind::Handler(task) => {
                (!progress.notified.contains(&task.id)).then_some(Passing::Over)
            }
            SlotKind::Task(_) if only_handlers => Some(Passing::Over),
            SlotKind::Task(task) => {
                let done = task.role().is_some_and(|role| {
                    let completed = progress.roles_completed.contains(&role.identity);
                    completed && !role.allow_duplicates && !slot.in_handler
                });
                if done || !self.allowed(task) {
                    return Some(Passing::Over);
                }
                let waiting_once = self.once.get(&slot.id).cloned();
                waiting_once.map(Passing::Once)
            }
            _ if only_handlers => Some(Passing::Over),
            _ => Some(Passing::Mark),
        }
    }

    /// Tells whether `--tags` and `--skip-tags` leave the task.
    fn allowed(&self, task: &Task) -> bool {
        self.tags.is_default() && task.scope.tags().is_empty()
            || self.tags.allows(&effects::tags(task, self.setup))
    }

    /// Lets handlers run where all hosts have come to a flush.
    fn flush_handlers(&mut self) -> bool {
        let Some(place) = self.lowest() else {
            return false;
        };
        let Some(slot) = self
            .program
            .at(place)
            .filter(|slot| matches!(slot.kind, SlotKind::Flush))
        else {
            return false;
        };
        let (id, wanted) = (slot.id, slot.hosts.clone());
        if self
            .hosts
            .values()
            .any(|progress| progress.is_alive() && progress.busy && progress.place <= place)
        {
            return false;
        }
        let notified = self.hosts.iter().any(|(host, progress)| {
            progress.is_alive()
                && !progress.notified.is_empty()
                && wanted.as_ref().is_none_or(|wanted| wanted.contains(host))
        });
        if notified && self.expanded.insert(id) {
            let handlers = self.handlers.clone();
            let count = self
                .program
                .insert_handlers(place, &handlers, wanted.as_ref());
            self.shift(place, count);
        }
        for progress in self
            .hosts
            .values_mut()
            .filter(|progress| progress.is_alive() && progress.place == place)
        {
            progress.place += 1;
        }
        true
    }

    /// Puts what was included into the program when no host is before or at the include any more; with a free strategy, as soon as
    /// a host has asked for it.
    fn expand_includes(&mut self) -> bool {
        let ready: Vec<SlotId> = self
            .includes
            .iter()
            .filter(|(id, requests)| {
                let place = self.program.place(**id);
                // Whoever asked must have landed: a host that is busy is not led back to what comes in.
                let asked = |host| requests.get(host).is_some_and(|own| !own.is_empty());
                self.hosts
                    .iter()
                    .filter(|(_, progress)| progress.is_alive())
                    .all(|(host, progress)| {
                        (self.setup.free || progress.place > place)
                            && !(progress.busy && asked(host))
                    })
            })
            .map(|(id, _)| *id)
            .collect();
        let mut expanded = false;
        for id in ready {
            if let Some(mut requests) = self.includes.remove(&id) {
                // In the order of the play's hosts: which one was faster must not decide what runs first.
                let in_order = self.hosts.keys().filter_map(|host| requests.remove(host));
                let requests = include::merged(in_order);
                self.include(id, requests);
                expanded = true;
            }
        }
        expanded
    }

    /// Adds slots behind `place` to what is known of places.
    pub(super) fn shift(&mut self, place: usize, count: usize) {
        if count == 0 {
            return;
        }
        for progress in self.hosts.values_mut() {
            progress.shift(place, count);
        }
        if self.shown > place {
            self.shown += count;
        }
        self.touch_all();
        self.rebuild_waits();
    }

    pub(super) fn lowest(&self) -> Option<usize> {
        self.hosts
            .values()
            .filter(|progress| progress.is_alive())
            .map(|progress| progress.place)
            .min()
    }

    /// Returns the value of a keyword for a host, rendered; nothing where it cannot be.
    pub(super) fn rendered(
        &self,
        value: &Value,
        task: &Arc<Task>,
        host: &Arc<str>,
    ) -> Option<Value> {
        let scope = HostScope::new(
            &self.setup.run,
            Some(&self.setup.play),
            Some(&task.scope),
            host,
        );
        let outside = super::outside::Outside { scope: &scope };
        self.setup
            .run
            .templar
            .render(value, &scope.template_scope(Some(&outside)))
            .ok()
    }
}

/// How a host gets over a slot without work.
pub(super) enum Passing {
    Over,
    Mark,
    Role(u32),
    Once(Arc<TaskResult>),
}

impl Passing {
    /// Leads the host over the slot; a result that another host got for all is taken over elsewhere.
    pub(super) fn lead(&self, progress: &mut Progress, program: &Program, force_handlers: bool) {
        match self {
            Self::Over => progress.place += 1,
            Self::Mark => progress.pass_mark(program, force_handlers),
            Self::Role(identity) => {
                if progress.roles_begun.contains(identity) {
                    progress.roles_completed.insert(*identity);
                }
                progress.place += 1;
            }
            Self::Once(_) => {}
        }
    }
}
