//! The armor of age files: PEM, strictly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::AgeError;

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
const COLUMNS: usize = 64;

/// Tells whether content is armored; white space may stand before it.
pub(super) fn is_armored(content: &[u8]) -> bool {
    content.trim_ascii_start().starts_with(BEGIN.as_bytes())
}

/// Returns what the armor holds.
pub(super) fn decode(content: &[u8]) -> Result<Vec<u8>, AgeError> {
    let text = std::str::from_utf8(content)
        .map_err(|_| AgeError::Damaged("its armor is not text"))?
        .trim_ascii();
    let mut lines = text
        .split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line));
    if lines.next() != Some(BEGIN) {
        return Err(AgeError::Damaged("its armor does not begin as it must"));
    }
    let mut body = String::new();
    let mut short = false;
    let mut ended = false;
    for line in lines.by_ref() {
        if line == END {
            ended = true;
            break;
        }
        if short || line.is_empty() || line.len() > COLUMNS {
            return Err(AgeError::Damaged("a line of its armor has a wrong length"));
        }
        short = line.len() < COLUMNS;
        body.push_str(line);
    }
    if !ended {
        return Err(AgeError::Damaged("its armor has no end"));
    }
    if lines.next().is_some() {
        return Err(AgeError::Damaged("something stands behind its armor"));
    }
    STANDARD
        .decode(body)
        .map_err(|_| AgeError::Damaged("its armor is not base64"))
}

/// Returns the bytes in armor.
pub(super) fn encode(bytes: &[u8]) -> String {
    let body = STANDARD.encode(bytes);
    let mut text = format!("{BEGIN}\n");
    for (at, letter) in body.chars().enumerate() {
        if at > 0 && at % COLUMNS == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    format!("{text}\n{END}\n")
}
