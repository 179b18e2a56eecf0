//! The screen of a run, line by line as Ansible's default callback prints it.
//!
//! What stands on standard output can be read by whoever reads Ansible's. A failure is explained before its line, in a block that
//! begins with `[ERROR]: ` as ansible-core's do, once for all hosts that failed alike; who they were is said again at the end.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

mod failure;

use failure::{Failures, failure};

use super::color::Color;
use super::printer::Printer;
use super::result::shown;
use super::stars::starred;
use super::statistics::Statistics;
use super::{Look, diff, recap};
use crate::diag::render;
use crate::diag::{Diagnostic, SourceMap};
use crate::engine::events::{Event, HostResult, HostTraffic, TaskHeader};
use crate::value::{Dict, Value};
use crate::wire::{ItemResult, JobNews, Status, TaskResult};

/// Results that are too long for `-v`.
const NEVER_SHOWN: [&str; 2] = ["ansible.builtin.setup", "ansible.builtin.gather_facts"];
/// Tasks of which only what they bring is shown.
const INCLUDES: [&str; 2] = [
    "ansible.builtin.include_tasks",
    "ansible.builtin.include_role",
];

/// Prints events.
pub struct Human {
    printer: Printer,
    look: Look,
    sources: SourceMap,
    /// The task whose heading was printed last.
    heading: Option<u64>,
    /// What was said once and is not said again.
    said: HashSet<String>,
    failures: Failures,
    statistics: Statistics,
    /// What went over the wire, for the end.
    traffic: BTreeMap<Arc<str>, HostTraffic>,
}

impl Human {
    /// Returns one that has printed nothing yet.
    pub fn new(printer: Printer, look: Look, sources: SourceMap) -> Self {
        Self {
            printer,
            look,
            sources,
            heading: None,
            said: HashSet::new(),
            failures: Failures::default(),
            statistics: Statistics::default(),
            traffic: BTreeMap::new(),
        }
    }

    /// Prints what there is to say of an event.
    pub fn handle(&mut self, event: &Event) {
        match event {
            Event::PlayStarted { name, check } => self.play(name, *check),
            Event::NoHostsMatched => self
                .printer
                .line("skipping: no hosts matched", Some(Color::Skip)),
            Event::NoHostsLeft => self.printer.banner("NO MORE HOSTS LEFT"),
            Event::TaskStarted(task) => {
                // Where some results are not shown, the heading waits for the first that is.
                if self.look.ok_hosts && self.look.skipped_hosts {
                    self.heading(task);
                }
            }
            Event::HostStarted { task, host } => {
                if self.look.host_starts {
                    let text = format!(" [started TASK: {} on {host}]", task.name);
                    self.printer.line(&text, Some(Color::Ok));
                }
            }
            Event::ItemDone {
                task,
                host,
                item,
                delegated,
            } => self.item(task, &label(host, delegated.as_deref()), host, item),
            Event::Retrying {
                task,
                host,
                left,
                result,
            } => self.retrying(task, host, *left, result),
            Event::Job { host, news } => self.job(host, news),
            Event::HostDone(done) => {
                self.statistics.take(done);
                self.done(done);
            }
            Event::Included { what, hosts, item } => {
                let mut text = format!("included: {what} for {}", hosts.join(", "));
                if let Some(item) = item {
                    let _ = write!(text, " => (item={item})");
                }
                self.printer.line(&text, Some(Color::Included));
            }
            Event::Warning(warning) => self.warning(warning),
            Event::Message(text) => self.printer.line(text, None),
            Event::Traffic(traffic) => self.traffic.clone_from(traffic),
            Event::Recap(table) => {
                recap::recap(&self.printer, table);
                if self.look.custom_stats {
                    self.statistics.print(&self.printer);
                }
                if self.look.verbosity > 2 {
                    recap::traffic(&self.printer, &self.traffic);
                }
                for line in self.failures.alike(table, &self.sources) {
                    self.printer.error_line(&line, Some(Color::Error));
                }
            }
        }
    }

    fn play(&mut self, name: &str, check: bool) {
        let mark = self.check_mark(check);
        let name = name.trim();
        let text = if name.is_empty() {
            format!("PLAY{mark}")
        } else {
            format!("PLAY [{name}]{mark}")
        };
        self.printer.banner(&text);
    }

