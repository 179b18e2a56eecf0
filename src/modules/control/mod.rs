//! Modules of the family `control`.

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
