//! T25: whatever ends kplay or cuts its line ends what runs on the host, and leaves no temporary or half-written file.

use std::time::Duration;

use rustix::process::Signal;

use crate::Test;
use crate::controller::{Controller, Running};
use crate::lab::{Host, poll};

pub(crate) const TESTS: &[Test] = &[
    Test::Hosts("t25_ctrl_c_ends_the_command_on_the_host", 1, ctrl_c),
    Test::Hosts("t25_term_ends_the_command_on_the_host", 1, term),
    Test::Hosts(
        "t25_the_controllers_death_ends_the_command_on_the_host",
        1,
        death,
    ),
    Test::Hosts("t25_a_cut_line_ends_the_command_on_the_host", 1, cut),
    Test::Hosts("t25_a_command_of_a_become_user_ends_too", 1, becoming),
    Test::Hosts(
        "t25_the_controllers_death_leaves_no_half_written_file",
        1,
        half_written,
    ),
    Test::Here("t25_ctrl_c_ends_a_local_command", local_ctrl_c),
    Test::Here(
        "t25_the_controllers_death_ends_a_local_command",
        local_death,
    ),
];

/// A command that no other test runs: a shell with a child of its own.
fn playbook(seconds: u32) -> String {
    format!(
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - shell: 'sleep {seconds} & sleep {seconds}; true'\n    - shell: touch /srv/went-on\n"
    )
}

fn counting(seconds: u32) -> String {
    format!("pgrep -fcx 'sleep {seconds}' || true")
}

/// Starts the playbook and waits until both of its processes run.
fn start(host: &Host, controller: &Controller, seconds: u32) -> Running {
    let running = controller.start(&[]);
    host.wait_for(&counting(seconds), "2");
    running
}

/// Nothing of the command is left, and what should come after it did not.
fn nothing_left(host: &Host, seconds: u32) {
    host.wait_for(&counting(seconds), "0");
    host.wait_for("pgrep -fc '[/]kplay/worker-' || true", "0");
    host.wait_for("find / -xdev -name '.kplay-*' -not -path '/proc/*'", "");
    assert_eq!(host.shell("ls /srv"), "");
}

fn on(host: &Host, user: &str, seconds: u32) -> Controller {
    Controller::new(&host.line("h1", user), &playbook(seconds))
}

fn ctrl_c(hosts: &[Host]) {
    let controller = on(&hosts[0], "root", 98_761);
    let running = start(&hosts[0], &controller, 98_761);
    running.signal(Signal::INT);
    running.wait().code(99);
    nothing_left(&hosts[0], 98_761);
}

fn term(hosts: &[Host]) {
    let controller = on(&hosts[0], "root", 98_762);
    let running = start(&hosts[0], &controller, 98_762);
    running.signal(Signal::TERM);
    running.wait().code(99);
    nothing_left(&hosts[0], 98_762);
}

fn death(hosts: &[Host]) {
    let controller = on(&hosts[0], "root", 98_763);
    let running = start(&hosts[0], &controller, 98_763);
    running.signal(Signal::KILL);
    running.wait().code(-9);
    nothing_left(&hosts[0], 98_763);
}

/// The session's sshd dies, as it does when the line is cut and keep-alives fail.
fn cut(hosts: &[Host]) {
    let controller = on(&hosts[0], "root", 98_764);
    let running = start(&hosts[0], &controller, 98_764);
    hosts[0].shell("pkill -KILL -f '^sshd: root'");
    running
        .wait()
        .code(4)
        .says(&["UNREACHABLE!", "unreachable=1"]);
    nothing_left(&hosts[0], 98_764);
}

fn becoming(hosts: &[Host]) {
    let controller = on(&hosts[0], "deploy", 98_765);
    let running = controller.start(&["-b", "--become-user", "plain"]);
    hosts[0].wait_for(&counting(98_765), "2");
    running.signal(Signal::KILL);
    running.wait().code(-9);
    nothing_left(&hosts[0], 98_765);
    hosts[0].wait_for(
        "find /tmp /var/tmp /dev/shm -name '*kplay-*' -user plain",
        "",
    );
}

/// A copy that is met in the middle: its content is in a file without a name, or with a temporary one where the file system has
/// no nameless files.
fn half_written(hosts: &[Host]) {
    let host = &hosts[0];
    host.shell("rm -rf /root/t25 && mkdir /root/t25");
    let controller = Controller::new(
        &host.line("h1", "root"),
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - copy: {src: big, dest: /root/t25/big}\n",
    );
    let big = std::fs::File::create(controller.path("big")).unwrap();
    big.set_len(200 << 20).unwrap();
    let running = controller.start(&[]);
    let met = poll(Duration::from_secs(25), || {
        let found = host.shell(
            "find /proc/[0-9]*/fd -lname '/root/t25/*' 2>/dev/null; find /root/t25 -name '.kplay-*'; true",
        );
        !found.is_empty()
    });
    running.signal(Signal::KILL);
    running.wait().code(-9);
    assert!(met, "no temporary file was met");
    host.wait_for("pgrep -fc '[/]kplay/worker-' || true", "0");
    host.wait_for(
        "find / -xdev \\( -name '.kplay-*' -o -size +2M -path '/tmp/*' \\) -not -path '/proc/*'",
        "",
    );
    assert_eq!(host.shell("ls -A /root/t25"), "");
}

fn local(seconds: u32, signal: Signal, code: i32) {
    let controller = Controller::local(&playbook(seconds).replace("/srv/went-on", "went-on"));
    let running = controller.start(&[]);
    let count = || {
        let words = ["sleep".to_owned(), seconds.to_string()];
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let lines =
            processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
        let wanted = format!("{}\0", words.join("\0")).into_bytes();
        lines.filter(|line| *line == wanted).count()
    };
    assert!(
        poll(Duration::from_secs(20), || count() == 2),
        "it never ran"
    );
    running.signal(signal);
    running.wait().code(code);
    assert!(
        poll(Duration::from_secs(10), || count() == 0),
        "the command is left"
    );
    assert!(!controller.path("went-on").exists());
}

fn local_ctrl_c() {
    local(98_766, Signal::INT, 99);
}

fn local_death() {
    local(98_767, Signal::KILL, -9);
}
