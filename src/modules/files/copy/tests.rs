//! Tests of `copy`: texts, files and directories of the controller, and of the host.

use super::*;
use crate::kit::fake::{
    assert_converges, assert_unchanged, check, exited, failure, needs, printed, run,
};
use crate::kit::{DiffText, FakeHost, Outcome, TreeEntry};
use crate::value::{Dict, Value};

const ABC: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

fn content(text: &str, dest: &str) -> Dict {
    Dict::new().with("content", text).with("dest", dest)
}

fn src(src: &str, dest: &str) -> Dict {
    Dict::new().with("src", src).with("dest", dest)
}

fn value<'a>(outcome: &'a Outcome, name: &str) -> &'a Value {
    outcome
        .values
        .get(name)
        .unwrap_or_else(|| panic!("no {name} in {:?}", outcome.values))
}

#[test]
fn a_text_is_written_and_described() {
    let host = FakeHost::new();
    let outcome =
        assert_converges::<Copy>(&content("abc", "/etc/x").with("mode", "0640").into(), &host);
    assert_eq!(
        (host.text("/etc/x").as_str(), host.mode_of("/etc/x")),
        ("abc", 0o640)
    );
    assert_eq!(value(&outcome, "dest"), &Value::from("/etc/x"));
    assert_eq!(value(&outcome, "checksum"), &Value::from(ABC));
    assert_eq!(
        value(&outcome, "md5sum"),
        &Value::from("900150983cd24fb0d6963f7d28e17f72")
    );
    assert_eq!(value(&outcome, "state"), &Value::from("file"));
    assert_eq!(value(&outcome, "size"), &Value::from(3));
    assert_eq!(value(&outcome, "mode"), &Value::from("0640"));
    let outcome = assert_unchanged::<Copy>(&content("abc", "/etc/x").into(), &host);
    assert_eq!(value(&outcome, "path"), &Value::from("/etc/x"));
    assert_eq!(value(&outcome, "checksum"), &Value::from(ABC));
}

#[test]
fn t08_a_file_is_private_until_it_has_its_mode() {
    let host = FakeHost::new().user("app", 1000);
    run::<Copy>(
        &content("abc", "/etc/x")
            .with("mode", "0444")
            .with("owner", "app")
            .into(),
        &host,
    );
    assert_eq!(
        host.operations(),
        ["stage /etc/x 0600", "commit /etc/x 0444"]
    );
    assert_eq!(host.owner_of("/etc/x"), (1000, 0));
}

#[test]
fn t08_a_secret_that_others_could_read_is_warned_about() {
    let secret = Dict::new()
        .with("content", Value::from("s").secret())
        .with("dest", "/etc/x");
    let outcome = check::<Copy>(&secret.clone().into(), &FakeHost::new());
    assert!(outcome.warnings[0].contains("holds a secret"));
    assert!(matches!(&outcome.diff[0].after, DiffText::Hidden(_)));
    assert!(
        check::<Copy>(&secret.with("mode", "0600").into(), &FakeHost::new())
            .warnings
            .is_empty()
    );
    assert!(
        check::<Copy>(&content("s", "/etc/x").into(), &FakeHost::new())
            .warnings
            .is_empty()
    );
}

#[test]
fn an_existing_file_keeps_its_attributes() {
    let host = FakeHost::new()
        .file("/etc/x", "old")
        .mode("/etc/x", 0o600)
        .owner("/etc/x", 5, 6);
    assert_converges::<Copy>(&content("abc", "/etc/x").into(), &host);
    assert_eq!(
        (host.mode_of("/etc/x"), host.owner_of("/etc/x")),
        (0o600, (5, 6))
    );
}

#[test]
fn attributes_alone_can_change() {
    let host = FakeHost::new().file("/etc/x", "abc");
    let outcome = assert_converges::<Copy>(
        &content("abc", "/etc/x").with("mode", "u=rw,go=").into(),
        &host,
    );
    assert_eq!(value(&outcome, "mode"), &Value::from("0600"));
    assert_eq!(
        outcome.diff[0].after,
        DiffText::State(
            Dict::new()
                .with("mode", "0600")
                .with("path", "/etc/x")
                .into()
        )
    );
}

