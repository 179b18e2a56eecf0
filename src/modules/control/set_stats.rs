//! `set_stats`: statistics of the run, shown at its end.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Any, Control, ControllerRequest, Effect, Failure, Meta, Outcome, StepView, Support,
};
use crate::value::{Dict, Kind, Value, is_variable_name};

/// Set statistics of the run, shown at its end
///
/// ## Check mode
///
/// Does the same.
///
/// ## Returns
///
/// `ansible_stats`: `data`, `per_host` and `aggregate`.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.set_stats:
///     data:
///       packages_upgraded: 3
///     per_host: true
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetStatsArgs {
    /// Names and values.
    data: Option<Any>,
    /// Counts them for the host instead of the whole run.
    per_host: Option<Any>,
    /// Adds to a value that exists instead of taking its place (so it is unless this says otherwise): numbers, texts and lists are
    /// added, dictionaries joined.
    aggregate: Option<Any>,
}

/// As in Ansible, what is no truth value counts as false.
fn flag(given: Option<&Any>, default: bool) -> bool {
    given.map_or(default, |Any(value)| match value.kind() {
        Kind::Bool(flag) => *flag,
        _ => matches!(
            value.to_text().to_lowercase().as_str(),
            "y" | "yes" | "on" | "1" | "true" | "t" | "1.0"
        ),
    })
}

/// The module `ansible.builtin.set_stats`.
pub(crate) struct SetStats;

impl Control for SetStats {
    type Args = SetStatsArgs;

    const META: Meta = Meta {
        name: "ansible.builtin.set_stats",
        aliases: &[],
        family: "control",
        since: "0.1.0",
        effect: Effect::Pure,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn run(args: &SetStatsArgs, _step: &dyn StepView) -> Result<Outcome, Failure> {
        let mut data = Dict::new();
        if let Some(Any(given)) = &args.data {
            let Some(given_data) = given.as_dict() else {
                return Err(Failure {
                    span: given.origin(),
                    ..Failure::new("The 'data' option needs to be a dictionary/hash")
                });
            };
            for (name, value) in given_data {
                let shown = name.to_value().to_text();
                if !name.as_str().is_some_and(is_variable_name) {
                    return Err(Failure::new(format!(
                        "Invalid variable name '{shown}': it must begin with a letter or underscore and hold only letters, digits and underscores"
                    )));
                }
                data.insert(name.clone(), value.clone());
            }
        }
        let per_host = flag(args.per_host.as_ref(), false);
        let aggregate = flag(args.aggregate.as_ref(), true);
        let stats = Dict::new()
            .with("data", Value::dict(data.clone()))
            .with("per_host", per_host)
            .with("aggregate", aggregate);
        Ok(Outcome::unchanged()
            .with("ansible_stats", Value::dict(stats))
            .request(ControllerRequest::SetStats {
                data,
                per_host,
                aggregate,
            }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeStep;

    fn run(arguments: serde_json::Value) -> Outcome {
        FakeStep::new().run::<SetStats>(&Value::from_json(arguments))
    }

    #[test]
    fn aggregates_unless_told_otherwise() {
        let outcome = run(serde_json::json!({ "data": { "a": 1 }, "per_host": "yes" }));
        let data = Dict::new().with("a", 1);
        assert_eq!(
            outcome.request,
            Some(ControllerRequest::SetStats {
                data,
                per_host: true,
                aggregate: true
            })
        );
        assert!(!outcome.changed && !outcome.failed);
        let stats = outcome.values.get("ansible_stats").unwrap();
        assert_eq!(stats.get("aggregate").and_then(Value::as_bool), Some(true));
        let outcome = run(serde_json::json!({ "aggregate": "x" }));
        assert!(matches!(
            outcome.request,
            Some(ControllerRequest::SetStats { aggregate: false, data, .. }) if data.is_empty()
        ));
    }

    #[test]
    fn data_must_be_a_dictionary_with_names_of_variables() {
        for bad in [
            serde_json::json!({ "data": [1] }),
            serde_json::json!({ "data": "foo" }),
            serde_json::json!({ "data": { "a-b": 1 } }),
        ] {
            let outcome = run(bad.clone());
            assert!(outcome.failed && outcome.request.is_none(), "{bad}");
        }
    }
}
