//! Tests of `setup` on a host in memory.

use super::*;
use crate::kit::FakeHost;
use crate::kit::fake::{assert_unchanged, failure, printed};

fn debian() -> FakeHost {
    FakeHost::new()
        .file("/etc/os-release", "PRETTY_NAME=\"Debian\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n")
        .file("/etc/debian_version", "12.15\n")
        .file("/proc/sys/kernel/hostname", "node1\n")
        .file("/proc/sys/kernel/ostype", "Linux\n")
        .file("/proc/sys/kernel/osrelease", "6.1.0\n")
        .file("/proc/sys/kernel/arch", "x86_64\n")
        .file("/etc/hosts", "127.0.0.1 localhost\n10.0.0.5 node1.example.com node1\n")
        .file("/usr/bin/apt-get", "")
        .file("/proc/1/comm", "systemd\n")
        .variable("HOME", "/root")
}

fn gather(args: Dict, host: &FakeHost) -> Dict {
    let outcome = assert_unchanged::<Setup>(&args.into(), host);
    outcome
        .values
        .get("ansible_facts")
        .unwrap()
        .as_dict()
        .unwrap()
        .clone()
}

fn group(name: &str, host: &FakeHost) -> Dict {
    gather(
        Dict::new().with("gather_subset", vec!["!all", "!min", name]),
        host,
    )
}

#[test]
fn names_and_distribution_are_told() {
    let facts = gather(Dict::new().with("gather_subset", vec!["!all"]), &debian());
    let is =
        |name: &str, value: &str| assert_eq!(facts.get(name), Some(&Value::from(value)), "{name}");
    is("ansible_distribution", "Debian");
    is("ansible_distribution_version", "12.15");
    is("ansible_distribution_major_version", "12");
    is("ansible_distribution_release", "bookworm");
    is("ansible_os_family", "Debian");
    is("ansible_pkg_mgr", "apt");
    is("ansible_service_mgr", "systemd");
    is("ansible_fqdn", "node1.example.com");
    is("ansible_domain", "example.com");
    is("ansible_hostname", "node1");
    is("ansible_architecture", "x86_64");
    is("ansible_user_id", "root");
    assert!(!facts.contains("ansible_interfaces") && !facts.contains("ansible_is_chroot"));
    assert_eq!(facts.get("module_setup"), Some(&Value::from(true)));
    let time = facts.get("ansible_date_time").unwrap();
    assert_eq!(
        time.get("iso8601"),
        Some(&Value::from("2023-11-14T22:13:20Z"))
    );
    assert_eq!(time.get("weeknumber"), Some(&Value::from("46")));
    assert_eq!(time.get("tz_offset"), Some(&Value::from("+0000")));
}

#[test]
fn subsets_and_filters_choose() {
    let host = debian();
    let none = gather(
        Dict::new().with("gather_subset", vec!["!all", "!min"]),
        &host,
    );
    assert_eq!(none.len(), 2);
    let some = gather(Dict::new().with("filter", "distribution*"), &host);
    assert!(some.contains("ansible_distribution") && !some.contains("gather_subset"));
    assert!(
        some.keys()
            .all(|name| name.as_str().unwrap().starts_with("ansible_distribution"))
    );
    let network = group("network", &host);
    assert!(
        network.contains("ansible_distribution"),
        "what it builds on comes with it"
    );
    let wrong = failure::<Setup>(&Dict::new().with("gather_subset", "weather").into(), &host);
    assert!(
        wrong.starts_with("Bad subset 'weather' given to Ansible."),
        "{wrong}"
    );
}

