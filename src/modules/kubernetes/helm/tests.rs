//! The module `helm` on a host whose `helm` is scripted: it keeps its one release in a file.

use serde_json::json;

use super::*;
use crate::kit::fake::{assert_converges, assert_unchanged, check, exited, failure, printed, run};
use crate::kit::{Command, DiffText, FakeHost, Output};

const CHART: &str = "apiVersion: v2\nname: app\nversion: 1.2.0\nappVersion: \"3\"\n";

fn args() -> Dict {
    Dict::new()
        .with("name", "one")
        .with("namespace", "d")
        .with("chart_ref", "/charts/app")
        .with("values", Dict::new().with("replicas", 2))
}

fn manifest(values: &str) -> String {
    format!("---\n# Source: x\nkind: ConfigMap\ndata: {values}\n")
}

/// What `helm` makes of the values that it is given.
fn merged(command: &Command) -> String {
    let input = command.stdin.clone().unwrap_or_default();
    let text = String::from_utf8(input).unwrap();
    let mut values: serde_json::Value =
        serde_json::from_str(text.lines().last().unwrap_or("{}")).unwrap();
    for pair in command.argv.windows(2).filter(|pair| pair[0] == "--set") {
        let (name, value) = pair[1].split_once('=').unwrap();
        values[name] = value.into();
    }
    values.to_string()
}

fn deploy(command: &Command, host: &FakeHost) -> Output {
    let values = merged(command);
    if command
        .argv
        .iter()
        .any(|word| word.starts_with("--dry-run"))
    {
        let config: serde_json::Value = serde_json::from_str(&values).unwrap();
        return printed(&json!({"config": config, "manifest": manifest(&values)}).to_string());
    }
    host.write("/release", values);
    printed("deployed\n")
}

fn host(version: &str) -> FakeHost {
    host_with(version, "")
}

fn host_with(version: &str, plugins: &str) -> FakeHost {
    let plugins = format!("NAME\tVERSION\tDESCRIPTION\n{plugins}");
    let stored = |host: &FakeHost| host.exists("/release").then(|| host.text("/release"));
    FakeHost::new()
        .command(&["helm", "version"], printed(version))
        .command(&["helm", "plugin", "list"], printed(&plugins))
        .command(&["helm", "show", "chart"], printed(CHART))
        .script(&["helm", "list"], move |_, host| {
            printed(stored(host).map_or("[]", |_| {
                r#"[{"name":"one","revision":"1","status":"deployed","chart":"app-1.2.0","app_version":"3"}]"#
            }))
        })
        .script(&["helm", "get", "values"], move |_, host| {
            printed(&stored(host).unwrap())
        })
        .script(&["helm", "get", "manifest"], move |_, host| {
            printed(&manifest(&stored(host).unwrap()))
        })
        .script(&["helm", "upgrade"], deploy)
        .script(&["helm", "uninstall"], |_, host| {
            host.erase("/release");
            printed("release \"one\" uninstalled\n")
        })
}

fn shown(outcome: &Outcome) -> String {
    outcome.values.get("command").unwrap().to_text()
}

