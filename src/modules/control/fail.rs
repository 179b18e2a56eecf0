//! `fail`: ends the play for a host, on purpose.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{Control, Effect, Failure, Meta, Outcome, StepView, Support};

/// Fail with a message
///
/// Ends the play for this host; with `when` the usual way to check what a playbook takes for granted.
///
/// ## Check mode
///
/// Fails there as well.
///
/// ## Returns
///
/// `msg`: the message.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.fail:
///     msg: this role needs at least two gigabytes of memory
///   when: ansible_memtotal_mb < 2000
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailArgs {
    /// What the failed task says.
    #[serde(default = "default_message")]
    msg: String,
}

fn default_message() -> String {
    "Failed as requested from task".to_owned()
}

/// The module `ansible.builtin.fail`.
pub(crate) struct Fail;

impl Control for Fail {
    type Args = FailArgs;

    const META: Meta = Meta {
        name: "ansible.builtin.fail",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::Pure,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn run(args: &FailArgs, _step: &dyn StepView) -> Result<Outcome, Failure> {
        Err(Failure::new(args.msg.clone()))
    }
}
