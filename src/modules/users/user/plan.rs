//! What an account needs to become what is wanted: command lines, and what goes to standard input.

use super::shadow::{self, Shadow};
use super::{State, Update, UserArgs, key};
use crate::kit::{ArgumentError, Failure, Group, Host, Plan, User};
use crate::value::Dict;

/// What is to be done, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::modules) struct Change {
    /// Folders above the home that are missing.
    pub(super) parents: Vec<String>,
    /// `useradd`, `usermod` or `userdel`.
    pub(super) command: Option<Vec<String>>,
    /// The hash, which goes to `chpasswd`'s input: an argument could be seen by everybody.
    pub(super) password: Option<String>,
    /// The home is to be made from the skeleton.
    pub(super) home: bool,
    pub(super) key: bool,
    /// Groups that a new account needs: whether they are there counts when it is made, an earlier task may make them.
    pub(super) groups: Vec<String>,
    /// `chage`.
    pub(super) ages: Option<Vec<String>>,
}

/// Returns the account; with `local` only `/etc/passwd` counts.
pub(super) fn account(args: &UserArgs, host: &dyn Host) -> Result<Option<User>, Failure> {
    if args.local {
        let text = String::from_utf8_lossy(&host.read("/etc/passwd")?).into_owned();
        if !text
            .lines()
            .any(|line| line.split(':').next() == Some(&args.name))
        {
            return Ok(None);
        }
    }
    Ok(host.user(&args.name)?)
}

/// Returns the group of that number or name.
pub(super) fn group(text: &str, host: &dyn Host) -> Result<Group, Failure> {
    let by_number = match text.parse() {
        Ok(gid) => host.group_by_id(gid)?,
        Err(_) => None,
    };
    let found = match by_number {
        Some(group) => Some(group),
        None => host.group(text)?,
    };
    found.ok_or_else(|| Failure::new(format!("Group {text} does not exist")))
}

/// Plans.
pub(super) fn plan(args: &UserArgs, host: &dyn Host) -> Result<Plan<Change>, Failure> {
    let found = account(args, host)?;
    let plan = match (found, args.state) {
        (None, State::Absent) => {
            let values = Dict::new()
                .with("name", args.name.as_str())
                .with("state", "absent");
            return Ok(Plan::unchanged("there is no such account").with_all(values));
        }
        (Some(_), State::Absent) => {
            let mut words = vec!["userdel".to_owned()];
            words.extend(args.force.then(|| "-f".to_owned()));
            words.extend(args.remove.then(|| "-r".to_owned()));
            words.extend(["--".to_owned(), args.name.clone()]);
            Plan::change(Change {
                command: Some(words),
                ..Change::default()
            })
        }
        (None, State::Present) => create(args, host)?,
        (Some(user), State::Present) => modify(args, &user, host)?,
    };
    let plain = args.password.as_deref().is_some_and(shadow::looks_plain);
    Ok(match plain && args.state == State::Present {
        true => plan.warn("The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly."),
        false => plan,
    })
}

/// Words of a command line.
struct Words(Vec<String>);

impl Words {
    fn option(&mut self, option: &str, value: impl Into<String>) {
        self.0.push(option.to_owned());
        self.0.push(value.into());
    }

    fn flag(&mut self, option: &str) {
        self.0.push(option.to_owned());
    }

    fn ended(mut self, name: &str) -> Vec<String> {
        self.0.extend(["--".to_owned(), name.to_owned()]);
        self.0
    }
}

