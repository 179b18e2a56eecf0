//! Hosts and groups, and how they hang together.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use crate::diag::{Diagnostic, Span};
use crate::pattern::LOCALHOST;
use crate::value::{Dict, Key, Kind, Value};

/// The number of a group, in order of appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(usize);

/// The number of a host, in order of appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(usize);

/// What to do about group names that are no variable names (`TRANSFORM_INVALID_GROUP_CHARS`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InvalidNames {
    /// Keep them, with a warning.
    #[default]
    Never,
    /// Keep them.
    Ignore,
    /// Replace the characters, with a warning.
    Always,
    /// Replace the characters.
    Silently,
}

/// Why the inventory cannot be built so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// A group that would contain itself.
    #[error("adding group `{child}` as a child of `{parent}` makes a loop")]
    Loop {
        /// The group that was to be added.
        child: String,
        /// Where.
        parent: String,
    },
    /// A name without a character.
    #[error("empty {0} name")]
    EmptyName(&'static str),
    /// A group that does not exist.
    #[error("there is no group `{0}`")]
    NoGroup(String),
}

/// A group as the inventory files describe it.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) hosts: IndexSet<HostId>,
    pub(super) vars: Arc<Dict>,
    pub(super) children: Vec<GroupId>,
    pub(super) parents: Vec<GroupId>,
    pub(super) priority: i64,
}

/// A host as the inventory files describe it.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    pub(super) groups: Vec<GroupId>,
    pub(super) vars: Arc<Dict>,
    /// The source in which it was first seen, and that file's directory.
    pub(super) file: Option<String>,
    pub(super) directory: Option<PathBuf>,
}

/// All hosts and groups. `all` and `ungrouped` are always there.
#[derive(Clone, Debug)]
pub struct Inventory {
    groups: IndexMap<Arc<str>, Group>,
    hosts: IndexMap<Arc<str>, Host>,
    localhost: Option<Arc<str>>,
    /// How deep each group lies, as of the last [`Inventory::reconcile`].
    depths: Vec<usize>,
    invalid_names: InvalidNames,
    /// The source that is being read.
    current: (Option<String>, Option<PathBuf>),
    warnings: Vec<Diagnostic>,
    said: HashSet<String>,
}

impl Default for Inventory {
    fn default() -> Self {
        Self::new(InvalidNames::default())
    }
}

impl Inventory {
    /// The group of all hosts.
    pub const ALL: GroupId = GroupId(0);
    /// The group of hosts that are in no other.
    pub const UNGROUPED: GroupId = GroupId(1);

    /// Returns an inventory without hosts.
    pub fn new(invalid_names: InvalidNames) -> Self {
        let group = |children: &[GroupId], parents: &[GroupId]| Group {
            children: children.to_vec(),
            parents: parents.to_vec(),
            priority: 1,
            ..Group::default()
        };
        Self {
            groups: IndexMap::from([
                ("all".into(), group(&[Self::UNGROUPED], &[])),
                ("ungrouped".into(), group(&[], &[Self::ALL])),
            ]),
            hosts: IndexMap::new(),
            localhost: None,
            depths: vec![0, 1],
            invalid_names,
            current: (None, None),
            warnings: Vec::new(),
            said: HashSet::new(),
        }
    }

    /// Returns the group of that name.
    pub fn group(&self, name: &str) -> Option<GroupId> {
        self.groups.get_index_of(name).map(GroupId)
    }

    /// Returns the host of that name.
    pub fn host(&self, name: &str) -> Option<HostId> {
        self.hosts.get_index_of(name).map(HostId)
    }

    /// Returns all groups in order of appearance.
    pub fn group_ids(&self) -> impl Iterator<Item = GroupId> + use<> {
        (0..self.groups.len()).map(GroupId)
    }

    /// Returns all hosts in order of appearance.
    pub fn host_ids(&self) -> impl Iterator<Item = HostId> + use<> {
        (0..self.hosts.len()).map(HostId)
    }

    /// Returns a group's name.
    pub fn group_name(&self, group: GroupId) -> Arc<str> {
        self.groups
            .get_index(group.0)
            .map_or_else(|| "".into(), |(name, _)| name.clone())
    }

