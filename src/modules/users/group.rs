//! `ansible.builtin.group`: groups of accounts.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Command, Effect, Failure, Group as Account, Host, Meta, Module,
    Outcome, Plan, Support,
};
use crate::value::Dict;

/// Whether a group shall be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It shall not.
    Absent,
    /// It shall.
    #[default]
    Present,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Present => "present",
        }
    }
}

/// Add, change and remove groups
///
/// ## Check mode
///
/// Tells what would change.
///
/// ## Returns
///
/// - `name`, `state`: as given.
/// - `gid`: its number, where it is there.
/// - `system`: as given.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.group:
///     name: etcd
///     system: true
/// ```
///
/// ## Differs from Ansible
///
/// With `local` the programs of shadow are used rather than those of libuser; they write to the local files as well.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupArgs {
    /// The group.
    name: String,
    /// Its number.
    #[serde(default)]
    gid: Option<u32>,
    /// Whether it shall be there.
    #[serde(default)]
    state: State,
    /// Remove it even if it is the primary group of an account.
    #[serde(default)]
    force: bool,
    /// Take its number from those of the system.
    #[serde(default)]
    system: bool,
    /// Look at `/etc/group` only, rather than at what a directory service knows too.
    #[serde(default)]
    local: bool,
    /// Let it share the number of another group.
    #[serde(default)]
    non_unique: bool,
    /// The lowest number to choose from.
    #[serde(default)]
    gid_min: Option<u32>,
    /// The highest number to choose from.
    #[serde(default)]
    gid_max: Option<u32>,
}

/// The command that does it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::modules) struct Change(Vec<String>);

pub(super) struct Group;

fn existing(args: &GroupArgs, host: &dyn Host) -> Result<Option<Account>, Failure> {
    if !args.local {
        return Ok(host.group(&args.name)?);
    }
    let text = String::from_utf8_lossy(&host.read("/etc/group")?).into_owned();
    let line = text
        .lines()
        .rfind(|line| line.split(':').next() == Some(&args.name));
    let gid = line.and_then(|line| line.split(':').nth(2)?.parse().ok());
    Ok(gid.map(|gid| Account {
        name: args.name.clone(),
        gid,
        members: Vec::new(),
    }))
}

