//! Which symbolic links root may follow (T11).
//!
//! Whoever owns a directory can put a link into it that leads anywhere. When root acts, a link of another user's is followed only to
//! what belongs to that same user; links of root's, and those that any other account follows, are followed as Ansible follows them.

use crate::kit::{Failure, Host};

/// Returns the owner of a link on the way that leads out of its owner's reach, or nothing where all is well. `real` is the path
/// with all links resolved.
pub(super) fn foreign_link(
    path: &str,
    real: &str,
    host: &dyn Host,
) -> Result<Option<u32>, Failure> {
    if path == real || host.identity().uid != 0 {
        return Ok(None);
    }
    let mut owners = Vec::new();
    let ends = path
        .match_indices('/')
        .map(|(at, _)| at)
        .filter(|at| *at > 0)
        .chain([path.len()]);
    for end in ends {
        let Some(status) = path
            .get(..end)
            .map(|part| host.status(part, false))
            .transpose()?
            .flatten()
        else {
            continue;
        };
        if status.is_link() && status.uid != 0 {
            owners.push(status.uid);
        }
    }
    if owners.is_empty() {
        return Ok(None);
    }
    let target = host.status(real, false)?.map(|status| status.uid);
    Ok(owners.into_iter().find(|owner| target != Some(*owner)))
}

/// Fails where [`foreign_link`] finds one.
pub(super) fn refuse_foreign_link(path: &str, real: &str, host: &dyn Host) -> Result<(), Failure> {
    match foreign_link(path, real, host)? {
        None => Ok(()),
        Some(owner) => Err(Failure::new(format!(
            "refusing to follow `{path}`: a link of user {owner}'s leads to `{real}`, which is not that user's"
        ))
        .with("path", path)),
    }
}

/// Fails where the directory that `path` stands in is reached by such a link: a file made there would be made elsewhere.
pub(in crate::modules) fn refuse_foreign_directory(
    path: &str,
    host: &dyn Host,
) -> Result<(), Failure> {
    match path.trim_end_matches('/').rsplit_once('/') {
        Some((folder, _)) if !folder.is_empty() => {
            refuse_foreign_link(folder, &host.real_path(folder)?, host)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;

    #[test]
    fn t11_links_of_users_end_with_their_own_files() {
        let host = FakeHost::new()
            .user("app", 1000)
            .file("/etc/shadow", "")
            .file("/home/app/own", "")
            .owner("/home/app/own", 1000, 1000)
            .link("/home/app/bad", "/etc/shadow")
            .owner("/home/app/bad", 1000, 1000)
            .link("/home/app/dir", "/etc")
            .owner("/home/app/dir", 1000, 1000)
            .link("/home/app/good", "own")
            .owner("/home/app/good", 1000, 1000)
            .link("/srv/link", "/etc/shadow");
        let verdict = |path: &str, host: &FakeHost| {
            foreign_link(path, &host.real_path(path).unwrap(), host).unwrap()
        };
        assert_eq!(verdict("/home/app/bad", &host), Some(1000));
        assert_eq!(verdict("/home/app/dir/shadow", &host), Some(1000));
        assert_eq!(verdict("/home/app/dir/new", &host), Some(1000));
        assert_eq!(verdict("/home/app/good", &host), None);
        assert_eq!(verdict("/srv/link", &host), None);
        assert!(refuse_foreign_link("/home/app/bad", "/etc/shadow", &host).is_err());
        assert!(refuse_foreign_directory("/home/app/dir/new", &host).is_err());
        assert!(refuse_foreign_directory("/home/app/bad", &host).is_ok());
        assert!(refuse_foreign_directory("/new", &host).is_ok());
        assert_eq!(verdict("/home/app/bad", &host.acting_as("app")), None);
    }
}