    fn check_mark(&self, check: bool) -> &'static str {
        if check && self.look.check_markers {
            " [CHECK MODE]"
        } else {
            ""
        }
    }

    fn heading(&mut self, task: &TaskHeader) {
        if self.heading.replace(task.number) == Some(task.number) {
            return;
        }
        let word = if task.handler {
            "RUNNING HANDLER"
        } else {
            "TASK"
        };
        let mark = self.check_mark(task.check);
        self.printer
            .banner(&format!("{word} [{}{mark}]", task.name.trim()));
        if self.look.verbosity >= 2 {
            self.path(task);
        }
    }

    fn path(&self, task: &TaskHeader) {
        if let Some(source) = self.sources.get(task.span.file) {
            let path =
                std::path::absolute(&source.name).unwrap_or_else(|_| source.name.clone().into());
            let text = format!("task path: {}:{}", path.display(), task.span.line);
            self.printer.line(&text, Some(Color::Debug));
        }
    }

    fn warning(&mut self, warning: &Diagnostic) {
        if self.said.insert(format!("{warning:?}")) {
            self.printer.warning(warning, &self.sources);
        }
    }

    fn warnings(&mut self, result: &TaskResult) {
        for text in result.warnings.iter().filter(|_| !result.no_log) {
            let text = format!("[WARNING]: {text}");
            if self.said.insert(text.clone()) {
                self.printer.error_line(&text, Some(Color::Warn));
            }
        }
    }

    fn retrying(&mut self, task: &TaskHeader, host: &str, left: u32, result: &Dict) {
        let mut text = format!(
            "FAILED - RETRYING: [{host}]: {} ({left} retries left).",
            task.name.trim()
        );
        if self.look.verbosity > 2 {
            let result = self.dumped(task, result, false, false);
            let _ = write!(text, "Result was: {result}");
        }
        self.printer.line(&text, Some(Color::Debug));
    }

    fn job(&self, host: &str, news: &JobNews) {
        let text = match news {
            JobNews::Running(id) => {
                format!("ASYNC POLL on {host}: jid={id} started=True finished=False")
            }
            JobNews::Done(id) => format!("ASYNC OK on {host}: jid={id}"),
            JobNews::Failed(id) => format!("ASYNC FAILED on {host}: jid={id}"),
        };
        self.printer.line(&text, Some(Color::Debug));
    }

    fn item(&mut self, task: &TaskHeader, label: &str, host: &str, item: &ItemResult) {
        self.printer.learn_from(&item.label);
        let name = if item.no_log {
            "(censored due to no_log)".to_owned()
        } else {
            starred(&item.label).to_text()
        };
        let include = INCLUDES.contains(&&*task.module);
        match item.status {
            Status::Ok | Status::Changed => {
                let changed = item.status == Status::Changed;
                if include || (!changed && !self.look.ok_hosts) {
                    return;
                }
                self.heading(task);
                self.difference(changed, item.no_log, &item.diff);
                let (word, color) = if changed {
                    ("changed", Color::Changed)
                } else {
                    ("ok", Color::Ok)
                };
                let mut text = format!("{word}: [{label}] => (item={name})");
                self.append(&mut text, (task, item.shown), &item.value, item.no_log);
                self.printer.line(&text, Some(color));
            }
            Status::Skipped => {
                if !self.look.skipped_hosts {
                    return;
                }
                self.heading(task);
                let mut text = format!("skipping: [{host}] => (item={name}) ");
                self.append(&mut text, (task, item.shown), &item.value, item.no_log);
                self.printer.line(&text, Some(Color::Skip));
            }
            Status::Failed | Status::Unreachable => {
                self.heading(task);
                self.explain(&failure(task, &item.value, None, item.no_log));
                let always = always(item.shown, &item.value);
                let result = self.dumped(task, &item.value, item.no_log, always);
                self.failed_line(
                    &format!("failed: [{label}] (item={name}) => {result}"),
                    Color::Error,
                );
            }
        }
    }

    fn done(&mut self, done: &HostResult) {
        let HostResult {
            task,
            host,
            result,
            ignored,
            delegated,
        } = done;
        let label = label(host, delegated.as_deref());
        match result.status {
            Status::Ok | Status::Changed => self.well(task, &label, result),
            Status::Skipped => {
                if !self.look.skipped_hosts {
                    return;
                }
                self.heading(task);
                self.warnings(result);
                let mut text = format!("skipping: [{host}]");
                self.append(
                    &mut text,
                    (task, result.shown),
                    &result.value,
                    result.no_log,
                );
                self.printer.line(&text, Some(Color::Skip));
            }
            Status::Failed | Status::Unreachable => {
                self.failed(task, host, &label, result, *ignored);
            }
        }
    }

    fn well(&mut self, task: &TaskHeader, label: &str, result: &TaskResult) {
        let changed = result.status == Status::Changed;
        if INCLUDES.contains(&&*task.module) {
            self.heading(task);
            return;
        }
        if !changed && !self.look.ok_hosts {
            return;
        }
        self.heading(task);
        self.warnings(result);
        if result.items.is_some() {
            return;
        }
        self.difference(changed, result.no_log, &result.diff);
        let (word, color) = if changed {
            ("changed", Color::Changed)
        } else {
            ("ok", Color::Ok)
        };
        let mut text = format!("{word}: [{label}]");
        self.append(
            &mut text,
            (task, result.shown),
            &result.value,
            result.no_log,
        );
        self.printer.line(&text, Some(color));
    }

    fn failed(
        &mut self,
        task: &TaskHeader,
        host: &Arc<str>,
        label: &str,
        result: &TaskResult,
        ignored: bool,
    ) {
        self.heading(task);
        self.warnings(result);
        let failure = failure(
            task,
            &result.value,
            result.diagnostic.as_ref(),
            result.no_log,
        );
        let unreachable = result.status == Status::Unreachable;
        let of_items = !unreachable && result.items.as_ref().is_some_and(|items| !items.is_empty());
        if !of_items {
            self.explain(&failure);
            if !unreachable && self.look.verbosity < 2 && self.look.path_on_failure {
                self.path(task);
            }
            let always = always(result.shown, &result.value);
            let shown = self.dumped(task, &result.value, result.no_log, always);
            let (word, color) = if unreachable {
                ("UNREACHABLE", Color::Unreachable)
            } else {
                ("FAILED", Color::Error)
            };
            self.failed_line(&format!("fatal: [{label}]: {word}! => {shown}"), color);
        }
        if ignored {
            self.printer.line("...ignoring", Some(Color::Skip));
            return;
        }
        self.failures.insert(host.clone(), failure);
    }

    fn failed_line(&self, text: &str, color: Color) {
        if self.look.failures_to_stderr {
            self.printer.error_line(text, Some(color));
        } else {
            self.printer.line(text, Some(color));
        }
    }

    /// Says why a task failed, and where it stands; once for all hosts that failed alike.
    fn explain(&mut self, failure: &Diagnostic) {
        let body = self.printer.drawn(failure, &self.sources, render::body);
        let text = format!("[ERROR]: {}", failure.headline);
        if self.said.insert(format!("{text}\n{body}")) {
            self.failed_line(&text, Color::Error);
            self.printer
                .drawn_line(&format!("{body}\n"), self.look.failures_to_stderr);
        }
    }

    fn difference(&self, changed: bool, no_log: bool, diffs: &[crate::kit::Diff]) {
        if !changed || no_log {
            return;
        }
        if let Some(text) = diff::text(diffs, self.look.diff_context, &self.look.format) {
            // Ansible ends the text with an empty line of its own.
            self.printer.diff(text.strip_suffix('\n').unwrap_or(&text));
        }
    }

    /// Adds the result where it is to be seen.
    fn append(
        &self,
        text: &mut String,
        (task, shown): (&TaskHeader, bool),
        result: &Dict,
        no_log: bool,
    ) {
        let always = !no_log && always(shown, result);
        if (always || self.look.verbosity > 0) && !NEVER_SHOWN.contains(&&*task.module) {
            text.push_str(" => ");
            text.push_str(&self.dumped(task, result, no_log, always));
        }
    }

    fn dumped(&self, task: &TaskHeader, result: &Dict, no_log: bool, always: bool) -> String {
        let shown = shown(result, no_log, &*task.module == "ansible.builtin.debug");
        self.printer.learn_from(&Value::dict(shown.clone()));
        self.look.format.result(&shown, always)
    }
}

/// Tells whether a result is shown without `-v`. A `debug` that is skipped (its verbosity is not met) is not, nor is a failure before
/// the module had its say.
fn always(shown: bool, result: &Dict) -> bool {
    let is = |name: &str| result.get(name).is_some_and(Value::is_true);
    let said =
        !is("failed") || result.contains("evaluated_to") || result.contains("failed_when_result");
    shown && !is("skipped") && said
}

fn label(host: &str, delegated: Option<&str>) -> String {
    match delegated.filter(|delegate| *delegate != host) {
        Some(delegate) => format!("{host} -> {delegate}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests;
