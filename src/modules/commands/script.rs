//! `ansible.builtin.script`: runs a script of the controller on the host.

use schemars::JsonSchema;
use serde::Deserialize;

use super::raw::report;
use super::words::{self, quote};
use crate::kit::{
    Applied, ArgumentError, Attributes, Command, Content, Effect, Failure, Host, Meta, Module,
    Need, NeedKind, Plan, Supplied, SuppliedContent, Support, Write,
};
use crate::template::FileKind;

/// Run a script of the controller on the host
///
/// The script is looked for in the role's or playbook's `files/`, copied into a private temporary directory, run and removed. The
/// words after its name go to it as a shell reads them.
///
/// ## Check mode
///
/// With `creates` or `removes` the task tells whether the script would run. Without them it is skipped.
///
/// ## Returns
///
/// - `rc`: the exit status. Anything but 0 is a failure.
/// - `stdout`, `stderr`: what it wrote; `stdout_lines`, `stderr_lines`: the same by lines.
/// - `msg`: why it was skipped, or failed.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.script: install.sh --quiet
///   args:
///     creates: /usr/local/bin/app
/// - ansible.builtin.script:
///     cmd: report.py "{{ inventory_hostname }}"
///     executable: python3
/// ```
///
/// ## Differs from Ansible
///
/// Standard output and standard error stay apart on every connection.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScriptArgs {
    /// The script and its words, as the text after the module's name.
    #[serde(rename = "_raw_params", default)]
    raw_params: Option<String>,
    /// The script and its words.
    #[serde(default)]
    cmd: Option<String>,
    /// A path on the host; if it exists, the script does not run.
    #[serde(default)]
    creates: Option<String>,
    /// A path on the host; if it does not exist, the script does not run.
    #[serde(default)]
    removes: Option<String>,
    /// The directory on the host to run it in, by its full path.
    #[serde(default)]
    chdir: Option<String>,
    /// The program that runs the script, with its options.
    #[serde(default)]
    executable: Option<String>,
    /// Decrypt a script that is an Ansible vault.
    #[serde(default = "enabled")]
    decrypt: bool,
}

fn enabled() -> bool {
    true
}

/// The script's name, and the text after it as it was written.
struct Line<'a> {
    name: String,
    rest: &'a str,
}

impl ScriptArgs {
    fn line(&self) -> Result<Line<'_>, String> {
        let text = self
            .raw_params
            .as_deref()
            .or(self.cmd.as_deref())
            .unwrap_or_default()
            .trim();
        let first = words::split_with_ends(text)?
            .into_iter()
            .next()
            .ok_or("no script given")?;
        Ok(Line {
            rest: text.get(first.end..).unwrap_or_default().trim(),
            name: first.text,
        })
    }
}

pub(super) struct Script;

impl Module for Script {
    type Args = ScriptArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.script",
        aliases: &[],
        family: "commands",
        since: "0.1.0",
        effect: Effect::World,
        check: Support::Partial,
        diff: Support::None,
        free_form: Some("_raw_params"),
    };
    const ASYNCHRONOUS: bool = false;

    const SKIPPED_IN_CHECK: Option<&'static str> =
        Some("Check mode is not supported for this task.");

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        match (&args.raw_params, &args.cmd) {
            (None, None) => {
                return Err(ArgumentError::general(
                    "one of the following is required: _raw_params, cmd",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(ArgumentError::general(
                    "parameters are mutually exclusive: _raw_params|cmd",
                ));
            }
            _ => {}
        }
        if let Some(folder) = args
            .chdir
            .as_deref()
            .filter(|folder| !folder.starts_with('/'))
        {
            let message =
                format!("chdir {folder} must be an absolute path for a Unix-aware remote node");
            return Err(ArgumentError::new("chdir", message));
        }
        args.line().map(drop).map_err(ArgumentError::general)
    }

    fn prepare(args: &Self::Args) -> Vec<Need> {
        let need = |line: Line<'_>| Need {
            place: FileKind::File,
            name: line.name,
            kind: NeedKind::Content,
            decrypt: args.decrypt,
        };
        args.line().map(need).into_iter().collect()
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        if let Some(path) = &args.creates
            && host.status(path, true)?.is_some()
        {
            return Ok(Plan::skipped(format!(
                "{path} exists, matching creates option"
            )));
        }
        if let Some(path) = &args.removes
            && host.status(path, true)?.is_none()
        {
            return Ok(Plan::skipped(format!(
                "{path} does not exist, matching removes option"
            )));
        }
        if args.creates.is_some() || args.removes.is_some() {
            return Ok(Plan::change(()));
        }
        Ok(Plan::opaque(()))
    }

    fn apply(args: &Self::Args, (): (), host: &dyn Host) -> Result<Applied, Failure> {
        let line = args.line().map_err(Failure::new)?;
        let script = host.supplied().first();
        let script = script.ok_or_else(|| {
            Failure::new(format!("the controller has supplied no `{}`", line.name))
        })?;
        let folder = host.temporary_directory(None, "kplay-", "")?;
        let done = run(args, &line, script, &folder, host);
        let removed = host.remove_tree(&folder);
        let applied = done?;
        removed.map_err(|error| Failure::from(error).after_change())?;
        Ok(applied)
    }
}

