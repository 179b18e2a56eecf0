//! Tests of `user` on a host in memory.

use super::*;
use crate::kit::FakeHost;
use crate::kit::fake::{assert_converges, assert_unchanged, check, exited, failure, printed, run};
use crate::value::Value;

fn add(host: &FakeHost, name: &str, comment: &str) {
    host.add_user(Account {
        name: name.to_owned(),
        uid: 1001,
        gid: 1001,
        comment: comment.to_owned(),
        home: format!("/home/{name}"),
        shell: "/bin/sh".to_owned(),
    });
    host.write("/etc/shadow", format!("{name}:!:19000:0:99999:7:::\n"));
}

fn host() -> FakeHost {
    FakeHost::new()
        .directory("/home/anna")
        .group("adm", 4, &[])
        .script(&["useradd"], |_, host| {
            add(host, "anna", "");
            printed("")
        })
        .script(&["chpasswd"], |command, host| {
            let line = String::from_utf8(command.stdin.clone().unwrap()).unwrap();
            host.write(
                "/etc/shadow",
                format!("{}:19000:0:99999:7:::\n", line.trim_end()),
            );
            printed("")
        })
}

fn anna() -> Dict {
    Dict::new().with("name", "anna")
}

fn ran(host: &FakeHost) -> Vec<String> {
    host.ran().iter().map(|argv| argv.join(" ")).collect()
}

#[test]
fn an_account_is_made_once() {
    let host = host();
    let outcome = assert_converges::<User>(&anna().into(), &host);
    assert_eq!(ran(&host), ["useradd -m -- anna"]);
    assert_eq!(outcome.values.get("uid"), Some(&Value::from(1001)));
    assert_eq!(outcome.values.get("system"), Some(&Value::from(false)));
    assert!(
        check::<User>(&Dict::new().with("name", "other").into(), &host)
            .values
            .is_empty()
    );
}

#[test]
fn a_hash_is_no_argument() {
    let host = host();
    let hash = format!("$6$salt${}", "x".repeat(86));
    let outcome = assert_converges::<User>(&anna().with("password", hash.as_str()).into(), &host);
    assert!(
        host.ran()
            .iter()
            .flatten()
            .all(|word| !word.contains("$6$"))
    );
    assert_eq!(
        outcome.values.get("password"),
        Some(&Value::from("NOT_LOGGING_PASSWORD"))
    );
    assert!(outcome.warnings.is_empty());
    let plain = run::<User>(
        &anna()
            .with("password", "plain")
            .with("update_password", "on_create")
            .into(),
        &host,
    );
    assert!(!plain.changed && plain.warnings[0].contains("not to have been hashed"));
    let broken = anna().with("password", "$6$a\nroot:x");
    assert!(failure::<User>(&broken.into(), &host).contains("line break"));
}

#[test]
fn all_arguments_reach_the_command() {
    let host = host().group("users", 100, &[]).group("anna", 7, &[]);
    let args = anna()
        .with("uid", 2001)
        .with("groups", vec!["adm"])
        .with("comment", "Anna; the first")
        .with("home", "/srv/x/anna")
        .with("expires", 1_893_456_000)
        .with("shell", "/bin/bash")
        .with("system", true)
        .with("uid_min", 10);
    run::<User>(&args.into(), &host);
    assert_eq!(
        ran(&host)[0],
        "useradd -u 2001 -N -G adm -c Anna; the first -d /srv/x/anna -s /bin/bash -e 2030-01-01 -m -r -K UID_MIN=10 -- anna"
    );
    assert!(host.exists("/srv/x"));
}

