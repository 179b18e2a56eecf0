//! Files of SOPS: trees of values of which some are encrypted, with a MAC over all of them and a key that is wrapped for each
//! reader. Used by `varfile` (variable files) and the engine (the lookup and the modules of `community.sops`).
//!
//! Only the controller decrypts and encrypts: what is not reached from the worker's own code is not part of that program.

mod config;
mod encrypted;
mod error;
mod format;
mod groups;
mod metadata;
mod rules;
mod scalar;
mod shamir;
#[cfg(test)]
mod tests;
mod tree;
mod walk;
mod write;

use subtle::ConstantTimeEq as _;

pub use error::SopsError;
pub use format::Format;
pub use write::{Content, Encryption, encrypt};

use std::path::Path;

use crate::diag::SourceMap;
use crate::secrets::{AgeKeys, Secret};
use crate::yaml::Node;
use metadata::Metadata;
use tree::{Leaf, Tree};
use walk::{Way, walk};

/// Tells whether a YAML or JSON file is encrypted with SOPS. A variable that is only called `sops` does not make it so.
pub fn is_encrypted(root: &Node) -> bool {
    let Some(entry) = root.get(metadata::NAME) else {
        return false;
    };
    format::from_node(entry, "", false)
        .is_ok_and(|entry| metadata::is_there(&Tree::map([(metadata::NAME.to_owned(), entry)])))
}

/// Decrypts a YAML or JSON file that was loaded: the same tree with plain values, those that were encrypted marked secret.
/// `text` is what it was loaded from, `path` its name.
pub fn open(root: &Node, text: &str, path: &Path, keys: &AgeKeys) -> Result<Node, SopsError> {
    let yaml = Format::of(path) != Format::Json;
    let mut tree = format::from_node(root, text, yaml)?;
    decrypt_tree(&mut tree, keys)?;
    Ok(format::to_node(&tree, yaml))
}

/// How a file is to be read, and what of it.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The file's format; its name decides unless given.
    pub input: Option<Format>,
    /// The format of what is returned; the name decides unless given.
    pub output: Option<Format>,
    /// The part that is wanted: `["name"][0]`.
    pub extract: Option<String>,
}

/// What a file holds.
#[derive(Debug)]
pub struct Plain {
    /// In the format that is wanted.
    pub text: Secret,
    /// The values that were encrypted, for whoever masks them.
    pub secrets: Vec<String>,
}

/// Decrypts a file as `sops decrypt` prints it.
pub fn decrypt(
    content: &[u8],
    path: &Path,
    reading: &Reading,
    keys: &AgeKeys,
    sources: &SourceMap,
) -> Result<Plain, SopsError> {
    let format = Format::of(path);
    let input = reading.input.unwrap_or(format);
    let name = path.display().to_string();
    let mut tree = input.read(content, &name, sources)?;
    decrypt_tree(&mut tree, keys)?;
    let output = reading.output.unwrap_or(format);
    let plain = match reading.extract.as_deref() {
        Some(part) => output.write_value(extract(&tree, part)?)?,
        None => output.write(&tree, None, format::Indents::default())?,
    };
    let mut secrets = Vec::new();
    tree.secrets(&mut secrets);
    Ok(Plain {
        text: Secret::new(plain),
        secrets,
    })
}

/// Decrypts a tree in place and takes its entry `sops` off.
fn decrypt_tree(tree: &mut Tree, keys: &AgeKeys) -> Result<Metadata, SopsError> {
    let metadata = metadata::take(tree)?;
    let key = groups::unwrap(&metadata, keys)?;
    let mac = walk(
        tree,
        Way::Decrypt,
        &metadata.rule,
        &key,
        metadata.only_encrypted,
    )?;
    let Some((sealed, span)) = &metadata.mac else {
        return Err(SopsError::NoMac {
            span: metadata.span,
        });
    };
    match encrypted::decrypt(sealed, &key, &metadata.last_modified) {
        Ok(Leaf::Text(expected)) if bool::from(expected.as_bytes().ct_eq(mac.as_bytes())) => {
            Ok(metadata)
        }
        _ => Err(SopsError::Mac { span: *span }),
    }
}

/// Finds `["name"][0]` in a tree.
fn extract<'a>(tree: &'a Tree, path: &str) -> Result<&'a Tree, SopsError> {
    let missing = || SopsError::Extract {
        part: path.to_owned(),
    };
    let mut current = tree;
    let mut rest = path.trim();
    while !rest.is_empty() {
        rest = rest.strip_prefix('[').ok_or_else(missing)?;
        let quoted = ['"', '\'']
            .iter()
            .find_map(|quote| Some((rest.strip_prefix(*quote)?, *quote)));
        let (step, behind) = if let Some((rest, quote)) = quoted {
            let (name, behind) = rest.split_once(quote).ok_or_else(missing)?;
            let behind = behind.strip_prefix(']').ok_or_else(missing)?;
            (current.get(name), behind)
        } else {
            let (position, behind) = rest.split_once(']').ok_or_else(missing)?;
            let position: usize = position.trim().parse().map_err(|_| missing())?;
            (current.values().nth(position), behind)
        };
        current = step.ok_or_else(missing)?;
        rest = behind;
    }
    Ok(current)
}
