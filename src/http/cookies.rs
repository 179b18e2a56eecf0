//! Cookies of one client: what servers set, and what goes back to them along the same way.
//!
//! A client lives as long as one task, so nothing is kept on disk and dates play no role but one: a cookie that a server takes
//! back (an age of nothing, a date in the past) is gone at once.

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// The most cookies that are kept: a server that sets more is not believed.
const MOST: usize = 300;

/// One cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: Option<String>,
    domain: String,
    /// The domain was named by the server, so hosts below it count.
    wide: bool,
    path: String,
    secure: bool,
}

/// The cookies of a client.
#[derive(Debug, Default)]
pub(super) struct Jar {
    cookies: Vec<Cookie>,
}

/// The parts of an address that a cookie depends on.
struct Place<'a> {
    host: &'a str,
    path: &'a str,
    secure: bool,
}

impl<'a> Place<'a> {
    fn of(url: &'a str) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, below) = rest.split_at(end);
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let host = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let path = below.split(['?', '#']).next().unwrap_or_default();
        Self {
            host,
            path: if path.starts_with('/') { path } else { "/" },
            secure: scheme == "https",
        }
    }
}

impl Jar {
    /// Takes what an answer sets.
    pub(super) fn take(&mut self, url: &str, headers: &[(String, String)]) {
        let place = Place::of(url);
        for (_, text) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            let Some((cookie, kept)) = read(text, &place) else {
                continue;
            };
            let same = |known: &Cookie| {
                known.name == cookie.name
                    && known.domain == cookie.domain
                    && known.path == cookie.path
            };
            match self.cookies.iter().position(same) {
                Some(at) if !kept => drop(self.cookies.remove(at)),
                Some(at) => {
                    if let Some(known) = self.cookies.get_mut(at) {
                        *known = cookie;
                    }
                }
                None if kept && self.cookies.len() < MOST => self.cookies.push(cookie),
                None => {}
            }
        }
    }

    /// Returns the header for a request: the longest paths first.
    pub(super) fn header(&self, url: &str) -> Option<String> {
        let place = Place::of(url);
        let mut found: Vec<&Cookie> = self
            .cookies
            .iter()
            .filter(|cookie| cookie.belongs(&place))
            .collect();
        found.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> = found
            .into_iter()
            .map(|cookie| match &cookie.value {
                Some(value) => format!("{}={value}", cookie.name),
                None => cookie.name.clone(),
            })
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Returns names and values: domain by domain, path by path, each in the order of its first cookie.
    pub(super) fn all(&self) -> Vec<(String, Option<String>)> {
        let mut groups: Vec<(&str, &str)> = Vec::new();
        let mut domains: Vec<&str> = Vec::new();
        for cookie in &self.cookies {
            if !domains.contains(&cookie.domain.as_str()) {
                domains.push(&cookie.domain);
            }
            if !groups.contains(&(&cookie.domain, &cookie.path)) {
                groups.push((&cookie.domain, &cookie.path));
            }
        }
        let mut found = Vec::new();
        for domain in domains {
            for (_, path) in groups.iter().filter(|(own, _)| *own == domain) {
                let here = self
                    .cookies
                    .iter()
                    .filter(|cookie| cookie.domain == domain && cookie.path == *path);
                found.extend(here.map(|cookie| (cookie.name.clone(), cookie.value.clone())));
            }
        }
        found
    }
}

impl Cookie {
    fn belongs(&self, place: &Place<'_>) -> bool {
        let host = if self.wide {
            below(place.host, &self.domain)
        } else {
            place.host.eq_ignore_ascii_case(&self.domain)
        };
        let path = place.path.strip_prefix(self.path.as_str());
        let path = path.is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/')
        });
        host && path && (place.secure || !self.secure)
    }
}

