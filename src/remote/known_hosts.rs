//! `known_hosts` files: which keys a host is known by.
//!
//! Reads plain and hashed names, patterns and negation, `[host]:port`, `@cert-authority` and `@revoked`, and adds a key for
//! `accept-new`. What follows from it is decided in [`super::host_key`].

use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::{HashAlg, PublicKey};
use sha1::Sha1;

use super::ssh_config::{Warning, matches_list};

/// What a line says about its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    Plain,
    /// The key signs host certificates.
    CertAuthority,
    Revoked,
}

/// A line that is about the host in question.
#[derive(Debug, Clone)]
pub struct Entry {
    pub marker: Marker,
    pub key: PublicKey,
    pub file: PathBuf,
    pub line: usize,
}

impl Entry {
    /// Returns `file:line`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

/// All that several `known_hosts` files say of one host.
#[derive(Debug, Clone, Default)]
pub struct KnownHost {
    /// Lines for the very name and port.
    pub entries: Vec<Entry>,
    /// Lines for the name without the port: ssh takes a matching key there as known too.
    pub portless: Vec<Entry>,
    pub warnings: Vec<Warning>,
}

/// Returns the name by which `known_hosts` files know a host: `host`, or `[host]:port` for another port than 22.
pub fn lookup_name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 {
        host
    } else {
        format!("[{host}]:{port}")
    }
}

impl KnownHost {
    /// Reads the files that exist; one that cannot be read is left out with a warning.
    pub fn read(files: &[PathBuf], host: &str, port: u16) -> Self {
        let name = lookup_name(host, port);
        let portless = lookup_name(host, 22);
        let mut known = Self::default();
        for file in files {
            match std::fs::read(file) {
                Ok(bytes) => {
                    known.read_text(&String::from_utf8_lossy(&bytes), file, &name, &portless);
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => known.warnings.push(Warning::UnreadableKnownHost {
                    place: file.display().to_string(),
                    problem: error.to_string(),
                }),
            }
        }
        known
    }

    fn read_text(&mut self, text: &str, file: &Path, name: &str, portless: &str) {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((marker, names, key)) = split_line(line) else {
                continue;
            };
            let exact = names_match(names, name);
            if !exact && (name == portless || !names_match(names, portless)) {
                continue;
            }
            // Only a line that is about this host is worth a word; others may have keys of types nobody here knows.
            let key = match PublicKey::from_openssh(key) {
                Ok(key) => key,
                Err(error) => {
                    self.warnings.push(Warning::UnreadableKnownHost {
                        place: format!("{}:{}", file.display(), index + 1),
                        problem: error.to_string(),
                    });
                    continue;
                }
            };
            let entry = Entry {
                marker,
                key,
                file: file.to_path_buf(),
                line: index + 1,
            };
            if exact {
                self.entries.push(entry);
            } else {
                self.portless.push(entry);
            }
        }
    }

    /// Returns the keys that the host itself may show, those for the very port first.
    pub fn plain(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .chain(&self.portless)
            .filter(|entry| entry.marker == Marker::Plain)
    }

    pub fn authorities(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|entry| entry.marker == Marker::CertAuthority)
    }

    pub fn revoked(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .chain(&self.portless)
            .filter(|entry| entry.marker == Marker::Revoked)
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

fn names_match(names: &str, name: &str) -> bool {
    if let Some(hashed) = names.strip_prefix("|1|") {
        hash_matches(hashed, name).unwrap_or(false)
    } else {
        let names = names.to_ascii_lowercase();
        matches_list(names.split(','), name)
    }
}

fn hash_matches(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let salt = BASE64.decode(salt).ok()?;
    let hash = BASE64.decode(hash).ok()?;
    Some(hash_name(&salt, name)? == hash)
}

fn hash_name(salt: &[u8], name: &str) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha1>::new_from_slice(salt).ok()?;
    mac.update(name.as_bytes());
    Some(mac.finalize().into_bytes().to_vec())
}

/// Returns `SHA256:...`, as ssh shows a key.
pub fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

/// Adds a key in one atomic write, so that hosts and runs side by side never mix their lines.
pub fn append(file: &Path, name: &str, key: &PublicKey, hashed: bool) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    if let Some(directory) = file.parent()
        && !directory.exists()
    {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    let shown = if hashed {
        hashed_name(name)?
    } else {
        name.to_owned()
    };
    let key = PublicKey::from(key.key_data().clone())
        .to_openssh()
        .map_err(std::io::Error::other)?;
    let mut open = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .read(true)
        .open(file)?;
    let separator = if ends_with_newline(&mut open)? {
        ""
    } else {
        "\n"
    };
    open.write_all(format!("{separator}{shown} {}\n", key.trim()).as_bytes())
}

