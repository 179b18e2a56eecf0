//! Host names to addresses.
//!
//! A static program must not load NSS modules, so a name goes to the machine's own `getent`, which asks whatever the machine
//! is set up to ask; without `getent`, the C library's own resolver has to do. Called by [`super::transport`].

use std::net::{IpAddr, SocketAddr};

use tokio::process::Command;

use super::ssh_config::AddressFamily;

/// Returns the addresses of a name in the order to try them; none if there is no such name.
pub(super) async fn addresses(name: &str, port: u16, family: AddressFamily) -> Vec<SocketAddr> {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return vec![SocketAddr::new(address, port)];
    }
    let found = match ask_getent(bare, family).await {
        Some(found) => found,
        None => match tokio::net::lookup_host((bare, port)).await {
            Ok(found) => found.map(|address| address.ip()).collect(),
            Err(_) => Vec::new(),
        },
    };
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in found {
        let fits = match family {
            AddressFamily::Any => true,
            AddressFamily::Inet => address.is_ipv4(),
            AddressFamily::Inet6 => address.is_ipv6(),
        };
        let address = SocketAddr::new(address, port);
        if fits && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// Asks getent; nothing if there is no such program.
async fn ask_getent(name: &str, family: AddressFamily) -> Option<Vec<IpAddr>> {
    let database = match family {
        AddressFamily::Any => "ahosts",
        AddressFamily::Inet => "ahostsv4",
        AddressFamily::Inet6 => "ahostsv6",
    };
    let output = Command::new("getent")
        .args([database, "--", name])
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    Some(parse_getent(&text))
}

fn parse_getent(text: &str) -> Vec<IpAddr> {
    text.lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_needs_no_lookup() {
        let v6 = addresses("[::1]", 22, AddressFamily::Inet).await;
        assert_eq!(v6, ["[::1]:22".parse().unwrap()]);
    }

    #[tokio::test]
    async fn localhost_is_found_and_nonsense_is_not() {
        let found = addresses("localhost", 2222, AddressFamily::Any).await;
        assert!(
            found.iter().any(|address| address.ip().is_loopback()),
            "{found:?}"
        );
        assert!(
            addresses("no-such-host.invalid", 22, AddressFamily::Any)
                .await
                .is_empty()
        );
    }

    #[test]
    fn every_address_of_getent_is_read_once() {
        let text = "127.0.0.1       STREAM localhost\n127.0.0.1       DGRAM\n::1 STREAM\n";
        assert_eq!(parse_getent(text).len(), 3);
    }
}
