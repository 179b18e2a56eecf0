//! A run as one JSON document at its end (`stdout_callback = json`), in the shape of Ansible's callback of that name.

use std::sync::Arc;

use serde_json::{Map, json};

use super::printer::Printer;
use super::result::shown;
use super::stars::starred;
use super::statistics::Statistics;
use crate::engine::events::{Event, HostResult, TaskHeader};
use crate::value::Value;
use crate::wire::Status;

/// A task's number, its head, and what each host answered.
type TaskRecord = (
    u64,
    Map<String, serde_json::Value>,
    Map<String, serde_json::Value>,
);

/// Gathers events.
pub struct Json {
    printer: Printer,
    plays: Vec<serde_json::Value>,
    stats: Map<String, serde_json::Value>,
    /// Tasks of the play in hand, by number.
    tasks: Vec<TaskRecord>,
    play: Option<serde_json::Value>,
    statistics: Statistics,
}

impl Json {
    /// Returns one that has seen nothing yet.
    pub fn new(printer: Printer) -> Self {
        Self {
            printer,
            plays: Vec::new(),
            stats: Map::new(),
            tasks: Vec::new(),
            play: None,
            statistics: Statistics::default(),
        }
    }

    /// Takes note of an event; the last one prints all.
    pub fn handle(&mut self, event: &Event) {
        match event {
            Event::PlayStarted { name, .. } => {
                self.end_play();
                self.play = Some(json!({"name": name, "duration": {"start": now()}}));
            }
            Event::TaskStarted(task) => drop(self.task(task)),
            Event::HostDone(done) => {
                self.statistics.take(done);
                self.done(done);
            }
            Event::Warning(warning) => self
                .printer
                .error_line(&format!("[WARNING]: {}", warning.headline), None),
            Event::Recap(recap) => {
                self.end_play();
                for (host, stats) in recap {
                    let line = json!({
                        "changed": stats.changed, "failures": stats.failed, "ignored": stats.ignored, "ok": stats.ok,
                        "rescued": stats.rescued, "skipped": stats.skipped, "unreachable": stats.unreachable,
                    });
                    self.stats.insert(host.to_string(), line);
                }
                let (hosts, run) = self.statistics.to_json();
                let document = json!({
                    "custom_stats": hosts, "global_custom_stats": run, "plays": self.plays, "stats": self.stats,
                });
                let text = super::result::json(&Value::from_json(document), true);
                self.printer.data(&text);
            }
            _ => {}
        }
    }

    fn task(&mut self, task: &Arc<TaskHeader>) -> usize {
        if let Some(found) = self
            .tasks
            .iter()
            .position(|(number, _, _)| *number == task.number)
        {
            return found;
        }
        let mut head = Map::new();
        head.insert("name".to_owned(), task.name.trim().into());
        head.insert("duration".to_owned(), json!({"start": now()}));
        self.tasks.push((task.number, head, Map::new()));
        self.tasks.len() - 1
    }

    fn done(&mut self, done: &HostResult) {
        let index = self.task(&done.task);
        let mut result = shown(&done.result.value, done.result.no_log, false);
        if let Some(items) = done.result.items.as_ref().filter(|_| !done.result.no_log) {
            let items = items
                .iter()
                .map(|item| Value::dict(shown(&item.value, item.no_log, false)));
            result.insert("results", Value::list(items));
        }
        self.printer.learn_from(&Value::dict(result.clone()));
        let mut result = starred(&Value::dict(result)).to_json();
        result["action"] = done.task.module.to_string().into();
        match done.result.status {
            Status::Skipped => result["skipped"] = true.into(),
            Status::Failed => result["failed"] = true.into(),
            Status::Unreachable => result["unreachable"] = true.into(),
            Status::Ok | Status::Changed => {}
        }
        if let Some((_, head, hosts)) = self.tasks.get_mut(index) {
            hosts.insert(done.host.to_string(), result);
            if let Some(duration) = head.get_mut("duration") {
                duration["end"] = now().into();
            }
        }
    }

    fn end_play(&mut self) {
        let Some(mut play) = self.play.take() else {
            return;
        };
        play["duration"]["end"] = now().into();
        let tasks: Vec<serde_json::Value> = self
            .tasks
            .drain(..)
            .map(|(_, head, hosts)| json!({"hosts": hosts, "task": head}))
            .collect();
        self.plays.push(json!({"play": play, "tasks": tasks}));
    }
}

fn now() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        .to_string()
}
