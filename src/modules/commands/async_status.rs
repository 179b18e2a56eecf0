//! `ansible.builtin.async_status`: tells how a job (`async`) fares. `step` runs it too, for a task that waits for its own job.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::job::{self, ASYNC_DIRECTORY, ASYNC_STATUS, USUAL_ASYNC_DIRECTORY};
use crate::kit::{
    Applied, Effect, Failure, Host, Meta, Module, Outcome, Plan, Support, expand_path,
};
use crate::value::{Dict, Value};

/// Tell how an asynchronous job fares
///
/// A task with `async` and `poll: 0` leaves a job behind, which goes on when the run is over. Its result lies on the host, in
/// `~/.ansible_async` or where `ansible_async_dir` says, until it is cleaned up. It is asked for as the user whose job it is.
///
/// ## Check mode
///
/// The same: asking changes nothing, and cleaning up removes what kplay itself has left.
///
/// ## Returns
///
/// - `started`, `finished`: the state of the job; with `mode: cleanup` both are false.
/// - `ansible_job_id`: the job.
/// - `results_file`: where its result lies.
/// - `erased`: the file that was removed.
/// - Everything that the job's module returns, once it has ended; `stdout` and `stderr` are always there.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.async_status:
///     jid: "{{ upgrade.ansible_job_id }}"
///   register: job
///   until: job is finished
///   retries: 100
///   delay: 10
///
/// - ansible.builtin.async_status:
///     jid: "{{ upgrade.ansible_job_id }}"
///     mode: cleanup
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AsyncStatusArgs {
    /// The job, as `ansible_job_id` of the task that began it has it.
    jid: String,
    /// What is wanted.
    #[serde(default)]
    mode: Mode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    /// How the job fares.
    #[default]
    Status,
    /// Forget the job's result. A job that still runs is not ended.
    Cleanup,
}

/// What is to be told or done.
pub(super) enum Change {
    /// The job has ended so.
    Tell(Box<Outcome>),
    /// Its file goes.
    Erase(String),
}

pub(super) struct AsyncStatus;

impl Module for AsyncStatus {
    type Args = AsyncStatusArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: ASYNC_STATUS,
        aliases: &[],
        family: "commands",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };
    const ASYNCHRONOUS: bool = false;
    const ACTS_IN_CHECK: bool = true;

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let directory = host
            .environment(ASYNC_DIRECTORY)
            .unwrap_or_else(|| USUAL_ASYNC_DIRECTORY.to_owned());
        let directory = expand_path(&directory, host);
        let file = format!("{}/{}", directory.trim_end_matches('/'), args.jid);
        let values = base(args, &file);
        // A job is a file of the directory and none elsewhere.
        let known =
            !args.jid.contains('/') && host.status(&file, true)?.is_some_and(|of| of.is_file());
        if !known {
            let values = values.with("started", true).with("finished", true);
            return Err(Failure {
                values,
                ..Failure::new("could not find job")
            });
        }
        if args.mode == Mode::Cleanup {
            return Ok(Plan::change(Change::Erase(file))
                .with_all(values)
                .uncounted());
        }
        let Some(said) = job::read(&host.read(&file)?).filter(|said| !said.contains("started"))
        else {
            return Ok(Plan::unchanged("the job runs").with_all(values));
        };
        let mut outcome = job::outcome(said);
        outcome.values.insert("finished", true);
        outcome.values.insert("ansible_job_id", args.jid.as_str());
        Ok(Plan::change(Change::Tell(Box::new(outcome))).with_all(values))
    }

    fn apply(_: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        match change {
            Change::Tell(outcome) => Ok((*outcome).into()),
            Change::Erase(file) => {
                host.remove(&file)?;
                Ok(Outcome::unchanged().into())
            }
        }
    }
}

/// What is known before the job's file was looked at.
fn base(args: &AsyncStatusArgs, file: &str) -> Dict {
    let status = args.mode == Mode::Status;
    let place = if status { "results_file" } else { "erased" };
    Dict::new()
        .with("started", status)
        .with("finished", false)
        .with("stdout", "")
        .with("stdout_lines", Value::list([]))
        .with("stderr", "")
        .with("stderr_lines", Value::list([]))
        .with("ansible_job_id", args.jid.as_str())
        .with(place, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_unchanged, check, failure, run};

    const FILE: &str = "/root/.ansible_async/j1.2";

    fn asked(mode: &str) -> Value {
        Dict::new().with("jid", "j1.2").with("mode", mode).into()
    }

    fn flag(outcome: &Outcome, name: &str) -> bool {
        outcome.values.get(name).is_some_and(Value::is_true)
    }

    #[test]
    fn a_job_that_runs_is_not_finished() {
        for content in [job::begun("j1.2"), String::new(), "{\"chan".to_owned()] {
            let host = FakeHost::new().file(FILE, content);
            let outcome = assert_unchanged::<AsyncStatus>(&asked("status"), &host);
            assert!(flag(&outcome, "started") && !flag(&outcome, "finished"));
            assert_eq!(outcome.values.get("results_file"), Some(&Value::from(FILE)));
        }
    }

    #[test]
    fn the_end_of_a_job_is_its_own() {
        let ended = Outcome::changed().with("stdout", "hello").with("rc", 0);
        let host = FakeHost::new().file(FILE, job::ended(&ended));
        let outcome = run::<AsyncStatus>(&asked("status"), &host);
        assert!(outcome.changed && flag(&outcome, "finished") && flag(&outcome, "started"));
        assert_eq!(outcome.values.get("stdout"), Some(&Value::from("hello")));
        assert!(check::<AsyncStatus>(&asked("status"), &host).changed);
        let failed: Outcome = Failure::new("no").into();
        let host = FakeHost::new().file(FILE, job::ended(&failed));
        assert_eq!(failure::<AsyncStatus>(&asked("status"), &host), "no");
    }

    #[test]
    fn cleaning_up_forgets_it_in_check_mode_too() {
        let host = FakeHost::new().file(FILE, job::begun("j1.2"));
        let outcome = run::<AsyncStatus>(&asked("cleanup"), &host);
        assert!(!outcome.changed && !flag(&outcome, "started"));
        assert_eq!(outcome.values.get("erased"), Some(&Value::from(FILE)));
        assert!(!host.exists(FILE));
        for mode in ["status", "cleanup"] {
            assert_eq!(
                failure::<AsyncStatus>(&asked(mode), &host),
                "could not find job"
            );
        }
    }

    #[test]
    fn the_directory_is_that_of_the_step_and_the_job_lies_in_it() {
        let host = FakeHost::new()
            .variable(ASYNC_DIRECTORY, "~/jobs/")
            .file("/root/jobs/j1.2", job::begun("j1.2"))
            .file("/root/other", "{}");
        assert_unchanged::<AsyncStatus>(&asked("status"), &host);
        let outside = Dict::new().with("jid", "../other").with("mode", "cleanup");
        assert_eq!(
            failure::<AsyncStatus>(&outside.into(), &host),
            "could not find job"
        );
        assert!(host.exists("/root/other"));
    }
}