#[test]
fn addresses_come_from_one_process() {
    let host = debian()
        .file("/sys/class/net/eth0/address", "02:00:00:00:00:01\n")
        .file("/sys/class/net/eth0/mtu", "1500\n")
        .file("/sys/class/net/eth0/type", "1\n")
        .file("/sys/class/net/eth0/operstate", "up\n")
        .command(
            &["ip"],
            printed(concat!(
                r#"[{"ifname":"eth0","addr_info":[{"family":"inet","local":"10.0.0.5","prefixlen":24,"broadcast":"10.0.0.255","scope":"global","label":"eth0"},"#,
                r#"{"family":"inet","local":"10.0.0.6","prefixlen":32,"scope":"global","label":"eth0"},"#,
                r#"{"family":"inet6","local":"fd00::2","prefixlen":64,"scope":"global"}]}]"#,
                "\n",
                r#"[{"dst":"8.8.8.8","gateway":"10.0.0.1","dev":"eth0","prefsrc":"10.0.0.5","flags":[],"uid":0,"cache":[]}]"#,
                "\n",
                r#"[{"type":"local","dst":"10.0.0.5","dev":"eth0"}]"#,
            )),
        );
    let facts = group("network", &host);
    let way = facts.get("ansible_default_ipv4").unwrap();
    let expected = [
        ("gateway", "10.0.0.1"),
        ("address", "10.0.0.5"),
        ("netmask", "255.255.255.0"),
        ("network", "10.0.0.0"),
        ("prefix", "24"),
        ("broadcast", "10.0.0.255"),
        ("type", "ether"),
        ("alias", "eth0"),
    ];
    for (name, value) in expected {
        assert_eq!(way.get(name), Some(&Value::from(value)), "{name}");
    }
    assert_eq!(
        facts.get("ansible_all_ipv4_addresses"),
        Some(&Value::from(vec!["10.0.0.5", "10.0.0.6"]))
    );
    assert_eq!(
        facts.get("ansible_all_ipv6_addresses"),
        Some(&Value::from(vec!["fd00::2"]))
    );
    assert_eq!(
        facts.get("ansible_default_ipv6"),
        Some(&Value::from(Dict::new()))
    );
    let secondaries = facts
        .get("ansible_eth0")
        .unwrap()
        .get("ipv4_secondaries")
        .unwrap();
    assert_eq!(secondaries.as_list().unwrap().len(), 1);
    assert_eq!(host.ran().len(), 2, "plan and check mode: one process each");
}

