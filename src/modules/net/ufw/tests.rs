//! Tests of `ufw` on a host in memory.

use super::*;
use crate::kit::FakeHost;
use crate::kit::fake::{assert_converges, assert_unchanged, exited, failure, printed, run};

const TUPLE: &str = "### tuple ### allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 in\n";
const TUPLE6: &str = "### tuple ### allow tcp 80 ::/0 any ::/0 in\n";

fn host() -> FakeHost {
    FakeHost::new()
        .file("/etc/ufw/user.rules", "*filter\n")
        .file("/etc/ufw/user6.rules", "*filter\n")
        .file("/etc/ufw/ufw.conf", "ENABLED=no\nLOGLEVEL=low\n")
        .file(
            "/etc/default/ufw",
            "DEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_OUTPUT_POLICY=\"ACCEPT\"\n",
        )
        .program("ufw")
        .script(&["/usr/bin/ufw", "status"], |_, host| {
            printed(if host.exists("/active") {
                "Status: active\n"
            } else {
                "Status: inactive\n"
            })
        })
        .script(&["/usr/bin/ufw", "--dry-run"], |_, _| {
            printed(&format!("*filter\n{TUPLE}{TUPLE6}COMMIT\n"))
        })
        .script(&["/usr/bin/ufw", "allow"], |_, host| {
            host.write("/etc/ufw/user.rules", format!("*filter\n{TUPLE}"));
            host.write("/etc/ufw/user6.rules", format!("*filter\n{TUPLE6}"));
            printed("Rules updated\n")
        })
        .script(&["/usr/bin/ufw", "-f", "enable"], |_, host| {
            host.write("/active", "");
            printed("")
        })
}

#[test]
fn a_rule_is_added_once() {
    let host = host();
    let args = Dict::new()
        .with("rule", "allow")
        .with("port", 80)
        .with("proto", "tcp")
        .with("comment", "the web; `id`");
    let outcome = assert_converges::<Ufw>(&args.into(), &host);
    let made = host
        .ran()
        .into_iter()
        .find(|argv| argv[1] == "allow")
        .unwrap();
    assert_eq!(
        made[1..],
        [
            "allow",
            "from",
            "any",
            "to",
            "any",
            "port",
            "80",
            "proto",
            "tcp",
            "comment",
            "the web; `id`"
        ]
    );
    let commands = outcome.values.get("commands").unwrap().as_list().unwrap();
    assert_eq!(
        commands[2].to_text(),
        "/usr/bin/ufw allow from any to any port 80 proto tcp comment 'the web; `id`'"
    );
    assert_eq!(
        outcome.values.get("msg"),
        Some(&Value::from("Status: inactive"))
    );
}

#[test]
fn state_default_and_logging_are_compared() {
    let host = host();
    assert_converges::<Ufw>(
        &Dict::new()
            .with("state", "enabled")
            .with("policy", "deny")
            .into(),
        &host,
    );
    assert_unchanged::<Ufw>(
        &Dict::new()
            .with("default", "allow")
            .with("direction", "outgoing")
            .into(),
        &host,
    );
    assert_unchanged::<Ufw>(&Dict::new().with("logging", "on").into(), &host);
    assert_unchanged::<Ufw>(&Dict::new().with("logging", true).into(), &host);
    let host = host
        .command(&["/usr/bin/ufw", "default"], printed(""))
        .command(&["/usr/bin/ufw", "-f", "reload"], printed(""));
    run::<Ufw>(
        &Dict::new()
            .with("default", "reject")
            .with("direction", "routed")
            .into(),
        &host,
    );
    assert!(
        host.ran()
            .iter()
            .any(|argv| argv[1..] == ["default", "reject", "routed"])
    );
    assert!(run::<Ufw>(&Dict::new().with("state", "reloaded").into(), &host).changed);
}

#[test]
fn all_parts_of_a_rule_have_their_place() {
    let host = host().command(&["/usr/bin/ufw", "route"], printed(""));
    let args = Dict::new()
        .with("rule", "limit")
        .with("route", true)
        .with("insert", 2)
        .with("log", true)
        .with("if_in", "eth0")
        .with("if_out", "eth1")
        .with("src", "10.0.0.0/8")
        .with("from_port", 53)
        .with("app", "Nginx Full");
    run::<Ufw>(&args.into(), &host);
    assert!(host.ran().iter().any(|argv| argv[1..].join(" ")
        == "route insert 2 limit in on eth0 out on eth1 log from 10.0.0.0/8 port 53 to any app Nginx Full"));
}

#[test]
fn existing_rules_and_families_are_seen() {
    let skipping = "Skipping adding existing rule\nSkipping adding existing rule (v6)\n";
    let host = FakeHost::new()
        .program("ufw")
        .command(&["/usr/bin/ufw", "status"], printed("Status: active\n"))
        .command(&["/usr/bin/ufw", "--dry-run"], printed(skipping))
        .command(
            &["/usr/bin/ufw", "--dry-run"],
            printed(&format!("{TUPLE}{TUPLE6}")),
        );
    let args: Value = Dict::new().with("rule", "allow").with("port", 80).into();
    assert!(!run::<Ufw>(&args, &host).changed);
    let host = host.file("/etc/ufw/user.rules", TUPLE);
    let only_ipv4: Value = Dict::new()
        .with("rule", "allow")
        .with("src", "0.0.0.0/0")
        .with("port", 80)
        .into();
    assert_unchanged::<Ufw>(&only_ipv4, &host);
}

