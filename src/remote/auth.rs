//! Authentication: keys, certificates, agent, password, in the order that costs the fewest round trips.
//!
//! [`super::ssh`] calls [`authenticate`] once the host's key is believed. Nothing asks first what the host would take: key
//! files that the user named are tried at once, then the agent's keys, then ssh's default key files; then the password, as
//! `password` or `keyboard-interactive`, whichever the host takes. Every try and its outcome is kept for the message.

mod keys;

use std::sync::Arc;

use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::{Algorithm, Certificate, HashAlg, PrivateKey, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, MethodSet};

pub(super) use keys::KeyStore;
use keys::{KeyFile, LoadError};

use super::agent::Agent;
use super::algorithms::{accepts_key, rsa_hashes};
use super::client_handler::ClientHandler;
use super::error::{Attempt, AttemptOutcome};
use super::known_hosts::fingerprint;
use super::local_user::LocalUser;
use super::ssh_config::{AgentChoice, HostSettings};
use super::target::Password;

/// sshd hangs up at six failures; a password must get its turn before that.
const KEY_TRIES_BEFORE_PASSWORD: usize = 4;

/// All that authentication may use.
pub(super) struct Credentials<'a> {
    pub(super) settings: &'a HostSettings,
    pub(super) password: Option<&'a Password>,
    pub(super) keys: &'a KeyStore,
    pub(super) local: &'a LocalUser,
}

/// How authentication ended without success.
#[derive(Debug)]
pub(super) enum AuthFailure {
    /// Every try was rejected.
    Denied {
        attempts: Vec<Attempt>,
        server_methods: Vec<String>,
    },
    /// The host hung up.
    Closed {
        attempts: Vec<Attempt>,
    },
    Protocol(russh::Error),
}

impl From<russh::Error> for AuthFailure {
    fn from(error: russh::Error) -> Self {
        Self::Protocol(error)
    }
}

/// Authenticates, or says all that was tried.
pub(super) async fn authenticate(
    handle: &mut Handle<ClientHandler>,
    credentials: &Credentials<'_>,
) -> Result<(), AuthFailure> {
    let mut login = Login {
        handle,
        credentials,
        attempts: Vec::new(),
        methods: None,
        rsa_hash: RsaHash::Unknown,
        keys_sent: Vec::new(),
    };
    match login.run().await? {
        Progress::Done => Ok(()),
        Progress::Next => Err(AuthFailure::Denied {
            attempts: login.attempts,
            server_methods: login
                .methods
                .iter()
                .flat_map(|methods| methods.iter())
                .map(|method| <&str>::from(method).to_owned())
                .collect(),
        }),
    }
}

struct Login<'a, 'b> {
    handle: &'a mut Handle<ClientHandler>,
    credentials: &'a Credentials<'b>,
    attempts: Vec<Attempt>,
    /// What the host said it takes; nothing before its first answer.
    methods: Option<MethodSet>,
    /// The best RSA hash that both sides take, once known.
    rsa_hash: RsaHash,
    /// Keys that the host has seen, plain ones; the same key in the agent and in a file is tried once.
    keys_sent: Vec<PublicKey>,
}

/// The hash for RSA signatures; none is SHA-1, for hosts and users that insist.
#[derive(Debug, Clone, Copy)]
enum RsaHash {
    Unknown,
    Chosen(Option<HashAlg>),
}

#[derive(Debug, PartialEq, Eq)]
enum Progress {
    Done,
    /// Rejected, or accepted as one factor: go on.
    Next,
}

impl Login<'_, '_> {
    async fn run(&mut self) -> Result<Progress, AuthFailure> {
        let settings = self.credentials.settings;
        if settings.public_key_authentication
            && self.prefers("publickey")
            && self.public_keys().await? == Progress::Done
        {
            return Ok(Progress::Done);
        }
        let password = self
            .credentials
            .password
            .filter(|_| settings.password_prompts > 0);
        let Some(password) = password else {
            if self.attempts.is_empty() {
                // Nothing to show: perhaps the host wants nothing. It also says what it would take.
                let result = self.handle.authenticate_none(&settings.user).await?;
                return self.note("no credentials".to_owned(), result).inspect(|_| {
                    self.attempts.clear();
                });
            }
            return Ok(Progress::Next);
        };
        let interactive_first = self
            .credentials
            .settings
            .preferred_authentications
            .as_ref()
            .is_some_and(|order| {
                position(order, "keyboard-interactive") < position(order, "password")
            });
        let order = if interactive_first {
            [false, true]
        } else {
            [true, false]
        };
        for plain in order {
            let progress = if plain {
                self.password(password).await?
            } else {
                self.interactive(password).await?
            };
            if progress == Progress::Done {
                return Ok(Progress::Done);
            }
        }
        Ok(Progress::Next)
    }

