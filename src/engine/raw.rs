//! `raw`: a plain exec of the login shell, for hosts that cannot run a worker.

use tokio::io::AsyncReadExt as _;

use super::perform::HereExecutor;
use crate::kit::{Failure, Outcome};
use crate::remote::Exit;
use crate::step::ExecutionError;
use crate::value::{Dict, Value};
use crate::wire::{Become, BecomeMethod, Invocation};

/// Runs the command and returns what `raw` returns.
pub(super) fn run(
    executor: &HereExecutor<'_>,
    invocation: &Invocation,
    delegate: Option<&str>,
) -> Result<Outcome, ExecutionError> {
    let argument = |name: &str| {
        invocation
            .arguments
            .get(name)
            .map(Value::to_text)
            .filter(|text| !text.is_empty())
    };
    let Some(command) = argument("_raw_params") else {
        return Ok(Failure::new("no command was given").into());
    };
    if invocation.check {
        return Ok(Outcome {
            skipped: true,
            ..Outcome::default()
        });
    }
    let line = command_line(&command, argument("executable").as_deref(), invocation)?;
    let (host, place) = executor.place(delegate)?;
    let (status, stdout, stderr) = executor.wait(async {
        let mut process = executor.job.links.raw(&host, &place, &line).await?;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        drop(process.stdin);
        let (read_out, read_err) = tokio::join!(
            process.stdout.read_to_end(&mut out),
            process.stderr.read_to_end(&mut err)
        );
        let lost = |error: std::io::Error| ExecutionError::Unreachable(error.to_string());
        read_out.map_err(lost)?;
        read_err.map_err(lost)?;
        match process.handle.wait().await {
            Exit::Status(status) => Ok((status, out, err)),
            Exit::Signal(name) => Err(ExecutionError::Failed(format!(
                "the command was ended by signal {name}"
            ))),
            Exit::Lost => Err(ExecutionError::Unreachable(
                "the connection was lost while the command ran".to_owned(),
            )),
        }
    })?;
    let values = Dict::new()
        .with("rc", status)
        .with("stdout", String::from_utf8_lossy(&stdout).into_owned())
        .with("stderr", String::from_utf8_lossy(&stderr).into_owned());
    if status == 0 {
        return Ok(Outcome::changed().with_all(values));
    }
    let failure = Failure {
        values,
        changed: true,
        ..Failure::new("non-zero return code")
    };
    Ok(failure.into())
}

/// Wraps the command for another shell, another user and the task's environment.
fn command_line(
    command: &str,
    executable: Option<&str>,
    invocation: &Invocation,
) -> Result<String, ExecutionError> {
    let mut line = String::new();
    for (name, value) in &invocation.environment {
        line.push_str(&format!("{name}={} ", quote(value)));
    }
    match executable {
        Some(shell) => line.push_str(&format!("{shell} -c {}", quote(command))),
        None => line.push_str(command),
    }
    match &invocation.becoming {
        None => Ok(line),
        Some(becoming) => become_line(&line, becoming),
    }
}

fn become_line(line: &str, becoming: &Become) -> Result<String, ExecutionError> {
    if !becoming.password.is_null() {
        return Err(ExecutionError::Failed(
            "`raw` cannot give a become password; allow it without one, or connect as that user"
                .to_owned(),
        ));
    }
    let (user, inner) = (quote(&becoming.user), quote(line));
    Ok(match becoming.method {
        BecomeMethod::Sudo => format!("sudo -n -H -u {user} -- /bin/sh -c {inner}"),
        BecomeMethod::Su => format!("su {user} -s /bin/sh -c {inner}"),
        BecomeMethod::Doas => format!("doas -n -u {user} /bin/sh -c {inner}"),
    })
}

fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
