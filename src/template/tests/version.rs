//! The `version` test: loose, strict, semantic and PEP 440 versions.

use std::cmp::Ordering;

use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::bind;
use crate::template::filters::python::{text, truth};
use crate::value::Value;

/// `version(version, operator='eq', strict=None, version_type=None)`.
pub(super) fn version(call: Call<'_>) -> Result<bool, TemplateError> {
    let arguments = bind(call, &["version", "operator", "strict", "version_type"], 1)?;
    let other = arguments.get(0).unwrap_or(&Value::NULL);
    if !truth(&arguments.value)? || !truth(other)? {
        return Err(arguments.error("cannot compare an empty version"));
    }
    let (left, right) = (text(&arguments.value)?, text(other)?);
    let kind = arguments.optional_text(3)?;
    if arguments.given(2).is_some() && kind.is_some() {
        return Err(arguments.error("takes `strict` or `version_type`, not both"));
    }
    let fits: fn(Option<Ordering>) -> bool = match arguments.text(1, "eq")?.as_str() {
        "==" | "=" | "eq" => |order| order == Some(Ordering::Equal),
        "!=" | "<>" | "ne" => |order| order != Some(Ordering::Equal),
        "<" | "lt" => |order| order.is_some_and(Ordering::is_lt),
        "<=" | "le" => |order| order.is_some_and(Ordering::is_le),
        ">" | "gt" => |order| order.is_some_and(Ordering::is_gt),
        ">=" | "ge" => |order| order.is_some_and(Ordering::is_ge),
        other => return Err(arguments.error(format!("knows no operator `{other}`"))),
    };
    let kind = if arguments.flag(2, false)? {
        "strict"
    } else {
        kind.as_deref().unwrap_or("loose")
    };
    let wrong = |version: &str| TemplateError::new(format!("`{version}` is not a {kind} version"));
    let order = match kind {
        "loose" => {
            let order = loose(&left).partial_cmp(&loose(&right));
            if order.is_none() {
                return Err(arguments.error(format!("cannot compare `{left}` and `{right}`")));
            }
            order
        }
        "strict" => Some(
            strict(&left)
                .ok_or_else(|| wrong(&left))?
                .cmp(&strict(&right).ok_or_else(|| wrong(&right))?),
        ),
        "semver" | "semantic" => Some(
            semantic(&left)
                .ok_or_else(|| wrong(&left))?
                .cmp(&semantic(&right).ok_or_else(|| wrong(&right))?),
        ),
        "pep440" => Some(
            pep440(&left)
                .ok_or_else(|| wrong(&left))?
                .cmp(&pep440(&right).ok_or_else(|| wrong(&right))?),
        ),
        other => return Err(arguments.error(format!("knows no `version_type` `{other}`"))),
    };
    Ok(fits(order))
}

/// A part of a loose version; numbers and words have no order between them.
#[derive(PartialEq, Debug)]
pub(crate) enum Part {
    Number(u128),
    Word(String),
}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => Some(left.cmp(right)),
            (Self::Word(left), Self::Word(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}

/// Digits, runs of lower case letters and what else stands between dots.
pub(crate) fn loose(version: &str) -> Vec<Part> {
    let class = |character: char| match character {
        '0'..='9' => 0,
        'a'..='z' => 1,
        '.' => 2,
        _ => 3,
    };
    let mut parts = Vec::new();
    let mut current = String::new();
    let mut last = 2;
    for character in version.chars() {
        let now = class(character);
        if now != last || now == 2 {
            push(&mut parts, &mut current);
        }
        if now != 2 {
            current.push(character);
        }
        last = now;
    }
    push(&mut parts, &mut current);
    parts
}

fn push(parts: &mut Vec<Part>, current: &mut String) {
    if !current.is_empty() {
        let text = std::mem::take(current);
        parts.push(text.parse().map_or(Part::Word(text), Part::Number));
    }
}

/// `1.2[.3][a1]`: three numbers, then before a release (letter, number) or the release.
fn strict(version: &str) -> Option<([u64; 3], bool, (String, u64))> {
    let cut = version.find(['a', 'b']).unwrap_or(version.len());
    let (numbers, tag) = (version.get(..cut)?, version.get(cut..)?);
    let numbers: Vec<u64> = numbers
        .split('.')
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    let numbers = match numbers.as_slice() {
        [major, minor] => [*major, *minor, 0],
        [major, minor, patch] => [*major, *minor, *patch],
        _ => return None,
    };
    let tag = match tag.get(..1) {
        None => (String::new(), 0),
        Some(letter) => (letter.to_owned(), tag.get(1..)?.parse().ok()?),
    };
    Some((numbers, tag.0.is_empty(), tag))
}

/// An identifier before a release: numbers come before words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

/// `1.2.3[-pre][+build]`; builds do not count.
fn semantic(version: &str) -> Option<([u64; 3], bool, Vec<Identifier>)> {
    let version = version
        .split_once('+')
        .map_or(version, |(version, _)| version);
    let (core, before) = version
        .split_once('-')
        .map_or((version, None), |(core, before)| (core, Some(before)));
    let number = |text: &str| {
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (plain && (text == "0" || !text.starts_with('0')))
            .then(|| text.parse().ok())
            .flatten()
    };
    let core: Vec<u64> = core.split('.').map(number).collect::<Option<_>>()?;
    let identifiers = match before {
        None => Vec::new(),
        Some(before) => before
            .split('.')
            .map(|part| {
                let fine = !part.is_empty()
                    && part
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                fine.then(|| {
                    number(part)
                        .map_or_else(|| Identifier::Word(part.to_owned()), Identifier::Number)
                })
            })
            .collect::<Option<_>>()?,
    };
    Some((core.try_into().ok()?, before.is_none(), identifiers))
}

/// The key by which PEP 440 orders versions.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pep440 {
    epoch: u64,
    release: Vec<u64>,
    before: (i8, u64),
    post: Option<u64>,
    develop: (bool, u64),
    local: Option<Vec<(bool, u64, String)>>,
}

