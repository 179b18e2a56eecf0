//! Texts from hosts may hold what drives a terminal: escape sequences, and marks that turn the direction of writing. They are shown
//! as what they are.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns the text with everything but line ends (a carriage return before one too) and tabs that a terminal would act upon written as `\x1b` or `\u202e`.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(drives_a_terminal) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let code = u32::from(character);
        let ends_line = character == '\r' && characters.peek() == Some(&'\n');
        if ends_line || !drives_a_terminal(character) {
            out.push(character);
        } else if code < 0x100 {
            let _ = write!(out, "\\x{code:02x}");
        } else {
            let _ = write!(out, "\\u{code:04x}");
        }
    }
    Cow::Owned(out)
}

fn drives_a_terminal(character: char) -> bool {
    let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}');
    turns || (character.is_control() && !matches!(character, '\n' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t22_escape_sequences_and_turned_text_are_shown_as_text() {
        assert_eq!(clean("a\tb\nc ä"), "a\tb\nc ä");
        assert_eq!(clean("\u{1b}[2Jgone\r\u{7}"), "\\x1b[2Jgone\\x0d\\x07");
        assert_eq!(clean("a\r\nb\r\r\n\r"), "a\r\nb\\x0d\r\n\\x0d");
        assert_eq!(
            clean("\u{9b}31m\u{202e}abc\u{2069}"),
            "\\x9b31m\\u202eabc\\u2069"
        );
    }
}
