//! What a host tells of steps before their turn.
//!
//! A step that shows must not begin before the steps that it waits for have ended on the other hosts: what they change it might notice.
//! Where none of them changes anything, as in a run that changes nothing, it may as well have looked before. So it goes along in a batch,
//! on hold like a host step that is ahead of its turn, and those behind it. What the host tells from there on is put off until the
//! step's turn has come. If no other host may have changed anything of an earlier task since the batch left, it counts as if it were
//! told then; else nothing of it counts, and the host does these steps again when it may. Nothing is lost by that: on hold nothing is
//! changed, and what the steps set is known to nobody.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::course::Leg;
use super::dispatcher::Dispatcher;
use super::perform::Notice;
use super::slots::SlotId;
use super::start::{Lowest, Turn};
use crate::playbook::Task;

/// A flight with steps that are ahead of their turn.
struct Vision {
    /// Those of its steps.
    foreseen: BTreeSet<SlotId>,
    /// How many changes were known when it left.
    since: usize,
    /// What it told from the first of them on whose turn has not come.
    told: VecDeque<Notice>,
    /// What it tells does not count any more.
    void: bool,
}

/// All that is put off.
#[derive(Default)]
pub(super) struct Foresight {
    visions: HashMap<Arc<str>, Vision>,
    /// Which host may have changed something, at which task, as long as there are visions.
    changes: Vec<(Arc<str>, SlotId)>,
}

impl Foresight {
    /// A host takes off.
    pub(super) fn look_ahead(&mut self, host: &Arc<str>, legs: &[Leg]) {
        let foreseen = legs.iter().filter(|leg| leg.foreseen);
        let foreseen: BTreeSet<SlotId> = foreseen.map(|leg| leg.slot).collect();
        if foreseen.is_empty() {
            return;
        }
        let vision = Vision {
            foreseen,
            since: self.changes.len(),
            told: VecDeque::new(),
            void: false,
        };
        self.visions.insert(host.clone(), vision);
    }

    /// A host may have changed something.
    pub(super) fn note_change(&mut self, host: &Arc<str>, id: SlotId) {
        if !self.visions.is_empty() {
            self.changes.push((host.clone(), id));
        }
    }

    /// Keeps back what is told ahead of its turn, and forgets what does not count any more.
    pub(super) fn put_off(&mut self, notice: Notice) -> Option<Notice> {
        let Some(vision) = notice.host().and_then(|host| self.visions.get_mut(host)) else {
            return Some(notice);
        };
        let landed = matches!(notice, Notice::Landed(_));
        let ahead = matches!(&notice, Notice::Begun(id, _) if vision.foreseen.contains(id));
        if !vision.told.is_empty() || ahead && !vision.void {
            vision.told.push_back(notice);
            return None;
        }
        if vision.void && !landed {
            return None;
        }
        if landed && let Some(host) = notice.host() {
            self.end(host);
        }
        Some(notice)
    }

    /// The host's flight has ended, and so has what it saw.
    fn end(&mut self, host: &Arc<str>) {
        self.visions.remove(host);
        if self.visions.is_empty() {
            self.changes.clear();
        }
    }

    /// Returns what a host told next, if it was put off.
    fn next(&self, host: &Arc<str>) -> Option<&Notice> {
        self.visions.get(host)?.told.front()
    }

    /// Tells whether a step of the host's flight is ahead of its turn.
    fn foresees(&self, host: &Arc<str>, id: SlotId) -> bool {
        let vision = self.visions.get(host);
        vision.is_some_and(|vision| vision.foreseen.contains(&id))
    }

    /// Returns the changes of other hosts since the host's flight left, by task.
    fn changes_of_others(&self, host: &Arc<str>) -> impl Iterator<Item = SlotId> {
        let since = self.visions.get(host).map_or(0, |vision| vision.since);
        let later = self.changes.get(since..).unwrap_or_default();
        later
            .iter()
            .filter(move |(who, _)| who != host)
            .map(|(_, id)| *id)
    }

    /// Takes what a host told next; with the end of its flight the vision ends.
    fn take_next(&mut self, host: &Arc<str>) -> Option<Notice> {
        let notice = self.visions.get_mut(host)?.told.pop_front();
        if matches!(notice, Some(Notice::Landed(_))) {
            self.end(host);
        }
        notice
    }

    /// Forgets all that the host tells ahead of its turn; only the end of its flight is left.
    fn forget(&mut self, host: &Arc<str>) {
        if let Some(vision) = self.visions.get_mut(host) {
            vision.void = true;
            vision
                .told
                .retain(|notice| matches!(notice, Notice::Landed(_)));
        }
    }
}

impl Notice {
    /// The host that tells it.
    fn host(&self) -> Option<&Arc<str>> {
        match self {
            Self::Begun(_, host)
            | Self::Item(_, host, _)
            | Self::Retry(_, host, ..)
            | Self::Job(_, host, _)
            | Self::Done(_, host, _)
            | Self::Held(_, host)
            | Self::Landed(host) => Some(host),
            Self::Message(..) => None,
        }
    }
}

impl Dispatcher<'_> {
    /// Takes what was put off and whose turn has come. Says whether there was something.
    pub(super) fn settle_foresight(&mut self) -> bool {
        if self.foresight.visions.is_empty() {
            return false;
        }
        let mut settled = false;
        let lowest = self.lowest_places();
        let mut hosts: Vec<Arc<str>> = self.foresight.visions.keys().cloned().collect();
        // In the hosts' order, as with anything that depends on who comes first.
        hosts.sort_by_key(|host| self.hosts.get_index_of(host));
        for host in hosts {
            while let Some(next) = self.foresight.next(&host) {
                if let Notice::Begun(id, _) = *next
                    && self.foresight.foresees(&host, id)
                {
                    if !self.is_due(&host, id, lowest) {
                        break;
                    }
                    if self.is_overtaken(&host, id) {
                        self.foresight.forget(&host);
                        settled = true;
                        continue;
                    }
                }
                let Some(notice) = self.foresight.take_next(&host) else {
                    break;
                };
                self.accept(notice);
                settled = true;
            }
        }
        settled
    }

    /// Tells whether the turn of a step has come that a host has told of.
    fn is_due(&self, host: &Arc<str>, id: SlotId, lowest: Lowest) -> bool {
        let place = self.program.place(id);
        let index = self.hosts.get_index_of(host);
        index.is_none_or(|index| {
            !matches!(self.turn(index, place, lowest), Turn::Wait | Turn::Foresee)
        })
    }

    /// Tells whether another host may have changed something of an earlier task since the host's flight left.
    fn is_overtaken(&self, host: &Arc<str>, id: SlotId) -> bool {
        let place = self.program.place(id);
        let mut changes = self.foresight.changes_of_others(host);
        changes.any(|changed| self.program.place(changed) < place)
    }
}

/// Tells whether a step may look before its turn: it looks once. One that tries until something is so waits for others, as a rule.
pub(super) fn foretells(task: &Task) -> bool {
    task.until.is_empty() && task.retries.is_none()
}
