//! The API of Proxmox VE: proof of who asks, requests with a deadline, retries, and errors that say what to do.
//!
//! A refusal (401) is never asked again, and stops everything else at once: the server holds each one back for seconds, and an
//! account could be locked. What only says that a node is not there at the moment (a broken connection, 502 to 504, 59x between
//! nodes) is asked again after a pause. Nothing here ever puts a header or a body into a message.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value as Json;

use super::options::{Access, Credentials};
use crate::diag::Diagnostic;
use crate::http::{Client, HttpError, Redirects, Request, Settings, TRUSTED_CERTIFICATES, masked};
use crate::varfile::Reader;

/// The most that one answer may have.
const MOST: u64 = 64 << 20;
/// The pause before the second attempt; it doubles with each.
const PAUSE: Duration = Duration::from_millis(250);
/// How many connections are kept for further requests.
const KEPT: usize = 512;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ApiError {
    /// Nobody answered, or not whole.
    #[error("{0}")]
    Silent(String),
    /// The server did not prove who it is.
    #[error("{0}")]
    Certificate(String),
    /// It did not answer in time.
    #[error("no answer within {0} s")]
    Late(u64),
    /// It does not believe who asks.
    #[error("401, {0}")]
    Refused(String),
    /// Any other status.
    #[error("{status}, {text}")]
    Status {
        /// The number.
        status: u16,
        /// What the server said.
        text: String,
    },
    /// An answer that cannot be understood.
    #[error("{0}")]
    Odd(String),
    /// It was not asked, because another answer ended it all.
    #[error("not asked any more")]
    Stopped,
}

impl ApiError {
    /// Tells whether it may go away by itself.
    fn passes(&self) -> bool {
        match self {
            Self::Silent(_) | Self::Late(_) => true,
            Self::Status { status, .. } => matches!(status, 502..=504 | 590..=599),
            Self::Certificate(_) | Self::Refused(_) | Self::Odd(_) | Self::Stopped => false,
        }
    }

    /// Tells whether it is the node that does not answer, rather than this one question that fails.
    pub(super) fn is_of_node(&self) -> bool {
        self.passes()
    }
}

/// Who is asked, and how.
pub(super) struct Api {
    base: String,
    host: String,
    user: String,
    by_token: bool,
    client: Client,
    /// The same with the agent's deadline.
    agent: Client,
    headers: Vec<(String, String)>,
    retries: u32,
    stopped: AtomicBool,
}

impl Api {
    /// Returns the API, for a password after it has got a ticket.
    pub(super) fn connect(access: &Access, reader: &Reader<'_>) -> Result<Self, Diagnostic> {
        let host = masked(&access.url);
        let setting = |why: String| Diagnostic::error("inventory-proxmox", why);
        if !access.url.starts_with("https://") && !access.url.starts_with("http://") {
            return Err(setting(format!(
                "the Proxmox URL `{host}` begins with neither `https://` nor `http://`"
            ))
            .help("write `url: https://pve.example:8006`"));
        }
        let trusted = trusted(access.authority.as_deref()).map_err(setting)?;
        let client = |deadline: Duration| {
            let mut settings = Settings {
                validate: access.validate,
                trusted: trusted.clone(),
                timeout: deadline,
                deadline: Some(deadline),
                kept_connections: KEPT,
                redirects: Redirects::None,
                agent: format!("kplay/{}", env!("CARGO_PKG_VERSION")),
                ..Settings::default()
            };
            settings.proxy_from(|name| std::env::var(name).ok());
            Client::new(settings).map_err(|error| setting(error.to_string()))
        };
        let mut api = Self {
            base: format!("{}/api2/json", access.url),
            host,
            user: access.user.clone(),
            by_token: matches!(access.credentials, Credentials::Token { .. }),
            client: client(access.timeout)?,
            agent: client(access.agent_timeout)?,
            headers: Vec::new(),
            retries: access.retries,
            stopped: AtomicBool::new(false),
        };
        let header = match &access.credentials {
            Credentials::Token { id, secret } => (
                "Authorization".to_owned(),
                format!(
                    "PVEAPIToken={}!{id}={}",
                    access.user,
                    secret.expose_text().unwrap_or_default()
                ),
            ),
            Credentials::Password(password) => {
                let ticket = api.ticket(password.expose_text().unwrap_or_default())?;
                reader.vault.revealed(&ticket);
                (
                    "Cookie".to_owned(),
                    format!("PVEAuthCookie={}", encoded(&ticket)),
                )
            }
        };
        if header.1.contains(['\r', '\n']) {
            return Err(Diagnostic::error(
                "inventory-proxmox",
                "the user, the token's name or its secret holds a line break",
            ));
        }
        api.headers.push(header);
        Ok(api)
    }

    /// Returns what is odd about the way to the API.
    pub(super) fn warnings(&self) -> Option<Diagnostic> {
        let name = self.base.strip_prefix("http://")?;
        let local = ["localhost", "127.", "[::1]"]
            .iter()
            .any(|local| name.starts_with(local));
        (!local).then(|| {
            Diagnostic::warning(
                "inventory-proxmox",
                format!(
                    "`{}` is not encrypted: whoever listens can take the credentials",
                    self.host
                ),
            )
            .help("write `https://`, with `ca_path` for the cluster's own certificate authority")
        })
    }

