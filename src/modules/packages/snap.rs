//! `community.general.snap`: snaps, their channels and their options, through the command `snap`.
//!
//! Longer than most files: a quarter is the manual, and what is planned and what is told of it follow the same few states of a snap.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Command, Effect, Failure, Host, Meta, Module, Outcome, Output, Plan,
    Support,
};
use crate::value::{Dict, Value};

/// What there shall be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// The snaps are not installed.
    Absent,
    /// They are installed, from that channel.
    #[default]
    Present,
    /// They are installed and run.
    Enabled,
    /// They are installed and do not run.
    Disabled,
}

/// Manage snaps
///
/// A snap that is installed from another channel than `channel` says is refreshed from that.
///
/// ## Check mode
///
/// Tells what would change.
///
/// ## Returns
///
/// - `version`: the versions that `snap version` tells.
/// - `snap_names`, `classic`, `channel`: with `state: present`.
/// - `snaps_installed`, `snaps_removed`, `snaps_enabled`, `snaps_disabled`: the snaps that were not as they shall be.
/// - `options_changed`: options that were set, as `SNAP:KEY=VALUE`.
/// - `cmd`: what was run for it.
///
/// ## Examples
///
/// ```yaml
/// - community.general.snap:
///     name: microk8s
///     classic: true
///     channel: 1.32/stable
///
/// - community.general.snap:
///     name: nextcloud
///     options:
///       - php.memory-limit=512M
/// ```
///
/// ## Differs from Ansible
///
/// `cmd` is the command that was run; Ansible's is a list of internal names. A run that installs and refreshes tells of all snaps in
/// `snaps_installed`. Options of a snap that is yet to be installed are set by the same run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::modules) struct SnapArgs {
    /// The snaps, or files that hold them.
    name: Vec<String>,
    /// What there shall be.
    #[serde(default)]
    state: State,
    /// Install without confinement.
    #[serde(default)]
    classic: bool,
    /// Where updates come from: `TRACK/RISK`, or a risk of the track `latest`.
    #[serde(default)]
    channel: Option<String>,
    /// Options as `KEY=VALUE` for all snaps, or `SNAP:KEY=VALUE` for one.
    #[serde(default)]
    options: Option<Vec<String>>,
    /// Install a file that nobody has signed.
    #[serde(default)]
    dangerous: bool,
}

impl SnapArgs {
    fn channel(&self) -> Option<&str> {
        self.channel.as_deref()
    }

    /// The command that brings these snaps into their state.
    fn command(&self, verb: &str, names: &[String]) -> Vec<String> {
        let mut words = vec!["snap".to_owned(), verb.to_owned()];
        if matches!(verb, "install" | "refresh") {
            words.extend(self.classic.then(|| "--classic".to_owned()));
            if let Some(channel) = self.channel().filter(|channel| *channel != "stable") {
                words.extend(["--channel".to_owned(), channel.to_owned()]);
            }
            words.extend(self.dangerous.then(|| "--dangerous".to_owned()));
        }
        words.extend(names.iter().cloned());
        words
    }

    /// The commands for several snaps: one, unless something is said that can be said of one snap only.
    fn commands(&self, verb: &str, names: &[String]) -> Vec<Vec<String>> {
        let single = matches!(verb, "install" | "refresh")
            && (self.classic || self.channel() != Some("stable"));
        if names.is_empty() {
            Vec::new()
        } else if single {
            let each = names.iter().map(std::slice::from_ref);
            each.map(|name| self.command(verb, name)).collect()
        } else {
            vec![self.command(verb, names)]
        }
    }
}

/// An option that is asked for.
struct Setting<'a> {
    snap: Option<&'a str>,
    key: &'a str,
    value: &'a str,
    written: &'a str,
}

impl<'a> Setting<'a> {
    fn parse(written: &'a str) -> Option<Self> {
        let (left, value) = written.split_once('=')?;
        let (snap, key) = match left.rsplit_once(':') {
            Some((snap, key)) => (Some(snap), key),
            None => (None, left),
        };
        let (key, value) = (key.trim(), value.trim());
        let plain = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
        (plain(key) && snap.is_none_or(plain) && !value.is_empty()).then_some(Self {
            snap,
            key,
            value,
            written,
        })
    }
}

