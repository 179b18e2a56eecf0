//! Inventories from Proxmox VE, against the stand-in for its API: what the real plugin gives, and what a cluster in trouble does.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::support::proxmox::cluster::Cluster;
use crate::support::proxmox::{Answers, Fault, Options, Server, answers, tls};
use crate::support::{TestEnvironment, repository};

const TOKEN: &str = "auto@pve!kplay=00000000-aaaa-bbbb-cccc-000000000000";
const SECRET: &str = "00000000-aaaa-bbbb-cccc-000000000000";

fn start(options: Options) -> Server {
    Server::start("127.0.0.1:0", options).unwrap()
}

fn by_token(answers: Answers) -> Options {
    Options {
        answers,
        token: Some(TOKEN.to_owned()),
        ..Options::default()
    }
}

/// A source for the server, with more options.
fn source(server: &Server, more: &str) -> String {
    format!(
        "plugin: community.proxmox.proxmox\nurl: http://{}/\nuser: auto@pve\ntoken_id: kplay\ntoken_secret: {SECRET}\n{more}",
        server.address
    )
}

fn site(server: &Server, more: &str) -> TestEnvironment {
    TestEnvironment::new().write("inventory/lab.proxmox.yml", &source(server, more))
}

/// Runs `kplay inventory` and returns what it printed, not filtered.
fn shown(site: &TestEnvironment, arguments: &str) -> (String, String) {
    let line = format!(
        "{} inventory -i inventory {arguments} > out 2> err",
        env!("CARGO_BIN_EXE_kplay")
    );
    let finished = site.run_program(Path::new("/bin/sh"), ["-c", &line]).any();
    let read = |name: &str| std::fs::read_to_string(site.path(name)).unwrap();
    assert!(
        finished.stderr.contains("exit code 0"),
        "{}{}{}",
        finished.stderr,
        read("out"),
        read("err")
    );
    (read("out"), read("err"))
}

fn listed(site: &TestEnvironment) -> (Json, String) {
    let (out, err) = shown(site, "--list");
    (serde_json::from_str(&out).unwrap(), err)
}

fn refused(site: &TestEnvironment) -> String {
    site.run(["inventory", "-i", "inventory", "--list"])
        .code(1)
        .stderr
}

fn variable<'a>(list: &'a Json, host: &str, name: &str) -> &'a Json {
    &list["_meta"]["hostvars"][host][name]
}

fn cluster(description: Json) -> Cluster {
    serde_json::from_value(description).unwrap()
}

fn count(server: &Server, part: &str) -> usize {
    server
        .asked()
        .iter()
        .filter(|asked| asked.contains(part))
        .count()
}

#[test]
fn groups_and_variables_are_those_of_the_plugin() {
    let vectors = repository("tests/vectors/proxmox");
    for name in ["min", "facts"] {
        let server = start(Options {
            answers: answers(&vectors.join("server.json")),
            ..Options::default()
        });
        let text =
            std::fs::read_to_string(vectors.join(format!("inventory_{name}.proxmox.yml"))).unwrap();
        let text = text.replace("127.0.0.1:18006", &server.address.to_string());
        let expected =
            std::fs::read_to_string(vectors.join(format!("inventory_{name}.json"))).unwrap();
        let expected: Json = serde_json::from_str(&expected).unwrap();
        for plugin in ["community.proxmox.proxmox", "community.general.proxmox"] {
            let text = text.replace("community.proxmox.proxmox", plugin);
            let (list, err) =
                listed(&TestEnvironment::new().write("inventory/x.proxmox.yml", &text));
            assert_eq!(list, expected, "{name}");
            assert_eq!(err, "");
        }
    }
}

