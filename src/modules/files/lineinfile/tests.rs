//! Tests of `lineinfile.rs`.

use super::*;
use crate::kit::fake::{assert_converges, assert_unchanged, check, exited, failure, run};
use crate::kit::{DiffText, FakeHost};
use crate::value::{Dict, Value};

fn args(pairs: &[(&str, &str)]) -> Value {
    let start = Dict::new().with("path", "/etc/x");
    pairs
        .iter()
        .fold(start, |dict, (name, value)| dict.with(*name, *value))
        .into()
}

/// Applies to a file of that text, checks that a second run changes nothing, and returns the text.
fn edited(text: &str, pairs: &[(&str, &str)]) -> String {
    let host = FakeHost::new().file("/etc/x", text);
    assert_converges::<LineInFile>(&args(pairs), &host);
    host.text("/etc/x")
}

#[test]
fn the_last_match_is_replaced_or_the_first() {
    let pairs = [("regexp", "^#?Port"), ("line", "Port 22")];
    assert_eq!(
        edited("#Port 1\nx\nPort 2\n", &pairs),
        "#Port 1\nx\nPort 22\n"
    );
    let first = [pairs[0], pairs[1], ("firstmatch", "yes")];
    assert_eq!(
        edited("#Port 1\nx\nPort 2\n", &first),
        "Port 22\nx\nPort 2\n"
    );
    let search = [("search_string", "ort 2"), ("line", "Port 3")];
    assert_eq!(edited("Port 1\nPort 2", &search), "Port 1\nPort 3\n");
}

#[test]
fn a_new_line_goes_where_asked() {
    assert_eq!(edited("a\nb", &[("line", "c")]), "a\nb\nc\n");
    assert_eq!(
        edited("a\nb\n", &[("line", "c"), ("insertbefore", "BOF")]),
        "c\na\nb\n"
    );
    assert_eq!(
        edited("a\nb\n", &[("line", "c"), ("insertafter", "BOF")]),
        "c\na\nb\n"
    );
    assert_eq!(
        edited("a\nb\na\n", &[("line", "c"), ("insertafter", "^a")]),
        "a\nb\na\nc\n"
    );
    assert_eq!(
        edited(
            "a\nb\na\n",
            &[("line", "c"), ("insertafter", "^a"), ("firstmatch", "yes")]
        ),
        "a\nc\nb\na\n"
    );
    assert_eq!(
        edited("a\nb\na\n", &[("line", "c"), ("insertbefore", "^a")]),
        "a\nb\nc\na\n"
    );
    assert_eq!(
        edited("a\n", &[("line", "c"), ("insertbefore", "^q")]),
        "a\nc\n"
    );
    assert_eq!(
        edited("a\nb", &[("line", "c"), ("insertafter", "b")]),
        "a\nb\nc\n"
    );
    assert_eq!(edited("", &[("line", "c")]), "c\n");
}

#[test]
fn a_line_that_is_there_changes_nothing() {
    let host = FakeHost::new().file("/etc/x", "a\nb\n");
    assert_unchanged::<LineInFile>(&args(&[("line", "a")]), &host);
    assert_unchanged::<LineInFile>(
        &args(&[("line", "a"), ("regexp", "^q"), ("insertafter", "b")]),
        &host,
    );
    let outcome = assert_unchanged::<LineInFile>(&args(&[("line", "b"), ("regexp", "^b")]), &host);
    assert_eq!(outcome.values.get("msg"), Some(&Value::from("")));
    assert_eq!(outcome.values.get("backup"), Some(&Value::from("")));
}

#[test]
fn backrefs_fill_the_line_and_need_a_match() {
    let host = FakeHost::new().file("/etc/x", "-Xms1g x\n");
    let pairs = [
        ("regexp", r"^(.*)Xms(\d+)g(?P<rest>.*)$"),
        ("line", r"\1Xms${xms}\g<rest>"),
        ("backrefs", "yes"),
    ];
    run::<LineInFile>(&args(&pairs), &host);
    assert_eq!(host.text("/etc/x"), "-Xms${xms} x\n");
    assert_unchanged::<LineInFile>(
        &args(&[("regexp", "^none"), ("line", "x"), ("backrefs", "yes")]),
        &host,
    );
}

#[test]
fn absent_removes_all_that_match() {
    assert_eq!(
        edited("a1\nb\na2\n", &[("regexp", "^a"), ("state", "absent")]),
        "b\n"
    );
    assert_eq!(
        edited("a\nb\na", &[("line", "a"), ("state", "absent")]),
        "b\n"
    );
    let host = FakeHost::new().file("/etc/x", "1\n2\n");
    let outcome = run::<LineInFile>(&args(&[("search_string", "2"), ("state", "absent")]), &host);
    assert_eq!(
        outcome.values.get("msg"),
        Some(&Value::from("1 line(s) removed"))
    );
    assert_eq!(outcome.values.get("found"), Some(&Value::from(1)));
    let outcome = run::<LineInFile>(&args(&[("line", "2"), ("state", "absent")]), &host);
    assert_eq!(
        (outcome.changed, outcome.values.get("found")),
        (false, Some(&Value::from(0)))
    );
    let none = Dict::new()
        .with("path", "/no")
        .with("line", "x")
        .with("state", "absent");
    let outcome = assert_unchanged::<LineInFile>(&none.into(), &host);
    assert_eq!(
        outcome.values.get("msg"),
        Some(&Value::from("file not present"))
    );
}

