//! Facts about block devices and storage adapters.

use super::{reader, text_or_null};
use crate::kit::Host;
use crate::modules::paths;
use crate::value::{Dict, Key, Value};

const LINKS: [(&str, &str); 3] = [
    ("ids", "/dev/disk/by-id"),
    ("uuids", "/dev/disk/by-uuid"),
    ("labels", "/dev/disk/by-label"),
];

/// `devices` and `device_links`.
pub(super) fn gather(host: &dyn Host) -> Dict {
    let links = all_links(host);
    let mut devices = Dict::new();
    for name in reader::names("/sys/block", host) {
        let device = device(&name, &links, host);
        devices.insert(name, device);
    }
    let links: Dict = links
        .into_iter()
        .map(|(kind, links)| (Key::from(kind), Value::from(links)))
        .collect();
    Dict::new()
        .with("devices", devices)
        .with("device_links", links)
}

/// For each kind of link, the names that each device has.
fn all_links(host: &dyn Host) -> Vec<(&'static str, Dict)> {
    let mut all: Vec<(&str, Dict)> = LINKS
        .iter()
        .map(|(kind, folder)| {
            let mut links = Dict::new();
            for name in reader::names(folder, host) {
                if let Ok(target) = host.read_link(&format!("{folder}/{name}")) {
                    append(&mut links, paths::base_name(&target), &name);
                }
            }
            (*kind, links)
        })
        .collect();
    let mut masters = Dict::new();
    for master in reader::names("/sys/block", host) {
        for slave in reader::names(&format!("/sys/block/{master}/slaves"), host) {
            append(&mut masters, &slave, &master);
        }
    }
    all.push(("masters", masters));
    all
}

fn append(links: &mut Dict, device: &str, name: &str) {
    let mut names = links
        .get(device)
        .and_then(Value::as_list)
        .map(<[Value]>::to_vec)
        .unwrap_or_default();
    names.push(Value::from(name));
    links.insert(device, Value::list(names));
}

fn links_of(name: &str, links: &[(&'static str, Dict)]) -> Dict {
    links
        .iter()
        .map(|(kind, links)| {
            (
                Key::from(*kind),
                links.get(name).cloned().unwrap_or_else(|| Value::list([])),
            )
        })
        .collect()
}

fn device(name: &str, links: &[(&'static str, Dict)], host: &dyn Host) -> Dict {
    let folder = format!("/sys/block/{name}");
    let file = |path: &str| reader::content(&format!("{folder}/{path}"), host);
    let mut facts = Dict::new()
        .with("virtual", 1)
        .with("links", links_of(name, links));
    for key in ["vendor", "model", "sas_address", "sas_device_handle"] {
        facts.insert(key, text_or_null(file(&format!("device/{key}"))));
    }
    if let Some(serial) = file("device/serial") {
        facts.insert("serial", serial);
    }
    let wide_name = links_of(name, links)
        .get("ids")
        .and_then(Value::as_list)
        .and_then(|ids| {
            ids.iter()
                .find_map(|id| id.as_str()?.strip_prefix("wwn-").map(str::to_owned))
        });
    if let Some(wide_name) = wide_name {
        facts.insert("wwn", wide_name);
    }
    let discards = file("queue/discard_max_hw_bytes").as_deref() != Some("0");
    let discard = if discards {
        file("queue/discard_granularity")
    } else {
        Some("0".to_owned())
    };
    let mut partitions = Dict::new();
    for part in reader::names(&folder, host) {
        let number = part
            .strip_prefix(name)
            .map(|rest| rest.strip_prefix('p').unwrap_or(rest));
        if number.is_some_and(|number| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        }) {
            let facts = partition(&format!("{folder}/{part}"), &part, links, host);
            partitions.insert(part, facts);
        }
    }
    let (sector_size, sectors) = sectors(&folder, host);
    let scheduler = file("queue/scheduler").unwrap_or_default();
    let scheduler = scheduler
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("", |(name, _)| name);
    facts
        .with("removable", text_or_null(file("removable")))
        .with("support_discard", text_or_null(discard))
        .with("partitions", partitions)
        .with("rotational", text_or_null(file("queue/rotational")))
        .with("scheduler_mode", scheduler)
        .with("sectorsize", sector_size.to_string())
        .with("sectors", sectors)
        .with("size", human(sectors * sector_size))
        .with("host", "")
        .with("holders", holders(&folder, host))
}

fn partition(folder: &str, name: &str, links: &[(&'static str, Dict)], host: &dyn Host) -> Dict {
    let (sector_size, sectors) = sectors(folder, host);
    let links = links_of(name, links);
    let uuid = links
        .get("uuids")
        .and_then(Value::as_list)
        .and_then(|uuids| uuids.first().cloned());
    Dict::new()
        .with("links", links)
        .with(
            "start",
            reader::content(&format!("{folder}/start"), host).unwrap_or_else(|| "0".to_owned()),
        )
        .with("sectorsize", sector_size)
        .with("sectors", sectors)
        .with("size", human(sectors * sector_size))
        .with("uuid", uuid.unwrap_or_default())
        .with("holders", holders(folder, host))
}

/// The size of a sector and their number. The file counts in units of 512 bytes whatever the device has.
fn sectors(folder: &str, host: &dyn Host) -> (u64, u64) {
    let number = |path: &str| {
        reader::content(&format!("{folder}/{path}"), host).and_then(|text| text.parse::<u64>().ok())
    };
    let size = number("queue/logical_block_size")
        .or_else(|| number("queue/hw_sector_size"))
        .filter(|size| *size > 0)
        .unwrap_or(512);
    (size, number("size").unwrap_or(0).saturating_mul(512) / size)
}

fn holders(folder: &str, host: &dyn Host) -> Vec<String> {
    reader::names(&format!("{folder}/holders"), host)
        .into_iter()
        .filter(|name| name.starts_with("dm-"))
        .map(|name| {
            reader::content(&format!("{folder}/holders/{name}/dm/name"), host).unwrap_or(name)
        })
        .collect()
}

/// `20.00 GB`, in units of 1024.
fn human(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let size = bytes as f64;
    let units = [("TB", 40), ("GB", 30), ("MB", 20), ("KB", 10)];
    let unit = units.iter().find(|(_, power)| bytes >> power > 0);
    match unit {
        Some((name, power)) => format!("{:.2} {name}", size / f64::from(2).powi(*power)),
        None => format!("{size:.2} Bytes"),
    }
}

/// `fibre_channel_wwn`.
pub(super) fn fibre_channel(host: &dyn Host) -> Dict {
    let names: Vec<String> = reader::names("/sys/class/fc_host", host)
        .iter()
        .filter_map(|name| reader::content(&format!("/sys/class/fc_host/{name}/port_name"), host))
        .map(|name| name.trim_start_matches("0x").to_owned())
        .collect();
    Dict::new().with("fibre_channel_wwn", names)
}

/// `iscsi_iqn`.
pub(super) fn iscsi(host: &dyn Host) -> Dict {
    let text = reader::text("/etc/iscsi/initiatorname.iscsi", host);
    let name = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("InitiatorName="));
    Dict::new().with("iscsi_iqn", name.unwrap_or_default())
}

/// `hostnqn`.
pub(super) fn nvme(host: &dyn Host) -> Dict {
    let text = reader::text("/etc/nvme/hostnqn", host);
    let name = text.lines().find(|line| line.starts_with("nqn."));
    Dict::new().with("hostnqn", name.unwrap_or_default().trim())
}
