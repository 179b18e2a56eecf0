//! Keys, passphrases, certificates, passwords, and running commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::sshd::{House, Options, Sshd, can_run, connect, friendly, output_of, refused};
use crate::remote::error::Class;
use crate::remote::{Exit, Password};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_has_its_streams_and_its_exit_status() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (_sshd, target) = friendly(&house);
    let connection = connect(&house, &target).await.unwrap();
    let mut process = connection
        .exec("cat; echo problem >&2; exit 7")
        .await
        .unwrap();
    process.stdin.write_all(b"hello").await.unwrap();
    process.stdin.shutdown().await.unwrap();
    let (mut output, mut errors) = (String::new(), String::new());
    process.stdout.read_to_string(&mut output).await.unwrap();
    process.stderr.read_to_string(&mut errors).await.unwrap();
    assert_eq!((output.as_str(), errors.as_str()), ("hello", "problem\n"));
    assert_eq!(process.handle.wait().await, Exit::Status(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_is_told_and_a_kill_ends_the_command() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (_sshd, target) = friendly(&house);
    let connection = connect(&house, &target).await.unwrap();
    let process = connection.exec("kill -TERM $$; sleep 5").await.unwrap();
    assert_eq!(process.handle.wait().await, Exit::Signal("TERM".to_owned()));
    let mut process = connection.exec("echo $$; exec cat").await.unwrap();
    let mut line = [0; 32];
    let length = process.stdout.read(&mut line).await.unwrap();
    let number: u32 = std::str::from_utf8(&line[..length])
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    process.handle.kill();
    tokio::time::timeout(Duration::from_secs(5), process.handle.wait())
        .await
        .unwrap();
    let start = std::time::Instant::now();
    while std::fs::read_to_string(format!("/proc/{number}/comm"))
        .is_ok_and(|name| name.trim() == "cat")
    {
        assert!(start.elapsed() < Duration::from_secs(5), "cat still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_stops_the_writer_and_loses_nothing() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (_sshd, target) = friendly(&house);
    let connection = connect(&house, &target).await.unwrap();
    let mut process = connection.exec("head -c 20000000 /dev/zero").await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut bytes = Vec::new();
    process.stdout.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes.len(), 20_000_000);
    assert_eq!(process.handle.wait().await, Exit::Status(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_key_logs_in() {
    if !can_run() {
        return;
    }
    let house = House::new();
    for kind in ["rsa", "ecdsa", "ed25519"] {
        let (key, public) = house.key(&format!("id_{kind}"), kind, "");
        let options = Options {
            authorized: vec![&public],
            host_key_kind: kind,
            ..Options::default()
        };
        let sshd = Sshd::start(&house, kind, &options);
        house.know(&sshd.known_line());
        let mut target = sshd.target();
        target.private_key_file = Some(key);
        let connection = connect(&house, &target).await.unwrap();
        assert_eq!(output_of(&connection, "echo in").await, "in\n", "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_is_asked_once_for_all_hosts() {
    if !can_run() {
        return;
    }
    let mut house = House::new();
    let (key, public) = house.key("id_locked", "ed25519", "open sesame");
    let sshd = Sshd::start(
        &house,
        "sshd",
        &Options {
            authorized: vec![&public],
            ..Options::default()
        },
    );
    house.know(&sshd.known_line());
    let mut target = sshd.target();
    target.private_key_file = Some(key.clone());
    let error = refused(&house, &target).await;
    assert!(
        error.to_string().contains("locked by a passphrase"),
        "{error}"
    );
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    house.answer_passphrases(Arc::new(move |request| {
        assert_eq!(request.key_file, key);
        count.fetch_add(1, Ordering::SeqCst);
        // The first answer is mistyped.
        Some(Password::new(if request.attempt == 1 {
            "sesame"
        } else {
            "open sesame"
        }))
    }));
    let connector = house.connector();
    let (first, second) = tokio::join!(connector.connect(&target), connector.connect(&target));
    assert_eq!(output_of(&first.unwrap(), "echo in").await, "in\n");
    assert_eq!(output_of(&second.unwrap(), "echo in").await, "in\n");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_beside_the_key_logs_in() {
    if !can_run() {
        return;
    }
    let house = House::new();
    house.key("ca", "ed25519", "");
    let (key, _) = house.key("id_cert", "ed25519", "");
    house.ssh_keygen(&[
        "-q",
        "-s",
        "ca",
        "-I",
        "tester",
        "-n",
        &house.user.name,
        "id_cert.pub",
    ]);
    let trusted = format!("TrustedUserCAKeys {}", house.path("ca.pub").display());
    let sshd = Sshd::start(
        &house,
        "sshd",
        &Options {
            extra: vec![trusted],
            ..Options::default()
        },
    );
    house.know(&sshd.known_line());
    let mut target = sshd.target();
    target.private_key_file = Some(key);
    let connection = connect(&house, &target).await.unwrap();
    assert_eq!(output_of(&connection, "echo in").await, "in\n");
    // The same by CertificateFile, with the certificate elsewhere.
    std::fs::rename(house.path("id_cert-cert.pub"), house.path("elsewhere")).unwrap();
    assert_eq!(
        refused(&house, &target).await.class(),
        Class::Authentication
    );
    target.ssh_common_args = format!("-o CertificateFile={}", house.path("elsewhere").display());
    connect(&house, &target).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_login_names_every_key_and_why() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let sshd = Sshd::start(&house, "sshd", &Options::default());
    house.know(&sshd.known_line());
    let (key, _) = house.key("id_wrong", "ed25519", "");
    let mut target = sshd.target();
    target.private_key_file = Some(key.clone());
    target.ssh_common_args = "-o IdentityFile=/nowhere/key".to_owned();
    let error = refused(&house, &target).await;
    assert_eq!(error.class(), Class::Authentication);
    let text = error.to_string();
    assert!(
        text.contains(&format!("key {} (SHA256:", key.display())) && text.contains("was rejected"),
        "{text}"
    );
    assert!(text.contains("key /nowhere/key does not exist"), "{text}");
    assert!(text.contains("the host accepts publickey"), "{text}");
    target.password = Some(Password::new("wrong password"));
    let text = refused(&house, &target).await.to_string();
    assert!(text.contains("password was rejected"), "{text}");
    assert!(!text.contains("wrong password"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    if !can_run() {
        return;
    }
    let house = House::new();
    let (_sshd, target) = friendly(&house);
    let key = target.private_key_file.clone().unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = refused(&house, &target).await.to_string();
    assert!(error.contains("may be read by others"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_keys_are_named_as_the_cause() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let sshd = Sshd::start(
        &house,
        "sshd",
        &Options {
            extra: vec!["MaxAuthTries 2".to_owned()],
            ..Options::default()
        },
    );
    house.know(&sshd.known_line());
    let mut target = sshd.target();
    let keys: Vec<_> = (0..5)
        .map(|number| house.key(&format!("id_{number}"), "ed25519", "").0)
        .map(|path| format!("-i {}", path.display()))
        .collect();
    target.ssh_common_args = keys.join(" ");
    let error = refused(&house, &target).await;
    assert!(
        error
            .to_string()
            .contains("Too many authentication failures"),
        "{error}"
    );
    assert!(error.help().unwrap().contains("IdentitiesOnly"));
}
