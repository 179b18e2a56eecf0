//! The controller's side: a directory with a playbook and an inventory, and kplay started in it with nothing of the caller's
//! environment.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::lab::poll;

/// A run that takes longer has hung.
const PATIENCE: Duration = Duration::from_secs(40);

pub(crate) struct Controller {
    directory: TempDir,
    program: PathBuf,
    variables: Vec<(String, String)>,
}

/// How kplay ended and what it printed, both streams in one.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

/// A kplay that runs.
pub(crate) struct Running {
    child: Child,
    output: PathBuf,
}

impl Controller {
    /// Makes a directory with that inventory and that playbook.
    pub(crate) fn new(inventory: &str, playbook: &str) -> Self {
        let directory = tempfile::Builder::new()
            .prefix("security-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .unwrap();
        let this = Self {
            directory,
            program: env!("CARGO_BIN_EXE_kplay").into(),
            variables: Vec::new(),
        };
        fs::create_dir(this.path("home")).unwrap();
        this.write("hosts", inventory).write("site.yml", playbook)
    }

    /// A host that is this machine itself.
    pub(crate) fn local(playbook: &str) -> Self {
        Self::new("here ansible_connection=local\n", playbook)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Gives kplay another worker: kplay is linked into the directory, with that program beside it.
    pub(crate) fn worker(mut self, worker: &Path) -> Self {
        let bin = self.path("bin");
        fs::create_dir(&bin).unwrap();
        for (from, name) in [(self.program.as_path(), "kplay"), (worker, "kplay-worker")] {
            let to = bin.join(name);
            if fs::hard_link(from, &to).is_err() {
                fs::copy(from, &to).unwrap();
            }
        }
        self.program = bin.join("kplay");
        self
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).wait()
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let output = tempfile::NamedTempFile::new_in(self.directory.path())
            .unwrap()
            .into_temp_path()
            .keep()
            .unwrap();
        let file = fs::File::create(&output).unwrap();
        let child = Command::new(&self.program)
            .args(["-i", "hosts", "site.yml"])
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("HOME", self.path("home"))
            .env("LANG", "C.UTF-8")
            .env("TERM", "dumb")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Running { child, output }
    }
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(id.unwrap(), signal).unwrap();
    }

    pub(crate) fn wait(mut self) -> Ended {
        let mut status = None;
        let ended = poll(PATIENCE, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        if !ended {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
        let text = String::from_utf8_lossy(&fs::read(&self.output).unwrap()).into_owned();
        assert!(ended, "kplay did not end in {PATIENCE:?}:\n{text}");
        let code =
            status.and_then(|status| status.code().or(status.signal().map(|signal| -signal)));
        Ended { code, text }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Of a test that failed before it waited.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// Asserts how it ended.
    #[track_caller]
    pub(crate) fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, Some(expected), "the exit code\n{}", self.text);
        self
    }

    /// Asserts that it said all of this.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.text.contains(word),
                "`{word}` was not said:\n{}",
                self.text
            );
        }
        self
    }

    /// Asserts that it said none of this.
    #[track_caller]
    pub(crate) fn says_nothing_of(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                !self.text.contains(word),
                "`{word}` was said:\n{}",
                self.text
            );
        }
        self
    }
}

/// Sets the mode of a file of this machine.
pub(crate) fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
