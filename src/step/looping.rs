//! A task with its loop: items found, run one after the other, and folded into one result.

use std::sync::Arc;
use std::time::Duration;

use super::StepContext;
use super::conclude::Ended;
use super::evaluation::Evaluation;
use super::item::{self, LoopError};
use crate::diag::Span;
use crate::kit::ControllerRequest;
use crate::template::TemplateError;
use crate::value::{Dict, Kind, Value, is_variable_name};
use crate::vars::Layered;
use crate::wire::{ItemResult, Loop, LoopSource, Status, Step, TaskResult};

/// Runs a step to its end.
pub fn run(step: &Step, context: &StepContext<'_>) -> TaskResult {
    let evaluation = Evaluation {
        context,
        variables: context.variables,
    };
    let Some(looping) = &step.looping else {
        return finish(item::run(step, &evaluation, None));
    };
    let cannot_begin = |error: LoopError| {
        let undefined = matches!(&error, LoopError::Items(error) if error.is_undefined());
        let mut result = finish(item::run(step, &evaluation, Some(error)));
        if !undefined && result.status == Status::Failed {
            // As in Ansible: the task as such was never tried.
            result.value.remove("changed");
        }
        result
    };
    match items(looping, &evaluation) {
        // A loop over something undefined is no fault where the condition keeps the task from running.
        Err(error) => cannot_begin(LoopError::Items(error)),
        Ok(items) if items.is_empty() => {
            let value = Dict::new()
                .with("changed", false)
                .with("skipped", true)
                .with("skipped_reason", "No items in the list")
                .with("results", Value::list([]));
            TaskResult {
                value,
                items: Some(Vec::new()),
                ..TaskResult::new(Status::Skipped)
            }
        }
        Ok(items) => match Control::read(looping, &evaluation) {
            Err(error) => cannot_begin(LoopError::Control(error)),
            Ok(control) => run_items(step, &items, &control, looping, &evaluation),
        },
    }
}

fn finish(ended: Ended) -> TaskResult {
    let status = ended.status();
    TaskResult {
        status,
        value: ended.value,
        items: None,
        diff: ended.diff,
        warnings: ended.warnings,
        no_log: ended.no_log,
        ignore_errors: ended.ignore_errors,
        shown: ended.shown,
        requests: ended.request.into_iter().collect(),
        facts: ended.facts,
        diagnostic: ended.diagnostic,
        delegated: ended.delegated,
        applied: false,
    }
}

fn items(looping: &Loop, evaluation: &Evaluation<'_>) -> Result<Vec<Value>, TemplateError> {
    match &looping.source {
        LoopSource::Items(value) => {
            let rendered = evaluation.render(value)?;
            match rendered.kind() {
                Kind::List(items) | Kind::Tuple(items) => Ok(items.to_vec()),
                _ => Err(TemplateError::new(format!(
                    "`loop` wants a list, not {} `{rendered:?}`; `loop: \"{{{{ x | list }}}}\"` or `query` makes one",
                    rendered.type_name()
                ))
                .at(value.origin())),
            }
        }
        LoopSource::Lookup { name, terms } => evaluation
            .context
            .templar
            .loop_lookup(name, terms, &evaluation.scope())
            .map(|items| items.into_iter().map(listed).collect()),
    }
}

/// Tuples are of templates only: an item holds lists.
fn listed(item: Value) -> Value {
    item.map(&mut |value| match value.kind() {
        Kind::Tuple(items) => Value::new(Kind::List(items.clone()))
            .with_marks(value.marks())
            .with_origin(value.origin()),
        _ => value,
    })
}

/// `loop_control` with its values for this host.
struct Control {
    variable: Arc<str>,
    index: Option<Arc<str>>,
    pause: Duration,
    extended: bool,
    extended_all: bool,
}

