//! From a stretch of a template's text to its place in the file.
//!
//! While a template is evaluated a fault only notes the scalar it is in and the stretch of its text: most are forgiven. What
//! leaves the evaluator is given its line and column here, on a host only once the controller has it.

use super::error::TemplateError;
use super::tree::Spot;
use crate::diag::{SourceMap, Span};
use crate::value::{Fault, Within};
use crate::yaml;

/// Returns the stretch in characters.
pub(crate) fn within(text: &str, spot: Spot) -> Within {
    let before = text.get(..spot.start as usize).unwrap_or("");
    let inside = text
        .get(spot.start as usize..spot.end as usize)
        .unwrap_or("");
    Within {
        offset: count(before.chars().count()),
        length: count(
            inside
                .chars()
                .take_while(|character| *character != '\n')
                .count(),
        ),
    }
}

/// Returns the place of a stretch of the scalar or template file that begins at `origin`.
pub(crate) fn resolve(sources: &SourceMap, origin: Span, within: Within) -> Span {
    if (origin.line, origin.column) != (1, 1) {
        return yaml::locate(
            sources,
            origin,
            within.offset as usize,
            within.length as usize,
        );
    }
    // The whole text is the template: nothing to decode.
    let Some(source) = sources.get(origin.file) else {
        return origin;
    };
    let (mut line, mut column) = (1, 1);
    for character in source.text.chars().take(within.offset as usize) {
        if character == '\n' {
            (line, column) = (line + 1, 1);
        } else {
            column += 1;
        }
    }
    Span::new(origin.file, line, column, within.length)
}

impl TemplateError {
    /// Returns the error with its line and column, where it only knows the scalar it is in and the stretch of its text.
    #[must_use]
    pub fn located(self, sources: &SourceMap) -> Self {
        match self {
            Self::Fault(fault) => match fault.within {
                Some(within) => {
                    let span = resolve(sources, fault.span, within);
                    Self::Fault(Fault {
                        span,
                        within: None,
                        ..fault
                    })
                }
                None => Self::Fault(fault),
            },
            other => other,
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
