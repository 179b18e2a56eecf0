//! Rules as ufw's own files name them.
//!
//! Above the lines for iptables stands each rule once more in a line that begins with `### tuple ###`, as ufw reads it back: action,
//! protocol, port and address it goes to, port and address it comes from, direction with interface, and the comment in hexadecimal
//! (`_read_rules` and `_write_rules` of ufw 0.36). ufw writes every part in one form, so that a rule whose parts
//! stand there letter by letter is that rule, and ufw would skip it. Anything else, be it only another way to write the same rule,
//! is left to ufw's dry run.

use super::rules::{is_ipv4, is_ipv6, setting};
use super::{Direction, Protocol, UfwArgs};
use crate::kit::{Failure, Host};

const RULES: &str = "/etc/ufw/user.rules";
const RULES6: &str = "/etc/ufw/user6.rules";
/// Where ufw before 0.35 kept its rules: a host that has this file is left to ufw.
const FORMER_RULES: &str = "/lib/ufw/user.rules";

/// Tells whether ufw's files have the rule that the arguments name, as far as that can be told from them alone.
pub(super) fn stands(args: &UfwArgs, action: &str, host: &dyn Host) -> Result<bool, Failure> {
    let Some(rule) = Rule::of(args, action) else {
        return Ok(false);
    };
    if host.status(FORMER_RULES, true)?.is_some() {
        return Ok(false);
    }
    Ok(match rule.family() {
        Family::Both => rule.is_in(RULES, host) && rule.is_in(RULES6, host),
        Family::Ipv4 => rule.is_in(RULES, host),
        Family::Ipv6 => {
            rule.is_in(RULES6, host)
                && setting("/etc/default/ufw", "IPV6", host)?.as_deref() == Some("yes")
        }
        Family::None => false,
    })
}

/// The families of addresses that a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Both,
    Ipv4,
    Ipv6,
    /// Its addresses do not fit together.
    None,
}

/// The parts of a line, `any` where nothing was given.
struct Rule<'a> {
    action: String,
    protocol: &'a str,
    to_port: &'a str,
    to: &'a str,
    from_port: &'a str,
    from: &'a str,
    direction: String,
    comment: Option<String>,
}

impl<'a> Rule<'a> {
    /// Returns the rule, or nothing where it has a part of which ufw alone knows how it is written.
    fn of(args: &'a UfwArgs, action: &str) -> Option<Self> {
        if args.delete || args.insert.is_some() || args.log || args.name.is_some() {
            return None;
        }
        let protocol = match args.proto {
            None | Some(Protocol::Any) => "any",
            Some(protocol @ (Protocol::Tcp | Protocol::Udp)) => protocol.word(),
            Some(_) => return None,
        };
        let direction = match (
            args.direction,
            &args.interface,
            &args.interface_in,
            &args.interface_out,
        ) {
            (None | Some(Direction::In), None, None, None) => "in".to_owned(),
            (Some(Direction::Out), None, None, None) => "out".to_owned(),
            (Some(Direction::In), Some(interface), None, None)
            | (None, None, Some(interface), None) => format!("in_{interface}"),
            (Some(Direction::Out), Some(interface), None, None)
            | (None, None, None, Some(interface)) => format!("out_{interface}"),
            _ => return None,
        };
        let port = |port: &'a Option<String>| port.as_deref().unwrap_or("any");
        let rule = Self {
            action: if args.route {
                format!("route:{action}")
            } else {
                action.to_owned()
            },
            protocol,
            to_port: port(&args.to_port),
            to: &args.to_ip,
            from_port: port(&args.from_port),
            from: &args.from_ip,
            direction,
            comment: args.comment.as_deref().map(|text| {
                text.bytes()
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            }),
        };
        // A space would shift the parts, and of an empty comment ufw writes nothing.
        let words = [
            rule.to_port,
            rule.to,
            rule.from_port,
            rule.from,
            &rule.direction,
            rule.comment.as_deref().unwrap_or("any"),
        ];
        let plain = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
        let all_plain = words.into_iter().all(plain);
        all_plain.then_some(rule)
    }

    fn family(&self) -> Family {
        let addresses = [self.from, self.to];
        let all = |is: fn(&str) -> bool| {
            addresses
                .into_iter()
                .all(|address| address == "any" || is(address))
        };
        match (all(is_ipv4), all(is_ipv6)) {
            (true, true) => Family::Both,
            (true, false) => Family::Ipv4,
            (false, true) => Family::Ipv6,
            (false, false) => Family::None,
        }
    }

    /// Tells whether that file has it. One that cannot be read has nothing: ufw will say what is wrong.
    fn is_in(&self, path: &str, host: &dyn Host) -> bool {
        let everywhere = if path == RULES6 { "::/0" } else { "0.0.0.0/0" };
        let address = |address| {
            if address == "any" {
                everywhere
            } else {
                address
            }
        };
        let mut line = format!(
            "### tuple ### {} {} {} {} {} {} {}",
            self.action,
            self.protocol,
            self.to_port,
            address(self.to),
            self.from_port,
            address(self.from),
            self.direction,
        );
        if let Some(comment) = &self.comment {
            line.push_str(" comment=");
            line.push_str(comment);
        }
        host.read(path).is_ok_and(|content| {
            String::from_utf8_lossy(&content)
                .lines()
                .any(|known| known == line)
        })
    }
}
