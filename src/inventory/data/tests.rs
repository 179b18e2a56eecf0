//! Tests of `data.rs`.

use super::*;
use crate::pattern::Groups as _;

fn add(inventory: &mut Inventory, name: &str) -> GroupId {
    inventory.add_group(name, Span::NONE).unwrap()
}

#[test]
fn loops_are_refused() {
    let mut inventory = Inventory::default();
    let (a, b, c) = (
        add(&mut inventory, "a"),
        add(&mut inventory, "b"),
        add(&mut inventory, "c"),
    );
    inventory.add_child(a, b).unwrap();
    inventory.add_child(b, c).unwrap();
    let error = inventory.add_child(c, a).unwrap_err();
    assert_eq!(
        error.to_string(),
        "adding group `a` as a child of `c` makes a loop"
    );
    assert!(inventory.add_child(a, a).is_err());
}

#[test]
fn groups_of_a_host_are_ordered_by_depth_priority_and_name() {
    let mut inventory = Inventory::default();
    let (outer, inner, b, a) = (
        add(&mut inventory, "outer"),
        add(&mut inventory, "inner"),
        add(&mut inventory, "b"),
        add(&mut inventory, "a"),
    );
    inventory.add_child(outer, inner).unwrap();
    let host = inventory.add_host("h", Some(inner)).unwrap();
    inventory.add_host("h", Some(b)).unwrap();
    inventory.add_host("h", Some(a)).unwrap();
    inventory.set_group_variable(a, "ansible_group_priority", Value::from(10));
    inventory.reconcile();
    let names: Vec<_> = inventory
        .groups_of(host)
        .into_iter()
        .map(|group| inventory.group_name(group))
        .collect();
    assert_eq!(names, ["b", "outer", "a", "inner"].map(Arc::from));
    assert_eq!(
        inventory.group_names(host),
        ["a", "b", "inner", "outer"].map(Arc::from)
    );
}

#[test]
fn ungrouped_holds_exactly_the_others() {
    let mut inventory = Inventory::default();
    let web = add(&mut inventory, "web");
    inventory.add_host("a", Some(Inventory::UNGROUPED)).unwrap();
    inventory.add_host("a", Some(web)).unwrap();
    inventory.add_host("b", Some(Inventory::ALL)).unwrap();
    inventory.reconcile();
    assert_eq!(inventory.hosts_of("ungrouped"), ["b"].map(Arc::from));
    assert_eq!(inventory.hosts_of("all"), ["b", "a"].map(Arc::from));
}

#[test]
fn odd_names_are_kept_or_replaced() {
    let mut inventory = Inventory::default();
    add(&mut inventory, "bad-name");
    assert!(inventory.group("bad-name").is_some());
    assert_eq!(inventory.take_warnings().len(), 1);
    let mut inventory = Inventory::new(InvalidNames::Silently);
    add(&mut inventory, "1-x");
    assert!(inventory.group("__x").is_some() && inventory.take_warnings().is_empty());
}

#[test]
fn a_group_and_a_host_of_one_name_are_a_warning() {
    let mut inventory = Inventory::default();
    let web = add(&mut inventory, "web");
    inventory.add_host("web", Some(web)).unwrap();
    inventory.reconcile();
    inventory.reconcile();
    assert_eq!(inventory.take_warnings().len(), 1);
}