#[test]
fn files_beside_the_source_and_constructed_groups_count() {
    let lab = cluster(
        json!({"nodes": [{"name": "pve1", "ip": "192.0.2.1"}], "guests": [
            {"name": "cp-1", "vmid": 1, "node": "pve1", "tags": "k3s;server", "addresses": ["192.0.2.11/24"], "pool": "big one"},
            {"name": "old", "vmid": 2, "node": "pve1", "running": false},
        ]}),
    );
    let server = start(by_token(lab.answers()));
    let more = "want_facts: true\nfilters: [\"proxmox_status == 'running'\"]\nqemu_hostname: '{{ name }}.{{ domain }}'\n";
    let site = site(&server, more)
        .write("inventory/group_vars/proxmox_all_qemu.yml", "who: qemu\n")
        .write(
            "inventory/z.yml",
            "plugin: constructed\nkeyed_groups: [{key: proxmox_tags_parsed, prefix: tag}]\n",
        );
    let (out, _) = shown(&site, "--list -e domain=lab.example");
    let list: Json = serde_json::from_str(&out).unwrap();
    assert_eq!(*variable(&list, "cp-1.lab.example", "who"), "qemu");
    assert_eq!(list["tag_server"]["hosts"], json!(["cp-1.lab.example"]));
    assert_eq!(list["_meta"]["hostvars"]["old"], Json::Null);
    assert_eq!(list["proxmox_nodes"]["hosts"], json!(["pve1"]));
}

#[test]
fn the_authority_of_the_cluster_proves_its_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let identity = tls::identity(folder.path(), "DNS:localhost,IP:127.0.0.1");
    let stranger = tls::identity(other.path(), "DNS:localhost,IP:127.0.0.1");
    let options = Options {
        tls: Some(identity.config.clone()),
        ..by_token(Cluster::of(3, 1).answers())
    };
    let server = start(options);
    let site = |more: String| {
        let text = source(&server, &more).replace("http://", "https://");
        TestEnvironment::new().write("inventory/lab.proxmox.yml", &text)
    };
    let (list, err) = listed(&site(format!(
        "ca_path: {}\nwant_facts: true\n",
        identity.authority.display()
    )));
    assert_eq!(
        (
            list["proxmox_all_qemu"]["hosts"].as_array().unwrap().len(),
            err.as_str()
        ),
        (3, "")
    );
    let before = server.asked().len();
    for authority in [
        format!("ca_path: {}\n", stranger.authority.display()),
        String::new(),
    ] {
        let text = refused(&site(authority));
        assert!(
            text.contains("ca_path") && text.contains("certificate"),
            "{text}"
        );
    }
    assert_eq!(
        server.asked().len(),
        before,
        "nothing is sent to a server that proved nothing"
    );
    listed(&site("validate_certs: false\n".to_owned()));
    let text = refused(&site("ca_path: nowhere.pem\n".to_owned()));
    assert!(text.contains("cannot be read"), "{text}");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let identity = tls::identity(folder.path(), "DNS:pve.example");
    let server = start(Options {
        tls: Some(identity.config),
        ..by_token(Answers::new())
    });
    let text = source(
        &server,
        &format!("ca_path: {}\n", identity.authority.display()),
    );
    let site = TestEnvironment::new().write(
        "inventory/lab.proxmox.yml",
        &text.replace("http://", "https://"),
    );
    assert!(refused(&site).contains("certificate"));
}

#[test]
fn a_password_gets_a_ticket() {
    let password = "p&s +ü%";
    let server = start(Options {
        answers: Cluster::of(2, 1).answers(),
        password: Some(("auto@pve".to_owned(), password.to_owned())),
        ..Options::default()
    });
    let text = |password: &str| {
        format!(
            "plugin: community.proxmox.proxmox\nurl: http://{}\nuser: auto@pve\npassword: '{password}'\n",
            server.address
        )
    };
    let (list, _) =
        listed(&TestEnvironment::new().write("inventory/x.proxmox.yml", &text(password)));
    assert_eq!(
        list["proxmox_all_qemu"]["hosts"],
        json!(["guest-0", "guest-1"])
    );
    assert_eq!(count(&server, "/access/ticket"), 1);
    let said = refused(
        &TestEnvironment::new().write("inventory/x.proxmox.yml", &text("hunter-twenty-two")),
    );
    assert!(
        said.contains("401")
            && said.contains("password right")
            && !said.contains("hunter-twenty-two"),
        "{said}"
    );
}

