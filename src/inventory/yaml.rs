//! YAML inventories: groups as mappings with `hosts`, `vars` and `children`.

use super::data::{GroupId, Inventory};
use super::ini::{add_host, host_names};
use crate::diag::Diagnostic;
use crate::value::Kind;
use crate::yaml::{Node, NodeKind, ValueOptions};

/// Why a text is no YAML inventory.
pub(super) enum NotYaml {
    /// It is YAML for an inventory plugin of that name.
    Plugin(String),
    /// It is wrong.
    Wrong(Diagnostic),
}

fn wrong(headline: impl Into<String>, node: &Node) -> NotYaml {
    NotYaml::Wrong(Diagnostic::error("inventory-syntax", headline).at(node.span, ""))
}

/// Reads a YAML inventory.
pub(super) fn read(
    inventory: &mut Inventory,
    root: &Node,
    options: &ValueOptions<'_>,
) -> Result<(), NotYaml> {
    if root.is_null() || root.as_mapping().is_some_and(<[_]>::is_empty) {
        return Err(wrong("empty inventory file", root));
    }
    let Some(groups) = root.as_mapping() else {
        return Err(wrong(
            format!(
                "a YAML inventory is a mapping of groups, not {}",
                root.describe()
            ),
            root,
        ));
    };
    if let Some(plugin) = root.get("plugin").filter(|plugin| !plugin.is_null()) {
        return Err(NotYaml::Plugin(
            plugin.as_str().unwrap_or_default().to_owned(),
        ));
    }
    for (name, data) in groups {
        group(inventory, name, data, options)?;
    }
    Ok(())
}

/// Text of a key; other keys are told what they must be.
fn text<'a>(node: &'a Node, what: &str) -> Result<&'a str, NotYaml> {
    node.as_str()
        .filter(|text| !text.is_empty())
        .ok_or_else(|| {
            NotYaml::Wrong(
                Diagnostic::error(
                    "inventory-syntax",
                    format!("the name of a {what} is text, not {}", node.describe()),
                )
                .at(node.span, "")
                .help("put it in quotes"),
            )
        })
}

fn group(
    inventory: &mut Inventory,
    name: &Node,
    data: &Node,
    options: &ValueOptions<'_>,
) -> Result<Option<GroupId>, NotYaml> {
    if !data.is_null() && data.as_mapping().is_none() {
        let shown = name.as_scalar().map_or("", |scalar| &scalar.text);
        inventory.warn(
            Diagnostic::warning(
                "inventory-syntax",
                format!(
                    "skipping `{shown}`: a group is a mapping, not {}",
                    data.describe()
                ),
            )
            .at(data.span, ""),
        );
        return Ok(name.as_str().and_then(|name| inventory.group(name)));
    }
    let label = text(name, "group")?;
    let id = inventory
        .add_group(label, name.span)
        .map_err(|error| wrong(error.to_string(), name))?;
    let sections = data.as_mapping().unwrap_or_default();
    for (key, section) in sections {
        let shown = key.as_scalar().map_or("", |scalar| &scalar.text);
        let known = matches!(shown, "vars" | "children" | "hosts");
        // A single name may stand for a mapping of one.
        let pairs: &[(Node, Node)] = match &section.kind {
            NodeKind::Mapping(pairs) => pairs,
            NodeKind::Scalar(scalar) if known && matches!(scalar.kind, Kind::Str(_)) => {
                &[(section.clone(), Node::null(section.span))]
            }
            NodeKind::Scalar(_) if section.is_null() => continue,
            NodeKind::Scalar(_) | NodeKind::Sequence(_) if known => {
                let headline = format!(
                    "`{shown}` of group `{label}` is a mapping, not {}",
                    section.describe()
                );
                return Err(NotYaml::Wrong(
                    Diagnostic::error("inventory-syntax", headline)
                        .at(section.span, "")
                        .help("write each name as a key: `name:`"),
                ));
            }
            NodeKind::Scalar(_) | NodeKind::Sequence(_) => {
                let headline =
                    format!("skipping key `{shown}` in group `{label}`: it is no mapping");
                inventory.warn(Diagnostic::warning("inventory-syntax", headline).at(key.span, ""));
                continue;
            }
        };
        match shown {
            "vars" => {
                for (name, value) in pairs {
                    let value = value.to_value(options);
                    let name = name.as_scalar().map_or("", |scalar| &scalar.text);
                    inventory.set_group_variable(id, name, value);
                }
            }
            "children" => {
                for (name, data) in pairs {
                    let child = group(inventory, name, data, options)?;
                    let child = child.ok_or_else(|| wrong("not a known group", name))?;
                    inventory
                        .add_child(id, child)
                        .map_err(|error| wrong(error.to_string(), name))?;
                }
            }
            "hosts" => {
                for (name, data) in pairs {
                    hosts(inventory, id, name, data, options)?;
                }
            }
            _ => inventory.warn(
                Diagnostic::warning(
                    "inventory-syntax",
                    format!("skipping unexpected key `{shown}` in group `{label}`"),
                )
                .at(key.span, "")
                .help("a group has `hosts`, `vars` and `children`"),
            ),
        }
    }
    Ok(Some(id))
}

