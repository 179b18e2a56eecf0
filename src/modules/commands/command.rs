//! `ansible.builtin.command`: runs a program without a shell.

use schemars::JsonSchema;
use serde::Deserialize;

use super::execution::Execution;
use super::words;
use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Module, Plan, Support,
};
use crate::value::Value;

/// Run a program without a shell
///
/// The words go to the program as they are: no pipes, redirections, `&&` or globs. `shell` has those. Each run counts as a change
/// unless `changed_when` says otherwise; `creates` and `removes` say when it need not run at all.
///
/// ## Check mode
///
/// With `creates` or `removes` the task tells whether the command would run. Without them it is skipped, as nobody knows what the
/// command does.
///
/// ## Returns
///
/// - `cmd`: the words.
/// - `rc`: the exit status, negative for a signal. Anything but 0 is a failure.
/// - `stdout`, `stderr`: what it wrote; `stdout_lines`, `stderr_lines`: the same by lines.
/// - `start`, `end`, `delta`: when, and how long.
/// - `msg`: why it did not run, or why it failed.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.command: sshd -t
///   changed_when: false
/// - ansible.builtin.command:
///     argv: [kubeadm, init, --config, /etc/kubernetes/init.yaml]
///     creates: /etc/kubernetes/admin.conf
/// - ansible.builtin.command:
///     cmd: passwd --stdin app
///     stdin: "{{ app_password }}"
/// ```
///
/// ## Differs from Ansible
///
/// `msg` says "Did not run command" in check mode too.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CommandArgs {
    /// The command as the text after the module's name; quoted as for a shell.
    #[serde(rename = "_raw_params", default)]
    raw_params: Option<String>,
    /// The command as one text; quoted as for a shell.
    #[serde(default)]
    cmd: Option<String>,
    /// The command as a list of words, which need no quotes.
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
    /// Has no effect here, as there is no shell; kept because playbooks have it.
    #[serde(default)]
    executable: Option<String>,
    /// Expand `~` and `$VARIABLES` in the words.
    #[serde(default = "enabled")]
    expand_argument_vars: bool,
    /// What the program reads from standard input.
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

impl CommandArgs {
    fn execution(&self, host: &dyn Host) -> Result<Execution<'_>, Failure> {
        let line = self.raw_params.as_deref().or(self.cmd.as_deref());
        let words = match line {
            Some(line) => words::split(line).map_err(|error| {
                Failure::new(format!("cannot split `{line}` into words: {error}"))
            })?,
            None => self.argv.clone(),
        };
        if words.is_empty() {
            return Err(Failure::new("no command given").with("rc", 256));
        }
        let shown = Value::from(words.clone());
        Ok(Execution {
            argv: if self.expand_argument_vars {
                words::expand(words, host)
            } else {
                words
            },
            shown,
            chdir: self.chdir.as_deref(),
            creates: self.creates.as_deref(),
            removes: self.removes.as_deref(),
            stdin: self.stdin.as_deref(),
            stdin_add_newline: self.stdin_add_newline,
            strip_empty_ends: self.strip_empty_ends,
        })
    }
}

pub(super) struct Command;

