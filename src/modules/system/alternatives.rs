//! `community.general.alternatives`: which of several programs a common command is, through `update-alternatives`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Command, Diff, Effect, Failure, Host, HostPath, Meta, Module, Outcome,
    Plan, Support,
};
use crate::value::{Dict, Value};

/// What there shall be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It is no alternative.
    Absent,
    /// It is an alternative, and the system chooses.
    Auto,
    /// It is an alternative.
    Present,
    /// It is the one that is chosen.
    #[default]
    Selected,
}

/// A link that goes with the main one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::modules) struct Subcommand {
    /// Its generic name.
    name: String,
    /// Where it leads.
    path: HostPath,
    /// The link.
    link: HostPath,
}

/// Choose among alternative programs
///
/// ## Check mode
///
/// Tells what would change.
///
/// ## Returns
///
/// - `msg`: what was done.
/// - `diff`: the alternative.
///
/// ## Examples
///
/// ```yaml
/// - community.general.alternatives:
///     name: iptables
///     path: /usr/sbin/iptables-legacy
///
/// - community.general.alternatives:
///     name: python
///     link: /usr/bin/python
///     path: /usr/bin/python3.13
///     priority: 10
///     state: auto
/// ```
///
/// ## Differs from Ansible
///
/// An alternative with a priority below 0 is known again by a second run, and so is the link of a name that is no plain word. Check
/// mode fails where the run is certain to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::modules) struct AlternativesArgs {
    /// The generic name.
    name: String,
    /// The program.
    #[serde(default)]
    path: Option<HostPath>,
    /// The family of the program, where the system has families.
    #[serde(default)]
    family: Option<String>,
    /// The link that leads to the program; needed for a name that the system does not know.
    #[serde(default)]
    link: Option<HostPath>,
    /// How much the system prefers it; 50 for a new one.
    #[serde(default)]
    priority: Option<i64>,
    /// What there shall be.
    #[serde(default)]
    state: State,
    /// Links that go with it.
    #[serde(default, alias = "slaves")]
    subcommands: Option<Vec<Subcommand>>,
}

/// An alternative that the system knows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    path: String,
    family: String,
    priority: i64,
    subcommands: Vec<Subcommand>,
}

/// What `update-alternatives` tells of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Group {
    manual: bool,
    current: Option<String>,
    link: Option<String>,
    known: Vec<Known>,
}

impl Group {
    fn parse(text: &str) -> Self {
        let mut group = Self::default();
        let mut links: Vec<(String, String)> = Vec::new();
        for line in text.lines() {
            let trimmed = line.trim_start();
            let slave = ["slave ", "follower "]
                .iter()
                .find_map(|word| trimmed.strip_prefix(word));
            if let Some(path) = trimmed.strip_prefix("link currently points to ") {
                group.current = Some(path.to_owned());
            } else if let Some(slave) = slave {
                if let Some((name, link)) = slave.split_once(" is ") {
                    links.push((name.to_owned(), link.to_owned()));
                } else if let (Some((name, path)), Some(known)) =
                    (slave.split_once(": "), group.known.last_mut())
                    && path != "(null)"
                {
                    known.subcommands.push(Subcommand {
                        name: name.to_owned(),
                        path: HostPath(path.to_owned()),
                        link: HostPath(String::new()),
                    });
                }
            } else if let Some((_, link)) = trimmed
                .strip_prefix("link ")
                .and_then(|rest| rest.split_once(" is "))
                .filter(|(word, _)| !word.contains(' '))
            {
                group.link.get_or_insert_with(|| link.to_owned());
            } else if let Some(known) = alternative(line) {
                group.known.push(known);
            } else if let Some((_, mode)) = line.rsplit_once(" - ") {
                let mode = mode.strip_prefix("status is ").unwrap_or(mode);
                group.manual |= mode.starts_with("manual");
            }
        }
        for subcommand in group
            .known
            .iter_mut()
            .flat_map(|known| &mut known.subcommands)
        {
            let link = links.iter().find(|(name, _)| *name == subcommand.name);
            subcommand.link.0 = link.map(|(_, link)| link.clone()).unwrap_or_default();
        }
        group
    }

    fn find(&self, path: &str) -> Option<&Known> {
        self.known.iter().find(|known| known.path == path)
    }
}

