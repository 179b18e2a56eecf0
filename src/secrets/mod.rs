//! Secrets: the type that holds one, the reading of ansible-vault, and the masker that keeps them off every way out.
//!
//! Used by `yaml` (`!vault`), `varfile` (whole files), the engine (copy sources, lookups) and `report` and `cli` (masking).

mod ansible_vault;
mod masker;
mod secret;
mod source;

pub use ansible_vault::{VaultError, VaultSecrets, is_vault};
pub use masker::Masker;
pub use secret::Secret;
pub use source::{Ask, VaultSource, load_sources};