/// An installed snap.
struct Installed {
    name: String,
    channel: String,
    disabled: bool,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::modules) struct Change {
    commands: Vec<Vec<String>>,
    /// `snap set`, by snap.
    settings: Vec<(String, Vec<String>)>,
}

pub(super) struct Snap;

impl Module for Snap {
    type Args = SnapArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "community.general.snap",
        aliases: &["ansible.builtin.snap"],
        family: "packages",
        since: "0.1.0",
        effect: Effect::Shows,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        // Snaps and files never begin so; an option would.
        if args
            .name
            .iter()
            .any(|name| name.is_empty() || name.starts_with('-'))
        {
            return Err(ArgumentError::new(
                "name",
                "must hold names of snaps or of files",
            ));
        }
        for option in args.options.iter().flatten() {
            let Some(setting) = Setting::parse(option) else {
                let why = format!("Cannot parse set option '{option}'");
                return Err(ArgumentError::general(why));
            };
            if setting
                .snap
                .is_some_and(|snap| !args.name.iter().any(|name| name == snap))
            {
                return Err(ArgumentError::general(format!(
                    "Snap option '{option}' refers to snap which is not in the list of snap names"
                )));
            }
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let mut values = Dict::new().with("version", version(host)?);
        let present = args.state == State::Present;
        let names = if present {
            names(args, host)?
        } else {
            args.name.clone()
        };
        if present {
            values.insert("snap_names", names.clone());
            values.insert("classic", args.classic);
            values.insert("channel", args.channel().unwrap_or("stable"));
        }
        let installed = installed(host)?;
        let find = |name: &String| installed.iter().find(|snap| snap.name == *name);
        let chosen = |wanted: &dyn Fn(Option<&Installed>) -> bool| -> Vec<String> {
            let pairs = args.name.iter().zip(&names);
            pairs
                .filter(|(_, name)| wanted(find(name)))
                .map(|(given, _)| given.clone())
                .collect()
        };
        let mut change = Change::default();
        let mut told: Vec<(&str, Vec<String>)> = Vec::new();
        match args.state {
            State::Present => {
                let other = |snap: Option<&Installed>| {
                    snap.is_some_and(|snap| elsewhere(snap, args.channel()))
                };
                let (refresh, install) = (chosen(&other), chosen(&|snap| snap.is_none()));
                change.commands = args.commands("refresh", &refresh);
                change.commands.extend(args.commands("install", &install));
                told.push(("snaps_installed", [refresh, install].concat()));
                let (settings, names) = settings(args, &names, host)?;
                change.settings = settings;
                told.push(("options_changed", names));
            }
            State::Absent => told.push(("snaps_removed", chosen(&|snap| snap.is_some()))),
            State::Enabled => {
                let off = |snap: Option<&Installed>| snap.is_none_or(|snap| snap.disabled);
                told.push(("snaps_enabled", chosen(&off)));
            }
            State::Disabled => {
                let on = |snap: Option<&Installed>| snap.is_some_and(|snap| !snap.disabled);
                told.push(("snaps_disabled", chosen(&on)));
            }
        }
        let verb = match args.state {
            State::Absent => Some("remove"),
            State::Enabled => Some("enable"),
            State::Disabled => Some("disable"),
            State::Present => None,
        };
        if let (Some(verb), Some((_, names))) = (verb, told.first()) {
            change.commands = args.commands(verb, names);
        }
        for (name, all) in told.into_iter().filter(|(_, all)| !all.is_empty()) {
            values.insert(name, all);
        }
        let plan = if change == Change::default() {
            Plan::unchanged("the snaps are as they shall be")
        } else {
            Plan::change(change)
        };
        Ok(plan.with_all(values))
    }

