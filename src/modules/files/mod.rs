//! Modules of the family `files`.

mod backup;
mod blockinfile;
mod checksum;
mod copy;
mod directories;
mod edit;
mod encoding;
mod file;
mod lineinfile;
mod python_regex;
mod replace;
mod stat;
mod template;
mod trust;
mod writing;

use crate::kit::Entry;

pub(super) const ENTRIES: &[Entry] = &[
    Entry::module::<blockinfile::BlockInFile>(),
    Entry::module::<copy::Copy>(),
    Entry::module::<file::File>(),
    Entry::module::<lineinfile::LineInFile>(),
    Entry::module::<replace::Replace>(),
    Entry::module::<stat::Stat>(),
    Entry::module::<template::Template>(),
];
