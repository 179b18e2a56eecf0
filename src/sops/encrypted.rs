//! One encrypted value: `ENC[AES256_GCM,data:...,iv:...,tag:...,type:...]`.

use aes::Aes256;
use aes_gcm::aead::array::ArraySize;
use aes_gcm::aead::consts::{U8, U12, U16, U24, U32};
use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{AesGcm, KeyInit as _, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::error::SopsError;
use super::scalar::plain_bytes;
use super::tree::Leaf;
use crate::secrets::random;

/// What the values of a file are encrypted with.
pub(super) type DataKey = Zeroizing<[u8; 32]>;

const TAG: usize = 16;

/// Why a value could not be decrypted; the value is never part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It does not look like an encrypted value.
    Form,
    /// It does not fit its tag: it was changed, or stands elsewhere than it was written.
    Tag,
    /// What came out is not of the type that it says.
    Type,
}

/// Decrypts a value; `place` is its path with colons.
pub(super) fn decrypt(text: &str, key: &DataKey, place: &str) -> Result<Leaf, Fault> {
    if text.is_empty() {
        return Ok(Leaf::Text(String::new()));
    }
    let (data, nonce, kind) = take_apart(text).ok_or(Fault::Form)?;
    let plain = open(key, &nonce, &data, place.as_bytes())?;
    typed(plain, kind).ok_or(Fault::Type)
}

fn take_apart(text: &str) -> Option<(Vec<u8>, Vec<u8>, &str)> {
    let rest = text.strip_prefix("ENC[AES256_GCM,data:")?;
    let (data, rest) = rest.split_once(",iv:")?;
    let (nonce, rest) = rest.split_once(",tag:")?;
    let (tag, rest) = rest.split_once(",type:")?;
    let (kind, _) = rest.split_once(']')?;
    let mut sealed = STANDARD.decode(data).ok()?;
    let tag = STANDARD.decode(tag).ok()?;
    if tag.len() != TAG {
        return None;
    }
    sealed.extend(tag);
    Some((sealed, STANDARD.decode(nonce).ok()?, kind))
}

fn open(key: &DataKey, nonce: &[u8], sealed: &[u8], place: &[u8]) -> Result<Vec<u8>, Fault> {
    // SOPS writes 32 bytes; other programs that write its files have been seen with others.
    match nonce.len() {
        8 => open_with::<U8>(key, nonce, sealed, place),
        12 => open_with::<U12>(key, nonce, sealed, place),
        16 => open_with::<U16>(key, nonce, sealed, place),
        24 => open_with::<U24>(key, nonce, sealed, place),
        32 => open_with::<U32>(key, nonce, sealed, place),
        _ => Err(Fault::Form),
    }
}

fn open_with<Length: ArraySize>(
    key: &DataKey,
    nonce: &[u8],
    sealed: &[u8],
    place: &[u8],
) -> Result<Vec<u8>, Fault> {
    let cipher = AesGcm::<Aes256, Length>::new(&(**key).into());
    let nonce = Nonce::<Length>::try_from(nonce).map_err(|_| Fault::Form)?;
    let payload = Payload {
        msg: sealed,
        aad: place,
    };
    cipher.decrypt(&nonce, payload).map_err(|_| Fault::Tag)
}

fn typed(plain: Vec<u8>, kind: &str) -> Option<Leaf> {
    let text = match String::from_utf8(plain) {
        Ok(text) if kind != "bytes" => text,
        Ok(text) => return Some(Leaf::Bytes(text.into_bytes())),
        // Go's text may be any bytes, and that of a binary file is.
        Err(error) => {
            let bytes = Leaf::Bytes(error.into_bytes());
            return matches!(kind, "str" | "bytes").then_some(bytes);
        }
    };
    Some(match kind {
        "str" => Leaf::Text(text),
        "int" => Leaf::Int(text.parse().ok()?),
        "float" => Leaf::Float(match text.as_str() {
            "+Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            other => other.parse().ok()?,
        }),
        "bool" => Leaf::Bool(match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            _ => return None,
        }),
        "time" => Leaf::Time(text),
        "comment" => Leaf::Comment(text),
        _ => return None,
    })
}

/// Encrypts a value; nothing where it is empty, which stays as it is.
pub(super) fn encrypt(
    leaf: &Leaf,
    key: &DataKey,
    place: &str,
) -> Result<Option<String>, SopsError> {
    let (kind, plain) = match leaf {
        Leaf::Comment(text) => ("comment", text.clone().into_bytes()),
        other => {
            let kind = match other {
                Leaf::Int(_) => "int",
                Leaf::Float(_) => "float",
                Leaf::Bool(_) => "bool",
                Leaf::Time(_) => "time",
                Leaf::Null | Leaf::Text(_) | Leaf::Bytes(_) | Leaf::Comment(_) => "str",
            };
            (kind, plain_bytes(other).unwrap_or_default())
        }
    };
    if plain.is_empty() {
        return Ok(None);
    }
    let nonce: [u8; 32] = random().map_err(SopsError::Random)?;
    let cipher = AesGcm::<Aes256, U32>::new(&(**key).into());
    let payload = Payload {
        msg: &plain,
        aad: place.as_bytes(),
    };
    let sealed = cipher
        .encrypt(&nonce.into(), payload)
        .map_err(|_| SopsError::TooLong)?;
    let (data, tag) = sealed
        .split_at_checked(sealed.len().saturating_sub(TAG))
        .unwrap_or_default();
    Ok(Some(format!(
        "ENC[AES256_GCM,data:{},iv:{},tag:{},type:{kind}]",
        STANDARD.encode(data),
        STANDARD.encode(nonce),
        STANDARD.encode(tag),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_comes_back() {
        let key = Zeroizing::new([7; 32]);
        for leaf in [
            Leaf::Text("a".to_owned()),
            Leaf::Int(-5),
            Leaf::Float(1e21),
            Leaf::Bool(false),
            Leaf::Time("2001-12-14T00:00:00Z".to_owned()),
            Leaf::Bytes(vec![0, 255]),
            Leaf::Comment(" c".to_owned()),
        ] {
            let text = encrypt(&leaf, &key, "a:b:").unwrap().unwrap();
            assert_eq!(decrypt(&text, &key, "a:b:"), Ok(leaf.clone()));
            assert_eq!(decrypt(&text, &key, "a:c:"), Err(Fault::Tag));
            let wrong = text.replacen("data:", "data:AAAA", 1);
            assert_eq!(decrypt(&wrong, &key, "a:b:"), Err(Fault::Tag));
        }
        assert_eq!(
            encrypt(&Leaf::Text(String::new()), &key, "a:").unwrap(),
            None
        );
        assert_eq!(decrypt("hello", &key, ""), Err(Fault::Form));
    }

    #[test]
    fn a_nonce_of_another_length_is_read() {
        let key = Zeroizing::new([7; 32]);
        let cipher = AesGcm::<Aes256, U12>::new(&(*key).into());
        let payload = Payload {
            msg: b"x",
            aad: b"a:",
        };
        let sealed = cipher.encrypt(&[1; 12].into(), payload).unwrap();
        let text = format!(
            "ENC[AES256_GCM,data:{},iv:{},tag:{},type:str]",
            STANDARD.encode(&sealed[..1]),
            STANDARD.encode([1; 12]),
            STANDARD.encode(&sealed[1..]),
        );
        assert_eq!(decrypt(&text, &key, "a:"), Ok(Leaf::Text("x".to_owned())));
    }
}
