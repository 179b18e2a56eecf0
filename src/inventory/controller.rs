//! The controller as templates in inventory sources see it: there are no hosts, roles and plays yet, so files are looked for in the
//! working directory only. `load` makes one for each run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::options::SourceOptions;
use crate::diag::Diagnostic;
use crate::secrets::{AgeSettings, is_vault};
use crate::sops::Reading;
use crate::template::{
    FileKind, FileStatus, LookupContext, ShellOutput, TemplateError, fetch_url, machine,
};
use crate::value::{Dict, Value};
use crate::varfile::Reader;
use crate::yaml::ValueOptions;

/// A [`LookupContext`] without a play.
pub(super) struct Controller<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) options: &'a SourceOptions,
}

/// Returns one field of the line of `/etc/passwd` whose field number `by` is `wanted`.
fn account(by: usize, wanted: &str, field: usize) -> Option<String> {
    let text = fs::read_to_string("/etc/passwd").ok()?;
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let found = *fields.get(by)? == wanted;
        found.then(|| fields.get(field).map(|text| (*text).to_owned()))?
    })
}

impl Controller<'_> {
    fn base(&self) -> &Path {
        &self.options.directory
    }

    fn absolute(&self, name: &str) -> PathBuf {
        let Some(rest) = name.strip_prefix('~') else {
            return self.base().join(name);
        };
        let (user, below) = rest.split_once('/').unwrap_or((rest, ""));
        match self.home((!user.is_empty()).then_some(user)) {
            Some(home) => home.join(below.trim_start_matches('/')),
            None => self.base().join(name),
        }
    }
}

impl LookupContext for Controller<'_> {
    fn search_path(&self) -> Vec<PathBuf> {
        vec![self.base().to_owned()]
    }

    fn find_file(&self, kind: FileKind, name: &str) -> Result<Option<PathBuf>, TemplateError> {
        if name.contains('\0') {
            return Err(TemplateError::new("a file name must not hold a NUL byte"));
        }
        if name.starts_with(['~', '/']) {
            return Ok(Some(self.absolute(name)).filter(|path| path.exists()));
        }
        let folder = match kind {
            FileKind::File => "files",
            FileKind::Template => "templates",
            FileKind::Vars => "vars",
            FileKind::Tasks => "tasks",
        };
        let places = [self.base().join(folder).join(name), self.base().join(name)];
        Ok(places.into_iter().find(|path| path.exists()))
    }

    fn read(&self, path: &Path) -> Result<(Vec<u8>, bool), TemplateError> {
        let bytes = fs::read(path).map_err(|error| machine::refused(path, "read", &error))?;
        if !is_vault(&bytes) {
            return Ok((bytes, false));
        }
        let plain = self.reader.vault.decrypt(&bytes);
        let plain = plain.map_err(|error| {
            TemplateError::new(format!("cannot decrypt `{}`: {error}", path.display()))
        })?;
        Ok((plain.to_vec(), true))
    }

    fn load(&self, path: &Path) -> Result<Value, TemplateError> {
        let document = self.reader.document(path).map_err(|found| {
            let first = found.into_iter().find(Diagnostic::is_error);
            let first =
                first.unwrap_or_else(|| Diagnostic::error("vars-file", "it cannot be read"));
            TemplateError::new(format!("`{}`: {}", path.display(), first.headline)).at(first.span())
        })?;
        let source = self.reader.sources.get(document.file);
        Ok(document.root.to_value(&ValueOptions {
            trusted: true,
            secret: source.is_some_and(|source| source.secret),
            vault: Some(self.reader.vault),
        }))
    }

    fn sops(
        &self,
        path: &Path,
        content: Option<&[u8]>,
        reading: &Reading,
        keys: AgeSettings,
    ) -> Result<Vec<u8>, TemplateError> {
        self.reader
            .sops_text(path, content, reading, keys)
            .map_err(TemplateError::of)
    }

    fn load_sops(&self, path: &Path, keys: AgeSettings) -> Result<Value, TemplateError> {
        self.reader.sops_vars(path, keys).map_err(|found| {
            let first = found.into_iter().find(Diagnostic::is_error);
            TemplateError::of(
                first.unwrap_or_else(|| Diagnostic::error("sops", "it cannot be read")),
            )
        })
    }

    fn list(&self, path: &Path) -> Result<Vec<String>, TemplateError> {
        machine::list(path)
    }

    fn status(&self, path: &Path) -> Option<FileStatus> {
        machine::status(&self.base().join(path))
    }

    fn real_path(&self, path: &Path) -> PathBuf {
        let path = self.base().join(path);
        fs::canonicalize(&path).unwrap_or(path)
    }

    fn shell(&self, command: &str) -> Result<ShellOutput, TemplateError> {
        machine::shell(self.base(), command)
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
            Some(user) => account(0, user, 5).map(PathBuf::from),
        }
    }

    fn user_name(&self, number: u32) -> Option<String> {
        account(2, &number.to_string(), 0)
    }

    fn host_name(&self) -> String {
        let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        name.trim().to_owned()
    }

    fn setting(&self, name: &str) -> Option<Value> {
        let value = self.options.settings.get(name)?;
        Some(Value::text(value.as_str()))
    }

    fn hosts(&self, _pattern: &str) -> Result<Vec<Arc<str>>, TemplateError> {
        Err(TemplateError::new(
            "there are no hosts yet while the inventory is read",
        ))
    }

    fn fetch(&self, url: &str, options: &Dict) -> Result<Vec<u8>, TemplateError> {
        fetch_url(url, options)
    }

    fn decrypt(&self, text: &str) -> Result<Vec<u8>, TemplateError> {
        let plain = self.reader.vault.decrypt(text.as_bytes());
        Ok(plain
            .map_err(|error| TemplateError::new(error.to_string()))?
            .to_vec())
    }

    fn now(&self) -> (i64, u32) {
        machine::now()
    }
}
