//! `kubernetes.core.k8s_drain`: a node is closed for new pods, emptied, or opened again.

mod pods;
#[cfg(test)]
mod tests;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use self::pods::{Chosen, Pod, choose};
use super::cluster::wait::items;
use super::cluster::{Cluster, Question, Refusal, with_cluster_access};
use super::object::metadata;
use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, Meta, Module, Outcome, Plan, Support,
};

/// What becomes of the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It takes no new pods.
    Cordon,
    /// It takes no new pods, and those that it has leave.
    #[default]
    Drain,
    /// It takes pods.
    Uncordon,
}

/// How pods leave.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeleteOptions {
    /// Seconds until a pod is ended; 0 ends it at once.
    #[serde(default)]
    terminate_grace_period: Option<i64>,
    /// Delete pods that nobody makes anew.
    #[serde(default)]
    force: bool,
    /// Leave pods of a `DaemonSet` where they are.
    #[serde(default)]
    ignore_daemonsets: bool,
    /// Delete pods whose data is lost with them.
    #[serde(default)]
    delete_emptydir_data: bool,
    /// Delete pods, whatever their disruption budgets say.
    #[serde(default)]
    disable_eviction: bool,
    /// Seconds in which pods may leave, and disruption budgets allow it; 0 for as long as it takes. Without it nobody waits.
    #[serde(default)]
    wait_timeout: Option<u64>,
    /// Seconds between two looks.
    #[serde(default = "five")]
    wait_sleep: u64,
}

impl Default for DeleteOptions {
    fn default() -> Self {
        Self {
            terminate_grace_period: None,
            force: false,
            ignore_daemonsets: false,
            delete_emptydir_data: false,
            disable_eviction: false,
            wait_timeout: None,
            wait_sleep: five(),
        }
    }
}

fn five() -> u64 {
    5
}

with_cluster_access! {
    /// Drain, cordon or uncordon a node of a Kubernetes cluster
    ///
    /// Pods are evicted, so that disruption budgets are kept: where one does not allow it yet, it is tried again until
    /// `wait_timeout` is over. Pods of a `DaemonSet`, pods that nobody makes anew and pods with data of their own are touched only
    /// where `delete_options` say so; otherwise nothing happens at all.
    ///
    /// ## Check mode
    ///
    /// Tells what would happen.
    ///
    /// ## Returns
    ///
    /// - `result`: what became of the node, and how many pods left it.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - kubernetes.core.k8s_drain:
    ///     name: kp5
    ///     delete_options:
    ///       ignore_daemonsets: true
    ///       delete_emptydir_data: true
    ///       wait_timeout: 300
    ///
    /// - kubernetes.core.k8s_drain:
    ///     name: kp5
    ///     state: uncordon
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// Ansible skips the task in check mode. A pod of a `DaemonSet` counts as one also if it has an `emptyDir`, and is left where it
    /// is. `terminate_grace_period: 0` is heeded. An eviction that a disruption budget does not allow yet is tried again.
    pub(super) struct K8sDrainArgs {
        /// The node's name.
        name: String,
        /// What becomes of it.
        #[serde(default)]
        state: State,
        /// Only pods with these labels leave.
        #[serde(default, alias = "label_selectors")]
        pod_selectors: Vec<String>,
        /// How pods leave.
        #[serde(default)]
        delete_options: DeleteOptions,
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::modules) struct Change {
    /// Whether the node shall take no new pods, if that is to change.
    unschedulable: Option<bool>,
    pods: Vec<Pod>,
    result: String,
    warnings: Vec<String>,
}

pub(super) struct K8sDrain;

impl Module for K8sDrain {
    type Args = K8sDrainArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "kubernetes.core.k8s_drain",
        aliases: &[],
        family: "kubernetes",
        since: "0.1.0",
        effect: Effect::World,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        args.cluster().validate()
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let cluster = Cluster::new(&args.cluster(), host)?;
        let name = &args.name;
        let node = match cluster.get(&args.path(), Vec::new()) {
            Ok(node) => node,
            Err(refusal) if refusal.is(404) => {
                return Err(Failure::new(format!("Node {name} not found.")));
            }
            Err(refusal) => {
                return Err(refusal.failure(&format!("Failed to retrieve node '{name}'")));
            }
        };
        let closed = node.pointer("/spec/unschedulable") == Some(&Json::Bool(true));
        let close = args.state != State::Uncordon;
        let word = if close {
            "unschedulable"
        } else {
            "schedulable"
        };
        let already = if closed == close { "already " } else { "" };
        let mut result = format!("node {name} {already}marked {word}.");
        let chosen = match args.state {
            State::Drain => args.leaving(&cluster)?,
            State::Cordon | State::Uncordon => Chosen::default(),
        };
        if !chosen.pods.is_empty() {
            result.push_str(&format!(" {} Pod(s) deleted from node.", chosen.pods.len()));
        }
        let mut plan = if closed == close && chosen.pods.is_empty() {
            let mut plan = Plan::unchanged("the node is as it shall be");
            plan.warnings = chosen.warnings;
            plan
        } else {
            let mut plan = Plan::change(Change {
                unschedulable: (closed != close).then_some(close),
                pods: chosen.pods,
                result: result.clone(),
                warnings: chosen.warnings.clone(),
            });
            plan.warnings_in_check = chosen.warnings;
            plan
        };
        plan.values.insert("result", result);
        Ok(plan)
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let cluster = Cluster::new(&args.cluster(), host)?;
        let mut warnings = change.warnings;
        if let Some(unschedulable) = change.unschedulable {
            let body = json!({"spec": {"unschedulable": unschedulable}});
            let question = Question {
                path: args.path(),
                body: Some(&body),
                content_type: Some("application/merge-patch+json"),
                ..Question::default()
            };
            cluster
                .ask("PATCH", &question)
                .map_err(|refusal| refusal.failure("Failed to patch node"))?;
        }
        let mut changed = change.unschedulable.is_some();
        let (start, _) = host.now();
        for pod in &change.pods {
            if let Err(failure) = args.remove(&cluster, pod, start) {
                return Err(if changed {
                    failure.after_change()
                } else {
                    failure
                });
            }
            changed = true;
        }
        if args.delete_options.wait_timeout.is_some()
            && !args
                .gone(&cluster, &change.pods, start)
                .map_err(Failure::after_change)?
        {
            warnings.push("timeout reached while pods were still running.".to_owned());
        }
        let mut outcome = Outcome::changed().with("result", change.result);
        outcome.warnings = warnings;
        Ok(outcome.into())
    }
}

