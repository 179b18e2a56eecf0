//! The screen of `kplay run`: a block for each host, as `ansible` prints them.

use super::Look;
use super::color::Color;
use super::diff;
use super::printer::Printer;
use super::result::shown;
use crate::diag::SourceMap;
use crate::engine::events::{Event, HostResult};
use crate::value::{Dict, Value};
use crate::wire::Status;

/// Modules of which the output is shown instead of the result.
const COMMANDS: [&str; 3] = [
    "ansible.builtin.command",
    "ansible.builtin.shell",
    "ansible.builtin.raw",
];

/// Prints the results of one task.
pub struct Minimal {
    printer: Printer,
    look: Look,
    sources: SourceMap,
}

impl Minimal {
    /// Returns one that has printed nothing yet.
    pub fn new(printer: Printer, look: Look, sources: SourceMap) -> Self {
        Self {
            printer,
            look,
            sources,
        }
    }

    /// Prints what there is to say of an event.
    pub fn handle(&mut self, event: &Event) {
        match event {
            Event::HostDone(done) => self.done(done),
            Event::NoHostsMatched => self.printer.error_line(
                "[WARNING]: No hosts matched, nothing to do",
                Some(Color::Warn),
            ),
            Event::Warning(warning) => self.printer.warning(warning, &self.sources),
            Event::Message(text) => self.printer.line(text, None),
            _ => {}
        }
    }

    fn done(&self, done: &HostResult) {
        let HostResult {
            task, host, result, ..
        } = done;
        for text in result.warnings.iter().filter(|_| !result.no_log) {
            self.printer
                .error_line(&format!("[WARNING]: {text}"), Some(Color::Warn));
        }
        if !result.no_log
            && result.status == Status::Changed
            && let Some(text) = diff::text(&result.diff, self.look.diff_context, &self.look.format)
        {
            self.printer.diff(text.strip_suffix('\n').unwrap_or(&text));
        }
        let (word, color) = match result.status {
            Status::Skipped => {
                return self
                    .printer
                    .line(&format!("{host} | SKIPPED"), Some(Color::Skip));
            }
            Status::Ok => ("SUCCESS", Color::Ok),
            Status::Changed => ("CHANGED", Color::Changed),
            Status::Failed => ("FAILED", Color::Error),
            Status::Unreachable => ("UNREACHABLE", Color::Unreachable),
        };
        let values = shown(
            &result.value,
            result.no_log,
            &*task.module == "ansible.builtin.debug",
        );
        self.printer.learn_from(&Value::dict(values.clone()));
        let mark = if matches!(result.status, Status::Failed | Status::Unreachable) {
            "!"
        } else {
            ""
        };
        let of_command = COMMANDS.contains(&&*task.module)
            && result.status != Status::Unreachable
            && values.contains("rc");
        let text = if of_command {
            format!("{host} | {word} | {}", output(&values))
        } else {
            format!(
                "{host} | {word}{mark} => {}",
                self.look.format.result(&values, true)
            )
        };
        self.printer.line(&text, Some(color));
    }
}

fn output(values: &Dict) -> String {
    let text = |name: &str| values.get(name).map(Value::to_text).unwrap_or_default();
    let code = values
        .get("rc")
        .map_or_else(|| "-1".to_owned(), Value::to_text);
    let said = [text("stdout"), text("stderr"), text("msg")].concat();
    format!("rc={code} >>\n{said}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::printer::Screen;
    use super::super::printer::tests::printer;
    use super::*;
    use crate::config::Settings;
    use crate::diag::Span;
    use crate::engine::events::TaskHeader;
    use crate::wire::TaskResult;

    fn printed(module: &str, result: TaskResult) -> String {
        let (to, out, _) = printer(Screen::default());
        let task = TaskHeader {
            number: 1,
            name: module.to_owned(),
            handler: false,
            span: Span::NONE,
            module: format!("ansible.builtin.{module}").into(),
            check: false,
        };
        let mut report = Minimal::new(
            to,
            Look::new(&Settings::default(), 0, false),
            SourceMap::default(),
        );
        report.handle(&Event::HostDone(HostResult {
            delegated: None,
            task: task.into(),
            host: "h1".into(),
            result: Arc::new(result),
            ignored: false,
        }));
        out.text()
    }

    /// As `ansible` printed them.
    #[test]
    fn commands_show_their_output_and_others_their_result() {
        let said = |status, code: i64, msg: &str| {
            let mut result = TaskResult::new(status);
            result.value = Dict::new()
                .with("rc", code)
                .with("stdout", "a")
                .with("stderr", "b")
                .with("msg", msg);
            result
        };
        assert_eq!(
            printed("command", said(Status::Changed, 0, "")),
            "h1 | CHANGED | rc=0 >>\nab\n"
        );
        assert_eq!(
            printed("shell", said(Status::Failed, 3, "non-zero return code")),
            "h1 | FAILED | rc=3 >>\nabnon-zero return code\n"
        );
        let mut pong = TaskResult::new(Status::Ok);
        pong.value = Dict::new().with("ping", "pong").with("changed", false);
        assert_eq!(
            printed("ping", pong),
            "h1 | SUCCESS => {\n    \"changed\": false,\n    \"ping\": \"pong\"\n}\n"
        );
        assert!(
            printed("ping", TaskResult::unreachable("gone"))
                .starts_with("h1 | UNREACHABLE! => {\n")
        );
    }
}
