//! `ipaddr`, `ipv4`, `ipv6` and `ipwrap`: one question about an address or network.

use num_bigint::BigInt;

use super::network::{Address, Network, Version};
use super::special;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::{Arguments, bind};
use crate::template::filters::python::{integer, text};
use crate::value::{Kind, Value};

/// `ipaddr(query='', version=None, alias=None)`.
pub(crate) fn ipaddr(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["query", "version", "alias"], 0)?;
    let version = match arguments.given(1) {
        None => None,
        Some(value) => match integer(value)? {
            0 => None,
            4 => Some(Version::Four),
            6 => Some(Version::Six),
            // No address has another version.
            _ => return Ok(Value::from(false)),
        },
    };
    asked(&arguments, version)
}

/// `ipv4(query='')`.
pub(crate) fn ipv4(call: Call<'_>) -> Result<Value, TemplateError> {
    asked(&bind(call, &["query"], 0)?, Some(Version::Four))
}

/// `ipv6(query='')`.
pub(crate) fn ipv6(call: Call<'_>) -> Result<Value, TemplateError> {
    asked(&bind(call, &["query"], 0)?, Some(Version::Six))
}

fn asked(arguments: &Arguments<'_>, version: Option<Version>) -> Result<Value, TemplateError> {
    match arguments.value.kind() {
        Kind::Str(_)
        | Kind::List(_)
        | Kind::Tuple(_)
        | Kind::Int(_)
        | Kind::Big(_)
        | Kind::Bool(_) => {}
        _ => {
            return Err(TemplateError::new(format!(
                "Unrecognized type <{}> for {} filter <value>",
                arguments.value.type_name(),
                arguments.name
            )));
        }
    }
    let query = arguments
        .given(0)
        .map(text)
        .transpose()?
        .unwrap_or_default();
    ask(&arguments.value, &query, version).map_err(|error| arguments.error(error))
}

/// `ipwrap(query='')`: IPv6 addresses in brackets, all else as it is. The query counts only where it is given by name.
pub(crate) fn ipwrap(mut call: Call<'_>) -> Result<Value, TemplateError> {
    call.positional.clear();
    let arguments = bind(call, &["query"], 0)?;
    let query = arguments
        .given(0)
        .map(text)
        .transpose()?
        .unwrap_or_default();
    let wrap = |value: &Value| match ask(value, &query, None) {
        Ok(found) if found.is_true() => ask(&found, "wrap", None).unwrap_or_else(|_| value.clone()),
        _ => value.clone(),
    };
    Ok(match arguments.value.kind() {
        Kind::List(items) | Kind::Tuple(items) => {
            Value::list(items.iter().map(|item| match ask(item, &query, None) {
                Ok(found) if found.is_true() => {
                    ask(item, "wrap", None).unwrap_or_else(|_| item.clone())
                }
                _ => item.clone(),
            }))
        }
        Kind::Str(_) | Kind::Bool(_) => wrap(&arguments.value),
        _ => {
            return Err(TemplateError::new(format!(
                "Unrecognized type <{}> for ipwrap filter <value>",
                arguments.value.type_name()
            )));
        }
    })
}

/// An address that was recognised.
struct Subject {
    network: Network,
    /// A prefix was written.
    with_prefix: bool,
    /// What it is shown as where the answer is the value itself.
    shown: Value,
}

impl Subject {
    fn read(value: &Value, version: Option<Version>) -> Option<Self> {
        let text = match value.kind() {
            Kind::Str(text) => text.to_string(),
            Kind::Int(number) => number.to_string(),
            Kind::Big(number) => number.to_string(),
            _ => return None,
        };
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits(&text) {
            let number: u128 = text.parse().ok()?;
            let four = Network::new(Version::Four, number, 32);
            let network = match version {
                Some(Version::Six) => None,
                _ => four,
            };
            let network = network.or_else(|| Network::new(Version::Six, number, 128))?;
            return Some(Self {
                network,
                with_prefix: false,
                shown: Value::from(network.to_string()),
            });
        }
        if let Some(network) = Network::parse(&text) {
            return Some(Self {
                network,
                with_prefix: text.matches('/').count() == 1,
                shown: value.clone(),
            });
        }
        let (number, prefix) = text.split_once('/')?;
        let number: u128 = number.trim().parse().ok()?;
        let prefix: u32 = prefix.trim().parse().ok()?;
        let network = Network::new(Version::Four, number, prefix)
            .or_else(|| Network::new(Version::Six, number, prefix))?;
        Some(Self {
            network,
            with_prefix: true,
            shown: Value::from(network.to_string()),
        })
    }