impl K8sDrainArgs {
    fn path(&self) -> String {
        format!("/api/v1/nodes/{}", self.name)
    }

    /// Returns the pods that leave, or why none may.
    fn leaving(&self, cluster: &Cluster<'_>) -> Result<Chosen, Failure> {
        let mut query = vec![("fieldSelector", format!("spec.nodeName={}", self.name))];
        if !self.pod_selectors.is_empty() {
            query.push(("labelSelector", self.pod_selectors.join(",")));
        }
        let list = cluster.get("/api/v1/pods", query).map_err(|refusal| {
            refusal.failure(&format!("Failed to list pod from node {}", self.name))
        })?;
        let pods = items(&list).map_or(&[][..], Vec::as_slice);
        choose(pods, &self.delete_options)
            .map_err(|errors| Failure::new(format!("Pod deletion errors: {}", errors.join(" "))))
    }

    /// Tells whether time is over that began then.
    fn late(&self, start: i64, host: &dyn Host) -> bool {
        match self.delete_options.wait_timeout {
            None => true,
            Some(0) => false,
            Some(most) => u64::try_from(host.now().0 - start).unwrap_or(0) >= most,
        }
    }

    fn pause(&self, host: &dyn Host) -> Result<(), Failure> {
        let seconds = self.delete_options.wait_sleep.max(1);
        Ok(host.sleep(Duration::from_secs(seconds))?)
    }

    /// Lets a pod leave, as soon as its disruption budget allows it.
    fn remove(&self, cluster: &Cluster<'_>, pod: &Pod, start: i64) -> Result<(), Failure> {
        let options = &self.delete_options;
        let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
        if let Some(seconds) = options.terminate_grace_period {
            body["gracePeriodSeconds"] = seconds.into();
        }
        let (method, path) = if options.disable_eviction {
            ("DELETE", pod.path())
        } else {
            body = json!({"apiVersion": "policy/v1", "kind": "Eviction", "deleteOptions": body,
                "metadata": {"name": pod.name, "namespace": pod.namespace}});
            ("POST", format!("{}/eviction", pod.path()))
        };
        loop {
            let question = Question {
                path: path.clone(),
                body: Some(&body),
                ..Question::default()
            };
            match cluster.ask(method, &question) {
                Ok(_) => return Ok(()),
                Err(refusal) if refusal.is(404) => return Ok(()),
                Err(refusal) if refusal.is(429) && !self.late(start, cluster.host) => {
                    self.pause(cluster.host)?;
                }
                Err(refusal) => {
                    let hint = if refusal.is(429) {
                        "; wait longer (`delete_options.wait_timeout`), or let its disruption budget allow it"
                    } else {
                        ""
                    };
                    let what = format!("Failed to delete pod {}/{}", pod.namespace, pod.name);
                    let mut failure = refusal.failure(&what);
                    failure.message.push_str(hint);
                    return Err(failure);
                }
            }
        }
    }

    /// Waits until the pods are gone; tells whether they are.
    fn gone(&self, cluster: &Cluster<'_>, pods: &[Pod], start: i64) -> Result<bool, Failure> {
        for pod in pods {
            loop {
                let there = match cluster.get(&pod.path(), Vec::new()) {
                    // Another of the same name may be there already.
                    Ok(object) => metadata(&object, "uid") == Some(&pod.uid),
                    Err(refusal) if refusal.is(404) => false,
                    // An API server on the node itself may be what is ended.
                    Err(Refusal::Unanswered(_)) if !self.late(start, cluster.host) => true,
                    Err(refusal) => return Err(refusal.failure("Failed to wait for pods")),
                };
                if !there {
                    break;
                }
                if self.late(start, cluster.host) {
                    return Ok(false);
                }
                self.pause(cluster.host)?;
            }
        }
        Ok(true)
    }
}
