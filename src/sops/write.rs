//! Making a file: content of a task, for the readers that the task or `.sops.yaml` names. Called by the engine for
//! `sops_encrypt`.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::config::{self, Config};
use super::encrypted;
use super::error::SopsError;
use super::format::{Format, binary, to_node};
use super::groups;
use super::metadata::{Metadata, NAME};
use super::rules::{NAMES, Rule};
use super::tree::{Leaf, Tree};
use super::walk::{Way, walk};
use super::{Reading, decrypt, decrypt_tree};
use crate::diag::{SourceMap, Span};
use crate::secrets::AgeKeys;
use crate::value::{Kind, Value};
use crate::yaml::ValueOptions;

/// What is encrypted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Content {
    /// Anything, as one value.
    Bytes(Vec<u8>),
    /// A dictionary, as JSON has it.
    Json(Value),
    /// A dictionary, as YAML has it.
    Yaml(Value),
}

/// For whom and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Encryption {
    /// Recipients; `.sops.yaml` names them where there are none here.
    pub age: Vec<String>,
    /// Rules by name, of which at most one may be given.
    pub rules: Vec<(String, String)>,
    /// How many groups of keys it takes.
    pub threshold: Option<usize>,
    /// The configuration instead of the `.sops.yaml` above the file.
    pub config: Option<PathBuf>,
}

impl Content {
    fn tree(&self) -> Result<Tree, SopsError> {
        let tree = match self {
            Self::Bytes(bytes) => return Ok(binary(bytes.clone())),
            Self::Json(value) => of_value(value, false)?,
            Self::Yaml(value) => of_value(value, true)?,
        };
        if tree.get(NAME).is_some() {
            return Err(SopsError::Encrypted);
        }
        Ok(tree)
    }

    /// Tells whether a file holds just this already.
    pub fn is_in(
        &self,
        existing: &[u8],
        path: &Path,
        keys: &AgeKeys,
        sources: &SourceMap,
    ) -> Result<bool, SopsError> {
        let (wanted, yaml) = match self {
            Self::Bytes(bytes) => {
                let reading = Reading {
                    output: Some(Format::Binary),
                    ..Reading::default()
                };
                let plain = decrypt(existing, path, &reading, keys, sources)?;
                return Ok(plain.text.expose() == bytes);
            }
            Self::Json(value) => (value, false),
            Self::Yaml(value) => (value, true),
        };
        let mut tree = Format::of(path).read(existing, &path.display().to_string(), sources)?;
        decrypt_tree(&mut tree, keys)?;
        let found = to_node(&tree, yaml).to_value(&ValueOptions::default());
        Ok(found == *wanted)
    }
}

/// Returns the content of the file at `path`, an absolute one.
pub fn encrypt(
    content: &Content,
    path: &Path,
    encryption: &Encryption,
    sources: &SourceMap,
) -> Result<Vec<u8>, SopsError> {
    let mut tree = content.tree()?;
    let found = encryption
        .config
        .clone()
        .or_else(|| config::find(path.parent().unwrap_or(Path::new("/"))));
    let config = match &found {
        Some(found) => config::read(found, path, sources)?,
        None if encryption.age.is_empty() => {
            return Err(SopsError::NoConfig {
                path: path.display().to_string(),
            });
        }
        None => Config::default(),
    };
    let readers = if encryption.age.is_empty() {
        config.readers
    } else {
        let all = encryption.age.iter();
        vec![all.flat_map(|keys| config::split(keys)).collect()]
    };
    let threshold = encryption.threshold.or(config.threshold);
    let rule = match given(&encryption.rules)? {
        Some(rule) => rule,
        None => config.rule.unwrap_or_default(),
    };
    let (key, groups) = groups::make(&readers, threshold)?;
    let mac = walk(&mut tree, Way::Encrypt, &rule, &key, config.only_encrypted)?;
    let last_modified = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mac = encrypted::encrypt(&Leaf::Text(mac), &key, &last_modified)?;
    let metadata = Metadata {
        groups,
        threshold,
        last_modified,
        mac: mac.map(|mac| (mac, Span::NONE)),
        only_encrypted: config.only_encrypted,
        rule,
        span: Span::NONE,
    };
    Format::of(path).write(&tree, Some(&metadata.tree()), config.indents)
}

fn given(rules: &[(String, String)]) -> Result<Option<Rule>, SopsError> {
    let mut found: Option<(&'static str, Rule)> = None;
    for (name, text) in rules {
        let Some(name) = NAMES.into_iter().find(|known| known == name) else {
            continue;
        };
        if let Some((first, _)) = found {
            return Err(SopsError::TwoRules {
                first,
                second: name,
            });
        }
        found = Some((name, Rule::new(name, text)?));
    }
    Ok(found.map(|(_, rule)| rule))
}

/// Returns the tree of a dictionary. Ansible has YAML written with sorted keys.
fn of_value(value: &Value, sorted: bool) -> Result<Tree, SopsError> {
    let wrong = |why: &str| SopsError::Format {
        format: "a file for SOPS",
        why: why.to_owned(),
        span: value.origin(),
    };
    Ok(Tree::leaf(match value.kind() {
        Kind::Null => Leaf::Null,
        Kind::Bool(flag) => Leaf::Bool(*flag),
        Kind::Int(number) => Leaf::Int(*number),
        Kind::Float(number) => Leaf::Float(*number),
        Kind::Str(text) => Leaf::Text(text.to_string()),
        Kind::Big(_) => return Err(wrong("a number in it is too large")),
        Kind::List(items) | Kind::Tuple(items) => {
            let items = items.iter().map(|item| of_value(item, sorted));
            return Ok(Tree::list(items.collect::<Result<Vec<_>, _>>()?));
        }
        Kind::Dict(dict) => {
            let mut pairs = Vec::new();
            for (key, value) in dict.iter() {
                let name = key
                    .as_str()
                    .ok_or_else(|| wrong("a key in it is no text"))?;
                pairs.push((name.to_owned(), of_value(value, sorted)?));
            }
            if sorted {
                pairs.sort_by(|left, right| left.0.cmp(&right.0));
            }
            return Ok(Tree::map(pairs));
        }
        Kind::Bytes(_) | Kind::Moment(_) | Kind::Undefined(_) => Leaf::Text(value.to_text()),
    }))
}
