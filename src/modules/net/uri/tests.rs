//! `uri` against a server of one thread.

use super::*;
use crate::http::testing::{answer, served};
use crate::kit::fake::{check, failure, needs, run};
use crate::kit::{FakeHost, Outcome};
use crate::value::{Dict, Value};

fn args(url: &str) -> Dict {
    Dict::new().with("url", url)
}

fn json() -> Vec<u8> {
    answer(
        "200 OK",
        "Content-Type: application/vnd.api+json; charset=utf-8\r\nX-A-B: c\r\nSet-Cookie: s=1; Path=/\r\nSet-Cookie: t=2\r\n",
        br#"{"a": [1, "x"]}"#,
    )
}

fn text(outcome: &Outcome, name: &str) -> String {
    outcome
        .values
        .get(name)
        .map(Value::to_text)
        .unwrap_or_default()
}

#[test]
fn an_answer_becomes_a_result() {
    let (url, _asked) = served(vec![json()]);
    let outcome = run::<Uri>(&args(&url).into(), &FakeHost::new());
    assert!(!outcome.changed && !outcome.failed, "{outcome:?}");
    for (name, value) in [
        ("status", "200"),
        ("msg", "OK (15 bytes)"),
        ("x_a_b", "c"),
        ("cookies_string", "s=1; t=2"),
        ("redirected", "False"),
        ("content_type", "application/vnd.api+json; charset=utf-8"),
    ] {
        assert_eq!(text(&outcome, name), value, "{name}");
    }
    assert_eq!(
        outcome
            .values
            .get("json")
            .unwrap()
            .get("a")
            .unwrap()
            .as_list()
            .unwrap()
            .len(),
        2
    );
    assert!(outcome.values.get("content").is_none());
    assert_eq!(
        outcome.values.get("cookies").unwrap().get("t"),
        Some(&"2".into())
    );
}

#[test]
fn content_is_returned_where_it_is_wanted() {
    let latin = answer(
        "200 OK",
        "Content-Type: text/plain; charset=ISO-8859-1\r\n",
        b"caf\xe9",
    );
    let (url, _asked) = served(vec![latin]);
    let outcome = run::<Uri>(
        &args(&url).with("return_content", true).into(),
        &FakeHost::new(),
    );
    assert_eq!(text(&outcome, "content"), "café");
}

#[test]
fn an_unexpected_status_is_a_failure_and_an_expected_one_is_not() {
    let missing = || answer("404 Not Found", "Content-Type: text/plain\r\n", b"gone");
    let (url, _asked) = served(vec![missing(), missing()]);
    let host = FakeHost::new();
    let outcome = run::<Uri>(&args(&url).with("return_content", true).into(), &host);
    assert!(outcome.failed);
    assert_eq!(
        text(&outcome, "msg"),
        "Status code was 404 and not [200]: HTTP Error 404: Not Found"
    );
    assert_eq!(text(&outcome, "content"), "gone");
    let outcome = run::<Uri>(&args(&url).with("status_code", "200, 404").into(), &host);
    assert!(!outcome.failed);
    assert_eq!(text(&outcome, "body"), "gone");
    let outcome = run::<Uri>(&args("http://127.0.0.1:1/").into(), &host);
    assert!(
        outcome.failed && text(&outcome, "status") == "-1",
        "{outcome:?}"
    );
    assert!(
        text(&outcome, "msg").starts_with("Status code was -1 and not [200]: Request failed: ")
    );
}

