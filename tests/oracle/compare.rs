//! The differences between two answers, each with its path. Called by `main`.

use std::fmt;

use serde_json::{Map, Value};

use crate::case::Allowance;

/// Stands in a recorded answer for any path: engines keep their temporary files where they like.
const TEMPORARY_PATH: &str = "<temporary path>";

/// How much of a value a report shows.
const SHOWN: usize = 600;

pub(crate) struct Difference {
    pub(crate) at: String,
    recorded: Option<Value>,
    observed: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(Value::String(recorded)), Some(Value::String(observed))) =
            (&self.recorded, &self.observed)
            && (recorded.contains('\n') || observed.contains('\n'))
        {
            let (mut recorded, mut observed) = (recorded.lines(), observed.lines());
            let mut number = 0;
            loop {
                number += 1;
                let (left, right) = (recorded.next(), observed.next());
                if left != right || left.is_none() {
                    return write!(
                        formatter,
                        "{}, line {number}:\n    ansible-core: {}\n    here:         {}",
                        self.at,
                        left.map_or_else(|| "no such line".to_owned(), |line| format!("{line:?}")),
                        right.map_or_else(|| "no such line".to_owned(), |line| format!("{line:?}")),
                    );
                }
            }
        }
        let show = |value: &Option<Value>| {
            let text = value
                .as_ref()
                .map_or_else(|| "nothing".to_owned(), Value::to_string);
            if text.chars().count() > SHOWN {
                text.chars().take(SHOWN).chain("...".chars()).collect()
            } else {
                text
            }
        };
        write!(
            formatter,
            "{}:\n    ansible-core: {}\n    here:         {}",
            self.at,
            show(&self.recorded),
            show(&self.observed)
        )
    }
}

/// Every place where `observed` is not `recorded`.
pub(crate) fn differences(recorded: &Value, observed: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let (recorded, observed) = (settled(recorded), settled(observed));
    collect(String::new(), Some(&recorded), Some(&observed), &mut found);
    found
}

