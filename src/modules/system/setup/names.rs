//! Which group gives which fact: for the engine, which has only those groups gathered that a run can name.

/// The groups with the facts that only they give. What is in none of them is the name of an interface, which `network` gives.
const GIVES: &[(&str, &[&str])] = &[
    ("apparmor", &["apparmor"]),
    (
        "caps",
        &["system_capabilities", "system_capabilities_enforced"],
    ),
    ("chroot", &["is_chroot"]),
    ("cmdline", &["cmdline", "proc_cmdline"]),
    ("date_time", &["date_time"]),
    (
        "distribution",
        &[
            "distribution",
            "distribution_file_parsed",
            "distribution_file_path",
            "distribution_file_variety",
            "distribution_major_version",
            "distribution_minor_version",
            "distribution_release",
            "distribution_version",
            "os_family",
        ],
    ),
    ("dns", &["dns"]),
    ("env", &["env"]),
    ("fibre_channel_wwn", &["fibre_channel_wwn"]),
    ("fips", &["fips"]),
    (
        "hardware",
        &[
            "bios_date",
            "bios_vendor",
            "bios_version",
            "board_asset_tag",
            "board_name",
            "board_serial",
            "board_vendor",
            "board_version",
            "chassis_asset_tag",
            "chassis_serial",
            "chassis_vendor",
            "chassis_version",
            "device_links",
            "devices",
            "flags",
            "form_factor",
            "lvm",
            "memfree_mb",
            "memory_mb",
            "memtotal_mb",
            "mounts",
            "processor",
            "processor_cores",
            "processor_count",
            "processor_nproc",
            "processor_threads_per_core",
            "processor_vcpus",
            "product_name",
            "product_serial",
            "product_uuid",
            "product_version",
            "swapfree_mb",
            "swaptotal_mb",
            "system_vendor",
            "uptime_seconds",
        ],
    ),
    ("iscsi", &["iscsi_iqn"]),
    ("loadavg", &["loadavg"]),
    ("local", &["local"]),
    ("lsb", &["lsb"]),
    ("nvme", &["hostnqn"]),
    ("pkg_mgr", &["pkg_mgr"]),
    (
        "platform",
        &[
            "architecture",
            "domain",
            "fqdn",
            "hostname",
            "kernel",
            "kernel_version",
            "machine",
            "machine_id",
            "nodename",
            "system",
            "userspace_architecture",
            "userspace_bits",
        ],
    ),
    ("python", &["python", "python_version"]),
    ("selinux", &["selinux", "selinux_python_present"]),
    ("service_mgr", &["service_mgr"]),
    (
        "ssh_pub_keys",
        &[
            "ssh_host_key_dsa_public",
            "ssh_host_key_dsa_public_keytype",
            "ssh_host_key_ecdsa_public",
            "ssh_host_key_ecdsa_public_keytype",
            "ssh_host_key_ed25519_public",
            "ssh_host_key_ed25519_public_keytype",
            "ssh_host_key_rsa_public",
            "ssh_host_key_rsa_public_keytype",
        ],
    ),
    ("systemd", &["systemd"]),
    (
        "user",
        &[
            "effective_group_id",
            "effective_user_id",
            "real_group_id",
            "real_user_id",
            "user_dir",
            "user_gecos",
            "user_gid",
            "user_id",
            "user_shell",
            "user_uid",
        ],
    ),
    (
        "virtual",
        &[
            "virtualization_role",
            "virtualization_tech_guest",
            "virtualization_tech_host",
            "virtualization_type",
        ],
    ),
];

/// Groups that are gathered in each case: what an administrator has put there may have effects and gives warnings.
pub(super) const ALWAYS: [&str; 1] = ["local"];

/// Returns the group that gives a fact, whose name has no `ansible_` in front.
pub fn fact_group(fact: &str) -> &'static str {
    GIVES
        .iter()
        .find(|(_, facts)| facts.contains(&fact))
        .map_or("network", |(group, _)| group)
}
