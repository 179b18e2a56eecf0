//! `ansible.builtin.systemd_service`: units of systemd.

use schemars::JsonSchema;
use serde::Deserialize;

use super::systemctl::{Actions, Scope, State, Wish};
use crate::kit::{Applied, ArgumentError, Effect, Failure, Host, Meta, Module, Plan, Support};

/// Control units of systemd
///
/// Starts, stops, restarts and reloads units, enables and masks them, and lets the manager read its files again.
///
/// ## Check mode
///
/// Tells what would change. The manager does not read its files again, so that a new unit counts as missing while its file is.
///
/// ## Returns
///
/// - `name`, `state`, `enabled`: what was asked for; `restarted` and `reloaded` end in `started`.
/// - `status`: the unit's properties before, as `systemctl show` has them.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.systemd_service:
///     name: k3s
///     state: started
///     enabled: true
///     daemon_reload: true
/// - ansible.builtin.systemd_service:
///     name: systemd-networkd-wait-online.service
///     masked: true
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SystemdServiceArgs {
    /// The unit; without a suffix a service.
    #[serde(default, alias = "service", alias = "unit")]
    name: Option<String>,
    /// What it shall be. `restarted` and `reloaded` are a change each time.
    #[serde(default)]
    state: Option<State>,
    /// Whether it starts with the system.
    #[serde(default)]
    enabled: Option<bool>,
    /// Replace links that stand in the way of enabling or masking.
    #[serde(default)]
    force: bool,
    /// Whether it can be started at all.
    #[serde(default)]
    masked: Option<bool>,
    /// Let the manager read its files again before.
    #[serde(default, alias = "daemon-reload")]
    daemon_reload: bool,
    /// Let the manager replace itself before.
    #[serde(default, alias = "daemon-reexec")]
    daemon_reexec: bool,
    /// Whose manager.
    #[serde(default)]
    scope: Scope,
    /// Do not wait until the unit has done it.
    #[serde(default)]
    no_block: bool,
}

impl SystemdServiceArgs {
    fn wish(&self) -> Wish<'_> {
        Wish {
            unit: self.name.as_deref(),
            state: self.state,
            enabled: self.enabled,
            masked: self.masked,
            reload_manager: self.daemon_reload,
            restart_manager: self.daemon_reexec,
            no_block: self.no_block,
            force: self.force,
            scope: self.scope,
        }
    }
}

pub(super) struct SystemdService;

impl Module for SystemdService {
    type Args = SystemdServiceArgs;
    type Change = Actions;

