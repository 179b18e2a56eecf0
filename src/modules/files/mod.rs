//! Modules of the family `files`.

mod checksum;
mod directories;
mod file;
mod stat;

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[Entry::module::<file::File>(), Entry::module::<stat::Stat>()];
