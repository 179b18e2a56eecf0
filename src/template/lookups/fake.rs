//! A controller of one temporary directory, for tests of lookups and of modules that read the controller's files.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diag::SourceMap;
use crate::secrets::{AgeSettings, VaultSecrets};
use crate::sops::Reading;
use crate::template::{FileKind, FileStatus, LookupContext, ShellOutput, TemplateError};
use crate::value::{Dict, Value};
use crate::varfile::Reader;
use crate::yaml::{DuplicateKeys, LoadOptions, ValueOptions, load_bytes};

/// The files of a directory stand for the playbook's folder; settings, environment, hosts and web pages are made up.
pub(crate) struct FakeController {
    pub(crate) root: PathBuf,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) settings: BTreeMap<String, Value>,
    /// What host patterns name.
    pub(crate) hosts: BTreeMap<String, Vec<Arc<str>>>,
    pub(crate) pages: BTreeMap<String, Vec<u8>>,
    /// What stands in for a decrypted vault file: names of files that are read as secret.
    pub(crate) vaults: Vec<String>,
    /// The keys that files of SOPS are opened with.
    pub(crate) secrets: VaultSecrets,
    sources: SourceMap,
}

impl FakeController {
    fn reader(&self) -> Reader<'_> {
        Reader {
            sources: &self.sources,
            vault: &self.secrets,
            duplicates: DuplicateKeys::Warn,
        }
    }

    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            environment: BTreeMap::new(),
            settings: BTreeMap::new(),
            hosts: BTreeMap::new(),
            pages: BTreeMap::new(),
            vaults: Vec::new(),
            secrets: VaultSecrets::default(),
            sources: SourceMap::default(),
        }
    }
}

fn failed(path: &Path, error: &std::io::Error) -> TemplateError {
    TemplateError::new(format!("`{}`: {error}", path.display()))
}

impl LookupContext for FakeController {
    fn search_path(&self) -> Vec<PathBuf> {
        vec![self.root.clone()]
    }

    fn find_file(&self, kind: FileKind, name: &str) -> Result<Option<PathBuf>, TemplateError> {
        let folder = match kind {
            FileKind::File => "files",
            FileKind::Template => "templates",
            FileKind::Vars => "vars",
            FileKind::Tasks => "tasks",
        };
        Ok([self.root.join(folder).join(name), self.root.join(name)]
            .into_iter()
            .find(|path| path.exists()))
    }

    fn read(&self, path: &Path) -> Result<(Vec<u8>, bool), TemplateError> {
        let secret = self.vaults.iter().any(|name| path.ends_with(name));
        std::fs::read(path)
            .map(|bytes| (bytes, secret))
            .map_err(|error| failed(path, &error))
    }

    fn load(&self, path: &Path) -> Result<Value, TemplateError> {
        let (content, secret) = self.read(path)?;
        let options = LoadOptions {
            secret,
            ..LoadOptions::default()
        };
        let sources = SourceMap::default();
        let document = load_bytes(&sources, &path.display().to_string(), &content, &options)
            .map_err(|errors| TemplateError::new(errors[0].headline.clone()))?;
        Ok(document.root.to_value(&ValueOptions {
            trusted: true,
            secret,
            vault: None,
        }))
    }

    fn sops(
        &self,
        path: &Path,
        content: Option<&[u8]>,
        reading: &Reading,
        keys: AgeSettings,
    ) -> Result<Vec<u8>, TemplateError> {
        self.reader()
            .sops_text(path, content, reading, keys)
            .map_err(TemplateError::of)
    }

    fn load_sops(&self, path: &Path, keys: AgeSettings) -> Result<Value, TemplateError> {
        self.reader()
            .sops_vars(path, keys)
            .map_err(|mut found| TemplateError::of(found.remove(0)))
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, TemplateError> {
        let entries = std::fs::read_dir(path).map_err(|error| failed(path, &error))?;
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        Ok(names)
    }

    fn status(&self, path: &Path) -> Option<FileStatus> {
        let path = self.root.join(path);
        let data = std::fs::metadata(&path).ok()?;
        Some(FileStatus {
            directory: data.is_dir(),
            file: data.is_file(),
            link: path.is_symlink(),
            mount: false,
            mode: data.permissions().mode() & 0o7777,
            identity: (data.dev(), data.ino()),
            owner: data.uid(),
            modified: (data.mtime(), 0),
        })
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    fn shell(&self, command: &str) -> Result<ShellOutput, TemplateError> {
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", command])
            .current_dir(&self.root)
            .output()
            .unwrap();
        Ok(ShellOutput {
            status: output.status.code().unwrap_or(128),
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), TemplateError> {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).map_err(|error| failed(&path, &error))
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.environment.get(name).cloned()
    }

    fn home(&self, user: Option<&str>) -> Option<PathBuf> {
        user.is_none().then(|| self.root.join("home"))
    }

    fn user_name(&self, number: u32) -> Option<String> {
        (number == 0).then(|| "root".to_owned())
    }

    fn host_name(&self) -> String {
        "controller".to_owned()
    }

    fn setting(&self, name: &str) -> Option<Value> {
        self.settings.get(name).cloned()
    }

    fn hosts(&self, pattern: &str) -> Result<Vec<Arc<str>>, TemplateError> {
        let found = self.hosts.get(pattern).cloned();
        found.ok_or_else(|| TemplateError::new(format!("no host is `{pattern}`")))
    }

    fn fetch(&self, url: &str, _options: &Dict) -> Result<Vec<u8>, TemplateError> {
        self.pages
            .get(url)
            .cloned()
            .ok_or_else(|| TemplateError::new(format!("`{url}` answers 404")))
    }

    fn decrypt(&self, _text: &str) -> Result<Vec<u8>, TemplateError> {
        Err(TemplateError::new("there are no vault secrets"))
    }

    fn now(&self) -> (i64, u32) {
        (1_700_000_000, 0)
    }
}
