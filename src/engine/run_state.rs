//! What holds for a whole run, and for one play of it: shared by all steps, changed by the dispatcher alone.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, PoisonError, RwLock};

use super::contents::ContentStore;
use super::facts::Demand;
use super::hosts::Records;
use super::order::Order;
use super::site_inventory::SiteInventory;
use super::traffic::Traffic;
use crate::config::{Settings, Shown, Typed};
use crate::diag::SourceMap;
use crate::playbook::{Play, Role};
use crate::secrets::VaultSecrets;
use crate::template::Templar;
use crate::value::{Dict, Value};

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Plan only.
    pub check: bool,
    /// Show differences.
    pub diff: bool,
    /// How often `-v` was given.
    pub verbosity: u8,
    /// Results are shown whole without `-v` too: all of a run's output is one module's.
    pub shows_results: bool,
    /// How many hosts work at once.
    pub forks: usize,
    /// `--limit`, as given.
    pub limit: Option<String>,
    /// `--tags`; empty means all.
    pub tags: Vec<String>,
    /// `--skip-tags`.
    pub skip_tags: Vec<String>,
    /// `--start-at-task`.
    pub start_at_task: Option<String>,
    /// `--step`.
    pub step: bool,
    /// `--force-handlers`.
    pub force_handlers: bool,
    /// `-u`.
    pub remote_user: Option<String>,
    /// `-c`.
    pub connection: Option<String>,
    /// `--private-key`.
    pub private_key: Option<PathBuf>,
    /// `-k`: the answer.
    pub connection_password: Option<Value>,
    /// `-b`.
    pub r#become: bool,
    /// `--become-user`.
    pub become_user: Option<String>,
    /// `--become-method`.
    pub become_method: Option<String>,
    /// `-K`: the answer.
    pub become_password: Option<Value>,
    /// `--ssh-common-args`, `--ssh-extra-args`.
    pub ssh_common_args: String,
    /// See [`Options::ssh_common_args`].
    pub ssh_extra_args: String,
    /// `-T`, in seconds.
    pub timeout: Option<u64>,
    /// `-e`.
    pub extra_vars: Dict,
    /// `-i`, as given.
    pub inventory_sources: Vec<String>,
    /// How far the run may depart from strict order.
    pub order: Order,
}

/// What holds for a run.
pub(super) struct RunState {
    pub(super) options: Options,
    pub(super) config: Arc<Settings>,
    /// The configuration file, if there is one.
    pub(super) config_file: Option<PathBuf>,
    pub(super) shown: Vec<Shown>,
    pub(super) sources: SourceMap,
    pub(super) vault: Arc<VaultSecrets>,
    pub(super) templar: Templar,
    pub(super) inventory: RwLock<Arc<SiteInventory>>,
    pub(super) records: Records,
    /// Numbers for what events name.
    pub(super) numbers: AtomicU64,
    /// `--start-at-task` has been found, or was not given.
    pub(super) started: AtomicBool,
    /// `--step` was given, and nobody has said to continue without questions.
    pub(super) stepping: AtomicBool,
    pub(super) contents: ContentStore,
    pub(super) traffic: Traffic,
    /// Which facts the playbooks can name.
    pub(super) demand: Demand,
    pub(super) working_directory: PathBuf,
}

impl RunState {
    /// Tells whether somebody sees return values that no task registers.
    pub(super) fn shows_results(&self) -> bool {
        self.options.shows_results
            || self.options.verbosity > 0
            || self.config.stdout_callback != "default"
    }

    /// Returns the inventory as it is now.
    pub(super) fn inventory(&self) -> Arc<SiteInventory> {
        self.inventory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Returns a setting by Ansible's name (`DEFAULT_FORKS`).
    pub(super) fn setting(&self, name: &str) -> Option<Value> {
        self.shown
            .iter()
            .find(|shown| shown.name == name)
            .map(|shown| match &shown.typed {
                Typed::Nothing => Value::NULL,
                Typed::Boolean(truth) => Value::from(*truth),
                Typed::Integer(number) => Value::from(*number),
                Typed::Text(text) => Value::text(text.as_str()),
                Typed::List(items) => items.iter().map(Value::from).collect(),
            })
    }

    /// Changes the inventory (`add_host`).
    pub(super) fn change_inventory(&self, change: impl FnOnce(&mut SiteInventory)) {
        let mut inventory = self
            .inventory
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let site = Arc::make_mut(&mut inventory);
        change(site);
        site.forget();
    }
}

/// Returns the time of day here as `YYYY-MM-DD HH:MM:SS.ffffff`.
pub(super) fn clock() -> String {
    let now = jiff::Zoned::now();
    format!("{} {}", now.date(), now.strftime("%H:%M:%S%.6f"))
}

/// What holds for a play while one batch of its hosts runs.
pub(super) struct PlayState {
    pub(super) play: Arc<Play>,
    /// Its name as shown.
    pub(super) name: String,
    /// `vars_files` and answers to `vars_prompt`, lowest first.
    pub(super) files: Dict,
    pub(super) prompts: Dict,
    /// All hosts that the play names.
    pub(super) all_hosts: Vec<Arc<str>>,
    /// The hosts of this batch.
    pub(super) batch: Vec<Arc<str>>,
    /// Those that failed or were lost so far, in this batch and those before.
    pub(super) lost: RwLock<BTreeSet<Arc<str>>>,
    /// Roles whose defaults and vars the whole play sees, as they come in.
    pub(super) public_roles: RwLock<Arc<Vec<Arc<Role>>>>,
}

impl PlayState {
    /// Returns the hosts of the play that are still in it.
    pub(super) fn active_hosts(&self) -> Vec<Arc<str>> {
        let lost = self.lost.read().unwrap_or_else(PoisonError::into_inner);
        self.all_hosts
            .iter()
            .filter(|host| !lost.contains(*host))
            .cloned()
            .collect()
    }

    /// Returns the roles that the whole play sees.
    pub(super) fn roles(&self) -> Arc<Vec<Arc<Role>>> {
        self.public_roles
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
