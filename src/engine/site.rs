//! A whole run: its plays one after the other, on the hosts that are left.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

use super::contents::ContentStore;
use super::events::{Event, Recap};
use super::fact_cache::FactCache;
use super::facts::Demand;
use super::hosts::Records;
use super::links::Links;
use super::play::{self, PlayEnd};
use super::play_context::Context;
use super::run_state::{Options, RunState};
use super::site_inventory::SiteInventory;
use super::traffic::Traffic;
use crate::config::{Settings, Shown};
use crate::diag::{Diagnostic, SourceMap};
use crate::inventory::{Inventory, VarsDirectories};
use crate::playbook::{Loader, Playbook};
use crate::remote::local_user::LocalUser;
use crate::remote::ssh_config::SourceFiles;
use crate::remote::{Connector, PassphraseRequest, Password, WorkerBinaries};
use crate::secrets::VaultSecrets;
use crate::template::Templar;
use crate::yaml::DuplicateKeys;

/// Everything that was loaded before the first connection.
pub struct Site {
    /// What the user asked for.
    pub options: Options,
    /// The configuration.
    pub settings: Arc<Settings>,
    /// Its file.
    pub config_file: Option<PathBuf>,
    /// The settings that lookups may ask for, by Ansible's names.
    pub shown: Vec<Shown>,
    /// The texts that were read.
    pub sources: SourceMap,
    /// What vaults are opened with.
    pub vault: Arc<VaultSecrets>,
    /// Hosts and groups.
    pub inventory: Inventory,
    /// Variable files beside the inventory and the playbooks.
    pub directories: VarsDirectories,
    /// What to do about keys that stand twice.
    pub duplicates: DuplicateKeys,
    /// Facts of earlier runs.
    pub fact_cache: Option<FactCache>,
    /// Loads what is included on the way.
    pub loader: Arc<Loader>,
    /// The playbooks, in order.
    pub playbooks: Vec<Playbook>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// All is well.
    Finished,
    /// Hosts failed.
    Failed,
    /// Hosts could not be reached.
    Unreachable,
    /// Ctrl-C.
    Interrupted,
    /// A fault that only showed on the way, such as a variable file that cannot be read.
    Faulty(Vec<Diagnostic>),
}

impl Site {
    pub(super) fn state(self) -> (Arc<RunState>, Arc<Loader>, Vec<Playbook>) {
        let inventory = SiteInventory::new(
            self.inventory,
            Arc::new(self.directories),
            self.sources.clone(),
            self.vault.clone(),
            self.duplicates,
        );
        let templar = Templar::new();
        let plays = self
            .playbooks
            .iter()
            .flat_map(|playbook| playbook.plays.iter().cloned());
        let demand = Demand::new(plays.collect());
        let started = self.options.start_at_task.is_none();
        let stepping = std::sync::atomic::AtomicBool::new(self.options.step);
        let state = RunState {
            started: std::sync::atomic::AtomicBool::new(started),
            stepping,
            numbers: std::sync::atomic::AtomicU64::new(1),
            options: self.options,
            config: self.settings,
            config_file: self.config_file,
            shown: self.shown,
            sources: self.sources,
            vault: self.vault,
            templar,
            inventory: std::sync::RwLock::new(Arc::new(inventory)),
            records: Records::new(self.fact_cache),
            contents: ContentStore::default(),
            traffic: Traffic::default(),
            demand,
            working_directory: std::env::current_dir().unwrap_or_default(),
        };
        (Arc::new(state), self.loader, self.playbooks)
    }
}

pub(super) fn connector(events: &mpsc::UnboundedSender<Event>) -> Connector {
    let user = LocalUser::detect();
    let files = SourceFiles::of(&user);
    let known: Mutex<Vec<(PathBuf, Password)>> = Mutex::default();
    let ask = move |request: &PassphraseRequest| {
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, password)) = known.iter().find(|(file, _)| *file == request.key_file) {
            return Some(password.clone());
        }
        let answer = super::ask::line(
            &format!(
                "Enter passphrase for key '{}': ",
                request.key_file.display()
            ),
            false,
        );
        if answer.is_empty() {
            return None;
        }
        let password = Password::new(answer);
        known.push((request.key_file.clone(), password.clone()));
        Some(password)
    };
    let events = events.clone();
    let tell = move |warning: &crate::remote::ssh_config::Warning| {
        let _ = events.send(Event::Warning(Diagnostic::warning(
            "ssh-config",
            warning.to_string(),
        )));
    };
    Connector::new(user, files, Some(Arc::new(ask)), Arc::new(tell))
}

/// Runs all plays. Events end with the recap of each playbook; `interrupted` turns true when the user wants an end.
pub async fn run(
    site: Site,
    events: mpsc::UnboundedSender<Event>,
    interrupted: watch::Receiver<bool>,
) -> RunEnd {
    let (state, loader, playbooks) = site.state();
    let links = Arc::new(Links::new(
        connector(&events),
        WorkerBinaries::beside_this_program(),
    ));
    let end = run_all(&state, &loader, &playbooks, &links, &events, &interrupted).await;
    links.close(end == RunEnd::Interrupted).await;
    end
}

async fn run_all(
    state: &Arc<RunState>,
    loader: &Arc<Loader>,
    playbooks: &[Playbook],
    links: &Arc<Links>,
    events: &mpsc::UnboundedSender<Event>,
    interrupted: &watch::Receiver<bool>,
) -> RunEnd {
    // As in Ansible the numbers go on from one playbook to the next.
    let mut recap = Recap::new();
    for playbook in playbooks {
        // Hosts that failed or were lost stay out of the plays that follow in this playbook.
        let mut out = play::Casualties::default();
        let mut end = None;
        for play in &playbook.plays {
            let context = Context {
                run: state,
                loader,
                links,
                events,
                interrupted,
            };
            match play::run(&context, play, &mut recap, &mut out).await {
                PlayEnd::GoesOn => {}
                PlayEnd::StopsPlaybook => break,
                PlayEnd::Interrupted => {
                    end = Some(RunEnd::Interrupted);
                    break;
                }
                PlayEnd::Faulty(diagnostics) => {
                    end = Some(RunEnd::Faulty(diagnostics));
                    break;
                }
            }
        }
        let own = end.unwrap_or_else(|| judge(&out));
        // As in Ansible a fault of the playbook ends the run without a recap.
        if !matches!(own, RunEnd::Faulty(_)) {
            let _ = events.send(Event::Traffic(state.traffic.totals()));
            let _ = events.send(Event::Recap(recap.clone()));
        }
        if own != RunEnd::Finished {
            return own;
        }
    }
    RunEnd::Finished
}

fn judge(out: &play::Casualties) -> RunEnd {
    if out.any_unreachable() {
        RunEnd::Unreachable
    } else if out.last_failed {
        RunEnd::Failed
    } else {
        RunEnd::Finished
    }
}
