//! An inventory as one static YAML file, the same for the same hosts: to commit, to compare, to work with when the source of the
//! hosts is not there. `kplay inventory --write` calls it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::data::{GroupId, Inventory};
use crate::diag::Diagnostic;
use crate::value::{Dict, Kind, Value};

/// Returns the text of the file: everything that the sources gave, sorted by name, without the variables of files beside them.
pub fn static_yaml(inventory: &Inventory) -> Result<String, Diagnostic> {
    let mut out = "# Written by `kplay inventory --write`. Ansible reads it as well.\n".to_owned();
    out.push_str("all:\n");
    section(inventory, Inventory::ALL, &mut out)?;
    let hosts: BTreeMap<Arc<str>, _> = inventory
        .host_ids()
        .map(|host| (inventory.host_name(host), host))
        .collect();
    if !hosts.is_empty() {
        out.push_str("  hosts:\n");
    }
    for (name, host) in hosts {
        let vars = inventory.host_data(host).map(|data| Arc::clone(&data.vars));
        let vars = vars.unwrap_or_default();
        entry(
            4,
            &name,
            &out_of(&vars, &format!("host `{name}`"))?,
            &mut out,
        );
    }
    let groups: BTreeMap<Arc<str>, GroupId> = inventory
        .group_ids()
        .filter(|group| !matches!(*group, Inventory::ALL | Inventory::UNGROUPED))
        .map(|group| (inventory.group_name(group), group))
        .collect();
    if !groups.is_empty() {
        out.push_str("  children:\n");
    }
    for (name, group) in groups {
        let Some(data) = inventory.group_data(group) else {
            continue;
        };
        let hosts: BTreeSet<_> = data
            .hosts
            .iter()
            .map(|host| inventory.host_name(*host))
            .collect();
        let children: BTreeSet<_> = data
            .children
            .iter()
            .map(|child| inventory.group_name(*child))
            .collect();
        let empty =
            hosts.is_empty() && children.is_empty() && data.vars.is_empty() && data.priority == 1;
        let _ = writeln!(
            out,
            "    {}:{}",
            scalar(&name),
            if empty { " {}" } else { "" }
        );
        let mut indented = String::new();
        section(inventory, group, &mut indented)?;
        out.extend(indented.lines().map(|line| format!("    {line}\n")));
        for (title, names) in [("hosts", hosts), ("children", children)] {
            if !names.is_empty() {
                let _ = writeln!(out, "      {title}:");
            }
            for name in names {
                let _ = writeln!(out, "        {}: {{}}", scalar(&name));
            }
        }
    }
    Ok(out)
}

/// The variables of a group.
fn section(inventory: &Inventory, group: GroupId, out: &mut String) -> Result<(), Diagnostic> {
    let Some(data) = inventory.group_data(group) else {
        return Ok(());
    };
    let mut vars = Dict::clone(&data.vars);
    if data.priority != 1 {
        vars.insert("ansible_group_priority", data.priority);
    }
    if !vars.is_empty() {
        let name = inventory.group_name(group);
        entry(2, "vars", &out_of(&vars, &format!("group `{name}`"))?, out);
    }
    Ok(())
}

/// Returns the variables, if they may stand in a file that is committed.
fn out_of(vars: &Dict, owner: &str) -> Result<Value, Diagnostic> {
    let secret = vars
        .iter()
        .find(|(_, value)| value.holds_secret() || value.as_fault().is_some());
    match secret {
        None => Ok(Value::dict(vars.clone())),
        Some((name, _)) => Err(Diagnostic::error(
            "inventory-secret",
            format!(
                "variable `{}` of {owner} is a secret and does not go into a static inventory",
                name.to_value().to_text()
            ),
        )
        .help("leave it in its encrypted file, and write only the source without it")),
    }
}

/// Writes `key: value`.
fn entry(depth: usize, key: &str, value: &Value, out: &mut String) {
    let _ = write!(out, "{:depth$}{}:", "", scalar(key));
    after(depth, value, out);
}

