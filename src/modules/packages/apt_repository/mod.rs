//! `ansible.builtin.apt_repository`: lines in apt's lists of sources.

mod ppa;
mod sources;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Deserialize;

use super::apt::update::{self, Tries};
use crate::kit::{
    Applied, ArgumentError, Attributes, Content, Diff, Effect, Failure, Host, Meta, Mode, Module,
    Outcome, Plan, Support, Write,
};
use crate::value::Value;
use ppa::{Key, Ppa};
use sources::{Source, Sources};

/// How long to wait for the lock of another apt, in seconds.
const LOCK_TIMEOUT: i64 = 60;

/// Add or remove a source of apt
///
/// A source is one line of `/etc/apt/sources.list` or of a file `*.list` in `/etc/apt/sources.list.d`. One that is there but
/// commented out is switched on; a new one gets a file named after its address, or `filename`. After a change the package cache is
/// updated; where that fails, the files are put back. `deb822_repository` writes the format of today.
///
/// `ppa:OWNER/NAME` stands for an archive on Launchpad: its key is fetched, too.
///
/// ## Check mode
///
/// Tells what would change; Launchpad is asked for a PPA's key.
///
/// ## Returns
///
/// - `repo`, `state`: as given.
/// - `sources_added`, `sources_removed`: files that are new, and files that are gone.
/// - `diff`: those files.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.apt_repository:
///     repo: deb [signed-by=/etc/apt/keyrings/docker.asc] https://download.docker.com/linux/debian bookworm stable
///     filename: docker
/// - ansible.builtin.apt_repository:
///     repo: deb cdrom:[Debian GNU/Linux]/ bookworm main
///     state: absent
///     update_cache: false
/// ```
///
/// ## Differs from Ansible
///
/// Only files whose sources change are written. The key of a PPA is received from the keyserver also where there is no `apt-key`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AptRepositoryArgs {
    /// The source as it stands in a list, or `ppa:OWNER/NAME`.
    repo: String,
    /// There or not.
    #[serde(default)]
    state: State,
    /// The mode of a new file.
    #[serde(default)]
    mode: Option<Mode>,
    /// Update the package cache after a change.
    #[serde(default = "enabled", alias = "update-cache")]
    update_cache: bool,
    /// How often to try that.
    #[serde(default = "five")]
    update_cache_retries: u32,
    /// The longest wait between two tries, in seconds.
    #[serde(default = "twelve")]
    update_cache_retry_max_delay: u64,
    /// Launchpad must prove who it is.
    #[serde(default = "enabled")]
    validate_certs: bool,
    /// The name of a new file, without `.list`.
    #[serde(default)]
    filename: Option<String>,
    /// The distribution's code name for a PPA, instead of the host's.
    #[serde(default)]
    codename: Option<String>,
    /// Has no effect; kept because playbooks have it.
    #[serde(default)]
    #[expect(dead_code, reason = "there is no Python to install anything for")]
    install_python_apt: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    #[default]
    Present,
    Absent,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
        }
    }
}

fn enabled() -> bool {
    true
}

fn five() -> u32 {
    5
}

fn twelve() -> u64 {
    12
}

/// What is to be done.
#[derive(Debug)]
pub(super) struct Change {
    /// The key of a PPA that apt does not know yet.
    key: Option<Key>,
    files: Vec<FileChange>,
}

/// A list of sources as it is and as it shall be; nothing where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileChange {
    path: String,
    before: Option<String>,
    after: Option<String>,
    /// It is made for a new source.
    new: bool,
}

pub(super) struct AptRepository;

