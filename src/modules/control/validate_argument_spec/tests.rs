//! Whole specifications against values. Expected texts are ansible-core's.

use serde_json::json;

use super::*;
use crate::kit::fake::FakeStep;

fn run(specification: &serde_json::Value, values: serde_json::Value) -> Outcome {
    let variables = Value::from_json(values).as_dict().unwrap().clone();
    let arguments =
        json!({"argument_spec": specification, "validate_args_context": {"type": "role"}});
    FakeStep::new()
        .variables(variables)
        .run::<ValidateArgumentSpec>(&Value::from_json(arguments))
}

fn errors(specification: &serde_json::Value, values: serde_json::Value) -> Vec<String> {
    let outcome = run(specification, values);
    let found = outcome.values.get("argument_errors");
    found
        .and_then(Value::as_list)
        .unwrap_or_default()
        .iter()
        .map(Value::to_text)
        .collect()
}

#[test]
fn good_values_pass_and_the_context_is_returned() {
    let outcome = run(
        &json!({"size": {"type": "int", "required": true}, "kind": {"choices": ["a", "b"], "default": "a"}}),
        json!({"size": "3", "other": 1}),
    );
    assert!(!outcome.failed && !outcome.changed);
    assert_eq!(
        outcome.values.get("msg").unwrap().to_text(),
        "The arg spec validation passed"
    );
    assert!(outcome.values.contains("validate_args_context"));
}

#[test]
fn a_failure_returns_the_errors_and_the_specification() {
    let specification = json!({"size": {"type": "int"}});
    let outcome = run(&specification, json!({"size": "many"}));
    assert!(outcome.failed);
    assert_eq!(
        outcome.values.get("msg").unwrap().to_text(),
        "Validation of arguments failed:\nargument 'size' is of type str and we were unable to convert to int: \"'many'\" cannot be converted to an int"
    );
    assert_eq!(
        outcome.values.get("argument_spec_data").unwrap().to_json(),
        specification
    );
}

#[test]
fn types_choices_and_elements_are_checked() {
    assert_eq!(
        errors(
            &json!({
                "cho": {"choices": ["a", "b"]},
                "cho_list": {"type": "list", "choices": ["a", "b"]},
                "ele": {"type": "list", "elements": "int"},
                "noele": {"type": "str", "elements": "str"},
                "truth": {"choices": ["yes", "never"]},
                "need": {"required": true},
                "also": {"required": true},
            }),
            json!({"cho": "c", "cho_list": ["a", "z", "y"], "ele": [1, "x", [2]], "noele": "abc", "truth": "True"}),
        ),
        [
            "missing required arguments: also, need",
            "Elements value for option 'ele' is of type str and we were unable to convert to int: \"'x'\" cannot be converted to an int",
            "Elements value for option 'ele' is of type list and we were unable to convert to int: \"[2]\" cannot be converted to an int",
            "Invalid type str for option 'abc', elements value check is supported only with 'list' type",
            "value of cho must be one of: a, b, got: c",
            "value of cho_list must be one or more of: a, b. Got no match for: z, y",
        ]
    );
}

#[test]
fn options_below_have_types_relations_and_aliases() {
    let below = json!({
        "deep": {"type": "list", "elements": "dict",
            "mutually_exclusive": [["one", "two"]],
            "required_together": [["two", "three"]],
            "required_one_of": [["one", "three"]],
            "required_if": [["k", 5, ["three", "one"]], ["k", 6, ["two", "three"], true]],
            "required_by": {"one": "three"},
            "options": {"k": {"type": "int"}, "one": {"type": "int"}, "two": {}, "three": {"aliases": ["drei"]}}},
    });
    assert_eq!(
        errors(
            &below,
            json!({"deep": [{"k": "5", "z": 1}, {"one": 1, "two": 2}, {"k": 6, "one": 1, "drei": 3}]})
        ),
        [
            "one of the following is required: one, three found in deep",
            "k is 5 but all of the following are missing: three, one found in deep",
            "parameters are mutually exclusive: one|two found in deep",
            "parameters are required together: two, three found in deep",
            "missing parameter(s) required by 'one': three found in deep",
            "parameters are required together: two, three found in deep",
            "deep.z. Supported parameters include: k, one, three, two (drei).",
        ]
    );
    assert_eq!(
        errors(&below, json!({"deep": [7]})),
        [
            "Value '7' in the sub parameter field 'deep' must be a list, not 'int'",
            "Elements value for option 'deep' is of type int and we were unable to convert to dict: <class 'int'> cannot be converted to a dict",
        ]
    );
}

#[test]
fn a_required_option_with_a_default_is_a_fault_of_the_specification() {
    assert_eq!(
        errors(
            &json!({"both": {"required": true, "default": 1}}),
            json!({})
        ),
        ["internal error: required and default are mutually exclusive for both"]
    );
}

#[test]
fn values_of_no_log_options_are_stars() {
    let found = errors(
        &json!({"password": {"no_log": true, "choices": ["a"]}, "user": {"choices": ["x"]}}),
        json!({"password": "hunter2", "user": "admin"}),
    );
    assert_eq!(
        found,
        [
            "value of password must be one of: a, got: ********",
            "value of user must be one of: x, got: admin"
        ]
    );
}

#[test]
fn what_is_no_specification_fails() {
    for specification in [
        json!("text"),
        json!({"x": "text"}),
        json!({"x": {"options": 5}}),
        json!({"x": {"fallback": ["env"]}}),
        json!({"x": {"type": "dict", "options": {}, "required_if": [[1]]}}),
    ] {
        let outcome = run(&specification, json!({"x": {}}));
        assert!(outcome.failed);
        assert!(!outcome.values.contains("argument_errors"));
    }
}
