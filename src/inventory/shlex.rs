//! A line into words as Python's `shlex.split(comments=True)` cuts it.

/// A word with the column (from 1, in characters) at which it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) column: usize,
}

/// Splits a line at blanks; quotes and backslashes protect, `#` starts a comment even inside a word.
pub(super) fn split(line: &str) -> Result<Vec<Word>, (&'static str, usize)> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut characters = line.chars().zip(1usize..).peekable();
    while let Some((character, column)) = characters.next() {
        let begun = |word: &mut Option<Word>, piece: Option<char>| {
            let word = word.get_or_insert_with(|| Word {
                text: String::new(),
                column,
            });
            word.text.extend(piece);
        };
        match character {
            '#' => break,
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => match characters.next() {
                Some((escaped, _)) => begun(&mut word, Some(escaped)),
                None => return Err(("nothing follows the backslash", column)),
            },
            '\'' | '"' => {
                begun(&mut word, None);
                let mut closed = false;
                while let Some((inner, _)) = characters.next() {
                    if inner == character {
                        closed = true;
                        break;
                    }
                    let escapes = character == '"' && inner == '\\';
                    match characters.peek() {
                        Some((next, _)) if escapes && matches!(next, '"' | '\\') => {
                            begun(&mut word, Some(*next));
                            characters.next();
                        }
                        _ => begun(&mut word, Some(inner)),
                    }
                }
                if !closed {
                    return Err(("this quote is never closed", column));
                }
            }
            other => begun(&mut word, Some(other)),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_split_as_in_python() {
        for (line, expected) in [
            ("a b=c # d", vec!["a", "b=c"]),
            ("a s=\"x y\" t='z w'", vec!["a", "s=x y", "t=z w"]),
            ("a#b c", vec!["a"]),
            (r"a\ b c", vec!["a b", "c"]),
            (r#"a "x\"y\z""#, vec!["a", r#"x"y\z"#]),
            ("a ''", vec!["a", ""]),
            ("q='\"5\"'", vec!["q=\"5\""]),
            ("d={'a':1}", vec!["d={a:1}"]),
            ("", vec![]),
        ] {
            let words: Vec<String> = split(line)
                .unwrap()
                .into_iter()
                .map(|word| word.text)
                .collect();
            assert_eq!(words, expected, "{line}");
        }
        assert_eq!(split("a b=\"c").unwrap_err().1, 5);
        assert!(split("a\\").is_err());
        assert_eq!(split("ab  c=d").unwrap()[1].column, 5);
    }
}
