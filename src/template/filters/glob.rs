//! Shell patterns for names of one directory, as Python's `glob` matches them.

/// Tells whether a file name fits `*`, `?` and `[...]`; hidden names only where the pattern begins with a dot.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    fits(&pattern, &name)
}

fn fits(pattern: &[char], name: &[char]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some(('*', rest)) => {
            (0..=name.len()).any(|skip| name.get(skip..).is_some_and(|tail| fits(rest, tail)))
        }
        Some((sign, rest)) => {
            let Some((first, tail)) = name.split_first() else {
                return false;
            };
            match sign {
                '?' => fits(rest, tail),
                '[' => match class(rest) {
                    Some((negated, members, after)) => {
                        within(members, *first) != negated && fits(after, tail)
                    }
                    None => *first == '[' && fits(rest, tail),
                },
                other => other == first && fits(rest, tail),
            }
        }
    }
}

fn class(rest: &[char]) -> Option<(bool, &[char], &[char])> {
    let (negated, rest) = match rest.split_first() {
        Some(('!', rest)) => (true, rest),
        _ => (false, rest),
    };
    let end = rest.iter().skip(1).position(|sign| *sign == ']')? + 1;
    Some((negated, rest.get(..end)?, rest.get(end + 1..)?))
}

fn within(members: &[char], wanted: char) -> bool {
    let mut rest = members;
    while let Some((low, tail)) = rest.split_first() {
        match tail {
            ['-', high, more @ ..] => {
                if (*low..=*high).contains(&wanted) {
                    return true;
                }
                rest = more;
            }
            _ if *low == wanted => return true,
            _ => rest = tail,
        }
    }
    false
}
