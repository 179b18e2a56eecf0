//! Waiting until objects are as they shall be: ready by the rules of their kind, in a condition, or gone.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

use super::{Cluster, Refusal, Resource};
use crate::kit::Any;

/// A condition to wait for.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::modules::kubernetes) struct Condition {
    /// The condition's type, such as `Available`; without it the rules of the kind count.
    #[serde(default, rename = "type")]
    name: Option<String>,
    /// `true`, `false` or `Unknown`.
    #[serde(default)]
    status: Option<Any>,
    /// The condition's reason.
    #[serde(default)]
    reason: Option<String>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug)]
pub(in crate::modules::kubernetes) enum Goal<'c> {
    /// It is there.
    Exists,
    /// It is ready by the rules of its kind, or in that condition.
    Ready(Option<&'c Condition>),
    /// It is gone.
    Absent,
}

/// How long somebody waits.
#[derive(Clone, Copy, Debug)]
pub(in crate::modules::kubernetes) struct Patience {
    /// Seconds in all.
    pub(in crate::modules::kubernetes) timeout: u64,
    /// Seconds between two looks.
    pub(in crate::modules::kubernetes) sleep: u64,
}

/// The end of waiting.
pub(in crate::modules::kubernetes) struct Waited {
    pub(in crate::modules::kubernetes) reached: bool,
    /// What there is at last.
    pub(in crate::modules::kubernetes) object: Option<Json>,
    /// Seconds.
    pub(in crate::modules::kubernetes) duration: u64,
}

impl Cluster<'_> {
    /// Waits for the object or list at that address.
    pub(in crate::modules::kubernetes) fn wait(
        &self,
        path: &str,
        query: &[(&str, String)],
        goal: Goal<'_>,
        patience: Patience,
    ) -> Result<Waited, Refusal> {
        let (start, _) = self.host.now();
        let elapsed = || u64::try_from(self.host.now().0 - start).unwrap_or(0);
        let mut duration = 0;
        loop {
            let late = elapsed() >= patience.timeout;
            let object = match self.get(path, query.to_vec()) {
                Ok(object) => Ok(Some(object)),
                Err(refusal) if refusal.is(404) => Ok(None),
                // A connection may fail for a moment while an API server starts anew.
                Err(Refusal::Unanswered(failure)) => Err(failure),
                Err(refusal) => return Err(refusal),
            };
            let reached = matches!(&object, Ok(object) if goal.is_reached(object.as_ref()));
            if reached || late {
                return Ok(Waited {
                    reached,
                    object: object.map_err(Refusal::Unanswered)?,
                    duration,
                });
            }
            let rest = patience.timeout.saturating_sub(elapsed());
            let pause = Duration::from_secs(patience.sleep.min(rest.max(1)));
            self.host
                .sleep(pause)
                .map_err(|error| Refusal::Unanswered(error.into()))?;
            duration = elapsed();
        }
    }
}

impl Resource {
    /// Returns where the objects of that name and namespace are.
    pub(in crate::modules::kubernetes) fn place(&self, object: &Json) -> String {
        let text = |name: &str| object.pointer(&format!("/metadata/{name}"))?.as_str();
        self.path(text("namespace"), text("name"))
    }
}

/// Tells whether there is something: a list without items is nothing.
pub(in crate::modules::kubernetes) fn exists(object: Option<&Json>) -> bool {
    object.is_some_and(|object| {
        let list = kind(object).ends_with("List");
        !list || items(object).is_some_and(|items| !items.is_empty())
    })
}

fn kind(object: &Json) -> &str {
    object
        .get("kind")
        .and_then(Json::as_str)
        .unwrap_or_default()
}

pub(in crate::modules::kubernetes) fn items(object: &Json) -> Option<&Vec<Json>> {
    object.get("items").and_then(Json::as_array)
}

