//! Tests of `mount`: the table of file systems, what is mounted, and what is undone after a failure.

use super::*;
use crate::kit::FakeHost;
use crate::kit::fake::{
    assert_converges, assert_unchanged, check, exited, failure, plan, printed, run,
};

const TABLE: &str = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 8:2 / /srv rw - xfs /dev/sdb rw\n";

fn host() -> FakeHost {
    FakeHost::new()
        .file("/proc/self/mountinfo", TABLE)
        .file("/etc/fstab", "/dev/sdb /srv xfs defaults 0 0\n")
        .directory("/srv")
}

fn arguments(pairs: &[(&str, &str)]) -> Value {
    let mut all = Dict::new();
    for (name, value) in pairs {
        all.insert(*name, *value);
    }
    all.into()
}

const SRV: [(&str, &str); 3] = [("path", "/srv"), ("src", "/dev/sdb"), ("fstype", "xfs")];

fn srv(more: &[(&str, &str)]) -> Value {
    let mut all = SRV.to_vec();
    all.extend(more);
    arguments(&all)
}

fn mnt(more: &[(&str, &str)]) -> Value {
    let mut all = vec![
        ("path", "/mnt/a/b"),
        ("src", "/dev/sdc"),
        ("fstype", "ext4"),
    ];
    all.extend(more);
    arguments(&all)
}

#[test]
fn an_entry_is_set_and_removed() {
    let host = host();
    let outcome = assert_converges::<Mount>(
        &mnt(&[("state", "present"), ("boot", "no"), ("opts", "ro")]),
        &host,
    );
    assert!(
        host.text("/etc/fstab")
            .ends_with("\n/dev/sdc /mnt/a/b ext4 ro,noauto 0 0\n")
    );
    assert_eq!(outcome.values.get("opts"), Some(&Value::from("ro,noauto")));
    assert_eq!(outcome.values.get("boot"), Some(&Value::from("no")));
    assert!(!host.exists("/mnt/a"));
    assert_converges::<Mount>(&mnt(&[("state", "absent_from_fstab")]), &host);
    assert_eq!(host.text("/etc/fstab"), "/dev/sdb /srv xfs defaults 0 0\n");
    assert!(host.ran().is_empty());
}

#[test]
fn what_is_not_mounted_is_mounted() {
    let host = host().command(&["mount", "/mnt/a/b"], printed(""));
    let given = mnt(&[("state", "mounted")]);
    assert!(check::<Mount>(&given, &host).changed);
    assert!(run::<Mount>(&given, &host).changed);
    assert!(host.exists("/mnt/a/b"));
    assert_eq!(host.ran(), [["mount", "/mnt/a/b"]]);
    assert_unchanged::<Mount>(&srv(&[("state", "mounted")]), &host);
}

#[test]
fn a_mount_that_fails_leaves_no_trace() {
    let host = host().command(&["mount"], exited(32, "", "no such device"));
    let said = failure::<Mount>(&mnt(&[("state", "mounted")]), &host);
    assert_eq!(said, "Error mounting /mnt/a/b: no such device");
    assert_eq!(host.text("/etc/fstab"), "/dev/sdb /srv xfs defaults 0 0\n");
    assert!(!host.exists("/mnt/a"));
}

#[test]
fn a_changed_entry_mounts_afresh() {
    let host = host()
        .command(&["mount", "-o", "remount"], exited(1, "", "busy"))
        .command(&["umount"], printed(""))
        .command(&["mount", "/srv"], printed(""));
    let outcome = run::<Mount>(
        &srv(&[("state", "mounted"), ("opts", "noatime"), ("backup", "yes")]),
        &host,
    );
    assert!(outcome.changed);
    let copy = outcome
        .values
        .get("backup_file")
        .map(Value::to_text)
        .unwrap();
    assert_eq!(host.text(&copy), "/dev/sdb /srv xfs defaults 0 0\n");
    let ran: Vec<String> = host.ran().iter().map(|words| words.join(" ")).collect();
    assert_eq!(ran, ["mount -o remount /srv", "umount /srv", "mount /srv"]);
}

