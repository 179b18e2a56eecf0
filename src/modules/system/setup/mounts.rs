//! `mounts`: what is mounted where, and how full it is.

use super::gathering::Gathering;
use super::reader;
use crate::kit::Host;
use crate::value::{Dict, Value};

/// Gathers them.
pub(super) fn gather(with: &mut Gathering<'_>) -> Dict {
    let host = with.host;
    let bound = bind_mounts(host);
    let identifiers = identifiers(host);
    let table = reader::text("/proc/self/mounts", host);
    let mut mounts: Vec<(String, Dict)> = Vec::new();
    for line in table.lines() {
        let fields: Vec<String> = line.split(' ').map(unescape).collect();
        let [device, mount, kind, options, dump, pass, ..] = fields.as_slice() else {
            continue;
        };
        if !device.starts_with(['/', '\\']) && !device.contains(":/") || kind == "none" {
            continue;
        }
        let mut options = options.clone();
        if bound.contains(mount) {
            options.push_str(",bind");
        }
        let mut facts = Dict::new()
            .with("mount", mount.as_str())
            .with("device", device.as_str())
            .with("fstype", kind.as_str())
            .with("options", options)
            .with("dump", dump.parse::<i64>().unwrap_or(0))
            .with("passno", pass.parse::<i64>().unwrap_or(0));
        match host.file_system(mount) {
            Ok(sizes) => facts.extend(
                Dict::new()
                    .with("size_total", sizes.fragment_size * sizes.blocks)
                    .with(
                        "size_available",
                        sizes.fragment_size * sizes.blocks_available,
                    )
                    .with("block_size", sizes.block_size)
                    .with("block_total", sizes.blocks)
                    .with("block_available", sizes.blocks_available)
                    .with(
                        "block_used",
                        sizes.blocks.saturating_sub(sizes.blocks_available),
                    )
                    .with("inode_total", sizes.inodes)
                    .with("inode_available", sizes.inodes_available)
                    .with(
                        "inode_used",
                        sizes.inodes.saturating_sub(sizes.inodes_available),
                    ),
            ),
            Err(error) => {
                facts.insert("note", format!("Could not get extra information: {error}"));
            }
        }
        let real = host.real_path(device).unwrap_or_else(|_| device.clone());
        let uuid = identifiers.iter().find(|(known, _)| *known == real);
        facts.insert("uuid", uuid.map_or("N/A", |(_, uuid)| uuid.as_str()));
        mounts.retain(|(known, _)| known != mount);
        mounts.push((mount.clone(), facts));
    }
    let mounts: Value = mounts
        .into_iter()
        .map(|(_, facts)| Value::from(facts))
        .collect();
    Dict::new().with("mounts", mounts)
}

/// `\040` is a space.
fn unescape(field: &str) -> String {
    let mut out = Vec::new();
    let mut rest = field.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        let (byte, after) = match escaped {
            Some(byte) => (byte, tail.get(3..).unwrap_or_default()),
            None => (*first, tail),
        };
        out.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Mount points that show a part of a file system only.
fn bind_mounts(host: &dyn Host) -> Vec<String> {
    let table = reader::text("/proc/self/mountinfo", host);
    table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(3);
            let (root, mount) = (fields.next()?, fields.next()?);
            (root != "/").then(|| unescape(mount))
        })
        .collect()
}

/// Devices and the identifiers of the file systems on them.
fn identifiers(host: &dyn Host) -> Vec<(String, String)> {
    let folder = "/dev/disk/by-uuid";
    reader::names(folder, host)
        .into_iter()
        .filter_map(|name| Some((host.real_path(&format!("{folder}/{name}")).ok()?, name)))
        .collect()
}
