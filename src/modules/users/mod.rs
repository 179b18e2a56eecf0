//! Modules of the family `users`.

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[];
