//! What must not outlive the worker: running process groups, and files that are not in their place yet.
//!
//! The message loop calls [`Cleanup::everything`] when the controller is gone, a step calls [`Cleanup::step`] when it ends.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

/// Which step something belongs to.
pub(super) type Owner = u64;

#[derive(Debug, Default)]
struct Left {
    groups: BTreeMap<i32, Owner>,
    files: BTreeMap<PathBuf, Owner>,
}

/// The list of what is to be ended or removed. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(super) struct Cleanup {
    left: Arc<Mutex<Left>>,
}

impl Cleanup {
    fn left(&self) -> MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process group runs.
    pub(super) fn group_started(&self, group: Pid, owner: Owner) {
        self.left()
            .groups
            .insert(group.as_raw_nonzero().get(), owner);
    }

    /// It has ended by itself.
    pub(super) fn group_ended(&self, group: Pid) {
        self.left().groups.remove(&group.as_raw_nonzero().get());
    }

    /// A file is not in its place yet.
    pub(super) fn file_made(&self, path: PathBuf, owner: Owner) {
        self.left().files.insert(path, owner);
    }

    /// It is now, or is gone.
    pub(super) fn file_settled(&self, path: &std::path::Path) {
        self.left().files.remove(path);
    }

    /// Ends and removes what one step has left.
    pub(super) fn step(&self, owner: Owner) {
        self.end(|of| of == owner);
    }

    /// Ends and removes everything.
    pub(super) fn everything(&self) {
        self.end(|_| true);
    }

    fn end(&self, whose: impl Fn(Owner) -> bool) {
        let mut left = self.left();
        left.groups.retain(|group, owner| {
            if !whose(*owner) {
                return true;
            }
            if let Some(group) = Pid::from_raw(*group) {
                let _ = kill_process_group(group, Signal::KILL);
            }
            false
        });
        left.files.retain(|path, owner| {
            if !whose(*owner) {
                return true;
            }
            let _ = fs::remove_file(path);
            false
        });
    }
}
