//! Running one command and reporting it: what `command` and `shell` share.

use jiff::{SignedDuration, Timestamp, tz::Offset};

use super::glob;
use super::words::{lines, quote};
use crate::kit::{Command, Failure, Host, HostError, Outcome, Plan};
use crate::value::{Dict, Moment, Value};

/// A command with its conditions, as a task gives it.
pub(super) struct Execution<'a> {
    /// What runs.
    pub(super) argv: Vec<String>,
    /// What the result shows as `cmd`.
    pub(super) shown: Value,
    pub(super) chdir: Option<&'a str>,
    pub(super) creates: Option<&'a str>,
    pub(super) removes: Option<&'a str>,
    pub(super) stdin: Option<&'a str>,
    pub(super) stdin_add_newline: bool,
    pub(super) strip_empty_ends: bool,
}

impl Execution<'_> {
    /// The return values that always exist.
    fn values(&self) -> Dict {
        Dict::new()
            .with("stdout", "")
            .with("stderr", "")
            .with("rc", Value::NULL)
            .with("cmd", self.shown.clone())
            .with("start", Value::NULL)
            .with("end", Value::NULL)
            .with("delta", Value::NULL)
            .with("msg", "")
    }

    /// Decides whether it is to run.
    pub(super) fn plan(&self, host: &dyn Host) -> Result<Plan<()>, Failure> {
        if let Some(folder) = self.chdir
            && !host
                .status(folder, true)?
                .is_some_and(|status| status.is_directory())
        {
            let failure = Failure::new(format!(
                "Unable to change directory before execution: `{folder}` is no directory"
            ));
            return Err(self.failed(failure));
        }
        if let Some(pattern) = self.creates
            && glob::exists(&self.below(pattern), host)?
        {
            return Ok(self.not_run(pattern, "exists"));
        }
        if let Some(pattern) = self.removes
            && !glob::exists(&self.below(pattern), host)?
        {
            return Ok(self.not_run(pattern, "does not exist"));
        }
        let guarded = self.creates.is_some() || self.removes.is_some();
        let plan = if guarded {
            Plan::change(())
        } else {
            Plan::opaque(())
        };
        let message = "Command would have run if not in check mode";
        Ok(plan.with_all(finished(self.values().with("rc", 0).with("msg", message))))
    }

    fn not_run(&self, pattern: &str, state: &str) -> Plan<()> {
        let why = format!("`{pattern}` {state}");
        let values = self
            .values()
            .with(
                "msg",
                format!("Did not run command since '{pattern}' {state}"),
            )
            .with("stdout", format!("skipped, since {pattern} {state}"))
            .with("rc", 0);
        Plan::unchanged(why)
            .with_all(finished(values))
            .with_in_check(
                "msg",
                format!("Would not run command since '{pattern}' {state}"),
            )
    }

    /// A relative path counts from the directory in which the command runs.
    fn below(&self, path: &str) -> String {
        match self.chdir {
            Some(folder) if !path.starts_with('/') => {
                format!("{}/{path}", folder.trim_end_matches('/'))
            }
            _ => path.to_owned(),
        }
    }

    fn failed(&self, failure: Failure) -> Failure {
        let message = failure.message.clone();
        let mut values = self.values();
        values.extend(failure.values.clone());
        values.insert("msg", message);
        if failure.values.contains("rc") {
            // It was never started.
            for name in ["start", "end", "delta"] {
                values.remove(name);
            }
        }
        Failure {
            values: finished(values),
            ..failure
        }
    }

    /// Runs it.
    pub(super) fn apply(&self, host: &dyn Host) -> Result<Outcome, Failure> {
        let stdin = self.stdin.filter(|text| !text.is_empty()).map(|text| {
            let end = if self.stdin_add_newline { "\n" } else { "" };
            format!("{text}{end}").into_bytes()
        });
        let directory = self.chdir.map(str::to_owned);
        let command = Command {
            argv: self.argv.clone(),
            stdin,
            directory,
            ..Command::default()
        };
        let start = host.now();
        let output = host
            .run(&command)
            .map_err(|error| self.failed(not_started(error, &self.argv)))?;
        let end = host.now();
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            if self.strip_empty_ends {
                text.trim_end_matches(['\r', '\n']).to_owned()
            } else {
                text.into_owned()
            }
        };
        let values = self
            .values()
            .with("stdout", text(&output.stdout))
            .with("stderr", text(&output.stderr))
            .with("rc", output.status)
            .with(
                "start",
                moment(start, host).map(|moment| moment.to_string()),
            )
            .with("end", moment(end, host).map(|moment| moment.to_string()))
            .with("delta", elapsed(start, end));
        if output.success() {
            return Ok(Outcome::changed().with_all(finished(values)));
        }
        let values = finished(values.with("msg", "non-zero return code"));
        Err(Failure {
            values,
            ..Failure::new("non-zero return code")
        }
        .after_change())
    }
}

/// Adds the lines of both outputs.
pub(super) fn finished(values: Dict) -> Dict {
    let of = |name| {
        values
            .get(name)
            .and_then(Value::as_str)
            .map_or_else(|| Value::list([]), lines)
    };
    let (stdout, stderr) = (of("stdout"), of("stderr"));
    values
        .with("stdout_lines", stdout)
        .with("stderr_lines", stderr)
}

/// Why a program could not be started, with the system's number as `rc`, as Ansible has it.
fn not_started(error: HostError, argv: &[String]) -> Failure {
    let (errno, cause) = match &error {
        HostError::NoProgram { .. } => (2, "No such file or directory".to_owned()),
        HostError::System { errno, cause, .. } => (*errno, cause.clone()),
        HostError::Deadline(_) | HostError::Cancelled | HostError::Other(_) => return error.into(),
    };
    let program = argv.first().map_or("", String::as_str);
    let shown = argv
        .iter()
        .map(|word| quote(word))
        .collect::<Vec<_>>()
        .join(" ");
    Failure::new(format!(
        "Error executing command: [Errno {errno}] {cause}: '{program}'"
    ))
    .with("rc", errno)
    .with("cmd", shown)
}

/// A point in time in the host's zone, as Python's `datetime` without zone, in microseconds.
fn moment((seconds, nanoseconds): (i64, u32), host: &dyn Host) -> Option<Moment> {
    let nanoseconds = i32::try_from(nanoseconds / 1000 * 1000).ok()?;
    let time = Timestamp::new(seconds, nanoseconds).ok()?;
    let offset = Offset::from_seconds(host.utc_offset(seconds)).ok()?;
    Some(Moment::DateTime(offset.to_datetime(time), None))
}

fn elapsed(start: (i64, u32), end: (i64, u32)) -> String {
    let micros = |(seconds, nanoseconds): (i64, u32)| {
        i128::from(seconds) * 1_000_000 + i128::from(nanoseconds / 1000)
    };
    let length = i64::try_from(micros(end) - micros(start))
        .unwrap_or(0)
        .max(0);
    Moment::Delta(SignedDuration::from_micros(length)).to_string()
}
