//! Hundreds of templates against the answers that ansible-core gave (`tests/vectors/template`).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use super::{
    FileKind, FileSettings, FileStatus, LookupContext, Scope, ShellOutput, Templar, TemplateError,
};
use crate::diag::{FileId, Span};
use crate::value::{Dict, Key, Value};

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/template/files");
const VARIABLES: &str = include_str!("../../tests/vectors/template/variables.json");
const RECORDED: &str = include_str!("../../tests/vectors/template/expressions.json");

/// What differs on purpose.
const BETTER: [&str; 3] = [
    // Jinja reads this as the attribute `e3` of 1; here it cannot be read.
    "1.e3",
    "(1 if no) | default('d')",
    // ansible-core fails as soon as `items()` is called on a dictionary with an undefined value.
    "{% for k, v in lazy_dict.items() %}{{ k }}{{ v | default('?') }};{% endfor %}",
];

/// A controller that has the template files of the vectors and nothing else.
struct Files;

impl LookupContext for Files {
    fn search_path(&self) -> Vec<PathBuf> {
        vec![FILES.into()]
    }

    fn find_file(&self, _kind: FileKind, name: &str) -> Result<Option<PathBuf>, TemplateError> {
        let path = Path::new(FILES).join(name);
        Ok(path.exists().then_some(path))
    }

    fn read(&self, path: &Path) -> Result<(Vec<u8>, bool), TemplateError> {
        std::fs::read(path)
            .map(|bytes| (bytes, false))
            .map_err(|error| TemplateError::new(error.to_string()))
    }

    fn load(&self, path: &Path) -> Result<Value, TemplateError> {
        Err(TemplateError::new(format!(
            "`{}` is no variable file",
            path.display()
        )))
    }

    fn sops(
        &self,
        path: &Path,
        _content: Option<&[u8]>,
        _reading: &crate::sops::Reading,
        _keys: crate::secrets::AgeSettings,
    ) -> Result<Vec<u8>, TemplateError> {
        self.read(path).map(|(content, _)| content)
    }

    fn load_sops(
        &self,
        path: &Path,
        _keys: crate::secrets::AgeSettings,
    ) -> Result<Value, TemplateError> {
        self.load(path)
    }

    fn list(&self, _path: &Path) -> Result<Vec<String>, TemplateError> {
        Ok(Vec::new())
    }

