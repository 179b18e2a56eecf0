//! Modules of the family `files`.

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
