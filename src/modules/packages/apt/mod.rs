//! `ansible.builtin.apt`: packages of Debian and its family.
//!
//! `database` reads what is installed, `cache` what could be, `install` and `maintain` decide what apt is to do, and apt itself
//! shows (by simulation) what that means. A host that has what it shall have is recognised without starting a process.

mod cache;
mod command;
mod database;
mod deb;
mod install;
mod maintain;
#[cfg(test)]
mod tests;
pub(in crate::modules::packages) mod update;
mod version;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Command, Effect, Failure, Host, HostPath, Meta, Module, Outcome, Plan,
    Support, Verdict,
};
use command::AptCommand;

/// A value of a failure that says: return nothing of the cache. It never leaves this module.
const BARE: &str = "_bare";

/// What packages shall be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::modules) enum State {
    /// Not installed.
    Absent,
    /// What they need to be built is installed.
    BuildDep,
    /// Installed, and broken dependencies are repaired.
    Fixed,
    /// Installed in the latest version.
    Latest,
    /// Installed.
    #[default]
    Present,
}

/// How to upgrade all packages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::modules) enum Upgrade {
    /// `apt-get dist-upgrade`.
    Dist,
    /// `aptitude full-upgrade`, or `apt-get dist-upgrade` where there is no aptitude.
    Full,
    /// Not at all.
    #[default]
    No,
    /// `aptitude safe-upgrade`, or `apt-get upgrade --with-new-pkgs` where there is no aptitude.
    Safe,
    /// As `safe`.
    Yes,
}

/// Install, upgrade and remove packages with apt
///
/// Works with `apt-get`, `apt-cache` and `dpkg`; Python and its bindings are not needed.
///
/// Sources that are not signed by a trusted key are refused, unless their own entry or `allow_unauthenticated` says otherwise.
///
/// ## Check mode
///
/// Lets apt simulate. The package cache is not updated, so that a package which only a newer cache knows is reported as missing.
///
/// ## Returns
///
/// - `cache_updated`: whether the package cache was updated.
/// - `cache_update_time`: when it was last updated, in seconds since 1970.
/// - `stdout`, `stderr`: what apt wrote.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.apt:
///     name: [curl, nftables, 'openssl>=3.0']
///     update_cache: true
///     cache_valid_time: 3600
/// - ansible.builtin.apt:
///     upgrade: dist
/// - ansible.builtin.apt:
///     deb: /opt/packages/tool_1.2_amd64.deb
/// ```
///
/// ## Differs from Ansible
///
/// `auto_install_module_deps` has no effect, as nothing has to be installed for the module's sake. `deb` with an address is skipped in
/// check mode, as nobody knows what lies there.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::modules) struct AptArgs {
    /// What the packages shall be.
    #[serde(default)]
    pub(in crate::modules) state: State,
    /// Update the package cache first, if it is older than `cache_valid_time`.
    #[serde(default, alias = "update-cache")]
    pub(in crate::modules) update_cache: bool,
    /// How often to try that.
    #[serde(default = "five")]
    update_cache_retries: u32,
    /// The longest wait between two tries, in seconds.
    #[serde(default = "twelve")]
    update_cache_retry_max_delay: u64,
    /// How old the package cache may be, in seconds. Says `update_cache` too.
    #[serde(default)]
    pub(in crate::modules) cache_valid_time: i64,
    /// Remove configuration files too.
    #[serde(default)]
    purge: bool,
    /// Packages: names, `name=version` (a version may be a pattern), `name>=version`, patterns of names. `*` with `latest` means
    /// all that are installed.
    #[serde(default, alias = "pkg", alias = "name")]
    pub(in crate::modules) package: Vec<String>,
    /// `.deb` files: paths on the host, or addresses; separated by commas.
    #[serde(default)]
    deb: Option<HostPath>,
    /// The release that packages shall come from, as with `apt-get -t`.
    #[serde(default, alias = "default-release")]
    default_release: Option<String>,
    /// Whether recommended packages are installed too. Without it the host's own setting counts.
    #[serde(default, alias = "install-recommends")]
    install_recommends: Option<bool>,
    /// Pass `--force-yes`, which ignores signatures, downgrades and removals of essential packages. Better not.
    #[serde(default)]
    force: bool,
    /// Upgrade all packages.
    #[serde(default)]
    upgrade: Upgrade,
    /// Options for dpkg, separated by commas, without `--`.
    #[serde(default = "keep_configuration")]
    dpkg_options: String,
    /// Remove packages that others needed and nobody needs any more.
    #[serde(default)]
    autoremove: bool,
    /// Remove downloaded packages that can no longer be downloaded.
    #[serde(default)]
    autoclean: bool,
    /// Fail rather than remove a package.
    #[serde(default)]
    fail_on_autoremove: bool,
    /// What `/usr/sbin/policy-rc.d` answers while packages are installed: 101 keeps their services from starting.
    #[serde(default)]
    policy_rc_d: Option<i64>,
    /// Only upgrade packages that are installed.
    #[serde(default)]
    only_upgrade: bool,
    /// Use `apt-get` even where there is aptitude.
    #[serde(default)]
    force_apt_get: bool,
    /// Empty the folder of downloaded packages.
    #[serde(default)]
    clean: bool,
    /// Install packages whose origin cannot be verified.
    #[serde(default, alias = "allow-unauthenticated")]
    allow_unauthenticated: bool,
    /// Install an older version over a later one.
    #[serde(
        default,
        alias = "allow-downgrade",
        alias = "allow_downgrades",
        alias = "allow-downgrades"
    )]
    allow_downgrade: bool,
    /// Change packages that are held.
    #[serde(default)]
    allow_change_held_packages: bool,
    /// How long to wait for the lock of another apt, in seconds.
    #[serde(default = "sixty")]
    lock_timeout: i64,
    /// Has no effect; kept because playbooks have it.
    #[serde(default)]
    #[expect(dead_code, reason = "there is no Python to install anything for")]
    auto_install_module_deps: Option<bool>,
}

