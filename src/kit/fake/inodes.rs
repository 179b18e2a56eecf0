//! What the operations of `files.rs` share: names resolved, permissions judged, what happened written down.

use super::tree::{Body, ENOENT, ENOTDIR, Inode, join, parent};
use super::{FakeHost, refused};
use crate::kit::{Content, Host as _, HostError, Times};

pub(super) const EPERM: i32 = 1;
pub(super) const EACCES: i32 = 13;

impl FakeHost {
    pub(super) fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') {
            path.to_owned()
        } else {
            join(&self.identity.home, path)
        }
    }

    pub(super) fn name(
        &self,
        operation: &'static str,
        path: &str,
        follow: bool,
    ) -> Result<String, HostError> {
        if let Some(errno) = self.failures.get(&(operation.to_owned(), path.to_owned())) {
            return Err(refused(operation, path, *errno));
        }
        self.state
            .borrow()
            .tree
            .locate(&self.absolute(path), follow)
            .map_err(|errno| refused(operation, path, errno))
    }

    /// The inode of a path that must be there.
    pub(super) fn inode(
        &self,
        operation: &'static str,
        path: &str,
        follow: bool,
    ) -> Result<Inode, HostError> {
        let name = self.name(operation, path, follow)?;
        self.state
            .borrow()
            .tree
            .get(&name)
            .cloned()
            .ok_or_else(|| refused(operation, path, ENOENT))
    }

    /// Writes down what is about to change. While a module plans, nothing may.
    pub(super) fn record(&self, operation: String) {
        let mut state = self.state.borrow_mut();
        assert!(!state.frozen, "changed while planning: {operation}");
        state.operations.push(operation);
    }

    pub(super) fn permitted(&self, inode: &Inode, bit: u32) -> bool {
        if self.identity.uid == 0 {
            return true;
        }
        let state = self.state.borrow();
        let member = |gid: u32| {
            self.identity.gid == gid
                || state
                    .groups
                    .iter()
                    .any(|group| group.gid == gid && group.members.contains(&self.identity.user))
        };
        let shift = match inode {
            Inode { uid, .. } if *uid == self.identity.uid => 6,
            Inode { gid, .. } if member(*gid) => 3,
            _ => 0,
        };
        inode.mode >> shift & bit == bit
    }

    /// The folder of a name must be a directory that may be written.
    pub(super) fn folder(&self, operation: &'static str, name: &str) -> Result<(), HostError> {
        let folder = self
            .inode(operation, parent(name), true)
            .map_err(|_| refused(operation, name, ENOENT))?;
        match folder.body {
            Body::Directory if self.permitted(&folder, 2) => Ok(()),
            Body::Directory => Err(refused(operation, name, EACCES)),
            _ => Err(refused(operation, name, ENOTDIR)),
        }
    }

    pub(super) fn fresh(&self, body: Body, mode: u32) -> Inode {
        let clock = self.state.borrow().clock;
        let times = Times {
            accessed: clock,
            modified: clock,
            changed: clock,
        };
        Inode {
            body,
            mode,
            uid: self.identity.uid,
            gid: self.identity.gid,
            times,
        }
    }

    pub(super) fn count(&self) -> u64 {
        let mut state = self.state.borrow_mut();
        state.counter += 1;
        state.counter
    }

    pub(super) fn content(&self, content: Content<'_>) -> Result<Vec<u8>, HostError> {
        match content {
            Content::Bytes(bytes) => Ok(bytes.to_vec()),
            Content::File(path) => self.read(path),
            Content::Stream(reader) => {
                let mut bytes = Vec::new();
                reader
                    .read_to_end(&mut bytes)
                    .map_err(|error| HostError::Other(error.to_string()))?;
                Ok(bytes)
            }
        }
    }

    /// Changes an inode of the acting user's own.
    pub(super) fn alter(
        &self,
        operation: &'static str,
        path: &str,
        follow: bool,
        change: impl FnOnce(&mut Inode),
    ) -> Result<(), HostError> {
        let name = self.name(operation, path, follow)?;
        let mut state = self.state.borrow_mut();
        let inode = state
            .tree
            .get_mut(&name)
            .ok_or_else(|| refused(operation, path, ENOENT))?;
        if self.identity.uid != 0 && self.identity.uid != inode.uid {
            return Err(refused(operation, path, EPERM));
        }
        change(inode);
        Ok(())
    }

    pub(super) fn create(
        &self,
        operation: &'static str,
        parent: Option<&str>,
        name: &str,
        body: Body,
        mode: u32,
    ) -> Result<String, HostError> {
        let path = join(parent.unwrap_or("/tmp"), name);
        let name = self.name(operation, &path, false)?;
        self.folder(operation, &name)?;
        self.record(format!("{operation} {name} {mode:04o}"));
        let inode = self.fresh(body, mode);
        self.state.borrow_mut().tree.put(&name, inode);
        Ok(path)
    }
}
