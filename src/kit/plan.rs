//! What a module found and what it would do about it.

use super::outcome::{Diff, Outcome};
use crate::value::{Dict, Value};

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Verdict<C> {
    /// Nothing, and why, as a fragment: `the file has that content already`.
    Unchanged {
        /// Why nothing needs to change.
        why: String,
    },
    /// Nothing, because a condition of the task says so (`script` with `creates`): the result is shown as skipped.
    Skipped {
        /// Why: the result's `msg`.
        why: String,
    },
    /// Exactly this.
    Change(C),
    /// One action whose effect nobody can know before (a command). Check mode skips it.
    Opaque(C),
}

/// The end of `plan`: the verdict, the return values that hold in either case, and the changes as a person reads them.
#[derive(Clone, Debug)]
pub struct Plan<C> {
    /// What is to be done.
    pub verdict: Verdict<C>,
    /// Return values, as Ansible names them, of an unchanged run and of check mode.
    pub values: Dict,
    /// Return values of check mode alone, over the others.
    pub in_check: Dict,
    /// Before and after, for `--diff`.
    pub diff: Vec<Diff>,
    /// Warnings for the user.
    pub warnings: Vec<String>,
    /// Warnings of check mode alone: of what an earlier task would have seen to.
    pub warnings_in_check: Vec<String>,
    /// What is to be done is no change in the eyes of a user (a package cache's update): check mode reports none.
    pub uncounted: bool,
}

impl<C> Plan<C> {
    /// Returns a plan that changes nothing, with the reason as a fragment.
    pub fn unchanged(why: impl Into<String>) -> Self {
        Self::new(Verdict::Unchanged { why: why.into() })
    }

    /// Returns a plan that is skipped, with the reason as the result's `msg`.
    pub fn skipped(why: impl Into<String>) -> Self {
        Self::new(Verdict::Skipped { why: why.into() })
    }

    /// Returns a plan that makes exactly this change.
    pub fn change(change: C) -> Self {
        Self::new(Verdict::Change(change))
    }

    /// Returns a plan of one action whose effect cannot be known.
    pub fn opaque(action: C) -> Self {
        Self::new(Verdict::Opaque(action))
    }

    fn new(verdict: Verdict<C>) -> Self {
        Self {
            verdict,
            values: Dict::new(),
            in_check: Dict::new(),
            diff: Vec::new(),
            warnings: Vec::new(),
            warnings_in_check: Vec::new(),
            uncounted: false,
        }
    }

    /// Takes what is to be done apart from what is known of it.
    pub(super) fn split(self) -> (Plan<()>, Option<C>) {
        let (verdict, change) = match self.verdict {
            Verdict::Unchanged { why } => (Verdict::Unchanged { why }, None),
            Verdict::Skipped { why } => (Verdict::Skipped { why }, None),
            Verdict::Change(change) => (Verdict::Change(()), Some(change)),
            Verdict::Opaque(action) => (Verdict::Opaque(()), Some(action)),
        };
        let plan = Plan {
            verdict,
            values: self.values,
            in_check: self.in_check,
            diff: self.diff,
            warnings: self.warnings,
            warnings_in_check: self.warnings_in_check,
            uncounted: self.uncounted,
        };
        (plan, change)
    }

    /// Says that carrying it out does not count as a change; `apply` then returns an unchanged outcome.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        self.uncounted = true;
        self
    }

    /// Adds a return value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name, value);
        self
    }

    /// Adds return values.
    #[must_use]
    pub fn with_all(mut self, values: Dict) -> Self {
        self.values.extend(values);
        self
    }

    /// Adds a return value of check mode alone.
    #[must_use]
    pub fn with_in_check(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.in_check.insert(name, value);
        self
    }

    /// Adds return values of check mode alone.
    #[must_use]
    pub fn with_all_in_check(mut self, values: Dict) -> Self {
        self.in_check.extend(values);
        self
    }

    /// Adds a difference for `--diff`.
    #[must_use]
    pub fn with_diff(mut self, diff: Diff) -> Self {
        self.diff.push(diff);
        self
    }

    /// Adds a warning.
    #[must_use]
    pub fn warn(mut self, text: impl Into<String>) -> Self {
        self.warnings.push(text.into());
        self
    }

    /// Adds a warning of check mode alone.
    #[must_use]
    pub fn warn_in_check(mut self, text: impl Into<String>) -> Self {
        self.warnings_in_check.push(text.into());
        self
    }
}

/// The end of `apply`.
#[derive(Clone, Debug)]
pub enum Applied {
    /// All is done.
    Done(Outcome),
    /// The ground has changed (a package cache was updated): plan once more and apply that. What this outcome says of changes,
    /// warnings and values is kept under what follows.
    PlanAgain(Outcome),
}

impl From<Outcome> for Applied {
    fn from(outcome: Outcome) -> Self {
        Self::Done(outcome)
    }
}
