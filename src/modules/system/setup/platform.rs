//! Facts about kernel, machine and names.

use super::reader;
use crate::kit::{Command, Host, Output};
use crate::modules::paths;
use crate::value::{Dict, Value};

/// Gathers them.
pub(super) fn gather(host: &dyn Host) -> Dict {
    let kernel =
        |name: &str| reader::content(&format!("/proc/sys/kernel/{name}"), host).unwrap_or_default();
    let node = match kernel("hostname") {
        name if name.is_empty() => reader::content("/etc/hostname", host).unwrap_or_default(),
        name => name,
    };
    let full = full_name(&node, host);
    let machine = machine(host);
    let bits = user_space_bits(host);
    let mut facts = Dict::new()
        .with("system", kernel("ostype"))
        .with("kernel", kernel("osrelease"))
        .with("kernel_version", kernel("version"))
        .with("machine", machine.as_str())
        .with("hostname", node.split('.').next().unwrap_or_default())
        .with("nodename", node.as_str())
        .with(
            "domain",
            full.split_once('.').map_or("", |(_, domain)| domain),
        )
        .with("fqdn", full.as_str())
        .with("userspace_bits", bits);
    let small_intel = matches!(machine.as_str(), "i386" | "i486" | "i586" | "i686");
    facts.insert(
        "architecture",
        if small_intel {
            "i386"
        } else {
            machine.as_str()
        },
    );
    if small_intel || machine == "x86_64" {
        facts.insert(
            "userspace_architecture",
            if bits == "32" { "i386" } else { "x86_64" },
        );
    }
    let id = reader::content("/var/lib/dbus/machine-id", host)
        .or_else(|| reader::content("/etc/machine-id", host));
    if let Some(id) = id {
        facts.insert("machine_id", id.lines().next().unwrap_or_default());
    }
    facts
}

/// Returns what `uname -m` says. Kernels since 6.1 have it in a file.
pub(super) fn machine(host: &dyn Host) -> String {
    reader::content("/proc/sys/kernel/arch", host).unwrap_or_else(|| {
        let output = host.run(&Command::new(["uname", "-m"]));
        output
            .ok()
            .filter(Output::success)
            .map(|output| output.stdout_text().trim().to_owned())
            .unwrap_or_default()
    })
}

/// The class of the system's own programs, by the head of one of them.
fn user_space_bits(host: &dyn Host) -> &'static str {
    let mut head = [0; 5];
    let read = host
        .open("/bin/sh")
        .ok()
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut head).ok());
    match (read, head) {
        (Some(()), [0x7f, b'E', b'L', b'F', 1]) => "32",
        _ => "64",
    }
}

/// The name with its domain, as Python's `socket.getfqdn` finds it: the first name with a dot that the host's own address has.
pub(in crate::modules) fn full_name(node: &str, host: &dyn Host) -> String {
    let hosts = reader::text("/etc/hosts", host);
    let lines: Vec<Vec<&str>> = hosts
        .lines()
        .map(|line| {
            line.split('#')
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .collect()
        })
        .collect();
    let address = lines
        .iter()
        .find(|words| words.iter().skip(1).any(|name| *name == node))
        .and_then(|words| words.first().copied());
    let names: Vec<String> = match address {
        Some(address) => lines
            .iter()
            .find(|words| words.first() == Some(&address))
            .map(|words| {
                words
                    .iter()
                    .skip(1)
                    .map(|name| (*name).to_owned())
                    .collect()
            })
            .unwrap_or_default(),
        None => resolved_names(node, host),
    };
    let dotted = names.iter().find(|name| name.contains('.'));
    dotted
        .or_else(|| names.first())
        .map_or_else(|| node.to_owned(), Clone::clone)
}

/// Asks the host's name service, which may ask the network.
fn resolved_names(node: &str, host: &dyn Host) -> Vec<String> {
    if node.is_empty() || host.find_program("getent").is_none() {
        return Vec::new();
    }
    let mut command = Command::new(["getent", "hosts", "--", node]).in_c_locale();
    command.timeout = Some(std::time::Duration::from_secs(5));
    let output = host.run(&command).ok().filter(Output::success);
    let text = output
        .map(|output| output.stdout_text())
        .unwrap_or_default();
    let words = text.lines().next().unwrap_or_default().split_whitespace();
    words.skip(1).map(str::to_owned).collect()
}

/// `python` and `python_version`, as far as the name of the host's `python3` tells.
pub(super) fn python(host: &dyn Host) -> Dict {
    let Some(program) = host.find_program("python3") else {
        return Dict::new();
    };
    let real = host.real_path(&program).unwrap_or(program);
    let version = paths::base_name(&real)
        .strip_prefix("python")
        .unwrap_or_default()
        .to_owned();
    let numbers: Vec<i64> = version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    let mut parts = Dict::new();
    for (name, number) in ["major", "minor"].into_iter().zip(&numbers) {
        parts.insert(name, *number);
    }
    let facts = Dict::new()
        .with("executable", real)
        .with("type", "cpython")
        .with("version", parts)
        .with("version_info", Value::from(numbers));
    Dict::new()
        .with("python", facts)
        .with("python_version", version)
}
