//! INI inventories: `[group]`, `[group:children]`, `[group:vars]`, and lines of hosts.

use indexmap::IndexMap;

use super::data::{GroupId, Inventory, InventoryError};
use super::{literal, range, shlex};
use crate::diag::{Diagnostic, FileId, Span};
use crate::pattern::parse_address;

/// What a section's lines are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Hosts,
    Children,
    Vars,
}

/// A group that is named before it is declared.
struct Pending {
    span: Span,
    /// The groups that want it as a child; none where only its variables were given.
    parents: Vec<(GroupId, String)>,
}

/// Reads an INI inventory. What was read before a mistake stays, as in Ansible.
pub(super) fn read(inventory: &mut Inventory, text: &str, file: FileId) -> Result<(), Diagnostic> {
    let mut parser = Parser {
        inventory,
        group: Inventory::UNGROUPED,
        state: State::Hosts,
        pending: IndexMap::new(),
    };
    for (line, number) in text.lines().zip(1u32..) {
        let content = line.trim();
        if !content.is_empty() && !content.starts_with([';', '#']) {
            let indent = line.chars().take_while(|c| c.is_whitespace()).count();
            parser.line(
                content,
                Place {
                    file,
                    line: number,
                    indent,
                },
            )?;
        }
    }
    parser.end()
}

/// Where a trimmed line stands.
#[derive(Clone, Copy)]
struct Place {
    file: FileId,
    line: u32,
    indent: usize,
}

impl Place {
    /// `column` counts from 1 in the trimmed line.
    fn span(self, column: usize, length: usize) -> Span {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Span::new(
            self.file,
            self.line,
            number(self.indent + column),
            number(length),
        )
    }
}

fn mistake(headline: impl Into<String>, span: Span) -> Diagnostic {
    Diagnostic::error("inventory-syntax", headline).at(span, "")
}

struct Parser<'a> {
    inventory: &'a mut Inventory,
    group: GroupId,
    state: State,
    pending: IndexMap<String, Pending>,
}

