//! Tests of `file`: each state on a host in memory.

use super::*;
use crate::kit::fake::{assert_converges, assert_unchanged, check, failure, run};
use crate::kit::{DiffText, FakeHost, Outcome};
use crate::value::{Dict, Value};

fn args(path: &str, state: &str) -> Dict {
    Dict::new().with("path", path).with("state", state)
}

fn value<'a>(outcome: &'a Outcome, name: &str) -> &'a Value {
    outcome
        .values
        .get(name)
        .unwrap_or_else(|| panic!("no {name} in {:?}", outcome.values))
}

#[test]
fn directories_are_made_with_those_above() {
    let host = FakeHost::new().user("app", 1000).directory("/srv");
    let wanted = args("/srv/a/b", "directory")
        .with("mode", "0750")
        .with("owner", "app");
    let outcome = assert_converges::<File>(&wanted.into(), &host);
    for path in ["/srv/a", "/srv/a/b"] {
        assert_eq!(
            (host.mode_of(path), host.owner_of(path)),
            (0o750, (1000, 0))
        );
    }
    assert_eq!(value(&outcome, "path"), &Value::from("/srv/a/b"));
    assert_eq!(value(&outcome, "state"), &Value::from("directory"));
    assert_eq!(value(&outcome, "owner"), &Value::from("app"));
    assert_eq!(value(&outcome, "mode"), &Value::from("0750"));
}

#[test]
fn the_difference_shows_states_and_attributes() {
    let host = FakeHost::new().directory("/srv");
    let outcome = check::<File>(&args("/srv/a", "directory").into(), &host);
    let path = Dict::new().with("path", "/srv/a");
    assert_eq!(
        outcome.diff[0].before,
        DiffText::State(path.clone().with("state", "absent").into())
    );
    assert_eq!(
        outcome.diff[0].after,
        DiffText::State(path.with("state", "directory").into())
    );
    let outcome = check::<File>(
        &args("/srv", "directory").with("mode", "u=rwx,go=").into(),
        &host,
    );
    assert_eq!(
        outcome.diff[0].before,
        DiffText::State(Dict::new().with("path", "/srv").with("mode", "0755").into())
    );
    assert_eq!(
        outcome.diff[0].after,
        DiffText::State(Dict::new().with("path", "/srv").with("mode", "0700").into())
    );
}

#[test]
fn recurse_reaches_everything_but_not_through_links_unless_followed() {
    let build = || {
        FakeHost::new()
            .file("/srv/a/x", "")
            .file("/srv/y", "")
            .file("/out/z", "")
            .link("/srv/l", "/out")
    };
    let wanted = || {
        args("/srv", "directory")
            .with("recurse", true)
            .with("mode", "u=rwX,go=")
    };
    let host = build();
    assert_converges::<File>(&wanted().with("follow", false).into(), &host);
    assert_eq!(
        [
            host.mode_of("/srv/a"),
            host.mode_of("/srv/a/x"),
            host.mode_of("/srv/y")
        ],
        [0o700, 0o600, 0o600]
    );
    assert_eq!(
        (host.mode_of("/out/z"), host.mode_of("/out")),
        (0o644, 0o755)
    );
    let host = build();
    assert_converges::<File>(&wanted().into(), &host);
    assert_eq!(
        (host.mode_of("/out/z"), host.mode_of("/out")),
        (0o600, 0o700)
    );
}

#[test]
fn recurse_ends_where_links_go_in_a_circle() {
    let host = FakeHost::new().file("/srv/a/x", "").link("/srv/a/up", "..");
    assert_converges::<File>(
        &args("/srv", "directory")
            .with("recurse", true)
            .with("owner", "5")
            .into(),
        &host,
    );
    assert_eq!(host.owner_of("/srv/a/x"), (5, 0));
}

#[test]
fn files_must_be_there() {
    let host = FakeHost::new()
        .file("/etc/x", "")
        .directory("/srv")
        .link("/l", "/etc/x");
    assert_eq!(
        failure::<File>(&args("/no", "file").into(), &host),
        "file (/no) is absent, cannot continue"
    );
    assert_eq!(
        failure::<File>(&args("/srv", "file").into(), &host),
        "file (/srv) is directory, cannot continue"
    );
    assert_eq!(
        failure::<File>(&args("/l", "file").with("follow", "no").into(), &host),
        "file (/l) is link, cannot continue"
    );
    assert_converges::<File>(&args("/l", "file").with("mode", "0600").into(), &host);
    assert_eq!(host.mode_of("/etc/x"), 0o600);
}

#[test]
fn the_state_is_what_is_there_unless_said() {
    let host = FakeHost::new().directory("/srv");
    assert_converges::<File>(
        &Dict::new().with("path", "/srv").with("mode", "0700").into(),
        &host,
    );
    assert!(failure::<File>(&Dict::new().with("path", "/no").into(), &host).contains("is absent"));
    assert_converges::<File>(
        &Dict::new()
            .with("path", "/new")
            .with("recurse", true)
            .into(),
        &host,
    );
}

