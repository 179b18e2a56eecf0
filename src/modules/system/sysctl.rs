//! `ansible.posix.sysctl`: settings of the kernel.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Command, Content, Effect, Failure, Host, HostPath, Meta, Module,
    Outcome, Output, Plan, Support, Write,
};

/// Whether a setting shall be in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It shall not.
    Absent,
    /// It shall.
    #[default]
    Present,
}

/// Set settings of the kernel, now and at each start
///
/// Writes the setting to a file that the system reads at its start, and lets `sysctl` read that file if something differed.
///
/// ## Check mode
///
/// Tells what would change.
///
/// ## Returns
///
/// Nothing of its own.
///
/// ## Examples
///
/// ```yaml
/// - ansible.posix.sysctl:
///     name: net.ipv4.ip_forward
///     value: '1'
///     sysctl_file: /etc/sysctl.d/90-kubernetes.conf
///     sysctl_set: true
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SysctlArgs {
    /// The setting, such as `vm.swappiness`.
    #[serde(alias = "key")]
    name: String,
    /// Its value. Truth values mean 1 and 0.
    #[serde(default, alias = "val")]
    value: Option<String>,
    /// Whether it shall be in the file.
    #[serde(default)]
    state: State,
    /// Do not fail over settings that this kernel does not have.
    #[serde(default)]
    ignoreerrors: bool,
    /// Let `sysctl` read the file after a change.
    #[serde(default = "enabled")]
    reload: bool,
    /// The file.
    #[serde(default = "default_file")]
    sysctl_file: HostPath,
    /// Compare with the running kernel too, and set it there.
    #[serde(default)]
    sysctl_set: bool,
}

fn enabled() -> bool {
    true
}

fn default_file() -> HostPath {
    HostPath("/etc/sysctl.conf".to_owned())
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::modules) struct Change {
    set: bool,
    content: Option<String>,
}

impl SysctlArgs {
    fn key(&self) -> &str {
        self.name.trim()
    }

    fn wanted(&self) -> String {
        let text = self.value.as_deref().unwrap_or_default().trim();
        match text.to_lowercase().as_str() {
            "1" | "y" | "yes" | "on" | "t" | "true" => "1".to_owned(),
            "0" | "n" | "no" | "off" | "f" | "false" => "0".to_owned(),
            _ => text.to_owned(),
        }
    }
}

/// Returns what the running kernel has.
fn current(name: &str, host: &dyn Host) -> Option<String> {
    // A name with a slash first has its dots as they are: net/ipv4/conf/eth0.100.
    let slash_first = name
        .find('/')
        .is_some_and(|slash| name.find('.').is_none_or(|dot| slash < dot));
    let swap = |character| match character {
        '.' if !slash_first => '/',
        '/' if !slash_first => '.',
        other => other,
    };
    let path: String = name.chars().map(swap).collect();
    if path.split('/').any(|part| part == "..") {
        return None;
    }
    let bytes = host.read(&format!("/proc/sys/{path}")).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn same(left: &str, right: &str) -> bool {
    left.split_whitespace().eq(right.split_whitespace())
}

/// The setting that a line holds.
fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return None;
    }
    line.split_once('=')
        .map(|(name, value)| (name.trim(), value.trim()))
}

/// Returns the file with the setting as it shall be. A setting that is there twice stays once.
fn rewritten(text: &str, args: &SysctlArgs) -> String {
    let mut seen: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        let Some((name, value)) = setting(line) else {
            lines.push(line.trim().to_owned());
            continue;
        };
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        if name != args.key() {
            lines.push(format!("{name}={value}"));
        } else if args.state == State::Present {
            lines.push(format!("{name}={}", args.wanted()));
        }
    }
    if !seen.contains(&args.key()) && args.state == State::Present {
        lines.push(format!("{}={}", args.key(), args.wanted()));
    }
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

pub(super) struct Sysctl;

