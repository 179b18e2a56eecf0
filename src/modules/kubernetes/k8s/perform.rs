//! One object: looked for, compared, and made, patched, replaced or deleted, for real or as a rehearsal of the API.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::cluster::wait::{Goal, Patience, exists, items, why};
use super::super::cluster::{Answered, Cluster, Question, Refusal, Resource};
use super::super::object::difference::Difference;
use super::super::object::{apply, difference, hash, hidden, metadata, selector};
use super::{K8sArgs, MergeType, State, named};
use crate::kit::{Diff, Failure};
use crate::value::{Dict, Value};

/// How long a kind may take until the API knows it.
const NEW_KIND: u32 = 15;

/// Whether it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Rehearse,
    Real,
}

/// What the task says for all its objects.
pub(super) struct Task<'t> {
    pub(super) args: &'t K8sArgs,
    pub(super) cluster: &'t Cluster<'t>,
    pub(super) merge_types: Vec<MergeType>,
    pub(super) patience: Patience,
}

/// What became of an object, or would.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) changed: bool,
    /// It is as described, but not as waited for.
    pub(super) waiting: bool,
    pub(super) warnings: Vec<String>,
    method: Option<&'static str>,
    object: Json,
    difference: Option<Difference>,
    /// The kind is one whose content nobody shall see.
    secret: bool,
    message: Option<String>,
    duration: Option<u64>,
    error: Option<Dict>,
}

impl Report {
    /// Nobody knows yet.
    pub(super) fn unknown() -> Self {
        Self {
            changed: true,
            object: json!({}),
            ..Self::default()
        }
    }

    /// It failed, and others go on.
    pub(super) fn failed(failure: &Failure) -> Self {
        let error = failure.values.clone().with("msg", failure.message.as_str());
        Self {
            object: json!({}),
            error: Some(error),
            ..Self::default()
        }
    }

    /// Return values.
    pub(super) fn values(&self, hidden_fields: &[String]) -> Dict {
        let object = hidden::without(&self.object, hidden_fields);
        let mut values = Dict::new().with("result", Value::from_json(object));
        if let Some(method) = self.method {
            values.insert("method", method);
        }
        if let Some(message) = &self.message {
            values.insert("msg", message.as_str());
        }
        if let Some(duration) = self.duration {
            values.insert("duration", duration);
        }
        if let Some(error) = &self.error {
            values.insert("error", error.clone());
        }
        values
    }

    pub(super) fn diff(&self, hidden_fields: &[String]) -> Option<Diff> {
        let difference = self.difference.as_ref()?;
        let side = |side: &Json, when: &str| {
            let mut side = hidden::without(side, hidden_fields);
            if self.secret {
                veil(&mut side, when);
            }
            Value::from_json(side)
        };
        Some(Diff::state(
            side(&difference.before, "before"),
            side(&difference.after, "after"),
        ))
    }
}

/// Puts a word in the place of all that a Secret holds.
fn veil(side: &mut Json, when: &str) {
    for part in ["data", "stringData"] {
        let all = side.get_mut(part).and_then(Json::as_object_mut);
        for (_, value) in all.into_iter().flatten() {
            *value = format!("(hidden, {when})").into();
        }
    }
    // It holds the description with all that was in it.
    let annotations = side.pointer_mut("/metadata/annotations");
    if let Some(annotations) = annotations.and_then(Json::as_object_mut) {
        annotations.shift_remove(apply::LAST_APPLIED);
    }
}

/// Returns the kind of that name, or a failure in Ansible's words.
pub(super) fn resource(
    cluster: &Cluster<'_>,
    kind: &str,
    api_version: &str,
) -> Result<Resource, Failure> {
    let found = cluster
        .resource(kind, api_version)
        .map_err(|refusal| refusal.failure("Failed to look up the API's resources"))?;
    found.ok_or_else(|| {
        Failure::new(format!(
            "Failed to find exact match for {api_version}.{kind} by [kind, name, singularName, shortNames]; check `api_version` and `kind`, and that its custom resource definition is there"
        ))
    })
}

