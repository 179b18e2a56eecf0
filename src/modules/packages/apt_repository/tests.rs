//! `apt_repository` on a host with an apt that says what a real one says.

use super::*;
use crate::kit::FakeHost;
use crate::kit::fake::{assert_converges, assert_unchanged, check, exited, failure, printed, run};
use crate::value::Dict;

const LINE: &str = "deb http://repo.example/debian stable main";
const FILE: &str = "/etc/apt/sources.list.d/repo_example_debian.list";

fn host() -> FakeHost {
    FakeHost::new()
        .file(
            "/etc/apt/sources.list",
            "# main\n\ndeb  http://deb.example/ a b\n",
        )
        .file(
            "/etc/apt/sources.list.d/off.list",
            "#deb http://off.example x y # why\n",
        )
        .command(&["apt-get", "update"], printed(""))
}

fn args(repo: &str) -> Dict {
    Dict::new().with("repo", repo)
}

#[test]
fn a_source_is_added_and_removed_once() {
    let host = host();
    let outcome = assert_converges::<AptRepository>(&args(LINE).with("mode", "0600").into(), &host);
    assert_eq!(host.text(FILE), format!("{LINE}\n"));
    assert_eq!(host.mode_of(FILE), 0o600);
    assert_eq!(
        outcome.values.get("sources_added"),
        Some(&Value::list([FILE.into()]))
    );
    assert_eq!(outcome.diff[0].before_header.as_deref(), Some("/dev/null"));
    let updates = |host: &FakeHost| {
        host.ran()
            .iter()
            .filter(|argv| argv[0] == "apt-get")
            .count()
    };
    assert_eq!(updates(&host), 1);
    let gone = args(LINE)
        .with("state", "absent")
        .with("update_cache", false);
    assert_converges::<AptRepository>(&gone.into(), &host);
    assert!(!host.exists(FILE));
    assert_eq!(updates(&host), 1);
}

#[test]
fn a_source_that_is_off_is_switched_on() {
    let host = host();
    let off = "deb http://off.example x y";
    let outcome = assert_converges::<AptRepository>(&args(off).into(), &host);
    assert_eq!(
        host.text("/etc/apt/sources.list.d/off.list"),
        format!("{off} # why\n")
    );
    assert_eq!(outcome.values.get("sources_added"), Some(&Value::list([])));
    assert!(outcome.diff.is_empty());
    assert_eq!(
        host.text("/etc/apt/sources.list"),
        "# main\n\ndeb  http://deb.example/ a b\n"
    );
}

#[test]
fn blanks_do_not_make_another_source() {
    assert_unchanged::<AptRepository>(&args("deb http://deb.example/   a b").into(), &host());
}

#[test]
fn the_rest_of_a_list_stays() {
    let host = host();
    let gone = args("deb http://deb.example/ a b").with("state", "absent");
    assert_converges::<AptRepository>(&gone.into(), &host);
    assert_eq!(host.text("/etc/apt/sources.list"), "# main\n\n");
    let named = args(LINE).with("filename", "mine");
    assert_converges::<AptRepository>(&named.into(), &host);
    assert!(host.exists("/etc/apt/sources.list.d/mine.list"));
}

#[test]
fn what_cannot_be_updated_is_put_back() {
    let host = FakeHost::new()
        .file(
            "/etc/apt/sources.list.d/off.list",
            "#deb http://off.example x y\n",
        )
        .command(&["apt-get", "update"], exited(100, "", "E: no such host"));
    for repo in [LINE, "deb http://off.example x y"] {
        let given = args(repo).with("update_cache_retries", 1);
        let message = failure::<AptRepository>(&given.into(), &host);
        assert!(
            message.contains("Failed to update apt cache after 1 retries"),
            "{message}"
        );
    }
    assert!(!host.exists(FILE));
    assert_eq!(
        host.text("/etc/apt/sources.list.d/off.list"),
        "#deb http://off.example x y\n"
    );
}

#[test]
fn apt_says_where_its_lists_are() {
    let host = FakeHost::new()
        .directory("/srv/parts")
        .command(
            &["apt-config"],
            printed("MAIN='/srv/list'\nFOLDER='/srv/parts/'\n"),
        )
        .command(&["apt-get", "update"], printed(""));
    assert!(run::<AptRepository>(&args(LINE).into(), &host).changed);
    assert!(host.exists("/srv/parts/repo_example_debian.list"));
}

#[test]
fn mistakes_are_refused() {
    for (given, cause) in [
        (args(""), "non-empty"),
        (
            args("http://repo.example stable main"),
            "Invalid repository string",
        ),
        (args(&format!("# {LINE}")), "Invalid repository string"),
        (args(LINE).with("filename", "../x"), "filename"),
    ] {
        let message = failure::<AptRepository>(&given.into(), &host());
        assert!(message.contains(cause), "{message}");
    }
    assert!(check::<AptRepository>(&args(LINE).into(), &host()).changed);
}
