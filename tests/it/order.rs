//! Strict order where hosts could notice each other: what a host sees of the others does not depend on who came first.
//!
//! Each play runs in all orders with one host at work at a time, and side by side. Whether random plays end the same in all orders
//! is looked at in `random`; here are the cases that it is too coarse for, or that luck hides.

use crate::support::TestEnvironment;

/// Runs a play of three hosts in every order, expects the same each time, and returns what stands behind `msg`, sorted.
fn told(play: &str) -> Vec<String> {
    let mut first: Option<Vec<String>> = None;
    for order in ["strict", "ahead", "batched"] {
        for forks in ["1", "8"] {
            let output = TestEnvironment::new()
                .variable("KPLAY_ORDER", format!("{order},apart"))
                .write(
                    "hosts",
                    "h1 ansible_connection=local\nh2 ansible_connection=local\nh3 ansible_connection=local\n",
                )
                .write(
                    "site.yml",
                    &format!("- hosts: all\n  gather_facts: false\n{play}"),
                )
                .run(["-i", "hosts", "site.yml", "--forks", forks])
                .any();
            let lines = output.stdout.lines().map(str::trim);
            let mut told: Vec<String> = lines
                .filter_map(|line| line.strip_prefix("\"msg\": "))
                .map(|message| message.trim_matches('"').to_owned())
                .collect();
            // The results of one task come as they come.
            told.sort();
            match &first {
                None => first = Some(told),
                Some(first) => assert_eq!(*first, told, "{order}, {forks} at once"),
            }
        }
    }
    first.unwrap()
}

#[test]
fn hosts_that_fail_at_a_task_are_still_there_for_the_others_at_that_task() {
    let play = "
  tasks:
    - debug: {msg: '{{ inventory_hostname }} sees {{ ansible_play_hosts | length }}'}
      failed_when: inventory_hostname == 'h1'
    - debug: {msg: '{{ inventory_hostname }} sees {{ ansible_play_batch | length }}'}
";
    let expected = [
        "h1 sees 3",
        "h2 sees 2",
        "h2 sees 3",
        "h3 sees 2",
        "h3 sees 3",
    ];
    assert_eq!(told(play), expected);
}

#[test]
fn what_a_task_sets_is_not_seen_by_others_at_that_task() {
    let play = "
  vars: {seen: '{{ hostvars.h1.x | default(1) }}'}
  tasks:
    - set_fact: {x: '{{ seen | int + 1 }}'}
    - debug: {msg: '{{ x }}'}
";
    assert_eq!(told(play), ["2", "2", "2"]);
}

#[test]
fn nobody_goes_on_behind_a_task_that_fails_for_all() {
    for keyword in ["any_errors_fatal: true", "max_fail_percentage: 0"] {
        let play = format!(
            "  {keyword}
  tasks:
    - block:
        - fail: {{msg: no}}
          when: inventory_hostname == 'h1'
        - debug: {{msg: never}}
"
        );
        assert_eq!(told(&play), Vec::<String>::new(), "{keyword}");
    }
}

#[test]
fn keywords_that_name_other_hosts_wait_for_them() {
    let play = "
  tasks:
    - command: sleep 0.3
      when: inventory_hostname == 'h1'
      vars: {kplay_effect: host}
      register: slept
    - debug: {msg: '{{ inventory_hostname }}'}
      changed_when: true
      failed_when: true
      ignore_errors: '{{ hostvars.h1.slept is defined }}'
      notify: 'told {{ hostvars.h1.slept.rc }}'
    - command: 'true'
      notify: 'told {{ hostvars.h1.slept.rc }}'
  handlers:
    - name: told 0
      debug: {msg: handled}
";
    let hosts = ["h1", "h2", "h3"];
    let handled = ["handled"; 3];
    assert_eq!(told(play), [hosts, handled].concat());
}

#[test]
fn what_was_seen_too_early_does_not_count() {
    for ending in ["", "; exit 1"] {
        let play = PLAY_WITH_A_LATE_CHANGE.replace("; END", ending);
        let expected = [
            "h1 False False",
            "h1 True",
            "h2 False False",
            "h2 True",
            "h3 False False",
            "h3 True",
        ];
        assert_eq!(told(&play), expected, "{ending}");
    }
}

const PLAY_WITH_A_LATE_CHANGE: &str = "
  vars: {shared: '{{ playbook_dir }}/shared', mine: '{{ playbook_dir }}/{{ inventory_hostname }}.copy'}
  tasks:
    - copy: {content: x, dest: '{{ mine }}'}
    - copy: {content: x, dest: '{{ shared }}.old'}
      run_once: true
    - command: sh -c 'sleep 0.3; echo x > {{ shared }}; echo y > {{ shared }}.old; END'
      when: inventory_hostname == 'h3'
      changed_when: false
      failed_when: false
      vars: {kplay_effect: host}
    # Too early there is no such file, and the task fails.
    - lineinfile: {path: '{{ shared }}', line: x}
      vars: {kplay_effect: shows}
      ignore_errors: true
      register: shown
    - debug: {msg: '{{ inventory_hostname }} {{ shown.failed }} {{ shown.changed }}'}
    # Too early there is nothing to do.
    - copy: {src: '{{ shared }}.old', dest: '{{ mine }}', remote_src: true}
      vars: {kplay_effect: shows}
      register: shown
    - debug: {msg: '{{ inventory_hostname }} {{ shown.changed }}'}
";

#[test]
fn a_group_that_hosts_make_has_them_in_the_order_of_the_play() {
    let play = "
  tasks:
    - command: sleep 0.3
      when: inventory_hostname == 'h1'
    - group_by: {key: made}
    - debug: {msg: \"{{ groups.made | join(' ') }}\"}
";
    assert_eq!(told(play), ["h1 h2 h3"; 3]);
}

#[test]
fn what_is_included_comes_in_the_order_of_the_hosts_whoever_asks_first() {
    let output = TestEnvironment::new()
        .write(
            "hosts",
            "h1 ansible_connection=local wanted=a,b\nh2 ansible_connection=local wanted=c,b\n",
        )
        .write(
            "one.yml",
            "- debug: {msg: '{{ inventory_hostname }} has {{ item }}'}\n",
        )
        .write(
            "site.yml",
            "
- hosts: all
  gather_facts: false
  tasks:
    - command: sleep 0.5
      when: inventory_hostname == 'h1'
    - include_tasks: one.yml
      loop: \"{{ wanted.split(',') }}\"
",
        )
        .run(["-i", "hosts", "site.yml"])
        .success();
    let lines = output.stdout.lines().map(str::trim);
    let told: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("\"msg\": "))
        .map(|message| message.trim_matches('"'))
        .collect();
    let (both, rest) = (&mut told[1..3].to_vec(), [told[0], told[3]]);
    both.sort_unstable();
    assert_eq!(rest, ["h1 has a", "h2 has c"]);
    assert_eq!(*both, ["h1 has b", "h2 has b"]);
}
