//! The steps of a site and what they wait for, as `kplay graph` draws them: laid out by the code that runs them, without a
//! connection.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::{mpsc, watch};

use super::dispatcher::Setup;
use super::effects;
use super::graph::{Reach, Wait, Waits};
use super::links::Links;
use super::outward::Outward;
use super::play::{self, LaidOut};
use super::play_context::Context;
use super::run_state::RunState;
use super::site::{Site, connector};
use super::slots::{Program, Slot, SlotKind};
use crate::diag::Diagnostic;
use crate::kit::Effect;
use crate::modules::NEEDED_GROUPS;
use crate::playbook::{ActionKind, Task};
use crate::remote::WorkerBinaries;
use crate::value::Value;

/// The plays of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Drawing {
    /// In order.
    pub plays: Vec<DrawnPlay>,
}

/// One play of a [`Drawing`].
#[derive(Clone, Debug, Serialize)]
pub struct DrawnPlay {
    /// Its name as shown.
    pub name: String,
    /// The hosts that it runs on together: those of its first batch.
    pub hosts: Vec<Arc<str>>,
    /// How many batches `serial` makes, each like the first.
    pub batches: usize,
    /// Inventory hosts that are one machine, and keep the order of `linear` among themselves.
    pub same_machine: Vec<Vec<Arc<str>>>,
    /// What each host does, in order.
    pub steps: Vec<DrawnStep>,
    /// Which step waits on one host until which has ended on the others, without the waits that follow from others.
    pub waits: Vec<DrawnWait>,
}

/// A task, seen from the order of things; each host of the play has one.
#[derive(Clone, Debug, Serialize)]
pub struct DrawnStep {
    /// Its number in the play, from 0.
    pub step: usize,
    /// What the screen calls it.
    pub name: String,
    /// What it is.
    pub kind: StepKind,
    /// The module's full name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// `FILE:LINE`, if it was written anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// How far it reaches.
    pub effect: &'static str,
    /// How far its module reaches, where that is something else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module_effect: Option<&'static str>,
    /// The groups of facts that are gathered, where those are not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<Vec<String>>,
}

/// What a [`DrawnStep`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// A task.
    Task,
    /// A handler, for hosts that notified it.
    Handler,
    /// An include: what it brings is not drawn.
    Include,
    /// The place where handlers run that were notified.
    Flush,
}

/// A wait of a [`DrawnPlay`].
#[derive(Clone, Debug, Serialize)]
pub struct DrawnWait {
    /// The step that must have ended on the other hosts.
    pub earlier: usize,
    /// The step that waits.
    pub later: usize,
    /// Why, in a sentence that names both.
    pub because: String,
}

/// Draws what a site would run.
pub fn draw(site: Site) -> Result<Drawing, Vec<Diagnostic>> {
    let (run, loader, playbooks) = site.state();
    let (events, _heard) = mpsc::unbounded_channel();
    let (_interrupt, interrupted) = watch::channel(false);
    let links = Arc::new(Links::new(
        connector(&events),
        WorkerBinaries::beside_this_program(),
    ));
    let context = Context {
        run: &run,
        loader: &loader,
        links: &links,
        events: &events,
        interrupted: &interrupted,
    };
    let mut drawing = Drawing::default();
    for play in playbooks.iter().flat_map(|playbook| &playbook.plays) {
        if let Some(laid_out) = play::lay_out(&context, play)? {
            drawing.plays.push(draw_play(&run, laid_out));
        }
    }
    Ok(drawing)
}

fn draw_play(run: &RunState, laid_out: LaidOut) -> DrawnPlay {
    let LaidOut {
        setup,
        mut program,
        batches,
    } = laid_out;
    add_handlers(&mut program, &setup.play.play.handlers);
    let hosts = setup.play.batch.clone();
    let alone = hosts.len() == 1;
    let outward = Outward::of(&setup, &program);
    let idle = effects::idle_flushes(&program, false);
    let reaches: Vec<Reach> = program
        .slots()
        .iter()
        .map(|slot| {
            if idle.contains(&slot.id) {
                Reach::NOTHING
            } else {
                effects::reach(slot, &setup, alone, &outward)
            }
        })
        .collect();
    let reach = |place: usize| reaches.get(place).copied().unwrap_or(Reach::WORLD);
    let waits = Waits::build(&program, reach, setup.free);
    let mut steps: Vec<DrawnStep> = Vec::new();
    // The steps by their places in the program, which has marks of blocks in between.
    let mut numbers: Vec<Option<usize>> = Vec::new();
    for slot in program.slots() {
        let effect = effects::reach(slot, &setup, false, &outward).effect;
        let step = draw_step(steps.len(), slot, effect, run);
        numbers.push(step.as_ref().map(|step| step.step));
        steps.extend(step);
    }
    let step = |place: usize| steps.get(numbers.get(place).copied().flatten()?);
    let mut drawn = Vec::new();
    // The latest step that this one or one before it waits for: a wait for an earlier one follows from that.
    let mut latest = None;
    for place in 0..program.slots().len() {
        let new = waits
            .reasons(place)
            .into_iter()
            .rfind(|(earlier, _)| latest.is_none_or(|latest| *earlier > latest));
        // Of several the last is enough, for a host comes to it after the others.
        if let Some((earlier, why)) = new {
            latest = Some(earlier);
            if let (Some(first), Some(second)) = (step(earlier), step(place)) {
                drawn.push(DrawnWait {
                    earlier: first.step,
                    later: second.step,
                    because: because(why, first, second),
                });
            }
        }
    }
    DrawnPlay {
        name: setup.play.name.clone(),
        same_machine: same_machine(&setup, &hosts),
        hosts,
        batches,
        steps,
        waits: drawn,
    }
}

