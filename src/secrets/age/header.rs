//! The header of an age file: a stanza for each recipient, and a MAC over them all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::{AgeError, FileKey};

const MAGIC: &str = "age-encryption.org/v1";
const COLUMNS: usize = 64;

/// One recipient's part of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stanza {
    /// The kind, and what belongs to it.
    pub(super) arguments: Vec<String>,
    /// The wrapped key.
    pub(super) body: Vec<u8>,
}

impl Stanza {
    /// Returns its first argument.
    pub(super) fn kind(&self) -> &str {
        self.arguments.first().map_or("", String::as_str)
    }
}

/// A header that was read.
#[derive(Debug)]
pub(super) struct Header<'a> {
    /// The recipients' parts, in order.
    pub(super) stanzas: Vec<Stanza>,
    /// What the MAC covers.
    covered: &'a [u8],
    mac: Vec<u8>,
}

impl<'a> Header<'a> {
    /// Reads the header and returns it with what stands behind it.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), AgeError> {
        let mut rest = bytes;
        match line(&mut rest) {
            Ok(first) if first == MAGIC => {}
            Ok(first) if first.starts_with("age-encryption.org/") => return Err(AgeError::Version),
            Ok(_) | Err(_) => return Err(AgeError::NotAge),
        }
        let mut stanzas = Vec::new();
        loop {
            let before = bytes.len() - rest.len();
            let text = line(&mut rest)?;
            if let Some(mac) = text.strip_prefix("---") {
                let mac = mac
                    .strip_prefix(' ')
                    .ok_or(AgeError::Damaged("its header has no MAC"))?;
                let mac = decode(mac)?;
                if mac.len() != 32 || stanzas.is_empty() {
                    return Err(AgeError::Damaged("its header does not end as it must"));
                }
                let covered = bytes.get(..before + 3).unwrap_or_default();
                return Ok((
                    Self {
                        stanzas,
                        covered,
                        mac,
                    },
                    rest,
                ));
            }
            stanzas.push(stanza(text, &mut rest)?);
        }
    }

    /// Checks that the header is the one that was written.
    pub(super) fn verify(&self, key: &FileKey) -> Result<(), AgeError> {
        mac(key, self.covered)?
            .verify_slice(&self.mac)
            .map_err(|_| AgeError::Tampered("its header does not fit its MAC"))
    }
}

fn stanza(first: &str, rest: &mut &[u8]) -> Result<Stanza, AgeError> {
    let arguments = first
        .strip_prefix("-> ")
        .ok_or(AgeError::Damaged("a line of its header begins no stanza"))?;
    let arguments: Vec<String> = arguments.split(' ').map(str::to_owned).collect();
    if arguments.iter().any(|argument| {
        argument.is_empty() || !argument.bytes().all(|byte| byte.is_ascii_graphic())
    }) {
        return Err(AgeError::Damaged(
            "a stanza's arguments are not as they must be",
        ));
    }
    let mut body = Vec::new();
    loop {
        let text = line(rest)?;
        if text.len() > COLUMNS {
            return Err(AgeError::Damaged("a line of a stanza is too long"));
        }
        body.extend(decode(text)?);
        if text.len() < COLUMNS {
            return Ok(Stanza { arguments, body });
        }
    }
}

/// Takes a line off.
fn line<'a>(rest: &mut &'a [u8]) -> Result<&'a str, AgeError> {
    let cut = AgeError::Damaged("its header ends too early");
    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
        return Err(cut);
    };
    let (text, behind) = rest.split_at(end);
    *rest = behind.get(1..).unwrap_or_default();
    std::str::from_utf8(text).map_err(|_| AgeError::Damaged("its header is not text"))
}

/// Reads base64 without padding, one spelling only.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, AgeError> {
    STANDARD_NO_PAD
        .decode(text)
        .map_err(|_| AgeError::Damaged("its header holds something that is not base64"))
}

/// Writes base64 as headers have it.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

/// Returns a header with its MAC.
pub(super) fn write(stanzas: &[Stanza], key: &FileKey) -> Result<Vec<u8>, AgeError> {
    let mut text = format!("{MAGIC}\n");
    for stanza in stanzas {
        text.push_str("-> ");
        text.push_str(&stanza.arguments.join(" "));
        for (at, letter) in encode(&stanza.body).chars().enumerate() {
            if at % COLUMNS == 0 {
                text.push('\n');
            }
            text.push(letter);
        }
        // A body ends with a short line, an empty one if need be.
        if stanza.body.is_empty() || encode(&stanza.body).len().is_multiple_of(COLUMNS) {
            text.push('\n');
        }
        text.push('\n');
    }
    text.push_str("---");
    let code = mac(key, text.as_bytes())?.finalize().into_bytes();
    text.push(' ');
    text.push_str(&encode(&code));
    text.push('\n');
    Ok(text.into_bytes())
}

fn mac(key: &FileKey, covered: &[u8]) -> Result<Hmac<Sha256>, AgeError> {
    let wrong = AgeError::Damaged("its key has the wrong length");
    let derived = super::stream::derive(key.as_slice(), &[], b"header")?;
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(derived.as_slice()).map_err(|_| wrong)?;
    mac.update(covered);
    Ok(mac)
}
