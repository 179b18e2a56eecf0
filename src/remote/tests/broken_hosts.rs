//! Hosts that refuse, hang, or speak something else: each with its own message, in time.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::sshd::{House, can_run, connect, free_port, friendly, refused};
use crate::remote::error::{Class, Phase};
use crate::remote::{Exit, Failure, Target};

fn target_at(port: u16) -> Target {
    let mut target = Target::new("web");
    target.address = "127.0.0.1".to_owned();
    target.port = Some(port);
    target.timeout = Duration::from_secs(1);
    target
}

/// Listens and treats each connection as told.
async fn answering(answer: &'static [u8], keep_open: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.write_all(answer).await;
                if keep_open {
                    let mut sink = Vec::new();
                    let _ = stream.read_to_end(&mut sink).await;
                }
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_is_refused() {
    let house = House::new();
    let error = refused(&house, &target_at(free_port())).await;
    assert!(matches!(*error.failure, Failure::Refused), "{error}");
    assert!(
        error.to_string().starts_with("cannot connect to `web` ("),
        "{error}"
    );
    assert!(error.help().unwrap().contains("ansible_port"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_knows_is_named() {
    let house = House::new();
    let error = refused(&house, &Target::new("no-such-host.invalid")).await;
    assert!(
        matches!(*error.failure, Failure::NameNotFound { .. }),
        "{error}"
    );
    assert_eq!(error.class(), Class::Network);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_listener_runs_into_the_timeout_of_the_key_exchange() {
    let house = House::new();
    let start = Instant::now();
    let error = refused(&house, &target_at(answering(b"", true).await)).await;
    assert!(
        matches!(
            *error.failure,
            Failure::Timeout {
                phase: Phase::KeyExchange,
                ..
            }
        ),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(
        error.to_string().contains("took longer than 1 s"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_after_its_banner_times_out_too() {
    let house = House::new();
    let error = refused(
        &house,
        &target_at(answering(b"SSH-2.0-OpenSSH_9.2\r\n", true).await),
    )
    .await;
    assert_eq!(error.class(), Class::Timeout, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t22_what_does_not_speak_ssh_is_said_and_bounded() {
    let house = House::new();
    for (answer, keep_open) in [
        (
            b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n".as_slice(),
            false,
        ),
        (b"SSH-1.5-ancient\r\n".as_slice(), true),
        (
            b"SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff".as_slice(),
            true,
        ),
        (
            b"SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a\x14garbagegarbage".as_slice(),
            true,
        ),
        (b"\x1b[31mred\x00\x01\x02".as_slice(), true),
        (b"".as_slice(), false),
    ] {
        let error = refused(&house, &target_at(answering(answer, keep_open).await)).await;
        let expected = matches!(
            *error.failure,
            Failure::NotSsh
                | Failure::Closed { .. }
                | Failure::Protocol { .. }
                | Failure::Timeout { .. }
        );
        assert!(expected, "{answer:?}: {error}");
        assert!(!error.to_string().contains('\x1b'), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_cut_ends_the_process_as_lost() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (sshd, mut target) = friendly(&house);
    let (port, relay) = relay(sshd.port).await;
    house.know(
        &sshd
            .known_line()
            .replace(&sshd.port.to_string(), &port.to_string()),
    );
    target.port = Some(port);
    let connection = connect(&house, &target).await.unwrap();
    let process = connection.exec("echo $$; cat").await.unwrap();
    relay.abort();
    let exit = tokio::time::timeout(Duration::from_secs(5), process.handle.wait())
        .await
        .unwrap();
    assert_eq!(exit, Exit::Lost);
    assert!(connection.exec("true").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_falls_silent_is_given_up_by_the_keepalive() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (sshd, mut target) = friendly(&house);
    // The sshd of the session is stopped: the line stands, and nobody answers.
    target.ssh_common_args = "-o ServerAliveInterval=1 -o ServerAliveCountMax=1".to_owned();
    let connection = connect(&house, &target).await.unwrap();
    let mut process = connection.exec("echo $PPID; cat").await.unwrap();
    let mut line = [0; 32];
    let length = process.stdout.read(&mut line).await.unwrap();
    let server: i32 = std::str::from_utf8(&line[..length])
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let server = rustix::process::Pid::from_raw(server).unwrap();
    rustix::process::kill_process(server, rustix::process::Signal::STOP).unwrap();
    let exit = tokio::time::timeout(Duration::from_secs(10), process.handle.wait()).await;
    rustix::process::kill_process(server, rustix::process::Signal::KILL).unwrap();
    assert_eq!(exit.unwrap(), Exit::Lost);
    drop(sshd);
}

/// Relays connections to a port until it is aborted.
async fn relay(to: u16) -> (u16, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let mut lines = tokio::task::JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            lines.spawn(async move {
                let mut far = tokio::net::TcpStream::connect(("127.0.0.1", to))
                    .await
                    .unwrap();
                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (port, task)
}
