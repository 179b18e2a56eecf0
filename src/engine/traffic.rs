//! What went over the wire in a run, host by host: round trips, frames and bytes.
//!
//! Links count, `site` tells of it at the end. A round trip begins with each thing that the controller sends after it heard
//! something: an order, or the answer to a question. The command that starts a worker is the first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::events::HostTraffic;

/// The counters of all hosts.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    hosts: Mutex<BTreeMap<Arc<str>, Arc<Counter>>>,
}

impl Traffic {
    /// Returns the counter of a host.
    pub(super) fn of(&self, host: &str) -> Arc<Counter> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.entry(host.into()).or_default().clone()
    }

    /// Returns what was counted so far.
    pub(super) fn totals(&self) -> BTreeMap<Arc<str>, HostTraffic> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts
            .iter()
            .map(|(host, counter)| (host.clone(), counter.count(|state| state.traffic)))
            .collect()
    }
}

/// Counts for one host.
#[derive(Debug, Default)]
pub(super) struct Counter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    traffic: HostTraffic,
    /// Something came in since the last round trip began.
    heard: bool,
}

impl Counter {
    fn count<T>(&self, count: impl FnOnce(&mut State) -> T) -> T {
        count(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The worker is started: a round trip, and another one where it had to be sent first.
    pub(super) fn started(&self, had_to_be_sent: bool) {
        self.count(|state| {
            state.traffic.round_trips += 1 + u64::from(had_to_be_sent);
            state.heard = false;
        });
    }

    /// An order goes out, or an answer.
    pub(super) fn asked(&self) {
        self.count(|state| {
            state.traffic.round_trips += u64::from(std::mem::take(&mut state.heard));
        });
    }

    /// Frames have been written.
    pub(super) fn sent(&self, frames: u64, bytes: usize) {
        self.count(|state| {
            state.traffic.frames_out += frames;
            state.traffic.bytes_out += u64::try_from(bytes).unwrap_or(u64::MAX);
        });
    }

    /// A frame has been read.
    pub(super) fn received(&self, bytes: usize) {
        self.count(|state| {
            state.traffic.frames_in += 1;
            state.traffic.bytes_in += u64::try_from(bytes).unwrap_or(u64::MAX);
            state.heard = true;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_out_unheard_costs_no_further_round_trip() {
        let traffic = Traffic::default();
        let counter = traffic.of("h1");
        let trips = || traffic.totals()["h1"].round_trips;
        counter.started(false);
        counter.asked();
        assert_eq!(trips(), 1);
        counter.received(10);
        counter.received(10);
        counter.asked();
        counter.asked();
        assert_eq!(trips(), 2);
        counter.sent(2, 20);
        let expected = HostTraffic {
            round_trips: 2,
            frames_out: 2,
            bytes_out: 20,
            frames_in: 2,
            bytes_in: 20,
        };
        assert_eq!(traffic.totals()["h1"], expected);
    }
}
