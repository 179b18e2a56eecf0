//! Where the age keys of a run come from: the places that SOPS looks in, in its order. Used by `sops` through
//! [`super::VaultSecrets`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use zeroize::Zeroizing;

use super::Secret;
use super::age::{Identity, KeyError};
use crate::config::{Environment, Settings};

const KEY: &str = "SOPS_AGE_KEY";
const KEY_FILE: &str = "SOPS_AGE_KEY_FILE";
const KEY_COMMAND: &str = "SOPS_AGE_KEY_CMD";
const SSH_FILE: &str = "SOPS_AGE_SSH_PRIVATE_KEY_FILE";
const SSH_COMMAND: &str = "SOPS_AGE_SSH_PRIVATE_KEY_CMD";
/// For whom the file is, as the commands are told.
const RECIPIENT: &str = "SOPS_AGE_RECIPIENT";

/// What a task or the configuration says instead of the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgeSettings {
    /// `age_key`: one or more secret keys.
    pub key: Option<Secret>,
    /// `age_keyfile`.
    pub key_file: Option<PathBuf>,
    /// `age_ssh_private_keyfile`.
    pub ssh_key_file: Option<PathBuf>,
}

impl AgeSettings {
    /// Returns these settings, and `other` where they say nothing.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        Self {
            key: self.key.or_else(|| other.key.clone()),
            key_file: self.key_file.or_else(|| other.key_file.clone()),
            ssh_key_file: self.ssh_key_file.or_else(|| other.ssh_key_file.clone()),
        }
    }
}

/// Which variable files beside inventories and playbooks are SOPS's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SopsFiles {
    /// What their names end in; empty where they are not read.
    pub extensions: Vec<String>,
    /// What to do about one that is not encrypted.
    pub unencrypted: Unencrypted,
}

/// What to do about a file that is not encrypted and by its name must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unencrypted {
    /// It is an error.
    #[default]
    Error,
    /// It is passed over.
    Skip,
    /// It is passed over with a warning.
    Warn,
}

impl Default for SopsFiles {
    fn default() -> Self {
        Self {
            extensions: [".sops.yml", ".sops.yaml", ".sops.json"]
                .map(str::to_owned)
                .to_vec(),
            unencrypted: Unencrypted::Error,
        }
    }
}

impl From<&Settings> for SopsFiles {
    fn from(settings: &Settings) -> Self {
        Self {
            extensions: settings.sops_extensions.clone(),
            unencrypted: match settings.sops_unencrypted.as_str() {
                "skip" => Unencrypted::Skip,
                "warn" => Unencrypted::Warn,
                _ => Unencrypted::Error,
            },
        }
    }
}

impl SopsFiles {
    /// Tells whether a path's name ends as theirs do.
    pub fn are(&self, path: &Path) -> bool {
        let name = path.to_string_lossy();
        self.extensions.iter().any(|end| name.ends_with(end))
    }
}

/// Keys that were found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The keys.
    pub identities: Vec<Identity>,
    /// For each key its public half and where it is from.
    pub tried: Vec<String>,
    /// Where there was none, and what could not be read.
    pub problems: Vec<String>,
}

impl Found {
    fn add(&mut self, identity: Identity, place: &str) {
        self.tried
            .push(format!("`{}` of {place}", identity.recipient()));
        self.identities.push(identity);
    }

    fn problem(&mut self, place: &str, why: impl std::fmt::Display) {
        self.problems.push(format!("{place}: {why}"));
    }
}

/// The keys of a run. Looked for when a file needs them, and once. Cloning shares them.
#[derive(Clone, Default)]
pub struct AgeKeys {
    environment: Arc<Environment>,
    settings: AgeSettings,
    found: Arc<OnceLock<Found>>,
    /// What commands gave, for each recipient that they were asked for.
    asked: Arc<Mutex<BTreeMap<String, Found>>>,
}

impl std::fmt::Debug for AgeKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "AgeKeys({:?})", self.settings)
    }
}

impl AgeKeys {
    /// Takes the places from the environment and from the configuration.
    pub fn new(environment: Environment, settings: AgeSettings) -> Self {
        Self {
            environment: Arc::new(environment),
            settings,
            ..Self::default()
        }
    }

