//! `ansible.posix.mount`: file systems in fstab, and mounted ones.

mod fstab;
mod mounted;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Deserialize;

use self::fstab::Entry;
use self::mounted::Mounts;
use crate::kit::{
    Applied, ArgumentError, Attributes, Command, Content, Effect, Failure, Host, HostPath, Meta,
    Module, Outcome, Plan, Support, Write,
};
use crate::modules::files::{backup, directories};
use crate::modules::paths;
use crate::value::{Dict, Value};

/// What there shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum State {
    /// No entry; what was mounted there is unmounted, and the directory removed.
    Absent,
    /// No entry; what is mounted stays.
    AbsentFromFstab,
    /// An entry, and it is mounted.
    Mounted,
    /// An entry; what is mounted stays as it is.
    Present,
    /// Nothing is mounted; the entry stays.
    Unmounted,
    /// What is mounted is mounted afresh.
    Remounted,
    /// It is mounted, without an entry.
    Ephemeral,
}

/// Manage mounted file systems and their entries in fstab
///
/// ## Check mode
///
/// Tells what would change.
///
/// ## Returns
///
/// - `name`, `src`, `fstype`, `opts`, `dump`, `passno`, `fstab`, `boot`: the entry.
/// - `backup_file`: the copy of fstab, or an empty text.
///
/// ## Examples
///
/// ```yaml
/// - ansible.posix.mount:
///     path: /var/lib/longhorn
///     src: UUID=b3e48f45-f933-4c8e-a700-22a159ec9077
///     fstype: ext4
///     opts: noatime
///     state: mounted
///
/// - ansible.posix.mount:
///     path: none
///     src: /swap.img
///     fstype: swap
///     state: absent_from_fstab
/// ```
///
/// ## Differs from Ansible
///
/// An entry without its last two fields can be removed too. In check mode no fstab is made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::modules) struct MountArgs {
    /// Where it is mounted.
    #[serde(alias = "name")]
    path: HostPath,
    /// What is mounted: a device, `UUID=`, `LABEL=`, a share.
    #[serde(default)]
    src: Option<HostPath>,
    /// The type of the file system.
    #[serde(default)]
    fstype: Option<String>,
    /// Options, with commas between them.
    #[serde(default)]
    opts: Option<String>,
    /// The options are a secret.
    #[serde(default)]
    opts_no_log: bool,
    /// The field of that name of fstab.
    #[serde(default = "zero")]
    dump: Option<String>,
    /// The field of that name of fstab: in which turn the file system is checked.
    #[serde(default = "zero")]
    passno: Option<String>,
    /// What there shall be.
    state: State,
    /// Another file in the place of `/etc/fstab`.
    #[serde(default)]
    fstab: Option<String>,
    /// Mount it when the system starts; else `noauto` is among the options.
    #[serde(default = "yes")]
    boot: bool,
    /// Copy fstab before it changes.
    #[serde(default)]
    backup: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the argument")]
fn zero() -> Option<String> {
    Some("0".to_owned())
}

fn yes() -> bool {
    true
}

const USUAL_FSTAB: &str = "/etc/fstab";
const USUAL_OPTIONS: &str = "defaults";

impl MountArgs {
    fn fstab(&self) -> &str {
        self.fstab.as_deref().unwrap_or(USUAL_FSTAB)
    }

    fn options(&self) -> String {
        let options = self.opts.as_deref().unwrap_or(USUAL_OPTIONS);
        if self.boot {
            options.to_owned()
        } else {
            format!("{options},noauto")
        }
    }

    fn source(&self) -> &str {
        self.src.as_ref().map_or("", |source| source.0.as_str())
    }

    fn kind(&self) -> &str {
        self.fstype.as_deref().unwrap_or_default()
    }

    /// Returns fstab with the entry, or nothing where it has it.
    fn with_entry(&self, text: &str) -> Option<String> {
        let entry = Entry {
            source: self.source(),
            path: &self.path.0,
            kind: self.kind(),
            options: &self.options(),
            dump: self.dump.as_deref().unwrap_or("0"),
            pass: self.passno.as_deref().unwrap_or("0"),
        };
        fstab::with(text, &entry)
    }

    fn values(&self) -> Dict {
        let options = Value::text(self.options());
        let options = if self.opts_no_log {
            options.secret()
        } else {
            options
        };
        let mut values = Dict::new()
            .with("name", self.path.0.as_str())
            .with("opts", options)
            .with("dump", self.dump.as_deref().unwrap_or("0"))
            .with("passno", self.passno.as_deref().unwrap_or("0"))
            .with("fstab", self.fstab())
            .with("boot", if self.boot { "yes" } else { "no" })
            .with("backup_file", "");
        if let Some(source) = &self.src {
            values.insert("src", source.0.as_str());
        }
        if let Some(kind) = &self.fstype {
            values.insert("fstype", kind.as_str());
        }
        values
    }

