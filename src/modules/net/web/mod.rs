//! The web as a host sees it: with its certificates, its proxies and its `.netrc`. What `get_url`, `uri` and the modules that
//! fetch something in passing share.
//!
//! Requests are made by this process, which runs on the host as the user who acts; files of the host are read through
//! [`Host`] like everywhere. A request that takes long ends with the step: it runs beside, and who waits for it looks up
//! now and then.

mod answer;
mod download;
mod netrc;
mod watched;

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use jiff::Timestamp;

pub(in crate::modules) use answer::Answer;
pub(in crate::modules) use download::{Download, Place};
pub(in crate::modules) use watched::Watched;

use crate::http::{
    Client, HttpError, Redirects, Request, Response, Settings, TRUSTED_CERTIFICATES, anonymous,
};
use crate::kit::{Any, Failure, Host, HostError};
use crate::value::Value;

/// How often somebody who waits for an answer looks whether the step has to end.
const LOOK_UP: Duration = Duration::from_millis(100);

/// How a module reaches an address: what its arguments say.
#[derive(Clone, Debug)]
pub(in crate::modules) struct Access<'a> {
    pub(in crate::modules) validate_certs: bool,
    pub(in crate::modules) use_proxy: bool,
    pub(in crate::modules) use_netrc: bool,
    pub(in crate::modules) http_agent: &'a str,
    pub(in crate::modules) username: Option<&'a str>,
    pub(in crate::modules) password: Option<&'a str>,
    pub(in crate::modules) force_basic_auth: bool,
    pub(in crate::modules) client_cert: Option<&'a str>,
    pub(in crate::modules) client_key: Option<&'a str>,
    pub(in crate::modules) ca_path: Option<&'a str>,
    pub(in crate::modules) unix_socket: Option<&'a str>,
    /// Seconds.
    pub(in crate::modules) timeout: i64,
    pub(in crate::modules) redirects: Redirects,
    pub(in crate::modules) unredirected: &'a [String],
    pub(in crate::modules) decompress: bool,
    pub(in crate::modules) ciphers: &'a [String],
    /// Ask caches on the way for what the server has now.
    pub(in crate::modules) force: bool,
}

