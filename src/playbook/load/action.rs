//! Which module a task names, and in which of the forms that Ansible allows.

use std::sync::Arc;

use super::documents::{Item, whole};
use super::keywords::list_words;
use super::shape::is_template;
use super::{Place, Session};
use crate::diag::{Diagnostic, Span, nearest_one};
use crate::kit;
use crate::modules;
use crate::playbook::model::{Unsupported, UnsupportedKind, Written};
use crate::playbook::names::{self, Owner, Resolution};
use crate::playbook::split;
use crate::value::{Dict, Key, Value};
use crate::yaml::{Node, Tag};

/// What a name of an action means.
#[derive(Clone)]
pub(super) enum Named {
    ImportPlaybook,
    ImportTasks,
    ImportRole,
    IncludeTasks,
    IncludeRole,
    Meta,
    /// A module that kplay has.
    Module(kit::Entry, Arc<str>),
    /// One that Ansible has.
    Unsupported(Arc<str>, Arc<Unsupported>),
    /// A template.
    Templated(Value),
}

/// What a task says that it does.
pub(super) struct Statement {
    pub(super) named: Named,
    pub(super) written: Arc<str>,
    /// Where the name stands.
    pub(super) span: Span,
    pub(super) given: Dict,
    pub(super) templates: Vec<Value>,
    pub(super) spans: Vec<(Arc<str>, Written)>,
    /// Arguments of a mapping, as they were written.
    pub(super) nodes: Vec<(String, Node)>,
    /// Text without a name.
    pub(super) raw: Option<Value>,
    /// What makes it fail wherever it is reached.
    pub(super) faults: Vec<Diagnostic>,
    /// It was written as `local_action`.
    pub(super) local: bool,
}

/// Modules whose text is a command: only options of commands are `name=value` there.
fn is_command(name: &str) -> bool {
    let short = name
        .strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .or_else(|| name.strip_prefix("ansible.windows."))
        .unwrap_or(name);
    matches!(
        short,
        "command" | "raw" | "script" | "shell" | "win_command" | "win_shell"
    )
}

/// Tells whether a key of a task names its action rather than a keyword.
pub(super) fn names_action(name: &str) -> bool {
    !Owner::Handler.has(name) && !name.starts_with("with_") && name != "static"
}

