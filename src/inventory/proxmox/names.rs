//! Names of groups and variables, as the plugin makes them.

/// Blanks go, and whatever is no ASCII letter, digit or `_` becomes `_`.
fn safe(name: &str) -> String {
    name.chars()
        .filter(|letter| *letter != ' ')
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || letter == '_' {
                letter
            } else {
                '_'
            }
        })
        .collect()
}

/// Returns the name with its prefix. The prefix keeps its case.
pub(super) fn prefixed(prefix: &str, name: &str) -> String {
    safe(&format!("{prefix}{}", name.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_plugin() {
        for (name, expected) in [
            ("all_lxc", "proxmox_all_lxc"),
            ("pve-1_qemu", "proxmox_pve_1_qemu"),
            ("pool_Big Pool", "proxmox_pool_bigpool"),
            ("pool_ä", "proxmox_pool__"),
        ] {
            assert_eq!(prefixed("proxmox_", name), expected);
        }
        assert_eq!(prefixed("PX-", "All"), "PX_all");
    }
}
