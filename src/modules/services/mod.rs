//! Modules of the family `services`.

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
