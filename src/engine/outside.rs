//! The controller as lookups, file tests and modules of the run see it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::scope::HostScope;
use super::search::{Search, clean};
use crate::diag::Diagnostic;
use crate::secrets::{AgeSettings, is_vault};
use crate::sops::Reading;
use crate::template::{FileKind, FileStatus, LookupContext, ShellOutput, TemplateError, machine};
use crate::value::{Dict, Value};
use crate::varfile::Reader;
use crate::yaml::{DuplicateKeys, ValueOptions};

/// Returns the folders in which relative names are looked for: the task's role, the roles that brought it, the folder of the
/// task's file, the playbook's folder.
pub(super) fn search_path(scope: &HostScope<'_>) -> Vec<PathBuf> {
    let mut folders = task_folders(scope);
    let base = base(scope);
    if !folders.contains(&base) {
        folders.push(base);
    }
    folders
}

/// Returns those of them that are the task's own.
fn task_folders(scope: &HostScope<'_>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    let mut add = |folder: PathBuf| {
        if !folder.as_os_str().is_empty() && !folders.contains(&folder) {
            folders.push(folder);
        }
    };
    if let Some(task) = scope.task {
        task.roles().for_each(|role| add(role.path.clone()));
        if let Some(source) = scope.run.sources.get(task.span.file)
            && let Some(folder) = scope.run.working_directory.join(&source.name).parent()
        {
            add(folder.to_path_buf());
        }
    }
    folders
}

/// Returns the playbook's folder.
fn base(scope: &HostScope<'_>) -> PathBuf {
    match scope.play {
        Some(play) => scope.run.working_directory.join(&*play.play.directory),
        None => scope.run.working_directory.clone(),
    }
}

/// A [`LookupContext`] for one host and task.
pub(super) struct Outside<'a> {
    pub(super) scope: &'a HostScope<'a>,
}

fn subfolder(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "files",
        FileKind::Template => "templates",
        FileKind::Vars => "vars",
        FileKind::Tasks => "tasks",
    }
}

/// Says what is wrong with a variable file.
fn wrong_file(path: &Path, found: Vec<Diagnostic>) -> TemplateError {
    let found = found.into_iter().find(Diagnostic::is_error);
    let found = found.unwrap_or_else(|| Diagnostic::error("vars-file", "it cannot be read"));
    if found.code == "sops" {
        return TemplateError::of(found);
    }
    TemplateError::new(format!("`{}`: {}", path.display(), found.headline)).at(found.span())
}

impl Outside<'_> {
    fn reader(&self) -> Reader<'_> {
        let run = self.scope.run;
        Reader {
            sources: &run.sources,
            vault: &run.vault,
            duplicates: DuplicateKeys::from(&*run.config),
        }
    }

    fn base(&self) -> PathBuf {
        base(self.scope)
    }

    /// Returns an absolute path: `~` and `~user` are home directories, `$NAME` is the environment's.
    fn expanded(&self, name: &str) -> PathBuf {
        let name = variables(name);
        let Some(rest) = name.strip_prefix('~') else {
            return PathBuf::from(name);
        };
        let (user, below) = rest.split_once('/').unwrap_or((rest, ""));
        match self.home((!user.is_empty()).then_some(user)) {
            Some(home) => home.join(below.trim_start_matches('/')),
            None => self.base().join(&name),
        }
    }
}

