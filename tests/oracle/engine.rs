//! Runs an engine, kplay or another, on a playbook in a clean environment. Called by `observe`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A run that takes longer has hung.
const SECONDS: &str = "300";

pub(crate) struct Engine {
    program: PathBuf,
    is_kplay: bool,
}

pub(crate) struct Run {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Engine {
    pub(crate) fn from_environment() -> Self {
        match std::env::var_os("KPLAY_ENGINE").filter(|path| !path.is_empty()) {
            Some(path) => Self {
                program: path.into(),
                is_kplay: false,
            },
            None => Self {
                program: env!("CARGO_BIN_EXE_kplay").into(),
                is_kplay: true,
            },
        }
    }

    pub(crate) fn is_kplay(&self) -> bool {
        self.is_kplay
    }

    /// How many runs of it the machine bears at once: Python needs a core for each.
    pub(crate) fn at_once(&self) -> usize {
        if self.is_kplay { usize::MAX } else { 2 }
    }

    /// The version of an ansible-core that is the engine.
    pub(crate) fn ansible_core(&self) -> Result<String, String> {
        let answer = Command::new(&self.program)
            .arg("--version")
            .output()
            .map_err(|error| self.cannot_run(&error))?;
        let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
        answer
            .split_once("[core ")
            .and_then(|(_, rest)| rest.split_once(']'))
            .map(|(version, _)| version.to_owned())
            .ok_or_else(|| format!("{} is no ansible-core: {answer}", self.program.display()))
    }

    /// Runs it in `directory` with `home` as its home; nothing of the caller's environment reaches it but the path.
    pub(crate) fn run(
        &self,
        directory: &Path,
        home: &Path,
        arguments: &[String],
        environment: &BTreeMap<String, String>,
    ) -> Result<Run, String> {
        let output = Command::new("timeout")
            .args(["--kill-after=10", SECONDS])
            .arg(&self.program)
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .env(
                "PATH",
                // Programs that collections run, where `record` brings them.
                std::env::var("KPLAY_ORACLE_TOOLS").unwrap_or_default()
                    + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("HOME", home)
            .env("LANG", "C.UTF-8")
            .env("TERM", "dumb")
            .env("USER", "root")
            .env("COLUMNS", "80")
            // A host that has just begun may be slow to greet where much else runs: that is no difference of engines.
            .env("ANSIBLE_TIMEOUT", "60")
            .envs(environment)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| self.cannot_run(&error))?;
        let exit = output.status.code().unwrap_or(-1);
        if exit == 124 {
            return Err(format!(
                "{} did not end in {SECONDS} seconds",
                self.program.display()
            ));
        }
        Ok(Run {
            exit,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    fn cannot_run(&self, error: &std::io::Error) -> String {
        format!("cannot run {}: {error}", self.program.display())
    }
}
