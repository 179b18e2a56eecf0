//! What a playbook is once it is loaded: plain, shared data that knows where it was written.
//!
//! Tasks and blocks own what they contain and know their surroundings through a chain of [`Scope`]s, so that a keyword's
//! inheritance is one walk outward. The loader makes it, the engine reads it.

mod action;
mod effect;
mod keywords;
mod play;
mod role;
mod scope;
mod task;
mod unsupported;

pub use action::{
    Action, ActionKind, Arguments, FromFiles, IncludeRole, IncludeTasks, MetaAction, Written,
};
pub use effect::StatedEffect;
pub use keywords::{Keywords, ModuleDefaults};
pub use play::{Play, Playbook, Prompt};
pub use role::Role;
pub use scope::{Chain, Scope, ScopeKind};
pub use task::{Block, Entry, Loop, LoopControl, Task, TaskId};
pub use unsupported::{Unsupported, UnsupportedKind};
