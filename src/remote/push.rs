//! Starts the worker on a host: one exec, and the worker itself on the same channel if the host lacks it.
//!
//! [`start_worker`] sends the line of [`super::push_script`] together with the first bytes for the worker, so that with a warm
//! cache the first answer comes one round trip later. Whatever a talkative login shell prints before the script's random
//! marker is skipped; what follows the marker's `start` line is the worker's.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::bytes::{fill_random, hex};
use super::connector::Connection;
use super::error::ExecError;
use super::local;
use super::process::{Exit, Process};
use super::push_script::{command_line, explain_skip};
use super::worker_binary::{WorkerBinaries, WorkerBinaryError};

/// How much a login shell may print before the script speaks.
const MAX_NOISE: usize = 256 * 1024;
/// How much of what the host says on stderr is kept for the message.
const MAX_COMPLAINTS: usize = 4096;
/// How long the script may take for one answer, and the line for one piece of the worker.
const PATIENCE: Duration = Duration::from_secs(30);
/// The worker travels in pieces of this size, each with [`PATIENCE`].
const PIECE: usize = 128 * 1024;

/// A worker that runs.
#[derive(Debug)]
pub struct Started {
    /// Its streams carry the protocol of `wire` from the first byte on.
    pub process: Process,
    pub origin: WorkerOrigin,
}

/// Where the worker on the host came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerOrigin {
    /// This machine's own file.
    Local(PathBuf),
    /// Found in this directory on the host.
    Cached(String),
    /// Sent, and stored in this directory on the host.
    Sent(String),
}

/// Why no worker runs.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Exec(#[from] ExecError),
    #[error(transparent)]
    NoWorker(#[from] WorkerBinaryError),
    #[error("the host runs {system}; kplay manages Linux hosts")]
    UnsupportedSystem { system: String },
    #[error(
        "no directory on the host can hold the worker: {}",
        describe_skipped(skipped)
    )]
    NoDirectory { skipped: Vec<Skipped> },
    #[error(
        "the host's shell did not start the worker: {exit}{}",
        describe_complaints(complaints)
    )]
    Ended { exit: Exit, complaints: String },
    #[error("the host's login shell prints more than {} KiB before it starts anything", MAX_NOISE / 1024)]
    Noise,
    #[error("starting the worker took longer than {} s", PATIENCE.as_secs())]
    Timeout,
    #[error("cannot prepare the worker: {0}")]
    Io(#[from] io::Error),
}

/// A directory on the host that cannot hold the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub directory: String,
    pub reason: &'static str,
}

fn describe_skipped(skipped: &[Skipped]) -> String {
    skipped
        .iter()
        .map(|Skipped { directory, reason }| format!("{directory} {reason}"))
        .collect::<Vec<_>>()
        .join("; ")
}