impl Parser<'_> {
    fn line(&mut self, line: &str, place: Place) -> Result<(), Diagnostic> {
        let whole = place.span(1, line.chars().count());
        if let Some((name, kind)) = section(line) {
            return self.section(name, kind, whole);
        }
        if line.starts_with('[') && line.ends_with(']') {
            return Err(mistake(format!("invalid section `{line}`"), whole).help(
                "a section is `[group]`, `[group:children]` or `[group:vars]`, without blanks",
            ));
        }
        match self.state {
            State::Hosts => self.hosts(line, place),
            State::Vars => {
                let (name, value) = line.split_once('=').ok_or_else(|| {
                    mistake(format!("expected `name=value`, got `{line}`"), whole)
                })?;
                let text = value.trim();
                let column = name.chars().count()
                    + 2
                    + (value.chars().count() - value.trim_start().chars().count());
                let origin = place.span(column, text.chars().count());
                self.inventory.set_group_variable(
                    self.group,
                    name.trim(),
                    literal::value(text, origin),
                );
                Ok(())
            }
            State::Children => {
                let name = line.split('#').next().unwrap_or_default().trim_end();
                if name.is_empty()
                    || name.contains(|c: char| c.is_whitespace() || matches!(c, ':' | ']'))
                {
                    return Err(mistake(
                        format!("expected the name of a group, got `{line}`"),
                        whole,
                    ));
                }
                self.child(name, whole)
            }
        }
    }

    fn section(&mut self, name: &str, kind: Option<&str>, span: Span) -> Result<(), Diagnostic> {
        self.state = match kind {
            None | Some("hosts") => State::Hosts,
            Some("children") => State::Children,
            Some("vars") => State::Vars,
            Some(other) => {
                return Err(mistake(
                    format!("section `[{name}:{other}]` has an unknown type"),
                    span,
                )
                .help("known types are `children`, `vars` and `hosts`"));
            }
        };
        let name = self.inventory.safe_group_name(name, span);
        if let Some(group) = self.inventory.group(&name) {
            self.group = group;
        } else {
            if self.state == State::Vars && !self.pending.contains_key(&name) {
                self.pending.insert(
                    name.clone(),
                    Pending {
                        span,
                        parents: Vec::new(),
                    },
                );
            }
            self.group = self
                .inventory
                .add_group(&name, span)
                .map_err(|error| mistake(error.to_string(), span))?;
        }
        if self.state != State::Vars
            && let Some(pending) = self.pending.shift_remove(&name)
        {
            for (parent, _) in pending.parents {
                self.inventory
                    .add_child(parent, self.group)
                    .map_err(|error| mistake(error.to_string(), pending.span))?;
            }
        }
        Ok(())
    }

    fn child(&mut self, name: &str, span: Span) -> Result<(), Diagnostic> {
        let title = self.inventory.group_name(self.group).to_string();
        // A group that has only variables so far is not declared by them.
        if let Some(pending) = self.pending.get_mut(name) {
            pending.parents.push((self.group, title));
            return Ok(());
        }
        if let Some(child) = self.inventory.group(name) {
            self.inventory
                .add_child(self.group, child)
                .map_err(|error| mistake(error.to_string(), span))
        } else {
            self.pending.insert(
                name.to_owned(),
                Pending {
                    span,
                    parents: vec![(self.group, title)],
                },
            );
            Ok(())
        }
    }

    fn end(self) -> Result<(), Diagnostic> {
        let Some((name, pending)) = self.pending.first() else {
            return Ok(());
        };
        let diagnostic = match pending.parents.last() {
            None => mistake(
                format!("section `[{name}:vars]` is not valid for the undefined group `{name}`"),
                pending.span,
            ),
            Some((_, parent)) => mistake(
                format!("section `[{parent}:children]` includes the undefined group `{name}`"),
                pending.span,
            ),
        };
        Err(diagnostic.help(format!("declare it with a section `[{name}]`")))
    }

    fn hosts(&mut self, line: &str, place: Place) -> Result<(), Diagnostic> {
        let words = shlex::split(line).map_err(|(why, column)| {
            mistake(format!("invalid host line: {why}"), place.span(column, 1))
        })?;
        let Some((first, rest)) = words.split_first() else {
            return Ok(());
        };
        let span = place.span(first.column, first.text.chars().count());
        let (names, port) = host_names(&first.text).map_err(|why| mistake(why, span))?;
        if first.text.ends_with(':') && port.is_none() {
            return Err(mistake(format!("host `{}` ends in `:`", first.text), span)
                .help("a colon separates a port; if this is YAML, the file's name must end in `.yml`, `.yaml` or in nothing"));
        }
        if names.iter().any(|name| name == "---") {
            return Err(mistake("`---` is no host", span)
                .help("this looks like YAML; its own mistake is reported too"));
        }
        let mut variables = Vec::new();
        for word in rest {
            let length = word.text.chars().count();
            let Some((name, text)) = word.text.split_once('=') else {
                return Err(mistake(
                    format!("expected `name=value` after the host, got `{}`", word.text),
                    place.span(word.column, length),
                )
                .help("one host to a line; variables follow as `name=value`"));
            };
            variables.push((
                name.to_owned(),
                literal::value(text, place.span(word.column + name.chars().count() + 1, 1)),
            ));
        }
        for name in names {
            let failed = |error: InventoryError| mistake(error.to_string(), span);
            add_host(self.inventory, &name, port, self.group, &variables).map_err(failed)?;
        }
        Ok(())
    }
}

/// Adds a host with its port and variables to a group.
pub(super) fn add_host(
    inventory: &mut Inventory,
    name: &str,
    port: Option<u32>,
    group: GroupId,
    variables: &[(String, crate::value::Value)],
) -> Result<(), InventoryError> {
    let known = inventory.host(name).is_some();
    let host = inventory.add_host(name, Some(group))?;
    // The port of a host counts only where the host first appears.
    if let Some(port) = port.filter(|_| !known) {
        inventory.set_host_variable(host, "ansible_port", port.into());
    }
    for (name, value) in variables {
        inventory.set_host_variable(host, name.as_str(), value.clone());
    }
    Ok(())
}

/// Returns the hosts that a host pattern of an inventory names, and their port.
pub(super) fn host_names(text: &str) -> Result<(Vec<String>, Option<u32>), String> {
    match parse_address(text, true) {
        Some(address) => Ok((range::expand(&address.host)?, address.port)),
        None => Ok((range::expand(text)?, None)),
    }
}

