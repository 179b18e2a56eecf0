//! The entry `sops` in formats without nesting: `age__list_0__map_enc`.

use crate::diag::Span;
use crate::sops::error::SopsError;
use crate::sops::metadata::NAME;
use crate::sops::scalar::flat_text;
use crate::sops::tree::{Entry, Name, Tree};

const MAP: &str = "__map_";
const LIST: &str = "__list_";
const PREFIX: &str = "sops_";

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Name(String),
    Position(usize),
}

fn damaged(path: &str) -> SopsError {
    SopsError::Metadata {
        why: format!("`{path}` does not fit the others"),
        span: Span::NONE,
    }
}

fn steps(path: &str) -> Result<Vec<Step>, SopsError> {
    let mut steps = Vec::new();
    let mut rest = path;
    let mut list = false;
    loop {
        let next = [MAP, LIST]
            .into_iter()
            .filter_map(|mark| Some((rest.find(mark)?, mark)))
            .min();
        let part = next.map_or(rest, |(at, _)| rest.get(..at).unwrap_or_default());
        steps.push(if list {
            Step::Position(part.parse().map_err(|_| damaged(path))?)
        } else {
            Step::Name(part.to_owned())
        });
        let Some((at, mark)) = next else {
            return Ok(steps);
        };
        list = mark == LIST;
        rest = rest.get(at + mark.len()..).unwrap_or_default();
    }
}

/// Gives a flat mapping its structure.
pub(super) fn unflatten(flat: &Tree) -> Result<Tree, SopsError> {
    let mut root = Tree::map([]);
    for entry in flat.entries() {
        if let Entry::Pair(name, value) = entry {
            // Newlines are written as two letters, or as they are by some versions.
            let value = match value.as_text() {
                Some(text) => Tree::text(text.replace("\\n", "\n")),
                None => value.clone(),
            };
            place(&mut root, &steps(&name.text)?, value, &name.text)?;
        }
    }
    Ok(root)
}

fn place(into: &mut Tree, steps: &[Step], value: Tree, path: &str) -> Result<(), SopsError> {
    use crate::sops::tree::Item;
    let Some((step, rest)) = steps.split_first() else {
        *into = value;
        return Ok(());
    };
    let empty = match rest.first() {
        Some(Step::Position(_)) => Tree::list([]),
        Some(Step::Name(_)) | None => Tree::map([]),
    };
    match (step, into) {
        (Step::Name(wanted), Tree::Map(entries, _)) => {
            let known = entries
                .iter()
                .position(|entry| matches!(entry, Entry::Pair(name, _) if name.text == *wanted));
            let at = known.unwrap_or_else(|| {
                let name = Name {
                    text: wanted.clone(),
                    span: Span::NONE,
                };
                entries.push(Entry::Pair(name, empty));
                entries.len() - 1
            });
            match entries.get_mut(at) {
                Some(Entry::Pair(_, next)) => place(next, rest, value, path),
                Some(Entry::Comment(_)) | None => Err(damaged(path)),
            }
        }
        (Step::Position(wanted), Tree::List(items, _)) => {
            // Parts of a list may come in any order (`10` sorts before `2`), but nobody has this many keys.
            if *wanted > 1000 {
                return Err(damaged(path));
            }
            while items.len() <= *wanted {
                items.push(Item::Value(Tree::map([])));
            }
            match items.get_mut(*wanted) {
                Some(Item::Value(next)) => place(next, rest, value, path),
                Some(Item::Comment(_)) | None => Err(damaged(path)),
            }
        }
        _ => Err(damaged(path)),
    }
}

/// Takes the structure off.
pub(super) fn flatten(tree: &Tree) -> Tree {
    let mut pairs = Vec::new();
    for entry in tree.entries() {
        if let Entry::Pair(name, value) = entry {
            collect(&name.text, value, &mut pairs);
        }
    }
    pairs.sort_by(|left, right| left.0.cmp(&right.0));
    Tree::map(pairs)
}

fn collect(path: &str, tree: &Tree, pairs: &mut Vec<(String, Tree)>) {
    match tree {
        Tree::Scalar(scalar) => {
            let text = flat_text(&scalar.leaf).replace('\n', "\\n");
            pairs.push((path.to_owned(), Tree::text(text)));
        }
        Tree::List(..) => {
            for (at, value) in tree.values().enumerate() {
                collect(&format!("{path}{LIST}{at}"), value, pairs);
            }
        }
        Tree::Map(entries, _) => {
            for entry in entries {
                if let Entry::Pair(name, value) = entry {
                    collect(&format!("{path}{MAP}{}", name.text), value, pairs);
                }
            }
        }
    }
}

/// Gathers the entries that begin with `sops_` under `sops`.
pub(super) fn nested(tree: Tree) -> Result<Tree, SopsError> {
    let Tree::Map(entries, span) = tree else {
        return Ok(tree);
    };
    let mut own = Vec::new();
    let mut rest = Vec::new();
    for entry in entries {
        match entry {
            Entry::Pair(name, value) if name.text.starts_with(PREFIX) => {
                let text = name.text.get(PREFIX.len()..).unwrap_or_default();
                own.push((text.to_owned(), value));
            }
            other => rest.push(other),
        }
    }
    if !own.is_empty() {
        let name = Name {
            text: NAME.to_owned(),
            span: Span::NONE,
        };
        rest.push(Entry::Pair(name, unflatten(&Tree::map(own))?));
    }
    Ok(Tree::Map(rest, span))
}

/// Puts `sops_` before the names.
pub(super) fn prefixed(flat: Tree) -> Vec<Entry> {
    let Tree::Map(entries, _) = flat else {
        return Vec::new();
    };
    entries
        .into_iter()
        .map(|entry| match entry {
            Entry::Pair(name, value) => Entry::Pair(
                Name {
                    text: format!("{PREFIX}{}", name.text),
                    ..name
                },
                value,
            ),
            comment @ Entry::Comment(_) => comment,
        })
        .collect()
}
