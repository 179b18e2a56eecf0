//! Headings: the text, and stars to the end of the line.

use unicode_width::UnicodeWidthStr as _;

/// How wide a heading is where there is no terminal.
pub(super) const WIDTH: usize = 79;

/// Returns the heading, preceded by an empty line.
pub(super) fn banner(text: &str, columns: usize) -> String {
    let text = text.trim();
    let stars = columns.saturating_sub(text.width()).max(3);
    format!("\n{text} {}", "*".repeat(stars))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_fill_the_line_and_are_three_at_least() {
        assert_eq!(banner("PLAY RECAP", WIDTH).len(), 1 + 80);
        assert!(banner(&"x".repeat(100), WIDTH).ends_with("x ***"));
        assert_eq!(banner("äö", 10), "\näö ********");
    }
}
