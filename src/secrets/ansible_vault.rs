//! Reading ansible-vault 1.1 and 1.2: PBKDF2-HMAC-SHA256, HMAC checked first and in constant time, AES-256-CTR.

use std::sync::Arc;

use aes::Aes256;
use aes::cipher::{KeyIvInit, StreamCipher};
use ctr::Ctr128BE;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{AgeKeys, Secret, SopsFiles};

const HEADER: &[u8] = b"$ANSIBLE_VAULT";
const ITERATIONS: u32 = 10_000;
/// The id of a vault that names none, and of a password that was given none.
pub(super) const DEFAULT_ID: &str = "default";

/// Why a vault could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// No `$ANSIBLE_VAULT` at the start.
    #[error("the text is not vault-encrypted data")]
    NotVault,
    /// The envelope or the body is damaged.
    #[error("the vault is damaged: {0}")]
    Format(&'static str),
    /// Another cipher than AES256.
    #[error("the vault's cipher `{0}` is not known")]
    Cipher(String),
    /// There is no password at all.
    #[error("attempting to decrypt but no vault secrets found")]
    NoSecrets {
        /// The id that the vault names.
        id: String,
    },
    /// None of the passwords fits.
    #[error("decryption failed: no vault secret could decrypt it (vault id `{id}`, tried: {})", list(.tried))]
    WrongPassword {
        /// The id that the vault names.
        id: String,
        /// The ids of the passwords that were tried, in order.
        tried: Vec<String>,
    },
}

impl VaultError {
    /// Returns the next step.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NoSecrets { .. } => Some(
                "give a password with `--vault-id`, `--vault-password-file` or `--ask-vault-pass`"
                    .to_owned(),
            ),
            Self::WrongPassword { id, tried } if !tried.contains(id) => Some(format!(
                "none of the passwords has the id `{id}`; give one with `--vault-id {id}@source`"
            )),
            Self::WrongPassword { .. } => Some("check the password".to_owned()),
            Self::NotVault | Self::Format(_) | Self::Cipher(_) => None,
        }
    }
}

