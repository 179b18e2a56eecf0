//! A batch: its steps in order, with the variables that travelled and the registers made on the way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::command::Limits;
use super::session::Shared;
use crate::kit::{ControllerRequest, Need, Outcome, Supplied};
use crate::step::{ExecutionError, Executor, StepContext, run_safely};
use crate::template::Templar;
use crate::value::{Dict, Value};
use crate::vars::{Found, Level, Variables};
use crate::wire::{
    Batch, Binding, Invocation, ItemResult, Report, Status, Step, StepId, TaskResult,
};

/// Runs the steps; stops after one that failed, since what follows a failure is the controller's business.
pub(super) fn run(shared: &Arc<Shared>, number: u64, batch: &Batch, cancelled: &Arc<AtomicBool>) {
    let mut variables = BatchVariables::new(&batch.variables);
    let executor = HereExecutor {
        shared,
        number,
        supplied: &batch.supplied,
        cancelled,
    };
    for step in &batch.steps {
        if cancelled.load(Ordering::Relaxed) {
            return;
        }
        let context = StepContext {
            templar: templar(),
            variables: &variables,
            outside: None,
            sources: None,
            executor: &executor,
        };
        let result = run_safely(step, &context);
        let goes_on =
            !matches!(result.status, Status::Failed | Status::Unreachable) || result.ignore_errors;
        variables.learn(step, &result);
        shared
            .outbox
            .send(&Report::Step(number, step.id, Box::new(result)));
        if !goes_on {
            return;
        }
    }
}

/// Compiled templates are kept for the worker's life.
fn templar() -> &'static Templar {
    static TEMPLAR: std::sync::OnceLock<Templar> = std::sync::OnceLock::new();
    TEMPLAR.get_or_init(Templar::default)
}

/// What travelled, and what the steps have set since.
struct BatchVariables {
    bindings: BTreeMap<Arc<str>, (Level, Value)>,
}

impl BatchVariables {
    fn new(bindings: &[Binding]) -> Self {
        let bindings = bindings
            .iter()
            .map(|binding| (binding.name.clone(), (binding.level, binding.value.clone())))
            .collect();
        Self { bindings }
    }

    /// Sets a variable unless one of a higher level hides it.
    fn set(&mut self, name: &str, level: Level, value: Value) {
        match self.bindings.get(name) {
            Some((higher, _)) if *higher > level => {}
            _ => {
                self.bindings.insert(name.into(), (level, value));
            }
        }
    }

    /// Takes over what a result sets: the register, and facts.
    fn learn(&mut self, step: &Step, result: &TaskResult) {
        if let Some(name) = &step.register {
            self.set(name, Level::SetFact, Value::dict(result.value.clone()));
        }
        for request in &result.requests {
            if let ControllerRequest::SetFacts(facts, _) = request {
                for (name, value) in facts {
                    if let Some(name) = name.as_str() {
                        self.set(name, Level::SetFact, value.clone());
                    }
                }
            }
        }
    }
}

impl Variables for BatchVariables {
    fn find(&self, name: &str) -> Found {
        self.bindings
            .get(name)
            .map_or(Found::Missing, |(_, value)| Found::Value(value.clone()))
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.bindings.keys().cloned().collect()
    }
}

/// Runs modules on this host.
struct HereExecutor<'a> {
    shared: &'a Arc<Shared>,
    number: u64,
    supplied: &'a [(Need, Supplied)],
    cancelled: &'a Arc<AtomicBool>,
}

impl Executor for HereExecutor<'_> {
    fn execute(
        &self,
        _step: StepId,
        invocation: Invocation,
        delegate: Option<&str>,
    ) -> Result<Outcome, ExecutionError> {
        if let Some(host) = delegate {
            return Err(ExecutionError::Failed(format!(
                "internal error: a step for `{host}` came to another host"
            )));
        }
        self.shared
            .execute(self.number, &invocation, self.cancelled)
            .map_err(ExecutionError::Failed)
    }

    fn supply(&self, step: StepId, need: &Need) -> Result<Supplied, String> {
        if let Some((_, supplied)) = self.supplied.iter().find(|(known, _)| known == need) {
            return Ok(supplied.clone());
        }
        let limits = Limits {
            deadline: None,
            cancelled: self.cancelled.clone(),
        };
        self.shared.contents.file(step, need, &limits)
    }

    fn sleep(&self, length: Duration) -> bool {
        let end = Instant::now() + length;
        while !self.cancelled.load(Ordering::Relaxed) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
        false
    }

    fn item_done(&self, step: StepId, item: &ItemResult) {
        self.shared
            .outbox
            .send(&Report::Item(self.number, step, Box::new(item.clone())));
    }

    fn retrying(&self, step: StepId, left: u32, result: &Dict) {
        self.shared.outbox.send(&Report::Retry(
            self.number,
            step,
            left,
            Box::new(result.clone()),
        ));
    }
}