#[test]
fn lists_and_dictionaries_are_written_as_json() {
    let host = FakeHost::new();
    let data = Dict::new()
        .with("a", vec![1, 2])
        .with("b", "é\"")
        .with("c", true)
        .with("d", Value::NULL);
    let args = Dict::new().with("content", data).with("dest", "/x");
    assert_converges::<Copy>(&args.into(), &host);
    assert_eq!(
        host.text("/x"),
        r#"{"a": [1, 2], "b": "\u00e9\"", "c": true, "d": null}"#
    );
    run::<Copy>(
        &Dict::new().with("content", 5).with("dest", "/x").into(),
        &host,
    );
    assert_eq!(host.text("/x"), "5");
}

#[test]
fn the_difference_shows_texts_unless_they_are_large_or_binary() {
    let host = FakeHost::new()
        .file("/etc/x", "old\n")
        .file("/etc/b", b"\0");
    let outcome = check::<Copy>(&content("new\n", "/etc/x").into(), &host);
    assert_eq!(outcome.diff[0].before, DiffText::Text("old\n".to_owned()));
    assert_eq!(outcome.diff[0].after, DiffText::Text("new\n".to_owned()));
    assert_eq!(outcome.diff[0].before_header.as_deref(), Some("/etc/x"));
    assert_eq!(outcome.diff[0].after_header.as_deref(), Some("/etc/x"));
    let outcome = check::<Copy>(&content("new\n", "/etc/b").into(), &host);
    assert!(matches!(&outcome.diff[0].before, DiffText::Hidden(why) if why.contains("binary")));
    let outcome = check::<Copy>(&content(&"x".repeat(200_000), "/etc/x").into(), &host);
    assert!(
        matches!(&outcome.diff[0].after, DiffText::Hidden(why) if why.contains("greater than 104448"))
    );
}

#[test]
fn only_a_file_that_differs_travels() {
    let host = FakeHost::new()
        .supply("/play/files/x", 0o755, "abc")
        .file("/etc/x", "abc");
    assert_unchanged::<Copy>(&src("x", "/etc/x").into(), &host);
    assert!(host.opened().is_empty());
    let outcome = assert_converges::<Copy>(
        &src("x", "/etc/")
            .with("dest", "/etc/y")
            .with("mode", "preserve")
            .into(),
        &host,
    );
    assert_eq!(
        (host.text("/etc/y").as_str(), host.mode_of("/etc/y")),
        ("abc", 0o755)
    );
    assert_eq!(value(&outcome, "src"), &Value::from("/play/files/x"));
}

#[test]
fn a_large_file_is_streamed() {
    let large = vec![b'x'; 300_000];
    let host = FakeHost::new().supply("/files/large", 0o644, &large);
    check::<Copy>(
        &src("large", "/srv").with("dest", "/etc/large").into(),
        &host,
    );
    assert!(host.opened().is_empty());
    assert_converges::<Copy>(&src("large", "/etc/large").into(), &host);
    assert_eq!(host.text("/etc/large").len(), 300_000);
}

#[test]
fn the_destination_may_be_a_directory() {
    let host = FakeHost::new()
        .supply("/files/x", 0o644, "abc")
        .directory("/srv");
    let outcome = assert_converges::<Copy>(&src("x", "/srv").into(), &host);
    assert_eq!(value(&outcome, "dest"), &Value::from("/srv/x"));
    let made = src("x", "/new/deep/").with("directory_mode", "0700");
    assert_converges::<Copy>(&made.into(), &host);
    assert_eq!(
        (
            host.text("/new/deep/x").as_str(),
            host.mode_of("/new"),
            host.mode_of("/new/deep")
        ),
        ("abc", 0o700, 0o700)
    );
    assert_eq!(
        failure::<Copy>(&src("x", "/none/x").into(), &host),
        "Destination directory /none does not exist"
    );
    assert_eq!(
        failure::<Copy>(&content("abc", "/srv").into(), &host),
        "can not use content with a dir as dest"
    );
    assert!(
        failure::<Copy>(&content("abc", "/srv/").into(), &host)
            .contains("can not use content with a dir as dest")
    );
}

