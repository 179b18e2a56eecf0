//! The file half of the real host: reading, and writing whole or not at all.
//!
//! New content lies in a file without a name (`O_TMPFILE`) until it is complete, has its mode and owner and is on the disk; then
//! it gets a temporary name and is renamed over the destination. Where the file system has no nameless files it has a random
//! name from the start, which [`super::cleanup::Cleanup`] removes if the step ends early.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt,
};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Timespec, Timestamps, Uid};

use crate::kit::{Attributes, DirectoryEntry, FileType, HostError, Status, Times, Write};

/// Returns the system's refusal as an error of the host.
pub(super) fn refused(operation: &'static str, path: &str, error: &io::Error) -> HostError {
    let errno = error.raw_os_error().unwrap_or(0);
    let text = error.to_string();
    let cause = text.split(" (os error").next().unwrap_or(&text).to_owned();
    HostError::System {
        operation,
        path: path.to_owned(),
        cause,
        errno,
    }
}

fn refused_raw(operation: &'static str, path: &str, error: rustix::io::Errno) -> HostError {
    refused(operation, path, &io::Error::from(error))
}

fn file_type(kind: fs::FileType) -> FileType {
    if kind.is_dir() {
        FileType::Directory
    } else if kind.is_symlink() {
        FileType::Link
    } else if kind.is_fifo() {
        FileType::Fifo
    } else if kind.is_socket() {
        FileType::Socket
    } else if kind.is_block_device() {
        FileType::Block
    } else if kind.is_char_device() {
        FileType::Character
    } else {
        FileType::File
    }
}

pub(super) fn status(path: &str, follow: bool) -> Result<Option<Status>, HostError> {
    let found = if follow {
        fs::metadata(path)
    } else {
        fs::symlink_metadata(path)
    };
    let data = match found {
        Ok(data) => data,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        // A link that points at itself leads nowhere.
        Err(error) if follow && error.raw_os_error() == Some(40) => return Ok(None),
        Err(error) => return Err(refused("look at", path, &error)),
    };
    let nanos = |value: i64| u32::try_from(value).unwrap_or(0);
    Ok(Some(Status {
        kind: file_type(data.file_type()),
        mode: data.mode() & 0o7777,
        uid: data.uid(),
        gid: data.gid(),
        size: data.size(),
        inode: data.ino(),
        device: data.dev(),
        links: data.nlink(),
        blocks: data.blocks(),
        block_size: data.blksize(),
        device_type: data.rdev(),
        times: Times {
            accessed: (data.atime(), nanos(data.atime_nsec())),
            modified: (data.mtime(), nanos(data.mtime_nsec())),
            changed: (data.ctime(), nanos(data.ctime_nsec())),
        },
    }))
}

pub(super) fn open(path: &str) -> Result<File, HostError> {
    File::open(path).map_err(|error| refused("read", path, &error))
}

/// Reads a whole file of at most `limit` bytes.
pub(super) fn read(path: &str, limit: u64) -> Result<Vec<u8>, HostError> {
    let mut file = open(path)?;
    let size = file
        .metadata()
        .map_err(|error| refused("read", path, &error))?
        .size();
    let mut content = Vec::with_capacity(usize::try_from(size.min(limit)).unwrap_or(0));
    (&mut file)
        .take(limit + 1)
        .read_to_end(&mut content)
        .map_err(|error| refused("read", path, &error))?;
    if u64::try_from(content.len()).unwrap_or(u64::MAX) > limit {
        return Err(HostError::Other(format!(
            "`{path}` is larger than {} MiB",
            limit >> 20
        )));
    }
    Ok(content)
}

