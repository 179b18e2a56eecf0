//! `want_guest_ansible_host`: the address at which a guest is best reached, from what its agent or its configuration tells.
//!
//! The interface with the address of `net0` comes first, whatever it is called in the guest; other interfaces only if they are not
//! one of containers or bridges. Addresses of the machine itself and of the link alone never count, nor do those that stand for
//! one host only (`/32`, `/128`: the virtual address of a cluster moves) as long as there is another.

use std::net::IpAddr;

use super::facts::Facts;
use crate::value::{Dict, Value};

/// The beginnings of names of interfaces that lead into containers, or join other interfaces.
const INNER: [&str; 20] = [
    "lo",
    "docker",
    "br-",
    "br",
    "virbr",
    "lxcbr",
    "lxdbr",
    "incusbr",
    "podman",
    "veth",
    "cni",
    "flannel",
    "cali",
    "cilium",
    "lxc",
    "kube",
    "nodelocaldns",
    "vxlan",
    "tunl",
    "dummy",
];

/// Tells whether an interface is none of the machine's own.
fn is_inner(name: &str) -> bool {
    INNER.iter().any(|beginning| match *beginning {
        // Nothing but a number may follow: `broadcom0` and `lower` are no bridge and no loopback.
        "lo" | "br" => name
            .strip_prefix(beginning)
            .is_some_and(|rest| rest.chars().all(|letter| letter.is_ascii_digit())),
        other => name.starts_with(other),
    })
}

/// Tells whether other machines may reach the address.
fn is_reachable(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !(link_local || address.is_loopback() || address.is_unspecified() || address.is_multicast())
}

/// An address with its prefix, if it has one.
fn parsed(text: &str) -> Option<(IpAddr, Option<u8>)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, prefix.parse().ok()),
        None => (text, None),
    };
    Some((address.parse().ok()?, prefix))
}

struct Interface<'a> {
    name: &'a str,
    hardware: &'a str,
    addresses: Vec<&'a str>,
}

/// Returns the text of a field, or none.
fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Returns the address of a guest with these variables.
pub(super) fn best(variables: &Dict, facts: Facts<'_>) -> Option<String> {
    let get = |name: &str| variables.get(&facts.name(name));
    let list = |name: &str| get(name).and_then(Value::as_list).unwrap_or_default();
    let mut interfaces: Vec<Interface<'_>> = Vec::new();
    for interface in list("agent_interfaces") {
        let addresses = interface.get("ip-addresses").and_then(Value::as_list);
        interfaces.push(Interface {
            name: field(interface, "name"),
            hardware: field(interface, "mac-address"),
            addresses: addresses
                .unwrap_or_default()
                .iter()
                .filter_map(Value::as_str)
                .collect(),
        });
    }
    for interface in list("lxc_interfaces") {
        interfaces.push(Interface {
            name: field(interface, "name"),
            hardware: field(interface, "hwaddr"),
            addresses: ["inet", "inet6"]
                .map(|name| field(interface, name))
                .to_vec(),
        });
    }
    let wanted = get("net0").and_then(hardware_address);
    let candidates = interfaces.iter().flat_map(|interface| {
        let first = wanted.is_some_and(|wanted| wanted.eq_ignore_ascii_case(interface.hardware));
        let counts = first || !is_inner(interface.name);
        let addresses = interface.addresses.iter().filter(move |_| counts);
        addresses.filter_map(move |text| {
            let (address, prefix) = parsed(text)?;
            let whole = if address.is_ipv4() { 32 } else { 128 };
            is_reachable(address).then_some((
                !first,
                prefix == Some(whole),
                address.is_ipv6(),
                address,
            ))
        })
    });
    // The first of equals wins: the order of the guest's own interfaces.
    let best = candidates.min_by_key(|(other, single, v6, _)| (*other, *single, *v6));
    best.map(|(.., address)| address.to_string()).or_else(|| {
        ["ipconfig0", "net0"].iter().find_map(|name| {
            let (address, _) = parsed(get(name)?.get("ip")?.as_str()?)?;
            is_reachable(address).then(|| address.to_string())
        })
    })
}

