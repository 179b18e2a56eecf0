//! Regular expressions as Python's `re` reads them, on top of `fancy_regex`.
//!
//! The two agree on nearly all; what differs is rewritten before it is compiled: `\Z`, `$` before a last newline, `{` and `[` that
//! mean themselves, escapes such as `\<`, flags that only Python has. Byte patterns (`lineinfile`, `blockinfile`) know only ASCII
//! in `\w`, `\d` and `\s`.

use fancy_regex::{Captures, Regex};

/// A compiled expression.
pub(super) struct PythonRegex {
    regex: Regex,
    /// `(?m)` is set, by the caller or in the expression itself.
    pub(super) multiline: bool,
}

/// How an expression is read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    /// `re.MULTILINE`.
    pub(super) multiline: bool,
    /// `re.DOTALL`.
    pub(super) dot_all: bool,
    /// A byte pattern: classes are ASCII.
    pub(super) ascii: bool,
}

impl PythonRegex {
    /// Compiles an expression; the error is a fragment that names it.
    pub(super) fn new(pattern: &str, flags: Flags) -> Result<Self, String> {
        let (pattern, inline) = leading_flags(pattern);
        let multiline = flags.multiline || inline.contains('m');
        let mut letters = String::new();
        for (letter, on) in [
            ('m', multiline),
            ('s', flags.dot_all || inline.contains('s')),
            ('i', inline.contains('i')),
            ('x', inline.contains('x')),
        ] {
            letters.extend(on.then_some(letter));
        }
        let verbose = inline.contains('x');
        let body = translate(
            pattern,
            multiline,
            flags.ascii || inline.contains('a'),
            verbose,
        );
        let whole = if letters.is_empty() {
            body
        } else {
            format!("(?{letters}){body}")
        };
        let regex = Regex::new(&whole)
            .map_err(|error| format!("`{pattern}` is no regular expression: {error}"))?;
        Ok(Self { regex, multiline })
    }

    /// Returns the first match anywhere in the text.
    pub(super) fn search<'t>(&self, text: &'t str) -> Result<Option<Captures<'t, str>>, String> {
        self.regex.captures(text).map_err(|error| error.to_string())
    }

    /// Tells whether it matches anywhere in the text.
    pub(super) fn is_match(&self, text: &str) -> Result<bool, String> {
        self.regex.is_match(text).map_err(|error| error.to_string())
    }

    /// Gives the compiled expression up; whoever takes it compares where a match begins, as `re.match` does.
    pub(super) fn into_regex(self) -> Regex {
        self.regex
    }

    /// Replaces all matches, as `re.subn`: the text, and how many there were.
    pub(super) fn replace_all(
        &self,
        text: &str,
        template: &str,
    ) -> Result<(String, usize), String> {
        let template = Template::new(template)?;
        let mut out = String::new();
        let (mut end, mut count) = (0, 0);
        for captures in self.regex.captures_iter(text) {
            let captures = captures.map_err(|error| error.to_string())?;
            let Some(whole) = captures.get(0) else {
                continue;
            };
            out.push_str(text.get(end..whole.start()).unwrap_or_default());
            out.push_str(&template.expand(&captures)?);
            end = whole.end();
            count += 1;
        }
        out.push_str(text.get(end..).unwrap_or_default());
        Ok((out, count))
    }
}

/// Splits `(?im)` from the front of an expression.
fn leading_flags(pattern: &str) -> (&str, String) {
    let mut flags = String::new();
    let mut rest = pattern;
    while let Some((letters, tail)) = rest
        .strip_prefix("(?")
        .and_then(|tail| tail.split_once(')'))
    {
        if letters.is_empty() || !letters.chars().all(|letter| "aiLmsux".contains(letter)) {
            break;
        }
        flags.push_str(letters);
        rest = tail;
    }
    (rest, flags)
}

