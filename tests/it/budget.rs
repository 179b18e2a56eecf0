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

    /// Runs a play without facts and returns what it cost each host. No host may have got or sent more bytes than `most`.
    fn cost(&self, tasks: &str, most: [u64; 2]) -> String {
        self.cost_of(
            &format!("- hosts: all\n  gather_facts: false\n{tasks}"),
            most,
        )
    }

    fn cost_of(&self, playbook: &str, most: [u64; 2]) -> String {
        fs::write(self.environment.path("site.yml"), playbook).unwrap();
        let finished = self.environment.run(["site.yml", "-i", "hosts"]);
        drop(finished.success());
        let text = fs::read_to_string(self.environment.path("traffic.json")).unwrap();
        let traffic: Value = serde_json::from_str(&text).unwrap();
        let line = |number: usize| {
            let counts = &traffic[format!("h{number}")];
            let count = |name: &str| counts[name].as_u64().unwrap();
            for (name, most) in ["bytes_out", "bytes_in"].into_iter().zip(most) {
                assert!(count(name) <= most, "{name} of h{number}: {}", count(name));
            }
            format!(
                "{} round trips, {} frames out, {} in",
                count("round_trips"),
                count("frames_out"),
                count("frames_in"),
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
    assert_eq!(
        Site::new(1).cost(tasks, [4096, 4096]),
        "1 round trips, 2 frames out, 9 in"
    );
}

#[test]
fn adjacent_world_tasks_cost_a_round_trip_for_each_barrier() {
    let tasks = "
  tasks:
    - command: echo 1
    - command: echo 2
    - command: echo 3
";
    assert_eq!(
        Site::new(2).cost(tasks, [1024, 2048]),
        "3 round trips, 4 frames out, 7 in"
    );
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
    assert_eq!(
        Site::new(2).cost(ONE_WORLD_TASK, [2048, 8192]),
        "3 round trips, 4 frames out, 9 in"
    );
}

#[test]
fn a_world_task_that_is_narrowed_costs_nothing() {
    let narrowed = ONE_WORLD_TASK.replace(
        "command: echo 1\n",
        "command: echo 1\n      vars: {kplay_effect: host}\n",
    );
    assert_eq!(
        Site::new(2).cost(&narrowed, [2048, 8192]),
        "1 round trips, 2 frames out, 7 in"
    );
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
    site.cost(tasks, [u64::MAX; 2]);
    assert_eq!(
        site.cost(tasks, [2048, 2048]),
        "1 round trips, 2 frames out, 5 in"
    );
}

#[test]
fn steps_that_show_look_ahead_while_nothing_changes() {
    let tasks = "
  vars: {here: '{{ playbook_dir }}/{{ inventory_hostname }}'}
  tasks:
    - copy: {content: a, dest: '{{ here }}/f'}
    - copy: {content: b, dest: '{{ here }}/g'}
      vars: {kplay_effect: shows}
      register: shown
    - debug: {msg: '{{ shown.changed }}'}
    - copy: {content: c, dest: '{{ here }}/h'}
      vars: {kplay_effect: shows}
    - copy: {content: '{{ shown.dest }}', dest: '{{ here }}/i'}
";
    let site = Site::new(2);
    site.cost(tasks, [u64::MAX; 2]);
    assert_eq!(
        site.cost(tasks, [4096, 4096]),
        "1 round trips, 2 frames out, 7 in"
    );
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
    assert_eq!(
        site.cost(tasks, [32_768, 131_072]),
        "1 round trips, 2 frames out, 44 in"
    );
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
    assert_eq!(
        site.cost(small, [2048, 2048]),
        "3 round trips, 4 frames out, 6 in"
    );
    let tree = "
  tasks:
    - copy: {src: tree/, dest: '{{ playbook_dir }}/h1/tree'}
";
    assert_eq!(
        site.cost(tree, [1024, 1024]),
        "3 round trips, 4 frames out, 5 in"
    );
    let large = "
  tasks:
    - copy: {src: large, dest: '{{ playbook_dir }}/h1/large'}
";
    assert_eq!(
        site.cost(large, [4_194_304, 2048]),
        "2 round trips, 7 frames out, 4 in"
    );
    assert_eq!(
        site.cost(large, [1024, 2048]),
        "1 round trips, 2 frames out, 3 in"
    );
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
    assert_eq!(
        site.cost(tasks, [2048, 8192]),
        "1 round trips, 2 frames out, 6 in"
    );
}

const RESCUED: &str = "
  tasks:
    - block:
        - command: echo 1
        - command: 'false'
          name: Failing
        - debug: {msg: never}
      rescue:
        - debug: {msg: '{{ ansible_failed_task.name }} {{ ansible_failed_result.rc }}'}
        - command: echo 2
      always:
        - command: echo 3
    - command: 'false'
      ignore_errors: true
    - command: echo 4
";

#[test]
fn a_failure_goes_on_to_its_rescue_in_the_batch() {
    assert_eq!(
        Site::new(1).cost(RESCUED, [4096, 4096]),
        "1 round trips, 2 frames out, 9 in"
    );
}

#[test]
fn a_failure_that_others_share_ends_its_batch() {
    assert_eq!(
        Site::new(1).cost(
            &format!("  any_errors_fatal: true\n{RESCUED}"),
            [4096, 4096]
        ),
        "2 round trips, 3 frames out, 10 in"
    );
}

#[test]
fn always_sections_go_along_on_the_way_out() {
    let tasks = "
  tasks:
    - block:
        - block:
            - command: 'false'
          always:
            - command: echo 1
        - debug: {msg: never}
      rescue:
        - set_fact: {saved: '{{ ansible_failed_result.rc }}'}
      always:
        - command: echo 2
    - assert: {that: saved == 1}
";
    assert_eq!(
        Site::new(1).cost(tasks, [4096, 4096]),
        "1 round trips, 2 frames out, 7 in"
    );
}

#[test]
fn hosts_that_fail_need_no_more_round_trips_than_those_that_do_not() {
    let tasks = "
  tasks:
    - block:
        - stat: {path: /}
        - fail: {msg: not here}
          when: inventory_hostname == 'h1'
      rescue:
        - stat: {path: '{{ ansible_failed_result.msg }}'}
    - stat: {path: /}
";
    assert_eq!(
        Site::new(2).cost(tasks, [4096, 4096]),
        "1 round trips, 2 frames out, 6 in\n1 round trips, 2 frames out, 5 in"
    );
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
    assert_eq!(
        site.cost(tasks, [1024, 4096]),
        "2 round trips, 3 frames out, 6 in"
    );
    assert_eq!(
        site.cost(tasks, [1024, 2048]),
        "1 round trips, 2 frames out, 4 in"
    );
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
    assert_eq!(
        Site::new(1).cost_of(playbook, [2048, 4096]),
        "1 round trips, 2 frames out, 5 in"
    );
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
    assert_eq!(
        site.cost(tasks, [2048, 4096]),
        "2 round trips, 3 frames out, 9 in"
    );
}
