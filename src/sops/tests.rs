//! Files that SOPS itself and other programs made (`tests/vectors/sops`), files that were changed, and files of our own.

use base64::Engine as _;
use std::path::PathBuf;

use super::*;
use crate::config::Environment;
use crate::secrets::AgeSettings;
use crate::value::Value;
use crate::yaml::{LoadOptions, ValueOptions, load_bytes};

fn keys(directory: &str) -> AgeKeys {
    let path = vector(&format!("{directory}/age-key.txt.b64"));
    let encoded: String = String::from_utf8(path)
        .unwrap()
        .split_whitespace()
        .collect();
    let text = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .unwrap();
    let key = String::from_utf8(text).unwrap();
    let key = key.lines().filter(|line| !line.starts_with('#'));
    AgeKeys::new(
        Environment::default(),
        AgeSettings {
            key: Some(key.collect::<String>().into()),
            ..AgeSettings::default()
        },
    )
}

fn vector(name: &str) -> Vec<u8> {
    std::fs::read(format!("tests/vectors/sops/{name}")).unwrap()
}

fn read(name: &str, reading: &Reading) -> Result<String, SopsError> {
    let (directory, file) = name.split_once('/').unwrap();
    let plain = decrypt(
        &vector(name),
        &PathBuf::from(file),
        reading,
        &keys(directory),
        &SourceMap::default(),
    )?;
    Ok(plain.text.expose_text().unwrap().to_owned())
}

fn value(text: &[u8]) -> Value {
    let sources = SourceMap::default();
    load_bytes(&sources, "t.yaml", text, &LoadOptions::default())
        .unwrap()
        .root
        .to_value(&ValueOptions::default())
}

#[test]
fn t20_every_file_of_rops_gives_its_plain_text() {
    let mut count = 0;
    for entry in std::fs::read_dir("tests/vectors/sops/rops").unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix("_plaintext.yaml") else {
            continue;
        };
        count += 1;
        let file = format!("rops/{stem}.yaml");
        let plain =
            read(&file, &Reading::default()).unwrap_or_else(|error| panic!("{file}: {error}"));
        let expected = vector(&format!("rops/{name}"));
        assert_eq!(
            value(plain.as_bytes()).to_repr(),
            value(&expected).to_repr(),
            "{file}"
        );
    }
    assert!(count >= 7);
}

#[test]
fn t20_every_file_of_sops_opens() {
    let mut texts = String::new();
    let mut names: Vec<String> = std::fs::read_dir("tests/vectors/sops/getsops")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("no_mac") && !name.ends_with("b64"))
        .collect();
    names.sort();
    for name in names {
        let plain = read(&format!("getsops/{name}"), &Reading::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        texts.push_str(&format!("== {name}\n{plain}"));
    }
    insta::assert_snapshot!(texts);
}

#[test]
fn a_file_without_a_mac_is_refused() {
    let error = read("getsops/no_mac.age.yaml", &Reading::default()).unwrap_err();
    assert!(error.to_string().contains("has no MAC"), "{error}");
}

#[test]
fn parts_and_other_formats() {
    let reading = |output, extract: &str| Reading {
        output,
        extract: (!extract.is_empty()).then(|| extract.to_owned()),
        ..Reading::default()
    };
    let file = "getsops/comments.age.yaml";
    assert_eq!(read(file, &reading(None, "[\"dolor\"]")).unwrap(), "sit");
    assert_eq!(
        read(file, &reading(Some(Format::Json), "")).unwrap(),
        "{\n\t\"lorem\": \"ipsum\",\n\t\"dolor\": \"sit\"\n}\n"
    );
    assert_eq!(
        read(file, &reading(Some(Format::Dotenv), "")).unwrap(),
        "# first comment in file\nlorem=ipsum\n# this-is-a-comment\ndolor=sit\n"
    );
    for wrong in ["[\"x\"]", "[0]", "dolor", "[\"dolor\"", "[\"dolor\"][1]"] {
        let error = read(file, &reading(None, wrong)).unwrap_err();
        assert!(matches!(error, SopsError::Extract { .. }), "{wrong}");
    }
    let error = read(file, &reading(Some(Format::Binary), "")).unwrap_err();
    assert!(matches!(error, SopsError::Output { .. }));
}

