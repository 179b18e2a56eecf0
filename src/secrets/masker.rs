//! The second line of defence: whatever leaves the program goes through here, and a known secret comes out as stars in any
//! form in which text usually carries one.
//!
//! Secrets of fewer than three bytes are not masked: they would make every other word unreadable and are no secrets.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use super::Secret;

/// What stands in a secret's place.
const STARS: &str = "********";
/// Shorter secrets are left alone.
const SHORTEST: usize = 3;
/// A line of a secret with several lines is masked by itself from this length on (a key's lines are; `---` is not).
const SHORTEST_LINE: usize = 8;

/// Knows the secrets of a run and replaces them in text.
#[derive(Clone, Default)]
pub struct Masker {
    /// Every form of every secret, by its first three bytes, longest first.
    forms: HashMap<[u8; SHORTEST], Vec<Secret>>,
    known: BTreeSet<[u8; 32]>,
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Masker({} secrets)", self.known.len())
    }
}

impl Masker {
    /// Learns a secret. Adding one twice costs nothing.
    pub fn add(&mut self, secret: &str) {
        let digest = <sha2::Sha256 as sha2::Digest>::digest(secret.as_bytes());
        if secret.trim().len() < SHORTEST || !self.known.insert(digest.into()) {
            return;
        }
        let trimmed = secret.trim_end_matches(['\n', '\r']);
        let mut parts = vec![trimmed];
        if trimmed.contains('\n') {
            parts.extend(
                trimmed
                    .lines()
                    .map(str::trim)
                    .filter(|line| line.len() >= SHORTEST_LINE),
            );
        }
        for part in parts {
            for form in forms(part) {
                self.add_form(&form);
            }
        }
    }

    fn add_form(&mut self, form: &str) {
        let Some(start) = form.as_bytes().first_chunk::<SHORTEST>() else {
            return;
        };
        let list = self.forms.entry(*start).or_default();
        if list.iter().any(|known| known.expose() == form.as_bytes()) {
            return;
        }
        let at = list.partition_point(|known| known.expose().len() > form.len());
        list.insert(at, Secret::from(form));
    }

    /// Tells whether there is nothing to mask.
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// Returns the text with every known secret replaced.
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::new();
        let mut copied = 0;
        let mut at = 0;
        let bytes = text.as_bytes();
        while let Some(start) = bytes
            .get(at..)
            .and_then(|rest| rest.first_chunk::<SHORTEST>())
        {
            let found = self.forms.get(start).and_then(|list| {
                list.iter().find(|form| {
                    bytes
                        .get(at..)
                        .is_some_and(|rest| rest.starts_with(form.expose()))
                })
            });
            match found {
                // Forms are whole UTF-8 texts, so that both ends lie between characters.
                Some(form) => {
                    out.push_str(text.get(copied..at).unwrap_or_default());
                    out.push_str(STARS);
                    at += form.expose().len();
                    copied = at;
                }
                None => at += 1,
            }
        }
        if copied == 0 && out.is_empty() {
            return Cow::Borrowed(text);
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Cow::Owned(out)
    }
}

/// The forms in which other programs and formats write a text.
fn forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned()];
    forms.extend(base64_forms(text.as_bytes()));
    forms.push(percent(text, "", false));
    forms.push(percent(text, "/", false));
    forms.push(percent(text, "", true));
    forms.push(percent(text, "", false).replace("%20", "+"));
    // POSIX shells: a quote inside single quotes, and backslashes.
    forms.push(text.replace('\'', "'\"'\"'"));
    forms.push(text.replace('\'', "'\\''"));
    forms.push(backslashed(text));
    // JSON, and Python's repr.
    let json = serde_json::Value::from(text).to_string();
    let inner = json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_default();
    forms.push(inner.to_owned());
    forms.push(ascii(inner));
    forms.push(repr(text));
    // Markup.
    forms.push(
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;"),
    );
    forms.push(
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;"),
    );
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// Base64 of the text alone, and the part that stays the same wherever it stands in a longer text.
fn base64_forms(bytes: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for engine in [&STANDARD, &URL_SAFE] {
        forms.push(engine.encode(bytes).trim_end_matches('=').to_owned());
        for shift in 0..3usize {
            let mut padded = vec![0; shift];
            padded.extend_from_slice(bytes);
            let encoded = engine.encode(&padded);
            // Characters that also carry bits of a neighbour are left out.
            let from = (shift * 8).div_ceil(6);
            let to = padded.len() * 8 / 6;
            if let Some(inner) = encoded.get(from..to).filter(|inner| inner.len() >= 4) {
                forms.push(inner.to_owned());
            }
        }
    }
    forms
}