    fn prefers(&self, method: &str) -> bool {
        match &self.credentials.settings.preferred_authentications {
            Some(order) => order.iter().any(|known| known == method),
            None => true,
        }
    }

    fn server_takes(&self, method: MethodKind) -> bool {
        self.methods
            .as_ref()
            .is_none_or(|methods| methods.contains(&method))
    }

    /// Keeps the outcome of a try.
    fn note(&mut self, what: String, result: AuthResult) -> Result<Progress, AuthFailure> {
        match result {
            AuthResult::Success => Ok(Progress::Done),
            AuthResult::Failure {
                remaining_methods,
                partial_success,
            } => {
                if remaining_methods.is_empty() && self.handle.is_closed() {
                    return Err(AuthFailure::Closed {
                        attempts: std::mem::take(&mut self.attempts),
                    });
                }
                self.methods = Some(remaining_methods);
                let outcome = if partial_success {
                    AttemptOutcome::Partial
                } else {
                    AttemptOutcome::Rejected
                };
                self.attempts.push(Attempt { what, outcome });
                Ok(Progress::Next)
            }
        }
    }

    fn unusable(&mut self, what: String, why: impl Into<String>) {
        self.attempts.push(Attempt {
            what,
            outcome: AttemptOutcome::Unusable(why.into()),
        });
    }

    async fn public_keys(&mut self) -> Result<Progress, AuthFailure> {
        let settings = self.credentials.settings;
        let mut named: Vec<KeyFile> = settings
            .identity_files
            .iter()
            .map(|path| KeyFile::new(path, true))
            .collect();
        // A named key whose private half is readable needs no agent: one round trip.
        for file in &mut named {
            if let Some(key) = file.load_unlocked(self.credentials.keys)
                && self.file_key(file, key).await? == Progress::Done
            {
                return Ok(Progress::Done);
            }
        }
        let mut agent = self.open_agent().await;
        if let Some(agent) = &mut agent
            && self.agent_keys(agent, &named).await? == Progress::Done
        {
            return Ok(Progress::Done);
        }
        let mut files: Vec<KeyFile> = named.into_iter().filter(|file| !file.tried).collect();
        if settings.identity_files.is_empty() {
            files = keys::default_files(self.credentials.local);
        }
        for file in &mut files {
            if !self.may_try_key() {
                break;
            }
            if self.sent(file.public.as_ref()) {
                continue;
            }
            match file
                .load(self.credentials.keys, self.credentials.settings.batch_mode)
                .await
            {
                Ok(key) => {
                    if self.file_key(file, key).await? == Progress::Done {
                        return Ok(Progress::Done);
                    }
                }
                Err(LoadError::Missing) if !file.named => {}
                Err(error) => self.unusable(file.describe(), error.to_string()),
            }
        }
        Ok(Progress::Next)
    }

    fn sent(&self, key: Option<&PublicKey>) -> bool {
        key.is_some_and(|key| {
            self.keys_sent
                .iter()
                .any(|sent| sent.key_data() == key.key_data())
        })
    }

    fn may_try_key(&self) -> bool {
        let spent = self
            .attempts
            .iter()
            .filter(|attempt| attempt.outcome == AttemptOutcome::Rejected)
            .count();
        let room = self.credentials.password.is_none() || spent < KEY_TRIES_BEFORE_PASSWORD;
        room && self.server_takes(MethodKind::PublicKey)
    }

    async fn open_agent(&mut self) -> Option<Agent> {
        let AgentChoice::Socket(socket) = &self.credentials.settings.agent else {
            return None;
        };
        match Agent::open(socket).await {
            Ok(mut agent) => {
                if let Some(binding) = self.handle.agent_session_binding() {
                    // Only for keys that the user tied to certain hosts; an agent without this says no, and that is fine.
                    let _ = agent.client.bind_session(binding, false).await;
                }
                Some(agent)
            }
            Err(problem) => {
                self.unusable(format!("agent {}", socket.display()), problem);
                None
            }
        }
    }

