//! May the host that answered be believed? (security.md, T14)
//!
//! [`HostKeyVerifier`] is made for one host from its settings and the `known_hosts` files; russh's handler asks it during the
//! key exchange, and [`super::algorithms`] asks it which kinds of keys the host is known by, so that those are offered
//! first. An unknown key is refused with its fingerprint and the way to accept it; a changed or revoked one always is.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey, PublicKeyOrCertificate};

use super::known_hosts::{Entry, KnownHost, KnownHostsFiles, append, fingerprint, lookup_name};
use super::ssh_config::{HostKeyPolicy, HostSettings, Warning, matches_list};

/// Why a host key was not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostKeyRefusal {
    #[error("its {kind} host key is unknown: {fingerprint}")]
    Unknown {
        host: String,
        port: u16,
        kind: String,
        fingerprint: String,
    },
    #[error("ITS HOST KEY HAS CHANGED: {place} knows {known}, the host shows {shown}")]
    Changed {
        /// As `known_hosts` has it.
        name: String,
        place: String,
        /// The fingerprint on record.
        known: String,
        shown: String,
    },
    #[error("its host key {fingerprint} is revoked by {place}")]
    Revoked { place: String, fingerprint: String },
    #[error("its host certificate is not valid: {problem}")]
    Certificate { problem: String },
    #[error("its RSA host key has {bits} bits, RequiredRSASize wants {required}")]
    TooShort { bits: u32, required: u32 },
    #[error("the revoked keys in `{file}` cannot be read, so no host key is believed: {problem}")]
    RevocationList { file: String, problem: String },
    #[error("its new host key cannot be written to `{file}`: {problem}")]
    CannotRemember { file: String, problem: String },
}

impl HostKeyRefusal {
    /// Returns what the user can do.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unknown { host, port, .. } => {
                let port = if *port == 22 {
                    String::new()
                } else {
                    format!("-p {port} ")
                };
                Some(format!(
                    "compare the fingerprint with the host's own (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` there), then accept it with `ssh {port}{host}` \
                     or `ssh-keyscan {port}{host} >> ~/.ssh/known_hosts`; `StrictHostKeyChecking=accept-new` in `ansible_ssh_common_args` accepts hosts on first sight"
                ))
            }
            Self::Changed { name, .. } => Some(format!(
                "somebody may stand between; if the host was set up anew, forget the old key with `ssh-keygen -R '{name}'`"
            )),
            Self::Certificate { .. } | Self::Revoked { .. } => {
                Some("ask whoever runs the host for its new key".to_owned())
            }
            Self::RevocationList { .. } => {
                Some("RevokedHostKeys must name a list of public keys, one a line".to_owned())
            }
            Self::TooShort { .. } | Self::CannotRemember { .. } => None,
        }
    }
}

/// Decides about the key of one host.
#[derive(Debug)]
pub struct HostKeyVerifier {
    /// The name that keys are filed under, for messages and new lines.
    host: String,
    port: u16,
    known: KnownHost,
    policy: HostKeyPolicy,
    revoked_file: Option<PathBuf>,
    required_rsa_bits: u32,
    remember_in: Option<PathBuf>,
    hashed: bool,
    warnings: Mutex<Vec<Warning>>,
}

impl HostKeyVerifier {
    /// Looks up what is known of the host of these settings.
    pub fn new(settings: &HostSettings, known_hosts: &KnownHostsFiles) -> Self {
        // An alias stands for itself, whatever the port.
        let (host, port) = match &settings.host_key_alias {
            Some(alias) => (alias.clone(), 22),
            None => (settings.host_name.clone(), settings.port),
        };
        let files: Vec<PathBuf> = settings
            .user_known_hosts_files
            .iter()
            .chain(&settings.global_known_hosts_files)
            .cloned()
            .collect();
        let known = known_hosts.of_host(&files, &host, port);
        let mut warnings = known.warnings.clone();
        if settings.host_key_policy == HostKeyPolicy::Off {
            warnings.push(Warning::HostKeyCheckingOff {
                host: settings.original.clone(),
            });
        }
        Self {
            host,
            port,
            known,
            policy: settings.host_key_policy,
            revoked_file: settings.revoked_host_keys.clone(),
            required_rsa_bits: settings.required_rsa_bits,
            remember_in: settings.user_known_hosts_files.first().cloned(),
            hashed: settings.hash_known_hosts,
            warnings: Mutex::new(warnings),
        }
    }

    /// Returns the kinds of keys that the host is known by.
    pub fn known_algorithms(&self) -> Vec<Algorithm> {
        self.known
            .plain()
            .map(|entry| entry.key.algorithm())
            .collect()
    }

    /// Says whether any authority may vouch for the host.
    pub fn has_authorities(&self) -> bool {
        self.known.authorities().next().is_some()
    }

    /// Decides about what the host has shown; its signature has been checked already.
    pub fn verify(&self, shown: &PublicKeyOrCertificate) -> Result<(), HostKeyRefusal> {
        let key = shown.public_key();
        self.check_revoked(&key)?;
        self.check_length(&key)?;
        match shown.certificate() {
            Some(certificate) => self.verify_certificate(certificate, &key),
            None => self.verify_key(&key),
        }
    }

