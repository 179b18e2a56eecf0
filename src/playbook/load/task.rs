//! Tasks and handlers.

use std::sync::Arc;

use super::action::{Named, Statement, names_action};
use super::arguments::{self, runs_for_certain};
use super::documents::{Item, items, whole};
use super::keywords::is_false;
use super::shape::{Shape, is_template};
use super::{Place, Session, lacks};
use crate::diag::{Diagnostic, nearest_one};
use crate::playbook::model::{
    Action, ActionKind, Entry, Keywords, Loop, LoopControl, MetaAction, Scope, ScopeKind, Task,
    Unsupported,
};
use crate::playbook::names::{Owner, PluginKind, knows_plugin, plugin_names};
use crate::value::Value;
use crate::yaml::Node;

/// What a task states beside its action and the shared keywords.
#[derive(Default)]
pub(super) struct Own {
    pub(super) name: Option<Value>,
    pub(super) loop_: Option<Loop>,
    loop_control: LoopControl,
    pub(super) register: Option<Arc<str>>,
    until: Vec<Value>,
    retries: Option<Value>,
    delay: Option<Value>,
    changed_when: Vec<Value>,
    failed_when: Vec<Value>,
    async_: Option<Value>,
    poll: Option<Value>,
    listen: Vec<Arc<str>>,
    pub(super) faults: Vec<Diagnostic>,
}

