//! What `checksum` asks for: a sum, or a list of sums somewhere on the web.

use std::io::Read as _;

use super::GetUrlArgs;
use crate::http::{anonymous, filename};
use crate::kit::{Failure, Host};
use crate::modules::files::checksum::Algorithm;
use crate::modules::net::web::{Question, Watched, headers};

/// The most that a list of checksums may hold.
const LONGEST_LIST: u64 = 16 << 20;

/// The checksum that a file must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) algorithm: Algorithm,
    /// In hexadecimal, lower case.
    pub(super) sum: String,
}

/// Reads `checksum`; asks for the list if it names one. Nothing where there is no checksum.
pub(super) fn wanted(args: &GetUrlArgs, host: &dyn Host) -> Result<Option<Wanted>, Failure> {
    if args.checksum.is_empty() {
        return Ok(None);
    }
    let (name, given) = args.checksum.split_once(':').ok_or_else(|| {
        Failure::new("The checksum parameter has to be in format <algorithm>:<checksum>")
    })?;
    let algorithm = Algorithm::named(name).ok_or_else(|| {
        Failure::new(format!(
            "Could not hash with algorithm '{name}'. Available algorithms: md5, sha1, sha224, sha256, sha384, sha512"
        ))
    })?;
    let scheme = given.split_once(':').map(|(scheme, _)| scheme);
    let given = match scheme {
        Some("http" | "https" | "ftp" | "file") => {
            let name = filename(&args.url);
            listed(&ask(given, args, host)?, &name).ok_or_else(|| {
                Failure::new(format!(
                    "Unable to find a checksum for file '{name}' in '{}'",
                    anonymous(given)
                ))
            })?
        }
        _ => given.to_owned(),
    };
    let sum: String = given
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_')
        .collect::<String>()
        .to_lowercase();
    if sum.is_empty() || !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::new("The checksum format is invalid"));
    }
    Ok(Some(Wanted { algorithm, sum }))
}

fn ask(url: &str, args: &GetUrlArgs, host: &dyn Host) -> Result<String, Failure> {
    let question = Question {
        headers: headers(args.headers.as_ref()),
        ..Question::get(url)
    };
    let shown = |failure: Failure| {
        failure
            .with("url", anonymous(url))
            .with("dest", args.dest.as_str())
    };
    let mut answer = args
        .access(args.force)
        .ask(question, host)
        .map_err(|error| shown(error.failure()))?;
    if answer.status.is_some_and(|status| status != 200) {
        let failure = Failure::new("Request failed")
            .with("status_code", answer.status.unwrap_or_default())
            .with("response", answer.message);
        return Err(shown(failure));
    }
    let mut bytes = Vec::new();
    Watched::new(&mut answer.body, host)
        .take(LONGEST_LIST)
        .read_to_end(&mut bytes)
        .map_err(|error| {
            shown(Failure::new(format!(
                "the list of checksums broke off: {error}"
            )))
        })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Finds the sum of a file of that name in a list, as `sha256sum` writes it, with or without `--tag`; or in a list of nothing but one sum.
fn listed(text: &str, name: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    if let [line] = lines.as_slice() {
        let mut words = line.split_whitespace();
        if let (Some(word), None) = (words.next(), words.next()) {
            return Some(word.to_owned());
        }
    }
    lines.iter().find_map(|line| {
        let (sum, path) = tagged(line).or_else(|| plain(line))?;
        (path == name).then(|| sum.to_owned())
    })
}

/// `SHA256 (file) = sum`.
fn tagged(line: &str) -> Option<(&str, &str)> {
    let (algorithm, rest) = line.split_once('(')?;
    let word = algorithm.strip_suffix(' ').unwrap_or(algorithm);
    if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let (path, sum) = rest.rsplit_once(')')?;
    let sum = sum.strip_prefix(' ').unwrap_or(sum).strip_prefix('=')?;
    let sum = sum.strip_prefix(' ').unwrap_or(sum);
    is_sum(sum).then_some((sum, path))
}

/// `sum  file`, `sum *file`, `sum ./file`.
fn plain(line: &str) -> Option<(&str, &str)> {
    let (sum, path) = line.split_once(char::is_whitespace)?;
    let path = path.trim_start();
    let path = path.strip_prefix('*').unwrap_or(path);
    is_sum(sum).then(|| (sum, path.trim_start_matches(['.', '/'])))
}

fn is_sum(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_their_programs_write_them() {
        for list in [
            "aa11  other\nbb22  file.txt\n",
            "bb22 file.txt\ncc33 x",
            "bb22.     *file.txt\ncc33 x",
            "bb22  ./file.txt\ncc33 x",
            "SHA256 (file.txt) = bb22\nSHA256 (x) = cc33",
            "SHA256(file.txt)=bb22\nx y",
            "bb22\n",
        ] {
            let found = listed(list, "file.txt").unwrap_or_default();
            assert_eq!(found.trim_end_matches('.'), "bb22", "{list}");
        }
        assert_eq!(
            listed("aa11  other\nbb22  file.txt.sig\n", "file.txt"),
            None
        );
    }
}
