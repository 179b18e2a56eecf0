//! The specification of a step: one task for one host, as expressions. What its keywords mean is written in `step` alone.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::result::{Status, TaskResult};
use super::shared::Shared;
use crate::diag::Span;
use crate::kit::{Need, Supplied};
use crate::value::{Dict, Value};
use crate::vars::Level;

/// The number of a step within a run.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct StepId(pub u64);

/// A variable that travels with a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// Its name.
    pub name: Arc<str>,
    /// Where it was set: a register made on the way hides it only from below.
    pub level: Level,
    /// Its value, not rendered.
    pub value: Value,
}

/// Where a loop's items come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LoopSource {
    /// `loop:`.
    Items(Value),
    /// `with_NAME:`.
    Lookup {
        /// The lookup's name as written.
        name: Arc<str>,
        /// Its terms.
        terms: Value,
    },
}

/// `loop_control:`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoopControl {
    /// `loop_var`; nothing means `item`.
    pub variable: Option<Value>,
    /// `index_var`.
    pub index: Option<Value>,
    /// `label`.
    pub label: Option<Value>,
    /// `pause`, in seconds.
    pub pause: Option<Value>,
    /// `extended`.
    pub extended: Option<Value>,
    /// `extended_allitems`.
    pub extended_all: Option<Value>,
    /// `break_when`.
    pub break_when: Vec<Value>,
}

/// A loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Loop {
    /// The items.
    pub source: LoopSource,
    /// How they are gone through.
    pub control: LoopControl,
}

/// The `become` keywords in effect; the variables of the same names go before them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BecomeKeywords {
    /// `become`.
    pub enabled: Option<Value>,
    /// `become_user`.
    pub user: Option<Value>,
    /// `become_method`.
    pub method: Option<Value>,
    /// `become_exe`.
    pub executable: Option<Value>,
    /// `become_flags`.
    pub flags: Option<Value>,
    /// The password that was asked for or read from a file.
    pub password: Option<Value>,
}

/// `async:`, which makes a job of the task's module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asynchronous {
    /// `async`, in seconds.
    pub seconds: Value,
    /// `poll`, in seconds.
    pub poll: Value,
    /// The module's name as written, for the message that it cannot be a job.
    pub action: Arc<str>,
}

/// One task for one host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// The task's name as messages show it.
    pub name: Arc<str>,
    /// The host's name in the inventory.
    pub host: Arc<str>,
    /// What is to be done.
    pub task: Shared<StepTask>,
}

impl Deref for Step {
    type Target = StepTask;

    fn deref(&self) -> &StepTask {
        &self.task
    }
}

/// What the steps of a task are to do, the same for every host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepTask {
    /// Where the task was written.
    pub span: Span,
    /// The full name of the module.
    pub module: Arc<str>,
    /// The arguments as written, a dictionary (or a template that makes one).
    pub arguments: Value,
    /// Arguments of `module_defaults`, below those of the task; outermost first.
    pub argument_defaults: Vec<Value>,
    /// `when`, outermost first.
    pub when: Vec<Value>,
    /// `loop` or `with_*`.
    pub looping: Option<Loop>,
    /// `until`.
    pub until: Vec<Value>,
    /// `retries`.
    pub retries: Option<Value>,
    /// `delay`, in seconds.
    pub delay: Option<Value>,
    /// `changed_when`.
    pub changed_when: Option<Vec<Value>>,
    /// `failed_when`.
    pub failed_when: Option<Vec<Value>>,
    /// `register`.
    pub register: Option<Arc<str>>,
    /// `ignore_errors`.
    pub ignore_errors: Option<Value>,
    /// `become` and its kin.
    pub becoming: BecomeKeywords,
    /// `environment`, outermost first.
    pub environment: Vec<Value>,
    /// `check_mode`.
    pub check_mode: Option<Value>,
    /// The run is in check mode.
    pub check: bool,
    /// `diff`.
    pub diff: Option<Value>,
    /// The run shows differences.
    pub show_diff: bool,
    /// `no_log`.
    pub no_log: Option<Value>,
    /// `timeout` of the task, in seconds.
    pub timeout: Option<Value>,
    /// `async`; a step that has it never travels, so that a lost connection costs no job.
    pub asynchronous: Option<Asynchronous>,
    /// Where jobs are kept as far as the configuration says it, for steps that have to do with jobs.
    pub async_directory: Option<Arc<str>>,
    /// `delegate_to`.
    pub delegate_to: Option<Value>,
    /// How often `-v` was given.
    pub verbosity: u8,
    /// Somebody may look at the return values: the task registers them, or they are shown.
    pub seen: bool,
}

