//! Users and groups: from the files, and through `getent` where the host has more sources. A static program must not load the
//! name service's own modules.

use std::fs;
use std::process::{Command, Stdio};

use crate::kit::{Group, User};

fn read_user(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    fields.next()?;
    let uid = fields.next()?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    let comment = fields.next()?.to_owned();
    let home = fields.next()?.to_owned();
    let shell = fields.next()?.trim_end().to_owned();
    Some(User {
        name,
        uid,
        gid,
        comment,
        home,
        shell,
    })
}

fn read_group(line: &str) -> Option<Group> {
    let mut fields = line.trim_end().split(':');
    let name = fields.next()?.to_owned();
    fields.next()?;
    let gid = fields.next()?.parse().ok()?;
    let members = fields
        .next()?
        .split(',')
        .filter(|member| !member.is_empty())
        .map(ToOwned::to_owned)
        .collect();
    Some(Group { name, gid, members })
}

/// Asks `getent` only where `/etc/nsswitch.conf` names more than files: a miss is the usual case and must be quick.
fn getent(database: &str, key: Option<&str>) -> Option<String> {
    let switch = fs::read_to_string("/etc/nsswitch.conf").unwrap_or_default();
    let sources = switch
        .lines()
        .find_map(|line| line.strip_prefix(database)?.strip_prefix(':'))?;
    if sources
        .split_whitespace()
        .all(|source| matches!(source, "files" | "compat" | "systemd"))
    {
        return None;
    }
    let mut command = Command::new("getent");
    command
        .arg(database)
        .args(key)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let output = command.output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn look_up<T>(
    database: &str,
    file: &str,
    key: &str,
    read: fn(&str) -> Option<T>,
    is: impl Fn(&T) -> bool,
) -> Option<T> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let found = text.lines().filter_map(read).find(&is);
    found.or_else(|| {
        getent(database, Some(key))?
            .lines()
            .filter_map(read)
            .find(&is)
    })
}

pub(super) fn user(name: &str) -> Option<User> {
    look_up("passwd", "/etc/passwd", name, read_user, |user| {
        user.name == name
    })
}

pub(super) fn user_by_id(uid: u32) -> Option<User> {
    look_up(
        "passwd",
        "/etc/passwd",
        &uid.to_string(),
        read_user,
        |user| user.uid == uid,
    )
}

pub(super) fn group(name: &str) -> Option<Group> {
    look_up("group", "/etc/group", name, read_group, |group| {
        group.name == name
    })
}

pub(super) fn group_by_id(gid: u32) -> Option<Group> {
    look_up(
        "group",
        "/etc/group",
        &gid.to_string(),
        read_group,
        |group| group.gid == gid,
    )
}

pub(super) fn groups() -> Vec<Group> {
    let mut groups: Vec<Group> = fs::read_to_string("/etc/group")
        .unwrap_or_default()
        .lines()
        .filter_map(read_group)
        .collect();
    for group in getent("group", None)
        .unwrap_or_default()
        .lines()
        .filter_map(read_group)
    {
        if !groups.iter().any(|known| known.name == group.name) {
            groups.push(group);
        }
    }
    groups
}
