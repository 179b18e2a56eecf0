//! `get_url` against a server of one thread.

use super::*;
use crate::http::testing::{answer, served};
use crate::kit::fake::{assert_unchanged, check, failure, run};
use crate::kit::{FakeHost, Outcome};
use crate::value::{Dict, Value};

fn args(url: &str, dest: &str) -> Dict {
    Dict::new().with("url", url).with("dest", dest)
}

fn hello() -> Vec<u8> {
    answer("200 OK", "", b"hello")
}

fn host() -> FakeHost {
    FakeHost::new().directory("/srv")
}

fn text(outcome: &Outcome, name: &str) -> String {
    outcome
        .values
        .get(name)
        .map(Value::to_text)
        .unwrap_or_default()
}

/// The SHA-256 of `hello`.
const SUM: &str = "sha256:2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824";

#[test]
fn a_file_comes_and_is_as_it_was_asked_for() {
    let (url, asked) = served(vec![hello()]);
    let host = host();
    let outcome = run::<GetUrl>(
        &args(&format!("{url}/x"), "/srv/x")
            .with("mode", "0640")
            .into(),
        &host,
    );
    assert!(outcome.changed, "{outcome:?}");
    assert_eq!(
        (host.text("/srv/x").as_str(), host.mode_of("/srv/x")),
        ("hello", 0o640)
    );
    assert_eq!(text(&outcome, "msg"), "OK (5 bytes)");
    assert_eq!(text(&outcome, "status_code"), "200");
    assert_eq!(
        text(&outcome, "checksum_src"),
        "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"
    );
    assert_eq!(text(&outcome, "md5sum"), "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(text(&outcome, "mode"), "0640");
    let seen = asked.recv().unwrap().to_lowercase();
    assert!(
        seen.contains("user-agent: ansible-httpget") && seen.contains("accept-encoding: identity")
    );
}

#[test]
fn what_the_server_has_unchanged_is_not_taken_again() {
    let (url, asked) = served(vec![answer("304 Not Modified", "", b"")]);
    let host = host()
        .file("/srv/x", "old")
        .times("/srv/x", 0, 1_700_000_000);
    let outcome = run::<GetUrl>(&args(&url, "/srv/x").into(), &host);
    assert!(!outcome.changed && !outcome.failed, "{outcome:?}");
    assert_eq!(text(&outcome, "msg"), "HTTP Error 304: Not Modified");
    let seen = asked.recv().unwrap().to_lowercase();
    assert!(
        seen.contains("if-modified-since: tue, 14 nov 2023 22:13:20 gmt"),
        "{seen}"
    );
}

#[test]
fn the_same_content_is_no_change_and_another_one_is_backed_up() {
    let (url, asked) = served(vec![hello(), answer("200 OK", "", b"new")]);
    let host = host().file("/srv/x", "hello");
    let given: Value = args(&url, "/srv/x")
        .with("force", true)
        .with("backup", true)
        .into();
    assert!(!run::<GetUrl>(&given, &host).changed);
    assert!(
        asked
            .recv()
            .unwrap()
            .to_lowercase()
            .contains("cache-control: no-cache")
    );
    let outcome = run::<GetUrl>(&given, &host);
    assert!(outcome.changed);
    assert_eq!(host.text("/srv/x"), "new");
    assert_eq!(host.text(&text(&outcome, "backup_file")), "hello");
}

#[test]
fn a_checksum_that_fits_needs_no_server() {
    let host = host().file("/srv/x", "hello").mode("/srv/x", 0o600);
    let given = args("http://127.0.0.1:1/x", "/srv/x").with("checksum", SUM);
    let outcome = run::<GetUrl>(&given.clone().with("mode", "0644").into(), &host);
    assert!(outcome.changed);
    assert_eq!(
        text(&outcome, "msg"),
        "file already exists but file attributes changed"
    );
    assert_unchanged::<GetUrl>(&given.into(), &host);
}

#[test]
fn t16_a_content_with_another_checksum_is_not_written() {
    let (url, _asked) = served(vec![answer("200 OK", "", b"evil")]);
    let host = host().file("/srv/x", "old");
    let message = failure::<GetUrl>(&args(&url, "/srv/x").with("checksum", SUM).into(), &host);
    assert!(message.contains("did not match 2cf24dba"), "{message}");
    assert_eq!(host.text("/srv/x"), "old");
    assert_eq!(host.names().len(), host_names_without_drafts(&host));
}

fn host_names_without_drafts(host: &FakeHost) -> usize {
    host.names()
        .iter()
        .filter(|name| !name.contains("kplay"))
        .count()
}

#[test]
fn a_list_of_checksums_names_the_file() {
    let list = format!("{}  file.txt\n00  other\n", &SUM[7..]);
    let (url, _asked) = served(vec![answer("200 OK", "", list.as_bytes()), hello()]);
    let host = host();
    let given =
        args(&format!("{url}/file.txt"), "/srv/x").with("checksum", format!("sha256:{url}/sums"));
    assert!(run::<GetUrl>(&given.into(), &host).changed);
    let (url, _asked) = served(vec![answer("200 OK", "", b"00  other\n11  another\n")]);
    let given =
        args(&format!("{url}/file.txt"), "/srv/y").with("checksum", format!("sha256:{url}/sums"));
    let message = failure::<GetUrl>(&given.into(), &host);
    assert!(
        message.starts_with("Unable to find a checksum for file 'file.txt'"),
        "{message}"
    );
}

#[test]
fn check_mode_asks_and_takes_nothing() {
    let (url, _asked) = served(vec![hello(), answer("404 Not Found", "", b"")]);
    let host = host();
    let outcome = check::<GetUrl>(&args(&url, "/srv/x").into(), &host);
    assert!(outcome.changed && !host.exists("/srv/x"), "{outcome:?}");
    assert_eq!(text(&outcome, "msg"), "OK (5 bytes)");
    assert!(check::<GetUrl>(&args(&url, "/srv/x").into(), &host).failed);
}

#[test]
fn a_directory_gets_the_name_that_the_server_gives() {
    let named = answer(
        "200 OK",
        "Content-Disposition: attachment; filename=\"../n.txt\"\r\n",
        b"a",
    );
    let (url, _asked) = served(vec![named, hello()]);
    let host = host();
    assert_eq!(
        text(&run::<GetUrl>(&args(&url, "/srv").into(), &host), "dest"),
        "/srv/n.txt"
    );
    let outcome = run::<GetUrl>(
        &args(&format!("{url}/dir/a.txt?x=/y"), "/srv/").into(),
        &host,
    );
    assert_eq!(text(&outcome, "dest"), "/srv/a.txt");
}

#[test]
fn t06_failures_say_why_and_no_password() {
    let (url, _asked) = served(vec![answer("404 Not Found", "", b"")]);
    let url = url.replace("http://", "http://me:s3cret@");
    let outcome = run::<GetUrl>(&args(&url, "/srv/x").into(), &host());
    assert_eq!(text(&outcome, "msg"), "Request failed");
    assert_eq!(text(&outcome, "response"), "HTTP Error 404: Not Found");
    assert!(!format!("{outcome:?}").contains("s3cret"), "{outcome:?}");
    let message = failure::<GetUrl>(&args("http://127.0.0.1:1/", "/srv/x").into(), &host());
    assert!(message.contains("Connection refused"), "{message}");
    let message = failure::<GetUrl>(&args("ftp://u:pw@host/x", "/srv/x").into(), &host());
    assert!(
        message.contains("FTP is not supported") && !message.contains("pw"),
        "{message}"
    );
}

#[test]
fn a_destination_that_cannot_be_is_said_before_anything_is_written() {
    let (url, _asked) = served(vec![hello()]);
    let message = failure::<GetUrl>(&args(&url, "/none/x").into(), &host());
    assert_eq!(message, "Destination /none does not exist");
    let given = args("http://127.0.0.1:1/", "/srv/x").with("tmp_dest", "/none");
    assert_eq!(
        failure::<GetUrl>(&given.into(), &host()),
        "/none directory does not exist."
    );
    for (sum, cause) in [
        ("x", "has to be in format"),
        ("md9:00", "algorithm 'md9'"),
        ("md5:xyz", "format is invalid"),
    ] {
        let given = args("http://127.0.0.1:1/", "/srv/x").with("checksum", sum);
        let message = failure::<GetUrl>(&given.into(), &host());
        assert!(message.contains(cause), "{message}");
    }
}

#[test]
fn a_file_of_the_host_is_an_address_too() {
    let host = host().file("/src", "hello").directory("/tmp2");
    let given = args("file:///src", "/srv/x").with("tmp_dest", "/tmp2");
    let outcome = run::<GetUrl>(&given.into(), &host);
    assert!(outcome.changed, "{outcome:?}");
    assert_eq!(host.text("/srv/x"), "hello");
    let missing = failure::<GetUrl>(&args("file:///none", "/srv/y").into(), &host);
    assert!(missing.contains("No such file"), "{missing}");
}

#[test]
fn what_kplay_has_not_is_refused() {
    for (name, value) in [
        ("use_gssapi", Value::from(true)),
        ("headers", Value::from("a: b")),
    ] {
        let given = args("http://127.0.0.1:1/", "/srv/x").with(name, value);
        assert!(failure::<GetUrl>(&given.into(), &host()).contains(name));
    }
}
