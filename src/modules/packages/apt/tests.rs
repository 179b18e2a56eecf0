//! Tests of `apt` on a host in memory.

use super::*;
use crate::kit::FakeHost;
use crate::kit::fake::{assert_converges, assert_unchanged, check, exited, failure, printed, run};
use crate::value::{Dict, Value};

const STATUS: &str = "/var/lib/dpkg/status";
const CURL: &str =
    "Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 7.88-1\n\n";
const LEFT: &str =
    "Package: old\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n\n";

fn host() -> FakeHost {
    FakeHost::new()
        .file(STATUS, format!("{CURL}{LEFT}"))
        .directory("/var/lib/apt/lists")
        .program("apt-get")
}

fn policy(name: &str, installed: &str, versions: &[&str]) -> String {
    let table: String = versions
        .iter()
        .map(|version| format!("     {version} 500\n        500 file:/opt ./ Packages\n"))
        .collect();
    let candidate = versions.first().unwrap_or(&"(none)");
    format!(
        "{name}:\n  Installed: {installed}\n  Candidate: {candidate}\n  Version table:\n{table}"
    )
}

fn args(name: &str) -> Dict {
    Dict::new().with("name", name)
}

const SIMULATED: &str = "Reading state information...\nThe following NEW packages will be installed:\n  jq\n0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.\nInst jq (1.6)\n";

fn with_jq(host: FakeHost) -> FakeHost {
    host.command(
        &["apt-cache", "policy"],
        printed(&policy("jq", "(none)", &["1.6", "1.5"])),
    )
    .script(&["/usr/bin/apt-get"], |command, host| {
        if !command.argv.contains(&"--simulate".to_owned()) {
            host.write(
                STATUS,
                format!("{CURL}Package: jq\nStatus: install ok installed\nVersion: 1.6\n\n"),
            );
        }
        printed(SIMULATED)
    })
}

#[test]
fn what_is_installed_needs_no_process() {
    let host = host();
    for name in ["curl", "curl:amd64", "curl>=7.1", "curl=7.88-1"] {
        assert_unchanged::<Apt>(&args(name).into(), &host);
    }
    let absent = Dict::new().with("pkg", "old,none").with("state", "absent");
    let outcome = assert_unchanged::<Apt>(&absent.into(), &host);
    assert!(outcome.values.is_empty());
    assert!(host.ran().is_empty());
}

#[test]
fn a_package_is_installed_in_its_candidate_version() {
    let host = with_jq(host());
    let outcome = assert_converges::<Apt>(&args("jq").into(), &host);
    let last = host
        .ran()
        .into_iter()
        .rfind(|argv| argv[0] == "/usr/bin/apt-get")
        .unwrap();
    assert_eq!(last[last.len() - 3..], ["install", "--", "jq=1.6"]);
    assert!(last.contains(&"DPkg::Lock::Timeout=60".to_owned()));
    assert_eq!(
        outcome.values.get("cache_updated"),
        Some(&Value::from(false))
    );
    let prepared = outcome.diff[0].prepared.as_deref().unwrap();
    assert!(
        prepared.starts_with("The following NEW") && prepared.ends_with("not upgraded."),
        "{prepared}"
    );
    let command = &host.commands()[1];
    assert!(
        command
            .environment
            .contains(&("DEBIAN_FRONTEND".to_owned(), "noninteractive".to_owned()))
    );
    assert!(
        command
            .environment
            .contains(&("LC_ALL".to_owned(), "C".to_owned()))
    );
}

#[test]
fn versions_may_be_patterns_and_must_exist() {
    let host = with_jq(host());
    run::<Apt>(&args("jq=1.5*").into(), &host);
    assert!(
        host.ran()
            .iter()
            .any(|argv| argv.contains(&"jq=1.5".to_owned()))
    );
    let host = with_jq(self::host());
    assert_eq!(
        failure::<Apt>(&args("jq=9").into(), &host),
        "no available installation candidate for jq=9"
    );
    let host = self::host()
        .command(&["apt-cache", "policy"], printed(""))
        .command(
            &["apt-cache", "showpkg"],
            printed("Package: nothing\nReverse Provides: \n"),
        );
    let outcome = run::<Apt>(&args("nothing").into(), &host);
    assert_eq!(
        outcome.values.get("msg"),
        Some(&Value::from("No package matching 'nothing' is available"))
    );
    assert_eq!(
        outcome.values.len(),
        1,
        "nothing of the cache: {:?}",
        outcome.values
    );
}

