//! Facts about memory, processors and the machine's maker.

use std::collections::BTreeMap;

use super::{platform, reader};
use crate::kit::Host;
use crate::value::{Dict, Value};

/// Gathers them.
pub(super) fn gather(host: &dyn Host) -> Dict {
    let mut facts = processors(host);
    facts.extend(memory(host));
    facts.extend(maker(host));
    facts.insert("lvm", "N/A");
    facts
}

fn memory(host: &dyn Host) -> Dict {
    let text = reader::text("/proc/meminfo", host);
    let sizes: BTreeMap<&str, i64> = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter_map(|(name, rest)| {
            Some((
                name,
                rest.split_whitespace().next()?.parse::<i64>().ok()? / 1024,
            ))
        })
        .collect();
    let size = |name: &str| sizes.get(name).copied();
    let (Some(total), Some(free)) = (size("MemTotal"), size("MemFree")) else {
        return Dict::new();
    };
    let (swap_total, swap_free) = (
        size("SwapTotal").unwrap_or(0),
        size("SwapFree").unwrap_or(0),
    );
    let available = size("Cached").unwrap_or(0) + free + size("Buffers").unwrap_or(0);
    let memory = Dict::new()
        .with(
            "real",
            Dict::new()
                .with("total", total)
                .with("used", total - free)
                .with("free", free),
        )
        .with(
            "nocache",
            Dict::new()
                .with("free", available)
                .with("used", total - available),
        )
        .with(
            "swap",
            Dict::new()
                .with("total", swap_total)
                .with("free", swap_free)
                .with("used", swap_total - swap_free)
                .with("cached", size("SwapCached").unwrap_or(0)),
        );
    Dict::new()
        .with("memtotal_mb", total)
        .with("memfree_mb", free)
        .with("swaptotal_mb", swap_total)
        .with("swapfree_mb", swap_free)
        .with("memory_mb", memory)
}

/// What `/proc/cpuinfo` tells. It names sockets and cores on Intel and AMD alone.
fn processors(host: &dyn Host) -> Dict {
    let text = reader::text("/proc/cpuinfo", host);
    let mut described: Vec<&str> = Vec::new();
    let mut flags = None;
    let (mut vendors, mut models, mut numbered) = (0i64, 0i64, 0i64);
    let (mut socket, mut core) = ("0", "0");
    let mut cores_of: Vec<(&str, i64)> = Vec::new();
    let mut siblings_of: Vec<(&str, i64)> = Vec::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let (name, value) = (name.trim(), value.trim());
        match name {
            "flags" => flags = Some(value),
            "model name" | "Processor" | "vendor_id" | "cpu" | "Vendor" | "processor" => {
                described.push(value);
                vendors += i64::from(name == "vendor_id");
                models += i64::from(name == "model name");
                numbered += i64::from(name == "processor");
            }
            "physical id" => {
                socket = value;
                note(&mut cores_of, socket, None);
            }
            "core id" => {
                core = value;
                note(&mut siblings_of, core, None);
            }
            "cpu cores" => note(&mut cores_of, socket, value.parse().ok()),
            "siblings" => note(&mut siblings_of, core, value.parse().ok()),
            _ => {}
        }
    }
    let machine = platform::machine(host);
    let by_number = ["armv", "aarch", "ppc"]
        .iter()
        .any(|prefix| machine.starts_with(prefix));
    let counted = if by_number {
        numbered
    } else if vendors > 0 && vendors == models {
        vendors
    } else {
        i64::try_from(described.len()).unwrap_or(0)
    };
    let sockets = if cores_of.is_empty() {
        counted
    } else {
        i64::try_from(cores_of.len()).unwrap_or(1)
    };
    let cores = cores_of.first().map_or(1, |(_, count)| (*count).max(1));
    let siblings = siblings_of.first().map_or(1, |(_, count)| *count);
    let threads = rounded_quotient(siblings, cores);
    let mut facts = Dict::new()
        .with(
            "processor",
            described.into_iter().map(Value::from).collect::<Value>(),
        )
        .with("processor_count", sockets)
        .with("processor_cores", cores)
        .with("processor_threads_per_core", threads)
        .with("processor_vcpus", threads * sockets * cores)
        .with("processor_nproc", usable(host).unwrap_or(numbered));
    if let Some(flags) = flags {
        facts.insert("flags", flags.split_whitespace().collect::<Vec<_>>());
    }
    facts
}

fn note<'t>(counts: &mut Vec<(&'t str, i64)>, name: &'t str, count: Option<i64>) {
    match counts.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = count.unwrap_or(*known),
        None => counts.push((name, count.unwrap_or(1))),
    }
}

/// As Python's `round` of the quotient: halves go to the even number.
fn rounded_quotient(dividend: i64, divisor: i64) -> i64 {
    let (whole, rest) = (dividend / divisor, dividend % divisor);
    match (rest * 2).cmp(&divisor) {
        std::cmp::Ordering::Less => whole,
        std::cmp::Ordering::Greater => whole + 1,
        std::cmp::Ordering::Equal => whole + whole % 2,
    }
}

/// How many processors the one who acts may use: `0-3,8` are five.
fn usable(host: &dyn Host) -> Option<i64> {
    let status = reader::text("/proc/self/status", host);
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    list.trim()
        .split(',')
        .map(|part| match part.split_once('-') {
            Some((first, last)) => Some(last.parse::<i64>().ok()? - first.parse::<i64>().ok()? + 1),
            None => part.parse::<i64>().ok().map(|_| 1),
        })
        .sum()
}

/// Names of facts and of files under `/sys`.
const MAKER: &[(&str, &str)] = &[
    ("bios_date", "bios_date"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("form_factor", "chassis_type"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("system_vendor", "sys_vendor"),
];

/// Types of chassis by their number in the DMI specification.
const FORM_FACTORS: &[&str] = &[
    "Unknown",
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosure",
    "Tablet",
    "Convertible",
    "Detachable",
    "IoT Gateway",
    "Embedded PC",
    "Mini PC",
    "Stick PC",
];

fn maker(host: &dyn Host) -> Dict {
    let mut facts = Dict::new();
    for (fact, file) in MAKER {
        let text = reader::content(&format!("/sys/devices/virtual/dmi/id/{file}"), host);
        let text = match (*fact, text) {
            ("form_factor", Some(number)) => number
                .parse::<usize>()
                .ok()
                .and_then(|number| FORM_FACTORS.get(number))
                .map_or_else(|| format!("unknown ({number})"), |name| (*name).to_owned()),
            (_, text) => text.unwrap_or_else(|| "NA".to_owned()),
        };
        facts.insert(*fact, text);
    }
    facts
}
