//! What Ansible has and kplay lacks.

use crate::diag::{Diagnostic, Span};

/// What sort of thing kplay lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnsupportedKind {
    /// A module or action.
    Module,
    /// A keyword, or a value of it.
    Keyword,
    /// A filter, test or lookup in a template.
    Plugin,
}

/// Something that Ansible has and kplay lacks.
///
/// The engine refuses the playbook because of it where nothing can keep the run away from it; else it warns, and the task fails on
/// the host that reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// What sort of thing it is.
    pub kind: UnsupportedKind,
    /// Its name in words: ``module `community.general.nmcli` ``, ``keyword `async` ``.
    pub what: String,
    /// Where it is used.
    pub span: Span,
    /// Who has it, or what to do instead, where there is something to say.
    pub help: Option<String>,
}

impl Unsupported {
    /// Returns the error that refuses it.
    pub fn diagnostic(&self) -> Diagnostic {
        let code = match self.kind {
            UnsupportedKind::Module => "unsupported-module",
            UnsupportedKind::Keyword => "unsupported-keyword",
            UnsupportedKind::Plugin => "unsupported-plugin",
        };
        let diagnostic = Diagnostic::error(
            code,
            format!("Ansible has the {}, kplay does not yet", self.what),
        )
        .at(self.span, "");
        match &self.help {
            Some(help) => diagnostic.note(help.as_str()),
            None => diagnostic,
        }
    }
}
