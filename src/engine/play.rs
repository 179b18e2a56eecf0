//! One play: its hosts, its setup, its batches, one after the other. Called by `site`.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, RwLock};

use super::dispatcher::{BatchEnd, BatchResult, Dispatcher, Setup};
use super::events::{Event, Recap};
use super::play_context::{Context, render_for_play};
use super::run_state::{PlayState, RunState};
use super::slots::{Program, SlotKind};
use super::{facts, play_hosts, play_start, play_vars};
use crate::diag::Diagnostic;
use crate::pattern;
use crate::playbook::{Entry, Play};
use crate::value::{Dict, Value};

/// What follows a play.
pub(super) enum PlayEnd {
    /// The next one.
    GoesOn,
    /// Nothing of this playbook: too many hosts failed.
    StopsPlaybook,
    /// Nothing.
    Interrupted,
    /// Nothing, and why.
    Faulty(Vec<Diagnostic>),
}

/// The hosts that failed or were lost in the plays of a playbook so far.
#[derive(Default)]
pub(super) struct Casualties {
    failed: BTreeSet<Arc<str>>,
    unreachable: BTreeSet<Arc<str>>,
    /// The last play that ran ended with failed hosts.
    pub(super) last_failed: bool,
}

impl Casualties {
    /// Tells whether the host takes part no more.
    fn contains(&self, host: &str) -> bool {
        self.failed.contains(host) || self.unreachable.contains(host)
    }

    fn count(&self) -> usize {
        self.failed.len() + self.unreachable.len()
    }

    fn all(&self) -> BTreeSet<Arc<str>> {
        self.failed.union(&self.unreachable).cloned().collect()
    }

    /// Tells whether hosts are lost.
    pub(super) fn any_unreachable(&self) -> bool {
        !self.unreachable.is_empty()
    }

    /// Takes over what became of a batch of a play that names `hosts`.
    fn add(&mut self, batch: BatchResult, hosts: &[Arc<str>]) {
        if batch.cleared {
            self.failed.retain(|host| !hosts.contains(host));
            self.unreachable.retain(|host| !hosts.contains(host));
        }
        self.last_failed = batch.end == BatchEnd::TooManyFailed
            || !self.failed.is_empty()
            || !batch.failed.is_empty();
        self.failed.extend(batch.failed);
        self.failed.extend(batch.barred);
        self.unreachable.extend(batch.unreachable);
    }
}

/// The hosts that a play names, within `--limit`.
pub(super) struct PlayHosts {
    pub(super) hosts: Vec<Arc<str>>,
    pub(super) unmatched: Vec<String>,
    pub(super) patterns: Vec<String>,
}

/// Returns the hosts of a play in the order of the inventory.
pub(super) fn hosts(run: &RunState, play: &Arc<Play>) -> Result<PlayHosts, Diagnostic> {
    let mut patterns: Vec<String> = Vec::new();
    let mut shown: Vec<String> = Vec::new();
    for written in &play.hosts {
        let rendered = render_for_play(run, play, written)?;
        let items = rendered
            .as_list()
            .map_or_else(|| vec![rendered.clone()], <[Value]>::to_vec);
        for item in items {
            let text = item.to_text();
            patterns.extend(pattern::split(&text));
            shown.push(text);
        }
    }
    let inventory = run.inventory();
    let failed = |error: pattern::PatternError| {
        Diagnostic::error("host-pattern", error.to_string()).at(play.span, "")
    };
    let mut matched = pattern::hosts(&inventory.inventory, &patterns).map_err(failed)?;
    if let Some(limit) = &run.options.limit {
        let limits = pattern::read_limit(limit).map_err(|why| Diagnostic::error("limit", why))?;
        let limited =
            pattern::limit(&inventory.inventory, matched.hosts, &limits).map_err(failed)?;
        matched.hosts = limited.hosts;
    }
    Ok(PlayHosts {
        hosts: matched.hosts,
        unmatched: matched.unmatched,
        patterns: shown,
    })
}

/// Runs a play on the hosts that are still in.
pub(super) async fn run(
    context: &Context<'_>,
    play: &Arc<Play>,
    recap: &mut Recap,
    out: &mut Casualties,
) -> PlayEnd {
    match Running::prepare(context, play, out) {
        Err(diagnostics) => PlayEnd::Faulty(diagnostics),
        Ok(None) => PlayEnd::GoesOn,
        Ok(Some(running)) => running.batches(recap, out).await,
    }
}

/// A play as it would begin.
pub(super) struct LaidOut {
    pub(super) setup: Setup,
    pub(super) program: Program,
    /// How many batches `serial` makes; the setup is that of the first.
    pub(super) batches: usize,
}

