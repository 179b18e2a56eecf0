//! The module `k8s` against a server that answers by a list, and shows what it was asked.

use std::sync::mpsc::Receiver;

use super::*;
use crate::http::testing::{answer, served};
use crate::kit::fake::{check, failure, needs, run};
use crate::kit::{FakeHost, NeedKind};

const LIST: &str = r#"{"resources": [{"name": "configmaps", "kind": "ConfigMap", "singularName": "configmap", "namespaced": true, "shortNames": ["cm"]},
    {"name": "secrets", "kind": "Secret", "namespaced": true}, {"name": "configmaps/part", "kind": "ConfigMap", "namespaced": true}]}"#;
const MISSING: &str =
    r#"{"kind": "Status", "reason": "NotFound", "message": "configmaps \"x\" not found"}"#;

fn map(value: &str) -> String {
    format!(
        r#"{{"kind": "ConfigMap", "apiVersion": "v1", "metadata": {{"name": "x", "namespace": "d"}}, "data": {{"a": "{value}"}}}}"#
    )
}

fn api(answers: &[(&str, &str)]) -> (Dict, Receiver<String>) {
    let answers = answers.iter().map(|(status, body)| {
        answer(
            status,
            "Content-Type: application/json\r\n",
            body.as_bytes(),
        )
    });
    let (url, asked) = served(answers.collect());
    let args = Dict::new()
        .with("host", url)
        .with("api_key", "t0ps3cret")
        .with("namespace", "d")
        .with(
            "definition",
            Value::from_json(
                json!({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1"}}),
            ),
        );
    (args, asked)
}

/// The first lines of what was asked.
fn lines(asked: &Receiver<String>) -> Vec<String> {
    asked
        .try_iter()
        .filter_map(|text| {
            text.lines()
                .next()
                .map(|line| line.replace(" HTTP/1.1", ""))
        })
        .collect()
}

#[test]
fn an_object_is_rehearsed_and_made() {
    let new = map("1");
    let answers = [
        ("200 OK", LIST),
        ("404 Not Found", MISSING),
        ("201 Created", new.as_str()),
        ("200 OK", LIST),
        ("404 Not Found", MISSING),
        ("201 Created", new.as_str()),
    ];
    let (args, asked) = api(&answers);
    let outcome = run::<K8s>(&args.into(), &FakeHost::new());
    assert!(outcome.changed && !outcome.failed, "{outcome:?}");
    assert_eq!(outcome.values.get("method"), Some(&Value::from("create")));
    assert_eq!(
        lines(&asked),
        [
            "GET /api/v1",
            "GET /api/v1/namespaces/d/configmaps/x",
            "POST /api/v1/namespaces/d/configmaps?dryRun=All",
            "GET /api/v1",
            "GET /api/v1/namespaces/d/configmaps/x",
            "POST /api/v1/namespaces/d/configmaps",
        ]
    );
}

#[test]
fn an_object_that_is_as_described_is_left_alone() {
    let same = map("1");
    let (args, asked) = api(&[("200 OK", LIST), ("200 OK", &same), ("200 OK", &same)]);
    let outcome = run::<K8s>(&args.into(), &FakeHost::new());
    assert!(!outcome.changed && !outcome.failed, "{outcome:?}");
    assert_eq!(
        lines(&asked)[2],
        "PATCH /api/v1/namespaces/d/configmaps/x?dryRun=All"
    );
}

#[test]
fn check_mode_shows_what_would_differ() {
    let (old, new) = (map("1"), map("2"));
    let (args, _) = api(&[("200 OK", LIST), ("200 OK", &old), ("200 OK", &new)]);
    let outcome = check::<K8s>(&args.into(), &FakeHost::new());
    assert!(outcome.changed);
    let diff = outcome.diff[0].to_value().to_json();
    assert_eq!(diff["before"], json!({"data": {"a": "1"}}));
    assert_eq!(diff["after"], json!({"data": {"a": "2"}}));
}

#[test]
fn what_a_secret_holds_is_in_no_difference() {
    let secret = |value: &str| {
        format!(r#"{{"kind": "Secret", "metadata": {{"name": "x"}}, "data": {{"a": "{value}"}}}}"#)
    };
    let (old, new) = (secret("b2xk"), secret("bmV3"));
    let (args, _) = api(&[("200 OK", LIST), ("200 OK", &old), ("200 OK", &new)]);
    let description = json!({"kind": "Secret", "metadata": {"name": "x"}, "data": {"a": "bmV3"}});
    let args = args.with("definition", Value::from_json(description));
    let outcome = check::<K8s>(&args.into(), &FakeHost::new());
    let diff = outcome.diff[0].to_value().to_json().to_string();
    assert!(diff.contains("(hidden, before)") && diff.contains("(hidden, after)"));
    assert!(!diff.contains("b2xk") && !diff.contains("bmV3"));
}

#[test]
fn a_kind_without_strategic_merge_is_merged() {
    let new = map("2");
    let wrong = r#"{"kind": "Status", "reason": "UnsupportedMediaType", "message": "no"}"#;
    let (args, asked) = api(&[
        ("200 OK", LIST),
        ("200 OK", &map("1")),
        ("415 Unsupported Media Type", wrong),
        ("200 OK", &new),
    ]);
    assert!(check::<K8s>(&args.into(), &FakeHost::new()).changed);
    let asked: Vec<String> = asked.try_iter().collect();
    assert!(
        asked[2]
            .to_lowercase()
            .contains("content-type: application/strategic-merge-patch+json")
    );
    assert!(
        asked[3]
            .to_lowercase()
            .contains("content-type: application/merge-patch+json")
    );
}

#[test]
fn refusals_say_what_and_what_to_do() {
    let denied =
        r#"{"kind": "Status", "reason": "Forbidden", "message": "configmaps is forbidden"}"#;
    let (args, asked) = api(&[("200 OK", LIST), ("403 Forbidden", denied)]);
    let message = failure::<K8s>(&args.into(), &FakeHost::new());
    assert!(
        message.contains("ConfigMap x in d: configmaps is forbidden (403 Forbidden)"),
        "{message}"
    );
    assert!(message.contains("give it a role") && !message.contains("t0ps3cret"));
    assert!(asked.recv().unwrap().contains("Bearer t0ps3cret"));
    let (args, _) = api(&[("401 Unauthorized", "{}")]);
    let message = failure::<K8s>(&args.into(), &FakeHost::new());
    assert!(
        message.contains("credentials are not accepted"),
        "{message}"
    );
    let nowhere = Dict::new()
        .with("host", "http://127.0.0.1:1")
        .with("api_key", "x")
        .with("kind", "Pod");
    let message = failure::<K8s>(&nowhere.into(), &FakeHost::new());
    assert!(
        message.contains("cannot reach the API of the cluster at http://127.0.0.1:1"),
        "{message}"
    );
    let (args, _) = api(&[("200 OK", LIST), ("200 OK", r#"{"groups": []}"#)]);
    let unknown = args.with("definition", "kind: Widget\nmetadata: {name: x}\n");
    let message = failure::<K8s>(&unknown.into(), &FakeHost::new());
    assert!(
        message.contains("Failed to find exact match for v1.Widget"),
        "{message}"
    );
}

#[test]
fn what_depends_on_an_earlier_object_is_done_after_it() {
    let new = map("1");
    let none =
        r#"{"kind": "Status", "reason": "NotFound", "message": "namespaces \"d\" not found"}"#;
    let two = "kind: ConfigMap\nmetadata: {name: x}\n---\nkind: ConfigMap\nmetadata: {name: y}\n";
    let answers = [
        ("200 OK", LIST),
        ("404 Not Found", MISSING),
        ("201 Created", new.as_str()),
        ("404 Not Found", MISSING),
        ("404 Not Found", none),
    ];
    let (args, _) = api(&answers);
    let outcome = check::<K8s>(&args.with("definition", two).into(), &FakeHost::new());
    assert!(outcome.changed && !outcome.failed);
    assert!(
        outcome.warnings[0].contains("ConfigMap y in d"),
        "{:?}",
        outcome.warnings
    );
    let results = outcome
        .values
        .get("result")
        .unwrap()
        .get("results")
        .unwrap();
    assert_eq!(results.as_list().unwrap().len(), 2);
}

#[test]
fn a_rehearsed_deletion_has_no_body_that_would_make_it_real() {
    let (args, asked) = api(&[("200 OK", LIST), ("200 OK", &map("1")), ("200 OK", "{}")]);
    let options = Dict::new().with("propagationPolicy", "Foreground");
    let args = args.with("state", "absent").with("delete_options", options);
    assert!(check::<K8s>(&args.into(), &FakeHost::new()).changed);
    let asked: Vec<String> = asked.try_iter().collect();
    assert!(asked[2].starts_with("DELETE /api/v1/namespaces/d/configmaps/x?dryRun=All "));
    assert!(asked[2].ends_with("\r\n\r\n"), "{}", asked[2]);
}

#[test]
fn waiting_ends_and_says_why() {
    let list =
        r#"{"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": true}]}"#;
    let deployment = r#"{"kind": "Deployment", "metadata": {"name": "x", "namespace": "d", "generation": 1}, "spec": {"replicas": 1},
        "status": {"replicas": 1, "unavailableReplicas": 1, "observedGeneration": 1,
            "conditions": [{"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable", "message": "too few"}]}}"#;
    let fine = ("200 OK", deployment);
    let answers = [
        ("200 OK", list),
        fine,
        fine,
        ("200 OK", list),
        fine,
        fine,
        fine,
    ];
    let (args, _) = api(&answers);
    let args = args
        .with(
            "definition",
            "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: x}\n",
        )
        .with("wait", true)
        .with("wait_timeout", 0);
    let outcome = run::<K8s>(&args.into(), &FakeHost::new());
    let message = outcome.values.get("msg").unwrap().to_text();
    assert!(outcome.failed && !outcome.changed, "{outcome:?}");
    assert!(
        message.contains("\"Deployment\" \"x\": Timed out waiting on resource"),
        "{message}"
    );
    assert!(
        message.contains("MinimumReplicasUnavailable: too few"),
        "{message}"
    );
    assert!(outcome.values.get("result").is_some());
}

#[test]
fn templates_are_rendered_with_their_own_settings() {
    let given = Value::from_json(
        json!({"template": ["a.yaml", {"path": "b.yaml", "variable_start_string": "[[", "trim_blocks": false}]}),
    );
    let needs = needs::<K8s>(&given);
    let NeedKind::Rendered(settings) = &needs[1].kind else {
        panic!()
    };
    assert_eq!(
        (needs[0].name.as_str(), needs[1].name.as_str()),
        ("a.yaml", "b.yaml")
    );
    assert_eq!(
        (settings.variable_start.as_str(), settings.trim_blocks),
        ("[[", false)
    );
    let (args, _) = api(&[
        ("200 OK", LIST),
        ("404 Not Found", MISSING),
        ("201 Created", &map("1")),
    ]);
    let mut args = args.with("template", "a.yaml");
    args.remove("definition");
    let host = FakeHost::new().supply_here(
        "/play/templates/a.yaml",
        0o644,
        "kind: ConfigMap\nmetadata: {name: x}\n",
    );
    assert!(check::<K8s>(&args.into(), &host).changed);
}

#[test]
fn kubeconfigs_lead_to_the_api_or_say_why_not() {
    let message = |user: &str, more: Dict| {
        let text = format!(
            "current-context: x\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\nclusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:1'}}}}]\nusers: [{{name: u, user: {user}}}]\n"
        );
        let host = FakeHost::new().file("/root/.kube/config", text);
        let args = Dict::new().with("kind", "Pod");
        let mut args = args;
        args.extend(more);
        failure::<K8s>(&args.into(), &host)
    };
    assert!(message("{token: abc}", Dict::new()).contains("cannot reach the API"));
    let plugin = message("{exec: {command: aws-iam}}", Dict::new());
    assert!(
        plugin.contains("the plugin `aws-iam`") && plugin.contains("`exec`"),
        "{plugin}"
    );
    let other = message("{}", Dict::new().with("context", "y"));
    assert!(other.contains("has no context `y`"), "{other}");
    let none = failure::<K8s>(&Dict::new().with("kind", "Pod").into(), &FakeHost::new());
    assert!(none.contains("no kubeconfig `~/.kube/config`"), "{none}");
    let key = "{client-certificate-data: '###'}";
    assert!(message(key, Dict::new()).contains("no base64"));
}

#[test]
fn what_cannot_go_together_is_refused() {
    let message =
        |given: serde_json::Value| failure::<K8s>(&Value::from_json(given), &FakeHost::new());
    assert!(message(json!({"definition": {}, "src": "x"})).contains("resource_definition|src"));
    assert!(message(json!({"apply": true, "merge_type": "merge"})).contains("merge_type|apply"));
    assert!(
        message(json!({"merge_type": "json"})).contains("must be one of merge, strategic-merge")
    );
    assert!(message(json!({"validate": {"version": "1.30"}})).contains("validate.version"));
    assert!(message(json!({"proxy_headers": {"user_agent": "x"}})).contains("proxy_basic_auth"));
}
