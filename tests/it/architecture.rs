//! Holds the tree to the plan of `docs/decisions/0001-floors.md`: who may use whom, and what every file owes its reader.
//!
//! Each law lists all its violations with file and line. A new folder of `src` gets its line in `FLOORS` and in `src/lib.rs`.

use std::collections::BTreeSet;

use crate::support::source::{SourceFile, folder_of_children, rust_files};

/// The floors, lowest first, and their folders in order. A file may use its own folder and every folder before it.
const FLOORS: &[&[&str]] = &[
    &["diag", "config", "http"],
    &[
        "secrets", "value", "vars", "yaml", "sops", "template", "varfile", "pattern",
    ],
    &["kit", "wire"],
    &["modules"],
    &["step"],
    NEIGHBOURS,
    &["engine"],
    &["report"],
    &["cli"],
];

/// The floor whose folders do not know each other.
const NEIGHBOURS: &[&str] = &["worker", "remote", "inventory", "playbook"];

/// Crates that only these places may name, so that they can be exchanged and the worker stays small.
const CRATES: &[(&str, &[&str])] = &[
    ("annotate_snippets", &["src/diag/render/"]),
    ("clap", &["src/cli/"]),
    ("minijinja", &["src/template/syntax/"]),
    ("petgraph", &["src/engine/"]),
    ("russh", &["src/remote/"]),
    ("rustls", &["src/http/"]),
    ("saphyr_parser", &["src/yaml/"]),
    ("ureq", &["src/http/"]),
    (
        "tokio",
        &["src/remote/", "src/engine/", "src/report/", "src/cli/"],
    ),
];

/// The words that begin a reason for a file of more than 600 lines.
const LONG_FILE_REASON: &str = "Longer than most files";

const LONGEST: usize = 600;

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&room))
}

fn position_of(room: &str) -> Option<usize> {
    FLOORS
        .iter()
        .copied()
        .flatten()
        .position(|name| *name == room)
}

/// Why a file of `own` may not use `other`, if it may not.
fn objection(own: &str, other: &str, test: bool) -> Option<String> {
    if own == other {
        return None;
    }
    let (Some(own_floor), Some(other_floor)) = (floor_of(own), floor_of(other)) else {
        return Some(format!("`{other}` is no folder of the plan"));
    };
    if other_floor > own_floor {
        return Some(format!(
            "floor {own_floor} (`{own}`) uses floor {other_floor} (`{other}`)"
        ));
    }
    if NEIGHBOURS.contains(&own) && NEIGHBOURS.contains(&other) {
        return Some(format!("`{own}` uses its neighbour `{other}`"));
    }
    // Tests need not keep the order within a floor: they may build what they test with anything that stands beside it.
    if !test && position_of(other) > position_of(own) {
        return Some(format!(
            "`{other}` comes after `{own}` on floor {own_floor}"
        ));
    }
    None
}

#[track_caller]
fn none(law: &str, violations: &[String]) {
    assert!(
        violations.is_empty(),
        "{law}:\n  {}\n({} in all)",
        violations.join("\n  "),
        violations.len()
    );
}

fn sources() -> Vec<SourceFile> {
    rust_files("src")
}

/// All Rust files that people read and write, wherever they are.
fn everything() -> Vec<SourceFile> {
    [sources(), rust_files("tests")]
        .into_iter()
        .flatten()
        .collect()
}

/// `lib.rs` and the two programs stand outside of the floors.
fn in_a_room(file: &SourceFile) -> bool {
    file.path.matches('/').count() > 1 && file.room() != "bin"
}

#[test]
fn files_use_only_what_stands_below_them() {
    let mut violations = Vec::new();
    for file in sources().iter().filter(|file| in_a_room(file)) {
        for (line, name) in file.crate_paths() {
            if let Some(objection) = objection(file.room(), &name, file.is_test(line)) {
                violations.push(format!("{}:{line}: {objection}", file.path));
            }
        }
        for line in file.climbs_to_root() {
            violations.push(format!(
                "{}:{line}: `super` leaves the folder; write `crate::` so that the law can see it",
                file.path
            ));
        }
    }
    none(
        "a file may use its own folder and those below it",
        &violations,
    );
}

#[test]
fn the_law_of_floors_can_be_broken() {
    assert!(objection("kit", "kit", false).is_none());
    assert!(objection("kit", "value", false).is_none());
    assert!(objection("template", "yaml", false).is_none());
    assert!(objection("yaml", "template", false).is_some());
    assert!(objection("yaml", "template", true).is_none());
    assert!(objection("kit", "modules", true).is_some());
    assert!(objection("worker", "remote", true).is_some());
    assert!(objection("engine", "report", false).is_some());
    assert!(objection("engine", "helpers", false).is_some());
}

#[test]
fn lib_names_the_folders_in_floor_order() {
    let files = sources();
    let lib = files.iter().find(|file| file.path == "src/lib.rs").unwrap();
    let named: Vec<_> = lib.declared().into_iter().map(|(name, _)| name).collect();
    let planned: Vec<_> = FLOORS
        .iter()
        .copied()
        .flatten()
        .filter(|name| named.iter().any(|other| other == *name))
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(named, planned, "the `mod` lines of src/lib.rs");
    let folders: BTreeSet<_> = files
        .iter()
        .filter(|file| in_a_room(file))
        .map(|file| file.room().to_owned())
        .collect();
    assert_eq!(
        named.into_iter().collect::<BTreeSet<_>>(),
        folders,
        "the folders of src and the `mod` lines of src/lib.rs"
    );
}