fn translate(pattern: &str, multiline: bool, ascii: bool, verbose: bool) -> String {
    let characters: Vec<char> = pattern.chars().collect();
    let at = |index: usize| characters.get(index).copied();
    let mut out = String::new();
    let mut index = 0;
    // Where the class begins that we are in.
    let mut class: Option<usize> = None;
    while let Some(character) = at(index) {
        index += 1;
        match (character, class) {
            ('\\', _) => {
                let Some(escaped) = at(index) else {
                    out.push('\\');
                    continue;
                };
                index += 1;
                out.push_str(&escape(escaped, class.is_some(), ascii));
            }
            ('[', None) => {
                class = Some(index);
                out.push('[');
                if at(index) == Some('^') {
                    out.push('^');
                    index += 1;
                    class = Some(index);
                }
            }
            // A `]` that comes first is one of the class.
            (']', Some(start)) if index - 1 > start => {
                class = None;
                out.push(']');
            }
            (']' | '[' | '&' | '~', Some(_)) => out.extend(['\\', character]),
            ('-', Some(_)) if at(index) == Some('-') => out.push_str(r"\-"),
            ('#' | ' ', Some(_)) if verbose => out.extend(['\\', character]),
            ('$', None) if !multiline => out.push_str(r"(?=\n?\z)"),
            ('{', None) => match quantifier(characters.get(index..).unwrap_or_default()) {
                Some((text, length)) => {
                    out.push_str(&text);
                    index += length;
                }
                None => out.push_str(r"\{"),
            },
            ('}', None) => out.push_str(r"\}"),
            _ => out.push(character),
        }
    }
    out
}

/// Rewrites what follows a backslash.
fn escape(escaped: char, in_class: bool, ascii: bool) -> String {
    let class = |inner: &str, negated: bool| match (in_class, negated) {
        (true, false) => inner.to_owned(),
        (_, true) => format!("[^{inner}]"),
        (false, false) => format!("[{inner}]"),
    };
    match escaped {
        'Z' => r"\z".to_owned(),
        'd' | 'D' if ascii => class("0-9", escaped == 'D'),
        'w' | 'W' if ascii => class("A-Za-z0-9_", escaped == 'W'),
        's' | 'S' if ascii => class(r" \t\n\r\f\x0b", escaped == 'S'),
        'b' if in_class => r"\x08".to_owned(),
        '0' => r"\x00".to_owned(),
        '<' | '>' | ' ' | '"' | '\'' | '/' | ',' | ':' | ';' | '=' | '!' | '@' | '%' | '_'
        | '`' => {
            if matches!(escaped, ' ') {
                r"\x20".to_owned()
            } else {
                escaped.to_string()
            }
        }
        _ => format!("\\{escaped}"),
    }
}

/// Reads what follows a `{` as a quantifier: its text, and how many characters it took.
fn quantifier(rest: &[char]) -> Option<(String, usize)> {
    let end = rest.iter().position(|character| *character == '}')?;
    let inner: String = rest.get(..end)?.iter().collect();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let text = match inner.split_once(',') {
        None if !inner.is_empty() && digits(&inner) => format!("{{{inner}}}"),
        Some(("", "")) => "{0,}".to_owned(),
        Some(("", most)) if digits(most) => format!("{{0,{most}}}"),
        Some((least, most)) if digits(least) && digits(most) => format!("{{{inner}}}"),
        _ => return None,
    };
    Some((text, end + 1))
}

/// What a match is replaced by: text, and references such as `\1`, `\g<1>`, `\g<name>`.
pub(super) struct Template {
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Number(usize),
    Name(String),
}

