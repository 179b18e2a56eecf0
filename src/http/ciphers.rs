//! OpenSSL's lists of ciphers, as far as they can choose among the suites that this client has.
//!
//! A list narrows TLS 1.2; the suites of TLS 1.3 are always on, as they are in OpenSSL.

use rustls::crypto::CryptoProvider;
use rustls::{CipherSuite, SupportedCipherSuite};

use super::error::HttpError;

/// Returns OpenSSL's name of a suite of TLS 1.2.
fn name(suite: CipherSuite) -> Option<&'static str> {
    Some(match suite {
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => {
            "ECDHE-ECDSA-CHACHA20-POLY1305"
        }
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-RSA-CHACHA20-POLY1305",
        _ => return None,
    })
}

/// Tells whether one word of a list (`ECDHE-RSA-AES128-GCM-SHA256`, `ECDH+AESGCM`, `HIGH`) means the suite of that name.
fn means(word: &str, name: &str) -> bool {
    word == name
        || word.split('+').all(|part| match part {
            "ALL"
            | "DEFAULT"
            | "HIGH"
            | "COMPLEMENTOFDEFAULT"
            | "ECDH"
            | "ECDHE"
            | "EECDH"
            | "kEECDH"
            | "kECDHE"
            | "AEAD"
            | "TLSv1.2" => part != "COMPLEMENTOFDEFAULT",
            "RSA" | "aRSA" => name.contains("-RSA-"),
            "ECDSA" | "aECDSA" => name.contains("-ECDSA-"),
            "AES" | "AESGCM" => name.contains("-AES"),
            "AES128" => name.contains("-AES128-"),
            "AES256" => name.contains("-AES256-"),
            "CHACHA20" => name.contains("-CHACHA20-"),
            "SHA256" => name.ends_with("-SHA256"),
            "SHA384" => name.ends_with("-SHA384"),
            _ => false,
        })
}

/// Returns the provider with the suites that the list leaves.
pub(super) fn chosen(
    mut provider: CryptoProvider,
    list: &[String],
) -> Result<CryptoProvider, HttpError> {
    if list.is_empty() {
        return Ok(provider);
    }
    let mut on: Vec<&'static str> = Vec::new();
    let all: Vec<&'static str> = provider
        .cipher_suites
        .iter()
        .filter_map(|suite| name(suite.suite()))
        .collect();
    let words = list
        .iter()
        .flat_map(|text| text.split([':', ',', ' ']))
        .map(str::trim)
        .filter(|word| !word.is_empty() && !word.starts_with(['@', '+']));
    let mut gone: Vec<&'static str> = Vec::new();
    for word in words {
        let meant = |word: &str| {
            all.iter()
                .copied()
                .filter(|name| means(word, name))
                .collect::<Vec<_>>()
        };
        if let Some(never) = word.strip_prefix('!') {
            gone.extend(meant(never));
        } else if let Some(less) = word.strip_prefix('-') {
            let less = meant(less);
            on.retain(|name| !less.contains(name));
        } else {
            on.extend(meant(word));
        }
    }
    on.retain(|name| !gone.contains(name));
    if on.is_empty() {
        return Err(HttpError::Setting(format!(
            "No cipher can be selected: `ciphers` names none of {}",
            all.join(", ")
        )));
    }
    provider
        .cipher_suites
        .retain(|suite: &SupportedCipherSuite| {
            name(suite.suite()).is_none_or(|name| on.contains(&name))
        });
    Ok(provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(list: &[&str]) -> Result<Vec<&'static str>, HttpError> {
        let list: Vec<String> = list.iter().map(|word| (*word).to_owned()).collect();
        let provider = chosen(rustls::crypto::ring::default_provider(), &list)?;
        let suites = provider.cipher_suites.iter();
        Ok(suites.filter_map(|suite| name(suite.suite())).collect())
    }

    #[test]
    fn a_list_narrows_the_suites() {
        assert_eq!(left(&[]).unwrap().len(), 6);
        assert_eq!(
            left(&["ECDHE-RSA-AES128-GCM-SHA256"]).unwrap(),
            ["ECDHE-RSA-AES128-GCM-SHA256"]
        );
        assert_eq!(
            left(&["@SECLEVEL=2", "ECDH+AESGCM", "!aRSA", "!aNULL"]).unwrap(),
            [
                "ECDHE-ECDSA-AES256-GCM-SHA384",
                "ECDHE-ECDSA-AES128-GCM-SHA256"
            ]
        );
        assert_eq!(left(&["ALL:-AES:!aECDSA"]).unwrap().len(), 1);
    }

    #[test]
    fn nothing_left_is_an_error_that_says_what_there_is() {
        let error = left(&["ECDHE-RSA-AES128-SHA256"]).unwrap_err().to_string();
        assert!(
            error.contains("No cipher can be selected") && error.contains("ECDHE-RSA-AES128-GCM"),
            "{error}"
        );
    }
}