impl Module for AptRepository {
    type Args = AptRepositoryArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.apt_repository",
        aliases: &[],
        family: "packages",
        since: "0.1.0",
        effect: Effect::Sees,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.repo.is_empty() {
            return Err(ArgumentError::general(
                "Please set argument 'repo' to a non-empty value",
            ));
        }
        let escapes = |name: &String| name.split('/').any(|part| part == "..");
        if args.filename.as_ref().is_some_and(escapes) {
            return Err(ArgumentError::new("filename", "must not hold `..`"));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let mut sources = Sources::read(host)?;
        let ppa = match args.repo.strip_prefix("ppa:") {
            Some(name) => Some(Ppa::new(name, args.codename.as_deref(), host)?),
            None => None,
        };
        let line = ppa.as_ref().map_or(args.repo.as_str(), |ppa| &ppa.line);
        let source = Source::parse(line)
            .filter(|source| source.valid && source.enabled)
            .ok_or_else(|| Failure::new(format!("Invalid repository string: {}", args.repo)))?;
        let mut key = None;
        match args.state {
            State::Present => {
                if let Some(ppa) = &ppa
                    && !sources.has(&source.text)
                {
                    key = ppa.missing_key(args.validate_certs, host)?;
                }
                let name = args.filename.clone().unwrap_or_else(|| match &ppa {
                    Some(ppa) => ppa.file_name(),
                    None => sources::file_name(&source.text),
                });
                sources.add(&source.text, &format!("{name}.list"));
            }
            State::Absent => sources.remove(&source.text),
        }
        let files = sources.changes();
        let named = |wanted: fn(&FileChange) -> bool| {
            let found = files.iter().filter(|file| wanted(file));
            Value::list(found.map(|file| Value::from(file.path.as_str())))
        };
        let added = named(|file| file.before.is_none());
        let removed = named(|file| file.after.is_none());
        let diffs: Vec<Diff> = files
            .iter()
            .filter(|file| file.before.is_none() || file.after.is_none())
            .map(diff)
            .collect();
        let plan = if files.is_empty() && key.is_none() {
            Plan::unchanged("the lists of sources are so already")
        } else {
            Plan::change(Change { key, files })
        };
        let plan = plan
            .with("repo", args.repo.as_str())
            .with("state", args.state.name())
            .with("sources_added", added)
            .with("sources_removed", removed);
        Ok(diffs.into_iter().fold(plan, Plan::with_diff))
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        if let Some(key) = &change.key {
            key.fetch(host)?;
        }
        let mut outcome = Outcome::changed();
        let mut done = write_all(args, &change.files, host);
        if done.is_ok() && args.update_cache && !change.files.is_empty() {
            let tries = Tries {
                count: args.update_cache_retries,
                longest_wait: args.update_cache_retry_max_delay,
                lock_timeout: LOCK_TIMEOUT,
            };
            done =
                update::run(&tries, host).map(|updated| outcome.warnings.extend(updated.warnings));
        }
        if let Err(failure) = done {
            put_back(&change.files, host)?;
            return Err(failure);
        }
        Ok(outcome.into())
    }
}

fn diff(file: &FileChange) -> Diff {
    let text = |side: &Option<String>| side.clone().unwrap_or_default();
    let header = |side: &Option<String>| match side {
        Some(_) => file.path.clone(),
        None => "/dev/null".to_owned(),
    };
    Diff::text(text(&file.before), text(&file.after))
        .headers(header(&file.before), header(&file.after))
}

fn write_all(
    args: &AptRepositoryArgs,
    files: &[FileChange],
    host: &dyn Host,
) -> Result<(), Failure> {
    for file in files {
        let mode = args.mode.as_ref().filter(|_| file.new);
        set(&file.path, file.after.as_deref(), mode, host)?;
    }
    Ok(())
}

/// Makes the files what they were.
fn put_back(files: &[FileChange], host: &dyn Host) -> Result<(), Failure> {
    for file in files {
        set(&file.path, file.before.as_deref(), None, host)?;
    }
    Ok(())
}

fn set(
    path: &str,
    content: Option<&str>,
    mode: Option<&Mode>,
    host: &dyn Host,
) -> Result<(), Failure> {
    let existing = host.status(path, true)?;
    let Some(content) = content else {
        if existing.is_some() {
            host.remove(path)?;
        }
        return Ok(());
    };
    let default = 0o666 & !host.umask();
    let current = existing.map_or(default, |status| status.mode);
    let bits = mode.map(|mode| mode.resolve(current, false, host.umask()));
    let attributes = Attributes {
        mode: bits.or(existing.is_none().then_some(default)),
        ..Attributes::default()
    };
    let staged = host.stage(path, Content::Bytes(content.as_bytes()))?;
    let write = Write {
        attributes,
        unsafe_writes: false,
    };
    Ok(host.commit(staged, path, write)?)
}
