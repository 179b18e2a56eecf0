//! Which keywords hold for a task.

use crate::playbook::testing::{all_tasks, good, play};
use crate::value::Value;

#[test]
fn the_inner_overrides_and_lists_add_up() {
    let (_, play) = play(
        "  become: true
  become_user: outer
  environment: {A: 1}
  tags: [p]
  module_defaults: {debug: {msg: outer}}
  tasks:
    - block:
        - name: T
          debug:
          when: inner
          tags: 'x, y'
          environment: [{A: 2}, '{{ more }}']
          module_defaults: {debug: {msg: inner}}
      when: [outer]
      become_user: middle
      tags: b
",
    );
    let task = all_tasks(&play.tasks).remove(0);
    let scope = &task.scope;
    assert_eq!(
        scope
            .effective(|keywords| &keywords.become_user)
            .and_then(Value::as_str),
        Some("middle")
    );
    assert_eq!(
        scope
            .effective(|keywords| &keywords.become_)
            .and_then(Value::as_bool),
        Some(true)
    );
    assert_eq!(
        scope
            .inherited(|keywords| &keywords.become_user)
            .and_then(Value::as_str),
        Some("middle")
    );
    let shown = |values: Vec<&Value>| {
        values
            .iter()
            .map(|value| value.to_text())
            .collect::<Vec<_>>()
    };
    assert_eq!(shown(scope.when()), ["outer", "inner"]);
    assert_eq!(shown(scope.tags()), ["p", "b", "x", "y"]);
    assert_eq!(
        shown(scope.environment()),
        ["{'A': 1}", "{'A': 2}", "{{ more }}"]
    );
    let defaults = scope.defaults_for("ansible.builtin.debug", |_| false);
    assert_eq!(shown(defaults), ["{'msg': 'inner'}"]);
}

#[test]
fn groups_of_actions_have_defaults_too() {
    let (_, play) = play(
        "  module_defaults:
    group/k8s: {host: h}
    kubernetes.core.k8s: {state: present}
  tasks: [{debug: }]
",
    );
    let task = all_tasks(&play.tasks).remove(0);
    let contains =
        |group: &str| crate::playbook::names::group_contains(group, "kubernetes.core.k8s");
    let defaults = task.scope.defaults_for("kubernetes.core.k8s", contains);
    assert_eq!(defaults.len(), 2);
    assert!(
        task.scope
            .defaults_for("ansible.builtin.debug", |_| false)
            .is_empty()
    );
}

#[test]
fn a_role_gives_its_keywords_to_its_tasks() {
    let (_, playbook) = good(&[
        (
            "site.yml",
            "- hosts: all\n  collections: [community.general]\n  roles:\n    - {role: r, become: true, when: c, tags: t, p: 1}\n",
        ),
        ("roles/r/tasks/main.yml", "- debug:\n"),
    ]);
    let task = all_tasks(&playbook.plays[0].role_tasks).remove(0);
    assert_eq!(
        task.scope
            .effective(|keywords| &keywords.become_)
            .and_then(Value::as_bool),
        Some(true)
    );
    assert_eq!((task.scope.when().len(), task.scope.tags().len()), (1, 1));
    assert!(task.scope.collections().is_empty());
    assert_eq!(
        task.role().unwrap().parameters.get("p").unwrap().as_int(),
        Some(1)
    );
    assert!(task.avoidable);
}
