//! What is known of a module before it runs.

use serde::{Deserialize, Serialize};

/// How far a step reaches beyond the host that it runs on; see the table in `docs/reference/effects.md`.
///
/// The order is that of reach: a later one may notice or change more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Effect {
    /// Touches variables only.
    Pure,
    /// Sees nothing of other hosts; if it changes something, they may see that.
    Host,
    /// May depend on what other hosts serve.
    Sees,
    /// May depend on what other hosts serve, and changes what they can see of this one.
    Shows,
    /// May change anything anywhere.
    World,
}

impl Effect {
    /// All of them, in the order of reach.
    pub const ALL: [Self; 5] = [Self::Pure, Self::Host, Self::Sees, Self::Shows, Self::World];

    /// The variable that states the effect of a task, block, role or play; Ansible has no use for it.
    pub const VARIABLE: &str = "kplay_effect";

    /// Returns the effect of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.name() == word)
    }

    /// Returns the word of the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pure => "pure",
            Self::Host => "host",
            Self::Sees => "sees",
            Self::Shows => "shows",
            Self::World => "world",
        }
    }
}

/// Whether a module takes part in check or diff mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// In all it does.
    Full,
    /// In some of it; the documentation says in what.
    Partial,
    /// Not at all: in check mode the task is skipped.
    None,
}

/// What a module says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// The full name, such as `ansible.builtin.copy`.
    pub name: &'static str,
    /// Other full names that mean this module (redirects of Ansible's collections).
    pub aliases: &'static [&'static str],
    /// The family for the documentation, the folder's name.
    pub family: &'static str,
    /// The version of kplay that has it first.
    pub since: &'static str,
    /// How far it reaches beyond its host.
    pub effect: Effect,
    /// Check mode.
    pub check: Support,
    /// Diff mode.
    pub diff: Support,
    /// The argument that takes text without a name (`command: ls -l`), if there is one.
    pub free_form: Option<&'static str>,
}

impl Meta {
    /// Returns the last part of the name: `copy`.
    pub fn short_name(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}
