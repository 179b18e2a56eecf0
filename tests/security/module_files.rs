//! T8, T10 and T11: what modules do with files in places that others can write to or read.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::Test;
use crate::controller::Controller;
use crate::lab::Host;

pub(crate) const TESTS: &[Test] = &[
    Test::Hosts(
        "t8_content_is_never_visible_with_a_wider_mode",
        1,
        never_wider,
    ),
    Test::Hosts(
        "t8_become_to_an_unprivileged_user_shows_nothing_to_others",
        1,
        become_unprivileged,
    ),
    Test::Hosts("t10_fetch_stays_below_its_destination", 1, fetch),
    Test::Hosts("t11_links_in_a_users_directory_lead_root_nowhere", 1, links),
];

fn run(host: &Host, user: &str, tasks: &str) -> Controller {
    Controller::new(
        &host.line("h1", user),
        &format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}"),
    )
}

/// Reads everything in these places as an unprivileged user, again and again, while `work` goes on; returns what was seen.
fn watched(host: &Host, places: &str, work: impl FnOnce()) -> String {
    host.shell("rm -rf /opt/watch && install -d -m 777 /opt/watch");
    let watch = format!(
        "exec su nobody -s /bin/sh -c 'touch /opt/watch/on; while [ ! -e /opt/watch/stop ]; do cat {places} 2>/dev/null; done | grep -o \"CANARY-[a-z]*\" | sort | uniq -c >/opt/watch/seen'"
    );
    let mut watcher = host
        .command(&watch)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    host.wait_for("ls /opt/watch/on", "/opt/watch/on");
    work();
    host.shell("touch /opt/watch/stop");
    watcher.wait().unwrap();
    host.shell("cat /opt/watch/seen; rm -rf /opt/watch")
}

fn never_wider(hosts: &[Host]) {
    let host = &hosts[0];
    host.shell("rm -rf /opt/t8 && mkdir -m 755 /opt/t8");
    let controller = run(
        host,
        "root",
        "    - copy: {content: 'CANARY-public {{ item }}', dest: '/opt/t8/public', mode: '0644'}\n      loop: '{{ range(10) | list }}'\n    - copy: {content: \"CANARY-copied {{ 'x' * 100000 }}{{ item }}\", dest: '/opt/t8/secret{{ item % 3 }}', mode: '0600'}\n      loop: '{{ range(30) | list }}'\n    - template: {src: secret.j2, dest: '/opt/t8/made{{ item % 3 }}', mode: '0600'}\n      loop: '{{ range(20) | list }}'\n    - lineinfile: {path: /opt/t8/secret1, line: 'CANARY-line {{ item }}', mode: '0600'}\n      loop: '{{ range(20) | list }}'\n    - copy: {src: secret.txt, dest: '/opt/t8/file{{ item }}', mode: '0600'}\n      loop: '{{ range(10) | list }}'\n",
    )
    .write("secret.j2", "CANARY-templated {{ item }}\n")
    .write("secret.txt", &"CANARY-sent\n".repeat(100_000));
    let seen = watched(
        host,
        "/opt/t8/* /opt/t8/.[!.]* /tmp/* /tmp/*/* /root/.ansible/tmp/*",
        || {
            controller.run(&[]).code(0);
        },
    );
    // The positive control: what everybody may read is seen.
    assert!(seen.contains("CANARY-public"), "the watcher sees nothing");
    let others: Vec<_> = seen
        .lines()
        .filter(|line| !line.contains("public"))
        .collect();
    assert!(others.is_empty(), "{seen}");
    host.shell("rm -rf /opt/t8");
}

/// Deploy becomes plain, by way of nothing that a third user can read.
fn become_unprivileged(hosts: &[Host]) {
    let host = &hosts[0];
    host.shell("echo CANARY-control >/tmp/control; install -d -o plain -m 700 /home/plain/t8");
    let controller = run(
        host,
        "deploy",
        "    - copy: {content: 'CANARY-copied {{ item }}', dest: /home/plain/t8/secret, mode: '0600'}\n      become: true\n      become_user: plain\n      loop: '{{ range(20) | list }}'\n    - copy: {src: secret.txt, dest: '/home/plain/t8/file{{ item }}', mode: '0600'}\n      become: true\n      become_user: plain\n      loop: '{{ range(5) | list }}'\n    - shell: 'true # CANARY-shell'\n      become: true\n      become_user: plain\n      loop: '{{ range(5) | list }}'\n",
    )
    .write("secret.txt", &"CANARY-sent\n".repeat(100_000));
    let places = "/tmp/* /tmp/*/* /var/tmp/* /var/tmp/*/* /dev/shm/* /dev/shm/*/* /home/*/* /home/*/.[!.]*/*";
    let seen = watched(host, places, || {
        controller.run(&[]).code(0);
    });
    assert!(seen.contains("CANARY-control"), "the watcher sees nothing");
    assert!(seen.lines().all(|line| line.contains("control")), "{seen}");
    let owner =
        host.shell("stat -c '%U %a' /home/plain/t8/secret; rm -rf /home/plain/t8 /tmp/control");
    assert_eq!(owner, "plain 600\n");
}

