//! The key of a file: unwrapped with the keys at hand, or made and wrapped for its readers; with several groups of keys in
//! parts, of which it takes as many as the file says.

use zeroize::Zeroizing;

use super::encrypted::DataKey;
use super::error::SopsError;
use super::metadata::{Group, Metadata, Wrapped};
use super::shamir;
use crate::secrets::age::{self, AgeError, Recipient};
use crate::secrets::{AgeKeys, Secret, random};

/// Finds the file's key.
pub(super) fn unwrap(metadata: &Metadata, keys: &AgeKeys) -> Result<DataKey, SopsError> {
    let damaged = |why: &str| SopsError::Metadata {
        why: why.to_owned(),
        span: metadata.span,
    };
    let mut problem = None;
    let mut parts = Vec::new();
    for group in &metadata.groups {
        match part(group, keys) {
            Ok(part) => parts.push(part),
            Err(error) => {
                problem.get_or_insert(error);
            }
        }
    }
    if metadata.groups.len() > 1 {
        let needed = metadata.threshold.unwrap_or(metadata.groups.len());
        if parts.len() < needed {
            return Err(match problem {
                Some(error) if parts.is_empty() => error,
                _ => SopsError::Groups {
                    opened: parts.len(),
                    needed,
                },
            });
        }
        let whole = shamir::combine(&parts).ok_or_else(|| damaged("its key parts do not fit"))?;
        return <[u8; 32]>::try_from(whole.expose())
            .map(Zeroizing::new)
            .map_err(|_| damaged("its key has the wrong length"));
    }
    let part = match (parts.pop(), problem) {
        (Some(part), _) => part,
        (None, Some(error)) => return Err(error),
        (None, None) => return Err(damaged("there is no key in it")),
    };
    <[u8; 32]>::try_from(part.expose())
        .map(Zeroizing::new)
        .map_err(|_| damaged("its key has the wrong length"))
}

/// Opens any one of a group's keys.
fn part(group: &Group, keys: &AgeKeys) -> Result<Secret, SopsError> {
    let found = keys.found();
    let mut tried = found.tried.clone();
    let mut problems = found.problems.clone();
    let mut damaged = None;
    for key in &group.age {
        let given = keys.ask(&key.recipient);
        let identities: Vec<_> = found
            .identities
            .iter()
            .chain(&given.identities)
            .cloned()
            .collect();
        tried.extend(
            given
                .tried
                .into_iter()
                .filter(|one| !found.tried.contains(one)),
        );
        problems.extend(given.problems);
        match age::decrypt(key.sealed.as_bytes(), &identities) {
            Ok(part) => return Ok(part),
            Err(AgeError::NoKey) => {}
            Err(source) => {
                damaged.get_or_insert(SopsError::Key {
                    recipient: key.recipient.clone(),
                    source,
                });
            }
        }
    }
    tried.dedup();
    problems.dedup();
    let recipients = group.age.iter().map(|key| key.recipient.clone());
    let others = group.others.iter().map(|kind| format!("a key of {kind}"));
    Err(damaged.unwrap_or(SopsError::NoKey {
        recipients: recipients.chain(others).collect(),
        tried,
        problems,
    }))
}

/// Makes a key and wraps it for the readers, who are given by group.
pub(super) fn make(
    readers: &[Vec<String>],
    threshold: Option<usize>,
) -> Result<(DataKey, Vec<Group>), SopsError> {
    if readers.is_empty() || readers.iter().any(Vec::is_empty) {
        return Err(SopsError::NoRecipient);
    }
    let key: DataKey = Zeroizing::new(random().map_err(SopsError::Random)?);
    let parts = if readers.len() > 1 {
        let groups = readers.len();
        let needed = threshold.unwrap_or(groups);
        if !(2..=groups.min(255)).contains(&needed) {
            return Err(SopsError::Threshold { needed, groups });
        }
        shamir::split(&*key, readers.len(), needed).map_err(SopsError::Random)?
    } else {
        vec![Secret::new(key.to_vec())]
    };
    let groups = readers
        .iter()
        .zip(&parts)
        .map(|(readers, part)| wrap(readers, part))
        .collect::<Result<_, _>>()?;
    Ok((key, groups))
}

fn wrap(readers: &[String], part: &Secret) -> Result<Group, SopsError> {
    let one = |text: &String| {
        let recipient = Recipient::parse(text).map_err(|source| {
            // Whoever put a secret key in the wrong place does not want to read it in a message.
            let secret = text.starts_with("AGE-SECRET-KEY-");
            SopsError::Recipient {
                recipient: if secret { "AGE-SECRET-KEY-..." } else { text }.to_owned(),
                source,
            }
        })?;
        let sealed =
            age::encrypt(part.expose(), &[recipient]).map_err(|source| SopsError::Key {
                recipient: text.clone(),
                source,
            })?;
        Ok(Wrapped {
            recipient: text.clone(),
            sealed,
        })
    };
    Ok(Group {
        age: readers.iter().map(one).collect::<Result<_, _>>()?,
        others: Vec::new(),
    })
}