    /// The arguments of `mount` that say where fstab is, or what stands there for it.
    fn entry_words(&self) -> Vec<String> {
        if self.state == State::Ephemeral {
            let mut words = vec!["-t".to_owned(), self.kind().to_owned()];
            let options = self.options();
            if options != USUAL_OPTIONS {
                words.extend(["-o".to_owned(), options]);
            }
            return words;
        }
        match self.fstab() {
            "" | USUAL_FSTAB => Vec::new(),
            other => vec!["-T".to_owned(), other.to_owned()],
        }
    }

    fn operands(&self) -> Vec<String> {
        let source = (self.state == State::Ephemeral).then(|| self.source().to_owned());
        source.into_iter().chain([self.path.0.clone()]).collect()
    }
}

/// What is to happen to the mount itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::modules) enum Action {
    Nothing,
    Mount,
    Remount,
    Unmount,
    /// Unmount, where something is mounted, and remove the directory.
    Clear {
        mounted: bool,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::modules) struct Change {
    /// The new text of fstab and the old one.
    fstab: Option<(String, String)>,
    /// Directories to make.
    directories: Vec<String>,
    action: Action,
}

pub(super) struct Mount;

impl Module for Mount {
    type Args = MountArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.posix.mount",
        aliases: &["ansible.builtin.mount"],
        family: "system",
        since: "0.1.0",
        effect: Effect::Shows,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        let (state, needed) = match args.state {
            State::Mounted => ("mounted", true),
            State::Present => ("present", true),
            State::Ephemeral => ("ephemeral", true),
            _ => ("", false),
        };
        let missing: Vec<&str> = [
            ("src", args.src.is_none()),
            ("fstype", args.fstype.is_none()),
        ]
        .into_iter()
        .filter_map(|(name, missing)| missing.then_some(name))
        .collect();
        if needed && !missing.is_empty() {
            return Err(ArgumentError::general(format!(
                "state is {state} but all of the following are missing: {}",
                missing.join(", ")
            )));
        }
        // A line end would begin an entry of its own.
        let fields = [
            Some(args.path.0.as_str()),
            Some(args.source()),
            Some(args.kind()),
            args.opts.as_deref(),
            args.dump.as_deref(),
            args.passno.as_deref(),
        ];
        if fields
            .into_iter()
            .flatten()
            .any(|field| field.contains(['\n', '\r']))
        {
            return Err(ArgumentError::general("an entry of fstab is one line"));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let path = args.path.0.as_str();
        let mounts = Mounts::read(host)?;
        let table = match args.state {
            State::Ephemeral => String::new(),
            _ => read(args.fstab(), host)?,
        };
        let source = args.src.as_ref().map(|source| source.0.as_str());
        let mounted = mounts.is_mounted(path, host)?;
        let (new, action) = match args.state {
            State::AbsentFromFstab => (fstab::without(&table, path, source), Action::Nothing),
            State::Absent => match fstab::without(&table, path, source) {
                Some(new) => (Some(new), Action::Clear { mounted }),
                None => (None, Action::Nothing),
            },
            State::Present => (args.with_entry(&table), Action::Nothing),
            State::Unmounted if mounted => (None, Action::Unmount),
            State::Unmounted => (None, Action::Nothing),
            State::Remounted => (None, Action::Remount),
            State::Mounted => match (args.with_entry(&table), mounted) {
                (new, false) => (new, Action::Mount),
                (Some(new), true) => (Some(new), Action::Remount),
                (None, true) => (None, Action::Nothing),
            },
            State::Ephemeral if !mounted => (None, Action::Mount),
            State::Ephemeral if mounts.has(path, args.source()) => (None, Action::Remount),
            State::Ephemeral => {
                return Err(Failure::new(
                    "Ephemeral mount point is already mounted with a different source than the specified one. Failing in order to \
                     prevent an unwanted unmount or override operation. Try replacing this command with a \"state: unmounted\" \
                     followed by a \"state: ephemeral\", or use a different destination path.",
                ));
            }
        };
        let directories = match args.state {
            State::Mounted | State::Ephemeral => directories::missing(path, host)?,
            _ => Vec::new(),
        };
        let plan = if new.is_none() && action == Action::Nothing {
            Plan::unchanged("it is as it shall be")
        } else {
            Plan::change(Change {
                fstab: new.map(|new| (new, table)),
                directories,
                action,
            })
        };
        let options = args.opts.as_deref().unwrap_or_default();
        let plan = plan.with_all(args.values());
        Ok(
            if args.boot && options.split(',').any(|option| option == "noauto") {
                plan.warn("Ignore the 'boot' due to 'opts' contains 'noauto'.")
            } else {
                plan
            },
        )
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let path = args.path.0.as_str();
        for (done, directory) in change.directories.iter().enumerate() {
            if let Err(error) = host.make_directory(directory, 0o777 & !host.umask()) {
                remove(change.directories.get(..done).unwrap_or_default(), host);
                return Err(Failure::new(format!("Error making dir {path}: {error}")));
            }
        }
        let mut outcome = Outcome::changed();
        if let Some((new, _)) = &change.fstab {
            let copy = if args.backup {
                backup::make(args.fstab(), host)?
            } else {
                None
            };
            write(args.fstab(), new, host)?;
            // Ansible tells of the copy only where an entry is set.
            if let Some(copy) =
                copy.filter(|_| !matches!(args.state, State::Absent | State::AbsentFromFstab))
            {
                outcome = outcome.with("backup_file", copy);
            }
        }
        let done = match change.action {
            Action::Nothing | Action::Clear { mounted: false } => Ok(()),
            Action::Mount => {
                mount(args, host).map_err(|why| format!("Error mounting {path}: {why}"))
            }
            Action::Remount => {
                let word = if args.state == State::Remounted {
                    "remounting"
                } else {
                    "mounting"
                };
                remount(args, host)?.map_err(|why| format!("Error {word} {path}: {why}"))
            }
            Action::Unmount | Action::Clear { mounted: true } => {
                unmount(args, host).map_err(|why| format!("Error unmounting {path}: {why}"))
            }
        };
        if let Err(why) = done {
            let undone = undo(args, &change, host);
            let failure = Failure::new(why);
            return Err(if undone {
                failure
            } else {
                failure.after_change()
            });
        }
        if matches!(change.action, Action::Clear { .. }) && host.status(path, true)?.is_some() {
            host.remove(path).map_err(|error| {
                Failure::new(format!("Error rmdir {path}: {error}")).after_change()
            })?;
        }
        Ok(outcome.into())
    }
}