impl LookupContext for Outside<'_> {
    fn search_path(&self) -> Vec<PathBuf> {
        search_path(self.scope)
    }

    fn find_file(&self, kind: FileKind, name: &str) -> Result<Option<PathBuf>, TemplateError> {
        if name.contains('\0') {
            return Err(TemplateError::new("a file name must not hold a NUL byte"));
        }
        if name.starts_with(['~', '/']) {
            let path = clean(&self.expanded(name));
            return Ok(path.exists().then_some(path));
        }
        let search = Search {
            folders: &task_folders(self.scope),
            base: &self.base(),
            in_role: self
                .scope
                .task
                .is_some_and(|task| task.roles().next().is_some()),
        };
        Ok(search.find(subfolder(kind), Path::new(name)))
    }

    fn read(&self, path: &Path) -> Result<(Vec<u8>, bool), TemplateError> {
        let bytes = fs::read(path).map_err(|error| machine::refused(path, "read", &error))?;
        if !is_vault(&bytes) {
            return Ok((bytes, false));
        }
        let plain = self.scope.run.vault.decrypt(&bytes).map_err(|error| {
            TemplateError::new(format!("cannot decrypt `{}`: {error}", path.display()))
        })?;
        Ok((plain.to_vec(), true))
    }

    fn load(&self, path: &Path) -> Result<Value, TemplateError> {
        let run = self.scope.run;
        let document = self
            .reader()
            .document(path)
            .map_err(|found| wrong_file(path, found))?;
        let secret = run
            .sources
            .get(document.file)
            .is_some_and(|source| source.secret);
        Ok(document.root.to_value(&ValueOptions {
            trusted: true,
            secret,
            vault: Some(&run.vault),
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
            .map_err(|found| wrong_file(path, found))
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, TemplateError> {
        machine::list(path)
    }

    fn status(&self, path: &Path) -> Option<FileStatus> {
        machine::status(&self.base().join(path))
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        let path = self.base().join(path);
        fs::canonicalize(&path).unwrap_or_else(|_| clean(&path))
    }

    fn shell(&self, command: &str) -> Result<ShellOutput, TemplateError> {
        machine::shell(&self.base(), command)
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), TemplateError> {
        machine::write(&self.base().join(path), content)
    }

    fn environment(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn home(&self, user: Option<&str>) -> Option<PathBuf> {
        match user {
            None => std::env::var_os("HOME").map(PathBuf::from),
            Some(user) => fs::read_to_string("/etc/passwd")
                .ok()?
                .lines()
                .find_map(|line| {
                    let mut fields = line.split(':');
                    (fields.next()? == user)
                        .then(|| fields.nth(4).map(PathBuf::from))
                        .flatten()
                }),
        }
    }

    fn user_name(&self, number: u32) -> Option<String> {
        let number = number.to_string();
        fs::read_to_string("/etc/passwd")
            .ok()?
            .lines()
            .find_map(|line| {
                let mut fields = line.split(':');
                let name = fields.next()?;
                (fields.nth(1)? == number).then(|| name.to_owned())
            })
    }

    fn host_name(&self) -> String {
        fs::read_to_string("/proc/sys/kernel/hostname")
            .map(|name| name.trim().to_owned())
            .unwrap_or_default()
    }

    fn setting(&self, name: &str) -> Option<Value> {
        self.scope.run.setting(name)
    }

    fn hosts(&self, pattern: &str) -> Result<Vec<Arc<str>>, TemplateError> {
        self.scope
            .run
            .inventory()
            .matching(pattern)
            .map_err(TemplateError::new)
    }

    fn fetch(&self, url: &str, options: &Dict) -> Result<Vec<u8>, TemplateError> {
        crate::template::fetch_url(url, options)
    }

    fn decrypt(&self, text: &str) -> Result<Vec<u8>, TemplateError> {
        let plain = self
            .scope
            .run
            .vault
            .decrypt(text.as_bytes())
            .map_err(|error| TemplateError::new(error.to_string()))?;
        Ok(plain.to_vec())
    }

    fn now(&self) -> (i64, u32) {
        machine::now()
    }
}

/// Puts the environment's values into `$NAME` and `${NAME}`; a name that is not set stays.
fn variables(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, behind) = if let Some((name, behind)) =
            after.strip_prefix('{').and_then(|own| own.split_once('}'))
        {
            (name, behind)
        } else {
            let end = after
                .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
                .unwrap_or(after.len());
            after.split_at(end)
        };
        match std::env::var(name) {
            Ok(value) if !name.is_empty() => out.push_str(&value),
            _ => {
                out.push('$');
                out.push_str(after.get(..after.len() - behind.len()).unwrap_or_default());
            }
        }
        rest = behind;
    }
    out + rest
}
