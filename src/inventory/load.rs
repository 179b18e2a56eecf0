//! Inventory sources: files, directories and lists of hosts, each tried in the way that its name and text suggest.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::constructed::{Evaluation, OptionReader, construct};
use super::controller::Controller;
use super::data::Inventory;
use super::options::SourceOptions;
use super::variables::VarsDirectory;
use super::yaml::NotYaml;
use super::{ini, proxmox, yaml};
use crate::diag::{Diagnostic, Severity};
use crate::pattern::parse_address;
use crate::template::Templar;
use crate::varfile::Reader;
use crate::yaml::{LoadOptions, Node, ValueOptions};

/// What the sources gave.
#[derive(Debug)]
pub struct Loaded {
    /// Hosts and groups.
    pub inventory: Inventory,
    /// What is odd about them, in the order in which it was found.
    pub warnings: Vec<Diagnostic>,
    /// The directories beside which `group_vars/` and `host_vars/` are looked for, in order.
    pub directories: Vec<PathBuf>,
    /// At least one source could be read. Otherwise there is only the implicit localhost.
    pub parsed: bool,
}

/// Where a source that is not given and not there is nothing to talk about.
const DEFAULT_SOURCE: &str = "/etc/ansible/hosts";

/// Reads all sources (`-i`, or the configured ones), relative to the working directory.
pub fn load(
    sources: &[String],
    reader: &Reader<'_>,
    options: &SourceOptions,
) -> Result<Loaded, Vec<Diagnostic>> {
    let ignored = options
        .ignored_patterns
        .iter()
        .map(|pattern| {
            fancy_regex::Regex::new(pattern).map_err(|_| {
                vec![Diagnostic::error(
                    "config-value",
                    format!("`{pattern}` is no valid regular expression"),
                )]
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut loader = Loader {
        reader,
        options,
        ignored,
        inventory: Inventory::new(options.invalid_names),
        warnings: Vec::new(),
        fatal: Vec::new(),
        directories: Vec::new(),
        templar: Templar::new(),
    };
    let mut parsed = false;
    let mut directories = Vec::new();
    for source in sources.iter().filter(|source| !source.is_empty()) {
        let beside = vars_directory(source);
        loader
            .directories
            .extend(beside.iter().map(|path| Arc::new(VarsDirectory::new(path))));
        parsed |= loader.source(source)?;
        directories.extend(beside);
    }
    if !loader.fatal.is_empty() {
        return Err(loader.fatal);
    }
    let Loader {
        mut inventory,
        mut warnings,
        ..
    } = loader;
    if parsed {
        inventory.reconcile();
        warnings.extend(inventory.take_warnings());
    } else {
        inventory.update_depths();
        let headline = "no inventory was parsed, only implicit localhost is available";
        if options.all_unparsed_fails {
            return Err(vec![Diagnostic::error(
                "inventory-unparsed",
                "no inventory was parsed",
            )]);
        }
        if options.unparsed_warns {
            warnings.push(Diagnostic::warning("inventory-unparsed", headline));
        }
    }
    Ok(Loaded {
        inventory,
        warnings,
        directories,
        parsed,
    })
}

fn vars_directory(source: &str) -> Option<PathBuf> {
    let path = Path::new(source);
    if path.is_dir() {
        return Some(path.to_owned());
    }
    if source.contains(',') && !path.exists() {
        return None;
    }
    let parent = path.parent()?;
    Some(if parent.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        parent.to_owned()
    })
}

/// An absolute path without `.` and `..`; links stay.
fn absolute(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in std::path::absolute(path)
        .unwrap_or_else(|_| path.to_owned())
        .components()
    {
        match part {
            Component::ParentDir => {
                whole.pop();
            }
            Component::CurDir => {}
            other => whole.push(other),
        }
    }
    whole
}

struct Loader<'a> {
    reader: &'a Reader<'a>,
    options: &'a SourceOptions,
    ignored: Vec<fancy_regex::Regex>,
    inventory: Inventory,
    warnings: Vec<Diagnostic>,
    /// What ends the run: a source that says where hosts are and cannot tell them. Going on would mean to work on a part of
    /// the hosts as if it were all.
    fatal: Vec<Diagnostic>,
    /// The directories beside the sources so far.
    directories: Vec<Arc<VarsDirectory>>,
    templar: Templar,
}

impl Loader<'_> {
    /// Reads one source and tells whether it could be read.
    fn source(&mut self, source: &str) -> Result<bool, Vec<Diagnostic>> {
        let path = Path::new(source);
        let result = if path.is_dir() {
            self.directory(path)?
        } else if path.exists() {
            self.inventory.set_source(
                Some(absolute(path).display().to_string()),
                absolute(path).parent().map(Path::to_path_buf),
            );
            self.file(path)
        } else if source.contains(',') && self.options.only_proxmox {
            Ok(())
        } else if source.contains(',') {
            self.inventory.set_source(Some(source.to_owned()), None);
            self.list(source);
            Ok(())
        } else {
            Err(vec![Diagnostic::error(
                "file-unreadable",
                format!("there is no file `{source}`"),
            )])
        };
        self.inventory.set_source(None, None);
        self.warnings.extend(self.inventory.take_warnings());
        let Err(reasons) = result else {
            return Ok(true);
        };
        if source == DEFAULT_SOURCE && !path.exists() {
            return Ok(false);
        }
        let headline = format!("unable to parse `{source}` as an inventory source");
        if self.options.any_unparsed_fails {
            let mut errors = reasons;
            errors.push(Diagnostic::error("inventory-unparsed", headline));
            return Err(errors);
        }
        self.warnings
            .extend(reasons.into_iter().map(|reason| Diagnostic {
                severity: Severity::Warning,
                ..reason
            }));
        self.warnings
            .push(Diagnostic::warning("inventory-unparsed", headline));
        Ok(false)
    }

    fn directory(&mut self, path: &Path) -> Result<Result<(), Vec<Diagnostic>>, Vec<Diagnostic>> {
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                let headline = format!("`{}` cannot be read: {error}", path.display());
                return Ok(Err(vec![Diagnostic::error("file-unreadable", headline)]));
            }
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.retain(|name| !self.is_ignored(name));
        names.sort();
        let mut parsed = false;
        for name in &names {
            let Some(inner) = path.join(name).to_str().map(str::to_owned) else {
                continue;
            };
            parsed |= self.source(&inner)?;
        }
        Ok(if parsed { Ok(()) } else { Err(Vec::new()) })
    }

    fn is_ignored(&self, name: &str) -> bool {
        name.starts_with('.')
            || matches!(name, "host_vars" | "group_vars" | "vars_plugins")
            || self
                .options
                .ignored_extensions
                .iter()
                .any(|ending| name.ends_with(ending.as_str()))
            || self
                .ignored
                .iter()
                .any(|pattern| pattern.is_match(name).unwrap_or(false))
    }

    fn list(&mut self, source: &str) {
        for item in source
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
        {
            let address = parse_address(item, false);
            let (name, port) = address.map_or((item.to_owned(), None), |address| {
                (address.host, address.port)
            });
            if self.inventory.host(&name).is_none() {
                // Only an empty name is an error, and there is none here.
                let _ = ini::add_host(&mut self.inventory, &name, port, Inventory::UNGROUPED, &[]);
            }
        }
    }

    fn file(&mut self, path: &Path) -> Result<(), Vec<Diagnostic>> {
        let name = path.display().to_string();
        if self.options.only_proxmox && !proxmox::is_source(path) {
            return Ok(());
        }
        let unreadable = |error: std::io::Error| {
            vec![Diagnostic::error(
                "file-unreadable",
                format!("`{name}` cannot be read: {error}"),
            )]
        };
        let content = std::fs::read(path).map_err(unreadable)?;
        let executable =
            std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o111 != 0);
        if executable && content.starts_with(b"#!") {
            return Err(vec![
                Diagnostic::error("inventory-unsupported", format!("`{name}` is an inventory script, which is not supported yet"))
                    .help("write what it prints into a YAML file, or take the executable bit away if it is no script"),
            ]);
        }
        let extension = path.extension().and_then(|extension| extension.to_str());
        if extension == Some("toml") {
            return Err(vec![Diagnostic::error(
                "inventory-unsupported",
                format!("`{name}`: TOML inventories are not supported yet"),
            )]);
        }
        let (plain, secret) = self
            .reader
            .open(&name, &content)
            .map_err(|diagnostic| vec![diagnostic])?;
        let not_yaml = match extension {
            None | Some("yml" | "yaml" | "json") => match self.yaml(path, plain.expose(), secret) {
                Ok(()) => return Ok(()),
                Err(errors) => Some(errors),
            },
            Some(_) => None,
        };
        let not_ini = match self.ini(&name, plain.expose(), secret) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        // A name that promises YAML is told what is wrong as YAML, and so is a text that looks like it.
        let looks_ini = plain
            .expose()
            .split(|byte| *byte == b'\n')
            .any(|line| line.trim_ascii_start().starts_with(b"["));
        match not_yaml {
            Some(errors) if extension.is_some() || !looks_ini => Err(errors),
            _ => Err(vec![not_ini]),
        }
    }

    fn yaml(&mut self, path: &Path, plain: &[u8], secret: bool) -> Result<(), Vec<Diagnostic>> {
        let options = LoadOptions {
            duplicates: self.reader.duplicates,
            secret,
        };
        let name = path.display().to_string();
        let document = crate::yaml::load_bytes(self.reader.sources, &name, plain, &options)?;
        let values = ValueOptions {
            trusted: true,
            secret,
            vault: Some(self.reader.vault),
        };
        let plugin = document.root.get("plugin").and_then(Node::as_str);
        if self.options.only_proxmox && !plugin.is_some_and(|name| proxmox::NAMES.contains(&name)) {
            return Ok(());
        }
        let read = yaml::read(&mut self.inventory, &document.root, &values);
        match read {
            Ok(()) => {}
            Err(NotYaml::Wrong(diagnostic)) => return Err(vec![diagnostic]),
            Err(NotYaml::Plugin(plugin)) => {
                let odd = self.plugin(&plugin, path, &document.root, values)?;
                self.warnings.extend(odd);
            }
        }
        self.warnings.extend(document.warnings);
        Ok(())
    }

    /// Has a plugin read its file.
    fn plugin(
        &mut self,
        plugin: &str,
        path: &Path,
        root: &Node,
        values: ValueOptions<'_>,
    ) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let controller = Controller {
            reader: self.reader,
            options: self.options,
        };
        let evaluation = Evaluation {
            templar: &self.templar,
            outside: &controller,
            sources: self.reader.sources,
            extra: &self.options.extra,
        };
        let options = OptionReader::new(root, values);
        if proxmox::NAMES.contains(&plugin) {
            let read = proxmox::read(
                &mut self.inventory,
                path,
                &options,
                &evaluation,
                self.reader,
            );
            return Ok(read.unwrap_or_else(|errors| {
                self.fatal.extend(errors);
                Vec::new()
            }));
        }
        if matches!(
            plugin,
            "constructed" | "ansible.builtin.constructed" | "ansible.legacy.constructed"
        ) {
            let (inventory, directories) = (&mut self.inventory, &self.directories);
            return construct(inventory, &options, &evaluation, directories, self.reader);
        }
        let headline = format!("the inventory plugin `{plugin}` is not supported yet");
        Err(vec![
            Diagnostic::error("inventory-unsupported", headline).at(root.span, ""),
        ])
    }

    fn ini(&mut self, name: &str, plain: &[u8], secret: bool) -> Result<(), Diagnostic> {
        let text = match std::str::from_utf8(plain) {
            Ok(text) => text.to_owned(),
            Err(_) => only_comments_odd(plain).ok_or_else(|| {
                Diagnostic::error("inventory-syntax", format!("`{name}` is not UTF-8 text"))
                    .help("save the file as UTF-8")
            })?,
        };
        let sources = self.reader.sources;
        let file = if secret {
            sources.add_secret(name, text.as_str())
        } else {
            sources.add(name, text.as_str())
        };
        ini::read(&mut self.inventory, &text, file)
    }
}

