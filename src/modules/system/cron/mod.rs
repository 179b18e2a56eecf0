//! `ansible.builtin.cron`: jobs and variables in crontabs.

mod table;

use schemars::JsonSchema;
use serde::Deserialize;

use self::table::{Place, Table};
use crate::kit::{
    Applied, ArgumentError, Attributes, Command, Content, Diff, Effect, Failure, Host, HostPath,
    Meta, Module, Outcome, Plan, Support, Write,
};
use crate::value::{Dict, Value};

/// Whether it shall be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It shall not.
    Absent,
    /// It shall.
    #[default]
    Present,
}

/// A time with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SpecialTime {
    /// Once a year.
    Annually,
    /// Once a day.
    Daily,
    /// Once an hour.
    Hourly,
    /// Once a month.
    Monthly,
    /// When the system has started.
    Reboot,
    /// Once a week.
    Weekly,
    /// Once a year.
    Yearly,
}

impl SpecialTime {
    fn name(self) -> &'static str {
        match self {
            Self::Annually => "annually",
            Self::Daily => "daily",
            Self::Hourly => "hourly",
            Self::Monthly => "monthly",
            Self::Reboot => "reboot",
            Self::Weekly => "weekly",
            Self::Yearly => "yearly",
        }
    }
}

/// Manage jobs and variables of crontabs
///
/// A job stands under a line `#Ansible: NAME`, by which it is found again; other lines stay as they are. Without `cron_file` it
/// is about the crontab of a user, with it about a file in `/etc/cron.d`. A `%` in a job must be written `\%`.
///
/// ## Check mode
///
/// Tells what would change.
///
/// ## Returns
///
/// - `jobs`, `envs`: the names of all jobs that have one, and of all variables.
/// - `cron_file`: as given.
/// - `backup_file`: the copy, if one was made and the crontab changed.
/// - `diff`: the crontab.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.cron:
///     name: snapshot of etcd
///     cron_file: etcd-snapshot
///     user: root
///     minute: '17'
///     hour: '*/6'
///     job: /usr/local/bin/etcd-snapshot
///
/// - ansible.builtin.cron:
///     name: MAILTO
///     env: true
///     job: admin@example.org
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::modules) struct CronArgs {
    /// The job's name, or with `env` the variable's.
    name: String,
    /// Whose crontab; with `cron_file`, who runs the job.
    #[serde(default)]
    user: Option<String>,
    /// The command, or with `env` the variable's value.
    #[serde(default, alias = "value")]
    job: Option<String>,
    /// Whether it shall be there.
    #[serde(default)]
    state: State,
    /// A file, in `/etc/cron.d` unless it has a path; it is removed with its last job.
    #[serde(default)]
    cron_file: Option<HostPath>,
    /// Keep a copy of the crontab in the directory for temporary files.
    #[serde(default)]
    backup: bool,
    /// When: the minute.
    #[serde(default = "any")]
    minute: String,
    /// When: the hour.
    #[serde(default = "any")]
    hour: String,
    /// When: the day of the month.
    #[serde(default = "any", alias = "dom")]
    day: String,
    /// When: the month.
    #[serde(default = "any")]
    month: String,
    /// When: the day of the week.
    #[serde(default = "any", alias = "dow")]
    weekday: String,
    /// When, in the place of all these.
    #[serde(default)]
    special_time: Option<SpecialTime>,
    /// Keep the job as a comment.
    #[serde(default)]
    disabled: bool,
    /// It is about a variable.
    #[serde(default)]
    env: bool,
    /// Put a new variable behind this one.
    #[serde(default)]
    insertafter: Option<String>,
    /// Put a new variable before this one.
    #[serde(default)]
    insertbefore: Option<String>,
}

fn any() -> String {
    "*".to_owned()
}

impl CronArgs {
    /// The file, where it is about one.
    fn file(&self) -> Option<String> {
        let file = self.cron_file.as_ref().map(|file| file.0.as_str());
        file.filter(|file| !file.is_empty()).map(|file| {
            if file.starts_with('/') {
                file.to_owned()
            } else {
                format!("/etc/cron.d/{file}")
            }
        })
    }

