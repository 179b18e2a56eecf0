//! `assert`: fails unless conditions hold.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{Any, Control, Effect, Failure, Meta, Outcome, StepView, Support};
use crate::value::Value;

/// Fail unless conditions hold
///
/// ## Check mode
///
/// Does the same.
///
/// ## Returns
///
/// `msg`; where it failed also `assertion` (the condition that does not hold) and `evaluated_to`.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.assert:
///     that:
///       - k3s_version is version('1.30', '>=')
///       - groups['masters'] | length is odd
///     fail_msg: a cluster needs an odd number of masters
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssertArgs {
    /// Conditions as `when` takes them, one or a list; all must hold.
    that: Any,
    /// What a failure says.
    #[serde(alias = "msg")]
    fail_msg: Option<Any>,
    /// What success says.
    success_msg: Option<Any>,
    /// Shows less of a success.
    #[serde(default)]
    quiet: bool,
}

/// The module `ansible.builtin.assert`.
pub(crate) struct Assert;

impl Control for Assert {
    type Args = AssertArgs;

    const META: Meta = Meta {
        name: "ansible.builtin.assert",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::Pure,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };
    const RAW: &'static [&'static str] = &["that"];

    fn run(args: &AssertArgs, step: &dyn StepView) -> Result<Outcome, Failure> {
        let conditions = match args.that.0.as_list() {
            Some(list) => list.to_vec(),
            None => match step
                .render(&args.that.0)
                .ok()
                .as_ref()
                .and_then(Value::as_list)
            {
                // A template that makes the list of conditions.
                Some(list) if args.that.0.as_str().is_some_and(|text| text.contains("{{")) => {
                    list.to_vec()
                }
                _ => vec![args.that.0.clone()],
            },
        };
        for condition in &conditions {
            if step.condition(condition)? {
                continue;
            }
            let message = match &args.fail_msg {
                Some(Any(message)) => message.clone(),
                None => Value::text("Assertion failed"),
            };
            return Err(Failure::new("")
                .with("msg", message)
                .with("assertion", condition.clone().untrusted())
                .with("evaluated_to", false));
        }
        let message = match &args.success_msg {
            Some(Any(message)) => message.clone(),
            None => Value::text("All assertions passed"),
        };
        let outcome = Outcome {
            shown: !args.quiet,
            ..Outcome::unchanged()
        };
        Ok(outcome.with("msg", message))
    }
}
