//! Host names to addresses, through `getent`: a static program must not load the machine's NSS modules.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::process::{Command, Stdio};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Asks the machine.
#[derive(Debug)]
pub(super) struct Machine;

impl Resolver for Machine {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(match uri.scheme_str() {
            Some("https") => 443,
            _ => 80,
        });
        let mut found = self.empty();
        let most = 16;
        for address in addresses(host, port).into_iter().take(most) {
            found.push(address);
        }
        if found.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        Ok(found)
    }
}

/// Gives one and the same place whatever is asked: a proxy's, or for a Unix socket any.
#[derive(Debug)]
pub(super) struct Fixed(pub(super) Option<String>);

impl Resolver for Fixed {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut found = self.empty();
        let Some(place) = &self.0 else {
            found.push(SocketAddr::from(([127, 0, 0, 1], 80)));
            return Ok(found);
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().unwrap_or(80)),
            _ => (place.as_str(), 80),
        };
        for address in addresses(host, port).into_iter().take(16) {
            found.push(address);
        }
        if found.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        Ok(found)
    }
}

fn addresses(host: &str, port: u16) -> Vec<SocketAddr> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return vec![SocketAddr::new(address, port)];
    }
    let asked = Command::new("getent")
        .args(["ahosts", "--", bare])
        .stdin(Stdio::null())
        .output();
    let Ok(output) = asked else {
        return (bare, port)
            .to_socket_addrs()
            .map_or_else(|_| Vec::new(), Iterator::collect);
    };
    let mut found = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let address = line
            .split_whitespace()
            .next()
            .and_then(|word| word.parse().ok());
        if let Some(address) = address.map(|address| SocketAddr::new(address, port))
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}