impl Task<'_> {
    /// Waits a moment for the object's kind, which an earlier object may have brought.
    pub(super) fn expect(&self, description: &Json) -> Result<(), Failure> {
        for _ in 0..NEW_KIND {
            self.cluster.look_again();
            if self.resource(description).is_ok() {
                break;
            }
            self.cluster.host.sleep(Duration::from_secs(1))?;
        }
        Ok(())
    }

    fn resource(&self, description: &Json) -> Result<Resource, Failure> {
        let text = |name: &str| {
            description
                .get(name)
                .and_then(Json::as_str)
                .unwrap_or_default()
        };
        resource(self.cluster, text("kind"), text("apiVersion"))
    }

    /// Deals with one object.
    pub(super) fn perform(&self, description: &Json, mode: Mode) -> Result<Report, Failure> {
        let resource = self.resource(description)?;
        let mut wanted = description.clone();
        wanted["kind"] = resource.kind.as_str().into();
        wanted["apiVersion"] = resource.api_version.as_str().into();
        if self.args.append_hash {
            hash::append(&mut wanted);
        }
        let one = One {
            task: self,
            resource: &resource,
            wanted: &wanted,
            mode,
        };
        let existing = one.existing()?;
        let mut report = if self.args.state == State::Absent {
            one.delete(existing.as_ref())?
        } else {
            one.make(existing.as_ref())?
        };
        report.secret = resource.kind == "Secret";
        if self.args.wait && report.method.is_some() {
            one.wait(&mut report)?;
        }
        Ok(report)
    }
}

/// One object on its way.
struct One<'o> {
    task: &'o Task<'o>,
    resource: &'o Resource,
    wanted: &'o Json,
    mode: Mode,
}