#[test]
fn a_release_is_made_upgraded_and_removed() {
    let host = host("v3.19.0");
    let outcome = assert_converges::<Helm>(&args().into(), &host);
    assert_eq!(
        shown(&outcome),
        "helm upgrade -i --reset-values -f=- one /charts/app"
    );
    let status = outcome.values.get("status").unwrap();
    assert_eq!(
        status.get("values").unwrap().to_json(),
        json!({"replicas": 2})
    );
    let more = args().with("values", Dict::new().with("replicas", 3));
    let foreseen = check::<Helm>(&more.clone().into(), &host);
    assert_eq!(
        foreseen
            .values
            .get("status")
            .unwrap()
            .get("values")
            .unwrap()
            .get("current")
            .unwrap()
            .to_json(),
        json!({"replicas": 2})
    );
    let DiffText::Text(before) = &foreseen.diff[0].before else {
        panic!()
    };
    assert!(before.contains(r#"{"replicas":2}"#));
    assert_converges::<Helm>(&more.into(), &host);
    let gone = args().with("state", "absent").with("wait", true);
    let outcome = assert_converges::<Helm>(&gone.into(), &host);
    assert_eq!(shown(&outcome), "helm uninstall --wait one");
    assert!(outcome.values.get("status").unwrap().is_null());
}

#[test]
fn single_values_are_no_change_where_they_are_there() {
    let host = host("v4.3");
    let set = Dict::new().with("value", "\"color=red\"");
    let given = args().with("set_values", Value::list([set.into()]));
    let outcome = assert_converges::<Helm>(&given.into(), &host);
    assert!(shown(&outcome).contains(" --set color=red one "));
}

#[test]
fn each_version_gets_its_own_words() {
    let given = args().with("atomic", true).with("force", true);
    for (version, first, second) in [
        ("v3.12.1", " --atomic ", " --force "),
        (
            "v4.0.0",
            " --rollback-on-failure ",
            " --force-replace --server-side=false ",
        ),
    ] {
        let host = host(version);
        run::<Helm>(&args().into(), &host);
        let outcome = run::<Helm>(&given.clone().into(), &host);
        assert!(outcome.changed);
        let shown = shown(&outcome);
        assert!(shown.contains(first) && shown.contains(second), "{shown}");
    }
}

#[test]
fn what_cannot_be_rehearsed_is_said_and_done() {
    let host = host("v4.3").script(&["helm", "upgrade", "-i"], |command, host| {
        if command.argv.contains(&"--dry-run=server".to_owned()) {
            return exited(1, "", "Error: no matches for kind \"Widget\"\n");
        }
        deploy(command, host)
    });
    let foreseen = check::<Helm>(&args().into(), &host);
    assert!(foreseen.changed && foreseen.diff.is_empty());
    assert!(foreseen.warnings[0].contains("no matches for kind"));
    assert!(run::<Helm>(&args().into(), &host).warnings.is_empty());
    assert_unchanged::<Helm>(&args().into(), &host);
}

#[test]
fn the_plugin_decides_where_there_is_one() {
    let host = host_with("v3.19.0", "diff\t3.9.0\tPreview changes\n")
        .command(&["helm", "diff"], printed("- a\n+ b\n"))
        .command(&["helm", "diff"], printed(""));
    host.write("/release", "{}");
    let outcome = check::<Helm>(&args().into(), &host);
    assert!(outcome.changed);
    assert_eq!(outcome.diff[0].prepared.as_deref(), Some("- a\n+ b"));
    assert!(!check::<Helm>(&args().into(), &host).changed);
}

#[test]
fn t05_a_kubeconfig_of_the_task_is_in_no_command_line() {
    let host = FakeHost::new().script(&["sh", "-c"], |command, _| {
        let input = String::from_utf8(command.stdin.clone().unwrap()).unwrap();
        assert_eq!(input, "{\"users\":[{\"token\":\"t0ps3cret\"}]}\n");
        assert!(!command.argv.join(" ").contains("t0ps3cret"));
        exited(1, "", "no cluster")
    });
    let user = Dict::new().with("token", "t0ps3cret");
    let kubeconfig = Dict::new().with("users", Value::list([user.into()]));
    let message = failure::<Helm>(&args().with("kubeconfig", kubeconfig).into(), &host);
    assert!(message.contains("no cluster") && !message.contains("t0ps3cret"));
}

#[test]
fn secrets_are_left_out_of_the_difference() {
    let manifest = "---\n# Source: a\nkind: Secret\nmetadata:\n  name: s\ndata:\n  password: aHVudGVyMg==\n---\nkind: ConfigMap\ndata:\n  a: b\n";
    let diff = super::difference::of_manifests(manifest, "");
    let DiffText::Text(text) = &diff.before else {
        panic!()
    };
    assert!(!text.contains("aHVudGVyMg") && text.contains("  name: s\n"));
    assert!(text.contains("  a: b\n"), "{text}");
}

#[test]
fn what_cannot_be_is_refused() {
    let message = |given: Dict| failure::<Helm>(&given.into(), &host("v3.12.0"));
    let bare = Dict::new().with("name", "x").with("namespace", "d");
    assert!(message(bare.clone()).contains("missing: chart_ref"));
    assert!(message(args().with("name", "-x")).contains("`release_name`"));
    assert!(message(bare.with("state", "absent").with("replace", true)).contains("not applicable"));
    assert!(message(args().with("plain_http", true)).contains("helm >= 3.13.0"));
    assert!(message(args().with("values", "a")).contains("release_values"));
    let old = failure::<Helm>(&args().into(), &host("v3.9.4"));
    assert!(old.contains("3.10 or later"), "{old}");
    let both = args().with("wait_timeout", "1m").with("timeout", "1m");
    assert!(message(both).contains("wait_timeout|timeout"));
}
