//! Keys of the vectors, for tests of other modules.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{AgeKeys, AgeSettings, Secret, VaultSecrets};
use crate::config::Environment;

/// Returns secrets that open the files of `tests/vectors/sops/rops`.
pub(crate) fn vault_of_rops() -> VaultSecrets {
    let encoded = include_str!("../../tests/vectors/sops/rops/age-key.txt.b64");
    let encoded: String = encoded.split_whitespace().collect();
    let key = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
    let settings = AgeSettings {
        key: Some(Secret::from(key.trim())),
        ..AgeSettings::default()
    };
    let mut vault = VaultSecrets::default();
    vault.set_age(AgeKeys::new(Environment::default(), settings));
    vault
}
