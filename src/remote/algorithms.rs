//! Which algorithms a connection offers, and in which order.
//!
//! russh's choices are safe ones; here they are ordered for speed, bent by the user's `Ciphers`, `KexAlgorithms`, `MACs` and
//! `HostKeyAlgorithms` (with ssh's `+`, `-` and `^`), and the kinds of host keys that are known come first.

use std::borrow::Cow;

use russh::keys::{Algorithm, HashAlg};
use russh::{Preferred, cipher, compression, kex, mac};

use super::host_key::HostKeyVerifier;
use super::ssh_config::{HostSettings, Line, Warning};

/// Fast first: one x25519, no group exchange with its further round trip.
const KEY_EXCHANGES: [kex::Name; 11] = [
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::MLKEM768X25519_SHA256,
    kex::ECDH_SHA2_NISTP256,
    kex::ECDH_SHA2_NISTP384,
    kex::ECDH_SHA2_NISTP521,
    kex::DH_G16_SHA512,
    kex::DH_G18_SHA512,
    kex::DH_G15_SHA512,
    kex::DH_G14_SHA256,
    kex::DH_GEX_SHA256,
];

/// Not algorithms but announcements, which belong at the end of the list.
const EXTENSIONS: [kex::Name; 2] = [
    kex::EXTENSION_SUPPORT_AS_CLIENT,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
];

const CIPHERS: [cipher::Name; 6] = [
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_128_CTR,
    cipher::AES_192_CTR,
    cipher::AES_256_CTR,
];

const MACS: [mac::Name; 4] = [
    mac::HMAC_SHA256_ETM,
    mac::HMAC_SHA512_ETM,
    mac::HMAC_SHA256,
    mac::HMAC_SHA512,
];

/// Returns the algorithms to offer, and what of the user's lists could not be had.
pub(super) fn preferred(
    settings: &HostSettings,
    verifier: &HostKeyVerifier,
) -> (Preferred, Vec<Warning>) {
    let mut warnings = Vec::new();
    let mut key_exchanges = choose(
        settings.key_exchanges.as_ref(),
        &KEY_EXCHANGES,
        &mut warnings,
        |name| kex::Name::try_from(name).ok(),
    );
    key_exchanges.extend(EXTENSIONS);
    let ciphers = choose(settings.ciphers.as_ref(), &CIPHERS, &mut warnings, |name| {
        cipher::Name::try_from(name).ok()
    });
    let macs = choose(settings.macs.as_ref(), &MACS, &mut warnings, |name| {
        mac::Name::try_from(name).ok()
    });
    let keys = host_keys(settings, verifier, &mut warnings);
    // Asked for only where an authority is known: a certificate would take the place of a key that may be known.
    let certificates = if verifier.has_authorities() {
        keys.clone()
    } else {
        Vec::new()
    };
    let compression: &[compression::Name] = if settings.compression {
        &[
            compression::ZLIB_LEGACY,
            compression::ZLIB,
            compression::NONE,
        ]
    } else {
        &[compression::NONE]
    };
    let preferred = Preferred {
        kex: Cow::Owned(key_exchanges),
        key: Cow::Owned(keys),
        host_key_certificates: Cow::Owned(certificates),
        cipher: Cow::Owned(ciphers),
        mac: Cow::Owned(macs),
        compression: Cow::Owned(compression.to_vec()),
    };
    (preferred, warnings)
}

fn host_keys(
    settings: &HostSettings,
    verifier: &HostKeyVerifier,
    warnings: &mut Vec<Warning>,
) -> Vec<Algorithm> {
    let default = default_key_algorithms();
    if settings.host_key_algorithms.is_some() {
        return choose(
            settings.host_key_algorithms.as_ref(),
            &default,
            warnings,
            key_algorithm,
        );
    }
    let known = verifier.known_algorithms();
    let is_known = |algorithm: &Algorithm| known.iter().any(|known| same_kind(known, algorithm));
    let (mut first, rest): (Vec<_>, Vec<_>) = default.into_iter().partition(is_known);
    first.extend(rest);
    first
}

/// Returns every kind of key that is believed by default; SHA-1 is not.
pub(super) fn default_key_algorithms() -> Vec<Algorithm> {
    let mut algorithms: Vec<Algorithm> = Preferred::DEFAULT.key.to_vec();
    algorithms.retain(|algorithm| *algorithm != Algorithm::Rsa { hash: None });
    algorithms
}

