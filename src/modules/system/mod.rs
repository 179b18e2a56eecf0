//! Modules of the family `system`.

pub(in crate::modules) mod setup;

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[Entry::module::<setup::Setup>()];
