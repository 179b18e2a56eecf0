//! Compares filters, tests and lookups with ansible-core's recorded answers (`tests/vectors/filters/record.py`).

use crate::diag::Span;
use crate::template::{Scope, Templar};
use crate::value::{Dict, Kind, Value};

/// Cases in which kplay differs on purpose, with the reason.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "'aGVs\\nbG8=' | b64decode",
        "text is Unicode: bytes that are not UTF-8 fail instead of becoming lone surrogates",
    ),
    ("'gA==' | b64decode", "the same"),
    (
        "config | community.general.json_query('merge(server, {host: `1`, new: `{\"b\": 1, \"a\": 2}`})')",
        "the keys of an object that is written as a literal in the expression are sorted",
    ),
];

#[test]
fn answers_are_those_of_ansible() {
    let text = include_str!("../../../tests/vectors/filters/expressions.json");
    let recorded: serde_json::Value = serde_json::from_str(text).unwrap();
    let variables = Value::from_json(recorded["variables"].clone());
    let variables: &Dict = variables.as_dict().unwrap();
    let templar = Templar::new();
    let scope = Scope {
        variables,
        outside: None,
        sources: None,
    };
    let mut wrong = Vec::new();
    let cases = recorded["cases"].as_array().unwrap();
    for case in cases {
        let expression = case[0].as_str().unwrap();
        let expected = case[1].as_str();
        if DIFFERENT.iter().any(|(known, _)| *known == expression) {
            continue;
        }
        let template = Value::template(format!("{{{{ {expression} }}}}"), Span::NONE);
        let answer = templar.render(&template, &scope);
        let shown = answer
            .as_ref()
            .map(|value| match value.kind() {
                Kind::Moment(moment) => moment.to_string(),
                _ => value.to_repr(),
            })
            .map_err(ToString::to_string);
        if shown.as_deref().ok() != expected {
            wrong.push(format!(
                "{expression}\n  expected {}\n  got      {shown:?}",
                expected.unwrap_or("a failure")
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}
