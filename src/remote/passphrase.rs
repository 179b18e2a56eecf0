//! Asking for the passphrase of a key.

use std::path::PathBuf;
use std::sync::Arc;

use super::target::Password;

/// A key file that needs its passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassphraseRequest {
    /// The file.
    pub key_file: PathBuf,
    /// 1 for the first question, more after a wrong answer.
    pub attempt: u32,
}

/// Asks for a passphrase; nothing means that nobody will give one. Called outside the async threads.
pub type AskPassphrase = Arc<dyn Fn(&PassphraseRequest) -> Option<Password> + Send + Sync>;