#[test]
fn the_wrong_key_names_whose_it_must_be_and_what_was_tried() {
    let error = decrypt(
        &vector("getsops/comments.age.yaml"),
        "comments.age.yaml".as_ref(),
        &Reading::default(),
        &keys("rops"),
        &SourceMap::default(),
    )
    .unwrap_err();
    let message = format!("{error}: {}", error.help().unwrap());
    assert!(message.contains(
        "encrypted for `age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvun`"
    ));
    assert!(message.contains("of `SOPS_AGE_KEY`") && message.contains("SOPS_AGE_KEY_FILE"));
    assert!(!message.contains("AGE-SECRET"));
}

fn opened(text: &str) -> Result<Node, SopsError> {
    let sources = SourceMap::default();
    let document = load_bytes(
        &sources,
        "x.sops.yaml",
        text.as_bytes(),
        &LoadOptions::default(),
    );
    let document = document.unwrap();
    assert!(is_encrypted(&document.root));
    open(
        &document.root,
        text,
        "x.sops.yaml".as_ref(),
        &keys("getsops"),
    )
}

#[test]
fn t20_what_was_changed_is_named_with_its_place() {
    let text = String::from_utf8(vector("getsops/example.age.yaml")).unwrap();
    assert!(opened(&text).is_ok());
    let line = text
        .lines()
        .find(|line| line.trim().starts_with("password:"))
        .unwrap();
    let data = line.split_once("data:").unwrap().1;
    let first = data.chars().next().unwrap();
    let other = if first == 'A' { 'B' } else { 'A' };
    let changed = text.replace(
        &format!("data:{data}"),
        &format!("data:{other}{}", &data[1..]),
    );
    let error = opened(&changed).unwrap_err();
    assert!(
        error.to_string().contains("password` was changed"),
        "{error}"
    );
    assert!(error.span().line > 1);
    let plain = text.replace(line, "        password: hunter2");
    let error = opened(&plain).unwrap_err();
    assert!(matches!(error, SopsError::Plain { .. }), "{error}");
    assert!(!error.to_string().contains("hunter2"));
    // One that is not encrypted, and one that is gone.
    let error = opened(&text.replace("going to remain", "going to stay")).unwrap_err();
    assert!(matches!(error, SopsError::Mac { .. }), "{error}");
    let error = opened(&text.replace(&format!("{line}\n"), "")).unwrap_err();
    assert!(matches!(error, SopsError::Mac { .. }), "{error}");
}

#[test]
fn values_that_were_encrypted_are_secret_and_the_others_are_not() {
    let text = String::from_utf8(vector("getsops/example.age.yaml")).unwrap();
    let value = opened(&text).unwrap().to_value(&ValueOptions {
        trusted: true,
        ..ValueOptions::default()
    });
    let app = value.get("app2").unwrap();
    let password = app.get("db").unwrap().get("password").unwrap();
    assert!(password.is_secret() && password.is_trusted());
    assert!(!app.is_secret() && value.get("sops").is_none());
    assert!(password.origin().line > 1);
}

#[test]
fn a_variable_called_sops_is_only_a_variable() {
    for text in ["sops: 3.10", "sops: {version: 3}", "a: 1"] {
        let sources = SourceMap::default();
        let document = load_bytes(&sources, "x", text.as_bytes(), &LoadOptions::default()).unwrap();
        assert!(!is_encrypted(&document.root), "{text}");
    }
}

const READER: &str = "age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvun";

fn encryption() -> Encryption {
    Encryption {
        age: vec![READER.to_owned()],
        ..Encryption::default()
    }
}

fn dictionary() -> Value {
    value(b"b: [1, 2.5, true, null, 'yes', {c: ''}]\na_unencrypted: x\nz: \"two\\nlines\\n\"\ne: {}\nf: []\n")
}

