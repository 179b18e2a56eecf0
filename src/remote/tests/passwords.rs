//! Passwords, and a host that asks its client for things, played by russh's own server: sshd would need a real account.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use russh::keys::{Algorithm, PrivateKey};
use russh::server::{self, Auth, ChannelOpenHandle, Msg, Response, Session};
use russh::{Channel, ChannelId, MethodKind, MethodSet};
use tokio::net::TcpListener;

use super::sshd::{House, connect, output_of, refused};
use crate::remote::error::Class;
use crate::remote::{Password, Target};

/// Holds everything that templates, shells and quoting could spoil (T2).
const PASSWORD: &str = "{{7*7}} 'it''s' \"q\" \\ \n end";

#[derive(Clone)]
struct Host {
    takes: MethodKind,
    question: &'static str,
    /// What the client tried, in order.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Host {
    fn answer(&self, method: &str, good: bool) -> Auth {
        self.seen.lock().unwrap().push(format!("{method} {good}"));
        if good {
            return Auth::Accept;
        }
        Auth::Reject {
            proceed_with_methods: Some(MethodSet::from([self.takes].as_slice())),
            partial_success: false,
        }
    }
}

impl server::Handler for Host {
    type Error = russh::Error;

    async fn auth_password(&mut self, _user: &str, password: &str) -> Result<Auth, Self::Error> {
        let good = self.takes == MethodKind::Password && password == PASSWORD;
        Ok(self.answer("password", good))
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        let Some(mut response) = response else {
            return Ok(Auth::Partial {
                name: "".into(),
                instructions: "".into(),
                prompts: vec![(self.question.into(), false)].into(),
            });
        };
        let good = response
            .next()
            .is_some_and(|answer| answer.as_ref() == PASSWORD.as_bytes());
        Ok(self.answer("interactive", good))
    }

    async fn channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    /// Whatever the command, tries to open channels to the client and tells how that went.
    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let handle = session.handle();
        session.channel_success(channel)?;
        tokio::spawn(async move {
            let mut lines = Vec::new();
            let wait = Duration::from_secs(5);
            let agent = tokio::time::timeout(wait, handle.channel_open_agent()).await;
            lines.push(format!("agent {}\n", matches!(agent, Ok(Ok(_)))));
            let display = tokio::time::timeout(wait, handle.channel_open_x11("x", 1)).await;
            lines.push(format!("x11 {}\n", matches!(display, Ok(Ok(_)))));
            let tunnel = handle.channel_open_forwarded_tcpip("localhost", 1, "localhost", 2);
            let tunnel = tokio::time::timeout(wait, tunnel).await;
            lines.push(format!("tunnel {}\n", matches!(tunnel, Ok(Ok(_)))));
            let _ = handle.data(channel, lines.concat().into_bytes()).await;
            let _ = handle.exit_status_request(channel, 0).await;
            let _ = handle.eof(channel).await;
            let _ = handle.close(channel).await;
        });
        Ok(())
    }
}

/// Starts the host; returns a target that knows its key and what it has seen.
async fn host(
    house: &House,
    takes: MethodKind,
    question: &'static str,
) -> (Target, Arc<Mutex<Vec<String>>>) {
    let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).unwrap();
    let public = key.public_key().to_openssh().unwrap();
    let config = Arc::new(server::Config {
        keys: vec![key],
        auth_rejection_time: Duration::from_millis(10),
        ..server::Config::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let handler = Host {
        takes,
        question,
        seen: Arc::clone(&seen),
    };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (config, handler) = (Arc::clone(&config), handler.clone());
            tokio::spawn(async move {
                if let Ok(session) = server::run_stream(config, stream, handler).await {
                    let _ = session.await;
                }
            });
        }
    });
    house.know(&format!("[127.0.0.1]:{port} {public}\n"));
    let mut target = Target::new("web");
    target.address = "127.0.0.1".to_owned();
    target.port = Some(port);
    (target, seen)
}

#[tokio::test(flavor = "multi_thread")]
async fn t2_a_password_arrives_byte_for_byte_and_only_once() {
    let house = House::new();
    let (mut target, seen) = host(&house, MethodKind::Password, "").await;
    target.password = Some(Password::new(PASSWORD));
    connect(&house, &target).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["password true"]);
    seen.lock().unwrap().clear();
    target.password = Some(Password::new("wrong"));
    let error = refused(&house, &target).await;
    assert_eq!(error.class(), Class::Authentication);
    assert!(
        error.to_string().contains("password was rejected"),
        "{error}"
    );
    assert_eq!(*seen.lock().unwrap(), ["password false"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keyboard_interactive_is_answered_with_the_password() {
    let house = House::new();
    let (mut target, seen) = host(&house, MethodKind::KeyboardInteractive, "Password: ").await;
    target.password = Some(Password::new(PASSWORD));
    connect(&house, &target).await.unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        ["password false", "interactive true"]
    );
    target.ssh_common_args = "-o PreferredAuthentications=keyboard-interactive".to_owned();
    seen.lock().unwrap().clear();
    connect(&house, &target).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["interactive true"]);
    target.password = Some(Password::new("wrong"));
    let error = refused(&house, &target).await.to_string();
    assert!(
        error.contains("keyboard-interactive with the password was rejected"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_anything_to_show_the_help_says_what_to_give() {
    let house = House::new();
    let (target, seen) = host(&house, MethodKind::Password, "").await;
    let error = refused(&house, &target).await;
    assert!(
        error
            .to_string()
            .contains("no key, agent or password to try (the host accepts password"),
        "{error}"
    );
    assert!(
        error
            .help()
            .unwrap()
            .contains("ansible_ssh_private_key_file")
    );
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn t24_a_host_may_open_no_channel_to_its_client() {
    let house = House::new();
    let (mut target, _) = host(&house, MethodKind::Password, "").await;
    target.password = Some(Password::new(PASSWORD));
    target.ssh_common_args = "-A".to_owned();
    let connection = connect(&house, &target).await.unwrap();
    assert_eq!(
        output_of(&connection, "anything").await,
        "agent false\nx11 false\ntunnel false\n"
    );
}