#[test]
fn only_what_differs_is_changed() {
    let host = FakeHost::new()
        .directory("/home/anna")
        .group("adm", 4, &["anna"])
        .group("sudo", 27, &[])
        .file("/etc/shadow", "anna:$6$a$b:19000:0:99999:7:::\n")
        .command(&["usermod"], printed(""));
    add(&host, "anna", "Anna");
    host.write("/etc/shadow", "anna:$6$a$b:19000:0:99999:7:::\n");
    for same in [
        anna().with("groups", vec!["adm"]),
        anna().with("groups", "adm").with("append", true),
        anna().with("comment", "Anna").with("uid", 1001),
        anna()
            .with("password_lock", false)
            .with("expires", -1)
            .with("password_expire_max", 99999),
    ] {
        assert_unchanged::<User>(&same.into(), &host);
    }
    for (args, words) in [
        (
            anna().with("groups", "sudo").with("append", true),
            "usermod -a -G sudo -- anna",
        ),
        (anna().with("groups", "sudo"), "usermod -G sudo -- anna"),
        (anna().with("groups", ""), "usermod -G  -- anna"),
        (anna().with("password_lock", true), "usermod -L -- anna"),
        (
            anna().with("home", "/srv/anna").with("move_home", true),
            "usermod -d /srv/anna -m -- anna",
        ),
        (anna().with("expires", 0), "usermod -e 1970-01-01 -- anna"),
    ] {
        assert!(check::<User>(&args.clone().into(), &host).changed);
        run::<User>(&args.into(), &host);
        assert!(
            ran(&host).iter().any(|line| line == words),
            "{words}: {:?}",
            ran(&host)
        );
    }
}

#[test]
fn accounts_go_with_or_without_their_home() {
    let host = host().script(&["userdel"], |_, host| {
        host.remove_user("anna");
        exited(0, "", "userdel: anna mail spool not found\n")
    });
    add(&host, "anna", "");
    let outcome = assert_converges::<User>(
        &anna().with("state", "absent").with("remove", true).into(),
        &host,
    );
    assert_eq!(ran(&host), ["userdel -r -- anna"]);
    assert!(outcome.values.contains("stderr"));
}

#[test]
fn what_is_missing_is_told() {
    assert_eq!(
        failure::<User>(&anna().with("group", "none").into(), &host()),
        "Group none does not exist"
    );
    let host = FakeHost::new().command(
        &["useradd"],
        exited(4, "", "useradd: UID 0 is not unique\n"),
    );
    let outcome = run::<User>(&anna().with("uid", 0).into(), &host);
    assert!(outcome.failed);
    assert_eq!(outcome.values.get("rc"), Some(&Value::from(4)));
}

#[test]
fn t11_a_key_is_made_as_the_account() {
    let host = host()
        .owner("/home/anna", 1001, 1001)
        .link("/home/anna/.ssh", "/etc")
        .command(&["runuser"], printed(""));
    add(&host, "anna", "");
    let before = host.operations().len();
    run::<User>(
        &anna()
            .with("generate_ssh_key", true)
            .with("ssh_key_comment", "a b")
            .into(),
        &host,
    );
    let lines = ran(&host);
    assert_eq!(
        lines[0],
        "runuser -u anna -- ssh-keygen -q -t rsa -C a b -f /home/anna/.ssh/id_rsa -N "
    );
    assert_eq!(
        host.operations().len(),
        before,
        "nothing is done as root: {:?}",
        host.operations()
    );
}

#[test]
fn a_passphrase_is_no_argument() {
    let host = host()
        .owner("/home/anna", 1001, 1001)
        .directory("/home/anna/.ssh")
        .script(&["runuser"], |command, _| {
            // Reading the key without its passphrase fails.
            let reads = command.argv.iter().any(|word| word == "-y");
            exited(i32::from(reads), "", "")
        });
    add(&host, "anna", "");
    run::<User>(
        &anna()
            .with("generate_ssh_key", true)
            .with("ssh_key_passphrase", "hidden words")
            .into(),
        &host,
    );
    assert!(
        host.ran()
            .iter()
            .flatten()
            .all(|word| !word.contains("hidden"))
    );
    assert_eq!(
        host.commands()[0].stdin.as_deref(),
        Some(&b"hidden words\nhidden words\n"[..])
    );
    let reads = host.ran().pop().unwrap_or_default();
    assert!(reads.iter().any(|word| word == "-y"), "{reads:?}");
}
