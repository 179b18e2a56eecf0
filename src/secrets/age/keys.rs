//! Keys in their written form: identities, which open files, and recipients, for whom they are made.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32, Hrp};
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::montgomery::MontgomeryPoint;
use zeroize::Zeroizing;

use super::key_error::KeyError;
use super::ssh::{self, SshKey};

/// A secret key.
#[derive(Clone)]
pub enum Identity {
    /// `AGE-SECRET-KEY-1...`.
    X25519 {
        /// The scalar.
        secret: Zeroizing<[u8; 32]>,
        /// Its point.
        public: [u8; 32],
    },
    /// An SSH key of type ed25519.
    Ssh(SshKey),
}

impl Identity {
    /// Reads `AGE-SECRET-KEY-1...`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.starts_with("AGE-SECRET-KEY-PQ-1") {
            return Err(KeyError::Unsupported("post-quantum age keys"));
        }
        if text.starts_with("AGE-PLUGIN-") {
            return Err(KeyError::Unsupported("age keys of plugins"));
        }
        if text.starts_with("age1") {
            return Err(KeyError::Public);
        }
        if !text.starts_with("AGE-SECRET-KEY-1") {
            return Err(KeyError::NotKey);
        }
        let secret = Zeroizing::new(decode(text, "AGE-SECRET-KEY-")?);
        let public = MontgomeryPoint::mul_base_clamped(*secret).to_bytes();
        Ok(Self::X25519 { secret, public })
    }

    /// Reads the file of an SSH private key.
    pub fn parse_ssh(text: &str) -> Result<Self, KeyError> {
        ssh::private(text).map(Self::Ssh)
    }

    /// Returns the public half.
    pub fn recipient(&self) -> Recipient {
        match self {
            Self::X25519 { public, .. } => Recipient::X25519(*public),
            Self::Ssh(key) => Recipient::Ssh {
                wire: key.wire.clone(),
                public: key.public,
            },
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Identity({})", self.recipient())
    }
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// `age1...`.
    X25519([u8; 32]),
    /// `ssh-ed25519 AAAA...`.
    Ssh {
        /// The key as SSH writes it on the wire.
        wire: Vec<u8>,
        /// As a point of the curve that is computed with.
        public: [u8; 32],
    },
}

impl Recipient {
    /// Reads `age1...` or the line of an SSH public key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.starts_with("AGE-SECRET-KEY-") {
            return Err(KeyError::Secret);
        }
        if text.starts_with("ssh-rsa ") {
            return Err(KeyError::Unsupported("SSH keys of type RSA"));
        }
        if let Some(rest) = text.strip_prefix("ssh-ed25519 ") {
            let wire = rest.split_whitespace().next().unwrap_or_default();
            let wire = STANDARD.decode(wire).map_err(|_| KeyError::Ssh)?;
            let point = ssh::public(&wire).ok_or(KeyError::Ssh)?;
            let public = to_montgomery(point).ok_or(KeyError::Ssh)?;
            return Ok(Self::Ssh { wire, public });
        }
        let Some(rest) = text.strip_prefix("age1") else {
            return Err(KeyError::NotKey);
        };
        if rest.starts_with("pq1") {
            return Err(KeyError::Unsupported("post-quantum age keys"));
        }
        // Bech32 has no `1` in its data: there is another name before it.
        if rest.contains('1') {
            return Err(KeyError::Unsupported("age keys of plugins"));
        }
        decode(text, "age").map(Self::X25519)
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X25519(public) => {
                let hrp = Hrp::parse("age").map_err(|_| fmt::Error)?;
                let text = bech32::encode::<Bech32>(hrp, public).map_err(|_| fmt::Error)?;
                out.write_str(&text)
            }
            Self::Ssh { wire, .. } => write!(out, "ssh-ed25519 {}", STANDARD.encode(wire)),
        }
    }
}

/// Reads 32 bytes of Bech32 with that name before them.
fn decode(text: &str, name: &str) -> Result<[u8; 32], KeyError> {
    let checked = CheckedHrpstring::new::<Bech32>(text).map_err(|_| KeyError::Misspelled)?;
    if !checked.hrp().as_str().eq_ignore_ascii_case(name) {
        return Err(KeyError::NotKey);
    }
    let bytes = Zeroizing::new(checked.byte_iter().collect::<Vec<u8>>());
    <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| KeyError::Misspelled)
}

/// Returns the same point of the other form of the curve.
pub(super) fn to_montgomery(point: [u8; 32]) -> Option<[u8; 32]> {
    let point = CompressedEdwardsY(point).decompress()?;
    Some(point.to_montgomery().to_bytes())
}
