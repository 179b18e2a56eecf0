//! A host's variables as the inventory and the files beside it and the playbook give them: layers by level, not merged, so
//! that the engine looks through them by precedence and messages can say where a value comes from.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::data::{GroupId, Inventory};
use crate::diag::Diagnostic;
use crate::secrets::{SopsFiles, Unencrypted};
use crate::sops::SopsError;
use crate::value::{Dict, Kind, Value};
use crate::varfile::{EXTENSIONS, Reader, find, find_sops};
use crate::vars::Level;

/// Some variables of one level.
#[derive(Clone, Debug)]
pub struct Layer {
    /// The level.
    pub level: Level,
    /// The group or host that they belong to.
    pub owner: Arc<str>,
    /// The file, where they come from `group_vars/` or `host_vars/`.
    pub file: Option<PathBuf>,
    /// The variables, not rendered.
    pub vars: Arc<Dict>,
}

/// Which of the files for a name: SOPS's come after all others of their level and directory, as the plugin for them does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum FileKind {
    Plain,
    Sops,
}

/// Both, in their order.
const KINDS: [FileKind; 2] = [FileKind::Plain, FileKind::Sops];

/// One file's variables.
type File = (PathBuf, Arc<Dict>);
/// What there is for one group or host.
type Entry = Result<Arc<Vec<File>>, Vec<Diagnostic>>;

/// `group_vars/` and `host_vars/` in one directory. Files are read when a host first needs them, and once.
#[derive(Debug)]
pub struct VarsDirectory {
    groups: Folder,
    hosts: Folder,
    warnings: Mutex<Vec<Diagnostic>>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// The names in it, so that no host without a file costs a system call.
    names: HashSet<String>,
    read: Mutex<HashMap<(String, FileKind), Entry>>,
}

impl Folder {
    fn new(path: PathBuf, warnings: &mut Vec<Diagnostic>) -> Self {
        let mut names = HashSet::new();
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten();
            names.extend(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()));
        } else if path.exists() {
            warnings.push(Diagnostic::warning(
                "vars-file",
                format!("`{}` is not a directory and is passed over", path.display()),
            ));
        }
        Self {
            path,
            names,
            read: Mutex::default(),
        }
    }

    fn has(&self, name: &str, files: &SopsFiles) -> bool {
        let among = |end: &str| self.names.contains(&format!("{name}{end}"));
        !self.names.is_empty()
            && (self.names.contains(name)
                || EXTENSIONS.iter().any(|extension| among(&format!(".{extension}")))
                || files.extensions.iter().any(|end| among(end))
                // A name with a slash in it leads into a folder.
                || name.contains('/'))
    }

    fn get(
        &self,
        name: &str,
        kind: FileKind,
        reader: &Reader<'_>,
        warnings: &Mutex<Vec<Diagnostic>>,
    ) -> Entry {
        let sops = reader.vault.sops_files();
        // A host that is the path of a chroot must not leave the directory.
        if name.starts_with('/') || !self.has(name, sops) {
            return Ok(Arc::default());
        }
        let paths = match kind {
            FileKind::Plain => find(&self.path, name)
                .into_iter()
                .filter(|path| !sops.are(path))
                .collect(),
            FileKind::Sops => find_sops(&self.path, name, &sops.extensions),
        };
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (name.to_owned(), kind);
        if let Some(known) = read.get(&key) {
            return known.clone();
        }
        let mut files = Vec::new();
        let mut errors = Vec::new();
        for path in paths {
            match reader.read(&path) {
                Ok(file) if kind == FileKind::Sops && !file.sops => match sops.unencrypted {
                    Unencrypted::Error => {
                        errors.push(SopsError::NotSops.diagnostic(&path.display().to_string()));
                    }
                    Unencrypted::Skip => {}
                    Unencrypted::Warn => {
                        let text = format!(
                            "`{}` is not encrypted with SOPS and is passed over",
                            path.display()
                        );
                        let mut warnings = warnings.lock().unwrap_or_else(PoisonError::into_inner);
                        warnings.push(Diagnostic::warning("sops", text));
                    }
                },
                Ok(file) => {
                    warnings
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .extend(file.warnings);
                    files.push((path, Arc::new(file.vars)));
                }
                Err(found) => errors.extend(found),
            }
        }
        let entry = if errors.is_empty() {
            Ok(Arc::new(files))
        } else {
            Err(errors)
        };
        read.insert(key, entry.clone());
        entry
    }
}

