//! Running a command: a process group of its own, both outputs read as they come, an end by deadline or cancellation.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::cleanup::{Cleanup, Owner};
use super::files::refused;
use crate::kit::{Command, HostError, Output};

/// When a step has to end.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// The point in time, and the seconds that it was given.
    pub(super) deadline: Option<(Instant, u64)>,
    /// Set by the message loop.
    pub(super) cancelled: Arc<AtomicBool>,
}

impl Limits {
    /// Fails if the step has to end now.
    pub(super) fn check(&self) -> Result<(), HostError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(HostError::Cancelled);
        }
        match self.deadline {
            Some((end, seconds)) if Instant::now() >= end => Err(HostError::Deadline(seconds)),
            _ => Ok(()),
        }
    }

    /// Waits; ends early with the step.
    pub(super) fn sleep(&self, length: Duration) -> Result<(), HostError> {
        let end = Instant::now() + length;
        loop {
            self.check()?;
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
    }
}

/// What a command runs in.
pub(super) struct Surroundings<'a> {
    pub(super) environment: &'a [(String, String)],
    pub(super) limits: &'a Limits,
    pub(super) cleanup: &'a Cleanup,
    pub(super) owner: Owner,
}

/// How often a waiting command looks whether it must end.
const GLANCE: Duration = Duration::from_millis(100);

/// Runs `command`, whose program is a path already, to its end.
pub(super) fn run(
    program: &str,
    command: &Command,
    around: &Surroundings<'_>,
) -> Result<Output, HostError> {
    around.limits.check()?;
    let mut process = Process::new(program);
    process
        .args(command.argv.get(1..).unwrap_or_default())
        .env_clear();
    process.envs(around.environment.iter().map(|(name, value)| (name, value)));
    process.envs(
        command
            .environment
            .iter()
            .map(|(name, value)| (name, value)),
    );
    // Without one it stays where the worker is: a user who was become may run there, but not enter it by name.
    if let Some(directory) = &command.directory {
        process.current_dir(directory);
    }
    process.stdin(if command.stdin.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    process
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = spawn(&mut process, command, program)?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        around.cleanup.group_started(group, around.owner);
    }
    let end = command.timeout.map(|length| Instant::now() + length);
    let ended = converse(&mut child, group, command, end, around);
    if let (Err(_), Some(group)) = (&ended, group) {
        let _ = kill_process_group(group, Signal::KILL);
        let _ = child.wait();
    }
    if let Some(group) = group {
        around.cleanup.group_ended(group);
    }
    ended
}

/// Starts the child. A umask is set by a shell in between, as the standard library has no safe way to do it in the child.
fn spawn(process: &mut Process, command: &Command, program: &str) -> Result<Child, HostError> {
    let started = match command.umask {
        None => process.spawn(),
        Some(mask) => {
            let mut wrapped = Process::new("/bin/sh");
            wrapped.args([
                "-c",
                &format!("umask {mask:04o} && exec \"$0\" \"$@\""),
                program,
            ]);
            wrapped.args(process.get_args());
            wrapped.env_clear();
            wrapped.envs(
                process
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
            if let Some(directory) = process.get_current_dir() {
                wrapped.current_dir(directory);
            }
            wrapped.stdin(if command.stdin.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            });
            wrapped
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .process_group(0)
                .spawn()
        }
    };
    started.map_err(|error| match &command.directory {
        Some(directory) if !std::path::Path::new(directory).is_dir() => {
            refused("change to the directory", directory, &error)
        }
        _ => refused("run", program, &error),
    })
}

/// Feeds the child, reads what it says, and waits for its end. A background process that keeps the pipes open is not waited for.
fn converse(
    child: &mut Child,
    group: Option<Pid>,
    command: &Command,
    end: Option<Instant>,
    around: &Surroundings<'_>,
) -> Result<Output, HostError> {
    let mut output = Output::default();
    let mut feeding = child
        .stdin
        .take()
        .map(|pipe| File::from(OwnedFd::from(pipe)));
    let mut to_feed: &[u8] = command.stdin.as_deref().unwrap_or_default();
    let mut reading_out = child
        .stdout
        .take()
        .map(|pipe| File::from(OwnedFd::from(pipe)));
    let mut reading_err = child
        .stderr
        .take()
        .map(|pipe| File::from(OwnedFd::from(pipe)));
    for pipe in [&feeding, &reading_out, &reading_err].into_iter().flatten() {
        let _ = rustix::io::ioctl_fionbio(pipe, true);
    }
    let exit = group.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    let mut buffer = vec![0; 1 << 16];
    loop {
        if to_feed.is_empty() {
            feeding = None;
        }
        around.limits.check()?;
        if end.is_some_and(|end| Instant::now() >= end) {
            return Err(HostError::Deadline(
                command.timeout.map_or(0, |length| length.as_secs()),
            ));
        }
        wait_for_any(
            feeding.as_ref(),
            reading_out.as_ref(),
            reading_err.as_ref(),
            exit.as_ref(),
        );
        let exited = child
            .try_wait()
            .map_err(|error| refused("wait for", &command.argv.join(" "), &error))?;
        if let Some(pipe) = &mut feeding {
            match pipe.write(to_feed) {
                Ok(count) => to_feed = to_feed.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // It does not want to read any more.
                Err(_) => to_feed = &[],
            }
        }
        take(&mut reading_out, &mut output.stdout, &mut buffer);
        take(&mut reading_err, &mut output.stderr, &mut buffer);
        if let Some(status) = exited {
            output.status = status
                .code()
                .unwrap_or_else(|| status.signal().map_or(-1, |signal| -signal));
            return Ok(output);
        }
    }
}

fn wait_for_any(
    feeding: Option<&File>,
    out: Option<&File>,
    err: Option<&File>,
    exit: Option<&OwnedFd>,
) {
    let mut watched: Vec<PollFd<'_>> = Vec::with_capacity(4);
    watched.extend(feeding.map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::OUT)));
    watched.extend(
        [out, err]
            .into_iter()
            .flatten()
            .map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)),
    );
    watched.extend(exit.map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)));
    // Without a descriptor for the exit (an old kernel) the glance finds it.
    let glance = if exit.is_some() {
        GLANCE
    } else {
        Duration::from_millis(5)
    };
    let wait = Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(glance.subsec_nanos()),
    };
    let _ = poll(&mut watched, Some(&wait));
}

/// Takes what there is to read; closes the pipe at its end.
fn take(pipe: &mut Option<File>, into: &mut Vec<u8>, buffer: &mut [u8]) {
    while let Some(file) = pipe {
        match file.read(buffer) {
            Ok(0) => *pipe = None,
            Ok(count) => into.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