    fn verify_key(&self, key: &PublicKey) -> Result<(), HostKeyRefusal> {
        if self
            .known
            .plain()
            .any(|entry| entry.key.key_data() == key.key_data())
        {
            return Ok(());
        }
        if let Some(entry) = self.conflicting(key) {
            return Err(HostKeyRefusal::Changed {
                name: lookup_name(&self.host, self.port),
                place: entry.place(),
                known: fingerprint(&entry.key),
                shown: fingerprint(key),
            });
        }
        match self.policy {
            HostKeyPolicy::Off => Ok(()),
            HostKeyPolicy::AcceptNew => self.remember(key),
            HostKeyPolicy::Refuse => Err(HostKeyRefusal::Unknown {
                host: self.host.clone(),
                port: self.port,
                kind: key.algorithm().to_string(),
                fingerprint: fingerprint(key),
            }),
        }
    }

    /// Returns a key that the host is known by in place of this one. One of another kind counts too: kinds that are known
    /// are asked for first, so a host that has its old key shows it.
    fn conflicting(&self, key: &PublicKey) -> Option<&Entry> {
        let exact = || {
            self.known
                .entries
                .iter()
                .filter(|entry| entry.marker == super::known_hosts::Marker::Plain)
        };
        exact()
            .find(|entry| entry.key.algorithm() == key.algorithm())
            .or_else(|| exact().next())
    }

    fn remember(&self, key: &PublicKey) -> Result<(), HostKeyRefusal> {
        let Some(file) = &self.remember_in else {
            return Ok(());
        };
        append(file, &lookup_name(&self.host, self.port), key, self.hashed).map_err(|error| {
            HostKeyRefusal::CannotRemember {
                file: file.display().to_string(),
                problem: error.to_string(),
            }
        })?;
        self.warn(Warning::HostKeyAccepted {
            host: lookup_name(&self.host, self.port),
            fingerprint: fingerprint(key),
            file: file.display().to_string(),
        });
        Ok(())
    }

    /// Returns what the user should know of the check.
    pub fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(
            &mut *self
                .warnings
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner),
        )
    }

    fn warn(&self, warning: Warning) {
        self.warnings
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(warning);
    }

    fn verify_certificate(
        &self,
        certificate: &Certificate,
        key: &PublicKey,
    ) -> Result<(), HostKeyRefusal> {
        let authority = PublicKey::from(certificate.signature_key().clone());
        self.check_revoked(&authority)?;
        self.check_length(&authority)?;
        if !self
            .known
            .authorities()
            .any(|entry| entry.key.key_data() == authority.key_data())
        {
            // Signed by somebody unknown: then the key in it counts for itself, as in ssh.
            return self.verify_key(key);
        }
        let invalid = |problem: String| HostKeyRefusal::Certificate { problem };
        if certificate.cert_type() != CertType::Host {
            return Err(invalid("it is a user's certificate".to_owned()));
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_secs());
        let trusted = [authority.fingerprint(HashAlg::Sha256)];
        if now < certificate.valid_after() {
            return Err(invalid("it is not valid yet".to_owned()));
        }
        if now >= certificate.valid_before() {
            return Err(invalid("it has expired".to_owned()));
        }
        certificate
            .validate_at(now, &trusted)
            .map_err(|error| invalid(error.to_string()))?;
        if !certificate.critical_options().is_empty() {
            return Err(invalid(
                "it has critical options, which host certificates must not".to_owned(),
            ));
        }
        let names = certificate.valid_principals();
        if !matches_list(names.iter().map(String::as_str), &self.host) {
            return Err(invalid(format!(
                "it is for {}, not for {}",
                names.join(", "),
                self.host
            )));
        }
        Ok(())
    }

    fn check_revoked(&self, key: &PublicKey) -> Result<(), HostKeyRefusal> {
        let revoked = |place: String| HostKeyRefusal::Revoked {
            place,
            fingerprint: fingerprint(key),
        };
        if let Some(entry) = self
            .known
            .revoked()
            .find(|entry| entry.key.key_data() == key.key_data())
        {
            return Err(revoked(entry.place()));
        }
        match &self.revoked_file {
            None => Ok(()),
            Some(file) => match find_in_list(file, key)? {
                Some(line) => Err(revoked(format!("{}:{line}", file.display()))),
                None => Ok(()),
            },
        }
    }

    fn check_length(&self, key: &PublicKey) -> Result<(), HostKeyRefusal> {
        let KeyData::Rsa(rsa) = key.key_data() else {
            return Ok(());
        };
        let bits = rsa.key_size();
        if bits < self.required_rsa_bits {
            return Err(HostKeyRefusal::TooShort {
                bits,
                required: self.required_rsa_bits,
            });
        }
        Ok(())
    }
}

/// Looks a key up in a list of public keys; anything but such a list (a KRL, an unreadable file) revokes every key.
fn find_in_list(file: &Path, key: &PublicKey) -> Result<Option<usize>, HostKeyRefusal> {
    let unreadable = |problem: String| HostKeyRefusal::RevocationList {
        file: file.display().to_string(),
        problem,
    };
    let bytes = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    if bytes.starts_with(b"SSHKRL") {
        return Err(unreadable(
            "it is a KRL, which kplay does not read".to_owned(),
        ));
    }
    let text = String::from_utf8(bytes).map_err(|error| unreadable(error.to_string()))?;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let listed = PublicKey::from_openssh(line)
            .map_err(|error| unreadable(format!("line {}: {error}", index + 1)))?;
        if listed.key_data() == key.key_data() {
            return Ok(Some(index + 1));
        }
    }
    Ok(None)
}
