//! `kplay graph`: what waits for what, and which facts are gathered.

use serde_json::Value;

use crate::support::TestEnvironment;

const HOSTS: &str = "web1 ansible_host=192.0.2.1\nweb2 ansible_host=192.0.2.2\n";

fn environment(playbook: &str) -> TestEnvironment {
    TestEnvironment::new()
        .write("hosts", HOSTS)
        .write("site.yml", playbook)
}

fn graph(environment: &TestEnvironment) -> Value {
    let text = environment
        .run(["graph", "site.yml", "-i", "hosts", "--format", "json"])
        .success()
        .stdout;
    serde_json::from_str(&text).unwrap()
}

/// The groups of facts that the first play gathers; nothing means all.
fn facts(environment: &TestEnvironment) -> Option<Vec<String>> {
    let graph = graph(environment);
    let step = &graph["plays"][0]["steps"][0];
    assert_eq!(step["name"], "Gathering Facts");
    let groups = step["facts"].as_array()?;
    Some(
        groups
            .iter()
            .map(|group| group.as_str().unwrap().to_owned())
            .collect(),
    )
}

fn facts_of(tasks: &str) -> Option<Vec<String>> {
    facts(&environment(&format!("- hosts: all\n  tasks:\n{tasks}")))
}

const PLAYBOOK: &str = "\
- name: Web servers
  hosts: all
  tasks:
    - name: Install
      apt: {name: nginx}
    - name: Configure
      copy: {content: 'for {{ ansible_facts.hostname }}', dest: /etc/site.conf}
      notify: Restart
    - name: Ask
      command: nginx -V
    - name: Tune
      command: sysctl -p
      vars: {kplay_effect: host}
  handlers:
    - name: Restart
      service: {name: nginx, state: restarted}
    - name: Never notified
      debug:
";

#[test]
fn every_wait_names_two_steps() {
    let environment = environment(PLAYBOOK);
    let drawn = environment
        .run(["graph", "site.yml", "-i", "hosts"])
        .success();
    insta::assert_snapshot!("graph_dot", drawn.stdout);
    let drawn = environment
        .run(["graph", "site.yml", "-i", "hosts", "--format", "mermaid"])
        .success();
    insta::assert_snapshot!("graph_mermaid", drawn.stdout);
    let drawn = environment
        .run(["graph", "site.yml", "-i", "hosts", "--format", "json"])
        .success();
    insta::assert_snapshot!("graph_json", drawn.stdout);
}

#[test]
fn one_host_waits_for_nobody() {
    let environment = environment(PLAYBOOK);
    let drawn = environment
        .run([
            "graph", "site.yml", "-i", "hosts", "-l", "web1", "--format", "json",
        ])
        .success();
    let graph: Value = serde_json::from_str(&drawn.stdout).unwrap();
    assert_eq!(graph["plays"][0]["waits"].as_array().unwrap().len(), 0);
    assert!(graph["plays"][0]["steps"].as_array().unwrap().len() > 4);
}

#[test]
fn hosts_of_one_machine_are_named() {
    let environment = TestEnvironment::new()
        .write(
            "hosts",
            "a ansible_host=192.0.2.1\nb ansible_host=192.0.2.1\nc ansible_host=192.0.2.2\n",
        )
        .write("site.yml", "- hosts: all\n  tasks:\n    - ping:\n");
    let graph = graph(&environment);
    assert_eq!(
        graph["plays"][0]["same_machine"],
        serde_json::json!([["a", "b"]])
    );
}

#[test]
fn a_playbook_with_a_mistake_is_not_drawn() {
    let refused = environment("- hosts: all\n  tasks:\n    - cpoy: {}\n")
        .run(["graph", "site.yml", "-i", "hosts"])
        .code(4);
    assert_eq!(refused.stdout, "");
}

#[test]
fn only_facts_that_a_name_can_reach_are_gathered() {
    let groups = |tasks: &str| facts_of(tasks).map(|groups| groups.join(" "));
    let is = |tasks: &str, expected: &str| {
        assert_eq!(groups(tasks).as_deref(), Some(expected), "{tasks}");
    };
    is("    - ping:\n", "");
    is(
        "    - debug: {msg: '{{ ansible_distribution }}'}\n",
        "distribution",
    );
    is(
        "    - debug: {var: ansible_facts.memtotal_mb}\n",
        "hardware",
    );
    is(
        "    - ping:\n      when: ansible_facts['os_family'] == 'Debian'\n",
        "distribution",
    );
    is(
        "    - debug: {msg: \"{{ ansible_eth0.mtu }} {{ ansible_user }}\"}\n",
        "network",
    );
    is(
        "    - debug: {msg: \"{{ x }}\"}\n      vars: {x: '{{ ansible_date_time.date }}'}\n",
        "date_time",
    );
    is(
        "    - debug: {msg: \"{{ lookup('vars', 'ansible_fqdn') }}\"}\n",
        "platform",
    );
    is(
        "    - debug: {msg: \"{{ vars['ansible_lsb'].id }}\"}\n",
        "lsb",
    );
    is(
        "    - debug: {msg: \"{{ item }}\"}\n      loop: '{{ ansible_mounts }}'\n",
        "hardware",
    );
    is(
        "    - debug: {msg: \"{{ ansible_facts.ansible_local.site }}\"}\n",
        "local",
    );
    is(
        "    - {name: \"{{ ansible_kernel }}\", ping: }\n",
        "platform",
    );
    is(
        "    - assert: {that: ansible_virtualization_type != 'lxc'}\n",
        "virtual",
    );
    is(
        "    - command: a\n      register: r\n      until: r.rc == ansible_processor_count\n",
        "hardware",
    );
    is(
        "    - command: a\n      environment: {A: '{{ ansible_env.HOME }}'}\n",
        "env",
    );
    is(
        "    - block:\n        - fail:\n      rescue:\n        - debug: {var: ansible_dns}\n",
        "dns",
    );
}

