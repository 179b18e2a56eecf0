//! Networks cut into smaller ones, counted through and merged.

use num_bigint::BigInt;

use super::network::{Address, Network, Version};
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::{Arguments, bind};
use crate::template::filters::numbers::lenient_integer;
use crate::template::filters::python::{iterate, text};
use crate::value::Value;

/// Returns the network that a value is, if `ipaddr` takes it for one address or network.
pub(super) fn recognised(value: &Value) -> Result<Option<Network>, TemplateError> {
    let cidr =
        super::query::ask(&Value::from(text(value)?), "cidr", None).map_err(TemplateError::new)?;
    Ok(cidr.as_str().and_then(Network::parse))
}

fn no() -> Value {
    Value::from(false)
}

/// Returns an integer argument that may be written as text.
pub(super) fn whole(arguments: &Arguments<'_>, index: usize) -> Result<Option<i64>, TemplateError> {
    arguments
        .given(index)
        .map(|value| {
            lenient_integer(value)
                .map_err(|_| arguments.error(format!("needs an integer, got {}", value.to_repr())))
        })
        .transpose()
}

/// `ipsubnet(query='', index=None)`: how many networks of a size there are, or one of them.
pub(crate) fn ipsubnet(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["query", "index"], 0)?;
    let query = arguments
        .given(0)
        .map(text)
        .transpose()?
        .unwrap_or_default();
    let Some(network) = recognised(&arguments.value)?.map(Network::cidr) else {
        return Ok(no());
    };
    if query.is_empty() {
        return Ok(Value::from(network.to_string()));
    }
    if query.bytes().all(|byte| byte.is_ascii_digit()) {
        let width = network.version.width();
        let Some(size) = query.parse::<u32>().ok().filter(|size| *size <= width) else {
            return Ok(no());
        };
        let index = whole(&arguments, 1)?;
        return if network.is_single() {
            above(&arguments, network, size, index)
        } else {
            below(&arguments, network, size, index)
        };
    }
    let Some(around) = recognised(&Value::from(query.as_str()))? else {
        return Err(arguments.error(format!(
            "You must pass a valid subnet or IP address; {query} is invalid"
        )));
    };
    let around = around.cidr();
    let inside = around.version == network.version
        && around.first() == network.first() & !around.host_mask();
    if !inside || network.prefix < around.prefix {
        return Err(arguments.error(format!("{network} is not in the subnet {around}")));
    }
    let shift = network.version.width() - network.prefix;
    let rank = (network.value & around.host_mask())
        .checked_shr(shift)
        .unwrap_or(0);
    let place: BigInt = BigInt::from(rank) + 1;
    Ok(Value::from(place.to_string()))
}

/// One of the networks around an address, the widest first.
fn above(
    arguments: &Arguments<'_>,
    network: Network,
    size: u32,
    index: Option<i64>,
) -> Result<Value, TemplateError> {
    let width = i64::from(network.version.width());
    if let Some(index) = index
        && (index > width + 1 - index || index < i64::from(size) - width)
    {
        return Ok(no());
    }
    let index = index.unwrap_or(0);
    let prefix = if index < 0 {
        width + index
    } else {
        i64::from(size) + index
    };
    let found = u32::try_from(prefix)
        .ok()
        .filter(|prefix| (size..network.version.width()).contains(prefix))
        .and_then(|prefix| Network::new(network.version, network.value, prefix));
    found
        .map(|found| Value::from(found.cidr().to_string()))
        .ok_or_else(|| arguments.error(format!("has no network of size {size} around {network}")))
}

/// One of the networks in a network, or how many there are.
fn below(
    arguments: &Arguments<'_>,
    network: Network,
    size: u32,
    index: Option<i64>,
) -> Result<Value, TemplateError> {
    let more = size.checked_sub(network.prefix);
    let Some(index) = index else {
        let more = more.ok_or_else(|| {
            arguments.error(format!("Requested subnet size of {size} is invalid"))
        })?;
        return Ok(Value::from((BigInt::from(1) << more).to_string()));
    };
    let count = more.map(|more| BigInt::from(1) << more);
    let place = match (&count, index) {
        (Some(count), index) if index < 0 => BigInt::from(index) + count,
        (_, index) => BigInt::from(index),
    };
    let one = BigInt::from(1);
    if place < BigInt::from(0) || place >= count.unwrap_or(one) {
        return Ok(no());
    }
    let shift = network.version.width() - size;
    let value = BigInt::from(network.value) + (place << shift);
    let found = u128::try_from(value)
        .ok()
        .and_then(|value| Network::new(network.version, value, size));
    Ok(found.map_or_else(no, |found| Value::from(found.to_string())))
}

