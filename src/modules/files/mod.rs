//! Modules of the family `files`.

mod checksum;
mod stat;

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[Entry::module::<stat::Stat>()];
