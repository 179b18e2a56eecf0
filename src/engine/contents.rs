//! Files of the controller that modules may ask for: numbered, hashed once, read when a host wants them.

use std::collections::HashMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha1::{Digest as _, Sha1};

use crate::kit::{Need, NeedKind, Supplied, SuppliedContent, SuppliedSum, TreeEntry};
use crate::template::{LookupContext, file_variables};
use crate::value::Dict;

/// What lies under a number.
#[derive(Clone, Debug)]
pub(super) enum Stored {
    /// A file, read when it is asked for. No more than one byte beyond its size is sent: whoever asked knows the size.
    File(Version),
    /// The SHA-1 of a file in hexadecimal, summed when it is asked for.
    Sum(Version),
    /// Bytes in memory: a decrypted vault file.
    Bytes(Arc<[u8]>),
}

/// A file's content is the same as long as these are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Version {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    modified: (i64, i64),
}

impl Version {
    /// Returns what a file is now.
    pub(super) fn of(path: &Path) -> std::io::Result<Self> {
        Ok(Self::new(path, &fs::metadata(path)?))
    }

    fn new(path: &Path, data: &fs::Metadata) -> Self {
        Self {
            path: path.to_owned(),
            size: data.size(),
            modified: (data.mtime(), data.mtime_nsec()),
        }
    }

    /// Tells whether what was opened is still that.
    pub(super) fn is(&self, data: &fs::Metadata) -> bool {
        *self == Self::new(&self.path, data)
    }
}

/// A file of that size or more is summed only if a host asks for the sum.
const SUMMED_LATE: u64 = 16 << 20;

#[derive(Debug, Default)]
struct Inner {
    contents: HashMap<u64, Stored>,
    numbers: HashMap<PathBuf, u64>,
    hashes: HashMap<Version, Arc<str>>,
    next: u64,
}

/// The contents of a run.
#[derive(Debug, Default)]
pub(super) struct ContentStore {
    inner: Mutex<Inner>,
}

impl ContentStore {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what lies under a number.
    pub(super) fn get(&self, number: u64) -> Option<Stored> {
        self.lock().contents.get(&number).cloned()
    }

    fn add_file(&self, version: Version) -> u64 {
        let mut inner = self.lock();
        let number = if let Some(number) = inner.numbers.get(&version.path) {
            *number
        } else {
            inner.next += 1;
            let number = inner.next;
            inner.numbers.insert(version.path.clone(), number);
            number
        };
        inner.contents.insert(number, Stored::File(version));
        number
    }

    fn add(&self, stored: Stored) -> u64 {
        let mut inner = self.lock();
        inner.next += 1;
        let number = inner.next;
        inner.contents.insert(number, stored);
        number
    }

    fn sum(&self, version: &Version) -> Result<SuppliedSum, String> {
        let known = self.lock().hashes.contains_key(version);
        Ok(if known || version.size < SUMMED_LATE {
            SuppliedSum::Known(self.hash(version)?.to_string())
        } else {
            SuppliedSum::Remote(self.add(Stored::Sum(version.clone())))
        })
    }

    /// Returns the SHA-1 of a file in hexadecimal.
    pub(super) fn hash(&self, version: &Version) -> Result<Arc<str>, String> {
        if let Some(hash) = self.lock().hashes.get(version) {
            return Ok(hash.clone());
        }
        let path = &version.path;
        let refused = |error: std::io::Error| format!("cannot read `{}`: {error}", path.display());
        let mut file = fs::File::open(path).map_err(refused)?;
        let mut hasher = Sha1::new();
        let mut buffer = vec![0; 1 << 17];
        loop {
            match file.read(&mut buffer).map_err(refused)? {
                0 => break,
                count => hasher.update(buffer.get(..count).unwrap_or_default()),
            }
        }
        let hash: Arc<str> = hexadecimal(&hasher.finalize()).into();
        self.lock().hashes.insert(version.clone(), hash.clone());
        Ok(hash)
    }

