//! Roles: what one use of a role is, with its dependencies, tasks and handlers.

use std::path::PathBuf;
use std::sync::Arc;

use super::documents::{items, whole};
use super::shape::{Shape, as_bool};
use super::{Place, Session};
use crate::diag::{Diagnostic, Span, nearest_one};
use crate::playbook::model::{Entry, Keywords, Role, Scope, ScopeKind, Task};
use crate::playbook::names::Owner;
use crate::value::{Dict, Value};
use crate::yaml::Node;

/// A use of a role, before it is found.
#[derive(Clone, Default)]
pub(super) struct RoleRequest {
    pub(super) name: String,
    /// Where the name stands.
    pub(super) span: Span,
    pub(super) tasks_from: Option<String>,
    pub(super) vars_from: Option<String>,
    pub(super) defaults_from: Option<String>,
    pub(super) handlers_from: Option<String>,
    pub(super) parameters: Dict,
    /// Its keywords in `roles:` or `dependencies:`.
    pub(super) keywords: Keywords,
    pub(super) keyword_vars: Dict,
    pub(super) from_include: bool,
    pub(super) public: Option<bool>,
    pub(super) allow_duplicates: Option<bool>,
    pub(super) validate: bool,
    /// The folder beside which a dependency is looked for too.
    pub(super) base: Option<PathBuf>,
    pub(super) collections: Vec<Arc<str>>,
}

/// What makes two uses of a role count as one within a play.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RoleKey {
    name: Arc<str>,
    path: PathBuf,
    parameters: Dict,
    when: Vec<Value>,
    tags: Vec<Value>,
    from: [Option<String>; 4],
    vars: Dict,
    from_include: bool,
}

/// A role with what it depends on, before its tasks are loaded.
pub(super) struct RoleTree {
    pub(super) role: Arc<Role>,
    keywords: Keywords,
    tasks_from: Option<String>,
    handlers_from: Option<String>,
    dependencies: Vec<RoleTree>,
}

impl RoleTree {
    /// Returns the name of its file of tasks, as an argument specification calls it.
    pub(super) fn entry_point(&self) -> &str {
        self.tasks_from.as_deref().unwrap_or("main")
    }
}

