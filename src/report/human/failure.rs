//! Why tasks failed, in words: [`Human`](super::Human) explains each failure with it, and names at the end who failed alike.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diag::{Diagnostic, SourceMap, Span};
use crate::engine::events::{Recap, TaskHeader};
use crate::report::stars::starred;
use crate::value::Dict;

/// The last failure of each host that nothing forgave.
#[derive(Default)]
pub(super) struct Failures(BTreeMap<Arc<str>, Diagnostic>);

impl Failures {
    /// Notes how a host failed.
    pub(super) fn insert(&mut self, host: Arc<str>, failure: Diagnostic) {
        self.0.insert(host, failure);
    }

    /// Names again those who failed alike, where there is more than one: a line each.
    pub(super) fn alike(&self, table: &Recap, sources: &SourceMap) -> Vec<String> {
        let lost = |host: &Arc<str>| {
            table
                .get(host)
                .is_some_and(|stats| stats.failed + stats.unreachable > 0)
        };
        let mut alike: Vec<(&Diagnostic, Vec<&str>)> = Vec::new();
        for (host, failure) in self.0.iter().filter(|(host, _)| lost(host)) {
            match alike.iter_mut().find(|(known, _)| *known == failure) {
                Some((_, hosts)) => hosts.push(host),
                None => alike.push((failure, vec![host])),
            }
        }
        let several = alike.iter().filter(|(_, hosts)| hosts.len() > 1);
        several
            .map(|(failure, hosts)| {
                let headline = failure.headline.lines().next().unwrap_or_default();
                let place = sources
                    .place(failure.span())
                    .map(|place| format!(" ({place})"))
                    .unwrap_or_default();
                let (count, names) = (hosts.len(), hosts.join(", "));
                format!("[ERROR]: {headline}{place}: {count} hosts: {names}")
            })
            .collect()
    }
}

/// Why a task failed: what `step` found in the playbook, or what the module said with the task's own place.
pub(super) fn failure(
    task: &TaskHeader,
    result: &Dict,
    diagnostic: Option<&Diagnostic>,
    no_log: bool,
) -> Diagnostic {
    let message = result
        .get("msg")
        .filter(|_| !no_log)
        .map(|message| starred(message).to_text())
        .unwrap_or_default();
    let message = message.trim();
    let headline = match message {
        "" => "Task failed".to_owned(),
        told if told.starts_with("Task failed") => told.to_owned(),
        told => format!("Task failed: {told}"),
    };
    match diagnostic.filter(|_| !no_log) {
        Some(diagnostic) => {
            let place = if diagnostic.span().is_some() {
                Span::NONE
            } else {
                task.span
            };
            let mut whole = Diagnostic {
                headline,
                ..diagnostic.clone()
            }
            .at(place, "");
            if message.is_empty() || !message.contains(&*diagnostic.headline) {
                whole.notes.insert(0, diagnostic.headline.clone());
            }
            whole
        }
        None => Diagnostic::error("task-failed", headline).at(task.span, ""),
    }
}
