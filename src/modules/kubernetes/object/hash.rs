//! `append_hash`: the end of the name of a `ConfigMap` or `Secret` that changes with its content, the same as Ansible's.

use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use super::{ascii, metadata, sorted};

/// Appends the hash to the object's name, if it is of a kind that takes one.
pub(in crate::modules::kubernetes) fn append(object: &mut Json) {
    let kind = object
        .get("kind")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let parts: &[&str] = match kind {
        "ConfigMap" => &["data", "kind", "name"],
        "Secret" => &["data", "kind", "name", "type"],
        _ => return,
    };
    let named = if metadata(object, "name").is_some_and(|name| !name.is_empty()) {
        "name"
    } else {
        "generateName"
    };
    let Some(name) = metadata(object, named).map(str::to_owned) else {
        return;
    };
    let mut content = Map::new();
    for part in parts {
        let (part, value) = match *part {
            "name" => (named, Json::from(name.as_str())),
            part => (
                part,
                object.get(part).map_or_else(|| Json::from(""), sorted),
            ),
        };
        content.insert(part.to_owned(), value);
    }
    let digest = Sha256::digest(ascii(&Json::Object(content).to_string()).as_bytes());
    let hash: String = digest
        .iter()
        .flat_map(|byte| format!("{byte:02x}").chars().collect::<Vec<_>>())
        .take(10)
        .map(|digit| match digit {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            other => other,
        })
        .collect();
    if let Some(place) = object.pointer_mut(&format!("/metadata/{named}")) {
        *place = Json::from(format!("{name}-{hash}"));
    }
}
