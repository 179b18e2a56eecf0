//! Names that must be known at load: rendered with the variables that exist without a host.

use std::path::Path;

use super::Session;
use super::shape::is_template;
use crate::diag::{Diagnostic, Span};
use crate::playbook::model::{Scope, ScopeKind};
use crate::value::{Dict, Value};

impl Session<'_> {
    /// Returns the text of `value`, rendered if it is a template; `what` names it in messages. What has no text is reported.
    pub(super) fn static_text(
        &mut self,
        value: &Value,
        scope: &Scope,
        what: &str,
    ) -> Option<String> {
        let rendered = if is_template(value) {
            let variables = self.static_variables(scope);
            match self.options().renderer.render(value, &variables) {
                Ok(rendered) => rendered,
                Err(error) => {
                    let diagnostic = Diagnostic::from(error);
                    let place = diagnostic.span().or(value.origin());
                    let label = diagnostic.headline;
                    let diagnostic = Diagnostic::error("static-name", format!("{what} is not known before the run"))
                        .at(place, label)
                        .help("only variables of the play, its `vars_files`, roles and `-e` exist here; use `include_*` for what depends on a host");
                    self.report(diagnostic);
                    return None;
                }
            }
        } else {
            value.clone()
        };
        match rendered
            .as_str()
            .map(str::to_owned)
            .or_else(|| rendered.as_int().map(|number| number.to_string()))
        {
            Some(text) if !text.is_empty() => Some(text),
            _ => {
                let headline = format!(
                    "{what} must be text, not {}",
                    super::shape::kind_words(&rendered)
                );
                self.report(Diagnostic::error("static-name", headline).at(value.origin(), ""));
                None
            }
        }
    }

    /// Returns the variables that exist without a host, merged in Ansible's order.
    fn static_variables(&mut self, scope: &Scope) -> Dict {
        let mut all = Dict::new();
        let merge = |all: &mut Dict, more: &Dict| {
            all.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
        };
        all.insert("playbook_dir", self.play.directory.display().to_string());
        for role in self.play.roles.iter().filter(|role| role.public) {
            merge(&mut all, &role.defaults);
        }
        let mut links: Vec<&Scope> = scope.chain().collect();
        links.reverse();
        let roles = || {
            links.iter().filter_map(|link| {
                if let ScopeKind::Role(role) = &link.kind {
                    Some(role)
                } else {
                    None
                }
            })
        };
        for role in roles() {
            for dependency in role.all_dependencies() {
                merge(&mut all, &dependency.defaults);
            }
            merge(&mut all, &role.defaults);
        }
        if let Some(play) = links.first() {
            merge(&mut all, &play.keywords.vars);
        }
        for file in self.play.vars_files.clone() {
            let more = self.vars_file(&file);
            merge(&mut all, &more);
        }
        for role in self.play.roles.iter().filter(|role| role.public) {
            merge(&mut all, &role.vars);
        }
        for role in roles() {
            merge(&mut all, &role.vars);
            merge(&mut all, &role.keyword_vars);
            all.insert("role_name", role.name.as_ref());
            all.insert("role_path", role.path.display().to_string());
        }
        for link in links.iter().skip(1) {
            merge(&mut all, &link.keywords.vars);
        }
        for role in roles() {
            merge(&mut all, &role.parameters);
        }
        merge(&mut all, &self.options().extra);
        all
    }

    /// Reads the `vars_files` that can be named without a host; the others count when there is one.
    fn vars_file(&mut self, names: &Value) -> Dict {
        let names: Vec<Value> = names
            .as_list()
            .map_or_else(|| vec![names.clone()], <[Value]>::to_vec);
        for name in names
            .iter()
            .filter(|name| !is_template(name))
            .filter_map(Value::as_str)
        {
            let path = self.files().absolute(&self.play.directory.join(name));
            if self.files().is_file(&path) {
                return self.variables_in(&path, Span::NONE);
            }
        }
        Dict::new()
    }

    /// Reads a file of variables: a mapping, or nothing.
    pub(super) fn variables_in(&mut self, path: &Path, from: Span) -> Dict {
        let Some(document) = self.document(path, from) else {
            return Dict::new();
        };
        let root = &document.root;
        if root.as_mapping().is_none() {
            if !self.value(root).is_true() {
                return Dict::new();
            }
            let headline = format!(
                "`{}` must be a mapping of variables, not {}",
                self.shown(path),
                root.describe()
            );
            self.report(Diagnostic::error("bad-vars-file", headline).at(root.span, ""));
        }
        self.dict(root)
    }
}