/// `nthhost(query='')`: the address at a place in the network.
pub(crate) fn nthhost(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["query"], 0)?;
    let query = arguments
        .given(0)
        .map(text)
        .transpose()?
        .unwrap_or_default();
    let network = match recognised(&arguments.value)? {
        Some(network) if !query.is_empty() => network,
        _ => return Ok(no()),
    };
    let network = if network.value == network.first() {
        network.cidr()
    } else {
        network
    };
    let Ok(index) = query.trim().parse::<i128>() else {
        return Ok(no());
    };
    if index >= 0 && index.unsigned_abs() > network.host_mask() {
        return Ok(no());
    }
    match network.nth(index) {
        Some(address) => Ok(Value::from(address.to_string())),
        None => Err(arguments.error(format!("has no address {index} in {network}"))),
    }
}

/// `next_nth_usable(offset)`.
pub(crate) fn next_nth_usable(call: Call<'_>) -> Result<Value, TemplateError> {
    nth_usable(call, 1)
}

/// `previous_nth_usable(offset)`.
pub(crate) fn previous_nth_usable(call: Call<'_>) -> Result<Value, TemplateError> {
    nth_usable(call, -1)
}

fn nth_usable(call: Call<'_>, direction: i64) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["offset"], 0)?;
    let Some(network) = recognised(&arguments.value)? else {
        return Ok(no());
    };
    let offset = whole(&arguments, 0)?
        .ok_or_else(|| arguments.error("must be given an integer"))?
        .saturating_mul(direction);
    let Some((first, last)) = network.usable() else {
        return Ok(Value::NULL);
    };
    let Some(found) = network.value.checked_add_signed(i128::from(offset)) else {
        return Err(arguments.error(format!("leaves all addresses with {offset}")));
    };
    Ok(if (first..=last).contains(&found) {
        Value::from(Address::of_number(found).to_string())
    } else {
        Value::NULL
    })
}

/// `cidr_merge(action='merge')`: the fewest networks that hold the same addresses, or the one that spans them.
pub(crate) fn cidr_merge(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["action"], 0)?;
    let action = arguments.text(0, "merge")?;
    let items = match arguments.value.as_str() {
        Some(text) => text.split(',').map(Value::from).collect(),
        None => iterate(&arguments.value)?,
    };
    let mut networks = Vec::with_capacity(items.len());
    for item in &items {
        let written = text(item)?;
        let network = Network::parse(&written)
            .ok_or_else(|| arguments.error(format!("cannot read the network `{written}`")))?;
        networks.push(network);
    }
    match action.as_str() {
        "merge" => Ok(merged(networks)
            .into_iter()
            .map(|network| Value::from(network.to_string()))
            .collect()),
        "span" => match networks.as_slice() {
            [] => Ok(Value::NULL),
            [network] => Ok(Value::from(network.to_string())),
            several => spanning(several)
                .map(|network| Value::from(network.to_string()))
                .ok_or_else(|| arguments.error("cannot span IPv4 and IPv6 together")),
        },
        other => Err(arguments.error(format!("knows the actions merge and span, not `{other}`"))),
    }
}

/// A stretch of addresses, and the network that it is as long as nothing was joined to it.
struct Stretch {
    version: Version,
    first: u128,
    last: u128,
    original: Option<Network>,
}

fn merged(mut networks: Vec<Network>) -> Vec<Network> {
    networks.sort_by_key(|network| {
        (
            network.version,
            network.last(),
            network.first(),
            network.value,
            network.prefix,
        )
    });
    let mut stretches: Vec<Stretch> = Vec::new();
    for network in networks {
        let mut next = Stretch {
            version: network.version,
            first: network.first(),
            last: network.last(),
            original: Some(network),
        };
        while let Some(before) = stretches.pop_if(|before| {
            before.version == next.version && next.first.saturating_sub(1) <= before.last
        }) {
            next.first = next.first.min(before.first);
            next.original = None;
        }
        stretches.push(next);
    }
    let mut result = Vec::new();
    for stretch in stretches {
        match stretch.original {
            Some(network) => result.push(network),
            None => cover(stretch.version, stretch.first, stretch.last, &mut result),
        }
    }
    result
}

/// Adds the fewest networks that make up the stretch.
fn cover(version: Version, first: u128, last: u128, into: &mut Vec<Network>) {
    let mut next = first;
    loop {
        let mut prefix = version.width();
        // Widens the network as long as it begins where it must and does not reach too far.
        while prefix > 0 {
            let wider = Network {
                version,
                value: next,
                prefix: prefix - 1,
            };
            if wider.first() != next || wider.last() > last {
                break;
            }
            prefix -= 1;
        }
        let network = Network {
            version,
            value: next,
            prefix,
        };
        into.push(network);
        match network.last().checked_add(1) {
            Some(following) if following <= last => next = following,
            _ => return,
        }
    }
}

fn spanning(networks: &[Network]) -> Option<Network> {
    let key = |network: &&Network| (network.version, network.first(), network.last());
    let lowest = networks.iter().min_by_key(key)?;
    let highest = networks.iter().max_by_key(key)?;
    if lowest.version != highest.version {
        return None;
    }
    let mut span = Network {
        value: highest.last(),
        ..*highest
    };
    while span.prefix > 0 && span.value > lowest.first() {
        span.prefix -= 1;
        span = span.cidr();
    }
    Some(span)
}
