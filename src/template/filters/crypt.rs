//! `password_hash`: `sha512_crypt`, `sha256_crypt`, `md5_crypt` and `bcrypt` as passlib and `crypt(3)` write them.
//!
//! Used by the filter and by the `password` lookup.

use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

use super::bcrypt;
use super::bind::bind;
use super::python::text;
use super::random::secure_below;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::value::Value;

const LETTERS: &[u8] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `password_hash(hashtype='sha512', salt=None, salt_size=None, rounds=None, ident=None)`. The hash of a secret is secret, that of
/// other text is not.
pub(super) fn password_hash(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(
        call,
        &["hashtype", "salt", "salt_size", "rounds", "ident"],
        0,
    )?;
    let password = text(&arguments.value)?;
    let algorithm = arguments.text(0, "sha512")?;
    let salt = arguments.given(1).map(text).transpose()?;
    let size = arguments.optional_int(2)?;
    let rounds = arguments.optional_int(3)?;
    let ident = arguments.optional_text(4)?;
    hash(
        &password,
        &algorithm,
        salt.as_deref(),
        size,
        rounds,
        ident.as_deref(),
    )
    .map(Value::from)
}

/// Returns how long a salt of that algorithm is.
pub(crate) fn salt_size(algorithm: &str) -> usize {
    match algorithm {
        "bcrypt" | "blowfish" => 22,
        "sha256_crypt" | "sha512_crypt" => 16,
        _ => 8,
    }
}

/// Returns the variant that an algorithm has where none is named.
pub(crate) fn implicit_ident(algorithm: &str) -> Option<&'static str> {
    matches!(algorithm, "bcrypt" | "blowfish").then_some("2b")
}

/// Returns a random salt of letters that `crypt(3)` takes.
pub(crate) fn random_salt(size: usize) -> Result<String, TemplateError> {
    let mut salt = String::with_capacity(size);
    for _ in 0..size {
        salt.extend(
            LETTERS
                .get(secure_below(LETTERS.len())?)
                .map(|letter| char::from(*letter)),
        );
    }
    Ok(salt)
}

/// Returns the hash of a password.
pub(crate) fn hash(
    password: &str,
    algorithm: &str,
    salt: Option<&str>,
    size: Option<i64>,
    rounds: Option<i64>,
    ident: Option<&str>,
) -> Result<String, TemplateError> {
    let (default_rounds, longest) = match algorithm {
        "sha512" | "sha512_crypt" => (656_000, 16),
        "sha256" | "sha256_crypt" => (535_000, 16),
        "md5" | "md5_crypt" => (0, 8),
        "bcrypt" | "blowfish" => return bcrypt_of(password, salt, size, rounds, ident),
        other => {
            return Err(TemplateError::new(format!(
                "{other} is not in the list of supported passlib algorithms: md5, blowfish, sha256, sha512"
            )));
        }
    };
    let salt = match salt {
        Some(salt) => {
            if salt.len() > longest || !salt.bytes().all(|letter| LETTERS.contains(&letter)) {
                let message = format!(
                    "a salt of `{algorithm}` has at most {longest} letters, digits, dots and slashes"
                );
                return Err(TemplateError::new(message));
            }
            salt.to_owned()
        }
        None => random_salt(
            usize::try_from(size.unwrap_or(0))
                .ok()
                .filter(|size| *size > 0)
                .unwrap_or(longest),
        )?,
    };
    if password.contains('\0') {
        return Err(TemplateError::new(
            "a password cannot contain a null character",
        ));
    }
    if longest == 8 {
        return Ok(md5_crypt(password.as_bytes(), &salt));
    }
    let rounds = rounds.unwrap_or(default_rounds);
    let Some(count) = u32::try_from(rounds)
        .ok()
        .filter(|rounds| (1_000..=999_999_999).contains(rounds))
    else {
        return Err(TemplateError::new(
            "Could not hash the secret: `rounds` lies between 1000 and 999999999",
        ));
    };
    let shown = if count == 5_000 {
        String::new()
    } else {
        format!("rounds={count}$")
    };
    Ok(if algorithm.starts_with("sha512") {
        let digest = sha_crypt::<Sha512>(password.as_bytes(), salt.as_bytes(), count);
        format!(
            "$6${shown}{salt}${}",
            encode(&digest, &order(&digest, [0, 21, 42], 21))
        )
    } else {
        let digest = sha_crypt::<Sha256>(password.as_bytes(), salt.as_bytes(), count);
        format!(
            "$5${shown}{salt}${}",
            encode(&digest, &order(&digest, [0, 10, 20], 10))
        )
    })
}

fn bcrypt_of(
    password: &str,
    salt: Option<&str>,
    size: Option<i64>,
    rounds: Option<i64>,
    ident: Option<&str>,
) -> Result<String, TemplateError> {
    let failed = |why: &str| TemplateError::new(format!("Could not hash the secret: {why}"));
    if size.is_some_and(|size| size != 0 && usize::try_from(size) != Ok(bcrypt::SALT_LENGTH)) {
        return Err(failed("a salt of bcrypt has 22 letters"));
    }
    let salt = match salt.filter(|salt| !salt.is_empty()) {
        Some(salt) => salt.to_owned(),
        None => random_salt(bcrypt::SALT_LENGTH)?,
    };
    let variant = ident.filter(|ident| !ident.is_empty()).unwrap_or("2b");
    if !["2", "2a", "2b", "2y"].contains(&variant) {
        return Err(failed("the idents of bcrypt are 2, 2a, 2b and 2y"));
    }
    let cost = u32::try_from(rounds.filter(|rounds| *rounds != 0).unwrap_or(12))
        .ok()
        .filter(|cost| (4..=31).contains(cost))
        .ok_or_else(|| failed("the rounds of bcrypt lie between 4 and 31"))?;
    if password.contains('\0') {
        return Err(failed("a password cannot contain a null character"));
    }
    bcrypt::hash(password.as_bytes(), &salt, cost, variant)
        .ok_or_else(|| failed("a salt of bcrypt has 22 letters, digits, dots and slashes"))
}