#[test]
fn every_file_is_declared() {
    let mut violations = Vec::new();
    for (root, entry) in [("src", "src/lib.rs"), ("tests/it", "tests/it/main.rs")] {
        let files = rust_files(root);
        let declared: BTreeSet<_> = files
            .iter()
            .flat_map(|file| {
                let folder = folder_of_children(&file.path);
                file.declared().into_iter().flat_map(move |(name, _)| {
                    [
                        format!("{folder}{name}.rs"),
                        format!("{folder}{name}/mod.rs"),
                    ]
                })
            })
            .collect();
        for file in &files {
            let program = file.path == "src/main.rs" || file.path.starts_with("src/bin/");
            // Whether lib.rs names each folder is a law of its own.
            let room = file.path.matches('/').count() == 2
                && file.path.ends_with("/mod.rs")
                && root == "src";
            if file.path != entry && !program && !room && !declared.contains(&file.path) {
                violations.push(format!(
                    "{}: no `mod` line, so nobody compiles it",
                    file.path
                ));
            }
        }
    }
    none("every file is declared", &violations);
}

#[test]
fn the_programs_are_doors_only() {
    for (path, room) in [
        ("src/main.rs", "cli"),
        ("src/bin/kplay-worker.rs", "worker"),
    ] {
        let files = sources();
        let file = files.iter().find(|file| file.path == path).unwrap();
        assert!(
            file.text.lines().count() < 20,
            "{path} has 20 lines or more"
        );
        let used: BTreeSet<_> = file
            .code
            .match_indices("kplay::")
            .map(|(at, found)| file.code[at + found.len()..].trim_start())
            .map(|rest| {
                rest.split(|c: char| !c.is_alphanumeric())
                    .next()
                    .unwrap_or("")
            })
            .collect();
        assert_eq!(used, BTreeSet::from([room]), "what {path} calls");
    }
}

#[test]
fn every_file_says_why_it_exists() {
    let violations: Vec<_> = everything()
        .iter()
        .filter(|file| !file.text.starts_with("//! "))
        .map(|file| format!("{}:1", file.path))
        .collect();
    none(
        "a file opens with `//!`: why it exists and who calls it",
        &violations,
    );
}

#[test]
fn long_files_give_a_reason() {
    let violations: Vec<_> = everything()
        .iter()
        .filter(|file| file.text.lines().count() > LONGEST)
        .filter(|file| {
            let head: Vec<_> = file
                .text
                .lines()
                .take_while(|line| line.starts_with("//!"))
                .map(|line| line.trim_start_matches("//!").trim())
                .collect();
            !head.join(" ").contains(LONG_FILE_REASON)
        })
        .map(|file| format!("{}: {} lines", file.path, file.text.lines().count()))
        .collect();
    none(
        &format!("a file of more than {LONGEST} lines says `{LONG_FILE_REASON}: ...` in its head"),
        &violations,
    );
}

#[test]
fn nothing_is_left_to_do() {
    let mut violations = Vec::new();
    for file in sources() {
        for (line, (text, code)) in (1..).zip(file.text.lines().zip(file.code.lines())) {
            let comment = text.split_once("//").map_or("", |(_, comment)| comment);
            let unfinished = ["todo!", "unimplemented!"]
                .iter()
                .any(|word| code.contains(word))
                || ["TODO", "FIXME"].iter().any(|word| {
                    comment
                        .split(|c: char| !c.is_alphanumeric())
                        .any(|part| part == *word)
                });
            if unfinished {
                violations.push(format!("{}:{line}: {}", file.path, text.trim()));
            }
        }
    }
    none("what is not finished is not here", &violations);
}

#[test]
fn only_the_voice_writes_to_the_terminal() {
    let mut violations = Vec::new();
    for file in sources() {
        if ["cli", "report"].contains(&file.room()) {
            continue;
        }
        for (line, code) in (1..).zip(file.code.lines()) {
            let prints = ["print!", "println!", "eprint!", "eprintln!", "dbg!"]
                .iter()
                .any(|name| {
                    code.match_indices(name).any(|(at, _)| {
                        !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                    })
                });
            if prints && !file.is_test(line) {
                violations.push(format!("{}:{line}: {}", file.path, code.trim()));
            }
        }
    }
    none("only `report` and `cli` print", &violations);
}

#[test]
fn crates_stay_in_their_rooms() {
    let mut violations = Vec::new();
    for file in sources() {
        for (name, places) in CRATES {
            if places.iter().any(|place| file.path.starts_with(place)) {
                continue;
            }
            for (line, code) in (1..).zip(file.code.lines()) {
                let named = code.match_indices(&format!("{name}::")).any(|(at, _)| {
                    !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':')
                });
                if named {
                    violations.push(format!(
                        "{}:{line}: `{name}` belongs to {}",
                        file.path,
                        places.join(", ")
                    ));
                }
            }
        }
    }
    none("some crates are known in one place only", &violations);
}
