//! A host as modules see it: files, commands, users. The worker implements it; [`super::FakeHost`] stands in for tests.
//!
//! Every call can end early: the step's deadline has passed, or the run was cancelled ([`HostError::Cancelled`]). Errors name the
//! operation, the path and the cause. Paths are absolute, or relative to the directory that the
//! worker was started in: the login user's home, or on the controller itself where kplay runs.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use super::need::Supplied;
use crate::value::Value;

/// Why the host did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The system refused.
    #[error("cannot {operation} `{path}`: {cause}")]
    System {
        /// The verb: `read`, `write`, `list`.
        operation: &'static str,
        /// The path, or the program.
        path: String,
        /// The system's words, such as `Permission denied`.
        cause: String,
        /// The system's number, such as 13.
        errno: i32,
    },
    /// The program is not on this host.
    #[error("`{program}` is not installed on this host (looked in {path})")]
    NoProgram {
        /// Its name.
        program: String,
        /// The search path.
        path: String,
    },
    /// The step's deadline has passed.
    #[error("the time limit of {0} s has passed")]
    Deadline(u64),
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// Anything else, as a sentence's fragment.
    #[error("{0}")]
    Other(String),
}

impl HostError {
    /// Tells whether the path does not exist (`ENOENT`, `ENOTDIR`).
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::System { errno: 2 | 20, .. })
    }
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileType {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block device.
    Block,
    /// A character device.
    Character,
}

/// Points in time of a file: seconds since 1970 and nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Last read.
    pub accessed: (i64, u32),
    /// Last written.
    pub modified: (i64, u32),
    /// Last change of the inode.
    pub changed: (i64, u32),
}

/// What `stat` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// What it is.
    pub kind: FileType,
    /// The lower twelve bits of the mode.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// Inode.
    pub inode: u64,
    /// Device that it lies on.
    pub device: u64,
    /// Hard links.
    pub links: u64,
    /// Blocks of 512 bytes.
    pub blocks: u64,
    /// Preferred size of reads.
    pub block_size: u64,
    /// The device that it is.
    pub device_type: u64,
    /// Points in time.
    pub times: Times,
}

impl Status {
    /// Tells whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// Tells whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind == FileType::File
    }

    /// Tells whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.kind == FileType::Link
    }
}

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name without its folder.
    pub name: String,
    /// What it is, links not followed.
    pub kind: FileType,
}

/// What to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Program and arguments; a program without `/` is looked for in `PATH` and the usual system folders.
    pub argv: Vec<String>,
    /// What it reads from standard input; nothing means the null device.
    pub stdin: Option<Vec<u8>>,
    /// The directory it runs in; nothing means where relative paths start.
    pub directory: Option<String>,
    /// Environment variables on top of the task's own.
    pub environment: Vec<(String, String)>,
    /// The umask.
    pub umask: Option<u32>,
    /// An end of its own, besides the step's deadline.
    pub timeout: Option<Duration>,
}

impl Command {
    /// Returns a command of those words.
    pub fn new<T: Into<String>>(argv: impl IntoIterator<Item = T>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Runs with `LANG=C` and `LC_ALL=C`, so that output can be read.
    #[must_use]
    pub fn in_c_locale(mut self) -> Self {
        for name in ["LANG", "LC_ALL", "LC_MESSAGES", "LC_CTYPE", "LANGUAGE"] {
            self.environment.push((name.to_owned(), "C".to_owned()));
        }
        self
    }

    /// Gives it something to read.
    #[must_use]
    pub fn with_stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(text.into());
        self
    }
}

/// The end of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Exit status; a signal's number negated, as Python's `subprocess` has it.
    pub status: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Tells whether it ended with status 0.
    pub fn success(&self) -> bool {
        self.status == 0
    }

    /// Returns standard output as text.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Returns standard error as text.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Name.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// Comment.
    pub comment: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Number.
    pub gid: u32,
    /// Members by name.
    pub members: Vec<String>,
}

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name.
    pub user: String,
    /// Number.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
    /// Home directory.
    pub home: String,
}

/// What goes into a file.
pub enum Content<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// What the reader gives, piece by piece.
    Stream(&'a mut dyn Read),
    /// What another file of the host holds.
    File(&'a str),
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(out, "{} bytes", bytes.len()),
            Self::Stream(_) => out.write_str("a stream"),
            Self::File(path) => write!(out, "the content of {path}"),
        }
    }
}

