//! Clusters of real Kubernetes and a tailnet on hosts of the lab, from nothing to validated, by this repository's playbooks: `tests/lab/full` and
//! `tests/lab/tailnet` do it, these tests ask whether they did.
//!
//! They need root on Debian and Go, of which the products are built once (twenty minutes; `tests/lab/platform/build`). Where that is not
//! possible they are reported as ignored, with the reason; with `KPLAY_LAB_REQUIRED=1` they fail instead.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// What a test is called, the script, the cluster's kind if it has one, and what the script is asked to do, in order.
const TESTS: &[(&str, &str, &str, &[&str])] = &[
    ("tailnet_from_joining_to_leaving", "tailnet", "", &["up"]),
    (
        "kubeadm_from_nothing_broken_in_every_way_and_taken_off",
        "full",
        "kubeadm",
        &["up", "wrong", "real"],
    ),
    (
        "k3s_from_nothing_and_the_other_engine_changes_nothing",
        "full",
        "k3s",
        &["up", "other-engine"],
    ),
    ("microk8s_from_nothing", "full", "microk8s", &["up"]),
];

/// A lab of their own, beside the one of the other tests.
const SLOT: &str = "40";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1); // each is a whole site, on the same hosts
    let trials = TESTS.iter().map(|(name, script, kind, stages)| {
        Trial::ignorable_test(*name, move || match missing() {
            None => run(script, kind, stages).map(|()| Completion::Completed),
            Some(what) if required() => Err(format!("needs {what}").into()),
            Some(what) => Ok(Completion::ignored_with(format!("needs {what}"))),
        })
    });
    let comparison = Trial::test("an_outcome_that_differs_is_named", || {
        an_outcome_that_differs_is_named().map_err(Failed::from)
    });
    libtest_mimic::run(&arguments, trials.chain([comparison]).collect()).exit_code()
}

/// The comparison with what ansible-core said of each task, tried on a run of its own: `tests/lab/platform/outcome`.
fn an_outcome_that_differs_is_named() -> Result<(), String> {
    let run = "PLAY [all] ****\n\nTASK [r : one] ****\nchanged: [h1] => (item=a)\nok: [h1] => (item=b)\nfailed: [h2] (item=a) => {}\n...ignoring\n\n\
        TASK [r : two] ****\nincluded: /x/roles/r/tasks/y.yml for h1, h2\n\nTASK [r : three] ****\nok: [h1 -> h2(192.0.2.1)]\nskipping: [h2]\n\nPLAY RECAP ****\n";
    let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
    let record = directory.path().join("record.json");
    let outcome = |verb: &str, more: &[&str], output: &str| {
        let mut child = Command::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/lab/platform/outcome"
        ))
        .arg(verb)
        .arg(&record)
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(output.as_bytes()).unwrap();
        drop(input);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), said)
    };
    outcome("write", &["2.19.14"], run);
    let text = std::fs::read_to_string(&record).map_err(|error| error.to_string())?;
    let expected = [
        r#"["all", "r : one", {"h1": "changed (1 changed, 1 ok)", "h2": "ignored (1 failed)"}]"#,
        r#"["all", "r : two", {"h1": "included (1 included)", "h2": "included (1 included)"}]"#,
        r#"["all", "r : three", {"h1": "ok -> h2", "h2": "skipped"}]"#,
    ];
    if let Some(line) = expected.iter().find(|line| !text.contains(**line)) {
        return Err(format!("{line} is not in {text}"));
    }
    let changes = [
        (run.to_owned(), None),
        (
            run.replace("ok: [h1] => (item=b)\n", ""),
            Some(
                "[all] r : one\n    h1: ansible-core changed (1 changed, 1 ok), here changed (1 changed)",
            ),
        ),
        (
            run.replace("h1 -> h2(192.0.2.1)", "h1"),
            Some("[all] r : three\n    h1: ansible-core ok -> h2, here ok"),
        ),
        (
            run.replace("three", "four"),
            Some("[all] r : four\n    only here: h1 ok -> h2, h2 skipped"),
        ),
        (
            run.replace("...ignoring\n", ""),
            Some("h2: ansible-core ignored (1 failed), here failed (1 failed)"),
        ),
    ];
    for (output, difference) in changes {
        let (same, said) = outcome("compare", &[], &output);
        if same != difference.is_none() || !said.contains(difference.unwrap_or("0 differences")) {
            return Err(format!("{output}\nwas compared so: {said}"));
        }
    }
    Ok(())
}

fn required() -> bool {
    std::env::var_os("KPLAY_LAB_REQUIRED").is_some_and(|value| value == "1")
}

/// What this machine lacks, if anything.
fn missing() -> Option<&'static str> {
    let output = Command::new("id").arg("-u").output().unwrap();
    if output.stdout != b"0\n" {
        return Some("root");
    }
    if !Path::new("/etc/debian_version").exists() {
        return Some("Debian");
    }
    let found = |program: &str| {
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .any(|directory| directory.join(program).is_file())
    };
    if !found("go") {
        return Some("Go");
    }
    if !found("gpg") || !found("systemd-nspawn") {
        return Some("the packages gnupg and systemd-container");
    }
    None
}

/// The last lines of what a stage said.
fn end(text: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines[lines.len().saturating_sub(40)..].concat()
}

/// Runs the stages; the output is shown if one of them fails, the minutes of each always.
fn run(script: &str, kind: &str, stages: &[&str]) -> Result<(), Failed> {
    let result = stages.iter().try_for_each(|stage| {
        let output = call(script, kind, stage);
        let text = String::from_utf8_lossy(&output.stdout);
        if let Some((_, minutes)) = text.split_once("=== minutes\n") {
            let mut screen = std::io::stdout().lock();
            write!(screen, "{script} {kind}, minutes:\n{minutes}").unwrap();
        }
        if output.status.success() {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        // At once as well: at the end, after all other tests, a long log may have lost it.
        let said = format!("{}{}", end(&text), end(&errors));
        writeln!(
            std::io::stdout().lock(),
            "{script} {kind} {stage} failed:\n{said}"
        )
        .unwrap();
        Err(Failed::from(format!("{script} {stage}: {text}{errors}")))
    });
    call(script, kind, "down");
    result
}

fn call(script: &str, kind: &str, stage: &str) -> std::process::Output {
    let engine = Path::new(env!("CARGO_BIN_EXE_kplay"));
    let lab = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab"));
    let mut command = Command::new(lab.join(script));
    // Cargo has built it if it builds all tests; else the script does.
    let proxmox = engine.with_file_name("examples/proxmox-server");
    if proxmox.is_file() {
        command.env("KPLAY_PROXMOX_SERVER", proxmox);
    }
    command
        .arg(stage)
        .env("KPLAY_LAB_CLUSTER", kind)
        .env("KPLAY_LAB_SLOT", SLOT)
        .env_remove("KPLAY_LAB")
        .env("KPLAY_ENGINE", engine)
        .output()
        .unwrap()
}
