//! What a run has learned of its hosts: facts, `set_fact` and registers, `include_vars`.
//!
//! Each host's record is shared while a step runs and changed in between; the dispatcher alone writes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::value::Dict;
use crate::vars::Facts;

/// What is known of one host.
#[derive(Clone, Debug, Default)]
pub(super) struct HostRecord {
    /// What modules found on it.
    pub(super) facts: Facts,
    /// `set_fact` and registers.
    pub(super) set: Dict,
    /// `include_vars`.
    pub(super) included: Dict,
    /// `ansible_failed_task` and `ansible_failed_result` in a rescue section.
    pub(super) failure: Dict,
}

/// The records of all hosts.
#[derive(Debug, Default)]
pub(super) struct Records {
    hosts: RwLock<BTreeMap<Arc<str>, Arc<HostRecord>>>,
}

impl Records {
    /// Returns the record of a host as it is now.
    pub(super) fn get(&self, host: &str) -> Arc<HostRecord> {
        self.hosts
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(host)
            .cloned()
            .unwrap_or_default()
    }

    /// Changes the record of a host.
    pub(super) fn change(&self, host: &Arc<str>, change: impl FnOnce(&mut HostRecord)) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(hosts.entry(host.clone()).or_default()));
    }
}
