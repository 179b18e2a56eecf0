//! `wait_for_connection`: waits until a host can be reached and used.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{Control, ControllerRequest, Effect, Failure, Meta, Outcome, StepView, Support};

/// Wait until the host can be reached and used
///
/// Connects anew, as after a reboot or for a machine that was just made.
///
/// ## Check mode
///
/// Does not wait.
///
/// ## Returns
///
/// `elapsed`: seconds waited.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.wait_for_connection:
///     delay: 10
///     timeout: 300
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitForConnectionArgs {
    /// Seconds for one try.
    #[serde(default = "default_connect_timeout")]
    connect_timeout: f64,
    /// Seconds before the first try.
    #[serde(default)]
    delay: f64,
    /// Seconds between tries.
    #[serde(default = "default_sleep")]
    sleep: f64,
    /// Seconds for all.
    #[serde(default = "default_timeout")]
    timeout: f64,
}

fn default_connect_timeout() -> f64 {
    5.0
}

fn default_sleep() -> f64 {
    1.0
}

fn default_timeout() -> f64 {
    600.0
}

/// The module `ansible.builtin.wait_for_connection`.
pub(crate) struct WaitForConnection;

impl Control for WaitForConnection {
    type Args = WaitForConnectionArgs;

    const META: Meta = Meta {
        name: "ansible.builtin.wait_for_connection",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::World,
        check: Support::None,
        diff: Support::None,
        free_form: None,
    };
    const CONTROLLER: bool = true;

    fn run(args: &WaitForConnectionArgs, _step: &dyn StepView) -> Result<Outcome, Failure> {
        Ok(
            Outcome::unchanged().request(ControllerRequest::WaitForConnection {
                delay: args.delay,
                sleep: args.sleep,
                connect_timeout: args.connect_timeout,
                timeout: args.timeout,
            }),
        )
    }
}
