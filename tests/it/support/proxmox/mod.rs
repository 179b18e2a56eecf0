//! A stand-in for the API of Proxmox VE: token and ticket, TLS, slow nodes, errors. Tests of the Proxmox inventory start one; by hand
//! it is `cargo run --example proxmox-server -- --help`, whose data files `docs/testing.md` describes.
//!
//! It answers what its data say, path by path, and keeps connections open. It is no model of Proxmox VE: whatever is not in the data
//! is answered with 501, as Proxmox VE answers an unknown path.

pub(crate) mod cluster;
mod connection;
pub(crate) mod tls;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value as Json;

/// Answers by path and query, without `/api2/json`.
pub(crate) type Answers = BTreeMap<String, (u16, Json)>;

/// A path that is answered otherwise than the data say.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    /// What the path begins with.
    pub(crate) path: String,
    /// The status, 0 for a connection that breaks.
    pub(crate) status: u16,
    /// How many times.
    pub(crate) times: usize,
}

/// What is served, and how.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) answers: Answers,
    /// How long every answer takes.
    pub(crate) delay: Duration,
    /// How much longer those take whose path begins so.
    pub(crate) slow: Vec<(String, Duration)>,
    pub(crate) faults: Vec<Fault>,
    /// `USER!ID=SECRET`; without it and without a password everybody may ask.
    pub(crate) token: Option<String>,
    /// User and password.
    pub(crate) password: Option<(String, String)>,
    pub(crate) tls: Option<Arc<rustls::ServerConfig>>,
}

/// A server that runs until the program ends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

/// What its connections share.
pub(super) struct State {
    options: Options,
    /// How often each fault is still to happen.
    left: Vec<AtomicUsize>,
    asked: Mutex<Vec<String>>,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Server {
    /// Serves at the address; port 0 is any.
    pub(crate) fn start(address: &str, options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            left: options
                .faults
                .iter()
                .map(|fault| AtomicUsize::new(fault.times))
                .collect(),
            options,
            asked: Mutex::default(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || connection::serve(&state, stream));
            }
        });
        Ok(Self { address, state })
    }

    /// What was asked, in order: method and path.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().clone()
    }

    /// How many requests for one guest's data there were at once at most.
    pub(crate) fn most_at_once(&self) -> usize {
        self.state.most.load(Ordering::SeqCst)
    }
}

/// Reads answers from a file: `{"/api2/json/PATH": {"status": 200, "body": ...}}`.
pub(crate) fn answers(path: &Path) -> Answers {
    let text = std::fs::read_to_string(path).unwrap();
    let all: BTreeMap<String, Json> = serde_json::from_str(&text).unwrap();
    all.into_iter()
        .map(|(path, answer)| {
            let status = answer["status"].as_u64().unwrap_or(200);
            let path = path.strip_prefix("/api2/json").unwrap_or(&path).to_owned();
            (
                path,
                (u16::try_from(status).unwrap(), answer["body"].clone()),
            )
        })
        .collect()
}
