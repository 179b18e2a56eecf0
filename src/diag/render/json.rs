//! A diagnostic as JSON, for programs: the same fields as the type, places as file, line, column and length.

use serde_json::{Value, json};

use crate::diag::{Diagnostic, Label, Severity, SourceMap};

/// Returns the diagnostic as a JSON object.
pub fn json(diagnostic: &Diagnostic, sources: &SourceMap) -> Value {
    let place = |label: &Label| {
        json!({
            "file": sources.get(label.span.file).map(|source| source.name.clone()),
            "line": label.span.line,
            "column": label.span.column,
            "length": label.span.length,
            "text": label.text,
        })
    };
    json!({
        "code": diagnostic.code,
        "severity": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "headline": diagnostic.headline,
        "primary": diagnostic.primary.as_ref().map(place),
        "secondary": diagnostic.secondary.iter().map(place).collect::<Vec<_>>(),
        "notes": diagnostic.notes,
        "help": diagnostic.help,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    #[test]
    fn places_are_named() {
        let sources = SourceMap::default();
        let file = sources.add("site.yml", "- hosts: all\n");
        let diagnostic = Diagnostic::error("odd", "this is odd")
            .at(Span::new(file, 1, 3, 5), "here")
            .help("do better");
        let shown = json(&diagnostic, &sources);
        assert_eq!(
            shown["primary"],
            json!({"file": "site.yml", "line": 1, "column": 3, "length": 5, "text": "here"})
        );
        assert_eq!(shown["help"], json!(["do better"]));
    }
}
