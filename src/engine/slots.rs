//! A play as a list of slots in linear order: its tasks, and marks where blocks begin, change section and end.
//!
//! Hosts go through the list each at its own pace; dynamic includes insert slots behind their own. A slot's number never changes,
//! its place in the list may.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::playbook::{Block, Entry, Role, Task};

/// A slot's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SlotId(pub(super) u64);

/// What is to be done at a slot.
#[derive(Clone, Debug)]
pub(super) enum SlotKind {
    /// A task.
    Task(Arc<Task>),
    /// A handler: only for hosts that were notified.
    Handler(Arc<Task>),
    /// A block begins; whether it has a rescue.
    BlockStart { rescue: bool },
    /// Its rescue section begins.
    RescueStart,
    /// Its always section begins.
    AlwaysStart,
    /// The block is through.
    BlockEnd,
    /// A role is through: a host that ran one of its tasks has completed it.
    RoleEnd(Arc<Role>),
    /// Notified handlers run here.
    Flush,
}

/// A place in a play.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) id: SlotId,
    pub(super) kind: SlotKind,
    /// The hosts that this is for; nothing means all.
    pub(super) hosts: Option<Arc<BTreeSet<Arc<str>>>>,
    /// A handler included it: it runs as that does, for whoever included it.
    pub(super) in_handler: bool,
}

impl Slot {
    /// Tells whether the host has to do with this slot.
    pub(super) fn is_for(&self, host: &str) -> bool {
        self.hosts.as_ref().is_none_or(|hosts| hosts.contains(host))
    }

    /// Tells whether it is a handler or part of one.
    pub(super) fn is_handling(&self) -> bool {
        self.in_handler || matches!(self.kind, SlotKind::Handler(_))
    }

    /// Returns the task, if it holds one.
    pub(super) fn task(&self) -> Option<&Arc<Task>> {
        match &self.kind {
            SlotKind::Task(task) | SlotKind::Handler(task) => Some(task),
            _ => None,
        }
    }
}

/// The slots of a play in linear order.
#[derive(Debug, Default)]
pub(super) struct Program {
    slots: Vec<Slot>,
    places: BTreeMap<SlotId, usize>,
    next: u64,
}

impl Program {
    /// Adds entries at the end.
    pub(super) fn extend(&mut self, entries: &[Entry]) {
        let mut added = Vec::new();
        self.flatten(entries, None, &mut added);
        self.insert(self.slots.len(), added);
    }

    /// Adds one slot for all hosts at the end.
    pub(super) fn push(&mut self, kind: SlotKind) {
        let slot = self.slot(kind, None);
        self.insert(self.slots.len(), vec![slot]);
    }

    /// Inserts entries for some hosts behind the slot at `place`; returns how many slots came in.
    pub(super) fn include(
        &mut self,
        place: usize,
        entries: &[Entry],
        hosts: &Arc<BTreeSet<Arc<str>>>,
    ) -> usize {
        let mut added = Vec::new();
        self.flatten(entries, Some(hosts), &mut added);
        if self.at(place).is_some_and(Slot::is_handling) {
            for slot in &mut added {
                slot.in_handler = true;
            }
        }
        let count = added.len();
        self.insert(place + 1, added);
        count
    }

    /// Inserts handlers behind the slot at `place` for those hosts; returns how many.
    pub(super) fn insert_handlers(
        &mut self,
        place: usize,
        handlers: &[Arc<Task>],
        hosts: Option<&Arc<BTreeSet<Arc<str>>>>,
    ) -> usize {
        let added: Vec<Slot> = handlers
            .iter()
            .map(|handler| self.slot(SlotKind::Handler(handler.clone()), hosts))
            .collect();
        let count = added.len();
        self.insert(place + 1, added);
        count
    }

    /// Inserts a place where this host's handlers run behind the slot at `place`, or lets it into the one that is there for others;
    /// returns how many slots came in.
    pub(super) fn insert_flush(&mut self, place: usize, host: &Arc<str>) -> usize {
        if let Some(Slot {
            kind: SlotKind::Flush,
            hosts: Some(hosts),
            ..
        }) = self.slots.get_mut(place + 1)
        {
            Arc::make_mut(hosts).insert(host.clone());
            return 0;
        }
        let hosts = Arc::new(BTreeSet::from([host.clone()]));
        let slot = self.slot(SlotKind::Flush, Some(&hosts));
        self.insert(place + 1, vec![slot]);
        1
    }

    fn slot(&mut self, kind: SlotKind, hosts: Option<&Arc<BTreeSet<Arc<str>>>>) -> Slot {
        self.next += 1;
        Slot {
            id: SlotId(self.next),
            kind,
            hosts: hosts.cloned(),
            in_handler: false,
        }
    }

    fn insert(&mut self, place: usize, added: Vec<Slot>) {
        let tail = self.slots.split_off(place.min(self.slots.len()));
        self.slots.extend(added);
        self.slots.extend(tail);
        for (at, slot) in self.slots.iter().enumerate().skip(place) {
            self.places.insert(slot.id, at);
        }
    }

    fn flatten(
        &mut self,
        entries: &[Entry],
        hosts: Option<&Arc<BTreeSet<Arc<str>>>>,
        into: &mut Vec<Slot>,
    ) {
        for entry in entries {
            match entry {
                Entry::Task(task) => into.push(self.slot(SlotKind::Task(task.clone()), hosts)),
                Entry::RoleEnd(role) => {
                    into.push(self.slot(SlotKind::RoleEnd(role.clone()), hosts));
                }
                Entry::Block(block) => self.flatten_block(block, hosts, into),
            }
        }
    }

    fn flatten_block(
        &mut self,
        block: &Block,
        hosts: Option<&Arc<BTreeSet<Arc<str>>>>,
        into: &mut Vec<Slot>,
    ) {
        let rescue = !block.rescue.is_empty();
        into.push(self.slot(SlotKind::BlockStart { rescue }, hosts));
        self.flatten(&block.block, hosts, into);
        into.push(self.slot(SlotKind::RescueStart, hosts));
        self.flatten(&block.rescue, hosts, into);
        into.push(self.slot(SlotKind::AlwaysStart, hosts));
        self.flatten(&block.always, hosts, into);
        into.push(self.slot(SlotKind::BlockEnd, hosts));
    }

    /// Returns all slots in order.
    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Returns the slot at that place.
    pub(super) fn at(&self, place: usize) -> Option<&Slot> {
        self.slots.get(place)
    }

    /// Returns where the slot of that number is now.
    pub(super) fn place(&self, id: SlotId) -> usize {
        self.places.get(&id).copied().unwrap_or(usize::MAX)
    }

    /// Returns the place of the next mark of the block that surrounds `from` (blocks in between are passed over), of the kinds
    /// that `wanted` takes.
    pub(super) fn next_mark(
        &self,
        from: usize,
        wanted: impl Fn(&SlotKind) -> bool,
    ) -> Option<usize> {
        let mut depth = 0_usize;
        for (place, slot) in self.slots.iter().enumerate().skip(from) {
            match &slot.kind {
                SlotKind::BlockStart { .. } => depth += 1,
                kind if depth == 0 && wanted(kind) => return Some(place),
                SlotKind::BlockEnd if depth == 0 => return None,
                SlotKind::BlockEnd => depth -= 1,
                _ => {}
            }
        }
        None
    }
}
