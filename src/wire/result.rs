//! The result of a task on a host.

use serde::{Deserialize, Serialize};

use crate::diag::Diagnostic;
use crate::kit::{ControllerRequest, Diff};
use crate::value::{Dict, Value};

/// How a task, or one item of its loop, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Done; nothing had to change.
    Ok,
    /// Done; something changed.
    Changed,
    /// Not done, as a condition or the module said.
    Skipped,
    /// Failed.
    Failed,
    /// The host could not be reached.
    Unreachable,
}

impl Status {
    /// Tells whether nothing failed.
    pub fn is_well(self) -> bool {
        matches!(self, Self::Ok | Self::Changed | Self::Skipped)
    }
}

/// How the job of a step (`async`) fares, with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobNews {
    /// It was asked about and still runs.
    Running(String),
    /// It has ended well.
    Done(String),
    /// It has failed, or was not done in time.
    Failed(String),
}

/// One item of a loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemResult {
    /// How it ended.
    pub status: Status,
    /// The result as `results` holds it, with the item under the loop variable's name.
    pub value: Dict,
    /// What the screen calls the item.
    pub label: Value,
    /// Before and after.
    pub diff: Vec<Diff>,
    /// `no_log` holds: the screen shows no content.
    pub no_log: bool,
    /// A failure that `ignore_errors` forgives.
    pub ignored: bool,
    /// The result is worth showing without `-v`.
    pub shown: bool,
    /// The host that did the work instead, by its inventory name (`delegate_to`).
    pub delegated: Option<String>,
}

impl ItemResult {
    /// See [`TaskResult::leave_out_unseen`].
    pub fn leave_out_unseen(&mut self) {
        if self.status.is_well() && !self.shown {
            self.value = Dict::new();
        }
    }
}

/// The result of a task on a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// How it ended.
    pub status: Status,
    /// What `register` gets: the module's return values, `changed`, `failed`, `msg`, `results` ...
    pub value: Dict,
    /// The items of a loop, in order.
    pub items: Option<Vec<ItemResult>>,
    /// Before and after.
    pub diff: Vec<Diff>,
    /// Warnings for the user.
    pub warnings: Vec<String>,
    /// `no_log` holds: no way out shows content.
    pub no_log: bool,
    /// `ignore_errors` holds for this result.
    pub ignore_errors: bool,
    /// The result is worth showing without `-v`.
    pub shown: bool,
    /// What the controller has to do for it, in order.
    pub requests: Vec<ControllerRequest>,
    /// Facts that the module found (`ansible_facts`).
    pub facts: Dict,
    /// Why it failed, with a place in the playbook, where one is to blame.
    pub diagnostic: Option<Diagnostic>,
    /// The hosts that did the work instead, by their inventory names (`delegate_to`).
    pub delegated: Option<String>,
    /// A module carried out a plan, or failed and may have begun to, whatever `changed` and `failed` say of it. Who runs the step's
    /// modules says so.
    pub applied: bool,
}

impl TaskResult {
    /// Drops the return values that nobody looks at where no task registers them and results are not shown: those of what went
    /// well. Most of what hosts send would be these.
    pub fn leave_out_unseen(&mut self) {
        for item in self.items.iter_mut().flatten() {
            item.leave_out_unseen();
        }
        if self.status.is_well() && !self.shown {
            self.value = Dict::new();
        }
    }

    /// Returns a result of that status with nothing in it.
    pub fn new(status: Status) -> Self {
        Self {
            status,
            value: Dict::new(),
            items: None,
            diff: Vec::new(),
            warnings: Vec::new(),
            no_log: false,
            ignore_errors: false,
            shown: false,
            requests: Vec::new(),
            facts: Dict::new(),
            diagnostic: None,
            delegated: None,
            applied: false,
        }
    }

    /// Tells whether the task may have made the host another one.
    pub fn may_have_changed(&self) -> bool {
        self.applied || !self.status.is_well()
    }

    /// Returns the result of a host that cannot be reached, with the reason.
    pub fn unreachable(message: impl Into<String>) -> Self {
        let value = Dict::new()
            .with("changed", false)
            .with("msg", message.into())
            .with("unreachable", true);
        Self {
            value,
            ..Self::new(Status::Unreachable)
        }
    }

    /// Returns a failed result with that message.
    pub fn failed(message: impl Into<String>) -> Self {
        let value = Dict::new()
            .with("changed", false)
            .with("failed", true)
            .with("msg", message.into());
        Self {
            value,
            ..Self::new(Status::Failed)
        }
    }
}
