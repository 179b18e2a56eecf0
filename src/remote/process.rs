//! A running program, here or on a host, with one face.
//!
//! [`super::ssh`] makes one from an SSH channel and [`super::local`] from a child process; the engine reads, writes, waits and
//! kills without knowing which it has. Streams are bounded: a program that writes faster than it is read waits. Both
//! `stdout` and `stderr` must be read, else a talkative program stands still.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};

/// The writing end of a program's standard input; shutting it down is end of file.
pub type Input = Box<dyn AsyncWrite + Send + Unpin>;
/// The reading end of a program's standard output or error.
pub type Output = Box<dyn AsyncRead + Send + Unpin>;

/// How much of a program's output is held for a slow reader.
pub const BUFFER_SIZE: usize = 256 * 1024;

/// A running program.
pub struct Process {
    pub stdin: Input,
    pub stdout: Output,
    pub stderr: Output,
    pub handle: ProcessHandle,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Process")
            .field("handle", &self.handle)
            .finish_non_exhaustive()
    }
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    Status(u32),
    /// The name of the signal without `SIG`.
    Signal(String),
    /// The line to the program was cut, so nobody knows.
    Lost,
}

impl Exit {
    pub fn success(&self) -> bool {
        *self == Self::Status(0)
    }
}

impl std::fmt::Display for Exit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(formatter, "exit status {status}"),
            Self::Signal(name) => write!(formatter, "killed by signal {name}"),
            Self::Lost => formatter.write_str("connection lost"),
        }
    }
}

/// Waits for a program and kills it; apart from the streams, so that one task may read while another waits.
#[derive(Debug, Clone)]
pub struct ProcessHandle {
    exit: watch::Receiver<Option<Exit>>,
    kill: mpsc::UnboundedSender<()>,
}

/// The side of a [`ProcessHandle`] that the pump of a program holds.
#[derive(Debug)]
pub(crate) struct ProcessDriver {
    pub(crate) exit: watch::Sender<Option<Exit>>,
    pub(crate) kill: mpsc::UnboundedReceiver<()>,
}

impl ProcessHandle {
    pub(crate) fn new() -> (Self, ProcessDriver) {
        let (exit_sender, exit) = watch::channel(None);
        let (kill, kill_receiver) = mpsc::unbounded_channel();
        let driver = ProcessDriver {
            exit: exit_sender,
            kill: kill_receiver,
        };
        (Self { exit, kill }, driver)
    }

    /// Waits until the program has ended.
    pub async fn wait(&self) -> Exit {
        let mut exit = self.exit.clone();
        match exit.wait_for(Option::is_some).await {
            Ok(value) => value.clone().unwrap_or(Exit::Lost),
            Err(_) => Exit::Lost,
        }
    }

    /// Ends the program: its whole process group here; on a host a KILL, end of input and the closed channel. sshd passes
    /// signals on for everybody but root, so what runs there must end with its input, as the worker does.
    pub fn kill(&self) {
        // A program that has ended already has nobody left to listen.
        let _ = self.kill.send(());
    }
}
