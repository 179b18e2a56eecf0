//! Modules of the family `system`.

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
