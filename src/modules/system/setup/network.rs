//! Facts about interfaces, addresses and the way out.

use std::net::Ipv4Addr;

use super::reader;
use crate::kit::{Command, Host};
use crate::modules::paths;
use crate::value::{Dict, Key, Value};

/// Addresses far away, those that Ansible takes: the way to them is the way out. Nothing is sent there.
const FAR_IPV4: &str = "8.8.8.8";
const FAR_IPV6: &str = "2404:6800:400a:800::1012";

/// Gathers them. Without `ip` there are none.
pub(super) fn gather(host: &dyn Host) -> Dict {
    if host.find_program("ip").is_none() {
        return Dict::new();
    }
    let questions = format!(
        "address show\nroute get {FAR_IPV4}\nroute get {FAR_IPV6}\nroute show table local\n"
    );
    let command = Command::new(["ip", "-json", "-force", "-batch", "-"])
        .in_c_locale()
        .with_stdin(questions);
    let text = host
        .run(&command)
        .map(|output| output.stdout_text())
        .unwrap_or_default();
    let answers: Vec<Vec<serde_json::Value>> = serde_json::Deserializer::from_str(&text)
        .into_iter::<Vec<serde_json::Value>>()
        .map_while(Result::ok)
        .collect();
    let links = answers.first().map(Vec::as_slice).unwrap_or_default();
    let way = |destination: &str| {
        let mut routes = answers.iter().skip(1).flatten();
        way_out(routes.find(|route| text_of(route, "dst") == Some(destination)))
    };
    let mut ways = [way(FAR_IPV4), way(FAR_IPV6)];
    let mut found = Found::default();
    for name in reader::names("/sys/class/net", host) {
        let folder = format!("/sys/class/net/{name}");
        if !matches!(host.status(&folder, true), Ok(Some(status)) if status.is_directory()) {
            continue;
        }
        let mut interface = hardware(&name, &folder, host);
        let link = links
            .iter()
            .find(|link| text_of(link, "ifname") == Some(&name));
        for address in link
            .and_then(|link| field(link, "addr_info")?.as_array())
            .into_iter()
            .flatten()
        {
            add_address(&mut interface, address, &mut ways, &mut found);
        }
        found.interfaces.push((name.replace(':', "_"), interface));
    }
    let [way4, way6] = ways;
    let names: Vec<&String> = found.interfaces.iter().map(|(name, _)| name).collect();
    let mut facts = Dict::new()
        .with("interfaces", names)
        .with("default_ipv4", way4)
        .with("default_ipv6", way6)
        .with("locally_reachable_ips", locally_reachable(&answers, &found))
        .with("all_ipv4_addresses", found.version4)
        .with("all_ipv6_addresses", found.version6);
    facts.extend(
        found
            .interfaces
            .into_iter()
            .map(|(name, facts)| (Key::from(name), Value::from(facts))),
    );
    facts
}

#[derive(Default)]
struct Found {
    interfaces: Vec<(String, Dict)>,
    version4: Vec<String>,
    version6: Vec<String>,
}

fn field<'j>(json: &'j serde_json::Value, name: &str) -> Option<&'j serde_json::Value> {
    json.get(name)
}

fn text_of<'j>(json: &'j serde_json::Value, name: &str) -> Option<&'j str> {
    field(json, name)?.as_str()
}

fn way_out(route: Option<&serde_json::Value>) -> Dict {
    let mut facts = Dict::new();
    let names = [
        ("gateway", "gateway"),
        ("interface", "dev"),
        ("address", "prefsrc"),
    ];
    for (fact, name) in names {
        if let Some(text) = route.and_then(|route| text_of(route, name)) {
            facts.insert(fact, text);
        }
    }
    facts
}