/// Lays a play out without running it, telling of it, or asking what it prompts for; nothing where it has no hosts.
pub(super) fn lay_out(
    context: &Context<'_>,
    play: &Arc<Play>,
) -> Result<Option<LaidOut>, Vec<Diagnostic>> {
    let run = context.run;
    let one = |diagnostic| vec![diagnostic];
    let found = hosts(run, play).map_err(one)?;
    for host in &found.hosts {
        run.inventory().load(host)?;
    }
    let running = Running {
        context,
        play,
        name: rendered_name(play, run),
        all_hosts: found.hosts.clone(),
        hosts: play_hosts::ordered(found.hosts, play, run),
        files: Dict::new(),
        prompts: Dict::new(),
    };
    let sizes = play_hosts::serial(play, run, running.hosts.len()).map_err(one)?;
    let batches = play_hosts::split(&running.hosts, &sizes);
    let Some(first) = batches.first() else {
        return Ok(None);
    };
    let setup = running
        .setup(first.clone(), &Casualties::default())
        .map_err(one)?;
    Ok(Some(LaidOut {
        program: running.program(&setup),
        setup,
        batches: batches.len(),
    }))
}

/// A play that has hosts.
struct Running<'a> {
    context: &'a Context<'a>,
    play: &'a Arc<Play>,
    name: String,
    /// All that it names, in the order of the inventory.
    all_hosts: Vec<Arc<str>>,
    /// The same in the play's own order.
    hosts: Vec<Arc<str>>,
    files: Dict,
    prompts: Dict,
}

