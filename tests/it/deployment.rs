//! The example inventories `inventory/dev`, `staging` and `prod`, found through the stand-in for Proxmox VE as a user's would be, and what
//! `docs/guide/deployment.md` shows of them. Its commands that need machines are run by `tests/lab/full guide`.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::support::proxmox::cluster::Cluster;
use crate::support::proxmox::{Options, Server, tls};
use crate::support::{TestEnvironment, repository};

const SECRET: &str = "11111111-2222-3333-4444-555555555555";
/// That of the test vectors, which everybody knows.
const KEY: &str = "AGE-SECRET-KEY-1G0Q5K9TV4REQ3ZSQRMTMG8NSWQGYT0T7TZ33RAZEE0GZYVZN0APSU24RK7";
const RECIPIENT: &str = "age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvun";

/// The machines of all three environments, and some that belong to none.
fn machines() -> Cluster {
    let guest = |name: &str, vmid: u32, tags: &str, address: &str| json!({"name": name, "vmid": vmid, "node": "pve1", "tags": tags, "addresses": [address]});
    serde_json::from_value(json!({
        "nodes": [{"name": "pve1", "ip": "192.0.2.1"}],
        "guests": [
            guest("kp1", 101, "prod;kubeadm;masters", "192.168.10.11/24"),
            guest("kp2", 102, "prod;kubeadm;masters", "192.168.10.12/24"),
            guest("kp3", 103, "prod;kubeadm;masters", "192.168.10.13/24"),
            guest("kp5", 105, "prod;kubeadm;agents", "192.168.10.15/24"),
            guest("kp6", 106, "prod;kubeadm;agents", "192.168.10.16/24"),
            guest("stage-1", 201, "staging;kubeadm;masters", "192.168.20.11/24"),
            guest("dev-1", 301, "dev;kubeadm;masters", "192.168.30.11/24"),
            guest("nas", 401, "storage", "192.168.10.40/24"),
            {"name": "prod-off", "vmid": 107, "node": "pve1", "tags": "prod;kubeadm;agents", "running": false},
        ],
    }))
    .unwrap()
}

/// The repository as a user has it after the first steps of the guide, without the secrets.
fn checkout() -> TestEnvironment {
    let site = TestEnvironment::new().write(
        ".sops.yaml",
        &format!(
            "creation_rules:\n  - path_regex: \\.sops\\.(yaml|yml|json)$\n    age: {RECIPIENT}\n"
        ),
    );
    for name in [
        "ansible.cfg",
        "group_vars",
        "inventory",
        "playbooks",
        "roles",
    ] {
        let copied = Command::new("cp")
            .arg("-a")
            .arg(repository(name))
            .arg(site.path(""))
            .status();
        assert!(copied.unwrap().success(), "{name}");
    }
    let keys = site.home().join(".config/sops/age");
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::write(keys.join("keys.txt"), KEY).unwrap();
    site
}

/// The same with the secrets of an environment, and its Proxmox.
fn deployed(environment: &str) -> (TestEnvironment, Server) {
    let site = checkout();
    let authority = tls::identity(&site.path(""), "DNS:localhost,IP:127.0.0.1");
    std::fs::copy(site.path("ca.pem"), site.path("inventory/pve-root-ca.pem")).unwrap();
    let server = Server::start(
        "127.0.0.1:0",
        Options {
            answers: machines().answers(),
            token: Some(format!("kplay@pve!inventory={SECRET}")),
            tls: Some(authority.config),
            ..Options::default()
        },
    )
    .unwrap();
    let source = site.path(&format!("inventory/{environment}/cluster.proxmox.yml"));
    let text = std::fs::read_to_string(&source).unwrap();
    let text: Vec<String> = text
        .lines()
        .map(|line| match line.starts_with("url:") {
            true => format!("url: https://{}", server.address),
            false => line.to_owned(),
        })
        .collect();
    std::fs::write(&source, text.join("\n")).unwrap();
    let site = site.write("keep.yml", &format!(
        "- hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n    - community.sops.sops_encrypt:\n        path: inventory/{environment}/group_vars/all/secrets.sops.yaml\n        content_yaml: {{proxmox_token_secret: {SECRET}}}\n"
    ));
    let _ = site.run(["keep.yml"]).success();
    (site, server)
}

/// The commands of the guide with the output that it shows for each.
fn commands() -> Vec<(String, String)> {
    let guide = std::fs::read_to_string(repository("docs/guide/deployment.md")).unwrap();
    let mut found: Vec<(String, String)> = Vec::new();
    for block in guide.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                found.push((command.to_owned(), String::new()));
                continue;
            }
            let (_, output) = found.last_mut().unwrap();
            output.push_str(line);
            output.push('\n');
        }
    }
    found
}