#[test]
fn credentials_come_from_templates_and_the_environment() {
    let server = start(by_token(Cluster::of(1, 1).answers()));
    let text = format!(
        "plugin: community.proxmox.proxmox\nurl: \"http://{}\"\nuser: \"{{{{ lookup('env', 'PM_USER') }}}}\"\ntoken_id: '{{{{ id }}}}'\n",
        server.address
    );
    let site = TestEnvironment::new()
        .write("inventory/x.proxmox.yml", &text)
        .variable("PM_USER", "auto@pve\n")
        .variable("PROXMOX_TOKEN_SECRET", format!("{SECRET}\n"));
    let (out, _) = shown(&site, "--list -e id=kplay");
    assert!(out.contains("guest-0"));
}

#[test]
fn a_refusal_is_asked_once_and_ends_the_run_without_the_secret() {
    let server = start(Options {
        token: Some("auto@pve!kplay=another".to_owned()),
        ..Options::default()
    });
    let text = refused(&site(&server, "retries: 5\n"));
    insta::assert_snapshot!(text.replace(&server.address.to_string(), "ADDRESS"), @r"
    error[inventory-proxmox]: Proxmox at `http://ADDRESS`: /cluster/resources?type=vm: 401, the server does not accept the credentials
     |
     = help: are the token of `auto@pve`, its name and its secret right, and has it not expired?
    ");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn a_secret_that_the_server_repeats_is_masked() {
    let mut answers = Answers::new();
    answers.insert(
        "/cluster/resources?type=vm".to_owned(),
        (403, json!({"message": format!("no rights: {SECRET}\n")})),
    );
    let text = refused(&site(&start(by_token(answers)), ""));
    assert!(
        text.contains("403, no rights") && text.contains("PVEAuditor") && !text.contains(SECRET),
        "{text}"
    );
}

#[test]
fn trouble_between_nodes_is_asked_again() {
    let fault = |path: &str, status| Fault {
        path: path.to_owned(),
        status,
        times: 2,
    };
    let faults = vec![
        fault("/cluster/status", 599),
        fault("/nodes/pve1/qemu/100/config", 595),
        fault("/pools", 0),
    ];
    let server = start(Options {
        faults,
        ..by_token(Cluster::of(2, 1).answers())
    });
    let (list, err) = listed(&site(&server, "want_facts: true\n"));
    assert_eq!(
        (variable(&list, "guest-0", "proxmox_cores"), err.as_str()),
        (&json!(4), "")
    );
    assert_eq!(count(&server, "/cluster/status"), 3);
}

#[test]
fn an_agent_that_fails_costs_the_addresses_of_one_guest() {
    let lab = cluster(
        json!({"nodes": [{"name": "pve1", "ip": "192.0.2.1"}], "guests": [
            {"name": "well", "vmid": 1, "node": "pve1", "addresses": ["192.0.2.11/24"]},
            {"name": "silent", "vmid": 2, "node": "pve1"},
            {"name": "slow", "vmid": 3, "node": "pve1", "addresses": ["192.0.2.13/24"]},
            {"name": "off", "vmid": 4, "node": "pve1", "running": false},
            {"name": "box", "vmid": 5, "node": "pve1", "container": true, "addresses": ["192.0.2.15/24"]},
        ]}),
    );
    let slow = vec![(
        "/nodes/pve1/qemu/3/agent/".to_owned(),
        Duration::from_secs(3),
    )];
    let server = start(Options {
        slow,
        ..by_token(lab.answers())
    });
    let (list, err) = listed(&site(
        &server,
        "want_facts: true\nwant_guest_ansible_host: true\nagent_timeout: 1\n",
    ));
    let addresses = ["well", "silent", "slow", "off", "box"]
        .map(|host| variable(&list, host, "ansible_host").as_str());
    assert_eq!(
        addresses,
        [Some("192.0.2.11"), None, None, None, Some("192.0.2.15")]
    );
    assert!(
        ["silent", "slow"]
            .iter()
            .all(|host| *variable(&list, host, "proxmox_cores") == 4)
    );
    for part in [
        "`silent`: QEMU guest agent is not running",
        "`slow`: no answer within 1 s",
    ] {
        assert!(err.contains(part), "{part} in {err}");
    }
    assert!(
        !err.contains("`off`") && count(&server, "/qemu/4/agent") == 0,
        "{err}"
    );
}

#[test]
fn a_guest_whose_configuration_fails_is_there_and_named() {
    let fault = Fault {
        path: "/nodes/pve1/qemu/100/config".to_owned(),
        status: 403,
        times: 9,
    };
    let server = start(Options {
        faults: vec![fault],
        ..by_token(Cluster::of(2, 1).answers())
    });
    let (list, err) = listed(&site(&server, "want_facts: true\n"));
    assert_eq!(
        *variable(&list, "guest-0", "proxmox_fact_gathering_failed"),
        true
    );
    assert_eq!(*variable(&list, "guest-0", "proxmox_qmpstatus"), "running");
    assert!(
        err.contains("facts of `guest-0` are not whole: config: 403"),
        "{err}"
    );
    assert_eq!(
        count(&server, "/qemu/100/config"),
        1,
        "only 59x and its like are asked again"
    );
}

#[test]
fn a_node_has_so_many_questions_at_once_and_no_more() {
    let server = start(Options {
        delay: Duration::from_millis(20),
        ..by_token(Cluster::of(40, 1).answers())
    });
    listed(&site(&server, "want_facts: true\nnode_concurrency: 3\n"));
    assert_eq!(server.most_at_once(), 3);
    let server = start(Options {
        delay: Duration::from_millis(20),
        ..by_token(Cluster::of(40, 1).answers())
    });
    listed(&site(&server, "want_facts: true\n"));
    assert_eq!(server.most_at_once(), 8);
}

#[test]
fn a_slow_node_delays_nobody_but_itself() {
    let slow = vec![("/nodes/pve1/".to_owned(), Duration::from_millis(60))];
    let server = start(Options {
        slow,
        ..by_token(Cluster::of(64, 2).answers())
    });
    listed(&site(&server, "want_facts: true\n"));
    let asked = server.asked();
    let last = |part: &str| asked.iter().rposition(|line| line.contains(part)).unwrap();
    let others = asked
        .iter()
        .take(last("/nodes/pve2/"))
        .filter(|line| line.contains("/nodes/pve1/"))
        .count();
    assert!(
        last("/nodes/pve2/") < last("/nodes/pve1/") && others < 64,
        "{others}"
    );
}

#[test]
fn a_node_that_is_gone_is_left_alone() {
    let fault = Fault {
        path: "/nodes/pve1/".to_owned(),
        status: 595,
        times: 10_000,
    };
    let server = start(Options {
        faults: vec![fault],
        ..by_token(Cluster::of(200, 2).answers())
    });
    let (list, err) = listed(&site(&server, "want_facts: true\nretries: 0\n"));
    assert_eq!(*variable(&list, "guest-1", "proxmox_cores"), 4);
    assert_eq!(
        *variable(&list, "guest-198", "proxmox_fact_gathering_failed"),
        true
    );
    assert!(
        err.contains("node `pve1` does not answer") && err.contains("more"),
        "{err}"
    );
    assert!(
        count(&server, "/nodes/pve1/") < 20,
        "{}",
        count(&server, "/nodes/pve1/")
    );
}

#[test]
fn a_static_inventory_is_written_whole_and_the_same_each_time() {
    let server = start(by_token(Cluster::of(5, 2).answers()));
    let site = site(&server, "want_facts: true\nwant_guest_ansible_host: true\n")
        .write("inventory/hosts.ini", "[other]\nx a=1\n")
        .write("inventory/group_vars/all.yml", "beside: 1\n");
    let (before, _) = listed(&site);
    shown(&site, "proxmox --write static.yml");
    let first = std::fs::read_to_string(site.path("static.yml")).unwrap();
    shown(&site, "proxmox --write static.yml");
    assert_eq!(
        std::fs::read_to_string(site.path("static.yml")).unwrap(),
        first
    );
    assert!(
        !first.contains("other:")
            && !first.contains("beside")
            && first.contains("ansible_host: \"10.0.0.1\""),
        "{first}"
    );
    let line = format!(
        "{} inventory -i static.yml --list > after",
        env!("CARGO_BIN_EXE_kplay")
    );
    site.run_program(Path::new("/bin/sh"), ["-c", &line])
        .success();
    let after: Json =
        serde_json::from_str(&std::fs::read_to_string(site.path("after")).unwrap()).unwrap();
    assert_eq!(
        *variable(&after, "guest-3", "proxmox_net0"),
        *variable(&before, "guest-3", "proxmox_net0")
    );
    let members = |list: &Json| {
        let hosts = list["proxmox_all_qemu"]["hosts"].as_array().unwrap().iter();
        hosts
            .map(Json::to_string)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(members(&after), members(&before));
    let (all, _) = shown(&site, "--write -");
    assert!(all.contains("other:") && !all.contains("beside"));
}

#[test]
fn a_failed_source_leaves_a_written_file_alone() {
    let server = start(Options {
        token: Some("x".to_owned()),
        ..Options::default()
    });
    let site = site(&server, "").write("static.yml", "all: {hosts: {good: {}}}\n");
    let _ = site
        .run([
            "inventory",
            "proxmox",
            "--write",
            "static.yml",
            "-i",
            "inventory",
        ])
        .code(1);
    assert_eq!(
        std::fs::read_to_string(site.path("static.yml")).unwrap(),
        "all: {hosts: {good: {}}}\n"
    );
}

#[test]
fn wrong_options_are_named_all_at_once() {
    let text = "plugin: community.proxmox.proxmox\nwant_fatcs: true\nvalidate_certs: maybe\nqemu_extended_statuses: true\napi_timeout: 0\n";
    let site = TestEnvironment::new().write("inventory/x.proxmox.yml", text);
    insta::assert_snapshot!(refused(&site), @r"
    [WARNING]: `want_fatcs` is no option of this plugin
     --> inventory/x.proxmox.yml:2:1
      |
    2 | want_fatcs: true
      | ^^^^^^^^^^
      |
      = help: did you mean `want_facts`?
    error[inventory-option]: the Proxmox source needs `token_id` and `token_secret`, or a `password`
     --> inventory/x.proxmox.yml:1:1
      |
    1 | plugin: community.proxmox.proxmox
      | ^
      |
      = help: make a token under Datacenter > Permissions > API Tokens; the variables PROXMOX_TOKEN_ID and PROXMOX_TOKEN_SECRET are read as well

    error[inventory-option]: the Proxmox source needs a `user`
     --> inventory/x.proxmox.yml:1:1
      |
    1 | plugin: community.proxmox.proxmox
      | ^
      |
      = help: it is the token's owner, with the realm: `user: kplay@pve`

    error[inventory-option]: `validate_certs` is `true` or `false`
     --> inventory/x.proxmox.yml:3:1
      |
    3 | validate_certs: maybe
      | ^^^^^^^^^^^^^^

    error[inventory-option]: `qemu_extended_statuses` needs `want_facts: true`
     --> inventory/x.proxmox.yml:4:1
      |
    4 | qemu_extended_statuses: true
      | ^^^^^^^^^^^^^^^^^^^^^^

    error[inventory-option]: `api_timeout` is a whole number, 1 or more
     --> inventory/x.proxmox.yml:5:1
      |
    5 | api_timeout: 0
      | ^^^^^^^^^^^

    5 errors; nothing was run
    ");
    let site = TestEnvironment::new().write(
        "inventory/cluster.yml",
        "plugin: community.proxmox.proxmox\n",
    );
    assert!(refused(&site).contains("has to end in `proxmox.yml`"));
}

#[test]
fn a_thousand_guests_on_ten_nodes_load_in_seconds() {
    let server = start(Options {
        delay: Duration::from_millis(50),
        ..by_token(Cluster::of(1000, 10).answers())
    });
    let site = site(&server, "want_facts: true\nwant_guest_ansible_host: true\n");
    let begin = Instant::now();
    let (list, err) = listed(&site);
    let took = begin.elapsed();
    assert_eq!(
        (
            list["proxmox_all_qemu"]["hosts"].as_array().unwrap().len(),
            err.as_str()
        ),
        (1000, "")
    );
    // One after the other they would take 200 s. Built for release it is under 4 s; this build does not optimise and may share its
    // processors.
    assert!(took < Duration::from_secs(20), "{took:?}");
}
