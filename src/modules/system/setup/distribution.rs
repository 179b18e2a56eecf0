//! Facts about the distribution.

use super::reader;
use crate::kit::{Command, Host, Output};
use crate::value::Dict;

/// `/etc/os-release` and what else a distribution says of itself.
pub(super) struct Distribution {
    /// `Debian`, `Ubuntu`, `RedHat` ...
    pub(super) name: String,
    version: String,
    release: String,
    file: &'static str,
    variety: String,
}

/// `ID` in os-release, Ansible's name, the family.
const KNOWN: &[(&str, &str, &str)] = &[
    ("almalinux", "AlmaLinux", "RedHat"),
    ("alpine", "Alpine", "Alpine"),
    ("amzn", "Amazon", "RedHat"),
    ("arch", "Archlinux", "Archlinux"),
    ("centos", "CentOS", "RedHat"),
    ("debian", "Debian", "Debian"),
    ("devuan", "Devuan", "Debian"),
    ("elementary", "Elementary", "Debian"),
    ("fedora", "Fedora", "RedHat"),
    ("gentoo", "Gentoo", "Gentoo"),
    ("kali", "Kali", "Debian"),
    ("linuxmint", "Linux Mint", "Debian"),
    ("manjaro", "Manjaro", "Archlinux"),
    ("nixos", "NixOS", "NixOS"),
    ("ol", "OracleLinux", "RedHat"),
    ("opensuse-leap", "openSUSE Leap", "Suse"),
    ("opensuse-tumbleweed", "openSUSE Tumbleweed", "Suse"),
    ("parrot", "Parrot", "Debian"),
    ("pop", "Pop!_OS", "Debian"),
    ("raspbian", "Debian", "Debian"),
    ("rhel", "RedHat", "RedHat"),
    ("rocky", "Rocky", "RedHat"),
    ("sled", "SLED", "Suse"),
    ("sles", "SLES", "Suse"),
    ("ubuntu", "Ubuntu", "Debian"),
    ("void", "Void", "Void"),
];

const OS_RELEASE: &str = "/etc/os-release";

/// Returns the distribution and its family.
pub(super) fn identify(host: &dyn Host) -> (Distribution, String) {
    let text = reader::content(OS_RELEASE, host)
        .or_else(|| reader::content("/usr/lib/os-release", host))
        .unwrap_or_default();
    let fields = reader::assignments(&text);
    let field = |name: &str| {
        fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    };
    let id = field("ID");
    let like = field("ID_LIKE");
    let entry = KNOWN.iter().find(|(known, ..)| *known == id);
    let name = match entry {
        Some((_, name, _)) => (*name).to_owned(),
        None => field("NAME")
            .split_whitespace()
            .next()
            .unwrap_or("NA")
            .to_owned(),
    };
    let family = match entry {
        Some((.., family)) => (*family).to_owned(),
        None => like
            .split_whitespace()
            .find_map(|like| KNOWN.iter().find(|(known, ..)| *known == like))
            .map_or_else(|| name.clone(), |(.., family)| (*family).to_owned()),
    };
    let release = match field("VERSION_CODENAME") {
        code if !code.is_empty() => code,
        _ => match field("VERSION").split_once('(') {
            Some((_, code)) => code.trim_end_matches(')').to_owned(),
            None => "NA".to_owned(),
        },
    };
    let (file, variety) = match family.as_str() {
        "Debian" => (OS_RELEASE, "Debian".to_owned()),
        "RedHat" if reader::exists("/etc/redhat-release", host) => {
            ("/etc/redhat-release", "RedHat".to_owned())
        }
        "Alpine" => ("/etc/alpine-release", "Alpine".to_owned()),
        "Archlinux" => ("/etc/arch-release", "Archlinux".to_owned()),
        "Suse" => (OS_RELEASE, "SUSE".to_owned()),
        _ => (OS_RELEASE, name.clone()),
    };
    let version = match name.as_str() {
        // The file has the point release, os-release the release alone.
        "Debian" => reader::content("/etc/debian_version", host)
            .filter(|version| version.starts_with(|first: char| first.is_ascii_digit()))
            .unwrap_or_else(|| field("VERSION_ID")),
        _ => field("VERSION_ID"),
    };
    let version = if version.is_empty() {
        "NA".to_owned()
    } else {
        version
    };
    (
        Distribution {
            name,
            version,
            release,
            file,
            variety,
        },
        family,
    )
}

