//! Imports, which bring their tasks when the playbook is loaded, and includes, which bring them when a host gets there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::action::{Named, Statement};
use super::documents::{items, whole};
use super::role::RoleRequest;
use super::task::Own;
use super::{Included, Loaded, Loader, Place, PlayState, Session};
use crate::diag::{Diagnostic, Span, nearest_one};
use crate::playbook::model::{
    ActionKind, Entry, FromFiles, IncludeRole, IncludeTasks, Keywords, Play, Scope, ScopeKind, Task,
};
use crate::playbook::names::Owner;
use crate::value::{Dict, Key, Value};
use crate::yaml::Node;

const FROM: [&str; 4] = ["tasks_from", "vars_from", "defaults_from", "handlers_from"];
const ROLE_OPTIONS: [&str; 10] = [
    "name",
    "role",
    "tasks_from",
    "vars_from",
    "defaults_from",
    "handlers_from",
    "apply",
    "public",
    "allow_duplicates",
    "rolespec_validate",
];

/// What `include_role` asks for, rendered for the hosts that reached it.
#[derive(Clone, Debug, Default)]
pub struct RoleInclude {
    /// `name`
    pub name: String,
    /// `tasks_from`
    pub tasks_from: Option<String>,
    /// `vars_from`
    pub vars_from: Option<String>,
    /// `defaults_from`
    pub defaults_from: Option<String>,
    /// `handlers_from`
    pub handlers_from: Option<String>,
    /// `public`
    pub public: Option<bool>,
    /// `allow_duplicates`, true where it is not given.
    pub allow_duplicates: Option<bool>,
    /// `rolespec_validate`, true where it is not given.
    pub validate: Option<bool>,
}

impl Loader {
    /// Brings what an `include_tasks` names. `file` is its file, rendered; `variables` are added to those of the include (the
    /// loop's).
    pub fn include_tasks(
        &self,
        play: &Play,
        task: &Task,
        file: &str,
        variables: &Dict,
    ) -> Loaded<Included> {
        let mut session = Session::new(self);
        session.play = PlayState::resume(play, &task.scope);
        let item = session.bring_tasks(task, file, variables);
        session.finish(item)
    }

    /// Brings what an `include_role` names.
    pub fn include_role(
        &self,
        play: &Play,
        task: &Task,
        role: &RoleInclude,
        variables: &Dict,
    ) -> Loaded<Included> {
        let mut session = Session::new(self);
        session.play = PlayState::resume(play, &task.scope);
        let item = session.bring_role(task, role, variables);
        session.finish(item)
    }
}

impl PlayState {
    /// Returns the state of a play that is loaded already.
    fn resume(play: &Play, scope: &Scope) -> Self {
        let mut plugin_folders = vec![play.directory.to_path_buf()];
        plugin_folders.extend(play.roles.iter().map(|role| role.path.clone()));
        plugin_folders.extend(scope.roles().map(|role| role.path.clone()));
        Self {
            id: play.id,
            directory: play.directory.to_path_buf(),
            vars_files: play.vars_files.clone(),
            roles: play.roles.clone(),
            handlers: Vec::new(),
            ended: false,
            plugin_folders,
        }
    }
}

