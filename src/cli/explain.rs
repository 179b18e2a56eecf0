//! `kplay explain`: what a code of a message means.

use super::exit;
use crate::diag::{CODES, explain as explanation, nearest_one};
use crate::report::Printer;

/// Does it.
pub(super) fn explain(code: Option<&str>, printer: &Printer) -> u8 {
    let Some(name) = code else {
        let width = CODES.iter().map(|(code, _)| code.len()).max().unwrap_or(0);
        let lines: Vec<String> = CODES
            .iter()
            .map(|(code, text)| format!("{code:width$}  {text}"))
            .collect();
        printer.data(&lines.join("\n"));
        return exit::FINE;
    };
    if let Some(text) = explanation(name) {
        printer.data(&format!("{name}\n\n{text}"));
        return exit::FINE;
    }
    let near = nearest_one(name, CODES.iter().map(|(code, _)| *code));
    let near = near
        .map(|near| format!("; did you mean `{near}`?"))
        .unwrap_or_default();
    printer.error_line(&format!("error: there is no code `{name}`{near}"), None);
    exit::ERROR
}
