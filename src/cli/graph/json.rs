//! A graph as JSON.

use crate::engine::Drawing;

/// Returns the text.
pub(super) fn text(drawing: &Drawing) -> String {
    // Names and numbers alone: there is nothing that JSON cannot say.
    serde_json::to_string_pretty(drawing).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::testing::drawing;

    #[test]
    fn a_program_reads_steps_and_waits() {
        insta::assert_snapshot!(super::text(&drawing()));
    }
}