    /// Returns the keys that a task with settings of its own uses.
    #[must_use]
    pub fn with(&self, settings: AgeSettings) -> Self {
        if settings == AgeSettings::default() {
            return self.clone();
        }
        Self {
            environment: Arc::clone(&self.environment),
            settings: settings.or(&self.settings),
            ..Self::default()
        }
    }

    /// Returns the keys that lie ready.
    pub fn found(&self) -> &Found {
        self.found.get_or_init(|| self.look())
    }

    /// Returns what the commands give for a recipient; nothing where there is no command.
    pub fn ask(&self, recipient: &str) -> Found {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = asked.get(recipient) {
            return known.clone();
        }
        let mut found = Found::default();
        if let Some(command) = self.variable(SSH_COMMAND) {
            match self.run(command, recipient) {
                Ok(output) => found.ssh(&output, &format!("`{SSH_COMMAND}`")),
                Err(why) => found.problem(&format!("`{SSH_COMMAND}`"), why),
            }
        }
        if let Some(command) = self.variable(KEY_COMMAND) {
            match self.run(command, recipient) {
                Ok(output) => found.lines(&output, &format!("`{KEY_COMMAND}`"), false),
                Err(why) => found.problem(&format!("`{KEY_COMMAND}`"), why),
            }
        }
        asked.insert(recipient.to_owned(), found.clone());
        found
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.environment.variables.get(name).map(String::as_str)
    }

    fn look(&self) -> Found {
        let mut found = Found::default();
        let given = |set: &Option<PathBuf>, name: &str| {
            set.clone()
                .or_else(|| self.variable(name).map(PathBuf::from))
                .map(|path| self.environment.directory.join(path))
        };
        if let Some(path) = given(&self.settings.ssh_key_file, SSH_FILE) {
            found.ssh_file(&path, true);
        }
        if let Some(home) = &self.environment.home {
            for name in ["id_ed25519", "id_rsa"] {
                found.ssh_file(&home.join(".ssh").join(name), false);
            }
        }
        let own = self.settings.key.as_ref().and_then(Secret::expose_text);
        match own.or_else(|| self.variable(KEY)) {
            Some(text) => found.lines(text, &format!("`{KEY}`"), true),
            None => found.problem(&format!("`{KEY}`"), "not set"),
        }
        match given(&self.settings.key_file, KEY_FILE) {
            Some(path) => found.key_file(&path, true),
            None => found.problem(&format!("`{KEY_FILE}`"), "not set"),
        }
        let configuration = self
            .variable("XDG_CONFIG_HOME")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
            .or_else(|| Some(self.environment.home.as_ref()?.join(".config")));
        if let Some(directory) = configuration {
            found.key_file(&directory.join("sops/age/keys.txt"), false);
        }
        found
    }

    fn run(&self, command: &str, recipient: &str) -> Result<Zeroizing<String>, String> {
        let words = split(command).ok_or("a quote is not closed in it")?;
        let (program, arguments) = words.split_first().ok_or("it is empty")?;
        let output = Command::new(program)
            .args(arguments)
            .env(RECIPIENT, recipient)
            .current_dir(&self.environment.directory)
            .stdin(Stdio::inherit())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("`{program}` cannot be run: {error}"))?;
        let printed = Secret::new(output.stdout);
        if !output.status.success() {
            return Err(format!("`{program}` failed ({})", output.status));
        }
        printed
            .expose_text()
            .map(|text| Zeroizing::new(text.to_owned()))
            .ok_or_else(|| format!("what `{program}` printed is not text"))
    }
}

