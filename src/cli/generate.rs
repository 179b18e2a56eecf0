//! What is made from the tree of commands: completions for shells, and the manual page.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::command::Root;
use super::exit;
use crate::report::Printer;

/// Prints the completions of a shell.
pub(super) fn completions(shell: Shell, printer: &Printer) -> u8 {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Root::command(), "kplay", &mut out);
    printer.data(String::from_utf8_lossy(&out).trim_end());
    exit::FINE
}

/// Prints the manual page as roff: `kplay man | man -l -`.
pub(super) fn manual_page(printer: &Printer) -> u8 {
    let mut out = Vec::new();
    if let Err(error) = clap_mangen::Man::new(Root::command()).render(&mut out) {
        printer.error_line(&format!("error: {error}"), None);
        return exit::ERROR;
    }
    printer.data(String::from_utf8_lossy(&out).trim_end());
    exit::FINE
}