#[test]
fn a_missing_folder_may_be_the_work_of_an_earlier_task() {
    assert!(check::<Copy>(&content("abc", "/none/x").into(), &FakeHost::new()).changed);
}

#[test]
fn force_off_keeps_what_is_there() {
    let host = FakeHost::new().file("/etc/x", "old");
    let outcome =
        assert_unchanged::<Copy>(&content("abc", "/etc/x").with("force", "no").into(), &host);
    assert_eq!(value(&outcome, "dest"), &Value::from("/etc/x"));
    assert_converges::<Copy>(&content("abc", "/etc/y").with("force", false).into(), &host);
}

#[test]
fn a_backup_is_made_of_what_was_there() {
    let host = FakeHost::new().file("/etc/x", "old");
    let outcome = run::<Copy>(&content("abc", "/etc/x").with("backup", true).into(), &host);
    assert_eq!(host.text(&value(&outcome, "backup_file").to_text()), "old");
    let outcome = run::<Copy>(
        &content("abc", "/etc/new").with("backup", true).into(),
        &host,
    );
    assert!(!outcome.values.contains("backup_file"));
}

#[test]
fn what_is_not_valid_is_refused() {
    let host = FakeHost::new()
        .file("/etc/x", "old")
        .command(&["visudo"], exited(1, "", "syntax error"));
    let outcome = run::<Copy>(
        &content("abc", "/etc/x")
            .with("validate", "visudo -cf %s")
            .into(),
        &host,
    );
    assert_eq!(value(&outcome, "msg"), &Value::from("failed to validate"));
    assert_eq!(value(&outcome, "stderr"), &Value::from("syntax error"));
    assert_eq!(value(&outcome, "exit_status"), &Value::from(1));
    assert_eq!(host.text("/etc/x"), "old");
    let host = FakeHost::new().command(&["visudo"], printed(""));
    assert_converges::<Copy>(
        &content("abc", "/etc/x")
            .with("validate", "visudo -cf %s")
            .into(),
        &host,
    );
    assert!(
        failure::<Copy>(
            &content("b", "/etc/x").with("validate", "true").into(),
            &host
        )
        .contains("must contain %s")
    );
}

#[test]
fn the_checksum_must_be_that_of_the_source() {
    let host = FakeHost::new();
    let outcome = run::<Copy>(&content("abc", "/x").with("checksum", "00").into(), &host);
    assert!(
        value(&outcome, "msg")
            .to_text()
            .contains("does not match the expected checksum")
    );
    assert_eq!(value(&outcome, "expected_checksum"), &Value::from("00"));
    assert!(!host.exists("/x"));
    assert_converges::<Copy>(&content("abc", "/x").with("checksum", ABC).into(), &host);
}

#[test]
fn a_link_is_replaced_or_followed() {
    let host = FakeHost::new()
        .file("/srv/t", "old")
        .owner("/srv/t", 9, 9)
        .link("/l", "/srv/t");
    assert_converges::<Copy>(&content("abc", "/l").with("follow", true).into(), &host);
    assert_eq!(
        (host.text("/srv/t").as_str(), host.owner_of("/srv/t")),
        ("abc", (9, 9))
    );
    assert_converges::<Copy>(&content("abc", "/l").into(), &host);
    assert_eq!(
        (
            host.text("/l").as_str(),
            host.owner_of("/l"),
            host.mode_of("/l")
        ),
        ("abc", (0, 0), 0o644)
    );
}

#[test]
fn t11_no_write_through_another_users_link() {
    let host = FakeHost::new()
        .file("/etc/shadow", "root")
        .link("/home/app/l", "/etc/shadow")
        .owner("/home/app/l", 5, 5);
    let message = failure::<Copy>(
        &content("abc", "/home/app/l").with("follow", true).into(),
        &host,
    );
    assert!(message.contains("refusing to follow"));
    run::<Copy>(&content("abc", "/home/app/l").into(), &host);
    assert_eq!(
        (
            host.text("/etc/shadow").as_str(),
            host.text("/home/app/l").as_str()
        ),
        ("root", "abc")
    );
}