    /// The value itself where that is so, else nothing.
    fn if_so(&self, so: bool) -> Value {
        if so { self.shown.clone() } else { Value::NULL }
    }

    fn with_its_prefix(&self) -> String {
        self.network.to_string()
    }

    fn is_first(&self) -> bool {
        self.network.value == self.network.first()
    }
}

fn shown(address: &impl ToString) -> Value {
    Value::from(address.to_string())
}

/// Answers a query about a value; false where it is no address, and an error's text where the question makes no sense.
pub(super) fn ask(value: &Value, query: &str, version: Option<Version>) -> Result<Value, String> {
    if let Some(items) = value.as_list() {
        let mut kept = Vec::new();
        for item in items {
            let answer = ask(item, query, version)?;
            if answer.is_true() {
                kept.push(answer);
            }
        }
        return Ok(Value::list(kept));
    }
    let no = || Ok(Value::from(false));
    if !value.is_true() || value.as_bool().is_some() {
        return no();
    }
    let Some(subject) = Subject::read(value, version) else {
        return no();
    };
    if version.is_some_and(|version| version != subject.network.version) {
        return no();
    }
    match about_one(&subject, query)? {
        Some(answer) => Ok(answer),
        None => otherwise(&subject, query),
    }
}

/// Answers a query that is no word: a network that the address may lie in, or a place in the network.
fn otherwise(subject: &Subject, query: &str) -> Result<Value, String> {
    let network = subject.network;
    let digits = query.bytes().all(|byte| byte.is_ascii_digit());
    if !digits && let Some(around) = Network::parse(query) {
        return Ok(subject.if_so(around.holds(network)));
    }
    let unknown = || format!("does not know the query `{query}`");
    if query.trim().parse::<f64>().is_err() {
        return Err(unknown());
    }
    if network.is_single() {
        return Ok(if subject.with_prefix {
            shown(&network)
        } else {
            shown(&network.ip())
        });
    }
    let found = query
        .trim()
        .parse::<i128>()
        .ok()
        .and_then(|index| network.nth(index));
    Ok(match found {
        Some(address) => Value::from(format!("{address}/{}", network.prefix)),
        None => Value::from(false),
    })
}

/// Answers a query that is a word, or nothing where it is none.
fn about_one(subject: &Subject, query: &str) -> Result<Option<Value>, String> {
    let network = subject.network;
    let ip = network.ip();
    let single = network.is_single();
    let text = |address: Option<Address>| address.map_or(Value::NULL, |address| shown(&address));
    let needs_network = || {
        if subject.with_prefix {
            Ok(())
        } else {
            Err("Not a network address".to_owned())
        }
    };
    Ok(Some(match query {
        "" if subject.with_prefix => shown(&network),
        "" => shown(&ip),
        "6to4" => six_to_four(subject),
        "address" | "ip" => {
            let host = single
                || !subject.is_first()
                || network.version == Version::Six
                || network.broadcast().is_none();
            text(host.then_some(ip))
        }
        "address/prefix" | "gateway" | "gw" | "host/prefix" | "hostnet" | "router" => {
            let edge = subject.is_first() || network.value == network.last();
            if !single && !network.has(2) && edge {
                Value::from(false)
            } else {
                shown(&network)
            }
        }
        "bool" => Value::from(true),
        "broadcast" if single || network.has(2) => Value::NULL,
        "broadcast" => text(network.broadcast()),
        "cidr" => shown(&network),
        "first_usable" => {
            needs_network()?;
            let first = network.usable().map(|(first, _)| first);
            text(first.map(Address::of_number))
        }
        "host" => {
            let host = single || !subject.is_first() || network.broadcast().is_none();
            if host {
                Value::from(subject.with_its_prefix())
            } else {
                Value::NULL
            }
        }
        "hostmask" | "wildcard" => shown(&network.address(network.host_mask())),
        "int" if subject.with_prefix => {
            Value::from(format!("{}/{}", network.value, network.prefix))
        }
        "int" => Value::integer(BigInt::from(network.value)),
        "ip/prefix" if !single && (network.has(2) || !subject.is_first()) => shown(&network),
        "ip_netmask" if !single && (network.has(2) || !subject.is_first()) => {
            Value::from(format!("{ip} {}", network.netmask()))
        }
        "ipv4" | "v4" => as_four(subject),
        "ipv6" | "v6" => as_six(subject),
        "last_usable" => {
            needs_network()?;
            text(network.usable().map(|(_, last)| Address::of_number(last)))
        }
        "link-local" => subject.if_so(special::is_link_local(ip)),
        "lo" | "loopback" => subject.if_so(special::is_loopback(ip)),
        "multicast" => subject.if_so(special::is_multicast(ip)),
        "unicast" => subject.if_so(!special::is_multicast(ip)),
        "private" => subject.if_so(!special::is_global(ip)),
        "public" => subject.if_so(special::is_public(ip)),
        "net" if !single && subject.is_first() => shown(&network),
        "ip/prefix" | "ip_netmask" | "net" => Value::NULL,
        "next_usable" => {
            needs_network()?;
            text(neighbour(network, 1))
        }
        "previous_usable" => {
            needs_network()?;
            text(neighbour(network, -1))
        }
        "netmask" => shown(&network.netmask()),
        "network" | "network_id" => shown(&network.network()),
        "network/prefix" | "subnet" => shown(&network.cidr()),
        "network_netmask" => Value::from(format!("{} {}", network.network(), network.netmask())),
        "network_wildcard" => {
            let mask = network.address(network.host_mask());
            Value::from(format!("{} {mask}", network.network()))
        }
        "peer" => {
            needs_network()?;
            shown(&Address::of_number(peer(network)?))
        }
        "prefix" => Value::from(i64::from(network.prefix)),
        "range_usable" => {
            needs_network()?;
            match network.usable() {
                None => Value::NULL,
                Some((first, last)) => Value::from(format!(
                    "{}-{}",
                    Address::of_number(first),
                    Address::of_number(last)
                )),
            }
        }
        "revdns" => Value::from(special::reverse_name(ip)),
        "size" => Value::integer(network.size()),
        "size_usable" if single => Value::from(0),
        "size_usable" if network.has(2) => Value::from(2),
        "size_usable" => Value::integer(network.size() - 2),
        "type" if single || !subject.is_first() => Value::from("address"),
        "type" => Value::from("network"),
        "version" => Value::from(if network.version == Version::Four {
            4
        } else {
            6
        }),
        "wrap" => match (network.version, subject.with_prefix) {
            (Version::Four, _) => subject.shown.clone(),
            (Version::Six, true) => Value::from(format!("[{ip}]/{}", network.prefix)),
            (Version::Six, false) => Value::from(format!("[{ip}]")),
        },
        _ => return Ok(None),
    }))
}