fn create(args: &UserArgs, host: &dyn Host) -> Result<Plan<Change>, Failure> {
    let mut words = Words(vec!["useradd".to_owned()]);
    if let Some(uid) = args.uid {
        words.option("-u", uid.to_string());
        if args.non_unique {
            words.flag("-o");
        }
    }
    if let Some(name) = &args.seuser {
        words.option("-Z", name);
    }
    if let Some(name) = &args.group {
        words.option("-g", name);
    } else if host.group(&args.name)?.is_some() {
        // useradd would fail to make a group of the same name.
        words.flag("-N");
    }
    let groups = args.group_names();
    if !groups.is_empty() {
        words.option("-G", groups.join(","));
    }
    let texts = [
        ("-c", &args.comment),
        ("-d", &args.home.as_ref().map(|home| home.0.clone())),
        ("-s", &args.shell.as_ref().map(|shell| shell.0.clone())),
    ];
    for (option, text) in texts {
        if let Some(text) = text {
            words.option(option, text);
        }
    }
    if let Some(date) = args.expiry()? {
        words.option("-e", date);
    }
    if let Some(days) = args.password_expire_account_disable {
        words.option("-f", days.to_string());
    }
    let mut parents = Vec::new();
    if args.create_home {
        words.flag("-m");
        if let Some(skeleton) = &args.skeleton {
            words.option("-k", skeleton);
        }
        if let Some(mask) = &args.umask {
            words.option("-K", format!("UMASK={mask}"));
        }
        if let Some(home) = &args.home {
            parents = missing_above(home, host)?;
        }
    } else {
        words.flag("-M");
    }
    if args.system {
        words.flag("-r");
    }
    for (name, limit) in [("UID_MIN", args.uid_min), ("UID_MAX", args.uid_max)] {
        if let Some(limit) = limit {
            words.option("-K", format!("{name}={limit}"));
        }
    }
    let password = match (&args.password, args.password_lock) {
        (Some(hash), Some(true)) => Some(format!("!{hash}")),
        (Some(hash), _) => Some(hash.clone()),
        (None, _) => None,
    };
    Ok(Plan::change(Change {
        parents,
        command: Some(words.ended(&args.name)),
        password,
        home: false,
        key: args.generate_ssh_key,
        groups: args.group.iter().cloned().chain(groups).collect(),
        ages: ages(args, &Shadow::default()),
    }))
}

/// Folders above a path that are missing, topmost first.
fn missing_above(path: &str, host: &dyn Host) -> Result<Vec<String>, Failure> {
    let mut missing = Vec::new();
    let mut folder = path.trim_end_matches('/');
    while let Some((above, _)) = folder
        .rsplit_once('/')
        .filter(|(above, _)| !above.is_empty())
    {
        if host.status(above, true)?.is_some() {
            break;
        }
        missing.push(above.to_owned());
        folder = above;
    }
    missing.reverse();
    Ok(missing)
}

