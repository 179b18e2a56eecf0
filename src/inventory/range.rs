//! `db[01:10:3]-[a:c]` into names.

/// More hosts than this from one line are a slip of the keyboard.
const MOST: usize = 1_000_000;

/// Returns the names that a pattern stands for, one without brackets for itself.
pub(super) fn expand(pattern: &str) -> Result<Vec<String>, String> {
    let mut names = vec![String::new()];
    let mut rest = pattern;
    while let Some((head, after)) = rest.split_once('[') {
        let (inner, tail) = after
            .split_once(']')
            .ok_or_else(|| format!("`{pattern}` lacks a closing bracket"))?;
        let items = items(inner).map_err(|why| format!("`{pattern}`: {why}"))?;
        if names.len().saturating_mul(items.len()) > MOST {
            return Err(format!("`{pattern}` stands for more than {MOST} hosts"));
        }
        names = names
            .iter()
            .flat_map(|name| items.iter().map(move |item| format!("{name}{head}{item}")))
            .collect();
        rest = tail;
    }
    for name in &mut names {
        name.push_str(rest);
    }
    Ok(names)
}

fn items(range: &str) -> Result<Vec<String>, String> {
    let parts: Vec<&str> = range.split(':').collect();
    let (begin, end, step) = match parts.as_slice() {
        [begin, end] => (*begin, *end, "1"),
        [begin, end, step] => (*begin, *end, *step),
        _ => return Err("a range is `[begin:end]` or `[begin:end:step]`".to_owned()),
    };
    if end.is_empty() {
        return Err("a range needs an end".to_owned());
    }
    let begin = if begin.is_empty() { "0" } else { begin };
    let step: usize = step
        .parse()
        .ok()
        .filter(|step| *step > 0)
        .ok_or("a step is a positive number")?;
    if let ([first], [last]) = (begin.as_bytes(), end.as_bytes())
        && first.is_ascii_alphabetic()
        && last.is_ascii_alphabetic()
    {
        let letters: Vec<char> = ('a'..='z').chain('A'..='Z').collect();
        let place = |letter: u8| {
            letters
                .iter()
                .position(|known| *known == char::from(letter))
        };
        let (from, to) = (place(*first), place(*last));
        return match (from, to) {
            (Some(from), Some(to)) if from <= to => Ok(letters
                .get(from..=to)
                .unwrap_or_default()
                .iter()
                .step_by(step)
                .map(char::to_string)
                .collect()),
            _ => Err("a range begins before it ends".to_owned()),
        };
    }
    let number = |text: &str| {
        text.parse::<usize>()
            .map_err(|_| format!("`{text}` is neither a number nor a letter"))
    };
    let (first, last) = (number(begin)?, number(end)?);
    let width = if begin.len() > 1 && begin.starts_with('0') {
        begin.len()
    } else {
        0
    };
    if width > 0 && width != end.len() {
        return Err("begin and end with leading zeros have the same length".to_owned());
    }
    if last.saturating_sub(first) / step > MOST {
        return Err(format!("it stands for more than {MOST} hosts"));
    }
    Ok((first..=last)
        .step_by(step)
        .map(|number| format!("{number:0width$}"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_become_names() {
        for (pattern, expected) in [
            ("a", "a"),
            ("web[1:3].x", "web1.x web2.x web3.x"),
            ("n[08:10]", "n08 n09 n10"),
            ("n[1:10:4]", "n1 n5 n9"),
            ("x[a:c]", "xa xb xc"),
            ("x[a:e:2]y", "xay xcy xey"),
            ("r[1:2]-[a:b]", "r1-a r1-b r2-a r2-b"),
            ("n[:2]", "n0 n1 n2"),
            ("n[3:1]", ""),
            ("x[y:B]", "xy xz xA xB"),
        ] {
            assert_eq!(expand(pattern).unwrap().join(" "), expected, "{pattern}");
        }
        for pattern in [
            "n[1]",
            "n[1:",
            "n[1:]",
            "n[01:5]",
            "n[c:a]",
            "n[1:9:0]",
            "n[1:x]",
            "n[0:999999999999]",
            "n[1:9999]-[1:9999]",
        ] {
            assert!(expand(pattern).is_err(), "{pattern}");
        }
    }
}
