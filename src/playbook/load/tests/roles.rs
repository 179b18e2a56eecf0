//! Roles: files, dependencies, imports, includes.

use crate::playbook::load::RoleInclude;
use crate::playbook::model::ActionKind;
use crate::playbook::testing::{all_tasks, brought, good, outline};
use crate::value::{Dict, Value};

#[test]
fn a_role_brings_its_files() {
    let (_, playbook) = good(&[
        (
            "site.yml",
            "- hosts: all\n  roles: [web]\n  tasks: [{debug: }]\n",
        ),
        (
            "roles/web/tasks/main.yml",
            "- {name: A, debug: }\n- import_tasks: more.yml\n",
        ),
        ("roles/web/tasks/more.yml", "- {name: B, debug: }\n"),
        ("roles/web/defaults/main.yml", "port: 80\n"),
        ("roles/web/vars/main/one.yml", "a: 1\n"),
        ("roles/web/vars/main/two.yml", "a: 2\n"),
        (
            "roles/web/handlers/main.yml",
            "- {name: restart, debug: , listen: web changed}\n",
        ),
        (
            "roles/web/meta/main.yml",
            "allow_duplicates: true\ngalaxy_info: {author: x}\n",
        ),
    ]);
    let play = &playbook.plays[0];
    assert_eq!(
        outline(&play.role_tasks),
        ["web : A", "web : B", "end of web"]
    );
    let role = &play.roles[0];
    assert_eq!(role.defaults.get("port").and_then(Value::as_int), Some(80));
    assert_eq!(role.vars.get("a").and_then(Value::as_int), Some(2));
    assert!(role.allow_duplicates && role.public && !role.from_include);
    let listen: Vec<&str> = play.handlers[0]
        .listen
        .iter()
        .map(|topic| &**topic)
        .collect();
    assert_eq!(listen, ["web changed", "web : web changed"]);
}

#[test]
fn dependencies_run_first_and_know_who_needs_them() {
    let (_, playbook) = good(&[
        (
            "site.yml",
            "- hosts: all\n  roles: [{role: app, tags: t}]\n",
        ),
        ("roles/app/tasks/main.yml", "- debug:\n"),
        (
            "roles/app/meta/main.yml",
            "dependencies:\n  - {role: base, level: 3}\n  - base\n",
        ),
        ("roles/base/tasks/main.yml", "- debug:\n"),
        ("roles/base/handlers/main.yml", "- {name: h, debug: }\n"),
    ]);
    let play = &playbook.plays[0];
    let expected = [
        "base : debug",
        "end of base",
        "base : debug",
        "end of base",
        "app : debug",
        "end of app",
    ];
    assert_eq!(outline(&play.role_tasks), expected);
    let base = all_tasks(&play.role_tasks).remove(0);
    let names: Vec<String> = base
        .scope
        .roles()
        .map(|role| role.name.to_string())
        .collect();
    assert_eq!(names, ["base", "app"]);
    assert_eq!(base.scope.tags().len(), 1);
    let app = &play.roles[0];
    assert_eq!(app.all_dependencies().len(), 2);
    // With other parameters it is another use of the role.
    assert_ne!(app.dependencies[0].identity, app.dependencies[1].identity);
    assert_eq!(play.handlers.len(), 2);
}

#[test]
fn equal_uses_of_a_role_count_as_one() {
    let (_, playbook) = good(&[
        (
            "site.yml",
            "- hosts: all\n  roles: [r, r, {role: r, vars: {a: 1}}]\n- hosts: all\n  roles: [r]\n",
        ),
        ("roles/r/tasks/main.yml", "- debug:\n"),
    ]);
    let roles = &playbook.plays[0].roles;
    assert_eq!(roles[0].identity, roles[1].identity);
    assert_ne!(roles[0].identity, roles[2].identity);
    assert_ne!(roles[0].identity, playbook.plays[1].roles[0].identity);
}

#[test]
fn an_imported_role_is_opened() {
    let (_, playbook) = good(&[
        (
            "site.yml",
            "- hosts: all\n  tasks:\n    - import_role: {name: r, tasks_from: other}\n      vars: {v: 1}\n      become: true\n",
        ),
        (
            "roles/r/tasks/other.yml",
            "- {name: O, debug: }\n- include_tasks: x.yml\n",
        ),
        ("roles/r/handlers/main.yml", "- {name: h, debug: }\n"),
    ]);
    let play = &playbook.plays[0];
    assert_eq!(
        outline(&play.tasks),
        ["r : O", "r : include_tasks", "end of r"]
    );
    let role = &play.roles[0];
    assert!(role.from_include && role.public && role.allow_duplicates);
    assert_eq!(role.keyword_vars.get("v").and_then(Value::as_int), Some(1));
    assert_eq!(play.handlers.len(), 1);
    let task = all_tasks(&play.tasks).remove(0);
    assert_eq!(
        task.scope
            .effective(|keywords| &keywords.become_)
            .and_then(Value::as_bool),
        Some(true)
    );
}

#[test]
fn an_included_role_is_brought_with_its_handlers() {
    let (loader, playbook) = good(&[
        (
            "site.yml",
            "- hosts: all\n  tasks:\n    - include_role: {name: '{{ which }}', public: true, apply: {tags: a}}\n      loop: [1]\n      tags: own\n",
        ),
        ("roles/r/tasks/main.yml", "- {name: T, debug: }\n"),
        ("roles/r/handlers/main.yml", "- {name: h, debug: }\n"),
        ("roles/r/defaults/main.yml", "d: 1\n"),
    ]);
    let play = &playbook.plays[0];
    let include = all_tasks(&play.tasks).remove(0);
    assert!(
        matches!(&include.action.kind, ActionKind::IncludeRole(role) if role.public.is_some() && role.apply.is_some())
    );
    let request = RoleInclude {
        name: "r".to_owned(),
        ..RoleInclude::default()
    };
    let included = brought(
        &loader,
        loader.include_role(play, &include, &request, &Dict::new().with("item", 1)),
    );
    assert_eq!(outline(&included.tasks), ["r : T", "end of r"]);
    assert_eq!(included.handlers.len(), 1);
    let role = included.role.unwrap();
    assert!(!role.public);
    assert_eq!(
        role.keyword_vars.get("item").and_then(Value::as_int),
        Some(1)
    );
    let task = all_tasks(&included.tasks).remove(0);
    assert_eq!(
        task.scope
            .tags()
            .iter()
            .map(|tag| tag.to_text())
            .collect::<Vec<_>>(),
        ["a"]
    );
}

#[test]
fn roles_are_looked_for_in_many_places() {
    let (_, playbook) = good(&[
        (
            "site.yml",
            "- hosts: all\n  roles: [configured, ./beside, ns.coll.hosted]\n",
        ),
        ("/etc/roles/configured/tasks/main.yaml", "- debug:\n"),
        ("beside/tasks/main.yml", "- debug:\n"),
        (
            "/usr/share/collections/ansible_collections/ns/coll/roles/hosted/tasks/main.yml",
            "- debug:\n",
        ),
    ]);
    let names = outline(&playbook.plays[0].role_tasks);
    assert_eq!(
        names,
        [
            "configured : debug",
            "end of configured",
            "./beside : debug",
            "end of ./beside",
            "ns.coll.hosted : debug",
            "end of ns.coll.hosted"
        ]
    );
}
