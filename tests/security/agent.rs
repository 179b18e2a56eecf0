//! T24: the agent of the controller is used to log in, and no host ever reaches it.

use std::process::Command;

use crate::Test;
use crate::controller::Controller;
use crate::lab::Host;

pub(crate) const TESTS: &[Test] = &[Test::Hosts(
    "t24_the_agent_is_never_forwarded",
    1,
    never_forwarded,
)];

struct Agent {
    socket: String,
    id: String,
}

impl Agent {
    fn start(directory: &Controller) -> Self {
        let socket = directory.path("agent").display().to_string();
        let output = Command::new("ssh-agent")
            .args(["-s", "-a", &socket])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let id = text
            .split_once("SSH_AGENT_PID=")
            .unwrap()
            .1
            .split_once(';')
            .unwrap()
            .0
            .to_owned();
        Self { socket, id }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = Command::new("ssh-agent")
            .arg("-k")
            .env("SSH_AGENT_PID", &self.id)
            .output();
    }
}

fn never_forwarded(hosts: &[Host]) {
    let host = &hosts[0];
    let line = format!(
        "h1 ansible_host={} ansible_user=deploy ansible_ssh_common_args='-o UserKnownHostsFile={}/known_hosts -F config -o ForwardAgent=yes'\n",
        host.address,
        host.state.display()
    );
    let controller = Controller::new(
        &line,
        "- hosts: all\n  gather_facts: false\n  tasks:\n    - shell: echo \"mine <$SSH_AUTH_SOCK>\"; ls -d /tmp/ssh-*/agent.* 2>/dev/null || true\n      register: mine\n    - shell: echo \"become <$SSH_AUTH_SOCK>\"\n      become: true\n      register: theirs\n    - debug: msg=\"{{ mine.stdout }} {{ theirs.stdout }}\"\n",
    )
    .write("config", "Host *\n  ForwardAgent yes\n");
    let agent = Agent::start(&controller);
    let added = Command::new("ssh-add")
        .arg(host.state.join("id"))
        .env("SSH_AUTH_SOCK", &agent.socket)
        .output()
        .unwrap();
    assert!(added.status.success());
    // The positive control: this host does forward, for a client that asks for it.
    let asked = Command::new("ssh")
        .args(["-F", "none", "-A", "-o", "BatchMode=yes", "-o"])
        .arg(format!(
            "UserKnownHostsFile={}/known_hosts",
            host.state.display()
        ))
        .arg(format!("deploy@{}", host.address))
        .arg("echo \"mine <$SSH_AUTH_SOCK>\"")
        .env("SSH_AUTH_SOCK", &agent.socket)
        .output()
        .unwrap();
    assert!(
        String::from_utf8_lossy(&asked.stdout).contains("mine </tmp/ssh-"),
        "{asked:?}"
    );
    let controller = controller.variable("SSH_AUTH_SOCK", &agent.socket);
    controller
        .run(&[])
        .code(0)
        .says(&["mine <>", "become <>"])
        .says_nothing_of(&["/agent."]);
}