impl Template {
    /// Reads a replacement; the error is a fragment.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            if character != '\\' {
                plain.push(character);
                continue;
            }
            let Some(escaped) = characters.next() else {
                return Err("bad escape (end of pattern) in the replacement".to_owned());
            };
            let part = match escaped {
                'g' => {
                    let rest: String = characters.clone().collect();
                    let name = rest
                        .strip_prefix('<')
                        .and_then(|rest| rest.split_once('>'))
                        .map(|(name, _)| name.to_owned())
                        .filter(|name| !name.is_empty())
                        .ok_or("missing group name after \\g in the replacement")?;
                    characters
                        .by_ref()
                        .take(name.chars().count() + 2)
                        .for_each(drop);
                    name.parse()
                        .map_or_else(|_| Part::Name(name.clone()), Part::Number)
                }
                '0' => {
                    plain.push('\0');
                    continue;
                }
                '1'..='9' => {
                    let mut number = escaped.to_digit(10).unwrap_or_default();
                    if let Some(digit) = characters.peek().and_then(|next| next.to_digit(10)) {
                        number = number * 10 + digit;
                        characters.next();
                    }
                    Part::Number(usize::try_from(number).unwrap_or_default())
                }
                'n' | 't' | 'r' | 'f' | 'v' | 'a' | 'b' | '\\' => {
                    plain.push(match escaped {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        'f' => '\u{c}',
                        'v' => '\u{b}',
                        'a' => '\u{7}',
                        'b' => '\u{8}',
                        _ => '\\',
                    });
                    continue;
                }
                letter if letter.is_ascii_alphabetic() => {
                    return Err(format!("bad escape \\{letter} in the replacement"));
                }
                other => {
                    plain.extend(['\\', other]);
                    continue;
                }
            };
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(part);
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts })
    }

    /// Fills the references from a match; a group that took no part is empty.
    pub(super) fn expand(&self, captures: &Captures<'_, str>) -> Result<String, String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Number(number) if *number >= captures.len() => {
                    return Err(format!("invalid group reference {number}"));
                }
                Part::Number(number) => {
                    out.push_str(captures.get(*number).map_or("", |group| group.as_str()));
                }
                Part::Name(name) => {
                    out.push_str(captures.name(name).map_or("", |group| group.as_str()));
                }
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> Option<String> {
        let regex = PythonRegex::new(
            pattern,
            Flags {
                ascii: true,
                ..Flags::default()
            },
        )
        .unwrap();
        regex
            .search(text)
            .unwrap()
            .map(|captures| captures[0].to_owned())
    }

    #[test]
    fn what_python_means_is_found() {
        assert_eq!(found(r"b$", "ab\n").as_deref(), Some("b"));
        assert_eq!(found(r"b\Z", "ab\n"), None);
        assert_eq!(found(r"{{ x }}", "a {{ x }}").as_deref(), Some("{{ x }}"));
        assert_eq!(found(r"x{,2}", "xxx").as_deref(), Some("xx"));
        assert_eq!(found(r"x{2}", "xxx").as_deref(), Some("xx"));
        assert_eq!(found(r"[][a]+", "[a]]").as_deref(), Some("[a]]"));
        assert_eq!(found(r"[^]]+", "a]").as_deref(), Some("a"));
        assert_eq!(found(r"\<a\>\/\'", "<a>/'").as_deref(), Some("<a>/'"));
        assert_eq!(found(r"(?i)ABC", "abc").as_deref(), Some("abc"));
        assert_eq!(
            found(r"(?P<q>['x]).*(?P=q)", "'a' b").as_deref(),
            Some("'a'")
        );
        assert_eq!(found(r"(?<!#)\s*Port", "Port").as_deref(), Some("Port"));
        assert_eq!(found(r"^\w+$", "é"), None);
        assert_eq!(found(r"[\w-]+", "a-b").as_deref(), Some("a-b"));
        assert_eq!(found(r"[a&&b~~c--]+", "&-~").as_deref(), Some("&-~"));
        assert!(
            PythonRegex::new("(?m)^a", Flags::default())
                .unwrap()
                .multiline
        );
        assert!(PythonRegex::new("(a", Flags::default()).is_err());
    }

    #[test]
    fn replacements_refer_to_groups() {
        let regex = PythonRegex::new(r"(\w)(?P<rest>\w*)", Flags::default()).unwrap();
        assert_eq!(
            regex.replace_all("ab cd", r"\2\g<1>-\g<rest>\\\n").unwrap(),
            ("ba-b\\\n dc-d\\\n".to_owned(), 2)
        );
        assert_eq!(regex.replace_all("!", "x").unwrap(), ("!".to_owned(), 0));
        assert!(
            regex
                .replace_all("ab", r"\3")
                .unwrap_err()
                .contains("invalid group reference 3")
        );
        assert!(
            regex
                .replace_all("ab", r"\q")
                .unwrap_err()
                .contains(r"bad escape \q")
        );
        assert_eq!(regex.replace_all("ab", r"\.").unwrap().0, r"\.");
    }

    #[test]
    fn lines_begin_and_end_where_asked() {
        let multiline = Flags {
            multiline: true,
            ..Flags::default()
        };
        let regex = PythonRegex::new(r"^#?(\w+)$", multiline).unwrap();
        assert_eq!(
            regex.replace_all("#a\nb\n", r"\1!").unwrap(),
            ("a!\nb!\n".to_owned(), 2)
        );
        let all = PythonRegex::new(
            "a.b",
            Flags {
                dot_all: true,
                ..Flags::default()
            },
        )
        .unwrap();
        assert!(all.is_match("a\nb").unwrap());
    }
}