#[test]
fn hardware_is_counted() {
    let cpu = |number: u8| {
        format!(
            "processor\t: {number}\nvendor_id\t: AuthenticAMD\nmodel name\t: EPYC\nphysical id\t: 0\nsiblings\t: 4\ncore id\t: {}\ncpu cores\t: 2\nflags\t: fpu vme\n\n",
            number / 2
        )
    };
    let host = debian()
        .file("/proc/cpuinfo", (0..4).map(cpu).collect::<String>())
        .file("/proc/self/status", "Cpus_allowed_list:\t0-2,3\n")
        .file("/proc/meminfo", "MemTotal: 2048000 kB\nMemFree: 1024000 kB\nBuffers: 0 kB\nCached: 102400 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
        .file("/sys/devices/virtual/dmi/id/product_name", "KVM\n")
        .file("/sys/block/vda/size", "41943040\n")
        .file("/sys/block/vda/vda1/size", "2048\n")
        .file("/proc/self/mounts", "/dev/vda1 /srv/my\\040disk ext4 rw 0 1\nproc /proc proc rw 0 0\n");
    let facts = group("hardware", &host);
    let count = |name: &str| facts.get(name).and_then(Value::as_int).unwrap();
    assert_eq!(
        (
            count("ansible_processor_count"),
            count("ansible_processor_cores")
        ),
        (1, 2)
    );
    assert_eq!(
        (
            count("ansible_processor_threads_per_core"),
            count("ansible_processor_vcpus")
        ),
        (2, 4)
    );
    assert_eq!(
        (
            count("ansible_processor_nproc"),
            count("ansible_memtotal_mb")
        ),
        (4, 2000)
    );
    assert_eq!(facts.get("ansible_product_name"), Some(&Value::from("KVM")));
    let disk = facts.get("ansible_devices").unwrap().get("vda").unwrap();
    assert_eq!(disk.get("size"), Some(&Value::from("20.00 GB")));
    assert_eq!(
        disk.get("partitions")
            .unwrap()
            .get("vda1")
            .unwrap()
            .get("size"),
        Some(&Value::from("1.00 MB"))
    );
    let mounts = facts.get("ansible_mounts").unwrap().as_list().unwrap();
    assert_eq!(mounts.len(), 1);
    assert_eq!(mounts[0].get("mount"), Some(&Value::from("/srv/my disk")));
    let machine = group("virtual", &host);
    assert_eq!(
        machine.get("ansible_virtualization_type"),
        Some(&Value::from("kvm"))
    );
    assert_eq!(
        machine.get("ansible_virtualization_role"),
        Some(&Value::from("guest"))
    );
}

#[test]
fn local_facts_are_read_and_run_and_never_templates() {
    let host = debian()
        .file(
            "/etc/ansible/facts.d/json.fact",
            "{\"a\": [1, \"{{ 7*7 }}\"]}",
        )
        .file("/etc/ansible/facts.d/ini.fact", "[Section]\nKey = value\n")
        .file("/etc/ansible/facts.d/run.fact", "")
        .mode("/etc/ansible/facts.d/run.fact", 0o755)
        .file("/etc/ansible/facts.d/bad.fact", "neither")
        .command(
            &["/etc/ansible/facts.d/run.fact"],
            printed("{\"run\": true}"),
        );
    let outcome =
        assert_unchanged::<Setup>(&Dict::new().with("filter", "ansible_local").into(), &host);
    let facts = outcome
        .values
        .get("ansible_facts")
        .unwrap()
        .get("ansible_local")
        .unwrap();
    assert_eq!(
        facts.get("ini").unwrap().get("Section").unwrap().get("key"),
        Some(&Value::from("value"))
    );
    assert_eq!(
        facts.get("run").unwrap().get("run"),
        Some(&Value::from(true))
    );
    let text = &facts
        .get("json")
        .unwrap()
        .get("a")
        .unwrap()
        .as_list()
        .unwrap()[1];
    assert!(!text.is_trusted() && text.as_str() == Some("{{ 7*7 }}"));
    assert_eq!(outcome.warnings.len(), 1);
}

#[test]
fn command_line_names_may_repeat() {
    let host = debian().file(
        "/proc/cmdline",
        "quiet console=tty0 console=ttyS0 root='a b'\n",
    );
    let facts = group("cmdline", &host);
    let (last, all) = (
        facts.get("ansible_cmdline").unwrap(),
        facts.get("ansible_proc_cmdline").unwrap(),
    );
    assert_eq!(last.get("quiet"), Some(&Value::from(true)));
    assert_eq!(last.get("console"), Some(&Value::from("ttyS0")));
    assert_eq!(
        all.get("console"),
        Some(&Value::from(vec!["tty0", "ttyS0"]))
    );
    assert_eq!(last.get("root"), Some(&Value::from("'a b'")));
}

/// Facts that say how they were gathered; they are always there.
const OF_GATHERING: [&str; 2] = ["gather_subset", "module_setup"];

#[test]
fn only_needed_groups_are_gathered_and_nothing_says_so() {
    let needed = gather(
        Dict::new().with(NEEDED_GROUPS, vec!["distribution"]),
        &debian(),
    );
    assert!(needed.contains("ansible_distribution") && needed.contains("ansible_local"));
    assert!(!needed.contains("ansible_fqdn") && !needed.contains("ansible_mounts"));
    assert_eq!(needed.get("gather_subset"), Some(&Value::from(vec!["all"])));
    let none: [&str; 0] = [];
    let nothing = gather(Dict::new().with(NEEDED_GROUPS, none.to_vec()), &debian());
    assert_eq!(nothing.len(), OF_GATHERING.len() + 1);
}

/// What each group gives on this machine, and on one in memory, is what the engine believes that it gives.
#[test]
fn groups_give_what_their_names_promise() {
    let here = crate::kit::FakeHost::new();
    for host in [
        &debian().file("/proc/meminfo", "MemTotal: 10 kB\nMemFree: 5 kB\n"),
        &here,
    ] {
        for group in subsets::select(&["all".to_owned()]).unwrap() {
            let mut warnings = Vec::new();
            let facts = (group.gather)(&mut gathering::Gathering {
                host,
                fact_path: "/etc/ansible/facts.d",
                timeout: std::time::Duration::from_secs(1),
                warnings: &mut warnings,
            });
            for fact in facts.keys().filter_map(Key::as_str) {
                assert_eq!(fact_group(fact), group.name, "{fact}");
            }
        }
    }
}

/// The lines by which Debian's script is known.
const LSB_RELEASE: &str = "#!/bin/sh\n[ -f /etc/os-release ] && os_release=/etc/os-release\n. $os_release\ndisplay_line Description ${PRETTY_NAME:-n/a}\n";

#[test]
fn debians_lsb_release_needs_no_process() {
    let host = debian().file("/usr/bin/lsb_release", LSB_RELEASE);
    let facts = group("lsb", &host);
    let lsb = facts.get("ansible_lsb").unwrap();
    for (name, value) in [
        ("id", "Debian"),
        ("description", "Debian"),
        ("release", "12"),
        ("major_release", "12"),
        ("codename", "bookworm"),
    ] {
        assert_eq!(lsb.get(name), Some(&Value::from(value)), "{name}");
    }
    let named = debian()
        .file("/usr/bin/lsb_release", LSB_RELEASE)
        .file("/etc/os-release", "ID=almalinux\nNAME=AlmaLinux\n");
    let facts = group("lsb", &named);
    let lsb = facts.get("ansible_lsb").unwrap();
    assert_eq!(lsb.get("id"), Some(&Value::from("AlmaLinux")));
    assert_eq!(lsb.get("release"), Some(&Value::from("n/a")));
}

#[test]
fn another_lsb_release_is_asked() {
    let host = debian()
        .file("/usr/bin/lsb_release", "#!/usr/bin/python3\n")
        .command(
            &["lsb_release", "-a"],
            printed("Distributor ID:\tOther\nRelease:\t7.1\n"),
        );
    let facts = group("lsb", &host);
    let lsb = facts.get("ansible_lsb").unwrap();
    assert_eq!(lsb.get("id"), Some(&Value::from("Other")));
    assert_eq!(lsb.get("major_release"), Some(&Value::from("7")));
}
