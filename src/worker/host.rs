//! The real host: what modules see of the machine that the worker runs on, as the user it runs as.
//!
//! Longer than most files: one implementation of one trait.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::accounts;
use super::cleanup::{Cleanup, Owner};
use super::command::{self, Limits, Surroundings};
use super::files::{self, Draft, refused};
use super::pin::{Pinned, pin};
use crate::kit::{
    Command, Content, DirectoryEntry, FileSystem, Group, Host, HostError, Identity, Output,
    Placement, Reader, Signal, Staged, Status, Supplied, User, Write,
};
use crate::value::{Dict, Value};

/// The most that [`Host::read`] returns.
const LARGEST_READ: u64 = 256 << 20;

/// Gives the content of the controller's files.
pub(super) trait ContentSource: Send + Sync {
    /// Opens the content of that number.
    fn open(&self, content: u64, limits: &Limits) -> Result<Reader, HostError>;
}

/// The machine, for one invocation of a module.
pub(super) struct RealHost {
    identity: Identity,
    start: String,
    environment: Vec<(String, String)>,
    supplied: Vec<Supplied>,
    contents: Arc<dyn ContentSource>,
    settings: Arc<Dict>,
    limits: Limits,
    cleanup: Cleanup,
    owner: Owner,
    drafts: Mutex<BTreeMap<String, Draft>>,
    pinned: Mutex<Vec<Pinned>>,
    seen: bool,
}

/// What a [`RealHost`] is made from.
pub(super) struct HostParts {
    pub(super) identity: Identity,
    /// The whole environment of commands, the task's own included.
    pub(super) environment: Vec<(String, String)>,
    pub(super) supplied: Vec<Supplied>,
    pub(super) contents: Arc<dyn ContentSource>,
    pub(super) settings: Arc<Dict>,
    pub(super) limits: Limits,
    pub(super) cleanup: Cleanup,
    pub(super) owner: Owner,
    /// Somebody may look at the return values.
    pub(super) seen: bool,
}

/// Returns who the worker runs as.
pub(super) fn current_identity() -> Identity {
    let uid = rustix::process::geteuid().as_raw();
    let gid = rustix::process::getegid().as_raw();
    let account = accounts::user_by_id(uid);
    let home = std::env::var("HOME")
        .ok()
        .filter(|home| home.starts_with('/'));
    Identity {
        user: account
            .as_ref()
            .map_or_else(|| uid.to_string(), |user| user.name.clone()),
        uid,
        gid,
        home: home
            .or_else(|| account.map(|user| user.home))
            .unwrap_or_else(|| "/".to_owned()),
    }
}

impl RealHost {
    pub(super) fn new(parts: HostParts) -> Self {
        let HostParts {
            identity,
            environment,
            supplied,
            contents,
            settings,
            limits,
            cleanup,
            owner,
            seen,
        } = parts;
        let drafts = Mutex::new(BTreeMap::new());
        let start = std::env::current_dir().map_or_else(
            |_| identity.home.clone(),
            |folder| folder.to_string_lossy().into_owned(),
        );
        Self {
            identity,
            start,
            environment,
            supplied,
            contents,
            settings,
            limits,
            cleanup,
            owner,
            drafts,
            pinned: Mutex::default(),
            seen,
        }
    }

    /// Relative paths start where the worker does: where the login (or `sudo`) put it.
    fn path(&self, path: &str) -> String {
        if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}/{path}", self.start.trim_end_matches('/'))
        }
    }

    fn begin(&self, path: &str) -> Result<String, HostError> {
        self.limits.check()?;
        if path.contains('\0') {
            return Err(HostError::Other(
                "a path must not hold a NUL byte".to_owned(),
            ));
        }
        Ok(self.path(path))
    }

    fn drafts(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Draft>> {
        self.drafts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(
        &self,
        draft: &mut Draft,
        destination: &str,
        content: Content<'_>,
    ) -> Result<(), HostError> {
        let failed = |error: &io::Error| refused("write", destination, error);
        let mut from_file;
        let source: &mut dyn io::Read = match content {
            Content::Bytes(bytes) => {
                return draft.file.write_all(bytes).map_err(|error| failed(&error));
            }
            Content::Stream(stream) => stream,
            Content::File(path) => {
                from_file = files::open(&self.path(path))?;
                &mut from_file
            }
        };
        let mut buffer = vec![0; 1 << 17];
        loop {
            self.limits.check()?;
            let count = match source.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(refused("read the content of", destination, &error)),
            };
            draft
                .file
                .write_all(buffer.get(..count).unwrap_or_default())
                .map_err(|error| failed(&error))?;
        }
    }

    fn temporary_parent(&self, parent: Option<&str>) -> Result<String, HostError> {
        match parent {
            Some(parent) => self.begin(parent),
            None => Ok(self
                .environment("TMPDIR")
                .filter(|folder| Path::new(folder).is_dir())
                .unwrap_or_else(|| "/tmp".to_owned())),
        }
    }
}

