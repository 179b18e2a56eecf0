//! `ansible.builtin.shell`: runs a line of shell.

use schemars::JsonSchema;
use serde::Deserialize;

use super::execution::Execution;
use super::words::quote;
use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Module, Plan, Support,
};
use crate::value::Value;

/// Run a command line through a shell
///
/// `/bin/sh` reads the text, so pipes, redirections, `&&`, globs and several lines work. Quote what comes from a variable with the
/// filter `quote`. Where no shell is needed, `command` is safer.
///
/// ## Check mode
///
/// With `creates` or `removes` the task tells whether the command would run. Without them it is skipped.
///
/// ## Returns
///
/// - `cmd`: the text.
/// - `rc`: the exit status, negative for a signal. Anything but 0 is a failure.
/// - `stdout`, `stderr`: what it wrote; `stdout_lines`, `stderr_lines`: the same by lines.
/// - `start`, `end`, `delta`: when, and how long.
/// - `msg`: why it did not run, or why it failed.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.shell: set -o pipefail; journalctl -u sshd | tail -n 5
///   args:
///     executable: /bin/bash
///   changed_when: false
/// - ansible.builtin.shell:
///     cmd: tar -x < /tmp/app.tar
///     chdir: /srv/app
///     creates: /srv/app/bin
/// ```
///
/// ## Differs from Ansible
///
/// `msg` says "Did not run command" in check mode too.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShellArgs {
    /// The command line as the text after the module's name.
    #[serde(rename = "_raw_params", default)]
    raw_params: Option<String>,
    /// The command line.
    #[serde(default)]
    cmd: Option<String>,
    /// The command as a list of words; each is quoted for the shell.
    #[serde(default)]
    argv: Vec<String>,
    /// The directory to run it in.
    #[serde(default)]
    chdir: Option<HostPath>,
    /// A path or pattern; if something of that name exists, the command does not run.
    #[serde(default)]
    creates: Option<HostPath>,
    /// A path or pattern; if nothing of that name exists, the command does not run.
    #[serde(default)]
    removes: Option<HostPath>,
    /// The shell, by its full path, instead of `/bin/sh`.
    #[serde(default)]
    executable: Option<String>,
    /// What the shell reads from standard input.
    #[serde(default)]
    stdin: Option<String>,
    /// End that with a newline.
    #[serde(default = "enabled")]
    stdin_add_newline: bool,
    /// Drop empty lines from the end of `stdout` and `stderr`.
    #[serde(default = "enabled")]
    strip_empty_ends: bool,
}

fn enabled() -> bool {
    true
}

impl ShellArgs {
    fn execution(&self) -> Execution<'_> {
        let line = self.raw_params.as_ref().or(self.cmd.as_ref());
        let (line, shown) = if let Some(line) = line {
            (line.clone(), Value::from(line))
        } else {
            let quoted: Vec<String> = self.argv.iter().map(|word| quote(word)).collect();
            (quoted.join(" "), Value::from(self.argv.clone()))
        };
        let shell = self
            .executable
            .clone()
            .unwrap_or_else(|| "/bin/sh".to_owned());
        Execution {
            argv: vec![shell, "-c".to_owned(), line],
            shown,
            chdir: self.chdir.as_deref(),
            creates: self.creates.as_deref(),
            removes: self.removes.as_deref(),
            stdin: self.stdin.as_deref(),
            stdin_add_newline: self.stdin_add_newline,
            strip_empty_ends: self.strip_empty_ends,
        }
    }
}

pub(super) struct Shell;

impl Module for Shell {
    type Args = ShellArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.shell",
        aliases: &[],
        family: "commands",
        since: "0.1.0",
        effect: Effect::World,
        check: Support::Partial,
        diff: Support::None,
        free_form: Some("_raw_params"),
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        super::only_one(
            args.raw_params.is_some(),
            args.cmd.is_some(),
            !args.argv.is_empty(),
        )
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        args.execution().plan(host)
    }

    fn apply(args: &Self::Args, (): (), host: &dyn Host) -> Result<Applied, Failure> {
        Ok(args.execution().apply(host)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{check, exited, failure, printed, run};
    use crate::value::Dict;

    fn raw(text: &str) -> Dict {
        Dict::new().with("_raw_params", text)
    }

    #[test]
    fn the_text_goes_to_the_shell_as_it_is() {
        let host = FakeHost::new()
            .directory("/srv")
            .command(&["/bin/sh", "-c"], printed("1\n"));
        let outcome = run::<Shell>(
            &raw("echo $HOME | wc -l").with("chdir", "/srv").into(),
            &host,
        );
        let ran = host.commands();
        assert_eq!(ran[0].argv, ["/bin/sh", "-c", "echo $HOME | wc -l"]);
        assert_eq!(ran[0].directory.as_deref(), Some("/srv"));
        assert_eq!(
            outcome.values.get("cmd"),
            Some(&Value::from("echo $HOME | wc -l"))
        );
        assert_eq!(outcome.values.get("stdout"), Some(&Value::from("1")));
    }

    #[test]
    fn another_shell_can_be_named() {
        let host = FakeHost::new().command(&["/bin/bash"], exited(1, "", ""));
        let outcome = run::<Shell>(
            &Dict::new()
                .with("cmd", "false")
                .with("executable", "/bin/bash")
                .into(),
            &host,
        );
        assert!(outcome.failed && outcome.changed);
        assert_eq!(host.ran(), [["/bin/bash", "-c", "false"]]);
    }

    #[test]
    fn guards_and_check_mode_are_those_of_command() {
        let host = FakeHost::new().file("/done", "");
        assert!(!run::<Shell>(&raw("x").with("creates", "/done").into(), &host).changed);
        assert!(check::<Shell>(&raw("x").into(), &host).skipped);
        assert!(check::<Shell>(&raw("x").with("removes", "/done").into(), &host).changed);
    }

    #[test]
    fn expand_argument_vars_is_not_its_argument() {
        let message = failure::<Shell>(
            &raw("x").with("expand_argument_vars", false).into(),
            &FakeHost::new(),
        );
        assert!(message.contains("expand_argument_vars"), "{message}");
    }

    #[test]
    fn t12_words_of_a_list_are_quoted() {
        let host = FakeHost::new().command(&["/bin/sh", "-c"], printed(""));
        run::<Shell>(
            &Dict::new()
                .with("argv", vec!["echo", "; reboot", "$(id)"])
                .into(),
            &host,
        );
        assert_eq!(host.ran()[0][2], "echo '; reboot' '$(id)'");
    }
}
