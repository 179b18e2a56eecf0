//! Apt's lists of sources, line by line.

use super::FileChange;
use crate::kit::{Command, Failure, Host};

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// It is a source, be it commented out or not.
    pub(super) valid: bool,
    pub(super) enabled: bool,
    pub(super) text: String,
    comment: String,
}

impl Source {
    /// Reads a line. Nothing for one that holds nothing.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let source = Self::read(line);
        (!source.text.is_empty()).then_some(source)
    }

    fn read(line: &str) -> Self {
        let mut rest = line.trim();
        let enabled = !rest.starts_with('#');
        rest = rest.strip_prefix('#').unwrap_or(rest);
        let mut comment = "";
        if let Some(at) = rest.find('#').filter(|at| *at > 0) {
            comment = rest.get(at + 1..).unwrap_or_default().trim();
            rest = rest.get(..at).unwrap_or_default();
        }
        let valid = matches!(rest.split_whitespace().next(), Some("deb" | "deb-src"));
        let text = if valid {
            rest.split_whitespace().collect::<Vec<_>>().join(" ")
        } else {
            rest.trim().to_owned()
        };
        Self {
            valid,
            enabled,
            text,
            comment: comment.to_owned(),
        }
    }

    fn write(&self, out: &mut String) {
        if !self.enabled {
            out.push_str("# ");
        }
        out.push_str(&self.text);
        if !self.comment.is_empty() {
            out.push_str(" # ");
            out.push_str(&self.comment);
        }
        out.push('\n');
    }
}

/// A list as it was found and as it shall be.
struct List {
    /// Its name in the folder.
    path: String,
    /// Where its content goes: what a link leads to.
    target: String,
    found: Option<String>,
    before: Vec<Source>,
    sources: Vec<Source>,
}

/// All lists.
pub(super) struct Sources {
    folder: String,
    lists: Vec<List>,
}

impl Sources {
    /// Reads them all.
    pub(super) fn read(host: &dyn Host) -> Result<Self, Failure> {
        let (main, folder) = places(host)?;
        let mut lists = Vec::new();
        if host
            .status(&main, true)?
            .is_some_and(|status| status.is_file())
        {
            lists.push(List::read(&main, host)?);
        }
        if host
            .status(&folder, true)?
            .is_some_and(|status| status.is_directory())
        {
            for entry in host.list(&folder)? {
                let name = entry.name.strip_suffix(".list");
                if name.is_some_and(|name| !name.starts_with('.')) {
                    lists.push(List::read(&format!("{folder}/{}", entry.name), host)?);
                }
            }
        }
        Ok(Self { folder, lists })
    }

    /// Tells whether a source is there and on.
    pub(super) fn has(&self, text: &str) -> bool {
        self.lists
            .iter()
            .flat_map(|list| &list.sources)
            .any(|source| source.valid && source.enabled && source.text == text)
    }

    /// Switches a source on wherever it stands; else adds it to that file.
    pub(super) fn add(&mut self, text: &str, file: &str) {
        let mut found = false;
        for source in self.lists.iter_mut().flat_map(|list| &mut list.sources) {
            if source.valid && source.text == text {
                source.enabled = true;
                found = true;
            }
        }
        if found {
            return;
        }
        let path = if file.contains('/') {
            file.to_owned()
        } else {
            format!("{}/{file}", self.folder)
        };
        let source = Source {
            valid: true,
            enabled: true,
            text: text.to_owned(),
            comment: String::new(),
        };
        match self.lists.iter_mut().find(|list| list.path == path) {
            Some(list) => list.sources.push(source),
            None => self.lists.push(List {
                target: path.clone(),
                path,
                found: None,
                before: Vec::new(),
                sources: vec![source],
            }),
        }
    }

    /// Removes a source wherever it stands and is on.
    pub(super) fn remove(&mut self, text: &str) {
        for list in &mut self.lists {
            list.sources
                .retain(|source| !(source.valid && source.enabled && source.text == text));
        }
    }

    /// Returns what differs. A list without any line goes.
    pub(super) fn changes(self) -> Vec<FileChange> {
        self.lists
            .into_iter()
            .filter(|list| list.before != list.sources)
            .map(|list| FileChange {
                new: list.sources.len() > list.before.len(),
                after: (!list.sources.is_empty()).then(|| {
                    list.sources.iter().fold(String::new(), |mut out, source| {
                        source.write(&mut out);
                        out
                    })
                }),
                path: if list.sources.is_empty() {
                    list.path
                } else {
                    list.target
                },
                before: list.found,
            })
            .collect()
    }
}

impl List {
    fn read(path: &str, host: &dyn Host) -> Result<Self, Failure> {
        let bytes = host.read(path)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let sources: Vec<Source> = text.lines().map(Source::read).collect();
        Ok(Self {
            path: path.to_owned(),
            target: host.real_path(path)?,
            found: Some(text),
            before: sources.clone(),
            sources,
        })
    }
}

/// Where apt's lists are: the main one, and the folder of the others.
fn places(host: &dyn Host) -> Result<(String, String), Failure> {
    let (mut main, mut folder) = (
        "/etc/apt/sources.list".to_owned(),
        "/etc/apt/sources.list.d".to_owned(),
    );
    if host.find_program("apt-config").is_some() {
        let words = [
            "apt-config",
            "shell",
            "MAIN",
            "Dir::Etc::sourcelist/f",
            "FOLDER",
            "Dir::Etc::sourceparts/d",
        ];
        let output = host.run(&Command::new(words).in_c_locale())?;
        for line in output.stdout_text().lines() {
            match line.split_once('=') {
                Some(("MAIN", path)) => path.trim_matches('\'').clone_into(&mut main),
                Some(("FOLDER", path)) => path
                    .trim_matches('\'')
                    .trim_end_matches('/')
                    .clone_into(&mut folder),
                _ => {}
            }
        }
    }
    Ok((main, folder))
}

/// The name for a source's file: its address without scheme and credentials, the rest as words.
pub(super) fn file_name(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((_, behind)) = after.split_once(']') else {
            break;
        };
        plain.push_str(before);
        rest = behind;
    }
    plain.push_str(rest);
    let address = plain
        .split_whitespace()
        .find(|word| !matches!(*word, "deb" | "deb-src"))
        .unwrap_or_default();
    let address = address
        .split_once("://")
        .map_or(address, |(_, address)| address);
    let address = address
        .split_once('@')
        .map_or(address, |(_, address)| address);
    words(address)
}

/// Letters and digits, everything else as `_`.
pub(super) fn words(text: &str) -> String {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_apt_reads_them() {
        let of = |line| {
            let source = Source::read(line);
            (source.valid, source.enabled, source.text, source.comment)
        };
        assert_eq!(
            of("deb   http://a  b # c"),
            (true, true, "deb http://a b".to_owned(), "c".to_owned())
        );
        assert_eq!(
            of("#deb http://a b"),
            (true, false, "deb http://a b".to_owned(), String::new())
        );
        assert_eq!(
            of("# a text"),
            (false, false, "a text".to_owned(), String::new())
        );
        assert_eq!(Source::parse("  "), None);
    }

    #[test]
    fn files_are_named_after_addresses() {
        for (line, name) in [
            (
                "deb http://archive.canonical.com/ubuntu hardy partner",
                "archive_canonical_com_ubuntu",
            ),
            (
                "deb [arch=amd64 trusted=yes] https://u:p@host.example:80/x/ stable main",
                "host_example_80_x",
            ),
            ("deb-src file:/opt/repo ./", "file_opt_repo"),
        ] {
            assert_eq!(file_name(line), name);
        }
    }
}
