//! `debug`: shows a message or a variable.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{Any, Control, Effect, Failure, Meta, Outcome, StepView, Support};
use crate::value::{Dict, Value};

/// Show a message or the value of an expression
///
/// ## Check mode
///
/// Does the same.
///
/// ## Returns
///
/// `msg`, or the value under the text of `var`.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.debug:
///     msg: "{{ inventory_hostname }} has {{ ansible_processor_vcpus }} cores"
///
/// - ansible.builtin.debug:
///     var: result.stdout_lines
///     verbosity: 1
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DebugArgs {
    /// What to show; any value, a list or dictionary is shown as such.
    msg: Option<Any>,
    /// An expression whose value is shown, without braces.
    var: Option<Any>,
    /// Shows it only with that many `-v`.
    #[serde(default)]
    verbosity: i64,
}

fn shown_outcome() -> Outcome {
    Outcome {
        shown: true,
        ..Outcome::unchanged()
    }
}

/// The module `ansible.builtin.debug`.
pub(crate) struct Debug;

impl Control for Debug {
    type Args = DebugArgs;

    const META: Meta = Meta {
        name: "ansible.builtin.debug",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::Pure,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };
    const RAW: &'static [&'static str] = &["var", "msg"];

    fn run(args: &DebugArgs, step: &dyn StepView) -> Result<Outcome, Failure> {
        if args.msg.is_some() && args.var.is_some() {
            return Err(Failure::new("'msg' and 'var' are incompatible options"));
        }
        if i64::from(step.verbosity()) < args.verbosity {
            return Ok(Outcome {
                skipped: true,
                ..Outcome::unchanged()
            }
            .with("skipped_reason", "Verbosity threshold not met."));
        }
        if let Some(Any(expression)) = &args.var {
            let name = expression.to_text();
            let value = step.expression(expression)?;
            let shown = match value.as_fault() {
                Some(fault) => Value::text(format!("<< error 1 - {} >>", fault.message)),
                None => value,
            };
            return Ok(shown_outcome().with_all(Dict::new().with(name, shown)));
        }
        let message = match &args.msg {
            Some(Any(message)) => match step.render(message)? {
                omitted if omitted.is_omit() => Value::text("Hello world!"),
                message => message,
            },
            None => Value::text("Hello world!"),
        };
        Ok(shown_outcome().with("msg", message))
    }
}
