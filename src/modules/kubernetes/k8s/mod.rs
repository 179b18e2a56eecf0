//! `kubernetes.core.k8s`: objects of a cluster, as tasks describe them.
//!
//! Here are the arguments and the plan over all descriptions; `source` finds these, `perform` deals with one of them.

mod perform;
mod source;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use self::perform::{Mode, Report, Task};
use super::cluster::wait::{Condition, Patience};
use super::cluster::{Cluster, with_cluster_access};
use super::object::metadata;
use crate::kit::{
    Any, Applied, ArgumentError, Diff, Effect, Failure, Host, HostPath, Meta, Module, Need,
    Outcome, Plan, Support,
};
use crate::value::{Dict, Value};

/// What there shall be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// The objects are not there.
    Absent,
    /// The objects are there and as described.
    #[default]
    Present,
    /// Objects that are there are as described.
    Patched,
}

/// How a patch is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum MergeType {
    /// Lists are replaced.
    Merge,
    /// Lists are merged as their kind says.
    StrategicMerge,
}

/// Apply by the server.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServerSideApply {
    /// Who owns the fields from then on.
    field_manager: String,
    /// Take fields over that somebody else owns.
    #[serde(default)]
    force_conflicts: bool,
}

/// How objects are validated.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Validate {
    /// Fields that the API does not know are a failure rather than a warning.
    #[serde(default)]
    fail_on_error: bool,
    /// Not supported: the cluster's own version counts.
    #[serde(default)]
    version: Option<String>,
    /// Unknown fields count.
    #[serde(default = "enabled")]
    strict: bool,
}

/// How objects are deleted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeleteOptions {
    /// What becomes of the objects that belong to it: `Foreground`, `Background` or `Orphan`.
    #[serde(default, rename = "propagationPolicy")]
    propagation_policy: Option<Propagation>,
    /// Seconds until a pod is ended.
    #[serde(default, rename = "gracePeriodSeconds")]
    grace_period_seconds: Option<i64>,
    /// What the object must be for that.
    #[serde(default)]
    preconditions: Option<Preconditions>,
}

/// What becomes of the objects that belong to a deleted one.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
enum Propagation {
    Foreground,
    Background,
    Orphan,
}

/// What an object must be to be deleted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Preconditions {
    /// Its version.
    #[serde(default, rename = "resourceVersion")]
    resource_version: Option<String>,
    /// Its identifier.
    #[serde(default)]
    uid: Option<String>,
}

impl DeleteOptions {
    fn body(&self) -> Json {
        let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
        if let Some(policy) = self.propagation_policy {
            body["propagationPolicy"] = format!("{policy:?}").into();
        }
        if let Some(seconds) = self.grace_period_seconds {
            body["gracePeriodSeconds"] = seconds.into();
        }
        if let Some(conditions) = &self.preconditions {
            let mut all = json!({});
            if let Some(version) = &conditions.resource_version {
                all["resourceVersion"] = version.as_str().into();
            }
            if let Some(uid) = &conditions.uid {
                all["uid"] = uid.as_str().into();
            }
            body["preconditions"] = all;
        }
        body
    }
}

