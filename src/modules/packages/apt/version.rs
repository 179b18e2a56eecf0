//! Debian's order of versions, and the `name=version` that users write.

use std::cmp::Ordering;

use crate::modules::commands::glob;

/// What a version must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Any.
    Any,
    /// One that this pattern matches (`=1.2*`).
    Like(String),
    /// This one or a later one (`>=1.2`).
    AtLeast(String),
}

/// A package as a user names it: `curl`, `curl=7.*`, `curl>=7`, `libc6:i386`, `lib*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// As it was written.
    pub(super) text: String,
    pub(super) name: String,
    pub(super) version: Wanted,
}

impl Request {
    pub(super) fn parse(text: &str) -> Self {
        let (name, version) = if let Some((name, version)) = text.split_once(">=") {
            (name, Wanted::AtLeast(version.to_owned()))
        } else if let Some((name, version)) = text.split_once('=') {
            (name, Wanted::Like(version.to_owned()))
        } else {
            (text, Wanted::Any)
        };
        Self {
            text: text.to_owned(),
            name: name.trim().to_owned(),
            version,
        }
    }

    /// Tells whether that version will do.
    pub(super) fn accepts(&self, version: &str) -> bool {
        match &self.version {
            Wanted::Any => true,
            Wanted::Like(pattern) => glob::matches(pattern, version),
            Wanted::AtLeast(least) => compare(version, least) != Ordering::Less,
        }
    }

    /// The version is a pattern rather than one version.
    pub(super) fn has_pattern(&self) -> bool {
        matches!(&self.version, Wanted::Like(pattern) if pattern.contains(['*', '?', '[']))
    }

    /// The name is a pattern.
    pub(super) fn is_pattern(&self) -> bool {
        self.name.contains(['*', '?', '[', ']', '!'])
    }
}

/// Compares two versions as dpkg does: epoch, upstream version, revision.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (parts(left), parts(right));
    left.0
        .cmp(&right.0)
        .then_with(|| compare_part(left.1, right.1))
        .then_with(|| compare_part(left.2, right.2))
}

fn parts(version: &str) -> (u64, &str, &str) {
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest),
        None => (0, version),
    };
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, upstream, revision)
}

/// Text without digits and numbers by turns; `~` sorts before the end, letters before other characters.
fn compare_part(mut left: &str, mut right: &str) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (left_text, left_rest) = left.split_at(end_of(left, |c| !c.is_ascii_digit()));
        let (right_text, right_rest) = right.split_at(end_of(right, |c| !c.is_ascii_digit()));
        let length = left_text.len().max(right_text.len());
        let weights = |text: &str| {
            (0..length)
                .map(|at| weight(text.as_bytes().get(at)))
                .collect::<Vec<_>>()
        };
        let (left_number, left_after) =
            left_rest.split_at(end_of(left_rest, |c| c.is_ascii_digit()));
        let (right_number, right_after) =
            right_rest.split_at(end_of(right_rest, |c| c.is_ascii_digit()));
        let (left_digits, right_digits) = (
            left_number.trim_start_matches('0'),
            right_number.trim_start_matches('0'),
        );
        let order = weights(left_text)
            .cmp(&weights(right_text))
            .then_with(|| left_digits.len().cmp(&right_digits.len()))
            .then_with(|| left_digits.cmp(right_digits));
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (left_after, right_after);
    }
    Ordering::Equal
}

fn end_of(text: &str, belongs: fn(char) -> bool) -> usize {
    text.find(|character| !belongs(character))
        .unwrap_or(text.len())
}

fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        Some(b'~') => -1,
        None => 0,
        Some(letter) if letter.is_ascii_alphabetic() => i32::from(*letter),
        Some(other) => i32::from(*other) + 256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_by_dpkg() {
        let ordered = [
            "0", "1.0~rc1", "1.0", "1.0-1", "1.0-1+b1", "1.0a", "1.0+x", "1.2", "1.10", "2.0",
            "1:0.1",
        ];
        for (at, left) in ordered.iter().enumerate() {
            for (other, right) in ordered.iter().enumerate() {
                assert_eq!(compare(left, right), at.cmp(&other), "{left} {right}");
            }
        }
        assert_eq!(compare("1.00", "1.0"), Ordering::Equal);
    }

    #[test]
    fn requests_name_versions() {
        let request = Request::parse("curl=7.*");
        assert!(request.accepts("7.88") && !request.accepts("8.0") && request.has_pattern());
        let request = Request::parse("curl>=7.1");
        assert!(request.name == "curl" && request.accepts("7.10") && !request.accepts("7.0"));
        assert!(Request::parse("lib*").is_pattern());
    }
}