#[test]
fn the_latest_is_asked_for() {
    let host = host().command(
        &["apt-cache", "policy"],
        printed(&policy("curl", "7.88-1", &["7.88-1"])),
    );
    assert_unchanged::<Apt>(&args("curl").with("state", "latest").into(), &host);
}

#[test]
fn a_failing_apt_is_shown_as_typed() {
    let host = host()
        .command(
            &["apt-cache", "policy"],
            printed(&policy("curl", "7.88-1", &["8.0", "7.0"])),
        )
        .command(
            &["/usr/bin/apt-get"],
            exited(100, "out", "E: Packages were downgraded\n"),
        );
    let outcome = run::<Apt>(&args("curl=7.0").into(), &host);
    assert!(outcome.failed);
    assert_eq!(
        outcome.values.get("msg").unwrap().to_text(),
        "'/usr/bin/apt-get -y -o \"Dpkg::Options::=--force-confdef\" -o \"Dpkg::Options::=--force-confold\" -o DPkg::Lock::Timeout=60       install 'curl=7.0'' failed: E: Packages were downgraded\n"
    );
    assert_eq!(outcome.values.get("rc"), Some(&Value::from(100)));
}

#[test]
fn an_update_of_the_cache_is_no_change_of_packages() {
    let host = host()
        .times("/var/lib/apt/lists", 0, 1_600_000_000)
        .script(&["apt-get", "update"], |_, host| {
            host.write("/var/lib/apt/periodic/update-success-stamp", "");
            printed("")
        })
        .directory("/var/lib/apt/periodic");
    let both = args("curl").with("update_cache", true);
    let checked = check::<Apt>(&both.clone().into(), &host);
    assert!(!checked.changed && host.ran().is_empty());
    let outcome = run::<Apt>(&both.into(), &host);
    assert!(!outcome.changed && !outcome.failed);
    assert_eq!(
        outcome.values.get("cache_updated"),
        Some(&Value::from(true))
    );
    let young = Dict::new()
        .with("update_cache", true)
        .with("cache_valid_time", 3600);
    let outcome = assert_unchanged::<Apt>(&young.into(), &host);
    assert_eq!(
        outcome.values.get("cache_updated"),
        Some(&Value::from(false))
    );
}

#[test]
fn t16_an_unsigned_source_fails_the_update() {
    let host = host().times("/var/lib/apt/lists", 0, 1).command(
        &["apt-get", "update"],
        exited(
            100,
            "",
            "E: The repository 'file:/x ./ Release' is not signed.",
        ),
    );
    let args = Dict::new()
        .with("update_cache", true)
        .with("update_cache_retries", 1);
    assert!(failure::<Apt>(&args.into(), &host).contains("is not signed"));
    assert!(
        host.ran()
            .iter()
            .flatten()
            .all(|word| !word.contains("unauthenticated"))
    );
}

#[test]
fn an_upgrade_of_nothing_changes_nothing() {
    let host = host().command(&["/usr/bin/apt-get"], printed("Calculating upgrade...\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n"));
    let outcome = assert_unchanged::<Apt>(&Dict::new().with("upgrade", "dist").into(), &host);
    assert!(outcome.values.contains("msg"));
    assert_unchanged::<Apt>(&Dict::new().with("autoremove", true).into(), &host);
}

#[test]
fn t12_names_are_operands() {
    let host = host()
        .command(&["apt-cache", "policy"], printed(""))
        .command(&["apt-cache", "showpkg"], printed("Reverse Provides: \n"));
    for name in [
        "-oDPkg::Pre-Invoke::=reboot",
        "$(reboot)",
        "x;reboot",
        "reboot\n",
    ] {
        run::<Apt>(&args(name).into(), &host);
    }
    assert!(!host.ran().is_empty());
    for argv in host.ran() {
        let mark = argv.iter().position(|word| word == "--").unwrap();
        assert!(
            argv[..mark].iter().all(|word| !word.contains("reboot")),
            "{argv:?}"
        );
    }
}

#[test]
fn services_are_held_back_while_packages_are_installed() {
    let host = with_jq(host()).directory("/usr/sbin");
    run::<Apt>(&args("jq").with("policy_rc_d", 101).into(), &host);
    assert!(
        host.operations()
            .iter()
            .any(|operation| operation == "commit /usr/sbin/policy-rc.d 0755")
    );
    assert!(!host.exists("/usr/sbin/policy-rc.d"));
}

#[test]
fn arguments_exclude_each_other() {
    let both = args("x").with("upgrade", "dist");
    assert!(failure::<Apt>(&both.into(), &host()).contains("mutually exclusive"));
    let twice = args("x=1=2");
    assert!(failure::<Apt>(&twice.into(), &host()).contains("invalid package spec"));
}