with_cluster_access! {
    /// Manage objects of a Kubernetes cluster
    ///
    /// The host itself talks to the API; it needs nothing but a way there. An object that is there is patched; with `apply` it
    /// loses what an earlier description had and this one has not; with `force` it is replaced. Before anything is changed,
    /// the API is asked to rehearse it (`dryRun`), so that what it refuses is known before the first change.
    ///
    /// ## Check mode
    ///
    /// Tells what would change, as the API rehearses it. What depends on an object that the same task would make first cannot be
    /// rehearsed: that is a warning.
    ///
    /// ## Returns
    ///
    /// - `result`: the object as it is now; empty where it was deleted. Of several objects `results`, a list of all that is
    ///   returned of each.
    /// - `method`: what was done: `create`, `update`, `apply`, `replace` or `delete`.
    /// - `duration`: the seconds that it waited, with `wait`.
    /// - `error`: why an object failed, with `continue_on_error`.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - kubernetes.core.k8s:
    ///     kubeconfig: /etc/kubernetes/admin.conf
    ///     definition:
    ///       apiVersion: v1
    ///       kind: Namespace
    ///       metadata:
    ///         name: shop
    ///
    /// - kubernetes.core.k8s:
    ///     template: shop.yaml.j2
    ///     namespace: shop
    ///     apply: true
    ///     wait: true
    ///     wait_timeout: 300
    ///
    /// - kubernetes.core.k8s:
    ///     kind: Deployment
    ///     api_version: apps/v1
    ///     name: shop
    ///     namespace: shop
    ///     state: absent
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// `validate` is the API's own validation; `validate.version` is refused. Plugins of kubeconfigs that fetch credentials are
    /// refused. `diff` does not show what a Secret holds. A relative `src` or `kubeconfig` is looked for where the worker
    /// started, not in the role. An object that only had to be waited for is no change. A replaced object keeps its
    /// `resourceVersion` where the description has none.
    pub(super) struct K8sArgs {
        /// The kind of an object whose description does not say it.
        #[serde(default)]
        kind: Option<String>,
        /// The version of its API.
        #[serde(default = "first_version", alias = "api", alias = "version")]
        api_version: String,
        /// Its name.
        #[serde(default)]
        name: Option<String>,
        /// The beginning of its name; the API makes up the rest.
        #[serde(default)]
        generate_name: Option<String>,
        /// Its namespace.
        #[serde(default)]
        namespace: Option<String>,
        /// The objects: a dictionary, a list of them, or YAML text.
        #[serde(default, alias = "definition", alias = "inline")]
        resource_definition: Option<Any>,
        /// A file on the host, or an address, with objects in YAML.
        #[serde(default)]
        src: Option<HostPath>,
        /// Templates on the controller that render to objects in YAML: a path, a dictionary with `path` and the arguments of
        /// `template` for its syntax, or a list of these.
        #[serde(default)]
        template: Option<Any>,
        /// What there shall be.
        #[serde(default)]
        state: State,
        /// Replace an object that is there.
        #[serde(default)]
        force: bool,
        /// Apply: what an earlier description had and this one has not is removed.
        #[serde(default)]
        apply: bool,
        /// Let the server apply.
        #[serde(default)]
        server_side_apply: Option<ServerSideApply>,
        /// How patches are merged, tried in this order: `strategic-merge` and then `merge` without it.
        #[serde(default)]
        merge_type: Option<Vec<MergeType>>,
        /// What the API says of fields that it does not know.
        #[serde(default)]
        validate: Option<Validate>,
        /// Let the name of a `ConfigMap` or `Secret` end in a hash of its content.
        #[serde(default)]
        append_hash: bool,
        /// Go on with the other objects after one has failed.
        #[serde(default)]
        continue_on_error: bool,
        /// Only objects with these labels.
        #[serde(default)]
        label_selectors: Vec<String>,
        /// With `state: absent` and `kind`: delete all objects of that kind in the namespace.
        #[serde(default, alias = "all")]
        delete_all: bool,
        /// How objects are deleted.
        #[serde(default)]
        delete_options: Option<DeleteOptions>,
        /// Fields that results do not show.
        #[serde(default)]
        hidden_fields: Vec<String>,
        /// Wait until the objects are ready, or gone.
        #[serde(default)]
        wait: bool,
        /// Seconds between two looks.
        #[serde(default = "five")]
        wait_sleep: u64,
        /// Seconds in all.
        #[serde(default = "two_minutes")]
        wait_timeout: u64,
        /// The condition to wait for, instead of the rules of the kind.
        #[serde(default)]
        wait_condition: Option<Condition>,
    }
}

fn enabled() -> bool {
    true
}

fn first_version() -> String {
    "v1".to_owned()
}

fn five() -> u64 {
    5
}

fn two_minutes() -> u64 {
    120
}

/// What is to be done, object by object.
pub(in crate::modules) struct Change(Vec<Step>);

/// One object: what is known of it, and its description if something is left to do.
struct Step {
    report: Report,
    todo: Option<Json>,
}

pub(super) struct K8s;

