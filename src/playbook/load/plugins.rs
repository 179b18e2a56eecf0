//! Plugins of the project itself, which only Ansible can run: folders such as `library/`, and installed collections.

use std::path::{Path, PathBuf};

use super::Session;
use crate::playbook::names::PluginKind;

/// What the file of a plugin may end in.
fn stem(file: &str) -> Option<&str> {
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let compiled = std::path::Path::new(file)
        .extension()
        .is_some_and(|extension| extension == "pyc");
    (!stem.is_empty() && !stem.starts_with('_') && !compiled).then_some(stem)
}

impl Session<'_> {
    /// Takes note of a playbook's or role's folder, in which `library/` and other plugin folders may be.
    pub(super) fn add_plugin_folder(&mut self, folder: &Path) {
        if !self.play.plugin_folders.iter().any(|known| known == folder) {
            self.play.plugin_folders.push(folder.to_owned());
        }
    }

    fn folders(&self, names: &[&str]) -> Vec<PathBuf> {
        let mut all = Vec::new();
        for folder in &self.play.plugin_folders {
            all.extend(names.iter().map(|name| folder.join(name)));
        }
        all
    }

    /// Tells whether the project, the machine or an installed collection has a module of that name of its own.
    pub(super) fn local_module(&self, name: &str) -> bool {
        let short = name.strip_prefix("ansible.legacy.").unwrap_or(name);
        if short.contains('.') {
            return self.in_collection(short, &["modules", "action"]);
        }
        let mut folders = self.folders(&["library", "action_plugins"]);
        folders.extend(self.options().library.iter().cloned());
        folders.iter().any(|folder| {
            self.files()
                .list(folder)
                .iter()
                .any(|file| stem(file) == Some(short))
        })
    }

    /// Tells whether a filter, test or lookup may come from the project's own plugins or from an installed collection. Which
    /// ones a file of filters holds is only known to Python.
    pub(super) fn local_plugin(&self, kind: PluginKind, name: &str) -> bool {
        let folder = match kind {
            PluginKind::Filter => "filter",
            PluginKind::Test => "test",
            PluginKind::Lookup => "lookup",
        };
        if name.contains('.') {
            return self.collection_folder(name).is_some_and(|(path, _)| {
                self.files()
                    .is_directory(&path.join("plugins").join(folder))
            });
        }
        let own = format!("{folder}_plugins");
        self.folders(&[&own]).iter().any(|folder| match kind {
            PluginKind::Lookup => self
                .files()
                .list(folder)
                .iter()
                .any(|file| stem(file) == Some(name)),
            PluginKind::Filter | PluginKind::Test => !self.files().list(folder).is_empty(),
        })
    }

    /// Returns the folder of the installed collection that a full name belongs to, and the rest of the name.
    pub(super) fn collection_folder<'n>(&self, name: &'n str) -> Option<(PathBuf, &'n str)> {
        let (namespace, rest) = name.split_once('.')?;
        let (collection, plugin) = rest.split_once('.')?;
        let beside = self
            .play
            .plugin_folders
            .first()
            .map(|folder| folder.join("collections"));
        beside
            .into_iter()
            .chain(self.options().collections_path.iter().cloned())
            .map(|path| {
                path.join("ansible_collections")
                    .join(namespace)
                    .join(collection)
            })
            .find(|path| self.files().is_directory(path))
            .map(|path| (path, plugin))
    }

    fn in_collection(&self, name: &str, kinds: &[&str]) -> bool {
        let Some((path, plugin)) = self.collection_folder(name) else {
            return false;
        };
        let plugins = path.join("plugins");
        let plugin = plugin.replace('.', "/");
        let (folder, last) = plugin.rsplit_once('/').unwrap_or(("", &plugin));
        kinds.iter().any(|kind| {
            let files = self.files().list(&plugins.join(kind).join(folder));
            files.iter().any(|file| stem(file) == Some(last))
        })
    }
}
