//! Which programs manage packages and services.

use super::{distribution, reader};
use crate::kit::{Command, Host, Output};
use crate::modules::paths;
use crate::value::Dict;

/// Programs of package managers, and their names in Ansible, the preferred one first.
const PACKAGE_MANAGERS: &[(&str, &str)] = &[
    ("/usr/bin/apt-get", "apt"),
    ("/usr/bin/dnf5", "dnf5"),
    ("/usr/bin/dnf-3", "dnf"),
    ("/usr/bin/dnf", "dnf"),
    ("/usr/bin/microdnf", "dnf"),
    ("/usr/bin/yum", "yum"),
    ("/usr/bin/zypper", "zypper"),
    ("/sbin/apk", "apk"),
    ("/usr/bin/apk", "apk"),
    ("/usr/bin/pacman", "pacman"),
    ("/usr/bin/xbps-install", "xbps"),
    ("/usr/bin/emerge", "portage"),
    ("/bin/opkg", "opkg"),
    ("/usr/bin/swupd", "swupd"),
    ("/usr/sbin/urpmi", "urpmi"),
];

/// Returns the name of the host's package manager.
pub(in crate::modules) fn package_manager(host: &dyn Host) -> &'static str {
    let (_, family) = distribution::identify(host);
    let there = |wanted: Option<&str>| {
        PACKAGE_MANAGERS
            .iter()
            .find(|(path, name)| {
                wanted.is_none_or(|wanted| wanted == *name) && reader::exists(path, host)
            })
            .map(|(_, name)| *name)
    };
    // A foreign manager that is installed as well (`apt-get` on Fedora) is not the system's own.
    let own: &[&str] = match family.as_str() {
        "Debian" => &["apt"],
        "RedHat" => &["dnf5", "dnf", "yum"],
        "Suse" => &["zypper"],
        "Alpine" => &["apk"],
        "Archlinux" => &["pacman"],
        _ => &[],
    };
    own.iter()
        .find_map(|name| there(Some(name)))
        .or_else(|| there(None))
        .unwrap_or("unknown")
}

/// `pkg_mgr`.
pub(super) fn packages(host: &dyn Host) -> Dict {
    Dict::new().with("pkg_mgr", package_manager(host))
}

/// `service_mgr`.
pub(super) fn services(host: &dyn Host) -> Dict {
    Dict::new().with("service_mgr", service_manager(host))
}

/// Returns the name of the host's service manager: process 1, or what is installed where that says nothing.
pub(in crate::modules) fn service_manager(host: &dyn Host) -> String {
    let init_link = || host.read_link("/sbin/init").ok();
    let first = reader::content("/proc/1/comm", host)
        .or_else(init_link)
        .map(|name| paths::base_name(&name).to_owned())
        .filter(|name| name != "init" && !name.ends_with("sh"));
    if let Some(first) = first {
        return match first.as_str() {
            "procd" => "openwrt_init".to_owned(),
            "runit-init" => "runit".to_owned(),
            "svscan" => "svc".to_owned(),
            "openrc-init" => "openrc".to_owned(),
            _ => first,
        };
    }
    let exists = |path: &str| reader::exists(path, host);
    if runs_systemd(host) {
        "systemd"
    } else if host.find_program("initctl").is_some() && exists("/etc/init/") {
        "upstart"
    } else if exists("/sbin/openrc") {
        "openrc"
    } else if init_link().is_some_and(|target| paths::base_name(&target) == "systemd")
        && host.find_program("systemctl").is_some()
    {
        "systemd"
    } else if exists("/etc/init.d/") {
        "sysvinit"
    } else if exists("/etc/dinit.d/") {
        "dinit"
    } else {
        "service"
    }
    .to_owned()
}

/// Tells whether systemd runs on the host, as `sd_booted` does.
pub(in crate::modules) fn runs_systemd(host: &dyn Host) -> bool {
    host.find_program("systemctl").is_some()
        && ["/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd"]
            .iter()
            .any(|path| reader::exists(path, host))
}

/// `systemd`: version and features, where systemd runs.
pub(super) fn systemd(host: &dyn Host) -> Dict {
    if !runs_systemd(host) {
        return Dict::new();
    }
    let output = host.run(&Command::new(["systemctl", "--version"]).in_c_locale());
    let Some(output) = output.ok().filter(Output::success) else {
        return Dict::new();
    };
    let text = output.stdout_text();
    let mut lines = text.lines();
    let version = lines
        .next()
        .and_then(|line| line.split_whitespace().nth(1)?.parse::<i64>().ok());
    let features = lines.next().unwrap_or_default();
    version.map_or_else(Dict::new, |version| {
        Dict::new().with(
            "systemd",
            Dict::new()
                .with("version", version)
                .with("features", features),
        )
    })
}
