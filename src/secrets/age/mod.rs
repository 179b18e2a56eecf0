//! The file format of age (<https://age-encryption.org/v1>) with X25519 keys and SSH keys of type ed25519: what SOPS wraps its
//! keys with. Used by `sops`.
//!
//! Written here because the `age` crate and the SSH client want two states of one crate that cannot stand side by side.

mod armor;
mod header;
mod key_error;
mod keys;
mod ssh;
mod stream;
mod wrap;

pub use key_error::KeyError;
pub use keys::{Identity, Recipient};

use std::io;

use zeroize::Zeroizing;

use super::Secret;
use super::random::random;
use header::Header;

/// What the stanzas of a file wrap.
type FileKey = Zeroizing<[u8; 16]>;

/// Why an age file could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum AgeError {
    /// It does not begin as one.
    #[error("it is not an age file")]
    NotAge,
    /// A later version of the format.
    #[error("it is written in another version of the age format")]
    Version,
    /// It does not keep to the format.
    #[error("the age file is damaged: {0}")]
    Damaged(&'static str),
    /// None of the keys is one that it is encrypted for.
    #[error("none of the keys fits")]
    NoKey,
    /// It is not what was encrypted.
    #[error("the age file was changed after it was encrypted: {0}")]
    Tampered(&'static str),
    /// Nobody could read it.
    #[error("there is nobody to encrypt for")]
    NoRecipient,
    /// The recipient's key is a point that gives no secret.
    #[error("the key of a recipient is not usable")]
    Recipient,
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] io::Error),
}

/// Decrypts an age file, armored or not, with the first key that fits.
pub fn decrypt(content: &[u8], identities: &[Identity]) -> Result<Secret, AgeError> {
    let plain;
    let bytes = if armor::is_armored(content) {
        plain = armor::decode(content)?;
        plain.as_slice()
    } else {
        content
    };
    let (header, payload) = Header::parse(bytes)?;
    let file_key = unwrap(&header, identities)?;
    header.verify(&file_key)?;
    stream::open(&file_key, payload)
}

/// Finds the file's key: stanzas in their order, and for each the keys in theirs.
fn unwrap(header: &Header<'_>, identities: &[Identity]) -> Result<FileKey, AgeError> {
    if header.stanzas.len() > 1
        && header
            .stanzas
            .iter()
            .any(|stanza| stanza.kind() == "scrypt")
    {
        return Err(AgeError::Damaged(
            "a passphrase stands beside other recipients",
        ));
    }
    for stanza in &header.stanzas {
        for identity in identities {
            if let Some(key) = wrap::unwrap(stanza, identity)? {
                return Ok(key);
            }
        }
    }
    Err(AgeError::NoKey)
}

/// Encrypts for all of the recipients; the text is armored.
pub fn encrypt(plain: &[u8], recipients: &[Recipient]) -> Result<String, AgeError> {
    if recipients.is_empty() {
        return Err(AgeError::NoRecipient);
    }
    let file_key: FileKey = Zeroizing::new(random()?);
    let stanzas = recipients
        .iter()
        .map(|recipient| wrap::wrap(&file_key, recipient))
        .collect::<Result<Vec<_>, _>>()?;
    let mut bytes = header::write(&stanzas, &file_key)?;
    bytes.extend(stream::seal(&file_key, plain)?);
    Ok(armor::encode(&bytes))
}

#[cfg(test)]
mod tests;