    /// Tries the agent's keys: those that the user named first, then, unless `IdentitiesOnly`, all others.
    async fn agent_keys(
        &mut self,
        agent: &mut Agent,
        named: &[KeyFile],
    ) -> Result<Progress, AuthFailure> {
        let settings = self.credentials.settings;
        let named_position = |identity: &AgentIdentity| {
            let key = identity.public_key().into_owned();
            named.iter().position(|file| {
                file.public
                    .as_ref()
                    .is_some_and(|public| public.key_data() == key.key_data())
            })
        };
        let mut identities: Vec<(Option<usize>, AgentIdentity)> = agent
            .identities
            .iter()
            .map(|identity| (named_position(identity), identity.clone()))
            .filter(|(position, _)| position.is_some() || !settings.identities_only)
            .collect();
        identities.sort_by_key(|(position, _)| position.unwrap_or(usize::MAX));
        for (_, identity) in identities {
            if !self.may_try_key() {
                break;
            }
            let public = identity.public_key().into_owned();
            let plain = matches!(identity, AgentIdentity::PublicKey { .. });
            if (plain && self.sent(Some(&public))) || !self.accepts(&public.algorithm()) {
                continue;
            }
            let certificate = match &identity {
                AgentIdentity::Certificate { certificate, .. } => Some(certificate.clone()),
                AgentIdentity::PublicKey { .. } => self.certificate_for(&public, None),
            };
            if let Some(certificate) = certificate {
                let what = format!(
                    "agent certificate `{}` ({})",
                    certificate.key_id(),
                    fingerprint(&public)
                );
                let hash = self.rsa_hash_for(&public.algorithm()).await?;
                let result = self
                    .handle
                    .authenticate_certificate_with(
                        &settings.user,
                        certificate,
                        hash,
                        &mut agent.client,
                    )
                    .await;
                if self.note_agent(what, result)? == Progress::Done {
                    return Ok(Progress::Done);
                }
                if !plain {
                    continue;
                }
            }
            self.keys_sent.push(public.clone());
            let what = format!(
                "agent key `{}` ({})",
                identity.comment(),
                fingerprint(&public)
            );
            let hash = self.rsa_hash_for(&public.algorithm()).await?;
            let result = self
                .handle
                .authenticate_publickey_with(&settings.user, public, hash, &mut agent.client)
                .await;
            if self.note_agent(what, result)? == Progress::Done {
                return Ok(Progress::Done);
            }
        }
        Ok(Progress::Next)
    }

    /// An agent that will not sign (the user said no, a token is unplugged) costs this key, not the connection.
    fn note_agent(
        &mut self,
        what: String,
        result: Result<AuthResult, russh::AgentAuthError>,
    ) -> Result<Progress, AuthFailure> {
        match result {
            Ok(result) => self.note(what, result),
            Err(russh::AgentAuthError::Send(_)) => Err(AuthFailure::Closed {
                attempts: std::mem::take(&mut self.attempts),
            }),
            Err(error) => {
                self.unusable(what, format!("was not signed by the agent: {error}"));
                Ok(Progress::Next)
            }
        }
    }

    async fn file_key(
        &mut self,
        file: &mut KeyFile,
        key: Arc<PrivateKey>,
    ) -> Result<Progress, AuthFailure> {
        file.tried = true;
        let settings = self.credentials.settings;
        let algorithm = key.algorithm();
        if !self.accepts(&algorithm) {
            self.unusable(
                file.describe(),
                "is of a kind that PubkeyAcceptedAlgorithms leaves out",
            );
            return Ok(Progress::Next);
        }
        if self.sent(Some(key.public_key())) || !self.may_try_key() {
            return Ok(Progress::Next);
        }
        if let Some(certificate) = self.certificate_for(key.public_key(), Some(file)) {
            let what = format!(
                "certificate `{}` with {}",
                certificate.key_id(),
                file.describe()
            );
            let result = self
                .handle
                .authenticate_openssh_cert(&settings.user, Arc::clone(&key), certificate)
                .await?;
            if self.note(what, result)? == Progress::Done {
                return Ok(Progress::Done);
            }
            if !self.may_try_key() {
                return Ok(Progress::Next);
            }
        }
        self.keys_sent.push(key.public_key().clone());
        let hash = self.rsa_hash_for(&algorithm).await?;
        let what = format!("{} ({})", file.describe(), fingerprint(key.public_key()));
        let key = PrivateKeyWithHashAlg::new(key, hash);
        let result = self
            .handle
            .authenticate_publickey(&settings.user, key)
            .await?;
        self.note(what, result)
    }