#[test]
fn absent_removes_trees_and_links() {
    let host = FakeHost::new()
        .file("/srv/a/x", "")
        .link("/l", "/srv")
        .file("/etc/y", "");
    assert_converges::<File>(&args("/l", "absent").into(), &host);
    assert!(host.exists("/srv/a/x") && !host.exists("/l"));
    assert_converges::<File>(&args("/etc/y", "absent").into(), &host);
    let outcome = assert_converges::<File>(&args("/srv", "absent").into(), &host);
    assert!(!host.exists("/srv/a/x"));
    assert_eq!(value(&outcome, "state"), &Value::from("absent"));
    let DiffText::State(before) = &outcome.diff[0].before else {
        panic!()
    };
    let content = Dict::new()
        .with("directories", vec!["/srv/a"])
        .with("files", vec!["/srv/a/x"]);
    assert_eq!(before.get("path_content"), Some(&Value::from(content)));
}

#[test]
fn touch_makes_a_file_and_always_changes() {
    let host = FakeHost::new();
    let outcome = run::<File>(
        &args("/etc/new", "touch").with("mode", "0640").into(),
        &host,
    );
    assert_eq!(
        host.operations(),
        ["touch /etc/new 0600", "set_mode /etc/new 0640"]
    );
    assert_eq!(value(&outcome, "dest"), &Value::from("/etc/new"));
    assert_eq!(value(&outcome, "state"), &Value::from("file"));
    assert!(run::<File>(&args("/etc/new", "touch").into(), &host).changed);
    let kept = args("/etc/new", "touch")
        .with("access_time", "preserve")
        .with("modification_time", "preserve");
    assert_unchanged::<File>(&kept.into(), &host);
}

#[test]
fn touch_leaves_nothing_behind_when_its_owner_is_refused() {
    let host = FakeHost::new().failing("set the owner of", "/etc/new", 1);
    let outcome = run::<File>(&args("/etc/new", "touch").with("owner", "77").into(), &host);
    assert!(outcome.failed && !host.exists("/etc/new"));
}

#[test]
fn times_are_read_in_the_hosts_zone() {
    let host = FakeHost::new().file("/x", "").times("/x", 1, 2).zone(3600);
    let wanted = args("/x", "file")
        .with("modification_time", "202001010000.00")
        .with("access_time", "preserve");
    let outcome = assert_converges::<File>(&wanted.into(), &host);
    let DiffText::State(after) = &outcome.diff[0].after else {
        panic!()
    };
    assert_eq!(after.get("mtime"), Some(&Value::from(1_577_833_200.0)));
    let day = args("/x", "file")
        .with("access_time", "2020-01-02")
        .with("access_time_format", "%Y-%m-%d");
    assert_converges::<File>(&day.into(), &host);
    let wrong = args("/x", "file").with("access_time", "yesterday");
    assert!(
        failure::<File>(&wrong.into(), &host)
            .starts_with("Error while obtaining timestamp for time yesterday")
    );
}

#[test]
fn links_are_made_changed_and_kept() {
    let host = FakeHost::new().file("/srv/a", "").file("/srv/b", "");
    let outcome = assert_converges::<File>(&args("/srv/l", "link").with("src", "a").into(), &host);
    assert_eq!(value(&outcome, "dest"), &Value::from("/srv/l"));
    assert_eq!(value(&outcome, "src"), &Value::from("a"));
    assert_eq!(value(&outcome, "state"), &Value::from("link"));
    let outcome =
        assert_converges::<File>(&args("/srv/l", "link").with("src", "/srv/b").into(), &host);
    let DiffText::State(before) = &outcome.diff[0].before else {
        panic!()
    };
    assert_eq!(before.get("src"), Some(&Value::from("a")));
    assert_unchanged::<File>(&args("/srv/l", "link").into(), &host);
    assert_converges::<File>(&args("/srv/l", "link").with("mode", "0600").into(), &host);
    assert_eq!(
        (host.mode_of("/srv/b"), host.mode_of("/srv/l")),
        (0o600, 0o777)
    );
}

#[test]
fn links_need_force_to_replace_or_to_lead_nowhere() {
    let host = FakeHost::new()
        .file("/etc/x", "")
        .directory("/empty")
        .file("/full/x", "")
        .file("/t", "");
    let link = |path: &str| args(path, "link").with("src", "/t");
    let nowhere = args("/l", "link").with("src", "/none");
    assert!(
        failure::<File>(&nowhere.clone().into(), &host)
            .starts_with("src file does not exist, use 'force=yes'")
    );
    let outcome = assert_converges::<File>(&nowhere.with("force", true).into(), &host);
    assert!(
        outcome.warnings[0]
            .starts_with("Cannot set fs attributes on a non-existent symlink target")
    );
    assert!(
        failure::<File>(&link("/etc/x").into(), &host)
            .contains("refusing to convert from file to symlink")
    );
    assert!(
        failure::<File>(&link("/empty").into(), &host)
            .contains("refusing to convert from directory")
    );
    assert!(
        failure::<File>(&link("/full").with("force", true).into(), &host).contains("is not empty")
    );
    assert_converges::<File>(&link("/etc/x").with("force", true).into(), &host);
    assert_converges::<File>(&link("/empty").with("force", true).into(), &host);
    assert_eq!(
        failure::<File>(&args("/new", "link").into(), &host),
        "src is required for creating new symlinks"
    );
}

