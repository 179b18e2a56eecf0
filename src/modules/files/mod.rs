//! Modules of the family `files`.

mod backup;
mod checksum;
mod copy;
mod directories;
mod edit;
mod file;
mod lineinfile;
mod python_regex;
mod stat;
mod trust;
mod writing;

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    Entry::module::<copy::Copy>(),
    Entry::module::<file::File>(),
    Entry::module::<lineinfile::LineInFile>(),
    Entry::module::<stat::Stat>(),
];
