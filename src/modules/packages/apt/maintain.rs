//! Upgrades of all packages, and cleaning up.

use super::command::{self, AptCommand};
use super::{AptArgs, Upgrade, Work};
use crate::kit::{Command, Failure, Host, Outcome, Plan};
use crate::value::Dict;

/// Plans the command by its simulation; every success is a change.
pub(super) fn planned(command: AptCommand, host: &dyn Host) -> Result<Plan<Work>, Failure> {
    let output = command.simulate(host)?;
    if !output.success() {
        return Err(command.failure(&output));
    }
    let (values, diff) = (command::values(&output), command::diff(&output));
    let work = Work::Run {
        command,
        mark: Vec::new(),
        upgrade: false,
    };
    Ok(Plan::change(work).with_all(values).with_diff(diff))
}

/// Plans an upgrade of all packages.
pub(super) fn upgrade(
    args: &AptArgs,
    mode: Upgrade,
    host: &dyn Host,
) -> Result<Plan<Work>, Failure> {
    let by_apt =
        args.force_apt_get || mode == Upgrade::Dist || host.find_program("aptitude").is_none();
    let (dpkg, _) = command::dpkg_options(args);
    let name = if by_apt { "apt-get" } else { "aptitude" };
    let mut words = vec![command::program(name, host)?, "-y".to_owned()];
    words.extend(dpkg);
    let mut warnings = Vec::new();
    if args.force {
        let force: &[&str] = if by_apt {
            &["--force-yes"]
        } else {
            &["--assume-yes", "--allow-untrusted"]
        };
        words.extend(force.iter().map(|word| (*word).to_owned()));
    }
    let options = [
        (args.fail_on_autoremove, "--no-remove", "fail_on_autoremove"),
        (
            args.allow_downgrade,
            "--allow-downgrades",
            "allow_downgrade",
        ),
    ];
    for (_, option, argument) in options.iter().filter(|(set, ..)| *set) {
        if by_apt {
            words.push((*option).to_owned());
        } else {
            warnings.push(format!(
                "aptitude has no `{option}`; `{argument}` is not used"
            ));
        }
    }
    if args.allow_unauthenticated {
        words.push("--allow-unauthenticated".to_owned());
    }
    if let Some(release) = &args.default_release {
        words.extend(["-t".to_owned(), release.clone()]);
    }
    let action: &[&str] = match (mode, by_apt) {
        (Upgrade::Dist | Upgrade::Full, true) => &["dist-upgrade"],
        (Upgrade::Full, false) => &["full-upgrade"],
        (_, true) => &["upgrade", "--with-new-pkgs"],
        (_, false) => &["safe-upgrade"],
    };
    let mut after: Vec<String> = action.iter().map(|word| (*word).to_owned()).collect();
    if args.autoremove && by_apt {
        after.push("--auto-remove".to_owned());
    }
    let shown = format!("{name} {}", after.join(" "));
    let command = AptCommand::new(words, "--simulate", after, shown);
    let output = command.simulate(host)?;
    if !output.success() {
        return Err(command.failure(&output));
    }
    let text = output.stdout_text();
    let values = command::values(&output).with("msg", text.as_str());
    let zero = if by_apt {
        "\n0 upgraded, 0 newly installed, 0 to remove"
    } else {
        "\n0 packages upgraded, 0 newly installed, 0 to remove"
    };
    let mut plan = if text.contains(zero) {
        Plan::unchanged("all packages are the latest").with_all(values)
    } else {
        let diff = command::diff(&output);
        Plan::change(Work::Run {
            command,
            mark: Vec::new(),
            upgrade: true,
        })
        .with_all(values)
        .with_diff(diff)
    };
    plan.warnings = warnings;
    Ok(plan)
}

/// Plans `autoremove` or `autoclean`; `sign` is what apt says where there is something to do.
pub(super) fn cleanup(
    args: &AptArgs,
    action: &str,
    sign: &str,
    host: &dyn Host,
) -> Result<Plan<Work>, Failure> {
    let (dpkg, _) = command::dpkg_options(args);
    let mut before = vec![command::program("apt-get", host)?, "-y".to_owned()];
    before.extend(dpkg);
    let options = [(args.purge, "--purge"), (args.force, "--force-yes")];
    before.extend(
        options
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| (*name).to_owned()),
    );
    let command = AptCommand::new(
        before,
        "--simulate",
        vec![action.to_owned()],
        format!("apt-get {action}"),
    );
    let output = command.simulate(host)?;
    if !output.success() {
        return Err(command.failure(&output));
    }
    let values = command::values(&output);
    if output.stdout_text().contains(sign) {
        let diff = command::diff(&output);
        let work = Work::Run {
            command,
            mark: Vec::new(),
            upgrade: false,
        };
        return Ok(Plan::change(work).with_all(values).with_diff(diff));
    }
    Ok(Plan::unchanged("there is nothing to clean up").with_all(values))
}

/// Empties the folder of downloaded packages.
pub(super) fn clean(host: &dyn Host) -> Result<Outcome, Failure> {
    let output = host.run(&command::environment(Command::new(["apt-get", "clean"])))?;
    let text = output.stdout_text();
    let error = output.stderr_text();
    if !output.success() || !error.is_empty() {
        return Err(Failure::new(format!("apt-get clean failed: {error}"))
            .with("stdout", text)
            .with("rc", output.status));
    }
    let values = Dict::new()
        .with("msg", text.as_str())
        .with("stdout", text.as_str())
        .with("stderr", error);
    Ok(Outcome::changed().with_all(values))
}