#[test]
fn t11_without_follow_a_link_itself_is_owned() {
    let host = FakeHost::new()
        .file("/etc/shadow", "")
        .link("/home/app/l", "/etc/shadow");
    assert_converges::<File>(
        &args("/home/app/l", "link")
            .with("follow", false)
            .with("owner", "5")
            .into(),
        &host,
    );
    assert_eq!(
        (host.owner_of("/etc/shadow"), host.owner_of("/home/app/l")),
        ((0, 0), (5, 0))
    );
}

#[test]
fn t11_recurse_without_follow_owns_no_target() {
    let host = FakeHost::new()
        .file("/etc/shadow", "")
        .link("/home/app/l", "/etc/shadow");
    let wanted = args("/home/app", "directory")
        .with("recurse", true)
        .with("owner", "5")
        .with("follow", false);
    assert_converges::<File>(&wanted.into(), &host);
    assert_eq!(
        (host.owner_of("/etc/shadow"), host.owner_of("/home/app/l")),
        ((0, 0), (5, 0))
    );
}

#[test]
fn hard_links_share_a_file() {
    let host = FakeHost::new().file("/srv/a", "1").file("/srv/b", "2");
    let outcome =
        assert_converges::<File>(&args("/srv/h", "hard").with("src", "/srv/a").into(), &host);
    assert_eq!(value(&outcome, "state"), &Value::from("hard"));
    assert_eq!(host.text("/srv/h"), "1");
    let other = args("/srv/h", "hard").with("src", "/srv/b");
    assert!(failure::<File>(&other.clone().into(), &host).contains("different hard link exists"));
    assert_converges::<File>(&other.with("force", true).into(), &host);
    assert!(failure::<File>(&args("/srv/n", "hard").into(), &host).contains("src is required"));
    assert_eq!(
        failure::<File>(&args("/srv/n", "hard").with("src", "/no").into(), &host),
        "src does not exist"
    );
}

#[test]
fn impossible_arguments_are_refused() {
    let host = FakeHost::new().file("/x", "");
    assert!(
        failure::<File>(&args("/x", "file").with("recurse", true).into(), &host)
            .contains("requires state to be 'directory'")
    );
    assert!(
        failure::<File>(&args("/x", "touch").with("src", "/y").into(), &host)
            .contains("src option requires state")
    );
    assert!(
        failure::<File>(&args("/x", "file").with("owner", "ghost").into(), &host)
            .contains("failed to look up user ghost")
    );
    assert!(
        failure::<File>(&args("/x", "gone").into(), &host)
            .contains("must be one of absent, directory")
    );
}

#[test]
fn an_account_to_come_is_a_warning_before_and_a_failure_then() {
    let host = FakeHost::new();
    let wanted = args("/srv", "directory").with("owner", "ghost").into();
    let outcome = check::<File>(&wanted, &host);
    assert!(outcome.changed && outcome.warnings[0].contains("failed to look up user ghost"));
    assert!(failure::<File>(&wanted, &host).contains("failed to look up user ghost"));
}

#[test]
fn t11_links_of_users_lead_nowhere_else() {
    let host = FakeHost::new()
        .file("/etc/shadow", "")
        .link("/home/app/l", "/etc/shadow")
        .owner("/home/app/l", 5, 5);
    let one = args("/home/app/l", "file").with("owner", "5");
    assert!(failure::<File>(&one.into(), &host).contains("refusing to follow"));
    let all = args("/home/app", "directory")
        .with("recurse", true)
        .with("owner", "5");
    let outcome = assert_converges::<File>(&all.into(), &host);
    assert_eq!(host.owner_of("/etc/shadow"), (0, 0));
    assert!(outcome.warnings[0].contains("left `/etc/shadow` alone"));
}

#[test]
fn accounts_that_are_not_there_are_told_of_in_check_mode_alone() {
    let host = FakeHost::new();
    let wanted = Dict::new().with("path", "/no").with("owner", "4711");
    let refused = crate::kit::fake::plan::<File>(&wanted.into(), &host).unwrap_err();
    assert!(refused.values.get("warnings").is_none());
    let warnings = refused.in_check.get("warnings").unwrap().to_text();
    assert!(
        warnings.contains("failed to look up user with uid 4711"),
        "{warnings}"
    );
}