fn neighbour(network: Network, step: i64) -> Option<Address> {
    let (first, last) = network.usable()?;
    let next = network.value.checked_add_signed(i128::from(step))?;
    (first..=last)
        .contains(&next)
        .then(|| Address::of_number(next))
}

fn peer(network: Network) -> Result<u128, String> {
    if network.has(2) {
        return Ok(network.value ^ 1);
    }
    if !network.has(4) {
        return Err("Not a point-to-point network".to_owned());
    }
    match network.value % 4 {
        0 => Err("Network address of /30 has no peer".to_owned()),
        3 => Err("Broadcast address of /30 has no peer".to_owned()),
        _ => Ok(network.value ^ 3),
    }
}

fn six_to_four(subject: &Subject) -> Value {
    let network = subject.network;
    let host = network.is_single() || !subject.is_first();
    match network.version {
        Version::Four => {
            let known = special::is_public(network.ip()) || !special::is_global(network.ip());
            if !host || !known {
                return Value::from(false);
            }
            let bytes = u32::try_from(network.value).unwrap_or(0);
            Value::from(format!(
                "2002:{:04x}:{:04x}::1/48",
                bytes >> 16,
                bytes & 0xffff
            ))
        }
        Version::Six => {
            let inside = special::lies_in(network.ip(), "2002::/16");
            if inside && (!subject.with_prefix || !subject.is_first()) {
                subject.shown.clone()
            } else {
                Value::from(false)
            }
        }
    }
}

fn as_four(subject: &Subject) -> Value {
    let network = subject.network;
    if network.version == Version::Four {
        return subject.shown.clone();
    }
    let low = match network.value {
        value if value <= u128::from(u32::MAX) => Some(value),
        value => value
            .checked_sub(0xffff_0000_0000)
            .filter(|low| *low <= u128::from(u32::MAX)),
    };
    let prefix = network.prefix.checked_sub(96);
    match low
        .zip(prefix)
        .and_then(|(low, prefix)| Network::new(Version::Four, low, prefix))
    {
        Some(four) => shown(&four),
        None => Value::from(false),
    }
}

fn as_six(subject: &Subject) -> Value {
    let network = subject.network;
    if network.version == Version::Six {
        return subject.shown.clone();
    }
    let mapped = network.value | 0xffff_0000_0000;
    Network::new(Version::Six, mapped, network.prefix + 96)
        .map_or(Value::NULL, |network| shown(&network))
}
