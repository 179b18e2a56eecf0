//! Shell wildcards as Python's `fnmatch` reads them: `*`, `?`, `[abc]`, `[!a-z]`; the whole name must match.

/// Tells whether `name` matches `pattern`.
/// Tells whether a shell pattern (`*`, `?`, `[abc]`) matches a whole name.
pub fn matches_text(pattern: &str, name: &str) -> bool {
    matches(
        &pattern.chars().collect::<Vec<_>>(),
        &name.chars().collect::<Vec<_>>(),
    )
}

pub(super) fn matches(pattern: &[char], name: &[char]) -> bool {
    // The last star is remembered: on a mismatch it takes one more character.
    let (mut at, mut in_name) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(at) {
            None if in_name == name.len() => return true,
            None => None,
            Some('*') => {
                star = Some((at + 1, in_name));
                at += 1;
                continue;
            }
            Some(_) => name
                .get(in_name)
                .and_then(|character| one(pattern, at, *character)),
        };
        match (step, star) {
            (Some(next), _) => {
                at = next;
                in_name += 1;
            }
            (None, Some((after, taken))) if taken < name.len() => {
                star = Some((after, taken + 1));
                at = after;
                in_name = taken + 1;
            }
            (None, _) => return false,
        }
    }
}

/// Returns where the pattern goes on if its piece at `at` takes `character`.
fn one(pattern: &[char], at: usize, character: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => Some(at + 1),
        '[' => match class_end(pattern, at) {
            Some(end) => in_class(pattern.get(at + 1..end)?, character).then_some(end + 1),
            None => (character == '[').then_some(at + 1),
        },
        literal => (*literal == character).then_some(at + 1),
    }
}

fn class_end(pattern: &[char], at: usize) -> Option<usize> {
    let mut from = at + 1;
    if pattern.get(from) == Some(&'!') {
        from += 1;
    }
    // A bracket right at the start stands for itself.
    if pattern.get(from) == Some(&']') {
        from += 1;
    }
    (from..pattern.len()).find(|index| pattern.get(*index) == Some(&']'))
}

fn in_class(class: &[char], character: char) -> bool {
    let (negated, class) = match class.split_first() {
        Some(('!', rest)) => (true, rest),
        _ => (false, class),
    };
    let mut at = 0;
    let mut found = false;
    while let Some(first) = class.get(at) {
        if let (Some('-'), Some(last)) = (class.get(at + 1), class.get(at + 2)) {
            found |= (*first..=*last).contains(&character);
            at += 3;
        } else {
            found |= *first == character;
            at += 1;
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_whole_names() {
        let check = |pattern: &str, name: &str| {
            matches(
                &pattern.chars().collect::<Vec<_>>(),
                &name.chars().collect::<Vec<_>>(),
            )
        };
        for (pattern, name, expected) in [
            ("web*", "web1", true),
            ("*", "", true),
            ("web?", "web", false),
            ("web?", "web1", true),
            ("*.example.com", "a.example.com", true),
            ("w[ab]*", "wb9", true),
            ("w[!ab]*", "wb9", false),
            ("w[1-3]", "w2", true),
            ("w[1-3]", "w4", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZd", false),
            ("[]]", "]", true),
            ("a[", "a[", true),
            ("web", "web1", false),
        ] {
            assert_eq!(check(pattern, name), expected, "{pattern} {name}");
        }
    }
}
