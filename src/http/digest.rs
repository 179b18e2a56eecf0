//! Digest authentication (RFC 7616, without `auth-int`): the answer to a server's challenge.

use std::fmt::Write as _;

use md5::Md5;
use sha1::Sha1;
use sha2::Sha256;
use sha2::digest::Digest;

/// What a server asks, as far as it matters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Option<String>,
    qop: bool,
}

/// What is asked for, and by whom.
pub(super) struct Asked<'a> {
    pub(super) user: &'a str,
    pub(super) password: &'a str,
    pub(super) method: &'a str,
    /// Path and query.
    pub(super) target: &'a str,
    /// A word of the client's own, drawn at random.
    pub(super) nonce: &'a str,
}

impl Challenge {
    /// Reads a `WWW-Authenticate`; nothing if it is about something else.
    pub(super) fn read(text: &str) -> Option<Self> {
        let rest = text
            .get(..7)
            .filter(|word| word.eq_ignore_ascii_case("digest "))
            .and_then(|_| text.get(7..))?;
        let mut challenge = Self::default();
        for (name, value) in parameters(rest) {
            match name.to_lowercase().as_str() {
                "realm" => challenge.realm = value,
                "nonce" => challenge.nonce = value,
                "opaque" => challenge.opaque = Some(value),
                "algorithm" => challenge.algorithm = Some(value),
                "qop" => challenge.qop = value.split(',').any(|word| word.trim() == "auth"),
                _ => {}
            }
        }
        Some(challenge)
    }

    /// Returns the `Authorization`, or nothing where the algorithm is not known.
    pub(super) fn answer(&self, asked: &Asked<'_>) -> Option<String> {
        let algorithm = self.algorithm.as_deref().unwrap_or("MD5");
        let (name, session) = match algorithm.to_uppercase().strip_suffix("-SESS") {
            Some(name) => (name.to_owned(), true),
            None => (algorithm.to_uppercase(), false),
        };
        let hash = match name.as_str() {
            "MD5" => hexadecimal::<Md5>,
            "SHA" => hexadecimal::<Sha1>,
            "SHA-256" => hexadecimal::<Sha256>,
            _ => return None,
        };
        let Asked {
            user,
            password,
            method,
            target,
            nonce,
        } = asked;
        let mut secret = hash(&format!("{user}:{}:{password}", self.realm));
        if session {
            secret = hash(&format!("{secret}:{}:{nonce}", self.nonce));
        }
        let request = hash(&format!("{method}:{target}"));
        let response = if self.qop {
            hash(&format!(
                "{secret}:{}:00000001:{nonce}:auth:{request}",
                self.nonce
            ))
        } else {
            hash(&format!("{secret}:{}:{request}", self.nonce))
        };
        let mut out = format!(
            "Digest username=\"{user}\", realm=\"{}\", nonce=\"{}\", uri=\"{target}\", response=\"{response}\"",
            self.realm, self.nonce
        );
        if let Some(opaque) = &self.opaque {
            let _ = write!(out, ", opaque=\"{opaque}\"");
        }
        if let Some(algorithm) = &self.algorithm {
            let _ = write!(out, ", algorithm={algorithm}");
        }
        if self.qop {
            let _ = write!(out, ", qop=auth, nc=00000001, cnonce=\"{nonce}\"");
        }
        Some(out)
    }
}

fn hexadecimal<D: Digest>(text: &str) -> String {
    D::digest(text.as_bytes())
        .iter()
        .fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// Takes `name="value", other=word` apart.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches([' ', ',']);
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, behind) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.push((name.trim().to_owned(), value.trim().to_owned()));
        rest = behind.trim_start_matches([' ', ',']);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 2617, and that of RFC 7616 for SHA-256.
    #[test]
    fn the_answers_are_the_known_ones() {
        let challenge = Challenge::read(
            "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
        );
        let asked = Asked {
            user: "Mufasa",
            password: "Circle Of Life",
            method: "GET",
            target: "/dir/index.html",
            nonce: "0a4f113b",
        };
        let answer = challenge.unwrap().answer(&asked).unwrap();
        assert!(answer.contains("response=\"6629fae49393a05397450978507c4ef1\""));
        assert!(answer.contains("opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""));

        let challenge = Challenge::read(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
        );
        let asked = Asked {
            user: "Mufasa",
            password: "Circle of Life",
            nonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            ..asked
        };
        let answer = challenge.unwrap().answer(&asked).unwrap();
        assert!(
            answer.contains("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")
        );
    }

    #[test]
    fn what_is_not_digest_or_not_known_has_no_answer() {
        assert_eq!(Challenge::read("Basic realm=\"x\""), None);
        let odd = Challenge::read("Digest realm=\"x\", nonce=\"y\", algorithm=MD9").unwrap();
        let asked = Asked {
            user: "",
            password: "",
            method: "GET",
            target: "/",
            nonce: "",
        };
        assert_eq!(odd.answer(&asked), None);
    }
}
