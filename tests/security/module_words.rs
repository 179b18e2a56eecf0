//! T12 and T16: arguments of modules are words, never shell text or options; and packages nobody has signed are not installed.

use crate::Test;
use crate::controller::Controller;
use crate::lab::Host;

pub(crate) const TESTS: &[Test] = &[
    Test::Hosts(
        "t12_no_argument_is_interpreted_by_a_shell_or_as_an_option",
        1,
        words,
    ),
    Test::Hosts("t16_an_unsigned_repository_is_refused", 1, unsigned),
];

/// Arguments that go to programs, with `@` where the hostile text stands.
const CALLS: [&str; 24] = [
    "command: {argv: [echo, '@']}",
    "command: {cmd: 'true', creates: '@'}",
    "command: {cmd: 'true', chdir: '@'}",
    "shell: {cmd: 'true', removes: '@'}",
    "script: {cmd: harmless.sh, creates: '@'}",
    "copy: {content: x, dest: '/opt/t12/@'}",
    "copy: {content: x, dest: /opt/t12/x, owner: '@'}",
    "copy: {content: x, dest: /opt/t12/x, mode: '@'}",
    "file: {path: '/opt/t12/@', state: touch}",
    "file: {path: /opt/t12/link, src: '@', state: link, force: true}",
    "stat: {path: '@'}",
    "find: {paths: '@', patterns: '@'}",
    "lineinfile: {path: /opt/t12/x, line: '@'}",
    "tempfile: {prefix: '@', path: /opt/t12}",
    "slurp: {src: '@'}",
    "apt: {name: '@'}",
    "apt: {deb: '@'}",
    "apt: {name: kplay-test-alpha, default_release: '@'}",
    "package: {name: '@'}",
    "service: {name: '@', state: started}",
    "systemd_service: {name: '@', enabled: true}",
    "command: {cmd: id, stdin: '@'}",
    "setup: {filter: '@', fact_path: '@'}",
    "debug: {msg: '@'}",
];

fn words(hosts: &[Host]) {
    let host = &hosts[0];
    host.shell("rm -rf /opt/t12 && mkdir /opt/t12");
    // The names hold no slash, so that they may be names of files too; commands run in the worker's directory, root's home.
    let hostile = [
        ";touch pwned;",
        "$(touch pwned)",
        "`touch pwned`",
        "x\\ntouch pwned\\n",
        "|touch pwned",
        "&& touch pwned",
        "-o=DPkg::Pre-Invoke::=touch pwned",
        "-oDPkg::Pre-Invoke::=touch${IFS}pwned",
        "-exec touch pwned",
        "' ; touch pwned ; '",
    ];
    let items: String = hostile
        .iter()
        .map(|text| format!("      - \"{text}\"\n"))
        .collect();
    let tasks: String = CALLS
        .iter()
        .map(|call| {
            format!(
                "    - {}\n      loop: '{{{{ hostile }}}}'\n      ignore_errors: true\n",
                call.replace('@', "{{ item }}")
            )
        })
        .collect();
    let controller = Controller::new(
        &host.line("h1", "root"),
        &format!(
            "- hosts: all\n  gather_facts: false\n  vars:\n    hostile:\n{items}  tasks:\n{tasks}"
        ),
    )
    .write("harmless.sh", "#!/bin/sh\ntrue\n");
    let searching = "find / -xdev -name 'pwned*' -not -path '/proc/*'; rm -f /root/pwned";
    let ended = controller.run(&[]);
    let found = host.shell(searching);
    host.shell("rm -rf /opt/t12");
    assert_eq!(found, "", "{}", ended.text);
    let ended = ended.code(0).says(&["TASK [debug]"]);
    assert!(!controller.path("pwned").exists(), "{}", ended.text);
    // The positive control: `shell` is a shell.
    let control = Controller::new(
        &host.line("h1", "root"),
        &format!(
            "- hosts: all\n  gather_facts: false\n  tasks:\n    - shell: 'true {}'\n",
            hostile[0]
        ),
    );
    control.run(&[]).code(0);
    assert_eq!(host.shell(searching), "/root/pwned\n");
}

fn unsigned(hosts: &[Host]) {
    let host = &hosts[0];
    host.shell(
        "echo 'deb file:/opt/kplay-repo/unsigned ./' >/etc/apt/sources.list.d/unsigned.list",
    );
    let run = |arguments: &str| {
        let controller = Controller::new(
            &host.line("h1", "root"),
            &format!(
                "- hosts: all\n  gather_facts: false\n  tasks:\n    - apt: {{name: kplay-test-unsigned{arguments}}}\n"
            ),
        );
        let ended = controller.run(&[]);
        let installed =
            host.shell("dpkg-query -W -f '${Status}' kplay-test-unsigned 2>/dev/null || true");
        (ended, installed.contains("install ok installed"))
    };
    let (updated, installed) = run(", update_cache: true");
    // apt takes no list from it at all; allowed lists do not make its packages trusted.
    let listed = host.shell("apt-get update -qq --allow-insecure-repositories 2>&1 || true");
    let (refused, installed_later) = run("");
    let (_, installed_at_will) = run(", allow_unauthenticated: true");
    host.shell("apt-get purge -qq -y kplay-test-unsigned >/dev/null 2>&1; rm -f /etc/apt/sources.list.d/unsigned.list; apt-get update -qq");
    assert!(!installed, "{}", updated.text);
    updated.code(2);
    assert!(!installed_later, "{}\n{listed}", refused.text);
    refused.code(2).says(&["authenticated"]);
    // The positive control: it is there to be installed, for who insists.
    assert!(installed_at_will);
}
