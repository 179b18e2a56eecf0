//! Free text of tasks: `copy: src=a dest="b c"`, `shell: echo {{ x }} chdir=/tmp`.
//!
//! The text is cut at blanks, except inside of quotes and template delimiters, in the way that Ansible has always done it: the
//! blanks that are kept count, for what is no `name=value` becomes the command of `shell` again. Called by the loader for the
//! arguments of tasks.

/// What a text gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// `name=value` pairs in order; the last of a name counts.
    pub pairs: Vec<(String, String)>,
    /// The rest, put together again.
    pub rest: Option<String>,
}

/// Arguments that stand beside the command of `command`, `shell` and their like. Nothing else is one there.
const COMMAND_OPTIONS: [&str; 8] = [
    "chdir",
    "creates",
    "executable",
    "removes",
    "stdin",
    "stdin_add_newline",
    "strip_empty_ends",
    "warn",
];

/// Reads `name=value` pairs and the rest. In the text of a `command` only the options of commands are pairs. The error is a
/// fragment.
pub fn pairs(text: &str, command: bool) -> Result<Split, &'static str> {
    let mut split = Split::default();
    let mut rest = Vec::new();
    for word in words(text)? {
        let decoded = decode_escapes(&word);
        let Some(at) = separator(&decoded) else {
            // A word whose every `=` is escaped is plain text with plain `=`.
            rest.push(if decoded.contains('=') {
                decoded.replace("\\=", "=")
            } else {
                word
            });
            continue;
        };
        let (name, value) = (
            decoded.get(..at).unwrap_or_default(),
            decoded.get(at + 1..).unwrap_or_default(),
        );
        if command && !COMMAND_OPTIONS.contains(&name) {
            rest.push(word);
        } else {
            let name = name.trim().to_owned();
            let value = unquote(value.trim()).to_owned();
            match split.pairs.iter_mut().find(|(known, _)| *known == name) {
                Some(pair) => pair.1 = value,
                None => split.pairs.push((name, value)),
            }
        }
    }
    if !rest.is_empty() {
        split.rest = Some(join(&rest));
    }
    Ok(split)
}

/// Returns the first word and the others, put together again with single blanks: `action: copy src=a`.
pub(super) fn first_word(text: &str) -> Result<(String, String), &'static str> {
    let all = words(text)?;
    let mut all = all.into_iter();
    let first = all.next().unwrap_or_default().trim().to_owned();
    Ok((first, all.collect::<Vec<_>>().join(" ")))
}

/// Returns where the `=` stands that ends the name: not at the beginning, and not escaped.
fn separator(word: &str) -> Option<usize> {
    word.match_indices('=')
        .map(|(at, _)| at)
        .find(|&at| at > 0 && word.as_bytes().get(at - 1) != Some(&b'\\'))
}

fn join(words: &[String]) -> String {
    let mut whole = String::new();
    for word in words {
        if !whole.is_empty() && !whole.ends_with('\n') {
            whole.push(' ');
        }
        whole.push_str(word);
    }
    whole
}

fn unquote(text: &str) -> &str {
    let mut characters = text.chars();
    match (characters.next(), characters.next_back()) {
        (Some(first @ ('"' | '\'')), Some(last))
            if first == last
                && !text
                    .get(..text.len() - 1)
                    .is_some_and(|start| start.ends_with('\\')) =>
        {
            text.get(1..text.len() - 1).unwrap_or(text)
        }
        _ => text,
    }
}

/// Where a text stands while it is cut.
#[derive(Default)]
struct State {
    words: Vec<String>,
    quote: Option<char>,
    /// How deep inside of `{{ }}`, `{% %}` and `{# #}`.
    depths: [usize; 3],
}

const DELIMITERS: [(&str, &str); 3] = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];

impl State {
    fn inside_template(&self) -> bool {
        self.depths.iter().any(|depth| *depth > 0)
    }

    /// Adds to the last word; there is one from then on.
    fn extend(&mut self, text: &str) {
        match self.words.last_mut() {
            Some(last) => last.push_str(text),
            None => self.words.push(text.to_owned()),
        }
    }

    fn token(&mut self, token: &str, first_of_line: bool) {
        let was_quoted = self.quote.is_some();
        self.quote = quote_after(token, self.quote);
        let quoted = self.quote.is_some();
        let mut taken = false;
        if quoted && !was_quoted && !self.inside_template() {
            self.words.push(token.to_owned());
            taken = true;
        } else if self.inside_template() || quoted || was_quoted {
            if !first_of_line {
                self.extend(" ");
            }
            self.extend(token);
            taken = true;
        }
        for (index, (open, close)) in DELIMITERS.iter().enumerate() {
            let (opened, closed) = (token.matches(open).count(), token.matches(close).count());
            let Some(depth) = self.depths.get_mut(index) else {
                continue;
            };
            let before = *depth;
            *depth = (before + opened).saturating_sub(closed);
            if *depth != before && !taken {
                self.words.push(token.to_owned());
                taken = true;
            }
        }
        if !self.inside_template() && !quoted && !taken && !token.is_empty() {
            self.words.push(token.to_owned());
        }
    }
}