fn describe_complaints(complaints: &str) -> String {
    match complaints.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

/// Starts a worker and hands it `early` as its first input.
pub async fn start_worker(
    connection: &Connection,
    workers: &WorkerBinaries,
    early: &[u8],
) -> Result<Started, StartError> {
    match connection {
        Connection::Local => start_local(workers, early).await,
        Connection::Ssh(_) => start_through_shell(connection, workers, early).await,
    }
}

async fn start_local(workers: &WorkerBinaries, early: &[u8]) -> Result<Started, StartError> {
    let worker = workers.get(rustix::system::uname().machine().to_string_lossy().as_ref())?;
    let mut process = local::spawn(&worker.startable(), std::iter::empty::<&str>())?;
    let written = async {
        process.stdin.write_all(early).await?;
        process.stdin.flush().await
    };
    match written.await {
        // It has ended already; whoever reads sees that, and what it said.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        other => other?,
    }
    Ok(Started {
        process,
        origin: WorkerOrigin::Local(worker.path.clone()),
    })
}

async fn start_through_shell(
    connection: &Connection,
    workers: &WorkerBinaries,
    early: &[u8],
) -> Result<Started, StartError> {
    let marker = random_marker()?;
    let line = command_line(&marker, early.len(), workers.prepare()?);
    let process = connection.exec(&line).await?;
    converse(process, marker, workers, early).await
}

/// Talks with a script that was just started until the worker runs.
async fn converse(
    process: Process,
    marker: String,
    workers: &WorkerBinaries,
    early: &[u8],
) -> Result<Started, StartError> {
    let mut dialogue = Dialogue {
        process,
        marker,
        heard: Vec::new(),
        noise: 0,
        complaints: Vec::new(),
        skipped: Vec::new(),
    };
    let origin = dialogue.run(workers, early).await?;
    Ok(Started {
        process: dialogue.into_process(),
        origin,
    })
}

/// Returns a word that no login shell prints by chance or on purpose.
fn random_marker() -> io::Result<String> {
    let mut random = [0_u8; 16];
    fill_random(&mut random)?;
    Ok(format!("kplay-{}", hex(&random)))
}

/// The talk with the script.
struct Dialogue {
    process: Process,
    marker: String,
    /// Output not yet understood.
    heard: Vec<u8>,
    noise: usize,
    complaints: Vec<u8>,
    skipped: Vec<Skipped>,
}

/// What the script says.
#[derive(Debug, PartialEq, Eq)]
enum Word {
    Start {
        directory: String,
    },
    Needed {
        gzip: bool,
        system: String,
        machine: String,
        directory: String,
    },
    Skip(Skipped),
    Unknown {
        system: String,
        machine: String,
    },
    Failed,
}

impl Word {
    /// Reads the rest of a line behind the marker; nothing if it is an echo of the command itself.
    fn parse(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "start" => Some(Self::Start {
                directory: rest.to_owned(),
            }),
            "needed" => {
                let mut fields = rest.splitn(4, ' ');
                Some(Self::Needed {
                    gzip: fields.next()? == "gzip",
                    system: fields.next()?.to_owned(),
                    machine: fields.next()?.to_owned(),
                    directory: fields.next()?.to_owned(),
                })
            }
            "skip" => {
                let (reason, directory) = rest.split_once(' ')?;
                Some(Self::Skip(Skipped {
                    directory: directory.to_owned(),
                    reason: explain_skip(reason),
                }))
            }
            "unknown" => {
                let (system, machine) = rest.split_once(' ')?;
                Some(Self::Unknown {
                    system: system.to_owned(),
                    machine: machine.to_owned(),
                })
            }
            "failed" => Some(Self::Failed),
            _ => None,
        }
    }
}