/// `/usr/bin/x - family y priority 50`.
fn alternative(line: &str) -> Option<Known> {
    let (path, rest) = line
        .rsplit_once(" - ")
        .filter(|(path, _)| path.starts_with('/'))?;
    let (family, rest) = match rest.strip_prefix("family ") {
        Some(rest) => rest.split_once(' ')?,
        None => ("", rest),
    };
    Some(Known {
        path: path.to_owned(),
        family: family.to_owned(),
        priority: rest.strip_prefix("priority ")?.trim().parse().ok()?,
        subcommands: Vec::new(),
    })
}

impl AlternativesArgs {
    fn path(&self) -> Option<&str> {
        self.path.as_ref().map(|path| path.0.as_str())
    }

    /// Tells whether the alternative is as it is asked for.
    fn is_installed(&self, known: &Known) -> bool {
        let same = |wanted: &Vec<Subcommand>| {
            wanted.len() == known.subcommands.len()
                && wanted.iter().all(|one| known.subcommands.contains(one))
        };
        self.priority
            .is_none_or(|priority| priority == known.priority)
            && self.subcommands.as_ref().is_none_or(same)
    }
}

/// The commands that are to be run, each with what it does.
type Steps = Vec<(Vec<String>, String)>;

pub(super) struct Alternatives;

impl Module for Alternatives {
    type Args = AlternativesArgs;
    type Change = Steps;