fn same_kind(one: &Algorithm, other: &Algorithm) -> bool {
    one == other || matches!((one, other), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }))
}

/// Reads the name of a key algorithm; certificate names stand for their key, for they are offered apart.
pub(super) fn key_algorithm(name: &str) -> Option<Algorithm> {
    let name = match name.strip_suffix("-cert-v01@openssh.com") {
        Some(plain) => plain,
        None => name,
    };
    match Algorithm::new(name).ok()? {
        Algorithm::Rsa { hash: None } => Some(Algorithm::Rsa { hash: None }),
        Algorithm::Other(_) | Algorithm::Dsa => None,
        other => Some(other),
    }
}

/// Returns the RSA signature hashes that `PubkeyAcceptedAlgorithms` leaves, best first.
pub(super) fn rsa_hashes(line: Option<&Line>) -> Vec<Option<HashAlg>> {
    let mut ignored = Vec::new();
    choose(line, &default_key_algorithms(), &mut ignored, key_algorithm)
        .into_iter()
        .filter_map(|algorithm| match algorithm {
            Algorithm::Rsa { hash } => Some(hash),
            _ => None,
        })
        .collect()
}

/// Says whether `PubkeyAcceptedAlgorithms` leaves this kind of key.
pub(super) fn accepts_key(line: Option<&Line>, algorithm: &Algorithm) -> bool {
    if line.is_none() {
        return true;
    }
    let mut ignored = Vec::new();
    choose(line, &default_key_algorithms(), &mut ignored, key_algorithm)
        .iter()
        .any(|accepted| same_kind(accepted, algorithm))
}

/// Applies the user's list: a plain one replaces the default, `+` appends, `-` removes (patterns too), `^` puts in front.
fn choose<T: Clone + PartialEq + AsName>(
    line: Option<&Line>,
    default: &[T],
    warnings: &mut Vec<Warning>,
    parse: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let Some((line, list)) = line.and_then(|line| Some((line, line.arguments.first()?))) else {
        return default.to_vec();
    };
    let (mode, list) = match list.chars().next() {
        Some(mode @ ('+' | '-' | '^')) => (Some(mode), list.get(1..).unwrap_or_default()),
        _ => (None, list.as_str()),
    };
    if mode == Some('-') {
        let removed = |item: &T| super::ssh_config::matches_list(list.split(','), &item.as_name());
        return default
            .iter()
            .filter(|item| !removed(item))
            .cloned()
            .collect();
    }
    let (mut chosen, mut unknown) = (Vec::new(), Vec::new());
    for name in list
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
    {
        match parse(name) {
            Some(item) if !chosen.contains(&item) => chosen.push(item),
            Some(_) => {}
            None => unknown.push(name.to_owned()),
        }
    }
    // Where enough is left, a name that only some versions of ssh know is no news.
    if chosen.is_empty() && !unknown.is_empty() {
        warnings.push(Warning::UnknownAlgorithms {
            option: line.written.clone(),
            names: unknown,
            place: line.place.clone(),
        });
        return if mode.is_some() {
            default.to_vec()
        } else {
            Vec::new()
        };
    }
    let others = |chosen: &[T]| {
        default
            .iter()
            .filter(|item| !chosen.contains(item))
            .cloned()
            .collect::<Vec<_>>()
    };
    match mode {
        Some('+') => {
            let added: Vec<T> = chosen
                .into_iter()
                .filter(|item| !default.contains(item))
                .collect();
            default.iter().cloned().chain(added).collect()
        }
        Some(_) => {
            let rest = others(&chosen);
            chosen.into_iter().chain(rest).collect()
        }
        None => chosen,
    }
}

/// The name by which an algorithm goes in `ssh_config`.
trait AsName {
    fn as_name(&self) -> String;
}

impl AsName for kex::Name {
    fn as_name(&self) -> String {
        self.as_ref().to_owned()
    }
}

impl AsName for cipher::Name {
    fn as_name(&self) -> String {
        self.as_ref().to_owned()
    }
}

impl AsName for mac::Name {
    fn as_name(&self) -> String {
        self.as_ref().to_owned()
    }
}

impl AsName for Algorithm {
    fn as_name(&self) -> String {
        self.to_string()
    }
}
