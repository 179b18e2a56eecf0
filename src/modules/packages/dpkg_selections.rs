//! `ansible.builtin.dpkg_selections`: what dpkg is to do with a package, such as holding it.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Command, Effect, Failure, Host, Meta, Module, Outcome, Output, Plan,
    Support,
};

/// What dpkg is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Selection {
    /// Have it.
    Install,
    /// Keep it as it is.
    Hold,
    /// Remove it, configuration files excepted.
    Deinstall,
    /// Remove it whole.
    Purge,
}

impl Selection {
    fn word(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Hold => "hold",
            Self::Deinstall => "deinstall",
            Self::Purge => "purge",
        }
    }
}

/// Say what dpkg is to do with a package
///
/// Nothing is installed or removed by this: a held package is left alone by upgrades.
///
/// ## Check mode
///
/// Tells what would change.
///
/// ## Returns
///
/// - `before`: the selection as it was, or `not present`.
/// - `after`: the selection as it is.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.dpkg_selections:
///     name: kubelet
///     selection: hold
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DpkgSelectionsArgs {
    /// The package.
    name: String,
    /// What is to be done with it.
    selection: Selection,
}

pub(super) struct DpkgSelections;

impl Module for DpkgSelections {
    type Args = DpkgSelectionsArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.dpkg_selections",
        aliases: &[],
        family: "packages",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.name.is_empty() || args.name.contains(char::is_whitespace) {
            return Err(ArgumentError::new("name", "must be one word"));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        let argv = ["dpkg", "--get-selections", "--", &args.name];
        let output = host.run(&Command::new(argv).in_c_locale())?;
        checked(&output)?;
        if output.stderr_text().contains("no packages found matching") {
            return Err(Failure::new(format!(
                "Failed to find package '{}' to perform selection '{}'.",
                args.name,
                args.selection.word()
            )));
        }
        let text = output.stdout_text();
        let before = text.split_whitespace().nth(1).unwrap_or("not present");
        let plan = if before == args.selection.word() {
            Plan::unchanged("that is its selection already")
        } else {
            Plan::change(())
        };
        Ok(plan
            .with("before", before)
            .with("after", args.selection.word()))
    }

    fn apply(args: &Self::Args, (): (), host: &dyn Host) -> Result<Applied, Failure> {
        let line = format!("{} {}\n", args.name, args.selection.word());
        let command = Command::new(["dpkg", "--set-selections"]).in_c_locale();
        checked(&host.run(&command.with_stdin(line))?)?;
        Ok(Outcome::changed().into())
    }
}

fn checked(output: &Output) -> Result<(), Failure> {
    if output.success() {
        return Ok(());
    }
    let reason = output.stderr_text();
    Err(Failure::new(reason.trim().to_owned())
        .with("rc", output.status)
        .with("stdout", output.stdout_text())
        .with("stderr", reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, exited, failure, printed};
    use crate::value::Dict;

    fn args(name: &str) -> Dict {
        Dict::new().with("name", name).with("selection", "hold")
    }

    #[test]
    fn a_package_is_held() {
        let host = FakeHost::new()
            .file("/selection", "install")
            .script(&["dpkg", "--get-selections"], |_, host| {
                printed(&format!("kubelet\t\t{}\n", host.text("/selection")))
            })
            .script(&["dpkg", "--set-selections"], |command, host| {
                let line = command.stdin.clone().unwrap_or_default();
                assert_eq!(line, b"kubelet hold\n");
                host.write("/selection", "hold");
                printed("")
            });
        let outcome = assert_converges::<DpkgSelections>(&args("kubelet").into(), &host);
        assert!(outcome.changed);
        assert_eq!(host.text("/selection"), "hold");
    }

    #[test]
    fn refusals_are_told() {
        let host = FakeHost::new().command(
            &["dpkg"],
            exited(0, "", "dpkg: no packages found matching none\n"),
        );
        assert_eq!(
            failure::<DpkgSelections>(&args("none").into(), &host),
            "Failed to find package 'none' to perform selection 'hold'."
        );
        let host = FakeHost::new().command(&["dpkg"], exited(2, "", "dpkg: error: locked\n"));
        assert!(failure::<DpkgSelections>(&args("x").into(), &host).contains("locked"));
        assert!(failure::<DpkgSelections>(&args("a b").into(), &host).contains("one word"));
    }
}
