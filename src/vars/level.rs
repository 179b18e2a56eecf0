//! The table of precedence.

use serde::{Deserialize, Serialize};

/// Where a variable was set, lowest precedence first: a later level hides an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Values of the command line that are no variables there, such as `-u`.
    CommandLineValue,
    /// `defaults/` of a role.
    RoleDefault,
    /// A group's variables in the inventory file itself.
    InventoryGroup,
    /// `group_vars/all` beside the inventory.
    InventoryGroupVarsAll,
    /// `group_vars/all` beside the playbook.
    PlaybookGroupVarsAll,
    /// Other `group_vars/` beside the inventory.
    InventoryGroupVars,
    /// Other `group_vars/` beside the playbook.
    PlaybookGroupVars,
    /// A host's variables in the inventory file itself.
    InventoryHost,
    /// `host_vars/` beside the inventory.
    InventoryHostVars,
    /// `host_vars/` beside the playbook.
    PlaybookHostVars,
    /// Facts, and `set_fact` with `cacheable` from a cache.
    Fact,
    /// `vars:` of a play.
    PlayVars,
    /// Answers to `vars_prompt:`.
    Prompt,
    /// `vars_files:` of a play.
    VarsFile,
    /// `vars/` of a role.
    RoleVars,
    /// `vars:` of a block.
    BlockVars,
    /// `vars:` of a task.
    TaskVars,
    /// `include_vars`.
    IncludeVars,
    /// `set_fact` and `register`.
    SetFact,
    /// Parameters of a role in `roles:`, `dependencies:`, `import_role` and `include_role`.
    RoleParameter,
    /// `vars:` of an include.
    IncludeParameter,
    /// `-e`.
    Extra,
    /// Names that kplay itself sets: `inventory_hostname`, `groups`, the loop variable while a loop runs.
    Magic,
}

impl Level {
    /// Returns what a message calls this level.
    pub fn describe(self) -> &'static str {
        match self {
            Self::CommandLineValue => "command line value",
            Self::RoleDefault => "role default",
            Self::InventoryGroup => "group in the inventory",
            Self::InventoryGroupVarsAll => "group_vars/all beside the inventory",
            Self::PlaybookGroupVarsAll => "group_vars/all beside the playbook",
            Self::InventoryGroupVars => "group_vars beside the inventory",
            Self::PlaybookGroupVars => "group_vars beside the playbook",
            Self::InventoryHost => "host in the inventory",
            Self::InventoryHostVars => "host_vars beside the inventory",
            Self::PlaybookHostVars => "host_vars beside the playbook",
            Self::Fact => "fact",
            Self::PlayVars => "vars of the play",
            Self::Prompt => "vars_prompt",
            Self::VarsFile => "vars_files",
            Self::RoleVars => "role vars",
            Self::BlockVars => "vars of a block",
            Self::TaskVars => "vars of the task",
            Self::IncludeVars => "include_vars",
            Self::SetFact => "set_fact or register",
            Self::RoleParameter => "role parameter",
            Self::IncludeParameter => "include parameter",
            Self::Extra => "extra variable",
            Self::Magic => "set by kplay",
        }
    }
}
