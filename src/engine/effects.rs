//! What is known of a task before it runs on a host: how far it reaches, its tags, whether it runs once, whom it notifies.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::dispatcher::Setup;
use super::graph::{ControllerFiles, Reach};
use super::order::Pace;
use super::outside::Outside;
use super::outward::Outward;
use super::perform;
use super::scope::HostScope;
use super::slots::{Program, Slot, SlotId, SlotKind};
use super::target::{Place, place};
use crate::diag::Diagnostic;
use crate::kit::{Effect, Entry};
use crate::playbook::{ActionKind, MetaAction, StatedEffect, Task, TaskId};
use crate::value::{Kind, Value};

/// Returns the places where no handler can have anything to do: nothing in front of them notifies any, and nothing was notified
/// before.
pub(super) fn idle_flushes(program: &Program, mut notified: bool) -> BTreeSet<SlotId> {
    let mut idle = BTreeSet::new();
    for slot in program.slots() {
        match &slot.kind {
            SlotKind::Task(task) | SlotKind::Handler(task) => {
                notified |= task.scope.effective(|keywords| &keywords.notify).is_some()
                    || !matches!(task.action.kind, ActionKind::Module(_));
            }
            SlotKind::Flush if !notified => drop(idle.insert(slot.id)),
            _ => {}
        }
    }
    idle
}

/// Returns how far a slot reaches.
pub(super) fn reach(slot: &Slot, setup: &Setup, alone: bool, outward: &Outward) -> Reach {
    match &slot.kind {
        // With one host nothing waits.
        _ if alone => Reach::NOTHING,
        SlotKind::Flush => Reach::WORLD,
        SlotKind::Task(_) | SlotKind::Handler(_)
            if setup.run.options.order.pace == Pace::Strict =>
        {
            Reach::WORLD
        }
        SlotKind::Task(task) | SlotKind::Handler(task) => task_reach(task, setup, outward),
        _ => Reach::NOTHING,
    }
}

fn task_reach(task: &Task, setup: &Setup, outward: &Outward) -> Reach {
    let scope = &task.scope;
    let entry = match &task.action.kind {
        ActionKind::Module(entry) => *entry,
        _ => return Reach::WORLD,
    };
    let ends_all = scope
        .effective(|keywords| &keywords.any_errors_fatal)
        .is_some()
        || setup.run.config.any_errors_fatal
        || setup.max_fail_percentage.is_some();
    // A job goes on while later steps run.
    let job = task.async_.is_some();
    if ends_all || job || scope.effective(|k| &k.run_once).is_some() {
        return Reach::WORLD;
    }
    let delegated = scope.effective(|k| &k.delegate_to).is_some();
    let reaches_out = delegated || outward.reaches(task, setup) || asks_for_more(entry, task);
    let effect = effect(entry, reaches_out, scope.stated_effect());
    if effect == Effect::World {
        return Reach::WORLD;
    }
    let files = match entry.meta().name {
        // A step that was narrowed may work on the controller itself.
        _ if delegated || scope.effective(|k| &k.connection).is_some() => ControllerFiles::Writes,
        "ansible.builtin.fetch" => ControllerFiles::Writes,
        "ansible.builtin.assemble"
        | "ansible.builtin.copy"
        | "ansible.builtin.template"
        | "ansible.builtin.script"
        | "ansible.builtin.unarchive"
        | "ansible.builtin.uri"
        | "ansible.builtin.include_vars" => ControllerFiles::Reads,
        _ => ControllerFiles::None,
    };
    Reach { effect, files }
}

/// Tells whether a module that reads of itself may change something elsewhere by its arguments: `uri` with any method but those
/// that only read, and where nobody can know the method yet.
fn asks_for_more(entry: Entry, task: &Task) -> bool {
    let name = entry.meta().name;
    if name != "ansible.builtin.uri" {
        return false;
    }
    let arguments = &task.action.arguments;
    !arguments.templates.is_empty()
        || !task.scope.defaults_for(name, |_| true).is_empty()
        || !only_reads(arguments.given.get("method"))
}

/// Tells whether a method of HTTP, as a task writes it, asks for nothing but an answer.
fn only_reads(method: Option<&Value>) -> bool {
    method.is_none_or(|method| {
        let method = method.as_str().unwrap_or_default().to_uppercase();
        matches!(method.as_str(), "GET" | "HEAD")
    })
}

