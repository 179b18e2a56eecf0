//! Files of SOPS: made by one program, read by the other.

use std::process::Command;

use crate::bench::{Bench, Tools};
use crate::{Run, Test};

pub(crate) const TESTS: &[Test] = &[
    ("kplay_reads_what_sops_writes", Run::Plain(reads)),
    ("sops_reads_what_kplay_writes", Run::Plain(writes)),
    ("both_print_the_same", Run::Plain(prints)),
    ("rules_and_key_groups_of_sops_yaml", Run::Plain(rules)),
    ("an_ssh_key_opens_a_file", Run::Plain(ssh)),
    (
        "t9_decrypted_values_never_touch_the_disk_or_the_screen",
        Run::Plain(leaks),
    ),
    ("the_guides_commands_are_true", Run::Plain(guide)),
    (
        "bad_input_is_named_with_file_and_next_step",
        Run::Plain(mistakes),
    ),
];

/// Text that is hard to write, in YAML as Go has it.
const TREE: &str = r#"# a comment
plain: text
quoted: "yes"
date: "2001-12-14"
moment: 2001-12-14T21:59:43.10-05:00
number: 42
octal: 0o17
old_octal: 010
float: 1.0
tiny: 0.00001
huge: 1e30
truth: true
nothing: null
tilde: ~
empty: ""
blank: " lead and trail "
colon: "a: b"
hash: "a #b"
dash: "- a"
star: "*a"
multi: |
    one
      two

    three
folded: >-
    a b
    c
keep: "x\n\n"
leading: "\n x"
tab: "a\tb"
control: "a\u0001b"
unicode: "ä€😀"
quote: "it's"
both: "it's \"so\""
list:
    # inside
    - a # behind
    - - nested
      - 1
    - {k: v, w: [1, 2]}
    - []
map: {}
deep:
    a:
        b:
            c: d
    # at the end
open_unencrypted: readable
"#;

fn rule(bench: &Bench<'_>) {
    let recipient = bench.recipient();
    bench.write(
        ".sops.yaml",
        format!("creation_rules:\n- age: {recipient}\n"),
    );
}

/// Has sops encrypt a file.
fn sops(bench: &Bench<'_>, name: &str, text: &str) {
    let sealed = bench.run(
        "sops",
        &["encrypt", "--filename-override", name, "/dev/stdin"],
        text,
    );
    bench.write(name, sealed);
}

fn reads(tools: &Tools) {
    let bench = Bench::new(tools);
    rule(&bench);
    sops(
        &bench,
        "group_vars/all/a.sops.yaml",
        "password: hunter2hunter2\nport: 5432\nurl: 'http://{{ port }}'\n",
    );
    sops(
        &bench,
        "host_vars/here.sops.json",
        "{\"list\": [1, 2.5, null]}",
    );
    sops(&bench, "more.yaml", "more: from vars_files\n");
    bench.plays(
        "  - assert:\n      that:\n      - password == 'hunter2hunter2' and port == 5432 and url == 'http://5432'\n      - list == [1, 2.5, none]\n",
    );
    bench.write("vars.yml", "- hosts: all\n  gather_facts: false\n  vars_files: [more.yaml]\n  tasks:\n  - assert: {that: more == 'from vars_files'}\n");
    bench.run("kplay", &["vars.yml", "-i", "hosts"], "");
    bench.run(
        "kplay",
        &["vars.yml", "-i", "hosts", "-e", "@more.yaml"],
        "",
    );
}

