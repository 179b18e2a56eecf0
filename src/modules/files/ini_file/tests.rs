//! Tests of `ini_file`: sections, options, values, and what stays as it is.

use super::*;
use crate::kit::FakeHost;
use crate::kit::fake::{assert_converges, assert_unchanged, failure, run};
use crate::value::{Dict, Value};

const PATH: &str = "/etc/app.ini";

fn arguments(pairs: &[(&str, Value)]) -> Value {
    let mut all = Dict::new().with("path", PATH);
    for (name, value) in pairs {
        all.insert(*name, value.clone());
    }
    all.into()
}

/// Runs it on a file of that text; returns the message and the new text.
fn converged(text: &str, pairs: &[(&str, Value)]) -> (String, String) {
    let host = FakeHost::new().file(PATH, text);
    let outcome = assert_converges::<IniFile>(&arguments(pairs), &host);
    let message = outcome.values.get("msg").map(Value::to_text);
    (message.unwrap_or_default(), host.text(PATH))
}

fn drinks(pairs: &[(&'static str, &'static str)]) -> Vec<(&'static str, Value)> {
    let mut all = vec![("section", Value::from("drinks"))];
    all.extend(
        pairs
            .iter()
            .map(|(name, value)| (*name, Value::from(*value))),
    );
    all
}

#[test]
fn an_option_is_set_where_it_stands() {
    let text = "a=1\n[drinks]\nfav = tea\n# home = x\n\n[food]\nfav = rice\n";
    let (message, new) = converged(text, &drinks(&[("option", "fav"), ("value", "lemonade")]));
    assert_eq!(message, "option changed");
    assert_eq!(new, text.replace("tea", "lemonade"));
    let (_, new) = converged(text, &drinks(&[("option", "home"), ("value", "y")]));
    assert_eq!(new, text.replace("# home = x", "home = y"));
    let host = FakeHost::new().file(PATH, text);
    assert_unchanged::<IniFile>(
        &arguments(&drinks(&[("option", "fav"), ("value", "tea")])),
        &host,
    );
}

#[test]
fn a_missing_option_goes_behind_the_last_one() {
    let text = "[drinks]\nfav = tea\n# the end\n\n[food]\n";
    let (message, new) = converged(text, &drinks(&[("option", "temp"), ("value", "cold")]));
    assert_eq!(message, "option added");
    assert_eq!(
        new,
        "[drinks]\nfav = tea\ntemp = cold\n# the end\n\n[food]\n"
    );
    let plain = [("option", Value::from("top")), ("value", Value::from("1"))];
    assert_eq!(converged(text, &plain).1, format!("top = 1\n{text}"));
}

#[test]
fn a_missing_section_and_file_are_made() {
    let host = FakeHost::new();
    let given = arguments(&drinks(&[
        ("option", "fav"),
        ("value", "tea"),
        ("mode", "0600"),
    ]));
    let outcome = assert_converges::<IniFile>(&given, &host);
    assert_eq!(host.text(PATH), "\n[drinks]\nfav = tea\n");
    assert_eq!(host.mode_of(PATH), 0o600);
    let message = outcome.values.get("msg");
    assert_eq!(message, Some(&Value::from("section and option added")));
    let (message, new) = converged(
        "[a]",
        &[("section", "b".into()), ("allow_no_value", true.into())],
    );
    assert_eq!(
        (message.as_str(), new.as_str()),
        ("only section added", "[a]\n[b]\n")
    );
    let never = arguments(&[
        ("create", false.into()),
        ("option", "a".into()),
        ("value", "b".into()),
    ]);
    assert!(failure::<IniFile>(&never, &FakeHost::new()).contains("does not exist!"));
}

#[test]
fn several_values_have_lines_of_their_own() {
    let text = "[drinks]\nfav = tea\nfav = milk\nother = 1\n";
    let list = |items: &[&str]| Value::list(items.iter().map(|item| Value::from(*item)));
    let both = [
        ("section", "drinks".into()),
        ("option", "fav".into()),
        ("values", list(&["milk", "water"])),
    ];
    assert_eq!(
        converged(text, &both).1,
        "[drinks]\nfav = water\nfav = milk\nother = 1\n"
    );
    let mut added = both.to_vec();
    added.push(("exclusive", false.into()));
    assert_eq!(
        converged(text, &added).1,
        "[drinks]\nfav = tea\nfav = milk\nother = 1\nfav = water\n"
    );
    let one = drinks(&[("option", "fav"), ("value", "milk")]);
    assert_eq!(converged(text, &one).1, "[drinks]\nfav = milk\nother = 1\n");
}

