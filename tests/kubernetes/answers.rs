//! What tasks answered, without what differs from run to run, and the comparison of two such answers.

use serde_json::Value;

/// What the cluster, the machine or the moment decides, and what each engine words in its own way.
const VOLATILE: &[&str] = &[
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "clusterIP",
    "clusterIPs",
    "timeAdded",
    "updated",
    "duration",
    "command",
    "stdout",
    "stdout_lines",
    "stderr",
    "stderr_lines",
    "warnings",
    "deprecations",
    "invocation",
    "exception",
    "_ansible_no_log",
];

/// What is compared of a task that failed: the words are each engine's own.
const OF_FAILURES: &[&str] = &["failed", "changed", "skipped"];

/// Takes out what differs from run to run.
pub(crate) fn normalise(answers: &mut Value) {
    for (_, answer) in answers.as_object_mut().into_iter().flatten() {
        if answer["failed"] == true
            && let Some(answer) = answer.as_object_mut()
        {
            answer.retain(|name, _| OF_FAILURES.contains(&name.as_str()));
        }
        clean(answer);
    }
}

fn clean(value: &mut Value) {
    match value {
        Value::Object(all) => {
            all.retain(|name, _| !VOLATILE.contains(&name.as_str()));
            all.values_mut().for_each(clean);
            // Its words are each engine's own.
            if let Some(error) = all.get_mut("error") {
                *error = true.into();
            }
            // What holds nothing is as good as missing.
            all.retain(|name, value| {
                let empty = value.as_object().is_some_and(serde_json::Map::is_empty);
                !(empty && (name == "metadata" || name == "diff"))
            });
            all.sort_keys();
        }
        Value::Array(all) => all.iter_mut().for_each(clean),
        _ => {}
    }
}

/// Compares; the error shows each answer that differs.
pub(crate) fn compare(recorded: &Value, found: &Value) -> Result<(), String> {
    let mut wrong = Vec::new();
    let empty = serde_json::Map::new();
    let (recorded, found) = (
        recorded.as_object().unwrap_or(&empty),
        found.as_object().unwrap_or(&empty),
    );
    let names = recorded
        .keys()
        .chain(found.keys().filter(|name| !recorded.contains_key(*name)));
    for name in names {
        let (one, other) = (recorded.get(name), found.get(name));
        if one != other {
            let shown = |value: Option<&Value>| {
                value.map_or("nothing".to_owned(), |value| {
                    serde_json::to_string_pretty(value).unwrap()
                })
            };
            wrong.push(format!(
                "`{name}`, recorded: {}\nfound: {}",
                shown(one),
                shown(other)
            ));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n\n"))
    }
}
