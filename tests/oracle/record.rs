//! ansible-core's answers on disk: `recorded/NAME.json` holds the version that gave it, the hash of the case it was
//! asked, and what was observed. Called by `main`.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::case::Case;
use crate::engine::Engine;

/// The ansible-core whose answers are recorded.
const ANSIBLE_CORE: &str = "2.19.14";

/// Its answer to this very case.
pub(crate) fn read(case: &Case) -> Result<Value, String> {
    let path = path(&case.name);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        format!(
            "{}: {error}: ask ansible-core with `tests/oracle/record`",
            path.display()
        )
    })?;
    let mut record: Value =
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    if record.get("case").and_then(Value::as_str) != Some(&case.hash) {
        return Err("the case has changed since ansible-core was asked: `tests/oracle/record` asks it again".to_owned());
    }
    record
        .get_mut("answer")
        .map(Value::take)
        .ok_or_else(|| format!("{}: no answer in it", path.display()))
}

pub(crate) fn write(case: &Case, engine: &Engine, answer: &Value) -> Result<(), String> {
    let version = engine.ansible_core()?;
    if version != ANSIBLE_CORE {
        return Err(format!(
            "answers come from ansible-core {ANSIBLE_CORE}, and this is {version}"
        ));
    }
    let path = path(&case.name);
    let mut record = json!({"ansible_core": version, "case": case.hash, "answer": answer});
    if !case.roles.is_empty() {
        record["roles"] = case.roles_hash.clone().into();
    }
    let text = serde_json::to_string_pretty(&record).map_err(|error| error.to_string())?;
    std::fs::write(&path, format!("{text}\n"))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Whether ansible-core has to be asked again: it never was, or about another case, or about roles as they were earlier. Those are
/// compared all the same, for a role may change and its answer stay.
pub(crate) fn is_stale(name: &str) -> bool {
    let Ok(case) = Case::load(name) else {
        return true;
    };
    read(&case).is_err() || !has_these_roles(&case)
}

fn has_these_roles(case: &Case) -> bool {
    case.roles.is_empty()
        || std::fs::read_to_string(path(&case.name))
            .ok()
            .and_then(|text| serde_json::from_str::<Value>(&text).ok())
            .is_some_and(|record| record["roles"] == case.roles_hash)
}

fn path(name: &str) -> PathBuf {
    crate::directory()
        .join("recorded")
        .join(format!("{name}.json"))
}