fn prints(tools: &Tools) {
    let bench = Bench::new(tools);
    rule(&bench);
    let cases = [
        ("tree.yaml", TREE),
        (
            "tree.json",
            "{\"a\": [1, -2.5, 1e30, \"<&>\\u0001\\n\", {}, []], \"b\": {\"c\": null, \"d\": \"\"}}",
        ),
        ("tree.env", "# c\nA=b c\nB= =x\nC=line\\nline\n"),
        (
            "tree.ini",
            "; first\n[a]\nx = 1\n; second\nlong_name = y z\n\n[b]\nz = `a;b`\n",
        ),
        ("tree.txt", "any text\n\n"),
    ];
    for (name, text) in cases {
        sops(&bench, name, text);
        let expected = bench.run("sops", &["decrypt", name], "");
        bench.plays(&format!(
            "  - copy:\n      content: \"{{{{ lookup('community.sops.sops', '{name}', rstrip=false) }}}}\"\n      dest: \"{}\"\n",
            bench.path(&format!("{name}.plain")).display()
        ));
        assert_eq!(bench.read(&format!("{name}.plain")), expected, "{name}");
    }
    for (format, name) in [
        ("json", "tree.yaml"),
        ("yaml", "tree.json"),
        ("json", "tree.ini"),
    ] {
        let expected = bench.run("sops", &["decrypt", "--output-type", format, name], "");
        bench.plays(&format!(
            "  - copy:\n      content: \"{{{{ lookup('community.sops.sops', '{name}', rstrip=false, output_type='{format}') }}}}\"\n      dest: \"{}\"\n",
            bench.path("converted").display()
        ));
        assert_eq!(bench.read("converted"), expected, "{name} as {format}");
    }
}

fn writes(tools: &Tools) {
    let bench = Bench::new(tools);
    rule(&bench);
    let directory = bench.path("");
    let directory = directory.display();
    let tasks = format!(
        "  - sops_encrypt: &a\n      path: {directory}/a.yaml\n      content_yaml: &c {{password: hunter2hunter2, list: [1, 2.5, true, null, {{x: 'yes', y: ''}}], time: '2001-12-14', multi: \"a\\nb\\n\"}}\n    register: first\n  - sops_encrypt: *a\n    register: second\n  - sops_encrypt: {{path: {directory}/a.json, content_json: *c}}\n  - sops_encrypt: {{path: {directory}/a.txt, content_text: \"some text\\n\"}}\n  - sops_encrypt: {{path: {directory}/a.bin, content_binary: //79Cg==}}\n  - assert: {{that: [first is changed, second is not changed]}}\n"
    )
    .replace("sops_encrypt:", "community.sops.sops_encrypt:");
    bench.plays(&tasks);
    let yaml = bench.run("sops", &["decrypt", "a.yaml"], "");
    assert_eq!(
        yaml,
        "list:\n    - 1\n    - 2.5\n    - true\n    - null\n    - x: \"yes\"\n      \"y\": \"\"\nmulti: |\n    a\n    b\npassword: hunter2hunter2\ntime: \"2001-12-14\"\n"
    );
    let json = bench.run("sops", &["decrypt", "a.json"], "");
    assert!(
        json.starts_with("{\n\t\"password\": \"hunter2hunter2\",\n\t\"list\": ["),
        "{json}"
    );
    assert_eq!(bench.run("sops", &["decrypt", "a.txt"], ""), "some text\n");
    let bytes = bench.ends("sops", &["decrypt", "a.bin"], "");
    assert_eq!(bytes.stdout, [0xff, 0xfe, 0xfd, b'\n']);
    // sops can work on with the file.
    bench.run(
        "sops",
        &["set", "a.yaml", "[\"password\"]", "\"another-secret\""],
        "",
    );
    bench.run("sops", &["rotate", "--in-place", "a.yaml"], "");
    bench.plays("  - assert:\n      that: (lookup('community.sops.sops', 'a.yaml') | from_yaml).password == 'another-secret'\n");
}