fn modify(args: &UserArgs, user: &User, host: &dyn Host) -> Result<Plan<Change>, Failure> {
    let shadow = Shadow::of(&args.name, host);
    let mut words = Words(vec!["usermod".to_owned()]);
    if let Some(uid) = args.uid.filter(|uid| *uid != user.uid) {
        words.option("-u", uid.to_string());
        if args.non_unique {
            words.flag("-o");
        }
    }
    if let Some(name) = &args.group {
        let found = group(name, host)?;
        if found.gid != user.gid {
            words.option("-g", found.gid.to_string());
        }
    }
    if args.groups.is_some() {
        groups(args, host, &mut words)?;
    }
    if let Some(comment) = args
        .comment
        .as_ref()
        .filter(|comment| **comment != user.comment)
    {
        words.option("-c", comment);
    }
    if let Some(home) = args.home.as_ref().filter(|home| home.0 != user.home) {
        words.option("-d", &home.0);
        if args.move_home {
            words.flag("-m");
        }
    }
    if let Some(shell) = args.shell.as_ref().filter(|shell| shell.0 != user.shell) {
        words.option("-s", &shell.0);
    }
    if let (Some(date), Some(seconds)) = (args.expiry()?, args.expires) {
        #[expect(clippy::cast_possible_truncation, reason = "days since 1970")]
        let wanted = (seconds >= 0.0).then_some((seconds / 86_400.0).floor() as i64);
        if shadow.expires.filter(|days| *days >= 0) != wanted {
            words.option("-e", date);
        }
    }
    if let Some(days) = args.password_expire_account_disable
        && shadow.inactive_days != Some(days)
    {
        words.option("-f", days.to_string());
    }
    let hash = args.password.as_ref().filter(|hash| {
        args.update_password == Update::Always
            && shadow.password.trim_start_matches('!') != hash.trim_start_matches('!')
    });
    let password = hash.map(|hash| match args.password_lock {
        Some(true) => format!("!{hash}"),
        _ => hash.clone(),
    });
    if password.is_none() {
        match args.password_lock {
            Some(true) if !shadow.is_locked() => words.flag("-L"),
            Some(false) if shadow.is_locked() => words.flag("-U"),
            _ => {}
        }
    }
    let home = args
        .home
        .as_ref()
        .map_or(user.home.as_str(), |home| &home.0);
    let moves = words.0.iter().any(|word| word == "-m");
    let home_missing = args.create_home && !moves && host.status(home, true)?.is_none();
    let path = key::path(args, home);
    let mut warnings = Vec::new();
    let mut key_wanted = args.generate_ssh_key;
    if key_wanted
        && !args.force
        && let Some(why) = key::found(&path, host)?
    {
        key_wanted = false;
        warnings.push(why);
    }
    let change = Change {
        parents: if home_missing {
            missing_above(home, host)?
        } else {
            Vec::new()
        },
        command: (words.0.len() > 1).then(|| words.ended(&args.name)),
        password,
        home: home_missing,
        key: key_wanted,
        groups: Vec::new(),
        ages: ages(args, &shadow),
    };
    let mut values = super::describe(args, user)
        .with("append", args.append)
        .with("move_home", args.move_home);
    if args.generate_ssh_key {
        values.extend(key::describe(&path, host)?);
    }
    let plan = if change == Change::default() {
        Plan::unchanged("the account is as it shall be")
    } else {
        Plan::change(change)
    };
    let mut plan = plan.with_all(values);
    if args.append && args.groups.is_none() {
        warnings.push("'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups.".to_owned());
    }
    plan.warnings = warnings;
    Ok(plan)
}

fn groups(args: &UserArgs, host: &dyn Host, words: &mut Words) -> Result<(), Failure> {
    let mut wanted = Vec::new();
    for name in args.group_names() {
        let name = group(&name, host)?.name;
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    let current: Vec<String> = host
        .groups()?
        .into_iter()
        .filter(|group| group.members.contains(&args.name))
        .map(|group| group.name)
        .collect();
    let lacks = wanted.iter().any(|name| !current.contains(name));
    let exceeds = !args.append && current.iter().any(|name| !wanted.contains(name));
    if lacks || exceeds {
        if args.append {
            words.flag("-a");
        }
        words.option("-G", wanted.join(","));
    }
    Ok(())
}

/// The command that sets how long a password lives, if that differs.
fn ages(args: &UserArgs, shadow: &Shadow) -> Option<Vec<String>> {
    let wanted = [
        ("-m", args.password_expire_min, shadow.least_days),
        ("-M", args.password_expire_max, shadow.most_days),
        ("-W", args.password_expire_warn, shadow.warning_days),
    ];
    let mut words = Words(vec!["chage".to_owned()]);
    for (option, wanted, current) in wanted {
        if let Some(days) = wanted.filter(|days| !shadow.known || Some(*days) != current) {
            words.option(option, days.to_string());
        }
    }
    (words.0.len() > 1).then(|| words.ended(&args.name))
}

impl UserArgs {
    /// The groups without empty names.
    pub(super) fn group_names(&self) -> Vec<String> {
        let groups = self.groups.iter().flatten();
        groups
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect()
    }

    /// The date on which the account ends, as `useradd` takes it; empty for never.
    fn expiry(&self) -> Result<Option<String>, ArgumentError> {
        let Some(seconds) = self.expires else {
            return Ok(None);
        };
        if seconds < 0.0 {
            return Ok(Some(String::new()));
        }
        #[expect(clippy::cast_possible_truncation, reason = "a date")]
        let time = jiff::Timestamp::from_second(seconds as i64).map_err(|error| {
            ArgumentError::new(
                "expires",
                format!("Invalid value for 'expires' {seconds}: {error}"),
            )
        })?;
        Ok(Some(time.strftime("%Y-%m-%d").to_string()))
    }
}