/// What `/sys` knows of an interface.
fn hardware(name: &str, folder: &str, host: &dyn Host) -> Dict {
    let file = |path: &str| reader::content(&format!("{folder}/{path}"), host);
    let there = |path: &str| reader::exists(&format!("{folder}/{path}"), host);
    let mut facts = Dict::new().with("device", name);
    if let Some(address) = file("address").filter(|address| address != "00:00:00:00:00:00") {
        facts.insert("macaddress", address);
    }
    if let Some(size) = file("mtu").and_then(|text| text.parse::<i64>().ok()) {
        facts.insert("mtu", size);
    }
    if let Some(state) = file("operstate") {
        facts.insert("active", state != "down");
    }
    if there("device/driver/module")
        && let Ok(path) = host.real_path(&format!("{folder}/device/driver/module"))
    {
        facts.insert("module", paths::base_name(&path));
    }
    if let Some(kind) = file("type") {
        facts.insert(
            "type",
            match kind.as_str() {
                "1" => "ether",
                "32" => "infiniband",
                "512" => "ppp",
                "772" => "loopback",
                "65534" => "tunnel",
                _ => "unknown",
            },
        );
    }
    if there("bridge") {
        facts.insert("type", "bridge");
        facts.insert("interfaces", reader::names(&format!("{folder}/brif"), host));
        facts.insert("id", file("bridge/bridge_id").unwrap_or_default());
        facts.insert("stp", file("bridge/stp_state").as_deref() == Some("1"));
    }
    if there("bonding") {
        let word = |path: &str| {
            file(path)
                .unwrap_or_default()
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let slaves = file("bonding/slaves").unwrap_or_default();
        facts.insert("type", "bonding");
        facts.insert("slaves", slaves.split_whitespace().collect::<Vec<_>>());
        facts.insert("mode", word("bonding/mode"));
        facts.insert("miimon", word("bonding/miimon"));
        facts.insert("lacp_rate", word("bonding/lacp_rate"));
        if let Some(primary) = file("bonding/primary") {
            facts.insert("primary", primary);
            facts.insert(
                "all_slaves_active",
                file("bonding/all_slaves_active").as_deref() == Some("1"),
            );
        }
    }
    if let Some(address) = file("bonding_slave/perm_hwaddr") {
        facts.insert("perm_macaddress", address);
    }
    if let Ok(target) = host.read_link(&format!("{folder}/device")) {
        facts.insert("pciid", paths::base_name(&target));
    }
    // Reading the speed of an interface that is down is an error.
    if let Some(speed) = file("speed").and_then(|text| text.parse::<i64>().ok()) {
        facts.insert("speed", speed);
    }
    let flags =
        file("flags").and_then(|text| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok());
    if let Some(flags) = flags {
        facts.insert("promisc", flags & 0x100 != 0);
    }
    facts
}

fn add_address(
    interface: &mut Dict,
    entry: &serde_json::Value,
    ways: &mut [Dict; 2],
    found: &mut Found,
) {
    let (Some(address), Some(length)) = (
        text_of(entry, "local"),
        field(entry, "prefixlen").and_then(serde_json::Value::as_u64),
    ) else {
        return;
    };
    let [way4, way6] = ways;
    let is_way = |way: &Dict| way.get("address").and_then(Value::as_str) == Some(address);
    let mut details = Dict::new();
    if text_of(entry, "family") == Some("inet6") {
        details.insert("prefix", length.to_string());
        details.insert("scope", text_of(entry, "scope").unwrap_or_default());
        let full = Dict::new().with("address", address).with_pairs(&details);
        let mut all = interface
            .get("ipv6")
            .and_then(Value::as_list)
            .map(<[Value]>::to_vec)
            .unwrap_or_default();
        all.push(Value::from(full));
        interface.insert("ipv6", Value::list(all));
        if is_way(way6) {
            complete(way6, &details, interface);
        }
        if address != "::1" {
            found.version6.push(address.to_owned());
        }
        return;
    }
    let Ok(number) = address.parse::<Ipv4Addr>() else {
        return;
    };
    let mask = u32::MAX
        .checked_shl(32 - u32::try_from(length).unwrap_or(32))
        .unwrap_or(0);
    let details = details
        .with("broadcast", text_of(entry, "broadcast").unwrap_or_default())
        .with("netmask", Ipv4Addr::from(mask).to_string())
        .with(
            "network",
            Ipv4Addr::from(u32::from(number) & mask).to_string(),
        )
        .with("prefix", length.to_string());
    let full = Dict::new().with("address", address).with_pairs(&details);
    let label = text_of(entry, "label").unwrap_or_default();
    if interface.contains("ipv4") {
        let mut more = interface
            .get("ipv4_secondaries")
            .and_then(Value::as_list)
            .map(<[Value]>::to_vec)
            .unwrap_or_default();
        more.push(Value::from(full));
        interface.insert("ipv4_secondaries", Value::list(more));
    } else {
        interface.insert("ipv4", full);
    }
    if is_way(way4) {
        complete(way4, &details, interface);
        way4.insert("alias", label);
    }
    if !address.starts_with("127.") {
        found.version4.push(address.to_owned());
    }
}

/// Adds to the way out what its interface has.
fn complete(way: &mut Dict, details: &Dict, interface: &Dict) {
    way.extend(details.clone());
    way.insert(
        "macaddress",
        interface.get("macaddress").cloned().unwrap_or_default(),
    );
    way.insert("mtu", interface.get("mtu").cloned().unwrap_or_default());
    way.insert(
        "type",
        interface
            .get("type")
            .cloned()
            .unwrap_or_else(|| Value::from("unknown")),
    );
}

trait WithPairs {
    /// Adds the pairs and returns the dictionary.
    fn with_pairs(self, pairs: &Dict) -> Self;
}

impl WithPairs for Dict {
    fn with_pairs(mut self, pairs: &Dict) -> Self {
        self.extend(pairs.clone());
        self
    }
}

/// Addresses and networks that lead to the host itself.
fn locally_reachable(answers: &[Vec<serde_json::Value>], found: &Found) -> Dict {
    let routes = answers.iter().skip(1).flatten();
    let local = routes.filter(|route| text_of(route, "type") == Some("local"));
    let mut version4: Vec<&str> = local
        .filter_map(|route| text_of(route, "dst"))
        .filter(|address| !address.contains(':'))
        .collect();
    version4.sort_unstable();
    version4.dedup();
    let mut version6: Vec<&str> = found.version6.iter().map(String::as_str).collect();
    if found
        .interfaces
        .iter()
        .any(|(name, facts)| name == "lo" && facts.contains("ipv6"))
    {
        version6.push("::1");
    }
    version6.sort_unstable();
    version6.dedup();
    Dict::new().with("ipv4", version4).with("ipv6", version6)
}

/// `dns`: what `/etc/resolv.conf` says.
pub(super) fn dns(host: &dyn Host) -> Dict {
    let mut facts = Dict::new();
    let text = reader::text("/etc/resolv.conf", host);
    for line in text.lines().filter(|line| !line.starts_with(['#', ';'])) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some((name, values)) = words.split_first() else {
            continue;
        };
        match *name {
            "nameserver" => {
                let mut all = facts
                    .get("nameservers")
                    .and_then(Value::as_list)
                    .map(<[Value]>::to_vec)
                    .unwrap_or_default();
                all.extend(values.iter().map(|value| Value::from(*value)));
                facts.insert("nameservers", Value::list(all));
            }
            "domain" => {
                if let Some(domain) = values.first() {
                    facts.insert("domain", *domain);
                }
            }
            "search" | "sortlist" => {
                facts.insert(*name, values.to_vec());
            }
            "options" => {
                let options: Dict = values
                    .iter()
                    .map(|option| match option.split_once(':') {
                        Some((name, value)) if !value.is_empty() => {
                            (Key::from(name), Value::from(value))
                        }
                        Some((name, _)) => (Key::from(name), Value::from(true)),
                        None => (Key::from(*option), Value::from(true)),
                    })
                    .collect();
                facts.insert("options", options);
            }
            _ => {}
        }
    }
    Dict::new().with("dns", facts)
}
