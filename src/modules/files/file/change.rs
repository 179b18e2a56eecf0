//! What `file` does once it is decided, in order.

use super::times::{TimeChange, Times};
use crate::kit::{AttributeChanges, Failure, FileAttributes, Host, Mode, Outcome, path_info};
use crate::modules::files::directories;
use crate::value::{Dict, Value};

/// One thing to do.
#[derive(Debug)]
pub(super) enum Action {
    /// Remove a file or link.
    Remove(String),
    /// Remove a directory and all in it.
    RemoveTree(String),
    /// Remove a directory that is empty.
    RemoveEmpty(String),
    /// Make a directory, with the task's attributes.
    MakeDirectory(String),
    /// Make an empty file, with the task's attributes.
    Touch(String, Option<TimeChange>),
    /// Make a symbolic link.
    Link { path: String, target: String },
    /// Make a hard link.
    HardLink { path: String, target: String },
    /// Set what differs.
    Attributes(AttributeChanges),
    /// Set the task's attributes of what was made before.
    AttributesOf(String),
    /// Set times.
    Times(TimeChange),
}

/// All that is to be done, and what the result says.
#[derive(Debug)]
pub(in crate::modules) struct Change {
    pub(super) actions: Vec<Action>,
    /// The path whose attributes the result shows.
    pub(super) shown: String,
}

impl Change {
    pub(super) fn apply(
        &self,
        attributes: &FileAttributes<'_>,
        host: &dyn Host,
    ) -> Result<Outcome, Failure> {
        for (index, action) in self.actions.iter().enumerate() {
            action.apply(attributes, host).map_err(|failure| {
                let failure = if failure.values.contains("path") {
                    failure
                } else {
                    failure.with("path", self.shown.as_str())
                };
                if index > 0 {
                    failure.after_change()
                } else {
                    failure
                }
            })?;
        }
        Ok(Outcome::changed().with_all(path_info(&self.shown, host)?))
    }
}

impl Action {
    fn apply(&self, attributes: &FileAttributes<'_>, host: &dyn Host) -> Result<(), Failure> {
        let replacing =
            |error: crate::kit::HostError| Failure::new(format!("Error while linking: {error}"));
        match self {
            Self::Remove(path) => match host.remove(path) {
                Err(error) if !error.is_missing() => {
                    return Err(Failure::new(format!("Unlinking failed: {error}")));
                }
                _ => {}
            },
            Self::RemoveTree(path) => {
                host.remove_tree(path)
                    .map_err(|error| Failure::new(format!("rmtree failed: {error}")))?;
            }
            Self::RemoveEmpty(path) => host.remove(path)?,
            Self::MakeDirectory(path) => {
                directories::make(path, attributes, host).map_err(|failure| {
                    let message = format!(
                        "There was an issue creating {path} as requested: {}",
                        failure.message
                    );
                    Failure { message, ..failure }
                })?;
            }
            Self::Touch(path, times) => touch(path, attributes, times.as_ref(), host)?,
            Self::Link { path, target } => host.symbolic_link(target, path).map_err(replacing)?,
            Self::HardLink { path, target } => host.hard_link(target, path).map_err(replacing)?,
            Self::Attributes(changes) => changes.apply(host)?,
            Self::AttributesOf(path) => attributes.compare(path, host)?.apply(host)?,
            Self::Times(times) => times.apply(host)?,
        }
        Ok(())
    }
}

/// Makes an empty file that nobody else can open before it has its mode and owner (T8). What fails half-way is removed.
fn touch(
    path: &str,
    attributes: &FileAttributes<'_>,
    times: Option<&TimeChange>,
    host: &dyn Host,
) -> Result<(), Failure> {
    let wanted = attributes.for_write(None, 0o666 & !host.umask(), host)?;
    let mode = wanted.mode.map(Mode::Bits);
    host.touch(path, 0o600)
        .map_err(|error| Failure::new(format!("Error, could not touch target: {error}")))?;
    let finish = || {
        FileAttributes {
            mode: mode.as_ref(),
            ..*attributes
        }
        .compare(path, host)?
        .apply(host)?;
        times.map_or(Ok(()), |times| times.apply(host))
    };
    finish().inspect_err(|_: &Failure| drop(host.remove(path)))
}

/// The two sides of the difference, as they grow.
pub(super) struct Sides {
    pub(super) before: Dict,
    pub(super) after: Dict,
}

impl Sides {
    /// Begins with the path and, where they differ, the states.
    pub(super) fn new(path: &str, before: &str, after: &str) -> Self {
        let mut sides = Self {
            before: Dict::new().with("path", path),
            after: Dict::new().with("path", path),
        };
        if before != after {
            sides.note("state", before, after);
        }
        sides
    }

    pub(super) fn note(&mut self, name: &str, before: impl Into<Value>, after: impl Into<Value>) {
        self.before.insert(name, before);
        self.after.insert(name, after);
    }

    /// Compares attributes and times of a path that is there, and adds what is to be done.
    pub(super) fn compare(
        &mut self,
        path: &str,
        attributes: &FileAttributes<'_>,
        times: Times,
        actions: &mut Vec<Action>,
        host: &dyn Host,
    ) -> Result<(), Failure> {
        let changes = attributes.compare(path, host)?;
        if !changes.is_empty() {
            self.before.extend(changes.before.clone());
            self.after.extend(changes.after.clone());
            actions.push(Action::Attributes(changes));
        }
        let change = times.compare(path, host, &mut self.before, &mut self.after)?;
        actions.extend(change.map(Action::Times));
        Ok(())
    }
}