fn pep440(version: &str) -> Option<Pep440> {
    let lower = version.trim().to_lowercase();
    let lower = lower.strip_prefix('v').unwrap_or(&lower);
    let (public, local) = lower
        .split_once('+')
        .map_or((lower, None), |(public, local)| (public, Some(local)));
    let (epoch, rest) = public
        .split_once('!')
        .map_or(Some((0, public)), |(epoch, rest)| {
            Some((epoch.parse().ok()?, rest))
        })?;
    let end = rest
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(rest.len());
    let (numbers, mut rest) = rest.split_at(end);
    let mut release: Vec<u64> = numbers
        .trim_end_matches('.')
        .split('.')
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    while release.len() > 1 && release.last() == Some(&0) {
        release.pop();
    }
    let mut before = None;
    let mut post = None;
    let mut develop = None;
    while !rest.is_empty() {
        let dash_number = rest
            .strip_prefix('-')
            .filter(|next| next.starts_with(|digit: char| digit.is_ascii_digit()));
        let trimmed = rest.trim_start_matches(['.', '-', '_']);
        let word_end = trimmed
            .find(|letter: char| !letter.is_ascii_alphabetic())
            .unwrap_or(trimmed.len());
        let (word, after) = trimmed.split_at(word_end);
        let after = if word.is_empty() {
            after
        } else {
            after.trim_start_matches(['.', '-', '_'])
        };
        let digits = after
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(after.len());
        let (number, tail) = after.split_at(digits);
        let number = if number.is_empty() {
            0
        } else {
            number.parse().ok()?
        };
        match word {
            "a" | "alpha" if before.is_none() => before = Some((1, number)),
            "b" | "beta" if before.is_none() => before = Some((2, number)),
            "c" | "rc" | "pre" | "preview" if before.is_none() => before = Some((3, number)),
            "post" | "rev" | "r" if post.is_none() => post = Some(number),
            "" if dash_number.is_some() && post.is_none() => post = Some(number),
            "dev" if develop.is_none() => develop = Some(number),
            _ => return None,
        }
        rest = tail;
    }
    // A development release without any other mark comes before the alphas; a release after them all.
    let unmarked = if post.is_none() && develop.is_some() {
        (0, 0)
    } else {
        (4, 0)
    };
    Some(Pep440 {
        epoch,
        release,
        before: before.unwrap_or(unmarked),
        post,
        develop: develop.map_or((true, 0), |number| (false, number)),
        local: local.map(|local| {
            local
                .split(['.', '-', '_'])
                .map(|part| {
                    part.parse().map_or((false, 0, part.to_owned()), |number| {
                        (true, number, String::new())
                    })
                })
                .collect()
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loose_versions_split_at_letters_and_dots() {
        assert!(loose("1.10") > loose("1.9"));
        assert!(loose("8.9p1") > loose("8.9"));
        assert_eq!(loose("1.a").partial_cmp(&loose("1.1")), None);
    }

    #[test]
    fn releases_come_after_what_precedes_them() {
        assert!(pep440("1.0.dev1") < pep440("1.0a1"));
        assert!(pep440("1.0rc1") < pep440("1.0") && pep440("1.0") < pep440("1.0.post1"));
        assert!(semantic("1.0.0-alpha.1") < semantic("1.0.0"));
        assert!(strict("1.2b1") < strict("1.2"));
    }
}
