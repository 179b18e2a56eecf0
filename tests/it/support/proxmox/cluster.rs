//! A cluster described in a few words as the answers of its API: that of Proxmox VE's current plugin, and the older paths of its
//! predecessors too.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Answers;

/// A cluster: `{"nodes": [{"name": "pve1", "ip": "192.0.2.11"}], "guests": [{"name": "cp-1", "vmid": 101, "node": "pve1"}]}`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    pub(crate) guests: Vec<Guest>,
}

/// A node, online unless it is said otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) ip: String,
    #[serde(default = "yes")]
    pub(crate) online: bool,
}

/// A guest, a running machine with an agent unless it is said otherwise.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guest {
    pub(crate) name: String,
    pub(crate) vmid: u32,
    pub(crate) node: String,
    #[serde(default = "yes")]
    pub(crate) running: bool,
    #[serde(default)]
    pub(crate) container: bool,
    #[serde(default)]
    pub(crate) template: bool,
    #[serde(default)]
    pub(crate) tags: String,
    #[serde(default)]
    pub(crate) pool: String,
    /// Addresses with their prefixes; without any the agent is silent.
    #[serde(default)]
    pub(crate) addresses: Vec<String>,
}

fn yes() -> bool {
    true
}

impl Guest {
    fn hardware(&self) -> String {
        let [a, b, c, d] = self.vmid.to_be_bytes();
        format!("BC:24:{a:02X}:{b:02X}:{c:02X}:{d:02X}")
    }

    fn sort(&self) -> &'static str {
        if self.container { "lxc" } else { "qemu" }
    }

    fn status(&self) -> &'static str {
        if self.running { "running" } else { "stopped" }
    }

    fn resource(&self) -> Json {
        json!({
            "id": format!("{}/{}", self.sort(), self.vmid), "type": self.sort(), "vmid": self.vmid, "node": self.node,
            "name": self.name, "status": self.status(), "template": u8::from(self.template), "tags": self.tags, "pool": self.pool,
        })
    }

    fn config(&self) -> Json {
        if self.container {
            return json!({
                "hostname": self.name, "ostype": "debian", "cores": 2, "memory": 512, "tags": self.tags,
                "net0": format!("name=eth0,bridge=vmbr0,hwaddr={},ip=dhcp,type=veth", self.hardware()),
            });
        }
        json!({
            "name": self.name, "cores": 4, "memory": "8192", "ostype": "l26", "agent": "enabled=1", "tags": self.tags,
            "scsi0": format!("local-lvm:vm-{}-disk-0,size=32G", self.vmid), "boot": "order=scsi0", "ipconfig0": "ip=dhcp",
            "net0": format!("virtio={},bridge=vmbr0", self.hardware()),
        })
    }

    fn agent(&self) -> (u16, Json) {
        if self.addresses.is_empty() || !self.running {
            return (
                500,
                json!({"data": null, "message": "QEMU guest agent is not running\n"}),
            );
        }
        let addresses: Vec<Json> = self
            .addresses
            .iter()
            .map(|address| {
                let (address, prefix) = address.split_once('/').unwrap_or((address, "24"));
                json!({"ip-address": address, "prefix": prefix.parse::<u8>().unwrap_or(24)})
            })
            .collect();
        let loopback = json!([{"ip-address": "127.0.0.1", "prefix": 8}]);
        let inner = json!([{"ip-address": "10.42.0.1", "prefix": 24}]);
        let result = json!([
            {"name": "lo", "hardware-address": "00:00:00:00:00:00", "ip-addresses": loopback},
            {"name": "cni0", "hardware-address": "ea:11:22:33:44:55", "ip-addresses": inner},
            {"name": "eth0", "hardware-address": self.hardware().to_lowercase(), "ip-addresses": addresses},
        ]);
        (200, json!({"data": {"result": result}}))
    }
}

impl Cluster {
    /// Returns a cluster of that size.
    pub(crate) fn of(guests: u32, nodes: u32) -> Self {
        let node = |number: u32| format!("pve{}", number % nodes + 1);
        Self {
            nodes: (0..nodes)
                .map(|number| Node {
                    name: node(number),
                    ip: format!("192.0.2.{}", number + 1),
                    online: true,
                })
                .collect(),
            guests: (0..guests)
                .map(|number| Guest {
                    name: format!("guest-{number}"),
                    vmid: 100 + number,
                    node: node(number),
                    running: true,
                    container: false,
                    template: false,
                    tags: if number % 3 == 0 {
                        "k3s;server".to_owned()
                    } else {
                        "k3s;agent".to_owned()
                    },
                    pool: String::new(),
                    addresses: vec![format!("10.0.{}.{}/16", number / 250, number % 250 + 1)],
                })
                .collect(),
        }
    }

    /// Returns what the API answers.
    pub(crate) fn answers(&self) -> Answers {
        let mut all = Answers::new();
        let mut add = |path: String, data: Json| {
            all.insert(path, (200, json!({ "data": data })));
        };
        let status = |node: &Node| json!({"type": "node", "id": format!("node/{}", node.name), "name": node.name, "ip": node.ip, "online": u8::from(node.online)});
        let listed = |node: &Node| json!({"type": "node", "node": node.name, "status": if node.online { "online" } else { "offline" }});
        let of = |node: &str, sort: &str| -> Json {
            let own = self
                .guests
                .iter()
                .filter(|guest| guest.node == node && guest.sort() == sort);
            own.map(Guest::resource).collect()
        };
        add(
            "/version".to_owned(),
            json!({"version": "9.0.0", "release": "9.0"}),
        );
        add(
            "/cluster/status".to_owned(),
            self.nodes.iter().map(status).collect(),
        );
        add(
            "/cluster/resources?type=vm".to_owned(),
            self.guests.iter().map(Guest::resource).collect(),
        );
        add("/nodes".to_owned(), self.nodes.iter().map(listed).collect());
        for node in &self.nodes {
            for sort in ["qemu", "lxc"] {
                add(format!("/nodes/{}/{sort}", node.name), of(&node.name, sort));
            }
        }
        let mut pools: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
        for guest in self.guests.iter().filter(|guest| !guest.pool.is_empty()) {
            pools.entry(&guest.pool).or_default().push(guest.resource());
        }
        add(
            "/pools".to_owned(),
            pools.keys().map(|pool| json!({"poolid": pool})).collect(),
        );
        for (pool, members) in &pools {
            let whole = json!({"poolid": pool, "members": members});
            add(format!("/pools?poolid={pool}"), json!([whole]));
            add(format!("/pools/{pool}"), whole);
        }
        for guest in &self.guests {
            let base = format!("/nodes/{}/{}/{}", guest.node, guest.sort(), guest.vmid);
            add(format!("{base}/config"), guest.config());
            let state =
                json!({"vmid": guest.vmid, "status": guest.status(), "qmpstatus": guest.status()});
            add(format!("{base}/status/current"), state);
            add(format!("{base}/snapshot"), json!([{"name": "current"}]));
            if guest.container {
                let shown = json!([{"name": "eth0", "hwaddr": guest.hardware().to_lowercase(), "inet": guest.addresses.first()}]);
                add(format!("{base}/interfaces"), shown);
            }
        }
        for guest in self.guests.iter().filter(|guest| !guest.container) {
            let path = format!(
                "/nodes/{}/qemu/{}/agent/network-get-interfaces",
                guest.node, guest.vmid
            );
            all.insert(path, guest.agent());
        }
        all
    }
}
