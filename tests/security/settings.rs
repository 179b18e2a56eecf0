//! T18 and T19: what lies where anybody can write is not configuration, and a small YAML file cannot become a large problem.

use std::time::{Duration, Instant};

use crate::Test;
use crate::controller::{Controller, set_mode};

pub(crate) const TESTS: &[Test] = &[
    Test::Here(
        "t18_a_config_in_a_world_writable_directory_is_ignored",
        world_writable,
    ),
    Test::Here(
        "t18_nothing_is_executed_from_the_working_directory",
        nothing_executed,
    ),
    Test::Here("t19_a_billion_laughs_end_at_the_limit", laughs),
    Test::Here("t19_deep_nesting_ends_at_the_limit", nesting),
    Test::Here("t19_tags_of_other_languages_make_no_objects", tags),
];

const PLAYBOOK: &str = "- hosts: here\n  gather_facts: false\n  tasks:\n    - ping:\n";

fn world_writable() {
    let controller =
        Controller::local(PLAYBOOK).write("ansible.cfg", "[defaults]\nforks = nonsense\n");
    // The positive control: where only the owner writes, it counts.
    set_mode(&controller.path(""), 0o755);
    controller.run(&["-v"]).code(5).says(&["forks"]);
    set_mode(&controller.path(""), 0o777);
    controller
        .run(&["-v"])
        .code(0)
        .says(&["anyone can write to its directory", "No config file found"]);
}

/// Programs and libraries of the names that somebody might look for.
fn nothing_executed() {
    let mut controller = Controller::local(
        "- hosts: here\n  gather_facts: false\n  tasks:\n    - ping:\n    - debug: msg=\"{{ 1 | nonsense }}\"\n      ignore_errors: true\n    - command: 'true'\n",
    );
    let names = [
        "kplay-worker",
        "sudo",
        "sh",
        "python3",
        "ssh",
        "library/ping",
        "library/ping.py",
        "filter_plugins/nonsense.py",
        "ansible.py",
        "callback_plugins/x.py",
    ];
    for name in names {
        controller = controller.write(name, "#!/bin/sh\ntouch executed\n");
        set_mode(&controller.path(name), 0o755);
    }
    controller.run(&[]);
    assert!(!controller.path("executed").exists());
}

/// Runs that playbook, which has to be refused soon and in little memory.
fn refused(playbook: &str, says: &str) {
    let controller = Controller::local(playbook);
    let begin = Instant::now();
    let running = controller.start(&[]);
    let id = running.id();
    let watching = std::thread::spawn(move || {
        let mut most = 0_u64;
        while let Ok(status) = std::fs::read_to_string(format!("/proc/{id}/status")) {
            let Some(peak) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) else {
                break;
            };
            most = peak.trim().trim_end_matches(" kB").parse().unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        most
    });
    let ended = running.wait().code(4);
    let most = watching.join().unwrap();
    assert!(most < 400 << 10, "{most} KiB");
    assert!(begin.elapsed() < Duration::from_secs(15));
    ended.says(&[says, "site.yml:"]);
}

fn laughs() {
    let mut text = "- hosts: here\n  vars:\n    a0: &a0 [lol, lol]\n".to_owned();
    for level in 1..40 {
        text.push_str(&format!(
            "    a{level}: &a{level} [*a{0}, *a{0}, *a{0}]\n",
            level - 1
        ));
    }
    refused(&text, "alias");
    // The positive control: anchors as people use them.
    Controller::local("- hosts: here\n  gather_facts: false\n  vars:\n    a: &a [lol]\n    b: [*a, *a]\n  tasks:\n    - debug: var=b\n")
        .run(&[])
        .code(0)
        .says(&["lol"]);
}

fn nesting() {
    refused(
        &format!(
            "- hosts: here\n  vars:\n    deep: {}\n",
            "[".repeat(200_000)
        ),
        "deep",
    );
}

fn tags() {
    let controller = Controller::local(
        "- hosts: here\n  gather_facts: false\n  vars:\n    x: !!python/object/apply:os.system ['touch executed']\n  tasks:\n    - debug: var=x\n",
    );
    controller
        .run(&[])
        .code(4)
        .says(&["site.yml:4:", "python/object/apply:os.system"]);
    assert!(!controller.path("executed").exists());
}
