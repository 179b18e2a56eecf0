//! The stand-in for Proxmox VE by hand: `cargo run --example proxmox-server -- --help`. For trying inventories without a cluster, and
//! for labs whose hosts are found through it. `tests/it/support/proxmox` is what it is made of.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    dead_code,
    reason = "a tool for one person at a terminal, made of parts that tests use whole"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;

#[path = "it/support/proxmox/mod.rs"]
mod proxmox;

use proxmox::cluster::Cluster;
use proxmox::{Fault, Options, Server, answers, tls};

/// Answers like the API of Proxmox VE
#[derive(Parser)]
struct Arguments {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8006")]
    listen: String,
    /// A cluster: its nodes and guests as JSON (`docs/testing.md`)
    #[arg(long, value_name = "FILE", group = "data")]
    cluster: Option<PathBuf>,
    /// Answers path by path as JSON (`tests/vectors/proxmox/server.json`)
    #[arg(long, value_name = "FILE", group = "data")]
    answers: Option<PathBuf>,
    /// A made-up cluster with so many guests
    #[arg(long, default_value_t = 20, group = "data")]
    guests: u32,
    /// How many nodes the made-up cluster has
    #[arg(long, default_value_t = 3)]
    nodes: u32,
    /// The token to ask for: `USER!ID=SECRET`
    #[arg(long)]
    token: Option<String>,
    /// The user and password to ask for: `USER:PASSWORD`
    #[arg(long)]
    password: Option<String>,
    /// TLS; the certificate authority is written there as `ca.pem`
    #[arg(long, value_name = "DIRECTORY")]
    tls: Option<PathBuf>,
    /// The names that the certificate is for
    #[arg(long, default_value = "DNS:localhost,IP:127.0.0.1", requires = "tls")]
    names: String,
    /// How long every answer takes, in milliseconds
    #[arg(long, default_value_t = 0)]
    delay: u64,
    /// How much longer paths take that begin so: `/nodes/pve2/=2000`
    #[arg(long, value_name = "PATH=MILLISECONDS")]
    slow: Vec<String>,
    /// The status that paths get which begin so: `/nodes/pve2/=595`; 0 breaks the connection
    #[arg(long, value_name = "PATH=STATUS")]
    fail: Vec<String>,
}

fn pair<T: std::str::FromStr>(text: &str) -> (String, T) {
    let (path, number) = text.rsplit_once('=').expect("PATH=NUMBER");
    (path.to_owned(), number.parse().ok().expect("PATH=NUMBER"))
}

fn main() {
    let arguments = Arguments::parse();
    let read = |path: &Path| {
        serde_json::from_str::<Cluster>(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let answers = match (&arguments.cluster, &arguments.answers) {
        (Some(path), _) => read(path).answers(),
        (_, Some(path)) => answers(path),
        _ => Cluster::of(arguments.guests, arguments.nodes.max(1)).answers(),
    };
    let identity = arguments.tls.as_deref().map(|directory| {
        std::fs::create_dir_all(directory).unwrap();
        tls::identity(directory, &arguments.names)
    });
    let options = Options {
        answers,
        delay: Duration::from_millis(arguments.delay),
        slow: arguments
            .slow
            .iter()
            .map(|text| pair(text))
            .map(|(path, delay)| (path, Duration::from_millis(delay)))
            .collect(),
        faults: arguments
            .fail
            .iter()
            .map(|text| pair(text))
            .map(|(path, status)| Fault {
                path,
                status,
                times: usize::MAX,
            })
            .collect(),
        token: arguments.token,
        password: arguments.password.map(|text| {
            let (user, password) = text.split_once(':').expect("USER:PASSWORD");
            (user.to_owned(), password.to_owned())
        }),
        tls: identity.as_ref().map(|identity| identity.config.clone()),
    };
    let server = Server::start(&arguments.listen, options).unwrap();
    println!(
        "{}://{}",
        if identity.is_some() { "https" } else { "http" },
        server.address
    );
    loop {
        std::thread::park();
    }
}
