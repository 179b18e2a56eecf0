//! Secrets: the type that holds one, the reading of ansible-vault and age, and the masker that keeps them off every way out.
//!
//! Used by `yaml` (`!vault`), `varfile` (whole files), the engine (copy sources, lookups) and `report` and `cli` (masking).

pub mod age;
mod age_keys;
mod ansible_vault;
mod masker;
mod random;
mod secret;
mod source;
#[cfg(test)]
pub(crate) mod testing;

pub use age_keys::{AgeKeys, AgeSettings, Found, SopsFiles, Unencrypted};
pub use ansible_vault::{VaultError, VaultSecrets, is_vault};
pub use masker::Masker;
pub use random::random;
pub use secret::Secret;
pub use source::{Ask, VaultSource, load_sources};
