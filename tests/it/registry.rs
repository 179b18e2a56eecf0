//! What every module owes: its name, its documentation, examples that load, a declared effect. From the registry alone, so that a
//! new module is held to it without a line here, but for its place in `EFFECTS`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use kplay::kit::{self, Effect};
use kplay::modules::{REGISTRY, all, find, schema};
use kplay::playbook::{
    ActionKind, Entry, Loader, Options, Reach, Renderer, SystemFiles, TagSelection,
};
use kplay::template::TemplateError;
use kplay::value::{Dict, Value};

use crate::support::source::{SourceFile, rust_files};
use crate::support::{TestEnvironment, manual, repository};

/// How far each module reaches beyond its host, short names. The rules that hang on it are in `docs/reference/effects.md`; a
/// module that is not named here has to be judged first.
const EFFECTS: &[(Effect, &[&str])] = &[
    (
        Effect::Pure,
        &[
            "assert",
            "debug",
            "fail",
            "include_vars",
            "load_vars",
            "set_fact",
            "set_stats",
            "validate_argument_spec",
        ],
    ),
    (
        Effect::Host,
        &[
            "alternatives",
            "assemble",
            "async_status",
            "authorized_key",
            "blockinfile",
            "copy",
            "cron",
            "dpkg_selections",
            "fetch",
            "file",
            "find",
            "group",
            "hostname",
            "ini_file",
            "known_hosts",
            "lineinfile",
            "modprobe",
            "package_facts",
            "ping",
            "replace",
            "service_facts",
            "setup",
            "slurp",
            "stat",
            "sysctl",
            "tempfile",
            "template",
            "timezone",
            "user",
        ],
    ),
    (
        Effect::Sees,
        &[
            "apt_key",
            "apt_repository",
            "deb822_repository",
            "get_url",
            "getent",
            "helm_info",
            "helm_repository",
            "k8s_info",
            "unarchive",
            "uri",
            "wait_for",
        ],
    ),
    (
        Effect::Shows,
        &[
            "apt",
            "mount",
            "package",
            "reboot",
            "service",
            "snap",
            "systemd_service",
            "ufw",
        ],
    ),
    (
        Effect::World,
        &[
            "add_host",
            "command",
            "group_by",
            "helm",
            "include_role",
            "include_tasks",
            "k8s",
            "k8s_drain",
            "k8s_taint",
            "meta",
            "pause",
            "raw",
            "script",
            "shell",
            "sops_encrypt",
            "wait_for_connection",
        ],
    ),
];

