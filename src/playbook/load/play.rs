//! Plays.

use std::path::Path;
use std::sync::Arc;

use super::documents::{Item, items, whole};
use super::shape::{Shape, as_bool, is_template};
use super::{Place, PlayState, Session, lacks};
use crate::diag::{Diagnostic, nearest_one};
use crate::playbook::model::{Entry, Keywords, Play, Prompt, Scope, ScopeKind, Task};
use crate::playbook::names::Owner;
use crate::value::{Dict, Value};
use crate::yaml::Node;

const ORDERS: [&str; 5] = [
    "inventory",
    "sorted",
    "reverse_sorted",
    "reverse_inventory",
    "shuffle",
];
const STRATEGIES: [&str; 4] = ["linear", "free", "host_pinned", "debug"];
const PROMPT: [&str; 9] = [
    "name",
    "prompt",
    "default",
    "private",
    "confirm",
    "encrypt",
    "salt_size",
    "salt",
    "unsafe",
];

/// What `import_playbook` adds to each play that it brings.
#[derive(Clone, Debug, Default)]
pub(super) struct Outer {
    pub(super) vars: Dict,
    pub(super) tags: Vec<Value>,
    /// Conditions, one list per import that has some, outermost first.
    pub(super) when: Vec<Vec<Value>>,
}

/// What a play states beside lists of tasks and the shared keywords.
#[derive(Default)]
struct Own {
    name: Option<Value>,
    hosts: Vec<Value>,
    gather_facts: Option<Value>,
    gather_subset: Option<Value>,
    gather_timeout: Option<Value>,
    fact_path: Option<Value>,
    vars_files: Vec<Value>,
    vars_prompt: Vec<Prompt>,
    serial: Vec<Value>,
    strategy: Option<Value>,
    order: Option<Value>,
    max_fail_percentage: Option<Value>,
    force_handlers: Option<Value>,
}