#[test]
fn what_is_absent_is_unmounted_and_its_directory_removed() {
    let host = host().command(&["umount", "/srv"], printed(""));
    assert!(run::<Mount>(&arguments(&[("path", "/srv"), ("state", "absent")]), &host).changed);
    assert!(!host.exists("/srv"));
    assert_eq!(host.text("/etc/fstab"), "");
    assert_unchanged::<Mount>(&arguments(&[("path", "/srv"), ("state", "absent")]), &host);
}

#[test]
fn unmounting_leaves_the_entry() {
    let host = host().command(&["umount", "/srv"], exited(32, "", "target is busy"));
    let gone = [("path", "/srv"), ("state", "unmounted")];
    assert_eq!(
        failure::<Mount>(&arguments(&gone), &host),
        "Error unmounting /srv: target is busy"
    );
    assert_unchanged::<Mount>(
        &arguments(&[("path", "/mnt"), ("state", "unmounted")]),
        &host,
    );
}

#[test]
fn ephemeral_mounts_know_nothing_of_fstab() {
    let host = host()
        .command(
            &["mount", "-t", "ext4", "-o", "ro", "/dev/sdc", "/mnt/a/b"],
            printed(""),
        )
        .command(
            &["mount", "-o", "remount", "-t", "xfs", "/dev/sdb", "/srv"],
            printed(""),
        );
    assert!(run::<Mount>(&mnt(&[("state", "ephemeral"), ("opts", "ro")]), &host).changed);
    assert!(run::<Mount>(&srv(&[("state", "ephemeral")]), &host).changed);
    assert_eq!(host.text("/etc/fstab"), "/dev/sdb /srv xfs defaults 0 0\n");
    let other = arguments(&[
        ("path", "/srv"),
        ("src", "/dev/sdx"),
        ("fstype", "xfs"),
        ("state", "ephemeral"),
    ]);
    assert!(failure::<Mount>(&other, &host).contains("different source"));
}

#[test]
fn a_remount_with_options_does_not_fall_back() {
    let host = host().command(
        &["mount", "-o", "remount,ro", "-T", "/etc/other"],
        exited(1, "", "no"),
    );
    let given = [
        ("path", "/srv"),
        ("state", "remounted"),
        ("opts", "ro"),
        ("fstab", "/etc/other"),
    ];
    assert!(failure::<Mount>(&arguments(&given), &host).contains("Options were specified"));
}

#[test]
fn secret_options_are_secret() {
    let given = mnt(&[
        ("state", "present"),
        ("opts", "password=x"),
        ("opts_no_log", "yes"),
    ]);
    let plan = plan::<Mount>(&given, &host()).unwrap();
    assert!(plan.values.get("opts").is_some_and(Value::holds_secret));
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    let said = |pairs: &[(&str, &str)]| failure::<Mount>(&arguments(pairs), &host());
    assert!(
        said(&[("path", "/x"), ("state", "mounted"), ("src", "y")]).contains("missing: fstype")
    );
    assert!(said(&[("path", "/x"), ("state", "present")]).contains("src, fstype"));
    assert!(
        failure::<Mount>(&mnt(&[("state", "present"), ("opts", "a\nb")]), &host())
            .contains("one line")
    );
}

#[test]
fn t12_a_path_is_an_operand() {
    let host = host()
        .command(&["umount", "--", "-a"], printed(""))
        .directory("/root/-a");
    let table = format!("{TABLE}30 20 8:3 / -a rw - xfs x rw\n");
    host.write("/proc/self/mountinfo", table);
    run::<Mount>(&arguments(&[("path", "-a"), ("state", "unmounted")]), &host);
    assert_eq!(host.ran(), [["umount", "--", "-a"]]);
}