fn five() -> u32 {
    5
}

fn twelve() -> u64 {
    12
}

fn sixty() -> i64 {
    60
}

fn keep_configuration() -> String {
    "force-confdef,force-confold".to_owned()
}

/// What apt is to do once the cache is right.
#[derive(Clone, Debug)]
pub(in crate::modules) enum Work {
    /// Nothing.
    Nothing,
    /// Run this, then mark these packages as wanted for their own sake.
    Run {
        command: AptCommand,
        mark: Vec<String>,
        upgrade: bool,
    },
    /// Mark these packages as wanted for their own sake.
    Mark(Vec<String>),
    /// Install dependencies from apt's sources, then files.
    Files {
        dependencies: Vec<String>,
        command: AptCommand,
    },
    /// Fetch files, then install them.
    Fetch(Vec<String>),
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(in crate::modules) struct Change {
    clean: bool,
    update: bool,
    work: Work,
}

/// Packages with apt.
pub(in crate::modules) struct Apt;

impl Module for Apt {
    type Args = AptArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.apt",
        aliases: &[],
        family: "packages",
        since: "0.1.0",
        effect: Effect::Shows,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        let given = [
            args.deb.is_some(),
            !args.package.is_empty(),
            args.upgrade != Upgrade::No,
        ];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err(ArgumentError::general(
                "parameters are mutually exclusive: deb|package|upgrade",
            ));
        }
        if args.deb.is_some() && args.state != State::Present {
            return Err(ArgumentError::new("deb", "deb only supports state=present"));
        }
        if let Some(package) = args
            .package
            .iter()
            .find(|package| package.matches('=').count() > 1)
        {
            return Err(ArgumentError::new(
                "package",
                format!("invalid package spec: {package}"),
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let alone = args.package.is_empty() && args.deb.is_none() && args.upgrade == Upgrade::No;
        if args.clean && alone {
            return Ok(Plan::change(Change {
                clean: true,
                update: false,
                work: Work::Nothing,
            }));
        }
        let asks = args.update_cache || args.cache_valid_time > 0;
        let update = asks && update::is_due(args, host)?;
        if asks && alone {
            let time = cache::updated(host)?.0;
            let plan = match update {
                true => Plan::change(Change {
                    clean: false,
                    update,
                    work: Work::Nothing,
                }),
                false => Plan::unchanged("the package cache is young enough"),
            };
            return Ok(plan
                .with("cache_updated", update)
                .with("cache_update_time", time));
        }
        let decided = decide(args, host);
        let decided = match decided {
            // What is missing now may be known after the update.
            Err(_) if update => Plan::change(Work::Nothing),
            other => described(args, update, host, other)?,
        };
        let Plan {
            verdict,
            values,
            in_check,
            diff,
            warnings,
            warnings_in_check,
            uncounted,
        } = decided;
        let change = |work| Change {
            clean: args.clean,
            update,
            work,
        };
        let (verdict, uncounted) = match verdict {
            Verdict::Unchanged { .. } if update || args.clean => {
                (Verdict::Change(change(Work::Nothing)), true)
            }
            Verdict::Unchanged { why } => (Verdict::Unchanged { why }, uncounted),
            Verdict::Skipped { why } => (Verdict::Skipped { why }, uncounted),
            Verdict::Change(work) => (Verdict::Change(change(work)), uncounted),
            Verdict::Opaque(work) => (Verdict::Opaque(change(work)), uncounted),
        };
        Ok(Plan {
            verdict,
            values,
            in_check,
            diff,
            warnings,
            warnings_in_check,
            uncounted,
        })
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let mut outcome = Outcome::unchanged();
        if change.clean {
            let cleaned = maintain::clean(host)?;
            outcome.values = cleaned.values;
            outcome.changed =
                args.package.is_empty() && args.deb.is_none() && args.upgrade == Upgrade::No;
        }
        let mut work = change.work;
        if change.update {
            let tries = update::Tries {
                count: args.update_cache_retries,
                longest_wait: args.update_cache_retry_max_delay,
                lock_timeout: args.lock_timeout,
            };
            let updated = update::run(&tries, host)?;
            outcome.warnings.extend(updated.warnings);
            let time = cache::updated(host)?.0;
            if args.package.is_empty() && args.deb.is_none() && args.upgrade == Upgrade::No {
                outcome.changed = updated.changed;
                outcome = outcome
                    .with("cache_updated", updated.changed)
                    .with("cache_update_time", time);
                return Ok(outcome.into());
            }
            // The ground has changed, so what was decided before counts no longer.
            let again = described(args, updated.changed, host, decide(args, host))?;
            outcome.values.extend(again.values);
            outcome.diff = again.diff;
            work = match again.verdict {
                Verdict::Change(work) | Verdict::Opaque(work) => work,
                Verdict::Unchanged { .. } | Verdict::Skipped { .. } => Work::Nothing,
            };
        }
        carry_out(args, work, outcome, host).map(Applied::from)
    }
}

/// Decides what apt is to do, with the cache as it is.
fn decide(args: &AptArgs, host: &dyn Host) -> Result<Plan<Work>, Failure> {
    if args.upgrade != Upgrade::No {
        return maintain::upgrade(args, args.upgrade, host);
    }
    if let Some(files) = &args.deb {
        return deb::plan(args, files, host);
    }
    let names: Vec<&str> = args
        .package
        .iter()
        .map(|name| name.trim())
        .filter(|name| *name != "*" && !name.is_empty())
        .collect();
    if args.state == State::Latest && args.package.iter().any(|name| name == "*") {
        if !names.is_empty() {
            return Err(Failure::new(
                "unable to install additional packages when upgrading all installed packages",
            ));
        }
        return maintain::upgrade(args, Upgrade::Yes, host);
    }
    if names.is_empty() && args.autoclean {
        return maintain::cleanup(args, "autoclean", "Del ", host);
    }
    if names.is_empty() && args.autoremove {
        return maintain::cleanup(
            args,
            "autoremove",
            "The following packages will be REMOVED",
            host,
        );
    }
    match args.state {
        State::Absent => install::remove(args, &names, host),
        _ => install::install(args, &names, host),
    }
}

/// Adds what is known of the cache, where Ansible returns it: to what installs packages by name.
fn described(
    args: &AptArgs,
    updated: bool,
    host: &dyn Host,
    decided: Result<Plan<Work>, Failure>,
) -> Result<Plan<Work>, Failure> {
    let cleans = args.package.is_empty() && (args.autoclean || args.autoremove);
    let all = args.state == State::Latest && args.package.iter().any(|name| name == "*");
    let installs = args.upgrade == Upgrade::No
        && args.deb.is_none()
        && args.state != State::Absent
        && !cleans
        && !all;
    let time = cache::updated(host)?.0;
    match decided {
        Ok(plan) if installs => Ok(plan
            .with("cache_updated", updated)
            .with("cache_update_time", time)),
        Ok(plan) => Ok(plan),
        Err(mut failure) => {
            let bare = failure.values.remove(BARE).is_some();
            if bare || !installs {
                return Err(failure);
            }
            Err(failure
                .with("cache_updated", updated)
                .with("cache_update_time", time))
        }
    }
}

fn carry_out(
    args: &AptArgs,
    work: Work,
    mut outcome: Outcome,
    host: &dyn Host,
) -> Result<Outcome, Failure> {
    match work {
        Work::Nothing => {}
        Work::Mark(names) => mark(&names, host)?,
        Work::Run {
            command,
            mark: names,
            upgrade,
        } => {
            let output = command.run(args, host)?;
            if !output.success() {
                let time = cache::updated(host)?.0;
                let failure = command.failure(&output);
                let installs = !upgrade && args.state != State::Absent && !args.package.is_empty();
                return Err(match installs {
                    true => failure
                        .with("cache_updated", false)
                        .with("cache_update_time", time),
                    false => failure,
                });
            }
            mark(&names, host)?;
            outcome.changed = true;
            outcome.values.extend(command::values(&output));
            if upgrade {
                outcome.values.insert("msg", output.stdout_text());
            }
            outcome.diff = vec![command::diff(&output)];
        }
        Work::Files {
            dependencies,
            command,
        } => {
            let mut stdout = String::new();
            let mut stderr = String::new();
            if !dependencies.is_empty() {
                let wanted = AptArgs {
                    package: dependencies.clone(),
                    ..dependency_args(args)
                };
                let names: Vec<&str> = dependencies.iter().map(String::as_str).collect();
                if let Verdict::Change(Work::Run {
                    command,
                    mark: names,
                    ..
                }) = install::install(&wanted, &names, host)?.verdict
                {
                    let output = command.run(args, host)?;
                    if !output.success() {
                        return Err(command.failure(&output));
                    }
                    mark(&names, host)?;
                    stdout.push_str(&output.stdout_text());
                    stderr.push_str(&output.stderr_text());
                }
            }
            let output = command.run(args, host)?;
            stdout.push_str(&output.stdout_text());
            stderr.push_str(&output.stderr_text());
            if !output.success() {
                let failure = Failure::new(format!("{} failed", command.shown));
                return Err(failure
                    .with("stdout", stdout)
                    .with("stderr", stderr)
                    .after_change());
            }
            outcome.changed = true;
            outcome.diff = vec![command::diff(&output)];
            outcome = outcome.with("stdout", stdout).with("stderr", stderr);
        }
        Work::Fetch(addresses) => {
            let folder = host.temporary_directory(None, "apt-", "")?;
            let done = deb::fetch(&addresses, &folder, host)
                .and_then(|files| deb::local(args, &files, host))
                .and_then(|plan| match plan.verdict {
                    Verdict::Change(work) => carry_out(args, work, outcome, host),
                    _ => Ok(outcome.with_all(plan.values)),
                });
            host.remove_tree(&folder)?;
            return done;
        }
    }
    Ok(outcome)
}

/// The arguments that count for the dependencies of a file.
fn dependency_args(args: &AptArgs) -> AptArgs {
    AptArgs {
        install_recommends: args.install_recommends,
        fail_on_autoremove: args.fail_on_autoremove,
        allow_unauthenticated: args.allow_unauthenticated,
        allow_downgrade: args.allow_downgrade,
        allow_change_held_packages: args.allow_change_held_packages,
        dpkg_options: args.dpkg_options.clone(),
        lock_timeout: args.lock_timeout,
        ..AptArgs::default()
    }
}

fn mark(names: &[String], host: &dyn Host) -> Result<(), Failure> {
    if names.is_empty() {
        return Ok(());
    }
    let words = ["apt-mark", "manual", "--"]
        .into_iter()
        .map(str::to_owned)
        .chain(names.iter().cloned());
    let output = host.run(&command::environment(Command::new(words)))?;
    if output.success() {
        return Ok(());
    }
    let reason = output.stderr_text();
    Err(Failure::new(format!(
        "'apt-mark manual {}' failed: {reason}",
        names.join(" ")
    ))
    .with("stderr", reason)
    .with("rc", output.status))
}