impl<'a> Running<'a> {
    fn prepare(
        context: &'a Context<'a>,
        play: &'a Arc<Play>,
        out: &Casualties,
    ) -> Result<Option<Self>, Vec<Diagnostic>> {
        let run = context.run;
        let found = hosts(run, play).map_err(|diagnostic| vec![diagnostic])?;
        for pattern in &found.unmatched {
            // With an empty inventory the one warning about it says it all.
            if run.inventory().host_names().is_empty() {
                continue;
            }
            let text = format!("Could not match supplied host pattern, ignoring: {pattern}");
            let _ = context.events.send(Event::Warning(
                Diagnostic::warning("host-pattern", text).at(play.span, ""),
            ));
        }
        let name = play
            .name
            .as_ref()
            .and_then(|name| render_for_play(run, play, name).ok())
            .map(|name| name.to_text());
        let name = name
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| found.patterns.join(","));
        let prompts = play_vars::prompts(context, play);
        let loaded = found
            .hosts
            .iter()
            .filter(|host| !out.contains(host))
            .try_for_each(|host| run.inventory().load(host).map(drop));
        let all_hosts = found.hosts.clone();
        let hosts = play_hosts::ordered(found.hosts.clone(), play, run);
        // A file that cannot be read is a fault of the play before it begins.
        let files = play_vars::files(context, play, &hosts)?;
        let _ = context.events.send(Event::PlayStarted {
            name: name.clone(),
            check: run.options.check,
        });
        if found.hosts.is_empty() {
            let _ = context.events.send(Event::NoHostsMatched);
            return Ok(None);
        }
        loaded?;
        Ok(Some(Self {
            context,
            play,
            name,
            all_hosts,
            hosts,
            files,
            prompts,
        }))
    }

    async fn batches(self, recap: &mut Recap, out: &mut Casualties) -> PlayEnd {
        let batches = match play_hosts::serial(self.play, self.context.run, self.hosts.len()) {
            Ok(sizes) => play_hosts::split(&self.hosts, &sizes),
            Err(diagnostic) => return PlayEnd::Faulty(vec![diagnostic]),
        };
        let mut after = PlayEnd::GoesOn;
        for (number, batch) in batches.into_iter().enumerate() {
            if number > 0 {
                let check = self.context.run.options.check;
                let _ = self.context.events.send(Event::PlayStarted {
                    name: self.name.clone(),
                    check,
                });
            }
            let (size, before) = (batch.len(), out.count());
            let setup = match self.setup(batch, out) {
                Ok(setup) => setup,
                Err(diagnostic) => return PlayEnd::Faulty(vec![diagnostic]),
            };
            let program = self.program(&setup);
            let handlers = self.play.handlers.clone();
            let result = Dispatcher::new(&setup, program, handlers, recap)
                .run()
                .await;
            let end = result.end.clone();
            out.add(result, &self.all_hosts);
            match end {
                BatchEnd::Interrupted => return PlayEnd::Interrupted,
                BatchEnd::Faulty(diagnostic) => return PlayEnd::Faulty(vec![*diagnostic]),
                BatchEnd::PlayEnded => return after,
                BatchEnd::TooManyFailed => after = PlayEnd::StopsPlaybook,
                BatchEnd::Done => {}
            }
            if out.count() == before + size {
                return PlayEnd::StopsPlaybook;
            }
        }
        after
    }

    fn setup(&self, batch: Vec<Arc<str>>, out: &Casualties) -> Result<Setup, Diagnostic> {
        let run = self.context.run;
        let text = |value: &Option<Value>| -> Result<Option<String>, Diagnostic> {
            let rendered = value
                .as_ref()
                .map(|value| render_for_play(run, self.play, value))
                .transpose()?;
            Ok(rendered
                .filter(|value| !value.is_null())
                .map(|value| value.to_text()))
        };
        let strategy = text(&self.play.strategy)?.unwrap_or_else(|| run.config.strategy.clone());
        let free = match strategy.rsplit('.').next().unwrap_or_default() {
            "linear" => false,
            "free" | "host_pinned" => true,
            other => {
                return Err(Diagnostic::error(
                    "strategy",
                    format!("strategy `{other}` is not supported"),
                )
                .at(self.play.span, "")
                .help("kplay has linear, free and host_pinned"));
            }
        };
        let percentage = text(&self.play.max_fail_percentage)?;
        let force = self
            .play
            .force_handlers
            .as_ref()
            .map(|value| render_for_play(run, self.play, value))
            .transpose()?;
        let public = self.play.roles.iter().flat_map(|role| {
            let mut roles: Vec<_> = role.all_dependencies().into_iter().cloned().collect();
            roles.push(role.clone());
            roles
        });
        let batch_size = batch.len();
        let state = PlayState {
            play: self.play.clone(),
            name: self.name.clone(),
            files: self.files.clone(),
            prompts: self.prompts.clone(),
            all_hosts: self.all_hosts.clone(),
            batch: batch
                .into_iter()
                .filter(|host| !out.contains(host))
                .collect(),
            lost: RwLock::new(out.all()),
            public_roles: RwLock::new(Arc::new(public.filter(|role| role.public).collect())),
        };
        Ok(Setup {
            run: run.clone(),
            play: Arc::new(state),
            links: self.context.links.clone(),
            loader: self.context.loader.clone(),
            events: self.context.events.clone(),
            interrupted: self.context.interrupted.clone(),
            forks: run.options.forks.max(1),
            free,
            // What the play says counts for more than the command line.
            force_handlers: force
                .and_then(|value| value.as_bool())
                .unwrap_or(run.options.force_handlers || run.config.force_handlers),
            batch_size,
            max_fail_percentage: percentage
                .and_then(|text| text.trim().trim_end_matches('%').parse().ok()),
        })
    }

    /// The play's slots: facts, then the four lists with the places where handlers run.
    fn program(&self, setup: &Setup) -> Program {
        let mut program = Program::default();
        if self.gathers(setup) {
            let needed = facts::needed(&setup.run, &setup.loader, self.play, &self.hosts);
            let task = play_start::gather_task(self.play, needed);
            program.extend(&[Entry::Task(Arc::new(task))]);
        }
        let skip_to = setup.run.options.start_at_task.as_deref();
        let mut started = setup.run.started.load(Ordering::Relaxed);
        for (number, section) in self.play.sections().into_iter().enumerate() {
            match skip_to.filter(|_| !started) {
                None => program.extend(section),
                Some(wanted) => {
                    let rest = play_start::from_task(section, wanted, &mut started);
                    program.extend(&rest);
                }
            }
            // The roles' tasks and the play's own share one flush.
            if number != 1 {
                program.push(SlotKind::Flush);
            }
        }
        setup.run.started.store(started, Ordering::Relaxed);
        program
    }

    fn gathers(&self, setup: &Setup) -> bool {
        let stated = self
            .play
            .gather_facts
            .as_ref()
            .and_then(|value| render_for_play(&setup.run, self.play, value).ok());
        let wanted = stated
            .filter(|value| !value.is_null())
            .and_then(|value| value.as_bool().or_else(|| value.to_text().parse().ok()));
        match (setup.run.config.gathering.as_str(), wanted) {
            ("explicit", wanted) => wanted == Some(true),
            ("smart", Some(false)) => false,
            ("smart", _) => setup
                .play
                .batch
                .iter()
                .any(|host| !setup.run.records.get(host).has_gathered()),
            (_, wanted) => wanted != Some(false),
        }
    }
}

/// Renders tags and names for lists; see [`super::listing`].
pub(super) fn rendered_name(play: &Arc<Play>, run: &RunState) -> String {
    let name = play
        .name
        .as_ref()
        .and_then(|name| render_for_play(run, play, name).ok())
        .map(|name| name.to_text());
    play.display_name(name.as_deref())
}