    /// Returns a host's name.
    pub fn host_name(&self, host: HostId) -> Arc<str> {
        self.hosts
            .get_index(host.0)
            .map_or_else(|| "".into(), |(name, _)| name.clone())
    }

    pub(super) fn group_data(&self, group: GroupId) -> Option<&Group> {
        self.groups.get_index(group.0).map(|(_, data)| data)
    }

    pub(super) fn host_data(&self, host: HostId) -> Option<&Host> {
        self.hosts.get_index(host.0).map(|(_, data)| data)
    }

    fn group_mut(&mut self, group: GroupId) -> Option<&mut Group> {
        self.groups.get_index_mut(group.0).map(|(_, data)| data)
    }

    /// Returns the source in which a host was first seen, as `inventory_file` gives it.
    pub fn inventory_file(&self, host: HostId) -> Option<&str> {
        self.host_data(host)?.file.as_deref()
    }

    /// Returns the directory of that source, as `inventory_dir` gives it.
    pub fn inventory_dir(&self, host: HostId) -> Option<&std::path::Path> {
        self.host_data(host)?.directory.as_deref()
    }

    /// Tells whether there are no hosts.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Returns what is odd about the inventory, and forgets it.
    pub fn take_warnings(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.warnings)
    }

    pub(super) fn warn(&mut self, diagnostic: Diagnostic) {
        self.warnings.push(diagnostic);
    }

    pub(super) fn set_source(&mut self, file: Option<String>, directory: Option<PathBuf>) {
        self.current = (file, directory);
    }

    /// Returns the name under which a group of that name is kept.
    pub(super) fn safe_group_name(&mut self, name: &str, span: Span) -> String {
        let valid = |(at, c): (usize, char)| {
            c == '_'
                || if at == 0 {
                    c.is_alphabetic()
                } else {
                    c.is_alphanumeric()
                }
        };
        if name.chars().enumerate().all(valid) {
            return name.to_owned();
        }
        let replace = matches!(
            self.invalid_names,
            InvalidNames::Always | InvalidNames::Silently
        );
        if !matches!(
            self.invalid_names,
            InvalidNames::Ignore | InvalidNames::Silently
        ) && self.said.insert(name.to_owned())
        {
            let done = if replace {
                "were replaced"
            } else {
                "cannot be used as a variable name"
            };
            self.warn(
                Diagnostic::warning(
                    "inventory-name",
                    format!("invalid characters in the group name `{name}` {done}"),
                )
                .at(span, "")
                .help("name groups with letters, digits and `_`"),
            );
        }
        if !replace {
            return name.to_owned();
        }
        name.chars()
            .enumerate()
            .map(|(at, c)| if valid((at, c)) { c } else { '_' })
            .collect()
    }

    /// Adds a group unless it is there.
    pub fn add_group(&mut self, name: &str, span: Span) -> Result<GroupId, InventoryError> {
        if name.is_empty() {
            return Err(InventoryError::EmptyName("group"));
        }
        if let Some(group) = self.group(name) {
            return Ok(group);
        }
        let name = self.safe_group_name(name, span);
        let entry = self.groups.entry(name.into());
        let index = entry.index();
        entry.or_insert_with(|| Group {
            priority: 1,
            ..Group::default()
        });
        Ok(GroupId(index))
    }

    /// Adds a host unless it is there, and puts it into a group.
    pub fn add_host(
        &mut self,
        name: &str,
        group: Option<GroupId>,
    ) -> Result<HostId, InventoryError> {
        if name.is_empty() {
            return Err(InventoryError::EmptyName("host"));
        }
        let host = match self.host(name) {
            Some(host) => host,
            None => self.new_host(name),
        };
        if let Some(group) = group {
            self.put_into(host, group);
        }
        Ok(host)
    }

    fn new_host(&mut self, name: &str) -> HostId {
        let (file, directory) = self.current.clone();
        let (index, _) = self.hosts.insert_full(
            name.into(),
            Host {
                file,
                directory,
                ..Host::default()
            },
        );
        if LOCALHOST.contains(&name) {
            match &self.localhost {
                None => self.localhost = Some(name.into()),
                Some(first) => {
                    let headline = format!(
                        "a second host that stands for this machine: `{name}`, the first was `{first}`"
                    );
                    self.warn(Diagnostic::warning("inventory-name", headline));
                }
            }
        }
        HostId(index)
    }

    fn put_into(&mut self, host: HostId, group: GroupId) {
        let added = self
            .group_mut(group)
            .is_some_and(|data| data.hosts.insert(host));
        if added && let Some((_, data)) = self.hosts.get_index_mut(host.0) {
            data.groups.push(group);
        }
    }

    /// Makes a group the child of another.
    pub fn add_child(&mut self, parent: GroupId, child: GroupId) -> Result<(), InventoryError> {
        if self
            .group_data(parent)
            .is_some_and(|data| data.children.contains(&child))
        {
            return Ok(());
        }
        if parent == child || self.ancestors([parent]).contains(&child) {
            return Err(InventoryError::Loop {
                child: self.group_name(child).to_string(),
                parent: self.group_name(parent).to_string(),
            });
        }
        if let Some(data) = self.group_mut(parent) {
            data.children.push(child);
        }
        if let Some(data) = self.group_mut(child) {
            data.parents.push(parent);
        }
        Ok(())
    }

    /// Sets a variable of a group; `ansible_group_priority` is no variable but the group's rank among its equals.
    pub fn set_group_variable(&mut self, group: GroupId, name: impl Into<Key>, value: Value) {
        let name = name.into();
        let Some(data) = self.group_mut(group) else {
            return;
        };
        if name.as_str() == Some("ansible_group_priority") {
            let number = match value.kind() {
                Kind::Int(number) => Some(*number),
                Kind::Bool(truth) => Some(i64::from(*truth)),
                Kind::Str(text) => text.trim().parse().ok(),
                _ => None,
            };
            if let Some(number) = number {
                data.priority = number;
            } else {
                let headline = format!(
                    "`ansible_group_priority` is an integer, not `{}`",
                    value.to_text()
                );
                self.warn(Diagnostic::warning("inventory-value", headline).at(value.origin(), ""));
            }
        } else {
            Arc::make_mut(&mut data.vars).insert(name, value);
        }
    }

    /// Sets a variable of a host.
    pub fn set_host_variable(&mut self, host: HostId, name: impl Into<Key>, value: Value) {
        if let Some((_, data)) = self.hosts.get_index_mut(host.0) {
            Arc::make_mut(&mut data.vars).insert(name, value);
        }
    }

    /// Puts things right after changes: every group lies below `all`, `ungrouped` holds exactly the hosts of no other group.
    pub fn reconcile(&mut self) {
        for group in self.group_ids() {
            if group != Self::ALL
                && self
                    .group_data(group)
                    .is_some_and(|data| data.parents.is_empty())
            {
                // Cannot make a loop: `all` has no parents.
                let _ = self.add_child(Self::ALL, group);
            }
        }
        let mut grouped = HashSet::new();
        for host in self.host_ids() {
            let Some(data) = self.host_data(host) else {
                continue;
            };
            let elsewhere = data
                .groups
                .iter()
                .any(|group| !matches!(*group, Self::ALL | Self::UNGROUPED));
            if elsewhere {
                grouped.insert(host);
            } else {
                self.put_into(host, Self::UNGROUPED);
            }
        }
        if let Some(data) = self.group_mut(Self::UNGROUPED) {
            data.hosts.retain(|host| !grouped.contains(host));
        }
        for host in grouped {
            if let Some((_, data)) = self.hosts.get_index_mut(host.0) {
                data.groups.retain(|group| *group != Self::UNGROUPED);
            }
        }
        self.update_depths();
        let both: Vec<Arc<str>> = self
            .groups
            .keys()
            .filter(|name| self.hosts.contains_key(&***name))
            .cloned()
            .collect();
        for name in both {
            if self.said.insert(format!("both {name}")) {
                self.warn(Diagnostic::warning(
                    "inventory-name",
                    format!("`{name}` is the name of a group and of a host"),
                ));
            }
        }
    }
}

mod members;

#[cfg(test)]
mod tests;
