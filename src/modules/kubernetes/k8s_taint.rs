//! `kubernetes.core.k8s_taint`: the taints of a node.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::cluster::{Cluster, Question, with_cluster_access};
use crate::kit::{
    Applied, ArgumentError, Diff, Effect, Failure, Host, Meta, Module, Outcome, Plan, Support,
};
use crate::value::Value;

/// What there shall be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// The node does not have the taints.
    Absent,
    /// It has them.
    #[default]
    Present,
}

/// What a taint does to pods that do not tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
enum TaintEffect {
    NoSchedule,
    NoExecute,
    PreferNoSchedule,
}

/// A taint.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Taint {
    /// Its key.
    key: String,
    /// Its value.
    #[serde(default)]
    value: Option<String>,
    /// What it does to pods that do not tolerate it. Needed with `state: present`; without it all taints of that key are meant.
    #[serde(default)]
    effect: Option<TaintEffect>,
}

impl Taint {
    /// Tells whether a taint of the node is this one, whatever its value.
    fn is(&self, known: &Json) -> bool {
        known["key"] == self.key.as_str()
            && self
                .effect
                .is_none_or(|effect| known["effect"] == format!("{effect:?}").as_str())
    }

    /// As the API has it.
    fn object(&self) -> Json {
        let mut object = json!({"key": self.key});
        if let Some(value) = &self.value {
            object["value"] = value.as_str().into();
        }
        if let Some(effect) = self.effect {
            object["effect"] = format!("{effect:?}").into();
        }
        object
    }
}

with_cluster_access! {
    /// Taint the nodes of a Kubernetes cluster
    ///
    /// A taint keeps pods away from a node that do not tolerate it. Taints are told apart by key and effect.
    ///
    /// ## Check mode
    ///
    /// Tells what would change.
    ///
    /// ## Returns
    ///
    /// - `result`: the node; empty where taints were removed, and in check mode where something would change.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - kubernetes.core.k8s_taint:
    ///     name: kp4
    ///     taints:
    ///       - key: dedicated
    ///         value: storage
    ///         effect: NoSchedule
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// `result` has the API's own names (`creationTimestamp`).
    pub(super) struct K8sTaintArgs {
        /// The node's name.
        name: String,
        /// What there shall be.
        #[serde(default)]
        state: State,
        /// The taints.
        taints: Vec<Taint>,
        /// Where one of them is missing, remove all others.
        #[serde(default)]
        replace: bool,
    }
}

impl K8sTaintArgs {
    /// Returns the taints that the node shall have; nothing where it has them.
    fn wanted(&self, known: &[Json]) -> Option<Vec<Json>> {
        let given = |known: &Json| self.taints.iter().find(|taint| taint.is(known));
        let others = || known.iter().filter(|known| given(known).is_none()).cloned();
        if self.state == State::Absent {
            let rest: Vec<Json> = others().collect();
            return (rest.len() < known.len()).then_some(rest);
        }
        let missing = self
            .taints
            .iter()
            .any(|taint| !known.iter().any(|known| taint.is(known)));
        let updated = known.iter().any(|known| {
            let value = known.get("value").and_then(Json::as_str);
            given(known).is_some_and(|taint| taint.value.as_deref() != value)
        });
        let own = self.taints.iter().map(Taint::object);
        match (missing, updated) {
            (true, _) if self.replace => Some(own.collect()),
            (true, _) | (_, true) => Some(others().chain(own).collect()),
            (false, false) => None,
        }
    }

    fn path(&self) -> String {
        format!("/api/v1/nodes/{}", self.name)
    }
}

pub(super) struct K8sTaint;

impl Module for K8sTaint {
    type Args = K8sTaintArgs;
    type Change = Vec<Json>;

