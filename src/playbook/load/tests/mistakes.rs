//! What the loader says of wrong playbooks: every code once at least. The snapshots are what a user reads, without colours.

use crate::playbook::testing::{messages, task_faults, task_messages};

/// Returns each text with what is said of it.
fn report(cases: &[&str], say: impl Fn(&str) -> Vec<String>) -> String {
    let told = |case: &&str| format!("{case}{}\n", say(case).join("\n"));
    cases.iter().map(told).collect::<Vec<_>>().join("\n")
}

#[test]
fn actions() {
    let cases = [
        "    - cpoy: src=a\n",
        "    - debug: msg=x\n      copy: src=a\n",
        "    - name: nothing\n",
        "    - ansible.builtin.debgu:\n",
        "    - nobody.nowhere.thing:\n",
        "    - debug\n",
        "    - [debug]\n",
        "    - debug: 5\n",
        "    - debug: [a]\n",
        "    - debug: msg='a\n",
        "    - debug:\n      args: [1]\n",
        "    - debug: {_ansible_x: 1}\n",
        "    - ali_instance_facts:\n",
        "    - action: {msg: x}\n",
        "    - action: debug\n      local_action: debug\n",
    ];
    insta::assert_snapshot!(report(&cases, task_messages));
}

#[test]
fn keywords() {
    let cases = [
        "    - debug: msg=x\n      whenn: y\n",
        "    - debug: msg=x\n      serial: 1\n",
        "    - debug:\n      when: '{{ x }}'\n",
        "    - debug:\n      tags: {a: 1}\n",
        "    - debug:\n      vars: [a]\n",
        "    - debug:\n      vars: {bad-name: 1, 5: x}\n",
        "    - debug:\n      register: bad name\n",
        "    - debug:\n      loop: [1]\n      with_items: [2]\n",
        "    - debug:\n      with_itmes: [2]\n",
        "    - debug:\n      with_items:\n",
        "    - debug:\n      loop: [1]\n      loop_control: {loopvar: x}\n",
        "    - debug:\n      loop_control: x\n",
        "    - debug:\n      become_user: [a]\n",
        "    - debug:\n      listen: x\n",
        "    - debug:\n      module_defaults: {nonsense: {}, group/none: {}}\n",
        "    - debug:\n      environment: 5\n",
        "    - debug:\n      collections: [5]\n",
        "    - 5: x\n      debug:\n",
    ];
    insta::assert_snapshot!(report(&cases, task_messages));
}

#[test]
fn effects() {
    let cases = [
        "    - debug:\n      vars: {kplay_effect: hots}\n",
        "    - debug:\n      vars: {kplay_effect: nothing at all}\n",
        "    - debug:\n      vars: {kplay_effect: '{{ x }}'}\n",
        "    - debug:\n      vars: {kplay_effect: [host]}\n",
        "    - block: [{debug: }]\n      vars: {kplay_effect: wrold}\n",
        "    - debug:\n      vars: {kplay_effect: world}\n",
    ];
    insta::assert_snapshot!(report(&cases, task_messages));
}

#[test]
fn blocks() {
    let cases = [
        "    - rescue: [{debug: }]\n",
        "    - block: x\n",
        "    - block: [x]\n",
        "    - block: [{debug: }]\n      register: x\n",
    ];
    insta::assert_snapshot!(report(&cases, task_messages));
}

#[test]
fn meta() {
    let cases = [
        "    - meta: flush\n",
        "    - meta:\n",
        "    - meta: end_role\n",
    ];
    insta::assert_snapshot!(report(&cases, task_messages));
}

#[test]
fn imports_and_includes() {
    let cases = [
        "    - import_tasks: none.yml\n",
        "    - import_tasks: '{{ host_fact }}.yml'\n",
        "    - import_tasks: x.yml\n      loop: [1]\n",
        "    - import_tasks: {fil: x.yml}\n",
        "    - include_tasks: x.yml\n      become: true\n",
        "    - include_tasks: {file: x.yml, aply: {}}\n",
        "    - include_tasks:\n",
        "    - include_role: {tasks_from: x}\n",
        "    - include_role: {name: x, tasks_form: y}\n",
        "    - import_role: {name: none}\n",
        "    - import_role: {name: x, apply: {tags: a}}\n",
        "    - import_playbook: x.yml\n",
        "    - include: x.yml\n",
    ];
    insta::assert_snapshot!(report(&cases, task_messages));
}

