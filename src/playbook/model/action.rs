//! What a task does: the module and its arguments, or the include.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::unsupported::Unsupported;
use crate::diag::Span;
use crate::kit;
use crate::value::{Dict, Value};

/// What a task does.
#[derive(Clone, Debug)]
pub struct Action {
    /// The name as written: `copy`.
    pub written: Arc<str>,
    /// The full name after redirects, `ansible.builtin.copy`; as written where it is a template.
    pub name: Arc<str>,
    /// Where the name stands.
    pub span: Span,
    /// What runs.
    pub kind: ActionKind,
    /// With what.
    pub arguments: Arguments,
}

/// What runs.
#[derive(Clone)]
pub enum ActionKind {
    /// A module that kplay has.
    Module(kit::Entry),
    /// A module that Ansible has and kplay lacks.
    Unsupported(Arc<Unsupported>),
    /// The name itself is a template (`action: "{{ manager }}"`), known only for a host.
    Templated(Value),
    /// `meta`.
    Meta(MetaAction),
    /// `include_tasks`.
    IncludeTasks(IncludeTasks),
    /// `include_role`.
    IncludeRole(Box<IncludeRole>),
}

impl fmt::Debug for ActionKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(entry) => out.debug_tuple("Module").field(&entry.meta().name).finish(),
            Self::Unsupported(unsupported) => {
                out.debug_tuple("Unsupported").field(unsupported).finish()
            }
            Self::Templated(value) => out.debug_tuple("Templated").field(value).finish(),
            Self::Meta(action) => out.debug_tuple("Meta").field(action).finish(),
            Self::IncludeTasks(include) => out.debug_tuple("IncludeTasks").field(include).finish(),
            Self::IncludeRole(include) => out.debug_tuple("IncludeRole").field(include).finish(),
        }
    }
}

/// Where an argument was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Its name.
    pub key: Span,
    /// Its value.
    pub value: Span,
}

/// The arguments of an action, not rendered.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// By name. Free text of a module that takes some stands here under the name that [`kit::Meta::free_form`] says.
    pub given: Dict,
    /// Templates that make whole dictionaries (`args: "{{ options }}"`, `copy: "{{ options }}"`), lowest first; all lie below
    /// what is `given`.
    pub templates: Vec<Value>,
    /// Where each of the `given` was written.
    pub spans: BTreeMap<Arc<str>, Written>,
}

impl Arguments {
    /// Returns where that argument was written: its value, or where that is unknown its name.
    pub fn span(&self, name: &str) -> Span {
        self.spans
            .get(name)
            .map_or(Span::NONE, |written| written.value.or(written.key))
    }
}

/// What `meta` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetaAction {
    /// `noop`
    Noop,
    /// `flush_handlers`
    FlushHandlers,
    /// `refresh_inventory`
    RefreshInventory,
    /// `clear_facts`
    ClearFacts,
    /// `clear_host_errors`
    ClearHostErrors,
    /// `end_batch`
    EndBatch,
    /// `end_host`
    EndHost,
    /// `end_play`
    EndPlay,
    /// `end_role`
    EndRole,
    /// `reset_connection`
    ResetConnection,
}

impl MetaAction {
    /// All of them, by name.
    pub const ALL: [(&'static str, Self); 10] = [
        ("clear_facts", Self::ClearFacts),
        ("clear_host_errors", Self::ClearHostErrors),
        ("end_batch", Self::EndBatch),
        ("end_host", Self::EndHost),
        ("end_play", Self::EndPlay),
        ("end_role", Self::EndRole),
        ("flush_handlers", Self::FlushHandlers),
        ("noop", Self::Noop),
        ("refresh_inventory", Self::RefreshInventory),
        ("reset_connection", Self::ResetConnection),
    ];

    /// Returns the action of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, action)| *action)
    }

    /// Returns the name.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, action)| *action == self)
            .map_or("noop", |(name, _)| name)
    }
}

/// `include_tasks`: what is brought when a host gets there.
#[derive(Clone, Debug)]
pub struct IncludeTasks {
    /// The file, perhaps a template.
    pub file: Value,
    /// The link for `apply`, if that is given: it goes between what is brought and the include.
    pub apply: Option<Box<super::Keywords>>,
}

/// Which file of each folder of a role is read in place of `main`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FromFiles {
    /// `tasks_from`
    pub tasks: Option<Value>,
    /// `vars_from`
    pub vars: Option<Value>,
    /// `defaults_from`
    pub defaults: Option<Value>,
    /// `handlers_from`
    pub handlers: Option<Value>,
}

/// `include_role`: what is brought when a host gets there.
#[derive(Clone, Debug)]
pub struct IncludeRole {
    /// The role's name, perhaps a template.
    pub name: Value,
    /// Other files than `main`.
    pub from: FromFiles,
    /// The keywords of `apply`, if that is given.
    pub apply: Option<Box<super::Keywords>>,
    /// `public`: the role's defaults and vars stay visible to the rest of the play. Perhaps a template.
    pub public: Option<Value>,
    /// `allow_duplicates`, true where it is not given. Perhaps a template.
    pub allow_duplicates: Option<Value>,
    /// `rolespec_validate`, true where it is not given. Perhaps a template.
    pub validate: Option<Value>,
}
