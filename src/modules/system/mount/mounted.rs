//! What is mounted now, as `/proc/self/mountinfo` tells it.

use std::collections::BTreeMap;

use crate::kit::{Failure, Host};

/// A mount.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    /// Of a bind mount the directory that is mounted there, else the device.
    source: String,
    /// The device, or the file system's own name.
    device: String,
}

/// All mounts, by the paths that they are mounted on.
#[derive(Clone, Debug, Default)]
pub(super) struct Mounts {
    by_path: BTreeMap<String, Mount>,
}

/// A line of the table.
struct Line {
    parent: u64,
    root: String,
    path: String,
    device: String,
}

fn unescaped(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

fn line(text: &str) -> Option<(u64, Line)> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let field = |at: usize| fields.get(at).map(|field| unescaped(field));
    let line = Line {
        parent: fields.get(1)?.parse().ok()?,
        root: field(3)?,
        path: field(4)?,
        device: field(fields.len().checked_sub(2)?)?,
    };
    Some((fields.first()?.parse().ok()?, line))
}

impl Mounts {
    pub(super) fn read(host: &dyn Host) -> Result<Self, Failure> {
        let table = host.read("/proc/self/mountinfo")?;
        Ok(Self::parse(&String::from_utf8_lossy(&table)))
    }

    fn parse(table: &str) -> Self {
        let lines: Vec<(u64, Line)> = table.lines().filter_map(line).collect();
        let by_number: BTreeMap<u64, &Line> =
            lines.iter().map(|(number, line)| (*number, line)).collect();
        let by_path = lines.iter().map(|(_, line)| {
            let parent = by_number.get(&line.parent).filter(|_| line.parent != 1);
            let source = parent.map_or_else(
                || line.device.clone(),
                |parent| {
                    // The directory as one sees it from here: below what the parent itself shows of its file system.
                    let inside = (parent.root.len() > 1)
                        .then(|| line.root.strip_prefix(parent.root.as_str()))
                        .flatten()
                        .filter(|rest| rest.starts_with('/'));
                    let root = inside.unwrap_or(&line.root);
                    if parent.path == "/" {
                        root.to_owned()
                    } else {
                        format!("{}{root}", parent.path)
                    }
                },
            );
            let device = line.device.clone();
            (line.path.clone(), Mount { source, device })
        });
        Self {
            by_path: by_path.collect(),
        }
    }

    /// Tells whether something is mounted there.
    pub(super) fn is_mounted(&self, path: &str, host: &dyn Host) -> Result<bool, Failure> {
        Ok(self.by_path.contains_key(path) || is_mount_point(path, host)?)
    }

    /// Tells whether this is mounted there.
    pub(super) fn has(&self, path: &str, source: &str) -> bool {
        let mount = self.by_path.get(path);
        mount.is_some_and(|mount| mount.source == source || mount.device == source)
    }
}

/// A directory on another device than the one above it, or that is its own.
fn is_mount_point(path: &str, host: &dyn Host) -> Result<bool, Failure> {
    let Some(own) = host.status(path, false)?.filter(|own| !own.is_link()) else {
        return Ok(false);
    };
    let above = host.status(&format!("{path}/.."), true)?;
    Ok(above.is_some_and(|above| own.device != above.device || own.inode == above.inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_those_that_one_would_mount() {
        let mounts = Mounts::parse(
            "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
             42 20 0:35 / /tmp rw,nosuid shared:5 - tmpfs tmpfs rw\n\
             78 42 0:35 /aaa /mnt/bound rw - tmpfs tmpfs rw\n\
             79 20 8:1 /etc/a\\040b /mnt/c\\040d rw - ext4 /dev/sda1 rw\n\
             garbage\n",
        );
        assert!(mounts.has("/", "/dev/sda1"));
        assert!(mounts.has("/tmp", "tmpfs"));
        assert!(mounts.has("/mnt/bound", "/tmp/aaa"));
        assert!(mounts.has("/mnt/c d", "/etc/a b"));
        assert!(!mounts.has("/mnt/bound", "/tmp") && !mounts.has("/srv", "/dev/sda1"));
    }
}
