//! `ansible.builtin.raw`: a command line for a host on which nothing else works yet.

use schemars::JsonSchema;
use serde::Deserialize;

use super::execution::finished;
use crate::kit::{
    Applied, ArgumentError, Command, Effect, Failure, Host, Meta, Module, Outcome, Plan, Support,
};
use crate::value::Dict;

/// Run a command line without the worker
///
/// kplay gives the text to the login shell over SSH and reads what comes back, so that it works where the worker cannot start: on a
/// router, or to repair a full disk. Everywhere else take `command` or `shell`. In a batch on a worker that runs already, the worker
/// runs it in the same way.
///
/// ## Check mode
///
/// The task is skipped.
///
/// ## Returns
///
/// - `rc`: the exit status. Anything but 0 is a failure.
/// - `stdout`, `stderr`: what it wrote; `stdout_lines`, `stderr_lines`: the same by lines.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.raw: uptime
///   changed_when: false
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawArgs {
    /// The command line, as the text after the module's name.
    #[serde(rename = "_raw_params")]
    raw_params: String,
    /// The shell, by its full path.
    #[serde(default)]
    executable: Option<String>,
}

pub(super) struct Raw;

impl Module for Raw {
    type Args = RawArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.raw",
        aliases: &[],
        family: "commands",
        since: "0.1.0",
        effect: Effect::World,
        check: Support::Partial,
        diff: Support::None,
        free_form: Some("_raw_params"),
    };
    const ASYNCHRONOUS: bool = false;

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.raw_params.trim().is_empty() {
            return Err(ArgumentError::general("no command given"));
        }
        Ok(())
    }

    fn plan(_: &Self::Args, _: &dyn Host) -> Result<Plan<()>, Failure> {
        Ok(Plan::opaque(()))
    }

    fn apply(args: &Self::Args, (): (), host: &dyn Host) -> Result<Applied, Failure> {
        let shell = args.executable.as_deref().unwrap_or("/bin/sh");
        report(&Command::new([shell, "-c", &args.raw_params]), host)
    }
}

/// Runs a shell's command and reports it as it is, as `raw` and `script` do.
pub(super) fn report(command: &Command, host: &dyn Host) -> Result<Applied, Failure> {
    let output = host.run(command)?;
    let values = Dict::new()
        .with("rc", output.status)
        .with("stdout", output.stdout_text())
        .with("stderr", output.stderr_text());
    let values = finished(values);
    if output.success() {
        return Ok(Outcome::changed().with_all(values).into());
    }
    Err(Failure {
        values,
        ..Failure::new("non-zero return code")
    }
    .after_change())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{check, exited, failure, printed, run};
    use crate::value::Value;

    fn args(text: &str) -> Dict {
        Dict::new().with("_raw_params", text)
    }

    #[test]
    fn what_it_writes_comes_back_as_it_is() {
        let host = FakeHost::new().command(&["/bin/sh"], printed("a\n\n"));
        let outcome = run::<Raw>(&args("echo a | cat").into(), &host);
        assert_eq!(host.ran(), [["/bin/sh", "-c", "echo a | cat"]]);
        assert!(outcome.changed);
        assert_eq!(outcome.values.get("stdout"), Some(&Value::from("a\n\n")));
        assert_eq!(
            outcome.values.get("stdout_lines"),
            Some(&Value::from(vec!["a", ""]))
        );
    }

    #[test]
    fn failures_and_check_mode() {
        let host = FakeHost::new().command(&["/bin/ash"], exited(2, "", "no"));
        let outcome = run::<Raw>(&args("x").with("executable", "/bin/ash").into(), &host);
        assert!(outcome.failed && outcome.changed);
        assert_eq!(outcome.values.get("rc"), Some(&Value::from(2)));
        assert_eq!(
            outcome.values.get("msg"),
            Some(&Value::from("non-zero return code"))
        );
        assert!(check::<Raw>(&args("x").into(), &host).skipped);
        assert_eq!(failure::<Raw>(&args(" ").into(), &host), "no command given");
    }
}