#[test]
fn a_file_is_created_only_where_asked() {
    let host = FakeHost::new();
    let outcome = run::<LineInFile>(&args(&[("line", "a")]), &host);
    assert_eq!(outcome.values.get("rc"), Some(&Value::from(257)));
    let deep = Dict::new()
        .with("path", "/srv/a/x")
        .with("line", "a")
        .with("create", true)
        .with("mode", "0600");
    let outcome = assert_converges::<LineInFile>(&deep.into(), &host);
    assert_eq!(
        (host.text("/srv/a/x").as_str(), host.mode_of("/srv/a/x")),
        ("a\n", 0o600)
    );
    let message = "line added and ownership, perms or SE linux context changed";
    assert_eq!(outcome.values.get("msg"), Some(&Value::from(message)));
}

#[test]
fn the_difference_shows_text_and_attributes() {
    let host = FakeHost::new().file("/etc/x", "a\n");
    let outcome = check::<LineInFile>(&args(&[("line", "b"), ("mode", "0600")]), &host);
    assert_eq!(
        outcome.diff[0].before_header.as_deref(),
        Some("/etc/x (content)")
    );
    assert_eq!(outcome.diff[0].after, DiffText::Text("a\nb\n".to_owned()));
    assert_eq!(
        outcome.diff[1].before_header.as_deref(),
        Some("/etc/x (file attributes)")
    );
    assert_eq!(
        outcome.diff[1].after,
        DiffText::State(Dict::new().with("mode", "0600").into())
    );
}

#[test]
fn a_backup_holds_the_old_text() {
    let host = FakeHost::new().file("/etc/x", "a\n");
    let outcome = run::<LineInFile>(&args(&[("line", "b"), ("backup", "yes")]), &host);
    let backup = outcome.values.get("backup").unwrap().to_text();
    assert_eq!(host.text(&backup), "a\n");
}

#[test]
fn what_is_not_valid_is_refused() {
    let host = FakeHost::new()
        .file("/etc/x", "a\n")
        .command(&["sshd"], exited(255, "", "bad line 2"));
    let message = failure::<LineInFile>(
        &args(&[("line", "b"), ("validate", "sshd -t -f %s")]),
        &host,
    );
    assert_eq!(message, "failed to validate: rc:255 error:bad line 2");
    assert_eq!(host.text("/etc/x"), "a\n");
}

#[test]
fn bytes_that_are_no_text_survive() {
    let host = FakeHost::new().file("/etc/x", b"\xff\xe9\nkey=1\n");
    run::<LineInFile>(&args(&[("regexp", "^key="), ("line", "key=é")]), &host);
    assert_eq!(
        crate::kit::Host::read(&host, "/etc/x").unwrap(),
        b"\xff\xe9\nkey=\xc3\xa9\n"
    );
}

#[test]
fn impossible_arguments_are_refused() {
    let host = FakeHost::new().directory("/etc/x");
    let wrong = |pairs: &[(&str, &str)]| failure::<LineInFile>(&args(pairs), &host);
    assert!(wrong(&[]).contains("line is required with state=present"));
    assert!(
        wrong(&[("state", "absent")]).contains("one of line, search_string, or regexp is required")
    );
    assert!(
        wrong(&[("line", "x"), ("insertafter", "a"), ("insertbefore", "b")])
            .contains("mutually exclusive")
    );
    assert!(
        wrong(&[("line", "x"), ("backrefs", "yes")])
            .contains("regexp is required with backrefs=true")
    );
    assert!(wrong(&[("line", "x")]).contains("is a directory !"));
    let host = FakeHost::new().file("/etc/x", "");
    assert!(
        failure::<LineInFile>(&args(&[("line", "x"), ("regexp", "(")]), &host)
            .contains("no regular expression")
    );
}

#[test]
fn a_link_is_written_through() {
    let host = FakeHost::new()
        .file("/srv/x", "a\n")
        .link("/etc/x", "/srv/x");
    assert_converges::<LineInFile>(&args(&[("line", "b")]), &host);
    assert_eq!(host.text("/srv/x"), "a\nb\n");
}

#[test]
fn t11_no_write_through_another_users_link() {
    let host = FakeHost::new()
        .file("/etc/shadow", "root\n")
        .link("/etc/x", "/etc/shadow")
        .owner("/etc/x", 1000, 1000);
    assert!(
        failure::<LineInFile>(&args(&[("line", "evil")]), &host).contains("refusing to follow")
    );
    assert_eq!(host.text("/etc/shadow"), "root\n");
}

#[test]
fn t08_the_new_mode_is_there_with_the_new_text() {
    let host = FakeHost::new().file("/etc/x", "a\n");
    run::<LineInFile>(&args(&[("line", "secret"), ("mode", "0600")]), &host);
    assert_eq!(
        host.operations(),
        ["stage /etc/x 0600", "commit /etc/x 0600"]
    );
}