/// Takes `[name]` and `[name:kind]` apart, with a comment behind.
fn section(line: &str) -> Option<(&str, Option<&str>)> {
    let (inner, after) = line.strip_prefix('[')?.split_once(']')?;
    let after = after.trim_start();
    if !(after.is_empty() || after.starts_with('#')) {
        return None;
    }
    let (name, kind) = match inner.split_once(':') {
        Some((name, kind)) => (name, Some(kind)),
        None => (inner, None),
    };
    let kind_fits = kind.is_none_or(|kind| {
        !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || c == '_')
    });
    (kind_fits && !name.is_empty() && !name.contains(char::is_whitespace)).then_some((name, kind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Groups as _;

    fn inventory(text: &str) -> Result<Inventory, Diagnostic> {
        let mut inventory = Inventory::default();
        read(&mut inventory, text, FileId(1))?;
        inventory.reconcile();
        Ok(inventory)
    }

    fn variable(inventory: &Inventory, host: &str, name: &str) -> String {
        let data = inventory.host_data(inventory.host(host).unwrap()).unwrap();
        data.vars
            .get(name)
            .map_or("-".to_owned(), crate::value::Value::to_repr)
    }

    #[test]
    fn hosts_groups_and_variables() {
        let inventory = inventory(concat!(
            "lone ansible_port=22 s=\"a b\" l=[1,2] # comment\n; comment\nweb0:2222 x=0123\n",
            "[web]\nweb[1:3].ex.com  a=1\ndb1\n[db] # c\ndb1 q='\"5\"'\n[prod:children]\nweb\ndb # c\nlater\n",
            "[web:vars]\nport = 80 # c\nname = foo # c\n[later]\nl1\n",
        ))
        .unwrap();
        assert_eq!(
            inventory.hosts_of("web"),
            ["web1.ex.com", "web2.ex.com", "web3.ex.com", "db1"].map(Into::into)
        );
        assert_eq!(inventory.hosts_of("prod").len(), 5);
        assert_eq!(
            inventory.hosts_of("ungrouped"),
            ["lone", "web0"].map(Into::into)
        );
        assert_eq!(variable(&inventory, "lone", "s"), "'a b'");
        assert_eq!(variable(&inventory, "lone", "l"), "[1, 2]");
        assert_eq!(variable(&inventory, "web0", "ansible_port"), "2222");
        assert_eq!(variable(&inventory, "web0", "x"), "'0123'");
        assert_eq!(variable(&inventory, "db1", "q"), "'5'");
        let web = inventory
            .group_data(inventory.group("web").unwrap())
            .unwrap();
        assert_eq!(web.vars.get("port").unwrap().to_repr(), "80");
        assert_eq!(web.vars.get("name").unwrap().to_repr(), "'foo # c'");
        let origin = web.vars.get("port").unwrap().origin();
        assert_eq!((origin.line, origin.column), (14, 8));
    }

    #[test]
    fn mistakes_have_a_place() {
        for (text, headline, line, column) in [
            ("a\n[web x]\n", "invalid section `[web x]`", 2, 1),
            (
                "[web:kids]\n",
                "section `[web:kids]` has an unknown type",
                1,
                1,
            ),
            (
                "a b\n",
                "expected `name=value` after the host, got `b`",
                1,
                3,
            ),
            ("[w:vars]\nx\n", "expected `name=value`, got `x`", 2, 1),
            (
                "[w]\na\n[x:vars]\ny=1\n",
                "section `[x:vars]` is not valid for the undefined group `x`",
                3,
                1,
            ),
            (
                "[w:children]\nx\n",
                "section `[w:children]` includes the undefined group `x`",
                2,
                1,
            ),
            ("all:\n", "host `all:` ends in `:`", 1, 1),
            ("---\n", "`---` is no host", 1, 1),
            (
                "  a x='b\n",
                "invalid host line: this quote is never closed",
                1,
                7,
            ),
            (
                "n[5:1:x]\n",
                "`n[5:1:x]`: a step is a positive number",
                1,
                1,
            ),
            (
                "[a:children]\nb\n[b:children]\na\n",
                "adding group `a` as a child of `b` makes a loop",
                4,
                1,
            ),
        ] {
            let error = inventory(text).unwrap_err();
            assert_eq!(
                (
                    error.headline.as_str(),
                    error.span().line,
                    error.span().column
                ),
                (headline, line, column),
                "{text}"
            );
        }
    }
}
