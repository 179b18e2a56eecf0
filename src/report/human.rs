//! The screen of a run, line by line as Ansible's default callback prints it.
//!
//! What stands on standard output can be read by whoever reads Ansible's. A failure is explained before its line, in a block that
//! begins with `[ERROR]: ` as ansible-core's do, once for all hosts that failed alike; who they were is said again at the end.
//!
//! Longer than most files: every line of the screen, with the tests that hold it to what ansible-core prints.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::color::Color;
use super::printer::Printer;
use super::result::{shown, starred};
use super::{Look, diff, recap};
use crate::diag::render;
use crate::diag::{Diagnostic, SourceMap};
use crate::engine::events::{Event, HostResult, Recap, TaskHeader};
use crate::value::{Dict, Value};
use crate::wire::{ItemResult, Status, TaskResult};

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
    /// The last failure of each host that nothing forgave.
    failures: BTreeMap<Arc<str>, Diagnostic>,
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
            failures: BTreeMap::new(),
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
            Event::HostDone(done) => self.done(done),
            Event::Included { what, hosts, item } => {
                let mut text = format!("included: {what} for {}", hosts.join(", "));
                if let Some(item) = item {
                    let _ = write!(text, " => (item={item})");
                }
                self.printer.line(&text, Some(Color::Included));
            }
            Event::Warning(warning) => self.warning(warning),
            Event::Message(text) => self.printer.line(text, None),
            Event::Recap(table) => {
                recap::recap(&self.printer, table);
                self.summary(table);
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

    /// Names again those who failed alike, where there is more than one.
    fn summary(&self, table: &Recap) {
        let lost = |host: &Arc<str>| {
            table
                .get(host)
                .is_some_and(|stats| stats.failed + stats.unreachable > 0)
        };
        let mut alike: Vec<(&Diagnostic, Vec<&str>)> = Vec::new();
        for (host, failure) in self.failures.iter().filter(|(host, _)| lost(host)) {
            match alike.iter_mut().find(|(known, _)| *known == failure) {
                Some((_, hosts)) => hosts.push(host),
                None => alike.push((failure, vec![host])),
            }
        }
        for (failure, hosts) in alike.iter().filter(|(_, hosts)| hosts.len() > 1) {
            let headline = failure.headline.lines().next().unwrap_or_default();
            let place = self
                .sources
                .place(failure.span())
                .map(|place| format!(" ({place})"))
                .unwrap_or_default();
            let text = format!(
                "[ERROR]: {headline}{place}: {} hosts: {}",
                hosts.len(),
                hosts.join(", ")
            );
            self.printer.error_line(&text, Some(Color::Error));
        }
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

/// Why a task failed: what `step` found in the playbook, or what the module said with the task's own place.
fn failure(
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
                crate::diag::Span::NONE
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

#[cfg(test)]
mod tests {
    use super::super::printer::Screen;
    use super::super::printer::tests::{Page, printer};
    use super::*;
    use crate::config::Settings;
    use crate::diag::Span;
    use crate::engine::events::HostStats;
    use crate::kit::Diff;

    /// A screen, and what is on it.
    struct Stage {
        human: Human,
        out: Page,
        err: Page,
        number: u64,
        task: Arc<TaskHeader>,
    }

    impl Stage {
        fn new(verbosity: u8, change: impl FnOnce(&mut Settings)) -> Self {
            let mut settings = Settings {
                display_ok_hosts: true,
                display_skipped_hosts: true,
                diff_context: 3,
                callback_result_format: "json".to_owned(),
                ..Settings::default()
            };
            change(&mut settings);
            let (to, out, err) = printer(Screen::default());
            let sources = SourceMap::default();
            sources.add(
                "site.yml",
                "- hosts: all\n  tasks:\n    - command: /bin/false\n",
            );
            let human = Human::new(to, Look::new(&settings, verbosity, false), sources);
            let mut stage = Self {
                human,
                out,
                err,
                number: 0,
                task: header(0, "ansible.builtin.command"),
            };
            stage.task("command");
            stage
        }

        fn task(&mut self, module: &str) {
            self.number += 1;
            self.task = header(self.number, &format!("ansible.builtin.{module}"));
            self.human.handle(&Event::TaskStarted(self.task.clone()));
        }

        fn done(&mut self, host: &str, result: TaskResult) {
            self.ended(host, result, false);
        }

        fn ended(&mut self, host: &str, result: TaskResult, ignored: bool) {
            let (task, result) = (self.task.clone(), Arc::new(result));
            self.human.handle(&Event::HostDone(HostResult {
                delegated: result.delegated.clone(),
                task,
                host: host.into(),
                result,
                ignored,
            }));
        }

        fn item(&mut self, host: &str, status: Status, label: &str, value: Dict) {
            let item = ItemResult {
                shown: false,
                status,
                value,
                label: Value::text(label),
                diff: Vec::new(),
                no_log: false,
                ignored: false,
            };
            let (task, item) = (self.task.clone(), Arc::new(item));
            self.human.handle(&Event::ItemDone {
                task,
                host: host.into(),
                item,
                delegated: None,
            });
        }

        /// What stands below the first heading.
        fn text(&self) -> String {
            let text = self.out.text();
            text.split_once("*\n")
                .map(|(_, below)| below.to_owned())
                .unwrap_or(text)
        }
    }

    fn header(number: u64, module: &str) -> Arc<TaskHeader> {
        let file = crate::diag::FileId(1);
        Arc::new(TaskHeader {
            number,
            name: "a task ".to_owned(),
            handler: number > 90,
            span: Span::new(file, 3, 7, 7),
            module: module.into(),
            check: true,
        })
    }

    fn result(status: Status, value: Dict) -> TaskResult {
        TaskResult {
            value,
            ..TaskResult::new(status)
        }
    }

    fn failed() -> TaskResult {
        let value = Dict::new()
            .with("changed", true)
            .with("failed", true)
            .with("rc", 1_i64)
            .with("msg", "non-zero return code");
        result(Status::Failed, value)
    }

    #[test]
    fn headings_fill_79_columns_and_two() {
        let mut stage = Stage::new(0, |settings| settings.check_mode_markers = true);
        stage.human.handle(&Event::PlayStarted {
            name: " all ".to_owned(),
            check: true,
        });
        stage.human.handle(&Event::NoHostsMatched);
        stage.human.handle(&Event::TaskStarted(header(91, "x")));
        let text = stage.out.text();
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        assert!(lines[0].starts_with("TASK [a task [CHECK MODE]] ***") && lines[0].len() == 80);
        assert!(lines[1].starts_with("PLAY [all] [CHECK MODE] ***"));
        assert_eq!(lines[2], "skipping: no hosts matched");
        assert!(lines[3].starts_with("RUNNING HANDLER [a task [CHECK MODE]] ***"));
    }

    #[test]
    fn results_are_shown_with_v_and_for_debug() {
        let pong = || {
            result(
                Status::Ok,
                Dict::new().with("ping", "pong").with("changed", false),
            )
        };
        let mut quiet = Stage::new(0, |_| ());
        quiet.done("h1", pong());
        quiet.done(
            "h2",
            TaskResult {
                delegated: Some("h3".to_owned()),
                ..result(Status::Changed, Dict::new())
            },
        );
        assert_eq!(quiet.text(), "ok: [h1]\nchanged: [h2 -> h3]\n");
        let mut verbose = Stage::new(1, |_| ());
        verbose.done("h1", pong());
        assert_eq!(
            verbose.text(),
            "ok: [h1] => {\"changed\": false, \"ping\": \"pong\"}\n"
        );
        let mut debug = Stage::new(0, |_| ());
        debug.task("debug");
        debug.done(
            "h1",
            TaskResult {
                shown: true,
                ..result(
                    Status::Ok,
                    Dict::new().with("msg", "hi").with("changed", false),
                )
            },
        );
        debug.done(
            "h1",
            result(
                Status::Skipped,
                Dict::new()
                    .with("skipped", true)
                    .with("skipped_reason", "Verbosity"),
            ),
        );
        assert!(
            debug
                .text()
                .ends_with("*\nok: [h1] => {\n    \"msg\": \"hi\"\n}\nskipping: [h1]\n"),
            "{}",
            debug.text()
        );
    }

    #[test]
    fn a_failure_is_explained_once_and_hosts_that_failed_alike_are_named_at_the_end() {
        let mut stage = Stage::new(0, |_| ());
        stage.done("h1", failed());
        stage.done("h2", failed());
        stage.ended("h3", failed(), true);
        let stats = HostStats {
            failed: 1,
            ..HostStats::default()
        };
        stage.human.handle(&Event::Recap(
            [
                ("h1".into(), stats),
                ("h2".into(), stats),
                ("h3".into(), HostStats::default()),
            ]
            .into(),
        ));
        let line = |host: &str| {
            format!(
                "fatal: [{host}]: FAILED! => {{\"changed\": true, \"msg\": \"non-zero return code\", \"rc\": 1}}\n"
            )
        };
        let expected = format!(
            "[ERROR]: Task failed: non-zero return code\n --> site.yml:3:7\n  |\n3 |     - command: /bin/false\n  |       ^^^^^^^\n\n{}{}{}...ignoring\n",
            line("h1"),
            line("h2"),
            line("h3")
        );
        assert!(stage.text().starts_with(&expected), "{}", stage.text());
        assert_eq!(
            stage.err.text(),
            "[ERROR]: Task failed: non-zero return code (site.yml:3:7): 2 hosts: h1, h2\n"
        );
    }

    #[test]
    fn items_have_lines_of_their_own() {
        let mut stage = Stage::new(0, |_| ());
        stage.item("h1", Status::Changed, "one", Dict::new());
        stage.item("h1", Status::Skipped, "two", Dict::new());
        stage.item("h1", Status::Failed, "three", failed().value);
        stage.ended(
            "h1",
            TaskResult {
                items: Some(vec![item()]),
                ..failed()
            },
            true,
        );
        let text = stage.text();
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with(['c', 's', 'f', '.']))
            .collect();
        assert_eq!(
            lines,
            [
                "changed: [h1] => (item=one)",
                "skipping: [h1] => (item=two) ",
                "failed: [h1] (item=three) => {\"changed\": true, \"msg\": \"non-zero return code\", \"rc\": 1}",
                "...ignoring"
            ]
        );
    }

    fn item() -> ItemResult {
        ItemResult {
            shown: false,
            status: Status::Failed,
            value: Dict::new(),
            label: Value::text("x"),
            diff: Vec::new(),
            no_log: false,
            ignored: false,
        }
    }

    #[test]
    fn differences_stand_before_the_line() {
        let mut stage = Stage::new(0, |_| ());
        stage.done(
            "h1",
            TaskResult {
                diff: vec![Diff::text("a\n", "b\n")],
                ..result(Status::Changed, Dict::new())
            },
        );
        assert_eq!(
            stage.text(),
            "--- before\n+++ after\n@@ -1 +1 @@\n-a\n+b\n\nchanged: [h1]\n"
        );
    }

    #[test]
    fn t05_no_log_hides_results_differences_and_items() {
        let mut stage = Stage::new(3, |_| ());
        let secret = || {
            Dict::new()
                .with("msg", "canary")
                .with("changed", true)
                .with("failed", true)
        };
        let diff = vec![Diff::text("canary\n", "b\n")];
        stage.done(
            "h1",
            TaskResult {
                no_log: true,
                diff,
                warnings: vec!["canary".to_owned()],
                ..result(Status::Changed, secret())
            },
        );
        stage.done(
            "h1",
            TaskResult {
                no_log: true,
                ..result(Status::Failed, secret())
            },
        );
        let hidden = ItemResult {
            no_log: true,
            label: Value::text("canary"),
            value: secret(),
            ..item()
        };
        let event = Event::ItemDone {
            task: stage.task.clone(),
            host: "h1".into(),
            item: Arc::new(hidden),
            delegated: None,
        };
        stage.human.handle(&event);
        let all = stage.text() + &stage.err.text();
        assert!(
            !all.contains("canary") && all.contains("(item=(censored due to no_log))"),
            "{all}"
        );
    }

    #[test]
    fn t22_a_host_cannot_write_lines_or_drive_the_terminal() {
        let mut stage = Stage::new(0, |_| ());
        stage.item("h1", Status::Changed, "\u{1b}[2J\u{202e}", Dict::new());
        stage.done(
            "h1",
            result(Status::Failed, Dict::new().with("msg", "\u{1b}[31m")),
        );
        assert!(!stage.out.text().contains(['\u{1b}', '\u{202e}']));
    }

    #[test]
    fn hosts_that_are_well_or_skipped_can_be_hidden_with_their_headings() {
        let mut stage = Stage::new(0, |settings| {
            settings.display_ok_hosts = false;
            settings.display_skipped_hosts = false;
        });
        stage.done("h1", result(Status::Ok, Dict::new()));
        stage.done("h2", result(Status::Skipped, Dict::new()));
        assert_eq!(stage.out.text(), "");
        stage.done("h3", result(Status::Changed, Dict::new()));
        stage.done("h4", result(Status::Changed, Dict::new()));
        assert_eq!(stage.text(), "changed: [h3]\nchanged: [h4]\n");
    }

    #[test]
    fn retries_includes_and_warnings() {
        let mut stage = Stage::new(0, |_| ());
        let (task, host) = (stage.task.clone(), Arc::from("h1"));
        stage.human.handle(&Event::Retrying {
            task,
            host,
            left: 2,
            result: Arc::new(Dict::new()),
        });
        stage.human.handle(&Event::Included {
            what: "/t.yml".to_owned(),
            hosts: vec!["h1".into(), "h2".into()],
            item: Some("x".to_owned()),
        });
        for _ in 0..2 {
            stage.human.handle(&Event::Warning(
                Diagnostic::warning("odd", "odd")
                    .at(Span::new(crate::diag::FileId(1), 1, 3, 5), ""),
            ));
        }
        assert_eq!(
            stage.text(),
            "FAILED - RETRYING: [h1]: a task (2 retries left).\nincluded: /t.yml for h1, h2 => (item=x)\n"
        );
        assert_eq!(stage.err.text(), "[WARNING]: odd (site.yml:1:3)\n");
    }
}
