//! `pause`: waits for a time or for a person.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Control, ControllerRequest, Effect, Failure, Meta, Outcome, PausePrompt, StepView, Support,
};
use crate::value::Dict;

/// Wait for some time, or for someone to press Enter
///
/// Runs once, however many hosts the play has. Without a time it waits for Enter; where there is no terminal it warns, and goes on at once.
///
/// ## Check mode
///
/// Waits as well.
///
/// ## Returns
///
/// `user_input`: what was typed; `start`, `stop`, `delta`, `stdout`, `echo`.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.pause:
///     seconds: 30
///
/// - ansible.builtin.pause:
///     prompt: Reboot the masters now?
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseArgs {
    /// Minutes to wait.
    minutes: Option<i64>,
    /// Seconds to wait.
    seconds: Option<i64>,
    /// What is shown.
    prompt: Option<String>,
    /// Shows what is typed.
    #[serde(default = "default_true")]
    echo: bool,
}

fn default_true() -> bool {
    true
}

/// The module `ansible.builtin.pause`.
pub(crate) struct Pause;

impl Control for Pause {
    type Args = PauseArgs;

    const META: Meta = Meta {
        name: "ansible.builtin.pause",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::World,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };
    const CONTROLLER: bool = true;
    const ONCE: bool = true;

    fn run(args: &PauseArgs, _step: &dyn StepView) -> Result<Outcome, Failure> {
        let seconds = match (args.minutes, args.seconds) {
            (Some(_), Some(_)) => {
                return Err(Failure::new(
                    "`minutes` and `seconds` cannot be given together: take one of them",
                ));
            }
            (Some(minutes), None) => Some(minutes.saturating_mul(60)),
            (None, seconds) => seconds,
        };
        let seconds = seconds.map(|seconds| u64::try_from(seconds.max(1)).unwrap_or(1));
        let values = Dict::new()
            .with("rc", 0)
            .with("stderr", "")
            .with("echo", args.echo)
            .with("user_input", "");
        let prompt = PausePrompt {
            prompt: args.prompt.clone(),
            echo: args.echo,
            seconds,
            in_minutes: args.seconds.is_none(),
        };
        Ok(Outcome::unchanged()
            .with_all(values)
            .request(ControllerRequest::Pause(prompt)))
    }
}
