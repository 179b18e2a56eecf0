//! What a case asks for: `case.json` beside its playbook, all of it optional, unknown keys refused. Called by `main`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// One case, as its directory describes it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) directory: PathBuf,
    pub(crate) settings: Settings,
    /// The hash of every file of the case, so that an answer to another question is never compared.
    pub(crate) hash: String,
    /// The same of the repository's roles that it has.
    pub(crate) roles_hash: String,
}

impl std::ops::Deref for Case {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// How many hosts the inventory has: h1, h2 ...
    pub(crate) hosts: usize,
    pub(crate) connection: Connection,
    /// The playbooks given on the command line.
    pub(crate) playbooks: Vec<String>,
    /// More arguments. `@CASE@` is the case's own directory, `@h1@` the address of a host.
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    /// The login user: root, deploy, secure or plain.
    pub(crate) user: String,
    /// A run with `--check --diff` comes first, on the fresh host; it must leave the end state alone.
    pub(crate) check: bool,
    /// How often the playbook runs; the second run proves that the first one converged.
    pub(crate) runs: usize,
    /// A shell script that prepares every host before the first run; a longer one is the file `prepare.sh`.
    pub(crate) prepare: String,
    /// The registered variables whose values are compared.
    pub(crate) registers: Vec<String>,
    /// The hosts whose variables those are: a pattern, `all` where nothing is said.
    pub(crate) registers_on: String,
    pub(crate) end_state: EndState,
    /// Roles of this repository that the case finds as its own, in `roles/`.
    pub(crate) roles: Vec<String>,
    /// The plain output is compared as text (`--list-tasks` and the like), not as the story of a run.
    pub(crate) plain_output: bool,
    pub(crate) allow: Vec<Allowance>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hosts: 1,
            connection: Connection::Ssh,
            playbooks: vec!["playbook.yml".to_owned()],
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            user: "root".to_owned(),
            check: false,
            runs: 2,
            prepare: String::new(),
            registers: Vec::new(),
            registers_on: "all".to_owned(),
            end_state: EndState::default(),
            roles: Vec::new(),
            plain_output: false,
            allow: Vec::new(),
        }
    }
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Connection {
    Ssh,
    Local,
}

/// What is looked at on every host after each run.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EndState {
    /// Files, links and whole directories; shell patterns.
    pub(crate) paths: Vec<String>,
    pub(crate) packages: Vec<String>,
    pub(crate) units: Vec<String>,
    pub(crate) users: Vec<String>,
    pub(crate) groups: Vec<String>,
    /// Shell commands whose output is compared.
    pub(crate) commands: Vec<String>,
}

/// A difference that is meant: where, and why kplay's way is better (`docs/differences.md`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allowance {
    /// The difference's path as a report prints it; `*` stands for anything.
    pub(crate) at: String,
    /// For the reader of the case.
    #[serde(rename = "reason")]
    _reason: String,
}

impl Case {
    pub(crate) fn load(name: &str) -> Result<Self, String> {
        let directory = crate::directory().join("cases").join(name);
        let directory = directory.as_path();
        let settings = directory.join("case.json");
        let mut settings = if settings.exists() {
            let text = std::fs::read_to_string(&settings)
                .map_err(|error| format!("{}: {error}", settings.display()))?;
            serde_json::from_str(&text)
                .map_err(|error| format!("{}: {error}", settings.display()))?
        } else {
            Settings::default()
        };
        if let Ok(script) = std::fs::read_to_string(directory.join("prepare.sh")) {
            settings.prepare = format!("set -e\n{script}");
        }
        let mut hash = Sha256::new();
        hash_files(directory, &mut hash)?;
        let mut roles_hash = Sha256::new();
        for role in &settings.roles {
            hash_files(&role_directory(role), &mut roles_hash)?;
        }
        let (hash, roles_hash) = (text_of(hash), text_of(roles_hash));
        Ok(Self {
            name: name.to_owned(),
            directory: directory.to_owned(),
            settings,
            hash,
            roles_hash,
        })
    }

    pub(crate) fn needs_lab(&self) -> bool {
        self.connection == Connection::Ssh
    }
}

/// The names of all cases, sorted.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(crate::directory().join("cases"))
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Where the repository has this role.
pub(crate) fn role_directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("roles")
        .join(name)
}

fn text_of(hash: Sha256) -> String {
    hash.finalize()
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // into a string: cannot fail
            text
        })
}

/// Adds every file of the directory, with its name, to the hash.
fn hash_files(directory: &Path, hash: &mut Sha256) -> Result<(), String> {
    let mut files = Vec::new();
    walk(directory, &mut files).map_err(|error| format!("{}: {error}", directory.display()))?;
    files.sort();
    for file in files {
        let name = file.strip_prefix(directory).unwrap_or(&file);
        // Nothing that runs reads it.
        if name == Path::new("README.md") {
            continue;
        }
        // What may differ is no part of the question.
        if name == Path::new("case.json") {
            let question = std::fs::read_to_string(&file).map_err(|error| error.to_string())?;
            let mut question: serde_json::Value =
                serde_json::from_str(&question).map_err(|error| error.to_string())?;
            if let Some(keys) = question.as_object_mut() {
                keys.shift_remove("allow");
            }
            hash.update(question.to_string());
            continue;
        }
        let content =
            std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        hash.update(name.to_string_lossy().as_bytes());
        hash.update([0]);
        hash.update(content.len().to_be_bytes());
        hash.update(content);
    }
    Ok(())
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
