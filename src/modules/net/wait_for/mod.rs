//! `ansible.builtin.wait_for`: waits until a port, a file or a connection is as it shall be.

mod connections;
mod condition;
#[cfg(test)]
mod tests;

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Module, Outcome, Plan, Support,
    path_info,
};
use crate::value::{Dict, Value};
use condition::{Condition, Found};

/// What is waited for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// The file is gone, the port closed.
    Absent,
    /// Nobody is connected to the port.
    Drained,
    /// The file is there.
    Present,
    /// The port is open.
    #[default]
    Started,
    /// The port is closed.
    Stopped,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Drained => "drained",
            Self::Present => "present",
            Self::Started => "started",
            Self::Stopped => "stopped",
        }
    }
}

/// Wait for a port, a file, or some time
///
/// Without `port` and `path` it waits for `timeout` seconds.
///
/// ## Check mode
///
/// The task is skipped.
///
/// ## Returns
///
/// - `elapsed`: how many seconds it took.
/// - `state`, `port`, `path`, `search_regex`: as given.
/// - `match_groups`, `match_groupdict`: what the expression's groups matched in the file.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.wait_for:
///     host: "{{ ansible_host }}"
///     port: 6443
///     timeout: 120
/// - ansible.builtin.wait_for:
///     path: /var/log/app.log
///     search_regex: ready in (\d+) ms
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitForArgs {
    /// Where the port is, as seen from the host that the task runs on.
    #[serde(default = "this_host")]
    host: String,
    /// The most seconds to wait.
    #[serde(default = "five_minutes")]
    timeout: u64,
    /// The most seconds for one try to connect.
    #[serde(default = "five")]
    connect_timeout: u64,
    /// Seconds to wait before the first look.
    #[serde(default)]
    delay: u64,
    /// The port.
    #[serde(default)]
    port: Option<u16>,
    /// States of TCP that count as connected, for `drained`.
    #[serde(default = "connected")]
    active_connection_states: Vec<String>,
    /// What is waited for.
    #[serde(default)]
    state: State,
    /// The file.
    #[serde(default)]
    path: Option<HostPath>,
    /// An expression that the file, or what the port says first, must match.
    #[serde(default)]
    search_regex: Option<String>,
    /// Addresses or names whose connections do not count, for `drained`.
    #[serde(default)]
    exclude_hosts: Vec<String>,
    /// Seconds between two looks.
    #[serde(default = "one")]
    sleep: u64,
    /// What to say when the time is over.
    #[serde(default)]
    msg: Option<String>,
}

fn this_host() -> String {
    "127.0.0.1".to_owned()
}

fn five_minutes() -> u64 {
    300
}

fn five() -> u64 {
    5
}

fn one() -> u64 {
    1
}

fn connected() -> Vec<String> {
    [
        "ESTABLISHED",
        "FIN_WAIT1",
        "FIN_WAIT2",
        "SYN_RECV",
        "SYN_SENT",
        "TIME_WAIT",
    ]
    .map(str::to_owned)
    .to_vec()
}

pub(super) struct WaitFor;

fn seconds((seconds, nanoseconds): (i64, u32)) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "differences of seconds are shown"
    )]
    let whole = seconds as f64;
    whole + f64::from(nanoseconds) * 1e-9
}

impl Module for WaitFor {
    type Args = WaitForArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.wait_for",
        aliases: &[],
        family: "net",
        since: "0.1.0",
        effect: Effect::Sees,
        check: Support::None,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        for name in &args.active_connection_states {
            if connections::number(name).is_none() {
                return Err(ArgumentError::new(
                    "active_connection_states",
                    format!("unknown active_connection_state ({name}) defined"),
                ));
            }
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        let start = seconds(host.now());
        let elapsed = || {
            #[expect(clippy::cast_possible_truncation, reason = "whole seconds")]
            let whole = (seconds(host.now()) - start) as i64;
            whole
        };
        let wrong = |text: &str| Err(Failure::new(text).with("elapsed", 0));
        match (args.port, &args.path, args.state) {
            (Some(_), Some(_), _) => {
                return wrong("port and path parameter can not both be passed to wait_for");
            }
            (_, Some(_), State::Stopped) => {
                return wrong(
                    "state=stopped should only be used for checking a port in the wait_for module",
                );
            }
            (_, Some(_), State::Drained) => {
                return wrong(
                    "state=drained should only be used for checking a port in the wait_for module",
                );
            }
            (None, _, _) if !args.exclude_hosts.is_empty() => {
                return wrong("exclude_hosts should only be with state=drained");
            }
            _ => {}
        }
        if !args.exclude_hosts.is_empty() && args.state != State::Drained {
            return wrong("exclude_hosts should only be with state=drained");
        }
        let condition = Condition::new(args)?;
        if args.delay > 0 {
            host.sleep(Duration::from_secs(args.delay))?;
        }
        let found = match condition {
            None => {
                host.sleep(Duration::from_secs(args.timeout))?;
                Found::default()
            }
            Some(condition) => loop {
                if let Some(found) = condition.holds(host)? {
                    break found;
                }
                #[expect(clippy::cast_precision_loss, reason = "seconds")]
                let left = args.timeout as f64 - (seconds(host.now()) - start);
                if left <= 0.0 {
                    let message = args.msg.clone().unwrap_or_else(|| condition.overdue());
                    return Err(Failure::new(message).with("elapsed", elapsed()));
                }
                #[expect(clippy::cast_precision_loss, reason = "seconds")]
                let rest = (args.sleep as f64).min(left).max(0.001);
                host.sleep(Duration::from_secs_f64(rest))?;
            },
        };
        let mut values = Dict::new()
            .with("state", args.state.name())
            .with("port", args.port)
            .with("search_regex", args.search_regex.clone())
            .with(
                "match_groups",
                found.groups.into_iter().map(Value::from).collect::<Value>(),
            )
            .with("match_groupdict", found.named)
            .with("path", args.path.as_ref().map(|path| path.0.clone()))
            .with("elapsed", elapsed());
        // Ansible says more of a path that is there, and its `state` wins.
        if let Some(path) = &args.path
            && host.status(path, false)?.is_some()
        {
            values.extend(path_info(path, host)?);
        }
        Ok(Plan::unchanged("it only waits").with_all(values))
    }

    fn apply(_: &Self::Args, (): (), _: &dyn Host) -> Result<Applied, Failure> {
        Ok(Outcome::unchanged().into())
    }
}
