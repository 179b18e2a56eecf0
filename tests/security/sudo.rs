//! T15: sudo in all its moods: what went wrong is named, and the password is given to sudo alone, only when it asks, and once.

use crate::Test;
use crate::controller::{Controller, Ended};
use crate::lab::Host;

pub(crate) const TESTS: &[Test] = &[
    Test::Hosts("t15_the_password_is_given_once_when_sudo_asks", 1, asked),
    Test::Hosts("t15_a_wrong_password_is_tried_once_and_named", 1, wrong),
    Test::Hosts("t15_a_missing_password_is_named", 1, missing),
    Test::Hosts("t15_nopasswd_never_gets_the_password", 1, nopasswd),
    Test::Hosts("t15_a_cached_ticket_never_gets_the_password", 1, cached),
    Test::Hosts("t15_a_lecture_is_no_prompt", 1, lecture),
    Test::Hosts("t15_requiretty_is_named", 1, requiretty),
    Test::Hosts("t15_who_is_not_in_sudoers_is_told_so", 1, not_in_sudoers),
    Test::Hosts(
        "t2_a_password_with_braces_quotes_and_blanks_arrives_byte_for_byte",
        1,
        odd_password,
    ),
];

const PLAYBOOK: &str = "- hosts: all\n  gather_facts: false\n  become: true\n  tasks:\n    - command: id -un\n      register: who\n    - debug: var=who.stdout\n";

/// What `sudo` was asked on the host, and how the run ended.
struct Told {
    ended: Ended,
    calls: String,
    /// How often PAM or sudo complained of a wrong password.
    refusals: usize,
}

/// Runs as that user with that password. `sudo` is watched by a script that stands before it.
fn run(host: &Host, user: &str, password: Option<&str>) -> Told {
    host.shell("rm -rf /opt/t15 && mkdir -m 777 /opt/t15 && printf '#!/bin/sh\\necho \"$*\" >>/opt/t15/calls\\nexec sudo \"$@\"\\n' >/opt/t15/sudo && chmod 755 /opt/t15/sudo");
    let before = refusals(host);
    let mut controller = Controller::new(&host.line("h1", user), PLAYBOOK)
        .variable("ANSIBLE_BECOME_EXE", "/opt/t15/sudo");
    let mut arguments = Vec::new();
    if let Some(password) = password {
        controller = controller.write("password", password);
        arguments.extend(["--become-password-file", "password"]);
    }
    let ended = controller.run(&arguments);
    let calls = host.shell("cat /opt/t15/calls 2>/dev/null; rm -rf /opt/t15");
    Told {
        ended,
        calls,
        refusals: refusals(host) - before,
    }
}

fn refusals(host: &Host) -> usize {
    let counted = host.shell("journalctl -q _COMM=sudo --no-pager | grep -c 'pam_unix(sudo:auth): authentication failure' || true");
    counted.trim().parse().unwrap()
}

impl Told {
    /// How often sudo was called in a way that reads a password.
    fn asked(&self) -> usize {
        self.calls
            .lines()
            .filter(|call| call.contains("-S -p"))
            .count()
    }
}

/// Puts a line into sudoers for as long as it lives.
struct Sudoers<'host>(&'host Host);

impl<'host> Sudoers<'host> {
    fn new(host: &'host Host, line: &str) -> Self {
        host.shell(&format!(
            "echo '{line}' >/etc/sudoers.d/zz-t15 && chmod 440 /etc/sudoers.d/zz-t15 && visudo -cq"
        ));
        Self(host)
    }
}

impl Drop for Sudoers<'_> {
    fn drop(&mut self) {
        self.0
            .shell("rm -f /etc/sudoers.d/zz-t15; rm -rf /run/sudo/ts/*");
    }
}

/// The positive control of all others: a password that is wanted and right.
fn asked(hosts: &[Host]) {
    let told = run(&hosts[0], "secure", Some("secure-pass\n"));
    assert_eq!((told.asked(), told.refusals), (1, 0), "{}", told.calls);
    told.ended
        .code(0)
        .says(&["\"who.stdout\": \"root\""])
        .says_nothing_of(&["secure-pass"]);
}

fn wrong(hosts: &[Host]) {
    let told = run(&hosts[0], "secure", Some("not-the-password\n"));
    assert_eq!((told.asked(), told.refusals), (1, 1), "{}", told.calls);
    assert!(
        told.ended.code == Some(2) || told.ended.code == Some(4),
        "{}",
        told.ended.text
    );
    told.ended
        .says(&["Incorrect sudo password"])
        .says_nothing_of(&["not-the-password"]);
}

fn missing(hosts: &[Host]) {
    let told = run(&hosts[0], "secure", None);
    assert_eq!((told.asked(), told.refusals), (0, 0), "{}", told.calls);
    told.ended.says(&["Missing sudo password", "-K"]);
}

fn nopasswd(hosts: &[Host]) {
    let told = run(&hosts[0], "deploy", Some("not-the-password\n"));
    assert_eq!((told.asked(), told.refusals), (0, 0), "{}", told.calls);
    assert!(!told.calls.is_empty());
    told.ended.code(0).says(&["\"who.stdout\": \"root\""]);
}

fn cached(hosts: &[Host]) {
    let _sudoers = Sudoers::new(&hosts[0], "Defaults:secure timestamp_type=global");
    hosts[0].shell("su secure -c 'echo secure-pass | sudo -S -v' 2>/dev/null");
    let told = run(&hosts[0], "secure", Some("not-the-password\n"));
    assert_eq!((told.asked(), told.refusals), (0, 0), "{}", told.calls);
    told.ended.code(0).says(&["\"who.stdout\": \"root\""]);
}

fn lecture(hosts: &[Host]) {
    hosts[0].shell(
        "printf 'Think first.\\npassword for secure: [sudo] password:\\n' >/etc/t15-lecture",
    );
    let _sudoers = Sudoers::new(
        &hosts[0],
        "Defaults:secure lecture=always, lecture_file=/etc/t15-lecture",
    );
    let told = run(&hosts[0], "secure", Some("secure-pass\n"));
    assert_eq!((told.asked(), told.refusals), (1, 0), "{}", told.calls);
    told.ended.code(0).says(&["\"who.stdout\": \"root\""]);
}

fn requiretty(hosts: &[Host]) {
    let _sudoers = Sudoers::new(&hosts[0], "Defaults:secure requiretty");
    let told = run(&hosts[0], "secure", Some("secure-pass\n"));
    assert_eq!(told.refusals, 0, "{}", told.calls);
    told.ended
        .says(&["requiretty"])
        .says_nothing_of(&["secure-pass"]);
}

fn not_in_sudoers(hosts: &[Host]) {
    let told = run(&hosts[0], "plain", Some("plain-pass\n"));
    assert!(told.asked() <= 1, "{}", told.calls);
    told.ended
        .says(&["not in sudoers"])
        .says_nothing_of(&["plain-pass"]);
}

fn odd_password(hosts: &[Host]) {
    let password = "{{ 7*7 }} 'quoted\" \\ $HOME";
    hosts[0].shell("printf '%s\\n' 'secure:{{ 7*7 }} '\\''quoted\" \\ $HOME' | chpasswd");
    let told = run(&hosts[0], "secure", Some(&format!("{password}\n")));
    hosts[0].shell("echo secure:secure-pass | chpasswd");
    told.ended.code(0).says(&["\"who.stdout\": \"root\""]);
}