/// What Ansible finds only on the host that gets there.
#[test]
fn faults() {
    let cases = [
        "    - debug: {mgs: x, verbosity: high}\n",
        "    - assert: {fail_msg: x}\n",
        "    - debug: hello\n",
        "    - debug:\n      become: maybe\n",
        "    - debug:\n      retries: 1.5\n",
        "    - debug:\n      tags: [[a]]\n",
        "    - debug: {msg: '{{ x | uper }}'}\n",
        "    - debug: {msg: '{{ lookup(\"fiel\", x) }}'}\n",
        "    - debug: {msg: '{{ x is difined }}'}\n",
        "    - debug:\n      when: x | uper\n",
        "    - action: cpoy x\n",
    ];
    insta::assert_snapshot!(report(&cases, task_faults));
}

#[test]
fn plays() {
    let cases = [
        "# nothing\n",
        "[]\n",
        "hosts: all\n",
        "- 5\n",
        "- hosts:\n",
        "- hosts: ''\n",
        "- hosts: [1]\n",
        "- tasks: [{debug: }]\n",
        "- debug: x\n",
        "- hosts: all\n  task: []\n",
        "- hosts: all\n  tasks: {debug: x}\n",
        "- hosts: all\n  serial: many\n  strategy: liner\n  order: up\n  gather_facts: maybe\n  max_fail_percentage: x\n",
        "- hosts: all\n  user: a\n  remote_user: b\n",
        "- hosts: all\n  roles: web\n",
        "- hosts: all\n  roles: [web, {tags: x}, [a], 'a,b', {role: none, whne: x}]\n",
        "- hosts: all\n  vars_prompt: [{prompt: x}, {name: a, privat: no}, x]\n",
        "- hosts: all\n  handlers: [{name: a, debug: }, {name: a, debug: }, {block: [{block: []}]}]\n",
        "- hosts: all\n  when: x\n",
        "- import_playbook: none.yml\n",
        "- import_playbook: site.yml\n",
        "- import_playbook: x.yml\n  ansible.builtin.import_playbook: y.yml\n  tasks: []\n",
        "- include: x.yml\n",
    ];
    let web = ("roles/web/tasks/main.yml", "- debug:\n");
    insta::assert_snapshot!(report(&cases, |case| messages(&[("site.yml", case), web])));
}

#[test]
fn roles_and_their_files() {
    let files = [
        ("roles/a/meta/main.yml", "dependencies: [b]\nextra: 1\n"),
        (
            "roles/b/meta/main.yml",
            "dependencies: [{role: a}, {when: x}]\n",
        ),
        ("roles/b/tasks/main.yml", "debug: x\n"),
        ("roles/c/vars/main.yml", "[1]\n"),
        (
            "roles/c/tasks/main.yml",
            "- import_role: {name: c}\n- import_tasks: two.yml\n",
        ),
        ("roles/c/tasks/two.yml", "- import_tasks: two.yml\n"),
        ("roles/c/tasks/empty.yml", "# nothing\n"),
        ("roles/d/meta/main.yml", "- x\n"),
        ("roles/d/defaults/main.yml", "port: 80\n"),
        ("roles/d/handlers/main.yml", "- include_role: {name: a}\n"),
    ];
    let cases = [
        "- hosts: all\n  roles: [a]\n",
        "- hosts: all\n  roles: [c]\n",
        "- hosts: all\n  roles: [{role: d, prot: 80, whne: x, ports: 1}]\n",
        "- hosts: all\n  roles: [dd, no.such.role]\n",
        "- hosts: all\n  tasks:\n    - import_role: {name: c, tasks_from: tow}\n",
        "- hosts: all\n  tasks:\n    - import_role: {name: c, tasks_from: empty}\n    - import_tasks: roles/c/tasks/empty.yml\n",
    ];
    insta::assert_snapshot!(report(&cases, |case| {
        let mut all = files.to_vec();
        all.push(("site.yml", case));
        messages(&all)
    }));
}

#[test]
fn files_that_cannot_be_read() {
    assert_eq!(
        messages(&[]),
        ["error[file-not-found]: there is no playbook `site.yml`"]
    );
    let yaml = messages(&[("site.yml", "- hosts: [\n")]);
    assert!(yaml[0].starts_with("error[yaml"), "{yaml:?}");
    let inside = messages(&[
        (
            "site.yml",
            "- hosts: all\n  tasks:\n    - import_tasks: x.yml\n",
        ),
        ("x.yml", "- a: b: c\n"),
    ]);
    assert!(inside[0].contains("x.yml:1"), "{inside:?}");
}

#[test]
fn templates_that_cannot_be_read() {
    for (task, place) in [
        ("    - debug: {msg: '{{ x'}\n", "site.yml:3:"),
        ("    - assert: {that: 'a ==='}\n", "site.yml:3:27"),
        ("    - debug:\n      loop: '{{ | }}'\n", "site.yml:4:"),
    ] {
        let faults = task_faults(task);
        assert!(
            faults.len() == 1
                && faults[0].starts_with("error[template-syntax]")
                && faults[0].contains(place),
            "{faults:?}"
        );
    }
}
