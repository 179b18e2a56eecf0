//! What differs between an object before and after, in both directions: `changed` and the `diff` of a result.

use serde_json::{Map, Value as Json};

use super::apply::merge_key;

/// What only one of two objects has or has otherwise.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::modules::kubernetes) struct Difference {
    pub(in crate::modules::kubernetes) before: Json,
    pub(in crate::modules::kubernetes) after: Json,
}

impl Difference {
    /// Tells whether nothing differs but what the API counts by itself.
    pub(in crate::modules::kubernetes) fn is_idle(&self) -> bool {
        [&self.before, &self.after].into_iter().all(|side| {
            side.as_object().is_some_and(|side| {
                let metadata = side.get("metadata").and_then(Json::as_object);
                side.len() == 1
                    && metadata.is_some_and(|metadata| {
                        metadata
                            .keys()
                            .all(|name| name == "generation" || name == "resourceVersion")
                    })
            })
        })
    }
}

/// Compares two objects; nothing where they are the same.
pub(in crate::modules::kubernetes) fn of(before: &Json, after: &Json) -> Option<Difference> {
    let kind = |object: &Json| object.get("kind").and_then(Json::as_str).map(str::to_owned);
    let place = kind(before).filter(|known| kind(after).as_ref() == Some(known));
    of_objects(before, after, place.as_deref().unwrap_or_default())
}

fn of_objects(before: &Json, after: &Json, place: &str) -> Option<Difference> {
    let empty = Map::new();
    let left = before.as_object().unwrap_or(&empty);
    let right = after.as_object().unwrap_or(&empty);
    let (mut gone, mut new) = (Map::new(), Map::new());
    for (name, value) in left {
        let Some(other) = right.get(name) else {
            gone.insert(name.clone(), value.clone());
            continue;
        };
        if let Some(difference) = of_values(value, other, &format!("{place}.{name}")) {
            gone.insert(name.clone(), difference.before);
            new.insert(name.clone(), difference.after);
        }
    }
    let added = right.iter().filter(|(name, _)| !left.contains_key(*name));
    new.extend(added.map(|(name, value)| (name.clone(), value.clone())));
    (!gone.is_empty() || !new.is_empty()).then(|| Difference {
        before: Json::Object(gone),
        after: Json::Object(new),
    })
}

fn of_values(before: &Json, after: &Json, place: &str) -> Option<Difference> {
    match (before, after) {
        (Json::Object(_), Json::Object(_)) => of_objects(before, after, place),
        (Json::Array(left), Json::Array(right)) => match merge_key(place) {
            Some(key) => of_lists(left, right, key, place),
            None => whole(before, after),
        },
        _ => whole(before, after),
    }
}

fn whole(before: &Json, after: &Json) -> Option<Difference> {
    (before != after).then(|| Difference {
        before: before.clone(),
        after: after.clone(),
    })
}

/// Compares lists whose items are told apart by a key; the key stays with what differs.
fn of_lists(left: &[Json], right: &[Json], key: &str, place: &str) -> Option<Difference> {
    let find = |list: &[Json], item: &Json| -> Option<Json> {
        list.iter()
            .find(|other| other.get(key) == item.get(key))
            .cloned()
    };
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    for item in left {
        let Some(other) = find(right, item) else {
            gone.push(item.clone());
            continue;
        };
        if let Some(difference) = of_objects(item, &other, place) {
            for (side, mut part) in [(&mut gone, difference.before), (&mut new, difference.after)] {
                if let (Some(part), Some(value)) = (part.as_object_mut(), item.get(key)) {
                    part.insert(key.to_owned(), value.clone());
                }
                side.push(part);
            }
        }
    }
    new.extend(
        right
            .iter()
            .filter(|item| find(left, item).is_none())
            .cloned(),
    );
    (!gone.is_empty() || !new.is_empty()).then(|| Difference {
        before: Json::Array(gone),
        after: Json::Array(new),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let before = json!({"kind": "X", "a": 1, "b": {"c": 1, "d": 2}, "list": [1]});
        let after = json!({"kind": "X", "b": {"c": 1, "d": 3}, "list": [1, 2], "e": true});
        let difference = of(&before, &after).unwrap();
        assert_eq!(
            difference.before,
            json!({"a": 1, "b": {"d": 2}, "list": [1]})
        );
        assert_eq!(
            difference.after,
            json!({"b": {"d": 3}, "list": [1, 2], "e": true})
        );
        assert!(!difference.is_idle());
        assert_eq!(of(&before, &before), None);
    }

    #[test]
    fn items_of_known_lists_are_compared_by_their_key() {
        let pod = |image: &str| json!({"kind": "Pod", "spec": {"containers": [{"name": "a", "image": image}, {"name": "b"}]}});
        let difference = of(&pod("1"), &pod("2")).unwrap();
        assert_eq!(
            difference.after,
            json!({"spec": {"containers": [{"image": "2", "name": "a"}]}})
        );
    }

    #[test]
    fn counters_of_the_api_are_no_change() {
        let object = |version: &str| json!({"kind": "X", "metadata": {"resourceVersion": version}});
        assert!(of(&object("1"), &object("2")).unwrap().is_idle());
    }
}