fn fetch(hosts: &[Host]) {
    let host = &hosts[0];
    host.shell("mkdir -p /opt/t10/sub && echo fetched >/opt/t10/file");
    let controller = run(
        host,
        "root",
        "    - fetch: {src: /opt/t10/file, dest: out/}\n    - fetch: {src: '/opt/t10/sub/../file', dest: out/}\n      ignore_errors: true\n    - fetch: {src: '/opt/../../../../../../../opt/t10/file', dest: out/}\n      ignore_errors: true\n    - fetch: {src: '/opt/t10/sub/../../../etc/../opt/t10/file', dest: out/deep/}\n      ignore_errors: true\n",
    );
    let ended = controller.run(&[]);
    host.shell("rm -rf /opt/t10");
    let mut found = Vec::new();
    files_below(&controller.path(""), &mut found);
    found.retain(|path| fs::read(path).is_ok_and(|content| content == b"fetched\n"));
    // The positive control: something was fetched at all.
    assert!(!found.is_empty(), "{}", ended.text);
    let out = controller.path("out");
    assert!(found.iter().all(|path| path.starts_with(&out)), "{found:?}");
    let mut beside = Vec::new();
    files_below(controller.path("").parent().unwrap(), &mut beside);
    assert!(
        !beside
            .iter()
            .any(|path| path.ends_with("opt/t10/file") && !path.starts_with(controller.path(""))),
        "{beside:?}"
    );
}

fn files_below(directory: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            files_below(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

/// `plain` has put links to root's files where root is about to work.
fn links(hosts: &[Host]) {
    let host = &hosts[0];
    host.shell(
        "rm -rf /opt/t11 /home/plain/t11; mkdir -p /opt/t11/directory; for n in 1 2 3 4 5 6 7 8; do echo 'root-only' >/opt/t11/$n; chmod 600 /opt/t11/$n; done
         install -d -o plain -g plain /home/plain/t11; cd /home/plain/t11; for n in 1 2 3 4 5 6 7 8; do ln -s /opt/t11/$n $n; done; ln -s /opt/t11/directory directory; ln -s /opt/t11/missing missing
         chown -h plain:plain *",
    );
    let state = "cd /opt/t11; find . -printf '%p %U %G %m %l\\n' | sort; cat [1-8]";
    let before = host.shell(state);
    let tasks = [
        "copy: {content: evil, dest: /home/plain/t11/1, follow: true}",
        "copy: {content: evil, dest: /home/plain/t11/2, owner: plain, mode: '0666'}",
        "lineinfile: {path: /home/plain/t11/3, line: evil}",
        "file: {path: /home/plain/t11/4, owner: plain, group: plain, mode: '0666'}",
        "blockinfile: {path: /home/plain/t11/5, block: evil}",
        "replace: {path: /home/plain/t11/6, regexp: root, replace: evil}",
        "file: {path: /home/plain/t11/directory, state: directory, owner: plain, recurse: true}",
        "copy: {content: evil, dest: /home/plain/t11/directory/new}",
        "file: {path: /home/plain/t11/directory/made, state: touch}",
        "lineinfile: {path: /home/plain/t11/missing, line: evil, create: true}",
        "template: {src: evil.j2, dest: /home/plain/t11/7, follow: true}",
    ];
    let written: String = tasks
        .iter()
        .map(|task| format!("    - {task}\n      ignore_errors: true\n"))
        .collect();
    let controller = run(host, "root", &written).write("evil.j2", "evil\n");
    let ended = controller.run(&[]).code(0);
    let after = host.shell(state);
    assert_eq!(after, before, "{}", ended.text);
    // The positive control: the same tasks do follow a link of root's.
    host.shell("chown -h root:root /home/plain/t11/*; chown root:root /home/plain/t11");
    controller.run(&[]).code(0);
    assert!(host.shell(state).contains("evil"));
    host.shell("rm -rf /opt/t11 /home/plain/t11");
}