/// Returns the effect of a module's step, which may look or work beyond its host (`outward`), as far as the playbook does not say
/// otherwise. A word on the task itself is the user's own judgement of just this task; one around it speaks of what its modules do,
/// not of where the playbook sends them, and makes no variable visible.
fn effect(entry: Entry, outward: bool, stated: Option<StatedEffect>) -> Effect {
    let declared = entry.meta().effect;
    let widest = |effect: Effect| if outward { Effect::World } else { effect };
    let Some(stated) = stated else {
        return widest(declared);
    };
    // What changes the run itself reaches as far as the run does.
    if declared == Effect::World && matches!(entry, Entry::Control(_)) {
        return Effect::World;
    }
    match (stated.effect, stated.own) {
        (Effect::World, _) => Effect::World,
        (stated, true) => stated,
        (_, false) if declared == Effect::Pure => widest(Effect::Pure),
        (stated, false) => widest(stated),
    }
}

/// Returns the task's tags, rendered.
pub(super) fn tags(task: &Task, setup: &Setup) -> Vec<String> {
    let first = setup
        .play
        .batch
        .first()
        .cloned()
        .unwrap_or_else(|| "localhost".into());
    let scope = HostScope::new(&setup.run, Some(&setup.play), Some(&task.scope), &first);
    let mut tags: Vec<String> = Vec::new();
    for written in task.scope.tags() {
        for text in texts(written, &scope) {
            tags.extend(
                text.split(',')
                    .map(str::trim)
                    .filter(|tag| !tag.is_empty())
                    .map(ToOwned::to_owned),
            );
        }
    }
    tags.sort();
    tags.dedup();
    tags
}

/// Renders a keyword that is a text or a list of texts.
pub(super) fn texts(value: &Value, scope: &HostScope<'_>) -> Vec<String> {
    let outside = Outside { scope };
    let Ok(rendered) = scope
        .run
        .templar
        .render(value, &scope.template_scope(Some(&outside)))
    else {
        return Vec::new();
    };
    match rendered.kind() {
        Kind::List(items) | Kind::Tuple(items) => items.iter().map(Value::to_text).collect(),
        Kind::Null | Kind::Undefined(_) => Vec::new(),
        _ => vec![rendered.to_text()],
    }
}

/// Tells whether one host does the task for all.
pub(super) fn runs_once(task: &Arc<Task>, setup: &Setup, host: &Arc<str>) -> bool {
    if setup.free {
        return false;
    }
    if let ActionKind::Module(Entry::Control(entry)) = &task.action.kind
        && entry.once()
    {
        return true;
    }
    if let ActionKind::Meta(action) = &task.action.kind {
        return matches!(
            action,
            MetaAction::RefreshInventory
                | MetaAction::ClearFacts
                | MetaAction::ClearHostErrors
                | MetaAction::EndBatch
                | MetaAction::EndPlay
        );
    }
    is_run_once(task, setup, host)
}

/// Tells whether the task is stated to run once for all.
pub(super) fn is_run_once(task: &Arc<Task>, setup: &Setup, host: &Arc<str>) -> bool {
    let Some(keyword) = task.scope.effective(|keywords| &keywords.run_once) else {
        return false;
    };
    let scope = HostScope::new(&setup.run, Some(&setup.play), Some(&task.scope), host);
    perform::flag(Some(keyword), &scope) == Some(true)
}

/// Tells whether the hosts do the task one after the other, in their order.
pub(super) fn goes_in_order(task: &Task) -> bool {
    matches!(task.action.kind, ActionKind::Meta(_)) || sets_facts_elsewhere(task)
}

/// Tells whether several hosts may set variables of the same other one: the last of them counts.
fn sets_facts_elsewhere(task: &Task) -> bool {
    let pure = match &task.action.kind {
        ActionKind::Module(entry) => entry.meta().effect == Effect::Pure,
        _ => false,
    };
    pure && task
        .scope
        .effective(|keywords| &keywords.delegate_facts)
        .is_some()
}

/// Returns how many hosts may do the task at once, where that is bounded. What is no number ends the run, as it does in Ansible.
pub(super) fn throttle(
    task: &Arc<Task>,
    setup: &Setup,
    host: &Arc<str>,
) -> Result<Option<usize>, Diagnostic> {
    let Some(keyword) = task.scope.effective(|keywords| &keywords.throttle) else {
        return Ok(None);
    };
    let wrong = |why: String| {
        let headline = format!("Failed to convert the throttle value to an integer: {why}");
        Diagnostic::error("throttle", headline).at(keyword.origin().or(task.span), "")
    };
    let scope = HostScope::new(&setup.run, Some(&setup.play), Some(&task.scope), host);
    let outside = Outside { scope: &scope };
    let rendered = setup
        .run
        .templar
        .render(keyword, &scope.template_scope(Some(&outside)))
        .map_err(|error| wrong(error.to_string()))?;
    if let Some(fault) = rendered.as_fault() {
        return Err(wrong(fault.message.clone()));
    }
    let number = match rendered.kind() {
        Kind::Bool(value) => Some(i64::from(*value)),
        Kind::Float(value) => value.trunc().to_string().parse().ok(),
        _ => rendered.to_text().trim().parse().ok(),
    };
    let number = number.ok_or_else(|| {
        wrong(format!(
            "invalid literal for int() with base 10: {}",
            rendered.to_repr()
        ))
    })?;
    Ok(usize::try_from(number).ok().filter(|most| *most > 0))
}

