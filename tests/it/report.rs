//! The screen of a run from outside: Ansible's lines, colours only when asked for, and what a person with a failure sees.

use crate::support::TestEnvironment;

fn run(tasks: &str) -> TestEnvironment {
    TestEnvironment::new()
        .write(
            "hosts",
            "h1 ansible_connection=local\nh2 ansible_connection=local\n",
        )
        .write(
            "site.yml",
            &format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"),
        )
}

#[test]
fn a_run_looks_as_in_ansible() {
    let tasks = "    - set_fact: {x: 1}\n    - debug: {msg: \"{{ x }}\"}\n    - debug: {var: item}\n      loop: [a, {b: 1}]\n    - debug:\n      when: false\n";
    let output = run(tasks)
        .run(["-i", "hosts", "site.yml", "-l", "h1"])
        .success();
    insta::assert_snapshot!(output.text(), @r#"
    --- stdout

    PLAY [all] *********************************************************************

    TASK [set_fact] ****************************************************************
    ok: [h1]

    TASK [debug] *******************************************************************
    ok: [h1] => {
        "msg": 1
    }

    TASK [debug] *******************************************************************
    ok: [h1] => (item=a) => {
        "item": "a"
    }
    ok: [h1] => (item={'b': 1}) => {
        "item": {
            "b": 1
        }
    }

    TASK [debug] *******************************************************************
    skipping: [h1]

    PLAY RECAP *********************************************************************
    h1                         : ok=3    changed=0    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0
    "#);
}

#[test]
fn a_failure_is_explained_at_its_place_and_ends_with_2() {
    let output = run("    - name: it fails\n      fail: {msg: no way}\n")
        .run(["-i", "hosts", "-l", "h1"])
        .code(2);
    insta::assert_snapshot!(output.text(), @r#"
    --- stdout

    PLAY [all] *********************************************************************

    TASK [it fails] ****************************************************************
    [ERROR]: Task failed: no way
     --> site.yml:4:7
      |
    4 |     - name: it fails
      |       ^

    fatal: [h1]: FAILED! => {"changed": false, "msg": "no way"}

    PLAY RECAP *********************************************************************
    h1                         : ok=0    changed=0    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0
    "#);
    let both = run("    - fail: {msg: no way}\n")
        .run(["-i", "hosts"])
        .code(2);
    assert_eq!(
        both.stdout.matches("[ERROR]: ").count(),
        1,
        "{}",
        both.stdout
    );
    assert!(both.stderr.contains("2 hosts: h1, h2"), "{}", both.stderr);
}

#[test]
fn colours_need_a_terminal_or_force() {
    let environment = run("    - debug:\n");
    assert!(
        !environment
            .run(["-i", "hosts"])
            .success()
            .stdout
            .contains('\u{1b}')
    );
    let forced = environment
        .variable("ANSIBLE_FORCE_COLOR", "1")
        .run(["-i", "hosts"])
        .success();
    assert!(
        forced
            .stdout
            .contains("\u{1b}[0;32mok: [h1] => {\u{1b}[0m\n"),
        "{}",
        forced.stdout
    );
}

#[test]
fn t22_a_host_cannot_drive_the_terminal() {
    let tasks = "    - command: printf '\\033[2J\\302\\233'\n      register: said\n    - debug: {msg: x}\n      loop: [\"{{ said.stdout }}\"]\n    - fail: {msg: \"{{ said.stdout }}\"}\n";
    let output = run(tasks).run(["-i", "hosts", "-vvv"]).code(2);
    assert!(
        !output.text().contains(['\u{1b}', '\u{9b}']),
        "{}",
        output.text()
    );
    assert!(
        output.stdout.contains("(item=\\x1b[2J\\x9b)"),
        "{}",
        output.stdout
    );
}

#[test]
fn results_can_be_yaml_and_the_run_json() {
    let yaml = run("    - ping:\n")
        .variable("ANSIBLE_CALLBACK_RESULT_FORMAT", "yaml")
        .run(["-i", "hosts", "-l", "h1", "-v"])
        .success();
    assert!(
        yaml.stdout
            .contains("ok: [h1] => \n    changed: false\n    ping: pong\n"),
        "{}",
        yaml.stdout
    );
    let json = run("    - ping:\n")
        .variable("ANSIBLE_STDOUT_CALLBACK", "json")
        .run(["-i", "hosts", "-l", "h1"])
        .success();
    let run: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(run["plays"][0]["tasks"][0]["hosts"]["h1"]["ping"], "pong");
    assert_eq!(run["stats"]["h1"]["ok"], 1);
}
