//! Opens what a path leads to, so that later work does not depend on who renames what meanwhile (T11).
//!
//! An account can put a link into its own folders at any moment, also between a look and a write by root. So the way is walked
//! once, and what it ends at is kept open: its name below `/proc` leads there whatever happens to the path. A link counts as the
//! administrator's will where only root could make it; over any other one the way may lead only to what is the account's own.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path};

use rustix::fs::{
    CWD, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2, readlinkat,
};
use rustix::io::Errno;

use super::files::refused;
use crate::kit::HostError;

/// As many links as the kernel follows.
const MOST_LINKS: u32 = 40;
const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What is kept open.
#[derive(Debug)]
pub(super) struct Pinned(OwnedFd);

impl Pinned {
    /// Returns its name, for this process and for those that it starts.
    pub(super) fn name(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }
}

/// Opens what the absolute path leads to; nothing where there is none.
pub(super) fn pin(path: &str, owner: u32) -> Result<Option<Pinned>, HostError> {
    match straight(path) {
        Ok(found) => return Ok(Some(Pinned(found))),
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        // A link lies on the way, or the kernel is older than 5.6, or a filter of system calls hides it.
        Err(_) => {}
    }
    let failed = |error: Errno| refused("open", path, &io::Error::from(error));
    match walk(path).map_err(failed)? {
        None => Ok(None),
        Some((_, Some(status))) if status.st_uid != owner => Err(HostError::Other(format!(
            "`{path}` goes through a symbolic link to something that does not belong to the account: it is not followed"
        ))),
        Some((found, _)) => Ok(Some(Pinned(found))),
    }
}

fn straight(path: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH.union(OFlags::CLOEXEC);
    openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)
}

/// Tells whether only root can make or replace a name in that folder, if it belongs to root.
fn is_roots_own(folder: &Stat) -> bool {
    let sticky = folder.st_mode & 0o1000 != 0;
    folder.st_uid == 0 && (folder.st_mode & 0o022 == 0 || sticky)
}

/// Goes step by step; the status comes along if the way went over a link that others than root could make.
fn walk(path: &str) -> Result<Option<(OwnedFd, Option<Stat>)>, Errno> {
    let root = || openat(CWD, "/", LOOK.union(OFlags::DIRECTORY), Mode::empty());
    let mut place = root()?;
    let mut ahead: VecDeque<OsString> = VecDeque::new();
    push_front(&mut ahead, OsStr::new(path));
    let (mut links, mut foreign) = (0, false);
    while let Some(name) = ahead.pop_front() {
        let next = match openat(&place, &name, LOOK, Mode::empty()) {
            Ok(next) => next,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(error) => return Err(error),
        };
        let status = fstat(&next)?;
        if FileType::from_raw_mode(status.st_mode) != FileType::Symlink {
            place = next;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return Err(Errno::LOOP);
        }
        foreign |= status.st_uid != 0 || !is_roots_own(&fstat(&place)?);
        let target = OsString::from_vec(readlinkat(&next, "", Vec::new())?.into_bytes());
        if target.as_bytes().starts_with(b"/") {
            place = root()?;
        }
        push_front(&mut ahead, &target);
    }
    let status = if foreign { Some(fstat(&place)?) } else { None };
    Ok(Some((place, status)))
}

fn push_front(ahead: &mut VecDeque<OsString>, path: &OsStr) {
    for part in Path::new(path).components().rev() {
        match part {
            Component::Normal(name) => ahead.push_front(name.to_owned()),
            Component::ParentDir => ahead.push_front("..".into()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{lchown, symlink};
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// A private folder of the account 4711, who can rename what is in it.
    fn home() -> Option<tempfile::TempDir> {
        let home = tempfile::tempdir().unwrap();
        lchown(home.path(), Some(4711), Some(4711)).ok()?;
        Some(home)
    }

    fn text(path: &Path) -> &str {
        path.to_str().unwrap()
    }

    fn folder(path: &Path, owner: u32) {
        std::fs::create_dir(path).unwrap();
        lchown(path, Some(owner), None).unwrap();
    }

    #[test]
    fn what_is_there_is_opened_and_what_is_not_is_nothing() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        assert!(pin(text(&path), 0).unwrap().is_none());
        std::fs::write(&path, "content").unwrap();
        let pinned = pin(text(&path), 0).unwrap().unwrap();
        std::fs::rename(&path, place.path().join("other")).unwrap();
        assert_eq!(std::fs::read_to_string(pinned.name()).unwrap(), "content");
    }

    #[test]
    fn t11_a_link_of_the_account_leads_only_to_its_own() {
        let Some(home) = home() else { return };
        let (own, roots) = (home.path().join("own"), home.path().join("roots"));
        folder(&own, 4711);
        folder(&roots, 0);
        for (target, fine) in [(&own, true), (&roots, false)] {
            // A link that root owns, in a folder of the account's, may be moved there by the account.
            for owner in [4711, 0] {
                let link = home.path().join(format!("link-{fine}-{owner}"));
                symlink(target, &link).unwrap();
                lchown(&link, Some(owner), None).unwrap();
                assert_eq!(pin(text(&link), 4711).is_ok(), fine, "{owner}");
            }
        }
        let again = home.path().join("loop");
        symlink(&again, &again).unwrap();
        assert!(pin(text(&again), 4711).is_err());
        assert!(
            pin(text(&home.path().join("link-true-0/none")), 4711)
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn links_of_root_are_followed() {
        let Some(home) = home() else { return };
        lchown(home.path(), Some(0), None).unwrap();
        let (real, link) = (home.path().join("real"), home.path().join("link"));
        folder(&real, 0);
        symlink("./real/../real", &link).unwrap();
        assert!(pin(text(&link), 4711).unwrap().is_some());
    }

    /// The account exchanges its folder and a link without pause, while root writes into the folder.
    #[test]
    fn t11_a_race_is_not_won() {
        use rustix::fs::{RenameFlags, renameat_with};
        let Some(home) = home() else { return };
        let victim = tempfile::tempdir().unwrap();
        let (ssh, trap) = (home.path().join(".ssh"), home.path().join("trap"));
        folder(&ssh, 4711);
        symlink(victim.path(), &trap).unwrap();
        lchown(&trap, Some(4711), None).unwrap();
        let stop = AtomicBool::new(false);
        let (mut written, mut lost) = (0, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    renameat_with(CWD, &ssh, CWD, &trap, RenameFlags::EXCHANGE).unwrap();
                }
            });
            let started = std::time::Instant::now();
            while (written < 200 || lost == 0) && started.elapsed().as_secs() < 20 {
                if let Ok(Some(pinned)) = pin(text(&ssh), 4711) {
                    std::fs::write(format!("{}/keys", pinned.name()), "key").unwrap();
                    written += 1;
                    assert!(!victim.path().join("keys").exists());
                }
                // The control: a look and then a write by name does lose.
                if std::fs::symlink_metadata(&ssh).is_ok_and(|found| found.is_dir()) {
                    let _ = std::fs::write(ssh.join("careless"), "key");
                    lost += usize::from(victim.path().join("careless").exists());
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert!(written >= 200 && lost > 0, "{written} written, {lost} lost");
    }
}
