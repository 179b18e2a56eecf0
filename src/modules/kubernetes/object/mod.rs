//! Objects as tasks describe them and as the API has them: where descriptions come from, what differs, what a patch must say.

pub(super) mod apply;
pub(super) mod definition;
pub(super) mod difference;
pub(super) mod hash;
pub(super) mod hidden;
pub(super) mod selector;

use serde_json::Value as Json;

/// Returns a text of an object's metadata.
pub(super) fn metadata<'j>(object: &'j Json, name: &str) -> Option<&'j str> {
    object.get("metadata")?.get(name)?.as_str()
}

/// Merges one object over another, as Ansible does: dictionaries are merged, everything else is replaced.
pub(super) fn merged(below: &Json, above: &Json) -> Json {
    let (Json::Object(below), Json::Object(above)) = (below, above) else {
        return above.clone();
    };
    let mut all = below.clone();
    for (name, value) in above {
        let value = match all.get(name) {
            Some(known @ Json::Object(_)) => merged(known, value),
            _ => value.clone(),
        };
        all.insert(name.clone(), value);
    }
    Json::Object(all)
}

/// Writes JSON as Python's `json.dumps` does with sorted names, no spaces, and nothing but ASCII.
pub(super) fn compact(value: &Json) -> String {
    ascii(&sorted(value).to_string())
}

/// Returns the same with all names sorted.
fn sorted(value: &Json) -> Json {
    match value {
        Json::Object(all) => {
            let mut all = all.clone();
            all.sort_keys();
            let all = all.into_iter();
            all.map(|(name, value)| (name, sorted(&value))).collect()
        }
        Json::Array(all) => all.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// Writes what is not ASCII as JSON's escapes.
pub(super) fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character);
            continue;
        }
        let mut units = [0; 2];
        for unit in character.encode_utf16(&mut units) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dictionaries_are_merged_and_lists_replaced() {
        let below = json!({"a": {"x": 1, "y": [1]}, "b": 2});
        let above = json!({"a": {"y": [2]}, "c": 3});
        assert_eq!(
            merged(&below, &above),
            json!({"a": {"x": 1, "y": [2]}, "b": 2, "c": 3})
        );
    }

    #[test]
    fn json_is_written_as_python_writes_it() {
        let value = json!({"b": [1.5, true, null], "a": "é😀\n"});
        assert_eq!(
            compact(&value),
            r#"{"a":"\u00e9\ud83d\ude00\n","b":[1.5,true,null]}"#
        );
    }
}
