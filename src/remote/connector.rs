//! The way to every host of a run: one [`Connector`], asked once per host.
//!
//! It holds what hosts share: the local user, the configuration files, opened keys, known hosts, and which warnings were shown already.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::algorithms;
use super::auth::{Credentials, KeyStore};
use super::error::{ConnectError, ExecError, Failure, Place};
use super::host_key::HostKeyVerifier;
use super::known_hosts::KnownHostsFiles;
use super::local;
use super::local_user::LocalUser;
use super::passphrase::AskPassphrase;
use super::process::Process;
use super::ssh::{Below, Handshake, SshConnection};
use super::ssh_config::{
    self, ConfigError, HostSettings, JumpHost, Proxy, SourceFiles, Sources, SshArguments, Warning,
};
use super::target::{Password, Target};
use super::transport::{self, ProxyProcess};

/// A chain of jump hosts longer than this leads in a circle.
const MAX_JUMPS: usize = 8;
/// Ansible's default for `timeout`.
const DEFAULT_LIMIT: Duration = Duration::from_secs(10);

/// Shows a warning; each distinct one is shown once.
pub type TellWarning = Arc<dyn Fn(&Warning) + Send + Sync>;

/// Opens connections.
pub struct Connector {
    local: LocalUser,
    files: SourceFiles,
    keys: KeyStore,
    known_hosts: KnownHostsFiles,
    tell: TellWarning,
    told: Mutex<BTreeSet<Warning>>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Connector")
            .field("local", &self.local.name)
            .finish_non_exhaustive()
    }
}

/// An open way to a host, or this very machine.
#[derive(Debug)]
pub enum Connection {
    Ssh(Box<SshConnection>),
    Local,
}

impl Connection {
    /// Starts a command by a shell: the login shell there, /bin/sh here.
    pub async fn exec(&self, command: &str) -> Result<Process, ExecError> {
        match self {
            Self::Ssh(connection) => connection.exec(command).await,
            Self::Local => local::exec(command),
        }
    }

    /// Says whether the line is cut.
    pub fn is_closed(&self) -> bool {
        match self {
            Self::Ssh(connection) => connection.is_closed(),
            Self::Local => false,
        }
    }

    /// Says goodbye.
    pub async fn close(&self) {
        if let Self::Ssh(connection) = self {
            connection.close().await;
        }
    }
}

/// One hop to make: its settings and what is known beside them.
struct Hop<'a> {
    /// The inventory's name of the host that all of this is for.
    host: &'a str,
    settings: HostSettings,
    password: Option<&'a Password>,
    /// Set for a jump host.
    jump: Option<String>,
    /// Passed on to jump hosts, as ssh does with `-F`.
    config_file: Option<PathBuf>,
    depth: usize,
}

impl Hop<'_> {
    fn place(&self) -> Place {
        Place {
            user: self.settings.user.clone(),
            address: self.settings.host_name.clone(),
            port: self.settings.port,
            jump: self.jump.clone(),
        }
    }

    fn failed(&self, failure: Failure) -> ConnectError {
        ConnectError {
            host: self.host.to_owned(),
            place: self.place(),
            failure: Box::new(failure),
        }
    }
}

impl Connector {
    pub fn new(
        local: LocalUser,
        files: SourceFiles,
        ask: Option<AskPassphrase>,
        tell: TellWarning,
    ) -> Self {
        Self {
            local,
            files,
            keys: KeyStore::new(ask),
            known_hosts: KnownHostsFiles::default(),
            tell,
            told: Mutex::default(),
        }
    }

    /// Connects to a host and logs in.
    pub async fn connect(&self, target: &Target) -> Result<Connection, ConnectError> {
        let (settings, config_file) = self
            .settings(target)
            .map_err(|error| self.misconfigured(target, error))?;
        let hop = Hop {
            host: &target.name,
            settings,
            password: target.password.as_ref(),
            jump: None,
            config_file,
            depth: 0,
        };
        let connection = self.establish(hop).await?;
        Ok(Connection::Ssh(Box::new(connection)))
    }

    /// Resolves what the configuration says for a target; `None` beside it unless `-F` names a file.
    fn settings(&self, target: &Target) -> Result<(HostSettings, Option<PathBuf>), ConfigError> {
        let mut arguments = SshArguments::default();
        arguments.read(&target.ssh_args)?;
        if !target.host_key_checking {
            arguments.set("StrictHostKeyChecking", "no")?;
        }
        if let Some(port) = target.port {
            arguments.set("Port", &port.to_string())?;
        }
        if let Some(file) = &target.private_key_file {
            arguments.set("IdentityFile", &file.to_string_lossy().replace('%', "%%"))?;
        }
        if let Some(user) = &target.user {
            arguments.set("User", user)?;
        }
        if !target.timeout.is_zero() {
            arguments.set(
                "ConnectTimeout",
                &target.timeout.as_secs().max(1).to_string(),
            )?;
        }
        arguments.read(&target.ssh_common_args)?;
        arguments.read(&target.ssh_extra_args)?;
        let settings = self.resolve(&arguments, &target.address)?;
        Ok((settings, arguments.config_file().cloned()))
    }