    /// The line of the job.
    fn line(&self) -> String {
        let when = self.special_time.map_or_else(
            || {
                [
                    &self.minute,
                    &self.hour,
                    &self.day,
                    &self.month,
                    &self.weekday,
                ]
                .map(String::as_str)
                .join(" ")
            },
            |time| format!("@{}", time.name()),
        );
        let user = self
            .file()
            .and(self.user.as_deref())
            .map(|user| format!("{user} "));
        format!(
            "{}{when} {}{}",
            if self.disabled { "#" } else { "" },
            user.unwrap_or_default(),
            self.job
                .as_deref()
                .unwrap_or_default()
                .trim_matches(['\r', '\n'])
        )
    }

    fn place(&self) -> Place<'_> {
        match (&self.insertafter, &self.insertbefore) {
            (Some(other), _) if !other.is_empty() => Place::After(other),
            (_, Some(other)) if !other.is_empty() => Place::Before(other),
            _ => Place::Top,
        }
    }

    /// `crontab`, for the user whose it is.
    fn crontab(&self, rest: &[&str], host: &dyn Host) -> Command {
        let mut words = vec!["crontab"];
        if let Some(user) = self
            .user
            .as_deref()
            .filter(|user| *user != host.identity().user)
        {
            words.extend(["-u", user]);
        }
        words.extend(rest);
        Command::new(words)
    }

    fn title(&self) -> String {
        match (self.file(), &self.user) {
            (Some(file), _) => file,
            (None, Some(user)) => format!("crontab for user \"{user}\""),
            (None, None) => "crontab".to_owned(),
        }
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::modules) enum Change {
    /// Write the crontab; `before` is what a backup gets.
    Write { text: String, before: String },
    /// Remove the file.
    Remove { before: String },
}

pub(super) struct Cron;

impl Module for Cron {
    type Args = CronArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.cron",
        aliases: &[],
        family: "system",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        let fault = |text: &str| Err(ArgumentError::general(text));
        if args.insertafter.is_some() && args.insertbefore.is_some() {
            return fault("parameters are mutually exclusive: insertafter|insertbefore");
        }
        if args.file().as_deref() == Some("/etc/crontab") {
            return fault("Will not manage /etc/crontab via cron_file, see documentation.");
        }
        let times = [
            &args.minute,
            &args.hour,
            &args.day,
            &args.month,
            &args.weekday,
        ];
        if args.special_time.is_some() && times.iter().any(|time| *time != "*") {
            return fault(
                "You cannot combine special_time with any of the time or day/date parameters.",
            );
        }
        if args.state == State::Present {
            if args.file().is_some() && args.user.is_none() {
                return fault("To use cron_file=... parameter you must specify user=... as well");
            }
            if args.job.is_none() {
                return fault("You must specify 'job' to install a new cron job or variable");
            }
            if !matches!(args.place(), Place::Top) && !args.env {
                return fault(
                    "Insertafter and insertbefore parameters are valid only with env=yes",
                );
            }
        }
        if args.env && args.name.contains(' ') {
            return fault("Invalid name for environment variable");
        }
        // A line of its own would be a job of its own.
        if args.name.contains(['\r', '\n'])
            || args
                .user
                .as_ref()
                .is_some_and(|user| user.contains(['\r', '\n']))
        {
            return fault("`name` and `user` must each be one line");
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let before = read(args, host)?;
        let mut table = Table::new(&before);
        let own = change(args, &mut table)?;
        let changed = own || (!before.is_empty() && !before.ends_with(['\r', '\n']));
        let title = args.title();
        let gone = args.state == State::Absent && !args.env && own && table.is_empty();
        let plan = match (changed, args.file().filter(|_| gone)) {
            (false, _) => Plan::unchanged("the crontab is as it shall be"),
            (true, Some(_)) => {
                let diff = Diff::text(before.as_str(), "")
                    .headers(title, "/dev/null")
                    .alone();
                return Ok(Plan::change(Change::Remove { before })
                    .with(
                        "cron_file",
                        args.cron_file
                            .as_ref()
                            .map(|file| file.0.clone())
                            .unwrap_or_default(),
                    )
                    .with("state", "absent")
                    .with_diff(diff));
            }
            (true, None) => {
                let text = table.text();
                let diff = Diff::text(before.as_str(), text.as_str());
                let diff = diff.headers(title.clone(), title).alone();
                Plan::change(Change::Write { text, before }).with_diff(diff)
            }
        };
        let names = |all: Vec<String>| Value::list(all.into_iter().map(Value::from));
        let mut values = Dict::new()
            .with("jobs", names(table.jobs()))
            .with("envs", names(table.variables()));
        if let Some(file) = &args.cron_file {
            values.insert("cron_file", file.0.as_str());
        }
        Ok(warn(args, plan.with_all(values)))
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let (Change::Write { before, .. } | Change::Remove { before }) = &change;
        let mut outcome = Outcome::changed();
        if args.backup {
            let copy = host.temporary_file(None, "crontab", "")?;
            let staged = host.stage(&copy, Content::Bytes(before.as_bytes()))?;
            host.commit(staged, &copy, Write::default())?;
            outcome = outcome.with("backup_file", copy);
        }
        match (change, args.file()) {
            (Change::Remove { .. }, Some(file)) => host.remove(&file)?,
            (Change::Write { text, .. }, Some(file)) => {
                let fresh = host.status(&file, true)?.is_none();
                let file = if fresh { file } else { host.real_path(&file)? };
                let staged = host.stage(&file, Content::Bytes(text.as_bytes()))?;
                // cron reads no file that others than its owner may write to.
                let attributes = Attributes {
                    mode: fresh.then_some(0o644),
                    ..Attributes::default()
                };
                let write = Write {
                    attributes,
                    ..Write::default()
                };
                host.commit(staged, &file, write)?;
            }
            (Change::Write { text, .. }, None) => {
                let output = host.run(&args.crontab(&["-"], host).with_stdin(text))?;
                if !output.success() {
                    return Err(Failure::new("Failed to install new cronfile")
                        .with("stderr", output.stderr_text())
                        .with("stdout", output.stdout_text())
                        .with("rc", output.status));
                }
            }
            (Change::Remove { .. }, None) => {}
        }
        Ok(outcome.into())
    }
}

