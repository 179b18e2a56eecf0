//! Walks the hosts of a batch through a play: starts what may start, takes what has ended, tells it in order.
//!
//! One owner for all of it; steps run as tasks of their own and send notices. A step starts when the graph's earlier steps have
//! ended on the other hosts, a fork is free, and nothing else stands in its way.
//!
//! Longer than most files: one owner holds the state of a batch, and what it does with a step stands together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use indexmap::IndexMap;
use tokio::sync::{mpsc, watch};

use super::effects;
use super::events::{Event, HostResult, HostStats, Recap, TaskHeader};
use super::graph::{Reach, Waits};
use super::include;
use super::links::Links;
use super::order::Pace;
use super::outward::Outward;
use super::perform::{self, Notice};
use super::progress::{Progress, State};
use super::run_state::{PlayState, RunState};
use super::scope::HostScope;
use super::slots::{Program, Slot, SlotId, SlotKind};
use crate::playbook::{ActionKind, Loader, TagSelection, Task};
use crate::value::Value;
use crate::wire::{Status, TaskResult};

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
    reaches: HashMap<SlotId, Reach>,
    outward: Outward,
    /// Tasks that `--step` was told to run.
    pub(super) permitted: BTreeSet<SlotId>,
    /// Places where handlers would run, if any could have been notified.
    idle: BTreeSet<SlotId>,
    pub(super) hosts: IndexMap<Arc<str>, Progress>,
    /// Hosts that may be able to move on.
    pub(super) touched: Vec<Arc<str>>,
    pub(super) recap: &'a mut Recap,
    pub(super) handlers: Vec<Arc<Task>>,
    tags: TagSelection,
    pub(super) headers: HashMap<SlotId, Arc<TaskHeader>>,
    /// The place among the hosts of the one that named a task of which nothing is shown yet.
    pub(super) named_by: HashMap<SlotId, usize>,
    /// Events of slots that are not shown yet.
    pub(super) queued: BTreeMap<SlotId, Vec<Event>>,
    shown: usize,
    /// Results of steps that run once for all.
    pub(super) once: HashMap<SlotId, Arc<TaskResult>>,
    /// Includes: what the hosts asked for so far.
    pub(super) includes: HashMap<SlotId, Vec<include::Request>>,
    pub(super) expanded: BTreeSet<SlotId>,
    /// Slots at which hosts failed, and whether that is to fail all the others too.
    failures: BTreeMap<SlotId, (BTreeSet<Arc<str>>, bool)>,
    /// Hosts that later plays leave out: they failed in the end, or had to share the failure of another.
    pub(super) barred: BTreeSet<Arc<str>>,
    /// `meta: clear_host_errors` was there.
    pub(super) cleared: bool,
    pub(super) ended: Option<BatchEnd>,
    /// Some inventory hosts are one machine.
    pub(super) shared_machines: bool,
    /// What tells the machine of each.
    pub(super) machines: HashMap<Arc<str>, String>,
    notices: mpsc::UnboundedReceiver<Notice>,
    pub(super) sender: mpsc::UnboundedSender<Notice>,
    pub(super) running: usize,
    pub(super) next_step: u64,
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
            headers: HashMap::new(),
            named_by: HashMap::new(),
            queued: BTreeMap::new(),
            shown: 0,
            once: HashMap::new(),
            includes: HashMap::new(),
            expanded: BTreeSet::new(),
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
            let mut all = self.expand_includes();
            for host in touched.drain(..) {
                self.pass(&host);
            }
            all |= self.flush_handlers();
            all |= self.end_if_fatal();
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
                let asked = |host| requests.iter().any(|one| one.hosts.contains(host));
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
            if let Some(requests) = self.includes.remove(&id) {
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

    /// Once everybody is through with a task at which hosts failed: fails the others too where the play wants that.
    fn end_if_fatal(&mut self) -> bool {
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

    fn batch_size(&self) -> usize {
        self.setup.batch_size.max(1)
    }

    /// Fails those that are still in and did not fail at `id` themselves.
    fn fail_others(&mut self, id: SlotId, failed: &BTreeSet<Arc<str>>) {
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
    fn break_off(&mut self, id: SlotId) {
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
    fn note_removed(&mut self, host: &Arc<str>) {
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

    pub(super) fn lowest(&self) -> Option<usize> {
        self.hosts
            .values()
            .filter(|progress| progress.is_alive())
            .map(|progress| progress.place)
            .min()
    }

    pub(super) fn queue(&mut self, slot: SlotId, event: Event) {
        self.queued.entry(slot).or_default().push(event);
    }

    /// A step has ended on a host.
    pub(super) fn done(&mut self, id: SlotId, host: &Arc<str>, result: TaskResult) {
        let Some(slot) = self.program.at(self.program.place(id)).cloned() else {
            return;
        };
        let Some(task) = slot.task().cloned() else {
            return;
        };
        let result = Arc::new(result);
        if let Some(progress) = self.hosts.get_mut(host) {
            progress.notified.remove(&task.id);
        }
        self.apply(&slot, &task, host, &result);
        if effects::runs_once(&task, self.setup, host) {
            self.once.insert(id, result);
            self.touch_all();
        }
    }

    /// A host takes over the result of a step that another one ran for all.
    fn take_shared(&mut self, host: &Arc<str>, id: SlotId, result: &Arc<TaskResult>) {
        let Some(slot) = self.program.at(self.program.place(id)).cloned() else {
            return;
        };
        let Some(task) = slot.task().cloned() else {
            return;
        };
        // A module that runs once by its nature leaves its result to the host that ran it.
        if effects::is_run_once(&task, self.setup, host) {
            self.learn(&task, host, result);
        }
        if matches!(
            task.action.kind,
            ActionKind::IncludeTasks(_) | ActionKind::IncludeRole(_)
        ) {
            include::collect(host, result, self.includes.entry(id).or_default());
        }
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
    fn apply(&mut self, slot: &Slot, task: &Arc<Task>, host: &Arc<str>, result: &Arc<TaskResult>) {
        self.learn(task, host, result);
        let is_meta = matches!(task.action.kind, ActionKind::Meta(_));
        let is_include = matches!(
            task.action.kind,
            ActionKind::IncludeTasks(_) | ActionKind::IncludeRole(_)
        );
        if is_include {
            include::collect(host, result, self.includes.entry(slot.id).or_default());
        }
        let ignored = match result.status {
            Status::Failed => result.ignore_errors,
            Status::Unreachable => self.ignores_unreachable(task, host),
            _ => false,
        };
        let fine = matches!(result.status, Status::Ok | Status::Changed);
        if result.status == Status::Changed {
            self.notify(task, host);
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

    /// Returns how the screen names the host that a task was delegated to.
    pub(super) fn delegate_label(
        &self,
        task: &Arc<Task>,
        host: &Arc<str>,
        delegate: Option<&str>,
    ) -> Option<String> {
        let name = delegate.filter(|name| *name != &**host)?;
        let host: Arc<str> = name.into();
        let scope = HostScope::new(
            &self.setup.run,
            Some(&self.setup.play),
            Some(&task.scope),
            &host,
        );
        let address = scope
            .find_with_level("ansible_host")
            .map(|(_, value)| scope.render_or_fault(&value).to_text());
        Some(match address {
            Some(address) if address != name && !address.is_empty() => format!("{name}({address})"),
            _ => name.to_owned(),
        })
    }

    fn ignores_unreachable(&self, task: &Arc<Task>, host: &Arc<str>) -> bool {
        let scope = HostScope::new(
            &self.setup.run,
            Some(&self.setup.play),
            Some(&task.scope),
            host,
        );
        let keyword = task
            .scope
            .effective(|keywords| &keywords.ignore_unreachable);
        perform::flag(keyword, &scope) == Some(true)
    }

    /// Sends the host where its result leads. Says whether it failed without being ignored.
    fn lead(
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
    fn settle_failure(
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
            let failure = effects::failure_variables(task, result);
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
    fn mind_failure(&mut self, slot: &Slot, task: &Arc<Task>, host: &Arc<str>) {
        let scope = HostScope::new(
            &self.setup.run,
            Some(&self.setup.play),
            Some(&task.scope),
            host,
        );
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

    /// Tells what may be told: everything up to the lowest place that a host is still at.
    fn flush(&mut self) {
        let low = match self.lowest() {
            _ if self.setup.free => self.program.slots().len(),
            Some(place) => place + 1,
            None => self.program.slots().len(),
        };
        // What an include that is not expanded yet will tell belongs to its own place.
        let low = self
            .includes
            .keys()
            .map(|id| self.program.place(*id).saturating_add(1))
            .fold(low, usize::min);
        if self.setup.free {
            self.shown = 0;
        }
        // The slot that hosts are at is told of as they come, and stays open.
        for place in self.shown..low.min(self.program.slots().len()) {
            let Some(id) = self.program.at(place).map(|slot| slot.id) else {
                break;
            };
            self.show(id);
        }
        self.shown = low.saturating_sub(1);
    }

    fn shown_to_end(&mut self) {
        let slots: Vec<SlotId> = self.program.slots().iter().map(|slot| slot.id).collect();
        for id in slots {
            self.show(id);
        }
    }

    /// Tells what is known of a slot, under the name that its task has got in the end.
    fn show(&mut self, id: SlotId) {
        if self.queued.get(&id).is_none_or(Vec::is_empty) {
            return;
        }
        self.settle_name(id);
        let events = self.queued.get_mut(&id).map(std::mem::take);
        let header = self.headers.get(&id);
        for mut event in events.unwrap_or_default() {
            if let (Some(named), Some(header)) = (event.task_mut(), header)
                && named.number == header.number
            {
                named.clone_from(header);
            }
            let _ = self.setup.events.send(event);
        }
    }

    /// Renders what `notify` names and marks the handlers.
    fn notify(&mut self, task: &Arc<Task>, host: &Arc<str>) {
        let Some(notify) = task.scope.effective(|keywords| &keywords.notify) else {
            return;
        };
        let scope = HostScope::new(
            &self.setup.run,
            Some(&self.setup.play),
            Some(&task.scope),
            host,
        );
        let names = effects::texts(notify, &scope);
        for name in names {
            let found = effects::handlers_for(&name, &self.handlers, &scope);
            if found.is_empty() {
                self.missing_handler(&name, task);
                continue;
            }
            if let Some(progress) = self.hosts.get_mut(host) {
                progress.notified.extend(found);
            }
        }
    }

    fn missing_handler(&mut self, name: &str, task: &Arc<Task>) {
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