impl Module for Group {
    type Args = GroupArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "ansible.builtin.group",
        aliases: &[],
        family: "users",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.non_unique && args.gid.is_none() {
            return Err(ArgumentError::general(
                "missing parameter(s) required by 'non_unique': gid",
            ));
        }
        if args.local && (args.gid_min.is_some() || args.gid_max.is_some()) {
            return Err(ArgumentError::general(
                "'gid_min' and 'gid_max' can not be used with 'local'",
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let found = existing(args, host)?;
        let mut words: Vec<String> = Vec::new();
        let mut add = |word: &str| words.push(word.to_owned());
        let number = args.gid.map(|gid| gid.to_string());
        match (&found, args.state) {
            (None, State::Absent) => {
                return Ok(described(
                    Plan::unchanged("there is no such group"),
                    args,
                    None,
                ));
            }
            (Some(_), State::Absent) => {
                add("groupdel");
                if args.force {
                    add("-f");
                }
            }
            (None, State::Present) => {
                add("groupadd");
                if let Some(number) = &number {
                    add("-g");
                    add(number);
                    if args.non_unique {
                        add("-o");
                    }
                }
                if args.system {
                    add("-r");
                }
                for (name, limit) in [("GID_MIN", args.gid_min), ("GID_MAX", args.gid_max)] {
                    if let Some(limit) = limit {
                        add("-K");
                        add(&format!("{name}={limit}"));
                    }
                }
            }
            (Some(group), State::Present) => match &number {
                Some(number) if args.gid != Some(group.gid) => {
                    add("groupmod");
                    add("-g");
                    add(number);
                    if args.non_unique {
                        add("-o");
                    }
                }
                _ => {
                    return Ok(described(
                        Plan::unchanged("the group is as it shall be"),
                        args,
                        Some(group.gid),
                    ));
                }
            },
        }
        add("--");
        add(&args.name);
        let plan = Plan::change(Change(words));
        // Of a group that comes or goes check mode tells nothing more, as in Ansible.
        Ok(match found.filter(|_| args.state == State::Present) {
            Some(group) => described(plan, args, Some(group.gid)),
            None => plan,
        })
    }

    fn apply(
        args: &Self::Args,
        Change(words): Change,
        host: &dyn Host,
    ) -> Result<Applied, Failure> {
        let output = host.run(&Command::new(words).in_c_locale())?;
        if !output.success() {
            return Err(Failure::new(output.stderr_text()).with("name", args.name.as_str()));
        }
        let mut outcome = Outcome::changed()
            .with("name", args.name.as_str())
            .with("state", args.state.name());
        for (name, text) in [
            ("stdout", output.stdout_text()),
            ("stderr", output.stderr_text()),
        ] {
            if !text.is_empty() {
                outcome = outcome.with(name, text);
            }
        }
        if args.state == State::Present
            && let Some(group) = existing(args, host)?
        {
            outcome = outcome.with("gid", group.gid).with("system", args.system);
        }
        Ok(outcome.into())
    }
}

fn described(plan: Plan<Change>, args: &GroupArgs, gid: Option<u32>) -> Plan<Change> {
    let mut values = Dict::new()
        .with("name", args.name.as_str())
        .with("state", args.state.name());
    if let Some(gid) = gid {
        values.insert("system", args.system);
        values.insert("gid", gid);
    }
    plan.with_all(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, assert_unchanged, exited, failure, printed};
    use crate::value::Value;

    fn add(host: &FakeHost, name: &str, gid: u32) {
        host.add_group(Account {
            name: name.to_owned(),
            gid,
            members: Vec::new(),
        });
    }

    #[test]
    fn groups_come_change_and_go() {
        let host = FakeHost::new()
            .group("old", 50, &[])
            .script(&["groupadd"], |_, host| {
                add(host, "web", 2000);
                printed("")
            })
            .script(&["groupmod"], |_, host| {
                add(host, "old", 51);
                printed("")
            })
            .script(&["groupdel"], |_, host| {
                host.remove_group("web");
                printed("")
            });
        let web = Dict::new().with("name", "web");
        let outcome = assert_converges::<Group>(&web.clone().with("system", true).into(), &host);
        assert_eq!(outcome.values.get("gid"), Some(&Value::from(2000)));
        assert_converges::<Group>(
            &Dict::new()
                .with("name", "old")
                .with("gid", 51)
                .with("non_unique", true)
                .into(),
            &host,
        );
        assert_converges::<Group>(&web.with("state", "absent").into(), &host);
        let ran: Vec<String> = host.ran().iter().map(|argv| argv.join(" ")).collect();
        assert_eq!(
            ran,
            [
                "groupadd -r -- web",
                "groupmod -g 51 -o -- old",
                "groupdel -- web"
            ]
        );
    }

    #[test]
    fn what_the_system_refuses_is_told() {
        let host = FakeHost::new().command(
            &["groupadd"],
            exited(3, "", "groupadd: 'bad name' is not a valid group name\n"),
        );
        let args = Dict::new().with("name", "bad name");
        assert_eq!(
            failure::<Group>(&args.into(), &host),
            "groupadd: 'bad name' is not a valid group name\n"
        );
        assert!(
            failure::<Group>(
                &Dict::new()
                    .with("name", "x")
                    .with("non_unique", true)
                    .into(),
                &host
            )
            .contains("gid")
        );
    }

    #[test]
    fn only_the_file_counts_with_local() {
        let host = FakeHost::new().file("/etc/group", "web:x:77:\n");
        let outcome = assert_unchanged::<Group>(
            &Dict::new().with("name", "web").with("local", true).into(),
            &host,
        );
        assert_eq!(outcome.values.get("gid"), Some(&Value::from(77)));
    }

    #[test]
    fn t12_a_name_is_an_operand() {
        let host = FakeHost::new().command(&["groupadd"], exited(3, "", "no"));
        for name in ["-r", "$(id)", "a;b", "a\nb"] {
            failure::<Group>(&Dict::new().with("name", name).into(), &host);
            let argv = host.ran().pop().unwrap();
            assert_eq!(argv[argv.len() - 2..], ["--", name]);
        }
    }
}