/// Cuts a text at blanks and line ends. A line end stays at the end of the word before it, blanks in a row too.
fn words(text: &str) -> Result<Vec<String>, &'static str> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut state = State::default();
    let lines: Vec<&str> = text.split('\n').collect();
    let last = lines.len() - 1;
    for (number, line) in lines.iter().enumerate() {
        let mut continued = false;
        for (index, token) in line.split(' ').enumerate() {
            if token.is_empty() && index > 0 {
                state.extend(" ");
            } else if token == "\\" && state.quote.is_none() {
                continued = true;
            } else {
                state.token(token, index == 0);
            }
        }
        if number != last && !continued {
            state.extend("\n");
        }
    }
    if state.inside_template() || state.quote.is_some() {
        return Err("a quote or a template delimiter is not closed");
    }
    Ok(state.words)
}

fn quote_after(token: &str, mut quote: Option<char>) -> Option<char> {
    let mut previous = None;
    for character in token.chars() {
        if matches!(character, '"' | '\'') && previous != Some('\\') {
            quote = match quote {
                None => Some(character),
                Some(open) if open == character => None,
                open => open,
            };
        }
        previous = Some(character);
    }
    quote
}

/// Decodes `\n`, `\x41`, `\u00e4` and the like as Python does in this place; other backslashes stay.
fn decode_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        let (character, length) = escape(tail).unwrap_or(('\\', 1));
        out.push(character);
        rest = tail.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Returns the character of the escape that `text` begins with, and how many bytes it takes.
fn escape(text: &str) -> Option<(char, usize)> {
    let code = *text.as_bytes().get(1)?;
    let digits = match code {
        b'x' => 2,
        b'u' => 4,
        b'U' => 8,
        _ => {
            let character = match code {
                b'\\' | b'\'' | b'"' => char::from(code),
                b'a' => '\x07',
                b'b' => '\x08',
                b'f' => '\x0c',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'v' => '\x0b',
                _ => return None,
            };
            return Some((character, 2));
        }
    };
    let number = text
        .get(2..2 + digits)
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    let character = u32::from_str_radix(number, 16)
        .ok()
        .and_then(char::from_u32)?;
    Some((character, 2 + digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, command: bool) -> (Vec<(String, String)>, Option<String>) {
        let split = pairs(text, command).unwrap();
        (split.pairs, split.rest)
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn pairs_and_quotes() {
        assert_eq!(
            split("src=a dest=\"b c\" mode='0644'", false).0,
            owned(&[("src", "a"), ("dest", "b c"), ("mode", "0644")])
        );
        assert_eq!(
            split("a={{ x + 1 }} b={{ 'y z' }}", false).0,
            owned(&[("a", "{{ x + 1 }}"), ("b", "{{ 'y z' }}")])
        );
        assert_eq!(split("a=1 a=2", false).0, owned(&[("a", "2")]));
        assert_eq!(
            split("a=b=c =x=y", false).0,
            owned(&[("a", "b=c"), ("=x", "y")])
        );
        assert_eq!(split("=a", false).1.as_deref(), Some("=a"));
    }

    #[test]
    fn what_is_no_option_stays_with_the_command() {
        let (pairs, rest) = split("FOO=1 make  -j2 chdir=/tmp creates='/a b'", true);
        assert_eq!(pairs, owned(&[("chdir", "/tmp"), ("creates", "/a b")]));
        assert_eq!(rest.as_deref(), Some("FOO=1 make  -j2"));
    }

    #[test]
    fn lines_and_blanks_of_a_script_are_kept() {
        let script = "if true; then\n  echo \"a  b\"\nfi\n";
        assert_eq!(split(script, true).1.as_deref(), Some(script));
        assert_eq!(split("a \\\nb", true).1.as_deref(), Some("a b"));
    }

    #[test]
    fn escapes_are_decoded_in_pairs_only() {
        assert_eq!(split(r"a=x\ty\x41", false).0, owned(&[("a", "x\ty\x41")]));
        assert_eq!(split(r"echo a\tb", true).1.as_deref(), Some(r"echo a\tb"));
        assert_eq!(split(r"a\=b", false).1.as_deref(), Some("a=b"));
    }

    #[test]
    fn what_is_open_is_refused() {
        for text in ["a='b", "x={{ y", "echo {% if"] {
            assert!(pairs(text, false).is_err(), "{text}");
        }
    }

    #[test]
    fn the_first_word_is_the_module() {
        assert_eq!(
            first_word("copy src=a dest=b").unwrap(),
            ("copy".to_owned(), "src=a dest=b".to_owned())
        );
        assert_eq!(
            first_word("ping").unwrap(),
            ("ping".to_owned(), String::new())
        );
        assert_eq!(
            first_word("{{ manager }} name=x").unwrap(),
            ("{{ manager }}".to_owned(), "name=x".to_owned())
        );
    }
}
