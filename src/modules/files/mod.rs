//! Modules of the family `files`.

mod assemble;
mod backup;
mod blockinfile;
mod checksum;
mod copy;
mod directories;
mod edit;
mod encoding;
mod fetch;
mod file;
mod find;
mod lineinfile;
mod python_regex;
mod replace;
mod slurp;
mod stat;
mod tempfile;
mod template;
mod trust;
mod writing;

family! {
    Entry::module::<assemble::Assemble>(),
    Entry::module::<blockinfile::BlockInFile>(),
    Entry::module::<copy::Copy>(),
    Entry::module::<fetch::Fetch>(),
    Entry::module::<file::File>(),
    Entry::module::<find::Find>(),
    Entry::module::<lineinfile::LineInFile>(),
    Entry::module::<replace::Replace>(),
    Entry::module::<slurp::Slurp>(),
    Entry::module::<stat::Stat>(),
    Entry::module::<tempfile::TempFile>(),
    Entry::module::<template::Template>(),
}
