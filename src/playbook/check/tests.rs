//! Which findings end the run, and which are warnings.

use crate::playbook::check::{Reach, exit_code};
use crate::playbook::tags::TagSelection;
use crate::playbook::testing::{load, texts};

/// Returns the findings of `site.yml` among these files.
fn findings(files: &[(&str, &str)], tags: &TagSelection, has_hosts: bool) -> Vec<String> {
    let (loader, loaded) = load(files);
    assert!(
        !loaded.has_errors(),
        "{:?}",
        texts(&loader, &loaded.diagnostics)
    );
    let playbook = loaded.item.unwrap();
    let reach = Reach {
        hosts: &|_| has_hosts,
        tags,
    };
    texts(&loader, &loader.findings(&playbook, &reach))
}

fn of_tasks(tasks: &str) -> Vec<String> {
    findings(
        &[("site.yml", &format!("- hosts: all\n  tasks:\n{tasks}"))],
        &TagSelection::default(),
        true,
    )
}

#[test]
fn what_must_fail_is_an_error() {
    for task in [
        "debug: {mgs: x}",
        "community.general.nmcli: {conn_name: x}",
        "debug: {msg: '{{ x | uper }}'}",
        "debug: {msg: x}\n      when: x | uper",
    ] {
        let found = of_tasks(&format!("    - {task}\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("error["), "{found:?}");
    }
}

#[test]
fn a_condition_that_cannot_be_read_fails_unless_that_is_ignored() {
    let first = of_tasks("    - debug:\n      when: x ===\n");
    assert!(first[0].starts_with("error["), "{first:?}");
    for around in ["when: [x, y ===]", "when: x ===\n      ignore_errors: true"] {
        let later = of_tasks(&format!("    - debug:\n      {around}\n"));
        assert!(later[0].starts_with("warning["), "{later:?}");
    }
}

#[test]
fn what_only_the_run_can_tell_is_let_pass() {
    let found = of_tasks(
        "    - debug: {msg: 'text with {{ x }} in it', verbosity: '{{ v }}'}
    - debug: {var: x.y}
    - assert: {that: [a is defined, '{{ b }}'], msg: 'free text'}
    - add_host: {name: '{{ item }}', groups: all}
    - debug: '{{ options }}'
    - assert:
      args: '{{ options }}'
    - assert:
      module_defaults: {assert: {that: true}}
",
    );
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn what_may_not_be_reached_is_a_warning() {
    for around in [
        "when: x",
        "ignore_errors: true",
        "loop: '{{ x }}'",
        "failed_when: false",
    ] {
        let found = of_tasks(&format!("    - debug: {{mgs: x}}\n      {around}\n"));
        assert!(
            found.len() == 1 && found[0].starts_with("warning["),
            "{around}: {found:?}"
        );
    }
    let found = of_tasks("    - block: [{community.general.nmcli: }]\n      rescue: [{debug: }]\n");
    assert!(
        found.len() == 1 && found[0].starts_with("warning[unsupported-module]"),
        "{found:?}"
    );
    let handler = [(
        "site.yml",
        "- hosts: all\n  handlers: [{name: h, community.general.nmcli: }]\n",
    )];
    let found = findings(&handler, &TagSelection::default(), true);
    assert!(found[0].starts_with("warning["), "{found:?}");
}

#[test]
fn tags_and_hosts_count() {
    let files = [(
        "site.yml",
        "- hosts: all\n  tasks:\n    - debug: {mgs: x}\n      tags: t\n    - debug: {mgs: y}\n      tags: [never]\n",
    )];
    let count = |tags: &TagSelection, hosts: bool| {
        let found = findings(&files, tags, hosts);
        found
            .iter()
            .filter(|text| text.starts_with("error"))
            .count()
    };
    assert_eq!(count(&TagSelection::default(), true), 1);
    assert_eq!(count(&TagSelection::new(["other"], []), true), 0);
    assert_eq!(count(&TagSelection::new(["never", "t"], []), true), 2);
    assert_eq!(count(&TagSelection::default(), false), 0);
}

#[test]
fn what_is_lacking_in_many_places_is_said_once() {
    let found = of_tasks(
        "    - {community.general.nmcli: , when: a}
    - {community.general.nmcli: , when: b}
    - {nmcli: , when: c}
",
    );
    insta::assert_snapshot!(found.join("\n"), @r"
    warning[unsupported-module]: Ansible has the module `community.general.nmcli`, kplay does not yet
      site.yml:3:8 `community.general.nmcli`
      note: kplay does not have it yet
      note: a host that gets there fails; it is used in 2 more places
    ");
}

#[test]
fn keywords_that_kplay_lacks_are_named() {
    let found =
        of_tasks("    - debug:\n      debugger: never\n    - debug:\n      debugger: on_failed\n");
    assert_eq!(
        found
            .iter()
            .filter(|text| text.starts_with("error[unsupported-keyword]"))
            .count(),
        1,
        "{found:?}"
    );
    let free = findings(
        &[("site.yml", "- hosts: all\n  strategy: debug\n")],
        &TagSelection::default(),
        true,
    );
    assert!(free[0].contains("strategy `debug`"), "{free:?}");
}

#[test]
fn the_projects_own_modules_are_those_of_ansible() {
    let files = [
        (
            "site.yml",
            "- hosts: all\n  roles: [r]\n  tasks:\n    - mine:\n    - theirs:\n    - copy: {src: a, dest: /b}\n    - my.own.thing:\n",
        ),
        ("library/mine.py", ""),
        ("library/copy.py", ""),
        ("roles/r/library/theirs.py", ""),
        (
            "collections/ansible_collections/my/own/plugins/modules/thing.py",
            "",
        ),
    ];
    let found = findings(&files, &TagSelection::default(), true);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(
        found
            .iter()
            .all(|text| text.starts_with("error[unsupported-module]")),
        "{found:?}"
    );
}

#[test]
fn includes_with_constant_names_are_looked_into() {
    let files = [
        (
            "site.yml",
            "- hosts: all\n  tasks:\n    - include_tasks: a.yml\n    - include_role: {name: r}\n    - include_tasks: '{{ x }}.yml'\n",
        ),
        (
            "a.yml",
            "- debug: {mgs: x}\n- include_tasks: a.yml\n  when: again\n",
        ),
        ("roles/r/tasks/main.yml", "- nobody_has_this:\n"),
    ];
    let found = findings(&files, &TagSelection::default(), true);
    assert!(
        found
            .iter()
            .any(|text| text.starts_with("warning[unknown-argument]")),
        "{found:?}"
    );
    // The file does not load, and nothing keeps the run away from the include.
    assert!(
        found
            .iter()
            .any(|text| text.starts_with("error[unknown-module]")),
        "{found:?}"
    );
    let missing = of_tasks(
        "    - include_tasks: none.yml\n    - include_tasks: neither.yml\n      when: x\n",
    );
    assert!(
        missing[0].starts_with("error[file-not-found]")
            && missing[1].starts_with("warning[file-not-found]"),
        "{missing:?}"
    );
}

#[test]
fn notified_handlers_exist() {
    let files = [
        (
            "site.yml",
            "- hosts: all
  roles: [r]
  tasks:
    - {debug: , notify: [Restart web, topic, 'r : Reload', Reload, restart web, '{{ x }}']}
  handlers:
    - {name: Restart web, debug: , listen: topic}
",
        ),
        ("roles/r/handlers/main.yml", "- {name: Reload, debug: }\n"),
    ];
    let found = findings(&files, &TagSelection::default(), true);
    insta::assert_snapshot!(found.join("\n"), @r"
    warning[unknown-handler]: no handler of this play is called `restart web`
      site.yml:4:68 `restart web` did you mean `Restart web`?
      note: a host on which this task changes something fails
    ");
    let open = [(
        "site.yml",
        "- hosts: all\n  tasks:\n    - include_role: {name: '{{ x }}'}\n    - {debug: , notify: h}\n",
    )];
    assert!(findings(&open, &TagSelection::default(), true).is_empty());
}

#[test]
fn filters_that_nobody_has_are_warned_of_in_variables() {
    let files = [(
        "site.yml",
        "- hosts: all\n  vars: {a: '{{ b | uper }}'}\n  tasks: [{debug: }]\n",
    )];
    let (loader, loaded) = load(&files);
    let found = texts(&loader, &loaded.diagnostics);
    assert!(
        found.len() == 1 && found[0].starts_with("warning[unknown-filter]"),
        "{found:?}"
    );
}

#[test]
fn exit_codes_are_those_of_ansible() {
    let code = |text: &str| exit_code(&load(&[("site.yml", text)]).1.diagnostics);
    assert_eq!(code("- hosts: all\n"), 0);
    assert_eq!(code("- hosts: all\n  nonsense: 1\n"), 4);
    assert_eq!(code("- hosts: all\n  roles: [none]\n"), 1);
    assert_eq!(code(""), 4);
}
