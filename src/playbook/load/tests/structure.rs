//! Plays, blocks, tasks and handlers as they are written.

use crate::playbook::model::{ActionKind, Entry, Loop, MetaAction};
use crate::playbook::testing::{all_tasks, brought, good, outline, play};
use crate::value::{Dict, Value};

#[test]
fn a_play_has_its_sections() {
    let (_, play) = play(
        "  name: P
  serial: [1, '50%']
  vars: {a: 1}
  pre_tasks: [{debug: {msg: before}}]
  tasks:
    - name: T
      debug: msg=hello
    - block:
        - debug:
      rescue:
        - fail: {msg: no}
      always:
        - meta: noop
  post_tasks: [{debug: }]
  handlers:
    - name: H
      debug:
      listen: topic
",
    );
    assert_eq!(
        play.display_name(play.name.as_ref().and_then(Value::as_str)),
        "P"
    );
    assert_eq!(play.serial.len(), 2);
    assert_eq!(play.scope.keywords.vars.get("a").unwrap().as_int(), Some(1));
    assert_eq!(outline(&play.pre_tasks), ["debug"]);
    assert_eq!(
        outline(&play.tasks),
        ["T", "block", "debug", "rescue: fail", "always: meta"]
    );
    let first = all_tasks(&play.tasks).remove(0);
    assert_eq!(
        first.action.arguments.given.get("msg").unwrap().as_str(),
        Some("hello")
    );
    assert!(
        first
            .action
            .arguments
            .given
            .get("msg")
            .unwrap()
            .is_trusted()
    );
    assert!(matches!(first.action.kind, ActionKind::Module(_)));
    assert_eq!(&*first.action.name, "ansible.builtin.debug");
    assert_eq!(&*play.handlers[0].listen[0], "topic");
    assert!(play.handlers[0].handler);
}

#[test]
fn actions_are_written_in_many_ways() {
    let (_, play) = play(
        "  tasks:
    - action: debug msg='a b'
    - local_action: debug msg=x
    - action: {module: debug, msg: x}
    - ansible.builtin.debug:
        msg: x
    - debug:
      args: {msg: x}
    - debug:
      args: '{{ options }}'
    - debug: '{{ options }}'
    - action: '{{ which }} msg=x'
    - meta: flush_handlers
",
    );
    let tasks = all_tasks(&play.tasks);
    let message = |index: usize| {
        tasks[index]
            .action
            .arguments
            .given
            .get("msg")
            .map(Value::to_text)
    };
    assert_eq!(message(0).as_deref(), Some("a b"));
    for index in [1, 2, 3, 4, 7] {
        assert_eq!(message(index).as_deref(), Some("x"), "{index}");
    }
    let delegated = tasks[1].scope.effective(|keywords| &keywords.delegate_to);
    assert_eq!(delegated.and_then(Value::as_str), Some("localhost"));
    for index in [5, 6] {
        assert_eq!(
            tasks[index].action.arguments.templates[0].as_str(),
            Some("{{ options }}"),
            "{index}"
        );
    }
    assert!(
        matches!(&tasks[7].action.kind, ActionKind::Templated(name) if name.as_str() == Some("{{ which }}"))
    );
    assert!(matches!(
        tasks[8].action.kind,
        ActionKind::Meta(MetaAction::FlushHandlers)
    ));
}

#[test]
fn loops_and_their_control() {
    let (_, play) = play(
        "  tasks:
    - debug:
      loop: [1, 2]
      loop_control: {loop_var: thing, extended: true, break_when: thing == 1}
    - debug:
      with_items: '{{ things }}'
    - debug:
      until: a
      retries: 3
      register: a
      changed_when: [false, b]
      failed_when: c
",
    );
    let tasks = all_tasks(&play.tasks);
    assert!(
        matches!(&tasks[0].loop_, Some(Loop::Items(items)) if items.as_list().unwrap().len() == 2)
    );
    assert_eq!(
        tasks[0].loop_control.loop_var.as_ref().unwrap().as_str(),
        Some("thing")
    );
    assert_eq!(tasks[0].loop_control.break_when.len(), 1);
    assert!(matches!(&tasks[1].loop_, Some(Loop::With { lookup, .. }) if &**lookup == "items"));
    assert_eq!(tasks[2].register.as_deref(), Some("a"));
    assert_eq!(
        (
            tasks[2].until.len(),
            tasks[2].changed_when.len(),
            tasks[2].failed_when.len()
        ),
        (1, 2, 1)
    );
}

#[test]
fn what_may_keep_a_run_away_is_seen() {
    let (_, play) = play(
        "  tasks:
    - {name: certain, debug: }
    - {name: when, debug: , when: x}
    - {name: loop, debug: , loop: '{{ x }}'}
    - {name: certain loop, debug: , loop: [1]}
    - {name: ignored, debug: , ignore_errors: true}
    - {name: not ignored, debug: , ignore_errors: false}
    - block:
        - {name: rescued, debug: }
      rescue:
        - {name: rescuing, debug: }
      always:
        - {name: always, debug: }
    - meta: end_play
    - {name: after the end, debug: }
",
    );
    let certain: Vec<String> = all_tasks(&play.tasks)
        .iter()
        .filter(|task| !task.avoidable)
        .map(|task| task.display_name(task.written_name()))
        .collect();
    assert_eq!(
        certain,
        ["certain", "certain loop", "not ignored", "always"]
    );
}