impl Session<'_> {
    /// Tells whether a role that does not say so is public: static ones are.
    pub(super) fn public_by_default(&self, is_static: bool) -> bool {
        self.options()
            .private_role_vars
            .map_or(is_static, |private| !private)
    }

    /// Reads one item of `roles:` or `dependencies:`.
    pub(super) fn role_request(
        &mut self,
        node: &Node,
        place: &Place,
        base: Option<PathBuf>,
        collections: &[Arc<str>],
    ) -> Option<RoleRequest> {
        let mut request = RoleRequest {
            validate: true,
            base,
            collections: collections.to_vec(),
            span: whole(node),
            ..RoleRequest::default()
        };
        let name = if node.as_mapping().is_some() {
            let name = node
                .get("role")
                .or_else(|| node.get("name"))
                .or_else(|| node.get("src"));
            let Some(name) = name.filter(|name| !name.is_null()) else {
                let diagnostic = Diagnostic::error("role-without-name", "this role has no name")
                    .at(node.span, "");
                self.report(diagnostic.help("write `role: NAME`"));
                return None;
            };
            name
        } else {
            node
        };
        if name.as_str().is_none() && name.as_int().is_none() {
            let headline = format!("a role's name must be text, not {}", name.describe());
            self.report(Diagnostic::error("role-without-name", headline).at(whole(name), ""));
            return None;
        }
        request.span = whole(name);
        let value = self.value(name);
        let text = if name.as_int().is_some() {
            value.to_text()
        } else {
            self.static_text(&value, &place.scope, "the name of a role")?
        };
        request.name = if node.get("role").is_none()
            && node.get("name").is_none()
            && node.get("src").is_some()
        {
            name_of_source(&text)
        } else {
            text
        };
        if node.as_mapping().is_none() && request.name.contains(',') {
            let diagnostic = Diagnostic::error(
                "role-without-name",
                "roles are no longer named as `source,version,name`",
            )
            .at(request.span, "");
            self.report(diagnostic.help("write `role: NAME`"));
            return None;
        }
        let mut faults = Vec::new();
        for item in items(node) {
            match item.name {
                "role" | "name" => {}
                "vars" => request.keyword_vars = self.vars(item),
                name if Owner::Role.has(name) => {
                    self.shared_keyword(item, &mut request.keywords, &mut faults);
                }
                name => {
                    request.parameters.insert(name, self.value(item.value));
                }
            }
        }
        self.faults_of_many(faults, place.avoidable || !request.keywords.when.is_empty());
        Some(request)
    }

    /// Warns of parameters of a role that look like a keyword that was mistyped.
    fn suspicious_parameters(&mut self, role: &Role) {
        for (key, value) in &role.parameters {
            let Some(name) = key.as_str() else { continue };
            let known = role.defaults.contains(name) || role.vars.contains(name);
            let near = nearest_one(name, Owner::Role.keywords())
                .filter(|near| near.len() > 3 && !known)
                // `ports` is a good name; it is not `port` mistyped.
                .filter(|near| !name.starts_with(near) && !near.starts_with(name));
            if let Some(near) = near {
                let headline = format!(
                    "`{name}` is no keyword and goes to role `{}` as a parameter",
                    role.name
                );
                let place = value.origin().or(role.span);
                self.report(
                    Diagnostic::warning("role-parameter", headline)
                        .at(place, format!("did you mean `{near}`?")),
                );
            }
        }
    }

    /// Finds a role and reads all of it but tasks and handlers, and the same of what it depends on.
    pub(super) fn role_tree(&mut self, request: RoleRequest, place: &Place) -> Option<RoleTree> {
        let (name, path, collection) = self.find_role(&request)?;
        let entry = path
            .join("tasks")
            .join(request.tasks_from.as_deref().unwrap_or("main"));
        if self.importing.contains(&entry) {
            let ring: Vec<String> = self
                .importing
                .iter()
                .skip_while(|open| **open != entry)
                .map(|open| self.shown(open))
                .collect();
            let diagnostic = Diagnostic::error("import-loop", format!("role `{name}` brings itself"))
                .at(request.span, "")
                .note(format!("the way round: {} -> {}", ring.join(" -> "), self.shown(&entry)))
                .help("a role can neither depend on itself nor import itself, not by way of another either");
            self.report(diagnostic);
            return None;
        }
        self.importing.push(entry);
        self.add_plugin_folder(&path);
        let vars = self.role_variables(&path, "vars", request.vars_from.as_deref(), request.span);
        let defaults = self.role_variables(
            &path,
            "defaults",
            request.defaults_from.as_deref(),
            request.span,
        );
        let metadata = self
            .role_file(&path, "meta", None, request.span)
            .and_then(|file| self.document(&file, request.span));
        let metadata = metadata
            .map(|document| document.root.clone())
            .filter(|root| !root.is_null());
        let mut dependencies = Vec::new();
        let mut allow_duplicates = false;
        let mut collections: Vec<Arc<str>> = collection.iter().cloned().collect();
        if let Some(root) = &metadata {
            let read = self.role_metadata(root, &name);
            allow_duplicates = read.allow_duplicates;
            collections.extend(
                read.collections
                    .into_iter()
                    .filter(|more| collection.as_ref() != Some(more)),
            );
            let mut search = collections.clone();
            search.push("ansible.legacy".into());
            let base = path.parent().map(PathBuf::from);
            for node in read.dependencies {
                let dependency = self.role_request(&node, place, base.clone(), &search);
                let tree = dependency.and_then(|request| self.role_tree(request, place));
                dependencies.extend(tree);
            }
        }
        let argument_spec = if request.validate {
            self.argument_spec(&path, metadata.as_ref(), &request)
        } else {
            None
        };
        self.importing.pop();
        let full_name: Arc<str> = collection.map_or_else(
            || name.clone().into(),
            |collection| format!("{collection}.{name}").into(),
        );
        let key = RoleKey {
            name: Arc::clone(&full_name),
            path: path.clone(),
            parameters: request.parameters.clone(),
            when: request.keywords.when.clone(),
            tags: request.keywords.tags.clone(),
            from: [
                request.tasks_from.clone(),
                request.vars_from.clone(),
                request.defaults_from.clone(),
                request.handlers_from.clone(),
            ],
            vars: request.keyword_vars.clone(),
            from_include: request.from_include,
        };
        let mut keywords = request.keywords;
        // A role's tasks look in its own collections, not in those of the play.
        keywords.collections = (!collections.is_empty()).then_some(collections);
        let role = Arc::new(Role {
            name: full_name,
            path,
            identity: self.loader.role_identity(self.play.id, key),
            allow_duplicates: request.allow_duplicates.unwrap_or(allow_duplicates),
            public: request
                .public
                .unwrap_or_else(|| self.public_by_default(true)),
            from_include: request.from_include,
            defaults,
            vars,
            parameters: request.parameters,
            keyword_vars: request.keyword_vars,
            dependencies: dependencies
                .iter()
                .map(|tree| Arc::clone(&tree.role))
                .collect(),
            argument_spec,
            span: request.span,
        });
        for variables in [
            &role.defaults,
            &role.vars,
            &role.parameters,
            &role.keyword_vars,
        ] {
            self.look_at_variables(variables);
        }
        self.suspicious_parameters(&role);
        Some(RoleTree {
            role,
            keywords,
            tasks_from: request.tasks_from,
            handlers_from: request.handlers_from,
            dependencies,
        })
    }

    /// Returns the link of a role inside of `place`.
    fn role_place(tree: &RoleTree, place: &Place) -> Place {
        let conditional = !tree.keywords.when.is_empty();
        let scope = Arc::new(Scope {
            kind: ScopeKind::Role(Arc::clone(&tree.role)),
            keywords: tree.keywords.clone(),
            span: tree.role.span,
            parent: Some(Arc::clone(&place.scope)),
        });
        Place {
            avoidable: place.avoidable || conditional,
            ..place.inside(scope)
        }
    }

    /// Loads the tasks of a role, those of its dependencies first.
    pub(super) fn role_tasks(&mut self, tree: &RoleTree, place: &Place) -> Vec<Entry> {
        let inside = Self::role_place(tree, place);
        let mut entries = Vec::new();
        for dependency in &tree.dependencies {
            entries.extend(self.role_tasks(dependency, &inside));
        }
        let role = &tree.role;
        entries.extend(self.validation_task(tree, &inside).map(Entry::Task));
        if let Some(file) =
            self.role_file(&role.path, "tasks", tree.tasks_from.as_deref(), role.span)
        {
            let entry = role
                .path
                .join("tasks")
                .join(tree.tasks_from.as_deref().unwrap_or("main"));
            self.importing.push(entry);
            if let Some(document) = self.document(&file, role.span) {
                let what = format!("`{}`", self.shown(&file));
                let here = Place {
                    file: file.into(),
                    ..inside
                };
                entries.extend(self.entries(&document.root, &what, &here, true));
            }
            self.importing.pop();
        }
        entries.push(Entry::RoleEnd(Arc::clone(role)));
        entries
    }

    /// Loads the handlers of a role, those of its dependencies first.
    pub(super) fn role_handlers(&mut self, tree: &RoleTree, place: &Place) -> Vec<Arc<Task>> {
        let inside = Place {
            handlers: true,
            avoidable: true,
            ..Self::role_place(tree, place)
        };
        let mut handlers = Vec::new();
        for dependency in &tree.dependencies {
            handlers.extend(self.role_handlers(dependency, &inside));
        }
        let role = &tree.role;
        if let Some(file) = self.role_file(
            &role.path,
            "handlers",
            tree.handlers_from.as_deref(),
            role.span,
        ) && let Some(document) = self.document(&file, role.span)
        {
            let what = format!("`{}`", self.shown(&file));
            let here = Place {
                file: file.into(),
                ..inside
            };
            handlers.extend(self.handler_list(&document.root, &what, &here));
        }
        handlers
    }
}

