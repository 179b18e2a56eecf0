//! The controller as lookups, file tests and modules of the run see it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::scope::HostScope;
use super::search::{Search, clean};
use crate::diag::Diagnostic;
use crate::secrets::{AgeSettings, is_vault};
use crate::sops::Reading;
use crate::template::{FileKind, FileStatus, LookupContext, ShellOutput, TemplateError};
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

fn refused(path: &Path, verb: &str, error: &std::io::Error) -> TemplateError {
    TemplateError::new(format!("cannot {verb} `{}`: {error}", path.display()))
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
        let bytes = fs::read(path).map_err(|error| refused(path, "read", &error))?;
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
        let entries = fs::read_dir(path).map_err(|error| refused(path, "list", &error))?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
            .collect();
        names.sort();
        Ok(names)
    }

    fn status(&self, path: &Path) -> Option<FileStatus> {
        let path = self.base().join(path);
        let link = fs::symlink_metadata(&path).is_ok_and(|data| data.is_symlink());
        let data = fs::metadata(&path).ok()?;
        let parent = path.parent().and_then(|parent| fs::metadata(parent).ok());
        Some(FileStatus {
            directory: data.is_dir(),
            file: data.is_file(),
            link,
            mount: parent
                .is_some_and(|parent| parent.dev() != data.dev() || parent.ino() == data.ino()),
            mode: data.permissions().mode() & 0o7777,
            identity: (data.dev(), data.ino()),
            owner: data.uid(),
            modified: (data.mtime(), u32::try_from(data.mtime_nsec()).unwrap_or(0)),
        })
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        let path = self.base().join(path);
        fs::canonicalize(&path).unwrap_or_else(|_| clean(&path))
    }

    fn shell(&self, command: &str) -> Result<ShellOutput, TemplateError> {
        let output = Command::new("/bin/sh")
            .args(["-c", command])
            .current_dir(self.base())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| TemplateError::new(format!("cannot run `{command}`: {error}")))?;
        Ok(ShellOutput {
            status: output.status.code().unwrap_or(128),
            stdout: output.stdout,
            stderr: output.stderr,
        })
    }

    fn write(&self, path: &Path, content: &[u8]) -> Result<(), TemplateError> {
        let path = self.base().join(path);
        let failed = |error: std::io::Error| refused(&path, "write", &error);
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
        let draft = folder.join(format!(".kplay-{}-{}", std::process::id(), self.now().1));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .map_err(failed)?;
        let written = file
            .write_all(content)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&draft, &path));
        written.map_err(|error| {
            let _ = fs::remove_file(&draft);
            failed(error)
        })
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
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        (
            i64::try_from(since.as_secs()).unwrap_or(0),
            since.subsec_nanos(),
        )
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