/// Bytes that are no UTF-8 are borne with in comments.
fn only_comments_odd(plain: &[u8]) -> Option<String> {
    plain
        .split(|byte| *byte == b'\n')
        .map(|line| {
            let comment = line.trim_ascii_start().starts_with(b"#")
                || line.trim_ascii_start().starts_with(b";");
            if comment {
                Some(String::new())
            } else {
                std::str::from_utf8(line).ok().map(str::to_owned)
            }
        })
        .collect::<Option<Vec<_>>>()
        .map(|lines| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::diag::SourceMap;
    use crate::pattern::Groups as _;
    use crate::secrets::VaultSecrets;
    use crate::yaml::DuplicateKeys;

    fn loaded(sources: &[&str], options: &SourceOptions) -> Result<Loaded, Vec<Diagnostic>> {
        let map = SourceMap::default();
        let vault = VaultSecrets::default();
        let reader = Reader {
            sources: &map,
            vault: &vault,
            duplicates: DuplicateKeys::Warn,
        };
        let sources: Vec<String> = sources.iter().map(|source| (*source).to_owned()).collect();
        load(&sources, &reader, options)
    }

    fn hosts(loaded: &Loaded) -> String {
        loaded.inventory.hosts().join(" ")
    }

    fn headlines(loaded: &Loaded) -> Vec<&str> {
        loaded
            .warnings
            .iter()
            .map(|warning| warning.headline.as_str())
            .collect()
    }

    #[test]
    fn lists_of_hosts() {
        let loaded = loaded(&["a,b:2222, c,", "one,"], &SourceOptions::default()).unwrap();
        assert_eq!(hosts(&loaded), "a b c one");
        let a = loaded.inventory.host("a").unwrap();
        assert_eq!(
            (
                loaded.inventory.inventory_file(a),
                loaded.inventory.inventory_dir(a)
            ),
            (Some("a,b:2222, c,"), None)
        );
        assert!(loaded.warnings.is_empty() && loaded.directories.is_empty());
    }

    #[test]
    fn a_directory_is_many_sources_in_order() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(root.path().join(name), text).unwrap();
        std::fs::create_dir(root.path().join("group_vars")).unwrap();
        std::fs::create_dir(root.path().join("sub")).unwrap();
        write("group_vars/all.yml", "x: 1");
        write("20-b", "[web]\nb\n");
        write("10-a.yml", "web:\n  hosts:\n    a:\n");
        write("sub/x.ini", "[web]\nx\n");
        write("notes.md", "not an inventory");
        write("skip-me", "[web]\ny\n");
        let options = SourceOptions {
            ignored_patterns: vec!["^skip".to_owned()],
            ..SourceOptions::default()
        };
        let path = root.path().to_str().unwrap();
        let loaded = loaded(&[path], &options).unwrap();
        assert_eq!(loaded.inventory.hosts_of("web").join(" "), "a b x");
        assert_eq!(loaded.directories, [root.path()]);
        let a = loaded.inventory.host("a").unwrap();
        assert!(
            loaded
                .inventory
                .inventory_file(a)
                .unwrap()
                .ends_with("/10-a.yml")
        );
        assert_eq!(loaded.inventory.inventory_dir(a), Some(root.path()));
        assert!(loaded.warnings.is_empty(), "{:?}", headlines(&loaded));
    }

    #[test]
    fn what_cannot_be_read_is_a_warning_with_its_reason() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("bad"), "[web]\na b\n").unwrap();
        std::fs::write(path("bad.yml"), "web:\n  hosts: [a]\n").unwrap();
        std::fs::write(path("script"), "#!/bin/sh\necho\n").unwrap();
        std::fs::set_permissions(path("script"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let loaded = loaded(
            &[
                &path("bad"),
                &path("bad.yml"),
                &path("script"),
                &path("none"),
            ],
            &SourceOptions::default(),
        )
        .unwrap();
        assert!(!loaded.parsed);
        let said = headlines(&loaded).join("\n");
        for part in [
            "expected `name=value` after the host",
            "is a mapping, not a list",
            "inventory script",
            "there is no file",
            "only implicit localhost",
        ] {
            assert!(said.contains(part), "{part} in {said}");
        }
        assert_eq!(said.matches("unable to parse").count(), 4);
        assert!(loaded.warnings.iter().all(|warning| !warning.is_error()));
    }

    #[test]
    fn failing_can_be_demanded() {
        let any = SourceOptions {
            any_unparsed_fails: true,
            ..SourceOptions::default()
        };
        assert!(loaded(&["/nonexistent", "a,"], &any).is_err());
        let all = SourceOptions {
            all_unparsed_fails: true,
            ..SourceOptions::default()
        };
        assert!(
            loaded(&["/nonexistent"], &all).is_err()
                && loaded(&["/nonexistent", "a,"], &all).is_ok()
        );
    }

    #[test]
    fn comments_may_hold_any_bytes() {
        assert_eq!(only_comments_odd(b"# \xff\na\n").unwrap(), "\na\n");
        assert!(only_comments_odd(b"a\xff\n").is_none());
    }

    #[test]
    fn ten_thousand_hosts_load_fast() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("hosts");
        let mut text = "[web]\nweb[1:5000] a=1\n[ungrouped]\n".to_owned();
        for number in 0..5_000 {
            let _ = writeln!(
                text,
                "node{number} ansible_host=10.0.0.{} b='x y'",
                number % 250
            );
        }
        text.push_str("[nodes]\nnode[0:4999]\n");
        std::fs::write(&path, text).unwrap();
        let start = std::time::Instant::now();
        let loaded = loaded(&[path.to_str().unwrap()], &SourceOptions::default()).unwrap();
        assert_eq!(loaded.inventory.hosts_of("all").len(), 10_000);
        assert!(loaded.inventory.hosts_of("ungrouped").is_empty());
        // Quadratic work would take minutes; the bound leaves room for a busy machine without optimisation.
        assert!(
            start.elapsed() < std::time::Duration::from_secs(10),
            "{:?}",
            start.elapsed()
        );
    }
}
