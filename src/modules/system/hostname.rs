//! `ansible.builtin.hostname`: the host's name.

use schemars::JsonSchema;
use serde::Deserialize;

use super::setup::managers::runs_systemd;
use super::setup::platform::full_name;
use crate::kit::{
    Applied, ArgumentError, Command, Content, Diff, Effect, Failure, Host, Meta, Module, Outcome,
    Plan, Support, Write,
};
use crate::value::Dict;

/// Set the host's name
///
/// The name counts at once and after the next start. `/etc/hosts` is left alone.
///
/// ## Check mode
///
/// Tells what would change.
///
/// ## Returns
///
/// - `name`: the name.
/// - `ansible_facts`: `ansible_hostname`, `ansible_nodename`, `ansible_fqdn`, `ansible_domain`.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.hostname:
///     name: "{{ inventory_hostname }}"
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HostnameArgs {
    /// The name.
    name: String,
    /// How: `systemd`, or `debian`, `generic` and the like for `/etc/hostname`. Without it systemd where it runs.
    #[serde(rename = "use", default)]
    manager: Option<String>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::modules) struct Change {
    systemd: bool,
    current: bool,
    permanent: bool,
}

pub(super) struct Hostname;

fn facts(name: &str, running: &str, host: &dyn Host) -> Dict {
    let full = full_name(running, host);
    Dict::new()
        .with(
            "ansible_hostname",
            name.split('.').next().unwrap_or_default(),
        )
        .with("ansible_nodename", name)
        .with(
            "ansible_domain",
            full.split_once('.').map_or("", |(_, domain)| domain),
        )
        .with("ansible_fqdn", full)
}

impl Module for Hostname {
    type Args = HostnameArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.hostname",
        aliases: &[],
        family: "system",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        let bad = args.name.is_empty()
            || args.name.contains(char::is_whitespace)
            || args.name.starts_with('-');
        if bad {
            return Err(ArgumentError::new(
                "name",
                format!("`{}` is no name of a host", args.name),
            ));
        }
        if args.name.len() > 64 {
            return Err(ArgumentError::new(
                "name",
                "name cannot be longer than 64 characters on systemd servers, try a shorter name",
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let systemd = match args.manager.as_deref() {
            None => runs_systemd(host),
            Some("systemd") => true,
            Some("debian" | "generic" | "alpine" | "redhat" | "sles" | "openrc") => false,
            Some(other) => {
                return Err(Failure::new(format!(
                    "`{other}` is no way to set the name of a Linux host; there are systemd, debian, generic"
                )));
            }
        };
        let read = |path: &str| {
            let text = host.read(path).unwrap_or_default();
            String::from_utf8_lossy(&text)
                .lines()
                .map(str::trim)
                .find(|line| !line.is_empty() && !line.starts_with('#'))
                .unwrap_or_default()
                .to_owned()
        };
        let (current, permanent) = (read("/proc/sys/kernel/hostname"), read("/etc/hostname"));
        let change = Change {
            systemd,
            current: current != args.name,
            permanent: permanent != args.name,
        };
        let before = if change.current { &current } else { &permanent };
        let plan = if change.current || change.permanent {
            let diff = Diff::text(
                format!("hostname = {before}\n"),
                format!("hostname = {}\n", args.name),
            );
            Plan::change(change).with_diff(diff)
        } else {
            Plan::unchanged("the host has that name")
        };
        Ok(plan
            .with("name", args.name.as_str())
            .with("ansible_facts", facts(&args.name, &current, host)))
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let mut commands: Vec<Vec<&str>> = Vec::new();
        let name = args.name.as_str();
        match (change.systemd, change.current) {
            (true, true) => commands.push(vec![
                "hostnamectl",
                "--transient",
                "set-hostname",
                "--",
                name,
            ]),
            (false, true) => commands.push(vec!["hostname", "--", name]),
            (_, false) => {}
        }
        if change.systemd && change.permanent {
            commands.push(vec!["hostnamectl", "--pretty", "set-hostname", "--", name]);
            commands.push(vec!["hostnamectl", "--static", "set-hostname", "--", name]);
        }
        for words in commands {
            let output = host.run(&Command::new(words).in_c_locale())?;
            if !output.success() {
                return Err(Failure::new(format!(
                    "Command failed rc={}, out={}, err={}",
                    output.status,
                    output.stdout_text(),
                    output.stderr_text()
                )));
            }
        }
        if !change.systemd && change.permanent {
            let staged = host.stage(
                "/etc/hostname",
                Content::Bytes(format!("{name}\n").as_bytes()),
            )?;
            host.commit(staged, "/etc/hostname", Write::default())?;
        }
        Ok(Outcome::changed()
            .with("ansible_facts", facts(name, name, host))
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, failure, printed};
    use crate::value::Value;

    fn host() -> FakeHost {
        FakeHost::new()
            .file("/proc/sys/kernel/hostname", "old\n")
            .file("/etc/hostname", "old\n")
    }

    fn args() -> Dict {
        Dict::new().with("name", "web01.example.net")
    }

    #[test]
    fn systemd_sets_all_three_names() {
        let host = host()
            .directory("/run/systemd/system")
            .program("systemctl")
            .script(&["hostnamectl"], |command, host| {
                let path = if command.argv[1] == "--transient" {
                    "/proc/sys/kernel/hostname"
                } else {
                    "/etc/hostname"
                };
                host.write(path, "web01.example.net\n");
                printed("")
            });
        let outcome = assert_converges::<Hostname>(&args().into(), &host);
        assert_eq!(host.ran().len(), 3);
        let facts = outcome.values.get("ansible_facts").unwrap();
        assert_eq!(facts.get("ansible_hostname"), Some(&Value::from("web01")));
        assert_eq!(
            facts.get("ansible_domain"),
            Some(&Value::from("example.net"))
        );
    }

    #[test]
    fn without_systemd_the_file_is_written() {
        let host = host().script(&["hostname"], |_, host| {
            host.write("/proc/sys/kernel/hostname", "web01.example.net\n");
            printed("")
        });
        assert_converges::<Hostname>(&args().with("use", "debian").into(), &host);
        assert_eq!(host.text("/etc/hostname"), "web01.example.net\n");
        assert_eq!(host.ran(), [["hostname", "--", "web01.example.net"]]);
    }

    #[test]
    fn bad_names_are_refused() {
        for name in ["", "a b", "-x", "a\nb"] {
            assert!(
                failure::<Hostname>(&Dict::new().with("name", name).into(), &host())
                    .contains("no name of a host")
            );
        }
    }
}
