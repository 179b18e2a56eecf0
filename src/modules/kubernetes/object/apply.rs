//! `apply`: what a patch must say so that an object becomes what a task describes, and loses what the description before had.
//!
//! The description before is kept by the object itself, in the annotation of `kubectl apply`. Lists of known places are merged by
//! the key of their items; other lists are replaced.

use serde_json::{Map, Value as Json, json};

use super::{compact, merged};

/// Where the description before is kept.
pub(in crate::modules::kubernetes) const LAST_APPLIED: &str =
    "kubectl.kubernetes.io/last-applied-configuration";

/// Where kinds keep the description of their pods.
const POD_SPECS: &[&str] = &[
    "Pod.spec.",
    "Deployment.spec.template.spec.",
    "DaemonSet.spec.template.spec.",
    "StatefulSet.spec.template.spec.",
    "Job.spec.template.spec.",
    "Cronjob.spec.jobTemplate.spec.template.spec.",
];

/// Returns the name by which the items of a list at that place are told apart, if it is known.
pub(in crate::modules::kubernetes) fn merge_key(place: &str) -> Option<&'static str> {
    match place {
        "Service.spec.ports" => return Some("port"),
        "ServiceAccount.secrets"
        | "ValidatingWebhookConfiguration.webhooks"
        | "MutatingWebhookConfiguration.webhooks" => return Some("name"),
        _ => {}
    }
    let inner = POD_SPECS.iter().find_map(|spec| place.strip_prefix(spec))?;
    let (list, part) = inner.split_once('.').unwrap_or((inner, ""));
    match (list, part) {
        (
            "containers"
            | "initContainers"
            | "ephemeralContainers"
            | "volumes"
            | "imagePullSecrets",
            "",
        ) => Some("name"),
        ("containers" | "initContainers" | "ephemeralContainers", part) => match part {
            "volumeMounts" => Some("mountPath"),
            "volumeDevices" => Some("devicePath"),
            "env" => Some("name"),
            "ports" => Some("containerPort"),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the description with itself as an annotation.
pub(in crate::modules::kubernetes) fn annotated(description: &Json) -> Json {
    let own = json!({"metadata": {"annotations": {LAST_APPLIED: compact(description)}}});
    merged(description, &own)
}

/// Returns the patch that makes the object what is described; nothing where it is that already. The error says what is wrong.
pub(in crate::modules::kubernetes) fn patch(
    actual: &Json,
    wanted: &Json,
) -> Result<Option<Json>, String> {
    let known = actual
        .pointer("/metadata/annotations")
        .and_then(|annotations| annotations.get(LAST_APPLIED)?.as_str())
        .filter(|text| !text.is_empty());
    let Some(known) = known else {
        return Ok(Some(annotated(wanted)));
    };
    let before: Json = serde_json::from_str(known).map_err(|error| {
        format!("the annotation `{LAST_APPLIED}` is no JSON ({error}); remove it")
    })?;
    let place = wanted
        .get("kind")
        .and_then(Json::as_str)
        .unwrap_or_default();
    let patch = change(&annotated(&before), &annotated(wanted), actual, place)?;
    let empty = patch.as_object().is_none_or(Map::is_empty);
    Ok((!empty).then_some(patch))
}

/// What goes since the description before, and what differs from the object.
fn change(before: &Json, wanted: &Json, actual: &Json, place: &str) -> Result<Json, String> {
    let gone = deletions(before, wanted);
    let new = delta(before, actual, wanted, place)?;
    Ok(merged(&gone, &new))
}

fn deletions(before: &Json, wanted: &Json) -> Json {
    let mut patch = Map::new();
    for (name, value) in before.as_object().into_iter().flatten() {
        let now = wanted.get(name).unwrap_or(&Json::Null);
        if value.is_object() && now.is_object() {
            let inner = deletions(value, now);
            if inner.as_object().is_some_and(|inner| !inner.is_empty()) {
                patch.insert(name.clone(), inner);
            }
        } else if value != now {
            patch.insert(name.clone(), now.clone());
        }
    }
    Json::Object(patch)
}

fn delta(before: &Json, actual: &Json, wanted: &Json, place: &str) -> Result<Json, String> {
    let mut patch = Map::new();
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let inner_place = format!("{place}.{name}");
        let is = actual.get(name).unwrap_or(&Json::Null);
        let was = before.get(name).unwrap_or(&Json::Null);
        if is.is_null() {
            patch.insert(name.clone(), value.clone());
        } else if value.is_object() {
            let inner = delta(was, is, value, &inner_place)?;
            if inner.as_object().is_some_and(|inner| !inner.is_empty()) {
                patch.insert(name.clone(), inner);
            }
        } else if let Json::Array(items) = value {
            let list = merged_list(was, is, items, &inner_place)?;
            if !list.is_empty() && is.as_array() != Some(&list) {
                patch.insert(name.clone(), Json::Array(list));
            }
        } else if value != is {
            patch.insert(name.clone(), value.clone());
        }
    }
    Ok(Json::Object(patch))
}

fn merged_list(
    before: &Json,
    actual: &Json,
    wanted: &[Json],
    place: &str,
) -> Result<Vec<Json>, String> {
    let plain = || {
        wanted
            .iter()
            .filter(|item| !item.is_null())
            .cloned()
            .collect()
    };
    let (Some(key), Some(before)) = (merge_key(place), before.as_array()) else {
        return Ok(plain());
    };
    if before.is_empty() {
        return Ok(plain());
    }
    let actual = actual.as_array().map_or(&[][..], Vec::as_slice);
    let find = |list: &[Json], item: &Json| -> Option<Json> {
        list.iter()
            .find(|other| other.get(key) == item.get(key))
            .cloned()
    };
    let mut all = Vec::new();
    for item in wanted {
        if item.get(key).is_none() {
            return Err(format!(
                "Expected key '{key}' not found in position {place}"
            ));
        }
        all.push(match (find(actual, item), find(before, item)) {
            (Some(is), Some(was)) => merged(&is, &change(&was, item, &is, place)?),
            _ => item.clone(),
        });
    }
    let others = actual
        .iter()
        .filter(|item| find(wanted, item).is_none() && find(before, item).is_none());
    all.extend(others.cloned());
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(description: &Json, more: &Json) -> Json {
        merged(&annotated(description), more)
    }

    fn map(data: &Json) -> Json {
        json!({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": data})
    }

    #[test]
    fn what_is_the_same_needs_no_patch() {
        let wanted = map(&json!({"a": "1"}));
        let actual = applied(
            &wanted,
            &json!({"metadata": {"uid": "u"}, "data": {"z": "9"}}),
        );
        assert_eq!(patch(&actual, &wanted).unwrap(), None);
    }

    #[test]
    fn what_the_description_had_before_goes() {
        let actual = applied(
            &map(&json!({"a": "1", "b": "2"})),
            &json!({"data": {"z": "9"}}),
        );
        let change = patch(&actual, &map(&json!({"a": "3"}))).unwrap().unwrap();
        assert_eq!(change["data"], json!({"a": "3", "b": null}));
        assert!(
            change["metadata"]["annotations"][LAST_APPLIED]
                .as_str()
                .unwrap()
                .contains(r#""a":"3""#)
        );
    }

    #[test]
    fn an_object_that_was_never_applied_is_patched_whole() {
        let wanted = map(&json!({"a": "1"}));
        assert_eq!(
            patch(&map(&json!({})), &wanted).unwrap(),
            Some(annotated(&wanted))
        );
    }

    #[test]
    fn items_of_known_lists_are_merged_by_their_key() {
        let service = |ports: Json| json!({"kind": "Service", "spec": {"ports": ports}});
        let before = service(json!([{"port": 80, "name": "a"}, {"port": 81}]));
        let mut actual = annotated(&before);
        actual["spec"]["ports"] =
            json!([{"port": 80, "name": "a", "nodePort": 30000}, {"port": 81}, {"port": 99}]);
        let wanted = service(json!([{"port": 80, "name": "b"}, {"port": 82}]));
        let change = patch(&actual, &wanted).unwrap().unwrap();
        assert_eq!(
            change["spec"]["ports"],
            json!([{"port": 80, "name": "b", "nodePort": 30000}, {"port": 82}, {"port": 99}])
        );
        let wrong = service(json!([{"name": "b"}]));
        assert!(
            patch(&actual, &wrong)
                .unwrap_err()
                .contains("Expected key 'port'")
        );
        assert_eq!(
            merge_key("Deployment.spec.template.spec.containers.env"),
            Some("name")
        );
        assert_eq!(merge_key("Deployment.spec.template.spec.tolerations"), None);
    }
}
