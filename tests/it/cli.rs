//! The command line from outside: what is found before a run, exit codes, lists, and the commands beside running playbooks.

use crate::support::TestEnvironment;

const LOCAL: &str = "localhost ansible_connection=local\n";
const SITE: &str = "- hosts: all\n  gather_facts: false\n  tasks:\n    - name: say it\n      debug: {msg: \"{{ what | default('hi') }}\"}\n      tags: [talk]\n";

fn site() -> TestEnvironment {
    TestEnvironment::new()
        .write("hosts", LOCAL)
        .write("site.yml", SITE)
}

#[test]
fn without_a_playbook_site_yml_is_run_here_or_in_playbooks() {
    let here = site().run(["-i", "hosts"]).success();
    assert!(here.stdout.contains("TASK [say it]"), "{}", here.stdout);
    let below = TestEnvironment::new()
        .write("hosts", LOCAL)
        .write("playbooks/site.yml", SITE);
    assert!(
        below
            .run(["-i", "hosts"])
            .success()
            .stdout
            .contains("TASK [say it]")
    );
    assert!(
        below
            .run(["-i", "hosts", "site.yml"])
            .success()
            .stdout
            .contains("TASK [say it]")
    );
}

#[test]
fn what_is_not_there_is_1_with_where_it_was_looked_for() {
    let output = TestEnvironment::new().run([] as [&str; 0]).code(1);
    insta::assert_snapshot!(output.text(), @r"
    --- stderr
    error[file-not-found]: no playbook was named, and there is no `site.yml`
     |
     = note: looked for `$DIR/site.yml` and `$DIR/playbooks/site.yml`
     = help: name one: `kplay PLAYBOOK`; `kplay --help` shows what else there is
    ");
    let output = TestEnvironment::new().run(["web.yml"]).code(1);
    insta::assert_snapshot!(output.text(), @r"
    --- stderr
    error[file-not-found]: there is no playbook `web.yml`
     |
     = note: looked for `$DIR/web.yml` and `$DIR/playbooks/web.yml`
    ");
}

#[test]
fn all_mistakes_are_shown_at_once_and_end_with_4() {
    let playbook = "- hosts: all\n  taskz: []\n  tasks:\n    - copie: {src: a}\n    - copy: {ownr: root, dest: /x, content: y}\n";
    let output = site()
        .write("site.yml", playbook)
        .run(["-i", "hosts"])
        .code(4);
    insta::assert_snapshot!(output.text(), @r"
    --- stderr
    error[unknown-keyword]: `taskz` is not a keyword of a play
     --> site.yml:2:3
      |
    2 |   taskz: []
      |   ^^^^^ did you mean `tasks`?

    error[unknown-module]: nobody has a module called `copie`
     --> site.yml:4:7
      |
    4 |     - copie: {src: a}
      |       ^^^^^

    error[unknown-argument]: `ownr` is not an argument of `ansible.builtin.copy`
     --> site.yml:5:14
      |
    5 |     - copy: {ownr: root, dest: /x, content: y}
      |              ^^^^ did you mean `owner`?

    3 errors; nothing was run
    ");
}

#[test]
fn bad_yaml_is_4_and_a_missing_role_1() {
    let environment = site()
        .write("bad.yml", "- hosts: all\n  tasks: [\n")
        .write("role.yml", "- hosts: all\n  roles: [nix]\n");
    assert!(
        environment
            .run(["-i", "hosts", "bad.yml"])
            .code(4)
            .stderr
            .contains("bad.yml:2")
    );
    assert!(
        environment
            .run(["-i", "hosts", "role.yml"])
            .code(1)
            .stderr
            .contains("there is no role `nix`")
    );
}

#[test]
fn a_command_line_that_cannot_be_read_is_2_and_one_that_makes_no_sense_5() {
    for line in [
        &["--nonsense"][..],
        &["site.yml", "-K", "--become-pass-file", "x"],
        &["site.yml", "-f", "many"],
        &["doc", "a", "b"],
    ] {
        let _ = site().run(line).code(2);
    }
    for line in [
        &["run", "all", "-i", "hosts"][..],
        &["-i", "hosts", "site.yml", "-e", "[1]"],
    ] {
        let _ = site().run(line).code(5);
    }
    let _ = site()
        .write("ansible.cfg", "[defaults]\nforks = many\n")
        .run(["-i", "hosts", "site.yml"])
        .code(5);
}

#[test]
fn without_an_inventory_there_is_localhost_alone() {
    let output = site()
        .write("site.yml", &SITE.replace("all", "localhost"))
        .run([] as [&str; 0])
        .success();
    assert!(
        output
            .stderr
            .contains("provided hosts list is empty, only localhost is available"),
        "{}",
        output.stderr
    );
    assert!(
        output.stdout.contains("localhost                  : ok=1 "),
        "{}",
        output.stdout
    );
}

#[test]
fn a_limit_that_leaves_nothing_is_1() {
    let output = site().run(["-i", "hosts", "-l", "nix"]).code(1);
    assert!(
        output.stderr.contains("leaves us with no hosts to target"),
        "{}",
        output.stderr
    );
}

#[test]
fn extra_variables_come_in_three_forms() {
    let environment = site().write("vars.yml", "what: file\n");
    for (form, expected) in [
        ("what=pair", "pair"),
        ("{what: [1, no]}", "1,\n        false"),
        ("@vars.yml", "file"),
    ] {
        let output = environment.run(["-i", "hosts", "-e", form]).success();
        assert!(
            output.stdout.contains(expected),
            "{form}: {}",
            output.stdout
        );
    }
    assert!(
        environment
            .run(["-i", "hosts", "-e", "@none.yml"])
            .code(1)
            .stderr
            .contains("none.yml")
    );
}

#[test]
fn lists_and_syntax_check_run_nothing() {
    let output = site()
        .run(["-i", "hosts", "--list-hosts", "--list-tasks", "--list-tags"])
        .success();
    insta::assert_snapshot!(output.text(), @r"
    --- stdout

    playbook: site.yml

      play #1 (all): all	TAGS: []
        pattern: ['all']
        hosts (1):
          localhost
        tasks:
          say it	TAGS: [talk]
          TASK TAGS: [talk]
    ");
    assert_eq!(
        site()
            .run(["-i", "hosts", "--syntax-check"])
            .success()
            .stdout,
        "\nplaybook: site.yml\n"
    );
}

#[test]
fn one_task_runs_without_a_playbook() {
    let environment = site();
    insta::assert_snapshot!(environment.run(["run", "all", "-i", "hosts", "-a", "echo hi"]).success().text(), @r"
    --- stdout
    localhost | CHANGED | rc=0 >>
    hi
    ");
    let failed = environment
        .run([
            "run",
            "all",
            "-i",
            "hosts",
            "-m",
            "shell",
            "-a",
            "echo no; exit 3",
        ])
        .code(2);
    assert_eq!(
        failed.stdout,
        "localhost | FAILED | rc=3 >>\nnonon-zero return code\n"
    );
}

#[test]
fn the_inventory_is_shown_as_ansible_shows_it() {
    let environment = TestEnvironment::new()
        .write("hosts", "[web]\nw1 a=1\nw2\n")
        .write("group_vars/web.yml", "b: 2\n");
    let graph = environment
        .run(["inventory", "-i", "hosts", "--graph", "--vars", "-l", "w1"])
        .success();
    assert!(
        graph
            .stdout
            .starts_with("@all:\n  |--@ungrouped:\n  |--@web:\n  |  |--w1\n  |  |  |--{a = 1}\n"),
        "{}",
        graph.stdout
    );
    assert_eq!(
        environment
            .run(["inventory", "-i", "hosts", "--host", "w2"])
            .success()
            .stdout,
        "{\n    \"b\": 2\n}\n"
    );
    assert!(
        environment
            .run(["inventory", "-i", "hosts", "--host", "w3"])
            .code(5)
            .stderr
            .contains("did you mean")
    );
}

#[test]
fn modules_and_codes_are_explained() {
    let environment = TestEnvironment::new();
    assert!(
        environment
            .run(["doc"])
            .success()
            .stdout
            .contains("ansible.builtin.copy ")
    );
    assert!(
        environment
            .run(["doc", "copy"])
            .success()
            .stdout
            .contains("## Arguments\n\ndest (required")
    );
    assert!(
        environment
            .run(["doc", "cpy"])
            .code(1)
            .stderr
            .contains("did you mean `copy`?")
    );
    assert!(
        environment
            .run(["explain", "unknown-argument"])
            .success()
            .stdout
            .starts_with("unknown-argument\n\n")
    );
    assert!(
        environment
            .run(["explain", "unknwn-argument"])
            .code(1)
            .stderr
            .contains("did you mean `unknown-argument`?")
    );
    assert!(
        environment
            .run(["completions", "bash"])
            .success()
            .stdout
            .contains("--ask-become-pass")
    );
    assert!(
        environment
            .run(["man"])
            .success()
            .stdout
            .contains(".TH kplay")
    );
}

#[test]
fn t18_secrets_of_the_command_line_are_never_shown() {
    let environment = site()
        .write("pass", "canary-pass\n")
        .write("site.yml", "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: echo canary-pass\n    - debug: {msg: open text}\n");
    let output = environment
        .run(["-i", "hosts", "-vvv", "--become-pass-file", "pass"])
        .success();
    assert!(output.text().contains("open text") && output.text().contains("********"));
    assert!(!output.text().contains("canary-pass"), "{}", output.text());
}

#[test]
fn step_asks_before_each_task() {
    let tasks = "    - {name: one, debug: {msg: first}}\n    - {name: two, debug: {msg: second}}\n    - meta: noop\n    - {name: three, debug: {msg: third}}\n    - {name: four, debug: {msg: fourth}}\n";
    let environment = TestEnvironment::new()
        .write(
            "hosts",
            "a ansible_connection=local\nb ansible_connection=local\n",
        )
        .write(
            "site.yml",
            &format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"),
        )
        .input("y\nn\nc\n");
    let finished = environment.run(["site.yml", "-i", "hosts", "--step"]);
    let output = finished.success();
    assert_eq!(output.stdout.matches("Perform task: TASK: ").count(), 3);
    for (text, times) in [("first", 2), ("second", 0), ("third", 2), ("fourth", 2)] {
        let shown = output.stdout.matches(&format!("\"{text}\"")).count();
        assert_eq!(shown, times, "{text}\n{}", output.stdout);
    }
}