    fn ticket(&self, password: &str) -> Result<String, Diagnostic> {
        let path = "/access/ticket";
        let form = format!(
            "username={}&password={}",
            encoded(&self.user),
            encoded(password)
        );
        let request = Request {
            method: "POST".to_owned(),
            url: format!("{}{path}", self.base),
            headers: vec![(
                "Content-Type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            )],
            body: Some(form.into_bytes()),
        };
        let answer = self
            .patiently(|| self.exchange(&self.client, request.clone()))
            .map_err(|error| self.told(path, &error))?;
        if answer
            .get("NeedTFA")
            .is_some_and(|needed| needed.as_i64() != Some(0))
        {
            return Err(Diagnostic::error(
                "inventory-proxmox",
                format!(
                    "`{}` of `{}` has to show a second factor",
                    self.user, self.host
                ),
            )
            .help("make an API token for it: `token_id` and `token_secret` need none"));
        }
        let ticket = answer
            .get("ticket")
            .and_then(Json::as_str)
            .map(str::to_owned);
        ticket.ok_or_else(|| {
            self.told(
                path,
                &ApiError::Odd("there is no ticket in the answer".to_owned()),
            )
        })
    }

    /// Asks for what lies at the path.
    pub(super) fn get(&self, path: &str) -> Result<Json, ApiError> {
        self.patiently(|| self.exchange(&self.client, self.request(path)))
    }

    /// Asks a guest's agent: once, and with the agent's deadline.
    pub(super) fn ask_agent(&self, path: &str) -> Result<Json, ApiError> {
        self.exchange(&self.agent, self.request(path))
    }

    fn request(&self, path: &str) -> Request {
        Request {
            method: "GET".to_owned(),
            url: format!("{}{path}", self.base),
            headers: self.headers.clone(),
            body: None,
        }
    }

    /// Asks again what may come right by itself.
    fn patiently(&self, ask: impl Fn() -> Result<Json, ApiError>) -> Result<Json, ApiError> {
        let mut pause = PAUSE;
        for _ in 0..self.retries {
            match ask() {
                Err(error) if error.passes() => {}
                answer => return answer,
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
        ask()
    }

    fn exchange(&self, client: &Client, request: Request) -> Result<Json, ApiError> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(ApiError::Stopped);
        }
        let answer = Self::answer(client, request);
        if matches!(answer, Err(ApiError::Refused(_))) {
            self.stopped.store(true, Ordering::Relaxed);
        }
        answer
    }

    fn answer(client: &Client, request: Request) -> Result<Json, ApiError> {
        let seconds = client.deadline().map_or(0, |deadline| deadline.as_secs());
        let response = client.send(request).map_err(|error| match error {
            HttpError::Timeout => ApiError::Late(seconds),
            HttpError::Certificate(cause) => ApiError::Certificate(cause),
            HttpError::Connection(cause) => ApiError::Silent(plain(&cause)),
            HttpError::Address { cause, .. } => ApiError::Odd(cause),
            other => ApiError::Odd(other.to_string()),
        })?;
        let (status, reason) = (response.status, response.reason);
        let elsewhere = response
            .headers
            .iter()
            .find(|(name, _)| name == "location")
            .map(|(_, value)| masked(value));
        let mut body = Vec::new();
        let read = response.body.take(MOST + 1).read_to_end(&mut body);
        if let Err(error) = read {
            return Err(match error.kind() {
                std::io::ErrorKind::TimedOut => ApiError::Late(seconds),
                _ => ApiError::Silent(format!("the answer breaks off: {error}")),
            });
        }
        if body.len() as u64 > MOST {
            return Err(ApiError::Odd(format!(
                "the answer is longer than {} MiB",
                MOST >> 20
            )));
        }
        let json: Option<Json> = serde_json::from_slice(&body).ok();
        match (status, json) {
            (200..=299, Some(Json::Object(mut answer))) => {
                Ok(answer.remove("data").unwrap_or(Json::Object(answer)))
            }
            (200..=299, _) => Err(ApiError::Odd("the answer is no JSON of the API".to_owned())),
            (300..=399, _) => Err(ApiError::Odd(format!(
                "it sends us on to `{}`, and credentials do not go along",
                elsewhere.unwrap_or_default()
            ))),
            (401, json) => Err(ApiError::Refused(said(
                json.as_ref(),
                "the server does not accept the credentials",
            ))),
            (status, json) => Err(ApiError::Status {
                status,
                text: said(json.as_ref(), meaning(status, &reason)),
            }),
        }
    }

    /// Says what an error means for the source, and what to do.
    pub(super) fn told(&self, path: &str, error: &ApiError) -> Diagnostic {
        let headline = format!("Proxmox at `{}`: {path}: {error}", self.host);
        let help = match error {
            ApiError::Silent(_) | ApiError::Late(_) => "is the host right, is pveproxy running there, and does a firewall let port 8006 through?".to_owned(),
            ApiError::Certificate(_) => "copy `/etc/pve/pve-root-ca.pem` from a node and name it with `ca_path`; the URL's host has to be a name or address in the node's certificate".to_owned(),
            ApiError::Refused(_) if self.by_token => format!("are the token of `{}`, its name and its secret right, and has it not expired?", self.user),
            ApiError::Refused(_) => format!("are `{}`, with its realm, and the password right?", self.user),
            ApiError::Status { status: 403, .. } => "the user and, with privilege separation, the token itself need the role PVEAuditor on `/`".to_owned(),
            ApiError::Status { status: 590..=599, .. } => "the node that was asked cannot reach the one that it was asked about".to_owned(),
            ApiError::Status { status: 500, .. } => {
                "the node's own log says more: `journalctl -u pveproxy -u pvedaemon`".to_owned()
            }
            ApiError::Status { .. } | ApiError::Odd(_) | ApiError::Stopped => "is this the address of Proxmox VE's API, as in `https://pve.example:8006`?".to_owned(),
        };
        Diagnostic::error("inventory-proxmox", headline).help(help)
    }
}

/// The certificates that are trusted, in PEM.
fn trusted(authority: Option<&Path>) -> Result<Vec<u8>, String> {
    if let Some(path) = authority {
        let text = fs::read(path).map_err(|error| {
            format!(
                "the certificate authority `{}` cannot be read: {error}",
                path.display()
            )
        })?;
        let pem = b"-----BEGIN CERTIFICATE-----";
        if !text.windows(pem.len()).any(|window| window == pem) {
            return Err(format!("`{}` holds no certificate in PEM", path.display()));
        }
        return Ok(text);
    }
    let named = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"]
        .iter()
        .filter_map(std::env::var_os)
        .find_map(|path| fs::read(path).ok());
    Ok(named
        .or_else(|| {
            TRUSTED_CERTIFICATES
                .iter()
                .find_map(|path| fs::read(path).ok())
        })
        .unwrap_or_default())
}

/// Takes what Python's words add.
fn plain(cause: &str) -> String {
    match cause
        .strip_prefix("[Errno ")
        .and_then(|rest| rest.split_once("] "))
    {
        Some((_, text)) => text.to_lowercase(),
        None => cause.to_owned(),
    }
}

/// What a status means that comes without words.
fn meaning(status: u16, reason: &str) -> &str {
    match status {
        595 => "the node cannot be reached",
        596 => "the node does not answer",
        590..=599 => "trouble between the nodes",
        _ if reason.is_empty() => "no reason given",
        _ => reason,
    }
}

/// Text without line breaks and what else steers a terminal.
fn one_line(text: &str) -> String {
    text.split(|letter: char| letter.is_control() || letter.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// What the server says, in one line and not too much of it.
fn said(json: Option<&Json>, otherwise: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(message) = json
        .and_then(|json| json.get("message"))
        .and_then(Json::as_str)
    {
        parts.push(one_line(message));
    }
    if let Some(errors) = json
        .and_then(|json| json.get("errors"))
        .and_then(Json::as_object)
    {
        let named = |(name, text): (&String, &Json)| {
            one_line(&format!("{name}: {}", text.as_str().unwrap_or_default()))
        };
        parts.extend(errors.iter().map(named));
    }
    parts.retain(|part| !part.is_empty());
    let text: String = parts.join(", ").chars().take(300).collect();
    if text.is_empty() {
        otherwise.to_owned()
    } else {
        text
    }
}

/// Returns the text as it may stand in a form, a query or a path.
pub(super) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_is_final_and_trouble_between_nodes_is_not() {
        let status = |status| ApiError::Status {
            status,
            text: String::new(),
        };
        for passing in [
            status(595),
            status(599),
            status(503),
            ApiError::Late(5),
            ApiError::Silent(String::new()),
        ] {
            assert!(passing.passes(), "{passing}");
        }
        for final_one in [
            status(500),
            status(403),
            status(501),
            ApiError::Refused(String::new()),
            ApiError::Certificate(String::new()),
        ] {
            assert!(!final_one.passes(), "{final_one}");
        }
    }

    #[test]
    fn what_the_server_says_is_one_short_line() {
        let answer =
            json!({"message": "Parameter verification failed.\n", "errors": {"vmid": "wrong\n"}});
        assert_eq!(
            said(Some(&answer), ""),
            "Parameter verification failed., vmid: wrong"
        );
        assert_eq!(said(Some(&json!({"data": null})), "otherwise"), "otherwise");
        let hostile = json!({"message": format!("\u{1b}[2J{}", "x".repeat(1000))});
        let text = said(Some(&hostile), "");
        assert!(text.len() <= 300 && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn what_has_a_meaning_in_a_form_is_encoded() {
        assert_eq!(encoded("a b&c=ü:/~"), "a%20b%26c%3D%C3%BC%3A%2F~");
    }
}
