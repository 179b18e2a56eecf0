//! Keys of the vectors and programs that print passwords, for tests of other modules.

use std::path::Path;
use std::process::Command;

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

/// Writes a program that only its owner may run: `script` under `#!/bin/sh`.
///
/// Another process writes it: were the file open for writing here, a program that another test starts at that moment would hold
/// it open until its own `exec`, and a file that somebody writes cannot be run (ETXTBSY).
pub(crate) fn write_program(path: &Path, script: &str) {
    let status = Command::new("sh")
        .args([
            "-c",
            r#"printf '#!/bin/sh\n%s\n' "$1" >"$0" && chmod 700 "$0""#,
        ])
        .arg(path)
        .arg(script)
        .status()
        .unwrap();
    assert!(status.success());
}
