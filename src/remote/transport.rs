//! The bytes below SSH: a TCP connection, or the streams of a `ProxyCommand`.
//!
//! [`super::ssh`] opens one of these for the first hop; further hops run inside the one before.

use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::error::{Failure, Phase};
use super::resolve;
use super::ssh_config::HostSettings;

/// Anything that SSH can run over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// How long to wait before another attempt at a TCP connection, where `ConnectionAttempts` asks for one.
const PAUSE_BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);
/// How much of a `ProxyCommand`'s complaints is kept for the message.
const KEPT_COMPLAINTS: usize = 2000;

/// Connects by TCP, trying each address of the name.
pub(super) async fn tcp(settings: &HostSettings, limit: Duration) -> Result<TcpStream, Failure> {
    let name = &settings.host_name;
    let lookup = resolve::addresses(name, settings.port, settings.address_family);
    let addresses = timeout(limit, lookup).await.map_err(|_| Failure::Timeout {
        phase: Phase::NameLookup,
        limit,
    })?;
    let mut last = Failure::NameNotFound { name: name.clone() };
    for attempt in 0..settings.connection_attempts {
        if attempt > 0 {
            tokio::time::sleep(PAUSE_BETWEEN_ATTEMPTS).await;
        }
        for address in &addresses {
            match connect(*address, limit).await {
                Ok(stream) => {
                    // Frames are small and answered one by one; waiting to fill a packet only costs time.
                    let _ = stream.set_nodelay(true);
                    if settings.tcp_keep_alive {
                        let _ = rustix::net::sockopt::set_socket_keepalive(&stream, true);
                    }
                    return Ok(stream);
                }
                Err(failure) => last = failure,
            }
        }
    }
    Err(last)
}

async fn connect(address: SocketAddr, limit: Duration) -> Result<TcpStream, Failure> {
    match timeout(limit, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Err(Failure::Refused),
        Ok(Err(source)) => Err(Failure::Network {
            phase: Phase::TcpConnect,
            source,
        }),
        Err(_) => Err(Failure::Timeout {
            phase: Phase::TcpConnect,
            limit,
        }),
    }
}

/// The process of a `ProxyCommand`; its whole group ends with it.
#[derive(Debug)]
pub(super) struct ProxyProcess {
    child: Child,
    command: String,
    complaints: Arc<Mutex<String>>,
}

impl Drop for ProxyProcess {
    fn drop(&mut self) {
        let group = self
            .child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(group) = group {
            // Fails only if the group has ended by itself.
            let _ = kill_process_group(group, Signal::TERM);
        }
    }
}

impl ProxyProcess {
    /// Starts the command and returns its two streams as one.
    pub(super) fn start(command: &str) -> Result<(Self, impl Stream + 'static), Failure> {
        let failed = |detail: String| Failure::ProxyCommand {
            command: command.to_owned(),
            detail,
        };
        let mut child = Command::new("/bin/sh")
            .arg("-c")
            .arg(format!("exec {command}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        let (Some(stdin), Some(stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed("it has no pipes".to_owned()));
        };
        let complaints = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&complaints);
        tokio::spawn(async move {
            let mut buffer = [0; 1024];
            while let Ok(length @ 1..) = stderr.read(&mut buffer).await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() < KEPT_COMPLAINTS {
                    kept.push_str(&String::from_utf8_lossy(
                        buffer.get(..length).unwrap_or_default(),
                    ));
                }
            }
        });
        let process = Self {
            child,
            command: command.to_owned(),
            complaints,
        };
        Ok((process, tokio::io::join(stdout, stdin)))
    }

    /// Returns the failure that explains a connection that broke before it stood.
    pub(super) async fn explain(&mut self) -> Failure {
        let status = timeout(Duration::from_millis(300), self.child.wait()).await;
        let complaints = self
            .complaints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .trim()
            .to_owned();
        let ended = match status {
            Ok(Ok(status)) => status.to_string(),
            _ => "it runs, but what it leads to closed the connection".to_owned(),
        };
        Failure::ProxyCommand {
            command: self.command.clone(),
            detail: if complaints.is_empty() {
                ended
            } else {
                format!("{ended}: {complaints}")
            },
        }
    }
}