/// Returns the hardware address in `net0`: a container's is named so, a machine's is the value of its model.
fn hardware_address(net: &Value) -> Option<&str> {
    let is_one =
        |text: &&str| text.len() == 17 && text.bytes().filter(|byte| *byte == b':').count() == 5;
    net.as_dict()?
        .values()
        .filter_map(Value::as_str)
        .find(is_one)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn address(variables: Json) -> Option<String> {
        let variables = Value::from_json(variables);
        best(variables.as_dict().unwrap(), Facts { prefix: "" })
    }

    fn interface(name: &str, hardware: &str, addresses: &[&str]) -> Json {
        json!({"name": name, "mac-address": hardware, "ip-addresses": addresses})
    }

    const OWN: &str = "bc:24:11:3a:7f:01";

    #[test]
    fn the_interface_of_net0_comes_first_whatever_its_name() {
        let interfaces = [
            interface("lo", "00:00:00:00:00:00", &["127.0.0.1/8", "::1/128"]),
            interface("eth9", "ea:00:00:00:00:01", &["198.51.100.9/24"]),
            interface(
                "br0",
                OWN,
                &["fe80::1/64", "2001:db8::5/64", "192.0.2.5/24"],
            ),
        ];
        let net0 = json!({"virtio": "BC:24:11:3A:7F:01", "bridge": "vmbr0"});
        assert_eq!(
            address(json!({"agent_interfaces": interfaces, "net0": net0})).unwrap(),
            "192.0.2.5"
        );
        assert_eq!(
            address(json!({"agent_interfaces": interfaces})).unwrap(),
            "198.51.100.9"
        );
    }

    #[test]
    fn what_belongs_to_containers_bridges_link_and_machine_is_passed_over() {
        let interfaces = [
            interface("docker0", "", &["172.17.0.1/16"]),
            interface("cni0", "", &["10.42.0.1/24"]),
            interface("br-1a2b", "", &["172.18.0.1/16"]),
            interface("virbr0", "", &["192.168.122.1/24"]),
            interface("lo", "", &["203.0.113.1/32"]),
            interface("eth0", "", &["169.254.1.1/16", "fe80::2/64", "127.0.0.2/8"]),
        ];
        assert_eq!(address(json!({"agent_interfaces": interfaces})), None);
    }

    #[test]
    fn an_address_that_moves_comes_last() {
        let interfaces = [interface("eth0", OWN, &["192.0.2.250/32", "192.0.2.11/24"])];
        assert_eq!(
            address(json!({"agent_interfaces": interfaces})).unwrap(),
            "192.0.2.11"
        );
        let only = [interface("eth0", OWN, &["192.0.2.250/32"])];
        assert_eq!(
            address(json!({"agent_interfaces": only})).unwrap(),
            "192.0.2.250"
        );
    }

    #[test]
    fn the_configuration_stands_in_for_an_agent() {
        assert_eq!(
            address(json!({"ipconfig0": {"ip": "192.0.2.7/24"}})).unwrap(),
            "192.0.2.7"
        );
        assert_eq!(address(json!({"ipconfig0": {"ip": "dhcp"}})), None);
        assert_eq!(
            address(json!({"net0": {"hwaddr": OWN, "ip": "192.0.2.8/24"}})).unwrap(),
            "192.0.2.8"
        );
        let container = json!([{"name": "eth0", "hwaddr": OWN, "inet": "192.0.2.9/24"}]);
        assert_eq!(
            address(json!({"lxc_interfaces": container, "net0": {"hwaddr": OWN}})).unwrap(),
            "192.0.2.9"
        );
    }

    #[test]
    fn names_are_not_mistaken() {
        for inner in [
            "lo",
            "br0",
            "br",
            "docker0",
            "cali123",
            "cilium_host",
            "vethab",
            "lxc123",
        ] {
            assert!(is_inner(inner), "{inner}");
        }
        for own in [
            "eth0",
            "ens18",
            "broadcom0",
            "lower",
            "enp1s0",
            "tailscale0",
        ] {
            assert!(!is_inner(own), "{own}");
        }
    }
}
