//! What module tests say again and again: run it, check it, run it twice; and a step for modules of the run itself.

use std::sync::Arc;

use super::FakeHost;
use crate::kit::{
    Coercion, Control, Entry, Failure, Module, Need, Outcome, Plan, Request, StepView, Verdict,
    from_value,
};
use crate::value::{Dict, Value};

fn execute<M: Module>(arguments: &Value, check: bool, host: &FakeHost) -> Outcome {
    let Entry::Module(entry) = Entry::module::<M>() else {
        unreachable!()
    };
    entry.run(
        Request {
            arguments,
            check,
            hold: false,
        },
        host,
    )
}

/// Runs a module as `step` does, and returns its result.
pub fn run<M: Module>(arguments: &Value, host: &FakeHost) -> Outcome {
    execute::<M>(arguments, false, host)
}

/// Runs a module in check mode. A change of the host is a failed test.
pub fn check<M: Module>(arguments: &Value, host: &FakeHost) -> Outcome {
    host.freeze(true);
    let outcome = execute::<M>(arguments, true, host);
    host.freeze(false);
    outcome
}

/// Plans, with the module's own type of change. A change of the host is a failed test.
pub fn plan<M: Module>(arguments: &Value, host: &FakeHost) -> Result<Plan<M::Change>, Failure> {
    let args = from_value::<M::Args>(arguments, &Coercion::default())?;
    M::validate(&args)?;
    host.freeze(true);
    let plan = M::plan(&args, host);
    host.freeze(false);
    plan
}

/// Returns the controller's files that these arguments ask for.
pub fn needs<M: Module>(arguments: &Value) -> Vec<Need> {
    M::prepare(&from_value::<M::Args>(arguments, &Coercion::default()).unwrap())
}

/// Runs a module that must fail and returns the message.
pub fn failure<M: Module>(arguments: &Value, host: &FakeHost) -> String {
    let outcome = run::<M>(arguments, host);
    assert!(outcome.failed, "it did not fail: {outcome:?}");
    outcome
        .values
        .get("msg")
        .map(Value::to_text)
        .unwrap_or_default()
}

/// Plans something, applies it, plans nothing; check mode says `changed` before and not after. Returns the result of the apply.
pub fn assert_converges<M: Module>(arguments: &Value, host: &FakeHost) -> Outcome {
    let checked = check::<M>(arguments, host);
    assert!(!checked.failed, "check mode failed: {checked:?}");
    assert!(
        checked.changed,
        "check mode foresees no change: {checked:?}"
    );
    let outcome = run::<M>(arguments, host);
    assert!(!outcome.failed, "it failed: {outcome:?}");
    assert!(outcome.changed, "nothing changed: {outcome:?}");
    assert_unchanged::<M>(arguments, host);
    outcome
}

/// Plans nothing. Returns the result.
pub fn assert_unchanged<M: Module>(arguments: &Value, host: &FakeHost) -> Outcome {
    match plan::<M>(arguments, host) {
        Ok(Plan {
            verdict: Verdict::Unchanged { .. },
            ..
        }) => {}
        Ok(plan) => panic!(
            "something would still change: {:?} {:?}",
            plan.values, plan.diff
        ),
        Err(failure) => panic!("the second plan failed: {failure:?}"),
    }
    let outcome = check::<M>(arguments, host);
    assert!(!outcome.changed && !outcome.failed, "{outcome:?}");
    outcome
}

type Evaluate = Box<dyn Fn(&Value) -> Result<Value, Failure>>;

/// A step whose expressions are evaluated by a closure.
pub struct FakeStep {
    evaluate: Evaluate,
    variables: Dict,
    verbosity: u8,
    controller: Option<crate::template::FakeController>,
}

impl FakeStep {
    /// Returns a step that takes every value as it is.
    pub fn new() -> Self {
        Self::evaluating(|value| Ok(value.clone()))
    }

    /// Returns a step that gives every template, expression and condition to `evaluate`.
    pub fn evaluating(evaluate: impl Fn(&Value) -> Result<Value, Failure> + 'static) -> Self {
        Self {
            evaluate: Box::new(evaluate),
            variables: Dict::new(),
            verbosity: 0,
            controller: None,
        }
    }

    /// Gives it a controller.
    pub(crate) fn controller(mut self, controller: crate::template::FakeController) -> Self {
        self.controller = Some(controller);
        self
    }

    /// Sets the variables.
    pub fn variables(mut self, variables: Dict) -> Self {
        self.variables = variables;
        self
    }

    /// Sets how often `-v` was given.
    pub fn verbosity(mut self, verbosity: u8) -> Self {
        self.verbosity = verbosity;
        self
    }

    /// Runs a module of the run itself.
    pub fn run<C: Control>(&self, arguments: &Value) -> Outcome {
        let Entry::Control(entry) = Entry::control::<C>() else {
            unreachable!()
        };
        entry.run(
            Request {
                arguments,
                check: false,
                hold: false,
            },
            self,
        )
    }
}

impl StepView for FakeStep {
    fn render(&self, value: &Value) -> Result<Value, Failure> {
        (self.evaluate)(value)
    }

    fn expression(&self, text: &Value) -> Result<Value, Failure> {
        (self.evaluate)(text)
    }

    fn variable(&self, name: &str) -> Result<Option<Value>, Failure> {
        Ok(self.variables.get(name).cloned())
    }

    fn condition(&self, value: &Value) -> Result<bool, Failure> {
        (self.evaluate)(value).map(|value| value.is_true())
    }

    fn host(&self) -> Arc<str> {
        "testhost".into()
    }

    fn check(&self) -> bool {
        false
    }

    fn verbosity(&self) -> u8 {
        self.verbosity
    }

    fn controller(&self) -> Result<&dyn crate::template::LookupContext, Failure> {
        match &self.controller {
            Some(controller) => Ok(controller),
            None => Err(Failure::new("a fake step has no controller")),
        }
    }
}
