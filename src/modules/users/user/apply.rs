//! Carrying the plan for an account out.

use super::plan::{Change, account, group};
use super::{State, UserArgs, key};
use crate::kit::{Command, Failure, Host, Outcome, User};

/// Carries it out.
pub(super) fn apply(args: &UserArgs, change: Change, host: &dyn Host) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::changed().with("name", args.name.as_str());
    let (mut stdout, mut stderr) = (String::new(), String::new());
    for name in &change.groups {
        group(name, host)?;
    }
    for folder in &change.parents {
        host.make_directory(folder, 0o777 & !host.umask())?;
    }
    let created = change
        .command
        .as_ref()
        .is_some_and(|words| words.first().is_some_and(|word| word == "useradd"));
    if let Some(words) = change.command {
        let output = host.run(&Command::new(words).in_c_locale())?;
        stdout = output.stdout_text();
        stderr = output.stderr_text();
        if !output.success() {
            return Err(Failure::new(stderr)
                .with("name", args.name.as_str())
                .with("rc", output.status));
        }
    }
    if let Some(hash) = change.password {
        let input = format!("{}:{hash}\n", args.name);
        let output = host.run(
            &Command::new(["chpasswd", "-e"])
                .in_c_locale()
                .with_stdin(input),
        )?;
        if !output.success() {
            let failure = Failure::new(output.stderr_text()).with("name", args.name.as_str());
            return Err(failure.with("rc", output.status).after_change());
        }
    }
    for (name, text) in [("stdout", stdout), ("stderr", stderr)] {
        if !text.is_empty() {
            outcome = outcome.with(name, text);
        }
    }
    if args.state == State::Absent {
        return Ok(outcome
            .with("state", "absent")
            .with("force", args.force)
            .with("remove", args.remove));
    }
    let user = account(args, host)?.ok_or_else(|| {
        Failure::new(format!("failed to look up user name: {}", args.name)).after_change()
    })?;
    if change.home || (created && args.create_home && host.status(&user.home, true)?.is_none()) {
        make_home(args, &user, host)?;
    }
    outcome = outcome.with_all(super::describe(args, &user));
    outcome = if created {
        outcome
            .with("system", args.system)
            .with("create_home", args.create_home)
    } else {
        outcome
            .with("append", args.append)
            .with("move_home", args.move_home)
    };
    let path = key::path(args, &user.home);
    if change.key && (args.force || key::found(&path, host)?.is_none()) {
        key::generate(args, &user, host).map_err(Failure::after_change)?;
    }
    if args.generate_ssh_key {
        outcome = outcome.with_all(key::describe(&path, host)?);
    }
    if let Some(words) = change.ages {
        run(&words, args, host)?;
    }
    Ok(outcome)
}

/// Makes a home from the skeleton, with the mode that `/etc/login.defs` wants.
fn make_home(args: &UserArgs, user: &User, host: &dyn Host) -> Result<(), Failure> {
    let skeleton = args.skeleton.as_deref().unwrap_or("/etc/skel");
    let home = user.home.as_str();
    host.make_directory(home, 0o700)?;
    if host.status(skeleton, true)?.is_some() {
        run(
            &["cp", "-r", "--no-target-directory", "--", skeleton, home].map(str::to_owned),
            args,
            host,
        )?;
    }
    let owner = format!("{}:{}", user.uid, user.gid);
    run(
        &["chown", "-R", "-h", "--", &owner, home].map(str::to_owned),
        args,
        host,
    )?;
    let definitions = host.read("/etc/login.defs").unwrap_or_default();
    let definitions = String::from_utf8_lossy(&definitions).into_owned();
    let setting = |name: &str| {
        let words = definitions
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>());
        words
            .filter_map(|words| match words.as_slice() {
                [first, value, ..] if *first == name => u32::from_str_radix(value, 8).ok(),
                _ => None,
            })
            .next_back()
    };
    let mask = args
        .umask
        .as_ref()
        .and_then(|mask| u32::from_str_radix(mask, 8).ok());
    let mode = match (mask, setting("HOME_MODE")) {
        (Some(mask), _) => 0o777 & !mask,
        (None, Some(mode)) => mode,
        (None, None) => 0o777 & !setting("UMASK").unwrap_or(0o022),
    };
    Ok(host.set_mode(home, mode, false)?)
}

fn run(words: &[String], args: &UserArgs, host: &dyn Host) -> Result<(), Failure> {
    let output = host.run(&Command::new(words.to_vec()).in_c_locale())?;
    if output.success() {
        return Ok(());
    }
    let failure = Failure::new(output.stderr_text()).with("name", args.name.as_str());
    Err(failure.with("rc", output.status).after_change())
}
