//! The `known_hosts` files of a run, read once for all its hosts.
//!
//! A thousand hosts have a thousand lines each to look through, so lines are found by the names that stand in them. Patterns and
//! hashed names have to be tried one by one. A file that has changed since is read again.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use russh::keys::PublicKey;

use super::{Entry, KnownHost, Marker, hash_name, lookup_name};
use crate::remote::ssh_config::{Warning, matches_list};

/// What tells one state of a file from another: device, inode, size, and when its content and its inode changed.
type Stamp = (u64, u64, u64, (i64, i64), (i64, i64));

/// The files that were read, as they were then.
#[derive(Debug, Default)]
pub struct KnownHostsFiles {
    read: Mutex<HashMap<PathBuf, (Stamp, Arc<KnownHostsFile>)>>,
}

impl KnownHostsFiles {
    /// Returns what these files say of a host; one that cannot be read is left out with a warning, one that is missing without.
    pub fn of_host(&self, files: &[PathBuf], host: &str, port: u16) -> KnownHost {
        let name = lookup_name(host, port);
        let portless = lookup_name(host, 22);
        let mut known = KnownHost::default();
        for path in files {
            match self.file(path) {
                Ok(file) => file.tell(path, &name, &portless, &mut known),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => known.warnings.push(Warning::UnreadableKnownHost {
                    place: path.display().to_string(),
                    problem: error.to_string(),
                }),
            }
        }
        known
    }

    fn file(&self, path: &Path) -> std::io::Result<Arc<KnownHostsFile>> {
        let status = std::fs::metadata(path)?;
        let stamp = (
            status.dev(),
            status.ino(),
            status.size(),
            (status.mtime(), status.mtime_nsec()),
            (status.ctime(), status.ctime_nsec()),
        );
        // Held while the file is read: the other hosts need it too.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, file)) = read.get(path)
            && *known == stamp
        {
            return Ok(file.clone());
        }
        let text = std::fs::read(path)?;
        let file = Arc::new(KnownHostsFile::parse(&String::from_utf8_lossy(&text)));
        read.insert(path.to_path_buf(), (stamp, file.clone()));
        Ok(file)
    }
}

/// The lines of a file, and which of them are about a name.
#[derive(Debug, Default)]
struct KnownHostsFile {
    lines: Vec<Line>,
    /// Lines by the names that stand in them as they are, in small letters.
    by_name: HashMap<String, Vec<usize>>,
    /// Lines with patterns, negation or a hash.
    to_be_tried: Vec<usize>,
}

/// A line with a key.
#[derive(Debug)]
struct Line {
    marker: Marker,
    names: Names,
    /// As it stands there: few lines are ever asked for.
    key: String,
    number: usize,
}

/// Whom a line is about.
#[derive(Debug)]
enum Names {
    /// Those under which it is filed.
    Plain,
    /// A list with patterns, in small letters.
    Patterns(String),
    /// One name, hashed.
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

impl KnownHostsFile {
    fn parse(text: &str) -> Self {
        let mut file = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some((marker, names, key)) = split_line(line) {
                file.add(marker, names, key, index + 1);
            }
        }
        file
    }

    fn add(&mut self, marker: Marker, names: &str, key: &str, number: usize) {
        let at = self.lines.len();
        let names = if let Some(hashed) = names.strip_prefix("|1|") {
            // A hash that cannot be read is no host's.
            let Some((salt, hash)) = salt_and_hash(hashed) else {
                return;
            };
            self.to_be_tried.push(at);
            Names::Hashed { salt, hash }
        } else {
            let names = names.to_ascii_lowercase();
            if names.contains(['*', '?', '!']) {
                self.to_be_tried.push(at);
                Names::Patterns(names)
            } else {
                for name in names.split(',') {
                    let lines = self.by_name.entry(name.to_owned()).or_default();
                    if lines.last() != Some(&at) {
                        lines.push(at);
                    }
                }
                Names::Plain
            }
        };
        self.lines.push(Line {
            marker,
            names,
            key: key.to_owned(),
            number,
        });
    }

    /// Returns the numbers of the lines about that name, in their order.
    fn about(&self, name: &str) -> Vec<usize> {
        let mut found = self.by_name.get(name).cloned().unwrap_or_default();
        found.extend(self.to_be_tried.iter().copied().filter(|at| {
            self.lines
                .get(*at)
                .is_some_and(|line| line.names.match_name(name))
        }));
        found.sort_unstable();
        found
    }

    /// Adds what the file says of a host.
    fn tell(&self, path: &Path, name: &str, portless: &str, known: &mut KnownHost) {
        let exact = self.about(name);
        let others = if name == portless {
            Vec::new()
        } else {
            let mut others = self.about(portless);
            others.retain(|at| !exact.contains(at));
            others
        };
        for (lines, entries) in [(exact, &mut known.entries), (others, &mut known.portless)] {
            for line in lines.into_iter().filter_map(|at| self.lines.get(at)) {
                // Only a line that is about this host is worth a word; others may have keys of types nobody here knows.
                match PublicKey::from_openssh(&line.key) {
                    Ok(key) => entries.push(Entry {
                        marker: line.marker,
                        key,
                        file: path.to_path_buf(),
                        line: line.number,
                    }),
                    Err(error) => known.warnings.push(Warning::UnreadableKnownHost {
                        place: format!("{}:{}", path.display(), line.number),
                        problem: error.to_string(),
                    }),
                }
            }
        }
    }
}

impl Names {
    fn match_name(&self, name: &str) -> bool {
        match self {
            Self::Plain => false,
            Self::Patterns(list) => matches_list(list.split(','), name),
            Self::Hashed { salt, hash } => hash_name(salt, name).is_some_and(|own| own == *hash),
        }
    }
}

/// Splits a line into marker, names and key; nothing if a part is missing.
fn split_line(line: &str) -> Option<(Marker, &str, &str)> {
    let (marker, rest) = match line.split_once(char::is_whitespace)? {
        ("@cert-authority", rest) => (Marker::CertAuthority, rest.trim_start()),
        ("@revoked", rest) => (Marker::Revoked, rest.trim_start()),
        (unknown, _) if unknown.starts_with('@') => return None,
        _ => (Marker::Plain, line),
    };
    let (names, key) = rest.split_once(char::is_whitespace)?;
    Some((marker, names, key.trim()))
}

fn salt_and_hash(hashed: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (salt, hash) = hashed.split_once('|')?;
    Some((BASE64.decode(salt).ok()?, BASE64.decode(hash).ok()?))
}