/// `distribution*` and `os_family`.
pub(super) fn gather(host: &dyn Host) -> Dict {
    let (found, family) = identify(host);
    let mut parts = found.version.split('.');
    let major = parts.next().unwrap_or_default().to_owned();
    let mut facts = Dict::new()
        .with("distribution", found.name)
        .with("distribution_version", found.version.as_str())
        .with("distribution_release", found.release)
        .with("distribution_major_version", major)
        .with("distribution_file_path", found.file)
        .with("distribution_file_variety", found.variety)
        .with("distribution_file_parsed", true)
        .with("os_family", family);
    if let Some(minor) = parts.next() {
        facts.insert("distribution_minor_version", minor);
    }
    facts
}

/// `lsb`: what `lsb_release` says, or `/etc/lsb-release`.
pub(super) fn lsb(host: &dyn Host) -> Dict {
    let mut facts = match host.find_program("lsb_release") {
        Some(program) if reads_os_release(&program, host) => as_the_script_says(host),
        Some(_) => as_the_program_says(host),
        None => Dict::new(),
    };
    if facts.is_empty() {
        for (name, value) in reader::assignments(&reader::text("/etc/lsb-release", host)) {
            let name = match name.as_str() {
                "DISTRIB_ID" => "id",
                "DISTRIB_RELEASE" => "release",
                "DISTRIB_DESCRIPTION" => "description",
                "DISTRIB_CODENAME" => "codename",
                _ => continue,
            };
            facts.insert(name, value);
        }
    }
    let major = facts.get("release").map(|release| {
        release
            .to_text()
            .split('.')
            .next()
            .unwrap_or_default()
            .to_owned()
    });
    if let Some(major) = major {
        facts.insert("major_release", major);
    }
    Dict::new().with("lsb", facts)
}

/// Tells whether `lsb_release` is Debian's shell script, which prints what os-release holds by way of half a dozen programs.
fn reads_os_release(program: &str, host: &dyn Host) -> bool {
    let small = matches!(host.status(program, true), Ok(Some(status)) if status.size < 16_384);
    let text = if small {
        reader::text(program, host)
    } else {
        String::new()
    };
    text.starts_with("#!/bin/sh")
        && text.contains("os_release=/etc/os-release")
        && text.contains("PRETTY_NAME:-n/a")
        && host.environment("LSB_OS_RELEASE").is_none()
}

/// What that script prints.
fn as_the_script_says(host: &dyn Host) -> Dict {
    let text = reader::content(OS_RELEASE, host)
        .or_else(|| reader::content("/usr/lib/os-release", host))
        .unwrap_or_default();
    let fields = reader::assignments(&text);
    let field = |name: &str| {
        let found = fields.iter().rev().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.clone())
            .filter(|value| !value.is_empty())
    };
    let mut id = field("ID").unwrap_or_default();
    if let Some(first) = id.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    // The name counts where it is written differently only.
    let id = field("NAME")
        .filter(|name| name.eq_ignore_ascii_case(&id))
        .unwrap_or(id);
    let told = |text: Option<String>| {
        text.filter(|text| !text.is_empty())
            .unwrap_or_else(|| "n/a".to_owned())
    };
    Dict::new()
        .with("id", told(Some(id)))
        .with("description", told(field("PRETTY_NAME")))
        .with("release", told(field("VERSION_ID")))
        .with("codename", told(field("VERSION_CODENAME")))
}

fn as_the_program_says(host: &dyn Host) -> Dict {
    let output = host.run(&Command::new(["lsb_release", "-a"]).in_c_locale());
    let text = output
        .ok()
        .filter(Output::success)
        .map(|output| output.stdout_text())
        .unwrap_or_default();
    let mut facts = Dict::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let name = match name.trim() {
            "LSB Version" | "Release" => "release",
            "Distributor ID" => "id",
            "Description" => "description",
            "Codename" => "codename",
            _ => continue,
        };
        facts.insert(name, value.trim());
    }
    facts
}
