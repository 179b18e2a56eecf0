//! What lies outside of a template and can be reached only on the controller.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::TemplateError;
use crate::secrets::AgeSettings;
use crate::sops::Reading;
use crate::value::{Dict, Value};

/// Which folder of a role or playbook a relative file name is looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum FileKind {
    /// `files/`.
    File,
    /// `templates/`.
    Template,
    /// `vars/`.
    Vars,
    /// `tasks/`.
    Tasks,
}

/// What a path of the controller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStatus {
    /// A directory.
    pub directory: bool,
    /// A regular file.
    pub file: bool,
    /// The path itself is a symbolic link.
    pub link: bool,
    /// A mount point.
    pub mount: bool,
    /// Permission bits.
    pub mode: u32,
    /// Device and inode, for `same_file`.
    pub identity: (u64, u64),
    /// The number of the owner.
    pub owner: u32,
    /// When the content changed last: seconds since 1970 and nanoseconds.
    pub modified: (i64, u32),
}

/// The end of a command that a lookup ran.
#[derive(Clone, Debug)]
pub struct ShellOutput {
    /// Exit status; 128 + signal where it was killed.
    pub status: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// The controller as lookups, file tests and some filters see it. The engine implements it.
pub trait LookupContext {
    /// Returns the folders in which a relative name of that kind is looked for, first to last (role, including roles,
    /// playbook), each without the kind's own subfolder.
    fn search_path(&self) -> Vec<PathBuf>;

    /// Returns the first file of that name along the search path (each folder's `files/` or the like first, then the
    /// folder itself), an absolute name as it is, or nothing.
    fn find_file(&self, kind: FileKind, name: &str) -> Result<Option<PathBuf>, TemplateError>;

    /// Returns the content of a file, decrypted if it is a vault file; a decrypted one is marked secret by the flag.
    fn read(&self, path: &Path) -> Result<(Vec<u8>, bool), TemplateError>;

    /// Returns what a variable file (YAML or JSON, perhaps a vault) holds, not rendered: text in it may be templates.
    fn load(&self, path: &Path) -> Result<Value, TemplateError>;

    /// Returns what a file of SOPS holds, or `content` in its place, as `sops decrypt` prints it.
    fn sops(
        &self,
        path: &Path,
        content: Option<&[u8]>,
        reading: &Reading,
        keys: AgeSettings,
    ) -> Result<Vec<u8>, TemplateError>;

    /// Returns what a variable file of SOPS holds, not rendered: text in it may be templates.
    fn load_sops(&self, path: &Path, keys: AgeSettings) -> Result<Value, TemplateError>;

    /// Returns the names in a directory, sorted.
    fn list(&self, path: &Path) -> Result<Vec<String>, TemplateError>;

    /// Returns what a path is, following links, or nothing where there is none.
    fn status(&self, path: &Path) -> Option<FileStatus>;

    /// Returns the path with links and dots resolved as far as it exists.
    fn real_path(&self, path: &Path) -> PathBuf;

    /// Runs a command with `/bin/sh -c` in the playbook's folder.
    fn shell(&self, command: &str) -> Result<ShellOutput, TemplateError>;

    /// Writes a file (the `password` lookup), 0600, with its folders 0700, whole or not at all.
    fn write(&self, path: &Path, content: &[u8]) -> Result<(), TemplateError>;

    /// Returns an environment variable of the controller.
    fn environment(&self, name: &str) -> Option<String>;

    /// Returns the home directory of a user, or of the one who runs.
    fn home(&self, user: Option<&str>) -> Option<PathBuf>;

    /// Returns the name of the user of that number.
    fn user_name(&self, number: u32) -> Option<String>;

    /// Returns the controller's own name.
    fn host_name(&self) -> String;

    /// Returns a setting of the configuration by its Ansible name, or nothing where there is none of that name.
    fn setting(&self, name: &str) -> Option<Value>;

    /// Returns the inventory's hosts that a pattern names.
    fn hosts(&self, pattern: &str) -> Result<Vec<Arc<str>>, TemplateError>;

    /// Fetches a URL and returns its body.
    fn fetch(&self, url: &str, options: &Dict) -> Result<Vec<u8>, TemplateError>;

    /// Decrypts vault text with the run's secrets, or encrypts is not offered here.
    fn decrypt(&self, text: &str) -> Result<Vec<u8>, TemplateError>;

    /// Returns the point in time for `now()`: seconds since 1970 and nanoseconds.
    fn now(&self) -> (i64, u32);
}