#[test]
fn imports_are_opened_where_they_stand() {
    let (_, playbook) = good(&[
        (
            "site.yml",
            "- hosts: all\n  vars: {which: more}\n  tasks:\n    - import_tasks: tasks/{{ which }}.yml\n      tags: t\n      vars: {v: 1}\n    - debug:\n",
        ),
        (
            "tasks/more.yml",
            "- name: A\n  debug:\n- import_tasks: deep/last.yml\n- include_tasks: near.yml\n",
        ),
        ("tasks/deep/last.yml", "- name: B\n  debug:\n"),
        ("tasks/near.yml", "- name: C\n  debug:\n"),
    ]);
    let play = &playbook.plays[0];
    assert_eq!(outline(&play.tasks), ["A", "B", "include_tasks", "debug"]);
    let tasks = all_tasks(&play.tasks);
    assert_eq!(
        tasks[1]
            .scope
            .tags()
            .iter()
            .map(|tag| tag.to_text())
            .collect::<Vec<_>>(),
        ["t"]
    );
    assert!(tasks[1].file.ends_with("tasks/deep/last.yml"));
    assert!(tasks[1].scope.is_static());
}

#[test]
fn includes_are_brought_when_a_host_gets_there() {
    let (loader, playbook) = good(&[
        (
            "site.yml",
            "- hosts: all\n  tasks:\n    - include_tasks:\n        file: tasks/a.yml\n        apply: {become: true, tags: applied}\n      tags: own\n      when: c\n      vars: {v: 1}\n",
        ),
        ("tasks/a.yml", "- debug:\n- include_tasks: b.yml\n"),
        ("tasks/b.yml", "- name: B\n  debug:\n"),
    ]);
    let play = &playbook.plays[0];
    let include = all_tasks(&play.tasks).remove(0);
    let ActionKind::IncludeTasks(what) = &include.action.kind else {
        panic!()
    };
    assert_eq!(what.file.as_str(), Some("tasks/a.yml"));
    let extra = Dict::new().with("item", 7);
    let first = brought(
        &loader,
        loader.include_tasks(play, &include, "tasks/a.yml", &extra),
    );
    let task = all_tasks(&first.tasks).remove(0);
    // Keywords of the include itself stay with it, those of `apply` and its variables reach the tasks.
    assert!(task.scope.when().is_empty());
    assert_eq!(
        task.scope
            .tags()
            .iter()
            .map(|tag| tag.to_text())
            .collect::<Vec<_>>(),
        ["applied"]
    );
    assert_eq!(
        task.scope
            .effective(|keywords| &keywords.become_)
            .and_then(Value::as_bool),
        Some(true)
    );
    let vars: Vec<String> = task
        .scope
        .chain()
        .flat_map(|link| link.keywords.vars.keys())
        .map(|key| key.to_value().to_text())
        .collect();
    assert_eq!(vars, ["v", "item"]);
    assert!(task.avoidable && !task.scope.is_static());
    // A name in what was included is looked for beside it.
    let inner = all_tasks(&first.tasks).remove(1);
    let second = brought(
        &loader,
        loader.include_tasks(play, &inner, "b.yml", &Dict::new()),
    );
    assert!(second.file.unwrap().ends_with("tasks/b.yml"));
    assert_eq!(outline(&second.tasks), ["B"]);
}

#[test]
fn imported_playbooks_stand_in_their_place() {
    let (_, playbook) = good(&[
        (
            "site.yml",
            "- import_playbook: plays/a.yml\n  vars: {x: outer}\n  tags: t\n  when: c\n- hosts: last\n",
        ),
        (
            "plays/a.yml",
            "- hosts: first\n  vars: {x: inner, y: 1}\n  tasks: [{debug: }]\n  handlers: [{name: h, debug: }]\n",
        ),
    ]);
    assert_eq!(playbook.plays.len(), 2);
    let play = &playbook.plays[0];
    assert_eq!(
        play.scope.keywords.vars.get("x").unwrap().as_str(),
        Some("outer")
    );
    assert_eq!(play.gather_when.len(), 1);
    assert!(play.directory.ends_with("plays"));
    let task = all_tasks(&play.tasks).remove(0);
    assert_eq!(task.scope.when().len(), 1);
    assert_eq!(task.scope.tags().len(), 1);
    assert!(play.handlers[0].scope.when().is_empty());
    assert!(playbook.plays[1].gather_when.is_empty());
}

#[test]
fn handlers_in_blocks_and_imports_are_opened() {
    let (_, playbook) = good(&[
        (
            "site.yml",
            "- hosts: all\n  handlers:\n    - block:\n        - {name: A, debug: }\n      become: true\n    - import_tasks: h.yml\n",
        ),
        ("h.yml", "- {name: B, debug: , listen: [x]}\n"),
    ]);
    let play = &playbook.plays[0];
    let names: Vec<String> = play
        .handlers
        .iter()
        .map(|handler| handler.display_name(handler.written_name()))
        .collect();
    assert_eq!(names, ["A", "B"]);
    assert!(
        play.handlers[0]
            .scope
            .effective(|keywords| &keywords.become_)
            .is_some()
    );
    assert!(play.handlers.iter().all(|handler| handler.avoidable));
}

#[test]
fn numbers_ascend_in_the_order_of_loading() {
    let (_, play) = play("  tasks:\n    - debug:\n    - block: [{debug: }]\n    - debug:\n");
    let ids: Vec<_> = play
        .tasks
        .iter()
        .map(|entry| match entry {
            Entry::Task(task) => task.id,
            Entry::Block(block) => block.id,
            Entry::RoleEnd(_) => panic!(),
        })
        .collect();
    assert!(ids.is_sorted());
}