impl One<'_> {
    fn name(&self) -> Option<&str> {
        metadata(self.wanted, "name")
    }

    fn namespace(&self) -> Option<&str> {
        metadata(self.wanted, "namespace")
    }

    fn path(&self, name: Option<&str>) -> String {
        self.resource.path(self.namespace(), name)
    }

    /// Returns the object that is there, or the list of those with the task's labels.
    fn existing(&self) -> Result<Option<Json>, Failure> {
        let selection = self.task.args.selection();
        let deletes = self.task.args.state == State::Absent;
        if self.name().is_none() && (selection.is_empty() || !deletes) {
            return Ok(None);
        }
        match self.task.cluster.get(&self.path(self.name()), selection) {
            Ok(object) => Ok(Some(object)),
            Err(refusal) if refusal.is(404) || refusal.is(405) => Ok(None),
            Err(refusal) => Err(self.failure(refusal, "retrieve requested")),
        }
    }

    fn failure(&self, refusal: Refusal, verb: &str) -> Failure {
        refusal.failure(&format!("Failed to {verb} object: {}", named(self.wanted)))
    }

    /// Asks the API to do it, or to rehearse it.
    fn ask(&self, method: &str, question: Question<'_>) -> Result<Answered, Refusal> {
        let mut question = question;
        if self.mode == Mode::Rehearse {
            question.query.push(("dryRun", "All".to_owned()));
        }
        if let Some(validate) = self
            .task
            .args
            .validate
            .as_ref()
            .filter(|_| method != "DELETE")
        {
            let strict = validate.fail_on_error && validate.strict;
            let level = if strict { "Strict" } else { "Warn" };
            question.query.push(("fieldValidation", level.to_owned()));
        }
        self.task.cluster.ask(method, &question)
    }

    fn delete(&self, existing: Option<&Json>) -> Result<Report, Failure> {
        let mut report = Report {
            method: Some("delete"),
            object: json!({}),
            ..Report::default()
        };
        let Some(existing) = existing.filter(|existing| exists(Some(existing))) else {
            return Ok(report);
        };
        report.changed = true;
        report.object = match items(existing).filter(|_| self.name().is_none()) {
            Some(items) => {
                let all = items.iter().map(|item| {
                    self.delete_at(&self.resource.path(
                        metadata(item, "namespace").or(self.namespace()),
                        metadata(item, "name"),
                    ))
                });
                all.collect::<Result<Vec<Json>, Failure>>()?.into()
            }
            None => self.delete_at(&self.path(self.name()))?,
        };
        Ok(report)
    }

    fn delete_at(&self, path: &str) -> Result<Json, Failure> {
        // The API takes `dryRun` from the body where there is one, and would delete: a rehearsal has none.
        let options = self.task.args.delete_options.as_ref();
        let options = options.filter(|_| self.mode == Mode::Real);
        let body = options.map(super::DeleteOptions::body);
        let question = Question {
            path: path.to_owned(),
            body: body.as_ref(),
            ..Question::default()
        };
        match self.ask("DELETE", question) {
            Ok(answer) => Ok(answer.object),
            // Somebody was faster.
            Err(refusal) if refusal.is(404) => Ok(json!({})),
            Err(refusal) => Err(self.failure(refusal, "delete")),
        }
    }

    fn make(&self, existing: Option<&Json>) -> Result<Report, Failure> {
        let args = self.task.args;
        if !args.label_selectors.is_empty() && !selector::fits(self.wanted, &args.label_selectors) {
            return Ok(Report {
                object: json!({}),
                message: Some(format!(
                    "resource 'kind={},name={},namespace={}' filtered by label_selectors.",
                    self.resource.kind,
                    self.name().unwrap_or("None"),
                    self.namespace().unwrap_or("None")
                )),
                ..Report::default()
            });
        }
        if self.resource.namespaced && self.namespace().is_none() {
            let what = format!("{}.{}", self.resource.api_version, self.resource.kind);
            return Err(Failure::new(format!(
                "Failed to create object: Namespace is required for {what}; set `namespace`"
            )));
        }
        let (method, answer) = match existing {
            _ if args.apply => ("apply", self.apply(existing)?),
            None if args.state == State::Patched => {
                let warning = format!(
                    "resource 'kind={},name={}' was not found but will not be created as 'state' parameter has been set to 'patched'",
                    self.resource.kind,
                    self.name().unwrap_or("None")
                );
                return Ok(Report {
                    object: json!({}),
                    warnings: vec![warning],
                    ..Report::default()
                });
            }
            None => return self.create(),
            Some(existing) if args.force => ("replace", self.replace(existing)?),
            Some(_) => ("update", self.update()?),
        };
        let nothing = json!({});
        let difference = difference::of(existing.unwrap_or(&nothing), &answer.object);
        let idle = difference.as_ref().is_some_and(Difference::is_idle);
        let mut warnings = answer.warnings;
        if idle {
            warnings.push(
                "No meaningful diff was generated, but the API may not be idempotent (only metadata.generation or metadata.resourceVersion were changed)"
                    .to_owned(),
            );
        }
        Ok(Report {
            changed: difference.is_some() && !idle,
            method: Some(method),
            object: answer.object,
            difference,
            warnings,
            ..Report::default()
        })
    }

    fn create(&self) -> Result<Report, Failure> {
        let mut report = Report {
            changed: true,
            method: Some("create"),
            object: json!({}),
            ..Report::default()
        };
        match self.post(self.wanted) {
            Ok(answer) => {
                report.object = answer.object;
                report.warnings = answer.warnings;
            }
            Err(refusal) if refusal.is(409) => report.warnings.push(format!(
                "{} was not found, but creating it returned a 409 Conflict error. This can happen if the resource you are creating does not directly create a resource of the same kind.",
                self.name().unwrap_or_default()
            )),
            Err(refusal) => return Err(self.failure(refusal, "create")),
        }
        Ok(report)
    }

    fn post(&self, body: &Json) -> Result<Answered, Refusal> {
        let question = Question {
            path: self.path(None),
            body: Some(body),
            ..Question::default()
        };
        self.ask("POST", question)
    }

    fn patch(&self, body: &Json, content_type: &str) -> Result<Answered, Refusal> {
        let question = Question {
            path: self.path(self.name()),
            body: Some(body),
            content_type: Some(content_type),
            ..Question::default()
        };
        self.ask("PATCH", question)
    }

    fn apply(&self, existing: Option<&Json>) -> Result<Answered, Failure> {
        if self.name().is_none() {
            return Err(Failure::new(format!(
                "Failed to apply object: {} has no name, and `apply` needs one",
                named(self.wanted)
            )));
        }
        let answer = if let Some(server) = &self.task.args.server_side_apply {
            let question = Question {
                path: self.path(self.name()),
                query: vec![
                    ("fieldManager", server.field_manager.clone()),
                    ("force", server.force_conflicts.to_string()),
                ],
                body: Some(self.wanted),
                content_type: Some("application/apply-patch+yaml"),
            };
            self.ask("PATCH", question)
        } else {
            match existing {
                None => self.post(&apply::annotated(self.wanted)),
                Some(existing) => {
                    let patch = apply::patch(existing, self.wanted).map_err(|error| {
                        let what = named(self.wanted);
                        Failure::new(format!("Failed to apply object: {what}: {error}"))
                    })?;
                    match patch {
                        None => Ok(Answered {
                            object: existing.clone(),
                            warnings: Vec::new(),
                        }),
                        Some(patch) => self.patch(&patch, "application/merge-patch+json"),
                    }
                }
            }
        };
        answer.map_err(|refusal| self.failure(refusal, "apply"))
    }

    fn replace(&self, existing: &Json) -> Result<Answered, Failure> {
        let mut body = self.wanted.clone();
        if metadata(&body, "resourceVersion").is_none()
            && let Some(version) = metadata(existing, "resourceVersion")
        {
            body["metadata"]["resourceVersion"] = version.into();
        }
        let question = Question {
            path: self.path(self.name()),
            body: Some(&body),
            ..Question::default()
        };
        self.ask("PUT", question)
            .map_err(|refusal| self.failure(refusal, "replace"))
    }

    /// Patches in the first way that the API takes.
    fn update(&self) -> Result<Answered, Failure> {
        let mut last = None;
        for merge_type in &self.task.merge_types {
            let content_type = match merge_type {
                MergeType::Merge => "application/merge-patch+json",
                MergeType::StrategicMerge => "application/strategic-merge-patch+json",
            };
            match self.patch(self.wanted, content_type) {
                Ok(answer) => return Ok(answer),
                Err(refusal) => last = Some(refusal),
            }
        }
        let refusal = last.unwrap_or_else(|| Refusal::Unanswered(Failure::new("no merge type")));
        Err(self.failure(refusal, "patch"))
    }

    /// Waits for what the task waits for; a rehearsal only tells whether it would have to.
    fn wait(&self, report: &mut Report) -> Result<(), Failure> {
        let args = self.task.args;
        let absent = args.state == State::Absent;
        let goal = match &args.wait_condition {
            _ if absent => Goal::Absent,
            condition => Goal::Ready(condition.as_ref()),
        };
        if self.mode == Mode::Rehearse {
            report.waiting = !absent && !goal.is_reached(Some(&report.object));
            if !report.changed && !report.waiting {
                report.duration = Some(0);
            }
            return Ok(());
        }
        let path = if absent {
            self.path(self.name())
        } else {
            self.resource.place(&report.object)
        };
        let selection = args.selection();
        let waited = self
            .task
            .cluster
            .wait(&path, &selection, goal, self.task.patience)
            .map_err(|refusal| self.failure(refusal, "wait for"))?;
        report.duration = Some(waited.duration);
        let state = why(waited.object.as_ref());
        if !absent {
            report.object = waited.object.unwrap_or_else(|| json!({}));
        }
        if waited.reached {
            return Ok(());
        }
        let mut failure = Failure::new(format!(
            "\"{}\" \"{}\": Timed out waiting on resource after {} s: {state}; look at it with `kubectl describe`, or raise `wait_timeout`",
            self.resource.kind,
            self.name().unwrap_or_default(),
            self.task.patience.timeout
        ));
        failure.values = report.values(&args.hidden_fields);
        failure.changed = report.changed;
        Err(failure)
    }
}