/// Puts handlers behind the places where they run, each where a task before it may notify it.
fn add_handlers(program: &mut Program, handlers: &[Arc<Task>]) {
    let mut place = 0;
    let mut since: Vec<Arc<Task>> = Vec::new();
    while let Some(slot) = program.at(place) {
        let flush = matches!(slot.kind, SlotKind::Flush);
        since.extend(slot.task().cloned());
        if flush {
            let notified: Vec<Arc<Task>> = handlers
                .iter()
                .filter(|handler| since.iter().any(|task| may_notify(task, handler)))
                .cloned()
                .collect();
            place += program.insert_handlers(place, &notified, None);
            since.clear();
        }
        place += 1;
    }
}

fn may_notify(task: &Task, handler: &Task) -> bool {
    if matches!(
        task.action.kind,
        ActionKind::IncludeTasks(_) | ActionKind::IncludeRole(_)
    ) {
        return true;
    }
    let Some(notify) = task.scope.effective(|keywords| &keywords.notify) else {
        return false;
    };
    let names = notify.as_list().unwrap_or(std::slice::from_ref(notify));
    let name = handler.written_name().unwrap_or_default();
    names.iter().filter_map(Value::as_str).any(|wanted| {
        wanted.contains("{{")
            || name.contains("{{")
            || wanted == name
            || wanted == handler.display_name(Some(name))
            || handler.listen.iter().any(|topic| **topic == *wanted)
    })
}

fn draw_step(step: usize, slot: &Slot, effect: Effect, run: &RunState) -> Option<DrawnStep> {
    let flush = DrawnStep {
        step,
        name: "handlers run here".to_owned(),
        kind: StepKind::Flush,
        module: None,
        place: None,
        effect: effect.name(),
        module_effect: None,
        facts: None,
    };
    let (task, handler) = match &slot.kind {
        SlotKind::Flush => return Some(flush),
        SlotKind::Task(task) => (task, false),
        SlotKind::Handler(task) => (task, true),
        _ => return None,
    };
    let (kind, declared) = match &task.action.kind {
        ActionKind::IncludeTasks(_) | ActionKind::IncludeRole(_) => (StepKind::Include, None),
        ActionKind::Module(entry) if handler => (StepKind::Handler, Some(entry.meta().effect)),
        ActionKind::Module(entry) => (StepKind::Task, Some(entry.meta().effect)),
        _ if handler => (StepKind::Handler, None),
        _ => (StepKind::Task, None),
    };
    let place = run.sources.get(task.span.file).filter(|_| !task.implicit);
    let facts = task.action.arguments.given.get(NEEDED_GROUPS);
    Some(DrawnStep {
        name: task.display_name(task.written_name()),
        kind,
        module: Some(task.action.name.to_string()),
        place: place.map(|source| format!("{}:{}", source.name, task.span.line)),
        module_effect: declared
            .filter(|declared| *declared != effect)
            .map(Effect::name),
        facts: facts
            .and_then(Value::as_list)
            .map(|groups| groups.iter().map(Value::to_text).collect()),
        ..flush
    })
}

/// Says which of the two asks for the wait, and what for.
fn because(why: Wait, earlier: &DrawnStep, later: &DrawnStep) -> String {
    let (first, second) = (&earlier.name, &later.name);
    let is_world = |step: &DrawnStep| step.effect == Effect::World.name();
    match why {
        Wait::World if is_world(earlier) && is_world(later) => {
            format!("`{first}` and `{second}` may each change anything anywhere")
        }
        Wait::World if is_world(earlier) => {
            format!("`{first}` may change anything, also what `{second}` works with")
        }
        Wait::World => {
            format!("`{second}` may notice or change anything, also what `{first}` does")
        }
        Wait::Seen if earlier.effect == Effect::Sees.name() => {
            format!("`{first}` may depend on what `{second}` changes")
        }
        Wait::Seen => format!("`{second}` may depend on what `{first}` changes"),
        Wait::Files => {
            format!(
                "`{first}` and `{second}` use files of this machine, and one of them may write some"
            )
        }
    }
}

fn same_machine(setup: &Setup, hosts: &[Arc<str>]) -> Vec<Vec<Arc<str>>> {
    let mut machines: BTreeMap<String, Vec<Arc<str>>> = BTreeMap::new();
    for host in hosts {
        let machine = effects::machine(setup, host);
        machines.entry(machine).or_default().push(host.clone());
    }
    machines
        .into_values()
        .filter(|hosts| hosts.len() > 1)
        .collect()
}
