//! Tests of `find.rs`.

use super::*;
use crate::kit::FakeHost;
use crate::kit::fake::{assert_unchanged, failure};

const NOW: i64 = 1_700_000_000;

fn host() -> FakeHost {
    FakeHost::new()
        .file("/srv/a.log", "one\ntwo\n")
        .times("/srv/a.log", NOW, NOW - 7200)
        .file("/srv/b.txt", "x".repeat(3000))
        .mode("/srv/b.txt", 0o600)
        .file("/srv/.hidden", "")
        .file("/srv/sub/c.log", "three\n")
        .link("/srv/link", "sub")
}

/// The names that are found, joined.
fn found(pairs: &[(&str, &str)]) -> String {
    let args = pairs
        .iter()
        .fold(Dict::new().with("paths", "/srv"), |dict, (name, value)| {
            dict.with(*name, *value)
        });
    let outcome = assert_unchanged::<Find>(&args.into(), &host());
    let files = outcome.values.get("files").unwrap().as_list().unwrap();
    assert_eq!(
        outcome.values.get("matched"),
        Some(&Value::from(files.len()))
    );
    let paths: Vec<String> = files
        .iter()
        .map(|file| file.get("path").unwrap().to_text().replace("/srv/", ""))
        .collect();
    paths.join(" ")
}

#[test]
fn names_kinds_and_levels_choose() {
    assert_eq!(found(&[]), "a.log b.txt");
    assert_eq!(found(&[("hidden", "yes")]), ".hidden a.log b.txt");
    assert_eq!(
        found(&[("recurse", "yes"), ("patterns", "*.log")]),
        "a.log sub/c.log"
    );
    assert_eq!(
        found(&[("recurse", "yes"), ("depth", "1"), ("patterns", "*.log")]),
        "a.log"
    );
    assert_eq!(
        found(&[("recurse", "yes"), ("follow", "yes"), ("patterns", "*.log")]),
        "a.log link/c.log sub/c.log"
    );
    assert_eq!(found(&[("excludes", "*.log,q")]), "b.txt");
    assert_eq!(
        found(&[("use_regex", "yes"), ("patterns", "^[ab]\\.l")]),
        "a.log"
    );
    assert_eq!(found(&[("use_regex", "yes"), ("patterns", "log")]), "");
    assert_eq!(found(&[("file_type", "directory")]), "sub");
    assert_eq!(found(&[("file_type", "link")]), "link");
    assert_eq!(found(&[("file_type", "any")]), "a.log b.txt link sub");
    assert_eq!(found(&[("limit", "1")]), "a.log");
}

#[test]
fn age_size_mode_and_content_choose() {
    assert_eq!(found(&[("age", "1h")]), "a.log");
    assert_eq!(found(&[("age", "-1h")]), "b.txt");
    assert_eq!(found(&[("age", "1h"), ("age_stamp", "atime")]), "");
    assert_eq!(found(&[("size", "2k")]), "b.txt");
    assert_eq!(found(&[("size", "-2k")]), "a.log");
    assert_eq!(found(&[("mode", "0600")]), "b.txt");
    assert_eq!(found(&[("mode", "u=rw,g=r,o=r")]), "a.log");
    assert_eq!(found(&[("mode", "0040"), ("exact_mode", "no")]), "a.log");
    assert_eq!(found(&[("contains", "tw.")]), "a.log");
    assert_eq!(found(&[("contains", "wo")]), "");
    assert_eq!(
        found(&[("contains", "e\\nt"), ("read_whole_file", "yes")]),
        "a.log"
    );
}

#[test]
fn files_are_described() {
    let args = Dict::new()
        .with("paths", "/srv")
        .with("pattern", "a.log")
        .with("get_checksum", true);
    let outcome = assert_unchanged::<Find>(&args.into(), &host());
    let file = &outcome.values.get("files").unwrap().as_list().unwrap()[0];
    assert_eq!(file.get("pw_name"), Some(&Value::from("root")));
    assert_eq!(file.get("mode"), Some(&Value::from("0644")));
    assert_eq!(file.get("isreg"), Some(&Value::from(true)));
    assert_eq!(file.get("checksum").unwrap().to_text().len(), 40);
    assert_eq!(outcome.values.get("examined"), Some(&Value::from(5)));
    assert_eq!(
        outcome.values.get("msg"),
        Some(&Value::from("All paths examined"))
    );
}

#[test]
fn what_cannot_be_looked_at_is_named() {
    let args = Dict::new().with("paths", vec!["/none", "/srv"]);
    let outcome = assert_unchanged::<Find>(&args.into(), &host());
    assert_eq!(outcome.values.get("matched"), Some(&Value::from(2)));
    assert!(
        outcome
            .values
            .get("skipped_paths")
            .unwrap()
            .get("/none")
            .is_some()
    );
    assert!(outcome.warnings[0].starts_with("Skipped '/none' path"));
}

#[test]
fn mistakes_are_explained() {
    let wrong = |name: &str, value: Value| {
        failure::<Find>(
            &Dict::new().with("paths", "/srv").with(name, value).into(),
            &host(),
        )
    };
    assert_eq!(wrong("age", "old".into()), "failed to process age");
    assert_eq!(wrong("size", "big".into()), "failed to process size");
    assert!(wrong("limit", 0.into()).contains("limit cannot be 0"));
    assert!(wrong("mode", 420.into()).contains("argument 'mode' is not a string"));
}