impl VarsDirectory {
    /// Looks what is in `directory`, that of an inventory source or of a playbook.
    pub fn new(directory: &Path) -> Self {
        let mut warnings = Vec::new();
        let groups = Folder::new(directory.join("group_vars"), &mut warnings);
        let hosts = Folder::new(directory.join("host_vars"), &mut warnings);
        Self {
            groups,
            hosts,
            warnings: Mutex::new(warnings),
        }
    }

    fn group(&self, name: &str, kind: FileKind, reader: &Reader<'_>) -> Entry {
        self.groups.get(name, kind, reader, &self.warnings)
    }

    fn host(&self, name: &str, kind: FileKind, reader: &Reader<'_>) -> Entry {
        self.hosts.get(name, kind, reader, &self.warnings)
    }

    /// Returns what is odd about the files read so far, and forgets it.
    pub fn take_warnings(&self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Where `group_vars/` and `host_vars/` are looked for.
#[derive(Clone, Debug, Default)]
pub struct VarsDirectories {
    /// Beside the inventory's sources, in their order.
    pub inventory: Vec<Arc<VarsDirectory>>,
    /// Beside the playbook.
    pub playbook: Vec<Arc<VarsDirectory>>,
}

impl VarsDirectories {
    /// Returns the layers of a host, lowest precedence first. A host that is not in the inventory (the implicit localhost) has
    /// those of `all` and its own files.
    pub fn layers(
        &self,
        inventory: &Inventory,
        host: &str,
        reader: &Reader<'_>,
    ) -> Result<Vec<Layer>, Vec<Diagnostic>> {
        let mut out = Collector {
            layers: Vec::new(),
            errors: Vec::new(),
        };
        let id = inventory.host(host);
        let groups = id.map(|id| inventory.groups_of(id)).unwrap_or_default();
        out.inventory_group(inventory, Inventory::ALL);
        for group in &groups {
            out.inventory_group(inventory, *group);
        }
        let all: Arc<str> = "all".into();
        for (level, directories) in [
            (Level::InventoryGroupVarsAll, &self.inventory),
            (Level::PlaybookGroupVarsAll, &self.playbook),
        ] {
            for directory in directories {
                for kind in KINDS {
                    out.files(level, &all, directory.group(&all, kind, reader));
                }
            }
        }
        for (level, directories) in [
            (Level::InventoryGroupVars, &self.inventory),
            (Level::PlaybookGroupVars, &self.playbook),
        ] {
            for directory in directories {
                for kind in KINDS {
                    for group in &groups {
                        let name = inventory.group_name(*group);
                        out.files(level, &name, directory.group(&name, kind, reader));
                    }
                }
            }
        }
        let name: Arc<str> = host.into();
        if let Some(data) = id.and_then(|id| inventory.host_data(id)) {
            out.push(Level::InventoryHost, &name, None, &data.vars);
        }
        for (level, directories) in [
            (Level::InventoryHostVars, &self.inventory),
            (Level::PlaybookHostVars, &self.playbook),
        ] {
            for directory in directories {
                for kind in KINDS {
                    out.files(level, &name, directory.host(&name, kind, reader));
                }
            }
        }
        if out.errors.is_empty() {
            Ok(out.layers)
        } else {
            Err(out.errors)
        }
    }

    /// Returns the layers of a group alone, lowest precedence first.
    pub(super) fn group_layers(
        &self,
        inventory: &Inventory,
        group: GroupId,
        reader: &Reader<'_>,
    ) -> Result<Vec<Layer>, Vec<Diagnostic>> {
        let mut out = Collector {
            layers: Vec::new(),
            errors: Vec::new(),
        };
        let name = inventory.group_name(group);
        out.inventory_group(inventory, group);
        for (level, directories) in [
            (Level::InventoryGroupVars, &self.inventory),
            (Level::PlaybookGroupVars, &self.playbook),
        ] {
            for directory in directories {
                for kind in KINDS {
                    out.files(level, &name, directory.group(&name, kind, reader));
                }
            }
        }
        if out.errors.is_empty() {
            Ok(out.layers)
        } else {
            Err(out.errors)
        }
    }

    /// Returns the layers of a host alone, lowest precedence first.
    pub(super) fn host_layers(
        &self,
        inventory: &Inventory,
        host: &str,
        reader: &Reader<'_>,
    ) -> Result<Vec<Layer>, Vec<Diagnostic>> {
        let own = |layer: &Layer| {
            matches!(
                layer.level,
                Level::InventoryHost | Level::InventoryHostVars | Level::PlaybookHostVars
            )
        };
        Ok(self
            .layers(inventory, host, reader)?
            .into_iter()
            .filter(own)
            .collect())
    }

    /// Returns what is odd about the files read so far, and forgets it.
    pub fn take_warnings(&self) -> Vec<Diagnostic> {
        self.inventory
            .iter()
            .chain(&self.playbook)
            .flat_map(|directory| directory.take_warnings())
            .collect()
    }
}

struct Collector {
    layers: Vec<Layer>,
    errors: Vec<Diagnostic>,
}

impl Collector {
    fn push(&mut self, level: Level, owner: &Arc<str>, file: Option<PathBuf>, vars: &Arc<Dict>) {
        if !vars.is_empty() {
            self.layers.push(Layer {
                level,
                owner: owner.clone(),
                file,
                vars: vars.clone(),
            });
        }
    }

    fn inventory_group(&mut self, inventory: &Inventory, group: GroupId) {
        if let Some(data) = inventory.group_data(group) {
            self.push(
                Level::InventoryGroup,
                &inventory.group_name(group),
                None,
                &data.vars,
            );
        }
    }

    fn files(&mut self, level: Level, owner: &Arc<str>, entry: Entry) {
        match entry {
            Ok(files) => {
                for (path, vars) in files.iter() {
                    self.push(level, owner, Some(path.clone()), vars);
                }
            }
            Err(errors) => self.errors.extend(errors),
        }
    }
}

/// Returns the layers as one dictionary. With `deep` (`hash_behaviour = merge`) dictionaries join instead of hiding each other.
pub fn merge(layers: &[Layer], deep: bool) -> Dict {
    let mut merged = Dict::new();
    for layer in layers {
        join(&mut merged, &layer.vars, deep);
    }
    merged
}

fn join(into: &mut Dict, from: &Dict, deep: bool) {
    for (key, value) in from {
        let joined = match (into.get_key(key).map(Value::kind), value.kind()) {
            (Some(Kind::Dict(before)), Kind::Dict(after)) if deep => {
                let mut both = Dict::clone(before);
                join(&mut both, after, deep);
                Value::dict(both)
                    .with_marks(value.marks())
                    .with_origin(value.origin())
            }
            _ => value.clone(),
        };
        into.insert(key.clone(), joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, SourceMap};
    use crate::secrets::VaultSecrets;
    use crate::yaml::DuplicateKeys;

    struct Site {
        root: tempfile::TempDir,
        sources: SourceMap,
        vault: VaultSecrets,
    }

    impl Site {
        fn new(files: &[(&str, &str)]) -> Self {
            let root = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let path = root.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, text).unwrap();
            }
            Self {
                root,
                sources: SourceMap::default(),
                vault: VaultSecrets::default(),
            }
        }

        fn reader(&self) -> Reader<'_> {
            Reader {
                sources: &self.sources,
                vault: &self.vault,
                duplicates: DuplicateKeys::Warn,
            }
        }

        fn directories(&self) -> VarsDirectories {
            let directory =
                |name: &str| vec![Arc::new(VarsDirectory::new(&self.root.path().join(name)))];
            VarsDirectories {
                inventory: directory("inventory"),
                playbook: directory("playbook"),
            }
        }
    }

