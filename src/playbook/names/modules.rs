//! Module names: from what a task says to the full name.

use std::sync::Arc;

const MODULES: &str = include_str!("modules.txt");
const REDIRECTS: &str = include_str!("redirects.txt");
const GONE: &str = include_str!("gone.txt");
const GROUPS: &str = include_str!("groups.txt");

/// What a module's name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The module of that full name.
    Known(Arc<str>),
    /// It was removed; what Ansible says of it.
    Gone(&'static str),
    /// Nobody has it.
    Unknown,
}

/// Returns the module that a name means. Short names are looked for in `collections`, then in `ansible.builtin`, whose redirects
/// lead to where modules have moved.
pub fn resolve(name: &str, collections: &[Arc<str>]) -> Resolution {
    if name.matches('.').count() >= 2 {
        return full(name);
    }
    for collection in collections {
        match full(&format!("{collection}.{name}")) {
            Resolution::Unknown => {}
            found => return found,
        }
    }
    full(&format!("ansible.builtin.{name}"))
}

fn full(name: &str) -> Resolution {
    let legacy;
    let name = match name.strip_prefix("ansible.legacy.") {
        Some(rest) => {
            legacy = format!("ansible.builtin.{rest}");
            &legacy
        }
        None => name,
    };
    let Some((collection, rest)) = split(name) else {
        return Resolution::Unknown;
    };
    if words_of(MODULES, collection).any(|module| module == rest) {
        return Resolution::Known(name.into());
    }
    for line in lines_of(REDIRECTS, collection) {
        let mut words = line.split(' ').skip(1);
        let target = words.next().unwrap_or_default();
        for word in words {
            let (old, new) = word.split_once('=').unwrap_or((word, word));
            if old == rest {
                return Resolution::Known(format!("{target}.{new}").into());
            }
        }
    }
    for line in GONE.lines() {
        if let Some(why) = line.strip_prefix(name)
            && (why.is_empty() || why.starts_with(' '))
        {
            return Resolution::Gone(why.trim_start());
        }
    }
    Resolution::Unknown
}

/// Returns collection and plugin of a full name.
fn split(name: &str) -> Option<(&str, &str)> {
    let first = name.find('.')?;
    let second = first + 1 + name.get(first + 1..)?.find('.')?;
    Some((name.get(..second)?, name.get(second + 1..)?))
}

/// Returns the lines whose first word is `collection`. The files are sorted, so that those lines stand together.
pub(super) fn lines_of<'a>(
    table: &'a str,
    collection: &str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let collection = collection.to_owned();
    let later = collection.clone();
    table
        .lines()
        .skip_while(move |line| !belongs(line, &collection))
        .take_while(move |line| belongs(line, &later))
}

fn belongs(line: &str, collection: &str) -> bool {
    line.strip_prefix(collection)
        .is_some_and(|rest| rest.starts_with(' '))
}

/// Returns the words after the first on the lines of `collection`.
pub(super) fn words_of<'a>(
    table: &'a str,
    collection: &str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    lines_of(table, collection).flat_map(|line| line.split(' ').skip(1))
}

/// Returns the names that a task may use for the modules of a collection, for "did you mean"; for `ansible.builtin` also the
/// short names that lead elsewhere.
pub fn module_names(collection: &str) -> impl Iterator<Item = &'static str> + use<> {
    let moved = lines_of(REDIRECTS, collection)
        .flat_map(|line| line.split(' ').skip(2))
        .map(|word| word.split_once('=').map_or(word, |(old, _)| old));
    words_of(MODULES, collection).chain(moved)
}

/// Returns the full name of an action group, if there is one of that name.
pub fn group_name(name: &str) -> Option<String> {
    let name = if name.matches('.').count() >= 2 {
        name.to_owned()
    } else {
        format!("ansible.builtin.{name}")
    };
    let exists = lines_of(GROUPS, &name).next().is_some();
    exists.then_some(name)
}

/// Tells whether a module (full name) is a member of an action group (full name).
pub fn group_contains(group: &str, module: &str) -> bool {
    let Some((collection, _)) = split(group) else {
        return false;
    };
    let short = module
        .strip_prefix(collection)
        .and_then(|rest| rest.strip_prefix('.'));
    words_of(GROUPS, group).any(|member| member == module || Some(member) == short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> Resolution {
        Resolution::Known(name.into())
    }

    #[test]
    fn names_resolve_as_in_ansible() {
        for (name, full_name) in [
            ("copy", "ansible.builtin.copy"),
            ("ansible.builtin.copy", "ansible.builtin.copy"),
            ("ansible.legacy.copy", "ansible.builtin.copy"),
            ("ufw", "community.general.ufw"),
            ("ansible.builtin.ufw", "community.general.ufw"),
            ("timezone", "community.general.timezone"),
            ("sysctl", "ansible.posix.sysctl"),
            ("authorized_key", "ansible.posix.authorized_key"),
            ("yum", "ansible.builtin.dnf"),
            (
                "community.general.proxmox_kvm",
                "community.proxmox.proxmox_kvm",
            ),
            ("k8s", "kubernetes.core.k8s"),
        ] {
            assert_eq!(resolve(name, &[]), known(full_name), "{name}");
        }
        assert_eq!(resolve("kopy", &[]), Resolution::Unknown);
        assert_eq!(resolve("nobody.nowhere.copy", &[]), Resolution::Unknown);
    }

    #[test]
    fn collections_are_searched_first() {
        let collections = ["kubernetes.core".into(), "ansible.posix".into()];
        assert_eq!(resolve("helm", &collections), known("kubernetes.core.helm"));
        assert_eq!(resolve("copy", &collections), known("ansible.builtin.copy"));
    }

    #[test]
    fn what_was_removed_says_so() {
        assert!(
            matches!(resolve("ali_instance_facts", &[]), Resolution::Gone(why) if why.contains("ali_instance_info"))
        );
    }

    #[test]
    fn action_groups_know_their_members() {
        let group = group_name("k8s").unwrap();
        assert!(group_contains(&group, "kubernetes.core.k8s_info"));
        assert!(group_contains(
            "kubernetes.core.helm",
            "kubernetes.core.helm_repository"
        ));
        assert!(!group_contains(&group, "ansible.builtin.copy"));
        assert_eq!(group_name("nonsense"), None);
    }

    #[test]
    fn every_module_that_kplay_has_is_one_of_ansible() {
        for entry in crate::modules::all() {
            let meta = entry.meta();
            for name in std::iter::once(&meta.name).chain(meta.aliases) {
                assert!(matches!(resolve(name, &[]), Resolution::Known(_)), "{name}");
            }
        }
    }
}
