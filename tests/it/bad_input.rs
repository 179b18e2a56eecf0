//! Bad input at the command line: the message has the place where there is one, the cause and what to do, the exit code is
//! Ansible's, and the other hosts go on. What needs real hosts (full disks, wrong passwords, killed workers) is in
//! `tests/security`.

use std::net::TcpListener;

use crate::support::TestEnvironment;

const PING: &str = "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: greet\n      ansible.builtin.ping:\n";

/// A playbook for this machine.
fn site(tasks: &str) -> TestEnvironment {
    let text = format!("- hosts: localhost\n  gather_facts: false\n  tasks:\n{tasks}");
    TestEnvironment::new().write("site.yml", &text)
}

/// Runs site.yml, which has to end with that code and say all of this on its two streams.
#[track_caller]
fn expect(environment: &TestEnvironment, arguments: &[&str], code: i32, words: &[&str]) -> String {
    let all = [&["site.yml"], arguments].concat();
    let text = environment.run(all).code(code).text();
    for word in words {
        assert!(text.contains(word), "`{word}` was not said:\n{text}");
    }
    text
}

#[test]
fn a_missing_playbook_is_named() {
    let environment = TestEnvironment::new();
    let text = environment.run(["nowhere.yml"]).code(1).text();
    assert!(
        text.contains("nowhere.yml") && text.contains("error["),
        "{text}"
    );
}

#[test]
fn a_missing_inventory_is_named() {
    let environment = TestEnvironment::new().write("site.yml", PING);
    let text = environment
        .run(["-i", "nowhere", "site.yml"])
        .code(0)
        .text();
    assert!(
        text.contains("nowhere") && text.contains("WARNING"),
        "{text}"
    );
}

#[test]
fn bad_yaml_is_shown_at_its_place() {
    let environment =
        TestEnvironment::new().write("site.yml", "- hosts: all\n  tasks:\n\t- ping:\n");
    expect(&environment, &[], 4, &["yaml", "site.yml:3:1", "tab"]);
    let environment = TestEnvironment::new().write("site.yml", "- hosts: [all\n");
    expect(&environment, &[], 4, &["yaml", "site.yml:"]);
}

#[test]
fn hosts_that_match_nothing_are_a_warning() {
    let environment =
        TestEnvironment::new().write("site.yml", &PING.replace("hosts: all", "hosts: nobody"));
    expect(
        &environment,
        &[],
        0,
        &["nobody", "WARNING", "skipping: no hosts matched"],
    );
}

#[test]
fn an_undefined_variable_is_shown_at_its_place() {
    let environment = site(
        "    - vars: {greeting: hello}\n      ansible.builtin.command:\n        cmd: \"echo {{ greetin }}\"\n",
    );
    expect(
        &environment,
        &[],
        2,
        &["greetin", "undefined", "site.yml:6:", "failed=1"],
    );
}

#[test]
fn a_wrong_type_of_argument_is_shown_before_anything_runs() {
    let environment = site("    - ansible.builtin.wait_for_connection:\n        timeout: soon\n");
    expect(&environment, &[], 4, &["timeout", "soon", "site.yml:"]);
    let environment =
        site("    - ansible.builtin.file:\n        path: x\n        recurse: perhaps\n");
    expect(&environment, &[], 4, &["recurse", "perhaps", "site.yml:"]);
}

#[test]
fn unknown_names_suggest_the_nearest_before_anything_runs() {
    for (tasks, words) in [
        (
            "    - ansible.builtin.debug: {msg: first}\n    - ansible.builtin.copi: {dest: x}\n",
            ["copi", "site.yml:5:", "copy"],
        ),
        (
            "    - ansible.builtin.debug: {msg: first}\n    - ansible.builtin.copy: {dst: x, content: y}\n",
            ["dst", "site.yml:5:", "dest"],
        ),
        (
            "    - ansible.builtin.debug: {msg: first}\n    - ansible.builtin.debug: {msg: x}\n      whn: false\n",
            ["whn", "site.yml:6:", "when"],
        ),
    ] {
        let text = expect(&site(tasks), &[], 4, &words);
        assert!(!text.contains("\"first\""), "it ran:\n{text}");
    }
}

#[test]
fn wrong_options_are_two_as_those_of_argparse() {
    let environment = TestEnvironment::new().write("site.yml", PING);
    expect(
        &environment,
        &["--no-such-option"],
        2,
        &["--no-such-option"],
    );
    expect(&environment, &["--forks", "many"], 2, &["many"]);
}

/// The inventory of a host behind that port, and of this machine.
fn with_port(port: u16) -> TestEnvironment {
    TestEnvironment::new()
        .write("site.yml", PING)
        .write(
            "hosts",
            &format!("away ansible_host=127.0.0.1 ansible_port={port} ansible_user=nobody\nhere ansible_connection=local\n"),
        )
}

#[test]
fn a_refused_connection_leaves_the_others_alone() {
    // Bound and closed again: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let said = [
        "fatal: [away]: UNREACHABLE!",
        "connection refused",
        "site.yml:4:",
        "ok: [here]",
        "unreachable=1",
    ];
    expect(&with_port(port), &["-i", "hosts"], 4, &said);
}

#[test]
fn a_host_that_hangs_is_given_up_in_a_named_phase() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let said = [
        "fatal: [away]: UNREACHABLE!",
        "waiting for the SSH banner and key exchange took longer than",
        "ok: [here]",
    ];
    expect(&with_port(port), &["-i", "hosts", "-T", "1"], 4, &said);
}

#[test]
fn what_does_not_speak_ssh_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        use std::io::Write as _;
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n");
    });
    let said = ["fatal: [away]: UNREACHABLE!", "ok: [here]", "unreachable=1"];
    expect(&with_port(port), &["-i", "hosts", "-T", "5"], 4, &said);
    server.join().unwrap();
}

#[test]
fn a_failing_host_leaves_the_others_alone_and_no_file_half_written() {
    let environment = TestEnvironment::new()
        .write("hosts", "one ansible_connection=local\ntwo ansible_connection=local\n")
        .write(
            "site.yml",
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.copy:\n        content: \"{{ 'x' * 100000 }}\"\n        dest: ./new\n        validate: /bin/false %s\n      when: inventory_hostname == 'one'\n    - ansible.builtin.debug: {msg: after}\n",
        );
    expect(
        &environment,
        &["-i", "hosts"],
        2,
        &["fatal: [one]: FAILED!", "site.yml:4:", "ok: [two] =>"],
    );
    let left: Vec<_> = std::fs::read_dir(environment.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
