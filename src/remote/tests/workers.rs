//! Starting the worker through a real login.

use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::sshd::{House, Options, Sshd, can_run, connect};
use crate::remote::push::WorkerOrigin;
use crate::remote::{StartError, WorkerBinaries, WorkerBinary, start_worker};

fn workers() -> WorkerBinaries {
    let machine = rustix::system::uname()
        .machine()
        .to_string_lossy()
        .into_owned();
    let program = b"#!/bin/sh\necho here\nexec cat\n".to_vec();
    WorkerBinaries::with([WorkerBinary::new(PathBuf::new(), machine, program)])
}

/// An sshd whose sessions keep their cache in the test's home.
fn host(house: &House, extra: &[&str]) -> (Sshd, crate::remote::Target) {
    let (key, public) = house.key("id_test", "ed25519", "");
    let mut lines = vec![format!(
        "SetEnv XDG_CACHE_HOME={}",
        house.path("cache").display()
    )];
    lines.extend(extra.iter().map(|line| (*line).to_owned()));
    let sshd = Sshd::start(
        house,
        "sshd",
        &Options {
            authorized: vec![&public],
            extra: lines,
            ..Options::default()
        },
    );
    house.know(&sshd.known_line());
    let mut target = sshd.target();
    target.private_key_file = Some(key);
    (sshd, target)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_is_sent_once_and_speaks_from_its_first_byte() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (_sshd, target) = host(&house, &[]);
    let connection = connect(&house, &target).await.unwrap();
    let directory = house.path("cache/kplay").display().to_string();
    for origin in [
        WorkerOrigin::Sent(directory.clone()),
        WorkerOrigin::Cached(directory),
    ] {
        let mut started = start_worker(&connection, &workers(), b"frame one ")
            .await
            .unwrap();
        assert_eq!(started.origin, origin);
        started.process.stdin.write_all(b"frame two").await.unwrap();
        started.process.stdin.shutdown().await.unwrap();
        let mut output = String::new();
        started
            .process
            .stdout
            .read_to_string(&mut output)
            .await
            .unwrap();
        assert_eq!(output, "here\nframe one frame two");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_talkative_login_shell_is_skipped() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let talk = "ForceCommand /bin/sh -c 'echo kplay-0 start; echo \"$SSH_ORIGINAL_COMMAND\"; printf welcome; echo tip >&2; eval \"$SSH_ORIGINAL_COMMAND\"'";
    let (_sshd, target) = host(&house, &[talk]);
    let connection = connect(&house, &target).await.unwrap();
    for _ in 0..2 {
        let mut started = start_worker(&connection, &workers(), b"frame")
            .await
            .unwrap();
        started.process.stdin.shutdown().await.unwrap();
        let mut output = String::new();
        started
            .process
            .stdout
            .read_to_string(&mut output)
            .await
            .unwrap();
        assert_eq!(output, "here\nframe");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_that_never_starts_anything_is_given_up() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (_sshd, target) = host(
        &house,
        &["ForceCommand echo This account is not available; exit 1"],
    );
    let connection = connect(&house, &target).await.unwrap();
    let error = start_worker(&connection, &workers(), b"frame")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("exit status 1"), "{error}");
    let flood = House::new();
    let (_sshd, target) = host(&flood, &["ForceCommand yes"]);
    let connection = connect(&flood, &target).await.unwrap();
    let error = tokio::time::timeout(
        Duration::from_secs(20),
        start_worker(&connection, &workers(), b""),
    )
    .await
    .unwrap();
    assert!(matches!(error, Err(StartError::Noise)), "{error:?}");
}
