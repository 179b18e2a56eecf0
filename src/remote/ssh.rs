//! One SSH connection: established hop by hop, then a source of processes.
//!
//! [`super::Connector`] makes these. A connection is `Send + Sync`; processes run over it side by side. Round trips from the
//! first packet to a command's first output: TCP 1, banners and offers 1, key exchange 1, the authentication service 1, the
//! question whether a key would do 1 (russh asks it always), the signature 1, the channel 1, the command 1; input for the
//! command travels with the command.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Handle, Msg};
use russh::{ChannelMsg, ChannelOpenFailure, ChannelReadHalf, ChannelWriteHalf, Disconnect, Sig};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::time::timeout;

use super::auth::{AuthFailure, Credentials, authenticate};
use super::client_handler::{ClientHandler, Shared};
use super::error::{ExecError, Failure, Phase};
use super::heard::{Heard, LastWord};
use super::host_key::HostKeyVerifier;
use super::process::{BUFFER_SIZE, Exit, Process, ProcessDriver, ProcessHandle};
use super::ssh_config::HostSettings;
use super::transport::{ProxyProcess, Stream};

/// A host that answers may be busy: PAM and a login shell take their time there, and OpenSSH's client would wait for ever. But one that hangs must
/// not hold the run.
const BUSY_LIMIT: Duration = Duration::from_mins(1);
/// How long a killed process may take to say how it ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// An authenticated connection to a host.
pub struct SshConnection {
    handle: Handle<ClientHandler>,
    /// The host's name in the inventory, for messages.
    host: String,
    limit: Duration,
    /// What the connection runs over, ended with it.
    _below: Below,
}

impl std::fmt::Debug for SshConnection {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SshConnection")
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// What a connection runs over.
pub(super) enum Below {
    Tcp,
    Jump { _connection: Box<SshConnection> },
    Proxy(Box<ProxyProcess>),
}

/// Everything that a handshake needs.
pub(super) struct Handshake<'a> {
    pub(super) host: &'a str,
    pub(super) settings: &'a HostSettings,
    pub(super) verifier: Arc<HostKeyVerifier>,
    pub(super) preferred: russh::Preferred,
    pub(super) credentials: Credentials<'a>,
    pub(super) limit: Duration,
}

impl Handshake<'_> {
    /// Speaks SSH over the stream until the user is logged in.
    pub(super) async fn run<S: Stream + 'static>(
        self,
        stream: S,
        mut below: Below,
    ) -> Result<SshConnection, Failure> {
        let handler = ClientHandler {
            verifier: Arc::clone(&self.verifier),
            shared: Arc::default(),
        };
        let shared = Arc::clone(&handler.shared);
        let config = client::Config {
            client_id: russh::SshId::Standard(
                concat!("SSH-2.0-kplay_", env!("CARGO_PKG_VERSION")).into(),
            ),
            preferred: self.preferred,
            keepalive_interval: self.settings.alive_interval,
            keepalive_max: self.settings.alive_count_max,
            nodelay: true,
            ..client::Config::default()
        };
        let limit = self.limit;
        let phase = Phase::KeyExchange;
        let last_word = LastWord::new();
        let stream = Heard {
            stream,
            last_word: last_word.clone(),
        };
        let exchange = client::connect_stream(Arc::new(config), stream, handler);
        let exchanged = match last_word.wait(exchange, limit, BUSY_LIMIT).await {
            Ok(Ok(handle)) => Ok(handle),
            Ok(Err(error)) => Err(match shared.take_refusal() {
                Some(refusal) => Failure::HostKey(refusal),
                None => classify(error, phase, shared.take_farewell()),
            }),
            Err(limit) => Err(Failure::Timeout { phase, limit }),
        };
        let mut handle = match (exchanged, &mut below) {
            (Ok(handle), _) => handle,
            (Err(Failure::Closed { .. }), Below::Proxy(process)) => {
                return Err(process.explain().await);
            }
            (Err(failure), _) => return Err(failure),
        };
        self.credentials
            .login(&mut handle, &shared, limit.max(BUSY_LIMIT))
            .await?;
        Ok(SshConnection {
            handle,
            host: self.host.to_owned(),
            limit,
            _below: below,
        })
    }
}

impl Credentials<'_> {
    async fn login(
        &self,
        handle: &mut Handle<ClientHandler>,
        shared: &Shared,
        limit: Duration,
    ) -> Result<(), Failure> {
        let phase = Phase::Authentication;
        let result = {
            let mut login = pin!(authenticate(handle, self));
            loop {
                tokio::select! {
                    result = &mut login => break result,
                    () = tokio::time::sleep(limit) => {
                        // While somebody types a passphrase the host is not to blame.
                        if !self.keys.is_asking() {
                            return Err(Failure::Timeout { phase, limit });
                        }
                    }
                }
            }
        };
        match result {
            Ok(()) => Ok(()),
            Err(AuthFailure::Denied {
                attempts,
                server_methods,
            }) => Err(Failure::Authentication {
                attempts,
                server_methods,
            }),
            Err(AuthFailure::Closed { attempts }) => {
                // The reason comes with the end of the session, a moment later.
                let _ = timeout(Duration::from_millis(500), &mut *handle).await;
                let mut detail: Vec<String> = shared.take_farewell().into_iter().collect();
                detail.extend(
                    attempts
                        .into_iter()
                        .map(|attempt| format!("{} was rejected", attempt.what)),
                );
                Err(Failure::Closed {
                    phase,
                    detail: (!detail.is_empty()).then(|| detail.join("; ")),
                })
            }
            Err(AuthFailure::Protocol(error)) => {
                Err(classify(error, phase, shared.take_farewell()))
            }
        }
    }
}

