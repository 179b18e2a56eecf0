//! What the hosts see of each other while they do one task: how all was when the first of them began it.
//!
//! The hosts' steps of one task have no order among themselves. Where one of them fails, or sets a variable, before another one has
//! looked at `ansible_play_hosts` or `hostvars`, that one must not see it: what it sees would be a matter of luck. The dispatcher
//! takes a moment for each task that reaches beyond its host; jobs hand it to their scopes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::dispatcher::Dispatcher;
use super::effects;
use super::hosts::HostRecord;
use super::run_state::{PlayState, RunState};
use super::scope::HostScope;
use super::slots::SlotId;
use crate::kit::Effect;
use crate::playbook::Task;

/// The hosts of a batch at one time.
#[derive(Debug)]
pub(super) struct Moment {
    /// The play's hosts that are still in it.
    members: Vec<Arc<str>>,
    /// What was known of the batch's hosts.
    records: BTreeMap<Arc<str>, Arc<HostRecord>>,
}

impl Moment {
    fn now(run: &RunState, play: &PlayState) -> Self {
        let record = |host: &Arc<str>| (host.clone(), run.records.get(host));
        Self {
            members: play.active_hosts(),
            records: play.batch.iter().map(record).collect(),
        }
    }

    /// Returns the play's hosts that were in it.
    pub(super) fn members(&self) -> &[Arc<str>] {
        &self.members
    }

    /// Returns what was known of a host; nothing for one that is not of the batch, whose record nobody changes meanwhile.
    pub(super) fn record(&self, host: &str) -> Option<Arc<HostRecord>> {
        self.records.get(host).cloned()
    }
}

impl Dispatcher<'_> {
    /// Takes the moment of a task that a host begins, if it reaches beyond its host and none of them has begun it before. Where
    /// hosts are to do it one after the other, each may see what those before it have done.
    pub(super) fn take_moment(&mut self, id: SlotId, task: &Arc<Task>) {
        let setup = self.setup;
        let reach = self.reaches.get(&id);
        let is_world = reach.is_some_and(|reach| reach.effect == Effect::World);
        let is_known = self.moment.as_ref().is_some_and(|(known, _)| *known == id);
        if !is_world || is_known || setup.free || setup.play.batch.len() == 1 {
            return;
        }
        let one_by_one = effects::goes_in_order(task)
            || task
                .scope
                .effective(|keywords| &keywords.throttle)
                .is_some();
        let reaches = !one_by_one && self.outward.reaches(task, setup);
        let moment = reaches.then(|| Arc::new(Moment::now(&setup.run, &setup.play)));
        self.moment = Some((id, moment));
    }

    /// Returns the moment at which the hosts began a task. Tasks that have one are done one after the other.
    pub(super) fn moment_of(&self, id: SlotId) -> Option<&Arc<Moment>> {
        let known = self.moment.as_ref().filter(|(known, _)| *known == id);
        known.and_then(|(_, moment)| moment.as_ref())
    }

    /// Returns a host's variables as the task at a slot sees them.
    pub(super) fn scope_at<'s>(
        &'s self,
        id: SlotId,
        task: &'s Task,
        host: &Arc<str>,
    ) -> HostScope<'s> {
        let setup = self.setup;
        HostScope {
            moment: self.moment_of(id).cloned(),
            ..HostScope::new(&setup.run, Some(&setup.play), Some(&task.scope), host)
        }
    }
}