impl Module for Sysctl {
    type Args = SysctlArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.posix.sysctl",
        aliases: &["ansible.builtin.sysctl"],
        family: "system",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.key().is_empty() {
            return Err(ArgumentError::general("name cannot be blank"));
        }
        match (&args.value, args.state) {
            (None, State::Present) => Err(ArgumentError::general(
                "state is present but all of the following are missing: value",
            )),
            (Some(value), State::Present) if value.trim().is_empty() => {
                Err(ArgumentError::general("value cannot be blank"))
            }
            (Some(value), _) if value.contains('\n') => {
                Err(ArgumentError::new("value", "must be one line"))
            }
            _ if args.name.contains(['\n', '=']) => {
                Err(ArgumentError::new("name", "must be one word without `=`"))
            }
            _ => Ok(()),
        }
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let path = args.sysctl_file.as_str();
        let text = match host.status(path, true)? {
            Some(status) if status.is_file() => {
                String::from_utf8_lossy(&host.read(path)?).into_owned()
            }
            _ => String::new(),
        };
        let in_file = text
            .lines()
            .filter_map(setting)
            .filter(|(name, _)| *name == args.key())
            .last()
            .map(|(_, value)| value.to_owned());
        let running = current(args.key(), host);
        let wanted = args.wanted();
        let differs = running
            .as_deref()
            .is_none_or(|running| !same(running, &wanted));
        let present = args.state == State::Present;
        let write = if present {
            in_file.as_deref() != Some(wanted.as_str())
        } else {
            in_file.is_some()
        };
        let set = present && args.sysctl_set && differs;
        let reload_alone = present && !write && args.reload && differs;
        if !write && !set && !reload_alone {
            return Ok(Plan::unchanged("the setting is as it shall be"));
        }
        let content = write.then(|| rewritten(&text, args));
        Ok(Plan::change(Change { set, content }))
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let options =
            |words: &mut Vec<String>| words.extend(args.ignoreerrors.then(|| "-e".to_owned()));
        if change.set {
            let mut words = vec!["sysctl".to_owned()];
            options(&mut words);
            words.extend([
                "-w".to_owned(),
                "--".to_owned(),
                format!("{}={}", args.key(), args.wanted()),
            ]);
            let output = host.run(&Command::new(words).in_c_locale())?;
            if failed(&output) {
                return Err(Failure::new(format!(
                    "setting {} failed: {}{}",
                    args.key(),
                    output.stdout_text(),
                    output.stderr_text()
                )));
            }
        }
        let mut target = args.sysctl_file.0.clone();
        if let Some(content) = change.content {
            if host.status(&target, true)?.is_some() {
                target = host.real_path(&target)?;
            }
            let staged = host.stage(&target, Content::Bytes(content.as_bytes()))?;
            host.commit(staged, &target, Write::default())?;
        }
        if args.reload {
            let mut words = vec!["sysctl".to_owned()];
            options(&mut words);
            words.extend(["-p".to_owned(), args.sysctl_file.0.clone()]);
            let output = host.run(&Command::new(words).in_c_locale())?;
            if failed(&output) {
                let text = format!(
                    "Failed to reload sysctl: {}{}",
                    output.stdout_text(),
                    output.stderr_text()
                );
                return Err(Failure::new(text).after_change());
            }
        }
        Ok(Outcome::changed().into())
    }
}

/// Some refusals leave the exit status at 0.
fn failed(output: &Output) -> bool {
    let refused = |line: &str| {
        line.starts_with("sysctl: setting key \"")
            && (line.ends_with(": Invalid argument") || line.ends_with(": Read-only file system"))
    };
    !output.success() || output.stderr_text().lines().any(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, assert_unchanged, exited, failure, printed};
    use crate::value::Dict;

    fn args(value: &str) -> Dict {
        Dict::new()
            .with("name", "net.ipv4.ip_forward")
            .with("value", value)
    }

    fn host(value: &str) -> FakeHost {
        FakeHost::new()
            .file("/proc/sys/net/ipv4/ip_forward", format!("{value}\n"))
            .script(&["sysctl"], |command, host| {
                if let Some(value) = command.argv.last().and_then(|word| word.split_once('=')) {
                    host.write("/proc/sys/net/ipv4/ip_forward", value.1);
                } else if host.text("/etc/sysctl.conf").contains("ip_forward=1") {
                    host.write("/proc/sys/net/ipv4/ip_forward", "1\n");
                }
                printed("")
            })
    }

    #[test]
    fn file_and_kernel_follow() {
        let host = host("0").file(
            "/etc/sysctl.conf",
            "# keep\nvm.swappiness = 10\nnet.ipv4.ip_forward = 0\n",
        );
        assert_converges::<Sysctl>(&args("yes").with("sysctl_set", true).into(), &host);
        assert_eq!(
            host.text("/etc/sysctl.conf"),
            "# keep\nvm.swappiness=10\nnet.ipv4.ip_forward=1\n"
        );
        let ran: Vec<String> = host.ran().iter().map(|argv| argv.join(" ")).collect();
        assert_eq!(
            ran,
            [
                "sysctl -w -- net.ipv4.ip_forward=1",
                "sysctl -p /etc/sysctl.conf"
            ]
        );
        let absent = Dict::new()
            .with("name", "net.ipv4.ip_forward")
            .with("state", "absent")
            .with("reload", false);
        assert_converges::<Sysctl>(&absent.into(), &host);
        assert!(!host.text("/etc/sysctl.conf").contains("forward"));
    }

    #[test]
    fn a_kernel_that_differs_is_reloaded() {
        let host = host("0").file("/etc/sysctl.conf", "net.ipv4.ip_forward=1\n");
        assert_converges::<Sysctl>(&args("1").into(), &host);
        let several = FakeHost::new()
            .file("/proc/sys/net/ipv4/range", "0\t100\n")
            .file("/etc/x", "net.ipv4.range=0 100\n");
        let args = Dict::new()
            .with("name", "net.ipv4.range")
            .with("value", "0 100")
            .with("sysctl_file", "/etc/x");
        assert_unchanged::<Sysctl>(&args.into(), &several);
    }

    #[test]
    fn refusals_are_told() {
        let host = FakeHost::new().command(
            &["sysctl"],
            exited(
                255,
                "",
                "sysctl: cannot stat /proc/sys/no/such: No such file or directory\n",
            ),
        );
        let args = Dict::new()
            .with("name", "no.such")
            .with("value", 1)
            .with("sysctl_set", true);
        assert!(
            failure::<Sysctl>(&args.into(), &host)
                .starts_with("setting no.such failed: sysctl: cannot stat")
        );
        assert!(!host.exists("/etc/sysctl.conf"));
        let none = Dict::new().with("name", "x");
        assert_eq!(
            failure::<Sysctl>(&none.into(), &host),
            "state is present but all of the following are missing: value"
        );
        let lines = Dict::new()
            .with("name", "x")
            .with("value", "1\nkernel.core_pattern=|/bin/sh");
        assert!(failure::<Sysctl>(&lines.into(), &host).contains("one line"));
    }
}
