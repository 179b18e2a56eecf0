//! What the loader says of wrong playbooks: every code once at least.

use crate::playbook::testing::{messages, task_faults, task_messages};

#[test]
fn discover() {
    let task_cases = [
        "    - cpoy: src=a\n",
        "    - debug: msg=x\n      whenn: y\n",
        "    - debug: msg=x\n      serial: 1\n",
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
        "    - debug: {_ansible_x: 1}\n",
        "    - meta: flush\n",
        "    - meta:\n",
        "    - meta: end_role\n",
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
        "    - rescue: [{debug: }]\n",
        "    - block: x\n",
        "    - block: [x]\n",
        "    - block: [{debug: }]\n      register: x\n",
        "    - ali_instance_facts:\n",
        "    - action: {msg: x}\n",
        "    - action: cpoy x\n",
        "    - action: debug\n      local_action: debug\n",
        "    - 5: x\n      debug:\n",
    ];
    for case in task_cases {
        println!("=== {case}{}", task_messages(case).join("\n"));
    }
    let fault_cases = [
        "    - debug: {mgs: x, verbosity: high}\n",
        "    - assert: {fail_msg: x}\n",
        "    - debug: hello\n",
        "    - debug:\n      become: maybe\n",
        "    - debug:\n      retries: 1.5\n",
        "    - debug:\n      tags: [[a]]\n",
        "    - debug: {msg: '{{ x | uper }}'}\n",
        "    - debug: {msg: '{{ x'}\n",
        "    - debug: {msg: '{{ lookup(\"fiel\", x) }}'}\n",
        "    - debug: {msg: '{{ x is difined }}'}\n",
        "    - debug:\n      when: x | uper\n",
        "    - assert: {that: 'a ==='}\n",
    ];
    for case in fault_cases {
        println!("=== {case}{}", task_faults(case).join("\n"));
    }
    let play_cases = [
        "",
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
    for case in play_cases {
        println!("=== {case}{}", messages(&[("site.yml", case), ("roles/web/tasks/main.yml", "- debug:\n")]).join("\n"));
    }
}
