//! From a task of the playbook to the specification of a step.

use std::sync::Arc;

use super::include;
use super::run_state::RunState;
use crate::kit::job::ASYNC_STATUS;
use crate::playbook::{ActionKind, Keywords, Loop as TaskLoop, Scope, Task, names};
use crate::value::Value;
use crate::wire::{Asynchronous, BecomeKeywords, Loop, LoopControl, LoopSource, StepTask};

/// Returns the full name of the module that a task runs; includes and `meta` are modules of their own for `step`.
pub(super) fn module(task: &Task) -> Arc<str> {
    match &task.action.kind {
        ActionKind::Module(entry) => entry.meta().name.into(),
        ActionKind::IncludeTasks(_) => "ansible.builtin.include_tasks".into(),
        ActionKind::IncludeRole(_) => "ansible.builtin.include_role".into(),
        ActionKind::Meta(_) => "ansible.builtin.meta".into(),
        ActionKind::Unsupported(_) | ActionKind::Templated(_) => task.action.name.clone(),
    }
}

/// Returns what a task is for every host.
pub(super) fn task(task: &Task, run: &RunState) -> StepTask {
    let scope = &task.scope;
    let keyword = |get: fn(&Keywords) -> &Option<Value>| scope.effective(get).cloned();
    let cloned = |values: Vec<&Value>| values.into_iter().cloned().collect::<Vec<Value>>();
    let (options, config) = (&run.options, &run.config);
    let text = |value: &Option<String>| value.as_deref().map(Value::text);
    let included = include::arguments(task);
    StepTask {
        span: task.span,
        module: module(task),
        // A template that stands for all of an include's arguments is its file, and is in there already.
        argument_defaults: match included {
            Some(_) => Vec::new(),
            None => argument_defaults(task, scope),
        },
        arguments: included.unwrap_or_else(|| Value::dict(task.action.arguments.given.clone())),
        when: cloned(scope.when()),
        looping: task
            .loop_
            .as_ref()
            .map(|looping| self::looping(looping, task)),
        until: task.until.clone(),
        retries: task.retries.clone(),
        delay: task.delay.clone(),
        changed_when: (!task.changed_when.is_empty()).then(|| task.changed_when.clone()),
        failed_when: (!task.failed_when.is_empty()).then(|| task.failed_when.clone()),
        register: task.register.clone(),
        ignore_errors: keyword(|k| &k.ignore_errors),
        becoming: BecomeKeywords {
            enabled: keyword(|k| &k.become_)
                .or_else(|| (options.r#become || config.r#become).then(|| true.into())),
            user: keyword(|k| &k.become_user)
                .or_else(|| text(&options.become_user))
                .or_else(|| Some(Value::text(config.become_user.as_str()))),
            method: keyword(|k| &k.become_method)
                .or_else(|| text(&options.become_method))
                .or_else(|| Some(Value::text(config.become_method.as_str()))),
            executable: keyword(|k| &k.become_exe).or_else(|| text(&config.become_exe)),
            flags: keyword(|k| &k.become_flags).or_else(|| become_flags(task, run)),
            password: options.become_password.clone(),
        },
        environment: cloned(scope.environment()),
        check_mode: keyword(|k| &k.check_mode),
        check: options.check,
        diff: keyword(|k| &k.diff),
        show_diff: options.diff,
        no_log: keyword(|k| &k.no_log).or_else(|| config.no_log.then(|| true.into())),
        timeout: keyword(|k| &k.timeout)
            .or_else(|| (config.task_timeout > 0).then(|| config.task_timeout.into())),
        asynchronous: task.async_.clone().map(|seconds| Asynchronous {
            seconds,
            poll: (task.poll.clone()).unwrap_or_else(|| config.poll_interval.into()),
            action: task.action.written.clone(),
        }),
        async_directory: (task.async_.is_some() || &*module(task) == ASYNC_STATUS)
            .then(|| config.async_dir.as_str().into()),
        delegate_to: keyword(|k| &k.delegate_to),
        verbosity: options.verbosity,
        seen: task.register.is_some() || run.shows_results(),
    }
}

/// The configured flags: those of the method, where it is `sudo`, before those of all methods.
fn become_flags(task: &Task, run: &RunState) -> Option<Value> {
    let (options, config) = (&run.options, &run.config);
    let stated = task.scope.effective(|keywords| &keywords.become_method);
    let method = stated
        .map(Value::to_text)
        .or_else(|| options.become_method.clone())
        .unwrap_or_else(|| config.become_method.clone());
    let own = config.sudo_flags.as_ref();
    own.filter(|_| matches!(method.as_str(), "sudo" | "ansible.builtin.sudo"))
        .or(config.become_flags.as_ref())
        .map(|flags| Value::text(flags.as_str()))
}

/// `module_defaults` for the module, then templates that stand for whole argument lists; each outranks those before it.
fn argument_defaults(task: &Task, scope: &Scope) -> Vec<Value> {
    let module = &*task.action.name;
    let mut defaults: Vec<Value> = scope
        .defaults_for(module, |group| names::group_contains(group, module))
        .into_iter()
        .cloned()
        .collect();
    defaults.extend(task.action.arguments.templates.iter().cloned());
    defaults
}

fn looping(looping: &TaskLoop, task: &Task) -> Loop {
    let control = &task.loop_control;
    Loop {
        source: match looping {
            TaskLoop::Items(items) => LoopSource::Items(items.clone()),
            TaskLoop::With { lookup, terms, .. } => LoopSource::Lookup {
                name: lookup.clone(),
                terms: terms.clone(),
            },
        },
        control: LoopControl {
            variable: control.loop_var.clone(),
            index: control.index_var.clone(),
            label: control.label.clone(),
            pause: control.pause.clone(),
            extended: control.extended.clone(),
            extended_all: control.extended_allitems.clone(),
            break_when: control.break_when.clone(),
        },
    }
}
