//! The hosts for these tests: claimed and booted once for the whole program, and lent to one test at a time. A test keeps to
//! directories of its own and leaves no user, mount or setting changed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::hosts::{Claim, Pool};

/// How many hosts all tests share.
const SHARED: usize = 2;

pub(crate) struct Lab {
    claimed: OnceLock<Result<(), String>>,
    free: Mutex<Vec<Host>>,
    returned: Condvar,
}

/// A host of the lab.
#[derive(Clone)]
pub(crate) struct Host {
    /// Its name in the lab.
    pub(crate) machine: String,
    pub(crate) address: String,
    /// The directory with the lab's key and list of host keys.
    pub(crate) state: PathBuf,
}

/// Hosts that one test uses.
pub(crate) struct Taken<'lab> {
    lab: &'lab Lab,
    pub(crate) hosts: Vec<Host>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self {
            claimed: OnceLock::new(),
            free: Mutex::default(),
            returned: Condvar::new(),
        }
    }

    /// A missing lab is a failure.
    pub(crate) fn is_required() -> bool {
        std::env::var_os("KPLAY_LAB_REQUIRED")
            .is_some_and(|value| !value.is_empty() && value != "0")
    }

    /// Waits for that many hosts, or says why there are none.
    pub(crate) fn take(&self, count: usize) -> Result<Taken<'_>, String> {
        self.claimed.get_or_init(|| self.claim()).clone()?;
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while free.len() < count {
            free = self
                .returned
                .wait(free)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let hosts = free.drain(..count).collect();
        Ok(Taken { lab: self, hosts })
    }

    /// Claims the hosts for as long as this program runs.
    fn claim(&self) -> Result<(), String> {
        let pool: &'static Pool = Box::leak(Box::new(Pool::find()?));
        let claim: &'static Claim = Box::leak(Box::new(pool.claim(SHARED)?));
        let state = claim.state().ok_or("the lab has no state")?;
        let hosts = claim.hosts.iter().filter_map(|host| {
            let (machine, address) = host.machine.clone()?;
            Some(Host {
                machine,
                address,
                state: state.to_owned(),
            })
        });
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(hosts);
        Ok(())
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.lab
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .append(&mut self.hosts);
        self.lab.returned.notify_all();
    }
}

impl Host {
    /// A line of an inventory: this host under that name, for that user.
    pub(crate) fn line(&self, name: &str, user: &str) -> String {
        format!(
            "{name} ansible_host={} ansible_user={user} ansible_ssh_private_key_file={}/id ansible_ssh_common_args='-o UserKnownHostsFile={}/known_hosts'\n",
            self.address,
            self.state.display(),
            self.state.display()
        )
    }

    /// Runs a shell script on the host, as root and past its sshd; gives its output, and panics if it fails.
    pub(crate) fn shell(&self, script: &str) -> String {
        let output = self.command(script).output().unwrap();
        assert!(
            output.status.success(),
            "{script}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The command that runs a shell script on the host.
    pub(crate) fn command(&self, script: &str) -> Command {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab"));
        command
            .args(["sh", &self.machine, "/bin/sh", "-c", script])
            .env("KPLAY_LAB", &self.state)
            .stdin(Stdio::null());
        command
    }

    /// Waits until the script prints what is wanted; panics with what it printed last when it takes too long.
    #[track_caller]
    pub(crate) fn wait_for(&self, script: &str, wanted: &str) {
        let last = Arc::new(Mutex::new(String::new()));
        let printed = last.clone();
        let came = poll(Duration::from_secs(20), || {
            let output = self.command(script).output().unwrap().stdout;
            let text = String::from_utf8_lossy(&output).trim().to_owned();
            let found = text == wanted;
            *printed.lock().unwrap() = text;
            found
        });
        assert!(
            came,
            "`{script}` prints:\n{}\nnot:\n{wanted}",
            last.lock().unwrap()
        );
    }
}

/// Asks until it is so, and tells whether it came to be in time.
pub(crate) fn poll(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(30));
    }
}