fn rules(tools: &Tools) {
    let bench = Bench::new(tools);
    bench.run("age-keygen", &["-o", "other.txt"], "");
    let (own, other) = (
        bench.recipient(),
        bench
            .run("age-keygen", &["-y", "other.txt"], "")
            .trim()
            .to_owned(),
    );
    bench.write(
        ".sops.yaml",
        format!(
            "creation_rules:\n- path_regex: ^two/\n  shamir_threshold: 2\n  key_groups:\n  - age: [{own}]\n  - age: [{own}]\n  - age: [{other}]\n- path_regex: ^both/\n  key_groups:\n  - age: [{own}]\n  - age: [{other}]\n- path_regex: ^part/\n  encrypted_regex: ^(password|token)$\n  mac_only_encrypted: true\n  age: {own}\n- path_regex: ^noted/\n  encrypted_comment_regex: secret\n  age: {own}\nstores:\n  yaml:\n    indent: 2\n"
        ),
    );
    let directory = bench.path("").display().to_string();
    for name in ["two/a.yaml", "both/a.yaml", "part/a.yaml"] {
        bench.write(&name.replace("a.yaml", "kept"), "");
        bench.plays(&format!("  - community.sops.sops_encrypt: {{path: {directory}/{name}, content_yaml: {{open: {{x: 1}}, password: hunter2hunter2}}}}\n"));
    }
    let both = format!("{}\n{}", bench.read("key.txt"), bench.read("other.txt"));
    assert!(
        bench
            .run("sops", &["decrypt", "two/a.yaml"], "")
            .contains("hunter2hunter2")
    );
    let part = bench.read("part/a.yaml");
    assert!(part.starts_with("open:\n  x: 1\npassword: ENC["), "{part}");
    assert!(
        bench
            .run("sops", &["decrypt", "part/a.yaml"], "")
            .contains("hunter2hunter2")
    );
    // One of two groups is not enough, for neither of them.
    assert!(
        !bench
            .ends("sops", &["decrypt", "both/a.yaml"], "")
            .status
            .success()
    );
    let (code, text) = bench.play(
        "  - debug: {msg: \"{{ lookup('community.sops.sops', 'both/a.yaml') | length }}\"}\n",
    );
    assert_eq!(code, 2);
    assert!(
        text.contains("1 of the file's key groups could be opened, and 2 are needed"),
        "{text}"
    );
    bench.write("key.txt", both);
    assert!(
        bench
            .run("sops", &["decrypt", "both/a.yaml"], "")
            .contains("hunter2hunter2")
    );
    sops(&bench, "both/b.yaml", "password: hunter2hunter2\n");
    sops(
        &bench,
        "noted/b.yaml",
        "open: 1\n# secret\npassword: hunter2hunter2\n# more\nother: 2\n",
    );
    for name in ["both/b.yaml", "noted/b.yaml"] {
        bench.plays(&format!("  - assert: {{that: \"'hunter2hunter2' in lookup('community.sops.sops', '{name}')\"}}\n"));
    }
}

fn ssh(tools: &Tools) {
    let bench = Bench::new(tools);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "someone", "-f"])
        .arg(bench.path("id"))
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    let public = bench.read("id.pub");
    bench.write(".sops.yaml", format!("creation_rules:\n- age: {public}"));
    sops(&bench, "a.yaml", "a: from-sops\n");
    let task = "  - assert: {that: \"lookup('community.sops.sops', 'NAME') == 'a: VALUE'\"}\n";
    let (code, text) = bench.play(&task.replace("NAME", "a.yaml").replace("VALUE", "from-sops"));
    assert_eq!(code, 2, "{text}");
    assert!(
        text.contains("ssh-ed25519 AAAA") && text.contains("SOPS_AGE_KEY_FILE"),
        "{text}"
    );
    bench.write("home/.ssh/id_ed25519", bench.read("id"));
    bench.plays(&task.replace("NAME", "a.yaml").replace("VALUE", "from-sops"));
    let directory = bench.path("").display().to_string();
    bench.plays(&format!("  - community.sops.sops_encrypt: {{path: {directory}/b.yaml, content_yaml: {{a: from-kplay}}}}\n"));
    assert_eq!(
        bench.run("sops", &["decrypt", "b.yaml"], ""),
        "a: from-kplay\n"
    );
}

