//! A diagnostic in one line, as editors and `grep` take it: `FILE:LINE:COLUMN: error[CODE]: HEADLINE`.

use crate::diag::{Diagnostic, Severity, SourceMap};

/// Returns the diagnostic in one line, without its end.
pub fn concise(diagnostic: &Diagnostic, sources: &SourceMap) -> String {
    let place = sources
        .place(diagnostic.span())
        .map(|place| format!("{place}: "))
        .unwrap_or_default();
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let headline = diagnostic
        .headline
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    format!("{place}{severity}[{}]: {headline}", diagnostic.code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    #[test]
    fn a_line_has_place_code_and_headline() {
        let sources = SourceMap::default();
        let file = sources.add("site.yml", "- hosts: all\n");
        let diagnostic =
            Diagnostic::warning("odd", "this is\nodd").at(Span::new(file, 1, 3, 5), "");
        assert_eq!(
            concise(&diagnostic, &sources),
            "site.yml:1:3: warning[odd]: this is odd"
        );
        assert_eq!(
            concise(&Diagnostic::error("bad", "nowhere"), &sources),
            "error[bad]: nowhere"
        );
    }
}