/// The places of the digest's bytes, three by three, as the specification of SHA-crypt permutes them.
fn order(digest: &[u8], start: [usize; 3], groups: usize) -> Vec<Vec<usize>> {
    let span = groups * 3;
    let mut triple = start;
    let mut all = Vec::new();
    for _ in 0..groups {
        all.push(triple.to_vec());
        triple = if digest.len() == 64 {
            [
                (triple[1] + 1) % span,
                (triple[2] + 1) % span,
                (triple[0] + 1) % span,
            ]
            .map(|place| if place == 0 { span } else { place })
        } else {
            [
                (triple[2] + 1) % span,
                (triple[0] + 1) % span,
                (triple[1] + 1) % span,
            ]
            .map(|place| if place == 0 { span } else { place })
        };
    }
    all.push(if digest.len() == 64 {
        vec![63]
    } else {
        vec![31, 30]
    });
    all
}

fn encode(digest: &[u8], order: &[Vec<usize>]) -> String {
    let mut out = String::new();
    for group in order {
        let mut bits = group.iter().fold(0u32, |bits, place| {
            bits << 8 | u32::from(digest.get(*place).copied().unwrap_or(0))
        });
        for _ in 0..=group.len() {
            let letter = usize::try_from(bits & 0x3f).unwrap_or(0);
            out.extend(LETTERS.get(letter).map(|letter| char::from(*letter)));
            bits >>= 6;
        }
    }
    out
}

/// Repeats the digest over a length.
fn stretched(digest: &[u8], length: usize) -> Vec<u8> {
    digest.iter().copied().cycle().take(length).collect()
}

fn digest<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = D::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().to_vec()
}

/// The SHA-crypt of Ulrich Drepper, without the encoding.
fn sha_crypt<D: Digest>(password: &[u8], salt: &[u8], rounds: u32) -> Vec<u8> {
    let inner = digest::<D>(&[password, salt, password]);
    let mut first = [password, salt, &stretched(&inner, password.len())].concat();
    let mut length = password.len();
    while length > 0 {
        first.extend(if length & 1 == 1 { &inner } else { password });
        length >>= 1;
    }
    let mut current = digest::<D>(&[&first]);
    let from_password = stretched(
        &digest::<D>(&[&password.repeat(password.len())]),
        password.len(),
    );
    let times = 16 + usize::from(current.first().copied().unwrap_or(0));
    let from_salt = stretched(&digest::<D>(&[&salt.repeat(times)]), salt.len());
    for round in 0..rounds {
        let mut parts: Vec<&[u8]> = Vec::with_capacity(4);
        parts.push(if round % 2 == 1 {
            &from_password
        } else {
            &current
        });
        if round % 3 != 0 {
            parts.push(&from_salt);
        }
        if round % 7 != 0 {
            parts.push(&from_password);
        }
        parts.push(if round % 2 == 1 {
            &current
        } else {
            &from_password
        });
        current = digest::<D>(&parts);
    }
    current
}

fn md5_crypt(password: &[u8], salt: &str) -> String {
    let bytes = salt.as_bytes();
    let inner = digest::<Md5>(&[password, bytes, password]);
    let mut first = [password, b"$1$", bytes, &stretched(&inner, password.len())].concat();
    let mut length = password.len();
    while length > 0 {
        first.push(if length & 1 == 1 {
            0
        } else {
            password.first().copied().unwrap_or(0)
        });
        length >>= 1;
    }
    let mut current = digest::<Md5>(&[&first]);
    for round in 0..1_000 {
        let mut parts: Vec<&[u8]> = Vec::with_capacity(4);
        parts.push(if round % 2 == 1 { password } else { &current });
        if round % 3 != 0 {
            parts.push(bytes);
        }
        if round % 7 != 0 {
            parts.push(password);
        }
        parts.push(if round % 2 == 1 { &current } else { password });
        current = digest::<Md5>(&parts);
    }
    let groups = [
        vec![0, 6, 12],
        vec![1, 7, 13],
        vec![2, 8, 14],
        vec![3, 9, 15],
        vec![4, 10, 5],
        vec![11],
    ];
    format!("$1${salt}${}", encode(&current, &groups))
}

#[cfg(test)]
mod tests {
    use super::hash;

    #[test]
    fn hashes_are_those_of_passlib() {
        let made =
            |algorithm, rounds| hash("x", algorithm, Some("mysalt"), None, rounds, None).unwrap();
        assert_eq!(
            made("sha512", Some(5_000)),
            "$6$mysalt$2YmVXrUSTO5ZLInozcwuV6CMy7A16qdX0hRBMCdZMu/Anj978ZO8M58uwrWq0Y7hdJDx7kJwjZ/73lYmtJNDF1"
        );
        assert_eq!(
            made("sha256", None),
            "$5$rounds=535000$mysalt$hhGyzrTO9zNcFZ..7j5vXu2t7M0JlU1ZGE0TBJMcgB1"
        );
        assert_eq!(made("md5", None), "$1$mysalt$YfDI7PgIcmyUplWOk4sR31");
    }
}
