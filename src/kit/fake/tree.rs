//! The file tree of a [`super::FakeHost`]: names that point at inodes, so that links of both kinds behave as they do on a host.

use std::collections::BTreeMap;

use crate::kit::{FileType, Times};

/// What an inode holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    File(Vec<u8>),
    Directory,
    Link(String),
    Special(FileType),
}

/// A file of any kind, without its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inode {
    pub(super) body: Body,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) times: Times,
}

impl Inode {
    pub(super) fn kind(&self) -> FileType {
        match &self.body {
            Body::File(_) => FileType::File,
            Body::Directory => FileType::Directory,
            Body::Link(_) => FileType::Link,
            Body::Special(kind) => *kind,
        }
    }

    pub(super) fn size(&self) -> usize {
        match &self.body {
            Body::File(bytes) => bytes.len(),
            Body::Link(target) => target.len(),
            Body::Directory => 4096,
            Body::Special(_) => 0,
        }
    }
}

pub(super) const ENOENT: i32 = 2;
pub(super) const ENOTDIR: i32 = 20;
const ELOOP: i32 = 40;

/// Names (absolute, without `.`, `..` and links in their folders) and inodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    names: BTreeMap<String, u64>,
    inodes: BTreeMap<u64, Inode>,
    last: u64,
}

/// Joins a folder and a name.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder == "/" {
        format!("/{name}")
    } else {
        format!("{folder}/{name}")
    }
}

/// Returns the folder of an absolute name.
pub(super) fn parent(name: &str) -> &str {
    match name.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((folder, _)) => folder,
    }
}

impl Tree {
    /// Returns the name that a path stands for, or the system's number of the error. The last part need not exist.
    pub(super) fn locate(&self, path: &str, follow: bool) -> Result<String, i32> {
        self.walk(path, follow, 0)
    }

    fn walk(&self, path: &str, follow: bool, depth: u32) -> Result<String, i32> {
        if depth > 40 {
            return Err(ELOOP);
        }
        let mut here = "/".to_owned();
        let parts: Vec<&str> = path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        for (index, part) in parts.iter().enumerate() {
            match self.get(&here).map(Inode::kind) {
                None => return Err(ENOENT),
                Some(FileType::Directory) => {}
                Some(_) => return Err(ENOTDIR),
            }
            if *part == ".." {
                here = parent(&here).to_owned();
                continue;
            }
            let next = join(&here, part);
            let last = index + 1 == parts.len();
            here = match self.get(&next).map(|inode| &inode.body) {
                Some(Body::Link(target)) if follow || !last => {
                    let whole = if target.starts_with('/') {
                        target.clone()
                    } else {
                        join(&here, target)
                    };
                    self.walk(&whole, true, depth + 1)?
                }
                _ => next,
            };
        }
        Ok(here)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Inode> {
        self.inodes.get(self.names.get(name)?)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Inode> {
        self.inodes.get_mut(self.names.get(name)?)
    }

    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.names.get(name).copied()
    }

    pub(super) fn links(&self, number: u64) -> usize {
        self.names
            .values()
            .filter(|other| **other == number)
            .count()
    }

    /// Gives a new inode that name; what had it loses it.
    pub(super) fn put(&mut self, name: &str, inode: Inode) {
        self.last += 1;
        self.inodes.insert(self.last, inode);
        self.names.insert(name.to_owned(), self.last);
    }

    /// Gives the inode a second name.
    pub(super) fn link(&mut self, number: u64, name: &str) {
        self.names.insert(name.to_owned(), number);
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.names.remove(name);
    }

    /// Renames with everything below.
    pub(super) fn rename(&mut self, from: &str, to: &str) {
        let moved: Vec<String> = self.at_and_below(from);
        for name in moved {
            if let Some(number) = self.names.remove(&name) {
                self.names
                    .insert(format!("{to}{}", &name[from.len()..]), number);
            }
        }
    }

    pub(super) fn at_and_below(&self, name: &str) -> Vec<String> {
        let below = if name == "/" {
            "/".to_owned()
        } else {
            format!("{name}/")
        };
        self.names
            .keys()
            .filter(|other| *other == name || other.starts_with(&below))
            .cloned()
            .collect()
    }

    pub(super) fn children(&self, folder: &str) -> Vec<(String, FileType)> {
        let below = if folder == "/" {
            "/".to_owned()
        } else {
            format!("{folder}/")
        };
        self.names
            .keys()
            .filter_map(|name| {
                let rest = name.strip_prefix(&below)?;
                let kind = self.get(name)?.kind();
                (!rest.is_empty() && !rest.contains('/')).then(|| (rest.to_owned(), kind))
            })
            .collect()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.names.keys()
    }
}
