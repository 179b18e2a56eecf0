//! Which addresses have a meaning of their own, by the registries of IANA.

use super::network::{Address, Network, Version};

const NOT_GLOBAL: [&str; 25] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.0.170/31",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "255.255.255.255/32",
    "::1/128",
    "::/128",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
];

const GLOBAL_AFTER_ALL: [&str; 8] = [
    "192.0.0.9/32",
    "192.0.0.10/32",
    "2001:1::1/128",
    "2001:1::2/128",
    "2001:3::/32",
    "2001:4:112::/48",
    "2001:20::/28",
    "2001:30::/28",
];

/// Tells whether the address lies in a network written as text.
pub(super) fn lies_in(address: Address, network: &str) -> bool {
    Network::parse(network).is_some_and(|network| network.holds(address.alone()))
}

/// Tells whether the address can be reached from everywhere.
pub(super) fn is_global(address: Address) -> bool {
    let within = |networks: &[&str]| networks.iter().any(|network| lies_in(address, network));
    !within(&NOT_GLOBAL) || within(&GLOBAL_AFTER_ALL)
}

/// Tells whether the address is the host itself.
pub(super) fn is_loopback(address: Address) -> bool {
    lies_in(address, "127.0.0.0/8") || lies_in(address, "::1/128")
}

/// Tells whether the address is that of a group.
pub(super) fn is_multicast(address: Address) -> bool {
    lies_in(address, "224.0.0.0/4") || lies_in(address, "ff00::/8")
}

/// Tells whether the address is that of a single host that anyone can reach.
pub(super) fn is_public(address: Address) -> bool {
    let ones_below = |bits: u128| bits & bits.wrapping_add(1) == 0;
    let mask = ones_below(address.value) || ones_below(address.version.highest() ^ address.value);
    !is_multicast(address) && is_global(address) && !is_loopback(address) && !mask
}

/// Tells whether the address is only good on its own link.
pub(super) fn is_link_local(address: Address) -> bool {
    match address.version {
        Version::Four => lies_in(address, "169.254.0.0/16"),
        Version::Six => lies_in(address, "fe80::/10"),
    }
}

/// Returns the name under which the address is looked up backwards.
pub(super) fn reverse_name(address: Address) -> String {
    match address.version {
        Version::Four => {
            let octets = [0, 8, 16, 24].map(|shift| (address.value >> shift & 0xff).to_string());
            format!("{}.in-addr.arpa.", octets.join("."))
        }
        Version::Six => {
            let nibbles: Vec<String> = (0..32)
                .map(|place| format!("{:x}", address.value >> (place * 4) & 0xf))
                .collect();
            format!("{}.ip6.arpa.", nibbles.join("."))
        }
    }
}
