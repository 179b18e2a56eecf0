//! The one way to the terminal and the log file. Every text is masked and cleaned here, whoever it comes from.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::clean::clean;
use super::color::Color;
use super::{banner, diff};
use crate::diag::render::{self, Style};
use crate::diag::{Diagnostic, Label, SourceMap};
use crate::secrets::Masker;
use crate::value::{Kind, Value};

/// What the terminal can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// Colours on standard output and standard error.
    pub color: bool,
    /// Columns that a heading fills.
    pub columns: usize,
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            color: false,
            columns: banner::WIDTH,
        }
    }
}

/// Writes lines. Cloning shares what it writes to.
#[derive(Clone)]
pub struct Printer {
    shared: Arc<Mutex<Shared>>,
    screen: Screen,
}

struct Shared {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    log: Option<File>,
    masker: Masker,
    /// Whoever read standard output is gone.
    closed: bool,
}

impl Printer {
    /// Returns one that writes there.
    pub fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, screen: Screen) -> Self {
        let shared = Shared {
            out,
            err,
            log: None,
            masker: Masker::default(),
            closed: false,
        };
        Self {
            shared: Arc::new(Mutex::new(shared)),
            screen,
        }
    }

    /// Writes each line to this file as well (`log_path`).
    pub fn log_to(&self, file: File) {
        self.locked().log = Some(file);
    }

    /// Returns one that writes to the same places in another way.
    #[must_use]
    pub fn with_screen(&self, screen: Screen) -> Self {
        Self {
            screen,
            ..self.clone()
        }
    }

    /// Returns what the terminal can do.
    pub fn screen(&self) -> Screen {
        self.screen
    }

    /// Learns a secret: it is stars from now on.
    pub fn learn(&self, secret: &str) {
        self.locked().masker.add(secret);
    }

    /// Learns the secrets in a value.
    pub fn learn_from(&self, value: &Value) {
        match value.kind() {
            Kind::List(items) | Kind::Tuple(items) => {
                items.iter().for_each(|item| self.learn_from(item));
            }
            Kind::Dict(dict) => dict.values().for_each(|item| self.learn_from(item)),
            Kind::Null | Kind::Undefined(_) | Kind::Bool(_) => {}
            _ if value.is_secret() => self.learn(&value.to_text()),
            _ => {}
        }
    }

    /// Returns the text with known secrets replaced and without anything that drives a terminal.
    pub fn presentable(&self, text: &str) -> String {
        let masked = self.locked().masker.mask(text).into_owned();
        clean(&masked).into_owned()
    }

    /// Writes to standard output, and the end of the line.
    pub fn line(&self, text: &str, color: Option<Color>) {
        let text = self.presentable(text);
        self.write(false, &self.painted(&text, color), &text);
    }

    /// Writes to standard error, and the end of the line.
    pub fn error_line(&self, text: &str, color: Option<Color>) {
        let text = self.presentable(text);
        self.write(true, &self.painted(&text, color), &text);
    }

    /// Writes data to standard output: masked, but otherwise as it is.
    pub fn data(&self, text: &str) {
        let masked = self.locked().masker.mask(text).into_owned();
        self.write(false, &masked, &masked);
    }

    /// Writes parts of one line of different colours to standard output.
    pub(super) fn parts(&self, parts: &[(String, Option<Color>)]) {
        let clean: Vec<(String, Option<Color>)> = parts
            .iter()
            .map(|(text, color)| (self.presentable(text), *color))
            .collect();
        let painted: String = clean
            .iter()
            .map(|(text, color)| self.painted(text, *color))
            .collect();
        let plain: String = clean.into_iter().map(|(text, _)| text).collect();
        self.write(false, &painted, &plain);
    }

    /// Writes a heading to standard output.
    pub fn banner(&self, text: &str) {
        self.line(&banner::banner(text, self.screen.columns), None);
    }

    /// Writes the lines of a difference to standard output.
    pub(super) fn diff(&self, text: &str) {
        let text = self.presentable(text);
        let painted = if self.screen.color {
            diff::paint(&text)
        } else {
            text.clone()
        };
        self.write(false, &painted, &text);
    }

    /// Writes a diagnostic to standard error.
    pub fn diagnostic(&self, diagnostic: &Diagnostic, sources: &SourceMap) {
        let text = self.drawn(diagnostic, sources, render::human);
        self.write(true, &text, &text);
    }

    /// Writes a warning to standard error as Ansible writes one; with its source line where there is more to say of the place.
    pub fn warning(&self, warning: &Diagnostic, sources: &SourceMap) {
        let mut text = format!("[WARNING]: {}", warning.headline);
        let told = warning
            .primary
            .as_ref()
            .is_some_and(|label| !label.text.is_empty());
        let more = told
            || !(warning.help.is_empty()
                && warning.notes.is_empty()
                && warning.secondary.is_empty());
        if let Some(place) = sources.place(warning.span()).filter(|_| !more) {
            let _ = write!(text, " ({place})");
        }
        self.error_line(&text, Some(Color::Warn));
        if more {
            self.drawn_line(&self.drawn(warning, sources, render::body), true);
        }
    }

    /// Writes what [`Printer::drawn`] gave.
    pub(super) fn drawn_line(&self, text: &str, to_error: bool) {
        self.write(to_error, text, text);
    }

    /// Returns a diagnostic as `draw` draws it, its texts masked and cleaned before.
    pub(super) fn drawn(
        &self,
        diagnostic: &Diagnostic,
        sources: &SourceMap,
        draw: fn(&Diagnostic, &SourceMap, Style) -> String,
    ) -> String {
        let label = |label: &Label| Label {
            span: label.span,
            text: self.presentable(&label.text),
        };
        let lines = |lines: &[String]| lines.iter().map(|line| self.presentable(line)).collect();
        let shown = Diagnostic {
            code: diagnostic.code.clone(),
            severity: diagnostic.severity,
            headline: self.presentable(&diagnostic.headline),
            primary: diagnostic.primary.as_ref().map(label),
            secondary: diagnostic.secondary.iter().map(label).collect(),
            notes: lines(&diagnostic.notes),
            help: lines(&diagnostic.help),
        };
        let style = Style {
            color: self.screen.color,
            width: Style::default().width.max(self.screen.columns),
        };
        // The excerpt may show a secret that stands in a plain file; annotate-snippets has made control characters harmless.
        self.locked()
            .masker
            .mask(&draw(&shown, sources, style))
            .into_owned()
    }

    fn painted<'a>(&self, text: &'a str, color: Option<Color>) -> Cow<'a, str> {
        match color.filter(|_| self.screen.color) {
            Some(color) => Cow::Owned(color.paint(text)),
            None => Cow::Borrowed(text),
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, to_error: bool, painted: &str, plain: &str) {
        let mut shared = self.locked();
        if to_error {
            let _ = writeln!(shared.err, "{painted}");
            let _ = shared.err.flush();
        } else if !shared.closed {
            // A reader that has seen enough (`| head`) does not end the work.
            let written = writeln!(shared.out, "{painted}").and_then(|()| shared.out.flush());
            shared.closed = written.is_err();
        }
        if let Some(log) = &mut shared.log {
            let now = jiff::Zoned::now();
            let head = format!(
                "{} p={} n=kplay |",
                now.strftime("%Y-%m-%d %H:%M:%S,%3f"),
                std::process::id()
            );
            for line in plain.trim_end_matches('\n').lines() {
                let _ = writeln!(log, "{head} {line}");
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Somewhere to write to that a test can read.
    #[derive(Clone, Default)]
    pub(in crate::report) struct Page(Arc<Mutex<Vec<u8>>>);

    impl Page {
        pub(in crate::report) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Returns a printer with the pages that it writes to.
    pub(in crate::report) fn printer(screen: Screen) -> (Printer, Page, Page) {
        let (out, err) = (Page::default(), Page::default());
        (
            Printer::new(Box::new(out.clone()), Box::new(err.clone()), screen),
            out,
            err,
        )
    }

    #[test]
    fn t05_what_was_learnt_is_stars_everywhere() {
        let (printer, out, err) = printer(Screen::default());
        printer.learn_from(&Value::list([
            Value::text("open"),
            Value::text("canary").secret(),
        ]));
        printer.line("the canary sings", Some(Color::Ok));
        printer.error_line("open canary", None);
        let sources = SourceMap::default();
        let file = sources.add("site.yml", "password: canary\n");
        let span = crate::diag::Span::new(file, 1, 1, 8);
        printer.diagnostic(
            &Diagnostic::error("x", "bad canary")
                .at(span, "canary")
                .note("canary"),
            &sources,
        );
        assert_eq!(out.text(), "the ******** sings\n");
        assert!(
            err.text()
                .starts_with("open ********\nerror[x]: bad ********\n")
        );
        assert!(err.text().contains("password: ********") && !err.text().contains("canary"));
    }

    #[test]
    fn t22_hosts_cannot_drive_the_terminal() {
        let (printer, out, err) = printer(Screen {
            color: true,
            columns: 79,
        });
        printer.line("\u{1b}[2J", Some(Color::Ok));
        printer.diagnostic(
            &Diagnostic::error("x", "\u{1b}]0;title\u{7}"),
            &SourceMap::default(),
        );
        assert_eq!(out.text(), "\u{1b}[0;32m\\x1b[2J\u{1b}[0m\n");
        assert!(err.text().contains("\\x1b]0;title\\x07"));
    }
}
