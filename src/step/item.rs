//! One run of a task, without a loop or for one item of it: condition, tries, verdict.

use std::time::Duration;

use super::attempt::attempt;
use super::conclude::{self, Ended};
use super::evaluation::{Evaluation, Trouble};
use super::keywords::Keywords;
use crate::template::TemplateError;
use crate::value::{Dict, Value};
use crate::vars::Layered;
use crate::wire::Step;

/// Why a loop cannot begin.
pub(super) enum LoopError {
    /// It has no items. That counts only where the condition holds.
    Items(TemplateError),
    /// `loop_control` cannot be.
    Control(TemplateError),
}

/// Runs the task once, or says why its loop cannot begin.
pub(super) fn run(
    step: &Step,
    evaluation: &Evaluation<'_>,
    loop_error: Option<LoopError>,
) -> Ended {
    let no_log = match step
        .no_log
        .as_ref()
        .map(|value| evaluation.boolean("no_log", value))
    {
        None => false,
        Some(Ok(no_log)) => no_log,
        // When in doubt, nothing is shown.
        Some(Err(error)) => {
            return Ended {
                no_log: true,
                ..conclude::trouble(error.into(), None)
            };
        }
    };
    let ended = match loop_error {
        Some(LoopError::Control(error)) => conclude::trouble(error.into(), None),
        Some(LoopError::Items(error)) => {
            where_it_holds(step, evaluation, || conclude::trouble(error.into(), None))
        }
        None => where_it_holds(step, evaluation, || try_until(step, evaluation)),
    };
    // A task may forgive even that it could not begin.
    let ignore_errors = ended.ignore_errors
        || step
            .ignore_errors
            .as_ref()
            .is_some_and(|value| evaluation.boolean("ignore_errors", value).unwrap_or(false));
    Ended {
        no_log,
        ignore_errors,
        ..ended
    }
}

/// The task's end, where its condition holds.
fn where_it_holds(step: &Step, evaluation: &Evaluation<'_>, end: impl FnOnce() -> Ended) -> Ended {
    match evaluation.first_false(&step.when) {
        Err(error) => {
            let trouble = Trouble::from(error).about("Error while evaluating conditional");
            conclude::trouble(trouble, None)
        }
        Ok(Some(condition)) => conclude::condition_false(condition),
        Ok(None) => end(),
    }
}

/// How often, and how long between.
struct Tries {
    most: u32,
    delay: Duration,
}

fn tries(step: &Step, evaluation: &Evaluation<'_>) -> Result<Tries, TemplateError> {
    let retries = match &step.retries {
        Some(value) => Some(evaluation.number("retries", value)?),
        None if step.until.is_empty() => None,
        None => Some(3.0),
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped"
    )]
    let most = retries.map_or(1, |count| {
        if count <= 0.0 {
            1
        } else {
            count.min(1e9) as u32 + 1
        }
    });
    let delay = step
        .delay
        .as_ref()
        .map_or(Ok(5.0), |value| evaluation.number("delay", value))?;
    let delay = if delay < 0.0 { 1.0 } else { delay };
    Ok(Tries {
        most,
        delay: Duration::try_from_secs_f64(delay).unwrap_or(Duration::from_secs(5)),
    })
}

fn try_until(step: &Step, evaluation: &Evaluation<'_>) -> Ended {
    let keywords = match Keywords::read(step, evaluation) {
        Ok(keywords) => keywords,
        Err(trouble) => return conclude::trouble(trouble, None),
    };
    let tries = match tries(step, evaluation) {
        Ok(tries) => tries,
        Err(error) => return conclude::trouble(error.into(), Some(&keywords)),
    };
    let mut number = 0;
    loop {
        number += 1;
        let mut ended = match attempt(step, &keywords, evaluation) {
            Ok(outcome) => conclude::outcome(outcome, &keywords),
            Err(trouble) => conclude::trouble(trouble, Some(&keywords)),
        };
        if ended.unreachable {
            return ended;
        }
        if tries.most > 1 {
            ended.value.insert("attempts", number);
        }
        conclude::judge(step, &mut ended, evaluation);
        if tries.most == 1 {
            return ended;
        }
        let done = match until(step, &ended, evaluation) {
            Ok(done) => done,
            Err(error) => return conclude::trouble(error.into(), Some(&keywords)),
        };
        if done {
            return ended;
        }
        if number >= tries.most {
            ended.value.insert("attempts", tries.most - 1);
            ended.fail();
            return ended;
        }
        ended.value.insert("retries", tries.most);
        evaluation
            .context
            .executor
            .retrying(step.id, tries.most - number, &ended.value);
        if !evaluation.context.executor.sleep(tries.delay) {
            ended.fail();
            return ended;
        }
    }
}

fn until(step: &Step, ended: &Ended, evaluation: &Evaluation<'_>) -> Result<bool, TemplateError> {
    if step.until.is_empty() {
        return Ok(!ended.failed());
    }
    let trial = trial_variables(step, &ended.value);
    let variables = Layered {
        first: &trial,
        then: evaluation.variables,
    };
    Ok(evaluation
        .with(&variables)
        .first_false(&step.until)?
        .is_none())
}

/// The result under the name that `register` gives it, for the conditions that judge it.
pub(super) fn trial_variables(step: &Step, result: &Dict) -> Dict {
    let mut variables = Dict::new();
    if let Some(facts) = result.get("ansible_facts").and_then(Value::as_dict) {
        for (name, value) in facts {
            variables.insert(name.clone(), value.clone());
        }
    }
    if let Some(name) = &step.register {
        variables.insert(name.clone(), Value::dict(result.clone()));
    }
    variables
}