pub(super) fn list(path: &str) -> Result<Vec<DirectoryEntry>, HostError> {
    let failed = |error: &io::Error| refused("list", path, error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        let kind = entry.file_type().map_err(|error| failed(&error))?;
        entries.push(DirectoryEntry {
            name: entry.file_name().to_string_lossy().into_owned(),
            kind: file_type(kind),
        });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

pub(super) fn read_link(path: &str) -> Result<String, HostError> {
    let target = fs::read_link(path).map_err(|error| refused("read the link", path, &error))?;
    Ok(target.to_string_lossy().into_owned())
}

/// Resolves links and dots as far as the path exists, as Python's `realpath`.
pub(super) fn real_path(path: &str) -> String {
    let mut existing = PathBuf::from(path);
    let mut missing: Vec<OsString> = Vec::new();
    loop {
        if let Ok(found) = fs::canonicalize(&existing) {
            let whole = missing
                .iter()
                .rev()
                .fold(found, |path, part| path.join(part));
            return whole.to_string_lossy().into_owned();
        }
        match (
            existing.file_name().map(ToOwned::to_owned),
            existing.parent().map(Path::to_path_buf),
        ) {
            (Some(name), Some(parent)) => {
                missing.push(name);
                existing = if parent.as_os_str().is_empty() {
                    PathBuf::from(".")
                } else {
                    parent
                };
            }
            _ => return path.to_owned(),
        }
    }
}

pub(super) fn access(path: &str) -> (bool, bool, bool) {
    let may = |access| rustix::fs::accessat(CWD, path, access, AtFlags::EACCESS).is_ok();
    (
        may(rustix::fs::Access::READ_OK),
        may(rustix::fs::Access::WRITE_OK),
        may(rustix::fs::Access::EXEC_OK),
    )
}

/// Returns the umask as the kernel shows it, without setting it as `umask(2)` would. The worker keeps the one of its login.
pub(super) fn umask() -> u32 {
    static UMASK: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *UMASK.get_or_init(|| {
        fs::read_to_string("/proc/self/status")
            .ok()
            .and_then(|text| {
                let line = text.lines().find_map(|line| line.strip_prefix("Umask:"))?;
                u32::from_str_radix(line.trim(), 8).ok()
            })
            .unwrap_or(0o022)
    })
}

/// A file under construction.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) file: File,
    /// Its name, if it has one.
    pub(super) name: Option<PathBuf>,
}

/// The folder of a path; a bare name lies in the current one.
pub(super) fn folder(path: &str) -> PathBuf {
    match Path::new(path).parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Returns a name that nobody else uses: 16 random hexadecimal digits between `prefix` and `suffix`.
pub(super) fn random_name(prefix: &str, suffix: &str) -> Result<String, HostError> {
    let mut bytes = [0; 8];
    fill_random(&mut bytes)?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{prefix}{digits}{suffix}"))
}

/// Returns a name as Python's `tempfile` makes them: eight letters, digits and underscores. Whoever takes it must be ready
/// to find it taken.
fn short_name(prefix: &str, suffix: &str) -> Result<String, HostError> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz_01234";
    let mut bytes = [0; 8];
    fill_random(&mut bytes)?;
    let letters: String = bytes
        .iter()
        .filter_map(|byte| LETTERS.get(usize::from(byte % 32)))
        .map(|letter| char::from(*letter))
        .collect();
    Ok(format!("{prefix}{letters}{suffix}"))
}

pub(super) fn fill_random(bytes: &mut [u8]) -> Result<(), HostError> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())
            .map_err(|error| refused_raw("read", "the system's random numbers", error))?;
    }
    Ok(())
}

/// Opens a new file for the content of `destination`, mode 0600.
pub(super) fn draft(destination: &str, nameless: bool) -> Result<Draft, HostError> {
    let folder = folder(destination);
    if nameless {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        if let Ok(file) = rustix::fs::open(&folder, flags, Mode::RUSR | Mode::WUSR) {
            return Ok(Draft {
                file: File::from(file),
                name: None,
            });
        }
    }
    let path = folder.join(random_name(".kplay-", ".tmp")?);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| refused("write to the directory", &folder.to_string_lossy(), &error))?;
    Ok(Draft {
        file,
        name: Some(path),
    })
}

/// A draft with the path and the way of its place.
pub(super) type Ready = (Draft, String, Write);

