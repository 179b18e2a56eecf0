//! Modules of the family `net`.

mod ufw;
mod wait_for;

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    Entry::module::<ufw::Ufw>(),
    Entry::module::<wait_for::WaitFor>(),
];
