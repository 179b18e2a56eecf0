//! Key files: loading, passphrases, and the keys already opened in this run.
//!
//! A passphrase is asked for once in a run, however many hosts want the key; what was opened stays in the [`KeyStore`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use russh::keys::{Certificate, PrivateKey, PublicKey, decode_secret_key};

use crate::remote::local_user::LocalUser;
use crate::remote::passphrase::{AskPassphrase, PassphraseRequest};

/// ssh's default key files, in its order.
const DEFAULT_NAMES: [&str; 3] = ["id_rsa", "id_ecdsa", "id_ed25519"];
/// How often a passphrase may be mistyped.
const PASSPHRASE_TRIES: u32 = 3;

/// A key file that may be tried.
#[derive(Debug)]
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    /// The user named it, so that its absence is worth a word.
    pub(super) named: bool,
    pub(super) tried: bool,
    /// The public half, where it can be read without a passphrase.
    pub(super) public: Option<PublicKey>,
}

/// Why a key file cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum LoadError {
    #[error("does not exist")]
    Missing,
    #[error("cannot be read: {0}")]
    Unreadable(String),
    #[error("may be read by others; ssh refuses it and so does kplay (`chmod 600` helps)")]
    TooOpen,
    #[error("is locked by a passphrase, and nobody is there to give it (ssh-agent helps)")]
    Locked,
    #[error("was not opened: wrong passphrase")]
    WrongPassphrase,
}

impl KeyFile {
    pub(super) fn new(path: &Path, named: bool) -> Self {
        // ssh lets people name the public half and find the private one in the agent.
        let beside = path
            .extension()
            .is_some_and(|extension| extension == "pub")
            .then(|| path.to_path_buf());
        let beside = beside.unwrap_or_else(|| append_to_name(path, ".pub"));
        let public = std::fs::read_to_string(beside)
            .ok()
            .and_then(|text| PublicKey::from_openssh(text.trim()).ok());
        Self {
            path: path.to_path_buf(),
            named,
            tried: false,
            public: public.or_else(|| public_of(path)),
        }
    }

    pub(super) fn describe(&self) -> String {
        format!("key {}", self.path.display())
    }

    pub(super) fn certificate_beside(&self) -> Option<PathBuf> {
        let path = append_to_name(&self.path, "-cert.pub");
        path.exists().then_some(path)
    }

    /// Opens the key if no passphrase is needed or one was given before.
    pub(super) fn load_unlocked(&self, store: &KeyStore) -> Option<Arc<PrivateKey>> {
        if let Some(key) = store.opened(&self.path) {
            return Some(key);
        }
        let text = read_private(&self.path).ok()?;
        let key = decode_secret_key(&text, None).ok()?;
        Some(store.keep(&self.path, key))
    }

    /// Opens the key, asking for its passphrase if it has one.
    pub(super) async fn load(
        &self,
        store: &KeyStore,
        batch: bool,
    ) -> Result<Arc<PrivateKey>, LoadError> {
        if let Some(key) = self.load_unlocked(store) {
            return Ok(key);
        }
        let text = read_private(&self.path)?;
        match decode_secret_key(&text, None) {
            Ok(key) => Ok(store.keep(&self.path, key)),
            Err(error) if is_locked(&error, &text) => match (&store.ask, batch) {
                (Some(ask), false) => store.unlock(&self.path, &text, ask).await,
                _ => Err(LoadError::Locked),
            },
            Err(error) => Err(LoadError::Unreadable(error.to_string())),
        }
    }
}

fn append_to_name(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Reads the public half out of an OpenSSH private key, which holds it in clear even when locked.
fn public_of(path: &Path) -> Option<PublicKey> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(
        PrivateKey::from_openssh(text.as_bytes())
            .ok()?
            .public_key()
            .clone(),
    )
}

fn is_locked(error: &russh::keys::Error, text: &str) -> bool {
    matches!(error, russh::keys::Error::KeyIsEncrypted) || text.contains("ENCRYPTED")
}

