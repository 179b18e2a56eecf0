//! Where roles are, and which of their files count.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::role::{RoleRequest, RoleTree};
use super::{Place, Session};
use crate::diag::{Diagnostic, Span, nearest_one};
use crate::kit;
use crate::modules;
use crate::playbook::model::{Action, ActionKind, Arguments, Keywords, Scope, ScopeKind, Task};
use crate::value::{Dict, Value};
use crate::yaml::Node;

/// A role's name, its folder, and its collection if it is of one.
pub(super) type FoundRole = (String, PathBuf, Option<Arc<str>>);

const VALIDATE: &str = "ansible.builtin.validate_argument_spec";

impl Session<'_> {
    /// Finds the folder of a role, or reports where it was looked for.
    pub(super) fn find_role(&mut self, request: &RoleRequest) -> Option<FoundRole> {
        let mut full_names: Vec<String> = Vec::new();
        if request.name.matches('.').count() >= 2 && !request.name.contains('/') {
            full_names.push(request.name.clone());
        } else {
            full_names.extend(
                request
                    .collections
                    .iter()
                    .map(|collection| format!("{collection}.{}", request.name)),
            );
        }
        for full_name in full_names {
            if let Some((folder, short)) = self.collection_folder(&full_name) {
                let path = folder.join("roles").join(short);
                if self.files().is_directory(&path) {
                    let collection = full_name
                        .strip_suffix(&format!(".{short}"))
                        .unwrap_or_default();
                    return Some((short.to_owned(), path, Some(collection.into())));
                }
            }
        }
        let directory = self.play.directory.clone();
        let mut folders = vec![directory.join("roles")];
        folders.extend(self.options().roles_path.iter().cloned());
        folders.extend(request.base.clone());
        folders.push(directory);
        let mut looked: Vec<PathBuf> = Vec::new();
        for folder in &folders {
            let path = self.files().absolute(&folder.join(&request.name));
            if self.files().is_directory(&path) {
                return Some((request.name.clone(), path, None));
            }
            if !looked.contains(&path) {
                looked.push(path);
            }
        }
        let path = self.files().absolute(Path::new(&request.name));
        if self.files().is_directory(&path) {
            let name = path.file_name().map_or_else(
                || request.name.clone(),
                |name| name.to_string_lossy().into_owned(),
            );
            return Some((name, path, None));
        }
        let mut beside: Vec<String> = Vec::new();
        for folder in folders.iter().take(folders.len() - 1) {
            beside.extend(
                self.files()
                    .list(folder)
                    .into_iter()
                    .filter(|name| self.files().is_directory(&folder.join(name))),
            );
        }
        let near = nearest_one(&request.name, beside.iter().map(String::as_str));
        let label = near
            .map(|near| format!("did you mean `{near}`?"))
            .unwrap_or_default();
        let mut diagnostic = Diagnostic::error(
            "role-not-found",
            format!("there is no role `{}`", request.name),
        )
        .at(request.span, label);
        for path in looked {
            diagnostic = diagnostic.note(format!("looked at {}", self.shown(&path)));
        }
        if request.name.matches('.').count() >= 2 {
            for path in &self.options().collections_path {
                diagnostic =
                    diagnostic.note(format!("looked for its collection in {}", self.shown(path)));
            }
        }
        self.report(diagnostic);
        None
    }

    /// Returns the one file of a role's folder that counts: `main` with an extension, or the one that `..._from` names. A name that
    /// leads nowhere is reported.
    pub(super) fn role_file(
        &mut self,
        role: &Path,
        folder: &str,
        from: Option<&str>,
        span: Span,
    ) -> Option<PathBuf> {
        let folder_path = role.join(folder);
        // `main` is looked for with extensions first, a given name as it stands first.
        let endings: [&str; 4] = if from.is_some() {
            ["", ".yml", ".yaml", ".json"]
        } else {
            [".yml", ".yaml", ".json", ""]
        };
        let name = from.unwrap_or("main");
        let found = endings
            .iter()
            .map(|ending| {
                self.files()
                    .absolute(&folder_path.join(format!("{name}{ending}")))
            })
            .find(|path| self.files().is_file(path));
        match (found, from) {
            (Some(path), _) if !path.starts_with(&folder_path) => {
                let headline = format!("`{name}` lies outside of `{}`", self.shown(&folder_path));
                self.report(Diagnostic::error("file-outside-role", headline).at(span, ""));
                None
            }
            (Some(path), _) => Some(path),
            (None, None) => None,
            (None, Some(name)) => {
                if self.files().is_directory(&folder_path) {
                    let headline = format!(
                        "there is no file `{name}` in `{}`",
                        self.shown(&folder_path)
                    );
                    let names = self.files().list(&folder_path);
                    let stems = names
                        .iter()
                        .map(|name| name.split('.').next().unwrap_or(name));
                    let near = nearest_one(name, stems);
                    let label = near
                        .map(|near| format!("did you mean `{near}`?"))
                        .unwrap_or_default();
                    self.report(Diagnostic::error("file-not-found", headline).at(span, label));
                }
                None
            }
        }
    }

    /// Reads `vars/` or `defaults/` of a role: one file, or a directory of files that are merged by name.
    pub(super) fn role_variables(
        &mut self,
        role: &Path,
        folder: &str,
        from: Option<&str>,
        span: Span,
    ) -> Dict {
        let folder_path = role.join(folder);
        let name = from.unwrap_or("main");
        let directory = self.files().absolute(&folder_path.join(name));
        let whole_file = [".yml", ".yaml", ".json"].iter().any(|ending| {
            let path = folder_path.join(format!("{name}{ending}"));
            self.files().is_file(&self.files().absolute(&path))
        });
        if self.files().is_directory(&directory) && (from.is_some() || !whole_file) {
            let mut all = Dict::new();
            for file in self.files_below(&directory, 0) {
                all.extend(self.variables_in(&file, span));
            }
            return all;
        }
        match self.role_file(role, folder, from, span) {
            Some(file) => self.variables_in(&file, span),
            None => Dict::new(),
        }
    }

    /// Returns the variable files below a directory; hidden ones and backups are left out.
    fn files_below(&self, directory: &Path, depth: usize) -> Vec<PathBuf> {
        let mut all = Vec::new();
        if depth > 16 {
            return all; // a link that leads back up
        }
        for name in self.files().list(directory) {
            if name.starts_with('.') || name.ends_with('~') {
                continue;
            }
            let path = directory.join(&name);
            let extension = path
                .extension()
                .map(|extension| extension.to_string_lossy().into_owned());
            if self.files().is_directory(&path) && extension.is_none() {
                all.extend(self.files_below(&path, depth + 1));
            } else if self.files().is_file(&path)
                && extension
                    .is_none_or(|extension| matches!(extension.as_str(), "yml" | "yaml" | "json"))
            {
                all.push(path);
            }
        }
        all
    }

    /// Returns the argument specification of a role's entry point: of `meta/argument_specs.yml`, else of `meta/main.yml`.
    pub(super) fn argument_spec(
        &mut self,
        role: &Path,
        metadata: Option<&Node>,
        request: &RoleRequest,
    ) -> Option<Value> {
        let own = [".yml", ".yaml", ".json"]
            .iter()
            .map(|ending| role.join("meta").join(format!("argument_specs{ending}")));
        let own = own.into_iter().find(|path| self.files().is_file(path));
        let root = match own {
            Some(path) => self.document(&path, request.span)?.root.clone(),
            None => metadata?.clone(),
        };
        let entry = root
            .get("argument_specs")?
            .get(request.tasks_from.as_deref().unwrap_or("main"))?;
        let spec = self.value(entry);
        spec.as_dict().filter(|spec| !spec.is_empty())?;
        Some(spec)
    }

    /// Returns the task that checks the parameters of a role against its specification, as Ansible puts it first.
    pub(super) fn validation_task(&mut self, tree: &RoleTree, place: &Place) -> Option<Arc<Task>> {
        let role = &tree.role;
        let spec = role.argument_spec.as_ref()?;
        let entry_point = tree.entry_point();
        let entry = modules::find(VALIDATE)?;
        let mut name = format!("Validating arguments against arg spec '{entry_point}'");
        if let Some(description) = spec.get("short_description") {
            name = format!("{name} - {}", description.to_text());
        }
        let context = Dict::new()
            .with("type", "role")
            .with("name", role.name.as_ref())
            .with("argument_spec_name", entry_point)
            .with("path", role.path.display().to_string());
        let given = Dict::new()
            .with(
                "argument_spec",
                spec.get("options")
                    .cloned()
                    .unwrap_or_else(|| Value::dict(Dict::new())),
            )
            .with("provided_arguments", Value::dict(role.parameters.clone()))
            .with("validate_args_context", Value::dict(context));
        let keywords = Keywords {
            tags: vec![Value::text("always")],
            ..Keywords::default()
        };
        let scope = Scope {
            kind: ScopeKind::Task,
            keywords,
            span: role.span,
            parent: Some(Arc::clone(&place.scope)),
        };
        Some(Arc::new(self.made_task(&name, entry, given, scope, place)))
    }

    fn made_task(
        &self,
        name: &str,
        entry: kit::Entry,
        given: Dict,
        scope: Scope,
        place: &Place,
    ) -> Task {
        let action = Action {
            written: VALIDATE.into(),
            name: entry.meta().name.into(),
            span: scope.span,
            kind: ActionKind::Module(entry),
            arguments: Arguments {
                given,
                ..Arguments::default()
            },
        };
        let file = Arc::clone(&place.file);
        Task {
            avoidable: place.avoidable,
            ..Task::made(self.task_id(), name, action, scope, file)
        }
    }
}