#[test]
fn bodies_are_written_as_their_format_says() {
    let fine = || answer("200 OK", "", b"");
    let (url, asked) = served(vec![fine(), fine(), fine(), fine()]);
    let host = FakeHost::new();
    let body = Value::dict(Dict::new().with("a", 1).with("b", "x y"));
    let post = args(&url).with("method", "post").with("body", body);
    for (format, kind, content) in [
        ("json", "application/json", r#"{"a": 1, "b": "x y"}"#),
        (
            "form-urlencoded",
            "application/x-www-form-urlencoded",
            "a=1&b=x+y",
        ),
    ] {
        assert!(!run::<Uri>(&post.clone().with("body_format", format).into(), &host).failed);
        let seen = asked.recv().unwrap();
        assert!(
            seen.starts_with("POST ") && seen.ends_with(content),
            "{seen}"
        );
        assert!(
            seen.to_lowercase()
                .contains(&format!("content-type: {kind}\r\n")),
            "{seen}"
        );
    }
    let own = Value::dict(Dict::new().with("content-type", "application/x-own"));
    let given = post
        .clone()
        .with("body_format", "json")
        .with("headers", own);
    run::<Uri>(&given.into(), &host);
    assert!(
        asked
            .recv()
            .unwrap()
            .to_lowercase()
            .contains("content-type: application/x-own\r\n")
    );
    let raw = args(&url).with("method", "GET").with("body", "text");
    run::<Uri>(&raw.into(), &host);
    let seen = asked.recv().unwrap();
    assert!(
        seen.starts_with("GET ") && seen.ends_with("\r\n\r\ntext"),
        "{seen}"
    );
    let message = failure::<Uri>(&post.into(), &host);
    assert!(message.contains("body_format"), "{message}");
}

#[test]
fn files_of_the_controller_and_of_the_host_are_sent() {
    let fine = || answer("200 OK", "", b"");
    let (url, asked) = served(vec![fine(), fine(), fine()]);
    let form = Dict::new()
        .with(
            "f",
            Value::dict(Dict::new().with("filename", "files/a.txt")),
        )
        .with(
            "g",
            Value::dict(Dict::new().with("filename", "x.json").with("content", "{}")),
        )
        .with("h", "plain");
    let given: Value = args(&url)
        .with("method", "POST")
        .with("body_format", "form-multipart")
        .with("body", Value::dict(form))
        .into();
    assert_eq!(needs::<Uri>(&given).len(), 1);
    let host = FakeHost::new().supply("/play/files/a.txt", 0o644, "hello");
    let outcome = run::<Uri>(&given, &host);
    assert!(!outcome.failed, "{outcome:?}");
    let seen = asked.recv().unwrap();
    for part in [
        "Content-Transfer-Encoding: base64\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\naGVsbG8=\r\n",
        "Content-Type: application/json\r\nContent-Disposition: form-data; name=\"g\"; filename=\"x.json\"\r\n\r\n{}\r\n",
        "Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"h\"\r\n\r\nplain\r\n",
    ] {
        assert!(seen.contains(part), "{seen}");
    }
    let src = args(&url).with("method", "PUT").with("src", "files/a.txt");
    assert_eq!(needs::<Uri>(&src.clone().into()).len(), 1);
    run::<Uri>(&src.clone().into(), &host);
    assert!(asked.recv().unwrap().ends_with("hello"));
    let remote = src.with("src", "/etc/x").with("remote_src", true);
    assert!(needs::<Uri>(&remote.clone().into()).is_empty());
    run::<Uri>(&remote.into(), &FakeHost::new().file("/etc/x", "there"));
    assert!(asked.recv().unwrap().ends_with("there"));
}

#[test]
fn an_answer_is_written_to_a_file() {
    let (url, asked) = served(vec![
        answer("200 OK", "", b"hello"),
        answer("304 Not Modified", "", b""),
    ]);
    let host = FakeHost::new().directory("/srv");
    let given = args(&format!("{url}/a%20b"))
        .with("dest", "/srv")
        .with("mode", "0600");
    let outcome = run::<Uri>(&given.into(), &host);
    assert!(outcome.changed, "{outcome:?}");
    assert_eq!(
        (
            text(&outcome, "path").as_str(),
            text(&outcome, "mode").as_str()
        ),
        ("/srv/a b", "0600")
    );
    assert_eq!(host.text("/srv/a b"), "hello");
    asked.recv().unwrap();
    let given = args(&url)
        .with("dest", "/srv/a b")
        .with("status_code", Value::list([200.into(), 304.into()]));
    let outcome = run::<Uri>(&given.into(), &host);
    assert!(!outcome.changed && !outcome.failed, "{outcome:?}");
    assert!(
        asked
            .recv()
            .unwrap()
            .to_lowercase()
            .contains("if-modified-since: ")
    );
}

#[test]
fn redirects_are_followed_as_the_task_says() {
    let moved = || answer("302 Found", "Location: /next\r\n", b"");
    let (url, _asked) = served(vec![moved(), answer("200 OK", "", b""), moved(), moved()]);
    let host = FakeHost::new();
    let outcome = run::<Uri>(&args(&url).into(), &host);
    assert_eq!(
        (text(&outcome, "url"), text(&outcome, "redirected").as_str()),
        (format!("{url}/next"), "True")
    );
    let none = args(&url)
        .with("follow_redirects", "none")
        .with("status_code", 302);
    let outcome = run::<Uri>(&none.into(), &host);
    assert_eq!(
        (
            text(&outcome, "location"),
            text(&outcome, "redirected").as_str()
        ),
        (format!("{url}/next"), "False")
    );
    assert!(run::<Uri>(&args(&url).with("method", "POST").into(), &host).failed);
}

#[test]
fn t06_a_password_does_not_come_back() {
    let (url, asked) = served(vec![answer(
        "200 OK",
        "X-Echo: is s3cret!\r\n",
        b"{\"p\": \"s3cret\"}",
    )]);
    let given = args(&url)
        .with("user", "me")
        .with("password", "s3cret")
        .with("force_basic_auth", true)
        .with("return_content", true);
    let outcome = run::<Uri>(&given.into(), &FakeHost::new());
    assert!(asked.recv().unwrap().contains("Basic bWU6czNjcmV0"));
    assert!(!format!("{outcome:?}").contains("s3cret"), "{outcome:?}");
    assert_eq!(text(&outcome, "x_echo"), "is ********!");
}

#[test]
fn conditions_and_check_mode_ask_nobody() {
    let host = FakeHost::new().file("/there", "");
    let nowhere = args("http://127.0.0.1:1/");
    let outcome = run::<Uri>(&nowhere.clone().with("creates", "/there").into(), &host);
    assert_eq!(text(&outcome, "stdout"), "skipped, since '/there' exists");
    let outcome = run::<Uri>(&nowhere.clone().with("removes", "/none").into(), &host);
    assert_eq!(
        text(&outcome, "stdout"),
        "skipped, since '/none' does not exist"
    );
    assert!(check::<Uri>(&nowhere.into(), &host).skipped);
}

#[test]
fn mistakes_are_refused() {
    for (name, value, cause) in [
        ("method", Value::from("GET /"), "single word"),
        ("headers", Value::from("a: b"), "dictionary"),
        ("src", Value::from("x"), "mutually exclusive"),
        ("use_gssapi", Value::from(true), "not supported"),
    ] {
        let given = args("http://127.0.0.1:1/")
            .with("body", "b")
            .with(name, value);
        let message = failure::<Uri>(&given.into(), &FakeHost::new());
        assert!(message.contains(cause), "{message}");
    }
}