/// Returns what tells the machine that a host is: hosts with the same one keep their order.
pub(super) fn machine(setup: &Setup, host: &Arc<str>) -> String {
    let scope = HostScope::new(
        &setup.run,
        Some(&setup.play),
        Some(&setup.play.play.scope),
        host,
    );
    match place(&scope, &Outside { scope: &scope }) {
        Ok(Place::Local) if setup.run.options.order.apart => format!("local {host}"),
        Ok(place) => place.machine(),
        Err(_) => host.to_string(),
    }
}

/// Returns the handlers that a notification means: one of that name, and all that listen to it.
pub(super) fn handlers_for(
    name: &str,
    handlers: &[Arc<Task>],
    scope: &HostScope<'_>,
) -> Vec<TaskId> {
    let shown = |handler: &Arc<Task>| -> String {
        let handler_scope = HostScope {
            task: Some(&handler.scope),
            ..scope.clone()
        };
        let names = handler
            .name
            .as_ref()
            .map(|name| texts(name, &handler_scope))
            .unwrap_or_default();
        names.into_iter().next().unwrap_or_default()
    };
    let matching = |handler: &&&Arc<Task>| {
        let plain = shown(handler);
        !plain.is_empty()
            && (plain == name
                || handler
                    .role()
                    .is_some_and(|role| format!("{} : {plain}", role.name) == name))
    };
    // The last list of handlers counts first, and in a list the first handler.
    let list = |handler: &Arc<Task>| handler.role().map(|role| role.identity);
    let ordered: Vec<&Arc<Task>> = handlers
        .chunk_by(|one, two| list(one) == list(two))
        .rev()
        .flatten()
        .collect();
    let mut found: Vec<TaskId> = Vec::new();
    found.extend(ordered.iter().find(matching).map(|handler| handler.id));
    let mut named: BTreeSet<String> = BTreeSet::new();
    for handler in ordered {
        if !handler.listen.iter().any(|topic| **topic == *name) {
            continue;
        }
        let shown = shown(handler);
        // Of several with one name, one listens.
        let first = shown.is_empty() || named.insert(shown);
        if first && !found.contains(&handler.id) {
            found.push(handler.id);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect_of(module: &str, outward: bool, stated: Option<(Effect, bool)>) -> Effect {
        let stated = stated.map(|(effect, own)| StatedEffect { effect, own });
        effect(crate::modules::find(module).unwrap(), outward, stated)
    }

    #[test]
    fn without_a_word_the_module_decides_unless_the_step_reaches_out() {
        assert_eq!(effect_of("ansible.builtin.copy", false, None), Effect::Host);
        assert_eq!(effect_of("ansible.builtin.copy", true, None), Effect::World);
    }

    #[test]
    fn a_word_on_the_task_itself_holds() {
        for outward in [false, true] {
            let narrowed = effect_of(
                "ansible.builtin.command",
                outward,
                Some((Effect::Host, true)),
            );
            assert_eq!(narrowed, Effect::Host);
        }
        let widened = effect_of("ansible.builtin.copy", false, Some((Effect::World, true)));
        assert_eq!(widened, Effect::World);
    }

    #[test]
    fn a_word_around_it_speaks_of_modules_only() {
        let around = |module, outward, effect| effect_of(module, outward, Some((effect, false)));
        assert_eq!(
            around("ansible.builtin.command", false, Effect::Host),
            Effect::Host
        );
        assert_eq!(
            around("ansible.builtin.command", true, Effect::Host),
            Effect::World
        );
        assert_eq!(
            around("ansible.builtin.debug", false, Effect::Shows),
            Effect::Pure
        );
        assert_eq!(
            around("ansible.builtin.debug", false, Effect::World),
            Effect::World
        );
    }

    #[test]
    fn a_request_reads_where_its_method_is_known_to() {
        for (method, reads) in [
            (None, true),
            (Some("get"), true),
            (Some("HEAD"), true),
            (Some("POST"), false),
            (Some("{{ method }}"), false),
        ] {
            assert_eq!(only_reads(method.map(Value::from).as_ref()), reads);
        }
    }

    #[test]
    fn what_changes_the_run_cannot_be_narrowed() {
        let narrowed = effect_of(
            "ansible.builtin.add_host",
            false,
            Some((Effect::Pure, true)),
        );
        assert_eq!(narrowed, Effect::World);
    }
}
