//! Filters of `community.general`, by family.

pub(super) mod keys;
pub(super) mod lists;
pub(super) mod tables;
pub(super) mod time;
pub(super) mod words;