impl Drop for RealHost {
    /// A draft that nobody committed is removed with the step.
    fn drop(&mut self) {
        for (_, draft) in std::mem::take(&mut *self.drafts()) {
            if let Some(name) = draft.name {
                let _ = fs::remove_file(&name);
                self.cleanup.file_settled(&name);
            }
        }
    }
}

impl Host for RealHost {
    fn result_is_seen(&self) -> bool {
        self.seen
    }

    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn status(&self, path: &str, follow: bool) -> Result<Option<Status>, HostError> {
        files::status(&self.begin(path)?, follow)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, HostError> {
        files::read(&self.begin(path)?, LARGEST_READ)
    }

    fn open(&self, path: &str) -> Result<Reader, HostError> {
        Ok(Box::new(files::open(&self.begin(path)?)?))
    }

    fn list(&self, path: &str) -> Result<Vec<DirectoryEntry>, HostError> {
        files::list(&self.begin(path)?)
    }

    fn read_link(&self, path: &str) -> Result<String, HostError> {
        files::read_link(&self.begin(path)?)
    }

    fn real_path(&self, path: &str) -> Result<String, HostError> {
        Ok(files::real_path(&self.begin(path)?))
    }

    fn pin(&self, path: &str, owner: u32) -> Result<Option<String>, HostError> {
        let Some(found) = pin(&self.begin(path)?, owner)? else {
            return Ok(None);
        };
        let name = found.name();
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.push(found);
        Ok(Some(name))
    }

    fn file_system(&self, path: &str) -> Result<FileSystem, HostError> {
        let path = self.begin(path)?;
        let sizes =
            rustix::fs::statvfs(&path).map_err(|error| refused("measure", &path, &error.into()))?;
        Ok(FileSystem {
            block_size: sizes.f_bsize,
            fragment_size: sizes.f_frsize,
            blocks: sizes.f_blocks,
            blocks_available: sizes.f_bavail,
            inodes: sizes.f_files,
            inodes_available: sizes.f_favail,
        })
    }

    fn access(&self, path: &str) -> (bool, bool, bool) {
        files::access(&self.path(path))
    }

    fn umask(&self) -> u32 {
        files::umask()
    }

    fn stage(&self, destination: &str, content: Content<'_>) -> Result<Staged, HostError> {
        let destination = self.begin(destination)?;
        let mut draft = files::draft(&destination, true)?;
        if let Some(name) = &draft.name {
            self.cleanup.file_made(name.clone(), self.owner);
        }
        let path = draft.name.as_ref().map_or_else(
            || {
                format!(
                    "/proc/{}/fd/{}",
                    std::process::id(),
                    std::os::fd::AsRawFd::as_raw_fd(&draft.file)
                )
            },
            |name| name.to_string_lossy().into_owned(),
        );
        let filled = self.fill(&mut draft, &destination, content);
        self.drafts().insert(path.clone(), draft);
        let staged = Staged { path };
        match filled {
            Ok(()) => Ok(staged),
            Err(error) => {
                self.discard(staged);
                Err(error)
            }
        }
    }

    fn commit(&self, staged: Staged, destination: &str, write: Write) -> Result<(), HostError> {
        self.commit_all(vec![Placement {
            staged,
            destination: destination.to_owned(),
            write,
        }])
    }

    fn commit_all(&self, placements: Vec<Placement>) -> Result<(), HostError> {
        let mut ready = Vec::with_capacity(placements.len());
        let taken = placements.into_iter().try_for_each(|placement| {
            let destination = self.begin(&placement.destination)?;
            let path = placement.staged.path;
            let draft = self
                .drafts()
                .remove(&path)
                .ok_or_else(|| HostError::Other(format!("`{path}` was staged by another step")))?;
            ready.push((draft, destination, placement.write));
            Ok(())
        });
        let before: Vec<Option<PathBuf>> =
            ready.iter().map(|(draft, ..)| draft.name.clone()).collect();
        let done = taken.and_then(|()| files::commit_all(&mut ready));
        for ((draft, ..), before) in ready.iter().zip(&before) {
            for name in [before.as_ref(), draft.name.as_ref()].into_iter().flatten() {
                if done.is_err() || draft.name.is_some() {
                    let _ = fs::remove_file(name);
                }
                self.cleanup.file_settled(name);
            }
        }
        done
    }

    fn discard(&self, staged: Staged) {
        if let Some(Draft {
            name: Some(name), ..
        }) = self.drafts().remove(&staged.path)
        {
            let _ = fs::remove_file(&name);
            self.cleanup.file_settled(&name);
        }
    }

    fn make_directory(&self, path: &str, mode: u32) -> Result<(), HostError> {
        files::make_directory(&self.begin(path)?, mode)
    }

    fn remove(&self, path: &str) -> Result<(), HostError> {
        files::remove(&self.begin(path)?)
    }

    fn remove_tree(&self, path: &str) -> Result<(), HostError> {
        let path = self.begin(path)?;
        fs::remove_dir_all(&path).map_err(|error| refused("remove", &path, &error))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), HostError> {
        let (from, to) = (self.begin(from)?, self.path(to));
        fs::rename(&from, &to).map_err(|error| refused("rename to", &to, &error))
    }

    fn copy_preserving(&self, from: &str, to: &str) -> Result<(), HostError> {
        files::copy_preserving(&self.begin(from)?, &self.path(to))
    }

    fn symbolic_link(&self, target: &str, path: &str) -> Result<(), HostError> {
        files::replace_by_link(&self.begin(path)?, |name| {
            std::os::unix::fs::symlink(target, name)
        })
    }

    fn hard_link(&self, target: &str, path: &str) -> Result<(), HostError> {
        let target = self.path(target);
        files::replace_by_link(&self.begin(path)?, |name| fs::hard_link(&target, name))
    }

    fn touch(&self, path: &str, mode: u32) -> Result<(), HostError> {
        files::touch(&self.begin(path)?, mode)
    }

    fn set_mode(&self, path: &str, mode: u32, follow: bool) -> Result<(), HostError> {
        files::set_mode(&self.begin(path)?, mode, follow)
    }

    fn set_owner(
        &self,
        path: &str,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), HostError> {
        files::set_owner(&self.begin(path)?, uid, gid, follow)
    }

    fn set_times(
        &self,
        path: &str,
        accessed: Option<(i64, u32)>,
        modified: Option<(i64, u32)>,
        follow: bool,
    ) -> Result<(), HostError> {
        files::set_times(&self.begin(path)?, accessed, modified, follow)
    }

    fn temporary_directory(
        &self,
        parent: Option<&str>,
        prefix: &str,
        suffix: &str,
    ) -> Result<String, HostError> {
        files::temporary(&self.temporary_parent(parent)?, prefix, suffix, true)
    }

    fn temporary_file(
        &self,
        parent: Option<&str>,
        prefix: &str,
        suffix: &str,
    ) -> Result<String, HostError> {
        files::temporary(&self.temporary_parent(parent)?, prefix, suffix, false)
    }

    fn run(&self, command: &Command) -> Result<Output, HostError> {
        let Some(name) = command.argv.first() else {
            return Err(HostError::Other("there is no command to run".to_owned()));
        };
        let program = if name.contains('/') {
            // As a shell would: relative to the directory that the command runs in.
            let base = command.directory.as_deref().unwrap_or(&self.identity.home);
            if name.starts_with('/') {
                name.clone()
            } else {
                format!("{}/{name}", base.trim_end_matches('/'))
            }
        } else {
            self.find_program(name)
                .ok_or_else(|| HostError::NoProgram {
                    program: name.clone(),
                    path: self.search_path().join(":"),
                })?
        };
        command::run(
            &program,
            command,
            &Surroundings {
                environment: &self.environment,
                limits: &self.limits,
                cleanup: &self.cleanup,
                owner: self.owner,
            },
        )
    }

    fn find_program(&self, name: &str) -> Option<String> {
        if name.contains('/') {
            return files::access(name).2.then(|| name.to_owned());
        }
        self.search_path()
            .iter()
            .map(|folder| PathBuf::from(folder).join(name))
            .find_map(|path| {
                let text = path.to_string_lossy().into_owned();
                (path.is_file() && files::access(&text).2).then_some(text)
            })
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.environment
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    }

    fn environment_all(&self) -> Vec<(String, String)> {
        let mut all = self.environment.clone();
        all.sort();
        all
    }

    fn user(&self, name: &str) -> Result<Option<User>, HostError> {
        Ok(accounts::user(name))
    }

    fn user_by_id(&self, uid: u32) -> Result<Option<User>, HostError> {
        Ok(accounts::user_by_id(uid))
    }

    fn group(&self, name: &str) -> Result<Option<Group>, HostError> {
        Ok(accounts::group(name))
    }

    fn group_by_id(&self, gid: u32) -> Result<Option<Group>, HostError> {
        Ok(accounts::group_by_id(gid))
    }

    fn groups(&self) -> Result<Vec<Group>, HostError> {
        Ok(accounts::groups())
    }

    fn signal(&self, process: u32, signal: Signal) -> Result<(), HostError> {
        let name = process.to_string();
        let pid = i32::try_from(process)
            .ok()
            .and_then(rustix::process::Pid::from_raw);
        let pid = pid.ok_or_else(|| HostError::Other(format!("{name} is no process")))?;
        let signal = match signal {
            Signal::Terminate => rustix::process::Signal::TERM,
            Signal::Kill => rustix::process::Signal::KILL,
        };
        rustix::process::kill_process(pid, signal)
            .map_err(|error| refused("signal process", &name, &error.into()))
    }

    fn connect(
        &self,
        address: &str,
        port: u16,
        timeout: Duration,
        read: Option<usize>,
    ) -> Result<Option<Vec<u8>>, HostError> {
        self.limits.check()?;
        let Some(addresses) = resolve(address, port) else {
            return Ok(None);
        };
        for target in addresses {
            let Ok(mut stream) =
                TcpStream::connect_timeout(&target, timeout.max(Duration::from_millis(1)))
            else {
                continue;
            };
            let mut heard = Vec::new();
            if let Some(most) = read {
                let _ = stream.set_read_timeout(Some(timeout.max(Duration::from_millis(1))));
                let mut buffer = vec![0; most.min(1 << 16)];
                if let Ok(count) = stream.read(&mut buffer) {
                    heard.extend_from_slice(buffer.get(..count).unwrap_or_default());
                }
            }
            return Ok(Some(heard));
        }
        Ok(None)
    }

    fn now(&self) -> (i64, u32) {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        (
            i64::try_from(since.as_secs()).unwrap_or(0),
            since.subsec_nanos(),
        )
    }

    fn utc_offset(&self, seconds: i64) -> i32 {
        let zone = jiff::tz::TimeZone::system();
        jiff::Timestamp::from_second(seconds).map_or(0, |time| zone.to_offset(time).seconds())
    }

    fn sleep(&self, length: Duration) -> Result<(), HostError> {
        self.limits.sleep(length)
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), HostError> {
        files::fill_random(bytes)
    }

    fn supplied(&self) -> &[Supplied] {
        &self.supplied
    }

    fn open_supplied(&self, content: u64) -> Result<Reader, HostError> {
        self.contents.open(content, &self.limits)
    }

    fn setting(&self, name: &str) -> Option<Value> {
        self.settings.get(name).cloned()
    }
}

impl RealHost {
    /// `PATH` of the step, then the folders where an administrator's programs lie.
    fn search_path(&self) -> Vec<String> {
        let mut folders: Vec<String> = self
            .environment("PATH")
            .unwrap_or_default()
            .split(':')
            .filter(|folder| folder.starts_with('/'))
            .map(ToOwned::to_owned)
            .collect();
        for folder in [
            "/usr/local/sbin",
            "/usr/local/bin",
            "/usr/sbin",
            "/usr/bin",
            "/sbin",
            "/bin",
        ] {
            if !folders.iter().any(|known| known == folder) {
                folders.push(folder.to_owned());
            }
        }
        folders
    }
}

/// Looks an address up: numbers by themselves, names by `getent`, since a static program must not load the name service.
fn resolve(address: &str, port: u16) -> Option<Vec<std::net::SocketAddr>> {
    if let Ok(ip) = address.trim_matches(['[', ']']).parse::<std::net::IpAddr>() {
        return Some(vec![(ip, port).into()]);
    }
    let output = std::process::Command::new("getent")
        .args(["ahosts", "--", address])
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .output();
    if let Ok(output) = output {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut found: Vec<std::net::SocketAddr> = text
            .lines()
            .filter_map(|line| {
                line.split_whitespace()
                    .next()?
                    .parse::<std::net::IpAddr>()
                    .ok()
            })
            .map(|ip| (ip, port).into())
            .collect();
        found.dedup();
        return (!found.is_empty()).then_some(found);
    }
    (address, port)
        .to_socket_addrs()
        .ok()
        .map(Iterator::collect)
}