impl Module for K8s {
    type Args = K8sArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "kubernetes.core.k8s",
        aliases: &[],
        family: "kubernetes",
        since: "0.1.0",
        effect: Effect::World,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        let definition = args.resource_definition.is_some();
        let exclusive = [
            (definition && args.src.is_some(), "resource_definition|src"),
            (args.merge_type.is_some() && args.apply, "merge_type|apply"),
            (
                args.template.is_some() && definition,
                "template|resource_definition",
            ),
            (
                args.template.is_some() && args.src.is_some(),
                "template|src",
            ),
            (
                args.name.is_some() && args.generate_name.is_some(),
                "name|generate_name",
            ),
        ];
        if let Some((_, names)) = exclusive.iter().find(|(both, _)| *both) {
            return Err(ArgumentError::general(format!(
                "parameters are mutually exclusive: {names}"
            )));
        }
        if args
            .validate
            .as_ref()
            .is_some_and(|validate| validate.version.is_some())
        {
            return Err(ArgumentError::new(
                "validate.version",
                "is not supported: the API validates by its own version",
            ));
        }
        args.cluster().validate()
    }

    fn prepare(args: &Self::Args) -> Vec<Need> {
        let Some(Any(template)) = &args.template else {
            return Vec::new();
        };
        let one = [template.clone()];
        let all = template.as_list().unwrap_or(&one);
        all.iter().filter_map(source::need).collect()
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let cluster = Cluster::new(&args.cluster(), host)?;
        let task = args.task(&cluster);
        let mut steps: Vec<Step> = Vec::new();
        let (mut changes, mut waits) = (false, false);
        let mut unknown = Vec::new();
        for description in args.descriptions(&cluster)? {
            let step = match task.perform(&description, Mode::Rehearse) {
                Ok(report) => {
                    changes |= report.changed;
                    waits |= report.waiting;
                    let todo = report.changed || report.waiting;
                    Step {
                        report,
                        todo: todo.then_some(description),
                    }
                }
                // It may need what an earlier one makes, or a server that does not know how to rehearse.
                Err(failure) if changes || failure.message.contains("does not support dry run") => {
                    changes = true;
                    unknown.push(format!(
                        "cannot say before what becomes of {}: {}",
                        named(&description),
                        failure.message
                    ));
                    Step {
                        report: Report::unknown(),
                        todo: Some(description),
                    }
                }
                Err(failure) if args.continue_on_error => Step {
                    report: Report::failed(&failure),
                    todo: None,
                },
                Err(failure) => return Err(failure),
            };
            steps.push(step);
        }
        let reports: Vec<&Report> = steps.iter().map(|step| &step.report).collect();
        let values = args.values(&reports);
        let warnings: Vec<String> = warnings(&reports);
        let diff: Vec<Diff> = args.differences(&reports);
        let mut plan = if changes || waits {
            Plan::change(Change(steps))
        } else {
            Plan::unchanged("the objects are as they shall be")
        };
        plan.uncounted = !changes;
        plan.diff = diff;
        // The run itself says again what the API warns of.
        if changes || waits {
            plan.warnings_in_check = warnings;
        } else {
            plan.warnings = warnings;
        }
        plan.warnings_in_check.extend(unknown);
        Ok(plan.with_all(values))
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let cluster = Cluster::new(&args.cluster(), host)?;
        let task = args.task(&cluster);
        let mut reports: Vec<Report> = Vec::new();
        let mut changed = false;
        let mut new_kinds = false;
        for step in change.0 {
            let Some(description) = step.todo else {
                reports.push(step.report);
                continue;
            };
            if new_kinds {
                task.expect(&description)?;
            }
            match task.perform(&description, Mode::Real) {
                Ok(report) => {
                    changed |= report.changed;
                    new_kinds |= description["kind"] == "CustomResourceDefinition";
                    reports.push(report);
                }
                Err(failure) if args.continue_on_error => {
                    changed |= failure.changed;
                    reports.push(Report::failed(&failure));
                }
                Err(failure) if changed => return Err(failure.after_change()),
                Err(failure) => return Err(failure),
            }
        }
        let reports: Vec<&Report> = reports.iter().collect();
        let mut outcome = Outcome::unchanged().with_all(args.values(&reports));
        outcome.changed = changed;
        outcome.warnings = warnings(&reports);
        Ok(outcome.into())
    }
}

/// What an object is called in messages.
fn named(object: &Json) -> String {
    let kind = object.get("kind").and_then(Json::as_str).unwrap_or("?");
    let name = metadata(object, "name").or_else(|| metadata(object, "generateName"));
    let name = name.unwrap_or_default();
    match metadata(object, "namespace") {
        Some(namespace) => format!("{kind} {name} in {namespace}"),
        None => format!("{kind} {name}"),
    }
}

fn warnings(reports: &[&Report]) -> Vec<String> {
    let all = reports.iter().flat_map(|report| report.warnings.iter());
    all.cloned().collect()
}

impl K8sArgs {
    fn task<'t>(&'t self, cluster: &'t Cluster<'t>) -> Task<'t> {
        let merge_types = match self.merge_type.as_deref() {
            None | Some([]) => vec![MergeType::StrategicMerge, MergeType::Merge],
            Some(types) => types.to_vec(),
        };
        Task {
            args: self,
            cluster,
            merge_types,
            patience: Patience {
                timeout: self.wait_timeout,
                sleep: self.wait_sleep,
            },
        }
    }

    /// Return values.
    fn values(&self, reports: &[&Report]) -> Dict {
        if let [one] = reports {
            return one.values(&self.hidden_fields);
        }
        let all = reports.iter().map(|report| {
            let mut values = report.values(&self.hidden_fields);
            values.insert("changed", report.changed);
            if !report.warnings.is_empty() {
                values.insert("warnings", report.warnings.clone());
            }
            Value::dict(values)
        });
        Dict::new().with("result", Dict::new().with("results", Value::list(all)))
    }

    fn differences(&self, reports: &[&Report]) -> Vec<Diff> {
        let all = reports.iter();
        let mut all: Vec<Diff> = all
            .filter_map(|report| report.diff(&self.hidden_fields))
            .collect();
        if reports.len() > 1 {
            for diff in &mut all {
                diff.alone = false;
            }
        }
        all
    }
}
