//! Answers what a host asks of its client: is this key believed, and may channels be opened back?
//!
//! russh calls the [`ClientHandler`] of a connection; [`super::ssh`] reads from its [`Shared`] part why a handshake failed.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use russh::client::{self, ChannelOpenHandle, DisconnectReason, Msg, Session};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelOpenFailure};

use super::host_key::{HostKeyRefusal, HostKeyVerifier};

/// What the handler learns and the handshake wants to know.
#[derive(Debug, Default)]
pub(super) struct Shared {
    refusal: Mutex<Option<HostKeyRefusal>>,
    farewell: Mutex<Option<String>>,
}

impl Shared {
    pub(super) fn take_refusal(&self) -> Option<HostKeyRefusal> {
        self.refusal
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Returns the words with which the host hung up.
    pub(super) fn take_farewell(&self) -> Option<String> {
        self.farewell
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Answers what the host asks of its client.
#[derive(Debug)]
pub(super) struct ClientHandler {
    pub(super) verifier: Arc<HostKeyVerifier>,
    pub(super) shared: Arc<Shared>,
}

impl client::Handler for ClientHandler {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        match self.verifier.verify(shown) {
            Ok(()) => Ok(true),
            Err(refusal) => {
                *self
                    .shared
                    .refusal
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(refusal);
                Ok(false)
            }
        }
    }

    async fn disconnected(
        &mut self,
        reason: DisconnectReason<Self::Error>,
    ) -> Result<(), Self::Error> {
        let words = match reason {
            DisconnectReason::ReceivedDisconnect(info) if !info.message.is_empty() => {
                Some(visible(&info.message))
            }
            DisconnectReason::ReceivedDisconnect(_)
            | DisconnectReason::Error(russh::Error::Disconnect) => None,
            DisconnectReason::Error(error) => Some(visible(&error)),
        };
        *self
            .shared
            .farewell
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = words;
        Ok(())
    }

    // A host may ask for nothing: no agent, no X11, no tunnels (T24). russh's own answers would be yes.

    async fn server_channel_open_agent_forward(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        refuse(reply).await;
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        refuse(reply).await;
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _channel: Channel<Msg>,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        refuse(reply).await;
        Ok(())
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _connected_address: &str,
        _connected_port: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        refuse(reply).await;
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _host_to_connect: &str,
        _port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        refuse(reply).await;
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        refuse(reply).await;
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        refuse(reply).await;
        Ok(())
    }
}

async fn refuse(reply: ChannelOpenHandle) {
    reply
        .reject(ChannelOpenFailure::AdministrativelyProhibited)
        .await;
}

/// Makes a peer's words harmless on a terminal, and short.
fn visible(text: &impl Display) -> String {
    text.to_string()
        .chars()
        .take(300)
        .map(|character| {
            if character.is_control() {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}
