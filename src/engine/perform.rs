//! One task on one host: its specification, and how it is performed from the controller.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::common::Common;
use super::complete;
use super::link::Link;
use super::links::Links;
use super::moment::Moment;
use super::outside::Outside;
use super::run_state::{PlayState, RunState};
use super::scope::HostScope;
use super::slots::SlotId;
use super::target::{Place, place};
use crate::kit::{Need, Outcome, Supplied};
use crate::playbook::Task;
use crate::step::{ExecutionError, Executor, StepContext, run_safely};
use crate::value::{Dict, Value};
use crate::wire::{Become, Invocation, ItemResult, JobNews, Step, StepId, TaskResult};

/// What running steps tell the dispatcher.
pub(super) enum Notice {
    /// A step behind the first of a flight begins.
    Begun(SlotId, Arc<str>),
    /// An item of its loop is done.
    Item(SlotId, Arc<str>, Box<ItemResult>),
    /// A try failed, so many are left.
    Retry(SlotId, Arc<str>, u32, Box<Dict>),
    /// There is news of its job.
    Job(SlotId, Arc<str>, JobNews),
    /// Something that the person at the terminal is to read.
    Message(SlotId, String),
    /// It has ended.
    Done(SlotId, Arc<str>, Box<TaskResult>),
    /// It would change something before its turn, and was not begun.
    Held(SlotId, Arc<str>),
    /// Nothing of the flight runs any more.
    Landed(Arc<str>),
}

/// A step to perform.
#[derive(Clone)]
pub(super) struct Job {
    pub(super) run: Arc<RunState>,
    pub(super) play: Arc<PlayState>,
    pub(super) links: Arc<Links>,
    pub(super) task: Arc<Task>,
    pub(super) common: Arc<Common>,
    pub(super) slot: SlotId,
    pub(super) host: Arc<str>,
    pub(super) id: StepId,
    pub(super) notices: mpsc::UnboundedSender<Notice>,
    pub(super) interrupted: watch::Receiver<bool>,
    /// How the hosts were when the first of them began the task, where it could notice.
    pub(super) moment: Option<Arc<Moment>>,
}

impl Job {
    pub(super) fn scope(&self) -> HostScope<'_> {
        self.scope_of(&self.host)
    }

    /// Returns the variables of that host as the task sees them.
    fn scope_of(&self, host: &Arc<str>) -> HostScope<'_> {
        HostScope {
            moment: self.moment.clone(),
            ..HostScope::new(&self.run, Some(&self.play), Some(&self.task.scope), host)
        }
    }

    pub(super) fn done(&self, result: TaskResult) {
        let done = Notice::Done(self.slot, self.host.clone(), Box::new(result));
        let _ = self.notices.send(done);
    }

    pub(super) fn specification(&self, scope: &HostScope<'_>) -> Step {
        self.common.step(&self.task, self.id, scope)
    }

    /// Performs the step from here: its expressions are evaluated on the controller, and its module, if it has one, runs on the
    /// host.
    pub(super) async fn run_here(self: Arc<Self>) -> TaskResult {
        let handle = Handle::current();
        let done = tokio::task::spawn_blocking(move || {
            let scope = self.scope();
            let outside = Outside { scope: &scope };
            let executor = HereExecutor {
                job: &self,
                handle,
                applied: Cell::new(false),
            };
            let context = StepContext {
                templar: &self.run.templar,
                variables: &scope,
                outside: Some(&outside),
                sources: Some(&self.run.sources),
                executor: &executor,
            };
            let mut result = run_safely(&self.specification(&scope), &context);
            result.applied = executor.applied.get();
            result
        });
        done.await.unwrap_or_else(|_| {
            TaskResult::failed("internal error: the step panicked; please report it")
        })
    }
}

/// Runs the modules of a step that is evaluated on the controller.
pub(super) struct HereExecutor<'a> {
    pub(super) job: &'a Job,
    pub(super) handle: Handle,
    /// A module may have changed something.
    applied: Cell<bool>,
}