fn run(
    args: &ScriptArgs,
    line: &Line<'_>,
    script: &Supplied,
    folder: &str,
    host: &dyn Host,
) -> Result<Applied, Failure> {
    let name = script.path.rsplit('/').next().unwrap_or("script");
    let path = format!("{folder}/{name}");
    let mut stream;
    let content = match &script.content {
        SuppliedContent::Here(bytes) => Content::Bytes(bytes),
        SuppliedContent::Remote(number) => {
            stream = host.open_supplied(*number)?;
            Content::Stream(&mut stream)
        }
        SuppliedContent::Tree(_) => {
            return Err(Failure::new(format!(
                "`{}` is a directory, not a script",
                line.name
            )));
        }
    };
    let staged = host.stage(&path, content)?;
    let attributes = Attributes {
        mode: Some(0o700),
        ..Attributes::default()
    };
    host.commit(
        staged,
        &path,
        Write {
            attributes,
            unsafe_writes: false,
        },
    )?;
    let words = [
        args.executable.as_deref().unwrap_or_default(),
        &quote(&path),
        line.rest,
    ];
    let text = words
        .iter()
        .filter(|word| !word.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(" ");
    let command = Command {
        directory: args.chdir.clone(),
        ..Command::new(["/bin/sh", "-c", &text])
    };
    report(&command, host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{check, exited, failure, needs, printed, run};
    use crate::value::{Dict, Value};

    fn args(text: &str) -> Dict {
        Dict::new().with("_raw_params", text)
    }

    fn host() -> FakeHost {
        FakeHost::new()
            .supply("/play/files/my script.sh", 0o644, "#!/bin/sh\n")
            .command(&["/bin/sh"], printed("ok\n"))
    }

    #[test]
    fn the_script_runs_from_a_private_directory_and_is_removed() {
        let host = host();
        let outcome = run::<Script>(
            &args("'my script.sh' a 'b c' $HOME")
                .with("chdir", "/srv")
                .into(),
            &host,
        );
        let command = &host.commands()[0];
        let path = "/tmp/kplay-00000001/my script.sh";
        assert_eq!(command.argv[2], format!("'{path}' a 'b c' $HOME"));
        assert_eq!(command.directory.as_deref(), Some("/srv"));
        let made = "make the directory /tmp/kplay-00000001 0700";
        assert_eq!(
            host.operations()[..3],
            [
                made.to_owned(),
                format!("stage {path} 0600"),
                format!("commit {path} 0700")
            ]
        );
        assert!(!host.names().iter().any(|name| name.contains("kplay-")));
        assert_eq!(outcome.values.get("stdout"), Some(&Value::from("ok\n")));
        assert!(outcome.changed);
    }

    #[test]
    fn an_executable_runs_it() {
        let host = host();
        run::<Script>(
            &Dict::new()
                .with("cmd", "x")
                .with("executable", "python3 -u")
                .into(),
            &host,
        );
        assert!(host.ran()[0][2].starts_with("python3 -u '/tmp/"));
    }

    #[test]
    fn a_failing_script_is_removed_too() {
        let host = FakeHost::new()
            .supply("/x.sh", 0o644, "")
            .command(&["/bin/sh"], exited(4, "", "bad"));
        let outcome = run::<Script>(&args("x.sh").into(), &host);
        assert!(outcome.failed && outcome.changed);
        assert_eq!(outcome.values.get("rc"), Some(&Value::from(4)));
        assert!(!host.names().iter().any(|name| name.contains("kplay-")));
    }

    #[test]
    fn guards_skip_it() {
        let host = host().file("/done", "");
        let outcome = run::<Script>(&args("x").with("creates", "/done").into(), &host);
        assert!(outcome.skipped && !outcome.changed);
        assert_eq!(
            outcome.values.get("msg"),
            Some(&Value::from("/done exists, matching creates option"))
        );
        let outcome = run::<Script>(&args("x").with("removes", "/none").into(), &host);
        assert_eq!(
            outcome.values.get("msg"),
            Some(&Value::from(
                "/none does not exist, matching removes option"
            ))
        );
        assert!(host.ran().is_empty());
        assert!(check::<Script>(&args("x").with("creates", "/none").into(), &host).changed);
        assert!(check::<Script>(&args("x").into(), &host).skipped);
    }

    #[test]
    fn needs_name_the_first_word() {
        let needs = needs::<Script>(
            &args("'my script.sh' 'a")
                .with("_raw_params", "'my script.sh' a")
                .into(),
        );
        assert_eq!(
            (needs[0].name.as_str(), &needs[0].kind, needs[0].decrypt),
            ("my script.sh", &NeedKind::Content, true)
        );
    }

    #[test]
    fn mistakes_are_explained() {
        let host = host();
        assert!(failure::<Script>(&Dict::new().into(), &host).contains("is required"));
        assert!(
            failure::<Script>(&args("a").with("cmd", "b").into(), &host)
                .contains("mutually exclusive")
        );
        assert!(
            failure::<Script>(&args("a").with("chdir", "srv").into(), &host)
                .contains("must be an absolute path")
        );
        assert!(failure::<Script>(&args("a 'b").into(), &host).contains("no closing quotation"));
        assert!(failure::<Script>(&args(" ").into(), &host).contains("no script given"));
    }

    #[test]
    fn t12_the_scripts_own_name_is_quoted() {
        let host = FakeHost::new()
            .supply("/files/a;id $(x).sh", 0o644, "")
            .command(&["/bin/sh"], printed(""));
        run::<Script>(&args("x").into(), &host);
        assert!(host.ran()[0][2].ends_with("/a;id $(x).sh'"));
    }
}