#[test]
fn each_environment_has_its_machines_and_its_settings() {
    for (environment, host, others, pods, processors) in [
        ("dev", "dev-1", ["stage-1", "kp1"], "10.30.0.0/16", 2),
        ("staging", "stage-1", ["dev-1", "kp1"], "10.20.0.0/16", 2),
        ("prod", "kp1", ["dev-1", "stage-1"], "10.10.0.0/16", 4),
    ] {
        let (site, _server) = deployed(environment);
        let inventory = format!("inventory/{environment}");
        let listed = site
            .run(["site.yml", "-i", &inventory, "--list-hosts"])
            .success();
        assert!(listed.stdout.contains(host), "{}", listed.stdout);
        for other in others.into_iter().chain(["nas", "prod-off", "pve1"]) {
            assert!(!listed.stdout.contains(other), "{other}: {}", listed.stdout);
        }
        let _ = site
            .run(["site.yml", "-i", &inventory, "--syntax-check"])
            .success();
        let told = site
            .write("tell.yml", "- hosts: masters\n  gather_facts: false\n  connection: local\n  tasks:\n    - debug: {msg: \"{{ kubeadm_pod_network }} {{ firewall_pod_network }} {{ node_preflight_cpus }} {{ ansible_host }}\"}\n")
            .run(["tell.yml", "-i", &inventory])
            .success();
        let wanted = format!("{pods} {pods} {processors} 192.168.");
        assert!(told.stdout.contains(&wanted), "{}", told.stdout);
    }
}

#[test]
fn without_its_proxmox_or_its_secret_an_environment_says_what_to_do() {
    let (site, server) = deployed("dev");
    let list = ["site.yml", "-i", "inventory/dev", "--list-hosts"];
    let source = site.path("inventory/dev/cluster.proxmox.yml");
    let text = std::fs::read_to_string(&source).unwrap();
    let away = text.replace(&server.address.to_string(), "127.0.0.1:9");
    std::fs::write(&source, away).unwrap();
    let said = site.run(list).code(1).stderr;
    assert!(said.contains("Proxmox at `https://127.0.0.1:9`"), "{said}");
    assert!(said.contains("is pveproxy running there"), "{said}");
    std::fs::remove_file(site.home().join(".config/sops/age/keys.txt")).unwrap();
    let said = site.run(list).code(1).stderr;
    assert!(
        said.contains("none of the keys at hand opens the file"),
        "{said}"
    );
    assert_eq!(said.matches("error[").count(), 1, "said once: {said}");
}

#[test]
fn the_guide_shows_what_is_printed() {
    let (site, _server) = deployed("prod");
    let mut seen = 0;
    for (command, output) in commands() {
        let words: Vec<&str> = command.split(' ').collect();
        if words.first() != Some(&"kplay") {
            continue;
        }
        let playbook = words.get(1).unwrap();
        if *playbook == "inventory" {
            let shown = site.run(words.into_iter().skip(1)).success().stdout;
            assert_eq!(shown.trim_end(), output.trim_end(), "{command}");
            seen += 1;
        } else {
            assert!(
                Path::new(&repository("playbooks")).join(playbook).exists(),
                "{command}"
            );
            let words = words
                .into_iter()
                .skip(1)
                .chain(["--list-tasks"])
                .filter(|word| *word != "-k");
            let _ = site.run(words).success();
        }
    }
    assert!(seen > 0, "the guide has no command of that kind any more");
}

#[test]
fn on_real_machines_nothing_is_done_that_was_not_asked_for() {
    let real = repository("tests/real");
    let site = TestEnvironment::new()
        .variable("KPLAY_ENGINE", env!("CARGO_BIN_EXE_kplay"))
        .write("hosts", "[broken\n");
    let refused = site.run_program(&real, ["hosts", "--life", "kp6"]).code(5);
    assert!(
        refused.stderr.contains("need --apply"),
        "{}",
        refused.stderr
    );
    let _ = site.run_program(&real, ["--apply"]).code(5);
    let told = site
        .run_program(&real, ["hosts", "--apply", "--yes"])
        .code(1);
    assert!(!told.stdout.contains("=== site.yml"), "{}", told.stdout);
    let report = std::fs::read_to_string(site.path("real-report.md")).unwrap();
    assert!(
        report.contains("| the inventory has hosts | **not well** |") && report.contains("[broken"),
        "{report}"
    );
}
