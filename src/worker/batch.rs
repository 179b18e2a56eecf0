//! A batch: its steps in order, with the variables that travelled and the registers made on the way.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::command::Limits;
use super::session::Shared;
use crate::kit::{ControllerRequest, Need, Outcome, Persistence, Supplied};
use crate::step::{ExecutionError, Executor, StepContext, failure_variables, run_safely};
use crate::template::Templar;
use crate::value::{Dict, Value};
use crate::vars::{Facts, Found, Level, Variables};
use crate::wire::{
    Batch, BatchStep, Binding, FailedTask, Invocation, ItemResult, Report, Shared as SharedPart,
    Step, StepId, TaskResult,
};

/// Runs the steps, each where the one before it leads; stops after one that leads nowhere, since what follows is the controller's
/// business, and before one that would change something and must not yet.
pub(super) fn run(shared: &Arc<Shared>, number: u64, batch: &Batch, cancelled: &Arc<AtomicBool>) {
    let mut learned = Learned {
        facts: Facts::from(batch.facts.clone()),
        inject_facts: batch.inject_facts,
        ..Learned::default()
    };
    let mut next = Some(0);
    while let Some(at) = next
        && let Some(BatchStep {
            step,
            variables,
            supplied,
            hold,
            course,
        }) = batch.steps.get(at)
    {
        if cancelled.load(Ordering::Relaxed) {
            return;
        }
        let shipped = variables
            .iter()
            .filter_map(|at| batch.variables.get(usize::try_from(*at).ok()?))
            .map(|binding| (&*binding.name, binding))
            .collect();
        let variables = StepVariables {
            shipped,
            learned: &learned,
        };
        let executor = HereExecutor {
            shared,
            number,
            supplied,
            cancelled,
            hold: *hold,
            seen: step.seen,
            held: Cell::new(false),
            applied: Cell::new(false),
            late: RefCell::default(),
        };
        let context = StepContext {
            templar: templar(),
            variables: &variables,
            outside: None,
            sources: None,
            executor: &executor,
        };
        let mut result = run_safely(step, &context);
        result.applied = executor.applied.get();
        if executor.held.get() {
            shared.outbox.send(&Report::Held(number, step.id));
            return;
        }
        for report in executor.late.take() {
            shared.outbox.send(&report);
        }
        next = course.behind(at, &result);
        learned.learn(step, &result);
        if let Some(failure) = course.failure(&result)
            && let Some(FailedTask { name, action }) = &failure.told
        {
            learned.failure = failure_variables(name, action, &step.arguments, &result.value);
        }
        if !step.seen {
            result.leave_out_unseen();
        }
        shared
            .outbox
            .send(&Report::Step(number, step.id, Box::new(result)));
    }
}

/// Compiled templates are kept for the worker's life.
fn templar() -> &'static Templar {
    static TEMPLAR: std::sync::OnceLock<Templar> = std::sync::OnceLock::new();
    TEMPLAR.get_or_init(Templar::default)
}

/// What the steps of a batch have set so far: registers, `set_fact`, the last failure, facts.
#[derive(Default)]
struct Learned {
    set: BTreeMap<Arc<str>, Value>,
    failure: Dict,
    facts: Facts,
    inject_facts: bool,
}

impl Learned {
    /// Takes over what a result sets, as the engine does it when the result arrives there.
    fn learn(&mut self, step: &Step, result: &TaskResult) {
        if let Some(name) = &step.register {
            let value = Value::dict(result.value.clone()).untrusted();
            self.set.insert(name.clone(), value);
        }
        if result.requests.is_empty() {
            self.facts.learn(&result.facts);
        }
        for request in &result.requests {
            if let ControllerRequest::SetFacts(facts, persistence) = request {
                for (name, value) in facts {
                    if let Some(name) = name.as_str() {
                        self.set.insert(name.into(), value.clone().untrusted());
                    }
                }
                if *persistence == Persistence::Cache {
                    self.facts.learn(facts);
                }
            }
        }
    }

