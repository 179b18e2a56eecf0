//! Modules of the run itself: they need what `step` knows (variables, expressions) rather than a host.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::meta::Meta;
use super::outcome::Outcome;
use crate::template::LookupContext;
use crate::value::Value;

/// What a control module sees of the step that runs it.
pub trait StepView {
    /// Evaluates templates in a value, deep inside too.
    fn render(&self, value: &Value) -> Result<Value, Failure>;

    /// Evaluates the text of an expression or a name, as `debug: var=` does; undefined is a [`crate::value::Kind::Undefined`].
    fn expression(&self, text: &Value) -> Result<Value, Failure>;

    /// Returns the variable of that name as it was written, if there is one.
    fn variable(&self, name: &str) -> Result<Option<Value>, Failure>;

    /// Evaluates a condition, as `when` does.
    fn condition(&self, value: &Value) -> Result<bool, Failure>;

    /// Returns the name of the host in the inventory.
    fn host(&self) -> Arc<str>;

    /// Tells whether the step only says what it would do.
    fn check(&self) -> bool;

    /// Returns how often `-v` was given.
    fn verbosity(&self) -> u8;

    /// Returns the controller's files and inventory; an error on a host, where a module that says [`Control::CONTROLLER`]
    /// never runs.
    fn controller(&self) -> Result<&dyn LookupContext, Failure>;
}

/// A module of the run itself.
pub trait Control: 'static {
    /// The arguments: a documented struct that denies unknown fields.
    type Args: DeserializeOwned + JsonSchema;
    /// What is known before it runs.
    const META: Meta;
    /// Arguments that it evaluates itself, and that it therefore gets as written (`assert`'s `that`).
    const RAW: &'static [&'static str] = &[];
    /// It needs the controller's files or connections, so its step never travels.
    const CONTROLLER: bool = false;
    /// It runs once for all hosts (`add_host`, `pause`), whatever the number of hosts.
    const ONCE: bool = false;

    /// Does the work. `args` are the rendered ones, those of [`Control::RAW`] as written.
    fn run(args: &Self::Args, step: &dyn StepView) -> Result<Outcome, Failure>;
}