impl Session<'_> {
    /// Loads one play of the playbook file `file`.
    pub(super) fn play(&mut self, node: &Node, file: &Arc<Path>, outer: &Outer) -> Arc<Play> {
        let directory: Arc<Path> = file.parent().unwrap_or(Path::new("/")).into();
        self.play = PlayState {
            id: self.loader.number(),
            directory: directory.to_path_buf(),
            ..PlayState::default()
        };
        self.add_plugin_folder(&directory);
        self.refuse_odd_keys(Owner::Play, node);
        let mut keywords = Keywords {
            vars: outer.vars.clone(),
            ..Keywords::default()
        };
        let mut own = Own::default();
        let mut faults = Vec::new();
        for item in items(node) {
            self.play_keyword(item, node, &mut keywords, &mut own, &mut faults);
        }
        // Variables of `import_playbook` win over those of the play.
        keywords.vars.extend(outer.vars.clone());
        keywords.tags.extend(
            outer
                .tags
                .iter()
                .filter(|tag| !keywords.tags.contains(tag))
                .cloned()
                .collect::<Vec<_>>(),
        );
        self.hosts(node, &own);
        self.faults_of_many(faults, false);
        self.look_at_variables(&keywords.vars);
        let unsupported = own
            .strategy
            .as_ref()
            .and_then(lacks::of_strategy)
            .into_iter()
            .collect();
        self.play.vars_files.clone_from(&own.vars_files);

        let scope = Arc::new(Scope {
            kind: ScopeKind::Play,
            keywords,
            span: node.span,
            parent: None,
        });
        let mut around = Arc::clone(&scope);
        for when in &outer.when {
            let keywords = Keywords {
                when: when.clone(),
                ..Keywords::default()
            };
            around = Arc::new(Scope {
                kind: ScopeKind::ImportPlaybook,
                keywords,
                span: node.span,
                parent: Some(around),
            });
        }
        let place = Place {
            scope: around,
            file: Arc::clone(file),
            handlers: false,
            avoidable: false,
        };
        let (role_tasks, role_handlers) = self.roles(node, &place);
        // In the order in which they run, so that what ends a play is known to what comes after it.
        let pre_tasks = self.section(node, "pre_tasks", &place);
        let tasks = self.section(node, "tasks", &place);
        let post_tasks = self.section(node, "post_tasks", &place);
        let empty = Node::null(node.span);
        let handler_place = Place {
            scope: Arc::clone(&scope),
            handlers: true,
            avoidable: true,
            ..place
        };
        let mut handlers: Vec<Arc<Task>> = role_handlers;
        handlers.extend(self.handler_list(
            node.get("handlers").unwrap_or(&empty),
            "`handlers`",
            &handler_place,
        ));
        handlers.append(&mut self.play.handlers);
        Arc::new(Play {
            id: self.play.id,
            name: own.name,
            hosts: own.hosts,
            scope,
            gather_facts: own.gather_facts,
            gather_subset: own.gather_subset,
            gather_timeout: own.gather_timeout,
            fact_path: own.fact_path,
            vars_files: own.vars_files,
            vars_prompt: own.vars_prompt,
            serial: own.serial,
            strategy: own.strategy,
            order: own.order,
            max_fail_percentage: own.max_fail_percentage,
            force_handlers: own.force_handlers,
            gather_when: outer.when.first().cloned().unwrap_or_default(),
            pre_tasks,
            role_tasks,
            tasks,
            post_tasks,
            handlers,
            roles: std::mem::take(&mut self.play.roles),
            unsupported,
            file: Arc::clone(file),
            directory,
            span: node.span,
        })
    }

    fn section(&mut self, node: &Node, name: &str, place: &Place) -> Vec<Entry> {
        match node.get(name) {
            Some(list) => self.entries(list, &format!("`{name}`"), place, true),
            None => Vec::new(),
        }
    }

    fn play_keyword(
        &mut self,
        item: Item<'_>,
        play: &Node,
        keywords: &mut Keywords,
        own: &mut Own,
        faults: &mut Vec<Diagnostic>,
    ) {
        match item.name {
            "roles" | "pre_tasks" | "tasks" | "post_tasks" | "handlers" => {}
            "name" => own.name = self.shaped(item, Shape::Text, faults),
            "hosts" => own.hosts = self.listed(item.value),
            "user" => {
                if let Some((key, _)) = play.entry("remote_user") {
                    let diagnostic = Diagnostic::error(
                        "conflicting-keywords",
                        "`user` is the old name of `remote_user`, and both are given",
                    )
                    .at(whole(item.key), "")
                    .and_at(whole(key), "");
                    self.report(diagnostic.help("keep `remote_user`"));
                } else {
                    keywords.remote_user = self.shaped(item, Shape::Text, faults);
                }
            }
            "gather_facts" => own.gather_facts = self.shaped(item, Shape::Bool, faults),
            "gather_subset" => own.gather_subset = Some(self.value(item.value)),
            "gather_timeout" => own.gather_timeout = self.shaped(item, Shape::Int, faults),
            "fact_path" => own.fact_path = self.shaped(item, Shape::Text, faults),
            "force_handlers" => own.force_handlers = self.shaped(item, Shape::Bool, faults),
            "max_fail_percentage" => {
                own.max_fail_percentage = self.shaped(item, Shape::Percent, faults);
            }
            "order" => own.order = self.choice(item, &ORDERS, faults),
            "strategy" => own.strategy = self.choice(item, &STRATEGIES, faults),
            "serial" => own.serial = self.serial(item, faults),
            "vars_files" => {
                own.vars_files = self
                    .listed(item.value)
                    .into_iter()
                    .filter(|name| !name.is_null())
                    .collect();
            }
            "vars_prompt" => own.vars_prompt = self.prompts(item),
            name if Owner::Play.has(name) => {
                self.shared_keyword(item, keywords, faults);
            }
            _ if item.name == "include" => {
                let diagnostic =
                    Diagnostic::error("unknown-keyword", "`include` is gone from playbooks")
                        .at(whole(item.key), "");
                self.report(diagnostic.help("write `import_playbook`"));
            }
            _ => self.unknown_keyword(Owner::Play, item.name, item.key),
        }
    }

    /// Checks that a play says where it runs.
    fn hosts(&mut self, node: &Node, own: &Own) {
        let Some((key, value)) = node.entry("hosts") else {
            if node.get("include").is_some() {
                return; // its own mistake is reported
            }
            let diagnostic = Diagnostic::error("no-hosts", "this play does not say where it runs")
                .at(node.span, "`hosts` is missing");
            let is_task = items(node)
                .iter()
                .any(|item| super::action::names_action(item.name) && !Owner::Play.has(item.name));
            let help = if is_task {
                "a playbook is a list of plays; put this task into the `tasks` of one"
            } else {
                "write `hosts: all`, a group or a host"
            };
            self.report(diagnostic.help(help));
            return;
        };
        let place = if value.is_null() {
            whole(key)
        } else {
            whole(value)
        };
        let empty = own.hosts.is_empty()
            || own
                .hosts
                .iter()
                .any(|host| host.as_str().is_some_and(|host| host.trim().is_empty()));
        if empty {
            self.report(
                Diagnostic::error("no-hosts", "`hosts` is empty")
                    .at(place, "")
                    .help("write `hosts: all`, a group or a host"),
            );
        } else if let Some(odd) = own
            .hosts
            .iter()
            .find(|host| host.as_str().is_none() && host.as_fault().is_none())
        {
            let headline = format!(
                "a pattern in `hosts` must be text, not {}",
                super::shape::kind_words(odd)
            );
            self.report(Diagnostic::error("no-hosts", headline).at(odd.origin().or(place), ""));
        }
    }

    fn choice(
        &mut self,
        item: Item<'_>,
        known: &[&str],
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Value> {
        let value = self.shaped(item, Shape::Text, faults)?;
        if let Some(text) = value
            .as_str()
            .filter(|text| !text.is_empty() && !is_template(&value))
        {
            let short = text.strip_prefix("ansible.builtin.").unwrap_or(text);
            if !known.contains(&short) && !short.contains('.') {
                let headline = format!("`{}` has no value `{text}`", item.name);
                let label = nearest_one(short, known.iter().copied())
                    .map(|near| format!("did you mean `{near}`?"))
                    .unwrap_or_default();
                let diagnostic =
                    Diagnostic::error("bad-keyword-value", headline).at(whole(item.value), label);
                faults.push(diagnostic.help(format!("it is one of {}", known.join(", "))));
            }
        }
        Some(value)
    }

    fn serial(&mut self, item: Item<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Value> {
        let batches = self.listed(item.value);
        for batch in batches.iter().filter(|batch| !is_template(batch)) {
            let fits = batch.as_int().is_some()
                || batch.as_str().is_some_and(|text| {
                    text.trim()
                        .strip_suffix('%')
                        .unwrap_or(text.trim())
                        .parse::<f64>()
                        .is_ok()
                });
            if !fits {
                let headline = format!(
                    "`serial` must be numbers or percentages, not {}",
                    super::shape::kind_words(batch)
                );
                faults.push(
                    Diagnostic::error("bad-keyword-value", headline)
                        .at(batch.origin().or(whole(item.value)), ""),
                );
            }
        }
        batches
    }

    fn prompts(&mut self, item: Item<'_>) -> Vec<Prompt> {
        let nodes: Vec<&Node> = match item.value.as_sequence() {
            Some(nodes) => nodes.iter().collect(),
            None if item.value.is_null() => Vec::new(),
            None => vec![item.value],
        };
        nodes
            .into_iter()
            .filter_map(|node| self.prompt(node))
            .collect()
    }

    fn prompt(&mut self, node: &Node) -> Option<Prompt> {
        if node.as_mapping().is_none() {
            let headline = format!(
                "an item of `vars_prompt` must be a mapping, not {}",
                node.describe()
            );
            self.report(Diagnostic::error("bad-prompt", headline).at(whole(node), ""));
            return None;
        }
        for item in items(node)
            .into_iter()
            .filter(|item| !PROMPT.contains(&item.name))
        {
            let label = nearest_one(item.name, PROMPT)
                .map(|near| format!("did you mean `{near}`?"))
                .unwrap_or_default();
            let headline = format!("`{}` is not part of a prompt", item.name);
            self.report(Diagnostic::error("bad-prompt", headline).at(whole(item.key), label));
        }
        let Some(name) = node.get("name") else {
            self.report(
                Diagnostic::error(
                    "bad-prompt",
                    "this prompt has no `name`, the variable that it sets",
                )
                .at(node.span, ""),
            );
            return None;
        };
        let variable = self.value(name).to_text();
        // Ansible takes it, and `vars` finds it.
        self.variable_name(&variable, name, |headline| {
            Diagnostic::warning("bad-variable-name", headline)
        });
        let value = |key: &str| {
            node.get(key)
                .filter(|value| !value.is_null())
                .map(|value| self.value(value))
        };
        let flag =
            |key: &str, otherwise: bool| value(key).as_ref().and_then(as_bool).unwrap_or(otherwise);
        Some(Prompt {
            name: variable.into(),
            prompt: value("prompt"),
            default: value("default"),
            private: flag("private", true),
            confirm: flag("confirm", false),
            encrypt: value("encrypt").map(|scheme| scheme.to_text().into()),
            salt_size: value("salt_size"),
            salt: value("salt"),
            is_unsafe: flag("unsafe", false),
            span: node.span,
        })
    }

    /// Loads what `roles:` lists: all of them are found before the tasks of the first are read.
    fn roles(&mut self, node: &Node, place: &Place) -> (Vec<Entry>, Vec<Arc<Task>>) {
        let Some(list) = node.get("roles").filter(|list| !list.is_null()) else {
            return (Vec::new(), Vec::new());
        };
        let Some(nodes) = list.as_sequence() else {
            let headline = format!("`roles` must be a list of roles, not {}", list.describe());
            let mut diagnostic = Diagnostic::error("bad-roles", headline).at(whole(list), "");
            if let Some(name) = list.as_str() {
                diagnostic = diagnostic.help(format!("write `roles: [{name}]`"));
            }
            self.report(diagnostic);
            return (Vec::new(), Vec::new());
        };
        let collections = place.scope.collections().to_vec();
        let mut trees = Vec::new();
        for item in nodes {
            let request = self.role_request(item, place, None, &collections);
            if let Some(tree) = request.and_then(|request| self.role_tree(request, place)) {
                self.play.roles.push(Arc::clone(&tree.role));
                trees.push(tree);
            }
        }
        let mut tasks = Vec::new();
        let mut handlers = Vec::new();
        // Handlers are outside of what `import_playbook` says.
        let mut outermost = Arc::clone(&place.scope);
        while let Some(parent) = outermost.parent.clone() {
            outermost = parent;
        }
        for tree in &trees {
            tasks.extend(self.role_tasks(tree, place));
            handlers.extend(self.role_handlers(tree, &place.inside(Arc::clone(&outermost))));
        }
        (tasks, handlers)
    }
}