    fn apply(args: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let mut changed = false;
        let mut ran = Vec::new();
        let fail = |message: String, output: &Output, changed: bool| {
            let failure = Failure::new(message)
                .with("rc", output.status)
                .with("stdout", output.stdout_text())
                .with("stderr", output.stderr_text());
            if changed {
                failure.after_change()
            } else {
                failure
            }
        };
        for words in &change.commands {
            let output = snap(words, host)?;
            if !output.success() {
                return Err(fail(refused(args, words, &output), &output, changed));
            }
            changed = true;
            ran.push(words.join(" "));
        }
        for (name, options) in &change.settings {
            let mut words = vec!["snap".to_owned(), "set".to_owned(), name.clone()];
            words.extend(options.iter().cloned());
            let output = snap(&words, host)?;
            if !output.success() {
                let error = output.stderr_text();
                let message = if error.contains("has no \"configure\" hook") {
                    format!("Snap '{name}' does not have any configurable options")
                } else {
                    let options = options.join(" ");
                    format!("Cannot set options '{options}' for snap '{name}': error={error}")
                };
                return Err(fail(message, &output, changed));
            }
            changed = true;
        }
        let outcome = Outcome::changed();
        Ok(if ran.is_empty() {
            outcome
        } else {
            outcome.with("cmd", ran.join("; "))
        }
        .into())
    }
}

fn snap(words: &[String], host: &dyn Host) -> Result<Output, Failure> {
    Ok(host.run(&Command::new(words.iter().cloned()).in_c_locale())?)
}

fn ask(words: &[&str], host: &dyn Host) -> Result<Output, Failure> {
    let words: Vec<String> = ["snap"]
        .iter()
        .chain(words)
        .map(|word| (*word).to_owned())
        .collect();
    snap(&words, host)
}

/// Why a command failed, in words that help.
fn refused(args: &SnapArgs, words: &[String], output: &Output) -> String {
    let error = output.stderr_text();
    let classic = error
        .strip_prefix("error: This revision of snap \"")
        .and_then(|rest| rest.split_once("\" was published using classic confinement"));
    if let Some((name, _)) = classic {
        return format!("Couldn't install {name} because it requires classic confinement");
    }
    let what = if args.state == State::Present {
        "installation"
    } else {
        "operation"
    };
    format!(
        "Ooops! Snap {what} failed while executing '{}', please examine logs and error output for more details.",
        words.join(" ")
    )
}

fn version(host: &dyn Host) -> Result<Dict, Failure> {
    let text = ask(&["version"], host)?.stdout_text();
    let mut versions = Dict::new();
    for line in text.lines() {
        if let [name, version] = line.split_whitespace().collect::<Vec<_>>().as_slice() {
            versions.insert(*name, *version);
        }
    }
    Ok(versions)
}

/// Returns the snaps' own names: a file has another than the snap in it.
fn names(args: &SnapArgs, host: &dyn Host) -> Result<Vec<String>, Failure> {
    let mut words = vec!["info"];
    words.extend(args.name.iter().map(String::as_str));
    if args.name.is_empty() {
        return Ok(Vec::new());
    }
    let output = ask(&words, host)?;
    let (text, error) = (output.stdout_text(), output.stderr_text());
    let warnings = text.lines().chain(error.lines());
    let missing: Vec<&str> = warnings
        .filter(|line| line.starts_with("warning: no snap found"))
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    if !missing.is_empty() {
        return Err(Failure::new(format!(
            "Snaps not found: {}.",
            missing.join(", ")
        )));
    }
    let names: Vec<String> = text
        .split("\n---")
        .filter_map(|part| part.lines().find_map(|line| line.strip_prefix("name:")))
        .map(|name| name.trim().to_owned())
        .collect();
    if names.len() != args.name.len() {
        return Err(Failure::new(format!(
            "`snap info` does not know all of these snaps: {}",
            error.trim()
        ))
        .with("rc", output.status)
        .with("stderr", error));
    }
    Ok(names)
}

fn installed(host: &dyn Host) -> Result<Vec<Installed>, Failure> {
    let output = ask(&["list"], host)?;
    let error = output.stderr_text();
    if !output.success() && !error.contains("No snaps are installed") {
        return Err(
            Failure::new(format!("`snap list` failed: {}", error.trim()))
                .with("rc", output.status)
                .with("stdout", output.stdout_text())
                .with("stderr", error),
        );
    }
    let text = output.stdout_text();
    let rows = text.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        Some(Installed {
            name: (*fields.first()?).to_owned(),
            channel: (*fields.get(3)?).to_owned(),
            disabled: fields
                .get(5)
                .is_some_and(|notes| notes.split(',').any(|note| note == "disabled")),
        })
    });
    Ok(rows.collect())
}

