//! Playbooks: from files to a typed, spanned model, with every mistake that the files alone show.
//!
//! The engine and `cli` load a playbook here once, before the first connection, and come back for what is only known while it
//! runs (`include_tasks`, `include_role`). Nothing downstream sees YAML.

mod check;
mod files;
mod load;
mod model;
pub mod names;
mod split;
mod tags;
#[cfg(test)]
mod testing;

pub use check::{Reach, Reachable, exit_code};
pub use files::{Files, SystemFiles};
pub use load::{Included, Loaded, Loader, Options, Renderer, RoleInclude};
pub use model::{
    Action, ActionKind, Arguments, Block, Chain, Entry, FromFiles, IncludeRole, IncludeTasks,
    Keywords, Loop, LoopControl, MetaAction, ModuleDefaults, Play, Playbook, Prompt, Role, Scope,
    ScopeKind, StatedEffect, Task, TaskId, Unsupported, UnsupportedKind, Written,
};
pub use split::{Split, pairs};
pub use tags::TagSelection;
