//! The lab's hosts, shared among cases that run side by side and with whoever else uses the same lab: a claim holds a
//! lock file for each of its hosts and begins by booting them afresh. Called by `main`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};

/// The one host of the lab that has no Python, which ansible-core could not answer for.
const WITHOUT_PYTHON: &str = "kp4";

pub(crate) struct Pool {
    state: PathBuf,
    network: String,
    size: usize,
    free: Mutex<Vec<String>>,
    returned: Condvar,
    /// Held while hosts are gathered, so that two cases that need several never starve each other.
    gathering: Mutex<()>,
}

/// Hosts that nobody else uses until this is dropped.
pub(crate) struct Claim<'pool> {
    pool: Option<&'pool Pool>,
    pub(crate) hosts: Vec<Host>,
}

pub(crate) struct Host {
    /// Its name in the inventory of a case: h1, h2 ...
    pub(crate) alias: String,
    /// Its name in the lab, and its address.
    pub(crate) machine: Option<(String, String)>,
    _lock: Option<File>,
}

impl Pool {
    /// The lab that is up, or why there is none.
    pub(crate) fn find() -> Result<Self, String> {
        let state =
            PathBuf::from(std::env::var_os("KPLAY_LAB").unwrap_or_else(|| "/tmp/kplay-lab".into()));
        let description = std::fs::read_to_string(state.join("lab.env")).map_err(|_| {
            "needs the hosts of the lab: as root on Debian, `tests/lab/lab up`".to_owned()
        })?;
        let value = |key: &str| {
            description
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
                .map(|value| value.trim_matches('"').to_owned())
                .ok_or_else(|| format!("{} does not say {key}", state.join("lab.env").display()))
        };
        let free: Vec<String> = value("KPLAY_LAB_HOSTS")?
            .split(' ')
            .filter(|name| *name != WITHOUT_PYTHON)
            .map(str::to_owned)
            .collect();
        Ok(Self {
            network: value("KPLAY_LAB_NETWORK")?,
            state,
            size: free.len(),
            free: Mutex::new(free),
            returned: Condvar::new(),
            gathering: Mutex::new(()),
        })
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Waits for `count` hosts and boots them afresh.
    pub(crate) fn claim(&self, count: usize) -> Result<Claim<'_>, String> {
        if count > self.size {
            return Err(format!(
                "needs {count} hosts, and the lab has {}: `tests/lab/lab up {count}`",
                self.size
            ));
        }
        let gathering = self
            .gathering
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while free.len() < count {
            free = self
                .returned
                .wait(free)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let mut names: Vec<String> = free.drain(..count).collect();
        drop(free);
        names.sort();
        let mut claim = Claim {
            pool: Some(self),
            hosts: Vec::new(),
        };
        for (index, name) in names.into_iter().enumerate() {
            let path = self.state.join(format!("claim.{name}"));
            let lock = File::create(&path).and_then(|file| file.lock().map(|()| file));
            let address = format!(
                "{}.{}",
                self.network,
                10 + name.trim_start_matches("kp").parse().unwrap_or(0)
            );
            claim.hosts.push(Host {
                alias: format!("h{}", index + 1),
                machine: Some((name, address)),
                _lock: Some(lock.map_err(|error| format!("{}: {error}", path.display()))?),
            });
        }
        drop(gathering);
        self.lab("reset", claim.machines())?;
        Ok(claim)
    }

    fn lab<'name>(
        &self,
        verb: &str,
        names: impl Iterator<Item = &'name str>,
    ) -> Result<(), String> {
        let output = Command::new(lab_program())
            .arg(verb)
            .args(names)
            .env("KPLAY_LAB", &self.state)
            .output()
            .map_err(|error| format!("cannot run the lab: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!(
            "`lab {verb}` failed: {}",
            String::from_utf8_lossy(&output.stderr)
        ))
    }
}

impl Claim<'_> {
    /// Hosts that are all this machine, reached by the local connection.
    pub(crate) fn local(count: usize) -> Self {
        let host = |number| Host {
            alias: format!("h{number}"),
            machine: None,
            _lock: None,
        };
        Self {
            pool: None,
            hosts: (1..=count).map(host).collect(),
        }
    }

    pub(crate) fn state(&self) -> Option<&Path> {
        self.pool.map(|pool| pool.state.as_path())
    }

    /// The first three numbers of the hosts' addresses.
    pub(crate) fn network(&self) -> Option<&str> {
        self.pool.map(|pool| pool.network.as_str())
    }

    fn machines(&self) -> impl Iterator<Item = &str> {
        self.hosts
            .iter()
            .filter_map(|host| host.machine.as_ref().map(|(name, _)| name.as_str()))
    }

    /// Runs a shell script on the host (a local one: in `directory`), as root and past its sshd; gives its output.
    pub(crate) fn shell(
        &self,
        host: &Host,
        directory: &Path,
        script: &str,
        arguments: &[String],
    ) -> Result<String, String> {
        let mut command = match (&host.machine, self.pool) {
            (Some((name, _)), Some(pool)) => {
                let mut command = Command::new(lab_program());
                command
                    .args(["sh", name, "/bin/sh"])
                    .env("KPLAY_LAB", &pool.state);
                command
            }
            _ => Command::new("/bin/sh"),
        };
        let output = command
            .args(["-c", script, "sh"])
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cannot run a shell on {}: {error}", host.alias))?;
        if !output.status.success() {
            return Err(format!(
                "{}: a script of the case failed: {}",
                host.alias,
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let Some(pool) = self.pool else { return };
        let names = std::mem::take(&mut self.hosts)
            .into_iter()
            .filter_map(|host| host.machine.map(|(name, _)| name));
        pool.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(names);
        pool.returned.notify_all();
    }
}

fn lab_program() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab")
}
