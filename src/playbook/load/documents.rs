//! Reading YAML files once.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use super::Session;
use crate::diag::{Diagnostic, Span};
use crate::value::{Dict, Value};
use crate::varfile::Reader;
use crate::yaml::{Document, Node, NodeKind, ValueOptions};

impl Session<'_> {
    /// Returns the path as messages show it: below the current directory without it.
    pub(super) fn shown(&self, path: &Path) -> String {
        let below = path
            .strip_prefix(self.files().current_directory())
            .ok()
            .filter(|below| !below.as_os_str().is_empty());
        below.unwrap_or(path).display().to_string()
    }

    /// Reads a file as a tree, once per loader. What is wrong with it is reported; `from` is the place that names it.
    pub(super) fn document(&mut self, path: &Path, from: Span) -> Option<Arc<Document>> {
        if let Some(document) = self
            .loader
            .documents
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(path)
        {
            return Some(Arc::clone(document));
        }
        let name = self.shown(path);
        let content = match self.files().read(path) {
            Ok(content) => content,
            Err(error) => {
                let diagnostic = Diagnostic::error(
                    "file-unreadable",
                    format!("`{name}` cannot be read: {error}"),
                );
                self.report(diagnostic.at(from, ""));
                return None;
            }
        };
        let options = self.options();
        let reader = Reader {
            sources: &options.sources,
            vault: &options.vault,
            duplicates: options.duplicates,
        };
        match reader.parse(&name, &content) {
            Ok(mut document) => {
                for warning in std::mem::take(&mut document.warnings) {
                    self.report(warning);
                }
                let document = Arc::new(document);
                let mut known = self
                    .loader
                    .documents
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                known.insert(path.to_owned(), Arc::clone(&document));
                Some(document)
            }
            Err(diagnostics) => {
                for diagnostic in diagnostics {
                    let missing = !diagnostic.span().is_some();
                    self.report(if missing {
                        diagnostic.at(from, "")
                    } else {
                        diagnostic
                    });
                }
                None
            }
        }
    }

    /// Returns a node as a value: text in it may be a template.
    pub(super) fn value(&self, node: &Node) -> Value {
        let options = self.options();
        let secret = options
            .sources
            .get(node.span.file)
            .is_some_and(|source| source.secret);
        node.to_value(&ValueOptions {
            trusted: true,
            secret,
            vault: Some(&options.vault),
        })
    }

    /// Returns a mapping as a dictionary of values; an empty one where the node is something else.
    pub(super) fn dict(&self, node: &Node) -> Dict {
        self.value(node).as_dict().cloned().unwrap_or_default()
    }
}

/// A key of a mapping with its value.
#[derive(Clone, Copy)]
pub(super) struct Item<'n> {
    /// The key's text.
    pub(super) name: &'n str,
    /// The key.
    pub(super) key: &'n Node,
    /// The value.
    pub(super) value: &'n Node,
}

/// Returns the items of a mapping whose keys are text, in order; of a key that stands twice only the last.
pub(super) fn items(node: &Node) -> Vec<Item<'_>> {
    let mut all: Vec<Item<'_>> = Vec::new();
    for (key, value) in node.as_mapping().unwrap_or_default() {
        let Some(name) = key.as_str() else { continue };
        match all.iter_mut().find(|item| item.name == name) {
            Some(item) => (item.key, item.value) = (key, value),
            None => all.push(Item { name, key, value }),
        }
    }
    all
}

/// Returns the keys of a mapping that are no text.
pub(super) fn odd_keys(node: &Node) -> impl Iterator<Item = &Node> {
    node.as_mapping()
        .unwrap_or_default()
        .iter()
        .map(|(key, _)| key)
        .filter(|key| key.as_str().is_none())
}

/// Returns the place of a key or scalar with its length, so that the whole of it is underlined.
pub(super) fn whole(node: &Node) -> Span {
    match &node.kind {
        NodeKind::Scalar(scalar) if node.span.length <= 1 && !scalar.text.contains('\n') => {
            let length = u32::try_from(scalar.text.chars().count())
                .unwrap_or(1)
                .max(1);
            Span {
                length,
                ..node.span
            }
        }
        _ => node.span,
    }
}
