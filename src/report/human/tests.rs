//! Holds every line of the screen to what ansible-core prints.

use super::*;
use crate::config::Settings;
use crate::diag::Span;
use crate::engine::events::HostStats;
use crate::kit::Diff;
use crate::report::printer::Screen;
use crate::report::printer::tests::{Page, printer};

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
            delegated: None,
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
        delegated: None,
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
            Diagnostic::warning("odd", "odd").at(Span::new(crate::diag::FileId(1), 1, 3, 5), ""),
        ));
    }
    assert_eq!(
        stage.text(),
        "FAILED - RETRYING: [h1]: a task (2 retries left).\nincluded: /t.yml for h1, h2 => (item=x)\n"
    );
    assert_eq!(stage.err.text(), "[WARNING]: odd (site.yml:1:3)\n");
}