/// What `meta/main.yml` says.
struct Metadata {
    allow_duplicates: bool,
    collections: Vec<Arc<str>>,
    dependencies: Vec<Node>,
}

impl Session<'_> {
    fn role_metadata(&mut self, root: &Node, name: &str) -> Metadata {
        let mut metadata = Metadata {
            allow_duplicates: false,
            collections: Vec::new(),
            dependencies: Vec::new(),
        };
        if root.as_mapping().is_none() {
            let headline = format!(
                "`meta/main.yml` of role `{name}` must be a mapping, not {}",
                root.describe()
            );
            self.report(Diagnostic::error("bad-role-metadata", headline).at(root.span, ""));
            return metadata;
        }
        let mut faults = Vec::new();
        for item in items(root) {
            match item.name {
                "allow_duplicates" => {
                    let value = self.shaped(item, Shape::Bool, &mut faults);
                    metadata.allow_duplicates = value.as_ref().and_then(as_bool).unwrap_or(false);
                }
                "dependencies" => match item.value.as_sequence() {
                    Some(nodes) => metadata.dependencies = nodes.to_vec(),
                    None if !self.value(item.value).is_true() => {}
                    None => {
                        let headline = format!(
                            "`dependencies` must be a list of roles, not {}",
                            item.value.describe()
                        );
                        self.report(
                            Diagnostic::error("bad-role-metadata", headline)
                                .at(whole(item.value), ""),
                        );
                    }
                },
                "collections" => {
                    let names = self.listed(item.value);
                    metadata.collections = names
                        .iter()
                        .filter_map(Value::as_str)
                        .map(Arc::from)
                        .collect();
                }
                name if Owner::RoleMetadata.has(name) => {}
                name => self.unknown_keyword(Owner::RoleMetadata, name, item.key),
            }
        }
        self.faults_of_many(faults, true);
        metadata
    }
}

/// Returns the name of a role from where it comes: `https://host/role.git`, `owner.role,v1,name`.
fn name_of_source(source: &str) -> String {
    if let Some(name) = source.split(',').nth(2) {
        return name.trim().to_owned();
    }
    let source = source.split(',').next().unwrap_or(source);
    if !source.contains("://") && !source.contains('@') {
        return source.to_owned();
    }
    let last = source.rsplit('/').next().unwrap_or(source);
    last.trim_end_matches(".git")
        .trim_end_matches(".tar.gz")
        .to_owned()
}