/// What a rescue section is told of the task that failed, besides its arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailedTask {
    /// Its name as written.
    pub name: Arc<str>,
    /// Its module as written.
    pub action: Arc<str>,
}

/// Where a failure leads inside a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnFailure {
    /// The number of the step that follows.
    pub to: u32,
    /// What the rescue section on the way is told; nothing where none is on the way.
    pub told: Option<FailedTask>,
}

/// Where a batch goes on behind a step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Course {
    /// The number of the step that follows; nothing ends the batch.
    pub then: Option<u32>,
    /// Where a failure leads that is not forgiven; nothing ends the batch.
    pub on_failure: Option<OnFailure>,
}

impl Course {
    /// Returns where a failure of that result leads; nothing if it is none, is forgiven, or ends the batch.
    pub fn failure(&self, result: &TaskResult) -> Option<&OnFailure> {
        self.on_failure
            .as_ref()
            .filter(|_| result.status == Status::Failed && !result.ignore_errors)
    }

    /// Returns the number of the step that follows that result, always a later one than `at`.
    pub fn behind(&self, at: usize, result: &TaskResult) -> Option<usize> {
        let well = result.status.is_well() || result.ignore_errors;
        let next = match self.failure(result) {
            Some(failure) => Some(failure.to),
            None => self.then.filter(|_| well),
        };
        next.and_then(|to| usize::try_from(to).ok())
            .filter(|to| *to > at)
    }
}

/// A step of a batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchStep {
    /// What is to be done.
    pub step: Step,
    /// The variables that it sees, as numbers in [`Batch::variables`], each name once.
    pub variables: Vec<u32>,
    /// The controller's files that it is known to need; others are asked for.
    pub supplied: Vec<(Need, Shared<Supplied>)>,
    /// It may only find out whether it would change something: if it would, the batch ends before it.
    pub hold: bool,
    /// What follows it.
    pub course: Course,
}

/// Steps of one host that are run one after the other, beginning with the first, each leading to a later one; and the variables that their expressions name, closed under reference. What a step
/// sets (`register`, `set_fact`, facts) the later ones see, as the table of precedence says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// The steps.
    pub steps: Vec<BatchStep>,
    /// The variables.
    pub variables: Vec<Binding>,
    /// The facts that the steps name, without the prefix `ansible_`.
    pub facts: Dict,
    /// Facts are variables too (`ansible_os_family`), not only keys of `ansible_facts`.
    pub inject_facts: bool,
}

/// Where a batch is, told by its results: both the one who checks what a worker tells and the one who passes it on follow it.
#[derive(Clone, Debug)]
pub struct Trail {
    steps: Vec<(StepId, Course)>,
    at: Option<usize>,
}

impl Trail {
    /// Begins with the first step.
    pub fn of(batch: &Batch) -> Self {
        let steps = batch.steps.iter();
        Self {
            steps: steps
                .map(|packed| (packed.step.id, packed.course.clone()))
                .collect(),
            at: Some(0),
        }
    }

    /// Returns the step that runs now; nothing where the batch is through.
    pub fn step(&self) -> Option<StepId> {
        self.steps.get(self.at?).map(|(step, _)| *step)
    }

    /// Goes on behind the step that ended so.
    pub fn go_on(&mut self, result: &TaskResult) {
        self.at = self
            .at
            .and_then(|at| self.steps.get(at)?.1.behind(at, result));
    }

    /// The batch ends here.
    pub fn end(&mut self) {
        self.at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course() -> Course {
        Course {
            then: Some(3),
            on_failure: Some(OnFailure { to: 2, told: None }),
        }
    }

    #[test]
    fn a_failure_leads_elsewhere_unless_it_is_forgiven() {
        let mut failed = TaskResult::failed("no");
        assert_eq!(course().behind(1, &failed), Some(2));
        failed.ignore_errors = true;
        assert_eq!(course().behind(1, &failed), Some(3));
        assert_eq!(
            course().behind(1, &TaskResult::new(Status::Skipped)),
            Some(3)
        );
    }

    #[test]
    fn a_lost_host_and_a_failure_without_a_detour_end_the_batch() {
        assert_eq!(course().behind(1, &TaskResult::unreachable("gone")), None);
        let straight = Course {
            on_failure: None,
            ..course()
        };
        assert_eq!(straight.behind(1, &TaskResult::failed("no")), None);
    }

    #[test]
    fn nothing_leads_back() {
        assert_eq!(course().behind(2, &TaskResult::failed("no")), None);
        assert_eq!(course().behind(3, &TaskResult::new(Status::Ok)), None);
    }
}
