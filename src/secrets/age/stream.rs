//! The payload of an age file: ChaCha20-Poly1305 in chunks of 64 KiB, each with its number, the last one marked.

use chacha20poly1305::aead::Aead as _;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{AgeError, FileKey};
use crate::secrets::Secret;
use crate::secrets::random::random;

const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const NONCE: usize = 16;

/// Derives a key of 32 bytes.
pub(super) fn derive(
    key: &[u8],
    salt: &[u8],
    label: &[u8],
) -> Result<Zeroizing<[u8; 32]>, AgeError> {
    let mut derived = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(salt), key)
        .expand(label, derived.as_mut_slice())
        .map_err(|_| AgeError::Damaged("its key has the wrong length"))?;
    Ok(derived)
}

/// Returns a cipher of that key.
pub(super) fn cipher(key: &[u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(&(*key).into())
}

/// The nonce of a chunk: its number in eleven bytes, and whether it is the last one.
fn nonce(number: u64, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    for (place, byte) in nonce.iter_mut().skip(3).zip(number.to_be_bytes()) {
        *place = byte;
    }
    if let Some(flag) = nonce.last_mut() {
        *flag = u8::from(last);
    }
    nonce
}

/// Opens a payload.
pub(super) fn open(key: &FileKey, payload: &[u8]) -> Result<Secret, AgeError> {
    let (salt, mut rest) = payload
        .split_at_checked(NONCE)
        .ok_or(AgeError::Damaged("its payload is cut off"))?;
    let cipher = cipher(&*derive(key.as_slice(), salt, b"payload")?);
    let mut plain = Zeroizing::new(Vec::with_capacity(rest.len()));
    let mut number = 0;
    loop {
        let (chunk, behind) = rest
            .split_at_checked(CHUNK + TAG)
            .unwrap_or((rest, Default::default()));
        let last = behind.is_empty();
        let opened = cipher
            .decrypt(&nonce(number, last).into(), chunk)
            .map_err(|_| AgeError::Tampered("its payload does not fit its key, or is cut off"))?;
        let opened = Zeroizing::new(opened);
        if opened.is_empty() && number > 0 {
            return Err(AgeError::Damaged("its last chunk is empty"));
        }
        plain.extend_from_slice(&opened);
        if last {
            return Ok(Secret::new(std::mem::take(&mut *plain)));
        }
        rest = behind;
        number += 1;
    }
}

/// Seals a payload.
pub(super) fn seal(key: &FileKey, plain: &[u8]) -> Result<Vec<u8>, AgeError> {
    let salt: [u8; NONCE] = random()?;
    let cipher = cipher(&*derive(key.as_slice(), &salt, b"payload")?);
    let mut payload = salt.to_vec();
    let mut rest = plain;
    let mut number = 0;
    loop {
        let (chunk, behind) = rest
            .split_at_checked(CHUNK)
            .unwrap_or((rest, Default::default()));
        let last = behind.is_empty();
        let sealed = cipher
            .encrypt(&nonce(number, last).into(), chunk)
            .map_err(|_| AgeError::Damaged("its payload is too long"))?;
        payload.extend(sealed);
        if last {
            return Ok(payload);
        }
        rest = behind;
        number += 1;
    }
}