#[test]
fn mistakes_are_told() {
    let host = FakeHost::new()
        .program("ufw")
        .command(&["/usr/bin/ufw", "status"], printed(""))
        .command(
            &["/usr/bin/ufw", "--dry-run"],
            exited(1, "", "ERROR: Bad port '99999'\n"),
        );
    let rule = || Dict::new().with("rule", "allow");
    assert_eq!(
        failure::<Ufw>(&rule().with("port", 99999).into(), &host),
        "ERROR: Bad port '99999'\n"
    );
    assert!(
        failure::<Ufw>(&Dict::new().into(), &host).contains("one of the following is required")
    );
    assert!(
        failure::<Ufw>(&rule().with("name", "x").with("proto", "tcp").into(), &host)
            .contains("mutually exclusive")
    );
    assert!(
        failure::<Ufw>(&rule().with("direction", "incoming").into(), &host).contains("For rules")
    );
    assert!(failure::<Ufw>(&rule().with("interface", "eth0").into(), &host).contains("direction"));
    assert!(
        failure::<Ufw>(&rule().with("comment", "--force").into(), &host).contains("must not begin"),
        "T12"
    );
    assert!(failure::<Ufw>(&rule().into(), &FakeHost::new()).contains("ufw"));
}

/// A host with rules in ufw's files, whose ufw would skip each rule.
fn host_with_rules(ipv6: &str) -> FakeHost {
    FakeHost::new()
        .program("ufw")
        .command(&["/usr/bin/ufw", "status"], printed("Status: active\n"))
        .command(
            &["/usr/bin/ufw", "--dry-run"],
            printed("Skipping adding existing rule\n"),
        )
        .file("/etc/default/ufw", format!("IPV6={ipv6}\n"))
        .file(
            "/etc/ufw/user.rules",
            "*filter\n\
             ### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=737368\n\
             -A ufw-user-input -p tcp --dport 22 -j ACCEPT\n\
             ### tuple ### allow any 53 0.0.0.0/0 any 0.0.0.0/0 in\n\
             ### tuple ### route:allow any any 0.0.0.0/0 any 10.244.0.0/16 in\n\
             ### tuple ### reject udp any 192.0.2.1 53 0.0.0.0/0 out_eth0\n\
             ### tuple ### limit tcp 80,443 0.0.0.0/0 any 10.0.0.0/8 in_eth1\n",
        )
        .file(
            "/etc/ufw/user6.rules",
            "### tuple ### allow tcp 22 ::/0 any ::/0 in comment=737368\n\
             ### tuple ### allow tcp 6443 ::/0 any fd7a::/48 in_tailscale0\n",
        )
}

#[test]
fn a_rule_that_stands_in_the_files_needs_no_dry_run() {
    let host = host_with_rules("yes");
    let asks = |rule: &str, host: &FakeHost| {
        let before = host.ran().len();
        let args: Dict = rule
            .split(", ")
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap();
                (name, Value::from(value))
            })
            .fold(Dict::new(), |args, (name, value)| args.with(name, value));
        assert!(!run::<Ufw>(&args.into(), host).changed, "{rule}");
        host.ran()[before..]
            .iter()
            .any(|argv| argv[1] == "--dry-run")
    };
    for rule in [
        "rule=allow, port=22, proto=tcp, comment=ssh",
        "rule=allow, port=22, proto=tcp, comment=ssh, direction=in",
        "rule=allow, route=true, src=10.244.0.0/16",
        "rule=reject, direction=out, interface=eth0, to=192.0.2.1, from_port=53, proto=udp",
        "rule=reject, interface_out=eth0, to=192.0.2.1, from_port=53, proto=udp, from_ip=any",
        "rule=limit, direction=in, interface=eth1, port=80,443, proto=tcp, src=10.0.0.0/8",
        "rule=allow, if_in=tailscale0, port=6443, proto=tcp, src=fd7a::/48",
    ] {
        assert!(!asks(rule, &host), "{rule}");
    }
    for rule in [
        // Another action, comment, protocol, port, address, direction, interface.
        "rule=deny, port=22, proto=tcp, comment=ssh",
        "rule=allow, port=22, proto=tcp",
        "rule=allow, port=22, proto=tcp, comment=SSH",
        "rule=allow, port=22, proto=udp, comment=ssh",
        "rule=allow, port=22, comment=ssh",
        "rule=allow, port=2, proto=tcp, comment=ssh",
        "rule=allow, route=true, src=10.244.0.0/17",
        "rule=allow, src=10.244.0.0/16",
        "rule=allow, port=22, proto=tcp, comment=ssh, direction=out",
        "rule=limit, direction=in, interface=eth2, port=80,443, proto=tcp, src=10.0.0.0/8",
        // For IPv4 alone, and the rule is for both.
        "rule=allow, port=53",
        // Parts that ufw writes in its own way, or that the line does not tell.
        "rule=limit, direction=in, interface=eth1, port=443,80, proto=tcp, src=10.0.0.0/8",
        "rule=allow, port=22, proto=tcp, comment=ssh, log=true",
        "rule=allow, port=22, proto=tcp, comment=ssh, insert=1",
        "rule=allow, port=22, proto=tcp, comment=ssh, delete=true",
        "rule=allow, name=OpenSSH",
        "rule=allow, port=22, proto=tcp, comment=ssh, from_ip=10.0.0.1, to_ip=fd7a::1",
    ] {
        assert!(asks(rule, &host), "{rule}");
    }
    let without_ipv6 = host_with_rules("no");
    assert!(asks(
        "rule=allow, if_in=tailscale0, port=6443, proto=tcp, src=fd7a::/48",
        &without_ipv6
    ));
    let old = without_ipv6.file("/lib/ufw/user.rules", "");
    assert!(asks("rule=allow, port=22, proto=tcp, comment=ssh", &old));
}