    fn resolve(&self, arguments: &SshArguments, name: &str) -> Result<HostSettings, ConfigError> {
        let sources = Sources {
            local: &self.local,
            files: &self.files,
            arguments,
        };
        ssh_config::resolve(sources, name)
    }

    fn misconfigured(&self, target: &Target, error: ConfigError) -> ConnectError {
        ConnectError {
            host: target.name.clone(),
            place: Place {
                user: target
                    .user
                    .clone()
                    .unwrap_or_else(|| self.local.name.clone()),
                address: target.address.clone(),
                port: target.port.unwrap_or(22),
                jump: None,
            },
            failure: Box::new(Failure::Config(error)),
        }
    }

    /// Makes one hop, and those before it.
    fn establish<'a>(
        &'a self,
        hop: Hop<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<SshConnection, ConnectError>> + Send + 'a>> {
        Box::pin(async move {
            let limit = hop.settings.connect_timeout.unwrap_or(DEFAULT_LIMIT);
            match &hop.settings.proxy {
                Proxy::Direct => {
                    let stream = transport::tcp(&hop.settings, limit)
                        .await
                        .map_err(|failure| hop.failed(failure))?;
                    self.handshake(&hop, stream, Below::Tcp, limit).await
                }
                Proxy::Command(command) => {
                    let (process, stream) =
                        ProxyProcess::start(command).map_err(|failure| hop.failed(failure))?;
                    self.handshake(&hop, stream, Below::Proxy(Box::new(process)), limit)
                        .await
                }
                Proxy::Jump(stops) => {
                    let gate = self.establish(self.jump_hop(&hop, stops)?).await?;
                    let stream = gate
                        .forward(&hop.settings.host_name, hop.settings.port)
                        .await
                        .map_err(|failure| hop.failed(failure))?;
                    let below = Below::Jump {
                        _connection: Box::new(gate),
                    };
                    self.handshake(&hop, stream, below, limit).await
                }
            }
        })
    }

    /// Describes the last stop before a host; the stops before that one are its own jumps.
    fn jump_hop<'a>(&self, hop: &Hop<'a>, stops: &[JumpHost]) -> Result<Hop<'a>, ConnectError> {
        let Some((last, before)) = stops.split_last().filter(|_| hop.depth < MAX_JUMPS) else {
            return Err(hop.failed(Failure::TooManyJumps { limit: MAX_JUMPS }));
        };
        let resolve = || {
            let mut arguments = SshArguments::default();
            arguments.set_config_file(hop.config_file.clone());
            if let Some(user) = &last.user {
                arguments.set("User", user)?;
            }
            if let Some(port) = last.port {
                arguments.set("Port", &port.to_string())?;
            }
            if let Some(limit) = hop.settings.connect_timeout {
                arguments.set("ConnectTimeout", &limit.as_secs().to_string())?;
            }
            let mut settings = self.resolve(&arguments, &last.name)?;
            if !before.is_empty() {
                settings.proxy = Proxy::Jump(before.to_vec());
            } else if hop.jump.is_some()
                && settings.host_name == hop.settings.host_name
                && settings.port == hop.settings.port
            {
                // ssh, too, lets a jump host that would jump through itself be reached directly.
                settings.proxy = Proxy::Direct;
            }
            Ok(settings)
        };
        let settings =
            resolve().map_err(|error: ConfigError| hop.failed(Failure::Config(error)))?;
        Ok(Hop {
            host: hop.host,
            settings,
            password: None,
            jump: Some(last.name.clone()),
            config_file: hop.config_file.clone(),
            depth: hop.depth + 1,
        })
    }

    async fn handshake<S: transport::Stream + 'static>(
        &self,
        hop: &Hop<'_>,
        stream: S,
        below: Below,
        limit: Duration,
    ) -> Result<SshConnection, ConnectError> {
        let verifier = Arc::new(HostKeyVerifier::new(&hop.settings, &self.known_hosts));
        let (preferred, warnings) = algorithms::preferred(&hop.settings, &verifier);
        self.tell_all(&hop.settings.warnings);
        self.tell_all(&warnings);
        let handshake = Handshake {
            host: hop.host,
            settings: &hop.settings,
            verifier: Arc::clone(&verifier),
            preferred,
            credentials: Credentials {
                settings: &hop.settings,
                password: hop.password,
                keys: &self.keys,
                local: &self.local,
            },
            limit,
        };
        let result = handshake.run(stream, below).await;
        self.tell_all(&verifier.take_warnings());
        result.map_err(|failure| hop.failed(failure))
    }

    fn tell_all(&self, warnings: &[Warning]) {
        for warning in warnings {
            let first_time = self
                .told
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(warning.clone());
            if first_time {
                (self.tell)(warning);
            }
        }
    }
}