impl HereExecutor<'_> {
    /// Returns where the step's modules run: on its host, or on the one it is delegated to.
    pub(super) fn place(
        &self,
        delegate: Option<&str>,
    ) -> Result<(Arc<str>, Place), ExecutionError> {
        let job = self.job;
        let host: Arc<str> = delegate.map_or_else(|| job.host.clone(), Arc::from);
        let scope = job.scope_of(&host);
        let place = place(&scope, &Outside { scope: &scope }).map_err(ExecutionError::Failed)?;
        Ok((host, place))
    }

    pub(super) fn link(&self, delegate: Option<&str>) -> Result<Arc<Link>, ExecutionError> {
        let (host, place) = self.place(delegate)?;
        self.handle
            .block_on(self.job.links.get(&host, &place, &self.job.run, None))
    }

    /// Tells the person at the terminal something.
    pub(super) fn tell(&self, text: String) {
        let message = Notice::Message(self.job.slot, text);
        let _ = self.job.notices.send(message);
    }

    /// Waits for work on the network; ends early when the run is interrupted.
    pub(super) fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, ExecutionError>>,
    ) -> Result<T, ExecutionError> {
        let mut interrupted = self.job.interrupted.clone();
        self.handle.block_on(async {
            tokio::select! {
                done = work => done,
                _ = interrupted.wait_for(|now| *now) => Err(ExecutionError::Failed("interrupted".to_owned())),
            }
        })
    }
}

impl Executor for HereExecutor<'_> {
    fn execute(
        &self,
        _step: StepId,
        invocation: Invocation,
        delegate: Option<&str>,
    ) -> Result<Outcome, ExecutionError> {
        if invocation.module == "ansible.builtin.raw" {
            self.applied.set(true);
            return super::raw::run(self, &invocation, delegate);
        }
        let limit = invocation
            .timeout
            .map(|seconds| Duration::from_secs(seconds + 5));
        let link = self.link(delegate)?;
        let is_job = invocation.asynchronous.is_some();
        let executed = self.wait(async {
            match limit {
                None => link.execute(invocation).await,
                Some(limit) => tokio::time::timeout(limit, link.execute(invocation))
                    .await
                    .unwrap_or_else(|_| {
                        Err(ExecutionError::Failed(format!(
                            "the host did not answer within the task's time limit of {} s",
                            limit.as_secs()
                        )))
                    }),
            }
        });
        if is_job || executed.as_ref().map_or(true, Outcome::may_have_changed) {
            self.applied.set(true);
        }
        executed
    }

    fn supply(&self, _step: StepId, need: &Need) -> Result<Supplied, String> {
        let scope = self.job.scope();
        self.job
            .run
            .contents
            .supply(need, &Outside { scope: &scope })
    }

    fn sleep(&self, length: Duration) -> bool {
        self.wait(async {
            tokio::time::sleep(length).await;
            Ok(())
        })
        .is_ok()
    }

    fn complete(
        &self,
        outcome: Outcome,
        becoming: Option<&Become>,
        delegate: Option<&str>,
        check: bool,
    ) -> Outcome {
        complete::complete(self, outcome, becoming, delegate, check)
    }

    fn item_done(&self, _step: StepId, item: &ItemResult) {
        let _ = self.job.notices.send(Notice::Item(
            self.job.slot,
            self.job.host.clone(),
            Box::new(item.clone()),
        ));
    }

    fn retrying(&self, _step: StepId, left: u32, result: &Dict) {
        let _ = self.job.notices.send(Notice::Retry(
            self.job.slot,
            self.job.host.clone(),
            left,
            Box::new(result.clone()),
        ));
    }

    fn job(&self, _step: StepId, news: JobNews) {
        let told = Notice::Job(self.job.slot, self.job.host.clone(), news);
        let _ = self.job.notices.send(told);
    }
}

/// Renders a task's name for the screen; what cannot be rendered tells why.
pub(super) fn shown_name(task: &Task, scope: &HostScope<'_>) -> String {
    let rendered = task.name.as_ref().map(|name| {
        let outside = Outside { scope };
        match scope
            .run
            .templar
            .render(name, &scope.template_scope(Some(&outside)))
        {
            Ok(value) => value.to_text(),
            Err(_) => super::names::with_faults(name.as_str().unwrap_or_default(), scope),
        }
    });
    task.display_name(rendered.as_deref())
}

/// Renders a keyword that is a flag; nothing where it is not stated.
pub(super) fn flag(keyword: Option<&Value>, scope: &HostScope<'_>) -> Option<bool> {
    let value = keyword?;
    let outside = Outside { scope };
    let rendered = scope
        .run
        .templar
        .render(value, &scope.template_scope(Some(&outside)))
        .ok()?;
    rendered
        .as_bool()
        .or_else(|| match rendered.to_text().to_lowercase().as_str() {
            "yes" | "on" | "true" | "1" | "y" | "t" => Some(true),
            "no" | "off" | "false" | "0" | "n" | "f" => Some(false),
            _ => None,
        })
}
