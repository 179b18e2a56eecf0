//! Files and directories of variables, found, read, joined and refused.

#![expect(
    clippy::disallowed_methods,
    reason = "the files stand for the controller's"
)]

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::kit::{Entry, Request};
use crate::template::FakeController;

struct Step {
    controller: FakeController,
    variables: Dict,
}

impl StepView for Step {
    fn render(&self, value: &Value) -> Result<Value, Failure> {
        Ok(value.clone())
    }

    fn expression(&self, text: &Value) -> Result<Value, Failure> {
        let name = text.as_str().unwrap();
        let found = self.variables.get(name).cloned();
        Ok(found.unwrap_or_else(|| Value::undefined(format!("`{name}` is undefined"), Span::NONE)))
    }

    fn variable(&self, name: &str) -> Result<Option<Value>, Failure> {
        Ok(self.variables.get(name).cloned())
    }

    fn condition(&self, _: &Value) -> Result<bool, Failure> {
        Ok(true)
    }

    fn host(&self) -> Arc<str> {
        "h".into()
    }

    fn check(&self) -> bool {
        false
    }

    fn verbosity(&self) -> u8 {
        0
    }

    fn controller(&self) -> Result<&dyn LookupContext, Failure> {
        Ok(&self.controller)
    }
}

struct Case {
    root: tempfile::TempDir,
    variables: Dict,
}