impl Control {
    fn read(looping: &Loop, evaluation: &Evaluation<'_>) -> Result<Self, TemplateError> {
        let control = &looping.control;
        let name =
            |keyword: &str, value: &Option<Value>| -> Result<Option<Arc<str>>, TemplateError> {
                value
                    .as_ref()
                    .map(|value| evaluation.text(keyword, value).map(Arc::from))
                    .transpose()
            };
        let flag = |keyword: &str, value: &Option<Value>, default: bool| {
            value
                .as_ref()
                .map_or(Ok(default), |value| evaluation.boolean(keyword, value))
        };
        let pause = control
            .pause
            .as_ref()
            .map_or(Ok(0.0), |value| evaluation.number("pause", value))?;
        let variable = name("loop_var", &control.variable)?.unwrap_or_else(|| "item".into());
        if !is_variable_name(&variable) {
            let place = control.variable.as_ref().map_or(Span::NONE, Value::origin);
            return Err(TemplateError::new(format!(
                "`loop_var` cannot be `{variable}`: the name of a variable begins with a letter or `_` and has only letters, digits and `_`"
            ))
            .at(place));
        }
        Ok(Self {
            variable,
            index: name("index_var", &control.index)?.filter(|index| !index.is_empty()),
            pause: Duration::try_from_secs_f64(pause).unwrap_or_default(),
            extended: flag("extended", &control.extended, false)?,
            extended_all: flag("extended_allitems", &control.extended_all, true)?,
        })
    }

    /// The variables that an item brings.
    fn variables(&self, items: &[Value], at: usize) -> Dict {
        let item = items.get(at).cloned().unwrap_or_default();
        let mut variables = Dict::new();
        variables.insert(self.variable.clone(), item);
        variables.insert("ansible_loop_var", self.variable.clone());
        if let Some(index) = &self.index {
            variables.insert(index.clone(), at);
            variables.insert("ansible_index_var", index.clone());
        }
        if self.extended {
            variables.insert("ansible_loop", self.extended_dict(items, at));
        }
        variables
    }

    fn extended_dict(&self, items: &[Value], at: usize) -> Dict {
        let length = items.len();
        let mut dict = Dict::new();
        if self.extended_all {
            dict.insert("allitems", Value::list(items.iter().cloned()));
        }
        dict.insert("index", at + 1);
        dict.insert("index0", at);
        dict.insert("first", at == 0);
        dict.insert("last", at + 1 == length);
        dict.insert("length", length);
        dict.insert("revindex", length - at);
        dict.insert("revindex0", length - at - 1);
        if let Some(next) = items.get(at + 1) {
            dict.insert("nextitem", next.clone());
        }
        if let Some(previous) = at.checked_sub(1).and_then(|before| items.get(before)) {
            dict.insert("previtem", previous.clone());
        }
        dict
    }
}

fn run_items(
    step: &Step,
    items: &[Value],
    control: &Control,
    looping: &Loop,
    evaluation: &Evaluation<'_>,
) -> TaskResult {
    let mut all = Folded::default();
    // What an item registered or set is seen by those behind it.
    let mut learned = Dict::new();
    for at in 0..items.len() {
        if at > 0 && !control.pause.is_zero() && !evaluation.context.executor.sleep(control.pause) {
            break;
        }
        let own = control.variables(items, at);
        let known = Layered {
            first: &learned,
            then: evaluation.variables,
        };
        let variables = Layered {
            first: &own,
            then: &known,
        };
        let inside = evaluation.with(&variables);
        let mut ended = item::run(step, &inside, None);
        for (name, value) in &own {
            ended.value.insert(name.clone(), value.clone().untrusted());
        }
        let label = label(looping, &ended, &own, control, &inside);
        let stop = breaks(step, looping, &ended, &variables, evaluation);
        let result = ItemResult {
            status: ended.status(),
            value: ended.value.clone(),
            label,
            diff: ended.diff.clone(),
            no_log: ended.no_log,
            ignored: ended.ignore_errors && ended.failed(),
            shown: ended.shown,
            delegated: ended.delegated.clone(),
        };
        evaluation.context.executor.item_done(step.id, &result);
        let news = news(step, &ended);
        all.add(ended, result);
        match stop {
            Ok(false) => {}
            Ok(true) => break,
            Err(error) => {
                all.trouble = Some(error);
                break;
            }
        }
        if all.unreachable {
            break;
        }
        learned.extend(news);
    }
    all.into_result()
}

