//! One run of a module: plan, then what check mode, a held batch or the plan itself asks for.
//!
//! Written for a trait object, once, because there are dozens of modules and the worker travels to every host.

use super::failure::Failure;
use super::host::Host;
use super::meta::{Meta, Support};
use super::outcome::{Diff, Outcome};
use super::plan::{Applied, Plan, Verdict};
use crate::value::{Dict, Value};

/// How a module is to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The rendered arguments, a dictionary.
    pub arguments: &'a Value,
    /// Plan only.
    pub check: bool,
    /// Only a plan that is empty may be carried out: another one is not begun, and says so ([`Outcome::held`]).
    pub hold: bool,
}

/// A module with its arguments.
pub(super) trait Running {
    /// Plans, and keeps what is to be done.
    fn plan(&mut self, host: &dyn Host) -> Result<Plan<()>, Failure>;
    /// Carries out what was planned last.
    fn apply(&mut self, host: &dyn Host) -> Result<Applied, Failure>;
}

/// Runs a module as `request` says. `skipped` is [`super::Module::SKIPPED_IN_CHECK`].
pub(super) fn drive(
    meta: &Meta,
    skipped: Option<&str>,
    request: Request<'_>,
    host: &dyn Host,
    module: &mut dyn Running,
) -> Result<Outcome, Failure> {
    if request.check && meta.check == Support::None {
        return Ok(skipped_in_check(meta, skipped));
    }
    let mut before = Outcome::default();
    for last in [false, true] {
        let mut plan = module.plan(host).map_err(|mut failure| {
            if request.check {
                failure.values.extend(std::mem::take(&mut failure.in_check));
            }
            merge_failure(&before, failure)
        })?;
        if request.check {
            plan.warnings.append(&mut plan.warnings_in_check);
        }
        let opaque = match &plan.verdict {
            Verdict::Unchanged { why } => {
                let outcome = Outcome {
                    why: Some(why.clone()),
                    values: if request.check {
                        std::mem::take(&mut plan.in_check)
                    } else {
                        Dict::new()
                    },
                    ..Outcome::default()
                };
                return Ok(finish(before, outcome, plan));
            }
            Verdict::Skipped { why } => {
                let outcome = Outcome {
                    skipped: true,
                    why: Some(why.clone()),
                    ..Outcome::default()
                };
                let outcome = outcome.with("msg", why.clone());
                return Ok(finish(before, outcome, plan));
            }
            Verdict::Change(()) => false,
            Verdict::Opaque(()) => true,
        };
        if request.hold && !request.check {
            return Ok(Outcome {
                held: true,
                ..Outcome::default()
            });
        }
        if request.check && opaque && skipped.is_some() {
            return Ok(skipped_in_check(meta, skipped));
        }
        if request.check {
            let outcome = Outcome {
                changed: !opaque && !plan.uncounted,
                skipped: opaque,
                values: std::mem::take(&mut plan.in_check),
                ..Outcome::default()
            };
            return Ok(finish(before, outcome, plan));
        }
        match module
            .apply(host)
            .map_err(|failure| merge_failure(&before, failure))?
        {
            Applied::PlanAgain(outcome) if !last => {
                before = finish(
                    before,
                    applied(outcome),
                    Plan {
                        values: Dict::new(),
                        diff: Vec::new(),
                        ..plan
                    },
                );
            }
            Applied::Done(outcome) | Applied::PlanAgain(outcome) => {
                return Ok(finish(before, applied(outcome), plan));
            }
        }
    }
    Ok(before)
}

fn applied(outcome: Outcome) -> Outcome {
    Outcome {
        applied: true,
        ..outcome
    }
}

fn skipped_in_check(meta: &Meta, words: Option<&str>) -> Outcome {
    let message = words.map_or_else(
        || {
            let name = meta.short_name();
            format!("remote module ({name}) does not support check mode")
        },
        str::to_owned,
    );
    Outcome {
        skipped: true,
        why: words.map(str::to_owned),
        ..Outcome::default().with("msg", message)
    }
}

/// The plan's values and differences hold unless the outcome says otherwise; what happened before stays.
fn finish(before: Outcome, outcome: Outcome, plan: Plan<()>) -> Outcome {
    let mut values = before.values;
    values.extend(plan.values);
    values.extend(outcome.values);
    let mut warnings = before.warnings;
    warnings.extend(plan.warnings);
    warnings.extend(outcome.warnings);
    let diff: Vec<Diff> = if outcome.diff.is_empty() {
        plan.diff
    } else {
        outcome.diff
    };
    Outcome {
        changed: before.changed || outcome.changed,
        applied: before.applied || outcome.applied,
        values,
        diff,
        warnings,
        ..outcome
    }
}

fn merge_failure(before: &Outcome, failure: Failure) -> Failure {
    Failure {
        changed: failure.changed || before.changed,
        ..failure
    }
}
