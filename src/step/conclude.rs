//! From what a module said to a task's result: `failed` and `changed` as the task judges them, Ansible's names and extras.

use super::evaluation::{Evaluation, Trouble};
use super::item::trial_variables;
use super::keywords::Keywords;
use crate::diag::Diagnostic;
use crate::kit::{ControllerRequest, Diff, Entry, Outcome};
use crate::value::{Dict, Value};
use crate::vars::Layered;
use crate::wire::{Status, Step};

/// One run of a task, ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) value: Dict,
    pub(super) diff: Vec<Diff>,
    pub(super) warnings: Vec<String>,
    pub(super) no_log: bool,
    pub(super) ignore_errors: bool,
    pub(super) unreachable: bool,
    pub(super) shown: bool,
    pub(super) request: Option<ControllerRequest>,
    pub(super) facts: Dict,
    pub(super) diagnostic: Option<Diagnostic>,
    pub(super) delegated: Option<String>,
}

impl Ended {
    fn new(value: Dict) -> Self {
        Self {
            value,
            diff: Vec::new(),
            warnings: Vec::new(),
            no_log: false,
            ignore_errors: false,
            unreachable: false,
            shown: false,
            request: None,
            facts: Dict::new(),
            diagnostic: None,
            delegated: None,
        }
    }

    fn flag(&self, name: &str) -> bool {
        self.value.get(name).is_some_and(Value::is_true)
    }

    /// What `failed_when` found goes before what anything else found, tries that ran out included.
    pub(super) fn failed(&self) -> bool {
        let judged = self.value.get("failed_when_result");
        judged.map_or_else(
            || self.flag("failed"),
            |judged| judged.as_bool() != Some(false),
        )
    }

    pub(super) fn fail(&mut self) {
        self.value.insert("failed", true);
    }

    pub(super) fn status(&self) -> Status {
        if self.unreachable {
            Status::Unreachable
        } else if self.failed() {
            Status::Failed
        } else if self.flag("skipped") {
            Status::Skipped
        } else if self.flag("changed") {
            Status::Changed
        } else {
            Status::Ok
        }
    }
}

/// The result of a condition that does not hold.
pub(super) fn condition_false(condition: &Value) -> Ended {
    Ended::new(
        Dict::new()
            .with("changed", false)
            .with("skipped", true)
            .with("skip_reason", "Conditional result was False")
            .with("false_condition", condition.clone().untrusted()),
    )
}

/// The result of something that could not even begin.
pub(super) fn trouble(trouble: Trouble, keywords: Option<&Keywords>) -> Ended {
    let mut value = Dict::new()
        .with("changed", false)
        .with("msg", trouble.message);
    if trouble.unreachable {
        value.insert("unreachable", true);
    } else {
        value.insert("failed", true);
    }
    Ended {
        unreachable: trouble.unreachable,
        diagnostic: trouble.diagnostic,
        ignore_errors: keywords.is_some_and(|keywords| keywords.ignore_errors),
        delegated: keywords.and_then(|keywords| keywords.delegate.clone()),
        ..Ended::new(value)
    }
}

/// The result of a module.
pub(super) fn outcome(outcome: Outcome, keywords: &Keywords) -> Ended {
    let Outcome {
        changed,
        failed,
        skipped,
        mut values,
        diff,
        warnings,
        request,
        shown,
        held: _,
        applied: _,
        why,
    } = outcome;
    let diff = if keywords.show_diff { diff } else { Vec::new() };
    match diff.as_slice() {
        [] => {}
        [only] if only.alone => {
            values.insert("diff", only.to_value());
        }
        all => {
            values.insert("diff", Value::list(all.iter().map(Diff::to_value)));
        }
    }
    // What says why it was skipped never came to a module, which is who says whether it failed.
    if failed || !skipped || why.is_none() {
        values.insert("failed", failed);
    }
    values.insert("changed", changed);
    if skipped {
        values.insert("skipped", true);
    }
    // What `pause` says is no output of a module.
    let streams: &[&str] = match request {
        Some(ControllerRequest::Pause(_)) => &[],
        _ => &["stdout", "stderr"],
    };
    for stream in streams {
        let name = format!("{stream}_lines");
        if let Some(lines) = values.get(stream).and_then(Value::as_str).map(split_lines)
            && !values.contains(&name)
        {
            values.insert(name, lines);
        }
    }
    if !warnings.is_empty() {
        values.insert("warnings", warnings.clone());
    }
    let facts = values
        .get("ansible_facts")
        .and_then(Value::as_dict)
        .cloned()
        .unwrap_or_default();
    Ended {
        diff,
        warnings,
        ignore_errors: keywords.ignore_errors,
        request,
        facts,
        shown,
        delegated: keywords.delegate.clone(),
        ..Ended::new(values)
    }
}

/// Python's `splitlines` for what commands print.
fn split_lines(text: &str) -> Value {
    let mut lines: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find([
        '\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}',
        '\u{2029}',
    ]) {
        let (line, tail) = rest.split_at(at);
        lines.push(line);
        let skip = if tail.starts_with("\r\n") {
            2
        } else {
            tail.chars().next().map_or(1, char::len_utf8)
        };
        rest = tail.get(skip..).unwrap_or_default();
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines.into_iter().map(Value::text).collect()
}

/// Lets `changed_when` and `failed_when` judge the result.
pub(super) fn judge(step: &Step, ended: &mut Ended, evaluation: &Evaluation<'_>) {
    if ended.flag("skipped") {
        return;
    }
    if let Some(conditions) = &step.changed_when {
        match holds(step, conditions, ended, evaluation) {
            Ok(changed) => {
                ended.value.insert("changed", changed);
            }
            Err(trouble) => return spoil(ended, trouble, "changed_when"),
        }
    }
    if let Some(conditions) = &step.failed_when {
        match holds(step, conditions, ended, evaluation) {
            Ok(failed) => {
                if !failed && ended.flag("failed") && raises(step) {
                    ended.value.insert(
                        "failed_when_suppressed_exception",
                        "(traceback unavailable)",
                    );
                }
                ended.value.insert("failed_when_result", failed);
                ended.value.insert("failed", failed);
                if !failed {
                    ended.diagnostic = None;
                }
            }
            Err(trouble) => spoil(ended, trouble, "failed_when"),
        }
    }
}

/// Tells whether a failure of the step's module is an exception in Ansible: that of a module is, that of an action on the controller
/// is told in its values alone.
fn raises(step: &Step) -> bool {
    match crate::modules::find(&step.module) {
        Some(Entry::Control(_)) | None => false,
        Some(entry) => !matches!(
            entry.meta().name,
            "ansible.builtin.raw" | "ansible.builtin.script"
        ),
    }
}

fn holds(
    step: &Step,
    conditions: &[Value],
    ended: &Ended,
    evaluation: &Evaluation<'_>,
) -> Result<bool, Trouble> {
    let trial = trial_variables(step, &ended.value);
    let variables = Layered {
        first: &trial,
        then: evaluation.variables,
    };
    Ok(evaluation
        .with(&variables)
        .first_false(conditions)?
        .is_none())
}

/// A condition that cannot be evaluated fails the task; the module's own values stay.
fn spoil(ended: &mut Ended, trouble: Trouble, keyword: &str) {
    ended.value.insert("failed", true);
    ended
        .value
        .insert(format!("{keyword}_result"), trouble.message.clone());
    if !ended.value.contains("msg") {
        ended.value.insert("msg", trouble.message);
    }
    ended.diagnostic = trouble.diagnostic;
}