fn list(ids: &[String]) -> String {
    if ids.is_empty() {
        return "none".to_owned();
    }
    ids.iter()
        .map(|id| format!("`{id}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Tells whether content is vault-encrypted: the header, and nothing but ASCII.
pub fn is_vault(content: &[u8]) -> bool {
    content.starts_with(HEADER) && content.is_ascii()
}

/// The passwords of a run in order, each with its id; and what belongs to files of SOPS.
#[derive(Clone, Debug, Default)]
pub struct VaultSecrets {
    secrets: Vec<(String, Secret)>,
    match_id: bool,
    listener: Listener,
    age: AgeKeys,
    sops_files: SopsFiles,
}

/// Hears of a text.
type Hear = dyn Fn(&str) + Send + Sync;

/// Who hears of every text that comes out of a vault.
#[derive(Clone, Default)]
struct Listener(Option<Arc<Hear>>);

impl std::fmt::Debug for Listener {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(if self.0.is_some() { "Some" } else { "None" })
    }
}

impl VaultSecrets {
    /// Adds a password under an id (`default` where there is none).
    pub fn add(&mut self, id: impl Into<String>, secret: Secret) {
        self.secrets.push((id.into(), secret));
    }

    /// Sets whether only passwords of the vault's own id are tried (`DEFAULT_VAULT_ID_MATCH`).
    pub fn set_match_id(&mut self, only: bool) {
        self.match_id = only;
    }

    /// Sets who hears of every value that comes out of a vault, so that it can be masked from then on.
    pub fn set_listener(&mut self, listener: impl Fn(&str) + Send + Sync + 'static) {
        self.listener = Listener(Some(Arc::new(listener)));
    }

    /// Sets the keys that files of SOPS are opened with.
    pub fn set_age(&mut self, keys: AgeKeys) {
        self.age = keys;
    }

    /// Returns the keys that files of SOPS are opened with.
    pub fn age(&self) -> &AgeKeys {
        &self.age
    }

    /// Sets which variable files are SOPS's.
    pub fn set_sops_files(&mut self, files: SopsFiles) {
        self.sops_files = files;
    }

    /// Returns which variable files are SOPS's.
    pub fn sops_files(&self) -> &SopsFiles {
        &self.sops_files
    }

    /// Tells of a value that came out of a vault.
    pub fn revealed(&self, text: &str) {
        if let Some(listener) = &self.listener.0 {
            listener(text);
        }
    }

    /// Tells whether there is no password.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Returns ids and passwords in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.secrets
            .iter()
            .map(|(id, secret)| (id.as_str(), secret))
    }

    /// Decrypts a vault. The label only picks who is tried first: it is not part of what the vault authenticates.
    pub fn decrypt(&self, content: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let envelope = Envelope::parse(content)?;
        let id = envelope.id.clone();
        if self.secrets.is_empty() {
            return Err(VaultError::NoSecrets { id });
        }
        let named = self.secrets.iter().filter(|(name, _)| *name == id);
        let others = self
            .secrets
            .iter()
            .filter(|(name, _)| *name != id && !self.match_id);
        let mut tried = Vec::new();
        for (name, secret) in named.chain(others) {
            if let Some(plain) = envelope.open(secret)? {
                return Ok(plain);
            }
            tried.push(name.clone());
        }
        Err(VaultError::WrongPassword { id, tried })
    }
}

/// A vault taken apart.
struct Envelope {
    id: String,
    salt: Vec<u8>,
    mac: Vec<u8>,
    ciphertext: Vec<u8>,
}

impl Envelope {
    fn parse(content: &[u8]) -> Result<Self, VaultError> {
        let text = std::str::from_utf8(content)
            .map_err(|_| VaultError::NotVault)?
            .trim();
        if !is_vault(text.as_bytes()) {
            return Err(VaultError::NotVault);
        }
        let mut lines = text.lines().map(str::trim);
        let header: Vec<&str> = lines
            .next()
            .unwrap_or_default()
            .split(';')
            .map(str::trim)
            .collect();
        let cipher = header
            .get(2)
            .ok_or(VaultError::Format("its first line names no cipher"))?;
        if *cipher != "AES256" {
            return Err(VaultError::Cipher((*cipher).to_owned()));
        }
        let id = header.get(3).map_or(DEFAULT_ID, |id| *id).to_owned();
        let body = unhex(lines.collect::<String>().as_bytes())?;
        let mut parts = body.splitn(3, |byte| *byte == b'\n');
        let (Some(salt), Some(mac), Some(ciphertext)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(VaultError::Format("its body has not three parts"));
        };
        Ok(Self {
            id,
            salt: unhex(salt)?,
            mac: unhex(mac)?,
            ciphertext: unhex(ciphertext)?,
        })
    }

    /// Returns the plain content, or nothing where the password is wrong.
    fn open(&self, secret: &Secret) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let mut derived = Zeroizing::new([0u8; 80]);
        pbkdf2::pbkdf2_hmac::<Sha256>(
            secret.expose(),
            &self.salt,
            ITERATIONS,
            derived.as_mut_slice(),
        );
        let (cipher_key, rest) = derived.split_at(32);
        let (mac_key, start) = rest.split_at(32);
        let broken = |_| VaultError::Format("its keys have the wrong length");
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(mac_key)
            .map_err(|_| VaultError::Format("its keys have the wrong length"))?;
        mac.update(&self.ciphertext);
        // Compares in constant time, and before anything is decrypted.
        if mac.verify_slice(&self.mac).is_err() {
            return Ok(None);
        }
        let mut plain = Zeroizing::new(self.ciphertext.clone());
        let mut cipher = Ctr128BE::<Aes256>::new_from_slices(cipher_key, start).map_err(broken)?;
        cipher.apply_keystream(&mut plain);
        let padding = plain.last().copied().map_or(0, usize::from);
        let kept = plain
            .len()
            .checked_sub(padding)
            .filter(|_| (1..=16).contains(&padding));
        let kept = kept.ok_or(VaultError::Format("its padding is wrong"))?;
        plain.truncate(kept);
        Ok(Some(plain))
    }
}

