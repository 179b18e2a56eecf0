//! The controller's files as the loader sees them: a trait, so that tests need no disk.

use std::io;
use std::path::{Component, Path, PathBuf};

/// Whoever has files.
pub trait Files: Send + Sync {
    /// Returns the content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Tells whether the path leads to a file.
    fn is_file(&self, path: &Path) -> bool;

    /// Tells whether the path leads to a directory.
    fn is_directory(&self, path: &Path) -> bool;

    /// Returns the names in a directory, sorted; none where there is no such directory.
    fn list(&self, path: &Path) -> Vec<String>;

    /// Returns the directory that relative names start from.
    fn current_directory(&self) -> PathBuf;

    /// Returns the home directory that `~` stands for.
    fn home(&self) -> Option<PathBuf>;

    /// Returns the path, absolute and without `.` and `..`, links not followed; `~` is expanded.
    fn absolute(&self, path: &Path) -> PathBuf {
        let mut whole = self.current_directory();
        let mut parts = path.components().peekable();
        if parts.peek() == Some(&Component::Normal("~".as_ref()))
            && let Some(home) = self.home()
        {
            whole = home;
            parts.next();
        }
        for part in parts {
            match part {
                Component::CurDir => {}
                Component::ParentDir => {
                    whole.pop();
                }
                Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                    whole.push(part);
                }
            }
        }
        whole
    }
}

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemFiles;

impl Files for SystemFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn is_directory(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn list(&self, path: &Path) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(path) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }

    fn current_directory(&self) -> PathBuf {
        std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
    }

    fn home(&self) -> Option<PathBuf> {
        std::env::home_dir()
    }
}

/// Files that exist in a test only; the current directory is `/p`.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub(in crate::playbook) struct MemoryFiles {
    files: std::collections::BTreeMap<PathBuf, String>,
}

#[cfg(test)]
impl MemoryFiles {
    /// Returns these files; relative names lie in `/p`.
    pub(in crate::playbook) fn new(files: &[(&str, &str)]) -> Self {
        let mut memory = Self::default();
        for (path, text) in files {
            let path = memory.absolute(Path::new(path));
            memory.files.insert(path, (*text).to_owned());
        }
        memory
    }
}

#[cfg(test)]
impl Files for MemoryFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.files
            .get(path)
            .map(|text| text.clone().into_bytes())
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "No such file or directory"))
    }

    fn is_file(&self, path: &Path) -> bool {
        self.files.contains_key(path)
    }

    fn is_directory(&self, path: &Path) -> bool {
        self.files
            .keys()
            .any(|file| file != path && file.starts_with(path))
    }

    fn list(&self, path: &Path) -> Vec<String> {
        let mut names: Vec<String> = self
            .files
            .keys()
            .filter_map(|file| file.strip_prefix(path).ok()?.components().next())
            .filter_map(|part| part.as_os_str().to_str().map(str::to_owned))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    fn current_directory(&self) -> PathBuf {
        PathBuf::from("/p")
    }

    fn home(&self) -> Option<PathBuf> {
        Some(PathBuf::from("/home/user"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_absolute_without_dots() {
        let files = MemoryFiles::default();
        for (path, whole) in [
            ("a/./b", "/p/a/b"),
            ("../x", "/x"),
            ("/a/../b", "/b"),
            ("~/r", "/home/user/r"),
            ("", "/p"),
        ] {
            assert_eq!(
                files.absolute(Path::new(path)),
                PathBuf::from(whole),
                "{path}"
            );
        }
    }
}
