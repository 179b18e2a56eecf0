//! What the tests of this program share.

mod environment;
pub(crate) mod manual;
pub(crate) mod proxmox;
pub(crate) mod source;

pub(crate) use environment::TestEnvironment;

use std::path::PathBuf;

/// Returns a path of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}
