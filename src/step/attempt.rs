//! One try: arguments rendered, the module run, the result as Ansible names it.

use super::evaluation::{Evaluation, Trouble};
use super::keywords::Keywords;
use super::supply::supply;
use super::view::View;
use super::{ExecutionError, asynchronous};
use crate::diag::Diagnostic;
use crate::kit::{ControlEntry, Entry, ModuleEntry, Outcome, Request};
use crate::value::{Dict, Key, Value};
use crate::wire::{Invocation, Step};

/// Renders the arguments and runs the module once.
pub(super) fn attempt(
    step: &Step,
    keywords: &Keywords,
    evaluation: &Evaluation<'_>,
) -> Result<Outcome, Trouble> {
    match crate::modules::find(&step.module) {
        Some(Entry::Module(entry)) => run_module(entry, step, keywords, evaluation),
        Some(Entry::Control(entry)) => run_control(entry, step, keywords, evaluation),
        None => Err(Trouble::new(format!(
            "kplay has no module `{}`",
            step.module
        ))),
    }
}

/// Renders the arguments but those named `raw`; what `omit` stands for is left out.
fn arguments(step: &Step, raw: &[&str], evaluation: &Evaluation<'_>) -> Result<Value, Trouble> {
    let mut all = Dict::new();
    for source in step.argument_defaults.iter().chain([&step.arguments]) {
        let rendered;
        let dict = if let Some(dict) = source.as_dict() {
            dict
        } else {
            rendered = evaluation.render(source)?;
            if rendered.is_null() {
                continue;
            }
            rendered.as_dict().ok_or_else(|| {
                Trouble::new(format!(
                    "the arguments must be a dictionary, not `{rendered:?}`"
                ))
            })?
        };
        for (name, value) in dict {
            let keep = name.as_str().is_some_and(|name| raw.contains(&name));
            let value = if keep {
                value.clone()
            } else {
                evaluation.render(value)?
            };
            if value.is_omit() {
                all.remove_key(name);
            } else {
                all.insert(
                    rendered_name(name, evaluation)?,
                    value
                        .clone()
                        .with_origin(value.origin().or(source.origin())),
                );
            }
        }
    }
    Ok(Value::dict(all))
}

/// Names of arguments may be templates too (`set_fact: {"{{ name }}": 1}`).
fn rendered_name(name: &Key, evaluation: &Evaluation<'_>) -> Result<Key, Trouble> {
    match name.as_str() {
        Some(text) if text.contains("{{") => {
            let rendered = evaluation.render(&Value::template(text, crate::diag::Span::NONE))?;
            Ok(Key::from(rendered.to_text()))
        }
        _ => Ok(name.clone()),
    }
}

fn run_control(
    entry: &dyn ControlEntry,
    step: &Step,
    keywords: &Keywords,
    evaluation: &Evaluation<'_>,
) -> Result<Outcome, Trouble> {
    let arguments = arguments(step, entry.raw(), evaluation)?;
    if keywords.job.is_some() {
        return Err(asynchronous::refused(step));
    }
    let view = View {
        step,
        evaluation: *evaluation,
        check: keywords.check,
    };
    let request = Request {
        arguments: &arguments,
        check: keywords.check,
        hold: false,
    };
    Ok(complete(entry.run(request, &view), keywords, evaluation))
}

fn run_module(
    entry: &dyn ModuleEntry,
    step: &Step,
    keywords: &Keywords,
    evaluation: &Evaluation<'_>,
) -> Result<Outcome, Trouble> {
    let arguments = arguments(step, &[], evaluation)?;
    if keywords.job.is_some() && !entry.asynchronous() {
        return Err(asynchronous::refused(step));
    }
    let needs = entry.prepare(&arguments).map_err(|error| Trouble {
        diagnostic: Some(
            Diagnostic::error("argument-wrong", error.to_string()).at(error.span.or(step.span), ""),
        ),
        ..Trouble::new(error.to_string())
    })?;
    let supplied = supply(step, &needs, evaluation)?;
    let invocation = Invocation {
        module: step.module.to_string(),
        arguments,
        check: keywords.check,
        becoming: keywords.becoming.clone(),
        environment: keywords.environment.clone(),
        supplied,
        timeout: keywords.timeout,
        hold: false,
        seen: step.seen,
        asynchronous: keywords.job.map(|job| job.limit),
    };
    let outcome = execute(invocation, step, keywords, evaluation)?;
    match keywords.job {
        Some(job) => asynchronous::wait(outcome, job, step, keywords, evaluation),
        None => Ok(complete(outcome, keywords, evaluation)),
    }
}

/// Runs a module where the step's modules run.
pub(super) fn execute(
    invocation: Invocation,
    step: &Step,
    keywords: &Keywords,
    evaluation: &Evaluation<'_>,
) -> Result<Outcome, Trouble> {
    let executor = evaluation.context.executor;
    executor
        .execute(step.id, invocation, keywords.delegate.as_deref())
        .map_err(|error| match error {
            ExecutionError::Unreachable(message) => Trouble {
                unreachable: true,
                ..Trouble::new(message)
            },
            ExecutionError::Failed(message) => Trouble::new(message),
        })
}

/// Lets the controller do its part.
fn complete(outcome: Outcome, keywords: &Keywords, evaluation: &Evaluation<'_>) -> Outcome {
    if outcome.request.is_none() {
        return outcome;
    }
    evaluation.context.executor.complete(
        outcome,
        keywords.becoming.as_ref(),
        keywords.delegate.as_deref(),
        keywords.check,
    )
}