    /// Brings what a module's `prepare` named.
    pub(super) fn supply(
        &self,
        need: &Need,
        outside: &dyn LookupContext,
    ) -> Result<Supplied, String> {
        let name = need.name.trim_end_matches('/');
        let found = outside
            .find_file(need.place, name)
            .map_err(|error| error.to_string())?;
        let Some(path) = found else {
            let tried: Vec<String> = outside
                .search_path()
                .iter()
                .map(|folder| folder.display().to_string())
                .collect();
            return Err(format!(
                "could not find `{}` on the controller; looked in {}",
                need.name,
                tried.join(", ")
            ));
        };
        let data = fs::metadata(&path)
            .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        let mode = data.permissions().mode() & 0o7777;
        if data.is_dir() {
            return match need.kind {
                NeedKind::Tree => self.supply_tree(&path, mode, false),
                NeedKind::TreeWithLinks => self.supply_tree(&path, mode, true),
                NeedKind::Content | NeedKind::Rendered(_) => {
                    Err(format!("`{}` is a directory", path.display()))
                }
            };
        }
        let whole = matches!(need.kind, NeedKind::Rendered(_)) || (need.decrypt && is_vault(&path));
        if !whole {
            let version = Version::new(&path, &data);
            let sha1 = self.sum(&version)?;
            let content = SuppliedContent::Remote(self.add_file(version));
            return Ok(Supplied {
                path: text(&path),
                mode,
                size: data.size(),
                sha1,
                content,
                secret: false,
                variables: Dict::new(),
            });
        }
        let (bytes, secret) = outside.read(&path).map_err(|error| error.to_string())?;
        let (sha1, size) = (
            SuppliedSum::Known(hexadecimal(&Sha1::digest(&bytes))),
            u64::try_from(bytes.len()).unwrap_or(0),
        );
        let variables = match &need.kind {
            NeedKind::Rendered(_) => {
                file_variables(outside, name, &path).map_err(|error| error.to_string())?
            }
            _ => Dict::new(),
        };
        let content = match need.kind {
            NeedKind::Rendered(_) => SuppliedContent::Here(bytes),
            NeedKind::Content | NeedKind::Tree | NeedKind::TreeWithLinks => {
                SuppliedContent::Remote(self.add(Stored::Bytes(bytes.into())))
            }
        };
        Ok(Supplied {
            path: text(&path),
            mode,
            size,
            sha1,
            content,
            secret,
            variables,
        })
    }

    fn supply_tree(&self, root: &Path, mode: u32, keep_links: bool) -> Result<Supplied, String> {
        let mut entries = Vec::new();
        self.walk(root, "", keep_links, &mut Vec::new(), &mut entries)?;
        let content = SuppliedContent::Tree(entries);
        Ok(Supplied {
            path: text(root),
            mode,
            size: 0,
            sha1: SuppliedSum::Known(String::new()),
            content,
            secret: false,
            variables: Dict::new(),
        })
    }

    /// Lists what is below a directory. Links are looked through, or stay links with `keep_links`; `above` holds the directories
    /// on the way, so that a link back to one of them stays a link, as it does with Ansible.
    fn walk(
        &self,
        root: &Path,
        below: &str,
        keep_links: bool,
        above: &mut Vec<(u64, u64)>,
        entries: &mut Vec<TreeEntry>,
    ) -> Result<(), String> {
        let folder = root.join(below);
        let refused =
            |error: std::io::Error| format!("cannot list `{}`: {error}", folder.display());
        let own = fs::metadata(&folder).map_err(refused)?;
        above.push((own.dev(), own.ino()));
        let mut names: Vec<_> = fs::read_dir(&folder)
            .map_err(refused)?
            .filter_map(|entry| Some(entry.ok()?.file_name()))
            .collect();
        names.sort();
        for name in names {
            let name = name.to_string_lossy().into_owned();
            let path = if below.is_empty() {
                name
            } else {
                format!("{below}/{name}")
            };
            let full = root.join(&path);
            let refused =
                |error: std::io::Error| format!("cannot read `{}`: {error}", full.display());
            let own = fs::symlink_metadata(&full).map_err(refused)?;
            let target = fs::metadata(&full)
                .ok()
                .filter(|_| !(own.is_symlink() && keep_links));
            let target =
                target.filter(|data| !(data.is_dir() && above.contains(&(data.dev(), data.ino()))));
            let Some(data) = target else {
                let link = Some(text(&fs::read_link(&full).map_err(refused)?));
                entries.push(TreeEntry {
                    path,
                    directory: false,
                    link,
                    mode: 0o777,
                    size: 0,
                    sha1: String::new(),
                    content: 0,
                });
                continue;
            };
            let mode = data.permissions().mode() & 0o7777;
            let link = None;
            if data.is_dir() {
                entries.push(TreeEntry {
                    path: path.clone(),
                    directory: true,
                    link,
                    mode,
                    size: 0,
                    sha1: String::new(),
                    content: 0,
                });
                self.walk(root, &path, keep_links, above, entries)?;
                continue;
            }
            let version = Version::new(&full, &data);
            let sha1 = self.hash(&version)?.to_string();
            let content = self.add_file(version);
            entries.push(TreeEntry {
                path,
                directory: false,
                link,
                mode,
                size: data.size(),
                sha1,
                content,
            });
        }
        above.pop();
        Ok(())
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tells whether a file begins as a vault file does.
fn is_vault(path: &Path) -> bool {
    let mut start = [0; 14];
    fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok()
        && &start == b"$ANSIBLE_VAULT"
}