    /// Returns the variable with its level.
    fn find(&self, name: &str) -> Option<(Level, Value)> {
        if let Some(value) = self.set.get(name).or_else(|| self.failure.get(name)) {
            return Some((Level::SetFact, value.clone()));
        }
        let fact = if name == "ansible_facts" {
            Some(self.facts.to_value())
        } else if self.inject_facts {
            self.facts.variable(name).cloned()
        } else {
            None
        };
        fact.map(|value| (Level::Fact, value))
    }
}

/// What one step sees: what travelled for it, and what the steps before it have set; the higher level wins.
struct StepVariables<'a> {
    shipped: BTreeMap<&'a str, &'a Binding>,
    learned: &'a Learned,
}

impl Variables for StepVariables<'_> {
    fn find(&self, name: &str) -> Found {
        let shipped = self.shipped.get(name);
        match (self.learned.find(name), shipped) {
            (Some((level, _)), Some(binding)) if binding.level > level => {
                Found::Value(binding.value.clone())
            }
            (Some((_, value)), _) => Found::Value(value),
            (None, Some(binding)) => Found::Value(binding.value.clone()),
            (None, None) => Found::Missing,
        }
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names: BTreeSet<Arc<str>> = self.learned.set.keys().cloned().collect();
        let failure = self.learned.failure.keys();
        names.extend(failure.filter_map(|name| name.as_str().map(Arc::from)));
        names.extend(self.shipped.values().map(|binding| binding.name.clone()));
        names.into_iter().collect()
    }
}

/// Runs modules on this host.
struct HereExecutor<'a> {
    shared: &'a Arc<Shared>,
    number: u64,
    supplied: &'a [(Need, SharedPart<Supplied>)],
    cancelled: &'a Arc<AtomicBool>,
    /// The step may only find out whether it would change something.
    hold: bool,
    /// Somebody may look at the return values.
    seen: bool,
    /// It would.
    held: Cell<bool>,
    /// A module may have changed something.
    applied: Cell<bool>,
    /// What a step that may yet be held would have told on its way.
    late: RefCell<Vec<Report>>,
}

impl HereExecutor<'_> {
    fn tell(&self, mut report: Report) {
        if let (Report::Item(_, _, item), false) = (&mut report, self.seen) {
            item.leave_out_unseen();
        }
        if self.hold {
            self.late.borrow_mut().push(report);
        } else {
            self.shared.outbox.send(&report);
        }
    }
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
        let held = || Outcome {
            held: true,
            ..Outcome::default()
        };
        // Of a loop that is held at an item nothing further is looked at.
        if self.held.get() {
            return Ok(held());
        }
        let invocation = Invocation {
            hold: self.hold,
            ..invocation
        };
        let executed = self
            .shared
            .execute(self.number, &invocation, self.cancelled);
        if executed.as_ref().map_or(true, Outcome::may_have_changed) {
            self.applied.set(true);
        }
        let outcome = executed.map_err(ExecutionError::Failed)?;
        self.held.set(outcome.held);
        Ok(outcome)
    }

    fn supply(&self, step: StepId, need: &Need) -> Result<Supplied, String> {
        if let Some((_, supplied)) = self.supplied.iter().find(|(known, _)| known == need) {
            return Ok(Supplied::clone(supplied));
        }
        let limits = Limits {
            deadline: None,
            cancelled: self.cancelled.clone(),
        };
        self.shared.contents.file(step, need, &limits)
    }

    fn sleep(&self, length: Duration) -> bool {
        let end = Instant::now() + length;
        while !self.cancelled.load(Ordering::Relaxed) && !self.held.get() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
        false
    }

    fn item_done(&self, step: StepId, item: &ItemResult) {
        self.tell(Report::Item(self.number, step, Box::new(item.clone())));
    }

    fn retrying(&self, step: StepId, left: u32, result: &Dict) {
        self.tell(Report::Retry(
            self.number,
            step,
            left,
            Box::new(result.clone()),
        ));
    }
}
