//! What a task means on one host: its loop, its conditions, its arguments, its tries, its result.
//!
//! The same code runs in the worker (for a batch that travelled) and in the engine (for a task that needs the controller). The
//! two differ in where variables come from ([`crate::vars::Variables`]) and in how a module reaches its host ([`Executor`]).

mod asynchronous;
mod attempt;
mod conclude;
mod evaluation;
mod failure;
mod item;
mod keywords;
mod looping;
mod supply;
mod view;

use std::time::Duration;

use crate::diag::SourceMap;
use crate::kit::{Need, Outcome, Supplied};
use crate::template::{LookupContext, Templar};
use crate::value::Dict;
use crate::vars::Variables;
use crate::wire::{Become, Invocation, ItemResult, JobNews, Step, StepId, TaskResult};

pub use failure::{FAILURE_VARIABLES, failure_variables};
pub use looping::run;

/// Why a module could not be brought to its host, or its host lost on the way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecutionError {
    /// The host cannot be reached (any more).
    #[error("{0}")]
    Unreachable(String),
    /// The module did not run, for a reason that belongs to the task: the user cannot be become.
    #[error("{0}")]
    Failed(String),
}

/// How a module reaches its host.
pub trait Executor {
    /// Runs a module with rendered arguments, on the host of the step or on the one that it is delegated to.
    fn execute(
        &self,
        step: StepId,
        invocation: Invocation,
        delegate: Option<&str>,
    ) -> Result<Outcome, ExecutionError>;

    /// Brings a controller's file; of one that is to be rendered, its text.
    fn supply(&self, step: StepId, need: &Need) -> Result<Supplied, String>;

    /// Does what only the controller can do to complete a module's work (`fetch`, `pause`); with `check` nothing that changes a
    /// host.
    fn complete(
        &self,
        outcome: Outcome,
        _becoming: Option<&Become>,
        _delegate: Option<&str>,
        _check: bool,
    ) -> Outcome {
        outcome
    }

    /// Waits; says `false` where the run was cancelled meanwhile.
    fn sleep(&self, length: Duration) -> bool;

    /// An item of a loop is done.
    fn item_done(&self, step: StepId, item: &ItemResult);

    /// A try failed, so many are left.
    fn retrying(&self, step: StepId, left: u32, result: &Dict);

    /// There is news of the step's job. Steps that have jobs are evaluated by the engine alone.
    fn job(&self, _step: StepId, _news: JobNews) {}
}

/// What a step runs in.
#[derive(Clone, Copy)]
pub struct StepContext<'a> {
    /// Evaluates templates.
    pub templar: &'a Templar,
    /// The host's variables.
    pub variables: &'a dyn Variables,
    /// The controller, where the step runs there.
    pub outside: Option<&'a dyn LookupContext>,
    /// The texts of the run, where they are known.
    pub sources: Option<&'a SourceMap>,
    /// Runs modules.
    pub executor: &'a dyn Executor,
}

/// Runs a step and answers with a failed result where it panics: a bug in a module costs its task, not the run.
pub fn run_safely(step: &Step, context: &StepContext<'_>) -> TaskResult {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(step, context)));
    outcome.unwrap_or_else(|_| {
        TaskResult::failed(format!(
            "internal error: `{}` panicked; this is a bug in kplay, please report it with the task",
            step.module
        ))
    })
}