impl Found {
    /// Reads keys, one to a line, or several where they come from a variable.
    fn lines(&mut self, text: &str, place: &str, several: bool) {
        let mut any = false;
        for line in text.lines().map(str::trim_end) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let words: Vec<&str> = if several {
                line.split_whitespace().collect()
            } else {
                vec![line]
            };
            for word in words {
                any = true;
                match Identity::parse(word) {
                    Ok(identity) => self.add(identity, place),
                    Err(why) => self.problem(place, why),
                }
            }
        }
        if !any {
            self.problem(place, "no key in it");
        }
    }

    fn ssh(&mut self, text: &str, place: &str) {
        match Identity::parse_ssh(text) {
            Ok(identity) => self.add(identity, place),
            Err(why) => self.problem(place, why),
        }
    }

    /// Reads a file of keys; one that nobody asked for may be missing.
    fn key_file(&mut self, path: &Path, wanted: bool) {
        let place = format!("`{}`", path.display());
        match read(path, wanted) {
            Ok(Some(text))
                if text.starts_with("age-encryption.org/")
                    || text.starts_with("-----BEGIN AGE") =>
            {
                self.problem(
                    &place,
                    "it is encrypted with a passphrase, which kplay does not ask for",
                );
            }
            Ok(Some(text)) => self.lines(&text, &place, false),
            Ok(None) => self.problem(&place, "there is no such file"),
            Err(why) => self.problem(&place, why),
        }
    }

    fn ssh_file(&mut self, path: &Path, wanted: bool) {
        let place = format!("`{}`", path.display());
        match read(path, wanted) {
            Ok(Some(text)) => match Identity::parse_ssh(&text) {
                // Nobody said that it was for this.
                Err(KeyError::Unsupported(_)) if !wanted => {}
                Ok(_) | Err(_) => self.ssh(&text, &place),
            },
            Ok(None) => {}
            Err(why) => self.problem(&place, why),
        }
    }
}

fn read(path: &Path, wanted: bool) -> Result<Option<Zeroizing<String>>, String> {
    match std::fs::read(path) {
        Ok(content) => {
            let content = Secret::new(content);
            let text = content.expose_text().ok_or("it is not text")?;
            Ok(Some(Zeroizing::new(text.to_owned())))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !wanted => Ok(None),
        Err(error) => Err(format!("it cannot be read: {error}")),
    }
}

/// Splits a command into words as a shell does; nothing where a quote is not closed.
fn split(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = command.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some('"') | None, '\\') => word.get_or_insert_default().extend(letters.next()),
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, blank) if blank.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;

    fn published(file: &str) -> String {
        let path = format!("tests/vectors/sops/{file}/age-key.txt.b64");
        let encoded: String = std::fs::read_to_string(path)
            .unwrap()
            .split_whitespace()
            .collect();
        let text = base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .unwrap();
        String::from_utf8(text).unwrap()
    }

    fn keys(variables: &[(&str, &str)], home: &Path) -> AgeKeys {
        let environment = Environment {
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            directory: home.to_owned(),
            home: Some(home.to_owned()),
        };
        AgeKeys::new(environment, AgeSettings::default())
    }

    #[test]
    fn every_place_is_looked_in() {
        let home = tempfile::tempdir().unwrap();
        let one = published("getsops");
        let secret = one.lines().find(|line| line.starts_with("AGE-")).unwrap();
        let place = home.path().join(".config/sops/age/keys.txt");
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(&place, &one).unwrap();
        std::fs::write(home.path().join("k"), published("rops")).unwrap();
        let found = keys(
            &[(KEY, secret), (KEY_FILE, "k"), (KEY_COMMAND, "cat 'k'")],
            home.path(),
        );
        assert_eq!(found.found().identities.len(), 3, "{found:?}");
        assert!(found.found().tried[0].ends_with("of `SOPS_AGE_KEY`"));
        assert_eq!(found.ask("age1x").identities.len(), 1);
        assert!(!format!("{:?}", found.found()).contains("SECRET"));
    }

    #[test]
    fn what_is_missing_is_told_and_a_setting_wins() {
        let home = tempfile::tempdir().unwrap();
        let none = keys(&[(KEY_FILE, "nowhere"), (KEY, "hello")], home.path());
        let problems = none.found().problems.join("\n");
        assert!(problems.contains("nowhere") && problems.contains("not an age key"));
        assert!(problems.contains(".config/sops/age/keys.txt"));
        std::fs::write(home.path().join("k"), published("rops")).unwrap();
        let own = none.with(AgeSettings {
            key_file: Some("k".into()),
            ..AgeSettings::default()
        });
        assert_eq!(own.found().identities.len(), 1);
        let failing = keys(&[(KEY_COMMAND, "false")], home.path());
        assert!(failing.ask("age1x").problems[0].contains("failed"));
    }

    #[test]
    fn commands_are_split_as_a_shell_does() {
        assert_eq!(
            split("a 'b c' \"d\\\"\" e\\ f ''").unwrap(),
            ["a", "b c", "d\"", "e f", ""]
        );
        assert!(split("a 'b").is_none());
    }
}
