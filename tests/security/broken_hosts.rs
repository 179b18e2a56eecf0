//! What breaks by itself on a real host: a full disk, a worker that is killed. The cause is named, the other hosts go on, and
//! nothing half-written remains.

use crate::Test;
use crate::controller::Controller;
use crate::lab::Host;

pub(crate) const TESTS: &[Test] = &[
    Test::Hosts(
        "bad_input_a_full_disk_is_named_and_nothing_half_written_remains",
        1,
        full_disk,
    ),
    Test::Hosts(
        "bad_input_a_killed_worker_makes_one_host_unreachable",
        1,
        killed_worker,
    ),
    Test::Hosts("bad_input_a_wrong_login_password_is_named", 1, wrong_login),
];

/// This host and a second one, which is this machine.
fn inventory(host: &Host) -> String {
    format!(
        "{}other ansible_connection=local\n",
        host.line("h1", "root")
    )
}

fn full_disk(hosts: &[Host]) {
    let host = &hosts[0];
    host.shell("mkdir -p /opt/full && mount -t tmpfs -o size=256k tmpfs /opt/full && echo old >/opt/full/small");
    let controller = Controller::new(
        &inventory(host),
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - copy: {src: big, dest: /opt/full/new}\n      when: inventory_hostname == 'h1'\n      ignore_errors: true\n    - copy: {src: big, dest: /opt/full/small}\n      when: inventory_hostname == 'h1'\n    - debug: msg=after\n",
    )
    .write("big", &"x".repeat(1 << 20));
    let ended = controller.run(&[]);
    let left = host.shell("cat /opt/full/small; ls -A /opt/full; umount /opt/full; find / -xdev -name '.kplay-*' -not -path '/proc/*'");
    ended.code(2).says(&[
        "No space left on device",
        "/opt/full/new",
        "site.yml:7:",
        "failed=1",
        "ok: [other] =>",
    ]);
    assert_eq!(left, "old\nsmall\n");
}

fn killed_worker(hosts: &[Host]) {
    let host = &hosts[0];
    let controller = Controller::new(
        &inventory(host),
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - shell: sleep 98771\n      when: inventory_hostname == 'h1'\n    - debug: msg=after\n",
    );
    let running = controller.start(&[]);
    host.wait_for("pgrep -fcx 'sleep 98771' || true", "1");
    host.shell("pkill -KILL -f '[/]kplay/worker-'");
    let ended = running.wait();
    ended.code(4).says(&[
        "fatal: [h1]: UNREACHABLE!",
        "site.yml:4:",
        "unreachable=1",
        "ok: [other] =>",
    ]);
    host.shell("pkill -KILL -fx 'sleep 98771' || true");
}

fn wrong_login(hosts: &[Host]) {
    let inventory = format!(
        "h1 ansible_host={} ansible_user=secure ansible_password=not-the-password ansible_ssh_common_args='-o UserKnownHostsFile={}/known_hosts'\nother ansible_connection=local\n",
        hosts[0].address,
        hosts[0].state.display()
    );
    let controller = Controller::new(
        &inventory,
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - ping:\n",
    );
    controller
        .run(&[])
        .code(4)
        .says(&["UNREACHABLE!", "password", "rejected", "ok: [other]"])
        .says_nothing_of(&["not-the-password"]);
}
