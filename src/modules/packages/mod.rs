//! Modules of the family `packages`.

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