/// Tells whether the snap is from another channel than that.
fn elsewhere(snap: &Installed, channel: Option<&str>) -> bool {
    channel.is_some_and(|channel| {
        !channel.is_empty()
            && snap.channel != channel
            && snap.channel != format!("latest/{channel}")
    })
}

type Settings = (Vec<(String, Vec<String>)>, Vec<String>);

/// Returns the options that differ, by snap, and as the result names them.
fn settings(args: &SnapArgs, names: &[String], host: &dyn Host) -> Result<Settings, Failure> {
    let options = args.options.as_deref().unwrap_or_default();
    let (mut by_snap, mut told) = (Vec::new(), Vec::new());
    if options.is_empty() {
        return Ok((by_snap, told));
    }
    for (given, name) in args.name.iter().zip(names) {
        let current = current(name, host)?;
        let mut differing = Vec::new();
        for setting in options.iter().filter_map(|option| Setting::parse(option)) {
            let meant = setting.snap.is_none_or(|snap| snap == given);
            let known = current
                .iter()
                .any(|(key, value)| key == setting.key && value == setting.value);
            if !meant || known {
                continue;
            }
            differing.push(format!("{}={}", setting.key, setting.value));
            told.push(match setting.snap {
                Some(_) => setting.written.to_owned(),
                None => format!("{given}:{}", setting.written),
            });
        }
        if !differing.is_empty() {
            by_snap.push((name.clone(), differing));
        }
    }
    Ok((by_snap, told))
}

/// Returns the options of a snap, with dots between the parts of their names.
fn current(name: &str, host: &dyn Host) -> Result<Vec<(String, String)>, Failure> {
    let output = ask(&["get", "-d", name], host)?;
    let text = output.stdout_text();
    let first = text.lines().next().unwrap_or_default();
    if !output.success() || first.contains("has no configuration") {
        return Ok(Vec::new());
    }
    let json: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
        Failure::new(format!(
            "the output of `snap get {name}` cannot be read: {error}"
        ))
    })?;
    let mut options = Vec::new();
    flatten("", &Value::from_json(json), &mut options);
    Ok(options)
}

