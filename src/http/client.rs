//! One request and what becomes of it: credentials, redirects, the answer.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::Agent;
use ureq::http;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::DefaultConnector;

use super::address::{authority, join, masked, parts};
use super::error::HttpError;
use super::resolve::Machine;

/// The most redirects that one request follows.
const MOST_REDIRECTS: usize = 10;

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    /// All of them.
    All,
    /// None.
    None,
    /// Those of `GET` and `HEAD`.
    Safe,
    /// As Python does: those of `GET` and `HEAD`, and a `POST` goes on as `GET` where it was not told to repeat itself.
    #[default]
    Python,
}

/// How requests are made.
#[derive(Debug)]
pub struct Settings {
    /// The server must prove who it is.
    pub validate: bool,
    /// Certificates that are trusted, in PEM.
    pub trusted: Vec<u8>,
    /// The client's own certificate, with or without its key, in PEM.
    pub certificate: Option<Vec<u8>>,
    /// The key of that certificate, in PEM.
    pub key: Option<Vec<u8>>,
    /// How long nothing may happen.
    pub timeout: Duration,
    /// How long a request may take from its beginning to the end of its answer, whatever happens meanwhile.
    pub deadline: Option<Duration>,
    /// How many connections wait for a further request instead of being closed. Callers with one request need none.
    pub kept_connections: usize,
    /// Proxies by the scheme that they are for, or `all`; see [`Settings::proxy_from`].
    pub proxies: Vec<(String, String)>,
    /// Hosts that are reached without the proxy.
    pub direct: Vec<String>,
    /// Which redirects are followed.
    pub redirects: Redirects,
    /// Headers that do not go along with a redirect, in lower case.
    pub unredirected: Vec<String>,
    /// User and password.
    pub credentials: Option<(String, String)>,
    /// Send them at once, rather than when the server asks.
    pub credentials_at_once: bool,
    /// How the client names itself.
    pub agent: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            validate: true,
            trusted: Vec::new(),
            certificate: None,
            key: None,
            timeout: Duration::from_secs(10),
            deadline: None,
            kept_connections: 0,
            proxies: Vec::new(),
            direct: Vec::new(),
            redirects: Redirects::Python,
            unredirected: Vec::new(),
            credentials: None,
            credentials_at_once: false,
            agent: "ansible-httpget".to_owned(),
        }
    }
}

impl Settings {
    /// Takes the proxies that the environment names: `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`.
    pub fn proxy_from(&mut self, environment: impl Fn(&str) -> Option<String>) {
        let named = |name: &str| {
            environment(name)
                .or_else(|| environment(&name.to_uppercase()))
                .filter(|value| !value.is_empty())
        };
        for scheme in ["http", "https", "all"] {
            if let Some(proxy) = named(&format!("{scheme}_proxy")) {
                self.proxies.push((scheme.to_owned(), proxy));
            }
        }
        self.direct = named("no_proxy")
            .map(|list| list.split(',').map(|name| name.trim().to_owned()).collect())
            .unwrap_or_default();
    }

    fn proxy_for(&self, url: &str) -> Option<&str> {
        let (scheme, _) = url.split_once("://")?;
        let whole = authority(url);
        let name = whole.rsplit_once(':').map_or(whole, |(name, _)| name);
        let direct = self
            .direct
            .iter()
            .filter(|entry| !entry.is_empty())
            .any(|entry| {
                let entry = entry.trim_start_matches('.');
                entry == "*"
                    || [whole, name].iter().any(|host| {
                        host.strip_suffix(entry)
                            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
                    })
            });
        if direct {
            return None;
        }
        [scheme, "all"].iter().find_map(|wanted| {
            let found = self.proxies.iter().find(|(scheme, _)| scheme == wanted);
            found.map(|(_, proxy)| proxy.as_str())
        })
    }
}

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
    agents: Mutex<HashMap<Option<String>, Agent>>,
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
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&roots))
            .client_cert(own)
            .disable_verification(!settings.validate)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        Ok(Self {
            settings,
            tls,
            agents: Mutex::default(),
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
        for _ in 0..=MOST_REDIRECTS {
            let shown = if at_once { credentials.as_ref() } else { None };
            let response = self.exchange(&request, shown)?;
            let asks = response.status == 401
                && response.header("www-authenticate").is_some_and(|asked| {
                    asked
                        .get(..5)
                        .is_some_and(|kind| kind.eq_ignore_ascii_case("basic"))
                });
            if asks && !at_once && credentials.is_some() {
                at_once = true;
                continue;
            }
            let Some(next) = self.redirected(&request, &response) else {
                return Ok(response);
            };
            if authority(&next.url) != authority(&request.url) {
                credentials = None;
            }
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

    /// Returns the library's client for requests through that proxy.
    fn agent(&self, proxy: Option<&str>) -> Result<Agent, HttpError> {
        let settings = &self.settings;
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agents.get(&proxy.map(str::to_owned)) {
            return Ok(agent.clone());
        }
        let through = proxy
            .map(|proxy| {
                ureq::Proxy::new(proxy).map_err(|error| {
                    HttpError::Setting(format!(
                        "the proxy `{}` cannot be used: {error}",
                        masked(proxy)
                    ))
                })
            })
            .transpose()?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .allow_non_standard_methods(true)
            .user_agent(settings.agent.as_str())
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
        let agent = Agent::with_parts(config, DefaultConnector::new(), Machine);
        agents.insert(proxy.map(str::to_owned), agent.clone());
        Ok(agent)
    }

    fn exchange(
        &self,
        request: &Request,
        credentials: Option<&(String, String)>,
    ) -> Result<Response, HttpError> {
        let settings = &self.settings;
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
        let agent = self.agent(settings.proxy_for(&request.url))?;
        let mut builder = http::Request::builder()
            .method(request.method.as_str())
            .uri(request.url.as_str());
        for (name, value) in &request.headers {
            builder = builder.header(name.as_str(), value.as_str());
        }
        if let Some((user, password)) = credentials {
            let pair = STANDARD.encode(format!("{user}:{password}"));
            builder = builder.header("Authorization", format!("Basic {pair}"));
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
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_lowercase(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        Ok(Response {
            status: status.as_u16(),
            reason: status.canonical_reason().unwrap_or_default().to_owned(),
            url: request.url.clone(),
            headers,
            body: Box::new(answer.into_body().into_reader()),
        })
    }
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