    fn status(&self, _path: &Path) -> Option<FileStatus> {
        None
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    fn shell(&self, _command: &str) -> Result<ShellOutput, TemplateError> {
        Err(TemplateError::new("no shell here"))
    }

    fn write(&self, _path: &Path, _content: &[u8]) -> Result<(), TemplateError> {
        Err(TemplateError::new("read only"))
    }

    fn environment(&self, _name: &str) -> Option<String> {
        None
    }

    fn home(&self, _user: Option<&str>) -> Option<PathBuf> {
        None
    }

    fn setting(&self, _name: &str) -> Option<Value> {
        None
    }

    fn hosts(&self, _pattern: &str) -> Result<Vec<Arc<str>>, TemplateError> {
        Ok(Vec::new())
    }

    fn fetch(&self, _url: &str, _options: &Dict) -> Result<Vec<u8>, TemplateError> {
        Err(TemplateError::new("no network here"))
    }

    fn decrypt(&self, _text: &str) -> Result<Vec<u8>, TemplateError> {
        Err(TemplateError::new("no vault here"))
    }

    fn user_name(&self, _number: u32) -> Option<String> {
        None
    }

    fn host_name(&self) -> String {
        "controller".to_owned()
    }

    fn now(&self) -> (i64, u32) {
        (1_700_000_000, 0)
    }
}

fn variables() -> Dict {
    let json: Json = serde_json::from_str(VARIABLES).unwrap();
    let trusted = trusted(Value::from_json(json));
    let mut dict = trusted.as_dict().unwrap().clone();
    dict.insert(
        "big",
        super::literal::number("123456789012345678901234567890").unwrap(),
    );
    dict
}

fn trusted(value: Value) -> Value {
    value.map(&mut |value| match value.as_str() {
        Some(text) => Value::template(text, Span::NONE),
        None => value,
    })
}

/// The recorder's shape of a value.
fn plain(value: &Value) -> Json {
    use crate::value::Kind;
    match value.kind() {
        Kind::Dict(dict) => {
            let pairs: Vec<Json> = dict
                .iter()
                .map(|(key, item)| Json::Array(vec![plain(&key.to_value()), plain(item)]))
                .collect();
            serde_json::json!({ "dict": pairs })
        }
        Kind::List(items) => items.iter().map(plain).collect(),
        Kind::Tuple(_) => Json::String("a tuple left the template".to_owned()),
        Kind::Float(_) => serde_json::json!({ "float": value.to_repr() }),
        Kind::Big(_) => serde_json::json!({ "int": value.to_repr() }),
        Kind::Int(int) if int.unsigned_abs() >= 1 << 53 => {
            serde_json::json!({ "int": value.to_repr() })
        }
        Kind::Null | Kind::Bool(_) | Kind::Int(_) | Kind::Str(_) => value.to_json(),
        other => Json::String(format!("{other:?}")),
    }
}

fn settings(json: &Json) -> FileSettings {
    let mut settings = FileSettings::default();
    for (name, value) in json.as_object().unwrap() {
        let text = || value.as_str().unwrap().to_owned().into();
        match name.as_str() {
            "trim_blocks" => settings.trim_blocks = value.as_bool().unwrap(),
            "lstrip_blocks" => settings.lstrip_blocks = value.as_bool().unwrap(),
            "variable_start_string" => settings.variable_start = text(),
            "variable_end_string" => settings.variable_end = text(),
            "comment_start_string" => settings.comment_start = text(),
            "comment_end_string" => settings.comment_end = text(),
            other => panic!("{other}"),
        }
    }
    settings
}

#[test]
fn templates_give_what_ansible_gave() {
    let recorded: Json = serde_json::from_str(RECORDED).unwrap();
    let cases = recorded["cases"].as_array().unwrap();
    assert!(cases.len() > 300);
    let variables = variables();
    let scope = Scope {
        variables: &variables,
        outside: Some(&Files),
        sources: None,
    };
    let templar = Templar::new();
    let mut differences = Vec::new();
    for case in cases {
        let origin = Span::new(FileId(1), 1, 1, 0);
        let (kind, text, result) = if let Some(text) = case["expression"].as_str() {
            (
                "expression",
                text.to_owned(),
                templar.expression(text, origin, &scope),
            )
        } else if let Some(text) = case["render"].as_str() {
            (
                "render",
                text.to_owned(),
                templar.render(&Value::template(text, origin), &scope),
            )
        } else if let Some(text) = case["file"].as_str() {
            (
                "file",
                text.to_owned(),
                templar.render_file(text, origin, &settings(&case["settings"]), &scope),
            )
        } else {
            let condition = trusted(Value::from_json(case["condition"].clone()));
            let result = templar.condition(&condition, &scope).map(Value::from);
            ("condition", case["condition"].to_string(), result)
        };
        let ours = match &result {
            Ok(value) => serde_json::json!({ "gives": plain(value) }),
            Err(error) if error.is_undefined() => serde_json::json!({ "fails": "undefined" }),
            Err(_) => serde_json::json!({ "fails": "error" }),
        };
        let same = match (case.get("fails"), ours.get("fails")) {
            (Some(_), Some(_)) => case["fails"] == ours["fails"] || case["fails"] == "error",
            (None, None) => case["gives"] == ours["gives"],
            _ => false,
        };
        if !same && !BETTER.contains(&text.as_str()) {
            let wanted = case.get("gives").unwrap_or(&case["fails"]);
            let got = result.map_or_else(
                |error| format!("error: {error}"),
                |value| plain(&value).to_string(),
            );
            differences.push(format!(
                "{kind} {text:?}\n    ansible: {wanted}\n    kplay:   {got}"
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

#[test]
fn the_clock_is_the_controllers() {
    let variables = Dict::new();
    let scope = Scope {
        variables: &variables,
        outside: Some(&Files),
        sources: None,
    };
    let render = |text: &str| {
        Templar::new()
            .render(&Value::template(text, Span::NONE), &scope)
            .unwrap()
    };
    assert_eq!(
        render("{{ now(utc=true) }}").to_text(),
        "2023-11-14 22:13:20"
    );
    assert_eq!(render("{{ now(true, '%Y/%m') }}").to_text(), "2023/11");
}

#[test]
fn keys_of_the_recorder_are_read() {
    assert_eq!(
        plain(&Value::dict(Dict::new().with(Key::Int(1), 2))),
        serde_json::json!({ "dict": [[1, 2]] })
    );
}