fn read_private(path: &Path) -> Result<zeroize::Zeroizing<String>, LoadError> {
    use std::os::unix::fs::MetadataExt;
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(LoadError::Missing);
        }
        Err(error) => return Err(LoadError::Unreadable(error.to_string())),
    };
    // As in ssh: a key of one's own that others can read is no secret any more.
    if metadata.uid() == rustix::process::getuid().as_raw()
        && metadata.mode() & 0o077 != 0
        && metadata.is_file()
    {
        let public = std::fs::read_to_string(path)
            .is_ok_and(|text| PublicKey::from_openssh(text.trim()).is_ok());
        return Err(if public {
            LoadError::Unreadable(
                "it is a public key, and no agent holds its private half".to_owned(),
            )
        } else {
            LoadError::TooOpen
        });
    }
    let text =
        std::fs::read_to_string(path).map_err(|error| LoadError::Unreadable(error.to_string()))?;
    Ok(zeroize::Zeroizing::new(text))
}

/// Reads an OpenSSH certificate; the error says in words why it cannot.
pub(super) fn load_certificate(path: &Path) -> Result<Certificate, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    Certificate::from_openssh(text.trim()).map_err(|error| format!("is no certificate: {error}"))
}

/// Returns ssh's default key files that exist.
pub(super) fn default_files(local: &LocalUser) -> Vec<KeyFile> {
    let directory = local.ssh_directory();
    DEFAULT_NAMES
        .iter()
        .map(|name| directory.join(name))
        .filter(|path| path.exists())
        .map(|path| KeyFile::new(&path, false))
        .collect()
}

/// The private keys that were opened in this run.
#[derive(Default)]
pub(crate) struct KeyStore {
    opened: RwLock<BTreeMap<PathBuf, Arc<PrivateKey>>>,
    refused: RwLock<BTreeMap<PathBuf, LoadError>>,
    ask: Option<AskPassphrase>,
    /// One question at a time, and one for all hosts that wait for the same key.
    asking: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for KeyStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KeyStore").finish_non_exhaustive()
    }
}

impl KeyStore {
    pub(crate) fn new(ask: Option<AskPassphrase>) -> Self {
        Self {
            ask,
            ..Self::default()
        }
    }

    /// Says whether somebody is being asked for a passphrase right now.
    pub(crate) fn is_asking(&self) -> bool {
        self.asking.try_lock().is_err()
    }

    fn opened(&self, path: &Path) -> Option<Arc<PrivateKey>> {
        self.opened
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(path)
            .cloned()
    }

    fn keep(&self, path: &Path, key: PrivateKey) -> Arc<PrivateKey> {
        let key = Arc::new(key);
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(opened.entry(path.to_path_buf()).or_insert(key))
    }

    async fn unlock(
        &self,
        path: &Path,
        text: &str,
        ask: &AskPassphrase,
    ) -> Result<Arc<PrivateKey>, LoadError> {
        let _turn = self.asking.lock().await;
        if let Some(key) = self.opened(path) {
            return Ok(key);
        }
        if let Some(error) = self
            .refused
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(path)
        {
            return Err(error.clone());
        }
        let result = self.ask_until_open(path, text, ask).await;
        match result {
            Ok(key) => Ok(self.keep(path, key)),
            Err(error) => {
                let mut refused = self.refused.write().unwrap_or_else(PoisonError::into_inner);
                refused.insert(path.to_path_buf(), error.clone());
                Err(error)
            }
        }
    }

    async fn ask_until_open(
        &self,
        path: &Path,
        text: &str,
        ask: &AskPassphrase,
    ) -> Result<PrivateKey, LoadError> {
        for attempt in 1..=PASSPHRASE_TRIES {
            let request = PassphraseRequest {
                key_file: path.to_path_buf(),
                attempt,
            };
            let ask = Arc::clone(ask);
            let answer = tokio::task::spawn_blocking(move || ask(&request)).await;
            let Some(passphrase) = answer.ok().flatten() else {
                return Err(LoadError::Locked);
            };
            let text = zeroize::Zeroizing::new(text.to_owned());
            // Deriving the key from the passphrase takes a good part of a second on purpose.
            let opened = tokio::task::spawn_blocking(move || {
                decode_secret_key(&text, Some(passphrase.expose()))
            })
            .await;
            if let Ok(Ok(key)) = opened {
                return Ok(key);
            }
        }
        Err(LoadError::WrongPassphrase)
    }
}
