//! Draws diagnostics: for people with the source line, in one line, and as JSON.
//!
//! `cli` draws what was found before a run, `report` what went wrong in it; nobody else does. The texts come back as strings, so
//! that whoever writes them can mask secrets and clean control characters first.

mod concise;
mod human;
mod json;

pub use concise::concise;
pub use human::{Style, body, human};
pub use json::json;

use super::Diagnostic;

/// Sorts diagnostics by place (those without one last, as found) and drops those that say the same twice.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by_key(|diagnostic| (!diagnostic.span().is_some(), diagnostic.span()));
    let mut kept: Vec<Diagnostic> = Vec::with_capacity(diagnostics.len());
    for diagnostic in diagnostics.drain(..) {
        if !kept.contains(&diagnostic) {
            kept.push(diagnostic);
        }
    }
    *diagnostics = kept;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Span};

    #[test]
    fn places_come_in_order_and_nothing_twice() {
        let at = |line| {
            Diagnostic::error("x", format!("line {line}")).at(Span::new(FileId(1), line, 1, 1), "")
        };
        let mut all = vec![Diagnostic::error("x", "nowhere"), at(3), at(1), at(3)];
        sort(&mut all);
        assert_eq!(all, [at(1), at(3), Diagnostic::error("x", "nowhere")]);
    }
}