impl Module for Command {
    type Args = CommandArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.command",
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
        let plan = args.execution(host)?.plan(host)?;
        Ok(match &args.executable {
            Some(name) => plan.warn(format!(
                "`executable` is no longer supported with command; `{name}` is not used"
            )),
            None => plan,
        })
    }

    fn apply(args: &Self::Args, (): (), host: &dyn Host) -> Result<Applied, Failure> {
        Ok(args.execution(host)?.apply(host)?.into())
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
    fn runs_words_and_reports_them() {
        let host = FakeHost::new()
            .command(&["echo"], printed("a\nb\n\n"))
            .variable("WHO", "me");
        let outcome = run::<Command>(&raw("echo 'x y' $WHO ~/z").into(), &host);
        assert_eq!(host.ran(), [["echo", "x y", "me", "/root/z"]]);
        assert!(outcome.changed && !outcome.failed);
        assert_eq!(
            outcome.values.get("cmd"),
            Some(&Value::from(vec!["echo", "x y", "$WHO", "~/z"]))
        );
        assert_eq!(outcome.values.get("stdout"), Some(&Value::from("a\nb")));
        assert_eq!(
            outcome.values.get("stdout_lines"),
            Some(&Value::from(vec!["a", "b"]))
        );
        assert_eq!(outcome.values.get("rc"), Some(&Value::from(0)));
        assert_eq!(
            outcome.values.get("start"),
            Some(&Value::from("2023-11-14 22:13:20"))
        );
        assert_eq!(outcome.values.get("delta"), Some(&Value::from("0:00:00")));
    }

    #[test]
    fn a_failing_command_is_a_change_that_failed() {
        let host = FakeHost::new().command(&["false"], exited(3, "out", "err\n"));
        let outcome = run::<Command>(&raw("false").into(), &host);
        assert!(outcome.failed && outcome.changed);
        assert_eq!(
            outcome.values.get("msg"),
            Some(&Value::from("non-zero return code"))
        );
        assert_eq!(outcome.values.get("rc"), Some(&Value::from(3)));
        assert_eq!(outcome.values.get("stderr"), Some(&Value::from("err")));
    }

    #[test]
    fn creates_and_removes_guard_it() {
        let host = FakeHost::new()
            .file("/srv/done.txt", "")
            .command(&["make"], printed(""));
        let outcome = run::<Command>(&raw("make").with("creates", "/srv/*.txt").into(), &host);
        assert!(!outcome.changed && !outcome.skipped && host.ran().is_empty());
        assert_eq!(
            outcome.values.get("stdout"),
            Some(&Value::from("skipped, since /srv/*.txt exists"))
        );
        assert_eq!(outcome.values.get("rc"), Some(&Value::from(0)));
        let relative = raw("make")
            .with("creates", "done.txt")
            .with("chdir", "/srv");
        assert!(!run::<Command>(&relative.into(), &host).changed);
        let outcome = run::<Command>(&raw("make").with("removes", "/srv/none").into(), &host);
        assert_eq!(
            outcome.values.get("msg"),
            Some(&Value::from(
                "Did not run command since '/srv/none' does not exist"
            ))
        );
        assert!(
            run::<Command>(&raw("make").with("removes", "/srv/done.txt").into(), &host).changed
        );
    }

    #[test]
    fn check_mode_knows_only_what_is_guarded() {
        let host = FakeHost::new();
        let outcome = check::<Command>(&raw("make").into(), &host);
        assert!(outcome.skipped && !outcome.changed);
        let outcome = check::<Command>(&raw("make").with("creates", "/no").into(), &host);
        assert!(!outcome.skipped && outcome.changed);
        assert_eq!(
            outcome.values.get("msg"),
            Some(&Value::from("Command would have run if not in check mode"))
        );
    }

    #[test]
    fn what_it_reads_ends_with_a_newline_unless_told() {
        let host = FakeHost::new().command(&["cat"], printed(" x\n"));
        let outcome = run::<Command>(
            &raw("cat")
                .with("stdin", "a")
                .with("strip_empty_ends", false)
                .into(),
            &host,
        );
        assert_eq!(outcome.values.get("stdout"), Some(&Value::from(" x\n")));
        run::<Command>(
            &raw("cat")
                .with("stdin", "a")
                .with("stdin_add_newline", "no")
                .into(),
            &host,
        );
        let read: Vec<_> = host
            .commands()
            .into_iter()
            .map(|command| command.stdin.unwrap())
            .collect();
        assert_eq!(read, [b"a\n".to_vec(), b"a".to_vec()]);
    }

    #[test]
    fn mistakes_are_explained() {
        let host = FakeHost::new();
        let outcome = run::<Command>(&raw("nosuch x").into(), &host);
        assert_eq!(outcome.values.get("rc"), Some(&Value::from(2)));
        assert!(
            outcome
                .values
                .get("msg")
                .unwrap()
                .to_text()
                .contains("No such file or directory: 'nosuch'")
        );
        assert!(
            failure::<Command>(&raw("x").with("chdir", "/none").into(), &host)
                .starts_with("Unable to change directory")
        );
        assert!(failure::<Command>(&raw("x 'y").into(), &host).contains("no closing quotation"));
        assert!(failure::<Command>(&Dict::new().into(), &host).contains("is required"));
        assert!(
            failure::<Command>(&raw("x").with("cmd", "y").into(), &host)
                .contains("mutually exclusive")
        );
    }

    #[test]
    fn t12_nothing_passes_through_a_shell() {
        let host = FakeHost::new().command(&["echo"], printed(""));
        run::<Command>(
            &Dict::new()
                .with("argv", vec!["echo", "; reboot", "`id`", "$(id)", "-n\nx"])
                .into(),
            &host,
        );
        assert_eq!(host.ran(), [["echo", "; reboot", "`id`", "$(id)", "-n\nx"]]);
    }
}
