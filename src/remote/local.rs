//! `connection: local`: a child process of this machine with the face of a remote one.
//!
//! Each child leads a process group of its own, so that killing it ends what it started too. The engine uses it for local
//! hosts and for delegated steps of the controller.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use super::error::ExecError;
use super::process::{Exit, Process, ProcessDriver, ProcessHandle};

/// Runs `command` by /bin/sh, as a remote login shell would.
pub fn exec(command: &str) -> Result<Process, ExecError> {
    spawn(Path::new("/bin/sh"), ["-c", command])
}

/// Runs a program without any shell.
pub fn spawn<A: AsRef<OsStr>>(
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Result<Process, ExecError> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let failed = |source| ExecError::Spawn {
        program: program.to_path_buf(),
        source,
    };
    let mut child = command.spawn().map_err(failed)?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(failed(std::io::Error::other("the child has no pipes")));
    };
    let (handle, driver) = ProcessHandle::new();
    tokio::spawn(supervise(child, driver));
    Ok(Process {
        stdin: Box::new(stdin),
        stdout: Box::new(stdout),
        stderr: Box::new(stderr),
        handle,
    })
}

/// Waits for the child; ends its group on request, and when nobody is left who could ask.
async fn supervise(mut child: Child, mut driver: ProcessDriver) {
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    let status = tokio::select! {
        status = child.wait() => status,
        _ = driver.kill.recv() => {
            if let Some(group) = group {
                // Fails only if the whole group has ended by itself.
                let _ = kill_process_group(group, Signal::KILL);
            }
            child.wait().await
        }
    };
    let exit = status.map_or(Exit::Lost, describe);
    let _ = driver.exit.send(Some(exit));
}

fn describe(status: ExitStatus) -> Exit {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Status(code.unsigned_abs()),
        (None, Some(signal)) => Exit::Signal(signal_name(signal)),
        (None, None) => Exit::Lost,
    }
}

fn signal_name(number: i32) -> String {
    let known = [
        (1, "HUP"),
        (2, "INT"),
        (3, "QUIT"),
        (6, "ABRT"),
        (9, "KILL"),
        (11, "SEGV"),
        (13, "PIPE"),
        (14, "ALRM"),
        (15, "TERM"),
    ];
    known
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_local_program_reads_writes_and_ends() {
        let mut process = exec("cat; echo problem >&2; exit 3").unwrap();
        process.stdin.write_all(b"hello").await.unwrap();
        process.stdin.shutdown().await.unwrap();
        drop(process.stdin);
        let (mut output, mut errors) = (String::new(), String::new());
        process.stdout.read_to_string(&mut output).await.unwrap();
        process.stderr.read_to_string(&mut errors).await.unwrap();
        assert_eq!((output.as_str(), errors.as_str()), ("hello", "problem\n"));
        assert_eq!(process.handle.wait().await, Exit::Status(3));
    }

    #[tokio::test]
    async fn t25_a_kill_ends_the_grandchildren_too() {
        let mut process = exec("sleep 600 & echo $!; wait").unwrap();
        let mut line = [0; 32];
        let length = process.stdout.read(&mut line).await.unwrap();
        let grandchild: i32 = std::str::from_utf8(&line[..length])
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        process.handle.kill();
        assert_eq!(process.handle.wait().await, Exit::Signal("KILL".to_owned()));
        let stat = format!("/proc/{grandchild}/stat");
        for _ in 0..200 {
            let status = std::fs::read_to_string(&stat).unwrap_or_default();
            // Gone, or a zombie that nobody has reaped yet.
            if status.is_empty() || status.contains(") Z ") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the grandchild still runs");
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let error = spawn(Path::new("/nowhere/kplay-worker"), Vec::<String>::new()).unwrap_err();
        assert!(error.to_string().contains("/nowhere/kplay-worker"));
    }
}
