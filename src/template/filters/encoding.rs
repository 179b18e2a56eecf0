//! `b64encode`, `b64decode`, hashes and UUIDs.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::bind::bind;
use super::python::text;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::{Kind, Value};

fn bytes(value: &Value) -> Result<Vec<u8>, TemplateError> {
    match value.kind() {
        Kind::Bytes(bytes) => Ok(bytes.to_vec()),
        _ => text(value).map(String::into_bytes),
    }
}

fn encoded(text: &str, encoding: &str) -> Result<Vec<u8>, TemplateError> {
    let wrong = || TemplateError::new(format!("text cannot be written as `{encoding}`"));
    Ok(match encoding.to_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => text.as_bytes().to_vec(),
        "ascii" | "us-ascii" => text
            .is_ascii()
            .then(|| text.as_bytes().to_vec())
            .ok_or_else(wrong)?,
        "latin-1" | "iso-8859-1" | "latin1" => text
            .chars()
            .map(|letter| u8::try_from(u32::from(letter)).ok())
            .collect::<Option<_>>()
            .ok_or_else(wrong)?,
        "utf-16-le" | "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16-be" | "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "utf-16" | "utf16" => [0xff, 0xfe]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect(),
        _ => return Err(TemplateError::new(format!("unknown encoding `{encoding}`"))),
    })
}

fn decoded(bytes: &[u8], encoding: &str) -> Result<String, TemplateError> {
    let wrong = || TemplateError::new(format!("the bytes are not `{encoding}` text"));
    let wide = |bytes: &[u8], order: fn([u8; 2]) -> u16| {
        let units: Option<Vec<u16>> = bytes
            .chunks(2)
            .map(|pair| pair.try_into().ok().map(order))
            .collect();
        String::from_utf16(&units.ok_or_else(wrong)?).map_err(|_| wrong())
    };
    match encoding.to_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => String::from_utf8(bytes.to_vec()).map_err(|_| wrong()),
        "ascii" | "us-ascii" if bytes.is_ascii() => {
            String::from_utf8(bytes.to_vec()).map_err(|_| wrong())
        }
        "ascii" | "us-ascii" => Err(wrong()),
        "latin-1" | "iso-8859-1" | "latin1" => {
            Ok(bytes.iter().map(|byte| char::from(*byte)).collect())
        }
        "utf-16-le" | "utf-16le" => wide(bytes, u16::from_le_bytes),
        "utf-16-be" | "utf-16be" => wide(bytes, u16::from_be_bytes),
        "utf-16" | "utf16" => match bytes {
            [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
            _ => wide(bytes, u16::from_le_bytes),
        },
        _ => Err(TemplateError::new(format!("unknown encoding `{encoding}`"))),
    }
}

/// `b64encode(encoding='utf-8', urlsafe=false)`.
pub(super) fn b64encode(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["encoding", "urlsafe"], 0)?;
    let data = match arguments.value.kind() {
        Kind::Bytes(bytes) => bytes.to_vec(),
        _ => encoded(&text(&arguments.value)?, &arguments.text(0, "utf-8")?)?,
    };
    let urlsafe = arguments.flag(1, false)?;
    Ok(Value::from(if urlsafe {
        URL_SAFE.encode(data)
    } else {
        STANDARD.encode(data)
    }))
}

/// `b64decode(encoding='utf-8', urlsafe=false)`: characters outside of the alphabet are passed over, as in Python.
pub(super) fn b64decode(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["encoding", "urlsafe"], 0)?;
    let mut subject = text(&arguments.value)?;
    if arguments.flag(1, false)? {
        subject = subject.replace('-', "+").replace('_', "/");
    }
    let letters: String = subject
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric() || "+/=".contains(*letter))
        .collect();
    let data = letters.split('=').next().unwrap_or_default();
    let padding = letters.len() - data.len();
    let missing = (4 - data.len() % 4) % 4;
    if missing == 3 || padding < missing {
        return Err(arguments.error("needs correctly padded base64"));
    }
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let bytes = GeneralPurpose::new(&base64::alphabet::STANDARD, config)
        .decode(data)
        .map_err(|error| arguments.error(format!("cannot decode this: {error}")))?;
    decoded(&bytes, &arguments.text(0, "utf-8")?).map(Value::from)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// `hash(hashtype='sha1')`.
pub(super) fn hash(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["hashtype"], 0)?;
    let data = bytes(&arguments.value)?;
    Ok(Value::from(
        match arguments.text(0, "sha1")?.to_lowercase().as_str() {
            "md5" => hex(&Md5::digest(data)),
            "sha1" => hex(&Sha1::digest(data)),
            "sha224" => hex(&Sha224::digest(data)),
            "sha256" => hex(&Sha256::digest(data)),
            "sha384" => hex(&Sha384::digest(data)),
            "sha512" => hex(&Sha512::digest(data)),
            other => {
                return Err(arguments.error(format!(
                    "knows md5, sha1, sha224, sha256, sha384 and sha512, not `{other}`"
                )));
            }
        },
    ))
}

/// `md5`.
pub(super) fn md5(call: Call<'_>) -> Result<Value, TemplateError> {
    Ok(Value::from(hex(&Md5::digest(bytes(
        &bind(call, &[], 0)?.value,
    )?))))
}

/// `sha1`, `checksum`.
pub(super) fn sha1(call: Call<'_>) -> Result<Value, TemplateError> {
    Ok(Value::from(hex(&Sha1::digest(bytes(
        &bind(call, &[], 0)?.value,
    )?))))
}

/// `to_uuid(namespace=...)`: version 5, in Ansible's own namespace unless told.
pub(super) fn to_uuid(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["namespace"], 0)?;
    let namespace = arguments.text(0, "361E6D51-FAEC-444A-9079-341386DA8E2E")?;
    let digits = namespace
        .replace("urn:", "")
        .replace("uuid:", "")
        .replace(['-', '{', '}'], "");
    let number = u128::from_str_radix(&digits, 16)
        .ok()
        .filter(|_| digits.len() == 32);
    let number = number
        .ok_or_else(|| arguments.error(format!("cannot read the namespace `{namespace}`")))?;
    let mut hasher = Sha1::new();
    hasher.update(number.to_be_bytes());
    hasher.update(text(&arguments.value)?.as_bytes());
    let digest = hasher.finalize();
    let bits = digest
        .iter()
        .take(16)
        .fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
    let bits = (bits & !(0xf << 76)) | (5 << 76);
    let bits = (bits & !(0x3 << 62)) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    Ok(Value::from(
        [
            part(0, 8),
            part(8, 12),
            part(12, 16),
            part(16, 20),
            part(20, 32),
        ]
        .join("-"),
    ))
}