    /// Returns the certificate that goes with a key: `CertificateFile`, or `-cert.pub` beside the key file.
    fn certificate_for(&mut self, key: &PublicKey, file: Option<&KeyFile>) -> Option<Certificate> {
        let settings = self.credentials.settings;
        for path in &settings.certificate_files {
            match keys::load_certificate(path) {
                Ok(certificate) if certificate.public_key() == key.key_data() => {
                    return Some(certificate);
                }
                Ok(_) => {}
                Err(problem) => {
                    let what = format!("certificate {}", path.display());
                    if !self.attempts.iter().any(|attempt| attempt.what == what) {
                        self.unusable(what, problem);
                    }
                }
            }
        }
        let beside = file?.certificate_beside()?;
        let certificate = keys::load_certificate(&beside).ok()?;
        (certificate.public_key() == key.key_data()).then_some(certificate)
    }

    fn accepts(&self, algorithm: &Algorithm) -> bool {
        accepts_key(
            self.credentials.settings.public_key_algorithms.as_ref(),
            algorithm,
        )
    }

    /// Returns the hash to sign with, for RSA keys: the best that the host announced and the user allows.
    async fn rsa_hash_for(
        &mut self,
        algorithm: &Algorithm,
    ) -> Result<Option<HashAlg>, AuthFailure> {
        if !matches!(algorithm, Algorithm::Rsa { .. }) {
            return Ok(None);
        }
        if let RsaHash::Chosen(hash) = self.rsa_hash {
            return Ok(hash);
        }
        let allowed = rsa_hashes(self.credentials.settings.public_key_algorithms.as_ref());
        let announced = self.handle.best_supported_rsa_hash().await?;
        let hash = match announced {
            Some(best) if allowed.contains(&best) => best,
            // Announced nothing that is allowed, or nothing at all: the best allowed one is the best hope.
            _ => allowed.first().copied().unwrap_or(Some(HashAlg::Sha512)),
        };
        self.rsa_hash = RsaHash::Chosen(hash);
        Ok(hash)
    }

    async fn password(&mut self, password: &Password) -> Result<Progress, AuthFailure> {
        let settings = self.credentials.settings;
        if !settings.password_authentication
            || !self.prefers("password")
            || !self.server_takes(MethodKind::Password)
        {
            return Ok(Progress::Next);
        }
        let result = self
            .handle
            .authenticate_password(&settings.user, password.expose())
            .await?;
        self.note("password".to_owned(), result)
    }

    async fn interactive(&mut self, password: &Password) -> Result<Progress, AuthFailure> {
        let settings = self.credentials.settings;
        let known = self.server_takes(MethodKind::KeyboardInteractive);
        // The same password again, asked for in another way, is no second chance but a second failure in the host's log.
        // Unless the host does not take `password` at all: then it never looked at it.
        let refused = self
            .methods
            .as_ref()
            .is_some_and(|methods| methods.contains(&MethodKind::Password))
            && self.attempts.iter().any(|attempt| {
                attempt.what == "password" && attempt.outcome == AttemptOutcome::Rejected
            });
        if !settings.keyboard_interactive
            || !self.prefers("keyboard-interactive")
            || !known
            || refused
        {
            return Ok(Progress::Next);
        }
        let mut response = self
            .handle
            .authenticate_keyboard_interactive_start(&settings.user, None)
            .await?;
        let mut given = false;
        loop {
            match response {
                KeyboardInteractiveAuthResponse::Success => return Ok(Progress::Done),
                KeyboardInteractiveAuthResponse::Failure {
                    remaining_methods,
                    partial_success,
                } => {
                    let result = AuthResult::Failure {
                        remaining_methods,
                        partial_success,
                    };
                    return self.note("keyboard-interactive with the password".to_owned(), result);
                }
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                    let asks = prompts.iter().filter(|prompt| !prompt.echo).count();
                    if !prompts.is_empty() && (given || asks != 1 || prompts.len() != 1) {
                        let questions: Vec<_> =
                            prompts.iter().map(|prompt| prompt.prompt.trim()).collect();
                        let why = format!(
                            "cannot answer `{}`",
                            questions.join("`, `").escape_default()
                        );
                        self.unusable("keyboard-interactive".to_owned(), why);
                        return Ok(Progress::Next);
                    }
                    given |= !prompts.is_empty();
                    let answers = prompts
                        .iter()
                        .map(|_| password.expose().to_owned())
                        .collect();
                    response = self
                        .handle
                        .authenticate_keyboard_interactive_respond(answers)
                        .await?;
                }
            }
        }
    }
}

fn position(order: &[String], method: &str) -> usize {
    order
        .iter()
        .position(|known| known == method)
        .unwrap_or(usize::MAX)
}
