//! `reboot`: starts a host anew and waits until it is back. The engine carries it out, since the connection does not outlive it.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Control, ControllerRequest, Effect, Failure, Meta, Outcome, Reboot as RebootRequest, StepView,
    Support,
};

/// Reboot a host and wait until it is back
///
/// The host has rebooted when `boot_time_command` prints something else than before; then `test_command` must succeed. The later
/// tasks use a new connection.
///
/// ## Check mode
///
/// Says that it would reboot.
///
/// ## Returns
///
/// - `rebooted`: whether the host has rebooted.
/// - `elapsed`: seconds from the reboot's command to the end.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.reboot:
///     reboot_timeout: 900
///   when: reboot_required.stat.exists
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RebootArgs {
    /// A command that prints something that is the same until the host boots anew.
    #[serde(default = "boot_time_command")]
    boot_time_command: String,
    /// Seconds for one try to connect; without it, the connection's own.
    #[serde(default)]
    connect_timeout: Option<i64>,
    /// What users who are logged in are told.
    #[serde(default = "message")]
    msg: String,
    /// Seconds between the command and the first look at the host.
    #[serde(default)]
    post_reboot_delay: i64,
    /// Seconds that users are given before; whole minutes of it count.
    #[serde(default)]
    pre_reboot_delay: i64,
    /// The command that reboots, in the place of `shutdown`; `msg` and `pre_reboot_delay` then count for nothing.
    #[serde(default)]
    reboot_command: Option<String>,
    /// Seconds that the reboot may take, and as many again for `test_command`.
    #[serde(default = "timeout")]
    reboot_timeout: i64,
    /// Where the command is looked for, if it has no path of its own.
    #[serde(default = "search_paths")]
    search_paths: Vec<String>,
    /// A command that succeeds when the host can be worked on.
    #[serde(default = "test_command")]
    test_command: String,
}

fn boot_time_command() -> String {
    "cat /proc/sys/kernel/random/boot_id".to_owned()
}

fn message() -> String {
    "Reboot initiated by Ansible".to_owned()
}

fn timeout() -> i64 {
    600
}

fn search_paths() -> Vec<String> {
    ["/sbin", "/bin", "/usr/sbin", "/usr/bin", "/usr/local/sbin"]
        .map(str::to_owned)
        .to_vec()
}

fn test_command() -> String {
    "whoami".to_owned()
}

/// The module `ansible.builtin.reboot`.
pub(crate) struct Reboot;

impl Control for Reboot {
    type Args = RebootArgs;

    const META: Meta = Meta {
        name: "ansible.builtin.reboot",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::Shows,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };
    const CONTROLLER: bool = true;

    fn run(args: &RebootArgs, _step: &dyn StepView) -> Result<Outcome, Failure> {
        let seconds = |number: i64| u64::try_from(number).unwrap_or(0);
        let request = RebootRequest {
            boot_time_command: args.boot_time_command.clone(),
            connect_timeout: args.connect_timeout.map(seconds).filter(|limit| *limit > 0),
            message: args.msg.clone(),
            post_delay: seconds(args.post_reboot_delay),
            pre_delay: seconds(args.pre_reboot_delay),
            command: args.reboot_command.clone(),
            timeout: seconds(args.reboot_timeout),
            search_paths: args.search_paths.clone(),
            test_command: args.test_command.clone(),
        };
        Ok(Outcome::changed().request(ControllerRequest::Reboot(Box::new(request))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeStep;
    use crate::value::Dict;

    #[test]
    fn times_below_none_are_none() {
        let args = Dict::new()
            .with("pre_reboot_delay", -5)
            .with("reboot_timeout", "90")
            .with("connect_timeout", 0);
        let args = crate::kit::from_value(&args.into(), &crate::kit::Coercion::default()).unwrap();
        let outcome = Reboot::run(&args, &FakeStep::new()).unwrap();
        let Some(ControllerRequest::Reboot(request)) = outcome.request else {
            panic!("it asks for no reboot");
        };
        assert_eq!((request.pre_delay, request.timeout), (0, 90));
        assert_eq!(request.connect_timeout, None);
    }
}
