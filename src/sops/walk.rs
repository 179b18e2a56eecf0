//! Through a tree in the order that the MAC needs: decrypting, or encrypting, all that its rule names.

use sha2::{Digest as _, Sha256, Sha512};

use super::encrypted::{DataKey, Fault, decrypt, encrypt};
use super::error::SopsError;
use super::rules::{Place, Rule};
use super::scalar::plain_bytes;
use super::tree::{Comment, Entry, Item, Leaf, Scalar, Tree};

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Decrypt,
    Encrypt,
}

/// One way through one tree.
pub(super) struct Walk<'a> {
    way: Way,
    rule: &'a Rule,
    key: &'a DataKey,
    only_encrypted: bool,
    place: Place,
    hash: Sha512,
}

/// Changes the tree and returns the MAC of its plain values.
pub(super) fn walk(
    tree: &mut Tree,
    way: Way,
    rule: &Rule,
    key: &DataKey,
    only_encrypted: bool,
) -> Result<String, SopsError> {
    let mut hash = Sha512::new();
    if only_encrypted {
        // So that a file cannot be given the other kind of MAC.
        hash.update(Sha256::digest(b"sops"));
    }
    let mut walk = Walk {
        way,
        rule,
        key,
        only_encrypted,
        place: Place::default(),
        hash,
    };
    walk.tree(tree)?;
    let digest = walk.hash.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02X}")).collect())
}

impl Walk<'_> {
    fn tree(&mut self, tree: &mut Tree) -> Result<(), SopsError> {
        match tree {
            Tree::Scalar(scalar) => self.scalar(scalar),
            Tree::List(items, _) => {
                self.place.comments.push(Vec::new());
                for item in items {
                    match item {
                        Item::Comment(comment) => self.comment(comment)?,
                        Item::Value(value) => {
                            self.tree(value)?;
                            self.passed();
                        }
                    }
                    // Formats without comments keep them as values.
                    if let Item::Value(Tree::Scalar(Scalar {
                        leaf: Leaf::Comment(text),
                        ..
                    })) = item
                    {
                        *item = Item::Comment(Comment {
                            text: std::mem::take(text),
                            inline: false,
                        });
                    }
                }
                self.place.comments.pop();
                Ok(())
            }
            Tree::Map(entries, _) => {
                self.place.comments.push(Vec::new());
                for entry in entries {
                    match entry {
                        Entry::Comment(comment) => self.comment(comment)?,
                        Entry::Pair(name, value) => {
                            self.place.path.push(name.text.clone());
                            self.tree(value)?;
                            self.place.path.pop();
                            self.passed();
                        }
                    }
                }
                self.place.comments.pop();
                Ok(())
            }
        }
    }

    /// The comments before a value do not count for the next one.
    fn passed(&mut self) {
        if let Some(active) = self.place.comments.last_mut() {
            active.clear();
        }
    }

    fn comment(&mut self, comment: &mut Comment) -> Result<(), SopsError> {
        if let Some(active) = self.place.comments.last_mut() {
            active.push(comment.text.clone());
        }
        if !self.rule.encrypts(&self.place, true) {
            return Ok(());
        }
        match self.way {
            // One that does not open was never encrypted: older versions of SOPS left comments alone.
            Way::Decrypt => {
                if let Ok(Leaf::Comment(text) | Leaf::Text(text)) =
                    decrypt(&comment.text, self.key, &self.place.bound())
                {
                    comment.text = text;
                }
            }
            Way::Encrypt => {
                let leaf = Leaf::Comment(comment.text.clone());
                if let Some(text) = encrypt(&leaf, self.key, &self.place.bound())? {
                    comment.text = text;
                }
            }
        }
        Ok(())
    }

    fn scalar(&mut self, scalar: &mut Scalar) -> Result<(), SopsError> {
        if scalar.leaf == Leaf::Null {
            return Ok(());
        }
        let encrypted = self.rule.encrypts(&self.place, false);
        if self.way == Way::Decrypt && encrypted {
            self.open(scalar)?;
        }
        if (encrypted || !self.only_encrypted)
            && let Some(bytes) = plain_bytes(&scalar.leaf)
        {
            self.hash.update(bytes);
        }
        if self.way == Way::Encrypt
            && encrypted
            && let Some(text) = encrypt(&scalar.leaf, self.key, &self.place.bound())?
        {
            scalar.leaf = Leaf::Text(text);
        }
        Ok(())
    }

    fn open(&self, scalar: &mut Scalar) -> Result<(), SopsError> {
        let path = self.place.shown();
        let span = scalar.span;
        let Some(text) = scalar.text() else {
            return Err(SopsError::Plain { path, span });
        };
        let leaf = decrypt(text, self.key, &self.place.bound()).map_err(|fault| match fault {
            Fault::Form if text.starts_with("ENC[") => SopsError::Tampered { path, span },
            Fault::Form => SopsError::Plain { path, span },
            Fault::Tag | Fault::Type => SopsError::Tampered { path, span },
        })?;
        scalar.leaf = leaf;
        scalar.secret = true;
        Ok(())
    }
}
