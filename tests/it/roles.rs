//! The roles' own word about their variables: what `defaults/main.yml` sets and what `meta/argument_specs.yml` describes are the same
//! names with the same types, so that a wrong value is refused before anything happens, and no variable is only known from the code.
//! What the roles do is the oracle's to see (`tests/oracle/cases/role_*`), but for what no cluster of a test has: two nodes with such names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kplay::diag::SourceMap;
use kplay::yaml::{LoadOptions, Node, load};

use crate::support::{TestEnvironment, repository};

/// The files of each role, by its name.
fn roles() -> BTreeMap<String, PathBuf> {
    std::fs::read_dir(repository("roles"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .collect()
}

fn read(path: &Path) -> Node {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    load(
        &SourceMap::default(),
        &path.to_string_lossy(),
        &text,
        &LoadOptions::default(),
    )
    .unwrap()
    .root
}

fn pairs(node: Option<&Node>) -> Vec<(String, &Node)> {
    node.and_then(Node::as_mapping)
        .unwrap_or_default()
        .iter()
        .map(|(name, value)| (name.as_str().unwrap().to_owned(), value))
        .collect()
}

/// What is wrong with the options of a role, or of an option that has some of its own.
fn flaws(place: &str, options: Option<&Node>) -> Vec<String> {
    let mut found = Vec::new();
    for (name, option) in pairs(options) {
        let place = format!("{place}: {name}");
        let text = |key| option.get(key).and_then(Node::as_str);
        if text("description").is_none_or(str::is_empty) {
            found.push(format!("{place} is not described"));
        }
        match text("type") {
            None => found.push(format!("{place} has no type")),
            Some("list") if text("elements").is_none() => {
                found.push(format!("{place} does not say what is in the list"));
            }
            Some(_) => {}
        }
        found.extend(flaws(&place, option.get("options")));
    }
    found
}

/// Whether a default can be a value of that type, as far as one sees without rendering a template.
fn fits(value: &Node, kind: &str) -> bool {
    if value.as_str().is_some_and(|text| text.contains("{{")) {
        return true;
    }
    match kind {
        "bool" => value.as_bool().is_some(),
        "int" => value.as_int().is_some(),
        "list" => value.as_sequence().is_some(),
        "dict" => value.as_mapping().is_some(),
        "str" | "path" => value.as_str().is_some(),
        _ => false,
    }
}

#[test]
fn every_default_of_a_role_is_described_and_nothing_else_is() {
    let mut flawed = Vec::new();
    let mut defaults_seen = 0;
    for (role, directory) in roles() {
        let specifications = read(&directory.join("meta/argument_specs.yml"));
        let entry_points = pairs(specifications.get("argument_specs"));
        let defaults = read(&directory.join("defaults/main.yml"));
        let defaults: BTreeMap<String, &Node> = pairs(Some(&defaults)).into_iter().collect();
        defaults_seen += defaults.len();
        let mut described = BTreeSet::new();
        for (entry_point, specification) in entry_points {
            let place = format!("{role}, {entry_point}");
            if !directory.join(format!("tasks/{entry_point}.yml")).is_file() {
                flawed.push(format!("{place}: there are no such tasks"));
            }
            flawed.extend(flaws(&place, specification.get("options")));
            for (name, option) in pairs(specification.get("options")) {
                let kind = option.get("type").and_then(Node::as_str);
                match defaults.get(&name) {
                    None => flawed.push(format!("{place}: {name} has no default")),
                    Some(value) if !fits(value, kind.unwrap_or_default()) => {
                        flawed.push(format!("{place}: the default of {name} is no {kind:?}"));
                    }
                    Some(_) => {}
                }
                described.insert(name);
            }
        }
        for name in defaults.keys().filter(|name| !described.contains(*name)) {
            flawed.push(format!(
                "{role}: {name} has a default, and no argument_specs.yml describes it"
            ));
        }
    }
    assert!(
        defaults_seen > 100,
        "only {defaults_seen} defaults were found"
    );
    assert!(flawed.is_empty(), "{}", flawed.join("\n"));
}

/// What the roles of clusters ask before they make a node anew, with a kubectl of this test's and no time that passes.
#[test]
fn a_node_whose_lease_is_renewed_lives_and_one_of_a_longer_name_is_another() {
    let kubectl = "case \"$*\" in
*'get nodes'*) printf 'dead True\\nnot-dead True\\nalive True\\naway False\\n' ;;
*'get lease dead'*) echo 1 ;;
*'get lease alive'* | *'get lease not-dead'*) date +%s%N ;;
*) exit 1 ;;
esac";
    let script = repository("roles/node-preflight/templates/living.sh.j2");
    let asks = |names: &str, living: &str| {
        format!(
            "
    - shell: \"{{{{ lookup('template', '{}') }}}}\"
      vars: {{living_kubectl: kubectl, living_names: {names}}}
      environment: {{PATH: '{{{{ playbook_dir }}}}/bin:/usr/bin:/bin'}}
      register: asked
    - assert: {{that: asked.stdout == '{living}'}}
",
            script.display()
        )
    };
    let playbook = format!(
        "- hosts: localhost\n  gather_facts: false\n  tasks:\n{}{}",
        asks("[Dead, ALIVE, away, unknown]", "alive"),
        asks("[dead, away, unknown]", "")
    );
    TestEnvironment::new()
        .program("bin/kubectl", kubectl)
        .program("bin/sleep", "")
        .write("site.yml", &playbook)
        .run(["site.yml"])
        .success();
}