/// Gives complete drafts their modes and owners and puts each in the place of its destination. None is placed before all are
/// on the disk.
pub(super) fn commit_all(ready: &mut [Ready]) -> Result<(), HostError> {
    let several = ready.len() > 1;
    for (draft, destination, write) in ready.iter() {
        set_final_attributes(&draft.file, destination, write.attributes)?;
        if several {
            // Starts the writing of this file, so that the journal is committed for all of them at once below. That it also
            // gives up cached pages costs nothing: those that are being written stay.
            let _ = rustix::fs::fadvise(&draft.file, 0, None, rustix::fs::Advice::DontNeed);
        }
    }
    for (draft, destination, _) in ready.iter() {
        let synced = draft.file.sync_all();
        synced.map_err(|error| refused("write", destination, &error))?;
    }
    let mut folders = BTreeSet::new();
    for (draft, destination, write) in ready.iter_mut() {
        match place(draft, destination) {
            Ok(()) => {
                folders.insert(folder(destination));
            }
            Err(error) if write.unsafe_writes => {
                overwrite(&mut draft.file, destination).map_err(|_| error)?;
            }
            Err(error) => return Err(error),
        }
    }
    for folder in folders {
        // The new names themselves must survive a power cut; a file system without that is no reason to fail.
        if let Ok(directory) = File::open(folder) {
            let _ = directory.sync_all();
        }
    }
    Ok(())
}

/// Gives a complete draft the name of its destination, in one step.
fn place(draft: &mut Draft, destination: &str) -> Result<(), HostError> {
    let name = if let Some(name) = &draft.name {
        name.clone()
    } else {
        let name = folder(destination).join(random_name(".kplay-", ".tmp")?);
        let source = format!(
            "/proc/self/fd/{}",
            std::os::fd::AsRawFd::as_raw_fd(&draft.file)
        );
        rustix::fs::linkat(CWD, source.as_str(), CWD, &name, AtFlags::SYMLINK_FOLLOW)
            .map_err(|error| refused_raw("write", destination, error))?;
        draft.name = Some(name.clone());
        name
    };
    fs::rename(&name, destination).map_err(|error| refused("write", destination, &error))?;
    draft.name = None;
    Ok(())
}

/// Mode, owner and group as wanted; what nobody asked for stays as the replaced file has it.
fn set_final_attributes(
    file: &File,
    destination: &str,
    wanted: Attributes,
) -> Result<(), HostError> {
    let old = fs::metadata(destination).ok();
    let own = file
        .metadata()
        .map_err(|error| refused("write", destination, &error))?;
    let uid = wanted
        .uid
        .or_else(|| old.as_ref().map(MetadataExt::uid))
        .filter(|uid| *uid != own.uid());
    let gid = wanted
        .gid
        .or_else(|| old.as_ref().map(MetadataExt::gid))
        .filter(|gid| *gid != own.gid());
    if uid.is_some() || gid.is_some() {
        let changed =
            rustix::fs::fchown(file.as_fd(), uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        // Keeping the owner of the old file is a courtesy that only root can always give.
        if let Err(error) = changed
            && (wanted.uid.is_some() || wanted.gid.is_some())
        {
            return Err(refused_raw("give the owner to", destination, error));
        }
    }
    let mode = wanted
        .mode
        .or_else(|| old.map(|data| data.mode() & 0o7777))
        .unwrap_or(0o666 & !umask());
    file.set_permissions(fs::Permissions::from_mode(mode))
        .map_err(|error| refused("set the mode of", destination, &error))
}

/// Writes into the file that is there: for mounts of single files, where a rename is refused.
fn overwrite(draft: &mut File, destination: &str) -> io::Result<()> {
    use std::io::Seek as _;
    draft.rewind()?;
    let mut target = OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(destination)?;
    io::copy(draft, &mut target)?;
    target.sync_all()
}

/// Makes a directory that is never more open than it is meant to be; an inherited set-group-ID bit stays.
pub(super) fn make_directory(path: &str, mode: u32) -> Result<(), HostError> {
    let failed = |error: &io::Error| refused("make the directory", path, error);
    fs::DirBuilder::new()
        .mode(mode)
        .create(path)
        .map_err(|error| failed(&error))?;
    let made = fs::metadata(path).map_err(|error| failed(&error))?.mode() & 0o7777;
    // The umask may have taken bits away.
    if mode & !made == 0 {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(made | mode))
        .map_err(|error| failed(&error))
}

pub(super) fn remove(path: &str) -> Result<(), HostError> {
    let data = fs::symlink_metadata(path).map_err(|error| refused("remove", path, &error))?;
    let removed = if data.is_dir() {
        fs::remove_dir(path)
    } else {
        fs::remove_file(path)
    };
    removed.map_err(|error| refused("remove", path, &error))
}

pub(super) fn copy_preserving(from: &str, to: &str) -> Result<(), HostError> {
    let failed = |error: &io::Error| refused("write", to, error);
    let mut source = open(from)?;
    let data = source
        .metadata()
        .map_err(|error| refused("read", from, &error))?;
    let mut target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(|error| failed(&error))?;
    io::copy(&mut source, &mut target).map_err(|error| failed(&error))?;
    // As with `cp -p`: who may not give files away keeps them.
    let _ = rustix::fs::fchown(
        target.as_fd(),
        Some(Uid::from_raw(data.uid())),
        Some(Gid::from_raw(data.gid())),
    );
    target
        .set_permissions(fs::Permissions::from_mode(data.mode() & 0o7777))
        .map_err(|error| failed(&error))?;
    let times = fs::FileTimes::new()
        .set_accessed(data.accessed().map_err(|error| failed(&error))?)
        .set_modified(data.modified().map_err(|error| failed(&error))?);
    target.set_times(times).map_err(|error| failed(&error))?;
    target
        .flush()
        .and_then(|()| target.sync_all())
        .map_err(|error| failed(&error))
}

/// Makes a link under a random name and renames it over `path`, so that there is always one or the other.
pub(super) fn replace_by_link(
    path: &str,
    make: impl Fn(&Path) -> io::Result<()>,
) -> Result<(), HostError> {
    let failed = |error: &io::Error| refused("make the link", path, error);
    match make(Path::new(path)) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(&error)),
    }
    let name = folder(path).join(random_name(".kplay-", ".tmp")?);
    make(&name).map_err(|error| failed(&error))?;
    fs::rename(&name, path).map_err(|error| {
        let _ = fs::remove_file(&name);
        failed(&error)
    })?;
    // Renaming one name of a file over another of the same file leaves both.
    let _ = fs::remove_file(&name);
    Ok(())
}

