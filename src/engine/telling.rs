//! The part of the dispatcher that tells what happens: events wait until their step's turn in linear order has come.

use std::sync::Arc;

use super::dispatcher::Dispatcher;
use super::events::Event;
use super::scope::HostScope;
use super::slots::SlotId;
use crate::playbook::Task;

impl Dispatcher<'_> {
    pub(super) fn queue(&mut self, slot: SlotId, event: Event) {
        self.queued.entry(slot).or_default().push(event);
    }

    /// Tells what may be told: everything up to the lowest place that a host is still at.
    pub(super) fn flush(&mut self) {
        let low = match self.lowest() {
            _ if self.setup.free => self.program.slots().len(),
            Some(place) => place + 1,
            None => self.program.slots().len(),
        };
        // What an include that is not expanded yet will tell belongs to its own place.
        let low = self
            .includes
            .keys()
            .map(|id| self.program.place(*id).saturating_add(1))
            .fold(low, usize::min);
        if self.setup.free {
            self.shown = 0;
        }
        // The slot that hosts are at is told of as they come, and stays open.
        for place in self.shown..low.min(self.program.slots().len()) {
            let Some(id) = self.program.at(place).map(|slot| slot.id) else {
                break;
            };
            self.show(id);
        }
        self.shown = low.saturating_sub(1);
    }

    pub(super) fn shown_to_end(&mut self) {
        let slots: Vec<SlotId> = self.program.slots().iter().map(|slot| slot.id).collect();
        for id in slots {
            self.show(id);
        }
    }

    /// Tells what is known of a slot, under the name that its task has got in the end.
    pub(super) fn show(&mut self, id: SlotId) {
        if self.queued.get(&id).is_none_or(Vec::is_empty) {
            return;
        }
        self.settle_name(id);
        let events = self.queued.get_mut(&id).map(std::mem::take);
        let header = self.headers.get(&id);
        for mut event in events.unwrap_or_default() {
            if let (Some(named), Some(header)) = (event.task_mut(), header)
                && named.number == header.number
            {
                named.clone_from(header);
            }
            let _ = self.setup.events.send(event);
        }
    }

    /// Returns how the screen names the host that a task was delegated to.
    pub(super) fn delegate_label(
        &self,
        task: &Arc<Task>,
        host: &Arc<str>,
        delegate: Option<&str>,
    ) -> Option<String> {
        let name = delegate.filter(|name| *name != &**host)?;
        let host: Arc<str> = name.into();
        let scope = HostScope::new(
            &self.setup.run,
            Some(&self.setup.play),
            Some(&task.scope),
            &host,
        );
        let address = scope
            .find_with_level("ansible_host")
            .map(|(_, value)| scope.render_or_fault(&value).to_text());
        Some(match address {
            Some(address) if address != name && !address.is_empty() => format!("{name}({address})"),
            _ => name.to_owned(),
        })
    }
}
