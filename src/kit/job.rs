//! What is known of a job (`async`) while nobody waits for it: a file in JSON, in the form that Ansible's own jobs leave.
//!
//! The worker writes it, `async_status` reads it, perhaps in another run and with another version of kplay.

use super::outcome::{Diff, DiffText, Outcome};
use crate::value::{Dict, Value};

/// The environment variable that tells a module where jobs are kept.
pub const ASYNC_DIRECTORY: &str = "ANSIBLE_ASYNC_DIR";
/// Where that is when nobody says.
pub const USUAL_ASYNC_DIRECTORY: &str = "~/.ansible_async";
/// The module that asks about jobs.
pub const ASYNC_STATUS: &str = "ansible.builtin.async_status";

/// Returns the content of the file of a job that has begun.
pub fn begun(id: &str) -> String {
    let state = Dict::new()
        .with("started", true)
        .with("finished", false)
        .with("ansible_job_id", id);
    Value::dict(state).to_json().to_string()
}

/// Returns the content of the file of a job that has ended.
pub fn ended(outcome: &Outcome) -> String {
    let mut all = outcome.values.clone();
    all.insert("changed", outcome.changed);
    for (name, holds) in [("failed", outcome.failed), ("skipped", outcome.skipped)] {
        if holds {
            all.insert(name, true);
        }
    }
    if !outcome.warnings.is_empty() {
        all.insert("warnings", outcome.warnings.clone());
    }
    if !outcome.diff.is_empty() {
        all.insert("diff", Value::list(outcome.diff.iter().map(Diff::to_value)));
    }
    Value::dict(all).to_json().to_string()
}

/// Returns what a job's file says, if it is one: a job that has only begun says `started`.
pub fn read(text: &[u8]) -> Option<Dict> {
    let json = serde_json::from_slice(text).ok()?;
    Value::from_json(json).as_dict().cloned()
}

/// Returns the result that a job's file tells of.
pub fn outcome(mut said: Dict) -> Outcome {
    let mut flag = |name: &str| said.remove(name).is_some_and(|value| value.is_true());
    let (changed, failed, skipped) = (flag("changed"), flag("failed"), flag("skipped"));
    let warnings = said.remove("warnings").map(|warnings| {
        let all = warnings.as_list().unwrap_or_default();
        all.iter().map(Value::to_text).collect()
    });
    let diff = said.remove("diff").map(|diff| match diff.as_list() {
        Some(all) => all.iter().filter_map(read_diff).collect(),
        None => read_diff(&diff).map(Diff::alone).into_iter().collect(),
    });
    Outcome {
        changed,
        failed,
        skipped,
        warnings: warnings.unwrap_or_default(),
        diff: diff.unwrap_or_default(),
        values: said,
        ..Outcome::default()
    }
}

fn read_diff(value: &Value) -> Option<Diff> {
    let said = value.as_dict()?;
    let text = |name: &str| said.get(name).map(Value::to_text);
    let side = |name: &str| match said.get(name) {
        None => DiffText::Hidden("its content was not kept".to_owned()),
        Some(value) => match value.as_str() {
            Some(text) => DiffText::Text(text.to_owned()),
            None => DiffText::State(value.clone()),
        },
    };
    let (before, after) = (side("before"), side("after"));
    let alone = matches!(after, DiffText::State(_));
    Some(Diff {
        before_header: text("before_header"),
        after_header: text("after_header"),
        before,
        after,
        prepared: text("prepared"),
        alone,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let written = Outcome {
            failed: true,
            warnings: vec!["hot".to_owned()],
            diff: vec![
                Diff::text("a\n", "b\n").headers("old", "new"),
                Diff::state(Dict::new().with("x", 1), Dict::new().with("x", 2)),
            ],
            ..Outcome::changed().with("rc", 3).with("stdout", "é")
        };
        let read = outcome(read(ended(&written).as_bytes()).unwrap());
        assert_eq!(read, written);
    }

    #[test]
    fn a_job_that_has_begun_says_so() {
        let said = read(begun("j1.2").as_bytes()).unwrap();
        assert_eq!(said.get("finished"), Some(&Value::from(false)));
        assert_eq!(said.get("started"), Some(&Value::from(true)));
        assert!(read(b"").is_none() && read(b"[1]").is_none() && read(b"{").is_none());
    }

    #[test]
    fn files_that_ansible_wrote_are_read() {
        let said = read(br#"{"changed": true, "rc": 0, "skipped": false, "diff": {"before": {"state": "absent"}, "after": {"state": "file"}}}"#);
        let outcome = outcome(said.unwrap());
        assert!(outcome.changed && !outcome.failed && !outcome.skipped);
        assert!(outcome.diff[0].alone);
        assert_eq!(outcome.values, Dict::new().with("rc", 0));
    }
}