impl Session<'_> {
    /// Reads what a dynamic include says.
    pub(super) fn include(&mut self, statement: &Statement, place: &Place) -> Option<ActionKind> {
        let apply = self.apply(statement, place)?;
        if let Named::IncludeTasks = statement.named {
            let file = self.include_file(statement)?;
            Some(ActionKind::IncludeTasks(IncludeTasks { file, apply }))
        } else {
            let (name, from) = self.role_options(statement)?;
            Some(ActionKind::IncludeRole(Box::new(IncludeRole {
                name,
                from,
                apply,
                public: statement.argument("public").cloned(),
                allow_duplicates: statement.argument("allow_duplicates").cloned(),
                validate: statement.argument("rolespec_validate").cloned(),
            })))
        }
    }

    /// Returns the file that `include_tasks` or `import_tasks` names.
    fn include_file(&mut self, statement: &Statement) -> Option<Value> {
        self.refuse_options(statement, &["file", "apply"]);
        let file = statement
            .raw
            .as_ref()
            .or_else(|| statement.argument("file"))
            .cloned();
        if file.as_ref().is_none_or(|file| !file.is_true()) {
            let headline = format!("`{}` names no file", statement.written);
            self.report(Diagnostic::error("include-without-file", headline).at(statement.span, ""));
            return None;
        }
        file
    }

    /// Returns the role's name and the files that `include_role` or `import_role` names.
    fn role_options(&mut self, statement: &Statement) -> Option<(Value, FromFiles)> {
        self.refuse_options(statement, &ROLE_OPTIONS);
        let name = statement
            .argument("name")
            .or_else(|| statement.argument("role"))
            .filter(|name| !name.is_null())
            .cloned();
        let Some(name) = name else {
            let headline = format!("`{}` needs `name`, the role", statement.written);
            self.report(Diagnostic::error("include-without-role", headline).at(statement.span, ""));
            return None;
        };
        for option in FROM {
            if let Some(value) = statement
                .argument(option)
                .filter(|value| value.as_str().is_none())
            {
                let headline = format!(
                    "`{option}` must be text, not {}",
                    super::shape::kind_words(value)
                );
                self.report(Diagnostic::error("bad-argument", headline).at(value.origin(), ""));
            }
        }
        let take = |option: &str| {
            statement
                .argument(option)
                .filter(|value| value.as_str().is_some())
                .cloned()
        };
        let from = FromFiles {
            tasks: take("tasks_from"),
            vars: take("vars_from"),
            defaults: take("defaults_from"),
            handlers: take("handlers_from"),
        };
        Some((name, from))
    }

    /// Reports options that an include or import does not have.
    fn refuse_options(&mut self, statement: &Statement, known: &[&str]) {
        for name in statement
            .given
            .keys()
            .filter_map(Key::as_str)
            .filter(|name| !known.contains(name))
        {
            let headline = format!("`{name}` is not an argument of `{}`", statement.written);
            let label = match nearest_one(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "put variables into `vars`".to_owned(),
            };
            self.report(
                Diagnostic::error("unknown-argument", headline).at(statement.key_span(name), label),
            );
        }
    }

    /// Reads `apply`: the keywords of a block around what is brought.
    #[expect(
        clippy::option_option,
        reason = "the outer says that the task is beyond use, the inner that nothing is stated"
    )]
    fn apply(&mut self, statement: &Statement, place: &Place) -> Option<Option<Box<Keywords>>> {
        let Some(node) = statement.node("apply") else {
            return Some(None);
        };
        if node.is_null() {
            return Some(None);
        }
        if node.as_mapping().is_none() {
            let headline = format!(
                "`apply` must be a mapping of keywords, not {}",
                node.describe()
            );
            self.report(Diagnostic::error("bad-argument", headline).at(whole(node), ""));
            return None;
        }
        let mut keywords = Keywords::default();
        let mut faults = Vec::new();
        for item in items(node) {
            if Owner::Block.has(item.name)
                && !matches!(item.name, "block" | "rescue" | "always" | "name")
            {
                self.shared_keyword(item, &mut keywords, &mut faults);
            } else if item.name != "name" {
                self.unknown_keyword(Owner::Block, item.name, item.key);
            }
        }
        self.faults_of_many(faults, place.avoidable);
        Some(Some(Box::new(keywords)))
    }

    fn refuse_import_extras(&mut self, statement: &Statement, own: &Own, instead: &str) {
        if own.loop_.is_some() {
            let diagnostic = Diagnostic::error(
                "loop-on-import",
                format!("`{}` cannot have a loop", statement.written),
            )
            .at(statement.span, "")
            .help(format!(
                "use `{instead}`, which is done for each item when a host gets there"
            ));
            self.report(diagnostic);
        }
        if statement.argument("apply").is_some() {
            let headline = format!("`apply` is not an argument of `{}`", statement.written);
            let diagnostic =
                Diagnostic::error("unknown-argument", headline).at(statement.key_span("apply"), "");
            self.report(diagnostic.help(
                "keywords of an import hold for its tasks as they are; write them beside it",
            ));
        }
    }

    /// Returns the tasks of an imported file.
    pub(super) fn import_tasks(
        &mut self,
        statement: &Statement,
        keywords: Keywords,
        own: Own,
        node: &Node,
        place: &Place,
    ) -> Vec<Entry> {
        self.refuse_import_extras(statement, &own, "include_tasks");
        self.faults_of_many(own.faults, true);
        let Some(file) = self.include_file(statement) else {
            return Vec::new();
        };
        let scope = Scope {
            kind: ScopeKind::Task,
            keywords,
            span: node.span,
            parent: Some(Arc::clone(&place.scope)),
        };
        let Some(name) = self.static_text(&file, &scope, "the name of an imported file") else {
            return Vec::new();
        };
        let span = Span {
            length: length_of(&file),
            ..file.origin()
        }
        .or(statement.span);
        let Some(path) = self.found_tasks(&name, place, span, false) else {
            return Vec::new();
        };
        let scope = Arc::new(Scope {
            kind: ScopeKind::Import(folder_of(&name)),
            ..scope
        });
        self.tasks_in(&path, span, &place.inside(scope))
    }

    /// Returns the file of tasks of that name, or reports where it was looked for.
    fn found_tasks(
        &mut self,
        name: &str,
        place: &Place,
        span: Span,
        dynamic: bool,
    ) -> Option<PathBuf> {
        match self.task_file(name, place, dynamic) {
            Ok(path) => Some(path),
            Err(looked) => {
                let mut diagnostic = Diagnostic::error(
                    "file-not-found",
                    format!("there is no file of tasks `{name}`"),
                )
                .at(span, "");
                for path in looked {
                    diagnostic = diagnostic.note(format!("looked at {}", self.shown(&path)));
                }
                self.report(diagnostic);
                None
            }
        }
    }

    /// Loads a file of tasks once it is known which one.
    fn tasks_in(&mut self, path: &Path, span: Span, place: &Place) -> Vec<Entry> {
        if self.importing.iter().any(|open| open == path) {
            let ring: Vec<String> = self
                .importing
                .iter()
                .skip_while(|open| *open != path)
                .map(|open| self.shown(open))
                .collect();
            let diagnostic = Diagnostic::error(
                "import-loop",
                format!("`{}` imports itself", self.shown(path)),
            )
            .at(span, "")
            .note(format!(
                "the way round: {} -> {}",
                ring.join(" -> "),
                self.shown(path)
            ))
            .help("use `include_tasks` with a `when` that ends it");
            self.report(diagnostic);
            return Vec::new();
        }
        let Some(document) = self.document(path, span) else {
            return Vec::new();
        };
        if document.root.is_null() {
            self.report(
                Diagnostic::warning(
                    "empty-file",
                    format!("`{}` holds no tasks", self.shown(path)),
                )
                .at(span, ""),
            );
            return Vec::new();
        }
        self.importing.push(path.to_owned());
        let what = format!("`{}`", self.shown(path));
        let inside = Place {
            file: path.into(),
            ..place.clone()
        };
        let entries = self.entries(&document.root, &what, &inside, true);
        self.importing.pop();
        entries
    }

    /// Returns the tasks of an imported role.
    pub(super) fn import_role(
        &mut self,
        statement: &Statement,
        keywords: Keywords,
        own: Own,
        node: &Node,
        place: &Place,
    ) -> Vec<Entry> {
        if place.handlers {
            let diagnostic = Diagnostic::error(
                "misplaced-include",
                "a role cannot be imported as a handler",
            )
            .at(statement.span, "");
            self.report(diagnostic);
            return Vec::new();
        }
        self.refuse_import_extras(statement, &own, "include_role");
        self.faults_of_many(own.faults, true);
        let Some((name, from)) = self.role_options(statement) else {
            return Vec::new();
        };
        let scope = Scope {
            kind: ScopeKind::Task,
            keywords,
            span: node.span,
            parent: Some(Arc::clone(&place.scope)),
        };
        let mut text = |value: Option<&Value>, what: &str| match value {
            Some(value) => self.static_text(value, &scope, what).map(Some),
            None => Some(None),
        };
        let what = "the name of an imported role";
        let Some(Some(role_name)) = text(Some(&name), what) else {
            return Vec::new();
        };
        let Some(tasks_from) = text(from.tasks.as_ref(), "`tasks_from`") else {
            return Vec::new();
        };
        let Some(vars_from) = text(from.vars.as_ref(), "`vars_from`") else {
            return Vec::new();
        };
        let Some(defaults_from) = text(from.defaults.as_ref(), "`defaults_from`") else {
            return Vec::new();
        };
        let Some(handlers_from) = text(from.handlers.as_ref(), "`handlers_from`") else {
            return Vec::new();
        };
        let flag = |option: &str| statement.argument(option).and_then(super::shape::as_bool);
        let span = Span {
            length: length_of(&name),
            ..name.origin()
        }
        .or(statement.span);
        let request = RoleRequest {
            name: role_name,
            span,
            tasks_from,
            vars_from,
            defaults_from,
            handlers_from,
            keyword_vars: scope.keywords.vars.clone(),
            from_include: true,
            public: Some(flag("public").unwrap_or_else(|| self.public_by_default(true))),
            allow_duplicates: Some(flag("allow_duplicates").unwrap_or(true)),
            validate: flag("rolespec_validate").unwrap_or(true),
            collections: scope.collections().to_vec(),
            ..RoleRequest::default()
        };
        let Some(tree) = self.role_tree(request, place) else {
            return Vec::new();
        };
        self.play.roles.push(Arc::clone(&tree.role));
        let scope = Arc::new(Scope {
            kind: ScopeKind::Import(tree.role.path.clone().into()),
            ..scope
        });
        let inside = place.inside(Arc::clone(&scope));
        let entries = self.role_tasks(&tree, &inside);
        let handlers = self.role_handlers(&tree, &inside);
        self.play.handlers.extend(handlers);
        entries
    }

    fn bring_tasks(&mut self, task: &Task, file: &str, variables: &Dict) -> Option<Included> {
        let here = Place {
            scope: Arc::clone(&task.scope),
            file: Arc::clone(&task.file),
            handlers: task.handler,
            avoidable: true,
        };
        let path = self.found_tasks(file, &here, task.action.span, true)?;
        let apply = match &task.action.kind {
            ActionKind::IncludeTasks(include) => include.apply.as_deref(),
            _ => None,
        };
        let scope = include_scope(task, folder_of(file), apply, variables);
        let before = self.diagnostics.len();
        let tasks = self.tasks_in(&path, task.action.span, &here.inside(scope));
        let failed = self
            .diagnostics
            .iter()
            .skip(before)
            .any(Diagnostic::is_error);
        (!failed).then_some(Included {
            tasks,
            handlers: Vec::new(),
            role: None,
            file: Some(path),
        })
    }

    fn bring_role(
        &mut self,
        task: &Task,
        role: &RoleInclude,
        variables: &Dict,
    ) -> Option<Included> {
        let here = Place {
            scope: Arc::clone(&task.scope),
            file: Arc::clone(&task.file),
            handlers: false,
            avoidable: true,
        };
        let mut keyword_vars = task.scope.keywords.vars.clone();
        keyword_vars.extend(variables.clone());
        let request = RoleRequest {
            name: role.name.clone(),
            span: task.action.span,
            tasks_from: role.tasks_from.clone(),
            vars_from: role.vars_from.clone(),
            defaults_from: role.defaults_from.clone(),
            handlers_from: role.handlers_from.clone(),
            keyword_vars,
            from_include: true,
            public: Some(role.public.unwrap_or_else(|| self.public_by_default(false))),
            allow_duplicates: Some(role.allow_duplicates.unwrap_or(true)),
            validate: role.validate.unwrap_or(true),
            collections: task.scope.collections().to_vec(),
            ..RoleRequest::default()
        };
        let tree = self.role_tree(request, &here)?;
        let apply = match &task.action.kind {
            ActionKind::IncludeRole(include) => include.apply.as_deref(),
            _ => None,
        };
        let scope = include_scope(task, tree.role.path.clone().into(), apply, variables);
        let inside = here.inside(scope);
        let before = self.diagnostics.len();
        let tasks = self.role_tasks(&tree, &inside);
        let mut handlers = self.role_handlers(&tree, &inside);
        // Roles that these tasks import have handlers too.
        handlers.append(&mut self.play.handlers);
        let failed = self
            .diagnostics
            .iter()
            .skip(before)
            .any(Diagnostic::is_error);
        (!failed).then(|| Included {
            tasks,
            handlers,
            role: Some(Arc::clone(&tree.role)),
            file: None,
        })
    }
}

impl Statement {
    /// Returns the node of an argument that is needed as it was written.
    fn node(&self, name: &str) -> Option<&Node> {
        self.nodes
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, node)| node)
    }
}

/// Returns the link between a dynamic include and what it brings: `apply` inside, the include's variables outside.
fn include_scope(
    task: &Task,
    directory: Arc<Path>,
    apply: Option<&Keywords>,
    variables: &Dict,
) -> Arc<Scope> {
    let mut keywords = task.scope.keywords.clone();
    keywords.vars.extend(variables.clone());
    let include = Arc::new(Scope {
        kind: ScopeKind::Include(directory),
        keywords,
        span: task.span,
        parent: task.scope.parent.clone(),
    });
    match apply {
        None => include,
        Some(apply) => Arc::new(Scope {
            kind: ScopeKind::Block,
            keywords: apply.clone(),
            span: task.span,
            parent: Some(include),
        }),
    }
}

/// Returns the folder part of a name, as written.
fn folder_of(name: &str) -> Arc<Path> {
    Path::new(name).parent().unwrap_or(Path::new("")).into()
}

fn length_of(value: &Value) -> u32 {
    value
        .as_str()
        .and_then(|text| u32::try_from(text.chars().count()).ok())
        .unwrap_or(1)
}
