//! Tests of `wait_for` on a host in memory, whose clock moves only when somebody sleeps.

use super::*;
use crate::kit::FakeHost;
use crate::kit::fake::{assert_unchanged, check, failure, run};

fn wait(args: Dict, host: &FakeHost) -> Dict {
    let outcome = run::<WaitFor>(&args.into(), host);
    assert!(!outcome.failed && !outcome.changed, "{outcome:?}");
    outcome.values
}

#[test]
fn an_open_port_is_enough() {
    let host = FakeHost::new().listening("127.0.0.1", 22, "SSH-2.0-x\r\n");
    let values = wait(Dict::new().with("port", 22), &host);
    assert_eq!(values.get("state"), Some(&Value::from("started")));
    assert_eq!(values.get("elapsed"), Some(&Value::from(0)));
    let values = wait(
        Dict::new()
            .with("port", 22)
            .with("search_regex", "^SSH-(?P<version>[0-9.]+)"),
        &host,
    );
    assert_eq!(values.get("match_groups"), Some(&Value::list([])));
    let other = Dict::new()
        .with("port", 22)
        .with("search_regex", "^HTTP")
        .with("timeout", 1);
    assert!(failure::<WaitFor>(&other.into(), &host).contains("search string ^HTTP"));
    wait(Dict::new().with("port", 9).with("state", "stopped"), &host);
}

#[test]
fn time_runs_out() {
    let host = FakeHost::new();
    let outcome = run::<WaitFor>(
        &Dict::new().with("port", 9).with("timeout", 3).into(),
        &host,
    );
    assert_eq!(
        outcome.values.get("msg"),
        Some(&Value::from("Timeout when waiting for 127.0.0.1:9"))
    );
    assert_eq!(outcome.values.get("elapsed"), Some(&Value::from(3)));
    let file = Dict::new().with("path", "/no/such").with("timeout", 1);
    assert_eq!(
        failure::<WaitFor>(&file.clone().into(), &host),
        "Timeout when waiting for file /no/such"
    );
    assert_eq!(
        failure::<WaitFor>(&file.with("msg", "too late").into(), &host),
        "too late"
    );
    let text = Dict::new()
        .with("path", "/etc/x")
        .with("search_regex", "b")
        .with("timeout", 1);
    assert!(
        failure::<WaitFor>(&text.into(), &host.file("/etc/x", "a"))
            .contains("search string b in /etc/x")
    );
}

#[test]
fn files_come_and_go() {
    let host = FakeHost::new()
        .file("/etc/x", "root:x:0\n")
        .group("root", 0, &[]);
    let values = wait(
        Dict::new()
            .with("path", "/etc/x")
            .with("search_regex", "^(root):(x)"),
        &host,
    );
    assert_eq!(values.get("state"), Some(&Value::from("file")));
    assert_eq!(
        values.get("match_groups"),
        Some(&Value::from(vec!["root", "x"]))
    );
    let values = wait(
        Dict::new().with("path", "/none").with("state", "absent"),
        &host,
    );
    assert_eq!(values.get("state"), Some(&Value::from("absent")));
    wait(Dict::new().with("timeout", 2), &host);
}

#[test]
fn drained_means_nobody_is_connected() {
    let table = "  sl  local_address rem_address   st\n   0: 0100007F:0050 0200007F:C350 01\n";
    let host = FakeHost::new().file("/proc/net/tcp", table);
    let args = Dict::new()
        .with("port", 80)
        .with("state", "drained")
        .with("timeout", 1);
    assert!(failure::<WaitFor>(&args.clone().into(), &host).contains("to drain"));
    wait(args.clone().with("exclude_hosts", "127.0.0.2"), &host);
    wait(
        args.clone().with("active_connection_states", "TIME_WAIT"),
        &host,
    );
    assert!(
        failure::<WaitFor>(&args.with("active_connection_states", "OPEN").into(), &host)
            .contains("unknown active_connection_state")
    );
}

#[test]
fn mistakes_and_check_mode() {
    let host = FakeHost::new().listening("127.0.0.1", 22, "");
    let both = Dict::new().with("port", 22).with("path", "/x");
    assert_eq!(
        failure::<WaitFor>(&both.into(), &host),
        "port and path parameter can not both be passed to wait_for"
    );
    assert!(check::<WaitFor>(&Dict::new().with("port", 22).into(), &host).skipped);
    assert_unchanged::<WaitFor>(&Dict::new().with("port", 22).into(), &host);
}