/// Changes the table as the task asks for it; says whether that changed anything.
fn change(args: &CronArgs, table: &mut Table) -> Result<bool, Failure> {
    let job = args.job.as_deref().unwrap_or_default();
    Ok(match (args.env, args.state) {
        (true, State::Present) => table
            .put_variable(&args.name, job, args.place())
            .map_err(|other| Failure::new(format!("Variable named '{other}' not found.")))?,
        (true, State::Absent) => table.remove_variable(&args.name),
        (false, State::Present) => table.put_job(&args.name, &args.line()),
        (false, State::Absent) => table.remove_job(&args.name),
    })
}

/// Returns the crontab, without what `crontab` itself has put on its top.
fn read(args: &CronArgs, host: &dyn Host) -> Result<String, Failure> {
    if let Some(file) = args.file() {
        let there = host
            .status(&file, true)?
            .is_some_and(|status| status.is_file());
        let content = if there { host.read(&file)? } else { Vec::new() };
        return Ok(String::from_utf8_lossy(&content).into_owned());
    }
    let output = host.run(&args.crontab(&["-l"], host))?;
    if !matches!(output.status, 0 | 1) {
        return Err(Failure::new("Unable to read crontab")
            .with("stderr", output.stderr_text())
            .with("rc", output.status));
    }
    let text = output.stdout_text();
    let own = |line: &str| {
        line.starts_with("# DO NOT EDIT THIS FILE - edit the master and reinstall.")
            || line.starts_with("# (/tmp/") && line.contains("installed on") && line.contains(')')
            || line.starts_with("# (") && line.contains("version") && line.contains(')')
    };
    let lines = text.split_inclusive('\n').enumerate();
    Ok(lines
        .filter(|(number, line)| *number > 2 || !own(line))
        .map(|(_, line)| line)
        .collect())
}

fn warn(args: &CronArgs, mut plan: Plan<Change>) -> Plan<Change> {
    let file = args.cron_file.as_ref().map(|file| file.0.as_str());
    let name = file
        .filter(|file| !file.is_empty())
        .map(|file| file.rsplit('/').next().unwrap_or(file));
    let plain =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if let Some(name) = name.filter(|name| name.is_empty() || !name.chars().all(plain)) {
        plan = plan.warn(format!(
            "Filename portion of cron_file (\"{name}\") should consist solely of upper- and lower-case letters, digits, underscores, and hyphens"
        ));
    }
    let job = args.job.as_deref().unwrap_or_default();
    if !args.env
        && args.state == State::Present
        && job.trim_matches(['\r', '\n']).contains(['\r', '\n'])
    {
        plan = plan.warn("Job should not contain line breaks");
    }
    plan
}

#[cfg(test)]
mod tests;
