//! Packages from files: `deb`.

use super::command::{self, AptCommand};
use super::database::Database;
use super::{AptArgs, Work};
use crate::kit::{Command, Failure, Host, Plan};

/// Plans the installation of `.deb` files; comma-separated, each a path or an address.
pub(super) fn plan(args: &AptArgs, files: &str, host: &dyn Host) -> Result<Plan<Work>, Failure> {
    let addresses: Vec<String> = files
        .split(',')
        .map(|file| file.trim().to_owned())
        .collect();
    if addresses.iter().any(|file| file.contains("://")) {
        // What lies there is not known before it is here, and fetching it is a change of this host.
        return Ok(Plan::opaque(Work::Fetch(addresses)));
    }
    local(args, &addresses, host)
}

/// Plans the installation of files that are on the host.
pub(super) fn local(
    args: &AptArgs,
    files: &[String],
    host: &dyn Host,
) -> Result<Plan<Work>, Failure> {
    let database = Database::read(host)?;
    let mut names = Vec::new();
    let mut wanted = Vec::new();
    for file in files {
        let (name, version) = identity(file, host)?;
        if database
            .installed(&name)
            .is_none_or(|package| package.version != version)
        {
            // apt takes an operand for a file by its slash.
            wanted.push(if file.contains('/') {
                file.clone()
            } else {
                format!("./{file}")
            });
            names.push(name);
        }
    }
    if wanted.is_empty() {
        let plan = Plan::unchanged("these versions are installed");
        return Ok(plan.with("stdout", "").with("stderr", ""));
    }
    let dependencies = dependencies(args, &wanted, &names, host)?;
    let mut before = vec![command::program("dpkg", host)?];
    before.extend(
        args.dpkg_options
            .split(',')
            .map(|option| format!("--{}", option.trim())),
    );
    if args.force {
        before.push("--force-all".to_owned());
    }
    let mut after = vec!["-i".to_owned(), "--".to_owned()];
    after.extend(wanted.iter().cloned());
    let shown = format!("dpkg -i {}", wanted.join(" "));
    let command = AptCommand::new(before, "--simulate", after, shown);
    let simulated = command.simulate(host)?;
    let values = command::values(&simulated);
    let diff = command::diff(&simulated);
    Ok(Plan::change(Work::Files {
        dependencies,
        command,
    })
    .with_all(values)
    .with_diff(diff))
}

fn identity(file: &str, host: &dyn Host) -> Result<(String, String), Failure> {
    if host.status(file, true)?.is_none() {
        return Err(Failure::new(format!(
            "Unable to install package: E:Could not open file {file} - open (2: No such file or directory)"
        )));
    }
    let output = host.run(
        &Command::new([
            "dpkg-deb",
            "--show",
            "--showformat=${Package} ${Version}",
            "--",
            file,
        ])
        .in_c_locale(),
    )?;
    let text = output.stdout_text();
    match text.trim().split_once(' ') {
        Some((name, version)) if output.success() => Ok((name.to_owned(), version.to_owned())),
        _ => Err(Failure::new(format!(
            "Unable to install package: {}",
            output.stderr_text().trim()
        ))),
    }
}

/// Returns the packages of apt's sources that these files need, by letting apt plan it all.
fn dependencies(
    args: &AptArgs,
    files: &[String],
    names: &[String],
    host: &dyn Host,
) -> Result<Vec<String>, Failure> {
    let mut before = vec![command::program("apt-get", host)?, "-y".to_owned()];
    let recommends = if args.install_recommends == Some(true) {
        "yes"
    } else {
        "no"
    };
    before.extend([
        "-o".to_owned(),
        format!("APT::Install-Recommends={recommends}"),
        "--allow-unauthenticated".to_owned(),
    ]);
    let options = [
        (args.allow_downgrade || args.force, "--allow-downgrades"),
        (
            args.allow_change_held_packages,
            "--allow-change-held-packages",
        ),
        (args.fail_on_autoremove, "--no-remove"),
    ];
    before.extend(
        options
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| (*name).to_owned()),
    );
    let mut after = vec!["install".to_owned(), "--".to_owned()];
    after.extend(files.iter().cloned());
    let shown = format!("apt-get install {}", files.join(" "));
    let command = AptCommand::new(before, "--simulate", after, shown);
    let output = command.simulate(host)?;
    if !output.success() {
        if args.force {
            return Ok(Vec::new());
        }
        return Err(Failure::new(format!(
            "Unable to install package: {}",
            output.stderr_text().trim()
        )));
    }
    Ok(output
        .stdout_text()
        .lines()
        .filter_map(|line| {
            line.strip_prefix("Inst ")?
                .split_whitespace()
                .next()
                .map(str::to_owned)
        })
        .filter(|name| !names.contains(name))
        .collect())
}

/// Brings files from their addresses to the host, with apt's own helper (its proxies and the system's certificates count).
pub(super) fn fetch(
    files: &[String],
    folder: &str,
    host: &dyn Host,
) -> Result<Vec<String>, Failure> {
    let mut local = Vec::new();
    for (number, file) in files.iter().enumerate() {
        if !file.contains("://") {
            local.push(file.clone());
            continue;
        }
        let target = format!("{folder}/{number}.deb");
        let helper = "/usr/lib/apt/apt-helper";
        let output = host.run(&command::environment(Command::new([
            helper,
            "download-file",
            "--",
            file,
            &target,
        ])))?;
        if !output.success() {
            return Err(Failure::new(format!(
                "cannot fetch `{file}`: {}",
                output.stderr_text().trim()
            )));
        }
        local.push(target);
    }
    Ok(local)
}