/// After a mount that failed fstab is what it was, lest the system does not start; so are the directories. Says whether all is as
/// before.
fn undo(args: &MountArgs, change: &Change, host: &dyn Host) -> bool {
    if args.state == State::Absent {
        return change.fstab.is_none();
    }
    remove(&change.directories, host);
    let old = change.fstab.as_ref().map(|(_, old)| old);
    old.is_none_or(|old| write(args.fstab(), old, host).is_ok())
}

fn remove(directories: &[String], host: &dyn Host) {
    for directory in directories.iter().rev() {
        let _ = host.remove(directory);
    }
}

fn read(path: &str, host: &dyn Host) -> Result<String, Failure> {
    if host.status(path, true)?.is_none() {
        return Ok(String::new());
    }
    Ok(String::from_utf8_lossy(&host.read(path)?).into_owned())
}

fn write(path: &str, text: &str, host: &dyn Host) -> Result<(), Failure> {
    let fresh = host.status(path, true)?.is_none();
    let target = if fresh {
        path.to_owned()
    } else {
        host.real_path(path)?
    };
    if fresh {
        for missing in directories::missing(paths::folder(path), host)? {
            host.make_directory(&missing, 0o777 & !host.umask())?;
        }
    }
    let staged = host.stage(&target, Content::Bytes(text.as_bytes()))?;
    let write = Write {
        attributes: Attributes {
            mode: fresh.then_some(0o666 & !host.umask()),
            ..Attributes::default()
        },
        ..Write::default()
    };
    Ok(host.commit(staged, &target, write)?)
}

/// Runs `mount` or `umount`; what it says is why it failed.
fn run(
    program: &str,
    options: Vec<String>,
    operands: Vec<String>,
    host: &dyn Host,
) -> Result<(), String> {
    let mut words = vec![program.to_owned()];
    words.extend(options);
    if operands.iter().any(|operand| operand.starts_with('-')) {
        words.push("--".to_owned());
    }
    words.extend(operands);
    let output = host
        .run(&Command::new(words))
        .map_err(|error| error.to_string())?;
    if output.success() {
        return Ok(());
    }
    Err(output.stdout_text() + &output.stderr_text())
}

fn mount(args: &MountArgs, host: &dyn Host) -> Result<(), String> {
    run("mount", args.entry_words(), args.operands(), host)
}

fn unmount(args: &MountArgs, host: &dyn Host) -> Result<(), String> {
    run("umount", Vec::new(), vec![args.path.0.clone()], host)
}

/// Mounts afresh; where the file system cannot do that in place, it is unmounted for it.
fn remount(args: &MountArgs, host: &dyn Host) -> Result<Result<(), String>, Failure> {
    let options = args.options();
    let own = args.state == State::Remounted && options != USUAL_OPTIONS;
    let word = if own {
        format!("remount,{options}")
    } else {
        "remount".to_owned()
    };
    let mut words = vec!["-o".to_owned(), word];
    words.extend(args.entry_words());
    if run("mount", words, args.operands(), host).is_ok() {
        return Ok(Ok(()));
    }
    if own {
        return Err(Failure::new(
            "Options were specified with remounted, but the remount command failed. Failing in order to prevent an unexpected \
             mount result. Try replacing this command with a \"state: unmounted\" followed by a \"state: mounted\" using the full \
             desired mount options instead.",
        ));
    }
    Ok(unmount(args, host).and_then(|()| mount(args, host)))
}
