//! What a module's author needs: the contract of a module, its arguments, the host that it reads and changes, and its result.
//!
//! A module never knows whether it runs in check mode: it plans (reading only) and applies the plan. It reaches the host through
//! [`Host`] alone, so that its tests need none ([`FakeHost`]) and a deadline or Ctrl-C can end it anywhere.

mod arguments;
mod attributes;
mod control;
mod erased;
mod failure;
#[cfg(test)]
pub mod fake;
mod host;
pub mod job;
mod meta;
mod mode;
mod module;
mod need;
mod outcome;
mod plan;
mod request;
mod running;

pub use arguments::{Any, ArgumentError, Coercion, HostPath, from_value};
pub(crate) use attributes::with_file_attributes;
pub use attributes::{
    AttributeChanges, FileAttributes, FileFlags, file_flags, octal, path_info, security_context,
    selinux_enabled,
};
pub use control::{Control, StepView};
pub use erased::{ControlEntry, Entry, Execution, Manual, ModuleEntry, expand_path};
pub use failure::Failure;
#[cfg(test)]
pub use fake::{FakeHost, FakeStep, assert_converges, assert_unchanged};
pub use host::{
    Attributes, Command, Content, Entry as DirectoryEntry, FileSystem, FileType, Group, Host,
    HostError, Identity, Output, Placement, Reader, Signal, Staged, Status, Times, User, Write,
};
pub use meta::{Effect, Meta, Support};
pub use mode::Mode;
pub use module::Module;
pub use need::{
    Need, NeedKind, Supplied, SuppliedContent, SuppliedSum, TemplateSettings, TreeEntry,
};
pub use outcome::{Diff, DiffText, Outcome};
pub use plan::{Applied, Plan, Verdict};
pub use request::{ControllerRequest, PausePrompt, Persistence, Reboot, SopsEncrypt};
pub use running::Request;
