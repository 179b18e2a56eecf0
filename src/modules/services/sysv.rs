//! Init scripts, where no systemd runs: `service` starts and stops them, `update-rc.d` or its like enables them.

use std::time::Duration;

use super::service::ServiceArgs;
use crate::kit::{Command, Failure, Host, Outcome, Plan};
use crate::value::Dict;

/// What is to be done with an init script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::modules) struct Actions {
    enable: Option<bool>,
    /// `start`, `stop`, `restart`, `reload`.
    run: Option<&'static str>,
}

/// Tells whether there is an init script of that name.
pub(super) fn exists(name: &str, host: &dyn Host) -> bool {
    !name.contains('/')
        && matches!(
            host.status(&format!("/etc/init.d/{name}"), true),
            Ok(Some(_))
        )
}

/// Reads the script's state and decides.
pub(super) fn plan(args: &ServiceArgs, host: &dyn Host) -> Result<Plan<Actions>, Failure> {
    let name = args.name.as_str();
    if !exists(name, host) {
        return Err(Failure::new(format!(
            "Could not find the requested service {name}: host"
        )));
    }
    let mut actions = Actions::default();
    let mut values = Dict::new().with("name", name);
    if let Some(wanted) = args.enabled {
        actions.enable = Some(wanted).filter(|wanted| enabled(args, host) != *wanted);
        values.insert("enabled", wanted);
    }
    if let Some(wanted) = args.state {
        let running = running(args, host)?;
        actions.run = wanted.step(running);
        values.insert("state", wanted.end());
    }
    let plan = if actions == Actions::default() {
        Plan::unchanged("the service is as it shall be")
    } else {
        Plan::change(actions)
    };
    Ok(plan.with_all(values))
}

/// A service without a status of its own runs if a process's command line holds the pattern.
fn running(args: &ServiceArgs, host: &dyn Host) -> Result<bool, Failure> {
    if let Some(pattern) = &args.pattern {
        let processes = host.list("/proc")?;
        return Ok(processes
            .iter()
            .filter(|entry| entry.name.bytes().all(|byte| byte.is_ascii_digit()))
            .filter_map(|entry| host.read(&format!("/proc/{}/cmdline", entry.name)).ok())
            .any(|line| {
                String::from_utf8_lossy(&line)
                    .replace('\0', " ")
                    .contains(pattern)
            }));
    }
    Ok(host
        .run(&Command::new(["service", &args.name, "status"]).in_c_locale())?
        .success())
}

fn enabled(args: &ServiceArgs, host: &dyn Host) -> bool {
    let own = [format!("/etc/runlevels/{}", args.runlevel)];
    let started = |name: &str| {
        let rest = name
            .strip_prefix('S')
            .map(|rest| rest.trim_start_matches(|first: char| first.is_ascii_digit()));
        rest == Some(args.name.as_str())
    };
    (2..=5).any(|level| {
        host.list(&format!("/etc/rc{level}.d"))
            .is_ok_and(|names| names.iter().any(|entry| started(&entry.name)))
    }) || own.iter().any(|folder| {
        host.list(folder)
            .is_ok_and(|names| names.iter().any(|entry| entry.name == args.name))
    })
}

/// Carries it out.
pub(super) fn apply(
    args: &ServiceArgs,
    actions: &Actions,
    host: &dyn Host,
) -> Result<Outcome, Failure> {
    let name = args.name.as_str();
    let mut outcome = Outcome::unchanged();
    if let Some(wanted) = actions.enable {
        for words in enabling(args, wanted, host)? {
            run(&words, host)?;
        }
        outcome.changed = true;
    }
    let start = |action: &str| {
        let mut words = vec!["service".to_owned(), name.to_owned(), action.to_owned()];
        words.extend(
            args.arguments
                .iter()
                .flat_map(|text| text.split_whitespace().map(str::to_owned)),
        );
        words
    };
    match (actions.run, args.sleep) {
        (None, _) => {}
        // Some scripts return before the old process is gone.
        (Some("restart"), Some(seconds)) => {
            run(&start("stop"), host)?;
            host.sleep(Duration::from_secs(seconds))?;
            run(&start("start"), host)?;
        }
        (Some(action), _) => run(&start(action), host)?,
    }
    outcome.changed |= actions.run.is_some();
    Ok(outcome)
}

fn enabling(
    args: &ServiceArgs,
    wanted: bool,
    host: &dyn Host,
) -> Result<Vec<Vec<String>>, Failure> {
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let name = args.name.as_str();
    let word = if wanted { "enable" } else { "disable" };
    if host.find_program("update-rc.d").is_some() {
        let first = wanted.then(|| words(&["update-rc.d", name, "defaults"]));
        return Ok(first
            .into_iter()
            .chain([words(&["update-rc.d", name, word])])
            .collect());
    }
    if host.find_program("chkconfig").is_some() {
        return Ok(vec![words(&[
            "chkconfig",
            name,
            if wanted { "on" } else { "off" },
        ])]);
    }
    if host.find_program("rc-update").is_some() {
        return Ok(vec![words(&[
            "rc-update",
            if wanted { "add" } else { "del" },
            name,
            &args.runlevel,
        ])]);
    }
    Err(Failure::new(format!(
        "cannot {word} `{name}`: this host has none of systemctl, update-rc.d, chkconfig, rc-update"
    )))
}

fn run(words: &[String], host: &dyn Host) -> Result<(), Failure> {
    let output = host.run(&Command::new(words.to_vec()).in_c_locale())?;
    if output.success() {
        return Ok(());
    }
    let text = format!("{}{}", output.stdout_text(), output.stderr_text());
    Err(
        Failure::new(format!("`{}` failed: {}", words.join(" "), text.trim()))
            .with("rc", output.status),
    )
}
