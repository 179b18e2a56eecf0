//! Text of an ssh configuration file -> lines: keyword, arguments, place.
//!
//! Quoting is OpenSSH's: double and single quotes group, a backslash escapes a quote or a backslash, `#` at the start of
//! a word ends the line, and the keyword may be set off by `=`.

use std::path::Path;
use std::sync::Arc;

use super::ConfigError;

/// Where a setting was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    File {
        path: Arc<Path>,
        line: usize,
    },
    /// The ssh arguments of a host, as `ansible_ssh_common_args`.
    Arguments,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { path, line } => write!(formatter, "{}:{line}", path.display()),
            Self::Arguments => formatter.write_str("ssh arguments"),
        }
    }
}

/// One setting as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In lower case.
    pub keyword: String,
    /// The keyword as the user wrote it, for messages.
    pub written: String,
    pub arguments: Vec<String>,
    /// All behind the keyword, unsplit: what `ProxyCommand` and its like take.
    pub rest: String,
    pub place: Place,
}

/// Reads a whole file's text.
pub(super) fn parse_file(text: &str, path: &Arc<Path>) -> Result<Vec<Line>, ConfigError> {
    let mut lines = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let place = Place::File {
            path: Arc::clone(path),
            line: index + 1,
        };
        if let Some(line) = parse_line(text, place)? {
            lines.push(line);
        }
    }
    Ok(lines)
}

/// Reads one line or one `-o` option; nothing for an empty line or a comment.
pub(super) fn parse_line(text: &str, place: Place) -> Result<Option<Line>, ConfigError> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let end = text
        .find(|character: char| character.is_whitespace() || character == '=')
        .unwrap_or(text.len());
    let (written, rest) = text.split_at(end);
    let written = written.trim_matches('"');
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest).trim();
    let problem = |problem: String| ConfigError::Syntax {
        place: place.clone(),
        problem,
    };
    let arguments = split_arguments(rest).map_err(|text| problem(text.to_owned()))?;
    if arguments.is_empty() {
        return Err(problem(format!("`{written}` has no value")));
    }
    Ok(Some(Line {
        keyword: written.to_ascii_lowercase(),
        written: written.to_owned(),
        arguments,
        rest: rest.to_owned(),
        place,
    }))
}

/// Splits the arguments of a setting into words.
fn split_arguments(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut characters = text.chars().peekable();
    loop {
        while characters
            .next_if(|character| character.is_whitespace())
            .is_some()
        {}
        match characters.peek() {
            None | Some('#') => return Ok(words),
            Some(_) => {}
        }
        let mut word = String::new();
        let mut quote = None;
        while let Some(character) = characters.next() {
            match (quote, character) {
                (_, '\\') => match characters.next_if(|next| {
                    matches!(next, '"' | '\'' | '\\') || (quote.is_none() && *next == ' ')
                }) {
                    Some(escaped) => word.push(escaped),
                    None => word.push('\\'),
                },
                (None, '"' | '\'') => quote = Some(character),
                (Some(open), _) if open == character => quote = None,
                (None, _) if character.is_whitespace() => break,
                _ => word.push(character),
            }
        }
        if quote.is_some() {
            return Err("a quote is never closed");
        }
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        parse_line(text, Place::Arguments).unwrap().unwrap()
    }

    #[test]
    fn keyword_and_value_are_set_off_by_blanks_or_an_equals_sign() {
        for text in ["User me", "user=me", "  USER =  me  # why", "User \"me\""] {
            assert_eq!(
                (line(text).keyword.as_str(), line(text).arguments),
                ("user", vec!["me".to_owned()]),
                "{text}"
            );
        }
    }

    #[test]
    fn quotes_group_words() {
        let words = line(r#"IdentityFile "~/my key" 'b c' d\"e"#).arguments;
        assert_eq!(words, ["~/my key", "b c", "d\"e"]);
    }

    #[test]
    fn a_fault_names_file_and_line() {
        let path: Arc<Path> = Path::new("/home/me/.ssh/config").into();
        let error = parse_file("Host a\n  User\n", &path).unwrap_err();
        assert_eq!(
            error.to_string(),
            "/home/me/.ssh/config:2: `User` has no value"
        );
        let error = parse_file("\n\nIdentityFile \"a", &path).unwrap_err();
        assert_eq!(
            error.to_string(),
            "/home/me/.ssh/config:3: a quote is never closed"
        );
    }

    #[test]
    fn proxy_command_keeps_its_text() {
        assert_eq!(
            line("ProxyCommand sh -c 'nc %h %p' # x").rest,
            "sh -c 'nc %h %p' # x"
        );
    }
}
