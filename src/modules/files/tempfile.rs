//! `ansible.builtin.tempfile`: a file or directory that only its maker can enter.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Effect, Failure, Host, HostPath, Meta, Module, Outcome, Plan, Support,
    path_info,
};

/// What to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// A directory, mode 0700.
    Directory,
    /// An empty file, mode 0600.
    #[default]
    File,
}

/// Make a temporary file or directory
///
/// It has a random name and stays until something removes it, such as a task with `file: state=absent`.
///
/// ## Check mode
///
/// The task is skipped, as in Ansible: the name does not exist before.
///
/// ## Returns
///
/// - `path`: its path.
/// - `owner`, `group`, `uid`, `gid`, `mode`, `size`, `state`: what it is.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.tempfile:
///     state: directory
///     suffix: build
///   register: build
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TempFileArgs {
    /// What to make.
    #[serde(default)]
    state: State,
    /// The directory to make it in; the system's for temporary files otherwise.
    #[serde(default)]
    path: Option<HostPath>,
    /// How the name begins.
    #[serde(default = "prefix")]
    prefix: String,
    /// How the name ends.
    #[serde(default)]
    suffix: String,
}

fn prefix() -> String {
    "ansible.".to_owned()
}

pub(super) struct TempFile;

impl Module for TempFile {
    type Args = TempFileArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.tempfile",
        aliases: &[],
        family: "files",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::None,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        for (name, part) in [("prefix", &args.prefix), ("suffix", &args.suffix)] {
            if part.contains(['/', '\0']) {
                let message = format!("{name} must be a valid file name component, got '{part}'");
                return Err(ArgumentError::new(name, message));
            }
        }
        Ok(())
    }

    fn plan(_: &Self::Args, _: &dyn Host) -> Result<Plan<()>, Failure> {
        Ok(Plan::opaque(()))
    }

    fn apply(args: &Self::Args, (): (), host: &dyn Host) -> Result<Applied, Failure> {
        let parent = args.path.as_deref();
        let path = match args.state {
            State::Directory => host.temporary_directory(parent, &args.prefix, &args.suffix)?,
            State::File => host.temporary_file(parent, &args.prefix, &args.suffix)?,
        };
        let info = path_info(&path, host)?;
        Ok(Outcome::changed().with("path", path).with_all(info).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{check, failure, run};
    use crate::value::Dict;

    #[test]
    fn it_is_private_and_named_as_asked() {
        let host = FakeHost::new().directory("/srv");
        let outcome = run::<TempFile>(&Dict::new().into(), &host);
        let path = outcome.values.get("path").unwrap().to_text();
        assert!(outcome.changed && path.starts_with("/tmp/ansible."));
        assert_eq!(host.mode_of(&path), 0o600);
        let args = Dict::new()
            .with("state", "directory")
            .with("path", "/srv")
            .with("prefix", "a.")
            .with("suffix", "-b");
        let outcome = run::<TempFile>(&args.into(), &host);
        let path = outcome.values.get("path").unwrap().to_text();
        assert!(path.starts_with("/srv/a.") && path.ends_with("-b"));
        assert_eq!(host.mode_of(&path), 0o700);
    }

    #[test]
    fn check_mode_skips_it() {
        assert!(check::<TempFile>(&Dict::new().into(), &FakeHost::new()).skipped);
    }

    #[test]
    fn t10_a_name_holds_no_path() {
        let wrong = |name: &str| {
            failure::<TempFile>(&Dict::new().with(name, "../x").into(), &FakeHost::new())
        };
        assert!(wrong("prefix").contains("valid file name component"));
        assert!(wrong("suffix").contains("valid file name component"));
        let missing = Dict::new().with("path", "/none");
        assert!(
            failure::<TempFile>(&missing.into(), &FakeHost::new())
                .contains("No such file or directory")
        );
    }
}
