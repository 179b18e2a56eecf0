//! Modules of the family `commands`.

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
