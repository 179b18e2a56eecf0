//! `.sops.yaml`: for whom and how new files are encrypted.

use std::path::{Path, PathBuf};

use fancy_regex::Regex;

use super::error::SopsError;
use super::format::{Format, Indents};
use super::rules::Rule;
use super::tree::{Leaf, Scalar, Tree};
use crate::diag::SourceMap;

const NAME: &str = ".sops.yaml";
/// Keys that kplay cannot encrypt for, as rules name them.
const OTHERS: [&str; 8] = [
    "pgp",
    "kms",
    "gcp_kms",
    "hckms",
    "azure_keyvault",
    "azure_kv",
    "hc_vault_transit_uri",
    "hc_vault",
];

/// What the configuration says about one file.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// The recipients, by group.
    pub(super) readers: Vec<Vec<String>>,
    pub(super) threshold: Option<usize>,
    pub(super) rule: Option<Rule>,
    pub(super) only_encrypted: bool,
    pub(super) indents: Indents,
}

/// Looks for the file in a directory and in those above it.
pub(super) fn find(directory: &Path) -> Option<PathBuf> {
    directory
        .ancestors()
        .take(100)
        .map(|directory| directory.join(NAME))
        .find(|path| path.is_file())
}

/// Reads what a configuration says about a file; both paths are absolute.
pub(super) fn read(path: &Path, file: &Path, sources: &SourceMap) -> Result<Config, SopsError> {
    let shown = path.display().to_string();
    let wrong = |why: String| SopsError::Config {
        path: shown.clone(),
        why,
    };
    let content = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let tree = Format::Yaml
        .read(&content, &shown, sources)
        .map_err(|error| wrong(error.to_string()))?;
    let mut config = Config {
        indents: indents(&tree),
        ..Config::default()
    };
    let Some(rules) = tree.get("creation_rules") else {
        return Ok(config);
    };
    let directory = path.parent().unwrap_or(Path::new("/"));
    let relative = file.strip_prefix(directory).unwrap_or(file);
    let relative = relative.to_string_lossy();
    for rule in rules.values() {
        let pattern = rule.get("path_regex").and_then(Tree::as_text);
        if let Some(pattern) = pattern.filter(|pattern| !pattern.is_empty()) {
            let regex = Regex::new(pattern)
                .map_err(|error| wrong(format!("`path_regex` `{pattern}`: {error}")))?;
            if !regex.is_match(relative.as_ref()).unwrap_or(false) {
                continue;
            }
        }
        config.rule = Rule::find(rule)?;
        config.only_encrypted = matches!(
            rule.get("mac_only_encrypted"),
            Some(Tree::Scalar(Scalar {
                leaf: Leaf::Bool(true),
                ..
            }))
        );
        config.threshold = number(rule.get("shamir_threshold"));
        config.readers = match rule.get("key_groups") {
            Some(groups) => groups
                .values()
                .map(|group| readers(group, &wrong))
                .collect::<Result<_, _>>()?,
            None => vec![readers(rule, &wrong)?],
        };
        return Ok(config);
    }
    Err(SopsError::NoRule {
        config: shown,
        path: file.display().to_string(),
    })
}

/// Returns the recipients of a rule or a group, each once.
fn readers(rule: &Tree, wrong: &impl Fn(String) -> SopsError) -> Result<Vec<String>, SopsError> {
    let mut found = Vec::new();
    if let Some(groups) = rule.get("merge") {
        for group in groups.values() {
            found.extend(readers(group, wrong)?);
        }
    }
    if let Some(keys) = rule.get("age") {
        match keys.as_text() {
            Some(text) => found.extend(split(text)),
            None => {
                for key in keys.values() {
                    let text = key
                        .as_text()
                        .ok_or_else(|| wrong("a recipient of `age` is no text".to_owned()))?;
                    found.extend(split(text));
                }
            }
        }
    }
    // Somebody who is to read the file could not, and nobody would notice.
    let other = OTHERS.iter().find(|name| match rule.get(name) {
        Some(Tree::Scalar(scalar)) => scalar.leaf != Leaf::Null,
        Some(keys) => keys.values().next().is_some(),
        None => false,
    });
    if let Some(name) = other {
        return Err(wrong(format!(
            "it names keys of `{name}`, and kplay encrypts for age keys alone"
        )));
    }
    let mut once: Vec<String> = Vec::new();
    for key in found {
        if !once.contains(&key) {
            once.push(key);
        }
    }
    Ok(once)
}

/// Splits recipients at commas.
pub(super) fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(',')
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .map(str::to_owned)
}

fn number(tree: Option<&Tree>) -> Option<usize> {
    match tree {
        Some(Tree::Scalar(Scalar {
            leaf: Leaf::Int(number),
            ..
        })) => usize::try_from(*number).ok().filter(|number| *number > 0),
        _ => None,
    }
}

fn indents(tree: &Tree) -> Indents {
    let indent = |store: &str| match tree.get("stores")?.get(store)?.get("indent")? {
        Tree::Scalar(Scalar {
            leaf: Leaf::Int(number),
            ..
        }) => usize::try_from(*number).ok().filter(|number| *number <= 16),
        _ => None,
    };
    Indents {
        yaml: indent("yaml").filter(|number| *number > 0).unwrap_or(4),
        json: indent("json"),
        binary: indent("json_binary"),
    }
}