fn flatten(prefix: &str, value: &Value, into: &mut Vec<(String, String)>) {
    match value.as_dict() {
        Some(dict) => {
            for (key, inner) in dict {
                let key = key.to_value().to_text();
                let full = if prefix.is_empty() {
                    key
                } else {
                    format!("{prefix}.{key}")
                };
                flatten(&full, inner, into);
            }
        }
        None => into.push((prefix.to_owned(), value.to_text())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_unchanged, check, exited, failure, printed, run};

    const LIST: &str = "Name  Version  Rev  Tracking  Publisher  Notes\ncore22  2  1  latest/stable  canonical**  base\nfoo  1.0  7  latest/stable  me  classic\nbar  1  2  1.0/edge  me  disabled,classic\n";

    fn host() -> FakeHost {
        FakeHost::new()
            .command(
                &["snap", "version"],
                printed("snap    2.60\nsnapd   2.60\nseries  16\nkernel  6 x\n"),
            )
            .command(&["snap", "list"], printed(LIST))
            .command(&["snap", "info", "foo"], printed("name: foo\nsummary: x\n"))
            .command(&["snap", "info", "new"], printed("name:      new\n"))
            .command(
                &["snap", "info", "foo", "bar"],
                printed("name: foo\n---\nname: bar\n"),
            )
    }

    fn arguments(pairs: &[(&str, Value)]) -> Value {
        let mut all = Dict::new();
        for (name, value) in pairs {
            all.insert(*name, value.clone());
        }
        all.into()
    }

    fn ran(host: &FakeHost) -> Vec<String> {
        let asking = ["version", "list", "info", "get"];
        let words = host
            .ran()
            .into_iter()
            .filter(|words| !asking.contains(&words[1].as_str()));
        words.map(|words| words.join(" ")).collect()
    }

    #[test]
    fn what_is_missing_is_installed() {
        let host = host().command(&["snap", "install"], printed(""));
        let given = [
            ("name", "new".into()),
            ("classic", true.into()),
            ("channel", "1.32/stable".into()),
        ];
        assert!(check::<Snap>(&arguments(&given), &host).changed);
        assert!(ran(&host).is_empty());
        let outcome = run::<Snap>(&arguments(&given), &host);
        assert_eq!(
            ran(&host),
            ["snap install --classic --channel 1.32/stable new"]
        );
        let values = outcome.values;
        assert_eq!(
            values.get("snaps_installed"),
            Some(&Value::list(["new".into()]))
        );
        assert_eq!(values.get("channel"), Some(&Value::from("1.32/stable")));
        assert_eq!(
            values.get("version").and_then(|all| all.get("snap")),
            Some(&Value::from("2.60"))
        );
        assert!(
            values
                .get("version")
                .is_some_and(|all| all.get("kernel").is_none())
        );
    }

    #[test]
    fn another_channel_is_a_refresh() {
        let host = host().command(&["snap", "refresh"], printed(""));
        let channel = |name: &str| arguments(&[("name", "foo".into()), ("channel", name.into())]);
        for same in ["stable", "latest/stable"] {
            assert_unchanged::<Snap>(&channel(same), &host);
        }
        assert!(run::<Snap>(&channel("edge"), &host).changed);
        assert_eq!(ran(&host), ["snap refresh --channel edge foo"]);
    }

    #[test]
    fn snaps_are_removed_enabled_and_disabled() {
        let host = ["remove", "enable", "disable"]
            .into_iter()
            .fold(host(), |host, verb| {
                host.command(&["snap", verb], printed(""))
            });
        let both = Value::list(["foo".into(), "bar".into()]);
        for state in ["absent", "enabled", "disabled"] {
            run::<Snap>(
                &arguments(&[("name", both.clone()), ("state", state.into())]),
                &host,
            );
        }
        assert_eq!(
            ran(&host),
            ["snap remove foo bar", "snap enable bar", "snap disable foo"]
        );
        let gone = [("name", Value::from("new")), ("state", "absent".into())];
        assert_unchanged::<Snap>(&arguments(&gone), &host);
    }

    #[test]
    fn options_that_differ_are_set() {
        let host = host()
            .command(
                &["snap", "get", "-d", "foo"],
                printed("{\"a\": {\"b\": 1}, \"c\": \"x\"}\n"),
            )
            .command(&["snap", "set"], printed(""));
        let options = |items: &[&str]| {
            let items = items.iter().map(|item| Value::from(*item));
            arguments(&[("name", "foo".into()), ("options", Value::list(items))])
        };
        assert_unchanged::<Snap>(&options(&["a.b=1", "foo:c = x"]), &host);
        let outcome = run::<Snap>(&options(&["a.b=2", "foo:c=x", "d=1"]), &host);
        assert_eq!(ran(&host), ["snap set foo a.b=2 d=1"]);
        let told = outcome.values.get("options_changed");
        assert_eq!(
            told,
            Some(&Value::list(["foo:a.b=2".into(), "foo:d=1".into()]))
        );
        assert!(failure::<Snap>(&options(&["nonsense"]), &host).contains("Cannot parse"));
        assert!(failure::<Snap>(&options(&["other:a=1"]), &host).contains("not in the list"));
    }

    #[test]
    fn failures_say_why() {
        let classic = "error: This revision of snap \"new\" was published using classic confinement and thus may";
        let host = host().command(&["snap", "install"], exited(1, "", classic));
        let said = failure::<Snap>(&arguments(&[("name", "new".into())]), &host);
        assert_eq!(
            said,
            "Couldn't install new because it requires classic confinement"
        );
        let missing = exited(1, "", "warning: no snap found for \"none\"\n");
        let host = host.command(&["snap", "info", "none"], missing);
        let said = failure::<Snap>(&arguments(&[("name", "none".into())]), &host);
        assert_eq!(said, "Snaps not found: \"none\".");
    }

    #[test]
    fn t12_a_name_is_no_option() {
        let said = failure::<Snap>(&arguments(&[("name", "--devmode".into())]), &host());
        assert!(said.contains("names of snaps"));
    }
}