/// Whose failure is ignored is not said on the screen, and hosts answer in any order: such lines stand at the end.
fn settled(answer: &Value) -> Value {
    match answer {
        Value::Array(items) => {
            let (ignoring, others): (Vec<&Value>, Vec<&Value>) =
                items.iter().partition(|item| *item == "...ignoring");
            others.into_iter().chain(ignoring).map(settled).collect()
        }
        Value::Object(entries) => Value::Object(
            entries
                .iter()
                .map(|(key, value)| (key.clone(), settled(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn collect(
    at: String,
    recorded: Option<&Value>,
    observed: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    let below = |key: &str| {
        if at.is_empty() {
            key.to_owned()
        } else {
            format!("{at}/{key}")
        }
    };
    match (recorded, observed) {
        (Some(left), Some(right)) if same(left, right) => {}
        // Which modules leave the difference in their result, and whether as a list, is an accident there; what is shown of
        // it is compared on the screen.
        _ if at.contains("registers/") && at.ends_with("/diff") => {}
        (Some(Value::Object(left)), Some(Value::Object(right)))
            if of_failures(left, right) && own_words(left).zip(own_words(right)).is_some() =>
        {
            let without = |object: &Map<String, Value>| {
                let mut object = object.clone();
                for key in MESSAGES {
                    if object.get(key).is_some_and(Value::is_string) {
                        object.remove(key);
                    }
                    if let Some(Value::Object(body)) = object.get_mut("body")
                        && body.get(key).is_some_and(Value::is_string)
                    {
                        body.remove(key);
                    }
                }
                Value::Object(object)
            };
            let (mut left, mut right) = (without(left), without(right));
            // So that the same question is not asked again.
            for side in [&mut left, &mut right] {
                if let Some(object) = side.as_object_mut() {
                    object.remove("failed");
                }
            }
            collect(at, Some(&left), Some(&right), found);
        }
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            for (key, value) in left {
                // The temporary copy that was sent to the host; kplay sends none.
                if key == "src" && value == TEMPORARY_PATH && left.contains_key("dest") {
                    continue;
                }
                collect(below(key), Some(value), right.get(key), found);
            }
            for (key, value) in right.iter().filter(|(key, _)| !left.contains_key(*key)) {
                collect(below(key), None, Some(value), found);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) => {
            for index in 0..left.len().max(right.len()) {
                let (left, right) = (left.get(index), right.get(index));
                // A task that one of them does not have would make every later one look different.
                if let (Some(left), Some(right)) = (heading(left), heading(right))
                    && left != right
                {
                    collect(
                        below(&format!("{index}/heading")),
                        Some(left),
                        Some(right),
                        found,
                    );
                    return;
                }
                collect(below(&index.to_string()), left, right, found);
            }
        }
        (recorded, observed) => {
            found.push(Difference {
                at,
                recorded: recorded.cloned(),
                observed: observed.cloned(),
            });
        }
    }
}

/// What of an answer is compared: all but the texts of failures and the differences in registered results.
pub(crate) fn comparable(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(comparable).collect(),
        Value::Object(object) => {
            let failed = of_failures(object, object);
            let mut kept = Map::new();
            for (key, value) in object {
                let text = failed && MESSAGES.contains(&key.as_str()) && value.is_string();
                if !text && key != "diff" {
                    kept.insert(key.clone(), comparable(value));
                }
            }
            if failed && let Some(Value::Object(body)) = kept.get_mut("body") {
                body.retain(|key, value| !MESSAGES.contains(&key.as_str()) || !value.is_string());
            }
            Value::Object(kept)
        }
        other => other.clone(),
    }
}

/// Texts of failures: an engine has its own words for what went wrong, and only has to have some.
const MESSAGES: [&str; 3] = ["msg", "failed_when_result", "changed_when_result"];

/// Tells whether both are failures: results that say so, or lines of the screen.
fn of_failures(left: &Map<String, Value>, right: &Map<String, Value>) -> bool {
    let failed = |object: &Map<String, Value>| {
        object.get("failed") == Some(&Value::Bool(true))
            || object
                .get("line")
                .and_then(Value::as_str)
                .is_some_and(|line| line.starts_with("fatal") || line.starts_with("failed"))
    };
    failed(left) && failed(right)
}

/// The text of a failure, of the result itself or of the body that a line shows.
fn own_words(object: &Map<String, Value>) -> Option<&str> {
    let body = object.get("body").and_then(Value::as_object);
    let texts = [Some(object), body].into_iter().flatten();
    texts
        .filter_map(|object| MESSAGES.iter().find_map(|key| object.get(*key)?.as_str()))
        .find(|text| !text.is_empty())
}

fn heading(entry: Option<&Value>) -> Option<&Value> {
    entry?.get("heading")
}

fn same(recorded: &Value, observed: &Value) -> bool {
    match (recorded, observed) {
        (Value::String(recorded), Value::String(observed)) if recorded.contains(TEMPORARY_PATH) => {
            paths_match(recorded, observed)
        }
        _ => recorded == observed,
    }
}

/// Compares texts of which the recorded one names temporary paths: any path may stand there.
fn paths_match(recorded: &str, observed: &str) -> bool {
    match recorded.split_once(TEMPORARY_PATH) {
        None => recorded == observed,
        Some((start, rest)) => observed
            .strip_prefix(start)
            .and_then(|tail| {
                tail.strip_prefix(TEMPORARY_PATH).or_else(|| {
                    let path = tail.strip_prefix("<scratch>").unwrap_or(tail);
                    let end = path.find(|character: char| {
                        character.is_whitespace() || "'\":".contains(character)
                    });
                    path.starts_with('/')
                        .then(|| path.get(end.unwrap_or(path.len())..))?
                })
            })
            .is_some_and(|tail| paths_match(rest, tail)),
    }
}

/// Takes out the differences that the case allows; gives the rest, and the allowances that nothing needed.
pub(crate) fn apply_allowances(
    differences: Vec<Difference>,
    allow: &[Allowance],
) -> (Vec<Difference>, Vec<String>) {
    let unused = allow.iter().filter(|allowance| {
        !differences
            .iter()
            .any(|difference| glob(&allowance.at, &difference.at))
    });
    let unused = unused.map(|allowance| allowance.at.clone()).collect();
    let rest = differences.into_iter().filter(|difference| {
        !allow
            .iter()
            .any(|allowance| glob(&allowance.at, &difference.at))
    });
    (rest.collect(), unused)
}

/// Whether `text` matches `pattern`, in which `*` stands for anything, a slash included.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len())
                .filter(|&at| tail.is_char_boundary(at))
                .any(|at| tail.get(at..).is_some_and(|tail| glob(rest, tail)))
        }),
    }
}
