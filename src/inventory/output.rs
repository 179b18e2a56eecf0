//! What `kplay inventory --list`, `--host` and `--graph` print, as `ansible-inventory` prints it. Secrets show as stars.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::data::{GroupId, Inventory};
use super::variables::{Layer, VarsDirectories, merge};
use crate::diag::Diagnostic;
use crate::pattern::Groups as _;
use crate::value::{Dict, Key, Kind, Value};
use crate::varfile::Reader;

/// What a secret shows as.
const STARS: &str = "********";

/// What is to be shown, and where variables come from.
pub struct Shown<'a> {
    /// The inventory.
    pub inventory: &'a Inventory,
    /// The files beside it.
    pub directories: &'a VarsDirectories,
    /// How they are read.
    pub reader: &'a Reader<'a>,
    /// Only these hosts (`--limit`).
    pub limit: Option<&'a [Arc<str>]>,
    /// Variables stay with the groups and hosts that have them, instead of all with the hosts (`--export`).
    pub export: bool,
    /// Dictionaries join (`hash_behaviour = merge`).
    pub deep: bool,
}

impl Shown<'_> {
    fn shows(&self, host: &str, hosts: &HashSet<Arc<str>>) -> bool {
        self.limit.is_none() || hosts.contains(host)
    }

    fn limited(&self) -> HashSet<Arc<str>> {
        self.limit.unwrap_or_default().iter().cloned().collect()
    }

    fn host_vars(&self, host: &str) -> Result<Dict, Vec<Diagnostic>> {
        let layers: Vec<Layer> = if self.export {
            self.directories
                .host_layers(self.inventory, host, self.reader)?
        } else {
            self.directories.layers(self.inventory, host, self.reader)?
        };
        Ok(merge(&layers, self.deep))
    }

    fn group_vars(&self, group: GroupId) -> Result<Dict, Vec<Diagnostic>> {
        let mut vars = merge(
            &self
                .directories
                .group_layers(self.inventory, group, self.reader)?,
            self.deep,
        );
        let priority = self
            .inventory
            .group_data(group)
            .map_or(1, |data| data.priority);
        if priority != 1 {
            vars.insert("ansible_group_priority", priority);
        }
        Ok(vars)
    }
}

/// Returns the whole inventory as JSON.
pub fn list_json(shown: &Shown<'_>) -> Result<String, Vec<Diagnostic>> {
    let inventory = shown.inventory;
    let hosts = shown.limited();
    let mut top = Dict::new();
    // Only what lies below `all`, which is everything after a source could be read.
    let mut waiting = vec![Inventory::ALL];
    let mut seen = HashSet::from([Inventory::ALL]);
    while let Some(group) = waiting.pop() {
        let Some(data) = inventory.group_data(group) else {
            continue;
        };
        let mut shape = Dict::new();
        if group != Inventory::ALL {
            let names = data
                .hosts
                .iter()
                .map(|host| inventory.host_name(*host))
                .filter(|name| shown.shows(name, &hosts));
            insert_unless_empty(&mut shape, "hosts", Value::list(names.map(Value::from)));
        }
        let children = data
            .children
            .iter()
            .map(|child| Value::from(inventory.group_name(*child)));
        insert_unless_empty(&mut shape, "children", Value::list(children));
        if shown.export {
            insert_unless_empty(&mut shape, "vars", Value::dict(shown.group_vars(group)?));
        }
        if !shape.is_empty() {
            top.insert(inventory.group_name(group), shape);
        }
        waiting.extend(
            data.children
                .iter()
                .copied()
                .filter(|child| seen.insert(*child)),
        );
    }
    let mut host_vars = Dict::new();
    for host in inventory
        .hosts_of("all")
        .iter()
        .filter(|host| shown.shows(host, &hosts))
    {
        let vars = shown.host_vars(host)?;
        if !vars.is_empty() {
            host_vars.insert(host.clone(), vars);
        }
    }
    top.insert(
        "_meta",
        Dict::new()
            .with("hostvars", host_vars)
            .with("profile", "inventory_legacy"),
    );
    Ok(json(&Value::dict(top)))
}

fn insert_unless_empty(shape: &mut Dict, name: &str, value: Value) {
    if value.is_true() {
        shape.insert(name, value);
    }
}