    const META: Meta = Meta {
        name: "community.general.alternatives",
        aliases: &["ansible.builtin.alternatives"],
        family: "system",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.path.is_none() && args.family.is_none() {
            let message = "one of the following is required: path, family";
            return Err(ArgumentError::general(message));
        }
        // Names of `update-alternatives` never begin so; an option would.
        let words = [Some(args.name.as_str()), args.family.as_deref()];
        if words
            .into_iter()
            .flatten()
            .any(|word| word.starts_with('-') || word.is_empty())
        {
            return Err(ArgumentError::general(
                "`name` and `family` must be words that are no option",
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Steps>, Failure> {
        let words = ["update-alternatives", "--display", args.name.as_str()];
        let output = host.run(&Command::new(words).in_c_locale())?;
        let group = if output.success() {
            Group::parse(&output.stdout_text())
        } else {
            Group::default()
        };
        let known = args.path().and_then(|path| group.find(path));
        let mut steps = Steps::new();
        let mut after = Dict::new();
        match (args.state, args.path()) {
            (State::Absent, path) => {
                if let Some(path) = path.filter(|_| known.is_some()) {
                    let words = ["--remove", &args.name, path].map(str::to_owned).to_vec();
                    steps.push((
                        words,
                        format!("Remove alternative '{path}' from '{}'.", args.name),
                    ));
                    after.insert("state", "absent");
                }
            }
            (_, path) => {
                if let Some(path) =
                    path.filter(|_| !known.is_some_and(|known| args.is_installed(known)))
                {
                    let (words, state) = install(args, path, &group, known, host)?;
                    steps.push((
                        words,
                        format!("Install alternative '{path}' for '{}'.", args.name),
                    ));
                    after = state;
                }
                choose(args, &group, &mut steps, &mut after);
            }
        }
        let message = steps
            .iter()
            .map(|(_, what)| what.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let diff = Diff::state(before(args, &group, known), after);
        let plan = if steps.is_empty() {
            Plan::unchanged("the alternative is as it shall be")
        } else {
            Plan::change(steps)
        };
        Ok(plan.with("msg", message).with_diff(diff))
    }

    fn apply(_: &Self::Args, steps: Steps, host: &dyn Host) -> Result<Applied, Failure> {
        for (done, (words, _)) in steps.into_iter().enumerate() {
            let words = std::iter::once("update-alternatives".to_owned()).chain(words);
            let output = host.run(&Command::new(words).in_c_locale())?;
            if !output.success() {
                let error = output.stderr_text();
                let failure = Failure::new(error.trim())
                    .with("rc", output.status)
                    .with("stdout", output.stdout_text())
                    .with("stderr", error);
                return Err(if done > 0 {
                    failure.after_change()
                } else {
                    failure
                });
            }
        }
        Ok(Outcome::changed().into())
    }
}

/// The command that makes the path an alternative, and what it is then.
fn install(
    args: &AlternativesArgs,
    path: &str,
    group: &Group,
    known: Option<&Known>,
    host: &dyn Host,
) -> Result<(Vec<String>, Dict), Failure> {
    if host.status(path, true)?.is_none() {
        return Err(Failure::new(format!(
            "Specified path {path} does not exist"
        )));
    }
    let given = args
        .link
        .as_ref()
        .map(|link| &link.0)
        .filter(|link| !link.is_empty());
    let Some(link) = given.or(group.link.as_ref()) else {
        return Err(Failure::new(
            "Needed to install the alternative, but unable to do so as we are missing the link",
        ));
    };
    let priority = args
        .priority
        .or(known.map(|known| known.priority))
        .unwrap_or(50);
    let mut words = vec![
        "--install".to_owned(),
        link.clone(),
        args.name.clone(),
        path.to_owned(),
        priority.to_string(),
    ];
    if let Some(family) = &args.family {
        words.extend(["--family".to_owned(), family.clone()]);
    }
    for one in args.subcommands.iter().flatten() {
        words.extend([
            "--slave".to_owned(),
            one.link.0.clone(),
            one.name.clone(),
            one.path.0.clone(),
        ]);
    }
    let mut state = Dict::new()
        .with("state", "present")
        .with("path", path)
        .with(
            "family",
            args.family.clone().map_or(Value::NULL, Value::from),
        )
        .with("priority", priority)
        .with("link", link.as_str());
    let subcommands = args
        .subcommands
        .as_deref()
        .or(known.map(|known| known.subcommands.as_slice()));
    if let Some(all) = subcommands.filter(|all| !all.is_empty()) {
        state.insert("subcommands", described(all));
    }
    Ok((words, state))
}

/// Chooses the alternative, or lets the system choose.
fn choose(args: &AlternativesArgs, group: &Group, steps: &mut Steps, after: &mut Dict) {
    let same_path = args.path().is_some() && group.current.as_deref() == args.path();
    let current = group
        .current
        .as_deref()
        .and_then(|current| group.find(current));
    let same_family =
        current.is_some_and(|current| args.family.as_deref() == Some(&*current.family));
    if args.state == State::Selected && !same_path && !same_family {
        let which = args.path().or(args.family.as_deref()).unwrap_or_default();
        let words = ["--set", &args.name, which].map(str::to_owned).to_vec();
        steps.push((
            words,
            format!("Set alternative '{which}' for '{}'.", args.name),
        ));
        after.insert("state", "selected");
    }
    if args.state == State::Auto && group.manual {
        let words = ["--auto", &args.name].map(str::to_owned).to_vec();
        steps.push((
            words,
            format!("Set alternative to auto for '{}'.", args.name),
        ));
        after.insert("state", "present");
    }
}

fn described(subcommands: &[Subcommand]) -> Value {
    Value::list(subcommands.iter().map(|one| {
        let one = Dict::new()
            .with("name", one.name.as_str())
            .with("path", one.path.0.as_str())
            .with("link", one.link.0.as_str());
        Value::dict(one)
    }))
}

/// The alternative as it is.
fn before(args: &AlternativesArgs, group: &Group, known: Option<&Known>) -> Dict {
    let Some(known) = known else {
        // Of a name that nobody knows nothing is said.
        let state = Dict::new();
        return if group.known.is_empty() {
            state
        } else {
            state.with("state", "absent")
        };
    };
    let other = group.manual && group.current.as_deref() != args.path();
    let mut state = Dict::new()
        .with("state", if other { "selected" } else { "present" })
        .with("path", known.path.as_str())
        .with("priority", known.priority)
        .with("link", group.link.clone().map_or(Value::NULL, Value::from));
    if !known.subcommands.is_empty() {
        state.insert("subcommands", described(&known.subcommands));
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_unchanged, check, exited, failure, printed, run};

    const DISPLAY: &str = "editor - manual mode\n  link best version is /bin/nano\n  link currently points to /bin/ed\n  link editor is /usr/bin/editor\n  slave editor.1.gz is /usr/share/man/man1/editor.1.gz\n/bin/ed - priority -100\n  slave editor.1.gz: /usr/share/man/man1/ed.1.gz\n/bin/nano - priority 40\n";

    fn host() -> FakeHost {
        FakeHost::new()
            .command(
                &["update-alternatives", "--display", "editor"],
                printed(DISPLAY),
            )
            .command(
                &["update-alternatives", "--display", "new"],
                exited(2, "", "no alternatives"),
            )
            .command(&["update-alternatives"], printed(""))
            .file("/bin/vi", "")
            .file("/bin/nano", "")
    }

    fn arguments(pairs: &[(&str, Value)]) -> Value {
        let mut all = Dict::new();
        for (name, value) in pairs {
            all.insert(*name, value.clone());
        }
        all.into()
    }

    /// Runs it; returns what was run and said.
    fn done(pairs: &[(&str, Value)]) -> (Vec<String>, String) {
        let host = host();
        assert!(check::<Alternatives>(&arguments(pairs), &host).changed);
        let before = host.ran().len();
        let outcome = run::<Alternatives>(&arguments(pairs), &host);
        let ran = host
            .ran()
            .into_iter()
            .skip(before + 1)
            .map(|words| words[1..].join(" "));
        let said = outcome.values.get("msg").map(Value::to_text);
        (ran.collect(), said.unwrap_or_default())
    }

    #[test]
    fn what_the_system_tells_is_understood() {
        let group = Group::parse(DISPLAY);
        assert!(group.manual);
        assert_eq!(group.current.as_deref(), Some("/bin/ed"));
        assert_eq!(group.link.as_deref(), Some("/usr/bin/editor"));
        assert_eq!(group.known[0].priority, -100);
        assert_eq!(
            group.known[0].subcommands[0].link.0,
            "/usr/share/man/man1/editor.1.gz"
        );
        let family = Group::parse(
            "java - status is auto.\n link currently points to /j\n/j - family f.x priority 5\n",
        );
        assert!(!family.manual && family.known[0].family == "f.x");
    }

    #[test]
    fn an_alternative_is_selected() {
        let nano = ("path", Value::from("/bin/nano"));
        let (ran, said) = done(&[("name", "editor".into()), nano.clone()]);
        assert_eq!(ran, ["--set editor /bin/nano"]);
        assert_eq!(said, "Set alternative '/bin/nano' for 'editor'.");
        let (ran, _) = done(&[
            ("name", "editor".into()),
            nano.clone(),
            ("state", "auto".into()),
        ]);
        assert_eq!(ran, ["--auto editor"]);
        let (ran, _) = done(&[("name", "editor".into()), nano, ("state", "absent".into())]);
        assert_eq!(ran, ["--remove editor /bin/nano"]);
        let ed = [("name", "editor".into()), ("path", Value::from("/bin/ed"))];
        assert_unchanged::<Alternatives>(&arguments(&ed), &host());
    }

    #[test]
    fn an_alternative_is_installed() {
        let vi = ("path", Value::from("/bin/vi"));
        let (ran, _) = done(&[
            ("name", "editor".into()),
            vi.clone(),
            ("priority", 7.into()),
        ]);
        assert_eq!(
            ran,
            [
                "--install /usr/bin/editor editor /bin/vi 7",
                "--set editor /bin/vi"
            ]
        );
        let slave = Dict::new()
            .with("name", "s")
            .with("path", "/p")
            .with("link", "/l");
        let (ran, _) = done(&[
            ("name", "new".into()),
            vi.clone(),
            ("link", "/usr/bin/new".into()),
            ("state", "present".into()),
            ("subcommands", Value::list([slave.into()])),
        ]);
        assert_eq!(
            ran,
            ["--install /usr/bin/new new /bin/vi 50 --slave /l s /p"]
        );
        let (ran, _) = done(&[
            ("name", "editor".into()),
            ("path", "/bin/nano".into()),
            ("priority", 41.into()),
            ("state", "present".into()),
        ]);
        assert_eq!(ran, ["--install /usr/bin/editor editor /bin/nano 41"]);
        let said = failure::<Alternatives>(&arguments(&[("name", "new".into()), vi]), &host());
        assert!(said.contains("missing the link"));
    }

    #[test]
    fn what_cannot_be_is_said() {
        let said = |pairs: &[(&str, Value)]| failure::<Alternatives>(&arguments(pairs), &host());
        assert!(said(&[("name", "x".into())]).contains("path, family"));
        assert!(
            said(&[("name", "editor".into()), ("path", "/bin/none".into())])
                .contains("does not exist")
        );
        assert!(
            said(&[("name", "--all".into()), ("path", "/bin/vi".into())]).contains("no option")
        );
    }
}
