//! `unarchive` with programs that say what real ones say.

use super::*;
use crate::kit::fake::{assert_unchanged, check, exited, failure, needs, printed, run};
use crate::kit::{Command, FakeHost, Outcome, Output};
use crate::value::{Dict, Value};

fn args(src: &str) -> Dict {
    Dict::new().with("src", src).with("dest", "/opt/app")
}

fn on_host(src: &str) -> Dict {
    args(src).with("remote_src", true)
}

fn text(outcome: &Outcome, name: &str) -> String {
    outcome
        .values
        .get(name)
        .map(Value::to_text)
        .unwrap_or_default()
}

/// A host whose tar knows one archive, packed with gzip, that holds `d/` and `d/x`.
fn with_tar(different: &'static str) -> FakeHost {
    let tar = move |command: &Command, host: &FakeHost| -> Output {
        let has = |word: &str| command.argv.iter().any(|own| own == word);
        if has("--version") {
            return printed("tar (GNU tar) 1.34\n");
        }
        if !has("-z") {
            return exited(2, "", "tar: This does not look like a tar archive");
        }
        if has("--list") {
            return printed("d/\nd/x\n");
        }
        if has("--diff") {
            return if host.exists("/opt/app/d/x") {
                exited(1, different, "")
            } else {
                exited(
                    2,
                    "",
                    "tar: d/x: Warning: Cannot stat: No such file or directory\n",
                )
            };
        }
        host.write("/opt/app/d/x", "content");
        printed("")
    };
    FakeHost::new()
        .directory("/opt/app")
        .directory("/opt/app/d")
        .directory("/tmp")
        .file("/srv/a.tar.gz", "packed")
        .program("tar")
        .script(&["/usr/bin/tar"], tar)
}

#[test]
fn a_tar_archive_is_unpacked_once() {
    let host = with_tar("");
    let given: Value = on_host("/srv/a.tar.gz").with("list_files", true).into();
    let outcome = run::<Unarchive>(&given, &host);
    assert!(outcome.changed && !outcome.failed, "{outcome:?}");
    assert_eq!(text(&outcome, "handler"), "TgzArchive");
    assert_eq!(text(&outcome, "files"), "['d/', 'd/x']");
    assert_eq!(host.text("/opt/app/d/x"), "content");
    let again = run::<Unarchive>(&given, &host);
    assert!(!again.changed && !again.failed, "{again:?}");
    let extracted = host
        .ran()
        .iter()
        .filter(|argv| argv.iter().any(|word| word == "--extract"))
        .count();
    assert_eq!(extracted, 1);
}

#[test]
fn what_tar_finds_different_counts_unless_the_task_sets_it() {
    let host = with_tar("d/x: Mode differs\nd/x: Uid differs\n");
    host.write("/opt/app/d/x", "content");
    assert!(run::<Unarchive>(&on_host("/srv/a.tar.gz").into(), &host).changed);
    let host = with_tar("d/x: Mode differs\nd/x: Uid differs\n");
    host.write("/opt/app/d/x", "content");
    let given = on_host("/srv/a.tar.gz")
        .with("mode", "0640")
        .with("owner", "root");
    let outcome = run::<Unarchive>(&given.into(), &host);
    assert!(
        outcome.changed && outcome.values.get("extract_results").is_none(),
        "{outcome:?}"
    );
    assert_eq!(
        (host.mode_of("/opt/app/d/x"), host.mode_of("/opt/app/d")),
        (0o640, 0o640)
    );
}

#[test]
fn check_mode_skips_a_tar_archive() {
    let outcome = check::<Unarchive>(&on_host("/srv/a.tar.gz").into(), &with_tar(""));
    assert!(outcome.skipped, "{outcome:?}");
}

#[test]
fn options_and_names_reach_tar_as_words() {
    let host = with_tar("");
    let given = on_host("/srv/a.tar.gz")
        .with("extra_opts", "--strip-components=1")
        .with("keep_newer", true)
        .with("owner", "root")
        .with(
            "include",
            Value::list(["--checkpoint-action=exec=sh".into()]),
        );
    run::<Unarchive>(&given.into(), &host);
    let argv = host.ran().pop().unwrap();
    assert_eq!(
        argv[1..],
        [
            "--extract",
            "-C",
            "/opt/app",
            "-z",
            "--show-transformed-names",
            "--strip-components=1",
            "--owner=root",
            "--keep-newer-files",
            "-f",
            "/srv/a.tar.gz",
            "--",
            "--checkpoint-action=exec=sh"
        ]
    );
}

#[test]
fn t10_attributes_stay_inside_the_destination() {
    let tar = |command: &Command, _: &FakeHost| {
        if command.argv.iter().any(|word| word == "--version") {
            printed("tar (GNU tar) 1.34\n")
        } else if command.argv.iter().any(|word| word == "--list") {
            printed("../../etc/passwd\n")
        } else {
            printed("")
        }
    };
    let host = FakeHost::new()
        .directory("/opt/app")
        .file("/etc/passwd", "")
        .mode("/etc/passwd", 0o644)
        .file("/srv/a.tar", "x")
        .program("tar")
        .script(&["/usr/bin/tar"], tar);
    run::<Unarchive>(&on_host("/srv/a.tar").with("mode", "0777").into(), &host);
    assert_eq!(host.mode_of("/etc/passwd"), 0o644);
}