/// Returns one host's variables as JSON.
pub fn host_json(shown: &Shown<'_>, host: &str) -> Result<String, Vec<Diagnostic>> {
    shown.host_vars(host).map(|vars| json(&Value::dict(vars)))
}

/// Returns the tree below a group, with variables if wanted.
pub fn graph_text(
    shown: &Shown<'_>,
    group: GroupId,
    vars: bool,
) -> Result<String, Vec<Diagnostic>> {
    let mut lines = Vec::new();
    graph(shown, group, vars, 0, &mut lines)?;
    Ok(lines.join("\n"))
}

fn graph(
    shown: &Shown<'_>,
    group: GroupId,
    vars: bool,
    depth: usize,
    lines: &mut Vec<String>,
) -> Result<(), Vec<Diagnostic>> {
    let inventory = shown.inventory;
    lines.push(indented(
        &format!("@{}:", inventory.group_name(group)),
        depth,
    ));
    let Some(data) = inventory.group_data(group) else {
        return Ok(());
    };
    for child in &data.children {
        graph(shown, *child, vars, depth + 1, lines)?;
    }
    if group != Inventory::ALL {
        for host in &data.hosts {
            let name = inventory.host_name(*host);
            lines.push(indented(&name, depth + 1));
            if vars {
                variables(&shown.host_vars(&name)?, depth + 2, lines);
            }
        }
    }
    if vars {
        variables(&shown.group_vars(group)?, depth + 1, lines);
    }
    Ok(())
}

fn variables(vars: &Dict, depth: usize, lines: &mut Vec<String>) {
    let sorted: BTreeMap<String, &Value> = vars
        .iter()
        .map(|(key, value)| (key.to_json_key(), value))
        .collect();
    for (name, value) in sorted {
        let text = if hidden(value) || value.holds_secret() {
            STARS.to_owned()
        } else {
            value.to_text()
        };
        lines.push(indented(&format!("{{{name} = {text}}}"), depth));
    }
}

fn indented(text: &str, depth: usize) -> String {
    if depth == 0 {
        text.to_owned()
    } else {
        format!("{}--{text}", "  |".repeat(depth))
    }
}

/// A secret, or a vault value that could not be opened.
fn hidden(value: &Value) -> bool {
    value.is_secret() && !matches!(value.kind(), Kind::Dict(_) | Kind::List(_))
        || value.as_fault().is_some()
}

/// Python's `json.dumps` with sorted keys and four blanks for each level.
fn json(value: &Value) -> String {
    let mut out = String::new();
    write(value, 0, &mut out);
    out
}

