//! A diagnostic as people read it: headline, source line with a mark under the place, what is wrong there, context, next step.
//!
//! annotate-snippets draws; only this file knows it. It wants byte ranges where a [`Span`] counts characters, and it shows what
//! it is given, so a text that was decrypted is never handed over: its place is named instead.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Origin, Renderer, Snippet};

use crate::diag::{Diagnostic, Label, Severity, Source, SourceMap, Span};

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// With colours.
    pub color: bool,
    /// Columns of the screen; longer source lines are cut around the mark.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            color: false,
            width: 140,
        }
    }
}

/// Returns the whole diagnostic, several lines without the last line's end.
pub fn human(diagnostic: &Diagnostic, sources: &SourceMap, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(&*diagnostic.headline)
        .id(&*diagnostic.code);
    renderer(style).render(&[title.elements(elements(diagnostic, sources))])
}

/// Returns what stands below the headline, for where another text takes the headline's place; may be empty.
pub fn body(diagnostic: &Diagnostic, sources: &SourceMap, style: Style) -> String {
    let elements = elements(diagnostic, sources);
    if elements.is_empty() {
        return String::new();
    }
    let whole = human(
        diagnostic,
        sources,
        Style {
            color: style.color,
            ..style
        },
    );
    let headline_lines = diagnostic.headline.lines().count().max(1);
    whole
        .lines()
        .skip(headline_lines)
        .collect::<Vec<_>>()
        .join("\n")
}

fn renderer(style: Style) -> Renderer {
    let renderer = if style.color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer
        .term_width(style.width)
        .decor_style(DecorStyle::Ascii)
}

fn elements<'a>(diagnostic: &'a Diagnostic, sources: &SourceMap) -> Vec<Element<'a>> {
    let mut elements = Vec::new();
    let mut labels: Vec<(&Label, AnnotationKind)> = Vec::new();
    labels.extend(
        diagnostic
            .primary
            .iter()
            .map(|label| (label, AnnotationKind::Primary)),
    );
    labels.extend(
        diagnostic
            .secondary
            .iter()
            .map(|label| (label, AnnotationKind::Context)),
    );
    // One excerpt for each file, in the order in which they are named.
    while let Some((first, _)) = labels.first() {
        let file = first.span.file;
        let (here, others): (Vec<_>, Vec<_>) = labels
            .into_iter()
            .partition(|(label, _)| label.span.file == file);
        labels = others;
        let Some(source) = sources.get(file) else {
            continue;
        };
        if source.secret
            || here
                .iter()
                .any(|(label, _)| range(&source.text, label.span).is_none())
        {
            elements.extend(here.iter().map(|(label, _)| named(&source, label)));
            continue;
        }
        let snippet = Snippet::source(source.text.to_string())
            .path(source.name.clone())
            .line_start(1);
        let marks = here
            .into_iter()
            .filter_map(|(label, kind)| mark(&source.text, label, kind));
        elements.push(snippet.annotations(marks).into());
    }
    elements.extend(
        diagnostic
            .notes
            .iter()
            .map(|note| Level::NOTE.message(&**note).into()),
    );
    elements.extend(
        diagnostic
            .help
            .iter()
            .map(|help| Level::HELP.message(&**help).into()),
    );
    elements
}

fn mark<'a>(text: &str, label: &'a Label, kind: AnnotationKind) -> Option<Annotation<'a>> {
    let annotation = kind.span(range(text, label.span)?);
    Some(if label.text.is_empty() {
        annotation
    } else {
        annotation.label(&*label.text)
    })
}

/// The place alone, for a text that is not shown.
fn named<'a>(source: &Source, label: &'a Label) -> Element<'a> {
    let line = usize::try_from(label.span.line).unwrap_or(0);
    let column = usize::try_from(label.span.column).unwrap_or(0);
    Origin::path(source.name.clone())
        .line(line)
        .char_column(column)
        .into()
}

/// Returns the bytes that a place covers, at least one character where there is one.
fn range(text: &str, span: Span) -> Option<std::ops::Range<usize>> {
    let before = usize::try_from(span.line).ok()?.checked_sub(1)?;
    let start = match before {
        0 => 0,
        _ => text.match_indices('\n').nth(before - 1)?.0 + 1,
    };
    let line = text
        .get(start..)?
        .split('\n')
        .next()?
        .trim_end_matches('\r');
    let byte = |characters: usize| {
        line.char_indices()
            .nth(characters)
            .map_or(line.len(), |(at, _)| at)
    };
    let first = usize::try_from(span.column).ok()?.saturating_sub(1);
    let length = usize::try_from(span.length).ok()?.max(1);
    Some(start + byte(first)..start + byte(first.saturating_add(length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> (SourceMap, crate::diag::FileId) {
        let sources = SourceMap::default();
        let file = sources.add(
            "site.yml",
            "- hosts: all\n  tasks:\n    - cöpy:\n        ownr: root\n",
        );
        (sources, file)
    }

    #[test]
    fn the_place_is_marked_in_its_line() {
        let (sources, file) = sources();
        let diagnostic = Diagnostic::error("unknown-argument", "`copy` has no argument `ownr`")
            .at(Span::new(file, 4, 9, 4), "did you mean `owner`?")
            .and_at(Span::new(file, 3, 7, 4), "")
            .note("in the play `all`")
            .help("see `kplay doc copy`");
        insta::assert_snapshot!(human(&diagnostic, &sources, Style::default()), @r"
        error[unknown-argument]: `copy` has no argument `ownr`
         --> site.yml:4:9
          |
        3 |     - cöpy:
          |       ----
        4 |         ownr: root
          |         ^^^^ did you mean `owner`?
          |
          = note: in the play `all`
          = help: see `kplay doc copy`
        ");
    }

    #[test]
    fn a_headline_alone_is_one_line() {
        let shown = human(
            &Diagnostic::warning("odd", "nothing to see"),
            &SourceMap::default(),
            Style::default(),
        );
        assert_eq!(shown, "warning[odd]: nothing to see");
        assert_eq!(
            body(
                &Diagnostic::warning("odd", "nothing"),
                &SourceMap::default(),
                Style::default()
            ),
            ""
        );
    }

    #[test]
    fn colours_come_only_when_asked_for() {
        let (sources, file) = sources();
        let diagnostic = Diagnostic::error("odd", "odd").at(Span::new(file, 1, 3, 5), "");
        assert!(!human(&diagnostic, &sources, Style::default()).contains('\u{1b}'));
        assert!(
            human(
                &diagnostic,
                &sources,
                Style {
                    color: true,
                    width: 100
                }
            )
            .contains('\u{1b}')
        );
    }

    #[test]
    fn a_secret_text_is_never_excerpted() {
        let sources = SourceMap::default();
        let file = sources.add_secret("vault.yml", "password: canary\n");
        let diagnostic = Diagnostic::error("odd", "odd").at(Span::new(file, 1, 11, 6), "");
        let shown = human(&diagnostic, &sources, Style::default());
        assert!(
            shown.contains("vault.yml:1:11") && !shown.contains("canary"),
            "{shown}"
        );
    }

    #[test]
    fn places_beyond_the_text_do_no_harm() {
        let (sources, file) = sources();
        for span in [
            Span::new(file, 99, 1, 1),
            Span::new(file, 1, 99, 9),
            Span::new(file, 5, 1, 3),
        ] {
            let shown = human(
                &Diagnostic::error("odd", "odd").at(span, "x"),
                &sources,
                Style::default(),
            );
            assert!(shown.contains("site.yml"), "{shown}");
        }
    }
}