/// Gives a russh error its meaning.
fn classify(error: russh::Error, phase: Phase, farewell: Option<String>) -> Failure {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        russh::Error::Version => Failure::NotSsh,
        russh::Error::NoCommonAlgo { kind, ours, theirs } => Failure::NoCommonAlgorithm {
            kind: format!("{kind:?}").to_lowercase(),
            ours,
            theirs,
        },
        russh::Error::Disconnect
        | russh::Error::HUP
        | russh::Error::SendError
        | russh::Error::RecvError => Failure::Closed {
            phase,
            detail: farewell,
        },
        russh::Error::IO(source)
            if matches!(
                source.kind(),
                BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
            ) =>
        {
            Failure::Closed {
                phase,
                detail: farewell,
            }
        }
        russh::Error::IO(source) => Failure::Network { phase, source },
        source => Failure::Protocol { phase, source },
    }
}

impl SshConnection {
    /// Starts a command by the user's login shell. Its input may be written at once.
    pub async fn exec(&self, command: &str) -> Result<Process, ExecError> {
        let limit = self.limit.max(BUSY_LIMIT);
        let channel = match timeout(limit, self.handle.channel_open_session()).await {
            Ok(Ok(channel)) => channel,
            Ok(Err(russh::Error::ChannelOpenFailure(reason))) => {
                return Err(ExecError::ChannelRefused {
                    host: self.host.clone(),
                    reason: describe_refusal(&reason),
                });
            }
            Ok(Err(_)) => return Err(self.lost()),
            Err(_) => {
                return Err(ExecError::Timeout {
                    host: self.host.clone(),
                    limit,
                });
            }
        };
        let (read, write) = channel.split();
        // The answer is not waited for: a refusal ends the process, which its reader sees.
        write.exec(true, command).await.map_err(|_| self.lost())?;
        let (stdout, stdout_writer) = tokio::io::duplex(BUFFER_SIZE);
        let (stderr, stderr_writer) = tokio::io::duplex(BUFFER_SIZE);
        let (handle, driver) = ProcessHandle::new();
        let stdin = write.make_writer();
        let outputs = Outputs {
            stdout: Some(stdout_writer),
            stderr: Some(stderr_writer),
        };
        tokio::spawn(pump(read, write, outputs, driver));
        Ok(Process {
            stdin: Box::new(stdin),
            stdout: Box::new(stdout),
            stderr: Box::new(stderr),
            handle,
        })
    }

    /// Opens a TCP connection from the host onward, for the next hop of a jump.
    pub(super) async fn forward(
        &self,
        host: &str,
        port: u16,
    ) -> Result<impl Stream + 'static, Failure> {
        let opened = self
            .handle
            .channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0);
        let channel = timeout(self.limit, opened)
            .await
            .map_err(|_| Failure::Timeout {
                phase: Phase::OpeningChannel,
                limit: self.limit,
            })?;
        match channel {
            Ok(channel) => Ok(channel.into_stream()),
            Err(russh::Error::ChannelOpenFailure(reason)) => Err(Failure::JumpRefused {
                destination: format!("{host}:{port}"),
                reason: describe_refusal(&reason),
            }),
            Err(error) => Err(classify(error, Phase::OpeningChannel, None)),
        }
    }

    /// Says whether the connection is gone.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Says goodbye; processes that still run lose their line.
    pub async fn close(&self) {
        // Gone already is as good as closed.
        let _ = self
            .handle
            .disconnect(Disconnect::ByApplication, "", "")
            .await;
    }

    fn lost(&self) -> ExecError {
        ExecError::ConnectionLost {
            host: self.host.clone(),
        }
    }
}

fn describe_refusal(reason: &ChannelOpenFailure) -> String {
    format!("{reason:?}")
}

struct Outputs {
    stdout: Option<DuplexStream>,
    stderr: Option<DuplexStream>,
}

/// Moves a channel's messages to the process's streams until it closes or is killed.
async fn pump(
    read: ChannelReadHalf,
    write: ChannelWriteHalf<Msg>,
    outputs: Outputs,
    mut driver: ProcessDriver,
) {
    let mut exit = Exit::Lost;
    {
        let mut transfer = pin!(transfer(read, outputs, &mut exit));
        tokio::select! {
            () = &mut transfer => {}
            _ = driver.kill.recv() => {
                // Each fails only if the connection is gone, and the process with it.
                let _ = write.signal(Sig::KILL).await;
                let _ = write.eof().await;
                let _ = write.close().await;
                let _ = timeout(LAST_WORDS, &mut transfer).await;
            }
        }
    }
    let _ = driver.exit.send(Some(exit));
}

async fn transfer(mut read: ChannelReadHalf, mut outputs: Outputs, exit: &mut Exit) {
    while let Some(message) = read.wait().await {
        match message {
            ChannelMsg::Data { data } => write_to(&mut outputs.stdout, &data).await,
            ChannelMsg::ExtendedData { data, ext: 1 } => write_to(&mut outputs.stderr, &data).await,
            ChannelMsg::ExitStatus { exit_status } => *exit = Exit::Status(exit_status),
            ChannelMsg::ExitSignal { signal_name, .. } => {
                *exit = Exit::Signal(signal_name_of(&signal_name));
            }
            ChannelMsg::Eof => {
                outputs.stdout = None;
                outputs.stderr = None;
            }
            // The host would not run the command at all.
            ChannelMsg::Failure | ChannelMsg::Close => return,
            _ => {}
        }
    }
}

fn signal_name_of(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => name.clone(),
        known => format!("{known:?}"),
    }
}

/// Writes, unless nobody reads any more: then the rest is thrown away, as a closed pipe would.
async fn write_to(stream: &mut Option<DuplexStream>, data: &[u8]) {
    if let Some(writer) = stream
        && writer.write_all(data).await.is_err()
    {
        *stream = None;
    }
}