    const META: Meta = Meta {
        name: "ansible.builtin.systemd_service",
        aliases: &["ansible.builtin.systemd"],
        family: "services",
        since: "0.1.0",
        effect: Effect::Shows,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        let needs = [
            ("state", args.state.is_some()),
            ("enabled", args.enabled.is_some()),
            ("masked", args.masked.is_some()),
        ];
        match (&args.name, needs.iter().find(|(_, given)| *given)) {
            (None, Some((argument, _))) => Err(ArgumentError::general(format!(
                "missing parameter(s) required by '{argument}': name"
            ))),
            (Some(name), _) if name.contains(['*', '?', '[']) => Err(ArgumentError::new(
                "name",
                format!(
                    "This module does not currently support using glob patterns, found a pattern in service name: {name}"
                ),
            )),
            _ => Ok(()),
        }
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Actions>, Failure> {
        args.wish().plan(host)
    }

    fn apply(args: &Self::Args, change: Actions, host: &dyn Host) -> Result<Applied, Failure> {
        Ok(args.wish().apply(change, host)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{
        assert_converges, assert_unchanged, check, exited, failure, printed, run,
    };
    use crate::value::{Dict, Value};

    const PLAIN: &str =
        "Id=web.service\nLoadState=loaded\nActiveState=inactive\nUnitFileState=disabled\n";
    const ALL: &str =
        "Id=web.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n";

    /// A unit that can be enabled and started.
    fn host() -> FakeHost {
        let does = |_: &crate::kit::Command, host: &FakeHost| {
            let count = host
                .ran()
                .iter()
                .filter(|argv| ["enable", "start"].contains(&argv[1].as_str()))
                .count();
            host.write("/done", count.to_string());
            printed("")
        };
        FakeHost::new()
            .script(&["systemctl", "show"], |_, host| {
                printed(if host.exists("/done") { ALL } else { PLAIN })
            })
            .script(&["systemctl", "enable"], |_, _| printed(""))
            .script(&["systemctl", "start"], does)
    }

    fn args() -> Dict {
        Dict::new()
            .with("name", "web")
            .with("state", "started")
            .with("enabled", true)
    }

    #[test]
    fn a_unit_is_enabled_and_started_once() {
        let host = host();
        let outcome = assert_converges::<SystemdService>(&args().into(), &host);
        assert_eq!(outcome.values.get("state"), Some(&Value::from("started")));
        assert_eq!(outcome.values.get("enabled"), Some(&Value::from(true)));
        assert_eq!(
            outcome.values.get("status").unwrap().get("ActiveState"),
            Some(&Value::from("inactive"))
        );
        let changes: Vec<_> = host
            .ran()
            .into_iter()
            .filter(|argv| argv[1] != "show")
            .collect();
        assert_eq!(
            changes,
            [
                ["systemctl", "enable", "--", "web"],
                ["systemctl", "start", "--", "web"]
            ]
        );
    }

    #[test]
    fn one_question_is_enough_where_nothing_changes() {
        let host = FakeHost::new().command(&["systemctl", "show"], printed(ALL));
        let outcome = run::<SystemdService>(&args().into(), &host);
        assert!(!outcome.changed);
        assert_eq!(host.ran().len(), 1);
    }

    #[test]
    fn the_manager_alone_is_no_change() {
        let host = FakeHost::new().command(&["systemctl", "daemon-reload"], printed(""));
        let reload: Value = Dict::new().with("daemon_reload", true).into();
        assert!(!check::<SystemdService>(&reload, &host).changed);
        let outcome = run::<SystemdService>(&reload, &host);
        assert!(!outcome.changed);
        assert_eq!(outcome.values.get("name"), Some(&Value::NULL));
        assert_eq!(host.ran().len(), 1);
    }

    #[test]
    fn what_is_missing_fails() {
        let host = FakeHost::new().command(
            &["systemctl", "show"],
            printed("LoadState=not-found\nActiveState=inactive\n"),
        );
        assert_eq!(
            failure::<SystemdService>(&args().into(), &host),
            "Could not find the requested service web: host"
        );
        let state: Value = Dict::new().with("state", "started").into();
        assert_eq!(
            failure::<SystemdService>(&state, &host),
            "missing parameter(s) required by 'state': name"
        );
        let pattern: Value = Dict::new().with("name", "web*").into();
        assert!(failure::<SystemdService>(&pattern, &host).contains("glob"));
        let host = FakeHost::new()
            .command(
                &["systemctl", "show"],
                printed("LoadState=masked\nActiveState=inactive\nUnitFileState=masked\n"),
            )
            .command(
                &["systemctl", "start"],
                exited(1, "", "Unit web.service is masked.\n"),
            );
        let start: Value = Dict::new()
            .with("name", "web")
            .with("state", "started")
            .into();
        assert_eq!(
            failure::<SystemdService>(&start, &host),
            "Unable to start service web: Unit web.service is masked.\n"
        );
    }

    #[test]
    fn a_unit_that_nobody_tells_of_is_left_where_systemd_is_offline() {
        let host = FakeHost::new().command(
            &["systemctl", "show"],
            printed("Id=web.service\nLoadState=loaded\n"),
        );
        let start: Value = Dict::new()
            .with("name", "web")
            .with("state", "started")
            .into();
        assert_eq!(
            failure::<SystemdService>(&start, &host),
            "Service is in unknown state"
        );
        let host = host.variable("SYSTEMD_OFFLINE", "1");
        let outcome = assert_unchanged::<SystemdService>(&start, &host);
        assert!(outcome.warnings[0].contains("offline"));
    }

    #[test]
    fn masks_and_restarts_follow_the_state() {
        let host = FakeHost::new()
            .command(&["systemctl", "show"], printed(ALL))
            .command(&["systemctl"], printed(""))
            .command(&["systemctl", "--user", "--no-block", "show"], printed(ALL));
        let args = Dict::new()
            .with("name", "web")
            .with("masked", true)
            .with("state", "stopped");
        run::<SystemdService>(&args.into(), &host);
        let args = Dict::new()
            .with("name", "web")
            .with("state", "reloaded")
            .with("scope", "user")
            .with("no_block", true);
        let outcome = run::<SystemdService>(&args.into(), &host);
        assert_eq!(outcome.values.get("state"), Some(&Value::from("started")));
        let changes: Vec<_> = host
            .ran()
            .into_iter()
            .filter(|argv| !argv.contains(&"show".to_owned()))
            .map(|argv| argv[1..].join(" "))
            .collect();
        assert_eq!(
            changes,
            [
                "mask -- web",
                "stop -- web",
                "--user --no-block reload -- web"
            ]
        );
        assert_unchanged::<SystemdService>(
            &Dict::new()
                .with("name", "web")
                .with("state", "started")
                .into(),
            &host,
        );
    }
}