fn ends_with_newline(file: &mut std::fs::File) -> std::io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0_u8];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn hashed_name(name: &str) -> std::io::Result<String> {
    let mut salt = [0_u8; 20];
    super::bytes::fill_random(&mut salt)?;
    let hash =
        hash_name(&salt, name).ok_or_else(|| std::io::Error::other("no hash of the host name"))?;
    Ok(format!(
        "|1|{}|{}",
        BASE64.encode(salt),
        BASE64.encode(hash)
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const FIRST: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIwyAdQcy8LpMm9cUgqkT5Hz2QvCeTQ4hxqDNIA2Cf4V";
    const SECOND: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";

    fn read(text: &str, host: &str, port: u16) -> KnownHost {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("known_hosts");
        std::fs::write(&file, text).unwrap();
        KnownHost::read(&[file], host, port)
    }

    #[test]
    fn names_patterns_ports_and_negation() {
        let text = format!(
            "# comment\n\nweb,10.0.0.1 {FIRST} note\n*.lan,!db.lan {SECOND}\n[web]:2222 {SECOND}\n@revoked * {FIRST}\n@cert-authority *.org {SECOND}\n"
        );
        assert_eq!(read(&text, "WEB", 22).plain().count(), 1);
        assert_eq!(read(&text, "10.0.0.1", 22).plain().next().unwrap().line, 3);
        assert_eq!(read(&text, "a.lan", 22).plain().next().unwrap().line, 4);
        assert_eq!(read(&text, "db.lan", 22).plain().count(), 0);
        let other_port = read(&text, "web", 2222);
        assert_eq!(
            other_port
                .entries
                .iter()
                .filter(|entry| entry.marker == Marker::Plain)
                .count(),
            1
        );
        assert_eq!(
            other_port
                .portless
                .iter()
                .filter(|entry| entry.marker == Marker::Plain)
                .count(),
            1
        );
        assert_eq!(read(&text, "x", 22).revoked().count(), 1);
        assert_eq!(read(&text, "a.org", 22).authorities().count(), 1);
    }

    #[test]
    fn t14_hashed_names_match_only_their_host() {
        let salt = [7_u8; 20];
        let line = format!(
            "|1|{}|{} {FIRST}\n",
            BASE64.encode(salt),
            BASE64.encode(hash_name(&salt, "host.example").unwrap())
        );
        assert_eq!(read(&line, "host.example", 22).plain().count(), 1);
        assert_eq!(read(&line, "host.other", 22).plain().count(), 0);
    }

    #[test]
    fn an_added_key_is_found_again_plain_or_hashed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("new/known_hosts");
        let key = PublicKey::from_openssh(FIRST).unwrap();
        append(&file, &lookup_name("Web", 2222), &key, false).unwrap();
        append(&file, &lookup_name("db", 22), &key, true).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("[web]:2222 ssh-ed25519 "), "{text}");
        assert!(!text.contains("db"), "{text}");
        assert_eq!(
            KnownHost::read(std::slice::from_ref(&file), "web", 2222)
                .plain()
                .count(),
            1
        );
        assert_eq!(
            KnownHost::read(std::slice::from_ref(&file), "db", 22)
                .plain()
                .count(),
            1
        );
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_file_without_a_last_newline_is_not_spoilt() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("known_hosts");
        std::fs::write(&file, format!("old {FIRST}")).unwrap();
        append(
            &file,
            "new",
            &PublicKey::from_openssh(SECOND).unwrap(),
            false,
        )
        .unwrap();
        assert_eq!(
            KnownHost::read(std::slice::from_ref(&file), "old", 22)
                .plain()
                .count(),
            1
        );
        assert_eq!(KnownHost::read(&[file], "new", 22).plain().count(), 1);
    }

    #[test]
    fn a_broken_line_about_the_host_is_named() {
        let known = read(
            "web ssh-ed25519 AAAAnonsense\nother garbage here\nshort\n",
            "web",
            22,
        );
        assert_eq!(known.warnings.len(), 1, "{:?}", known.warnings);
        assert!(known.warnings[0].to_string().contains("known_hosts:1"));
    }
}
