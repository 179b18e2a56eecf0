//! How `kplay` talks: where to, in which colours, and what it says of mistakes.

use std::io::IsTerminal as _;

use super::exit;
use crate::config::Settings;
use crate::diag::render;
use crate::diag::{Diagnostic, SourceMap};
use crate::report::{Printer, Screen};

/// Returns the printer to the terminal before anything is configured: colours by the environment alone.
pub(super) fn printer() -> Printer {
    let screen = Screen {
        color: std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        ..Screen::default()
    };
    Printer::new(
        Box::new(std::io::stdout()),
        Box::new(std::io::stderr()),
        screen,
    )
}

/// Returns the printer as the settings want it.
pub(super) fn configured(printer: &Printer, settings: &Settings) -> Printer {
    let terminal = std::io::stdout().is_terminal();
    let width = if terminal {
        rustix::termios::tcgetwinsize(std::io::stdout()).map_or(0, |size| usize::from(size.ws_col))
    } else {
        0
    };
    let screen = Screen {
        // `force_color` wins over `no_color` too, as in Ansible.
        color: settings.force_color || (terminal && !settings.no_color),
        columns: Screen::default().columns.max(width.saturating_sub(1)),
    };
    if let Some(path) = &settings.log_path {
        let options = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path);
        match options {
            Ok(file) => printer.log_to(file),
            Err(error) => printer.error_line(
                &format!(
                    "[WARNING]: the log file `{}` cannot be written: {error}",
                    path.display()
                ),
                None,
            ),
        }
    }
    printer.with_screen(screen)
}

/// Says what is wrong, sorted by place: warnings in Ansible's way, errors with their source lines, then how many there are.
pub(super) fn complain(printer: &Printer, sources: &SourceMap, mut diagnostics: Vec<Diagnostic>) {
    render::sort(&mut diagnostics);
    let (errors, warnings): (Vec<_>, Vec<_>) =
        diagnostics.into_iter().partition(Diagnostic::is_error);
    for warning in &warnings {
        printer.warning(warning, sources);
    }
    for (index, error) in errors.iter().enumerate() {
        if index > 0 {
            printer.error_line("", None);
        }
        printer.diagnostic(error, sources);
    }
    if errors.len() > 1 {
        printer.error_line(&format!("\n{} errors; nothing was run", errors.len()), None);
    }
}

/// Says what is wrong, and returns the code for it.
pub(super) fn refuse(printer: &Printer, sources: &SourceMap, errors: Vec<Diagnostic>) -> u8 {
    let code = exit::of_errors(&errors);
    complain(printer, sources, errors);
    code
}
