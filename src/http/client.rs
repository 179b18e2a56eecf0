//! One request and what becomes of it: credentials, redirects, the answer.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::CryptoProvider;
use ureq::Agent;
use ureq::http;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::{
    Connector as _, DefaultConnector, RustlsConnector, TcpConnector,
};

use super::address::{authority, join, masked, parts};
use super::ciphers;
use super::connect::{PassedOn, UnixSocket};
use super::cookies::Jar;
use super::decompress::Unpacked;
use super::digest::{Asked, Challenge};
use super::error::HttpError;
use super::resolve::{Fixed, Machine};
use super::settings::{Redirects, Settings};

/// The most redirects that one request follows.
const MOST_REDIRECTS: usize = 10;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST` ...
    pub method: String,
    /// The address; credentials in it count as [`Settings::credentials`].
    pub url: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// What is sent along.
    pub body: Option<Vec<u8>>,
}

/// What was answered.
pub struct Response {
    /// The status, of errors too.
    pub status: u16,
    /// The words for it.
    pub reason: String,
    /// Where the answer came from, after redirects, without credentials.
    pub url: String,
    /// Headers in order, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// All cookies that servers have set on the way, with their values.
    pub cookies: Vec<(String, Option<String>)>,
    /// The content.
    pub body: Box<dyn Read + Send>,
}

impl Response {
    /// Returns a header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Makes requests.
pub struct Client {
    settings: Settings,
    tls: TlsConfig,
    /// The library's client for each proxy (or none): it holds the connections that are kept.
    agents: Mutex<HashMap<Way, Agent>>,
    cookies: Mutex<Jar>,
    provider: Arc<CryptoProvider>,
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Way {
    /// By itself, or through the Unix socket.
    Straight,
    /// Through a tunnel of that proxy.
    Tunnel(String),
    /// By a proxy that passes requests on.
    PassedOn(String),
}

/// What proves who asks.
enum Proof<'a> {
    Nothing,
    Basic,
    Digest(&'a Challenge),
}

impl Client {
    /// Returns a client, or what of the settings cannot be used.
    pub fn new(settings: Settings) -> Result<Self, HttpError> {
        let mut roots: Vec<Certificate<'static>> = Vec::new();
        for item in parse_pem(&settings.trusted) {
            // Bundles of systems hold what this library does not know; such a certificate is trusted in nothing.
            if let Ok(PemItem::Certificate(certificate)) = item {
                roots.push(certificate);
            }
        }
        let own = settings
            .certificate
            .as_deref()
            .map(|chain| client_certificate(chain, settings.key.as_deref().unwrap_or(chain)))
            .transpose()?;
        let provider = rustls::crypto::ring::default_provider();
        let provider = Arc::new(ciphers::chosen(provider, &settings.ciphers)?);
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&roots))
            .client_cert(own)
            .disable_verification(!settings.validate)
            .unversioned_rustls_crypto_provider(provider.clone())
            .build();
        Ok(Self {
            settings,
            tls,
            agents: Mutex::default(),
            cookies: Mutex::default(),
            provider,
        })
    }

    /// Returns how long a request may take, if that is bounded.
    pub fn deadline(&self) -> Option<Duration> {
        self.settings.deadline
    }

    /// Makes the request and follows redirects.
    pub fn send(&self, request: Request) -> Result<Response, HttpError> {
        let mut request = request;
        let mut credentials = self.settings.credentials.clone();
        if let Some((scheme, Some((user, password)), rest)) = parts(&request.url) {
            let decoded = |text: &str| percent_decoded(text);
            credentials = credentials
                .or_else(|| Some((decoded(user), decoded(password.unwrap_or_default()))));
            request.url = format!("{scheme}://{rest}");
        }
        let mut at_once = self.settings.credentials_at_once;
        let mut challenge = None;
        for _ in 0..=MOST_REDIRECTS {
            let proof = match &challenge {
                Some(challenge) => Proof::Digest(challenge),
                None if at_once => Proof::Basic,
                None => Proof::Nothing,
            };
            let response = self.exchange(&request, credentials.as_ref(), &proof)?;
            if response.status == 401
                && credentials.is_some()
                && !at_once
                && challenge.is_none()
                && let Some(asked) = asked_for(&response)
            {
                match asked {
                    Some(digest) => challenge = Some(digest),
                    None => at_once = true,
                }
                continue;
            }
            let Some(next) = self.redirected(&request, &response) else {
                return Ok(response);
            };
            if authority(&next.url) != authority(&request.url) {
                credentials = None;
            }
            challenge = None;
            request = next;
        }
        Err(HttpError::Redirects(masked(&request.url)))
    }

    /// Returns the request that an answer leads on to.
    fn redirected(&self, request: &Request, response: &Response) -> Option<Request> {
        let status = response.status;
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let link = response.header("location")?;
        let reads = matches!(request.method.as_str(), "GET" | "HEAD");
        let followed = match self.settings.redirects {
            Redirects::All => true,
            Redirects::None => false,
            Redirects::Safe => reads,
            Redirects::Python => reads || request.method == "POST" && status < 304,
        };
        if !followed {
            return None;
        }
        let mut next = request.clone();
        next.url = join(&request.url, &link.replace(' ', "%20"));
        let elsewhere = authority(&next.url) != authority(&request.url);
        next.headers.retain(|(name, _)| {
            let name = name.to_lowercase();
            let secret = matches!(
                name.as_str(),
                "authorization" | "cookie" | "proxy-authorization"
            );
            !(self.settings.unredirected.contains(&name) || elsewhere && secret)
        });
        if status < 304 {
            next.body = None;
            next.headers.retain(|(name, _)| {
                !matches!(
                    name.to_lowercase().as_str(),
                    "content-length" | "content-type" | "transfer-encoding"
                )
            });
            let becomes_get = match status {
                301 => request.method == "POST",
                _ => request.method != "HEAD",
            };
            if becomes_get {
                "GET".clone_into(&mut next.method);
            }
        }
        Some(next)
    }

    /// Returns how a server is reached.
    fn way(&self, url: &str) -> Way {
        match self.settings.proxy_for(url) {
            _ if self.settings.unix_socket.is_some() => Way::Straight,
            None => Way::Straight,
            Some(proxy) => {
                let proxy = if proxy.contains("://") {
                    proxy.to_owned()
                } else {
                    format!("http://{proxy}")
                };
                if url.starts_with("http://") && proxy.starts_with("http://") {
                    Way::PassedOn(proxy)
                } else {
                    Way::Tunnel(proxy)
                }
            }
        }
    }

    /// Returns the library's client for requests that go that way.
    fn agent(&self, way: Way) -> Result<Agent, HttpError> {
        let settings = &self.settings;
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agents.get(&way) {
            return Ok(agent.clone());
        }
        let through = match &way {
            Way::Tunnel(proxy) => Some(ureq::Proxy::new(proxy).map_err(|error| {
                HttpError::Setting(format!(
                    "the proxy `{}` cannot be used: {error}",
                    masked(proxy)
                ))
            })?),
            Way::Straight | Way::PassedOn(_) => None,
        };
        let packed = if settings.ask_packed && settings.unpack {
            "gzip"
        } else {
            "identity"
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .user_agent(settings.agent.as_str())
            .accept_encoding(packed)
            .tls_config(self.tls.clone())
            .proxy(through)
            .max_idle_connections(settings.kept_connections)
            .max_idle_connections_per_host(settings.kept_connections)
            .timeout_connect(Some(settings.timeout))
            .timeout_recv_response(Some(settings.timeout))
            .timeout_per_read(Some(settings.timeout))
            .timeout_per_write(Some(settings.timeout))
            .timeout_global(settings.deadline)
            .build();
        let agent = match (&way, &settings.unix_socket) {
            (_, Some(path)) => Agent::with_parts(
                config,
                ().chain(UnixSocket(path.clone()))
                    .chain(RustlsConnector::default()),
                Fixed(None),
            ),
            (Way::PassedOn(proxy), None) => Agent::with_parts(
                config,
                ().chain(TcpConnector::default()).chain(PassedOn),
                Fixed(Some(authority(proxy).to_owned())),
            ),
            _ => Agent::with_parts(config, DefaultConnector::new(), Machine),
        };
        agents.insert(way, agent.clone());
        Ok(agent)
    }

    /// Returns the header that proves who asks.
    fn authorization(
        &self,
        request: &Request,
        credentials: Option<&(String, String)>,
        proof: &Proof<'_>,
    ) -> Option<String> {
        let (user, password) = credentials?;
        match proof {
            Proof::Nothing => None,
            Proof::Basic => Some(basic(user, password)),
            Proof::Digest(challenge) => {
                let mut nonce = [0; 8];
                self.provider.secure_random.fill(&mut nonce).ok()?;
                let rest = request.url.split_once("://").map_or("", |(_, rest)| rest);
                let target = rest.find(['/', '?']).and_then(|at| rest.get(at..));
                challenge.answer(&Asked {
                    user,
                    password,
                    method: &request.method,
                    target: target.unwrap_or("/"),
                    nonce: &format!("{:016x}", u64::from_be_bytes(nonce)),
                })
            }
        }
    }

    fn exchange(
        &self,
        request: &Request,
        credentials: Option<&(String, String)>,
        proof: &Proof<'_>,
    ) -> Result<Response, HttpError> {
        let wrong = |cause: String| HttpError::Address {
            url: masked(&request.url),
            cause,
        };
        let scheme = request
            .url
            .split_once("://")
            .map_or("", |(scheme, _)| scheme);
        if !matches!(scheme, "http" | "https") {
            return Err(wrong(
                "it begins with neither `http://` nor `https://`".to_owned(),
            ));
        }
        let way = self.way(&request.url);
        let proxy_user = match &way {
            Way::PassedOn(proxy) => parts(proxy).and_then(|(_, user, _)| user),
            Way::Straight | Way::Tunnel(_) => None,
        }
        .map(|(user, password)| {
            basic(
                &percent_decoded(user),
                &percent_decoded(password.unwrap_or_default()),
            )
        });
        let agent = self.agent(way)?;
        let mut builder = http::Request::builder()
            .method(request.method.as_str())
            .uri(request.url.as_str());
        let authorization = self.authorization(request, credentials, proof);
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let given = |wanted: &str| {
            request
                .headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        let cookie = cookies.header(&request.url).filter(|_| !given("cookie"));
        drop(cookies);
        for (name, value) in &request.headers {
            if authorization.is_none() || !name.eq_ignore_ascii_case("authorization") {
                builder = builder.header(name.as_str(), value.as_str());
            }
        }
        for (name, value) in [
            ("Authorization", authorization),
            ("Proxy-Authorization", proxy_user),
            ("Cookie", cookie),
        ] {
            if let Some(value) = value {
                builder = builder.header(name, value);
            }
        }
        let answer = if let Some(body) = &request.body {
            let whole = builder
                .body(body.as_slice())
                .map_err(|error| wrong(error.to_string()))?;
            agent.run(whole)
        } else {
            let whole = builder.body(()).map_err(|error| wrong(error.to_string()))?;
            agent.run(whole)
        };
        let answer = answer.map_err(|error| HttpError::of(&error))?;
        let status = answer.status();
        let headers: Vec<(String, String)> = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_lowercase(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let mut jar = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        jar.take(&request.url, &headers);
        let cookies = jar.all();
        drop(jar);
        let body: Box<dyn Read + Send> = Box::new(answer.into_body().into_reader());
        let packed = headers
            .iter()
            .any(|(name, value)| name == "content-encoding" && value.eq_ignore_ascii_case("gzip"));
        Ok(Response {
            status: status.as_u16(),
            reason: status.canonical_reason().unwrap_or_default().to_owned(),
            url: request.url.clone(),
            headers,
            cookies,
            body: if packed && self.settings.unpack {
                Box::new(Unpacked::new(body))
            } else {
                body
            },
        })
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// Returns what proof a server asks for: its challenge for digest, which is the better one, or nothing more for basic.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether anything is asked for that can be given"
)]
fn asked_for(response: &Response) -> Option<Option<Challenge>> {
    let asked: Vec<&str> = response
        .headers
        .iter()
        .filter(|(name, _)| name == "www-authenticate")
        .map(|(_, value)| value.as_str())
        .collect();
    if let Some(digest) = asked.iter().find_map(|text| Challenge::read(text)) {
        return Some(Some(digest));
    }
    let basic = asked.iter().any(|text| {
        text.get(..5)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("basic"))
    });
    basic.then_some(None)
}

fn client_certificate(chain: &[u8], key: &[u8]) -> Result<ClientCert, HttpError> {
    let mut certificates: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(chain) {
        if let Ok(PemItem::Certificate(certificate)) = item {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(HttpError::Setting(
            "the client certificate holds no certificate in PEM".to_owned(),
        ));
    }
    let key = PrivateKey::from_pem(key)
        .map_err(|error| HttpError::Setting(format!("the client key cannot be read: {error}")))?;
    Ok(ClientCert::new_with_certs(&certificates, key))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(code) = code {
            bytes.push(code);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests;