    const META: Meta = Meta {
        name: "kubernetes.core.k8s_taint",
        aliases: &[],
        family: "kubernetes",
        since: "0.1.0",
        effect: Effect::World,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.state == State::Present && args.taints.iter().any(|taint| taint.effect.is_none()) {
            return Err(ArgumentError::new(
                "taints",
                "each needs an `effect` to be present",
            ));
        }
        args.cluster().validate()
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Vec<Json>>, Failure> {
        let cluster = Cluster::new(&args.cluster(), host)?;
        let node = match cluster.get(&args.path(), Vec::new()) {
            Ok(node) => node,
            Err(refusal) if refusal.is(404) => {
                return Err(Failure::new(format!(
                    "Node '{}' has not been found.",
                    args.name
                )));
            }
            Err(refusal) => {
                let what = format!("Failed to retrieve node '{}'", args.name);
                return Err(refusal.failure(&what));
            }
        };
        let known = node.pointer("/spec/taints").and_then(Json::as_array);
        let known = known.cloned().unwrap_or_default();
        let empty = || Value::from_json(json!({}));
        let Some(wanted) = args.wanted(&known) else {
            let shown = args.state == State::Present || known.is_empty();
            let node = if shown {
                Value::from_json(node)
            } else {
                empty()
            };
            return Ok(
                Plan::unchanged("the node's taints are as they shall be").with("result", node)
            );
        };
        let side = |taints: &[Json]| Value::from_json(json!({"spec": {"taints": taints}}));
        let diff = Diff::state(side(&known), side(&wanted));
        Ok(Plan::change(wanted).with("result", empty()).with_diff(diff))
    }

    fn apply(args: &Self::Args, taints: Vec<Json>, host: &dyn Host) -> Result<Applied, Failure> {
        let cluster = Cluster::new(&args.cluster(), host)?;
        let body = json!({"spec": {"taints": taints}});
        let question = Question {
            path: args.path(),
            body: Some(&body),
            content_type: Some("application/merge-patch+json"),
            ..Question::default()
        };
        let node = cluster
            .ask("PATCH", &question)
            .map_err(|refusal| refusal.failure("Failed to patch node"))?
            .object;
        let result = match args.state {
            State::Present => node,
            State::Absent => json!({}),
        };
        Ok(Outcome::changed()
            .with("result", Value::from_json(result))
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::{answer, served};
    use crate::kit::FakeHost;
    use crate::kit::fake::{check, failure, run};
    use crate::value::Dict;

    const NODE: &str = r#"{"kind": "Node", "metadata": {"name": "n"}, "spec": {"taints": [
        {"key": "a", "value": "1", "effect": "NoSchedule"}, {"key": "b", "effect": "NoExecute"}]}}"#;

    fn args(taints: Json, answers: &[(&str, &str)]) -> (Dict, std::sync::mpsc::Receiver<String>) {
        let answers = answers
            .iter()
            .map(|(status, body)| answer(status, "", body.as_bytes()));
        let (url, asked) = served(answers.collect());
        let args = Dict::new()
            .with("host", url)
            .with("api_key", "x")
            .with("name", "n")
            .with("taints", Value::from_json(taints));
        (args, asked)
    }

    fn sent(taints: Json, more: &[(&str, Value)]) -> Option<Json> {
        let (mut args, asked) = args(taints, &[("200 OK", NODE), ("200 OK", NODE)]);
        for (name, value) in more {
            args.insert(*name, value.clone());
        }
        let outcome = run::<K8sTaint>(&args.into(), &FakeHost::new());
        assert!(!outcome.failed, "{outcome:?}");
        let patch = asked.try_iter().nth(1)?;
        assert!(outcome.changed);
        let body: Json = serde_json::from_str(patch.split_once("\r\n\r\n")?.1).unwrap();
        Some(body["spec"]["taints"].clone())
    }

    #[test]
    fn taints_are_added_and_changed() {
        let c = json!({"key": "c", "effect": "NoSchedule"});
        let both = json!([{"key": "a", "value": "1", "effect": "NoSchedule"}, {"key": "b", "effect": "NoExecute"}, c]);
        assert_eq!(sent(json!([c]), &[]), Some(both));
        assert_eq!(
            sent(json!([c]), &[("replace", true.into())]),
            Some(json!([c]))
        );
        let a = json!({"key": "a", "value": "2", "effect": "NoSchedule"});
        assert_eq!(
            sent(json!([a]), &[]),
            Some(json!([{"key": "b", "effect": "NoExecute"}, a]))
        );
        assert_eq!(
            sent(json!([{"key": "b", "effect": "NoExecute"}]), &[]),
            None
        );
    }

    #[test]
    fn taints_are_removed_by_key_and_effect() {
        let absent = [("state", Value::from("absent"))];
        assert_eq!(
            sent(json!([{"key": "a"}]), &absent),
            Some(json!([{"key": "b", "effect": "NoExecute"}]))
        );
        assert_eq!(
            sent(json!([{"key": "a", "effect": "NoExecute"}]), &absent),
            None
        );
    }

    #[test]
    fn check_mode_tells_and_errors_say_why() {
        let (given, _) = args(
            json!([{"key": "c", "effect": "NoSchedule"}]),
            &[("200 OK", NODE)],
        );
        let outcome = check::<K8sTaint>(&given.into(), &FakeHost::new());
        assert!(outcome.changed && outcome.diff.len() == 1);
        let (given, _) = args(json!([]), &[("404 Not Found", "{}")]);
        let message = failure::<K8sTaint>(&given.into(), &FakeHost::new());
        assert!(message.contains("Node 'n' has not been found"), "{message}");
        let (given, _) = args(json!([{"key": "c"}]), &[]);
        assert!(failure::<K8sTaint>(&given.into(), &FakeHost::new()).contains("needs an `effect`"));
    }
}
