//! From a stretch of a template's text to its place in the file.
//!
//! Everything that reports on a template goes through [`place`], so that there is one place that knows how a scalar's decoded
//! text relates to its source.

use super::tree::Spot;
use crate::diag::{SourceMap, Span};
use crate::value::Within;

/// Returns where the stretch is. With the sources at hand it is the exact place; without them (on a host) it is the place of
/// the whole text, and the stretch within it, for the controller to resolve.
pub(crate) fn place(
    sources: Option<&SourceMap>,
    text: &str,
    origin: Span,
    spot: Spot,
) -> (Span, Option<Within>) {
    if !origin.is_some() {
        return (Span::NONE, None);
    }
    let before = text.get(..spot.start as usize).unwrap_or("");
    let inside = text
        .get(spot.start as usize..spot.end as usize)
        .unwrap_or("");
    let within = Within {
        offset: count(before.chars().count()),
        length: count(
            inside
                .chars()
                .take_while(|character| *character != '\n')
                .count(),
        ),
    };
    match sources {
        Some(sources) => (resolve(sources, origin, text, within), None),
        None => (origin, Some(within)),
    }
}

/// Returns the place of a stretch of decoded `text` that was written at `origin`.
pub fn resolve(sources: &SourceMap, origin: Span, text: &str, within: Within) -> Span {
    let before: String = text.chars().take(within.offset as usize).collect();
    let line = count(before.matches('\n').count());
    let last = before.rsplit('\n').next().unwrap_or("");
    let written = sources.line(origin).unwrap_or_default();
    let start: String = written
        .chars()
        .skip(origin.column.saturating_sub(1) as usize)
        .collect();
    if start.starts_with(['|', '>']) {
        // A block scalar: its text begins on the next line, indented as far as that line is.
        let below = Span::new(origin.file, origin.line + 1 + line, 1, 0);
        let indent = sources
            .line(below)
            .map_or(0, |text| text.len() - text.trim_start_matches(' ').len());
        return Span::new(
            origin.file,
            below.line,
            count(indent + last.chars().count() + 1),
            within.length,
        );
    }
    let quote = u32::from(start.starts_with(['\'', '"']));
    let column = if line == 0 { origin.column + quote } else { 1 };
    Span::new(
        origin.file,
        origin.line + line,
        column + count(last.chars().count()),
        within.length,
    )
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