#[track_caller]
fn none(law: &str, violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{law}:\n  {}",
        violations.join("\n  ")
    );
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The folders of `src/modules`, which are the families.
fn families() -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(repository("src/modules"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn names_are_full_and_unique() {
    let mut seen = BTreeSet::new();
    let mut violations = Vec::new();
    for meta in all().map(kit::Entry::meta) {
        for name in [&meta.name].into_iter().chain(meta.aliases) {
            let parts: Vec<_> = name.split('.').collect();
            if parts.len() != 3 || !parts.iter().all(|part| is_name(part)) {
                violations.push(format!("`{name}` is not collection.of.name in lower case"));
            }
            if !seen.insert(*name) {
                violations.push(format!("`{name}` means two modules"));
            }
        }
    }
    none("full names, each meaning one module", &violations);
}

#[test]
fn every_name_finds_its_module() {
    for entry in all() {
        let meta = entry.meta();
        for name in [&meta.name].into_iter().chain(meta.aliases) {
            assert_eq!(find(name).unwrap().meta().name, meta.name);
        }
    }
    assert!(find("ansible.builtin.no_such_module").is_none());
}

#[test]
fn families_are_folders_and_modules_are_sorted() {
    let families = families();
    assert_eq!(REGISTRY.len(), families.len(), "{families:?}");
    for (family, entries) in families.iter().zip(REGISTRY) {
        let metas: Vec<_> = entries.iter().map(|entry| entry.meta()).collect();
        for meta in &metas {
            assert_eq!(meta.family, family, "the family of {}", meta.name);
        }
        assert!(
            metas.is_sorted_by_key(|meta| meta.short_name()),
            "{family}: {:?} is not sorted",
            metas
                .iter()
                .map(|meta| meta.short_name())
                .collect::<Vec<_>>()
        );
    }
}

/// The types that follow `before` in the code, by file.
fn types_after(files: &[SourceFile], before: &str) -> BTreeSet<String> {
    files
        .iter()
        .flat_map(|file| {
            file.code.match_indices(before).map(|(at, found)| {
                let line = file.code[..at].matches('\n').count() + 1;
                let rest = &file.code[at + found.len()..];
                let name = rest
                    .split(|c: char| !c.is_alphanumeric() && c != ':' && c != '_')
                    .next();
                (
                    file.is_test(line),
                    name.unwrap_or_default()
                        .rsplit("::")
                        .next()
                        .unwrap_or_default(),
                )
            })
        })
        .filter(|(test, _)| !test)
        .map(|(_, name)| name.to_owned())
        .collect()
}

#[test]
fn what_is_written_is_registered() {
    for (family, entries) in families().iter().zip(REGISTRY) {
        let files = rust_files(&format!("src/modules/{family}"));
        let union = |words: [&str; 2]| -> BTreeSet<_> {
            words
                .into_iter()
                .flat_map(|word| types_after(&files, word))
                .collect()
        };
        let written = union(["impl Module for ", "impl Control for "]);
        let registered = union(["Entry::module::<", "Entry::control::<"]);
        assert_eq!(
            written, registered,
            "modules in src/modules/{family} and its ENTRIES"
        );
        assert_eq!(written.len(), entries.len(), "ENTRIES of {family}");
    }
}

#[test]
fn effects_are_those_of_the_table() {
    let mut table = BTreeMap::new();
    for (effect, names) in EFFECTS {
        assert!(names.is_sorted(), "{names:?}");
        for name in *names {
            assert!(
                table.insert(*name, *effect).is_none(),
                "`{name}` stands in the table twice"
            );
        }
    }
    let violations: Vec<_> = all()
        .map(kit::Entry::meta)
        .filter(|meta| table.get(meta.short_name()) != Some(&meta.effect))
        .map(|meta| {
            format!(
                "{} says {:?}, the table {:?}",
                meta.name,
                meta.effect,
                table.get(meta.short_name())
            )
        })
        .collect();
    none("a module's effect is what the table says", &violations);
}

#[test]
fn every_argument_is_documented() {
    let violations: Vec<_> = all()
        .flat_map(|entry| {
            manual::undocumented(&schema(entry))
                .into_iter()
                .map(move |argument| format!("{}: {argument}", entry.meta().name))
        })
        .collect();
    none("every argument has a doc comment", &violations);
}

#[test]
fn every_manual_has_its_parts() {
    let mut violations = Vec::new();
    for entry in all() {
        let name = entry.meta().name;
        let text = manual::text(&schema(entry));
        let title = text.lines().next().unwrap_or_default();
        if title.is_empty() || title.ends_with('.') {
            violations.push(format!(
                "{name}: the first line is a sentence without a full stop, not `{title}`"
            ));
        }
        let headings = manual::headings(&text);
        for wanted in ["Check mode", "Returns", "Examples"] {
            if !headings.iter().any(|heading| heading == wanted) {
                violations.push(format!("{name}: no `## {wanted}`"));
            }
        }
        for heading in &headings {
            if !["Check mode", "Returns", "Examples", "Differs from Ansible"]
                .contains(&heading.as_str())
            {
                violations.push(format!("{name}: `## {heading}` is not a part of a manual"));
            }
        }
        if manual::examples(&text).is_empty() {
            violations.push(format!("{name}: no example"));
        }
    }
    none(
        "a manual has a title, its parts and an example",
        &violations,
    );
}

/// The examples need no template at load.
struct NoTemplates;

impl Renderer for NoTemplates {
    fn render(&self, value: &Value, _: &Dict) -> Result<Value, TemplateError> {
        Ok(value.clone())
    }
}

fn loader() -> Loader {
    Loader::new(Options {
        sources: kplay::diag::SourceMap::default(),
        files: Arc::new(SystemFiles),
        vault: Arc::default(),
        duplicates: kplay::yaml::DuplicateKeys::Error,
        roles_path: Vec::new(),
        collections_path: Vec::new(),
        library: Vec::new(),
        extra: Dict::new(),
        private_role_vars: None,
        strict_keywords: true,
        renderer: Arc::new(NoTemplates),
        templar: Arc::default(),
    })
}

/// Loads an example as the tasks of a play; returns what is wrong with it and the modules that it shows.
fn load_example(example: &str) -> (Vec<String>, BTreeSet<String>) {
    let indented: String = example
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect();
    let environment = TestEnvironment::new().write(
        "example.yml",
        &format!("- hosts: all\n  tasks:\n{indented}"),
    );
    let loader = loader();
    let loaded = loader.playbook(Path::new(&environment.path("example.yml")));
    let reach = Reach {
        hosts: &|_| true,
        tags: &TagSelection::default(),
    };
    let findings: Vec<_> = loaded
        .item
        .iter()
        .flat_map(|playbook| loader.findings(playbook, &reach))
        .collect();
    let mut shown = BTreeSet::new();
    let plays = loaded.item.iter().flat_map(|playbook| &playbook.plays);
    for play in plays {
        let mut waiting: Vec<&Entry> = play.tasks.iter().collect();
        while let Some(entry) = waiting.pop() {
            match entry {
                Entry::Task(task) => {
                    shown.insert(match &task.action.kind {
                        ActionKind::Module(entry) => entry.meta().name.to_owned(),
                        _ => task.action.name.to_string(),
                    });
                }
                Entry::Block(block) => {
                    waiting.extend(block.block.iter().chain(&block.rescue).chain(&block.always));
                }
                Entry::RoleEnd(_) => {}
            }
        }
    }
    // An example may speak of handlers, roles and modules that are not there.
    let part =
        |code: &str| !["role-not-found", "unknown-handler", "unsupported-module"].contains(&code);
    let wrong = loaded
        .diagnostics
        .iter()
        .chain(findings.iter().filter(|finding| part(&finding.code)))
        .map(|diagnostic| {
            format!(
                "{}: {}, line {}",
                diagnostic.code,
                diagnostic.headline,
                diagnostic.span().line
            )
        })
        .collect();
    (wrong, shown)
}

#[test]
fn examples_load_and_show_their_module() {
    let mut violations = Vec::new();
    for entry in all() {
        let name = entry.meta().name;
        for (number, example) in (1..).zip(manual::examples(&manual::text(&schema(entry)))) {
            let (wrong, shown) = load_example(&example);
            violations.extend(
                wrong
                    .iter()
                    .map(|wrong| format!("{name}, example {number}: {wrong}")),
            );
            if !shown.contains(name) {
                violations.push(format!("{name}, example {number} shows only {shown:?}"));
            }
        }
    }
    none("examples load as tasks", &violations);
}

#[test]
fn a_wrong_example_is_noticed() {
    let (wrong, _) = load_example("- ansible.builtin.stat:\n    pth: /etc\n");
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(wrong[0].contains("pth"), "{wrong:?}");
}
