//! Rules of ufw: the words that make one, and whether it is there.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Relative, Runner, UfwArgs, Words};
use crate::kit::{Command, Failure, Host};

const FILES: &[&str] = &[
    "/lib/ufw/user.rules",
    "/lib/ufw/user6.rules",
    "/etc/ufw/user.rules",
    "/etc/ufw/user6.rules",
    "/var/lib/ufw/user.rules",
    "/var/lib/ufw/user6.rules",
];

/// Returns the command that makes (or removes) the rule.
pub(super) fn words(
    args: &UfwArgs,
    action: &str,
    host: &dyn Host,
    program: &str,
) -> Result<Words, Failure> {
    let mut words: Vec<String> = Vec::new();
    let mut shown: Vec<String> = Vec::new();
    let mut add = |parts: &[&str]| {
        words.extend(parts.iter().map(|part| (*part).to_owned()));
        shown.extend(parts.iter().map(|part| (*part).to_owned()));
    };
    if args.route {
        add(&["route"]);
    }
    if args.delete {
        add(&["delete"]);
    } else if let Some(place) = place(args, host, program)? {
        add(&["insert", &place.to_string()]);
    }
    add(&[action]);
    if let Some(direction) = args.direction {
        add(&[direction.word()]);
    }
    for (before, interface) in [
        (&["on"][..], &args.interface),
        (&["in", "on"], &args.interface_in),
        (&["out", "on"], &args.interface_out),
    ] {
        if let Some(interface) = interface {
            add(before);
            add(&[interface]);
        }
    }
    if args.log {
        add(&["log"]);
    }
    let addresses = [
        ("from", &args.from_ip, &args.from_port),
        ("to", &args.to_ip, &args.to_port),
    ];
    for (word, address, port) in addresses {
        if !address.is_empty() {
            add(&[word, address]);
        }
        if let Some(port) = port {
            add(&["port", port]);
        }
    }
    if let Some(protocol) = args.proto {
        add(&["proto", protocol.word()]);
    }
    for (word, text) in [("app", &args.name), ("comment", &args.comment)] {
        if let Some(text) = text {
            words.extend([word.to_owned(), text.clone()]);
            shown.push(format!("{word} '{text}'"));
        }
    }
    Ok(Words {
        words,
        shown: shown.join(" "),
    })
}

/// Returns the number that the rule gets in the list.
fn place(args: &UfwArgs, host: &dyn Host, program: &str) -> Result<Option<i64>, Failure> {
    let Some(wanted) = args.insert else {
        return Ok(None);
    };
    if args.insert_relative_to == Relative::Zero {
        return Ok(Some(wanted));
    }
    let output = host.run(&Command::new([program, "status", "numbered"]).in_c_locale())?;
    let text = output.stdout_text();
    let numbers: Vec<(i64, bool)> = text
        .lines()
        .filter_map(|line| {
            let (number, _) = line.strip_prefix('[')?.split_once("] ")?;
            Some((number.trim().parse().ok()?, line.contains("(v6)")))
        })
        .collect();
    let last = numbers.iter().map(|(number, _)| *number).max().unwrap_or(0);
    let last_ipv4 = numbers
        .iter()
        .filter(|(_, six)| !six)
        .map(|(number, _)| *number)
        .max();
    let has_ipv6 = numbers.iter().any(|(_, six)| *six);
    let base = match args.insert_relative_to {
        Relative::Zero => 0,
        Relative::FirstIpv4 => 1,
        Relative::LastIpv4 => last_ipv4.unwrap_or(1),
        Relative::FirstIpv6 => last_ipv4.map_or(1, |number| number + 1),
        Relative::LastIpv6 => {
            if has_ipv6 {
                last
            } else {
                last + 1
            }
        }
    };
    // ufw refuses a number beyond the last rule; without one the rule goes to the end.
    Ok(Some(wanted + base).filter(|place| *place <= last))
}

/// Lets ufw show the rules as they would be, and compares.
pub(super) fn would_change(
    args: &UfwArgs,
    words: &Words,
    runner: &mut Runner<'_>,
) -> Result<bool, Failure> {
    let mut dry = Words::new(&["--dry-run"]);
    dry.words.extend(words.words.iter().cloned());
    dry.shown = format!("{} {}", dry.shown, words.shown);
    let text = runner.run(&dry)?;
    // `Skipping adding existing rule`, once for each family.
    if text.lines().count() > 0 && text.lines().all(|line| line.contains("Skipping")) {
        return Ok(false);
    }
    let after: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("### tuple"))
        .collect();
    let mut present = String::new();
    for path in FILES {
        if runner.host.status(path, true)?.is_some() {
            present.push_str(&String::from_utf8_lossy(&runner.host.read(path)?));
            present.push('\n');
        }
    }
    let before: Vec<&str> = present
        .lines()
        .filter(|line| line.starts_with("### tuple"))
        .collect();
    // A dry run shows the rules of the families that it would touch alone.
    let of_family = |family: fn(&str) -> bool| {
        let only = |lines: &[&str]| {
            lines
                .iter()
                .filter(|line| line.split_whitespace().any(family))
                .map(|line| (*line).to_owned())
                .collect::<Vec<_>>()
        };
        only(&before) != only(&after)
    };
    let addresses = [args.from_ip.as_str(), args.to_ip.as_str()];
    Ok(if addresses.into_iter().any(is_ipv4) {
        of_family(is_ipv4)
    } else if addresses.into_iter().any(is_ipv6) {
        of_family(is_ipv6)
    } else {
        before != after
    })
}

pub(super) fn is_ipv4(word: &str) -> bool {
    word.split('/')
        .next()
        .is_some_and(|address| address.parse::<Ipv4Addr>().is_ok())
}

pub(super) fn is_ipv6(word: &str) -> bool {
    word.split('/')
        .next()
        .is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// Returns the last value, in small letters and without quotes, that a file of settings gives to that name.
pub(super) fn setting(path: &str, name: &str, host: &dyn Host) -> Result<Option<String>, Failure> {
    if host.status(path, true)?.is_none() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&host.read(path)?).into_owned();
    let value = text.lines().rev().find_map(|line| {
        line.trim()
            .strip_prefix(name)?
            .strip_prefix('=')
            .map(str::to_owned)
    });
    Ok(value.map(|value| value.trim_matches(['"', '\'']).to_lowercase()))
}

/// Tells whether traffic in that direction has that default.
pub(super) fn has_default(policy: &str, direction: &str, host: &dyn Host) -> Result<bool, Failure> {
    let name = match direction {
        "outgoing" => "DEFAULT_OUTPUT_POLICY",
        "routed" => "DEFAULT_FORWARD_POLICY",
        _ => "DEFAULT_INPUT_POLICY",
    };
    let wanted = match policy {
        "allow" => "accept",
        "deny" => "drop",
        other => other,
    };
    Ok(setting("/etc/default/ufw", name, host)?.as_deref() == Some(wanted))
}

/// Tells whether that much is logged.
pub(super) fn logs(level: &str, host: &dyn Host) -> Result<bool, Failure> {
    let current = setting("/etc/ufw/ufw.conf", "LOGLEVEL", host)?;
    Ok(match (level, current.as_deref()) {
        (_, None) => false,
        ("on", Some(current)) => current != "off",
        (level, Some(current)) => level == current,
    })
}