/// What the items behind one see of it: its result under the registered name, its facts, the variables that it set.
fn news(step: &Step, ended: &Ended) -> Dict {
    let mut news = Dict::new();
    if let Some(name) = &step.register {
        news.insert(name.clone(), Value::dict(ended.value.clone()).untrusted());
    }
    match &ended.request {
        Some(ControllerRequest::SetFacts(facts, _)) => {
            for (name, value) in facts {
                news.insert(name.clone(), value.clone().untrusted());
            }
        }
        Some(ControllerRequest::IncludeVars(variables)) => news.extend(variables.clone()),
        _ => {}
    }
    news
}

fn label(
    looping: &Loop,
    ended: &Ended,
    own: &Dict,
    control: &Control,
    evaluation: &Evaluation<'_>,
) -> Value {
    let item = own.get(&control.variable).cloned().unwrap_or_default();
    let Some(template) = &looping.control.label else {
        return item;
    };
    let trial = Layered {
        first: &ended.value,
        then: evaluation.variables,
    };
    // A label that cannot be made is no reason to fail: the item itself tells which one it was.
    evaluation.with(&trial).render(template).unwrap_or(item)
}

fn breaks(
    step: &Step,
    looping: &Loop,
    ended: &Ended,
    variables: &Layered<'_>,
    evaluation: &Evaluation<'_>,
) -> Result<bool, TemplateError> {
    let conditions = &looping.control.break_when;
    if conditions.is_empty() {
        return Ok(false);
    }
    let trial = item::trial_variables(step, &ended.value);
    let layered = Layered {
        first: &trial,
        then: variables,
    };
    Ok(evaluation.with(&layered).first_false(conditions)?.is_none())
}

/// The items' results, folded.
#[derive(Default)]
struct Folded {
    results: Vec<Value>,
    items: Vec<ItemResult>,
    diff: Vec<crate::kit::Diff>,
    warnings: Vec<String>,
    requests: Vec<crate::kit::ControllerRequest>,
    facts: Dict,
    diagnostic: Option<crate::diag::Diagnostic>,
    delegated: Option<String>,
    changed: bool,
    failed: bool,
    ignored: bool,
    ran: bool,
    no_log: bool,
    unreachable: bool,
    trouble: Option<TemplateError>,
}

impl Folded {
    fn add(&mut self, ended: Ended, result: ItemResult) {
        self.changed |= ended.value.get("changed").is_some_and(Value::is_true);
        if ended.failed() {
            self.failed = true;
            // As in Ansible the last failed item says whether errors are ignored.
            self.ignored = ended.ignore_errors;
        }
        self.unreachable |= ended.unreachable;
        self.no_log |= ended.no_log;
        self.ran |= result.status != Status::Skipped;
        self.diagnostic = self.diagnostic.take().or(ended.diagnostic);
        self.delegated = ended.delegated.or(self.delegated.take());
        self.requests.extend(ended.request);
        self.facts.extend(ended.facts);
        self.diff.extend(ended.diff);
        for warning in ended.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        self.results.push(Value::dict(ended.value));
        self.items.push(result);
    }

    fn into_result(self) -> TaskResult {
        let mut value = Dict::new()
            .with("results", Value::list(self.results))
            .with("changed", self.changed);
        let status = if self.unreachable {
            value.insert("unreachable", true);
            Status::Unreachable
        } else if let Some(error) = &self.trouble {
            value.insert("failed", true);
            value.insert("msg", error.to_string());
            Status::Failed
        } else if self.failed {
            value.insert("failed", true);
            value.insert("msg", "One or more items failed");
            Status::Failed
        } else if !self.ran {
            value.insert("skipped", true);
            value.insert("msg", "All items skipped");
            Status::Skipped
        } else {
            value.insert("msg", "All items completed");
            if self.changed {
                Status::Changed
            } else {
                Status::Ok
            }
        };
        if !value.contains("skipped") {
            value.insert("skipped", false);
        }
        if !self.warnings.is_empty() {
            value.insert("warnings", self.warnings.clone());
        }
        TaskResult {
            status,
            value,
            items: Some(self.items),
            diff: self.diff,
            warnings: self.warnings,
            no_log: self.no_log,
            ignore_errors: self.ignored,
            shown: false,
            requests: self.requests,
            facts: self.facts,
            diagnostic: self.diagnostic.or_else(|| self.trouble.map(Into::into)),
            delegated: self.delegated,
            applied: false,
        }
    }
}