impl Goal<'_> {
    /// Tells whether the object is as it shall be.
    pub(in crate::modules::kubernetes) fn is_reached(self, object: Option<&Json>) -> bool {
        match self {
            Self::Absent => !exists(object),
            Self::Exists => exists(object),
            Self::Ready(Some(condition)) if condition.name.is_some() => {
                object.is_some_and(|object| condition.holds(object))
            }
            Self::Ready(_) => object.is_some_and(ready) && exists(object),
        }
    }
}

/// A field of an object, null where there is none.
fn field<'j>(object: &'j Json, path: &str) -> &'j Json {
    object.pointer(path).unwrap_or(&Json::Null)
}

fn number(object: &Json, path: &str) -> i64 {
    field(object, path).as_i64().unwrap_or(0)
}

/// Tells whether an object is ready by the rules of its kind.
fn ready(object: &Json) -> bool {
    let status = field(object, "/status").is_object();
    let same = |one: &str, other: &str| field(object, one) == field(object, other);
    let observed =
        || number(object, "/status/observedGeneration") == number(object, "/metadata/generation");
    match kind(object) {
        "Deployment" => {
            status
                && number(object, "/spec/replicas") == number(object, "/status/replicas")
                && same("/status/availableReplicas", "/status/replicas")
                && observed()
                && number(object, "/status/unavailableReplicas") == 0
        }
        "DaemonSet" => {
            let wanted = field(object, "/status/desiredNumberScheduled").as_i64();
            wanted.is_some_and(|wanted| {
                number(object, "/status/updatedNumberScheduled") == wanted
                    && number(object, "/status/numberReady") == wanted
            }) && observed()
                && number(object, "/status/numberUnavailable") == 0
        }
        "StatefulSet" => {
            let wanted = number(object, "/spec/replicas");
            let replicas = number(object, "/status/replicas") == wanted;
            if field(object, "/spec/updateStrategy/type") == "OnDelete" {
                return status && observed() && replicas;
            }
            status
                && observed()
                && same("/status/updateRevision", "/status/currentRevision")
                && number(object, "/status/updatedReplicas") == wanted
                && number(object, "/status/readyReplicas") == wanted
                && replicas
        }
        "Pod" => field(object, "/status/containerStatuses")
            .as_array()
            .is_some_and(|all| all.iter().all(|one| field(one, "/ready") == true)),
        "ClusterOperator" => {
            let is = |name: &str, status: &str| {
                condition(object, name).is_some_and(|one| field(one, "/status") == status)
            };
            is("Degraded", "False") && is("Progressing", "False") && is("Available", "True")
        }
        _ => true,
    }
}

fn condition<'j>(object: &'j Json, name: &str) -> Option<&'j Json> {
    let all = field(object, "/status/conditions").as_array()?;
    all.iter().find(|one| field(one, "/type") == name)
}

impl Condition {
    /// The status that is waited for, as the API writes it.
    fn wanted(&self) -> String {
        let text = self.status.as_ref().map(|Any(value)| value.to_text());
        match text.as_deref().map(str::to_lowercase).as_deref() {
            None | Some("true" | "yes" | "on" | "1") => "True".to_owned(),
            Some("unknown") => "Unknown".to_owned(),
            Some(_) => "False".to_owned(),
        }
    }

    fn holds(&self, object: &Json) -> bool {
        let name = self.name.as_deref().unwrap_or_default();
        let Some(found) = condition(object, name) else {
            return false;
        };
        let same = |path: &str, wanted: &str| field(found, path) == wanted;
        same("/status", &self.wanted())
            && self
                .reason
                .as_ref()
                .is_none_or(|reason| same("/reason", reason))
    }
}

