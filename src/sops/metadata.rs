//! The entry `sops` of a file: for whom it is encrypted, by which rule, and its MAC.

use super::error::SopsError;
use super::rules::Rule;
use super::tree::{Entry, Leaf, Scalar, Tree};
use crate::diag::Span;

/// The entry's name.
pub(super) const NAME: &str = "sops";
/// The kinds of keys beside age's, which kplay cannot use.
const OTHERS: [&str; 6] = ["pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault"];
/// The version of SOPS whose format is written.
const VERSION: &str = "3.10.0";

/// The file's key, or a part of it, for one reader.
#[derive(Clone, Debug)]
pub(super) struct Wrapped {
    /// `age1...` or an SSH public key.
    pub(super) recipient: String,
    /// The armored age file that holds it.
    pub(super) sealed: String,
}

/// Keys of which any one gives the group's part.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// Those of age.
    pub(super) age: Vec<Wrapped>,
    /// The kinds of the others.
    pub(super) others: Vec<&'static str>,
}

/// The entry `sops`.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    pub(super) groups: Vec<Group>,
    /// How many groups it takes.
    pub(super) threshold: Option<usize>,
    pub(super) last_modified: String,
    pub(super) mac: Option<(String, Span)>,
    pub(super) only_encrypted: bool,
    pub(super) rule: Rule,
    pub(super) span: Span,
}

/// Tells whether a mapping holds the entry as SOPS writes it. A variable that is only called so is none.
pub(super) fn is_there(tree: &Tree) -> bool {
    let Some(entry) = tree.get(NAME) else {
        return false;
    };
    let keys = OTHERS.iter().chain(&["age", "key_groups", "mac"]);
    entry.get("lastmodified").is_some() && keys.into_iter().any(|name| entry.get(name).is_some())
}

/// Takes the entry off a tree.
pub(super) fn take(tree: &mut Tree) -> Result<Metadata, SopsError> {
    let Tree::Map(entries, _) = tree else {
        return Err(SopsError::NotSops);
    };
    let at = entries
        .iter()
        .position(|entry| matches!(entry, Entry::Pair(name, _) if name.text == NAME));
    let Some(Entry::Pair(_, own)) = at.map(|at| entries.remove(at)) else {
        return Err(SopsError::NotSops);
    };
    read(&own)
}

fn read(own: &Tree) -> Result<Metadata, SopsError> {
    let span = own.span();
    let damaged = |why: &str| SopsError::Metadata {
        why: why.to_owned(),
        span,
    };
    if own.entries().is_empty() {
        return Err(damaged("it is no mapping"));
    }
    let text = |name: &str| own.get(name).and_then(Tree::as_text);
    let mut groups = Vec::new();
    let single = group(own)?;
    if !single.age.is_empty() || !single.others.is_empty() {
        groups.push(single);
    } else if let Some(list) = own.get("key_groups") {
        groups = list.values().map(group).collect::<Result<_, _>>()?;
    }
    if groups.is_empty() {
        return Err(damaged("there is no key in it"));
    }
    let only_encrypted = match own.get("mac_only_encrypted") {
        Some(Tree::Scalar(Scalar {
            leaf: Leaf::Bool(flag),
            ..
        })) => *flag,
        Some(other) => other.as_text() == Some("true"),
        None => false,
    };
    let threshold = match own.get("shamir_threshold") {
        Some(Tree::Scalar(Scalar {
            leaf: Leaf::Int(number),
            ..
        })) => usize::try_from(*number).ok(),
        Some(other) => other.as_text().and_then(|text| text.parse().ok()),
        None => None,
    };
    Ok(Metadata {
        groups,
        threshold: threshold.filter(|number| *number > 0),
        last_modified: text("lastmodified")
            .ok_or_else(|| damaged("`lastmodified` is missing"))?
            .to_owned(),
        mac: own.get("mac").and_then(|mac| {
            let text = mac.as_text().filter(|text| !text.is_empty())?;
            Some((text.to_owned(), mac.span()))
        }),
        only_encrypted,
        rule: Rule::find(own)?.unwrap_or_default(),
        span,
    })
}

fn group(tree: &Tree) -> Result<Group, SopsError> {
    let mut group = Group::default();
    if let Some(list) = tree.get("age") {
        for key in list.values() {
            let part = |name: &str| key.get(name).and_then(Tree::as_text);
            let (Some(recipient), Some(sealed)) = (part("recipient"), part("enc")) else {
                return Err(SopsError::Metadata {
                    why: "a key of `age` has no `recipient` or no `enc`".to_owned(),
                    span: key.span(),
                });
            };
            group.age.push(Wrapped {
                recipient: recipient.to_owned(),
                sealed: sealed.to_owned(),
            });
        }
    }
    for name in OTHERS {
        let count = tree.get(name).map_or(0, |list| list.values().count());
        group.others.extend(std::iter::repeat_n(name, count));
    }
    Ok(group)
}

impl Metadata {
    /// Returns the entry as a file has it, sorted by name.
    pub(super) fn tree(&self) -> Tree {
        let keys = |group: &Group| {
            Tree::list(group.age.iter().map(|key| {
                Tree::map([
                    ("enc".to_owned(), Tree::text(key.sealed.clone())),
                    ("recipient".to_owned(), Tree::text(key.recipient.clone())),
                ])
            }))
        };
        let mut pairs = vec![
            (
                "lastmodified".to_owned(),
                Tree::text(self.last_modified.clone()),
            ),
            ("version".to_owned(), Tree::text(VERSION)),
            self.rule.entry(),
        ];
        if let Some((mac, _)) = &self.mac {
            pairs.push(("mac".to_owned(), Tree::text(mac.clone())));
        }
        if self.only_encrypted {
            pairs.push((
                "mac_only_encrypted".to_owned(),
                Tree::leaf(Leaf::Bool(true)),
            ));
        }
        match self.groups.as_slice() {
            [group] => pairs.push(("age".to_owned(), keys(group))),
            groups => {
                let one = |group| Tree::map([("age".to_owned(), keys(group))]);
                pairs.push(("key_groups".to_owned(), Tree::list(groups.iter().map(one))));
                if let Some(threshold) = self.threshold {
                    let number = i64::try_from(threshold).unwrap_or(i64::MAX);
                    pairs.push(("shamir_threshold".to_owned(), Tree::leaf(Leaf::Int(number))));
                }
            }
        }
        pairs.sort_by(|left, right| left.0.cmp(&right.0));
        Tree::map(pairs)
    }
}
