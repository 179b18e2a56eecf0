//! The result of a module, before `step` makes a task's result of it.

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::request::ControllerRequest;
use crate::value::{Dict, Key, Value};

/// One side of a [`Diff`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DiffText {
    /// Text, line by line.
    Text(String),
    /// State, shown as JSON with sorted keys.
    State(Value),
    /// Something that is not shown, and why: binary, too large.
    Hidden(String),
}

/// What changes, as `--diff` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    /// The name above the old side.
    pub before_header: Option<String>,
    /// The name above the new side.
    pub after_header: Option<String>,
    /// The old side.
    pub before: DiffText,
    /// The new side.
    pub after: DiffText,
    /// A text that is shown as it is instead of the two sides.
    pub prepared: Option<String>,
    /// A result's `diff` is this one itself, not a list that holds it.
    pub alone: bool,
}

impl Diff {
    /// Returns the difference of two states.
    pub fn state(before: impl Into<Value>, after: impl Into<Value>) -> Self {
        Self {
            before_header: None,
            after_header: None,
            before: DiffText::State(before.into()),
            after: DiffText::State(after.into()),
            prepared: None,
            alone: true,
        }
    }

    /// Returns the difference of two texts.
    pub fn text(before: impl Into<String>, after: impl Into<String>) -> Self {
        Self {
            before_header: None,
            after_header: None,
            before: DiffText::Text(before.into()),
            after: DiffText::Text(after.into()),
            prepared: None,
            alone: false,
        }
    }

    /// Says that a result's `diff` is this one itself.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// Returns it as it stands in a registered result. What is hidden is left out.
    pub fn to_value(&self) -> Value {
        let mut value = Dict::new();
        for (name, header, side) in [
            ("before", &self.before_header, &self.before),
            ("after", &self.after_header, &self.after),
        ] {
            if let Some(header) = header {
                value.insert(format!("{name}_header"), header.as_str());
            }
            let side = match side {
                DiffText::Text(text) => Value::from(text.as_str()),
                DiffText::State(state) => state.clone(),
                DiffText::Hidden(_) => continue,
            };
            value.insert(name, side);
        }
        if let Some(prepared) = &self.prepared {
            value.insert("prepared", prepared.as_str());
        }
        Value::dict(value)
    }

    /// Names the two sides.
    #[must_use]
    pub fn headers(mut self, before: impl Into<String>, after: impl Into<String>) -> Self {
        self.before_header = Some(before.into());
        self.after_header = Some(after.into());
        self
    }
}

/// The result of a module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Something is different now (or would be).
    pub changed: bool,
    /// It failed; `values` holds `msg`.
    pub failed: bool,
    /// It would change something and was told to hold: nothing was done.
    pub held: bool,
    /// A plan was carried out, whatever the result says of it (`changed`).
    pub applied: bool,
    /// It did nothing and says so (`creates` exists, no support for check mode).
    pub skipped: bool,
    /// Return values with Ansible's names, without `changed`, `failed`, `diff`, `warnings`.
    pub values: Dict,
    /// Before and after.
    pub diff: Vec<Diff>,
    /// Warnings for the user.
    pub warnings: Vec<String>,
    /// What the controller has to do to complete it.
    pub request: Option<ControllerRequest>,
    /// The result is worth showing without `-v` (`debug`, `assert`).
    pub shown: bool,
    /// Why nothing needed to change, as a fragment.
    pub why: Option<String>,
}

impl Outcome {
    /// Tells whether the module may have changed something, whatever it says of it: one that fails may have begun.
    pub fn may_have_changed(&self) -> bool {
        self.applied || self.failed
    }

    /// Returns the result of something done.
    pub fn changed() -> Self {
        Self {
            changed: true,
            ..Self::default()
        }
    }

    /// Returns the result of nothing done.
    pub fn unchanged() -> Self {
        Self::default()
    }

    /// Adds a return value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name, value);
        self
    }

    /// Adds return values.
    #[must_use]
    pub fn with_all(mut self, values: Dict) -> Self {
        self.values.extend(values);
        self
    }

    /// Adds a warning.
    #[must_use]
    pub fn warn(mut self, text: impl Into<String>) -> Self {
        self.warnings.push(text.into());
        self
    }

    /// Says what the controller has to do.
    #[must_use]
    pub fn request(mut self, request: ControllerRequest) -> Self {
        self.request = Some(request);
        self
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        let mut values: Dict =
            std::iter::once((Key::from("msg"), Value::from(failure.message))).collect();
        values.extend(failure.values);
        Self {
            changed: failure.changed,
            failed: true,
            values,
            ..Self::default()
        }
    }
}