impl Session<'_> {
    /// Returns what the task does, or nothing where that cannot be said; what is wrong is reported.
    pub(super) fn statement(
        &mut self,
        node: &Node,
        all: &[Item<'_>],
        collections: &[Arc<str>],
        place: &Place,
    ) -> Option<Statement> {
        let extra = all.iter().find(|item| item.name == "args").copied();
        let mut found: Vec<(Statement, Item<'_>)> = Vec::new();
        let mut unknown: Vec<Item<'_>> = Vec::new();
        for item in all {
            if matches!(item.name, "action" | "local_action") {
                found.extend(
                    self.old_style(*item, extra, collections)?
                        .map(|statement| (statement, *item)),
                );
            } else if names_action(item.name) {
                match self.name(item.name, whole(item.key), collections) {
                    Some(named) => found.push((self.new_style(named, *item, extra)?, *item)),
                    None => unknown.push(*item),
                }
            }
        }
        let owner = if place.handlers {
            Owner::Handler
        } else {
            Owner::Task
        };
        let mut found = found.into_iter();
        let Some((statement, first)) = found.next() else {
            self.no_action(node, &unknown, owner, collections);
            return None;
        };
        if let Some((_, second)) = found.next() {
            let headline = format!(
                "a task does one thing, and this one names both `{}` and `{}`",
                first.name, second.name
            );
            let diagnostic = Diagnostic::error("conflicting-actions", headline)
                .at(whole(second.key), "the second action")
                .and_at(whole(first.key), "the first action")
                .help("make two tasks of it");
            self.report(diagnostic);
            return None;
        }
        for item in unknown {
            self.unknown_keyword(owner, item.name, item.key);
        }
        Some(statement)
    }

    /// Reports a task that names no action that anybody knows.
    fn no_action(
        &mut self,
        node: &Node,
        unknown: &[Item<'_>],
        owner: Owner,
        collections: &[Arc<str>],
    ) {
        if unknown.is_empty() {
            let diagnostic = Diagnostic::error("no-action", "this task names no module")
                .at(node.span, "")
                .help("write the module's name and a colon, such as `ansible.builtin.copy:`");
            self.report(diagnostic);
            return;
        }
        for item in unknown {
            let module = Self::nearest_module(item.name, collections);
            if module.is_none()
                && unknown.len() > 1
                && nearest_one(item.name, owner.keywords()).is_some()
            {
                self.unknown_keyword(owner, item.name, item.key);
                continue;
            }
            let headline = format!("nobody has a module called `{}`", item.name);
            let mut diagnostic = Diagnostic::error("unknown-module", headline);
            let others = Owner::others_with(item.name);
            diagnostic = match (
                module,
                nearest_one(item.name, owner.keywords()).map(str::to_owned),
            ) {
                _ if !others.is_empty() => diagnostic.at(
                    whole(item.key),
                    format!("this is a keyword of {}", list_words(&others)),
                ),
                (Some(near), _) | (None, Some(near)) => {
                    diagnostic.at(whole(item.key), format!("did you mean `{near}`?"))
                }
                (None, None) => diagnostic.at(whole(item.key), ""),
            };
            if item.name.matches('.').count() >= 2 {
                diagnostic = diagnostic.note("kplay knows the collections of the `ansible` package 12 and those installed beside the playbook");
            }
            self.report(diagnostic);
        }
    }

    fn nearest_module(name: &str, collections: &[Arc<str>]) -> Option<String> {
        if name.matches('.').count() >= 2 {
            let at = name.match_indices('.').nth(1).map(|(at, _)| at)?;
            let (collection, short) = (name.get(..at)?, name.get(at + 1..)?);
            let near = nearest_one(short, names::module_names(collection))?;
            return Some(format!("{collection}.{near}"));
        }
        // Modules that kplay has come first: they are those that people mean.
        let own: Vec<&str> = modules::all()
            .map(|entry| entry.meta().short_name())
            .collect();
        let near = nearest_one(name, own.iter().copied())
            .or_else(|| nearest_one(name, names::module_names("ansible.builtin")))
            .or_else(|| {
                collections
                    .iter()
                    .find_map(|collection| nearest_one(name, names::module_names(collection)))
            });
        near.map(str::to_owned)
    }

    /// Returns what a name means, or nothing where nobody knows it. A module that was removed is reported, and counts as one that
    /// Ansible has.
    fn name(&mut self, written: &str, span: Span, collections: &[Arc<str>]) -> Option<Named> {
        let short = written
            .strip_prefix("ansible.builtin.")
            .or_else(|| written.strip_prefix("ansible.legacy."))
            .unwrap_or(written);
        match short {
            "import_playbook" => return Some(Named::ImportPlaybook),
            "import_tasks" => return Some(Named::ImportTasks),
            "import_role" => return Some(Named::ImportRole),
            "include_tasks" => return Some(Named::IncludeTasks),
            "include_role" => return Some(Named::IncludeRole),
            "meta" => return Some(Named::Meta),
            _ => {}
        }
        let lacking = |name: &str, help: String| {
            let unsupported = Unsupported {
                kind: UnsupportedKind::Module,
                what: format!("module `{name}`"),
                span,
                help: Some(help),
            };
            Some(Named::Unsupported(name.into(), Arc::new(unsupported)))
        };
        // A module of the project's own hides one of that name, as it does in Ansible.
        let hidden = !written.contains('.') || written.starts_with("ansible.legacy.");
        if hidden && self.local_module(written) {
            return lacking(written, "it lies in the project's own plugin folders, whose modules need Python on the host".to_owned());
        }
        match names::resolve(written, collections) {
            Resolution::Known(name) => match modules::find(&name) {
                Some(entry) => Some(Named::Module(entry, name)),
                None => lacking(&name, "kplay does not have it yet".to_owned()),
            },
            Resolution::Gone(why) => {
                let mut diagnostic = Diagnostic::error(
                    "module-gone",
                    format!("module `{written}` was removed from Ansible"),
                )
                .at(span, "");
                if !why.is_empty() {
                    diagnostic = diagnostic.help(why);
                }
                self.report(diagnostic);
                lacking(written, why.to_owned())
            }
            Resolution::Unknown => {
                let names = std::iter::once(written.to_owned()).chain(
                    collections
                        .iter()
                        .map(|collection| format!("{collection}.{written}")),
                );
                let installed = names
                    .filter(|name| name.matches('.').count() >= 2)
                    .find(|name| self.local_module(name));
                installed.and_then(|name| {
                    lacking(
                        &name,
                        "it lies in an installed collection, whose modules need Python on the host"
                            .to_owned(),
                    )
                })
            }
        }
    }

    /// Takes `module: arguments`.
    fn new_style(
        &mut self,
        named: Named,
        item: Item<'_>,
        extra: Option<Item<'_>>,
    ) -> Option<Statement> {
        let mut statement = Statement::new(named, item.name, whole(item.key));
        self.extra_arguments(&mut statement, extra);
        let node = item.value;
        if node.as_mapping().is_some() {
            self.mapping(&mut statement, node);
        } else if node.is_null() {
        } else if node.tag == Tag::Vault {
            statement.raw = Some(self.value(node));
        } else if node.as_str().is_some() {
            self.text(&mut statement, &self.value(node), node.span)?;
        } else {
            let headline = format!(
                "the arguments of `{}` must be a mapping or text, not {}",
                item.name,
                node.describe()
            );
            self.report(Diagnostic::error("bad-arguments", headline).at(whole(node), ""));
            return None;
        }
        self.finished(statement)
    }

    /// Takes `action:` or `local_action:`, text or a mapping with `module`. `None` where the task is beyond use.
    #[expect(
        clippy::option_option,
        reason = "the outer says that the task is beyond use, the inner that nothing is stated"
    )]
    fn old_style(
        &mut self,
        item: Item<'_>,
        extra: Option<Item<'_>>,
        collections: &[Arc<str>],
    ) -> Option<Option<Statement>> {
        let node = item.value;
        let (head, mapping) = if node.as_mapping().is_some() {
            if let Some(module) = node.get("module") {
                (module, Some(node))
            } else {
                let headline = format!("`{}` needs `module`, the name of what to run", item.name);
                self.report(Diagnostic::error("no-action", headline).at(whole(item.key), ""));
                return None;
            }
        } else {
            (node, None)
        };
        let Some(text) = head.as_str() else {
            let headline = format!(
                "`{}` must be text or a mapping, not {}",
                item.name,
                head.describe()
            );
            self.report(
                Diagnostic::error("bad-arguments", headline)
                    .at(whole(head).or(whole(item.key)), ""),
            );
            return None;
        };
        let value = self.value(head);
        let (name, rest) = match split::first_word(text) {
            Ok(parts) => parts,
            Err(why) => {
                self.report(Diagnostic::error("bad-arguments", why).at(head.span, ""));
                return None;
            }
        };
        let span = Span {
            length: u32::try_from(name.chars().count()).unwrap_or(1),
            ..head.span
        };
        let written = Value::text(name.as_str())
            .with_marks(value.marks())
            .with_origin(head.span);
        let mut faults = Vec::new();
        let named = if is_template(&written) {
            Named::Templated(written)
        } else if let Some(named) = self.name(&name, span, collections) {
            named
        } else {
            // In this form Ansible looks the name up when it gets there.
            let label = Self::nearest_module(&name, collections)
                .map(|near| format!("did you mean `{near}`?"))
                .unwrap_or_default();
            let headline = format!("nobody has a module called `{name}`");
            faults.push(Diagnostic::error("unknown-module", headline).at(span, label));
            Named::Templated(written)
        };
        let mut statement = Statement::new(named, &name, span);
        statement.faults = faults;
        statement.local = item.name == "local_action";
        self.extra_arguments(&mut statement, extra);
        if let Some(mapping) = mapping {
            self.mapping(&mut statement, mapping);
            statement.given.remove("module");
            if let Some(Ok(more)) = statement
                .given
                .remove("args")
                .map(|args| args.as_dict().cloned().ok_or(args))
            {
                statement.given.extend(more);
            }
        }
        if !rest.is_empty() {
            let rest = Value::text(rest)
                .with_marks(value.marks())
                .with_origin(head.span);
            self.text(&mut statement, &rest, head.span)?;
        }
        self.finished(statement).map(Some)
    }

    /// Takes the keyword `args`, below what else is given.
    fn extra_arguments(&mut self, statement: &mut Statement, extra: Option<Item<'_>>) {
        let Some(item) = extra else { return };
        let value = self.value(item.value);
        if item.value.as_mapping().is_some() {
            self.mapping(statement, item.value);
        } else if is_template(&value) {
            statement.templates.push(value);
        } else if value.is_null() {
            self.report(
                Diagnostic::warning("bad-arguments", "`args` is empty").at(whole(item.key), ""),
            );
        } else {
            let headline = format!("`args` must be a mapping, not {}", item.value.describe());
            self.report(Diagnostic::error("bad-arguments", headline).at(whole(item.value), ""));
        }
    }

    fn mapping(&mut self, statement: &mut Statement, node: &Node) {
        for item in super::documents::items(node) {
            let span = Written {
                key: whole(item.key),
                value: whole(item.value),
            };
            statement.spans.push((item.name.into(), span));
            statement
                .nodes
                .push((item.name.to_owned(), item.value.clone()));
        }
        statement.given.extend(self.dict(node));
    }

    /// Takes `name=value` text and what is left of it.
    fn text(&mut self, statement: &mut Statement, value: &Value, span: Span) -> Option<()> {
        let text = value.as_str().unwrap_or_default();
        let split = match split::pairs(text, is_command(&statement.written)) {
            Ok(split) => split,
            Err(why) => {
                let diagnostic = Diagnostic::error(
                    "bad-arguments",
                    format!(
                        "the arguments of `{}` cannot be read: {why}",
                        statement.written
                    ),
                );
                self.report(diagnostic.at(span, ""));
                return None;
            }
        };
        let part = |text: String| {
            Value::text(text)
                .with_marks(value.marks())
                .with_origin(value.origin())
        };
        for (name, given) in split.pairs {
            statement.spans.push((
                name.as_str().into(),
                Written {
                    key: Span::NONE,
                    value: span,
                },
            ));
            statement.given.insert(name, part(given));
        }
        if let Some(rest) = split.rest {
            // The text as it stands, with its own trail from text to source, where nothing was taken out of it.
            statement.raw = Some(if rest == text {
                value.clone()
            } else {
                part(rest)
            });
        }
        Some(())
    }

    fn finished(&mut self, mut statement: Statement) -> Option<Statement> {
        let reserved = statement
            .given
            .keys()
            .filter_map(Key::as_str)
            .find(|name| name.starts_with("_ansible_"))
            .map(str::to_owned);
        if let Some(name) = reserved
            && !is_command(&statement.written)
        {
            let headline = format!("argument `{name}` is reserved for Ansible itself");
            self.report(Diagnostic::error("reserved-argument", headline).at(statement.span, ""));
            return None;
        }
        if let Some(raw) = statement.given.remove("_raw_params") {
            statement.raw = Some(raw);
        }
        Some(statement)
    }
}

impl Statement {
    fn new(named: Named, written: &str, span: Span) -> Self {
        Self {
            named,
            written: written.into(),
            span,
            given: Dict::new(),
            templates: Vec::new(),
            spans: Vec::new(),
            nodes: Vec::new(),
            raw: None,
            faults: Vec::new(),
            local: false,
        }
    }

    /// Returns an argument.
    pub(super) fn argument(&self, name: &str) -> Option<&Value> {
        self.given.get(name)
    }

    /// Returns where an argument's name stands, or that of the action.
    pub(super) fn key_span(&self, name: &str) -> Span {
        let written = self.spans.iter().rev().find(|(known, _)| &**known == name);
        written.map_or(self.span, |(_, written)| {
            written.key.or(written.value).or(self.span)
        })
    }
}