fn write(value: &Value, depth: usize, out: &mut String) {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let line = |depth: usize, out: &mut String| {
        out.push('\n');
        out.push_str(&"    ".repeat(depth));
    };
    if hidden(value) {
        out.push_str(&quoted(STARS));
        return;
    }
    match value.kind() {
        Kind::List(items) | Kind::Tuple(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { '[' } else { ',' });
                line(depth + 1, out);
                write(item, depth + 1, out);
            }
            line(depth, out);
            out.push(']');
        }
        Kind::Dict(dict) if !dict.is_empty() => {
            let sorted: BTreeMap<String, (&Key, &Value)> = dict
                .iter()
                .map(|(key, item)| (key.to_json_key(), (key, item)))
                .collect();
            for (index, (name, (_, item))) in sorted.iter().enumerate() {
                out.push(if index == 0 { '{' } else { ',' });
                line(depth + 1, out);
                out.push_str(&quoted(name));
                out.push_str(": ");
                write(item, depth + 1, out);
            }
            line(depth, out);
            out.push('}');
        }
        Kind::List(_) | Kind::Tuple(_) => out.push_str("[]"),
        Kind::Dict(_) => out.push_str("{}"),
        Kind::Null | Kind::Undefined(_) => out.push_str("null"),
        Kind::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Kind::Float(number) if number.is_nan() => out.push_str("NaN"),
        Kind::Float(number) if number.is_infinite() => out.push_str(if *number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }),
        Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => out.push_str(&value.to_repr()),
        Kind::Str(text) => out.push_str(&quoted(text)),
        Kind::Bytes(bytes) => out.push_str(&quoted(&String::from_utf8_lossy(bytes))),
        Kind::Moment(moment) => out.push_str(&quoted(&moment.iso())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, SourceMap};
    use crate::secrets::VaultSecrets;
    use crate::value::Marks;
    use crate::yaml::DuplicateKeys;

    fn with<T>(
        text: &str,
        export: bool,
        change: impl FnOnce(&mut Inventory),
        look: impl FnOnce(&Shown<'_>) -> T,
    ) -> T {
        let mut inventory = Inventory::default();
        super::super::ini::read(&mut inventory, text, FileId(1)).unwrap();
        inventory.reconcile();
        change(&mut inventory);
        let (sources, vault, directories) = (
            SourceMap::default(),
            VaultSecrets::default(),
            VarsDirectories::default(),
        );
        let reader = Reader {
            sources: &sources,
            vault: &vault,
            duplicates: DuplicateKeys::Warn,
        };
        look(&Shown {
            inventory: &inventory,
            directories: &directories,
            reader: &reader,
            limit: None,
            export,
            deep: false,
        })
    }

    const SITE: &str = "lone y=1e3 z=None t=\"(1,'ä')\"\n[web]\nw1 a=1\n[prod:children]\nweb\n[prod:vars]\nl=['a']\nansible_group_priority=5\n[empty]\n";

    /// As `ansible-inventory --list` printed it.
    #[test]
    fn the_list_is_json_as_ansible_inventory_prints_it() {
        let text = with(SITE, false, |_| (), |shown| list_json(shown).unwrap());
        assert_eq!(
            text,
            r#"{
    "_meta": {
        "hostvars": {
            "lone": {
                "t": [
                    1,
                    "ä"
                ],
                "y": 1000.0,
                "z": null
            },
            "w1": {
                "a": 1,
                "l": [
                    "a"
                ]
            }
        },
        "profile": "inventory_legacy"
    },
    "all": {
        "children": [
            "ungrouped",
            "prod",
            "empty"
        ]
    },
    "prod": {
        "children": [
            "web"
        ]
    },
    "ungrouped": {
        "hosts": [
            "lone"
        ]
    },
    "web": {
        "hosts": [
            "w1"
        ]
    }
}"#
        );
    }

    #[test]
    fn an_export_leaves_variables_where_they_are() {
        let text = with(SITE, true, |_| (), |shown| list_json(shown).unwrap());
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            json["prod"]["vars"],
            serde_json::json!({"l": ["a"], "ansible_group_priority": 5})
        );
        assert_eq!(json["_meta"]["hostvars"]["w1"], serde_json::json!({"a": 1}));
    }

    #[test]
    fn the_graph_is_a_tree() {
        let text = with(
            SITE,
            false,
            |_| (),
            |shown| graph_text(shown, Inventory::ALL, true).unwrap(),
        );
        let expected = [
            "@all:",
            "  |--@ungrouped:",
            "  |  |--lone",
            "  |  |  |--{t = [1, 'ä']}",
            "  |  |  |--{y = 1000.0}",
            "  |  |  |--{z = None}",
            "  |--@prod:",
            "  |  |--@web:",
            "  |  |  |--w1",
            "  |  |  |  |--{a = 1}",
            "  |  |  |  |--{l = ['a']}",
            "  |  |--{ansible_group_priority = 5}",
            "  |  |--{l = ['a']}",
            "  |--@empty:",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn t05_secrets_show_as_stars() {
        let change = |inventory: &mut Inventory| {
            let host = inventory.host("w1").unwrap();
            inventory.set_host_variable(host, "p", Value::from("canary").with_marks(Marks::SECRET));
        };
        let json = with(SITE, false, change, |shown| host_json(shown, "w1").unwrap());
        assert!(json.contains("\"p\": \"********\"") && !json.contains("canary"));
        let graph = with(SITE, false, change, |shown| {
            graph_text(shown, Inventory::ALL, true).unwrap()
        });
        assert!(graph.contains("{p = ********}") && !graph.contains("canary"));
        // The control: without the mark it would be there.
        let change = |inventory: &mut Inventory| {
            let host = inventory.host("w1").unwrap();
            inventory.set_host_variable(host, "p", Value::from("canary"));
        };
        assert!(
            with(SITE, false, change, |shown| host_json(shown, "w1").unwrap()).contains("canary")
        );
    }
}
