//! A private sshd, keys made for one test, and a user whose home is a temporary directory.

use std::collections::BTreeMap;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;

use crate::remote::connector::Connection;
use crate::remote::local_user::LocalUser;
use crate::remote::passphrase::AskPassphrase;
use crate::remote::ssh_config::SourceFiles;
use crate::remote::{ConnectError, Connector, Target};

pub(super) const SSHD: &str = "/usr/sbin/sshd";

/// Says, and why, where a test cannot run.
pub(super) fn can_run() -> bool {
    let can = Path::new(SSHD).exists()
        && Command::new("ssh-keygen")
            .arg("-?")
            .stderr(Stdio::null())
            .status()
            .is_ok();
    if !can {
        eprintln!("skipped: no {SSHD} or no ssh-keygen on this machine");
    }
    can
}

/// A scratch home, the user in it, and what was warned about.
pub(super) struct House {
    pub(super) directory: tempfile::TempDir,
    pub(super) user: LocalUser,
    pub(super) warnings: Arc<Mutex<Vec<String>>>,
    ask: Option<AskPassphrase>,
}

impl House {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join(".ssh")).unwrap();
        let detected = LocalUser::detect();
        let user = LocalUser {
            home: directory.path().to_path_buf(),
            environment: BTreeMap::new(),
            ..detected
        };
        Self {
            directory,
            user,
            warnings: Arc::default(),
            ask: None,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(super) fn answer_passphrases(&mut self, ask: AskPassphrase) {
        self.ask = Some(ask);
    }

    /// Makes a key pair; returns the private half's path and the public half's line.
    pub(super) fn key(&self, name: &str, kind: &str, passphrase: &str) -> (PathBuf, String) {
        let path = self.path(name);
        let mut arguments = vec!["-q", "-N", passphrase, "-C", name, "-t", kind];
        if kind == "rsa" {
            arguments.extend(["-b", "2048"]);
        }
        let status = Command::new("ssh-keygen")
            .args(arguments)
            .arg("-f")
            .arg(&path)
            .status()
            .unwrap();
        assert!(status.success());
        let public = std::fs::read_to_string(path.with_file_name(format!("{name}.pub"))).unwrap();
        (path, public.trim().to_owned())
    }

    pub(super) fn ssh_keygen(&self, arguments: &[&str]) {
        let output = Command::new("ssh-keygen")
            .args(arguments)
            .current_dir(self.directory.path())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Writes `~/.ssh/known_hosts`.
    pub(super) fn know(&self, text: &str) {
        self.write(".ssh/known_hosts", text);
    }

    pub(super) fn connector(&self) -> Connector {
        let warnings = Arc::clone(&self.warnings);
        Connector::new(
            self.user.clone(),
            SourceFiles {
                user: self.path(".ssh/config"),
                system: self.path("system_ssh_config"),
            },
            self.ask.clone(),
            Arc::new(move |warning| warnings.lock().unwrap().push(warning.to_string())),
        )
    }

    pub(super) fn warned(&self) -> String {
        self.warnings.lock().unwrap().join("\n")
    }
}

/// A running sshd.
pub(super) struct Sshd {
    pub(super) port: u16,
    child: Child,
    log: PathBuf,
    /// The public host key's line.
    pub(super) host_key: String,
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an sshd of a test has that others do not.
#[derive(Default)]
pub(super) struct Options<'a> {
    pub(super) authorized: Vec<&'a str>,
    pub(super) extra: Vec<String>,
    /// Kind of the host key, `ed25519` if empty.
    pub(super) host_key_kind: &'a str,
}

pub(super) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Sshd {
    pub(super) fn start(house: &House, name: &str, options: &Options<'_>) -> Self {
        let kind = if options.host_key_kind.is_empty() {
            "ed25519"
        } else {
            options.host_key_kind
        };
        let (key, host_key) = house.key(&format!("{name}_host_key"), kind, "");
        house.write(
            &format!("{name}_authorized"),
            &options.authorized.join("\n"),
        );
        let port = free_port();
        let mut config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nStrictModes no\nUsePAM no\nAuthorizedKeysFile {}\nPermitRootLogin yes\nLogLevel DEBUG1\n",
            key.display(),
            house.path(&format!("{name}_authorized")).display()
        );
        for line in &options.extra {
            config.push_str(line);
            config.push('\n');
        }
        house.write(&format!("{name}_config"), &config);
        Self::run(house, name, port, host_key)
    }

    /// Starts an sshd that ran before, with one more line of configuration.
    pub(super) fn restart(house: &House, name: &str, line: &str) -> Self {
        let mut config = std::fs::read_to_string(house.path(&format!("{name}_config"))).unwrap();
        config.push_str(line);
        config.push('\n');
        house.write(&format!("{name}_config"), &config);
        let port = config
            .lines()
            .find_map(|line| line.strip_prefix("Port "))
            .unwrap()
            .parse()
            .unwrap();
        let host_key =
            std::fs::read_to_string(house.path(&format!("{name}_host_key.pub"))).unwrap();
        Self::run(house, name, port, host_key.trim().to_owned())
    }

    fn run(house: &House, name: &str, port: u16, host_key: String) -> Self {
        let log = house.path(&format!("{name}_log"));
        if rustix::process::getuid().is_root() {
            // Debian's sshd wants it, and only its service makes it.
            let _ = std::fs::create_dir_all("/run/sshd");
        }
        let child = Command::new(SSHD)
            .args(["-D", "-f"])
            .arg(house.path(&format!("{name}_config")))
            .arg("-E")
            .arg(&log)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut sshd = Self {
            port,
            child,
            log,
            host_key,
        };
        sshd.wait_until_it_listens();
        sshd
    }

    fn wait_until_it_listens(&mut self) {
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && start.elapsed() < Duration::from_secs(20),
                "sshd: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Returns the `known_hosts` line of this sshd.
    pub(super) fn known_line(&self) -> String {
        format!("[127.0.0.1]:{} {}\n", self.port, self.host_key)
    }

    pub(super) fn target(&self) -> Target {
        let mut target = Target::new("web");
        target.address = "127.0.0.1".to_owned();
        target.port = Some(self.port);
        target
    }
}

/// An sshd that lets `key` in and whose host key is known.
pub(super) fn friendly(house: &House) -> (Sshd, Target) {
    let (key, public) = house.key("id_test", "ed25519", "");
    let sshd = Sshd::start(
        house,
        "sshd",
        &Options {
            authorized: vec![&public],
            ..Options::default()
        },
    );
    house.know(&sshd.known_line());
    let mut target = sshd.target();
    target.private_key_file = Some(key);
    (sshd, target)
}

/// Runs a command and returns its output.
pub(super) async fn output_of(connection: &Connection, command: &str) -> String {
    let mut process = connection.exec(command).await.unwrap();
    let mut output = String::new();
    process.stdout.read_to_string(&mut output).await.unwrap();
    output
}

pub(super) async fn connect(house: &House, target: &Target) -> Result<Connection, ConnectError> {
    house.connector().connect(target).await
}

/// Connects and must fail.
pub(super) async fn refused(house: &House, target: &Target) -> ConnectError {
    connect(house, target).await.map(drop).unwrap_err()
}
