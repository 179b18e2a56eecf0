//! How many times the line is crossed from the first packet until a command is under way.
//!
//! A relay delays every byte by a fixed time each way. What the login takes longer over a slow relay than over a quicker one
//! is the number of round trips times the difference, whatever the machine itself takes. TCP's own round trip is not
//! delayed by the relay, so it is added. The answer to the command is one round trip more, but how long a login shell needs
//! to start is its own affair and not measured.

use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::sshd::{House, can_run, connect, friendly};
use crate::remote::Target;

const QUICK: Duration = Duration::from_millis(5);
const SLOW: Duration = Duration::from_millis(65);

async fn delay(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    one_way: Duration,
) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let read = async move {
        let mut buffer = vec![0; 65536];
        while let Ok(length @ 1..) = from.read(&mut buffer).await {
            let _ = sender.send((Instant::now() + one_way, buffer[..length].to_vec()));
        }
    };
    let write = async move {
        while let Some((due, bytes)) = receiver.recv().await {
            tokio::time::sleep_until(due.into()).await;
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
    };
    tokio::join!(read, write);
}

async fn slow_link(to: u16, one_way: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                let _ = (near.set_nodelay(true), far.set_nodelay(true));
                let ((near_read, near_write), (far_read, far_write)) =
                    (near.into_split(), far.into_split());
                tokio::join!(
                    delay(near_read, far_write, one_way),
                    delay(far_read, near_write, one_way)
                );
            });
        }
    });
    port
}

/// Logs in and sends a command; returns how long that took, and checks the answer.
async fn command_sent(house: &House, target: &Target) -> Duration {
    let start = Instant::now();
    let connection = connect(house, target).await.unwrap();
    let login = start.elapsed();
    let mut process = connection.exec("exec echo x").await.unwrap();
    let sent = start.elapsed();
    let mut byte = [0];
    process.stdout.read_exact(&mut byte).await.unwrap();
    eprintln!(
        "logged in after {login:?}, command sent after {sent:?}, answered after {:?}",
        start.elapsed()
    );
    sent
}

async fn best_of_three(house: &House, target: &Target) -> Duration {
    let mut best = command_sent(house, target).await;
    for _ in 0..2 {
        best = best.min(command_sent(house, target).await);
    }
    best
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_under_way_after_seven_round_trips() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (sshd, mut target) = friendly(&house);
    let direct = best_of_three(&house, &target).await;
    let mut times = Vec::new();
    for one_way in [QUICK, SLOW] {
        let port = slow_link(sshd.port, one_way).await;
        house.know(
            &sshd
                .known_line()
                .replace(&sshd.port.to_string(), &port.to_string()),
        );
        target.port = Some(port);
        times.push(best_of_three(&house, &target).await);
    }
    let difference = times[1].saturating_sub(times[0]).as_secs_f64();
    let trips = difference / (2.0 * SLOW.checked_sub(QUICK).unwrap().as_secs_f64()) + 1.0;
    eprintln!(
        "direct {direct:?}, over the relays {times:?}: {trips:.2} round trips with TCP's own"
    );
    assert!(trips > 5.5 && trips < 7.3, "{trips:.2} round trips");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_hosts_at_once_share_one_connector() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (_sshd, target) = friendly(&house);
    let connector = std::sync::Arc::new(house.connector());
    let start = Instant::now();
    let logins: Vec<_> = (0..8)
        .map(|_| {
            let (connector, target) = (std::sync::Arc::clone(&connector), target.clone());
            tokio::spawn(async move { connector.connect(&target).await.map(|_| ()) })
        })
        .collect();
    for login in logins {
        login.await.unwrap().unwrap();
    }
    eprintln!("8 logins at once: {:?}", start.elapsed());
}
