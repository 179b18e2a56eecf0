//! `known_hosts` files: which keys a host is known by.
//!
//! Reads plain and hashed names, patterns and negation, `[host]:port`, `@cert-authority` and `@revoked` ([`KnownHostsFiles`]), and
//! adds a key for `accept-new`. What follows from it is decided in [`super::host_key`].

mod files;

use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::{HashAlg, PublicKey};
use sha1::Sha1;

pub use self::files::KnownHostsFiles;
use super::ssh_config::Warning;

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
        KnownHostsFiles::default().of_host(&[file], host, port)
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
            KnownHostsFiles::default()
                .of_host(std::slice::from_ref(&file), "web", 2222)
                .plain()
                .count(),
            1
        );
        assert_eq!(
            KnownHostsFiles::default()
                .of_host(std::slice::from_ref(&file), "db", 22)
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
            KnownHostsFiles::default()
                .of_host(std::slice::from_ref(&file), "old", 22)
                .plain()
                .count(),
            1
        );
        assert_eq!(
            KnownHostsFiles::default()
                .of_host(&[file], "new", 22)
                .plain()
                .count(),
            1
        );
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

    #[test]
    fn a_file_is_read_again_when_it_has_changed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("known_hosts");
        std::fs::write(&file, format!("web {FIRST}\n")).unwrap();
        let files = KnownHostsFiles::default();
        let known = |name| files.of_host(std::slice::from_ref(&file), name, 22);
        assert_eq!(known("web").plain().count(), 1);
        assert_eq!(known("db").plain().count(), 0);
        let key = PublicKey::from_openssh(SECOND).unwrap();
        append(&file, "db", &key, false).unwrap();
        append(&file, "web", &key, true).unwrap();
        assert_eq!(known("db").plain().count(), 1);
        let lines: Vec<usize> = known("web").plain().map(|entry| entry.line).collect();
        assert_eq!(lines, [1, 3]);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(known("web").plain().count(), 0);
    }

    #[test]
    fn lines_come_in_their_order_however_they_name_the_host() {
        let hash = BASE64.encode(hash_name(&[7; 20], "web").unwrap());
        let hashed = format!("|1|{}|{hash}", BASE64.encode([7; 20]));
        let text = format!(
            "w* {FIRST}\nweb,web {SECOND}\n{hashed} {FIRST}\n|1|broken {FIRST}\n!web,* {FIRST}\n[web]:2222,WEB {FIRST}\n*,!db {SECOND}\n"
        );
        let numbers = |entries: &[Entry]| entries.iter().map(|e| e.line).collect::<Vec<_>>();
        assert_eq!(numbers(&read(&text, "web", 22).entries), [1, 2, 3, 6, 7]);
        let other_port = read(&text, "web", 2222);
        // A star matches brackets too.
        assert_eq!(numbers(&other_port.entries), [5, 6, 7]);
        assert_eq!(numbers(&other_port.portless), [1, 2, 3]);
    }
}