fn hosts(
    inventory: &mut Inventory,
    group: GroupId,
    name: &Node,
    data: &Node,
    options: &ValueOptions<'_>,
) -> Result<(), NotYaml> {
    let pattern = text(name, "host")?;
    let (names, port) = host_names(pattern).map_err(|why| wrong(why, name))?;
    let variables: Vec<_> = match data.as_mapping() {
        Some(pairs) => pairs
            .iter()
            .map(|(name, value)| {
                (
                    name.as_scalar()
                        .map_or("", |scalar| &scalar.text)
                        .to_owned(),
                    value.to_value(options),
                )
            })
            .collect(),
        // Whatever Python takes as false stands for no variables.
        None if !data.to_value(options).is_true() => Vec::new(),
        None => {
            return Err(wrong(
                format!(
                    "the variables of host `{pattern}` are a mapping, not {}",
                    data.describe()
                ),
                data,
            ));
        }
    };
    for host in names {
        add_host(inventory, &host, port, group, &variables)
            .map_err(|error| wrong(error.to_string(), name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::SourceMap;
    use crate::pattern::Groups as _;
    use crate::yaml::{LoadOptions, load};

    fn inventory(text: &str) -> Result<Inventory, String> {
        let document = load(
            &SourceMap::default(),
            "hosts.yml",
            text,
            &LoadOptions::default(),
        )
        .unwrap();
        let mut inventory = Inventory::default();
        let options = ValueOptions {
            trusted: true,
            ..ValueOptions::default()
        };
        match read(&mut inventory, &document.root, &options) {
            Ok(()) => {
                inventory.reconcile();
                Ok(inventory)
            }
            Err(NotYaml::Plugin(name)) => Err(format!("plugin {name}")),
            Err(NotYaml::Wrong(error)) => Err(error.headline),
        }
    }

    #[test]
    fn groups_hosts_and_variables() {
        let mut inventory = inventory(concat!(
            "all:\n  hosts:\n    one:\n      a: 1\n    two:2200:\n  vars: {who: all}\n  children:\n    web:\n      hosts:\n        web[1:2]: {b: '{{ x }}'}\n",
            "      children: {inner: {hosts: only}}\n    empty:\n    odd: text\ntop:\n  hosts: one\n  extra: 1\n  more: {a: 1}\n",
        ).replace("    odd: text\n", "").as_str())
        .unwrap();
        assert_eq!(
            inventory.hosts_of("web"),
            ["web1", "web2", "only"].map(Into::into)
        );
        assert_eq!(inventory.hosts_of("top"), ["one"].map(Into::into));
        assert_eq!(inventory.hosts_of("ungrouped"), ["two"].map(Into::into));
        let two = inventory.host_data(inventory.host("two").unwrap()).unwrap();
        assert_eq!(two.vars.get("ansible_port").unwrap().as_int(), Some(2200));
        let web = inventory
            .host_data(inventory.host("web1").unwrap())
            .unwrap();
        assert!(web.vars.get("b").unwrap().is_trusted());
        let warnings: Vec<_> = inventory
            .take_warnings()
            .into_iter()
            .map(|warning| warning.headline)
            .collect();
        assert_eq!(
            warnings,
            [
                "skipping key `extra` in group `top`: it is no mapping",
                "skipping unexpected key `more` in group `top`"
            ]
        );
    }

    #[test]
    fn mistakes_are_told() {
        for (text, expected) in [
            ("", "empty inventory file"),
            (
                "- a\n",
                "a YAML inventory is a mapping of groups, not a list",
            ),
            ("plugin: constructed\n", "plugin constructed"),
            (
                "all:\n  hosts: [a]\n",
                "`hosts` of group `all` is a mapping, not a list",
            ),
            (
                "all:\n  hosts:\n    5:\n",
                "the name of a host is text, not an integer",
            ),
            (
                "all:\n  hosts:\n    a: [1]\n",
                "the variables of host `a` are a mapping, not a list",
            ),
            (
                "a:\n  children:\n    b:\n      children:\n        a:\n",
                "adding group `b` as a child of `a` makes a loop",
            ),
        ] {
            assert_eq!(inventory(text).map(|_| ()).unwrap_err(), expected, "{text}");
        }
    }
}
