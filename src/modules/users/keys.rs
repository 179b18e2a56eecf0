//! Lines of `authorized_keys`: options, type, key, comment. `authorized_key` uses it.

/// Options with their values, in order.
pub(super) type Options = Vec<(String, Option<String>)>;

/// A key.
#[derive(Clone, Debug, Eq)]
pub(super) struct Key {
    pub(super) options: Options,
    kind: String,
    /// The key itself, by which two lines are the same.
    pub(super) number: String,
    pub(super) comment: String,
}

impl PartialEq for Key {
    /// The order of options means nothing.
    fn eq(&self, other: &Self) -> bool {
        let sorted = |options: &Options| {
            let mut options = options.clone();
            options.sort();
            options
        };
        (&self.kind, &self.number, &self.comment) == (&other.kind, &other.number, &other.comment)
            && sorted(&self.options) == sorted(&other.options)
    }
}

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Key(Key),
    /// A comment, or what nobody understands; it stays as it is.
    Other(String),
}

/// The names of key types that OpenSSH takes.
const KINDS: &[&str] = &[
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "rsa-sha2-256",
    "rsa-sha2-256-cert-v01@openssh.com",
    "rsa-sha2-512",
    "rsa-sha2-512-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "ssh-dss",
    "ssh-dss-cert-v01@openssh.com",
    "ssh-ed25519",
    "ssh-ed25519-cert-v01@openssh.com",
    "ssh-rsa",
    "ssh-rsa-cert-v01@openssh.com",
    "ssh-xmss-cert-v01@openssh.com",
    "ssh-xmss@openssh.com",
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
];

impl Key {
    /// Reads a line.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let line = line.replace("\\#", "#");
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| KINDS.contains(word))?;
        if words.first().is_some_and(|word| word.starts_with('#')) {
            return None;
        }
        Some(Self {
            options: parse_options(&words.get(..at)?.join(" ")),
            kind: (*words.get(at)?).to_owned(),
            number: (*words.get(at + 1)?).to_owned(),
            comment: words.get(at + 2..).unwrap_or_default().join(" "),
        })
    }

    fn line(&self) -> String {
        let options: Vec<String> = self
            .options
            .iter()
            .map(|(name, value)| {
                value
                    .as_ref()
                    .map_or_else(|| name.clone(), |value| format!("{name}={value}"))
            })
            .collect();
        let space = if options.is_empty() { "" } else { " " };
        format!(
            "{}{space}{} {} {}\n",
            options.join(","),
            self.kind,
            self.number,
            self.comment
        )
    }
}

/// Splits at commas outside quotes.
pub(super) fn parse_options(text: &str) -> Options {
    let mut parts = vec![String::new()];
    let mut quote = None;
    for character in text.chars() {
        match (quote, character) {
            (None, ',') => {
                parts.push(String::new());
                continue;
            }
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    let mut options: Options = Vec::new();
    for part in parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
    {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (part, None),
        };
        match options.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => options.push((name.to_owned(), value)),
        }
    }
    options
}

/// Reads a file. Of two lines with one key the later one counts.
pub(super) fn parse_file(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for line in text.split_inclusive('\n') {
        match Key::parse(line) {
            Some(key) => {
                lines.retain(
                    |known| !matches!(known, Line::Key(known) if known.number == key.number),
                );
                lines.push(Line::Key(key));
            }
            None => lines.push(Line::Other(line.to_owned())),
        }
    }
    lines
}

/// Writes a file.
pub(super) fn serialize(lines: &[Line]) -> String {
    lines
        .iter()
        .map(|line| match line {
            Line::Key(key) => key.line(),
            // Only a last line may lack its end.
            Line::Other(text) => format!("{}\n", text.trim_end_matches('\n')),
        })
        .collect()
}
