//! A flight: steps of one host that may go out together, as many of them as can travel in one batch.
//!
//! The first step decides: if it can be evaluated on its host, it goes there with those behind it; if not, it is performed from
//! here, alone.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::course::Leg;
use super::link::{FileAnswer, FirstBatch, Link};
use super::order::Pace;
use super::outside::Outside;
use super::perform::{Job, Notice};
use super::target::place;
use super::travel::{self, Packer};
use crate::kit::{Entry, Need};
use crate::playbook::ActionKind;
use crate::step::ExecutionError;
use crate::vars::Layered;
use crate::wire::{Batch, Course, FailedTask, OnFailure, Report, StepId, TaskResult, Trail};

/// A step of a flight, and what follows it there.
pub(super) struct Stage {
    pub(super) job: Arc<Job>,
    pub(super) leg: Leg,
}

/// Steps of one host in the order of their places. The first leads to all others, and is in both fields.
pub(super) struct Flight {
    pub(super) first: Arc<Job>,
    pub(super) stages: Vec<Stage>,
}

/// Where the first step is performed.
enum Way {
    /// On its host, with what follows.
    There(Arc<Link>, Box<Batch>),
    /// From the controller.
    Here,
    /// Nowhere: the host cannot be reached.
    Nowhere(ExecutionError),
}

impl Flight {
    /// Performs the steps and tells how they end.
    pub(super) async fn perform(self) {
        match self.way().await {
            Way::There(link, batch) => self.run_there(&link, *batch).await,
            Way::Here => {
                let result = self.first.clone().run_here().await;
                self.first.done(result);
            }
            Way::Nowhere(error) => self.first.done(lost(error)),
        }
        let landed = Notice::Landed(self.first.host.clone());
        let _ = self.first.notices.send(landed);
    }

    /// A host that nothing has connected to is left alone unless the first step surely needs it.
    async fn way(&self) -> Way {
        let first = &self.first;
        if first.run.options.order.pace == Pace::Strict {
            return Way::Here;
        }
        let place = {
            let scope = first.scope();
            match place(&scope, &Outside { scope: &scope }) {
                Ok(place) => place,
                Err(_) => return Way::Here,
            }
        };
        let running = first.links.running(&first.host, &place).await;
        if running.is_none() && !needs_host(first) {
            return Way::Here;
        }
        let Some(batch) = self.pack() else {
            return Way::Here;
        };
        if let Some(link) = running {
            return Way::There(link, Box::new(batch));
        }
        let early = FirstBatch::new(&batch, &self.answer());
        let link = first
            .links
            .get(&first.host, &place, &first.run, early.as_ref());
        match link.await {
            Ok(link) => Way::There(link, Box::new(batch)),
            Err(error) => Way::Nowhere(error),
        }
    }

    /// Answers questions of the steps for files of the controller.
    fn answer(&self) -> FileAnswer {
        let jobs: Vec<Arc<Job>> = self.stages.iter().map(|stage| stage.job.clone()).collect();
        Arc::new(move |step: StepId, need: &Need| {
            let job = jobs
                .iter()
                .find(|job| job.id == step)
                .ok_or_else(|| "no step asks for that file".to_owned())?;
            let scope = job.scope();
            job.run.contents.supply(need, &Outside { scope: &scope })
        })
    }

    /// Packs the first step and those that it leads to, as far as they can go along.
    fn pack(&self) -> Option<Batch> {
        let mut packer = Packer::new(&self.first.run);
        let mut numbers: HashMap<usize, u32> = HashMap::new();
        let mut led_to = BTreeSet::from([0]);
        let mut packed = Vec::new();
        for (at, Stage { job, leg }) in self.stages.iter().enumerate() {
            if !led_to.contains(&at) {
                continue;
            }
            let number = u32::try_from(packer.count()).ok()?;
            let scope = job.scope();
            if packer.add(
                job.specification(&scope),
                &job.common,
                &scope,
                leg.hold,
                leg.members_differ,
            ) {
                numbers.insert(at, number);
                led_to.extend(leg.then);
                if let Some(detour) = &leg.on_failure {
                    led_to.insert(detour.to);
                    packer.expect_failure();
                }
                packed.push(leg);
            }
        }
        let course = |leg: &&Leg| Course {
            then: leg.then.and_then(|to| numbers.get(&to).copied()),
            on_failure: leg.on_failure.and_then(|detour| {
                Some(OnFailure {
                    to: *numbers.get(&detour.to)?,
                    told: detour.rescued.then(|| FailedTask {
                        name: leg.task.written_name().unwrap_or_default().into(),
                        action: leg.task.action.name.clone(),
                    }),
                })
            }),
        };
        let courses: Vec<Course> = packed.iter().map(course).collect();
        (!courses.is_empty()).then(|| packer.finish(courses))
    }

    async fn run_there(&self, link: &Link, batch: Batch) {
        let mut trail = Trail::of(&batch);
        let jobs: HashMap<StepId, &Arc<Job>> = self
            .stages
            .iter()
            .map(|stage| (stage.job.id, &stage.job))
            .collect();
        let current = |trail: &Trail| trail.step().and_then(|step| jobs.get(&step).copied());
        let ended = link
            .run(batch, self.answer(), |report| {
                let Some(job) = current(&trail) else { return };
                match report {
                    Report::Step(_, id, done) if id == job.id => {
                        trail.go_on(&done);
                        job.done(*done);
                        if let Some(next) = current(&trail) {
                            let begun = Notice::Begun(next.slot, next.host.clone());
                            let _ = next.notices.send(begun);
                        }
                    }
                    Report::Held(_, id) if id == job.id => {
                        let held = Notice::Held(job.slot, job.host.clone());
                        let _ = job.notices.send(held);
                        trail.end();
                    }
                    Report::Item(_, id, item) if id == job.id => {
                        let told = Notice::Item(job.slot, job.host.clone(), item);
                        let _ = job.notices.send(told);
                    }
                    Report::Retry(_, id, left, value) if id == job.id => {
                        let told = Notice::Retry(job.slot, job.host.clone(), left, value);
                        let _ = job.notices.send(told);
                    }
                    _ => {}
                }
            })
            .await;
        if let Some(job) = current(&trail) {
            job.done(match ended {
                Err(error) => lost(error),
                Ok(()) => TaskResult::failed("internal error: the worker gave no result"),
            });
        }
    }
}

fn lost(error: ExecutionError) -> TaskResult {
    match error {
        ExecutionError::Unreachable(why) => TaskResult::unreachable(why),
        ExecutionError::Failed(why) => TaskResult::failed(why),
    }
}

/// Tells whether the step comes to run a module on its host: its conditions hold as things stand, for one item of its loop at
/// least.
fn needs_host(job: &Job) -> bool {
    let task = &job.task;
    if !matches!(task.action.kind, ActionKind::Module(Entry::Module(_))) {
        return false;
    }
    let conditions = task.scope.when();
    if task.loop_.is_none() && conditions.is_empty() {
        return true;
    }
    let scope = job.scope();
    let Some(items) = travel::loop_items(&job.specification(&scope), &scope) else {
        return false;
    };
    let outside = Outside { scope: &scope };
    items.iter().any(|item| {
        let variables = Layered {
            first: item,
            then: &scope,
        };
        let templates = crate::template::Scope {
            variables: &variables,
            ..scope.template_scope(Some(&outside))
        };
        let templar = &scope.run.templar;
        conditions
            .iter()
            .all(|condition| templar.condition(condition, &templates).unwrap_or(false))
    })
}
