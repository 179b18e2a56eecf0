//! The `subelements` lookup: each dictionary of a list with each item of a list inside it.

use super::options::failed;
use super::{LookupCall, Results};
use crate::template::call::Keyword;
use crate::template::error::TemplateError;
use crate::template::filters::missing::is_truth_word;
use crate::value::{Dict, Kind, Value};

/// `subelements(list, 'dotted.key', {skip_missing: false})`. The list that was gone through is no longer in the dictionary.
pub(super) fn subelements(terms: Vec<Value>, _: Vec<Keyword>, call: &LookupCall<'_>) -> Results {
    let wrong = |message: &str| failed(call.name, message);
    let (subject, path, flags) = match terms.as_slice() {
        [subject, path] => (subject, path, None),
        [subject, path, flags] => (subject, path, Some(flags)),
        _ => return Err(wrong("it needs a list, a key and, if wanted, flags")),
    };
    let Some(path) = path.as_str() else {
        return Err(wrong("the key must be text"));
    };
    let elements: Vec<Value> = match subject.kind() {
        Kind::List(items) => items.to_vec(),
        Kind::Dict(dict) if is_skipped(dict) => return Ok(Vec::new()),
        Kind::Dict(dict) => dict.values().cloned().collect(),
        _ => return Err(wrong("it needs a list or a dictionary first")),
    };
    let skip_missing = match flags.map(|flags| flags.as_dict().ok_or(flags)) {
        None => false,
        Some(Ok(flags)) => flags
            .get("skip_missing")
            .is_some_and(|flag| is_truth_word(flag).unwrap_or(false)),
        Some(Err(_)) => return Err(wrong("the flags must be a dictionary with `skip_missing`")),
    };
    let keys: Vec<&str> = path.split('.').collect();
    let mut results = Vec::new();
    for element in elements {
        let Some(dict) = element.as_dict() else {
            let shown = element.type_name();
            return Err(wrong(&format!("an item must be a dictionary, not {shown}")));
        };
        if is_skipped(dict) {
            continue;
        }
        let Some(found) = find(dict, &keys, skip_missing, call)? else {
            continue;
        };
        let rest = without(dict, &found.path);
        let rest = Value::dict(rest)
            .with_marks(element.marks())
            .with_origin(element.origin());
        for item in found.items {
            results.push(Value::tuple([rest.clone(), item]));
        }
    }
    Ok(results)
}

/// A registered result that says it was skipped.
fn is_skipped(dict: &Dict) -> bool {
    dict.get("skipped")
        .is_some_and(|skipped| skipped.as_bool() != Some(false))
}

struct Inner<'a> {
    path: Vec<&'a str>,
    items: Vec<Value>,
}

/// Follows the keys. With `skip_missing` a key that leads nowhere is passed over and the next one is tried at the same level.
fn find<'a>(
    dict: &Dict,
    keys: &[&'a str],
    skip_missing: bool,
    call: &LookupCall<'_>,
) -> Result<Option<Inner<'a>>, TemplateError> {
    let mut level = dict;
    let mut path = Vec::new();
    for key in keys {
        let last = Some(key) == keys.last();
        match level.get(key).map(Value::kind) {
            None if skip_missing => {}
            None => {
                return Err(failed(call.name, format!("there is no `{key}` in an item")));
            }
            Some(Kind::List(items)) if last => {
                path.push(*key);
                let items = items.to_vec();
                return Ok(Some(Inner { path, items }));
            }
            Some(_) if last => {
                return Err(failed(
                    call.name,
                    format!("`{key}` of an item must be a list"),
                ));
            }
            Some(Kind::Dict(inner)) => {
                path.push(*key);
                level = inner;
            }
            Some(_) if skip_missing => {}
            Some(_) => {
                let message = format!("`{key}` of an item must be a dictionary");
                return Err(failed(call.name, message));
            }
        }
    }
    Ok(None)
}

/// Returns the dictionary without what stands at the path.
fn without(dict: &Dict, path: &[&str]) -> Dict {
    let mut rest = dict.clone();
    match path {
        [] => {}
        [key] => {
            rest.remove(key);
        }
        [key, deeper @ ..] => {
            if let Some(inner) = dict.get(key).and_then(Value::as_dict) {
                rest.insert(*key, Value::dict(without(inner, deeper)));
            }
        }
    }
    rest
}
