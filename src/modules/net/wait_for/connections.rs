//! Who is connected to a port, from `/proc/net/tcp` and `/proc/net/tcp6`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::WaitForArgs;
use crate::kit::{Command, Failure, Host};

const STATES: &[&str] = &[
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
];

/// Returns the kernel's number of a state's name.
pub(super) fn number(name: &str) -> Option<u8> {
    let at = STATES.iter().position(|known| *known == name)?;
    u8::try_from(at + 1).ok()
}

/// Tells whether anybody is connected to the port, those that are excluded aside.
pub(super) fn any(args: &WaitForArgs, host: &dyn Host) -> Result<bool, Failure> {
    let states: Vec<u8> = args
        .active_connection_states
        .iter()
        .filter_map(|name| number(name))
        .collect();
    let own = addresses(&args.host, host)?;
    let anywhere = own.iter().any(IpAddr::is_unspecified);
    let mut excluded = Vec::new();
    for name in &args.exclude_hosts {
        excluded.extend(addresses(name, host)?);
    }
    for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = host.read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        for line in text.lines().skip(1) {
            let mut fields = line.split_whitespace().skip(1);
            let (local, remote) = (
                fields.next().and_then(endpoint),
                fields.next().and_then(endpoint),
            );
            let state = fields
                .next()
                .and_then(|field| u8::from_str_radix(field, 16).ok());
            let (Some((address, port)), Some((peer, _)), Some(state)) = (local, remote, state)
            else {
                continue;
            };
            if states.contains(&state)
                && Some(port) == args.port
                && (anywhere || own.contains(&address))
                && !excluded.contains(&peer)
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Reads `0100007F:1F90`: each group of four bytes is in the machine's order.
fn endpoint(field: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = field.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::new();
    for start in (0..address.len()).step_by(8) {
        let word = u32::from_str_radix(address.get(start..start + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let address = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        16 => {
            let six = Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?);
            six.to_ipv4_mapped().map_or(IpAddr::V6(six), IpAddr::V4)
        }
        _ => return None,
    };
    Some((address, port))
}

fn addresses(name: &str, host: &dyn Host) -> Result<Vec<IpAddr>, Failure> {
    if let Ok(address) = name.parse() {
        return Ok(vec![address]);
    }
    if name == "localhost" {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let output = host.run(&Command::new(["getent", "ahosts", "--", name]).in_c_locale())?;
    let text = output.stdout_text();
    let found: Vec<IpAddr> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    if found.is_empty() {
        return Err(Failure::new(format!("cannot find the address of `{name}`")));
    }
    Ok(found)
}
