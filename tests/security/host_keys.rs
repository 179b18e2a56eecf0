//! T14: the key of a host is known or the host is not spoken to, with the fingerprints in the message. The finer points (hashed
//! names, authorities, revoked keys) are in the unit tests of `src/remote`.

use std::fs;
use std::process::Command;

use crate::Test;
use crate::controller::Controller;
use crate::lab::Host;

pub(crate) const TESTS: &[Test] = &[
    Test::Hosts(
        "t14_an_unknown_key_is_refused_with_its_fingerprint",
        1,
        unknown,
    ),
    Test::Hosts(
        "t14_a_changed_key_is_refused_with_both_fingerprints",
        1,
        changed,
    ),
    Test::Hosts(
        "t14_accept_new_takes_an_unknown_key_and_refuses_a_changed_one",
        1,
        accept_new,
    ),
    Test::Hosts(
        "t14_checking_switched_off_warns_in_each_run",
        1,
        switched_off,
    ),
    Test::Hosts("t14_the_key_of_a_jump_host_is_checked_too", 2, jump),
];

const PLAYBOOK: &str = "- hosts: all\n  gather_facts: false\n  tasks:\n    - command: hostname\n      register: name\n    - debug: var=name.stdout\n";

/// A controller that knows the hosts in its own file `known`; the other host shows that a run goes on.
fn controller(host: &Host, options: &str, known: &str) -> Controller {
    let line = format!(
        "h1 ansible_host={} ansible_user=root ansible_ssh_private_key_file={}/id ansible_ssh_common_args='-o UserKnownHostsFile=known {options}'\nother ansible_connection=local\n",
        host.address,
        host.state.display()
    );
    Controller::new(&line, PLAYBOOK).write("known", known)
}

/// The lines of the lab's list for that address, as if they were `name`'s.
fn keys(host: &Host, address: &str, name: &str) -> String {
    let known = fs::read_to_string(host.state.join("known_hosts")).unwrap();
    let lines = known
        .lines()
        .filter_map(|line| line.strip_prefix(address)?.strip_prefix(' '));
    lines.map(|key| format!("{name} {key}\n")).collect()
}

/// Keys of another machine under this host's address.
fn wrong_keys(host: &Host) -> String {
    let known = fs::read_to_string(host.state.join("known_hosts")).unwrap();
    let other = known
        .lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(address, _)| *address != host.address);
    keys(host, other.unwrap().0, &host.address)
}

/// The fingerprints that ssh-keygen gives for a list of keys.
fn fingerprints(controller: &Controller, list: &str) -> Vec<String> {
    let path = controller.path("list");
    fs::write(&path, list).unwrap();
    let output = Command::new("ssh-keygen")
        .arg("-lf")
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .filter_map(|line| line.split(' ').nth(1))
        .map(str::to_owned)
        .collect()
}

fn unknown(hosts: &[Host]) {
    let controller = controller(&hosts[0], "", "");
    let ended = controller.run(&[]).code(4).says(&[
        "fatal: [h1]: UNREACHABLE!",
        "SHA256:",
        "known",
        "ok: [other] =>",
    ]);
    let right = fingerprints(&controller, &keys(&hosts[0], &hosts[0].address, "x"));
    assert!(
        right.iter().any(|print| ended.text.contains(print)),
        "{}",
        ended.text
    );
    assert_eq!(fs::read_to_string(controller.path("known")).unwrap(), "");
}

fn changed(hosts: &[Host]) {
    let wrong = wrong_keys(&hosts[0]);
    let controller = controller(&hosts[0], "", &wrong);
    let ended = controller
        .run(&[])
        .code(4)
        .says(&["fatal: [h1]: UNREACHABLE!", "ok: [other] =>"]);
    let right = fingerprints(&controller, &keys(&hosts[0], &hosts[0].address, "x"));
    let wrong = fingerprints(&controller, &wrong);
    assert!(
        right.iter().any(|print| ended.text.contains(print)),
        "{}",
        ended.text
    );
    assert!(
        wrong.iter().any(|print| ended.text.contains(print)),
        "{}",
        ended.text
    );
}

fn accept_new(hosts: &[Host]) {
    let fresh = controller(&hosts[0], "-o StrictHostKeyChecking=accept-new", "");
    fresh.run(&[]).code(0);
    // The name may be hashed, as this machine's ssh_config says; a run that accepts nothing new shows that it is known.
    let taken = fs::read_to_string(fresh.path("known")).unwrap();
    controller(&hosts[0], "", &taken).run(&[]).code(0);
    let stale = controller(
        &hosts[0],
        "-o StrictHostKeyChecking=accept-new",
        &wrong_keys(&hosts[0]),
    );
    stale.run(&[]).code(4).says(&["SHA256:"]);
}

fn switched_off(hosts: &[Host]) {
    let controller = controller(&hosts[0], "", "").variable("ANSIBLE_HOST_KEY_CHECKING", "false");
    for _ in 0..2 {
        controller.run(&[]).code(0).says(&["WARNING", "host key"]);
    }
}

fn jump(hosts: &[Host]) {
    let [host, jump] = hosts else {
        panic!("two hosts")
    };
    let key = host.state.join("id").display().to_string();
    let with = |known: &str| {
        let options = format!("-F config -o ProxyJump=root@{}", jump.address);
        controller(host, &options, known).write(
            "config",
            &format!("Host *\n  IdentityFile {key}\n  UserKnownHostsFile known\n"),
        )
    };
    let target = keys(host, &host.address, &host.address);
    let both = format!("{target}{}", keys(jump, &jump.address, &jump.address));
    with(&both).run(&[]).code(0).says(&[&host.machine]);
    with(&target)
        .run(&[])
        .code(4)
        .says(&["jump host", &jump.address, "SHA256:"]);
}
