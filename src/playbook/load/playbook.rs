//! Playbook files: lists of plays, and of imports of other playbooks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Session;
use super::documents::{Item, items, whole};
use super::play::Outer;
use super::shape::Shape;
use crate::diag::{Diagnostic, Span};
use crate::playbook::model::{Keywords, Play, Playbook, Scope, ScopeKind};
use crate::playbook::names::Owner;
use crate::value::Value;
use crate::yaml::Node;

const IMPORT: [&str; 3] = [
    "import_playbook",
    "ansible.builtin.import_playbook",
    "ansible.legacy.import_playbook",
];

impl Session<'_> {
    /// Loads a playbook from its file.
    pub(super) fn playbook(&mut self, path: &Path) -> Option<Playbook> {
        let path = self.files().absolute(path);
        if !self.files().is_file(&path) {
            let headline = if self.files().is_directory(&path) {
                format!("`{}` is a directory, not a playbook", self.shown(&path))
            } else {
                format!("there is no playbook `{}`", self.shown(&path))
            };
            self.report(Diagnostic::error("file-not-found", headline));
            return None;
        }
        let mut plays = Vec::new();
        self.plays(&path, Span::NONE, &Outer::default(), &mut plays)?;
        Some(Playbook { path, plays })
    }

    fn plays(
        &mut self,
        path: &PathBuf,
        from: Span,
        outer: &Outer,
        plays: &mut Vec<Arc<Play>>,
    ) -> Option<()> {
        if self.importing.contains(path) {
            let ring: Vec<String> = self.importing.iter().map(|open| self.shown(open)).collect();
            let diagnostic = Diagnostic::error(
                "import-loop",
                format!("`{}` imports itself", self.shown(path)),
            )
            .at(from, "")
            .note(format!(
                "the way round: {} -> {}",
                ring.join(" -> "),
                self.shown(path)
            ));
            self.report(diagnostic);
            return None;
        }
        let document = self.document(path, from)?;
        let root = &document.root;
        let name = self.shown(path);
        let Some(entries) = root.as_sequence() else {
            let diagnostic = if root.is_null() {
                Diagnostic::error("empty-playbook", format!("`{name}` is empty"))
                    .at(from.or(root.span), "")
            } else {
                let diagnostic = Diagnostic::error(
                    "playbook-not-a-list",
                    format!(
                        "a playbook is a list of plays, and `{name}` is {}",
                        root.describe()
                    ),
                );
                diagnostic
                    .at(root.span, "")
                    .help("begin each play with `- `, such as `- hosts: all`")
            };
            self.report(diagnostic);
            return None;
        };
        if entries.is_empty() {
            self.report(
                Diagnostic::error("empty-playbook", format!("`{name}` has no play"))
                    .at(root.span, ""),
            );
            return None;
        }
        self.importing.push(path.clone());
        let file: Arc<Path> = path.as_path().into();
        for entry in entries {
            if entry.as_mapping().is_none() {
                let headline = format!("a play must be a mapping, not {}", entry.describe());
                self.report(Diagnostic::error("play-not-a-mapping", headline).at(whole(entry), ""));
            } else if IMPORT.iter().any(|key| entry.get(key).is_some()) {
                self.import_playbook(entry, path, outer, plays);
            } else {
                plays.push(self.play(entry, &file, outer));
            }
        }
        self.importing.pop();
        Some(())
    }

    fn import_playbook(
        &mut self,
        node: &Node,
        path: &Path,
        outer: &Outer,
        plays: &mut Vec<Arc<Play>>,
    ) {
        self.refuse_odd_keys(Owner::ImportPlaybook, node);
        let mut keywords = Keywords::default();
        let mut faults = Vec::new();
        let mut file: Option<(Item<'_>, Value)> = None;
        for item in items(node) {
            if IMPORT.contains(&item.name) {
                if let Some((first, _)) = &file {
                    let diagnostic =
                        Diagnostic::error("conflicting-actions", "one item imports one playbook")
                            .at(whole(item.key), "the second");
                    self.report(diagnostic.and_at(whole(first.key), "the first"));
                    return;
                }
                file = Some((item, self.value(item.value)));
            } else if item.name == "name" {
                self.shaped(item, Shape::Text, &mut faults);
            } else if Owner::ImportPlaybook.has(item.name) {
                self.shared_keyword(item, &mut keywords, &mut faults);
            } else {
                self.unknown_keyword(Owner::ImportPlaybook, item.name, item.key);
            }
        }
        self.faults_of_many(faults, true);
        let Some((item, value)) = file else { return };
        let directory = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        self.play.directory.clone_from(&directory);
        let span = whole(item.value);
        let scope = Scope {
            kind: ScopeKind::Play,
            keywords: keywords.clone(),
            span: node.span,
            parent: None,
        };
        let Some(name) = self.static_text(&value, &scope, "the name of an imported playbook")
        else {
            return;
        };
        let Some(found) = self.find_playbook(&name, &directory) else {
            let shown = self.shown(&self.files().absolute(&directory.join(&name)));
            let diagnostic =
                Diagnostic::error("file-not-found", format!("there is no playbook `{name}`"))
                    .at(span, "");
            self.report(diagnostic.note(format!("looked at {shown}")));
            return;
        };
        let mut inner = outer.clone();
        // Of nested imports the outer one's variables win.
        let mut vars = keywords.vars;
        vars.extend(outer.vars.clone());
        inner.vars = vars;
        inner.tags.extend(keywords.tags);
        if !keywords.when.is_empty() {
            inner.when.push(keywords.when);
        }
        self.plays(&found, span, &inner, plays);
    }

    /// Returns the file of a playbook: beside the one that names it, or in an installed collection.
    fn find_playbook(&self, name: &str, directory: &Path) -> Option<PathBuf> {
        if name.matches('.').count() >= 2
            && !name.contains('/')
            && let Some((folder, short)) = self.collection_folder(name)
        {
            let stem = folder.join("playbooks").join(short);
            let found = ["", ".yml", ".yaml"]
                .iter()
                .map(|ending| PathBuf::from(format!("{}{ending}", stem.display())));
            if let Some(path) = found.into_iter().find(|path| self.files().is_file(path)) {
                return Some(path);
            }
        }
        let path = self.files().absolute(&directory.join(name));
        self.files().is_file(&path).then_some(path)
    }
}