    fn inventory(text: &str) -> Inventory {
        let mut inventory = Inventory::default();
        super::super::ini::read(&mut inventory, text, FileId(1)).unwrap();
        inventory.reconcile();
        inventory
    }

    #[test]
    fn levels_come_in_ansibles_order() {
        let site = Site::new(&[
            ("inventory/group_vars/all.yml", "x: 2"),
            ("playbook/group_vars/all/main.yml", "x: 3"),
            ("inventory/group_vars/web.yml", "x: 4"),
            ("inventory/group_vars/prod", "x: 4"),
            ("playbook/group_vars/web.json", "{\"x\": 5}"),
            ("inventory/host_vars/a/x.yml", "x: 7"),
            ("playbook/host_vars/a.yaml", "x: 8"),
            ("playbook/host_vars/localhost.yml", "l: 1"),
        ]);
        let inventory = inventory(
            "[web]\na x=6\n[prod:children]\nweb\n[all:vars]\nx=1\n[web:vars]\nx=1\n[prod:vars]\nx=1\n",
        );
        let directories = site.directories();
        let layers = directories.layers(&inventory, "a", &site.reader()).unwrap();
        let order: Vec<_> = layers
            .iter()
            .map(|layer| format!("{}={}", layer.owner, layer.vars.get("x").unwrap().to_text()))
            .collect();
        assert_eq!(
            order,
            [
                "all=1", "prod=1", "web=1", "all=2", "all=3", "prod=4", "web=4", "web=5", "a=6",
                "a=7", "a=8"
            ]
        );
        let mut levels: Vec<Level> = layers.iter().map(|layer| layer.level).collect();
        levels.sort();
        assert_eq!(
            levels,
            layers.iter().map(|layer| layer.level).collect::<Vec<_>>()
        );
        let local = directories
            .layers(&inventory, "localhost", &site.reader())
            .unwrap();
        assert_eq!(
            local.iter().map(|layer| &*layer.owner).collect::<Vec<_>>(),
            ["all", "all", "all", "localhost"]
        );
    }

