//! Which packages must be installed, upgraded or removed.

use super::cache::{self, Cache};
use super::command::{self, AptCommand};
use super::database::Database;
use super::version::{Request, Wanted};
use super::{AptArgs, State, Work};
use crate::kit::{Failure, Host, Plan};
use crate::modules::commands::glob;

const NOTHING: &str = "\n0 upgraded, 0 newly installed, 0 to remove";

/// Returns the packages that a user means: patterns become the names that they match.
fn expand(
    names: &[&str],
    known: &dyn Fn() -> Result<Vec<String>, Failure>,
) -> Result<Vec<Request>, Failure> {
    let mut requests = Vec::new();
    for name in names {
        let request = Request::parse(name);
        if !request.is_pattern() {
            requests.push(request);
            continue;
        }
        let matches: Vec<Request> = known()?
            .iter()
            .filter(|name| glob::matches(&request.name, name))
            .map(|name| Request::parse(name))
            .collect();
        if matches.is_empty() {
            return Err(Failure::new(format!(
                "No package(s) matching '{}' available",
                request.name
            )));
        }
        requests.extend(matches);
    }
    Ok(requests)
}

/// Plans `present`, `latest`, `build-dep` and `fixed`.
pub(super) fn install(
    args: &AptArgs,
    names: &[&str],
    host: &dyn Host,
) -> Result<Plan<Work>, Failure> {
    let database = Database::read(host)?;
    let requests = expand(names, &|| cache::all_names(host))?;
    if args.state == State::BuildDep {
        let operands = requests
            .into_iter()
            .map(|request| request.text)
            .collect::<Vec<_>>();
        return if operands.is_empty() {
            Ok(nothing())
        } else {
            simulated(args, &operands, Vec::new(), host)
        };
    }
    let unsure: Vec<&str> = requests
        .iter()
        .filter(|request| !settled(request, args.state, &database))
        .map(|request| request.name.as_str())
        .collect();
    let cache = Cache::ask(&unsure, args.default_release.as_deref(), host)?;
    let mut operands = Vec::new();
    for request in &requests {
        if unsure.contains(&request.name.as_str())
            && let Some(operand) = operand(request, args, &database, &cache, host)?
        {
            operands.push(operand);
        }
    }
    // apt removes what it has installed for other packages' sake; what a user names is to stay.
    let mark: Vec<String> = requests
        .iter()
        .filter(|request| {
            let chosen = operands
                .iter()
                .any(|operand| Request::parse(operand).name == request.name);
            database.is_automatic(&request.name)
                && (chosen || database.installed(&request.name).is_some())
        })
        .map(|request| request.name.clone())
        .collect();
    if operands.is_empty() {
        return Ok(if mark.is_empty() {
            nothing()
        } else {
            Plan::change(Work::Mark(mark)).uncounted()
        });
    }
    simulated(args, &operands, mark, host)
}

fn nothing() -> Plan<Work> {
    Plan::unchanged("all packages are as they shall be")
}

/// Tells whether dpkg's database alone shows that nothing is to be done.
fn settled(request: &Request, state: State, database: &Database) -> bool {
    let installed = database.installed(&request.name);
    state != State::Latest
        && !request.has_pattern()
        && installed.is_some_and(|package| request.accepts(&package.version))
}

/// Returns what to ask apt for, or nothing where the package is as it shall be.
fn operand(
    request: &Request,
    args: &AptArgs,
    database: &Database,
    cache: &Cache,
    host: &dyn Host,
) -> Result<Option<String>, Failure> {
    let name = request.name.as_str();
    let installed = database
        .installed(name)
        .map(|package| package.version.as_str());
    let Some(known) = cache.get(name) else {
        if installed.is_some() {
            // Installed by hand: no source has it, and it cannot be upgraded.
            return Ok(None);
        }
        let providers = cache::providers(name, host)?;
        return match providers.as_slice() {
            [] => Err(
                Failure::new(format!("No package matching '{name}' is available")).with_marker(),
            ),
            [_] if database.provider(name).is_some() => Ok(None),
            _ if args.only_upgrade => Ok(None),
            _ => Ok(Some(name.to_owned())),
        };
    };
    if installed.is_none() && args.only_upgrade {
        return Ok(None);
    }
    let best = known.best(request).filter(|best| request.accepts(best));
    let fits = installed.is_some_and(|version| request.accepts(version));
    let better = best.filter(|best| installed != Some(*best));
    match (fits, better) {
        (false, None) => Err(Failure::new(format!(
            "no available installation candidate for {}",
            request.text
        ))),
        (_, Some(version)) if installed.is_none() || args.state == State::Latest || !fits => {
            Ok(Some(format!("{name}={version}")))
        }
        // A later version that the pattern matches too is taken, as Ansible does.
        (true, Some(version)) if matches!(request.version, Wanted::Like(_)) => {
            Ok(Some(format!("{name}={version}")))
        }
        _ => Ok(None),
    }
}

