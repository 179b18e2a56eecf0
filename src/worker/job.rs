//! Modules as jobs (`async`): the worker starts itself once more for each, detached, and goes on; the job outlives it and leaves its
//! result in a file that `async_status` reads.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cleanup::Cleanup;
use super::command::Limits;
use super::host::{ContentSource, HostParts, RealHost, current_identity};
use super::session::run_module;
use crate::kit::job::{self, ASYNC_DIRECTORY, USUAL_ASYNC_DIRECTORY};
use crate::kit::{Failure, Host as _, HostError, Outcome, Reader, expand_path};
use crate::value::Dict;
use crate::wire::{Invocation, read_frame, write_frame};

/// The argument that makes a worker the process of a job.
pub(super) const ARGUMENT: &str = "--job";

/// Between the end of a job that had no more time and its result, as in Ansible: who asks within the time is told that it runs.
const AFTER_THE_LIMIT: Duration = Duration::from_secs(1);

/// What the process of a job is to do.
#[derive(Serialize, Deserialize)]
struct Task {
    invocation: Invocation,
    settings: Dict,
}

/// What it answers as soon as it is on its own.
#[derive(Serialize, Deserialize)]
enum Begun {
    /// The job's id and its file.
    Job { id: String, file: String },
    /// Why there is none.
    Refused(String),
}

/// Starts a job. The answer is that of a task that does not wait for it.
pub(super) fn start(invocation: &Invocation, settings: &Dict, cancelled: &AtomicBool) -> Outcome {
    if cancelled.load(Ordering::Relaxed) {
        return Failure::from(HostError::Cancelled).into();
    }
    if invocation.hold {
        return Outcome {
            held: true,
            ..Outcome::default()
        };
    }
    let task = Task {
        invocation: invocation.clone(),
        settings: settings.clone(),
    };
    match hand_over(&task) {
        Ok(Begun::Job { id, file }) => Outcome::changed()
            .with("started", true)
            .with("finished", false)
            .with("ansible_job_id", id)
            .with("results_file", file),
        Ok(Begun::Refused(why)) => Failure::new(why).into(),
        Err(error) => Failure::new(format!("the job cannot be started: {error}")).into(),
    }
}

/// The process gets its task and answers; from then on nobody waits for it but a thread that takes note of its end.
fn hand_over(task: &Task) -> io::Result<Begun> {
    // This very program, even where its file is gone or out of reach by name.
    let mut child = Command::new("/proc/self/exe")
        .arg0("kplay-worker")
        .arg(ARGUMENT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    std::thread::Builder::new().spawn(move || child.wait())?;
    let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
    write_frame(&mut stdin.ok_or_else(closed)?, task).map_err(io::Error::other)?;
    read_frame(&mut stdout.ok_or_else(closed)?)
        .map_err(io::Error::other)?
        .ok_or_else(closed)
}

/// Is the process of a job, from its start to its end; returns the exit status.
pub(super) fn keep() -> u8 {
    let Ok(Some(task)) = read_frame::<Task>(&mut io::stdin().lock()) else {
        return 3;
    };
    // Without a terminal and a session nothing that ends with the connection ends the job.
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let cancelled = Arc::new(AtomicBool::new(false));
    let cleanup = Cleanup::default();
    let host = host(&task, &cancelled, &cleanup);
    let begun = begin(&host);
    let (answer, file) = match begun {
        Ok((id, file)) => {
            let shown = file.to_string_lossy().into_owned();
            (Begun::Job { id, file: shown }, Some(file))
        }
        Err(why) => (Begun::Refused(why), None),
    };
    let told = write_frame(&mut io::stdout().lock(), &answer);
    match file {
        // A task that never heard of its job fails, and the job with it.
        Some(file) if told.is_ok() => run(task, host, &file, &cancelled, &cleanup),
        Some(file) => {
            let _ = fs::remove_file(file);
            1
        }
        None => 1,
    }
}

fn host(task: &Task, cancelled: &Arc<AtomicBool>, cleanup: &Cleanup) -> RealHost {
    let mut environment: Vec<(String, String)> = std::env::vars().collect();
    for (name, value) in &task.invocation.environment {
        environment.retain(|(known, _)| known != name);
        environment.push((name.clone(), value.clone()));
    }
    RealHost::new(HostParts {
        identity: current_identity(),
        environment,
        supplied: task.invocation.supplied.clone(),
        contents: Arc::new(NoContents),
        settings: Arc::new(task.settings.clone()),
        limits: Limits {
            deadline: None,
            cancelled: cancelled.clone(),
        },
        cleanup: cleanup.clone(),
        owner: 0,
        // Nobody knows yet who will ask for the result.
        seen: true,
    })
}

/// Makes the job's file; returns the job's id and the file. Others than the user read nothing of it: results hold what they hold.
fn begin(host: &RealHost) -> Result<(String, PathBuf), String> {
    let directory = host
        .environment(ASYNC_DIRECTORY)
        .unwrap_or_else(|| USUAL_ASYNC_DIRECTORY.to_owned());
    let directory = expand_path(&directory, host);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .map_err(|error| format!("could not create directory: {directory} - {error}"))?;
    let mut random = [0; 8];
    host.random(&mut random)
        .map_err(|error| error.to_string())?;
    let number = u64::from_le_bytes(random) % 999_999_999_999;
    let id = format!("j{number}.{}", std::process::id());
    let file = Path::new(&directory).join(&id);
    store(&file, &job::begun(&id))
        .map_err(|error| format!("cannot write `{}`: {error}", file.display()))?;
    Ok((id, file))
}

/// Runs the module until its end, or that of its time.
fn run(task: Task, host: RealHost, file: &Path, cancelled: &AtomicBool, cleanup: &Cleanup) -> u8 {
    let limit = Duration::from_secs(task.invocation.asynchronous.unwrap_or_default());
    let (sender, receiver) = mpsc::sync_channel(1);
    let work = move || {
        let outcome = run_module(&task.invocation, &host);
        drop(host);
        let _ = sender.send(outcome);
    };
    let started = std::thread::Builder::new().spawn(work);
    let outcome = match started.map(|_| receiver.recv_timeout(limit)) {
        Ok(Ok(outcome)) => outcome,
        Err(error) => Failure::new(format!("cannot start a thread: {error}")).into(),
        Ok(Err(_)) => {
            cancelled.store(true, Ordering::Relaxed);
            cleanup.everything();
            std::thread::sleep(AFTER_THE_LIMIT);
            Failure::new("Timeout exceeded")
                .with("child_pid", std::process::id())
                .into()
        }
    };
    cleanup.everything();
    u8::from(store(file, &job::ended(&outcome)).is_err())
}

/// Writes the whole file, or leaves the one that is there.
fn store(file: &Path, content: &str) -> io::Result<()> {
    let draft = file.with_file_name(format!(
        "{}.tmp",
        file.file_name().unwrap_or_default().to_string_lossy()
    ));
    let mut out = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    out.write_all(content.as_bytes())
        .and_then(|()| fs::rename(&draft, file))
        .inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// A job has no controller to ask. Modules that need its files are no jobs ([`crate::kit::Module::ASYNCHRONOUS`]).
struct NoContents;

impl ContentSource for NoContents {
    fn open(&self, _: u64, _: &Limits) -> Result<Reader, HostError> {
        Err(HostError::Other(
            "a job cannot ask for files of the controller".to_owned(),
        ))
    }
}
