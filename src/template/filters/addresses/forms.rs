//! Other ways to write an address, and arithmetic with it.

use super::network::{Address, Network, Version};
use super::subnets::whole;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::{Arguments, bind};
use crate::template::filters::python::text;
use crate::value::Value;

fn invalid(arguments: &Arguments<'_>, written: &str) -> TemplateError {
    arguments.error(format!(
        "You must pass a valid IP address; {written} is invalid"
    ))
}

/// `ipmath(amount)`: the address that many further.
pub(crate) fn ipmath(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["amount"], 0)?;
    let written = text(&arguments.value)?;
    let address = if written.contains('/') {
        Network::parse(&written).map(Network::ip)
    } else {
        Address::parse(&written)
    };
    let address = address.ok_or_else(|| invalid(&arguments, &written))?;
    let amount = whole(&arguments, 0)?
        .ok_or_else(|| arguments.error("You must pass an integer for arithmetic"))?;
    address
        .plus(amount)
        .map(|address| Value::from(address.to_string()))
        .ok_or_else(|| arguments.error(format!("leaves all addresses with {amount}")))
}

/// `ip4_hex(delimiter='')`: the four numbers in hexadecimal digits.
pub(crate) fn ip4_hex(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["delimiter"], 0)?;
    let written = text(&arguments.value)?;
    let delimiter = arguments.text(0, "")?;
    match Address::parse(&written) {
        Some(address) if address.version == Version::Four => {
            let octets =
                [24, 16, 8, 0].map(|shift| format!("{:02x}", address.value >> shift & 0xff));
            Ok(Value::from(octets.join(&delimiter)))
        }
        _ => Err(invalid(&arguments, &written)),
    }
}

/// `ipcut(amount)`: the first bits of an address, or the last where the amount is negative.
pub(crate) fn ipcut(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["amount"], 0)?;
    let written = text(&arguments.value)?;
    let address = Address::parse(&written).ok_or_else(|| invalid(&arguments, &written))?;
    let amount = whole(&arguments, 0)?
        .ok_or_else(|| arguments.error("You must pass an integer for arithmetic"))?;
    let width = usize::try_from(address.version.width()).unwrap_or(0);
    let bits = format!("{:0width$b}", address.value);
    let count = usize::try_from(amount.unsigned_abs())
        .unwrap_or(width)
        .min(width);
    let bits = if amount < 0 {
        bits.get(width - count..)
    } else {
        bits.get(..count)
    };
    let (group, separator) = match address.version {
        Version::Four => (8, "."),
        Version::Six => (16, ":"),
    };
    let parts: Vec<String> = bits
        .unwrap_or_default()
        .as_bytes()
        .chunks(group)
        .map(|bits| {
            let number = bits
                .iter()
                .fold(0u32, |number, bit| number << 1 | u32::from(bit & 1));
            match address.version {
                Version::Four => number.to_string(),
                Version::Six => format!("{number:x}"),
            }
        })
        .collect();
    Ok(Value::from(parts.join(separator)))
}

/// `ipv6form(format)`: expanded, compressed, or as in certificates.
pub(crate) fn ipv6form(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["format"], 1)?;
    let written = text(&arguments.value)?;
    let format = arguments.text(0, "")?;
    let address = Address::parse(&written).ok_or_else(|| invalid(&arguments, &written))?;
    let groups: Vec<u128> = (0..8)
        .rev()
        .map(|place| address.value >> (place * 16) & 0xffff)
        .collect();
    let joined = |width: usize| {
        let groups: Vec<String> = groups
            .iter()
            .map(|group| format!("{group:0width$x}"))
            .collect();
        groups.join(":")
    };
    Ok(Value::from(match (format.as_str(), address.version) {
        ("expand" | "compress", Version::Four) => address.to_string(),
        ("expand", Version::Six) => joined(4),
        ("compress", Version::Six) => compressed(&groups),
        ("x509", Version::Six) => joined(1),
        _ => {
            return Err(arguments.error(format!(
                "You must pass valid format; {format} is not a valid format"
            )));
        }
    }))
}

/// Leaves out the longest run of zero groups, without the dots that the C library puts into mapped addresses.
fn compressed(groups: &[u128]) -> String {
    let mut best = (0, 0);
    let mut start = 0;
    for (place, group) in groups.iter().enumerate() {
        if *group != 0 {
            start = place + 1;
        } else if place + 1 - start > best.1 {
            best = (start, place + 1 - start);
        }
    }
    let hex = |groups: Option<&[u128]>| {
        let groups: Vec<String> = groups
            .unwrap_or_default()
            .iter()
            .map(|group| format!("{group:x}"))
            .collect();
        groups.join(":")
    };
    if best.1 < 2 {
        return hex(Some(groups));
    }
    format!(
        "{}::{}",
        hex(groups.get(..best.0)),
        hex(groups.get(best.0 + best.1..))
    )
}
