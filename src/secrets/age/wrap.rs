//! A file's key in a stanza: for an X25519 key, and for an SSH key of type ed25519, which is used as one.

use chacha20poly1305::aead::Aead as _;
use curve25519_dalek::montgomery::MontgomeryPoint;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::header::{Stanza, decode, encode};
use super::keys::{Identity, Recipient};
use super::stream::{cipher, derive};
use super::{AgeError, FileKey};
use crate::secrets::random::random;

const X25519: &str = "X25519";
const X25519_LABEL: &[u8] = b"age-encryption.org/v1/X25519";
const SSH: &str = "ssh-ed25519";
const SSH_LABEL: &[u8] = b"age-encryption.org/v1/ssh-ed25519";

/// Unwraps the key if the stanza is for this identity.
pub(super) fn unwrap(stanza: &Stanza, identity: &Identity) -> Result<Option<FileKey>, AgeError> {
    match (stanza.kind(), identity) {
        (X25519, Identity::X25519 { secret, public }) => {
            let [_, share] = exactly::<2>(stanza)?;
            let share = point(share)?;
            let shared = agree(secret, share)?;
            let key = derive(shared.as_slice(), &salt(&share, public), X25519_LABEL)?;
            open(stanza, &key)
        }
        (SSH, Identity::Ssh(key)) => {
            let [_, tag, share] = exactly::<3>(stanza)?;
            let tag = decode(tag)?;
            let share = point(share)?;
            if tag.len() != 4 {
                return Err(AgeError::Damaged("a stanza's tag has a wrong length"));
            }
            if tag != tag_of(&key.wire) {
                return Ok(None);
            }
            let shared = agree(&key.secret, share)?;
            let shared = agree(&*tweak(&key.wire)?, *shared)?;
            let wrapping = derive(shared.as_slice(), &salt(&share, &key.public), SSH_LABEL)?;
            open(stanza, &wrapping)
        }
        _ => Ok(None),
    }
}

/// Wraps the key for a recipient.
pub(super) fn wrap(file_key: &FileKey, recipient: &Recipient) -> Result<Stanza, AgeError> {
    let own: Zeroizing<[u8; 32]> = Zeroizing::new(random()?);
    let share = MontgomeryPoint::mul_base_clamped(*own).to_bytes();
    let unusable = |_| AgeError::Recipient;
    let (arguments, wrapping) = match recipient {
        Recipient::X25519(public) => {
            let shared = agree(&own, *public).map_err(unusable)?;
            (
                vec![X25519.to_owned(), encode(&share)],
                derive(shared.as_slice(), &salt(&share, public), X25519_LABEL)?,
            )
        }
        Recipient::Ssh { wire, public } => {
            let shared = agree(&own, *public).map_err(unusable)?;
            let shared = agree(&*tweak(wire)?, *shared).map_err(unusable)?;
            (
                vec![SSH.to_owned(), encode(&tag_of(wire)), encode(&share)],
                derive(shared.as_slice(), &salt(&share, public), SSH_LABEL)?,
            )
        }
    };
    let body = cipher(&wrapping)
        .encrypt(&[0; 12].into(), file_key.as_slice())
        .map_err(|_| AgeError::Damaged("its key has the wrong length"))?;
    Ok(Stanza { arguments, body })
}

/// The agreed secret of a key and a point; points of low order, which would give it away, are refused.
fn agree(secret: &[u8; 32], point: [u8; 32]) -> Result<Zeroizing<[u8; 32]>, AgeError> {
    let shared = Zeroizing::new(MontgomeryPoint(point).mul_clamped(*secret).to_bytes());
    if shared.iter().all(|byte| *byte == 0) {
        return Err(AgeError::Damaged("a stanza holds a point of low order"));
    }
    Ok(shared)
}

fn salt(share: &[u8; 32], public: &[u8; 32]) -> Vec<u8> {
    [share.as_slice(), public.as_slice()].concat()
}

/// The first bytes of the hash of an SSH key, by which its stanza is found.
fn tag_of(wire: &[u8]) -> Vec<u8> {
    Sha256::digest(wire).iter().take(4).copied().collect()
}

fn tweak(wire: &[u8]) -> Result<Zeroizing<[u8; 32]>, AgeError> {
    derive(&[], wire, SSH_LABEL)
}

fn exactly<const COUNT: usize>(stanza: &Stanza) -> Result<[&str; COUNT], AgeError> {
    let arguments: Vec<&str> = stanza.arguments.iter().map(String::as_str).collect();
    <[&str; COUNT]>::try_from(arguments)
        .map_err(|_| AgeError::Damaged("a stanza has a wrong number of arguments"))
}

fn point(text: &str) -> Result<[u8; 32], AgeError> {
    decode(text)?
        .try_into()
        .map_err(|_| AgeError::Damaged("a stanza's share has a wrong length"))
}

fn open(stanza: &Stanza, wrapping: &[u8; 32]) -> Result<Option<FileKey>, AgeError> {
    // Anything longer could be opened in more than one way.
    if stanza.body.len() != 32 {
        return Err(AgeError::Damaged("a stanza's body has a wrong length"));
    }
    let Ok(plain) = cipher(wrapping).decrypt(&[0; 12].into(), stanza.body.as_slice()) else {
        return Ok(None);
    };
    let plain = Zeroizing::new(plain);
    <[u8; 16]>::try_from(plain.as_slice())
        .map(|key| Some(Zeroizing::new(key)))
        .map_err(|_| AgeError::Damaged("its key has the wrong length"))
}
