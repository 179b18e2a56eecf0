//! Where a play begins: the task that gathers facts, and the one that `--start-at-task` names. Called by `play`.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::playbook::{
    Action, ActionKind, Arguments, Entry, Keywords, Play, Scope, ScopeKind, Task, TaskId,
};
use crate::value::{Dict, Value};

/// Returns what of a list of tasks comes at or behind the task of that name.
pub(super) fn from_task(entries: &[Entry], wanted: &str, started: &mut bool) -> Vec<Entry> {
    let mut rest = Vec::new();
    for entry in entries {
        if *started {
            rest.push(entry.clone());
            continue;
        }
        match entry {
            Entry::Task(task) => {
                if is_named(task, wanted) {
                    *started = true;
                    rest.push(entry.clone());
                }
            }
            Entry::Block(block) => {
                let mut part = (**block).clone();
                part.block = from_task(&block.block, wanted, started);
                if *started {
                    rest.push(Entry::Block(Arc::new(part)));
                }
            }
            Entry::RoleEnd(_) => {}
        }
    }
    rest
}

fn is_named(task: &Task, wanted: &str) -> bool {
    let name = task.written_name().unwrap_or_default();
    let shown = task.display_name(Some(name));
    [name, shown.as_str()]
        .into_iter()
        .any(|name| name == wanted || crate::pattern::glob_matches(wanted, name))
}

/// The task that gathers facts: the groups that are `needed`, or all.
pub(super) fn gather_task(play: &Arc<Play>, needed: Option<BTreeSet<&'static str>>) -> Task {
    let mut given = Dict::new();
    let subset = [
        ("gather_subset", &play.gather_subset),
        ("gather_timeout", &play.gather_timeout),
        ("fact_path", &play.fact_path),
    ];
    for (name, value) in subset {
        if let Some(value) = value {
            given.insert(name, value.clone());
        }
    }
    if let Some(groups) = needed {
        let groups: Value = groups.into_iter().map(Value::text).collect();
        given.insert(crate::modules::NEEDED_GROUPS, groups);
    }
    let kind = crate::modules::find("ansible.builtin.setup").map_or_else(
        || ActionKind::Templated(Value::text("ansible.builtin.setup")),
        ActionKind::Module,
    );
    let mut keywords = Keywords {
        when: play.gather_when.clone(),
        ..Keywords::default()
    };
    keywords.tags = vec![Value::text("always")];
    let scope = Scope {
        kind: ScopeKind::Task,
        keywords,
        span: play.span,
        parent: Some(play.scope.clone()),
    };
    let action = Action {
        written: "gather_facts".into(),
        name: "ansible.builtin.setup".into(),
        span: play.span,
        kind,
        arguments: Arguments {
            given,
            ..Arguments::default()
        },
    };
    let file = play.file.clone();
    Task {
        implicit: true,
        ..Task::made(TaskId(0), "Gathering Facts", action, scope, file)
    }
}
