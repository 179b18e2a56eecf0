//! What a run has learned of its hosts: facts, `set_fact` and registers, `include_vars`.
//!
//! Each host's record is shared while a step runs and changed in between; the dispatcher alone writes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::fact_cache::FactCache;
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
    cache: Option<FactCache>,
}

impl Records {
    /// Returns records that know the facts of earlier runs, if there is a cache.
    pub(super) fn new(cache: Option<FactCache>) -> Self {
        Self {
            cache,
            ..Self::default()
        }
    }

    /// Returns the record of a host as it is now.
    pub(super) fn get(&self, host: &str) -> Arc<HostRecord> {
        let known = self
            .hosts
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(host)
            .cloned();
        match (known, &self.cache) {
            (Some(known), _) => known,
            (None, None) => Arc::default(),
            (None, Some(_)) => {
                let host: Arc<str> = host.into();
                self.change(&host, |_| {});
                self.hosts
                    .read()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get(&host)
                    .cloned()
                    .unwrap_or_default()
            }
        }
    }

    /// Changes the record of a host.
    pub(super) fn change(&self, host: &Arc<str>, change: impl FnOnce(&mut HostRecord)) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        let record = hosts.entry(host.clone()).or_insert_with(|| {
            let mut record = HostRecord::default();
            if let Some(facts) = self.cache.as_ref().and_then(|cache| cache.load(host)) {
                // What a file says is believed as little as what the host said.
                record.facts.learn(&facts);
            }
            Arc::new(record)
        });
        change(Arc::make_mut(record));
    }

    /// Keeps the facts of a host for later runs.
    pub(super) fn keep_facts(&self, host: &str) -> std::io::Result<()> {
        match &self.cache {
            Some(cache) => cache.store(host, &self.get(host).facts.under_given_names()),
            None => Ok(()),
        }
    }

    /// Forgets the facts of a host, those of earlier runs too.
    pub(super) fn forget_facts(&self, host: &Arc<str>) {
        self.change(host, |record| record.facts = Facts::default());
        if let Some(cache) = &self.cache {
            cache.forget(host);
        }
    }
}

impl HostRecord {
    /// Tells whether facts were gathered, in this run or an earlier one.
    pub(super) fn has_gathered(&self) -> bool {
        self.facts.contains("module_setup") || self.facts.contains("gather_subset")
    }
}