trait Marker {
    /// Says that the caller need not add what it knows of the cache.
    fn with_marker(self) -> Self;
}

impl Marker for Failure {
    fn with_marker(self) -> Self {
        self.with(super::BARE, true)
    }
}

/// Builds the command, and lets apt show what it would do.
fn simulated(
    args: &AptArgs,
    operands: &[String],
    mark: Vec<String>,
    host: &dyn Host,
) -> Result<Plan<Work>, Failure> {
    let apt = command::program("apt-get", host)?;
    let (dpkg, dpkg_shown) = command::dpkg_options(args);
    let build = args.state == State::BuildDep;
    let option = |set: bool, name: &'static str| if set { name } else { "" };
    let mut middle = vec![
        option(args.only_upgrade, "--only-upgrade"),
        option(args.state == State::Fixed, "--fix-broken"),
        option(args.force, "--force-yes"),
    ];
    if !build {
        middle.push(option(args.autoremove, "--auto-remove"));
    }
    middle.push(option(args.fail_on_autoremove, "--no-remove"));
    let action = if build { "build-dep" } else { "install" };
    let mut trailing = Vec::new();
    if let Some(release) = &args.default_release {
        trailing.extend(["-t", release.as_str()]);
    }
    match args.install_recommends {
        Some(true) => trailing.extend(["-o", "APT::Install-Recommends=yes"]),
        Some(false) => trailing.extend(["-o", "APT::Install-Recommends=no"]),
        None => {}
    }
    let allowed = [
        (args.allow_unauthenticated, "--allow-unauthenticated"),
        (args.allow_downgrade, "--allow-downgrades"),
        (
            args.allow_change_held_packages,
            "--allow-change-held-packages",
        ),
    ];
    trailing.extend(
        allowed
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| *name),
    );
    let quoted: Vec<String> = operands
        .iter()
        .map(|operand| format!("'{operand}'"))
        .collect();
    let mut shown = format!(
        "{apt} -y {dpkg_shown} {}  {action} {}",
        middle.join(" "),
        quoted.join(" ")
    );
    for word in &trailing {
        shown.push(' ');
        shown.push_str(word);
    }
    let mut before = vec![apt, "-y".to_owned()];
    before.extend(dpkg);
    before.extend(
        middle
            .iter()
            .filter(|word| !word.is_empty())
            .map(|word| (*word).to_owned()),
    );
    before.extend(trailing.iter().map(|word| (*word).to_owned()));
    let mut after = vec![action.to_owned(), "--".to_owned()];
    after.extend(operands.iter().cloned());
    let command = AptCommand::new(before, "--simulate", after, shown);
    let output = command.simulate(host)?;
    if !output.success() {
        return Err(command.failure(&output));
    }
    let values = command::values(&output);
    if build && output.stdout_text().contains(NOTHING) {
        return Ok(nothing().with_all(values));
    }
    let diff = command::diff(&output);
    Ok(Plan::change(Work::Run {
        command,
        mark,
        upgrade: false,
    })
    .with_all(values)
    .with_diff(diff))
}

/// Plans `absent`.
pub(super) fn remove(
    args: &AptArgs,
    names: &[&str],
    host: &dyn Host,
) -> Result<Plan<Work>, Failure> {
    let database = Database::read(host)?;
    let known = || Ok(database.names().map(str::to_owned).collect());
    let operands: Vec<String> = expand(names, &known)?
        .into_iter()
        .filter(|request| {
            let installed = database.installed(&request.name);
            installed.is_some_and(|package| request.accepts(&package.version))
                || (args.purge && database.has_files(&request.name))
        })
        .map(|request| request.text)
        .collect();
    if operands.is_empty() {
        return Ok(Plan::unchanged("none of the packages is installed"));
    }
    let (dpkg, _) = command::dpkg_options(args);
    let mut before = vec![
        command::program("apt-get", host)?,
        "-q".to_owned(),
        "-y".to_owned(),
    ];
    before.extend(dpkg);
    let options = [
        (args.purge, "--purge"),
        (args.force, "--force-yes"),
        (args.autoremove, "--auto-remove"),
        (
            args.allow_change_held_packages,
            "--allow-change-held-packages",
        ),
    ];
    before.extend(
        options
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| (*name).to_owned()),
    );
    let quoted: Vec<String> = operands
        .iter()
        .map(|operand| format!("'{operand}'"))
        .collect();
    let shown = format!("apt-get remove {}", quoted.join(" "));
    let mut after = vec!["remove".to_owned(), "--".to_owned()];
    after.extend(operands);
    super::maintain::planned(AptCommand::new(before, "--simulate", after, shown), host)
}
