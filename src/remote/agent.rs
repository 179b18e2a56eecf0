//! The user's ssh-agent: which keys it holds, and signing with them.
//!
//! Used by [`super::auth`] alone, and asked only when no key file has settled the matter already. kplay never forwards the
//! agent to a host (security.md, T24): [`super::ssh`] refuses every channel that a host tries to open.

use std::path::Path;
use std::time::Duration;

use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use tokio::net::UnixStream;
use tokio::time::timeout;

/// An agent that does not answer a question about its keys within this time is left alone.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to a running agent and what it offers.
pub(super) struct Agent {
    pub(super) client: AgentClient<UnixStream>,
    pub(super) identities: Vec<AgentIdentity>,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Agent")
            .field("identities", &self.identities.len())
            .finish_non_exhaustive()
    }
}

impl Agent {
    /// Connects and lists the keys; the error says in words why it cannot.
    pub(super) async fn open(socket: &Path) -> Result<Self, String> {
        let listed = timeout(PATIENCE, async {
            let mut client = AgentClient::connect_uds(socket).await?;
            let identities = client.request_identities().await?;
            Ok::<_, russh::keys::Error>(Self { client, identities })
        });
        match listed.await {
            Ok(Ok(agent)) => Ok(agent),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("does not answer within {} s", PATIENCE.as_secs())),
        }
    }
}
