//! One text into single patterns: commas, or colons where the text is no address.

use std::path::Path;

use super::address::parse_address;

/// Takes `a,b[1], c[2:3]` or `a:&b:!c` apart.
pub fn split(text: &str) -> Vec<String> {
    let parts: Vec<String> = if text.contains(',') {
        text.split(',').map(str::to_owned).collect()
    } else if parse_address(text, true).is_some() {
        vec![text.to_owned()]
    } else {
        at_colons(text)
    };
    parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Runs of anything but blanks and colons; a complete bracketed expression counts as one character.
fn at_colons(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut current = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let mut taken = character.len_utf8();
        match character {
            '[' => match rest.find(']') {
                Some(end) => {
                    taken = end + 1;
                    current.push_str(rest.get(..taken).unwrap_or_default());
                }
                None => parts.push(std::mem::take(&mut current)),
            },
            ']' | ':' => parts.push(std::mem::take(&mut current)),
            blank if blank.is_whitespace() => parts.push(std::mem::take(&mut current)),
            other => current.push(other),
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    parts.push(current);
    parts
}

/// Takes the argument of `--limit` apart, where `@file` stands for the lines of that file.
pub fn read_limit(text: &str) -> Result<Vec<String>, String> {
    let mut patterns = Vec::new();
    for part in split(text) {
        match part.strip_prefix('@') {
            None => patterns.push(part),
            Some(name) => {
                let path = Path::new(name);
                if path.is_dir() {
                    return Err(format!("the limit file `{name}` is a directory"));
                }
                let content = std::fs::read_to_string(path)
                    .map_err(|error| format!("the limit file `{name}` cannot be read: {error}"))?;
                patterns.extend(
                    content
                        .lines()
                        .map(|line| line.trim().to_owned())
                        .filter(|line| !line.is_empty()),
                );
            }
        }
    }
    Ok(patterns)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values from ansible-core's own splitting.
    #[test]
    fn patterns_come_apart_as_in_ansible() {
        for (text, expected) in [
            ("a,b[1], c[2:3] , d", vec!["a", "b[1]", "c[2:3]", "d"]),
            ("a:&b:!c", vec!["a", "&b", "!c"]),
            ("a[1:2]:b", vec!["a[1:2]", "b"]),
            ("::1", vec!["::1"]),
            ("web[0:2]", vec!["web[0:2]"]),
            ("[::1]:22", vec!["[::1]:22"]),
            ("a b", vec!["a", "b"]),
            ("", vec![]),
            ("~web.*", vec!["~web.*"]),
            ("x[0]", vec!["x[0]"]),
            ("x[-1]:y", vec!["x[-1]", "y"]),
            ("host:22", vec!["host:22"]),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }

    #[test]
    fn a_limit_reads_files() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "a\n\n b \n").unwrap();
        assert_eq!(
            read_limit(&format!("@{},c", file.path().display())).unwrap(),
            ["a", "b", "c"]
        );
        assert!(read_limit("@/nonexistent").is_err() && read_limit("@/").is_err());
    }
}
