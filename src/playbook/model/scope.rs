//! What surrounds a task: one link per task, block, include, role and play, each with the keywords stated there.
//!
//! Ansible's rules of inheritance live here and nowhere else. A keyword holds from the innermost link that states it; `when`,
//! `environment`, `module_defaults` and `tags` add up; the keywords of a dynamic include are its own and do not reach
//! the tasks that it brings, its `vars` do.

use std::path::Path;
use std::sync::Arc;

use super::keywords::{Keywords, ModuleDefaults};
use super::role::Role;
use crate::diag::Span;
use crate::value::Value;

/// What a [`Scope`] belongs to.
#[derive(Clone, Debug)]
pub enum ScopeKind {
    /// The play; always the last link of the chain.
    Play,
    /// `import_playbook` with a `when`, around all sections of the play but not its handlers.
    ImportPlaybook,
    /// A role in `roles:` or `dependencies:`, or brought by an import or include.
    Role(Arc<Role>),
    /// A `block:`, or the `apply:` of an include.
    Block,
    /// `import_tasks` or `import_role`: its keywords hold for what it brings. With the folder, as written, of the file that it
    /// names, or that of the role: names in what it brings are looked for there too.
    Import(Arc<Path>),
    /// `include_tasks` or `include_role`: only its `vars` hold for what it brings. The folder is that of [`ScopeKind::Import`].
    Include(Arc<Path>),
    /// The task itself.
    Task,
}

/// One link of the chain from a task to its play.
#[derive(Clone, Debug)]
pub struct Scope {
    /// What this belongs to.
    pub kind: ScopeKind,
    /// What is stated there.
    pub keywords: Keywords,
    /// Where it begins.
    pub span: Span,
    /// The next link outward; nothing for the play.
    pub parent: Option<Arc<Scope>>,
}

impl Scope {
    /// Returns the links from this one outward.
    pub fn chain(&self) -> Chain<'_> {
        Chain { next: Some(self) }
    }

    /// Returns the links whose keywords hold here, from this one outward: all but dynamic includes further out.
    fn holding(&self) -> impl Iterator<Item = &Self> {
        self.chain()
            .enumerate()
            .filter(|(distance, scope)| {
                *distance == 0 || !matches!(scope.kind, ScopeKind::Include(_))
            })
            .map(|(_, scope)| scope)
    }

    /// Returns what holds here of a keyword that the inner overrides: `scope.effective(|keywords| &keywords.become_user)`.
    pub fn effective(&self, keyword: impl Fn(&Keywords) -> &Option<Value>) -> Option<&Value> {
        self.holding()
            .find_map(|scope| keyword(&scope.keywords).as_ref())
    }

    /// Returns what would hold if it were not stated right here: what `omit` falls back to.
    pub fn inherited(&self, keyword: impl Fn(&Keywords) -> &Option<Value>) -> Option<&Value> {
        self.holding()
            .skip(1)
            .find_map(|scope| keyword(&scope.keywords).as_ref())
    }

    /// Returns what holds of a list that adds up, outermost first and without neighbours that are equal.
    fn accumulated<'a, T: PartialEq + 'a>(
        &'a self,
        list: impl Fn(&'a Keywords) -> &'a [T],
    ) -> Vec<&'a T> {
        let links: Vec<&Self> = self.holding().collect();
        let mut all: Vec<&T> = links
            .into_iter()
            .rev()
            .flat_map(|scope| list(&scope.keywords))
            .collect();
        all.dedup();
        all
    }

    /// Returns the conditions that must all hold, outermost first.
    pub fn when(&self) -> Vec<&Value> {
        self.accumulated(|keywords| &keywords.when)
    }

    /// Returns all tags, outermost first, as written: a template may stand for several.
    pub fn tags(&self) -> Vec<&Value> {
        self.accumulated(|keywords| &keywords.tags)
    }

    /// Returns the environments to merge, outermost first; the inner win.
    pub fn environment(&self) -> Vec<&Value> {
        self.accumulated(|keywords| &keywords.environment)
    }

    /// Returns the default arguments to merge, outermost first; the inner win.
    pub fn module_defaults(&self) -> Vec<&ModuleDefaults> {
        self.accumulated(|keywords| &keywords.module_defaults)
    }

    /// Returns the default arguments that hold for a module, lowest first; each is a dictionary or a template of one. `in_group`
    /// tells whether the module is a member of an action group.
    pub fn defaults_for(&self, module: &str, in_group: impl Fn(&str) -> bool) -> Vec<&Value> {
        // An inner entry takes the place of an outer one of the same name; it does not add to it.
        let mut merged: Vec<(&str, &Value)> = Vec::new();
        for (name, value) in self
            .module_defaults()
            .into_iter()
            .flat_map(|defaults| &defaults.by_name)
        {
            match merged.iter_mut().find(|(known, _)| *known == &**name) {
                Some(slot) => slot.1 = value,
                None => merged.push((name, value)),
            }
        }
        let groups = merged
            .iter()
            .filter(|(name, _)| name.strip_prefix("group/").is_some_and(&in_group));
        let own = merged.iter().filter(|(name, _)| *name == module);
        groups.chain(own).map(|(_, value)| *value).collect()
    }

    /// Returns the collections in which short names are looked for; a role's tasks do not inherit those of the play.
    pub fn collections(&self) -> &[Arc<str>] {
        for scope in self.holding() {
            if let Some(collections) = &scope.keywords.collections {
                return collections;
            }
            if matches!(scope.kind, ScopeKind::Role(_)) {
                break;
            }
        }
        &[]
    }

    /// Returns the role that this is in, if it is in one.
    pub fn role(&self) -> Option<&Arc<Role>> {
        self.roles().next()
    }

    /// Returns the roles that this is in: its own first, then the one that depends on it or brought it, and so on.
    pub fn roles(&self) -> impl Iterator<Item = &Arc<Role>> {
        self.chain().filter_map(|scope| match &scope.kind {
            ScopeKind::Role(role) => Some(role),
            _ => None,
        })
    }

    /// Tells whether everything around this was there when the playbook was loaded.
    pub fn is_static(&self) -> bool {
        !self
            .chain()
            .skip(1)
            .any(|scope| matches!(scope.kind, ScopeKind::Include(_)))
    }
}

/// The links from a [`Scope`] outward; see [`Scope::chain`].
#[derive(Clone, Debug)]
pub struct Chain<'a> {
    next: Option<&'a Scope>,
}

impl<'a> Iterator for Chain<'a> {
    type Item = &'a Scope;

    fn next(&mut self) -> Option<&'a Scope> {
        let scope = self.next?;
        self.next = scope.parent.as_deref();
        Some(scope)
    }
}