fn leaks(tools: &Tools) {
    const CANARY: &str = "canary-7f3a9c1e-secret";
    let bench = Bench::new(tools);
    rule(&bench);
    sops(
        &bench,
        "group_vars/all.sops.yaml",
        &format!("password: {CANARY}\n"),
    );
    sops(&bench, "loaded.sops.yaml", &format!("loaded: {CANARY}-2\n"));
    let text = bench.plays(
        "  - debug: {var: password}\n  - debug: {msg: \"{{ lookup('community.sops.sops', 'loaded.sops.yaml') }}\"}\n  - community.sops.load_vars: {file: loaded.sops.yaml}\n  - debug: {var: loaded}\n  - command: echo {{ password }} {{ loaded | b64encode }}\n    register: said\n  - debug: {var: said}\n",
    );
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(bench.holding("canary"), Vec::<std::path::PathBuf>::new());
    // The same without encryption is seen, so that this test can fail.
    bench.write("group_vars/all.yml", "open: canary-open\n");
    assert!(
        bench
            .plays("  - debug: {var: open}\n")
            .contains("canary-open")
    );
    assert_eq!(bench.holding("canary-open").len(), 1);
}

/// Does what `docs/guide/secrets.md` says: writes the files that it shows under a name, and runs its commands.
fn guide(tools: &Tools) {
    let bench = Bench::new(tools);
    // The guide's reader has a key in the default place alone.
    std::fs::remove_file(bench.path("key.txt")).unwrap();
    let text = std::fs::read_to_string("docs/guide/secrets.md").unwrap();
    let mut named = None;
    let mut commands = 0;
    let mut last = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```").filter(|kind| !kind.is_empty()) {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if kind == "console" {
                let script = body
                    .iter()
                    .map(|line| line.strip_prefix("$ ").unwrap_or(line));
                let script: String = script.flat_map(|line| [line, "\n"]).collect();
                last = bench.run("sh", &["-e"], &script);
                commands += 1;
            } else if let Some(name) = named.take() {
                bench.write(name, body.join("\n") + "\n");
            }
        } else if !line.is_empty() {
            named = line
                .strip_prefix('`')
                .and_then(|rest| rest.strip_suffix("`:"));
        }
    }
    assert!(commands >= 4);
    assert!(
        last.contains("********") && last.contains("failed=0"),
        "{last}"
    );
    assert!(bench.holding("correct-horse").is_empty());
}

fn mistakes(tools: &Tools) {
    let bench = Bench::new(tools);
    rule(&bench);
    sops(
        &bench,
        "group_vars/all.sops.yaml",
        "password: hunter2hunter2\nother: a-second-value\n",
    );
    let sealed = bench.read("group_vars/all.sops.yaml");
    let file = "group_vars/all.sops.yaml";
    let task = "  - debug: {var: other}\n";
    // A value that was changed.
    let first = sealed.find("data:").unwrap() + 5;
    let letter = if sealed[first..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    let changed = format!("{}{letter}{}", &sealed[..first], &sealed[first + 1..]);
    bench.write(file, changed);
    let (code, text) = bench.play(task);
    assert_ne!(code, 0);
    assert!(
        text.contains("all.sops.yaml")
            && text.contains("`password` was changed")
            && text.contains("sops edit"),
        "{text}"
    );
    // A value that stands elsewhere, and one that is gone.
    bench.write(file, sealed.replacen("password:", "passwort:", 1));
    assert!(
        bench
            .play(task)
            .1
            .contains("`passwort` was changed or moved")
    );
    let (_, rest) = sealed.split_once('\n').unwrap();
    bench.write(file, rest);
    assert!(bench.play(task).1.contains("do not fit its MAC"));
    // The wrong key, and none.
    bench.write(file, &sealed);
    let recipient = bench.recipient();
    std::fs::remove_file(bench.path("key.txt")).unwrap();
    bench.run("age-keygen", &["-o", "key.txt"], "");
    let (_, text) = bench.play(task);
    assert!(
        text.contains(&format!("encrypted for `{recipient}`")) && text.contains("--add-age"),
        "{text}"
    );
    std::fs::remove_file(bench.path("key.txt")).unwrap();
    assert!(bench.play(task).1.contains("no key was found"));
    // One that is not encrypted at all.
    bench.write(file, "password: x\n");
    assert!(bench.play(task).1.contains("not encrypted with SOPS"));
}
