//! Modules of the family `files`.

mod assemble;
pub(in crate::modules) mod backup;
mod blockinfile;
pub(super) mod checksum;
pub(super) mod copy;
pub(in crate::modules) mod directories;
mod edit;
mod encoding;
mod fetch;
mod file;
mod find;
mod ini_file;
mod lineinfile;
mod python_regex;
mod replace;
mod slurp;
mod stat;
mod tempfile;
mod template;
pub(super) mod trust;
mod unarchive;
pub(super) mod writing;

family! {
    Entry::module::<assemble::Assemble>(),
    Entry::module::<blockinfile::BlockInFile>(),
    Entry::module::<copy::Copy>(),
    Entry::module::<fetch::Fetch>(),
    Entry::module::<file::File>(),
    Entry::module::<find::Find>(),
    Entry::module::<ini_file::IniFile>(),
    Entry::module::<lineinfile::LineInFile>(),
    Entry::module::<replace::Replace>(),
    Entry::module::<slurp::Slurp>(),
    Entry::module::<stat::Stat>(),
    Entry::module::<tempfile::TempFile>(),
    Entry::module::<template::Template>(),
    Entry::module::<unarchive::Unarchive>(),
}