/// Says in what way an object is not ready: its conditions that are not fulfilled, its counts, its waiting containers.
pub(in crate::modules::kubernetes) fn why(object: Option<&Json>) -> String {
    let Some(object) = object else {
        return "there is no such object".to_owned();
    };
    let mut parts = Vec::new();
    for one in [
        "replicas",
        "readyReplicas",
        "availableReplicas",
        "numberReady",
    ] {
        if let Some(count) = field(object, &format!("/status/{one}")).as_i64() {
            parts.push(format!("{one} {count}"));
        }
    }
    let text = |of: &Json, path: &str| field(of, path).as_str().unwrap_or_default().to_owned();
    let conditions = field(object, "/status/conditions").as_array();
    for one in conditions.into_iter().flatten() {
        if field(one, "/status") != "True" {
            parts.push(format!(
                "{} is {} ({}: {})",
                text(one, "/type"),
                text(one, "/status"),
                text(one, "/reason"),
                text(one, "/message")
            ));
        }
    }
    let containers = field(object, "/status/containerStatuses").as_array();
    for one in containers.into_iter().flatten() {
        if field(one, "/ready") != true {
            let reason = text(one, "/state/waiting/reason");
            let name = text(one, "/name");
            parts.push(
                format!("container {name} is not ready {reason}")
                    .trim_end()
                    .to_owned(),
            );
        }
    }
    if !field(object, "/metadata/deletionTimestamp").is_null() {
        let held = field(object, "/metadata/finalizers").as_array();
        let held: Vec<&str> = held
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        parts.push(format!("it is being deleted, held by: {}", held.join(", ")));
    }
    if parts.is_empty() {
        return "it says nothing of its state".to_owned();
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reached(goal: Goal<'_>, object: &Json) -> bool {
        goal.is_reached(Some(object))
    }

    #[test]
    fn each_kind_has_its_rules() {
        let ready = Goal::Ready(None);
        let mut deployment = json!({"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 2},
            "status": {"replicas": 2, "availableReplicas": 2, "observedGeneration": 2}});
        assert!(reached(ready, &deployment));
        deployment["status"]["observedGeneration"] = 1.into();
        assert!(!reached(ready, &deployment));
        assert!(!reached(
            ready,
            &json!({"kind": "Deployment", "spec": {"replicas": 0}})
        ));
        let set = json!({"kind": "DaemonSet", "metadata": {"generation": 1}, "status": {"desiredNumberScheduled": 3,
            "updatedNumberScheduled": 3, "numberReady": 2, "observedGeneration": 1}});
        assert!(!reached(ready, &set));
        let pod = |is: bool| json!({"kind": "Pod", "status": {"containerStatuses": [{"name": "a", "ready": is}]}});
        assert!(reached(ready, &pod(true)) && !reached(ready, &pod(false)));
        assert!(why(Some(&pod(false))).contains("container a is not ready"));
        let stateful = json!({"kind": "StatefulSet", "metadata": {"generation": 1},
            "spec": {"replicas": 1, "updateStrategy": {"type": "RollingUpdate"}},
            "status": {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "observedGeneration": 1,
                "updateRevision": "a", "currentRevision": "a"}});
        assert!(reached(ready, &stateful));
        assert!(reached(ready, &json!({"kind": "ConfigMap"})));
    }

    #[test]
    fn conditions_are_compared_with_status_and_reason() {
        let node = json!({"kind": "Node", "status": {"conditions": [
            {"type": "Ready", "status": "True", "reason": "KubeletReady"}, {"type": "Odd", "status": "Unknown"}]}});
        let holds = |name: &str, status: Option<crate::value::Value>, reason: Option<&str>| {
            let condition = Condition {
                name: Some(name.to_owned()),
                status: status.map(Any),
                reason: reason.map(str::to_owned),
            };
            reached(Goal::Ready(Some(&condition)), &node)
        };
        assert!(
            holds("Ready", None, None) && holds("Ready", Some(true.into()), Some("KubeletReady"))
        );
        assert!(
            !holds("Ready", None, Some("Other")) && !holds("Ready", Some("False".into()), None)
        );
        assert!(holds("Odd", Some("Unknown".into()), None) && !holds("Odd", None, None));
        assert!(!holds("Missing", None, None));
    }

    #[test]
    fn an_empty_list_is_nothing() {
        let list = json!({"kind": "PodList", "items": []});
        assert!(!exists(Some(&list)) && !exists(None));
        assert!(reached(Goal::Absent, &list) && !reached(Goal::Exists, &list));
        assert!(why(None).contains("no such object"));
    }
}
