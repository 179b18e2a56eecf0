//! Tests of `attributes.rs`.

use super::*;
use crate::kit::fake::{FakeHost, exited, printed};

fn wanted<'a>(mode: Option<&'a Mode>, owner: Option<&'a str>) -> FileAttributes<'a> {
    FileAttributes {
        mode,
        owner,
        ..FileAttributes::default()
    }
}

#[test]
fn only_what_differs_is_changed() {
    let host = FakeHost::new()
        .user("app", 1000)
        .file("/etc/x", "")
        .owner("/etc/x", 1000, 0);
    let mode = Mode::parse("g+w").unwrap();
    let changes = wanted(Some(&mode), Some("app"))
        .compare("/etc/x", &host)
        .unwrap();
    assert_eq!(changes.before, Dict::new().with("mode", "0644"));
    assert_eq!(changes.after, Dict::new().with("mode", "0664"));
    changes.apply(&host).unwrap();
    assert_eq!(host.operations(), ["set_mode /etc/x 0664"]);
    assert!(
        wanted(Some(&mode), Some("1000"))
            .compare("/etc/x", &host)
            .unwrap()
            .is_empty()
    );
}

#[test]
fn unknown_accounts_fail() {
    let host = FakeHost::new().file("/etc/x", "");
    let failure = wanted(None, Some("nobody-here"))
        .compare("/etc/x", &host)
        .unwrap_err();
    assert_eq!(
        failure.message,
        "chown failed: failed to look up user nobody-here"
    );
    let group = FileAttributes {
        group: Some("none"),
        ..FileAttributes::default()
    };
    assert_eq!(
        group.compare("/etc/x", &host).unwrap_err().message,
        "chgrp failed: failed to look up group none"
    );
}

#[test]
fn t11_a_link_is_owned_itself_and_has_no_mode() {
    let host = FakeHost::new()
        .user("app", 1000)
        .file("/etc/shadow", "")
        .link("/home/app/x", "/etc/shadow");
    let mode = Mode::Bits(0o666);
    wanted(Some(&mode), Some("app"))
        .compare("/home/app/x", &host)
        .unwrap()
        .apply(&host)
        .unwrap();
    assert_eq!(
        (host.owner_of("/etc/shadow"), host.mode_of("/etc/shadow")),
        ((0, 0), 0o644)
    );
    assert_eq!(host.owner_of("/home/app/x"), (1000, 0));
}

#[test]
fn flags_are_compared_as_sets() {
    let host = FakeHost::new()
        .file("/x", "")
        .command(&["lsattr", "-d"], printed("----i---e------- /x\n"))
        .command(&["lsattr", "-vd"], printed("12 ----i---e------- /x\n"))
        .command(&["chattr"], exited(0, "", ""));
    let flags = |text| {
        FileAttributes {
            attributes: Some(text),
            ..FileAttributes::default()
        }
        .compare("/x", &host)
        .unwrap()
    };
    assert!(flags("+i").is_empty());
    assert!(flags("ei").is_empty());
    assert!(flags("-a").is_empty());
    let changes = flags("-i");
    assert_eq!(changes.before.get("attributes"), Some(&Value::from("ie")));
    changes.apply(&host).unwrap();
    assert_eq!(host.ran().last().unwrap(), &["chattr", "-i", "--", "/x"]);
    assert_eq!(
        file_flags("/x", &host).unwrap().names(),
        ["immutable", "extents"]
    );
}

#[test]
fn t12_flags_are_letters_only() {
    let host = FakeHost::new().file("/x", "");
    let hostile = FileAttributes {
        attributes: Some("+i;reboot"),
        ..FileAttributes::default()
    };
    assert!(hostile.compare("/x", &host).is_err());
    assert!(host.ran().is_empty());
}

#[test]
fn selinux_counts_only_where_it_runs() {
    let setype = FileAttributes {
        selinux: [None, None, Some("etc_t"), None],
        ..FileAttributes::default()
    };
    assert!(
        setype
            .compare("/x", &FakeHost::new().file("/x", ""))
            .unwrap()
            .is_empty()
    );
    let host = FakeHost::new()
        .file("/x", "")
        .file("/sys/fs/selinux/enforce", "1")
        .command(&["stat"], printed("system_u:object_r:tmp_t:s0\n"))
        .command(&["chcon"], printed(""));
    setype.compare("/x", &host).unwrap().apply(&host).unwrap();
    assert_eq!(
        host.ran().last().unwrap(),
        &["chcon", "-h", "--", "system_u:object_r:etc_t:s0", "/x"]
    );
}

#[test]
fn path_info_names_what_is_there() {
    let host = FakeHost::new()
        .file("/etc/x", "abc")
        .owner("/etc/x", 0, 77)
        .link("/l", "/etc/x")
        .link("/broken", "/no");
    let info = path_info("/etc/x", &host).unwrap();
    assert_eq!(info.get("owner"), Some(&Value::from("root")));
    assert_eq!(info.get("group"), Some(&Value::from("77")));
    assert_eq!(info.get("mode"), Some(&Value::from("0644")));
    assert_eq!(info.get("size"), Some(&Value::from(3)));
    assert_eq!(
        path_info("/l", &host).unwrap().get("state"),
        Some(&Value::from("link"))
    );
    assert!(path_info("/no", &host).unwrap().is_empty());
    assert!(path_info("/broken", &host).unwrap().is_empty());
}