impl Dialogue {
    async fn run(
        &mut self,
        workers: &WorkerBinaries,
        early: &[u8],
    ) -> Result<WorkerOrigin, StartError> {
        // A shell that ended already says why on its other streams.
        let _ = self.send(early).await;
        let mut sent = false;
        loop {
            match self.listen().await? {
                Word::Start { directory } if sent => {
                    self.send(early).await?;
                    return Ok(WorkerOrigin::Sent(directory));
                }
                Word::Start { directory } => return Ok(WorkerOrigin::Cached(directory)),
                Word::Needed { gzip, machine, .. } => {
                    let worker = workers.get(&machine)?;
                    let bytes = if gzip {
                        tokio::task::spawn_blocking(move || worker.compressed())
                            .await
                            .map_err(io::Error::other)??
                    } else {
                        worker.bytes()?
                    };
                    // The script may have ended meanwhile; then its last words count.
                    let _ = self.send(format!("{}\n", bytes.len()).as_bytes()).await;
                    let _ = self.send(&bytes).await;
                    sent = true;
                }
                Word::Skip(skipped) => self.skipped.push(skipped),
                Word::Unknown { system, .. } if system != "Linux" => {
                    return Err(StartError::UnsupportedSystem { system });
                }
                Word::Unknown { machine, .. } => {
                    workers.get(&machine)?;
                    return Err(StartError::NoDirectory {
                        skipped: std::mem::take(&mut self.skipped),
                    });
                }
                Word::Failed => {
                    return Err(StartError::NoDirectory {
                        skipped: std::mem::take(&mut self.skipped),
                    });
                }
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), StartError> {
        for piece in bytes.chunks(PIECE) {
            timeout(PATIENCE, self.process.stdin.write_all(piece))
                .await
                .map_err(|_| StartError::Timeout)??;
        }
        timeout(PATIENCE, self.process.stdin.flush())
            .await
            .map_err(|_| StartError::Timeout)??;
        Ok(())
    }

    /// Waits for the next word of the script.
    async fn listen(&mut self) -> Result<Word, StartError> {
        loop {
            if let Some(word) = self.understand() {
                return Ok(word);
            }
            if self.noise + self.heard.len() > MAX_NOISE {
                return Err(StartError::Noise);
            }
            let more = timeout(PATIENCE, self.read_more())
                .await
                .map_err(|_| StartError::Timeout)?;
            if !more {
                let exit = timeout(PATIENCE, self.process.handle.wait())
                    .await
                    .unwrap_or(Exit::Lost);
                return Err(StartError::Ended {
                    exit,
                    complaints: printable(&self.complaints),
                });
            }
        }
    }

    /// Reads more of either stream; false at the end of both.
    async fn read_more(&mut self) -> bool {
        let mut output = [0_u8; 8192];
        let mut errors = [0_u8; 1024];
        let mut errors_open = true;
        loop {
            tokio::select! {
                biased;
                read = self.process.stdout.read(&mut output) => if let Ok(length @ 1..) = read {
                    self.heard.extend_from_slice(output.get(..length).unwrap_or_default());
                    return true;
                } else {
                    // The script is gone; what it complained about may still be on its way.
                    while errors_open {
                        match self.process.stderr.read(&mut errors).await {
                            Ok(length @ 1..) => self.complain(errors.get(..length).unwrap_or_default()),
                            _ => errors_open = false,
                        }
                    }
                    return false;
                },
                read = self.process.stderr.read(&mut errors), if errors_open => match read {
                    Ok(length @ 1..) => self.complain(errors.get(..length).unwrap_or_default()),
                    _ => errors_open = false,
                },
            }
        }
    }

    fn complain(&mut self, text: &[u8]) {
        let room = MAX_COMPLAINTS.saturating_sub(self.complaints.len());
        self.complaints
            .extend_from_slice(text.get(..room.min(text.len())).unwrap_or_default());
    }

    /// Takes the next whole line with the marker out of what was heard, and drops what stands before it.
    fn understand(&mut self) -> Option<Word> {
        let marker = format!("{} ", self.marker);
        loop {
            let at = self
                .heard
                .windows(marker.len())
                .position(|window| window == marker.as_bytes())?;
            let behind = self.heard.get(at + marker.len()..)?;
            let end = behind.iter().position(|byte| *byte == b'\n')?;
            let line = String::from_utf8_lossy(behind.get(..end)?)
                .trim_end_matches('\r')
                .to_owned();
            self.noise += at;
            self.heard.drain(..=(at + marker.len() + end));
            if let Some(word) = Word::parse(&line) {
                return Some(word);
            }
        }
    }

    /// Gives the streams to the worker's owner, with what was read too far.
    fn into_process(self) -> Process {
        let Self { process, heard, .. } = self;
        if heard.is_empty() {
            return process;
        }
        Process {
            stdout: Box::new(io::Cursor::new(heard).chain(process.stdout)),
            ..process
        }
    }
}

/// Makes a host's words harmless on a terminal.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .trim()
        .chars()
        .map(|character| match character {
            '\n' => ' ',
            control if control.is_control() => '\u{fffd}',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests;
