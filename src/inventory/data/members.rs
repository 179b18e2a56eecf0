//! Who belongs where: the groups of a host, the hosts of a group, in their orders.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use indexmap::IndexSet;

use super::{GroupId, HostId, Inventory, InventoryError};
use crate::pattern::Groups;
use crate::value::{Key, Value};

impl Inventory {
    /// Returns groups with everything above them.
    pub(super) fn ancestors(&self, groups: impl IntoIterator<Item = GroupId>) -> BTreeSet<GroupId> {
        let mut seen: BTreeSet<GroupId> = groups.into_iter().collect();
        let mut waiting: Vec<GroupId> = seen.iter().copied().collect();
        while let Some(group) = waiting.pop() {
            for parent in self
                .group_data(group)
                .map(|data| data.parents.as_slice())
                .unwrap_or_default()
            {
                if seen.insert(*parent) {
                    waiting.push(*parent);
                }
            }
        }
        seen
    }

    /// Returns all groups of a host except `all`, lowest precedence first: by depth, priority and name.
    pub fn groups_of(&self, host: HostId) -> Vec<GroupId> {
        let own = self
            .host_data(host)
            .map(|data| data.groups.clone())
            .unwrap_or_default();
        let mut groups: Vec<GroupId> = self
            .ancestors(own)
            .into_iter()
            .filter(|group| *group != Self::ALL)
            .collect();
        groups.sort_by_cached_key(|group| {
            let priority = self.group_data(*group).map_or(1, |data| data.priority);
            (
                self.depths.get(group.0).copied().unwrap_or(0),
                priority,
                self.group_name(*group),
            )
        });
        groups
    }

    /// Tells whether a host lies below `all` already, before everything is put there at the end.
    pub(in crate::inventory) fn is_below_all(&self, host: HostId) -> bool {
        let own = self.host_data(host).map(|data| data.groups.clone());
        self.ancestors(own.unwrap_or_default()).contains(&Self::ALL)
    }

    /// Returns the names of a host's groups, sorted, without `all`: the variable `group_names`.
    pub fn group_names(&self, host: HostId) -> Vec<Arc<str>> {
        let own = self
            .host_data(host)
            .map(|data| data.groups.clone())
            .unwrap_or_default();
        let mut names: Vec<Arc<str>> = self
            .ancestors(own)
            .into_iter()
            .filter(|group| *group != Self::ALL)
            .map(|group| self.group_name(group))
            .collect();
        names.sort();
        names
    }

    /// A group's depth is the length of the longest way from a group without parents.
    pub(in crate::inventory) fn update_depths(&mut self) {
        let mut depths = vec![0usize; self.groups.len()];
        // Parents before children: a group is ready when all its parents are done.
        let mut open: Vec<usize> = self
            .groups
            .values()
            .map(|group| group.parents.len())
            .collect();
        let mut ready: VecDeque<usize> = open
            .iter()
            .enumerate()
            .filter(|(_, count)| **count == 0)
            .map(|(index, _)| index)
            .collect();
        while let Some(index) = ready.pop_front() {
            let below = depths.get(index).map_or(0, |depth| depth + 1);
            for child in self
                .group_data(GroupId(index))
                .map(|data| data.children.as_slice())
                .unwrap_or_default()
            {
                if let Some(depth) = depths.get_mut(child.0) {
                    *depth = below.max(*depth);
                }
                if let Some(count) = open.get_mut(child.0) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        ready.push_back(child.0);
                    }
                }
            }
        }
        self.depths = depths;
    }

    /// Returns how many hosts were put into a group itself.
    pub fn size_of_group(&self, group: GroupId) -> usize {
        self.group_data(group).map_or(0, |data| data.hosts.len())
    }

    /// Puts a host into a group, behind the first `kept` of it, and among the others by `key`, in whose order they are.
    pub fn add_host_in_order<K: Ord>(
        &mut self,
        name: &str,
        group: GroupId,
        kept: usize,
        key: impl Fn(&str) -> K,
    ) -> Result<HostId, InventoryError> {
        let host = self.add_host(name, Some(group))?;
        let Some((_, data)) = self.groups.get_index_mut(group.0) else {
            return Ok(host);
        };
        let last = data.hosts.len().saturating_sub(1);
        if last >= kept && data.hosts.get_index_of(&host) == Some(last) {
            let known = &self.hosts;
            let key_of = |host: &HostId| known.get_index(host.0).map(|(name, _)| key(name));
            let late = data.hosts.as_slice().get_range(kept..last);
            let before = late.map_or(0, |late| {
                late.partition_point(|other| key_of(other) <= key_of(&host))
            });
            data.hosts.move_index(last, kept + before);
        }
        Ok(host)
    }

    /// Returns the hosts of a group and of all below it, each once, nearest groups first.
    pub fn hosts_of_group(&self, group: GroupId) -> Vec<HostId> {
        let mut hosts = IndexSet::new();
        let mut seen = HashSet::from([group]);
        let mut waiting = VecDeque::from([group]);
        while let Some(next) = waiting.pop_front() {
            let Some(data) = self.group_data(next) else {
                continue;
            };
            hosts.extend(data.hosts.iter().copied());
            waiting.extend(
                data.children
                    .iter()
                    .copied()
                    .filter(|child| seen.insert(*child)),
            );
        }
        hosts.into_iter().collect()
    }

    /// Returns the variable `groups`: each group's name with the names of its hosts.
    pub fn groups_value(&self) -> Value {
        let pairs = self.group_ids().map(|group| {
            let hosts = self
                .hosts_of_group(group)
                .into_iter()
                .map(|host| Value::from(self.host_name(host)));
            (Key::from(self.group_name(group)), Value::list(hosts))
        });
        Value::dict(pairs.collect())
    }
}

impl Groups for Inventory {
    fn groups(&self) -> Vec<Arc<str>> {
        self.groups.keys().cloned().collect()
    }

    fn hosts(&self) -> Vec<Arc<str>> {
        self.hosts.keys().cloned().collect()
    }

    fn hosts_of(&self, group: &str) -> Vec<Arc<str>> {
        let hosts = self
            .group(group)
            .map(|group| self.hosts_of_group(group))
            .unwrap_or_default();
        hosts.into_iter().map(|host| self.host_name(host)).collect()
    }

    fn has_host(&self, name: &str) -> bool {
        self.hosts.contains_key(name)
    }

    fn localhost(&self) -> Option<Arc<str>> {
        self.localhost.clone()
    }
}