/// Mode and owner that a written file gets before its name is its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits; nothing keeps those of the file that is replaced, or gives `0666` less the umask to a new one.
    pub mode: Option<u32>,
    /// Owner; nothing keeps the replaced file's.
    pub uid: Option<u32>,
    /// Group; nothing keeps the replaced file's.
    pub gid: Option<u32>,
}

/// How a staged file takes its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Write {
    /// Mode and owner.
    pub attributes: Attributes,
    /// Where a rename is refused, write into the file that is there (`unsafe_writes`).
    pub unsafe_writes: bool,
}

/// A whole file that lies beside its destination under a name of its own, mode 0600. Dropping it leaves it: hand it to
/// [`Host::commit`] or [`Host::discard`]. The worker removes what is left of a step that ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// Where it lies, for `validate`.
    pub path: String,
}

/// A staged file that is ready to take its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// What was staged.
    pub staged: Staged,
    /// Where it goes.
    pub destination: String,
    /// How.
    pub write: Write,
}

/// How large and how full a file system is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileSystem {
    /// Preferred size of reads.
    pub block_size: u64,
    /// Bytes that `blocks` counts in.
    pub fragment_size: u64,
    /// All blocks.
    pub blocks: u64,
    /// Blocks that others than root may still take.
    pub blocks_available: u64,
    /// All inodes.
    pub inodes: u64,
    /// Inodes that others than root may still take.
    pub inodes_available: u64,
}

/// An open file.
pub type Reader = Box<dyn Read + Send>;

/// A signal for a process of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ask it to end.
    Terminate,
    /// End it.
    Kill,
}

/// The host, as the user who acts.
pub trait Host {
    /// Returns who acts.
    fn identity(&self) -> Identity;

    /// Tells whether anybody may look at the return values; one that is dear and no part of the work may be left out otherwise.
    fn result_is_seen(&self) -> bool {
        true
    }

    /// Returns what a path is, or nothing where there is none. `follow` looks through symbolic links (a broken one is none).
    fn status(&self, path: &str, follow: bool) -> Result<Option<Status>, HostError>;

    /// Returns a whole file; one that is larger than 256 MiB is refused: use [`Host::open`].
    fn read(&self, path: &str) -> Result<Vec<u8>, HostError>;

    /// Opens a file for reading.
    fn open(&self, path: &str) -> Result<Reader, HostError>;

    /// Returns the names in a directory, sorted.
    fn list(&self, path: &str) -> Result<Vec<Entry>, HostError>;

    /// Returns the target of a symbolic link as written.
    fn read_link(&self, path: &str) -> Result<String, HostError>;

    /// Returns the path with links and dots resolved as far as it exists.
    fn real_path(&self, path: &str) -> Result<String, HostError>;

    /// Opens what a path leads to and returns a name that leads there until the step ends, whoever renames what meanwhile; nothing
    /// where there is none. Links that others than root could have made are followed only to what belongs to `owner`.
    fn pin(&self, path: &str, owner: u32) -> Result<Option<String>, HostError>;

    /// Returns the sizes of the file system that a path lies on.
    fn file_system(&self, path: &str) -> Result<FileSystem, HostError> {
        Err(HostError::Other(format!(
            "nothing is known of the file system of `{path}`"
        )))
    }

    /// Tells whether the one who acts may read, write and execute the path.
    fn access(&self, path: &str) -> (bool, bool, bool);

    /// Returns the umask of the one who acts.
    fn umask(&self) -> u32;

