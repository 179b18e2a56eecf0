//! Host patterns as ssh matches them: `*`, `?`, comma lists and negation.
//!
//! Used for Host and Match lines and for the names in `known_hosts` files.

/// Says whether `text` matches the one pattern.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut place) = (0, 0);
    // Where to go on if the text after the last star does not fit: that star, and one more character given to it.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(character) = text.get(place) {
        match pattern.get(at) {
            Some('*') => {
                retry = Some((at, place));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == character => {
                at += 1;
                place += 1;
            }
            _ => match retry {
                Some((star, given)) => {
                    at = star + 1;
                    place = given + 1;
                    retry = Some((star, given + 1));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == '*')
}

/// Says whether `text` matches a list: at least one pattern fits, and none with a leading `!` does.
pub fn matches_list<'a>(patterns: impl IntoIterator<Item = &'a str>, text: &str) -> bool {
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(negated) if matches(negated, text) => return false,
            Some(_) => {}
            None => found |= matches(pattern, text),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("web*", "web1", true),
            ("*.example.org", "a.b.example.org", true),
            ("*.example.org", "example.org", false),
            ("h?", "h1", true),
            ("h?", "h12", false),
            ("*a*b*c", "xaxxbxbc", true),
            ("*a*b*c", "xaxxbxbcd", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn negation_wins_and_alone_matches_nothing() {
        assert!(matches_list(["*.lan", "!db.lan"], "web.lan"));
        assert!(!matches_list(["*.lan", "!db.lan"], "db.lan"));
        assert!(!matches_list(["!db.lan"], "web.lan"));
    }
}