fn case() -> Case {
    let case = Case {
        root: tempfile::tempdir().unwrap(),
        variables: Dict::new(),
    };
    for (name, content) in [
        (
            "vars/a.yml",
            "plain: 1\ntext: '{{ later }}'\nnest: {a: {b: 1}}\n",
        ),
        ("vars/list.yml", "[1]\n"),
        ("vars/no.yml", "false\n"),
        ("vars/empty.yml", "# nothing\n"),
        ("vars/bad.yml", "a: [\n"),
        ("d/one.yml", "x: 1\nsame: one\n"),
        ("d/skip.txt", "z: 1\n"),
        ("d/sub/two.yaml", "y: 2\nsame: two\n"),
        ("role/vars/d/r.json", "{\"r\": 1}\n"),
        ("role/vars/e/f.yml", "f: 1\n"),
    ] {
        let path = case.root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    case
}

impl Case {
    fn run(&self, arguments: serde_json::Value) -> Outcome {
        let mut controller = FakeController::new(self.root.path());
        controller.vaults = vec!["d/one.yml".to_owned()];
        let step = Step {
            controller,
            variables: self.variables.clone(),
        };
        let Entry::Control(entry) = Entry::control::<IncludeVars>() else {
            unreachable!()
        };
        let arguments = &Value::from_json(arguments);
        entry.run(
            Request {
                arguments,
                check: false,
                hold: false,
            },
            &step,
        )
    }

    fn variables(&self, arguments: serde_json::Value) -> serde_json::Value {
        let outcome = self.run(arguments);
        assert!(!outcome.failed, "{:?}", outcome.values);
        let Some(ControllerRequest::IncludeVars(variables)) = outcome.request else {
            panic!("no request")
        };
        Value::dict(variables).to_json()
    }

    fn refusal(&self, arguments: serde_json::Value) -> String {
        let outcome = self.run(arguments);
        assert!(outcome.failed && outcome.request.is_none());
        outcome.values.get("msg").unwrap().to_text()
    }
}

#[test]
fn values_stay_templates_and_files_are_named() {
    let case = case();
    for arguments in [
        json!({ "_raw_params": "a.yml\n" }),
        json!({ "file": "vars/a.yml" }),
    ] {
        let outcome = case.run(arguments);
        let Some(ControllerRequest::IncludeVars(variables)) = &outcome.request else {
            panic!("{outcome:?}")
        };
        assert!(variables.get("text").unwrap().is_trusted());
        let facts = outcome.values.get("ansible_facts").unwrap();
        assert!(facts.get("text").unwrap().is_trusted() && !outcome.changed);
        let path = case.root.path().join("vars/a.yml").display().to_string();
        let files = outcome.values.get("ansible_included_var_files").unwrap();
        assert_eq!(files.to_json(), json!([path]));
    }
}

#[test]
fn a_name_takes_them_together_and_an_empty_file_is_none() {
    let case = case();
    let named = case.variables(json!({ "file": "a.yml", "name": "all" }));
    assert_eq!(named["all"]["plain"], 1);
    assert_eq!(case.variables(json!({ "file": "empty.yml" })), json!({}));
}

#[test]
fn a_merge_goes_deep_and_a_replacement_does_not() {
    let mut case = case();
    let known = Value::from_json(json!({ "a": { "c": 2 }, "k": 1 }));
    case.variables.insert("nest", known);
    let merge = case.variables(json!({ "file": "a.yml", "hash_behaviour": "merge" }));
    assert_eq!(merge["nest"], json!({ "a": { "c": 2, "b": 1 }, "k": 1 }));
    let replace = case.variables(json!({ "file": "a.yml", "hash_behaviour": "replace" }));
    assert_eq!(replace["nest"], json!({ "a": { "b": 1 } }));
}

#[test]
fn directories_are_read_in_order_to_the_wanted_depth() {
    let case = case();
    let all = json!({ "dir": "d", "ignore_unknown_extensions": true });
    assert_eq!(
        case.variables(all),
        json!({ "x": 1, "same": "two", "y": 2 })
    );
    let flat = json!({ "dir": "d", "depth": 1, "ignore_files": "skip.txt" });
    assert_eq!(case.variables(flat), json!({ "x": 1, "same": "one" }));
    let matching = json!({ "dir": "d", "files_matching": "^t" });
    assert_eq!(case.variables(matching), json!({ "y": 2, "same": "two" }));
    let text = json!({ "dir": "d", "extensions": ["txt"], "files_matching": "txt$" });
    assert_eq!(case.variables(text), json!({ "z": 1 }));
}

#[test]
fn the_end_of_a_name_is_what_ignore_files_means() {
    let case = case();
    let some = json!({ "dir": "d", "ignore_files": ["one", "txt", "two.yaml"] });
    assert_eq!(case.variables(some), json!({ "x": 1, "same": "one" }));
}

#[test]
fn what_comes_out_of_a_vault_is_secret() {
    let outcome = case().run(json!({ "dir": "d", "depth": 1, "ignore_files": ["txt"] }));
    let facts = outcome.values.get("ansible_facts").unwrap();
    assert!(facts.get("x").unwrap().is_secret());
}

#[test]
fn a_role_has_its_own_directories() {
    let mut case = case();
    let role = case.root.path().join("role").display().to_string();
    case.variables.insert("role_path", role);
    assert_eq!(case.variables(json!({ "dir": "d" })), json!({ "r": 1 }));
    assert_eq!(
        case.variables(json!({ "dir": "vars/e" })),
        json!({ "f": 1 })
    );
}

#[test]
fn mistakes_are_named() {
    let case = case();
    let root = case.root.path().display().to_string();
    for (arguments, said) in [
        (
            json!({ "file": "list.yml" }),
            "list.yml must be stored as a dictionary/hash".to_owned(),
        ),
        (
            json!({ "file": "no.yml" }),
            "no.yml must be stored as a dictionary/hash".to_owned(),
        ),
        (
            json!({ "file": "none.yml" }),
            format!("searched: `{root}/vars/none.yml`, `{root}/none.yml`"),
        ),
        (
            json!({ "file": "/none.yml" }),
            "no file `/none.yml` on the controller".to_owned(),
        ),
        (
            json!({ "dir": "none" }),
            format!("{root}/none directory does not exist"),
        ),
        (
            json!({ "dir": "d/one.yml" }),
            "is not a directory".to_owned(),
        ),
        (
            json!({ "dir": "d" }),
            "skip.txt does not have a valid extension: yaml, yml, json".to_owned(),
        ),
        (
            json!({ "dir": "d", "file": "a.yml" }),
            "`dir` is for directories".to_owned(),
        ),
        (
            json!({ "depth": 1, "_raw_params": "a.yml" }),
            "`depth` is for directories".to_owned(),
        ),
        (
            json!({ "dir": "d", "ignore_files": ["("] }),
            "argument `ignore_files`: `($` is not".to_owned(),
        ),
        (
            json!({ "dir": "d", "ignore_files": { "a": 1 } }),
            "must be a list, not dict".to_owned(),
        ),
        (json!({}), "needs `file` or `dir`".to_owned()),
    ] {
        let message = case.refusal(arguments.clone());
        assert!(message.contains(&said), "{arguments}: {message}");
    }
    assert!(case.refusal(json!({ "file": "bad.yml" })).len() > 5);
    let outcome = case.run(json!({ "file": "list.yml" }));
    assert!(
        outcome
            .values
            .get("ansible_facts")
            .unwrap()
            .as_dict()
            .unwrap()
            .is_empty()
    );
    assert_eq!(outcome.values.get("message"), outcome.values.get("msg"));
}
