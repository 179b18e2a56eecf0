//! Golden cases: a directory of `tests/it/cases` is a small site that goes wrong, `output.snap` in it what kplay says of it.
//!
//! `err_CODE` is the case of a diagnostic's code; others show a mistake in its variants. `kplay -i hosts site.yml` runs in it, on this machine alone, unless a file `arguments`
//! says otherwise: its first line is the command line, the lines below set variables of the environment. A file `open` makes the
//! directory writable for everyone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kplay::diag::CODES;

use crate::support::{TestEnvironment, repository};

const LOCAL: &str = "localhost ansible_connection=local\n";

/// Codes that no site alone brings about, with the test that does.
const ELSEWHERE: [(&str, &str); 4] = [
    ("internal", "a bug in kplay"),
    ("limit", "src/varfile"),
    ("run", "tests/security"),
    ("ssh-config", "src/remote/ssh_config"),
];

fn copy(from: &Path, into: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if entry.path().is_dir() {
            fs::create_dir_all(into.join(&name)).unwrap();
            copy(&entry.path(), &into.join(name));
        } else if name != "output.snap" && name != "arguments" && name != "open" {
            fs::copy(entry.path(), into.join(name)).unwrap();
        }
    }
}

fn output(case: &Path) -> String {
    let mut environment = TestEnvironment::new().write("hosts", LOCAL);
    let work = environment.path("");
    copy(case, &work);
    if case.join("open").exists() {
        fs::set_permissions(&work, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let told = fs::read_to_string(case.join("arguments")).unwrap_or_default();
    let mut lines = told.lines();
    let arguments = lines.next().unwrap_or("-i hosts site.yml");
    for (name, value) in lines.filter_map(|line| line.split_once('=')) {
        environment = environment.variable(name, value);
    }
    let finished = environment.run(arguments.split_whitespace());
    finished.any().text()
}

#[test]
fn mistakes_are_told_as_they_were() {
    let mut failed = Vec::new();
    let mut cases: Vec<_> = fs::read_dir(repository("tests/it/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    for case in cases {
        let text = output(&case);
        let name = case.file_name().and_then(|name| name.to_str()).unwrap();
        let code = name.trim_start_matches("err_").replace('_', "-");
        // A warning is shown without its code.
        let told = text.contains(&format!("error[{code}]"))
            || text.contains("[WARNING]: ")
            || text.contains("[ERROR]: ");
        if !told {
            failed.push(format!("{code} is not told of:\n{text}"));
            continue;
        }
        insta::with_settings!({
            snapshot_path => &case,
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!("output", text);
        });
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_code_has_its_case() {
    let missing: Vec<&str> = CODES
        .iter()
        .map(|(code, _)| *code)
        .filter(|code| !ELSEWHERE.iter().any(|(other, _)| other == code))
        .filter(|code| {
            let case = format!("tests/it/cases/err_{}", code.replace('-', "_"));
            !repository(&case).is_dir()
        })
        .collect();
    assert!(
        missing.is_empty(),
        "codes without a golden case: {}",
        missing.join(", ")
    );
}
