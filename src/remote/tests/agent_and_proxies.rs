//! The agent, jump hosts and proxy commands.

use std::process::{Command, Stdio};

use super::sshd::{House, Options, Sshd, can_run, connect, friendly, output_of, refused};
use crate::remote::Failure;
use crate::remote::error::Class;

/// A running ssh-agent, ended with the test.
struct RunningAgent {
    child: std::process::Child,
    socket: String,
}

impl Drop for RunningAgent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn agent_with(house: &mut House, keys: &[&std::path::Path]) -> RunningAgent {
    let socket = house.path("agent.sock").display().to_string();
    let child = Command::new("ssh-agent")
        .args(["-D", "-a", &socket])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let agent = RunningAgent { child, socket };
    for _ in 0..500 {
        if std::os::unix::net::UnixStream::connect(&agent.socket).is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    for key in keys {
        let status = Command::new("ssh-add")
            .arg("-q")
            .arg(key)
            .env("SSH_AUTH_SOCK", &agent.socket)
            .status()
            .unwrap();
        assert!(status.success());
    }
    house
        .user
        .environment
        .insert("SSH_AUTH_SOCK".to_owned(), agent.socket.clone());
    agent
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_signs_and_identities_only_keeps_it_to_named_keys() {
    if !can_run() {
        return;
    }
    for kind in ["ed25519", "rsa"] {
        let mut house = House::new();
        let (sshd, mut target) = friendly(&house);
        let (key, public) = house.key("id_in_agent", kind, "");
        house.write("sshd_authorized", &public);
        let (other, _) = house.key("id_other", "ed25519", "");
        let _agent = agent_with(&mut house, &[&other, &key]);
        // The private half exists in the agent alone.
        std::fs::remove_file(&key).unwrap();
        target.private_key_file = None;
        let connection = connect(&house, &target).await.unwrap();
        assert_eq!(output_of(&connection, "echo in").await, "in\n");
        target.ssh_common_args = format!("-o IdentitiesOnly=yes -i {}", other.display());
        assert_eq!(
            refused(&house, &target).await.class(),
            Class::Authentication
        );
        // Named by its public half, it is used first: one key seen by the host.
        target.ssh_common_args = format!("-o IdentitiesOnly=yes -i {}.pub", key.display());
        connect(&house, &target).await.unwrap();
        drop(sshd);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_gone_is_said_and_costs_nothing_else() {
    if !can_run() {
        return;
    }
    let mut house = House::new();
    let (_sshd, mut target) = friendly(&house);
    house.user.environment.insert(
        "SSH_AUTH_SOCK".to_owned(),
        house.path("nowhere.sock").display().to_string(),
    );
    connect(&house, &target).await.unwrap();
    target.private_key_file = None;
    let error = refused(&house, &target).await.to_string();
    assert!(error.contains("nowhere.sock"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t24_the_agent_is_never_forwarded() {
    if !can_run() {
        return;
    }
    let mut house = House::new();
    let (_sshd, mut target) = friendly(&house);
    let key = target.private_key_file.clone().unwrap();
    let agent = agent_with(&mut house, &[&key]);
    target.ssh_common_args = "-A -o ForwardAgent=yes".to_owned();
    let connection = connect(&house, &target).await.unwrap();
    assert_eq!(
        output_of(&connection, "echo \"<$SSH_AUTH_SOCK>\"").await,
        "<>\n"
    );
    // The control: OpenSSH's own client, asked the same way, does forward it.
    let output = Command::new("ssh")
        .args([
            "-A",
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "StrictHostKeyChecking=no",
        ])
        .arg("-o")
        .arg(format!(
            "UserKnownHostsFile={}",
            house.path(".ssh/known_hosts").display()
        ))
        .arg("-i")
        .arg(&key)
        .args([
            "-p",
            &target.port.unwrap().to_string(),
            "127.0.0.1",
            "echo \"<$SSH_AUTH_SOCK>\"",
        ])
        .env("SSH_AUTH_SOCK", &agent.socket)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        text.starts_with("</"),
        "{text} {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Two sshds that know the same key: a gate and a host behind it.
fn gate_and_host(house: &House) -> (Sshd, Sshd, crate::remote::Target) {
    let (key, public) = house.key("id_test", "ed25519", "");
    let start = |name: &str| {
        Sshd::start(
            house,
            name,
            &Options {
                authorized: vec![&public],
                ..Options::default()
            },
        )
    };
    let (gate, host) = (start("gate"), start("host"));
    house.know(&format!("{}{}", gate.known_line(), host.known_line()));
    house.write(
        ".ssh/config",
        &format!(
            "Host gate\n  HostName 127.0.0.1\n  Port {}\nHost *\n  IdentityFile {}\n",
            gate.port,
            key.display()
        ),
    );
    let target = host.target();
    (gate, host, target)
}

#[tokio::test(flavor = "multi_thread")]
async fn proxy_jump_goes_through_one_gate_or_two() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (gate, _host, mut target) = gate_and_host(&house);
    for jumps in ["gate".to_owned(), format!("gate,127.0.0.1:{}", gate.port)] {
        target.ssh_common_args = format!("-J {jumps}");
        let connection = connect(&house, &target).await.unwrap();
        assert_eq!(output_of(&connection, "echo in").await, "in\n", "{jumps}");
    }
    assert!(gate.log().contains("direct-tcpip"), "{}", gate.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn t14_host_keys_of_jump_hosts_are_checked_too() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (_gate, host, mut target) = gate_and_host(&house);
    house.know(&host.known_line());
    target.ssh_common_args = "-J gate".to_owned();
    // Switched off for the host itself, which says nothing about the gate.
    target.host_key_checking = false;
    let error = refused(&house, &target).await;
    assert_eq!(error.class(), Class::HostKey, "{error}");
    assert!(error.to_string().contains("jump host `gate`"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_cannot_go_on_says_where_to() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (_gate, host, mut target) = gate_and_host(&house);
    drop(host);
    target.ssh_common_args = "-J gate".to_owned();
    let error = refused(&house, &target).await;
    assert!(
        matches!(*error.failure, Failure::JumpRefused { .. }),
        "{error}"
    );
    house.write(
        ".ssh/config",
        "Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n",
    );
    target.ssh_common_args = "-J a".to_owned();
    let error = refused(&house, &target).await;
    assert!(
        matches!(*error.failure, Failure::TooManyJumps { .. }),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_command_carries_the_connection_and_ends_with_it() {
    if !can_run() {
        return;
    }
    let house = House::new();
    let (sshd, mut target) = friendly(&house);
    let key = target.private_key_file.clone().unwrap();
    // ssh itself is the proxy: it is there wherever this test can run.
    let proxy = format!(
        "echo $$ > {}; exec ssh -F none -i {} -o UserKnownHostsFile={} -p {} -W %h:%p 127.0.0.1",
        house.path("pid").display(),
        key.display(),
        house.path(".ssh/known_hosts").display(),
        sshd.port,
    );
    house.write("proxy.sh", &proxy.replace("%h:%p", "$1:$2"));
    target.ssh_common_args = format!(
        "-o ProxyCommand=\"sh {} %h %p\"",
        house.path("proxy.sh").display()
    );
    let connection = connect(&house, &target).await.unwrap();
    assert_eq!(output_of(&connection, "echo in").await, "in\n");
    let pid = std::fs::read_to_string(house.path("pid")).unwrap();
    let comm = format!("/proc/{}/comm", pid.trim());
    assert_eq!(std::fs::read_to_string(&comm).unwrap().trim(), "ssh");
    drop(connection);
    for _ in 0..300 {
        if !std::fs::read_to_string(&comm).is_ok_and(|name| name.trim() == "ssh") {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the proxy command outlived its connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_command_that_fails_tells_its_own_words() {
    let house = House::new();
    let mut target = crate::remote::Target::new("web");
    target.ssh_common_args =
        "-o ProxyCommand=\"sh -c 'echo no route to %h >&2; exit 3'\"".to_owned();
    let error = refused(&house, &target).await.to_string();
    assert!(
        error.contains("no route to web") && error.contains("exit status: 3"),
        "{error}"
    );
}