impl Default for Access<'_> {
    fn default() -> Self {
        Self {
            validate_certs: true,
            use_proxy: true,
            use_netrc: true,
            http_agent: "ansible-httpget",
            username: None,
            password: None,
            force_basic_auth: false,
            client_cert: None,
            client_key: None,
            ca_path: None,
            unix_socket: None,
            timeout: 10,
            redirects: Redirects::Python,
            unredirected: &[],
            decompress: true,
            ciphers: &[],
            force: false,
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(in crate::modules) struct Question {
    pub(in crate::modules) method: String,
    pub(in crate::modules) url: String,
    pub(in crate::modules) headers: Vec<(String, String)>,
    pub(in crate::modules) body: Option<Vec<u8>>,
    /// Only if it is newer than that: seconds since 1970.
    pub(in crate::modules) newer_than: Option<i64>,
}

impl Question {
    /// Asks for what lies at that address.
    pub(in crate::modules) fn get(url: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            url: url.to_owned(),
            ..Self::default()
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(in crate::modules) enum Unanswered {
    /// Nobody answered; the words are Ansible's where it has some.
    Nobody(String),
    /// The step has to end.
    Ended(HostError),
}

impl Unanswered {
    /// Makes a failure of it.
    pub(in crate::modules) fn failure(self) -> Failure {
        match self {
            Self::Nobody(message) => Failure::new(message),
            Self::Ended(error) => error.into(),
        }
    }
}

impl Access<'_> {
    /// Asks.
    pub(in crate::modules) fn ask(
        &self,
        question: Question,
        host: &dyn Host,
    ) -> Result<Answer, Unanswered> {
        let url = question.url.clone();
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("file") => return answer::of_file(&url, host),
            Some("ftp") => {
                return Err(Unanswered::Nobody(format!(
                    "{}: FTP is not supported; use HTTP, HTTPS or a file",
                    anonymous(&url)
                )));
            }
            _ => {}
        }
        let nobody = |error: &HttpError| Unanswered::Nobody(error.to_string());
        let settings = self.settings(&url, host)?;
        let client = Client::new(settings).map_err(|error| nobody(&error))?;
        let request = self.request(question);
        let response = answered(Arc::new(client), request, host)
            .map_err(Unanswered::Ended)?
            .map_err(|error| nobody(&error))?;
        Ok(Answer::of(&url, response))
    }

    fn request(&self, question: Question) -> Request {
        let Question {
            method,
            url,
            mut headers,
            body,
            newer_than,
        } = question;
        let given = |headers: &[(String, String)], wanted: &str| {
            headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        if self.force {
            if !given(&headers, "cache-control") {
                headers.push(("Cache-Control".to_owned(), "no-cache".to_owned()));
            }
        } else if let Some(date) = newer_than.and_then(|time| Timestamp::from_second(time).ok())
            && !given(&headers, "if-modified-since")
        {
            let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            headers.push(("If-Modified-Since".to_owned(), date));
        }
        // What Python's library says of a body that nobody has named.
        if body.is_some() && !given(&headers, "content-type") {
            let form = "application/x-www-form-urlencoded".to_owned();
            headers.push(("Content-Type".to_owned(), form));
        }
        Request {
            method,
            url,
            headers,
            body,
        }
    }

    fn settings(&self, url: &str, host: &dyn Host) -> Result<Settings, Unanswered> {
        let read = |path: &str| {
            host.read(path)
                .map_err(|error| Unanswered::Nobody(format!("Connection failure: {error}")))
        };
        let trusted = match self.ca_path {
            Some(path) => read(path)?,
            None if !self.validate_certs => Vec::new(),
            None => host
                .environment("SSL_CERT_FILE")
                .and_then(|path| host.read(&path).ok())
                .or_else(|| {
                    TRUSTED_CERTIFICATES
                        .iter()
                        .find_map(|path| host.read(path).ok())
                })
                .unwrap_or_default(),
        };
        let user = self.username.filter(|user| !user.is_empty());
        let in_url = url.split_once("://").is_some_and(|(_, rest)| {
            rest.split(['/', '?', '#'])
                .next()
                .is_some_and(|authority| authority.contains('@'))
        });
        let mut credentials = user.map(|user| {
            let password = self.password.unwrap_or_default();
            (user.to_owned(), password.to_owned())
        });
        let mut at_once = self.force_basic_auth;
        if credentials.is_none() && !in_url && self.use_netrc {
            credentials = netrc::credentials(url, host);
            at_once |= credentials.is_some();
        }
        let mut settings = Settings {
            validate: self.validate_certs,
            trusted,
            certificate: self.client_cert.map(read).transpose()?,
            key: self.client_key.map(read).transpose()?,
            timeout: Duration::from_secs(u64::try_from(self.timeout).unwrap_or(0).max(1)),
            redirects: self.redirects,
            unredirected: self.unredirected.iter().map(|n| n.to_lowercase()).collect(),
            credentials,
            credentials_at_once: at_once,
            agent: self.http_agent.to_owned(),
            ask_packed: false,
            unpack: self.decompress,
            unix_socket: self.unix_socket.map(str::to_owned),
            ciphers: self.ciphers.to_vec(),
            ..Settings::default()
        };
        if self.use_proxy {
            settings.proxy_from(|name| host.environment(name));
        }
        Ok(settings)
    }
}

/// Sends the request and waits for the head of its answer, as long as the step may.
pub(in crate::modules) fn answered(
    client: Arc<Client>,
    request: Request,
    host: &dyn Host,
) -> Result<Result<Response, HttpError>, HostError> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || sender.send(client.send(request)));
    loop {
        match receiver.recv_timeout(LOOK_UP) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Timeout) => host.sleep(Duration::ZERO)?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(HostError::Other("the request broke off".to_owned()));
            }
        }
    }
}

/// Returns headers as a task gives them.
pub(in crate::modules) fn headers(given: Option<&Any>) -> Vec<(String, String)> {
    let Some(Any(value)) = given else {
        return Vec::new();
    };
    value
        .as_dict()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.to_value().to_text(), Value::to_text(value)))
        .collect()
}

/// Tells whether a value can be headers.
pub(in crate::modules) fn are_headers(given: Option<&Any>) -> bool {
    given.is_none_or(|Any(value)| value.as_dict().is_some())
}
