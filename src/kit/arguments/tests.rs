//! Tests of [`super`].

use std::collections::BTreeMap;

use super::*;
use crate::value::Dict;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Present,
    Absent,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Args {
    #[serde(alias = "dest")]
    path: HostPath,
    #[serde(default)]
    force: bool,
    size: Option<u32>,
    #[serde(default)]
    names: Vec<String>,
    state: Option<State>,
    #[serde(default)]
    extra: BTreeMap<String, Any>,
}

fn read(dict: Dict) -> Result<Args, ArgumentError> {
    let expand = |path: &str| path.replace('~', "/root");
    from_value(
        &Value::dict(dict),
        &Coercion {
            expand: Some(&expand),
            ..Coercion::default()
        },
    )
}

#[test]
fn values_are_converted_as_ansible_does() {
    let args = read(
        Dict::new()
            .with("dest", "~/x")
            .with("force", "yes")
            .with("size", "5")
            .with("names", "a, b")
            .with("state", "absent")
            .with("extra", Dict::new().with("k", vec![1, 2])),
    )
    .unwrap();
    assert_eq!(args.path.as_str(), "/root/x");
    assert!(args.force);
    assert_eq!(args.size, Some(5));
    assert_eq!(args.names, ["a", "b"]);
    assert_eq!(args.state, Some(State::Absent));
    assert_eq!(args.extra["k"].0, Value::from(vec![1, 2]));
}

#[test]
fn null_counts_as_not_given() {
    let args = read(Dict::new().with("path", "/x").with("force", Value::NULL)).unwrap();
    assert!(!args.force);
}

#[test]
fn errors_name_argument_value_and_remedy() {
    let error = read(Dict::new().with("path", "/x").with("size", "many")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "argument `size`: must be a whole number, not `'many'`"
    );
    let error = read(Dict::new().with("path", "/x").with("forse", true)).unwrap_err();
    assert_eq!(error.help.as_deref(), Some("did you mean `force`?"));
    assert!(error.unknown);
    let error = read(Dict::new().with("path", "/x").with("state", "abset")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "argument `state`: must be one of present, absent, not `abset`"
    );
    assert_eq!(
        read(Dict::new()).unwrap_err().to_string(),
        "argument `path`: is required"
    );
}

#[test]
fn templates_pass_before_the_run() {
    let template = |text: &str| Value::template(text, Span::NONE);
    let dict = Dict::new()
        .with("path", template("{{ a }}"))
        .with("size", template("{{ b }}"))
        .with("state", template("{{ c }}"));
    let coercion = Coercion {
        templates_pass: true,
        ..Coercion::default()
    };
    from_value::<Args>(&Value::dict(dict), &coercion).unwrap();
    assert!(coercion.passed.get());
}
