//! Variable files: YAML or JSON, plain, vaulted as a whole or encrypted with SOPS, alone or in directories.
//!
//! Used by `inventory` (`group_vars`, `host_vars`), `playbook` (`vars_files`, role vars and defaults), `include_vars` and
//! `-e @file`.

mod find;
mod read;

pub use find::{EXTENSIONS, files_in, find, find_sops};
pub use read::{Reader, VarFile};
