//! What a run costs on the wire: round trips and frames are exact numbers, and bytes have a limit, since paths and times are part of
//! them. Time is not pinned.
//!
//! Hosts are workers on this machine that count as machines of their own (`KPLAY_ORDER=apart`). Over SSH the numbers are the same
//! with a worker that is cached; one more round trip where it has to be sent.

use std::fs;

use serde_json::Value;

use crate::support::TestEnvironment;

struct Site {
    environment: TestEnvironment,
    hosts: usize,
}

impl Site {
    fn new(hosts: usize) -> Self {
        let inventory: String = (1..=hosts)
            .map(|number| format!("h{number} ansible_connection=local\n"))
            .collect();
        let environment = TestEnvironment::new()
            .variable("KPLAY_ORDER", "apart")
            .variable("KPLAY_TRAFFIC", "traffic.json")
            .write("hosts", &inventory);
        let mut site = Self { environment, hosts };
        for number in 1..=hosts {
            site = site.write(&format!("h{number}/mark"), "");
        }
        site
    }

    fn write(self, name: &str, text: &str) -> Self {
        Self {
            environment: self.environment.write(name, text),
            ..self
        }
    }

    /// Runs a play without facts and returns what it cost each host: round trips, frames out and in, kilobytes out and in, rounded
    /// up to the next power of two.
    fn cost(&self, tasks: &str) -> String {
        self.cost_of(&format!("- hosts: all\n  gather_facts: false\n{tasks}"))
    }

    fn cost_of(&self, playbook: &str) -> String {
        fs::write(self.environment.path("site.yml"), playbook).unwrap();
        let finished = self.environment.run(["site.yml", "-i", "hosts"]);
        drop(finished.success());
        let text = fs::read_to_string(self.environment.path("traffic.json")).unwrap();
        let traffic: Value = serde_json::from_str(&text).unwrap();
        let line = |number: usize| {
            let counts = &traffic[format!("h{number}")];
            let count = |name: &str| counts[name].as_u64().unwrap();
            let limit = |name: &str| count(name).next_power_of_two();
            format!(
                "{} round trips, out {} frames below {}, in {} below {}",
                count("round_trips"),
                count("frames_out"),
                limit("bytes_out"),
                count("frames_in"),
                limit("bytes_in"),
            )
        };
        let mut lines: Vec<String> = (1..=self.hosts).map(line).collect();
        lines.dedup();
        lines.join("\n")
    }
}

#[test]
fn a_whole_play_of_one_host_is_one_round_trip() {
    let tasks = "
  vars: {port: 80}
  tasks:
    - command: echo {{ port }}
      register: told
    - set_fact: {next: '{{ told.stdout | int + 1 }}'}
    - assert: {that: next == 81}
    - copy: {content: 'port {{ next }}', dest: '{{ playbook_dir }}/h1/f'}
      when: told.rc == 0
    - lineinfile: {path: '{{ playbook_dir }}/h1/f', line: more}
    - command: cat {{ playbook_dir }}/h1/f
      changed_when: false
      until: true
    - debug: {msg: done}
";
    insta::assert_snapshot!(Site::new(1).cost(tasks), @"1 round trips, out 2 frames below 2048, in 9 below 2048");
}

#[test]
fn adjacent_world_tasks_cost_a_round_trip_for_each_barrier() {
    let tasks = "
  tasks:
    - command: echo 1
    - command: echo 2
    - command: echo 3
";
    insta::assert_snapshot!(Site::new(2).cost(tasks), @"3 round trips, out 4 frames below 512, in 7 below 1024");
}

const ONE_WORLD_TASK: &str = "
  tasks:
    - stat: {path: '{{ playbook_dir }}/{{ inventory_hostname }}'}
    - stat: {path: /}
    - command: echo 1
    - stat: {path: '{{ playbook_dir }}/{{ inventory_hostname }}'}
    - stat: {path: /}
";

#[test]
fn a_world_task_that_stands_alone_costs_two() {
    insta::assert_snapshot!(Site::new(2).cost(ONE_WORLD_TASK), @"3 round trips, out 4 frames below 1024, in 9 below 4096");
}

#[test]
fn a_world_task_that_is_narrowed_costs_nothing() {
    let narrowed = ONE_WORLD_TASK.replace(
        "command: echo 1\n",
        "command: echo 1\n      vars: {kplay_effect: host}\n",
    );
    insta::assert_snapshot!(Site::new(2).cost(&narrowed), @"1 round trips, out 2 frames below 1024, in 7 below 4096");
}

#[test]
fn hosts_that_are_converged_do_not_wait_for_each_other() {
    let tasks = "
  tasks:
    - copy: {content: '{{ inventory_hostname }}', dest: '{{ playbook_dir }}/{{ inventory_hostname }}/f'}
    - file: {path: '{{ playbook_dir }}/{{ inventory_hostname }}/d', state: directory}
    - lineinfile: {path: '{{ playbook_dir }}/{{ inventory_hostname }}/f', line: more}
      check_mode: true
      changed_when: false
";
    let site = Site::new(2);
    drop(site.cost(tasks));
    insta::assert_snapshot!(site.cost(tasks), @"1 round trips, out 2 frames below 1024, in 5 below 1024");
}