#[test]
fn a_directory_is_copied_with_all_in_it() {
    let tree = [
        ("a", 0o600, Some("1")),
        ("sub", 0o755, None),
        ("sub/b", 0o755, Some("2")),
        ("empty", 0o755, None),
    ];
    let host = FakeHost::new().supply_tree("/files/app", &tree);
    let args = src("app", "/srv")
        .with("mode", "preserve")
        .with("directory_mode", "0750");
    let outcome = assert_converges::<Copy>(&args.into(), &host);
    assert_eq!(
        (
            host.text("/srv/app/sub/b").as_str(),
            host.mode_of("/srv/app/a")
        ),
        ("2", 0o600)
    );
    assert_eq!(
        [host.mode_of("/srv/app"), host.mode_of("/srv/app/empty")],
        [0o750; 2]
    );
    assert_eq!(value(&outcome, "dest"), &Value::from("/srv/"));
    assert_eq!(value(&outcome, "src"), &Value::from("/files/app"));
    let outcome = assert_converges::<Copy>(&src("app/", "/flat").into(), &host);
    assert_eq!(host.text("/flat/sub/b"), "2");
    assert_eq!(value(&outcome, "src"), &Value::from("/files/app/"));
    host.write("/flat/a", "changed");
    let before = host.opened().len();
    assert_converges::<Copy>(&src("app/", "/flat").into(), &host);
    assert_eq!(
        (
            host.text("/flat/a").as_str(),
            host.opened()[before..].to_vec()
        ),
        ("1", vec![1, 1])
    );
}

#[test]
fn links_of_a_directory_stay_links_where_asked() {
    let link = TreeEntry {
        path: "l".to_owned(),
        directory: false,
        link: Some("../x".to_owned()),
        mode: 0o777,
        size: 0,
        sha1: String::new(),
        content: 0,
    };
    let host = FakeHost::new()
        .supply_entries("/files/app", vec![link])
        .directory("/srv");
    let args = src("app/", "/srv").with("local_follow", false);
    assert_converges::<Copy>(&args.clone().into(), &host);
    assert_eq!(
        crate::kit::Host::read_link(&host, "/srv/l").unwrap(),
        "../x"
    );
    assert_eq!(needs::<Copy>(&args.into())[0].kind, NeedKind::TreeWithLinks);
}

#[test]
fn needs_name_the_source() {
    let needed = needs::<Copy>(&src("app/", "/srv").with("decrypt", false).into());
    let (name, kind) = ("app/".to_owned(), NeedKind::Tree);
    assert_eq!(
        needed,
        [Need {
            place: FileKind::File,
            name,
            kind,
            decrypt: false
        }]
    );
    assert!(needs::<Copy>(&content("x", "/x").into()).is_empty());
    assert!(needs::<Copy>(&src("/x", "/y").with("remote_src", true).into()).is_empty());
}

#[test]
fn a_file_of_the_host_is_copied() {
    let host = FakeHost::new()
        .file("/srv/x", "abc")
        .mode("/srv/x", 0o755)
        .directory("/opt");
    let remote = |from: &str, to: &str| src(from, to).with("remote_src", true);
    let outcome = assert_converges::<Copy>(&remote("/srv/x", "/opt").into(), &host);
    assert_eq!(
        (host.text("/opt/x").as_str(), host.mode_of("/opt/x")),
        ("abc", 0o644)
    );
    assert_eq!(value(&outcome, "dest"), &Value::from("/opt/x"));
    assert_eq!(value(&outcome, "src"), &Value::from("/srv/x"));
    assert_eq!(value(&outcome, "checksum"), &Value::from(ABC));
    assert_converges::<Copy>(
        &remote("/srv/x", "/opt/p").with("mode", "preserve").into(),
        &host,
    );
    assert_eq!(host.mode_of("/opt/p"), 0o755);
    assert_converges::<Copy>(&remote("/srv/x", "/new/dir/").into(), &host);
    assert_eq!(host.text("/new/dir/x"), "abc");
    assert_eq!(
        failure::<Copy>(&remote("/none", "/x").into(), &host),
        "Source /none not found"
    );
    assert!(
        failure::<Copy>(&remote("/srv/x", "/none/x").into(), &host)
            .contains("Destination directory /none does not exist")
    );
    let kept = assert_unchanged::<Copy>(
        &remote("/srv/x", "/etc")
            .with("dest", "/opt/x")
            .with("force", false)
            .into(),
        &host,
    );
    assert_eq!(value(&kept, "msg"), &Value::from("file already exists"));
}

