//! Facts about what guards the host: mandatory access control, capabilities, FIPS mode, host keys.

use super::reader;
use crate::kit::Host;
use crate::value::{Dict, Value};

/// `apparmor`.
pub(super) fn apparmor(host: &dyn Host) -> Dict {
    let enabled = reader::exists("/sys/kernel/security/apparmor", host);
    let status = if enabled { "enabled" } else { "disabled" };
    Dict::new().with("apparmor", Dict::new().with("status", status))
}

/// `selinux`.
pub(super) fn selinux(host: &dyn Host) -> Dict {
    let facts = Dict::new().with("selinux_python_present", true);
    let Some(mode) = reader::content("/sys/fs/selinux/enforce", host) else {
        return facts.with("selinux", Dict::new().with("status", "disabled"));
    };
    let settings = reader::assignments(&reader::text("/etc/selinux/config", host));
    let setting = |name: &str| {
        let found = settings.iter().find(|(known, _)| known == name);
        found.map_or_else(|| "unknown".to_owned(), |(_, value)| value.clone())
    };
    let version = reader::content("/sys/fs/selinux/policyvers", host);
    let version = version.and_then(|text| text.parse::<i64>().ok());
    let selinux = Dict::new()
        .with("status", "enabled")
        .with(
            "policyvers",
            version.map_or_else(|| Value::from("unknown"), Value::from),
        )
        .with("config_mode", setting("SELINUX"))
        .with(
            "mode",
            if mode == "1" {
                "enforcing"
            } else {
                "permissive"
            },
        )
        .with("type", setting("SELINUXTYPE"));
    facts.with("selinux", selinux)
}

/// `fips`.
pub(super) fn fips(host: &dyn Host) -> Dict {
    let enabled = reader::content("/proc/sys/crypto/fips_enabled", host).as_deref() == Some("1");
    Dict::new().with("fips", enabled)
}

/// `is_chroot`: whether the root directory is another than that of process 1.
pub(super) fn chroot(host: &dyn Host) -> Dict {
    let named = host
        .environment("debian_chroot")
        .is_some_and(|name| !name.is_empty());
    let own = host.status("/", true).ok().flatten();
    let first = host.status("/proc/1/root/.", true).ok().flatten();
    let changed = match (own, first) {
        (Some(own), Some(first)) => (own.inode, own.device) != (first.inode, first.device),
        // Who may not look at process 1 goes by the number that a root directory has: 2 on ext4, 128 on XFS, 256 on btrfs.
        (Some(own), None) => ![2, 128, 256].contains(&own.inode),
        (None, _) => false,
    };
    Dict::new().with("is_chroot", named || changed)
}

/// The kernel's names of capabilities, by number.
const CAPABILITIES: &[&str] = &[
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

/// `system_capabilities`: which the one who acts has, where that is not all of them.
pub(super) fn capabilities(host: &dyn Host) -> Dict {
    let status = reader::text("/proc/self/status", host);
    let set = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(line.trim(), 16).ok()
    };
    let last = reader::content("/proc/sys/kernel/cap_last_cap", host)
        .and_then(|text| text.parse::<u32>().ok());
    let (Some(effective), Some(last)) = (set("CapEff:"), last) else {
        return Dict::new()
            .with("system_capabilities_enforced", "N/A")
            .with("system_capabilities", "N/A");
    };
    let all = 1u64.checked_shl(last + 1).map_or(u64::MAX, |bit| bit - 1);
    let enforced = effective & all != all;
    let names: Vec<&str> = CAPABILITIES
        .iter()
        .enumerate()
        .filter(|(number, _)| enforced && effective & (1 << number) != 0)
        .map(|(_, name)| *name)
        .collect();
    Dict::new()
        .with(
            "system_capabilities_enforced",
            if enforced { "True" } else { "False" },
        )
        .with("system_capabilities", names)
}

/// `ssh_host_key_*_public` and their types.
pub(super) fn host_keys(host: &dyn Host) -> Dict {
    let mut facts = Dict::new();
    for folder in ["/etc/ssh", "/etc/openssh", "/etc"] {
        for kind in ["dsa", "rsa", "ecdsa", "ed25519"] {
            let text = reader::content(&format!("{folder}/ssh_host_{kind}_key.pub"), host)
                .unwrap_or_default();
            let mut words = text.split_whitespace();
            if let (Some(name), Some(key)) = (words.next(), words.next()) {
                facts.insert(format!("ssh_host_key_{kind}_public"), key);
                facts.insert(format!("ssh_host_key_{kind}_public_keytype"), name);
            }
        }
        if !facts.is_empty() {
            break;
        }
    }
    facts
}