pub(super) fn touch(path: &str, mode: u32) -> Result<(), HostError> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(mode)
        .open(path)
        .map(drop)
        .map_err(|error| refused("create", path, &error))
}

pub(super) fn set_mode(path: &str, mode: u32, follow: bool) -> Result<(), HostError> {
    let link = fs::symlink_metadata(path)
        .map_err(|error| refused("set the mode of", path, &error))?
        .is_symlink();
    if link && !follow {
        return Ok(());
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|error| refused("set the mode of", path, &error))
}

pub(super) fn set_owner(
    path: &str,
    uid: Option<u32>,
    gid: Option<u32>,
    follow: bool,
) -> Result<(), HostError> {
    let done = if follow {
        std::os::unix::fs::chown(path, uid, gid)
    } else {
        std::os::unix::fs::lchown(path, uid, gid)
    };
    done.map_err(|error| refused("change the owner of", path, &error))
}

pub(super) fn set_times(
    path: &str,
    accessed: Option<(i64, u32)>,
    modified: Option<(i64, u32)>,
    follow: bool,
) -> Result<(), HostError> {
    let stamp = |time: Option<(i64, u32)>| match time {
        Some((tv_sec, nanos)) => Timespec {
            tv_sec,
            tv_nsec: nanos.into(),
        },
        None => Timespec {
            tv_sec: 0,
            tv_nsec: rustix::fs::UTIME_OMIT,
        },
    };
    let flags = if follow {
        AtFlags::empty()
    } else {
        AtFlags::SYMLINK_NOFOLLOW
    };
    let times = Timestamps {
        last_access: stamp(accessed),
        last_modification: stamp(modified),
    };
    rustix::fs::utimensat(CWD, path, &times, flags)
        .map_err(|error| refused_raw("set the times of", path, error))
}

/// Makes a file or directory with a random name that only its owner can enter.
pub(super) fn temporary(
    parent: &str,
    prefix: &str,
    suffix: &str,
    directory: bool,
) -> Result<String, HostError> {
    let path = Path::new(parent).join(short_name(prefix, suffix)?);
    let text = OsString::from_vec(path.clone().into_os_string().into_vec())
        .to_string_lossy()
        .into_owned();
    let made = if directory {
        fs::DirBuilder::new().mode(0o700).create(&path)
    } else {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map(drop)
    };
    made.map_err(|error| refused("write to the directory", parent, &error))?;
    Ok(text)
}
