//! Checksums of files, in hexadecimal.

use std::fmt::Write as _;
use std::io::Read;

use md5::Md5;
use schemars::JsonSchema;
use serde::Deserialize;
use sha1::Sha1;
use sha2::digest::{Digest, DynDigest};
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::kit::{Failure, Host};

/// How a checksum is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::modules) enum Algorithm {
    Md5,
    #[default]
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    /// Returns the algorithm of that name.
    pub(in crate::modules) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "md5" => Self::Md5,
            "sha1" => Self::Sha1,
            "sha224" => Self::Sha224,
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            _ => return None,
        })
    }

    fn start(self) -> Box<dyn DynDigest> {
        match self {
            Self::Md5 => Box::new(Md5::new()),
            Self::Sha1 => Box::new(Sha1::new()),
            Self::Sha224 => Box::new(Sha224::new()),
            Self::Sha256 => Box::new(Sha256::new()),
            Self::Sha384 => Box::new(Sha384::new()),
            Self::Sha512 => Box::new(Sha512::new()),
        }
    }

    /// Returns the checksum of bytes.
    pub(in crate::modules) fn of_bytes(self, bytes: &[u8]) -> String {
        let mut digest = self.start();
        digest.update(bytes);
        hexadecimal(&digest.finalize())
    }

    /// Returns the checksum of a file of the host, which is read piece by piece.
    pub(in crate::modules) fn of_file(
        self,
        path: &str,
        host: &dyn Host,
    ) -> Result<String, Failure> {
        let mut reader = host.open(path)?;
        let mut digest = self.start();
        let mut piece = vec![0; 64 * 1024];
        loop {
            let read = reader
                .read(&mut piece)
                .map_err(|error| Failure::new(format!("cannot read `{path}`: {error}")))?;
            match piece.get(..read) {
                Some(bytes) if read > 0 => digest.update(bytes),
                _ => return Ok(hexadecimal(&digest.finalize())),
            }
        }
    }
}

/// Passes on what it reads, and knows the checksum of all that it passed: a large content need not be read again.
pub(in crate::modules) struct Summing<'a> {
    inner: &'a mut dyn Read,
    digest: Box<dyn DynDigest>,
}

impl<'a> Summing<'a> {
    pub(in crate::modules) fn new(algorithm: Algorithm, inner: &'a mut dyn Read) -> Self {
        Self {
            inner,
            digest: algorithm.start(),
        }
    }

    /// Returns the checksum of what was read.
    pub(in crate::modules) fn sum(self) -> String {
        hexadecimal(&self.digest.finalize())
    }
}

impl Read for Summing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.digest.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;

    #[test]
    fn checksums_are_the_known_ones() {
        assert_eq!(
            Algorithm::Md5.of_bytes(b"abc"),
            "900150983cd24fb0d6963f7d28e17f72"
        );
        assert_eq!(
            Algorithm::Sha1.of_bytes(b"abc"),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert!(Algorithm::Sha224.of_bytes(b"abc").starts_with("23097d22"));
        assert!(Algorithm::Sha256.of_bytes(b"abc").starts_with("ba7816bf"));
        assert!(Algorithm::Sha384.of_bytes(b"abc").starts_with("cb00753f"));
        assert!(Algorithm::Sha512.of_bytes(b"abc").starts_with("ddaf35a1"));
    }

    #[test]
    fn what_is_passed_on_is_summed() {
        let bytes = vec![7; 100_000];
        let mut source: &[u8] = &bytes;
        let mut summing = Summing::new(Algorithm::Sha1, &mut source);
        let mut passed = Vec::new();
        summing.read_to_end(&mut passed).unwrap();
        assert_eq!(passed, bytes);
        assert_eq!(summing.sum(), Algorithm::Sha1.of_bytes(&passed));
    }

    #[test]
    fn a_file_gives_the_checksum_of_its_bytes() {
        let host = FakeHost::new().file("/x", vec![7; 200_000]);
        assert_eq!(
            Algorithm::Sha1.of_file("/x", &host).unwrap(),
            Algorithm::Sha1.of_bytes(&vec![7; 200_000])
        );
        assert!(Algorithm::Sha1.of_file("/y", &host).is_err());
    }
}
