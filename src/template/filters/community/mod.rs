//! Filters of `community.general`, by family, and that of `community.sops`.

pub(super) mod keys;
pub(super) mod lists;
pub(super) mod sops;
pub(super) mod tables;
pub(super) mod time;
pub(super) mod words;
