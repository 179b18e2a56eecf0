//! What `--list-hosts`, `--list-tasks` and `--list-tags` show.

use std::collections::BTreeSet;
use std::sync::{Arc, RwLock};

use super::play;
use super::run_state::{PlayState, RunState};
use super::scope::HostScope;
use super::site::Site;
use crate::diag::Diagnostic;
use crate::playbook::{ActionKind, Entry, Play, Playbook, TagSelection, Task};

/// The plays of a run.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// In order.
    pub plays: Vec<ListedPlay>,
}

/// One play of a [`Listing`].
#[derive(Clone, Debug)]
pub struct ListedPlay {
    /// From 1, within its playbook.
    pub number: usize,
    /// The playbook's file as it was named.
    pub playbook: String,
    /// Its host patterns.
    pub patterns: Vec<String>,
    /// Its name as shown.
    pub name: String,
    /// Its hosts.
    pub hosts: Vec<Arc<str>>,
    /// Its own tags.
    pub tags: Vec<String>,
    /// The tags of all tasks, whatever is chosen.
    pub task_tags: Vec<String>,
    /// The tasks that the chosen tags leave, with their tags.
    pub tasks: Vec<(String, Vec<String>)>,
}

/// Lists the plays of a site with what their static parts hold.
pub fn list(site: Site) -> Result<Listing, Vec<Diagnostic>> {
    let (run, _, playbooks) = site.state();
    let mut plays = Vec::new();
    for playbook in &playbooks {
        for (index, play) in playbook.plays.iter().enumerate() {
            plays.push(
                list_play(&run, playbook, play, index + 1)
                    .map_err(|diagnostic| vec![diagnostic])?,
            );
        }
    }
    Ok(Listing { plays })
}

fn list_play(
    run: &Arc<RunState>,
    playbook: &Playbook,
    play: &Arc<Play>,
    number: usize,
) -> Result<ListedPlay, Diagnostic> {
    let found = play::hosts(run, play)?;
    let name = play::rendered_name(play, run);
    let state = PlayState {
        play: play.clone(),
        name: name.clone(),
        files: crate::value::Dict::new(),
        prompts: crate::value::Dict::new(),
        all_hosts: found.hosts.clone(),
        batch: found.hosts.clone(),
        lost: RwLock::default(),
        public_roles: RwLock::default(),
    };
    let options = &run.options;
    let selection = TagSelection::new(
        options.tags.iter().map(String::as_str),
        options.skip_tags.iter().map(String::as_str),
    );
    let mut tasks = Vec::new();
    let mut task_tags = BTreeSet::new();
    for section in play.sections() {
        walk(section, run, &state, &mut |name, tags| {
            task_tags.extend(tags.iter().cloned());
            if selection.allows(&tags) {
                tasks.push((name, tags));
            }
        });
    }
    let host: Arc<str> = "localhost".into();
    let scope = HostScope::new(run, Some(&state), Some(&play.scope), &host);
    let tags: BTreeSet<String> = play
        .scope
        .tags()
        .into_iter()
        .flat_map(|tag| super::effects::texts(tag, &scope))
        .collect();
    Ok(ListedPlay {
        number,
        playbook: playbook.path.display().to_string(),
        patterns: found.patterns,
        name,
        hosts: found.hosts,
        tags: tags.into_iter().collect(),
        task_tags: task_tags.into_iter().collect(),
        tasks,
    })
}

fn walk(
    entries: &[Entry],
    run: &Arc<RunState>,
    state: &PlayState,
    take: &mut dyn FnMut(String, Vec<String>),
) {
    for entry in entries {
        match entry {
            Entry::Task(task) => {
                if !task.implicit && !matches!(task.action.kind, ActionKind::Meta(_)) {
                    // As in Ansible: without a name it is its action alone, whatever role it is in.
                    let name = match task.written_name() {
                        None => task.action.written.to_string(),
                        name => task.display_name(name),
                    };
                    take(name, tags(task, run, state));
                }
            }
            Entry::Block(block) => {
                // As in Ansible: what only runs after a failure is not listed.
                for part in [&block.block, &block.always] {
                    walk(part, run, state, take);
                }
            }
            Entry::RoleEnd(_) => {}
        }
    }
}

fn tags(task: &Arc<Task>, run: &RunState, state: &PlayState) -> Vec<String> {
    let host: Arc<str> = "localhost".into();
    let scope = HostScope::new(run, Some(state), Some(&task.scope), &host);
    let tags: BTreeSet<String> = task
        .scope
        .tags()
        .into_iter()
        .flat_map(|tag| super::effects::texts(tag, &scope))
        .flat_map(|text| {
            text.split(',')
                .map(|tag| tag.trim().to_owned())
                .collect::<Vec<_>>()
        })
        .filter(|tag| !tag.is_empty())
        .collect();
    tags.into_iter().collect()
}
