//! Modules of the family `packages`.

mod apt;
mod package;

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    Entry::module::<apt::Apt>(),
    Entry::module::<package::Package>(),
];
