//! How requests are made: certificates, proxies, redirects, credentials and time.

use std::time::Duration;

use super::address::authority;

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
    /// Say that an answer may come packed.
    pub ask_packed: bool,
    /// Unpack an answer that comes packed with gzip.
    pub unpack: bool,
    /// A Unix socket that all requests go to, whatever host they name.
    pub unix_socket: Option<String>,
    /// OpenSSL's words for the ciphers that may be used; none for all that are safe.
    pub ciphers: Vec<String>,
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
            ask_packed: true,
            unpack: true,
            unix_socket: None,
            ciphers: Vec::new(),
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

    pub(super) fn proxy_for(&self, url: &str) -> Option<&str> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_come_from_the_environment() {
        let mut settings = Settings::default();
        settings.proxy_from(|name| match name {
            "http_proxy" => Some("http://proxy:3128".to_owned()),
            "NO_PROXY" => Some("localhost, .example".to_owned()),
            _ => None,
        });
        let proxy = |url| settings.proxy_for(url);
        assert_eq!(proxy("http://host/x"), Some("http://proxy:3128"));
        assert_eq!(proxy("https://host/x"), None);
        assert_eq!(proxy("http://localhost:80/x"), None);
        assert_eq!(proxy("http://a.example/x"), None);
        assert_eq!(proxy("http://notexample/x"), Some("http://proxy:3128"));
    }
}