impl Session<'_> {
    /// Loads a task. An import becomes what it brings.
    pub(super) fn task(&mut self, node: &Node, place: &Place) -> Vec<Entry> {
        let owner = if place.handlers {
            Owner::Handler
        } else {
            Owner::Task
        };
        self.refuse_odd_keys(owner, node);
        let all = items(node);
        let mut keywords = Keywords::default();
        let mut own = Own::default();
        for item in &all {
            self.task_keyword(*item, owner, &mut keywords, &mut own, place);
        }
        let collections = keywords
            .collections
            .clone()
            .unwrap_or_else(|| place.scope.collections().to_vec());
        let Some(statement) = self.statement(node, &all, &collections, place) else {
            return Vec::new();
        };
        if statement.local {
            keywords.delegate_to = Some(Value::text("localhost").with_origin(statement.span));
        }
        match &statement.named {
            Named::ImportTasks => self.import_tasks(&statement, keywords, own, node, place),
            Named::ImportRole => self.import_role(&statement, keywords, own, node, place),
            Named::ImportPlaybook => {
                let diagnostic = Diagnostic::error(
                    "misplaced-import",
                    "`import_playbook` stands among plays, not among tasks",
                )
                .at(statement.span, "")
                .help("`import_tasks` and `import_role` stand among tasks");
                self.report(diagnostic);
                Vec::new()
            }
            _ => self
                .plain_task(&statement, keywords, own, &all, node, place)
                .into_iter()
                .map(Entry::Task)
                .collect(),
        }
    }

    fn plain_task(
        &mut self,
        statement: &Statement,
        keywords: Keywords,
        mut own: Own,
        all: &[Item<'_>],
        node: &Node,
        place: &Place,
    ) -> Option<Arc<Task>> {
        let scope = Arc::new(Scope {
            kind: ScopeKind::Task,
            keywords,
            span: node.span,
            parent: Some(Arc::clone(&place.scope)),
        });
        own.faults.extend(statement.faults.iter().cloned());
        let (kind, arguments) = match &statement.named {
            Named::Module(entry, _) => {
                let arguments =
                    arguments::arguments(statement, entry.meta().free_form, false, &mut own.faults);
                own.faults
                    .extend(arguments::check(*entry, &arguments, &scope, statement.span));
                (ActionKind::Module(*entry), arguments)
            }
            Named::Unsupported(_, unsupported) => {
                let arguments = arguments::arguments(statement, None, true, &mut own.faults);
                (ActionKind::Unsupported(Arc::clone(unsupported)), arguments)
            }
            Named::Templated(value) => (
                ActionKind::Templated(value.clone()),
                arguments::arguments(statement, None, true, &mut own.faults),
            ),
            Named::Meta => {
                let action = self.meta(statement, place)?;
                (
                    ActionKind::Meta(action),
                    arguments::arguments(statement, None, true, &mut own.faults),
                )
            }
            Named::IncludeTasks | Named::IncludeRole => {
                self.include_keywords(all, place);
                let kind = self.include(statement, place)?;
                (
                    kind,
                    arguments::arguments(statement, None, true, &mut own.faults),
                )
            }
            Named::ImportPlaybook | Named::ImportTasks | Named::ImportRole => return None,
        };
        if place.handlers && matches!(statement.named, Named::IncludeRole) {
            let diagnostic = Diagnostic::error(
                "misplaced-include",
                "a role cannot be included as a handler",
            )
            .at(statement.span, "");
            self.report(diagnostic);
            return None;
        }
        let name: Arc<str> = match &statement.named {
            Named::Module(_, name) | Named::Unsupported(name, _) => Arc::clone(name),
            Named::Meta => "ansible.builtin.meta".into(),
            Named::IncludeTasks => "ansible.builtin.include_tasks".into(),
            Named::IncludeRole => "ansible.builtin.include_role".into(),
            _ => Arc::clone(&statement.written),
        };
        let action = Action {
            written: Arc::clone(&statement.written),
            name,
            span: statement.span,
            kind,
            arguments,
        };
        let mut unsupported = lacks::of_scope(&scope);
        let conditions: [&[Value]; 3] = [&own.until, &own.changed_when, &own.failed_when];
        let found = self.look_at_task(
            &action.kind,
            &action.arguments,
            own.loop_.as_ref(),
            &own.loop_control,
            conditions,
        );
        own.faults.extend(found.faults);
        unsupported.extend(found.unsupported);
        self.look_at_variables(&scope.keywords.vars);
        let reached = !place.avoidable && !self.play.ended;
        let mut first_faults = Vec::new();
        for (index, condition) in scope.when().into_iter().enumerate() {
            let found = self.look_at_condition(condition);
            // The outermost condition is evaluated in each case, the others only where those before hold.
            if index == 0 && reached && !is_ignored(&scope) {
                first_faults.extend(found.faults);
                first_faults.extend(found.unsupported.iter().map(Unsupported::diagnostic));
            } else {
                own.faults.extend(found.faults);
                unsupported.extend(found.unsupported);
            }
        }
        let avoidable = !reached || is_avoidable(&scope, &own);
        Some(Arc::new(Task {
            id: self.task_id(),
            name: own.name,
            action,
            scope,
            loop_: own.loop_,
            loop_control: own.loop_control,
            register: own.register,
            until: own.until,
            retries: own.retries,
            delay: own.delay,
            changed_when: own.changed_when,
            failed_when: own.failed_when,
            async_: own.async_,
            poll: own.poll,
            listen: own.listen,
            handler: place.handlers,
            implicit: false,
            unsupported,
            faults: own.faults,
            first_faults,
            avoidable,
            span: node.span,
            file: Arc::clone(&place.file),
        }))
    }

    fn task_keyword(
        &mut self,
        item: Item<'_>,
        owner: Owner,
        keywords: &mut Keywords,
        own: &mut Own,
        place: &Place,
    ) {
        match item.name {
            "action" | "local_action" | "args" => {}
            "name" => own.name = self.shaped(item, Shape::Text, &mut own.faults),
            "loop" => {
                if !item.value.is_null() {
                    self.set_loop(item, own, Loop::Items(self.value(item.value)));
                }
            }
            "loop_control" => own.loop_control = self.loop_control(item, &mut own.faults),
            "register" => own.register = self.register(item),
            "until" => own.until = self.conditions(item),
            "retries" => own.retries = self.shaped(item, Shape::Int, &mut own.faults),
            "delay" => own.delay = self.shaped(item, Shape::Number, &mut own.faults),
            "changed_when" => own.changed_when = self.conditions(item),
            "failed_when" => own.failed_when = self.conditions(item),
            "async" => own.async_ = self.shaped(item, Shape::Int, &mut own.faults),
            "poll" => own.poll = self.shaped(item, Shape::Int, &mut own.faults),
            "listen" if owner == Owner::Handler => own.listen = self.listen(item, place),
            name if name.starts_with("with_") => self.with(item, owner, own),
            // Not a keyword: the action, or a mistake that is reported with it.
            name if names_action(name) => {}
            name if !owner.has(name) => self.unknown_keyword(owner, item.name, item.key),
            _ => {
                self.shared_keyword(item, keywords, &mut own.faults);
            }
        }
    }

    fn set_loop(&mut self, item: Item<'_>, own: &mut Own, new: Loop) {
        if own.loop_.is_some() {
            let diagnostic = Diagnostic::error(
                "duplicate-loop",
                "a task has one loop, and this one has two",
            )
            .at(whole(item.key), "the second");
            self.report(diagnostic);
        } else {
            own.loop_ = Some(new);
        }
    }

    fn with(&mut self, item: Item<'_>, owner: Owner, own: &mut Own) {
        let lookup = item.name.strip_prefix("with_").unwrap_or(item.name);
        if !knows_plugin(PluginKind::Lookup, lookup)
            && !self.local_plugin(PluginKind::Lookup, lookup)
        {
            let headline = format!(
                "`{}` is not a keyword of {}: no lookup is called `{lookup}`",
                item.name,
                owner.describe()
            );
            let near = nearest_one(lookup, plugin_names(PluginKind::Lookup));
            let label = near
                .map(|near| format!("did you mean `with_{near}`?"))
                .unwrap_or_default();
            self.report(Diagnostic::error("unknown-keyword", headline).at(whole(item.key), label));
            return;
        }
        if item.value.is_null() {
            self.report(
                Diagnostic::error("empty-loop", format!("`{}` needs a value", item.name))
                    .at(whole(item.key), ""),
            );
            return;
        }
        let terms = self.value(item.value);
        self.set_loop(
            item,
            own,
            Loop::With {
                lookup: lookup.into(),
                terms,
                span: whole(item.key),
            },
        );
    }

    fn loop_control(&mut self, item: Item<'_>, faults: &mut Vec<Diagnostic>) -> LoopControl {
        let mut control = LoopControl::default();
        if item.value.as_mapping().is_none() {
            let headline = format!(
                "`loop_control` must be a mapping, not {}",
                item.value.describe()
            );
            self.report(Diagnostic::error("bad-loop-control", headline).at(whole(item.value), ""));
            return control;
        }
        self.refuse_odd_keys(Owner::LoopControl, item.value);
        for item in items(item.value) {
            match item.name {
                "loop_var" => {
                    control.loop_var = self.shaped(item, Shape::Text, faults);
                    if let Some(name) = control.loop_var.as_ref().filter(|name| !is_template(name))
                    {
                        // The task fails if its list has an item.
                        self.variable_name(&name.to_text(), item.value, |headline| {
                            Diagnostic::warning("bad-variable-name", headline)
                        });
                    }
                }
                "index_var" => control.index_var = self.shaped(item, Shape::Text, faults),
                "label" => control.label = Some(self.value(item.value)),
                "pause" => control.pause = self.shaped(item, Shape::Number, faults),
                "extended" => control.extended = self.shaped(item, Shape::Bool, faults),
                "extended_allitems" => {
                    control.extended_allitems = self.shaped(item, Shape::Bool, faults);
                }
                "break_when" => control.break_when = self.conditions(item),
                _ => self.unknown_keyword(Owner::LoopControl, item.name, item.key),
            }
        }
        control
    }

    fn register(&mut self, item: Item<'_>) -> Option<Arc<str>> {
        if item.value.is_null() {
            return None;
        }
        let name = item
            .value
            .as_str()
            .map_or_else(|| self.value(item.value).to_text(), str::to_owned);
        if item.value.as_str().is_none() {
            let headline = format!(
                "`register` needs the name of a variable, not {}",
                item.value.describe()
            );
            self.report(Diagnostic::error("bad-register", headline).at(whole(item.value), ""));
            return None;
        }
        self.variable_name(&name, item.value, |headline| {
            Diagnostic::error("bad-register", headline)
        })
        .then(|| name.into())
    }

    fn listen(&mut self, item: Item<'_>, place: &Place) -> Vec<Arc<str>> {
        let mut topics: Vec<Arc<str>> = Vec::new();
        for value in self.listed(item.value) {
            let Some(topic) = value.as_str() else {
                let headline = format!(
                    "a topic in `listen` must be text, not {}",
                    super::shape::kind_words(&value)
                );
                self.report(
                    Diagnostic::error("bad-keyword-value", headline).at(value.origin(), ""),
                );
                continue;
            };
            if is_template(&value) {
                let diagnostic = Diagnostic::warning(
                    "bad-keyword-value",
                    "`listen` is no template and counts as written",
                );
                self.report(diagnostic.at(value.origin(), ""));
            }
            topics.push(topic.into());
        }
        if let Some(role) = place.scope.role() {
            let qualified: Vec<Arc<str>> = topics
                .iter()
                .map(|topic| format!("{} : {topic}", role.name).into())
                .collect();
            topics.extend(qualified);
        }
        topics
    }

    /// Returns what `meta` is to do.
    fn meta(&mut self, statement: &Statement, place: &Place) -> Option<MetaAction> {
        let raw = statement
            .raw
            .as_ref()
            .or_else(|| statement.argument("free_form"));
        let Some(name) = raw.and_then(Value::as_str).map(str::trim) else {
            let names: Vec<&str> = MetaAction::ALL.iter().map(|(name, _)| *name).collect();
            let diagnostic = Diagnostic::error("bad-meta", "`meta` needs the name of an action")
                .at(statement.span, "");
            self.report(diagnostic.help(format!("write one of {}", names.join(", "))));
            return None;
        };
        let span = raw.map_or(statement.span, Value::origin);
        let Some(action) = MetaAction::parse(name) else {
            let near = nearest_one(name, MetaAction::ALL.iter().map(|(name, _)| *name));
            let label = near
                .map(|near| format!("did you mean `{near}`?"))
                .unwrap_or_default();
            let mut diagnostic =
                Diagnostic::error("bad-meta", format!("`meta` has no action `{name}`"))
                    .at(span, label);
            if raw.is_some_and(is_template) {
                diagnostic =
                    diagnostic.help("the action of `meta` cannot be a template; use `when`");
            }
            self.report(diagnostic);
            return None;
        };
        let refused = match action {
            MetaAction::EndRole if place.handlers => Some("`end_role` cannot be a handler"),
            MetaAction::FlushHandlers if place.handlers => {
                Some("`flush_handlers` cannot be a handler")
            }
            MetaAction::EndRole if place.scope.role().is_none() => {
                Some("`end_role` stands outside of a role")
            }
            _ => None,
        };
        if let Some(why) = refused {
            self.report(Diagnostic::error("bad-meta", why).at(span, ""));
            return None;
        }
        if matches!(
            action,
            MetaAction::EndBatch | MetaAction::EndHost | MetaAction::EndPlay | MetaAction::EndRole
        ) {
            self.play.ended = true;
        }
        Some(action)
    }

    /// Reports keywords that a dynamic include does not take.
    fn include_keywords(&mut self, all: &[Item<'_>], place: &Place) {
        let owner = if place.handlers {
            Owner::HandlerInclude
        } else {
            Owner::Include
        };
        for item in all {
            let task_has = Owner::Handler.has(item.name);
            if task_has && !owner.has(item.name) && !matches!(item.name, "listen" | "local_action")
            {
                self.unknown_keyword(owner, item.name, item.key);
            }
        }
    }
}

/// Tells whether a failure may be ignored.
fn is_ignored(scope: &Scope) -> bool {
    let ignored = scope.effective(|keywords| &keywords.ignore_errors);
    ignored.is_some() && !is_false(ignored)
}

/// Tells whether the keywords of a task may keep a run from failing because of it.
fn is_avoidable(scope: &Scope, own: &Own) -> bool {
    let loops = own.loop_.as_ref().is_some_and(|loop_| match loop_ {
        Loop::Items(items) => !runs_for_certain(items),
        Loop::With { terms, .. } => !runs_for_certain(terms),
    });
    loops || !scope.when().is_empty() || !own.failed_when.is_empty() || is_ignored(scope)
}
