//! `ansible.builtin.service`: services, whatever manages them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::systemctl::{self, State, Wish};
use super::sysv;
use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, Meta, Module, Plan, Support, Verdict,
};
use crate::modules::system::setup::managers::runs_systemd;

/// Control services
///
/// With systemd it does what `systemd_service` does; where none runs, it works on init scripts with `service`.
///
/// ## Check mode
///
/// Tells what would change.
///
/// ## Returns
///
/// - `name`, `state`, `enabled`: what was asked for; `restarted` and `reloaded` end in `started`.
/// - `status`: with systemd, the unit's properties before.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.service:
///     name: ssh
///     state: restarted
/// - ansible.builtin.service:
///     name: cron
///     enabled: true
///     state: started
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceArgs {
    /// The service.
    pub(super) name: String,
    /// What it shall be. `restarted` and `reloaded` are a change each time.
    #[serde(default)]
    pub(super) state: Option<State>,
    /// Whether it starts with the system.
    #[serde(default)]
    pub(super) enabled: Option<bool>,
    /// For init scripts: seconds between stop and start of a restart.
    #[serde(default)]
    pub(super) sleep: Option<u64>,
    /// For init scripts without a status: text in the command line of the running process.
    #[serde(default)]
    pub(super) pattern: Option<String>,
    /// For OpenRC: the runlevel.
    #[serde(default = "default_level")]
    pub(super) runlevel: String,
    /// For init scripts: more arguments.
    #[serde(default, alias = "args")]
    pub(super) arguments: Option<String>,
    /// What manages services: `auto` finds it; `systemd` or `sysvinit` (`service`) say it.
    #[serde(rename = "use", default = "automatic")]
    manager: String,
}

fn default_level() -> String {
    "default".to_owned()
}

fn automatic() -> String {
    "auto".to_owned()
}

/// What is to be done.
pub(in crate::modules) enum Change {
    Unit(systemctl::Actions),
    Script(sysv::Actions),
}

impl ServiceArgs {
    fn wish(&self) -> Wish<'_> {
        Wish {
            unit: Some(&self.name),
            state: self.state,
            enabled: self.enabled,
            ..Wish::default()
        }
    }
}

pub(super) struct Service;

impl Module for Service {
    type Args = ServiceArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.service",
        aliases: &[],
        family: "services",
        since: "0.1.0",
        effect: Effect::Shows,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        // `service` takes no `--`, so a name must not read as an option.
        if args.name.starts_with('-') || args.name.is_empty() {
            return Err(ArgumentError::new(
                "name",
                format!("`{}` is no name of a service", args.name),
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let systemd = match args.manager.rsplit('.').next().unwrap_or_default() {
            "auto" => runs_systemd(host),
            "systemd" | "systemd_service" => true,
            "service" | "sysvinit" | "openrc" => false,
            other => {
                return Err(Failure::new(format!(
                    "kplay has no module for the service manager `{other}`; it has systemd and sysvinit"
                )));
            }
        };
        if !systemd {
            return Ok(wrapped(sysv::plan(args, host)?, Change::Script));
        }
        let mut plan = wrapped(args.wish().plan(host)?, Change::Unit);
        let unused = [
            ("pattern", args.pattern.is_some()),
            ("sleep", args.sleep.is_some()),
            ("arguments", args.arguments.is_some()),
            ("runlevel", args.runlevel != default_level()),
        ];
        for (name, _) in unused.iter().filter(|(_, given)| *given) {
            plan.warnings.push(format!(
                "Ignoring \"{name}\" as it is not used in \"systemd\""
            ));
        }
        Ok(plan)
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        Ok(match change {
            Change::Unit(actions) => args.wish().apply(actions, host)?,
            Change::Script(actions) => sysv::apply(args, &actions, host)?,
        }
        .into())
    }
}

fn wrapped<C>(plan: Plan<C>, wrap: fn(C) -> Change) -> Plan<Change> {
    let Plan {
        verdict,
        values,
        in_check,
        diff,
        warnings,
        warnings_in_check,
        uncounted,
    } = plan;
    let verdict = match verdict {
        Verdict::Unchanged { why } => Verdict::Unchanged { why },
        Verdict::Skipped { why } => Verdict::Skipped { why },
        Verdict::Change(change) => Verdict::Change(wrap(change)),
        Verdict::Opaque(change) => Verdict::Opaque(wrap(change)),
    };
    Plan {
        verdict,
        values,
        in_check,
        diff,
        warnings,
        warnings_in_check,
        uncounted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, assert_unchanged, exited, failure, printed, run};
    use crate::value::{Dict, Value};

    #[test]
    fn systemd_is_asked_where_it_runs() {
        let host = FakeHost::new().directory("/run/systemd/system").command(
            &["systemctl", "show"],
            printed("LoadState=loaded\nActiveState=active\nUnitFileState=enabled\n"),
        );
        let args = Dict::new()
            .with("name", "ssh")
            .with("state", "started")
            .with("enabled", true)
            .with("sleep", 2);
        let outcome = assert_unchanged::<Service>(&args.into(), &host);
        assert_eq!(
            outcome.warnings,
            ["Ignoring \"sleep\" as it is not used in \"systemd\""]
        );
        assert!(outcome.values.contains("status"));
    }

    #[test]
    fn init_scripts_are_started_and_enabled() {
        let host = FakeHost::new()
            .file("/etc/init.d/web", "")
            .directory("/etc/rc2.d")
            .script(&["service", "web", "status"], |_, host| {
                if host.exists("/run") {
                    printed("")
                } else {
                    exited(3, "", "")
                }
            })
            .script(&["service", "web", "start"], |_, host| {
                host.write("/run", "");
                printed("")
            })
            .script(&["update-rc.d"], |_, host| {
                host.write("/etc/rc2.d/S01web", "");
                printed("")
            });
        let args = Dict::new()
            .with("name", "web")
            .with("state", "started")
            .with("enabled", true);
        let outcome = assert_converges::<Service>(&args.into(), &host);
        assert_eq!(outcome.values.get("state"), Some(&Value::from("started")));
        let restart = Dict::new()
            .with("name", "web")
            .with("state", "restarted")
            .with("arguments", "-x y");
        let host = host.command(&["service", "web", "restart"], printed(""));
        assert!(run::<Service>(&restart.into(), &host).changed);
        assert_eq!(
            host.ran().last().unwrap().join(" "),
            "service web restart -x y"
        );
    }

    #[test]
    fn a_pattern_finds_the_process() {
        let host = FakeHost::new()
            .file("/etc/init.d/web", "")
            .file("/proc/77/cmdline", "/usr/bin/web\0--all\0");
        let args = Dict::new()
            .with("name", "web")
            .with("state", "started")
            .with("pattern", "web --all");
        assert_unchanged::<Service>(&args.into(), &host);
        let none = Dict::new().with("name", "other").with("state", "started");
        assert_eq!(
            failure::<Service>(&none.into(), &host),
            "Could not find the requested service other: host"
        );
        let option = Dict::new().with("name", "--help").with("state", "started");
        assert!(failure::<Service>(&option.into(), &host).contains("no name of a service"));
    }
}
