//! Running apt and dpkg: the command lines, how they read in messages, and what guards a run.

use super::AptArgs;
use crate::kit::{Attributes, Command, Content, Diff, Failure, Host, Output, Write};
use crate::value::Dict;

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// A command line of `apt-get` (or `aptitude`, or `dpkg`), with and without simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::modules) struct AptCommand {
    /// The program and what stands before the word of the action.
    before: Vec<String>,
    /// The option that only simulates.
    simulate: &'static str,
    /// The action, its options and operands.
    after: Vec<String>,
    /// How a failure's message names it.
    pub(super) shown: String,
}

impl AptCommand {
    pub(super) fn new(
        before: Vec<String>,
        simulate: &'static str,
        after: Vec<String>,
        shown: String,
    ) -> Self {
        Self {
            before,
            simulate,
            after,
            shown,
        }
    }

    /// Runs it for real, with services held back as `policy_rc_d` says.
    pub(super) fn run(&self, args: &AptArgs, host: &dyn Host) -> Result<Output, Failure> {
        let guard = Guard::set(args.policy_rc_d, host)?;
        let output = self.execute(None, host);
        guard.restore(host)?;
        output
    }

    /// Shows what it would do.
    pub(super) fn simulate(&self, host: &dyn Host) -> Result<Output, Failure> {
        self.execute(Some(self.simulate), host)
    }

    fn execute(&self, option: Option<&str>, host: &dyn Host) -> Result<Output, Failure> {
        let words = self
            .before
            .iter()
            .map(String::as_str)
            .chain(option)
            .chain(self.after.iter().map(String::as_str));
        Ok(host.run(&environment(Command::new(words)))?)
    }

    /// Returns the failure of a run of it.
    pub(super) fn failure(&self, output: &Output) -> Failure {
        let error = output.stderr_text();
        Failure::new(format!("'{}' failed: {error}", self.shown))
            .with("stdout", output.stdout_text())
            .with("stderr", error)
            .with("rc", output.status)
    }
}

/// No questions, and words that can be read.
pub(super) fn environment(command: Command) -> Command {
    let mut command = command.in_c_locale();
    for (name, value) in [
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBIAN_PRIORITY", "critical"),
    ] {
        command
            .environment
            .push((name.to_owned(), value.to_owned()));
    }
    command
}

/// Where the program lies, as messages show it.
pub(super) fn program(name: &str, host: &dyn Host) -> Result<String, Failure> {
    host.find_program(name)
        .ok_or_else(|| Failure::new(format!("`{name}` is not installed on this host")))
}

/// The options of dpkg that every run of apt passes on, and the time to wait for its lock: as words, and as Ansible shows them.
pub(super) fn dpkg_options(args: &AptArgs) -> (Vec<String>, String) {
    let mut words = Vec::new();
    let mut shown = Vec::new();
    for option in args
        .dpkg_options
        .split(',')
        .map(str::trim)
        .filter(|option| !option.is_empty())
    {
        words.extend(["-o".to_owned(), format!("Dpkg::Options::=--{option}")]);
        shown.push(format!("-o \"Dpkg::Options::=--{option}\""));
    }
    let lock = format!("DPkg::Lock::Timeout={}", args.lock_timeout);
    shown.push(format!("-o {lock}"));
    words.extend(["-o".to_owned(), lock]);
    (words, shown.join(" "))
}

/// Returns the values that a run of apt gives.
pub(super) fn values(output: &Output) -> Dict {
    Dict::new()
        .with("stdout", output.stdout_text())
        .with("stderr", output.stderr_text())
}

/// Returns what apt says it does, as `--diff` shows it: from what it has read to the line that counts.
pub(super) fn diff(output: &Output) -> Diff {
    let text = output.stdout_text();
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim_end_matches('\r'))
        .collect();
    let start = ["Resolving dependencies...", "Reading state information..."]
        .iter()
        .find_map(|marker| lines.iter().position(|line| line == marker))
        .map_or(0, |at| at + 1);
    let counts = |line: &&str| {
        let rest = line.trim_start_matches(|first: char| first.is_ascii_digit());
        rest.len() < line.len()
            && (rest.starts_with(" upgraded") || rest.starts_with(" packages upgraded"))
    };
    let end = lines
        .iter()
        .position(counts)
        .map_or(lines.len(), |at| at + 1);
    let shown = lines.get(start..end).unwrap_or_default().join("\n");
    Diff {
        prepared: Some(shown),
        ..Diff::text("", "")
    }
}

/// `/usr/sbin/policy-rc.d` for the time of a run: it tells packages whether they may start services.
struct Guard {
    set: bool,
    before: Option<(Vec<u8>, u32)>,
}

impl Guard {
    fn set(code: Option<i64>, host: &dyn Host) -> Result<Self, Failure> {
        let Some(code) = code else {
            return Ok(Self {
                set: false,
                before: None,
            });
        };
        let before = match host.status(POLICY, true)? {
            Some(status) => Some((host.read(POLICY)?, status.mode)),
            None => None,
        };
        write_policy(format!("#!/bin/sh\nexit {code}\n").as_bytes(), 0o755, host)?;
        Ok(Self { set: true, before })
    }

    fn restore(self, host: &dyn Host) -> Result<(), Failure> {
        match self.before {
            Some((content, mode)) => write_policy(&content, mode, host),
            None if self.set => Ok(host.remove(POLICY)?),
            None => Ok(()),
        }
    }
}

fn write_policy(content: &[u8], mode: u32, host: &dyn Host) -> Result<(), Failure> {
    let staged = host.stage(POLICY, Content::Bytes(content))?;
    let attributes = Attributes {
        mode: Some(mode),
        ..Attributes::default()
    };
    Ok(host.commit(
        staged,
        POLICY,
        Write {
            attributes,
            unsafe_writes: false,
        },
    )?)
}