const LISTING: &str = "Archive:  /srv/a.zip\nZip file size: 120 bytes, number of entries: 1\n-rw-r--r--  3.0 unx        5 tx stor 20231114.221320 x\n1 file, 5 bytes uncompressed, 5 bytes compressed:  0.0%\n";
const SUMS: &str = "Archive:  /srv/a.zip\n Length   Method    Size  Cmpr    Date    Time   CRC-32   Name\n--------  ------  ------- ---- ---------- ----- --------  ----\n       5  Stored        5   0% 2023-11-14 22:13 3610a686  x\n--------          -------  ---                            -------\n       5                5   0%                            1 file\n";

/// A host whose unzip knows one archive that holds `x` with `hello`.
fn with_zip() -> FakeHost {
    let unzip = |command: &Command, host: &FakeHost| -> Output {
        if command.argv.iter().any(|word| word == "-l") {
            return printed("x");
        }
        if command.argv.iter().any(|word| word == "-v") {
            return printed(SUMS);
        }
        host.write("/opt/app/x", "hello");
        printed("inflating: /opt/app/x\n")
    };
    FakeHost::new()
        .directory("/opt/app")
        .file("/srv/a.zip", "PK")
        .program("unzip")
        .program("zipinfo")
        .command(&["/usr/bin/zipinfo", "-1"], printed("x\n"))
        .command(&["/usr/bin/zipinfo", "-T"], printed(LISTING))
        .script(&["/usr/bin/unzip"], unzip)
}

#[test]
fn a_zip_archive_is_compared_member_by_member() {
    let given: Value = on_host("/srv/a.zip").into();
    let host = with_zip();
    let outcome = check::<Unarchive>(&given, &host);
    assert!(outcome.changed && !outcome.skipped, "{outcome:?}");
    assert_eq!(outcome.diff[0].prepared.as_deref(), Some(">f++++++.?? x\n"));
    let outcome = run::<Unarchive>(&given, &host);
    assert!(outcome.changed, "{outcome:?}");
    assert_eq!(text(&outcome, "handler"), "ZipArchive");
    let there = |content: &str, modified| {
        with_zip()
            .file("/opt/app/x", content)
            .mode("/opt/app/x", 0o644)
            .times("/opt/app/x", 0, modified)
    };
    assert_unchanged::<Unarchive>(&given, &there("hello", 1_700_000_000));
    let diff = |host: &FakeHost| {
        check::<Unarchive>(&given, host).diff[0]
            .prepared
            .clone()
            .unwrap()
    };
    assert_eq!(diff(&there("hullo", 1_700_000_000)), ".fc......?? x\n");
    assert_eq!(diff(&there("hello!", 1_700_000_001)), ".fcst....?? x\n");
    let newer = on_host("/srv/a.zip").with("keep_newer", true);
    assert_unchanged::<Unarchive>(&newer.into(), &there("other", 1_700_000_009));
}

#[test]
fn an_archive_of_the_controller_waits_in_a_file_without_a_name() {
    let given: Value = args("files/a.tar.gz").into();
    assert_eq!(needs::<Unarchive>(&given).len(), 1);
    let host = with_tar("").supply("/play/files/a.tar.gz", 0o644, "packed");
    let outcome = run::<Unarchive>(&given, &host);
    assert!(outcome.changed, "{outcome:?}");
    assert_eq!(text(&outcome, "src"), "/play/files/a.tar.gz");
    assert!(
        host.names()
            .iter()
            .all(|name| !name.contains("kplay-archive")),
        "{:?}",
        host.names()
    );
}

#[test]
fn what_cannot_be_is_said() {
    let host = with_tar("");
    for (given, cause) in [
        (on_host("/srv/none"), "Source '/srv/none' does not exist"),
        (
            on_host("/srv/a.tar.gz").with("dest", "/none"),
            "must be an existing dir",
        ),
        (
            on_host("/srv/a.tar.gz").with("copy", true),
            "mutually exclusive",
        ),
        (
            on_host("/srv/a.tar.gz")
                .with("include", "a")
                .with("exclude", "b"),
            "mutually exclusive",
        ),
        (args("http://host/x"), "remote_src"),
        (
            on_host("http://u:s3cret@127.0.0.1:1/x"),
            "Failure downloading http://****:****@127.0.0.1:1/x",
        ),
    ] {
        let message = failure::<Unarchive>(&given.into(), &host);
        assert!(
            message.contains(cause) && !message.contains("s3cret"),
            "{message}"
        );
    }
    let empty = FakeHost::new().directory("/opt/app").file("/srv/e", "");
    assert!(
        failure::<Unarchive>(&on_host("/srv/e").into(), &empty).contains("the file is 0 bytes")
    );
    let bare = FakeHost::new().directory("/opt/app").file("/srv/x", "x");
    let message = failure::<Unarchive>(&on_host("/srv/x").into(), &bare);
    assert!(
        message.contains("Failed to find handler") && message.contains("'gtar' or 'tar'"),
        "{message}"
    );
    let given = on_host("/srv/none").with("creates", "/opt/app");
    assert!(run::<Unarchive>(&given.into(), &host).skipped);
}
