//! Modules of the family `net`.

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
