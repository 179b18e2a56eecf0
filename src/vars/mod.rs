//! Variables: the table of their levels, and the trait of whoever has some.
//!
//! The engine fills it on the controller, the worker from what a batch carries; expressions ask through [`Variables`] and
//! never know which of the two answers.

mod facts;
mod level;

use std::sync::Arc;

use crate::value::Value;

pub use facts::{Facts, is_steering};
pub use level::Level;

/// What became of a name.
#[derive(Clone, Debug)]
pub enum Found {
    /// The value of the highest level that has it, not rendered.
    Value(Value),
    /// Nobody has it.
    Missing,
    /// Not known here: the controller has to be asked.
    Elsewhere,
}

/// Whoever has variables.
pub trait Variables {
    /// Returns the variable of that name.
    fn find(&self, name: &str) -> Found;

    /// Returns what lies below a variable that is costly to make as a whole (`hostvars`), by the keys that follow its name; as
    /// many of them as the answer took are given: one or two. Nothing means that the variable is an ordinary one.
    fn find_below(&self, _name: &str, _keys: &[Value]) -> Option<Found> {
        None
    }

    /// Returns all names that are known here, sorted, for "did you mean", `vars` and `varnames`.
    fn names(&self) -> Vec<Arc<str>>;
}

/// No variables at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVariables;

impl Variables for NoVariables {
    fn find(&self, _name: &str) -> Found {
        Found::Missing
    }

    fn names(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}

/// Some variables before others: what `first` has hides what `then` has.
pub struct Layered<'a> {
    /// Asked first.
    pub first: &'a dyn Variables,
    /// Asked for what `first` does not have.
    pub then: &'a dyn Variables,
}

impl Variables for Layered<'_> {
    fn find(&self, name: &str) -> Found {
        match self.first.find(name) {
            Found::Missing => self.then.find(name),
            found => found,
        }
    }

    fn find_below(&self, name: &str, keys: &[Value]) -> Option<Found> {
        match self.first.find(name) {
            Found::Missing => self.then.find_below(name, keys),
            _ => None,
        }
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names = self.first.names();
        names.extend(self.then.names());
        names.sort();
        names.dedup();
        names
    }
}

impl Variables for crate::value::Dict {
    fn find(&self, name: &str) -> Found {
        self.get(name)
            .map_or(Found::Missing, |value| Found::Value(value.clone()))
    }

    fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self
            .keys()
            .filter_map(|key| key.as_str().map(Arc::from))
            .collect();
        names.sort();
        names
    }
}