fn percent(text: &str, safe: &str, lower: bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let character = char::from(byte);
        if character.is_ascii_alphanumeric()
            || matches!(character, '-' | '_' | '.' | '~')
            || safe.contains(character)
        {
            out.push(character);
        } else if lower {
            let _ = write!(out, "%{byte:02x}");
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn backslashed(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if character.is_ascii()
            && !character.is_ascii_alphanumeric()
            && !matches!(
                character,
                '-' | '_' | '.' | '/' | ',' | ':' | '@' | '%' | '+' | '='
            )
        {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// As between the quotes of Python's `repr`.
fn repr(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Python takes double quotes for a text that has only single ones.
            '\'' if text.contains('"') => out.push_str("\\'"),
            other => out.push(other),
        }
    }
    out
}

/// JSON with everything beyond ASCII as `\uXXXX`.
fn ascii(json: &str) -> String {
    let mut out = String::new();
    let mut units = [0u16; 2];
    for character in json.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "c4n'ary \"{{/x}}\" ä&b";

    fn masker() -> Masker {
        let mut masker = Masker::default();
        masker.add(CANARY);
        masker
    }

    #[test]
    fn every_usual_form_is_masked() {
        let masker = masker();
        let json = serde_json::Value::from(CANARY).to_string();
        for form in [
            CANARY.to_owned(),
            STANDARD.encode(CANARY),
            URL_SAFE.encode(CANARY),
            percent(CANARY, "", false),
            percent(CANARY, "", true),
            percent(CANARY, "", false).replace("%20", "+"),
            json.trim_matches('"').to_owned(),
            CANARY.replace('\'', "'\"'\"'"),
            CANARY.replace('\'', "'\\''"),
            CANARY.replace('\'', "\\'"),
        ] {
            let text = format!("before {form} after");
            let masked = masker.mask(&text);
            assert!(
                masked.starts_with("before ****") && masked.ends_with(" after"),
                "{masked}"
            );
            assert!(!masked.contains(&form));
        }
    }

    #[test]
    fn base64_inside_a_longer_text_is_masked() {
        let masker = masker();
        for user in ["a", "ab", "abc"] {
            let encoded = STANDARD.encode(format!("{user}:{CANARY}\n"));
            assert!(masker.mask(&encoded).contains(STARS), "{encoded}");
        }
    }

    #[test]
    fn lines_of_a_long_secret_are_masked_alone() {
        let mut masker = Masker::default();
        masker.add("-----BEGIN KEY-----\nabcdefghijkl\n-----END KEY-----\n");
        assert_eq!(masker.mask("  abcdefghijkl"), format!("  {STARS}"));
    }

    #[test]
    fn other_text_is_borrowed() {
        assert!(matches!(masker().mask("nothing here"), Cow::Borrowed(_)));
        let mut masker = Masker::default();
        masker.add("no");
        masker.add("   ");
        assert!(masker.is_empty());
    }

    #[test]
    fn the_longest_secret_wins() {
        let mut masker = Masker::default();
        masker.add("secret");
        masker.add("secret-long");
        assert_eq!(masker.mask("x=secret-long;"), format!("x={STARS};"));
    }
}
