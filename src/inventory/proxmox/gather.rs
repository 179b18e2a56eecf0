//! The facts of many guests: every node has its own few askers, so that a slow node delays nobody but itself.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value as Json;

use super::api::{Api, ApiError};
use super::facts::{Facts, has_agent};
use super::listing::{Guest, Object, Sort};
use crate::value::Dict;

/// How many guests of a node may fail one after the other because the node does not answer, before it is left alone.
const PATIENCE: usize = 3;

/// What became of one guest.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) facts: Dict,
    /// Why there are not all facts.
    pub(super) failure: Option<String>,
    /// Why there are no addresses from the agent.
    pub(super) silent_agent: Option<String>,
}

/// How guests are asked.
pub(super) struct Gatherer<'a> {
    pub(super) api: &'a Api,
    pub(super) facts: Facts<'a>,
    pub(super) per_node: usize,
}

/// The guests of one node, and how far they are.
struct Queue<'a> {
    guests: Vec<(usize, &'a Guest)>,
    next: AtomicUsize,
    /// Failures in a row that are the node's.
    failures: AtomicUsize,
}

impl Gatherer<'_> {
    /// Asks for all of them. A refusal of the credentials ends it.
    pub(super) fn all(&self, guests: &[&Guest]) -> Result<Vec<Gathered>, ApiError> {
        let mut queues: BTreeMap<&str, Queue<'_>> = BTreeMap::new();
        for (index, guest) in guests.iter().enumerate() {
            let queue = queues.entry(&guest.node).or_insert_with(|| Queue {
                guests: Vec::new(),
                next: AtomicUsize::new(0),
                failures: AtomicUsize::new(0),
            });
            queue.guests.push((index, guest));
        }
        let done: Mutex<BTreeMap<usize, Gathered>> = Mutex::default();
        let refused: Mutex<Option<ApiError>> = Mutex::default();
        std::thread::scope(|scope| {
            for queue in queues.values() {
                for _ in 0..self.per_node.min(queue.guests.len()) {
                    scope.spawn(|| self.work(queue, &done, &refused));
                }
            }
        });
        if let Some(error) = refused.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((0..guests.len())
            .map(|index| done.remove(&index).unwrap_or_default())
            .collect())
    }

    fn work(
        &self,
        queue: &Queue<'_>,
        done: &Mutex<BTreeMap<usize, Gathered>>,
        refused: &Mutex<Option<ApiError>>,
    ) {
        loop {
            let next = queue.next.fetch_add(1, Ordering::Relaxed);
            let Some((index, guest)) = queue.guests.get(next) else {
                return;
            };
            let mut gathered = Gathered::default();
            if queue.failures.load(Ordering::Relaxed) >= PATIENCE {
                gathered.failure = Some(format!("node `{}` does not answer", guest.node));
            } else {
                match self.guest(guest, &mut gathered) {
                    Ok(()) => queue.failures.store(0, Ordering::Relaxed),
                    Err((_, error @ ApiError::Refused(_))) => {
                        refused
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .get_or_insert(error);
                        return;
                    }
                    Err((_, ApiError::Stopped)) => return,
                    Err((what, error)) => {
                        if error.is_of_node() {
                            queue.failures.fetch_add(1, Ordering::Relaxed);
                        }
                        gathered.failure = Some(format!("{what}: {error}"));
                    }
                }
            }
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(*index, gathered);
        }
    }

    /// Asks for one guest, in the plugin's order: what is known when something fails stays.
    fn guest(&self, guest: &Guest, into: &mut Gathered) -> Result<(), (&'static str, ApiError)> {
        let base = guest.path();
        let ask = |what: &'static str| {
            self.api
                .get(&format!("{base}/{what}"))
                .map_err(|error| (what, error))
        };
        let qemu = guest.sort == Sort::Qemu;
        let what = "status/current";
        let runs = self
            .facts
            .state(&ask(what)?, qemu, &mut into.facts)
            .map_err(|why| (what, ApiError::Odd(why)))?;
        let what = "config";
        let Json::Object(config) = ask(what)? else {
            return Err((what, ApiError::Odd("the answer is no mapping".to_owned())));
        };
        self.configuration(&base, config, runs, into)?;
        self.facts.snapshots(&ask("snapshot")?, &mut into.facts);
        if !qemu && runs {
            match ask("interfaces") {
                Ok(answer) => self.facts.container_interfaces(&answer, &mut into.facts),
                // Old versions do not have it.
                Err((_, ApiError::Status { status: 501, .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes the configuration, and where it names an agent that can answer, what that tells.
    fn configuration(
        &self,
        base: &str,
        config: Object,
        runs: bool,
        into: &mut Gathered,
    ) -> Result<(), (&'static str, ApiError)> {
        let agent = has_agent(&config) && runs;
        self.facts.configuration(config, &mut into.facts);
        if !agent {
            return Ok(());
        }
        let what = "agent/network-get-interfaces";
        into.silent_agent = match self.api.ask_agent(&format!("{base}/{what}")) {
            Ok(answer) => self.facts.agent_interfaces(&answer, &mut into.facts).err(),
            Err(error @ (ApiError::Refused(_) | ApiError::Stopped)) => return Err((what, error)),
            Err(error) => Some(match error {
                ApiError::Status { text, .. } => text,
                other => other.to_string(),
            }),
        };
        Ok(())
    }
}
