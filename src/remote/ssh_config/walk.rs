//! Goes through configuration files for one host, as ssh does: Host, Match and Include; the first value wins.
//!
//! [`super::settings`] calls it once, and once more if a `Match final` asks for a second pass.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arguments::SshArguments;
use super::parser::{Line, parse_file};
use super::pattern::{matches, matches_list};
use super::tokens::expand_environment;
use super::{ConfigError, Warning};
use crate::remote::local_user::LocalUser;

/// How deep files may include one another; ssh's own limit.
const MAX_DEPTH: usize = 16;

/// Options of which every value counts, not only the first.
const ACCUMULATING: [&str; 2] = ["certificatefile", "identityfile"];

/// Options that change or weaken a connection and are not honoured, with the values that do no such thing.
const NOT_HONOURED: [(&str, &[&str]); 17] = [
    ("bindaddress", &[]),
    ("bindinterface", &[]),
    ("canonicalizehostname", &["no", "none"]),
    ("casignaturealgorithms", &[]),
    ("checkhostip", &["no"]),
    ("gssapikeyexchange", &["no"]),
    ("hostbasedauthentication", &["no"]),
    ("knownhostscommand", &["none"]),
    ("nohostauthenticationforlocalhost", &["no"]),
    ("permitlocalcommand", &["no"]),
    ("pkcs11provider", &["none"]),
    ("proxyusefdpass", &["no"]),
    ("remotecommand", &["none"]),
    ("securitykeyprovider", &["internal"]),
    ("smartcarddevice", &["none"]),
    ("tunnel", &["no"]),
    ("verifyhostkeydns", &["no"]),
];

/// The configuration files of one user; tests have their own.
#[derive(Debug, Clone)]
pub struct SourceFiles {
    pub user: PathBuf,
    pub system: PathBuf,
}

impl SourceFiles {
    pub fn of(local: &LocalUser) -> Self {
        Self {
            user: local.ssh_directory().join("config"),
            system: PathBuf::from("/etc/ssh/ssh_config"),
        }
    }
}

/// All that settings come from.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    pub local: &'a LocalUser,
    pub files: &'a SourceFiles,
    pub arguments: &'a SshArguments,
}

/// What the configuration says for one host, still as text.
#[derive(Debug, Default)]
pub(super) struct Collected {
    first: BTreeMap<String, Line>,
    many: BTreeMap<String, Vec<Line>>,
    pub(super) warnings: Vec<Warning>,
    /// A `Match final` or `Match canonical` was seen, which only a second pass can answer.
    pub(super) wants_final: bool,
}

impl Collected {
    /// Returns the first value of an option.
    pub(super) fn get(&self, keyword: &str) -> Option<&Line> {
        self.first.get(keyword)
    }

    /// Returns every value of an accumulating option, in order.
    pub(super) fn all(&self, keyword: &str) -> &[Line] {
        self.many
            .get(keyword)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    fn first_argument(&self, keyword: &str) -> Option<&str> {
        self.get(keyword)?.arguments.first().map(String::as_str)
    }

    fn warn(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    fn add(&mut self, line: Line) {
        let harmless = NOT_HONOURED
            .iter()
            .find(|(keyword, _)| *keyword == line.keyword)
            .map(|(_, values)| *values);
        if let Some(harmless) = harmless {
            let value = line
                .arguments
                .first()
                .map(|value| value.to_ascii_lowercase())
                .unwrap_or_default();
            if !harmless.contains(&value.as_str()) && !self.first.contains_key(&line.keyword) {
                self.warn(Warning::NotHonoured {
                    option: line.written.clone(),
                    place: line.place.clone(),
                });
            }
        }
        if ACCUMULATING.contains(&line.keyword.as_str()) {
            let lines = self.many.entry(line.keyword.clone()).or_default();
            if !lines.iter().any(|known| known.arguments == line.arguments) {
                lines.push(line);
            }
        } else {
            self.first.entry(line.keyword.clone()).or_insert(line);
        }
    }
}

/// One way through all sources for the host that the user named `original`.
pub(super) struct Walk<'a> {
    pub(super) sources: Sources<'a>,
    pub(super) original: &'a str,
    pub(super) is_final: bool,
}

impl Walk<'_> {
    /// Collects from the arguments, then the user's file, then the system's.
    pub(super) fn run(&self, collected: &mut Collected) -> Result<(), ConfigError> {
        for warning in &self.sources.arguments.warnings {
            collected.warn(warning.clone());
        }
        for line in &self.sources.arguments.lines {
            collected.add(line.clone());
        }
        match &self.sources.arguments.config_file {
            Some(none) if none.as_os_str() == "none" => Ok(()),
            Some(path) => {
                let path = self.sources.local.expand_tilde(&path.to_string_lossy());
                self.file(collected, &path, Kind::Named, true, 0)
            }
            None => {
                self.file(collected, &self.sources.files.user, Kind::User, true, 0)?;
                self.file(collected, &self.sources.files.system, Kind::System, true, 0)
            }
        }
    }

