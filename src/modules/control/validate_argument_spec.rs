//! `validate_argument_spec`: checks variables against an argument specification. A role that has one gets it as its first task.

mod check;
mod convert;
mod relations;
mod specification;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{Any, Control, Effect, Failure, Meta, Outcome, StepView, Support};
use crate::value::{Dict, Value};
use specification::Specification;

/// Check variables against an argument specification
///
/// A role with `meta/argument_specs.yml`, or with `argument_specs` in `meta/main.yml`, gets this as its first task, for the entry point
/// that is used (`tasks_from`).
///
/// Each option may say `type` (`str`, `int`, `float`, `bool`, `list`, `dict`, `path`, `raw`, `bytes`, `bits`, `json`), `elements`,
/// `choices`, `required`, `default`, `aliases`, `no_log`, `apply_defaults` and `options`; beside `options` stand
/// `mutually_exclusive`, `required_together`, `required_one_of`, `required_if` and `required_by`. Values are taken from the variables of
/// the same names, and from `provided_arguments`, which come first. They are compared only: no variable gets a default or another type.
///
/// ## Check mode
///
/// Does the same.
///
/// ## Returns
///
/// `msg` and `validate_args_context`; where it failed also `argument_errors` (a list of texts) and `argument_spec_data`.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.validate_argument_spec:
///     argument_spec:
///       k3s_version: {type: str, required: true}
///       k3s_channel: {type: str, choices: [stable, latest]}
/// ```
///
/// ## Differs from Ansible
///
/// Errors show stars where the value of an option with `no_log` would stand.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValidateArgumentSpecArgs {
    /// The options by name, each with what is wanted of it.
    argument_spec: Any,
    /// Values that come before those of variables.
    provided_arguments: Option<Any>,
    /// Where the specification is from; goes into the result as it is.
    validate_args_context: Option<Any>,
}

/// The module `ansible.builtin.validate_argument_spec`.
pub(crate) struct ValidateArgumentSpec;

impl Control for ValidateArgumentSpec {
    type Args = ValidateArgumentSpecArgs;

    const META: Meta = Meta {
        name: "ansible.builtin.validate_argument_spec",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::Pure,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };
    // The names of its variables are known only when the specification is.
    const CONTROLLER: bool = true;

    fn run(args: &ValidateArgumentSpecArgs, step: &dyn StepView) -> Result<Outcome, Failure> {
        let written = dictionary("argument_spec", &args.argument_spec.0)?;
        let specification = Specification::read(written)?;
        let mut values = Dict::new();
        for name in written.keys() {
            if let Some(text) = name.as_str()
                && let Some(value) = step.variable(text)?
            {
                values.insert(text, value);
            }
        }
        let rendered = step.render(&Value::dict(values))?;
        let mut values = dictionary("the variables", &rendered)?.clone();
        if let Some(Any(provided)) = &args.provided_arguments {
            for (name, value) in dictionary("provided_arguments", provided)? {
                values.insert(name.clone(), value.clone());
            }
        }
        let context = args
            .validate_args_context
            .as_ref()
            .map_or_else(|| Value::dict(Dict::new()), |Any(context)| context.clone());
        let errors = check::errors(&specification, values)?;
        if errors.is_empty() {
            return Ok(Outcome::unchanged()
                .with("msg", "The arg spec validation passed")
                .with("validate_args_context", context));
        }
        Err(Failure::new(format!(
            "Validation of arguments failed:\n{}",
            errors.join("\n")
        ))
        .with("argument_errors", errors)
        .with(
            "argument_spec_data",
            args.argument_spec.0.clone().untrusted(),
        )
        .with("validate_args_context", context))
    }
}

fn dictionary<'a>(what: &str, value: &'a Value) -> Result<&'a Dict, Failure> {
    value.as_dict().ok_or_else(|| {
        Failure::new(format!(
            "Incorrect type for {what}, expected dict and got {}",
            value.type_name()
        ))
    })
}

#[cfg(test)]
mod tests;
