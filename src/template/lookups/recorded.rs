//! Lookups against the answers that ansible-core gave (`tests/vectors/lookups`).

use std::path::Path;

use serde_json::Value as Json;

use super::fake::FakeController;
use crate::diag::Span;
use crate::template::{Scope, Templar};
use crate::value::{Dict, Value};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/lookups/files");
const VARIABLES: &str = include_str!("../../../tests/vectors/lookups/variables.json");
const RECORDED: &str = include_str!("../../../tests/vectors/lookups/answers.json");

/// What differs on purpose, and why.
const BETTER: [(&str, &str); 2] = [
    (
        "[\"fileglob\",[\"confs/*.conf\"]]",
        "there in the order of the directory, here sorted",
    ),
    (
        "[\"inventory_hostnames\",[\"all\"]]",
        "the recorder's inventory is another one for loops",
    ),
];

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn controller(root: &Path) -> FakeController {
    let mut controller = FakeController::new(root);
    for (name, value) in [("KPLAY_WORD", "from outside"), ("KPLAY_EMPTY", "")] {
        controller
            .environment
            .insert(name.to_owned(), value.to_owned());
    }
    controller
        .settings
        .insert("DEFAULT_FORKS".to_owned(), Value::from(5));
    for (pattern, hosts) in [
        ("all", ["h1", "h2", "h3"].as_slice()),
        ("web", &["h1", "h2"]),
        ("all:!db", &["h1", "h2"]),
        ("web,db", &["h1", "h2", "h3"]),
    ] {
        let hosts = hosts.iter().map(|host| (*host).into()).collect();
        controller.hosts.insert(pattern.to_owned(), hosts);
    }
    controller
}

fn trusted(json: &Json) -> Value {
    Value::from_json(json.clone()).map(&mut |value| match value.as_str() {
        Some(text) => Value::template(text, Span::NONE),
        None => value,
    })
}

#[test]
fn answers_are_those_of_ansible_core() {
    let recorded: Json = serde_json::from_str(RECORDED).unwrap();
    let cases = recorded["cases"].as_array().unwrap();
    let root = tempfile::tempdir().unwrap();
    let root = root.path().join("files");
    copy(Path::new(FOLDER), &root);
    let controller = controller(&root);
    let variables: Json = serde_json::from_str(VARIABLES).unwrap();
    let variables: Dict = trusted(&variables).as_dict().unwrap().clone();
    let scope = Scope {
        variables: &variables,
        outside: Some(&controller),
        sources: None,
    };
    let templar = Templar::new();
    let folder = root.display().to_string();
    let mut differences = Vec::new();
    for case in cases {
        let (shown, result) = if let Some(text) = case["expression"].as_str() {
            (
                text.to_owned(),
                templar.expression(text, Span::NONE, &scope),
            )
        } else {
            let terms = trusted(&case["loop"][1]);
            let name = case["loop"][0].as_str().unwrap();
            let items = templar.loop_lookup(name, &terms, &scope);
            (case["loop"].to_string(), items.map(Value::list))
        };
        let ours = match result {
            Ok(value) => {
                let text = value.to_json().to_string().replace(&folder, "@");
                serde_json::json!({ "gives": serde_json::from_str::<Json>(&text).unwrap() })
            }
            Err(error) if error.is_undefined() => {
                serde_json::json!({ "fails": "undefined", "says": error.to_string() })
            }
            Err(error) => serde_json::json!({ "fails": "error", "says": error.to_string() }),
        };
        let same = case.get("gives") == ours.get("gives") && case.get("fails") == ours.get("fails");
        let better = BETTER.iter().any(|(text, _)| *text == shown);
        if same && better {
            differences.push(format!(
                "{shown}\n    is listed as different and is the same"
            ));
        }
        if !same && !better {
            let wanted = case.get("gives").unwrap_or(&case["says"]);
            differences.push(format!(
                "{shown}\n    ansible: {wanted}\n    kplay:   {ours}"
            ));
        }
    }
    assert!(
        differences.is_empty(),
        "{} of {}:\n{}",
        differences.len(),
        cases.len(),
        differences.join("\n")
    );
}