    fn file(
        &self,
        collected: &mut Collected,
        path: &Path,
        kind: Kind,
        enclosing: bool,
        depth: usize,
    ) -> Result<(), ConfigError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound
                    && !(kind == Kind::Named && depth == 0) =>
            {
                return Ok(());
            }
            Err(source) => {
                return Err(ConfigError::Read {
                    path: path.to_path_buf(),
                    source,
                });
            }
        };
        if kind == Kind::User {
            self.check_owner(path)?;
        }
        let path: Arc<Path> = path.into();
        let mut active = enclosing;
        for line in parse_file(&text, &path)? {
            match line.keyword.as_str() {
                "host" => {
                    active = enclosing
                        && matches_list(line.arguments.iter().map(String::as_str), self.original);
                }
                "match" => active = enclosing & self.matches_line(collected, &line)?,
                "include" => self.include(collected, &line, kind, active, depth)?,
                _ if active => collected.add(line),
                _ => {}
            }
        }
        Ok(())
    }

    /// ssh refuses a configuration that others could have written; `ProxyCommand` runs programs.
    fn check_owner(&self, path: &Path) -> Result<(), ConfigError> {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).map_err(|source| ConfigError::Read {
            path: path.to_path_buf(),
            source,
        })?;
        let owned = metadata.uid() == 0 || metadata.uid() == self.sources.local.uid;
        if owned && metadata.mode() & 0o022 == 0 {
            Ok(())
        } else {
            Err(ConfigError::Unsafe {
                path: path.to_path_buf(),
            })
        }
    }

    fn include(
        &self,
        collected: &mut Collected,
        line: &Line,
        kind: Kind,
        active: bool,
        depth: usize,
    ) -> Result<(), ConfigError> {
        if depth + 1 >= MAX_DEPTH {
            return Err(ConfigError::Syntax {
                place: line.place.clone(),
                problem: format!("files include one another more than {MAX_DEPTH} deep"),
            });
        }
        for argument in &line.arguments {
            let argument = expand_environment(self.sources.local, argument, &line.place)?;
            let expanded = self.sources.local.expand_tilde(&argument);
            let directory = match kind {
                Kind::System => self.sources.files.system.parent(),
                Kind::User | Kind::Named => self.sources.files.user.parent(),
            };
            let pattern = match directory {
                Some(directory) => directory.join(expanded),
                None => expanded,
            };
            for path in expand_glob(&pattern) {
                self.file(collected, &path, kind, active, depth + 1)?;
            }
        }
        Ok(())
    }

    fn matches_line(&self, collected: &mut Collected, line: &Line) -> Result<bool, ConfigError> {
        let problem = |problem: String| ConfigError::Syntax {
            place: line.place.clone(),
            problem,
        };
        let mut result = true;
        let mut words = line.arguments.iter();
        while let Some(word) = words.next() {
            let (criterion, negated) = match word.strip_prefix('!') {
                Some(criterion) => (criterion, true),
                None => (word.as_str(), false),
            };
            let criterion = criterion.to_ascii_lowercase();
            let (criterion, attached) = match criterion.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (criterion, None),
            };
            let found = match criterion.as_str() {
                "all" => true,
                "final" | "canonical" => {
                    collected.wants_final = true;
                    self.is_final
                }
                _ => {
                    let value = attached
                        .or_else(|| words.next().cloned())
                        .ok_or_else(|| problem(format!("`Match {criterion}` needs a value")))?;
                    match criterion.as_str() {
                        "host" => matches_list(value.split(','), &self.host_so_far(collected)),
                        "originalhost" => matches_list(value.split(','), self.original),
                        "user" => {
                            let user = collected
                                .first_argument("user")
                                .unwrap_or(&self.sources.local.name);
                            matches_list(value.split(','), user)
                        }
                        "localuser" => matches_list(value.split(','), &self.sources.local.name),
                        "tagged" => matches_list(
                            value.split(','),
                            collected.first_argument("tag").unwrap_or_default(),
                        ),
                        "exec" | "localnetwork" | "version" | "sessiontype" | "command" => {
                            collected.warn(Warning::NotHonoured {
                                option: format!("Match {criterion}"),
                                place: line.place.clone(),
                            });
                            // Neither the criterion nor its negation can be known, so the block stays off.
                            negated
                        }
                        _ => return Err(problem(format!("`Match {criterion}` is unknown"))),
                    }
                }
            };
            result &= found != negated;
        }
        Ok(result)
    }

    fn host_so_far(&self, collected: &Collected) -> String {
        match collected.first_argument("hostname") {
            Some(name) => name.replace("%%", "%").replace("%h", self.original),
            None => self.original.to_owned(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    User,
    System,
    /// Named by `-F`: it must exist.
    Named,
}

/// Returns the files that a path with `*` and `?` stands for, sorted.
fn expand_glob(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let text = component.as_os_str().to_string_lossy();
        if text.contains(['*', '?']) {
            found = found
                .iter()
                .flat_map(|directory| matching_entries(directory, &text))
                .collect();
        } else {
            for path in &mut found {
                path.push(component);
            }
        }
    }
    found.sort();
    found
}

fn matching_entries(directory: &Path, pattern: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            (!name.starts_with('.') || pattern.starts_with('.')) && matches(pattern, &name)
        })
        .map(|entry| entry.path())
        .collect()
}