#[test]
fn in_doubt_all_facts_are_gathered() {
    for tasks in [
        "    - debug: {var: ansible_facts}\n",
        "    - debug: {msg: '{{ ansible_facts[x] }}'}\n",
        "    - debug: {msg: '{{ ansible_facts | length }}'}\n",
        "    - debug: {msg: '{{ vars[x] }}'}\n",
        "    - debug: {msg: '{{ hostvars.web2.ansible_fqdn }}'}\n",
        "    - debug: {msg: \"{{ groups.all | map('extract', hostvars) }}\"}\n",
        "    - debug: {msg: \"{{ lookup('vars', x) }}\"}\n",
        "    - debug: {msg: \"{{ query('varnames', 'ansible') }}\"}\n",
        "    - debug: {msg: \"{{ lookup(x, y) }}\"}\n",
        "    - debug: {msg: \"{{ lookup('template', 'a.j2') }}\"}\n",
        "    - include_tasks: '{{ x }}.yml'\n",
        "    - include_role: {name: '{{ x }}'}\n",
        "    - include_vars: '{{ x }}.yml'\n",
        "    - include_vars: {dir: x}\n",
        "    - template: {src: '{{ x }}.j2', dest: /x}\n",
        "    - template: {src: missing.j2, dest: /x}\n",
        "    - group_by: {key: a}\n",
        "    - meta: refresh_inventory\n",
        "    - action: '{{ x }}'\n",
    ] {
        assert_eq!(facts_of(tasks), None, "{tasks}");
    }
}

#[test]
fn whoever_says_what_to_gather_gets_that() {
    for keywords in [
        "  gather_subset: [hardware]\n",
        "  module_defaults: {setup: {gather_timeout: 5}}\n",
    ] {
        let text = format!("- hosts: all\n{keywords}  tasks:\n    - ping:\n");
        assert_eq!(facts(&environment(&text)), None, "{keywords}");
    }
    let verbose = environment("- hosts: all\n  tasks:\n    - ping:\n");
    let seen = verbose.run(["graph", "site.yml", "-i", "hosts", "--format", "json", "-v"]);
    let graph: Value = serde_json::from_str(&seen.success().stdout).unwrap();
    assert!(graph["plays"][0]["steps"][0]["facts"].is_null());
    let with = |name: &str, value: &str| {
        environment("- hosts: all\n  tasks:\n    - ping:\n").variable(name, value)
    };
    let other_output = with("ANSIBLE_STDOUT_CALLBACK", "json");
    assert_eq!(facts(&other_output), None);
    let cache = with("ANSIBLE_CACHE_PLUGIN", "jsonfile")
        .variable("ANSIBLE_CACHE_PLUGIN_CONNECTION", "facts");
    assert_eq!(facts(&cache), None);
}

#[test]
fn names_are_found_wherever_the_run_may_read_them() {
    let is = |environment: TestEnvironment, expected: &[&str]| {
        let expected = expected.iter().map(|group| (*group).to_owned()).collect();
        assert_eq!(facts(&environment), Some(expected));
    };
    let play = "- hosts: all\n  tasks:\n    - debug: {var: x}\n";
    is(
        environment(play).write("group_vars/all.yml", "x: '{{ ansible_fips }}'\n"),
        &["fips"],
    );
    is(
        environment(play).write("host_vars/web2.yml", "x: '{{ ansible_fips }}'\n"),
        &["fips"],
    );
    is(
        environment(&format!(
            "{play}- hosts: web1\n  gather_facts: false\n  tasks:\n    - debug: {{var: ansible_python}}\n"
        )),
        &["python"],
    );
    is(
        environment("- hosts: all\n  vars_files: [more.yml]\n  tasks:\n    - ping:\n")
            .write("more.yml", "x: '{{ ansible_selinux }}'\n"),
        &["selinux"],
    );
    is(
        environment("- hosts: all\n  tasks:\n    - include_vars: more.yml\n")
            .write("more.yml", "x: '{{ ansible_selinux }}'\n"),
        &["selinux"],
    );
    is(
        environment("- hosts: all\n  tasks:\n    - include_tasks: more.yml\n")
            .write("more.yml", "- debug: {var: ansible_loadavg}\n"),
        &["loadavg"],
    );
    is(
        environment("- hosts: all\n  tasks:\n    - include_role: {name: web}\n")
            .write(
                "roles/web/defaults/main.yml",
                "x: '{{ ansible_iscsi_iqn }}'\n",
            )
            .write(
                "roles/web/tasks/main.yml",
                "- template: {src: a.j2, dest: /a}\n",
            )
            .write(
                "roles/web/templates/a.j2",
                "{{ ansible_cmdline }}{% include 'b.j2' %}\n",
            )
            .write("roles/web/templates/b.j2", "{{ ansible_service_mgr }}\n"),
        &["cmdline", "iscsi", "service_mgr"],
    );
    is(
        environment(
            "- hosts: all\n  tasks: [{ping: , notify: h}]\n  handlers: [{name: h, debug: {var: ansible_apparmor}}]\n",
        ),
        &["apparmor"],
    );
    let extra = environment(play);
    let seen = extra.run([
        "graph",
        "site.yml",
        "-i",
        "hosts",
        "--format",
        "json",
        "-e",
        "{\"x\": \"{{ ansible_is_chroot }}\"}",
    ]);
    let graph: Value = serde_json::from_str(&seen.success().stdout).unwrap();
    assert_eq!(
        graph["plays"][0]["steps"][0]["facts"],
        serde_json::json!(["chroot"])
    );
}
