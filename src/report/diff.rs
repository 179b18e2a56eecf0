//! `--diff`: both sides as Ansible shows them, a unified difference with its headers; states as JSON.

use similar::TextDiff;
use std::fmt::Write as _;

use super::color::Color;
use super::result;
use crate::kit::{Diff, DiffText};

/// Returns the text for these differences, or nothing where both sides are alike.
pub(super) fn text(diffs: &[Diff], context: usize, format: &result::Format) -> Option<String> {
    let mut out = String::new();
    for diff in diffs {
        one(diff, context, format, &mut out);
    }
    Some(out).filter(|text| !text.is_empty())
}

fn one(diff: &Diff, context: usize, format: &result::Format, out: &mut String) {
    for (side, name) in [(&diff.after, "source"), (&diff.before, "destination")] {
        if let DiffText::Hidden(why) = side {
            let _ = writeln!(out, "diff skipped: {name} file {why}");
        }
    }
    if let (Some(before), Some(after)) = (side(&diff.before, format), side(&diff.after, format)) {
        let header = |name: &str, header: &Option<String>| match header {
            Some(header) => format!("{name}: {header}"),
            None => name.to_owned(),
        };
        let compared = TextDiff::from_lines(&before, &after);
        let mut unified = compared.unified_diff();
        let unified = unified
            .context_radius(context)
            .header(
                &header("before", &diff.before_header),
                &header("after", &diff.after_header),
            )
            .missing_newline_hint(true)
            .to_string();
        if !unified.is_empty() {
            out.push_str(&unified);
            out.push('\n');
        }
    }
    if let Some(prepared) = &diff.prepared {
        out.push_str(prepared);
    }
}

fn side(side: &DiffText, format: &result::Format) -> Option<String> {
    match side {
        DiffText::Text(text) => Some(text.clone()),
        DiffText::State(state) => Some(format.state(state)),
        DiffText::Hidden(_) => None,
    }
}

/// Returns the text with its lines coloured.
pub(super) fn paint(text: &str) -> String {
    let painted = text.split('\n').map(|line| match line.chars().next() {
        Some('+') => Color::DiffAdd.paint(line),
        Some('-') => Color::DiffRemove.paint(line),
        Some('@') if line.starts_with("@@") => Color::DiffLines.paint(line),
        _ => line.to_owned(),
    });
    painted.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Dict;

    fn shown(diff: Diff) -> String {
        text(&[diff], 3, &result::Format::default()).unwrap_or_default()
    }

    /// As ansible-playbook printed them.
    #[test]
    fn texts_are_compared_line_by_line() {
        let diff = Diff::text("", "a\nb\n");
        assert_eq!(
            shown(Diff {
                after_header: Some("/tmp/x".to_owned()),
                ..diff
            }),
            "--- before\n+++ after: /tmp/x\n@@ -0,0 +1,2 @@\n+a\n+b\n\n"
        );
        assert_eq!(
            shown(Diff::text("a\nb\n", "a\nc").headers("/tmp/x", "/tmp/x")),
            "--- before: /tmp/x\n+++ after: /tmp/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n\\ No newline at end of file\n\n"
        );
        assert_eq!(shown(Diff::text("a\n", "a\n")), "");
    }

    #[test]
    fn states_are_json() {
        let state = |state: &str| Dict::new().with("path", "/tmp/d").with("state", state);
        assert_eq!(
            shown(Diff::state(state("absent"), state("directory"))),
            "--- before\n+++ after\n@@ -1,4 +1,4 @@\n {\n     \"path\": \"/tmp/d\",\n-    \"state\": \"absent\"\n+    \"state\": \"directory\"\n }\n\n"
        );
    }
}
