//! The contract of a module that works on a host.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::arguments::ArgumentError;
use super::failure::Failure;
use super::host::Host;
use super::meta::Meta;
use super::need::Need;
use super::plan::{Applied, Plan};

/// A module that works on a host.
pub trait Module: 'static {
    /// The arguments: a documented struct that denies unknown fields; its doc comment is the module's manual.
    type Args: DeserializeOwned + JsonSchema;
    /// What `plan` decides and `apply` carries out.
    type Change;
    /// What is known before it runs.
    const META: Meta;
    /// What a task that check mode skips says for itself, in place of the usual words: what Ansible does outside a host's module.
    const SKIPPED_IN_CHECK: Option<&'static str> = None;

    /// It can be a job of its own (`async`). What Ansible does partly on the controller cannot.
    const ASYNCHRONOUS: bool = true;
    /// Check mode carries its plan out too: what it changes is no state of the host that a user asked for.
    const ACTS_IN_CHECK: bool = false;

    /// Checks what one field alone cannot say; the error names the argument.
    fn validate(_args: &Self::Args) -> Result<(), ArgumentError> {
        Ok(())
    }

    /// Names the controller's files that the step needs. Renders and reads nothing.
    fn prepare(_args: &Self::Args) -> Vec<Need> {
        Vec::new()
    }

    /// Reads the host and decides. Changes nothing.
    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Self::Change>, Failure>;

    /// Carries that plan out, and nothing that the plan did not say.
    fn apply(args: &Self::Args, change: Self::Change, host: &dyn Host) -> Result<Applied, Failure>;
}
