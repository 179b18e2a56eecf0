//! Hardware addresses: `hwaddr`, `macaddr`, and the IPv6 address that a host gives itself by one, `slaac`.

use num_bigint::BigInt;

use super::network::Version;
use super::subnets::recognised;
use crate::template::call::Call;
use crate::template::error::TemplateError;
use crate::template::filters::bind::{Arguments, bind};
use crate::template::filters::python::text;
use crate::value::Value;

/// An EUI-48 or EUI-64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hardware {
    long: bool,
    value: u64,
}

impl Hardware {
    fn parse(text: &str) -> Option<Self> {
        let short = in_words(
            text,
            &[(6, ":-", 1, 2), (3, ":-.", 1, 4), (2, "-:", 5, 6)],
            48,
        )
        .or_else(|| bare(text, 11..=12))
        .or_else(|| {
            text.trim()
                .parse()
                .ok()
                .filter(|value: &u64| value >> 48 == 0)
        });
        if let Some(value) = short {
            return Some(Self { long: false, value });
        }
        in_words(text, &[(8, ":-", 1, 2), (4, ":-.", 1, 4)], 64)
            .or_else(|| bare(text, 16..=16))
            .or_else(|| text.trim().parse().ok())
            .map(|value| Self { long: true, value })
    }

    /// Returns the digits in groups.
    fn grouped(self, digits: usize, separator: &str, upper: bool) -> String {
        let all = format!("{:012x}", self.value);
        let all = if upper { all.to_uppercase() } else { all };
        let groups: Vec<&str> = (0..all.len())
            .step_by(digits)
            .filter_map(|start| all.get(start..start + digits))
            .collect();
        groups.join(separator)
    }

    /// Returns the interface identifier of RFC 4291.
    fn interface(self) -> u64 {
        let long = if self.long {
            self.value
        } else {
            (self.value >> 24) << 40 | 0xff_fe00_0000 | self.value & 0xff_ffff
        };
        long ^ 1 << 57
    }
}

/// Reads words of hexadecimal digits: how many, between which separators, of what lengths.
fn in_words(text: &str, forms: &[(u32, &str, usize, usize)], bits: u32) -> Option<u64> {
    forms
        .iter()
        .find_map(|(count, separators, shortest, longest)| {
            separators.chars().find_map(|separator| {
                let words: Vec<&str> = text.split(separator).collect();
                let fits = words.len() == usize::try_from(*count).ok()?
                    && words
                        .iter()
                        .all(|word| (*shortest..=*longest).contains(&word.len()));
                fits.then_some(())?;
                words.iter().try_fold(0u64, |value, word| {
                    Some(value << (bits / count) | hexadecimal(word)?)
                })
            })
        })
}

fn bare(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<u64> {
    lengths.contains(&text.len()).then(|| hexadecimal(text))?
}

fn hexadecimal(text: &str) -> Option<u64> {
    // `from_str_radix` would take a sign.
    text.bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u64::from_str_radix(text, 16).ok())?
}

/// `hwaddr(query='', alias='hwaddr')`.
pub(crate) fn hwaddr(call: Call<'_>) -> Result<Value, TemplateError> {
    asked(&bind(call, &["query", "alias"], 0)?)
}

/// `macaddr(query='')`.
pub(crate) fn macaddr(call: Call<'_>) -> Result<Value, TemplateError> {
    asked(&bind(call, &["query"], 0)?)
}

fn asked(arguments: &Arguments<'_>) -> Result<Value, TemplateError> {
    let written = text(&arguments.value)?;
    let query = arguments
        .given(0)
        .map(text)
        .transpose()?
        .unwrap_or_default();
    let Some(hardware) = Hardware::parse(&written) else {
        return if query.is_empty() || query == "bool" {
            Ok(Value::NULL)
        } else {
            Err(arguments.error(format!("not a hardware address: {written}")))
        };
    };
    let answer = match query.as_str() {
        "" => written,
        "bool" => return Ok(Value::from(true)),
        "int" => return Ok(Value::integer(BigInt::from(hardware.value))),
        _ if hardware.long => {
            return Err(arguments.error(format!("can write only 48 bits as `{query}`")));
        }
        "bare" => hardware.grouped(12, "", true),
        "cisco" => hardware.grouped(4, ".", false),
        "eui48" | "win" => hardware.grouped(2, "-", true),
        "linux" => hardware.grouped(2, ":", false),
        "pgsql" | "postgresql" | "psql" => hardware.grouped(6, ":", false),
        "unix" => {
            let octets =
                [40, 32, 24, 16, 8, 0].map(|shift| format!("{:x}", hardware.value >> shift & 0xff));
            octets.join(":")
        }
        other => return Err(arguments.error(format!("unknown filter type: {other}"))),
    };
    Ok(Value::from(answer))
}

/// `slaac(query)`: the address that a host with that hardware address gives itself in the network.
pub(crate) fn slaac(call: Call<'_>) -> Result<Value, TemplateError> {
    let arguments = bind(call, &["query"], 0)?;
    let network = recognised(&arguments.value)?.filter(|network| network.version == Version::Six);
    let hardware = match arguments.given(0) {
        Some(query) => Hardware::parse(&text(query)?),
        None => None,
    };
    Ok(match network.zip(hardware) {
        Some((network, hardware)) => {
            let value = network
                .first()
                .checked_add(u128::from(hardware.interface()));
            value.map_or(Value::from(false), |value| {
                Value::from(network.address(value).to_string())
            })
        }
        None => Value::from(false),
    })
}
