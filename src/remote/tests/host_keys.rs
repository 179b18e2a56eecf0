//! T14: unknown, changed, hashed, revoked and certified host keys, and what accepts them.

use super::sshd::{House, Options, Sshd, can_run, connect, friendly, output_of, refused};
use crate::remote::Failure;
use crate::remote::error::Class;
use crate::remote::host_key::HostKeyRefusal;

#[tokio::test(flavor = "multi_thread")]
async fn t14_unknown_host_key_is_refused_with_its_fingerprint() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (_sshd, target) = friendly(&house);
    house.know("");
    let error = refused(&house, &target).await;
    assert_eq!(error.class(), Class::HostKey);
    assert!(
        error
            .to_string()
            .contains("ssh-ed25519 host key is unknown: SHA256:"),
        "{error}"
    );
    let help = error.help().unwrap();
    assert!(
        help.contains("ssh-keyscan") && help.contains("accept-new"),
        "{help}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_accept_new_writes_the_key_down_once() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (sshd, mut target) = friendly(&house);
    std::fs::remove_file(house.path(".ssh/known_hosts")).unwrap();
    target.ssh_common_args = "-o StrictHostKeyChecking=accept-new".to_owned();
    connect(&house, &target).await.unwrap();
    assert!(
        house.warned().contains("accepted the new host key"),
        "{}",
        house.warned()
    );
    connect(&house, &target).await.unwrap();
    let known = std::fs::read_to_string(house.path(".ssh/known_hosts")).unwrap();
    assert_eq!(known.lines().count(), 1);
    assert!(
        known.starts_with(&format!("[127.0.0.1]:{} ssh-ed25519 ", sshd.port)),
        "{known}"
    );
    target.ssh_common_args.clear();
    connect(&house, &target).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_changed_host_key_is_refused_whatever_is_set() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (sshd, mut target) = friendly(&house);
    let (_, other) = house.key("other", "ed25519", "");
    house.know(&format!("# a comment\n[127.0.0.1]:{} {other}\n", sshd.port));
    for (checking, arguments) in [
        (true, ""),
        (false, ""),
        (true, "-o StrictHostKeyChecking=accept-new"),
        (true, "-o StrictHostKeyChecking=no"),
    ] {
        target.host_key_checking = checking;
        target.ssh_common_args = arguments.to_owned();
        let error = refused(&house, &target).await;
        let Failure::HostKey(HostKeyRefusal::Changed {
            known,
            shown,
            place,
            ..
        }) = &*error.failure
        else {
            panic!("{error}");
        };
        assert!(known.starts_with("SHA256:") && shown.starts_with("SHA256:") && known != shown);
        assert!(place.ends_with(".ssh/known_hosts:2"), "{place}");
        assert!(error.help().unwrap().contains("ssh-keygen -R"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_a_key_of_another_kind_does_not_slip_in_beside_a_known_one() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (sshd, mut target) = friendly(&house);
    let (_, other) = house.key("other", "ecdsa", "");
    house.know(&format!("[127.0.0.1]:{} {other}\n", sshd.port));
    target.ssh_common_args = "-o StrictHostKeyChecking=accept-new".to_owned();
    let error = refused(&house, &target).await;
    assert!(
        matches!(
            *error.failure,
            Failure::HostKey(HostKeyRefusal::Changed { .. })
        ),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_hashed_names_are_found() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (_sshd, target) = friendly(&house);
    house.ssh_keygen(&["-H", "-f", ".ssh/known_hosts"]);
    assert!(
        std::fs::read_to_string(house.path(".ssh/known_hosts"))
            .unwrap()
            .starts_with("|1|")
    );
    connect(&house, &target).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_the_kind_of_key_that_is_known_is_asked_for() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (key, public) = house.key("id_test", "ed25519", "");
    let (second, second_public) = house.key("second_host_key", "ecdsa", "");
    let options = Options {
        authorized: vec![&public],
        extra: vec![format!("HostKey {}", second.display())],
        ..Options::default()
    };
    let sshd = Sshd::start(&house, "sshd", &options);
    house.know(&format!("[127.0.0.1]:{} {second_public}\n", sshd.port));
    let mut target = sshd.target();
    target.private_key_file = Some(key);
    connect(&house, &target).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_revoked_keys_are_refused() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (sshd, mut target) = friendly(&house);
    house.know(&format!(
        "{}@revoked * {}\n",
        sshd.known_line(),
        sshd.host_key
    ));
    let error = refused(&house, &target).await;
    assert!(
        matches!(
            *error.failure,
            Failure::HostKey(HostKeyRefusal::Revoked { .. })
        ),
        "{error}"
    );
    house.know(&sshd.known_line());
    connect(&house, &target).await.unwrap();
    house.write("revoked", &format!("# list\n{}\n", sshd.host_key));
    target.ssh_common_args = format!("-o RevokedHostKeys={}", house.path("revoked").display());
    let error = refused(&house, &target).await.to_string();
    assert!(error.contains("revoked:2"), "{error}");
    target.ssh_common_args = "-o RevokedHostKeys=/nowhere/list".to_owned();
    let error = refused(&house, &target).await.to_string();
    assert!(error.contains("no host key is believed"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_host_certificates_are_checked_against_the_authority() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (_, authority) = house.key("host_ca", "ed25519", "");
    let (key, public) = house.key("id_test", "ed25519", "");
    for (name, options, accepted) in [
        ("good", vec!["-n", "127.0.0.1"], true),
        ("named", vec!["-n", "other.example"], false),
        (
            "expired",
            vec!["-n", "127.0.0.1", "-V", "20000101:20010101"],
            false,
        ),
    ] {
        let certificate = format!(
            "HostCertificate {}",
            house.path(&format!("{name}_host_key-cert.pub")).display()
        );
        // The key is made by `start`; the certificate must stand there before, so the key comes first.
        let probe = Sshd::start(
            &house,
            name,
            &Options {
                authorized: vec![&public],
                ..Options::default()
            },
        );
        let mut sign = vec!["-q", "-s", "host_ca", "-I", name, "-h"];
        sign.extend(options);
        let file = format!("{name}_host_key.pub");
        sign.push(&file);
        house.ssh_keygen(&sign);
        drop(probe);
        let sshd = Sshd::restart(&house, name, &certificate);
        house.know(&format!("@cert-authority [127.0.0.1]:* {authority}\n"));
        let mut target = sshd.target();
        target.private_key_file = Some(key.clone());
        if accepted {
            let connection = connect(&house, &target).await.unwrap();
            assert_eq!(output_of(&connection, "echo in").await, "in\n");
            house.know("");
        }
        let error = refused(&house, &target).await;
        if !accepted {
            assert!(
                matches!(
                    *error.failure,
                    Failure::HostKey(HostKeyRefusal::Certificate { .. })
                ),
                "{name}: {error}"
            );
        }
        assert_eq!(error.class(), Class::HostKey, "{name}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_checking_off_warns_in_each_run() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (_sshd, mut target) = friendly(&house);
    house.know("");
    target.host_key_checking = false;
    let connector = house.connector();
    connector.connect(&target).await.unwrap();
    connector.connect(&target).await.unwrap();
    assert_eq!(
        house.warned().matches("host key checking is off").count(),
        1
    );
    connect(&house, &target).await.unwrap();
    assert_eq!(
        house.warned().matches("host key checking is off").count(),
        2
    );
}
