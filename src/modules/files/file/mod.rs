//! `ansible.builtin.file`: directories, links, empty files, what is not to be; and mode, owner and times of what is there.

mod change;
mod current;
mod links;
mod states;
#[cfg(test)]
mod tests;
mod times;

use std::io::Read as _;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, HostError, HostPath, Meta, Module, Plan,
    Support, path_info, with_file_attributes,
};
use crate::value::Value;
use change::Change;

/// What a path shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::modules) enum State {
    /// Nothing of that name, a directory with all that is in it neither.
    Absent,
    /// A directory; those above it are made too.
    Directory,
    /// A file that is there already: only its attributes are set.
    File,
    /// A hard link to `src`.
    Hard,
    /// A symbolic link to `src`.
    Link,
    /// A file that is made empty if there is none, and whose times are set to now.
    Touch,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Directory => "directory",
            Self::File => "file",
            Self::Hard => "hard",
            Self::Link => "link",
            Self::Touch => "touch",
        }
    }
}

with_file_attributes! {
    /// Set what a path is, and its mode, owner and times
    ///
    /// Makes directories, links and empty files, removes them, and sets the attributes of what is there. For files with content
    /// see `copy` and `template`.
    ///
    /// Where `path` is a symbolic link, `follow` decides whether its target or the link itself is meant. `state: absent` and
    /// `recurse` never go through a link unless `follow` says so for `recurse`.
    ///
    /// ## Check mode
    ///
    /// Tells what would change.
    ///
    /// ## Returns
    ///
    /// - `path` (states `file`, `directory`, `absent`) or `dest` (states `link`, `hard`, `touch`): the path.
    /// - `src`: the target of a link.
    /// - `owner`, `group`, `uid`, `gid`, `mode`, `size`, `state`, `secontext`: what it is afterwards.
    /// - `diff`: what differed.
    ///
    /// ## Examples
    ///
    /// ```yaml
    /// - ansible.builtin.file:
    ///     path: /srv/app/data
    ///     state: directory
    ///     owner: app
    ///     mode: '0750'
    /// - ansible.builtin.file:
    ///     path: /usr/local/bin/kubectl
    ///     src: /opt/k3s/bin/k3s
    ///     state: link
    /// - ansible.builtin.file:
    ///     path: /etc/motd
    ///     state: absent
    /// ```
    ///
    /// ## Differs from Ansible
    ///
    /// Root does not follow a link of another user's to what is not that user's; `recurse` warns and leaves such targets alone.
    /// `attributes` such as `+i` are compared with the flags that are set, so that a second run changes nothing.
    pub(in crate::modules) struct FileArgs {
        /// The path.
        #[serde(alias = "dest", alias = "name")]
        pub(in crate::modules) path: HostPath,
        /// What it shall be. Without it, what it is; if there is nothing, `directory` with `recurse`, else `file`.
        #[serde(default)]
        pub(in crate::modules) state: Option<State>,
        /// What a link points to. For a symbolic link it is written as given, and a relative one counts from the link's folder.
        #[serde(default)]
        pub(in crate::modules) src: Option<HostPath>,
        /// Set the attributes of all that is in the directory, too.
        #[serde(default)]
        pub(in crate::modules) recurse: bool,
        /// For links: make one whose target does not exist, or in the place of a file, another link or an empty directory.
        #[serde(default)]
        pub(in crate::modules) force: bool,
        /// Mean the target where `path` is a symbolic link.
        #[serde(default = "enabled")]
        pub(in crate::modules) follow: bool,
        /// When it was last written: `preserve`, `now`, or a time in `modification_time_format`. `touch` takes `now`, others
        /// `preserve`.
        #[serde(default)]
        pub(in crate::modules) modification_time: Option<String>,
        /// How `modification_time` is written, as for `strftime`.
        #[serde(default = "times::default_format")]
        pub(in crate::modules) modification_time_format: String,
        /// When it was last read: `preserve`, `now`, or a time in `access_time_format`. `touch` takes `now`, others `preserve`.
        #[serde(default)]
        pub(in crate::modules) access_time: Option<String>,
        /// How `access_time` is written, as for `strftime`.
        #[serde(default = "times::default_format")]
        pub(in crate::modules) access_time_format: String,
        // Internal to ansible-core, and known to playbooks all the same: says whether the file looks binary, and nothing else.
        #[serde(default, rename = "_diff_peek")]
        #[schemars(skip)]
        pub(in crate::modules) diff_peek: Option<bool>,
        // Likewise: the name that a file gets in a directory, in place of that of `src`.
        #[serde(default, rename = "_original_basename")]
        #[schemars(skip)]
        pub(in crate::modules) original_basename: Option<String>,
    }
}

fn enabled() -> bool {
    true
}

pub(in crate::modules) struct File;

impl Module for File {
    type Args = FileArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.file",
        aliases: &[],
        family: "files",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.recurse && args.state.is_some_and(|state| state != State::Directory) {
            return Err(ArgumentError::new(
                "recurse",
                "recurse option requires state to be 'directory'",
            ));
        }
        if args.src.is_some()
            && args
                .state
                .is_some_and(|state| !matches!(state, State::Link | State::Hard))
        {
            return Err(ArgumentError::new(
                "src",
                "src option requires state to be 'link' or 'hard'",
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        if args.diff_peek.is_some() {
            return Ok(peek(&args.path, host)?);
        }
        states::plan(args, host).map_err(|failure| described(failure, host))
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let applied = change.apply(&args.file_attributes(), host);
        Ok(applied.map_err(|failure| described(failure, host))?.into())
    }
}

/// Says whether a file looks binary.
fn peek(path: &str, host: &dyn Host) -> Result<Plan<Change>, HostError> {
    let mut head = Vec::new();
    // What cannot be read counts as text.
    if let Ok(file) = host.open(path)
        && file.take(8192).read_to_end(&mut head).is_err()
    {
        head.clear();
    }
    Ok(Plan::unchanged("it was only looked at")
        .with_all(path_info(path, host)?)
        .with("path", path)
        .with("appears_binary", head.contains(&0)))
}

/// A failure that names a path tells what that path is.
fn described(failure: Failure, host: &dyn Host) -> Failure {
    let named = |name| failure.values.get(name).and_then(Value::as_str);
    let info = named("path")
        .or_else(|| named("dest"))
        .map(|path| path_info(path, host));
    match info {
        Some(Ok(info)) => {
            let mut failure = failure;
            failure.values.extend(info);
            failure
        }
        _ => failure,
    }
}
