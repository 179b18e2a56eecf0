//! Modules of the family `users`.

mod group;
mod user;

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    Entry::module::<group::Group>(),
    Entry::module::<user::User>(),
];
