//! A line of words as Python's `shlex.split` reads it, and lines as Python's `splitlines` does: what commands are given and give.

use crate::kit::{Host, expand_path};
use crate::value::Value;

/// One word of a line, and where it ends in the line (in bytes).
pub(in crate::modules) struct Word {
    pub(in crate::modules) text: String,
    pub(in crate::modules) end: usize,
}

/// Returns the words of a line as a POSIX shell quotes them, without expanding anything. The error is a fragment.
pub(in crate::modules) fn split(line: &str) -> Result<Vec<String>, String> {
    split_with_ends(line).map(|words| words.into_iter().map(|word| word.text).collect())
}

/// Returns the words of a line and where each ends.
pub(in crate::modules) fn split_with_ends(line: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => {
                if let Some(text) = word.take() {
                    words.push(Word { text, end: at });
                }
            }
            '\\' => {
                let (_, escaped) = characters.next().ok_or("no escaped character")?;
                word.get_or_insert_default().push(escaped);
            }
            '\'' | '"' => {
                let text = word.get_or_insert_default();
                loop {
                    let (_, inner) = characters.next().ok_or("no closing quotation")?;
                    match inner {
                        _ if inner == character => break,
                        '\\' if character == '"' => {
                            match characters.next().ok_or("no closing quotation")?.1 {
                                escaped @ ('"' | '\\') => text.push(escaped),
                                other => text.extend(['\\', other]),
                            }
                        }
                        _ => text.push(inner),
                    }
                }
            }
            _ => word.get_or_insert_default().push(character),
        }
    }
    if let Some(text) = word {
        words.push(Word {
            text,
            end: line.len(),
        });
    }
    Ok(words)
}

/// Expands `~` and environment variables in each word, as Ansible does with the words of a command.
pub(in crate::modules) fn expand(words: Vec<String>, host: &dyn Host) -> Vec<String> {
    words
        .into_iter()
        .map(|word| expand_path(&word, host))
        .collect()
}

/// Quotes a word for a POSIX shell.
pub(in crate::modules) fn quote(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+=:,./-_".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r#"'"'"'"#))
    }
}

/// Returns the words of a `validate` argument with the file in the place of `%s`. Splitting comes first, so that no file name
/// can add a word.
pub(in crate::modules) fn validation(
    template: &str,
    file: &str,
    host: &dyn Host,
) -> Result<Vec<String>, String> {
    if !template.contains("%s") {
        return Err(format!("validate must contain %s: {template}"));
    }
    let words = expand(split(template)?, host);
    let fill = |word: String| {
        word.split("%%")
            .map(|part| part.replace("%s", file))
            .collect::<Vec<_>>()
            .join("%")
    };
    Ok(words.into_iter().map(fill).collect())
}

/// Returns the lines of a text as Python's `splitlines` does, for `stdout_lines`.
pub(in crate::modules) fn lines(text: &str) -> Value {
    let mut lines = Vec::new();
    let mut rest = text;
    let breaks = [
        '\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}',
        '\u{2029}',
    ];
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.find(breaks).unwrap_or(rest.len()));
        lines.push(Value::from(line));
        let mut characters = tail.chars();
        if characters.next() == Some('\r') && tail.starts_with("\r\n") {
            characters.next();
        }
        rest = characters.as_str();
    }
    Value::list(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;

    #[test]
    fn words_are_split_as_by_shlex() {
        let words = |line| split(line).unwrap();
        assert_eq!(
            words(r#"a 'b c' "d \"e\" \n" f\ g ''"#),
            ["a", "b c", r#"d "e" \n"#, "f g", ""]
        );
        assert_eq!(words("a'b'\"c\"\n\td"), ["abc", "d"]);
        assert_eq!(
            words("echo $HOME; ls # no"),
            ["echo", "$HOME;", "ls", "#", "no"]
        );
        assert!(words("").is_empty());
        assert_eq!(split("a 'b").unwrap_err(), "no closing quotation");
        assert_eq!(split("a \\").unwrap_err(), "no escaped character");
        assert_eq!(split_with_ends("'a b' c").unwrap()[0].end, 5);
    }

    #[test]
    fn t12_a_file_name_adds_no_word_to_a_validation() {
        let host = FakeHost::new();
        let words = validation("visudo -cf %s --date=+%%Y", "/tmp/a; reboot $(x)", &host).unwrap();
        assert_eq!(
            words,
            ["visudo", "-cf", "/tmp/a; reboot $(x)", "--date=+%Y"]
        );
        assert!(validation("visudo -c", "/x", &host).is_err());
    }

    #[test]
    fn quoted_words_survive_a_shell() {
        assert_eq!(quote("/tmp/a.sh"), "/tmp/a.sh");
        assert_eq!(split(&quote("it's; $x")).unwrap(), ["it's; $x"]);
    }

    #[test]
    fn lines_end_where_python_ends_them() {
        assert_eq!(
            lines("a\r\nb\n\nc\u{2028}d\n"),
            Value::from(vec!["a", "b", "", "c", "d"])
        );
        assert_eq!(lines(""), Value::list([]));
    }
}
