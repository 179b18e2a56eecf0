//! Shell patterns for names (`*.conf`, `log?.[0-9]`), as Python's `fnmatch` and `glob` read them.

use fancy_regex::Regex;

use crate::kit::{Host, HostError};

/// Returns the pattern as a regular expression that matches whole names.
pub(in crate::modules) fn expression(pattern: &str) -> String {
    let mut out = String::from(r"\A(?s:");
    let characters: Vec<char> = pattern.chars().collect();
    let mut at = 0;
    while let Some(character) = characters.get(at).copied() {
        at += 1;
        match character {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => match class(characters.get(at..).unwrap_or_default()) {
                Some((class, length)) => {
                    out.push_str(&class);
                    at += length;
                }
                None => out.push_str(r"\["),
            },
            _ => out.push_str(&fancy_regex::escape(&character.to_string())),
        }
    }
    out.push_str(r")\z");
    out
}

/// Reads what follows a `[` up to its `]`: the class, and how many characters it took.
fn class(rest: &[char]) -> Option<(String, usize)> {
    let negated = rest.first() == Some(&'!');
    let start = usize::from(negated);
    // A `]` that comes first is one of the class.
    let close = rest
        .iter()
        .skip(start + 1)
        .position(|character| *character == ']')?
        + start
        + 1;
    let mut out = String::from(if negated { "[^" } else { "[" });
    for character in rest.get(start..close)? {
        if matches!(character, '\\' | '[' | ']' | '^' | '&' | '~') {
            out.push('\\');
        }
        out.push(*character);
    }
    out.push(']');
    Some((out, close + 1))
}

/// Tells whether a name matches the pattern.
pub(in crate::modules) fn matches(pattern: &str, name: &str) -> bool {
    Regex::new(&expression(pattern)).is_ok_and(|regex| regex.is_match(name).unwrap_or(false))
}

fn has_magic(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Tells whether a path, which may be a pattern, names anything on the host.
pub(in crate::modules) fn exists(pattern: &str, host: &dyn Host) -> Result<bool, HostError> {
    if !has_magic(pattern) {
        return Ok(host.status(pattern, false)?.is_some());
    }
    let mut found = vec![if pattern.starts_with('/') {
        "/".to_owned()
    } else {
        String::new()
    }];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for folder in found {
            next.extend(expand_part(&folder, part, host)?);
        }
        found = next;
    }
    Ok(!found.is_empty())
}

fn expand_part(folder: &str, part: &str, host: &dyn Host) -> Result<Vec<String>, HostError> {
    if !has_magic(part) {
        let path = format!("{folder}{part}");
        let there = host.status(&path, false)?.is_some();
        return Ok(if there { vec![path + "/"] } else { Vec::new() });
    }
    let listed = match host.list(if folder.is_empty() { "." } else { folder }) {
        Ok(listed) => listed,
        Err(HostError::System { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let visible = |name: &str| part.starts_with('.') || !name.starts_with('.');
    let names = listed
        .into_iter()
        .map(|entry| entry.name)
        .filter(|name| visible(name) && matches(part, name));
    Ok(names.map(|name| format!("{folder}{name}/")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;

    #[test]
    fn patterns_match_whole_names() {
        assert!(matches("*.conf", "a.conf") && !matches("*.conf", "a.conf.bak"));
        assert!(matches("log[!0-9]?", "logab") && !matches("log[!0-9]?", "log1b"));
        assert!(
            matches("a[]x]", "a]")
                && matches("a[", "a[")
                && matches("a.b", "a.b")
                && !matches("a.b", "axb")
        );
    }

    #[test]
    fn patterns_find_what_is_there() {
        let host = FakeHost::new()
            .file("/srv/a1/x.txt", "")
            .file("/srv/.hidden/x.txt", "")
            .link("/srv/broken", "/no");
        let found = |pattern| exists(pattern, &host).unwrap();
        assert!(
            found("/srv/*/x.txt")
                && found("/srv/a?/*.txt")
                && found("/srv/broken")
                && found("/srv/a1")
        );
        assert!(
            !found("/srv/c*") && !found("/srv/*/y") && !found("/none/*") && !found("/srv/?hidden")
        );
    }
}
