//! An address together with its prefix, as text, number and range.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use num_bigint::BigInt;

/// Which protocol an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// 32 bits.
    Four,
    /// 128 bits.
    Six,
}

impl Version {
    /// Returns how many bits an address has.
    pub(super) fn width(self) -> u32 {
        match self {
            Self::Four => 32,
            Self::Six => 128,
        }
    }

    /// Returns the highest address.
    pub(super) fn highest(self) -> u128 {
        match self {
            Self::Four => u128::from(u32::MAX),
            Self::Six => u128::MAX,
        }
    }
}

/// One address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) version: Version,
    pub(super) value: u128,
}

impl Address {
    /// Reads dotted or colon notation, in full.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(four) = text.parse::<Ipv4Addr>() {
            return Some(Self {
                version: Version::Four,
                value: u128::from(u32::from(four)),
            });
        }
        text.parse::<Ipv6Addr>().ok().map(|six| Self {
            version: Version::Six,
            value: u128::from(six),
        })
    }

    /// Returns the address of a bare number: IPv4 wherever it fits.
    pub(super) fn of_number(value: u128) -> Self {
        Self {
            version: if value <= Version::Four.highest() {
                Version::Four
            } else {
                Version::Six
            },
            value,
        }
    }

    /// Returns the address that many further, if there is one.
    pub(super) fn plus(self, offset: i64) -> Option<Self> {
        let value = self.value.checked_add_signed(i128::from(offset))?;
        (value <= self.version.highest()).then_some(Self { value, ..self })
    }

    /// Returns the address as a network of its own.
    pub(super) fn alone(self) -> Network {
        Network {
            version: self.version,
            value: self.value,
            prefix: self.version.width(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Version::Four => {
                let value = u32::try_from(self.value).unwrap_or(u32::MAX);
                write!(formatter, "{}", Ipv4Addr::from(value))
            }
            // The C library writes the old IPv4-compatible addresses with dots; `::` and `::1` to `::ffff` are none.
            Version::Six if (0x1_0000..=u128::from(u32::MAX)).contains(&self.value) => {
                let low = u32::try_from(self.value).unwrap_or(u32::MAX);
                write!(formatter, "::{}", Ipv4Addr::from(low))
            }
            Version::Six => write!(formatter, "{}", Ipv6Addr::from(self.value)),
        }
    }
}

/// An address and how many of its bits name the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) version: Version,
    pub(super) value: u128,
    pub(super) prefix: u32,
}

impl Network {
    /// Reads an address with or without a prefix, netmask or host mask.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address = Address::parse(address)?;
        let Some(prefix) = prefix else {
            return Some(address.alone());
        };
        let prefix = match prefix.trim().parse::<u32>() {
            Ok(prefix) => prefix,
            Err(_) => mask_length(Address::parse(prefix)?, address.version)?,
        };
        Self::new(address.version, address.value, prefix)
    }

    /// Returns the network if its parts fit together.
    pub(super) fn new(version: Version, value: u128, prefix: u32) -> Option<Self> {
        (prefix <= version.width() && value <= version.highest()).then_some(Self {
            version,
            value,
            prefix,
        })
    }

    /// Returns the bits of a host within the network, all set.
    pub(super) fn host_mask(self) -> u128 {
        match self.version.width() - self.prefix {
            128 => u128::MAX,
            bits => (1 << bits) - 1,
        }
    }

    /// Returns the lowest address.
    pub(super) fn first(self) -> u128 {
        self.value & !self.host_mask()
    }

    /// Returns the highest address.
    pub(super) fn last(self) -> u128 {
        self.value | self.host_mask()
    }

    /// Returns how many addresses there are.
    pub(super) fn size(self) -> BigInt {
        BigInt::from(self.host_mask()) + 1
    }

    /// Tells whether there are exactly that many addresses.
    pub(super) fn has(self, count: u128) -> bool {
        self.host_mask().checked_add(1) == Some(count)
    }

    /// Tells whether this is a single address.
    pub(super) fn is_single(self) -> bool {
        self.prefix == self.version.width()
    }

    /// Returns the address itself.
    pub(super) fn ip(self) -> Address {
        self.address(self.value)
    }

    /// Returns the lowest address.
    pub(super) fn network(self) -> Address {
        self.address(self.first())
    }

    /// Returns an address of this network's version.
    pub(super) fn address(self, value: u128) -> Address {
        Address {
            version: self.version,
            value,
        }
    }

    /// Returns the broadcast address; small IPv4 networks have none.
    pub(super) fn broadcast(self) -> Option<Address> {
        let none = self.version == Version::Four && self.version.width() - self.prefix <= 1;
        (!none).then(|| self.address(self.last()))
    }

    /// Returns the netmask.
    pub(super) fn netmask(self) -> Address {
        self.address(self.version.highest() & !self.host_mask())
    }

    /// Returns the network without the bits of the host.
    pub(super) fn cidr(self) -> Self {
        Self {
            value: self.first(),
            ..self
        }
    }

    /// Tells whether all of `other` lies in this network.
    pub(super) fn holds(self, other: Self) -> bool {
        self.version == other.version
            && self.first() <= other.first()
            && other.last() <= self.last()
    }

    /// Returns the first and the last address for hosts; nothing for a single address.
    pub(super) fn usable(self) -> Option<(u128, u128)> {
        if self.is_single() {
            None
        } else if self.has(2) {
            Some((self.first(), self.last()))
        } else {
            Some((self.first() + 1, self.last() - 1))
        }
    }

    /// Returns the address at that place, from the end where it is negative.
    pub(super) fn nth(self, index: i128) -> Option<Address> {
        let value = if index < 0 {
            let back = index.unsigned_abs() - 1;
            (back <= self.host_mask()).then(|| self.last() - back)
        } else {
            let forth = index.unsigned_abs();
            (forth <= self.host_mask()).then(|| self.first() + forth)
        };
        value.map(|value| self.address(value))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.ip(), self.prefix)
    }
}

/// Returns the prefix that a netmask or a host mask stands for.
fn mask_length(mask: Address, version: Version) -> Option<u32> {
    if mask.version != version {
        return None;
    }
    let width = version.width();
    let inverted = version.highest() ^ mask.value;
    let is_low_ones = |bits: u128| bits & bits.wrapping_add(1) == 0;
    if is_low_ones(inverted) {
        Some(width - inverted.count_ones())
    } else if is_low_ones(mask.value) {
        Some(width - mask.value.count_ones())
    } else {
        None
    }
}