/// Tells whether a host is that domain or lies below it.
fn below(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.to_lowercase(), domain.to_lowercase());
    host.strip_suffix(domain.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Reads one `Set-Cookie`; the flag says whether the cookie is to be kept. Nothing for what a server may not set.
fn read(text: &str, place: &Place<'_>) -> Option<(Cookie, bool)> {
    let mut parts = text.split(';').map(str::trim);
    let first = parts.next().filter(|first| !first.is_empty())?;
    let (name, value) = match first.split_once('=') {
        Some((name, value)) => (name.trim(), Some(value.trim().to_owned())),
        None => (first, None),
    };
    let folder = match place.path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => place.path.get(..at).unwrap_or("/"),
    };
    let mut cookie = Cookie {
        name: name.to_owned(),
        value,
        domain: place.host.to_owned(),
        wide: false,
        path: folder.to_owned(),
        secure: false,
    };
    let (mut aged, mut kept) = (false, true);
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim().trim_matches('"');
        match key.trim().to_lowercase().as_str() {
            "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
            "secure" => cookie.secure = true,
            "domain" if !value.is_empty() => {
                let domain = value.trim_start_matches('.');
                // A domain of one word would reach the hosts of strangers.
                if !below(place.host, domain)
                    || !domain.contains('.') && !place.host.eq_ignore_ascii_case(domain)
                {
                    return None;
                }
                domain.clone_into(&mut cookie.domain);
                cookie.wide = true;
            }
            "max-age" => {
                if let Ok(seconds) = value.parse::<i64>() {
                    (aged, kept) = (true, seconds > 0);
                }
            }
            "expires" if !aged => kept = !is_past(value),
            _ => {}
        }
    }
    Some((cookie, kept))
}

/// Tells whether a date as servers write it lies in the past. One that cannot be read does not.
fn is_past(date: &str) -> bool {
    let date = date.replace('-', " ").replace("GMT", "+0000");
    rfc2822::parse(&date).is_ok_and(|date| date.timestamp() <= Timestamp::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jar(url: &str, cookies: &[&str]) -> Jar {
        let headers: Vec<(String, String)> = cookies
            .iter()
            .map(|text| ("set-cookie".to_owned(), (*text).to_owned()))
            .collect();
        let mut jar = Jar::default();
        jar.take(url, &headers);
        jar
    }

    /// The order is the one that Python's cookie jar has.
    #[test]
    fn cookies_go_back_where_they_came_from() {
        let set = [
            "a=1; Path=/",
            "b=2; Path=/",
            "z=9; Path=/x",
            "c=\"q\"; Path=/; HttpOnly",
            "e",
            "a=3",
            "g=1; Domain=other.org",
            "s=1; Secure",
        ];
        let jar = jar("http://127.0.0.1:80/x/y", &set);
        assert_eq!(
            jar.header("http://127.0.0.1:80/x/y2").unwrap(),
            "z=9; e; a=3; a=1; b=2; c=\"q\""
        );
        assert_eq!(
            jar.header("http://127.0.0.1/").unwrap(),
            "a=1; b=2; c=\"q\""
        );
        assert_eq!(jar.header("http://127.0.0.2/"), None);
        let names: Vec<String> = jar.all().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "b", "c", "z", "e", "a", "s"]);
    }

    #[test]
    fn a_server_takes_cookies_back() {
        let url = "http://host.example/";
        let set = [
            "a=1",
            "b=1",
            "c=1",
            "a=; Max-Age=0",
            "b=; Expires=Wed, 01-Jan-2020 00:00:00 GMT",
            "c=2; Expires=Wed, 01 Jan 2020 00:00:00 GMT; Max-Age=100",
        ];
        assert_eq!(jar(url, &set).header(url).unwrap(), "c=2");
    }

    #[test]
    fn a_domain_reaches_the_hosts_below_it_and_no_others() {
        let jar = jar("https://a.host.example/", &["x=1; Domain=.host.example"]);
        assert!(jar.header("https://b.host.example/").is_some());
        assert!(jar.header("https://nothost.example/").is_none());
        let refused = super::tests::jar("https://host.example/", &["x=1; Domain=example"]);
        assert!(refused.all().is_empty());
    }
}
