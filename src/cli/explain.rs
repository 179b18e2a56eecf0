//! `kplay explain`: what a code of a message means.

use super::exit;
use crate::diag::codes::{CODES, find};
use crate::diag::nearest_one;
use crate::report::Printer;

/// Does it.
pub(super) fn explain(code: Option<&str>, printer: &Printer) -> u8 {
    let Some(name) = code else {
        let width = CODES.iter().map(|code| code.name.len()).max().unwrap_or(0);
        let lines: Vec<String> = CODES.iter().map(|code| format!("{:width$}  {}", code.name, code.text)).collect();
        printer.data(&lines.join("\n"));
        return exit::FINE;
    };
    if let Some(code) = find(name) {
        printer.data(&format!("{}\n\n{}", code.name, code.text));
        return exit::FINE;
    }
    let near = nearest_one(name, CODES.iter().map(|code| code.name));
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    printer.error_line(&format!("error: there is no code `{name}`{near}"), None);
    exit::ERROR
}
