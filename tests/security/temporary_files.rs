//! T7 and T17: the worker's cache and every temporary file are in directories that nobody else can prepare, enter or change.

use crate::Test;
use crate::controller::Controller;
use crate::lab::Host;

pub(crate) const TESTS: &[Test] = &[
    Test::Hosts("t7_a_cache_that_others_prepared_is_not_used", 1, prepared),
    Test::Hosts(
        "t7_without_any_safe_directory_it_says_which_were_tried",
        1,
        none_left,
    ),
    Test::Hosts(
        "t17_a_tampered_worker_is_replaced_before_it_runs",
        1,
        tampered,
    ),
    Test::Hosts(
        "t17_a_cache_that_others_can_write_to_is_not_used",
        1,
        writable,
    ),
];

const PLAYBOOK: &str = "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: id -un\n      register: who\n    - debug: var=who.stdout\n    - shell: find / -xdev -user plain -perm /077 -name '*kplay*' -not -type l 2>/dev/null || true\n      register: wide\n    - debug: var=wide.stdout_lines\n";

fn controller(host: &Host) -> Controller {
    Controller::new(&host.line("h1", "plain"), PLAYBOOK)
}

/// What the directories of the cache are for `plain`, from a clean start; removed again when it is dropped.
struct Caches<'host>(&'host Host);

const CLEAN: &str = "u=$(id -u plain); rm -rf /home/plain/.cache /var/tmp/kplay-$u /tmp/kplay-$u /dev/shm/kplay-$u /run/user/$u/kplay /opt/t7";

impl<'host> Caches<'host> {
    fn new(host: &'host Host, script: &str) -> Self {
        host.shell(&format!("{CLEAN}; install -d -m 777 /opt/t7; {script}"));
        Self(host)
    }
}

impl Drop for Caches<'_> {
    fn drop(&mut self) {
        self.0.shell(CLEAN);
    }
}

/// Mode, owner and place of every worker that lies in a cache, and of the directory around it.
const CACHED: &str = "find /home/plain /var/tmp /tmp /dev/shm /opt/t7 -name 'worker-*' -printf '%M %u %p\\n' -execdir stat -c '%A %U' . \\; | sed 's/worker-.*/worker/'";

fn prepared(hosts: &[Host]) {
    let caches = Caches::new(
        &hosts[0],
        "install -d -o plain /home/plain/.cache; install -d -o plain -m 777 /home/plain/.cache/kplay; ln -s /opt/t7 /var/tmp/kplay-$u; install -d -m 700 /tmp/kplay-$u",
    );
    controller(&hosts[0]).run(&[]).code(0).says(&[
        "\"who.stdout\": \"plain\"",
        "\"wide.stdout_lines\": [\n        \"/home/plain/.cache/kplay\"\n    ]",
    ]);
    let u = hosts[0].shell("id -u plain").trim().to_owned();
    assert_eq!(
        hosts[0].shell(CACHED),
        format!("-rwx------ plain /dev/shm/kplay-{u}/worker\ndrwx------ plain\n")
    );
    assert_eq!(hosts[0].shell("ls -A /opt/t7 /home/plain/.cache/kplay /tmp/kplay-$(id -u plain) | grep -v : || true").trim(), "");
    drop(caches);
    // The positive control: untouched, the first of the directories is used.
    let _caches = Caches::new(&hosts[0], "true");
    controller(&hosts[0])
        .run(&[])
        .code(0)
        .says(&["\"wide.stdout_lines\": []"]);
    assert_eq!(
        hosts[0].shell(CACHED),
        "-rwx------ plain /home/plain/.cache/kplay/worker\ndrwx------ plain\n"
    );
}

fn none_left(hosts: &[Host]) {
    let _caches = Caches::new(
        &hosts[0],
        "install -d -o plain /home/plain/.cache; ln -s /opt/t7 /home/plain/.cache/kplay; for d in /var/tmp /tmp /dev/shm; do install -d -m 755 $d/kplay-$u; done; mkdir -p /run/user/$u; mkdir -m 755 /run/user/$u/kplay",
    );
    let u = hosts[0].shell("id -u plain").trim().to_owned();
    let tmp = format!("/tmp/kplay-{u}");
    let ended = controller(&hosts[0]).run(&[]);
    // A new session may hide the root's directory below /run/user behind a file system of its own.
    if ended.code == Some(0) {
        assert!(
            hosts[0]
                .shell(&format!("ls /run/user/{u}/kplay"))
                .contains("worker-"),
            "{}",
            ended.text
        );
    } else {
        ended.code(4).says(&[
            "UNREACHABLE!",
            "/home/plain/.cache/kplay is not a directory of the user's own",
            &tmp,
            "mode 0700",
        ]);
    }
    assert_eq!(hosts[0].shell("ls -A /opt/t7"), "");
}

fn tampered(hosts: &[Host]) {
    let host = &hosts[0];
    let _caches = Caches::new(host, "true");
    let controller = controller(host);
    controller.run(&[]).code(0);
    let digest = "cd /home/plain/.cache/kplay && for w in worker-*; do echo \"$w\" \"worker-$(sha256sum <$w | cut -d' ' -f1)\"; done";
    let right = host.shell(digest);
    let (name, computed) = right.trim().split_once(' ').unwrap();
    assert_eq!(name, computed);
    host.shell("cd /home/plain/.cache/kplay && for w in worker-*; do printf '#!/bin/sh\\ntouch /opt/t7/ran\\n' >$w; done; cat worker-* | head -1");
    // The positive control: what lies there now would run.
    host.shell("su plain -c '/home/plain/.cache/kplay/worker-*'; rm /opt/t7/ran");
    controller
        .run(&[])
        .code(0)
        .says(&["\"who.stdout\": \"plain\""]);
    assert_eq!(host.shell("ls -A /opt/t7"), "");
    assert_eq!(host.shell(digest), right);
}

fn writable(hosts: &[Host]) {
    let host = &hosts[0];
    for (change, back) in [
        (
            "chmod 770 /home/plain/.cache/kplay",
            "chmod 700 /home/plain/.cache/kplay",
        ),
        (
            "chown root /home/plain/.cache/kplay; chmod 755 /home/plain/.cache/kplay",
            "true",
        ),
    ] {
        let _caches = Caches::new(host, "true");
        let controller = controller(host);
        controller.run(&[]).code(0);
        host.shell(change);
        controller.run(&[]).code(0);
        let found = host.shell("ls -d /var/tmp/kplay-*/worker-*");
        assert!(found.contains("/var/tmp/kplay-"), "{found}");
        host.shell(back);
    }
}
