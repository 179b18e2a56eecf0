//! The module `k8s_drain` against a server that answers by a list.

use std::sync::mpsc::Receiver;

use super::*;
use crate::http::testing::{answer, served};
use crate::kit::FakeHost;
use crate::kit::fake::{check, failure, run};
use crate::value::{Dict, Value};

const OPEN: &str = r#"{"kind": "Node", "metadata": {"name": "n"}, "spec": {}}"#;
const CLOSED: &str =
    r#"{"kind": "Node", "metadata": {"name": "n"}, "spec": {"unschedulable": true}}"#;
const FINE: (&str, &str) = ("201 Created", "{}");
const BUDGET: (&str, &str) = (
    "429 Too Many Requests",
    r#"{"reason": "TooManyRequests", "message": "it would violate the pod's disruption budget"}"#,
);
const GONE: (&str, &str) = ("404 Not Found", "{}");

fn pod(name: &str, owner: Option<&str>, more: &Json) -> Json {
    let owners: Vec<Json> = owner
        .into_iter()
        .map(|kind| json!({"kind": kind}))
        .collect();
    let mut pod = json!({"metadata": {"namespace": "d", "name": name, "uid": name, "ownerReferences": owners}, "spec": {}, "status": {}});
    for (part, value) in more.as_object().unwrap() {
        pod[part] = value.clone();
    }
    pod
}

fn list(pods: &[Json]) -> String {
    json!({"kind": "PodList", "items": pods}).to_string()
}

fn args(answers: &[(&str, &str)], options: &Json) -> (Value, Receiver<String>) {
    let answers = answers
        .iter()
        .map(|(status, body)| answer(status, "", body.as_bytes()));
    let (url, asked) = served(answers.collect());
    let args = Dict::new()
        .with("host", url)
        .with("api_key", "x")
        .with("name", "n")
        .with("delete_options", Value::from_json(options.clone()));
    (args.into(), asked)
}

#[test]
fn a_node_is_closed_and_emptied() {
    let pods = list(&[
        pod("web", Some("ReplicaSet"), &json!({})),
        pod(
            "net",
            Some("DaemonSet"),
            &json!({"spec": {"volumes": [{"emptyDir": {}}]}}),
        ),
    ]);
    let answers = [
        ("200 OK", OPEN),
        ("200 OK", pods.as_str()),
        ("200 OK", CLOSED),
        BUDGET,
        FINE,
        GONE,
    ];
    let options =
        json!({"ignore_daemonsets": true, "wait_timeout": 60, "terminate_grace_period": 0});
    let (given, asked) = args(&answers, &options);
    let outcome = run::<K8sDrain>(&given, &FakeHost::new());
    assert!(outcome.changed && !outcome.failed, "{outcome:?}");
    assert_eq!(
        outcome.values.get("result"),
        Some(&Value::from(
            "node n marked unschedulable. 1 Pod(s) deleted from node."
        ))
    );
    assert_eq!(
        outcome.warnings,
        ["Ignoring DaemonSet-managed Pods: d/net."]
    );
    let asked: Vec<String> = asked.try_iter().collect();
    assert!(asked[3].starts_with("POST /api/v1/namespaces/d/pods/web/eviction "));
    assert!(asked[4].contains(r#""gracePeriodSeconds":0"#));
}

#[test]
fn a_budget_that_does_not_allow_it_ends_it() {
    let pods = list(&[pod("web", Some("ReplicaSet"), &json!({}))]);
    let answers = [("200 OK", CLOSED), ("200 OK", pods.as_str()), BUDGET];
    let (given, _) = args(&answers, &json!({}));
    let message = failure::<K8sDrain>(&given, &FakeHost::new());
    assert!(
        message.contains("Failed to delete pod d/web: it would violate"),
        "{message}"
    );
    assert!(message.contains("wait_timeout"));
}

#[test]
fn pods_that_would_be_lost_stop_it_before_anything_happens() {
    let pods = list(&[
        pod("bare", None, &json!({})),
        pod(
            "data",
            Some("ReplicaSet"),
            &json!({"spec": {"volumes": [{"emptyDir": {}}]}}),
        ),
        pod("net", Some("DaemonSet"), &json!({})),
        pod("done", None, &json!({"status": {"phase": "Succeeded"}})),
    ]);
    let (given, asked) = args(&[("200 OK", OPEN), ("200 OK", &pods)], &json!({}));
    let message = failure::<K8sDrain>(&given, &FakeHost::new());
    for part in [
        "force set to yes): d/bare.",
        "local storage: d/data",
        "DaemonSet-managed Pods",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(asked.try_iter().count(), 2);
    let all = json!({"force": true, "delete_emptydir_data": true, "ignore_daemonsets": true});
    let (given, _) = args(&[("200 OK", OPEN), ("200 OK", &pods)], &all);
    let outcome = check::<K8sDrain>(&given, &FakeHost::new());
    assert!(
        outcome
            .values
            .get("result")
            .unwrap()
            .to_text()
            .contains("3 Pod(s)")
    );
}

#[test]
fn a_node_that_is_as_it_shall_be_is_left_alone() {
    let (given, _) = args(&[("200 OK", CLOSED), ("200 OK", &list(&[]))], &json!({}));
    let outcome = run::<K8sDrain>(&given, &FakeHost::new());
    assert!(!outcome.changed);
    assert_eq!(
        outcome.values.get("result"),
        Some(&Value::from("node n already marked unschedulable."))
    );
    let state = |state: &str, answers: &[(&str, &str)]| {
        let (given, _) = args(answers, &json!({}));
        let given = given.as_dict().unwrap().clone().with("state", state);
        run::<K8sDrain>(&given.into(), &FakeHost::new())
    };
    assert!(!state("uncordon", &[("200 OK", OPEN)]).changed);
    assert!(state("uncordon", &[("200 OK", CLOSED), ("200 OK", OPEN)]).changed);
    assert!(state("cordon", &[("200 OK", OPEN), ("200 OK", CLOSED)]).changed);
    let missing = state("cordon", &[GONE]);
    assert!(
        missing.failed
            && missing
                .values
                .get("msg")
                .unwrap()
                .to_text()
                .contains("Node n not found")
    );
}