fn unhex(text: &[u8]) -> Result<Vec<u8>, VaultError> {
    let damaged = VaultError::Format("it holds something that is not hexadecimal");
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(damaged);
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect::<Option<Vec<u8>>>()
        .ok_or(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Vector {
        name: String,
        password: String,
        vault_id: Option<String>,
        plaintext_hex: String,
        vaulttext: String,
    }

    fn vectors() -> Vec<Vector> {
        serde_json::from_str(include_str!(
            "../../tests/vectors/ansible_vault/vectors.json"
        ))
        .unwrap()
    }

    fn secrets(pairs: &[(&str, &str)]) -> VaultSecrets {
        let mut secrets = VaultSecrets::default();
        for (id, password) in pairs {
            secrets.add(*id, Secret::from(*password));
        }
        secrets
    }

    #[test]
    fn t20_every_vector_of_ansible_vault_opens() {
        let vectors = vectors();
        assert!(!vectors.is_empty());
        for vector in vectors {
            let id = vector.vault_id.as_deref().unwrap_or(DEFAULT_ID);
            let plain = secrets(&[(id, &vector.password)])
                .decrypt(vector.vaulttext.as_bytes())
                .unwrap();
            assert_eq!(
                *plain,
                unhex(vector.plaintext_hex.as_bytes()).unwrap(),
                "{}",
                vector.name
            );
        }
    }

    #[test]
    fn t20_a_wrong_password_says_which_ids_were_tried() {
        let vector = vectors()
            .into_iter()
            .find(|vector| vector.vault_id.as_deref() == Some("dev"))
            .unwrap();
        let error = secrets(&[("prod", "x"), ("dev", "y")])
            .decrypt(vector.vaulttext.as_bytes())
            .unwrap_err();
        assert_eq!(
            error,
            VaultError::WrongPassword {
                id: "dev".to_owned(),
                tried: vec!["dev".to_owned(), "prod".to_owned()]
            }
        );
        assert!(
            error
                .to_string()
                .contains("vault id `dev`, tried: `dev`, `prod`")
        );
        let error = secrets(&[("prod", "x")])
            .decrypt(vector.vaulttext.as_bytes())
            .unwrap_err();
        assert!(error.help().unwrap().contains("--vault-id dev@source"));
        assert!(matches!(
            VaultSecrets::default().decrypt(vector.vaulttext.as_bytes()),
            Err(VaultError::NoSecrets { .. })
        ));
    }

    #[test]
    fn t20_other_ids_are_tried_unless_the_id_must_match() {
        let vector = vectors()
            .into_iter()
            .find(|vector| vector.vault_id.as_deref() == Some("dev"))
            .unwrap();
        let mut secrets = secrets(&[("default", &vector.password)]);
        assert!(secrets.decrypt(vector.vaulttext.as_bytes()).is_ok());
        secrets.set_match_id(true);
        assert!(secrets.decrypt(vector.vaulttext.as_bytes()).is_err());
    }

    #[test]
    fn t20_a_changed_byte_is_noticed_before_anything_is_decrypted() {
        let vector = vectors().remove(0);
        let secrets = secrets(&[(DEFAULT_ID, &vector.password)]);
        let mut text = vector.vaulttext.trim_end().to_owned();
        let last = text.pop().unwrap();
        text.push(if last == '0' { '1' } else { '0' });
        assert!(matches!(
            secrets.decrypt(text.as_bytes()),
            Err(VaultError::WrongPassword { .. })
        ));
    }

    #[test]
    fn damaged_envelopes_are_errors() {
        let secrets = secrets(&[(DEFAULT_ID, "x")]);
        for text in [
            "",
            "plain",
            "$ANSIBLE_VAULT",
            "$ANSIBLE_VAULT;1.1;AES256\nzz",
            "$ANSIBLE_VAULT;1.1;AES256\n3132",
            "$ANSIBLE_VAULT;1.1;AES\n31",
            "$ANSIBLE_VAULT;1.1;AES256\n313",
        ] {
            assert!(secrets.decrypt(text.as_bytes()).is_err(), "{text}");
        }
    }
}
