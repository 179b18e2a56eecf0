//! `hidden_fields`: what results do not show, such as `metadata.managedFields` or `spec.containers[0].env[3].value`.

use serde_json::Value as Json;

/// Returns the object without these fields. What becomes empty by that goes too.
pub(in crate::modules::kubernetes) fn without(object: &Json, fields: &[String]) -> Json {
    let mut object = object.clone();
    let mut paths: Vec<Vec<String>> = fields.iter().map(|field| parts(field)).collect();
    // Later items of a list go first, so that the numbers of the others stay what they are.
    paths.sort_unstable_by(|one, other| position(other).cmp(&position(one)));
    for path in &paths {
        hide(&mut object, path);
    }
    object
}

fn position(path: &[String]) -> Vec<(u64, &str)> {
    let parts = path.iter();
    parts
        .map(|part| (part.parse().unwrap_or(0), part.as_str()))
        .collect()
}

/// Splits `a.b[c.d][0]` into its parts.
fn parts(field: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = field;
    while !rest.is_empty() {
        let (part, after) = match rest.strip_prefix('[') {
            Some(inner) => inner.split_once(']').unwrap_or((inner, "")),
            None => rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len())),
        };
        parts.push(part.to_owned());
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    parts
}

fn hide(value: &mut Json, path: &[String]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    match value {
        Json::Object(all) => {
            let Some(inner) = all.get_mut(first) else {
                return;
            };
            hide(inner, rest);
            if rest.is_empty() || is_empty(inner) {
                all.shift_remove(first);
            }
        }
        Json::Array(all) => {
            let Some((index, inner)) = first
                .parse::<usize>()
                .ok()
                .and_then(|index| Some((index, all.get_mut(index)?)))
            else {
                return;
            };
            hide(inner, rest);
            if rest.is_empty() || is_empty(inner) {
                all.remove(index);
            }
        }
        _ => {}
    }
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Object(all) => all.is_empty(),
        Json::Array(all) => all.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_hidden_by_their_paths() {
        let object = json!({"metadata": {"name": "x", "managedFields": [1], "annotations": {"a.b/c": "d"}},
            "spec": {"env": ["zero", {"name": "one", "value": 1}, "two", "three"]}});
        let fields = [
            "metadata.managedFields",
            "metadata.annotations[a.b/c]",
            "spec.env[0]",
            "spec.env[1].value",
            "spec.env[2]",
            "spec.env[10]",
            "status.nothing",
        ];
        let fields = fields.map(str::to_owned);
        assert_eq!(
            without(&object, &fields),
            json!({"metadata": {"name": "x"}, "spec": {"env": [{"name": "one"}, "three"]}})
        );
    }
}