    #[test]
    fn files_of_sops_come_after_the_others_of_their_directory() {
        let sealed = std::fs::read_to_string("tests/vectors/sops/rops/age_example.yaml").unwrap();
        let mut site = Site::new(&[
            ("inventory/group_vars/web.yml", "hello: plain\n"),
            ("inventory/group_vars/prod.sops.yaml", &sealed),
            ("inventory/host_vars/b/x.sops.yml", "hello: 1\n"),
            ("inventory/group_vars/web.sops.yaml", ""),
        ]);
        std::fs::remove_file(site.root.path().join("inventory/group_vars/web.sops.yaml")).unwrap();
        site.vault = crate::secrets::testing::vault_of_rops();
        let inventory = inventory("[web]\na\nb\n[prod:children]\nweb\n");
        let hello = |site: &Site, host: &str| {
            let directories = site.directories();
            let layers = directories.layers(&inventory, host, &site.reader());
            layers.map(|layers| merge(&layers, false).get("hello").unwrap().to_text())
        };
        // The plugin for them runs after the one for plain files, for all groups at once.
        assert_eq!(
            hello(&site, "a").unwrap(),
            "Welcome to SOPS! Edit this file as you please!"
        );
        let error = hello(&site, "b").unwrap_err().remove(0);
        assert!(
            error.headline.contains("not encrypted with SOPS"),
            "{}",
            error.headline
        );
        site.vault.set_sops_files(SopsFiles {
            unencrypted: Unencrypted::Skip,
            ..SopsFiles::default()
        });
        assert_eq!(
            hello(&site, "b").unwrap(),
            "Welcome to SOPS! Edit this file as you please!"
        );
        site.vault.set_sops_files(SopsFiles {
            extensions: Vec::new(),
            ..SopsFiles::default()
        });
        assert_eq!(hello(&site, "a").unwrap(), "plain");
    }

    #[test]
    fn a_bad_file_concerns_only_its_hosts() {
        let site = Site::new(&[
            ("inventory/host_vars/a.yml", "- 1"),
            ("inventory/host_vars/b.yml", "x: 1\nx: 2"),
        ]);
        let inventory = inventory("a\nb\n");
        let directories = site.directories();
        assert!(directories.layers(&inventory, "a", &site.reader()).is_err());
        assert!(directories.layers(&inventory, "b", &site.reader()).is_ok());
        assert_eq!(directories.take_warnings().len(), 1);
        directories.layers(&inventory, "b", &site.reader()).unwrap();
        assert!(directories.take_warnings().is_empty());
    }

    #[test]
    fn merging_replaces_or_joins() {
        let layer = |text: &str| Layer {
            level: Level::InventoryGroup,
            owner: "g".into(),
            file: None,
            vars: Arc::new(
                Value::from_json(serde_json::from_str(text).unwrap())
                    .as_dict()
                    .unwrap()
                    .clone(),
            ),
        };
        let layers = [
            layer(r#"{"d": {"a": 1, "b": {"x": 1}}}"#),
            layer(r#"{"d": {"b": {"y": 2}}, "e": 1}"#),
        ];
        assert_eq!(
            Value::dict(merge(&layers, false)).to_repr(),
            "{'d': {'b': {'y': 2}}, 'e': 1}"
        );
        assert_eq!(
            Value::dict(merge(&layers, true)).to_repr(),
            "{'d': {'a': 1, 'b': {'x': 1, 'y': 2}}, 'e': 1}"
        );
    }
}