#[test]
fn loops_and_templates_travel_whole() {
    let site = Site::new(1).write(
        "t.j2",
        "{% for n in range(item) %}{{ n }} {{ word }}\n{% endfor %}",
    );
    let tasks = "
  vars: {word: '{{ first }} two', first: one}
  tasks:
    - template: {src: t.j2, dest: '{{ playbook_dir }}/h1/t{{ item }}'}
      loop: '{{ range(20) | list }}'
      register: written
    - file: {path: '{{ item.dest }}', mode: '0600'}
      loop: '{{ written.results }}'
      loop_control: {label: '{{ item.dest | basename }}'}
";
    insta::assert_snapshot!(site.cost(tasks), @"");
}

#[test]
fn files_go_along_or_are_asked_for() {
    let site = Site::new(1)
        .write("small", "few words\n")
        .write("tree/a", "a\n")
        .write("tree/b/c", "c\n")
        .write("large", &"x".repeat(1 << 20));
    let small = "
  tasks:
    - copy: {src: small, dest: '{{ playbook_dir }}/h1/small'}
    - copy: {src: small, dest: '{{ playbook_dir }}/h1/again'}
";
    insta::assert_snapshot!(site.cost(small), @"3 round trips, out 4 frames below 1024, in 6 below 1024");
    let tree = "
  tasks:
    - copy: {src: tree/, dest: '{{ playbook_dir }}/h1/tree'}
";
    insta::assert_snapshot!(site.cost(tree), @"");
    let large = "
  tasks:
    - copy: {src: large, dest: '{{ playbook_dir }}/h1/large'}
";
    insta::assert_snapshot!(site.cost(large), @"");
    insta::assert_snapshot!(site.cost(large), @"");
}

#[test]
fn users_may_alternate() {
    let mut site = Site::new(1);
    site.environment = site.environment.program(
        "sudo",
        "while [ $# -gt 0 ]; do case $1 in -u) shift 2 ;; --) shift; break ;; *) shift ;; esac; done\nexec \"$@\"",
    );
    let tasks = "
  vars: {ansible_become_exe: '{{ playbook_dir }}/sudo'}
  tasks:
    - copy: {content: a, dest: '{{ playbook_dir }}/h1/a'}
    - copy: {content: b, dest: '{{ playbook_dir }}/h1/b'}
      become: true
    - stat: {path: '{{ playbook_dir }}/h1/a'}
    - stat: {path: '{{ playbook_dir }}/h1/b'}
      become: true
";
    insta::assert_snapshot!(site.cost(tasks), @"1 round trips, out 2 frames below 1024, in 6 below 4096");
}

#[test]
fn a_failure_ends_its_batch() {
    let tasks = "
  tasks:
    - block:
        - command: echo 1
        - command: 'false'
        - debug: {msg: never}
      rescue:
        - debug: {msg: '{{ ansible_failed_task.name }}'}
        - command: echo 2
      always:
        - command: echo 3
    - command: 'false'
      ignore_errors: true
    - command: echo 4
";
    insta::assert_snapshot!(Site::new(1).cost(tasks), @"2 round trips, out 3 frames below 2048, in 10 below 2048");
}

#[test]
fn handlers_cost_one_round_trip_where_they_run() {
    let tasks = "
  tasks:
    - copy: {content: a, dest: '{{ playbook_dir }}/h1/a'}
      notify: Tell
    - stat: {path: /}
  handlers:
    - name: Tell
      command: echo changed
    - name: Other
      command: echo other
";
    let site = Site::new(1);
    insta::assert_snapshot!(site.cost(tasks), @"2 round trips, out 3 frames below 512, in 6 below 2048");
    insta::assert_snapshot!(site.cost(tasks), @"");
}

#[test]
fn facts_come_with_the_first_batch() {
    let playbook = "
- hosts: all
  tasks:
    - copy: {content: '{{ ansible_facts.kernel }}', dest: '{{ playbook_dir }}/{{ inventory_hostname }}/f'}
    - stat: {path: /}
      when: ansible_facts.system == 'Linux'
";
    insta::assert_snapshot!(Site::new(1).cost_of(playbook), @"1 round trips, out 2 frames below 1024, in 5 below 2048");
}

#[test]
fn what_is_included_is_a_batch_of_its_own() {
    let site = Site::new(1).write("more.yml", "- command: echo 1\n- command: echo 2\n");
    let tasks = "
  tasks:
    - command: echo 0
    - include_tasks: more.yml
    - command: echo 3
    - import_tasks: more.yml
";
    insta::assert_snapshot!(site.cost(tasks), @"2 round trips, out 3 frames below 1024, in 9 below 2048");
}
