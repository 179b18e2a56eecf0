//! SSH keys of type ed25519 as OpenSSH writes them, turned into keys for age.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use curve25519_dalek::montgomery::MontgomeryPoint;
use sha2::{Digest as _, Sha512};
use zeroize::Zeroizing;

use super::key_error::KeyError;

const BEGIN: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
const END: &str = "-----END OPENSSH PRIVATE KEY-----";
const MAGIC: &[u8] = b"openssh-key-v1\0";
const KIND: &[u8] = b"ssh-ed25519";

/// A private key for age.
#[derive(Clone)]
pub struct SshKey {
    /// The public key as SSH writes it on the wire.
    pub(super) wire: Vec<u8>,
    /// The scalar.
    pub(super) secret: Zeroizing<[u8; 32]>,
    /// Its point.
    pub(super) public: [u8; 32],
}

/// Reads the file of a private key.
pub(super) fn private(text: &str) -> Result<SshKey, KeyError> {
    let text = text.trim();
    if text.starts_with("-----BEGIN RSA PRIVATE KEY-----") {
        return Err(KeyError::Unsupported("SSH keys of type RSA"));
    }
    let body = text
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(END))
        .ok_or(KeyError::Ssh)?;
    let body: Zeroizing<String> = Zeroizing::new(body.split_whitespace().collect());
    let bytes = Zeroizing::new(
        STANDARD
            .decode(body.as_bytes())
            .map_err(|_| KeyError::Ssh)?,
    );
    let mut reader = Reader(bytes.strip_prefix(MAGIC).ok_or(KeyError::Ssh)?);
    let cipher = reader.text()?;
    let (_derivation, _options) = (reader.text()?, reader.text()?);
    let _count = reader.number()?;
    let wire = reader.text()?;
    let kind = Reader(wire).text()?;
    if kind == b"ssh-rsa" {
        return Err(KeyError::Unsupported("SSH keys of type RSA"));
    }
    if kind != KIND {
        return Err(KeyError::Unsupported("SSH keys of this type"));
    }
    if cipher != b"none" {
        return Err(KeyError::Passphrase);
    }
    let mut inner = Reader(reader.text()?);
    if inner.number()? != inner.number()? || inner.text()? != KIND {
        return Err(KeyError::Ssh);
    }
    let _public = inner.text()?;
    let seed = inner.text()?.get(..32).ok_or(KeyError::Ssh)?;
    let hash = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(seed)));
    let secret = hash
        .first_chunk::<32>()
        .map(|half| Zeroizing::new(*half))
        .ok_or(KeyError::Ssh)?;
    let public = MontgomeryPoint::mul_base_clamped(*secret).to_bytes();
    Ok(SshKey {
        wire: wire.to_vec(),
        secret,
        public,
    })
}

/// Returns the point in a public key of the wire.
pub(super) fn public(wire: &[u8]) -> Option<[u8; 32]> {
    let mut reader = Reader(wire);
    if reader.text().ok()? != KIND {
        return None;
    }
    let point = reader.text().ok()?.try_into().ok()?;
    reader.0.is_empty().then_some(point)
}

/// Reads SSH's fields.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Result<u32, KeyError> {
        let (number, rest) = self.0.split_first_chunk::<4>().ok_or(KeyError::Ssh)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*number))
    }

    fn text(&mut self) -> Result<&'a [u8], KeyError> {
        let length = usize::try_from(self.number()?).map_err(|_| KeyError::Ssh)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(KeyError::Ssh)?;
        self.0 = rest;
        Ok(text)
    }
}