/// Writes what follows `key:` or `-`.
fn after(depth: usize, value: &Value, out: &mut String) {
    match value.kind() {
        Kind::Dict(dict) if !dict.is_empty() => {
            out.push('\n');
            let sorted: BTreeMap<String, &Value> = dict
                .iter()
                .map(|(key, value)| {
                    let text = key.as_str().map(scalar);
                    (text.unwrap_or_else(|| key.to_json_key()), value)
                })
                .collect();
            for (key, value) in sorted {
                let _ = write!(out, "{:indent$}{key}:", "", indent = depth + 2);
                after(depth + 2, value, out);
            }
        }
        Kind::List(items) | Kind::Tuple(items) if !items.is_empty() => {
            out.push('\n');
            for item in items.iter() {
                let _ = write!(out, "{:indent$}-", "", indent = depth + 2);
                after(depth + 2, item, out);
            }
        }
        Kind::Dict(_) => out.push_str(" {}\n"),
        Kind::List(_) | Kind::Tuple(_) => out.push_str(" []\n"),
        Kind::Str(text) => {
            // Text of an API must not become a template on its way through a file.
            let harmful = !value.is_trusted()
                && (text.contains("{{") || text.contains("{%") || text.contains("{#"));
            let _ = writeln!(
                out,
                " {}{}",
                if harmful { "!unsafe " } else { "" },
                scalar(text)
            );
        }
        Kind::Null | Kind::Undefined(_) => out.push_str(" null\n"),
        Kind::Bool(truth) => {
            let _ = writeln!(out, " {truth}");
        }
        Kind::Int(_) | Kind::Big(_) => {
            let _ = writeln!(out, " {}", value.to_repr());
        }
        Kind::Float(number) => {
            let _ = match number {
                number if number.is_nan() => writeln!(out, " .nan"),
                number if number.is_infinite() => {
                    writeln!(out, " {}.inf", if *number < 0.0 { "-" } else { "" })
                }
                _ => writeln!(out, " {}", value.to_repr()),
            };
        }
        Kind::Bytes(bytes) => {
            let _ = writeln!(out, " {}", quoted(&String::from_utf8_lossy(bytes)));
        }
        Kind::Moment(moment) => {
            let _ = writeln!(out, " {}", quoted(&moment.iso()));
        }
    }
}

/// Returns text as YAML: bare where nobody can take it for anything else.
fn scalar(text: &str) -> String {
    let first = text
        .chars()
        .next()
        .is_some_and(|letter| letter.is_ascii_alphabetic() || letter == '_');
    let rest = text
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || "_-./".contains(letter));
    let word = matches!(
        text.to_lowercase().as_str(),
        "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null" | "none"
    );
    if first && rest && !word {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// JSON's strings are YAML's, but for characters that YAML wants escaped.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .chars()
        .map(|letter| match letter {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                format!("\\u{:04x}", u32::from(letter))
            }
            other => other.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{SourceMap, Span};
    use crate::inventory::{SourceOptions, load};
    use crate::secrets::VaultSecrets;
    use crate::varfile::Reader;
    use crate::yaml::DuplicateKeys;

    fn example(order: &[&str]) -> Inventory {
        let mut inventory = Inventory::default();
        let group = inventory.add_group("pve-x", Span::NONE).unwrap();
        let above = inventory.add_group("above", Span::NONE).unwrap();
        inventory.add_group("empty", Span::NONE).unwrap();
        inventory.add_child(above, group).unwrap();
        for name in order {
            let host = inventory.add_host(name, Some(group)).unwrap();
            let nested = Dict::new()
                .with("b", Value::list(["x: y", "yes", "1"].map(Value::from)))
                .with("a", Value::NULL);
            inventory.set_host_variable(host, "nested", Value::dict(nested));
            inventory.set_host_variable(host, "text", Value::text("{{ 7 * 7 }} \u{85} # \"q\"\n"));
            inventory.set_host_variable(
                host,
                "list",
                Value::list([
                    Value::dict(Dict::new().with("k", 1)),
                    Value::list([Value::from(1.5)]),
                ]),
            );
        }
        inventory.reconcile();
        inventory
    }

    #[test]
    fn the_file_is_the_same_whatever_the_order() {
        let text = static_yaml(&example(&["b", "a"])).unwrap();
        assert_eq!(text, static_yaml(&example(&["a", "b"])).unwrap());
        assert!(
            text.contains("text: !unsafe \"{{ 7 * 7 }} \\u0085 # \\\"q\\\"\\n\""),
            "{text}"
        );
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let written = example(&["a", "no"]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("static.yml");
        std::fs::write(&path, static_yaml(&written).unwrap()).unwrap();
        let (sources, vault) = (SourceMap::default(), VaultSecrets::default());
        let reader = Reader {
            sources: &sources,
            vault: &vault,
            duplicates: DuplicateKeys::Warn,
        };
        let loaded = load(
            &[path.display().to_string()],
            &reader,
            &SourceOptions::default(),
        )
        .unwrap();
        assert!(
            loaded
                .warnings
                .iter()
                .all(|warning| warning.code == "inventory-name"),
            "{:?}",
            loaded.warnings
        );
        let read = loaded.inventory;
        for host in written.host_ids() {
            let name = written.host_name(host);
            let vars = |inventory: &Inventory| {
                Value::dict(Dict::clone(
                    &inventory
                        .host_data(inventory.host(&name).unwrap())
                        .unwrap()
                        .vars,
                ))
                .to_json()
            };
            assert_eq!(vars(&read), vars(&written));
            assert_eq!(
                read.group_names(read.host(&name).unwrap()),
                written.group_names(host)
            );
        }
        let text = read
            .host_data(read.host("a").unwrap())
            .unwrap()
            .vars
            .get("text")
            .unwrap()
            .clone();
        assert!(!text.is_trusted());
    }

    #[test]
    fn a_secret_is_refused_by_name() {
        let mut inventory = Inventory::default();
        let host = inventory.add_host("a", None).unwrap();
        inventory.set_host_variable(host, "token", Value::text("hunter2").secret());
        let error = static_yaml(&inventory).unwrap_err();
        assert!(
            error.headline.contains("`token` of host `a`") && !error.headline.contains("hunter2")
        );
    }
}
