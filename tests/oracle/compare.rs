//! The differences between two answers, each with its path. Called by `main`.

use std::fmt;

use serde_json::Value;

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
    collect(String::new(), Some(recorded), Some(observed), &mut found);
    found
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
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            for (key, value) in left {
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

fn heading(entry: Option<&Value>) -> Option<&Value> {
    entry?.get("heading")
}

fn same(recorded: &Value, observed: &Value) -> bool {
    match (recorded, observed) {
        (Value::String(recorded), Value::String(observed)) if recorded == TEMPORARY_PATH => {
            observed == TEMPORARY_PATH || observed.starts_with('/')
        }
        _ => recorded == observed,
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