#[test]
fn a_directory_of_the_host_is_copied() {
    let build = || {
        FakeHost::new()
            .file("/srv/app/a", "1")
            .mode("/srv/app/a", 0o600)
            .file("/srv/app/sub/b", "2")
            .link("/srv/app/l", "a")
    };
    let remote = |from: &str, to: &str| src(from, to).with("remote_src", true);
    let host = build();
    let outcome =
        assert_converges::<Copy>(&remote("/srv/app", "/opt").with("owner", "7").into(), &host);
    assert_eq!(
        (
            host.text("/opt/app/sub/b").as_str(),
            host.mode_of("/opt/app/a")
        ),
        ("2", 0o600)
    );
    assert_eq!(
        [
            host.owner_of("/opt/app/a").0,
            host.owner_of("/opt/app/sub").0,
            host.owner_of("/opt/app/l").0
        ],
        [7; 3]
    );
    assert_eq!(
        crate::kit::Host::read_link(&host, "/opt/app/l").unwrap(),
        "a"
    );
    assert_eq!(value(&outcome, "checksum"), &Value::NULL);
    let host = build()
        .file("/opt/own", "")
        .file("/opt/a", "other")
        .times("/opt/a", 1, 1);
    assert_converges::<Copy>(
        &remote("/srv/app/", "/opt")
            .with("local_follow", true)
            .into(),
        &host,
    );
    assert_eq!(
        (
            host.text("/opt/a").as_str(),
            host.text("/opt/l").as_str(),
            host.exists("/opt/own")
        ),
        ("1", "1", true)
    );
}

#[test]
fn impossible_arguments_are_refused() {
    let host = FakeHost::new();
    assert!(
        failure::<Copy>(&Dict::new().with("dest", "/x").into(), &host)
            .contains("src (or content) is required")
    );
    assert!(
        failure::<Copy>(&content("a", "/x").with("src", "y").into(), &host)
            .contains("mutually exclusive")
    );
    assert!(
        failure::<Copy>(&content("a", "/x").with("owner", "ghost").into(), &host)
            .contains("failed to look up user ghost")
    );
    assert!(!host.exists("/x"));
}

#[test]
fn a_full_disk_leaves_the_old_file() {
    let host = FakeHost::new()
        .file("/etc/x", "old")
        .failing("commit", "/etc/x", 28);
    assert!(
        failure::<Copy>(&content("abc", "/etc/x").into(), &host)
            .contains("No space left on device")
    );
    assert_eq!(host.text("/etc/x"), "old");
}

#[test]
fn a_checksum_that_is_dear_is_asked_for_only_where_it_decides() {
    let host = || {
        FakeHost::new()
            .directory("/srv")
            .supply_unsummed("/files/x", 0o644, "abc")
    };
    let args: Value = src("x", "/srv/x").into();
    let fresh = host();
    let outcome = run::<Copy>(&args, &fresh);
    assert_eq!(value(&outcome, "checksum"), &Value::from(ABC));
    assert!(!fresh.opened().contains(&2), "{:?}", fresh.opened());
    let outcome = assert_unchanged::<Copy>(&args, &host().file("/srv/x", "abc"));
    assert_eq!(value(&outcome, "checksum"), &Value::from(ABC));
    let other = host().file("/srv/x", "abd");
    assert!(run::<Copy>(&args, &other).changed);
    assert_eq!(
        (other.text("/srv/x").as_str(), other.opened().contains(&2)),
        ("abc", true)
    );
    let wanted = src("x", "/srv/x").with("checksum", "0".repeat(40));
    assert!(failure::<Copy>(&wanted.into(), &host()).contains("does not match"));
}
