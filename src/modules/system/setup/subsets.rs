//! Which groups of facts `gather_subset` asks for.

use super::gathering::Gathering;
use super::{
    accounts, boot, clock, devices, distribution, hardware, local, managers, mounts, network,
    platform, security, virtualization,
};
use crate::kit::ArgumentError;
use crate::value::Dict;

/// A group of facts.
#[derive(Clone, Copy)]
pub(super) struct Group {
    /// Its name in `gather_subset`.
    pub(super) name: &'static str,
    /// Facts that stand for it there.
    facts: &'static [&'static str],
    /// It is part of `min`.
    minimal: bool,
    /// Groups that come with it.
    requires: &'static [&'static str],
    /// Gathers it.
    pub(super) gather: fn(&mut Gathering<'_>) -> Dict,
}

const fn minimal(name: &'static str, gather: fn(&mut Gathering<'_>) -> Dict) -> Group {
    Group {
        name,
        facts: &[],
        minimal: true,
        requires: &[],
        gather,
    }
}

const fn further(name: &'static str, gather: fn(&mut Gathering<'_>) -> Dict) -> Group {
    Group {
        name,
        facts: &[],
        minimal: false,
        requires: &[],
        gather,
    }
}

const fn standing_for(group: Group, facts: &'static [&'static str]) -> Group {
    Group { facts, ..group }
}

const fn requiring(group: Group, requires: &'static [&'static str]) -> Group {
    Group { requires, ..group }
}

/// All groups, those first that others build on.
const GROUPS: &[Group] = &[
    standing_for(
        minimal("platform", |with| platform::gather(with.host)),
        &[
            "system",
            "kernel",
            "kernel_version",
            "machine",
            "python_version",
            "architecture",
            "machine_id",
        ],
    ),
    standing_for(
        minimal("distribution", |with| distribution::gather(with.host)),
        &[
            "distribution_version",
            "distribution_release",
            "distribution_major_version",
            "os_family",
        ],
    ),
    minimal("lsb", |with| distribution::lsb(with.host)),
    minimal("apparmor", |with| security::apparmor(with.host)),
    standing_for(
        minimal("caps", |with| security::capabilities(with.host)),
        &["system_capabilities", "system_capabilities_enforced"],
    ),
    standing_for(
        further("chroot", |with| security::chroot(with.host)),
        &["is_chroot"],
    ),
    minimal("cmdline", |with| boot::command_line(with.host)),
    minimal("date_time", |with| clock::gather(with.host)),
    minimal("dns", |with| network::dns(with.host)),
    minimal("env", |with| accounts::environment(with.host)),
    further("facter", |_| Dict::new()),
    further("fibre_channel_wwn", |with| {
        devices::fibre_channel(with.host)
    }),
    minimal("fips", |with| security::fips(with.host)),
    requiring(
        standing_for(
            further("hardware", |with| {
                let mut facts = hardware::gather(with.host);
                facts.extend(devices::gather(with.host));
                facts.extend(boot::uptime(with.host));
                facts.extend(mounts::gather(with));
                facts
            }),
            &[
                "processor",
                "processor_cores",
                "processor_count",
                "mounts",
                "devices",
            ],
        ),
        &["platform"],
    ),
    further("iscsi", |with| devices::iscsi(with.host)),
    further("loadavg", |with| boot::load(with.host)),
    minimal("local", local::gather),
    requiring(
        standing_for(
            further("network", |with| network::gather(with.host)),
            &[
                "interfaces",
                "default_ipv4",
                "default_ipv6",
                "all_ipv4_addresses",
                "all_ipv6_addresses",
            ],
        ),
        &["distribution", "platform"],
    ),
    further("nvme", |with| devices::nvme(with.host)),
    further("ohai", |_| Dict::new()),
    requiring(
        minimal("pkg_mgr", |with| managers::packages(with.host)),
        &["distribution"],
    ),
    minimal("python", |with| platform::python(with.host)),
    minimal("selinux", |with| security::selinux(with.host)),
    requiring(
        minimal("service_mgr", |with| managers::services(with.host)),
        &["platform", "distribution"],
    ),
    standing_for(
        minimal("ssh_pub_keys", |with| security::host_keys(with.host)),
        &[
            "ssh_host_pub_keys",
            "ssh_host_key_dsa_public",
            "ssh_host_key_rsa_public",
            "ssh_host_key_ecdsa_public",
            "ssh_host_key_ed25519_public",
        ],
    ),
    further("systemd", |with| managers::systemd(with.host)),
    standing_for(
        minimal("user", |with| accounts::gather(with.host)),
        &[
            "user_id",
            "user_uid",
            "user_gid",
            "user_gecos",
            "user_dir",
            "user_shell",
            "real_user_id",
            "effective_user_id",
            "effective_group_ids",
        ],
    ),
    standing_for(
        further("virtual", |with| virtualization::gather(with.host)),
        &[
            "virtualization_type",
            "virtualization_role",
            "virtualization_tech_guest",
            "virtualization_tech_host",
        ],
    ),
];

/// Returns the groups that are asked for, in the order to gather them in.
pub(super) fn select(wanted: &[String]) -> Result<Vec<&'static Group>, ArgumentError> {
    let all = || GROUPS.iter().flat_map(Group::names);
    let mut added: Vec<&str> = GROUPS
        .iter()
        .filter(|group| group.minimal)
        .flat_map(Group::names)
        .collect();
    let (mut excluded, mut explicit): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    let wanted: Vec<&str> = wanted
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
        .collect();
    let wanted = if wanted.is_empty() {
        vec!["all"]
    } else {
        wanted
    };
    for name in wanted {
        match name {
            "min" => {}
            "all" => added.extend(all()),
            "!min" => excluded.extend(
                GROUPS
                    .iter()
                    .filter(|group| group.minimal)
                    .flat_map(Group::names),
            ),
            "!all" => excluded.extend(
                GROUPS
                    .iter()
                    .filter(|group| !group.minimal)
                    .flat_map(Group::names),
            ),
            _ => {
                let plain = name.strip_prefix('!');
                let known = all().find(|known| *known == plain.unwrap_or(name));
                match (plain, known) {
                    (None, None) => return Err(unknown(name)),
                    (None, Some(known)) => {
                        added.push(known);
                        explicit.push(known);
                    }
                    // To leave out what nobody knows is no mistake.
                    (Some(_), None) => {}
                    (Some(_), Some(known)) => {
                        excluded.push(known);
                        let group = GROUPS.iter().filter(|group| group.name == known);
                        excluded.extend(group.flat_map(Group::names));
                    }
                }
            }
        }
    }
    added.retain(|name| explicit.contains(name) || !excluded.contains(name));
    let chosen = |group: &'static Group| group.names().any(|name| added.contains(&name));
    let required: Vec<&str> = GROUPS
        .iter()
        .filter(|group| chosen(group))
        .flat_map(|group| group.requires.iter().copied())
        .collect();
    Ok(GROUPS
        .iter()
        .filter(|group| chosen(group) || required.contains(&group.name))
        .collect())
}

impl Group {
    fn names(&'static self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.facts.iter().copied())
    }
}

fn unknown(name: &str) -> ArgumentError {
    let mut known: Vec<&str> = GROUPS.iter().flat_map(Group::names).collect();
    known.sort_unstable();
    known.dedup();
    ArgumentError::general(format!(
        "Bad subset '{name}' given to Ansible. gather_subset options allowed: all, {}",
        known.join(", ")
    ))
}
