//! `ansible.builtin.getent`: entries of the system's databases (users, groups, hosts) as facts.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, ArgumentError, Command, Effect, Failure, Host, Meta, Module, Outcome, Plan, Support,
};
use crate::value::{Dict, Value};

/// Databases whose fields stand between colons.
const WITH_COLONS: [&str; 4] = ["passwd", "shadow", "group", "gshadow"];

/// Look up entries of the system's databases
///
/// Asks `getent`, which knows of directories on the network too. What it finds becomes a fact.
///
/// ## Check mode
///
/// The same.
///
/// ## Returns
///
/// - `ansible_facts`: `getent_DATABASE`, with each entry's other fields as a list under its first field. An entry that is there more
///   than once has a list of such lists.
/// - `msg`: why there is no such entry, with `fail_key: false`.
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.getent:
///     database: passwd
///     key: deploy
///
/// - ansible.builtin.debug:
///     msg: "at home in {{ ansible_facts.getent_passwd.deploy[4] }}"
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GetentArgs {
    /// The database, such as `passwd`, `group`, `hosts`, `services`.
    database: String,
    /// The entry; without one, all entries that the database tells.
    #[serde(default)]
    key: Option<String>,
    /// Ask this service alone (`files`, `ldap`).
    #[serde(default)]
    service: Option<String>,
    /// What stands between fields; else a colon or spaces, as the database has it.
    #[serde(default)]
    split: Option<String>,
    /// Fail if there is no such entry.
    #[serde(default = "yes")]
    fail_key: bool,
}

fn yes() -> bool {
    true
}

pub(super) struct Getent;

impl Module for Getent {
    type Args = GetentArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.getent",
        aliases: &[],
        family: "system",
        since: "0.1.0",
        effect: Effect::Sees,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.split.as_deref() == Some("") {
            return Err(ArgumentError::new("split", "must not be empty"));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        let mut words = vec!["getent".to_owned()];
        if let Some(service) = &args.service {
            words.extend(["-s".to_owned(), service.clone()]);
        }
        let operands = [Some(&args.database), args.key.as_ref()];
        let operands: Vec<&String> = operands.into_iter().flatten().collect();
        if operands.iter().any(|operand| operand.starts_with('-')) {
            words.push("--".to_owned());
        }
        words.extend(operands.into_iter().cloned());
        let output = host.run(&Command::new(words))?;
        let facts = |entries: Dict| {
            let name = format!("getent_{}", args.database);
            Value::dict(Dict::new().with(name.as_str(), entries))
        };
        match output.status {
            0 => {
                let entries = entries(args, &output.stdout_text());
                let plan = Plan::unchanged("the system was asked");
                Ok(plan.with("ansible_facts", facts(entries)))
            }
            1 => Err(Failure::new("Missing arguments, or database unknown.")),
            2 => {
                let message = "One or more supplied key could not be found in the database.";
                let Some(key) = args.key.as_deref().filter(|_| !args.fail_key) else {
                    return Err(Failure::new(message));
                };
                let none = facts(Dict::new().with(key, Value::NULL));
                let plan = Plan::unchanged("there is no such entry");
                Ok(plan.with("ansible_facts", none).with("msg", message))
            }
            3 => Err(Failure::new("Enumeration not supported on this database.")),
            _ => Err(Failure::new("Unexpected failure!")),
        }
    }

    fn apply(_: &Self::Args, (): (), _: &dyn Host) -> Result<Applied, Failure> {
        Ok(Outcome::unchanged().into())
    }
}

/// The entries by their first fields.
fn entries(args: &GetentArgs, text: &str) -> Dict {
    let colon = WITH_COLONS.contains(&args.database.as_str()).then_some(":");
    let separator = args.split.as_deref().or(colon);
    let mut found: Vec<(&str, Vec<Value>)> = Vec::new();
    for line in text.lines() {
        let mut fields: Vec<&str> = match separator {
            Some(separator) => line.split(separator).collect(),
            None => line.split_whitespace().collect(),
        };
        if fields.is_empty() {
            continue;
        }
        let name = fields.remove(0);
        let rest = Value::list(fields.into_iter().map(Value::from));
        match found.iter_mut().find(|(known, _)| *known == name) {
            Some((_, all)) => all.push(rest),
            None => found.push((name, vec![rest])),
        }
    }
    let mut entries = Dict::new();
    for (name, mut all) in found {
        let only = if all.len() == 1 { all.pop() } else { None };
        entries.insert(name, only.unwrap_or_else(|| Value::list(all)));
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_unchanged, exited, failure, printed};

    fn arguments(pairs: &[(&str, &str)]) -> Value {
        let mut all = Dict::new();
        for (name, value) in pairs {
            all.insert(*name, *value);
        }
        all.into()
    }

    fn fact(pairs: &[(&str, &str)], host: &FakeHost) -> String {
        let outcome = assert_unchanged::<Getent>(&arguments(pairs), host);
        outcome
            .values
            .get("ansible_facts")
            .unwrap()
            .to_json()
            .to_string()
    }

    #[test]
    fn entries_become_facts() {
        let host = FakeHost::new()
            .command(
                &["getent", "passwd"],
                printed("root:x:0:0:r:/root:/bin/sh\n"),
            )
            .command(
                &["getent", "services"],
                printed("domain 53/tcp\nsmtp  25/tcp mail\ndomain 53/udp\n"),
            );
        assert_eq!(
            fact(&[("database", "passwd")], &host),
            r#"{"getent_passwd":{"root":["x","0","0","r","/root","/bin/sh"]}}"#
        );
        assert_eq!(
            fact(&[("database", "services")], &host),
            r#"{"getent_services":{"domain":[["53/tcp"],["53/udp"]],"smtp":["25/tcp","mail"]}}"#
        );
        assert_eq!(
            fact(&[("database", "services"), ("split", "/")], &host),
            r#"{"getent_services":{"domain 53":[["tcp"],["udp"]],"smtp  25":["tcp mail"]}}"#
        );
    }

    #[test]
    fn an_entry_that_is_not_there_fails_or_is_null() {
        let host = FakeHost::new().command(&["getent", "passwd", "no"], exited(2, "", ""));
        let pairs = [("database", "passwd"), ("key", "no")];
        assert!(failure::<Getent>(&arguments(&pairs), &host).contains("could not be found"));
        let pairs = [("database", "passwd"), ("key", "no"), ("fail_key", "no")];
        assert_eq!(fact(&pairs, &host), r#"{"getent_passwd":{"no":null}}"#);
    }

    #[test]
    fn what_getent_refuses_is_told() {
        for (status, words) in [
            (1, "database unknown"),
            (3, "Enumeration"),
            (9, "Unexpected"),
        ] {
            let host = FakeHost::new().command(&["getent", "x"], exited(status, "", ""));
            assert!(failure::<Getent>(&arguments(&[("database", "x")]), &host).contains(words));
        }
        let empty = arguments(&[("database", "x"), ("split", "")]);
        assert!(failure::<Getent>(&empty, &FakeHost::new()).contains("split"));
    }

    #[test]
    fn t12_a_key_is_an_operand() {
        let words = ["getent", "-s", "files", "--", "passwd", "-x"];
        let host = FakeHost::new().command(&words, printed(""));
        let pairs = [("database", "passwd"), ("key", "-x"), ("service", "files")];
        fact(&pairs, &host);
        assert!(host.ran().iter().all(|ran| *ran == words));
    }
}