#[test]
fn options_and_sections_go() {
    let text = "[drinks]\nfav = tea\nfav = milk\n#fav = x\n[food]\n";
    let gone = |pairs: &[(&'static str, &'static str)]| {
        let mut all = drinks(pairs);
        all.push(("state", "absent".into()));
        converged(text, &all)
    };
    assert_eq!(gone(&[("option", "fav")]).1, "[drinks]\n#fav = x\n[food]\n");
    let one = gone(&[("option", "fav"), ("value", "tea"), ("exclusive", "no")]);
    assert_eq!(one.1, "[drinks]\nfav = milk\n#fav = x\n[food]\n");
    assert_eq!(
        gone(&[]),
        ("section removed".to_owned(), "[food]\n".to_owned())
    );
    let top = [("state", Value::from("absent"))];
    let host = FakeHost::new().file(PATH, text);
    assert_unchanged::<IniFile>(&arguments(&top), &host);
    assert_eq!(converged("a=1\n[b]\n", &top).1, "[b]\n");
}

#[test]
fn marks_choose_the_section() {
    let text = "[Peer]\nip = 1\nkey = a\n[Peer]\nip = 2\nkey = b\n";
    let mark = |value: &str| {
        Value::list([Value::from(
            Dict::new().with("option", "ip").with("value", value),
        )])
    };
    let set = |value: &str| {
        [
            ("section", "Peer".into()),
            ("section_has_values", mark(value)),
            ("option", "key".into()),
            ("value", "c".into()),
        ]
    };
    assert_eq!(
        converged(text, &set("2")).1,
        text.replace("key = b", "key = c")
    );
    let (message, new) = converged(text, &set("3"));
    assert_eq!(message, "section and option added");
    assert_eq!(new, format!("{text}[Peer]\nip = 3\nkey = c\n"));
}

#[test]
fn spaces_and_options_without_value() {
    let text = "[drinks]\nfav=tea\nbare\n";
    let mut spaces = drinks(&[("option", "fav"), ("value", "tea")]);
    assert_eq!(
        converged(text, &spaces).1,
        text.replace("fav=tea", "fav = tea")
    );
    spaces.push(("ignore_spaces", true.into()));
    let host = FakeHost::new().file(PATH, text);
    assert_unchanged::<IniFile>(&arguments(&spaces), &host);
    spaces.truncate(3);
    spaces.push(("no_extra_spaces", true.into()));
    assert_unchanged::<IniFile>(&arguments(&spaces), &host);
    let mut bare = drinks(&[("option", "bare")]);
    bare.push(("allow_no_value", true.into()));
    assert_unchanged::<IniFile>(&arguments(&bare), &host);
    if let Some(option) = bare.get_mut(1) {
        option.1 = "fav".into();
    }
    assert_eq!(converged(text, &bare).1, "[drinks]\nfav\nbare\n");
}

#[test]
fn what_is_not_text_and_who_owns_it_stay() {
    let host = FakeHost::new().file(PATH, b"[a]\nx = \xff\n\xe4 = 1");
    run::<IniFile>(
        &arguments(&[
            ("section", "a".into()),
            ("option", "y".into()),
            ("value", "2".into()),
        ]),
        &host,
    );
    assert_eq!(
        host.read(PATH).unwrap(),
        b"[a]\nx = \xff\n\xe4 = 1\ny = 2\n"
    );
}

#[test]
fn a_link_is_replaced_unless_it_shall_be_followed() {
    let given = [("option", "x".into()), ("value", Value::from("2"))];
    let host = FakeHost::new()
        .file("/etc/real", "x = 1\n")
        .link(PATH, "/etc/real");
    run::<IniFile>(&arguments(&given), &host);
    assert_eq!(
        (host.text("/etc/real").as_str(), host.text(PATH).as_str()),
        ("x = 1\n", "x = 2\n")
    );
    let host = FakeHost::new()
        .file("/etc/real", "x = 1\n")
        .link(PATH, "/etc/real");
    let mut followed = given.to_vec();
    followed.push(("follow", true.into()));
    run::<IniFile>(&arguments(&followed), &host);
    assert_eq!(host.text("/etc/real"), "x = 2\n");
    assert!(host.read_link(PATH).is_ok());
}

#[test]
fn arguments_that_do_not_fit_are_named() {
    let host = FakeHost::new();
    let both = arguments(&[("value", "a".into()), ("values", Value::list([]))]);
    assert!(failure::<IniFile>(&both, &host).contains("mutually exclusive"));
    let none = arguments(&[("option", "a".into())]);
    assert!(failure::<IniFile>(&none, &host).contains("must be defined"));
}
