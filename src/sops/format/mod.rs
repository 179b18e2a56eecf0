//! The formats that SOPS knows: reading an encrypted or plain file as a tree, and writing a tree.

mod comments;
mod dotenv;
mod flat;
mod ini;
mod json;
mod yaml;
mod yaml_text;

use std::path::Path;

use super::error::SopsError;
use super::metadata::NAME;
use super::tree::{Entry, Leaf, Name, Scalar, Tree};
use crate::diag::{SourceMap, Span};

pub(super) use yaml::{from_node, to_node};

/// The one value of a binary file.
const DATA: &str = "data";

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
    /// Lines of `NAME=value`.
    Dotenv,
    /// Sections of `name = value`.
    Ini,
    /// Anything: one value in a JSON file.
    Binary,
}

/// How far lines are indented, from `.sops.yaml`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Indents {
    pub(super) yaml: usize,
    /// Without it, tabs.
    pub(super) json: Option<usize>,
    pub(super) binary: Option<usize>,
}

impl Default for Indents {
    fn default() -> Self {
        Self {
            yaml: 4,
            json: None,
            binary: None,
        }
    }
}

impl Format {
    /// Returns the format of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "yaml" => Self::Yaml,
            "json" => Self::Json,
            "dotenv" => Self::Dotenv,
            "ini" => Self::Ini,
            "binary" => Self::Binary,
            _ => return None,
        })
    }

    /// Returns the format that a file's name means.
    pub fn of(path: &Path) -> Self {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml" | "yml") => Self::Yaml,
            Some("json") => Self::Json,
            Some("env") => Self::Dotenv,
            Some("ini") => Self::Ini,
            _ => Self::Binary,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Yaml => "YAML",
            Self::Json => "JSON",
            Self::Dotenv => "a dotenv file",
            Self::Ini => "an INI file",
            Self::Binary => "binary",
        }
    }

    /// Reads an encrypted file, the entry `sops` with its own structure.
    pub(super) fn read(
        self,
        content: &[u8],
        name: &str,
        sources: &SourceMap,
    ) -> Result<Tree, SopsError> {
        match self {
            Self::Yaml => yaml::read(content, name, sources, true),
            Self::Json | Self::Binary => yaml::read(content, name, sources, false),
            Self::Dotenv => flat::nested(dotenv::read(&self.text(content)?)?),
            Self::Ini => {
                let mut tree = ini::read(&self.text(content)?)?;
                if let Tree::Map(entries, _) = &mut tree {
                    for entry in entries {
                        if let Entry::Pair(name, value) = entry
                            && name.text == NAME
                        {
                            *value = flat::unflatten(value)?;
                        }
                    }
                }
                Ok(tree)
            }
        }
    }

    /// Writes a plain tree, or an encrypted one with its entry `sops`.
    pub(super) fn write(
        self,
        tree: &Tree,
        metadata: Option<&Tree>,
        indents: Indents,
    ) -> Result<Vec<u8>, SopsError> {
        let mut whole = tree.clone();
        if let (Some(metadata), Tree::Map(entries, _)) = (metadata, &mut whole) {
            let name = Name {
                text: NAME.to_owned(),
                span: Span::NONE,
            };
            let own = match self {
                Self::Yaml | Self::Json | Self::Binary => metadata.clone(),
                Self::Dotenv | Self::Ini => flat::flatten(metadata),
            };
            if self == Self::Dotenv {
                entries.extend(flat::prefixed(own));
            } else {
                entries.push(Entry::Pair(name, own));
            }
        }
        Ok(match self {
            Self::Yaml => yaml_text::write(&whole, indents.yaml).into_bytes(),
            Self::Json => json::write(&whole, indents.json).into_bytes(),
            Self::Binary if metadata.is_some() => json::write(&whole, indents.binary).into_bytes(),
            Self::Binary => match whole.get(DATA) {
                Some(Tree::Scalar(Scalar {
                    leaf: Leaf::Text(text),
                    ..
                })) => text.clone().into_bytes(),
                Some(Tree::Scalar(Scalar {
                    leaf: Leaf::Bytes(bytes),
                    ..
                })) => bytes.clone(),
                _ => {
                    return Err(SopsError::Output {
                        format: self.name(),
                        why: "it has no text under `data`".to_owned(),
                    });
                }
            },
            Self::Dotenv => dotenv::write(&whole)?.into_bytes(),
            Self::Ini => ini::write(&whole)?.into_bytes(),
        })
    }

    /// Writes one value of a tree, as `extract` gives it.
    pub(super) fn write_value(self, value: &Tree) -> Result<Vec<u8>, SopsError> {
        match (value, self) {
            (Tree::Map(..), _) => self.write(value, None, Indents::default()),
            (
                Tree::Scalar(Scalar {
                    leaf: Leaf::Text(text),
                    ..
                }),
                _,
            ) => Ok(text.clone().into_bytes()),
            (_, Self::Yaml) => Ok(yaml_text::write(value, 4).into_bytes()),
            (_, Self::Json | Self::Ini) => Ok(json::write_value(value, None).into_bytes()),
            (_, Self::Dotenv | Self::Binary) => Err(SopsError::Output {
                format: self.name(),
                why: "a part of it must be text".to_owned(),
            }),
        }
    }

    fn text(self, content: &[u8]) -> Result<String, SopsError> {
        String::from_utf8(content.to_vec()).map_err(|_| SopsError::Format {
            format: self.name(),
            why: "it is not UTF-8 text".to_owned(),
            span: Span::NONE,
        })
    }
}

/// Returns the tree of a binary file.
pub(super) fn binary(content: Vec<u8>) -> Tree {
    let leaf = match String::from_utf8(content) {
        Ok(text) => Leaf::Text(text),
        Err(error) => Leaf::Bytes(error.into_bytes()),
    };
    Tree::map([(DATA.to_owned(), Tree::leaf(leaf))])
}