    /// Writes a whole file beside `destination` (mode 0600) without touching the destination.
    fn stage(&self, destination: &str, content: Content<'_>) -> Result<Staged, HostError>;

    /// Gives the staged file its mode and owner, waits until it is on the disk and renames it over `destination`.
    fn commit(&self, staged: Staged, destination: &str, write: Write) -> Result<(), HostError>;

    /// Commits several files in that order, up to the first that cannot be; none is renamed before all are on the disk. The
    /// disk is waited for once, which is what many small files cost most.
    fn commit_all(&self, placements: Vec<Placement>) -> Result<(), HostError> {
        let mut placements = placements.into_iter();
        for placement in placements.by_ref() {
            let Placement {
                staged,
                destination,
                write,
            } = placement;
            if let Err(error) = self.commit(staged, &destination, write) {
                placements.for_each(|rest| self.discard(rest.staged));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Removes a staged file.
    fn discard(&self, staged: Staged);

    /// Makes one directory with those permission bits.
    fn make_directory(&self, path: &str, mode: u32) -> Result<(), HostError>;

    /// Removes a file, link, or empty directory.
    fn remove(&self, path: &str) -> Result<(), HostError>;

    /// Removes a directory and all in it; links are removed, not followed.
    fn remove_tree(&self, path: &str) -> Result<(), HostError>;

    /// Renames.
    fn rename(&self, from: &str, to: &str) -> Result<(), HostError>;

    /// Copies a file with mode, owner and times to a name that must be free.
    fn copy_preserving(&self, from: &str, to: &str) -> Result<(), HostError>;

    /// Makes a symbolic link at `path` to `target`, replacing a link or file that is there in one step.
    fn symbolic_link(&self, target: &str, path: &str) -> Result<(), HostError>;

    /// Makes a hard link at `path` to the file `target`, replacing a file that is there in one step.
    fn hard_link(&self, target: &str, path: &str) -> Result<(), HostError>;

    /// Creates an empty file if there is none.
    fn touch(&self, path: &str, mode: u32) -> Result<(), HostError>;

    /// Sets permission bits. A symbolic link is followed only where `follow` says so, and has none of its own.
    fn set_mode(&self, path: &str, mode: u32, follow: bool) -> Result<(), HostError>;

    /// Sets owner and group; `None` leaves it.
    fn set_owner(
        &self,
        path: &str,
        uid: Option<u32>,
        gid: Option<u32>,
        follow: bool,
    ) -> Result<(), HostError>;

    /// Sets times of last read and last write; `None` leaves it.
    fn set_times(
        &self,
        path: &str,
        accessed: Option<(i64, u32)>,
        modified: Option<(i64, u32)>,
        follow: bool,
    ) -> Result<(), HostError>;

    /// Makes a directory with a random name and mode 0700; `parent` nothing means the user's directory for temporary files.
    fn temporary_directory(
        &self,
        parent: Option<&str>,
        prefix: &str,
        suffix: &str,
    ) -> Result<String, HostError>;

    /// Makes an empty file with a random name and mode 0600.
    fn temporary_file(
        &self,
        parent: Option<&str>,
        prefix: &str,
        suffix: &str,
    ) -> Result<String, HostError>;

    /// Runs a command to its end, in a process group of its own that dies with the step. A program that does not exist is
    /// [`HostError::NoProgram`]; any exit status is an [`Output`].
    fn run(&self, command: &Command) -> Result<Output, HostError>;

    /// Returns where a program lies (in `PATH`, `/sbin`, `/usr/sbin`, `/usr/local/sbin`), or nothing.
    fn find_program(&self, name: &str) -> Option<String>;

    /// Returns an environment variable as a command of this step would see it (the task's `environment` counts).
    fn environment(&self, name: &str) -> Option<String>;

    /// Returns all environment variables as a command of this step would see them, sorted.
    fn environment_all(&self) -> Vec<(String, String)>;

    /// Returns the account of that name.
    fn user(&self, name: &str) -> Result<Option<User>, HostError>;

    /// Returns the account of that number.
    fn user_by_id(&self, uid: u32) -> Result<Option<User>, HostError>;

    /// Returns the group of that name.
    fn group(&self, name: &str) -> Result<Option<Group>, HostError>;

    /// Returns the group of that number.
    fn group_by_id(&self, gid: u32) -> Result<Option<Group>, HostError>;

    /// Returns all groups.
    fn groups(&self) -> Result<Vec<Group>, HostError>;

    /// Sends a signal to a process of the host.
    fn signal(&self, process: u32, signal: Signal) -> Result<(), HostError>;

    /// Opens a TCP connection and closes it; the answer says whether one was there. `read` reads up to that many bytes first.
    fn connect(
        &self,
        address: &str,
        port: u16,
        timeout: Duration,
        read: Option<usize>,
    ) -> Result<Option<Vec<u8>>, HostError>;

    /// Returns seconds since 1970 and nanoseconds.
    fn now(&self) -> (i64, u32);

    /// Returns the offset of local time from UTC in seconds at that point in time.
    fn utc_offset(&self, seconds: i64) -> i32;

    /// Waits; ends early with the step.
    fn sleep(&self, length: Duration) -> Result<(), HostError>;

    /// Returns random bytes.
    fn random(&self, bytes: &mut [u8]) -> Result<(), HostError>;

    /// Returns the controller's files that `prepare` named, in its order.
    fn supplied(&self) -> &[Supplied];

    /// Opens the content of a supplied file or tree entry by its number; it comes over the wire as it is read.
    fn open_supplied(&self, content: u64) -> Result<Reader, HostError>;

    /// Returns a setting that the controller passes along for modules (`remote_tmp`, `timeout`, ...), by its variable's name.
    fn setting(&self, name: &str) -> Option<Value>;
}