#[test]
fn t20_what_is_encrypted_comes_back_in_every_format() {
    let sources = SourceMap::default();
    let contents = [
        Content::Yaml(dictionary()),
        Content::Json(dictionary()),
        Content::Bytes(b"text\n".to_vec()),
        Content::Bytes(vec![0, 255, 10]),
    ];
    for content in contents {
        for name in ["x.yaml", "x.json", "x"] {
            let path = std::path::Path::new("/nowhere").join(name);
            let sealed = encrypt(&content, &path, &encryption(), &sources).unwrap();
            let text = String::from_utf8(sealed.clone()).unwrap();
            // Longer words than chance puts into base64.
            assert!(!text.contains("lines"), "{text}");
            let keys = keys("getsops");
            assert!(
                content.is_in(&sealed, &path, &keys, &sources).unwrap(),
                "{name} {content:?}"
            );
            let other = Content::Bytes(b"other".to_vec());
            let same = other.is_in(&sealed, &path, &keys, &sources);
            assert!(!same.unwrap_or(false));
        }
    }
}

#[test]
fn rules_decide_what_is_encrypted_and_for_whom() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("group_vars/all.sops.yaml");
    let make = |config: &str, encryption: &Encryption| {
        std::fs::write(directory.path().join(".sops.yaml"), config).unwrap();
        let content = Content::Yaml(value(b"open: 1\npassword: hunter2\n"));
        encrypt(&content, &path, encryption, &SourceMap::default())
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .map_err(|error| error.to_string())
    };
    let none = Encryption::default();
    let rule = format!(
        "creation_rules:\n- path_regex: ^host_vars/\n  age: age1x\n- path_regex: ^group_vars/.*\\.sops\\.yaml$\n  encrypted_regex: ^pass\n  mac_only_encrypted: true\n  age: {READER}\n"
    );
    let text = make(&rule, &none).unwrap();
    assert!(text.starts_with("open: 1\npassword: ENC["), "{text}");
    assert!(text.contains("encrypted_regex: ^pass") && text.contains("mac_only_encrypted: true"));
    assert!(opened(&text).is_ok());
    let error = make("creation_rules:\n- path_regex: nothing\n", &none).unwrap_err();
    assert!(error.contains("no creation rule of"), "{error}");
    let error = make("creation_rules:\n- age: ''\n", &none).unwrap_err();
    assert!(error.contains("nobody to encrypt for"), "{error}");
    let error = make("creation_rules:\n- age: age1x\n", &none).unwrap_err();
    assert!(error.contains("`age1x` is no recipient"), "{error}");
    let error = make("creation_rules:\n- age: x\n  pgp: ABC\n", &none).unwrap_err();
    assert!(error.contains("keys of `pgp`"), "{error}");
    let rules = Encryption {
        rules: vec![
            ("encrypted_regex".to_owned(), "a".to_owned()),
            ("encrypted_suffix".to_owned(), "b".to_owned()),
        ],
        ..encryption()
    };
    assert!(
        make(&rule, &rules)
            .unwrap_err()
            .contains("cannot be used together")
    );
}

#[test]
fn a_key_in_parts_takes_enough_groups() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.yaml");
    let other = "age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvun";
    let config = format!(
        "creation_rules:\n- shamir_threshold: 2\n  key_groups:\n  - age: [{READER}]\n  - age: [{other}]\n  - merge: [{{age: [{READER}]}}]\n"
    );
    std::fs::write(directory.path().join(".sops.yaml"), config).unwrap();
    let content = Content::Yaml(value(b"a: hunter2\n"));
    let sealed = encrypt(
        &content,
        &path,
        &Encryption::default(),
        &SourceMap::default(),
    )
    .unwrap();
    let text = String::from_utf8(sealed.clone()).unwrap();
    assert!(text.contains("key_groups:") && text.contains("shamir_threshold: 2"));
    assert!(
        content
            .is_in(&sealed, &path, &keys("getsops"), &SourceMap::default())
            .unwrap()
    );
    let error = content.is_in(&sealed, &path, &keys("rops"), &SourceMap::default());
    assert!(matches!(error, Err(SopsError::NoKey { .. })));
    let one = Encryption {
        threshold: Some(1),
        ..Encryption::default()
    };
    let error = encrypt(&content, &path, &one, &SourceMap::default());
    assert!(matches!(error, Err(SopsError::Threshold { .. })));
}
