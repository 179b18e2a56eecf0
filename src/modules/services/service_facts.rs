//! `ansible.builtin.service_facts`: the state of the services, as facts.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{
    Applied, Command, Effect, Failure, Host, Meta, Module, Outcome, Output, Plan, Support,
};
use crate::value::{Dict, Value};

/// Gather the state of services as facts
///
/// systemd and the scripts of `/etc/init.d` are asked.
///
/// ## Check mode
///
/// It only reads.
///
/// ## Returns
///
/// - `ansible_facts.services`: for each service its `name`, `state` (`running`, `stopped`, `inactive` ...), `status` (`enabled`,
///   `disabled`, `static`, `masked` ...; none for a script) and `source` (`systemd`, `sysv`).
///
/// ## Examples
///
/// ```yaml
/// - ansible.builtin.service_facts:
/// - ansible.builtin.debug:
///     msg: "{{ ansible_facts.services['ssh.service'].state }}"
/// ```
///
/// ## Differs from Ansible
///
/// Upstart and OpenRC are not asked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceFactsArgs {}

/// States that say more than what the unit's file says.
const BAD: [&str; 3] = ["not-found", "masked", "failed"];

pub(super) struct ServiceFacts;

impl Module for ServiceFacts {
    type Args = ServiceFactsArgs;
    type Change = ();

    const META: Meta = Meta {
        name: "ansible.builtin.service_facts",
        aliases: &[],
        family: "services",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::None,
        free_form: None,
    };

    fn plan(_: &Self::Args, host: &dyn Host) -> Result<Plan<()>, Failure> {
        let mut services = Dict::new();
        let mut warnings = Vec::new();
        scripts(&mut services, &mut warnings, host)?;
        if host.status("/run/systemd/system", true)?.is_some()
            && host.find_program("systemctl").is_some()
        {
            units(&mut services, &mut warnings, host)?;
        }
        let mut plan = if services.is_empty() {
            Plan::skipped(
                "Failed to find any services. This can be due to privileges or some other configuration issue.",
            )
        } else {
            let facts = Dict::new().with("services", Value::dict(services));
            Plan::unchanged("it only reads").with("ansible_facts", facts)
        };
        plan.warnings = warnings;
        Ok(plan)
    }

    fn apply(_: &Self::Args, (): (), _: &dyn Host) -> Result<Applied, Failure> {
        Ok(Outcome::unchanged().into())
    }
}

fn ask(words: &[&str], host: &dyn Host) -> Result<Output, Failure> {
    Ok(host.run(&Command::new(words.iter().copied()).in_c_locale())?)
}

fn service(name: &str, state: &str, status: Option<&str>, source: &str) -> Value {
    let mut service = Dict::new().with("name", name).with("state", state);
    if let Some(status) = status {
        service.insert("status", status);
    }
    Value::dict(service.with("source", source))
}

/// The scripts of `/etc/init.d`: `[ + ]  cron`.
fn scripts(
    services: &mut Dict,
    warnings: &mut Vec<String>,
    host: &dyn Host,
) -> Result<(), Failure> {
    if host.find_program("service").is_none() || host.find_program("chkconfig").is_some() {
        return Ok(());
    }
    let output = ask(&["service", "--status-all"], host)?;
    if output.status == 4 && host.status("/etc/init.d", true)?.is_none() {
        return Ok(());
    }
    if !output.success() {
        warnings.push(format!(
            "Unable to query 'service' tool ({}): {}",
            output.status,
            output.stderr_text()
        ));
    }
    for line in output.stdout_text().lines() {
        let line = line.trim_start();
        let (state, name) = match (line.strip_prefix("[ + ]"), line.strip_prefix("[ - ]")) {
            (Some(name), _) => ("running", name),
            (_, Some(name)) => ("stopped", name),
            _ => continue,
        };
        if let Some(name) = Some(name.trim_start()).filter(|name| !name.is_empty()) {
            services.insert(name, service(name, state, None, "sysv"));
        }
    }
    Ok(())
}

fn units(services: &mut Dict, warnings: &mut Vec<String>, host: &dyn Host) -> Result<(), Failure> {
    let listed = [
        "systemctl",
        "list-units",
        "--no-pager",
        "--type",
        "service",
        "--all",
        "--plain",
    ];
    let output = ask(&listed, host)?;
    if !output.success() {
        let reason = output.stderr_text();
        warnings.push(format!("Could not list units from systemd: {reason}"));
    }
    // Unit, load, active, sub, description.
    let mut known: Vec<(String, &str, String)> = Vec::new();
    let text = if output.success() {
        output.stdout_text()
    } else {
        String::new()
    };
    for line in text.lines().filter(|line| line.contains(".service")) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[name, _, active, sub, ..] = fields.as_slice() else {
            continue;
        };
        let before_last = fields.get(..fields.len().saturating_sub(1));
        let bad = BAD
            .into_iter()
            .find(|bad| before_last.is_some_and(|fields| fields.contains(bad)));
        let state = if sub == "running" {
            "running"
        } else {
            "stopped"
        };
        known.push((name.to_owned(), state, bad.unwrap_or(active).to_owned()));
    }
    let files = [
        "systemctl",
        "list-unit-files",
        "--no-pager",
        "--type",
        "service",
        "--all",
    ];
    let output = ask(&files, host)?;
    if !output.success() {
        let reason = output.stderr_text();
        warnings.push(format!(
            "Could not get unit files data from systemd: {reason}"
        ));
    }
    let text = if output.success() {
        output.stdout_text()
    } else {
        String::new()
    };
    let mut unknown: Vec<(&str, &str)> = Vec::new();
    for line in text.lines().filter(|line| line.contains(".service")) {
        let mut fields = line.split_whitespace();
        let (Some(name), Some(status)) = (fields.next(), fields.next()) else {
            continue;
        };
        match known.iter_mut().find(|(known, ..)| known == name) {
            None => unknown.push((name, status)),
            Some((_, _, known)) if !BAD.contains(&known.as_str()) => status.clone_into(known),
            Some(_) => {}
        }
    }
    let states = states(&unknown, host)?;
    for (name, state, status) in &known {
        services.insert(name.as_str(), service(name, state, Some(status), "systemd"));
    }
    for ((name, status), state) in unknown.iter().zip(states) {
        services.insert(*name, service(name, &state, Some(status), "systemd"));
    }
    Ok(())
}

/// Asks for the state of units that are not loaded, all at once; a template has none.
fn states(units: &[(&str, &str)], host: &dyn Host) -> Result<Vec<String>, Failure> {
    let askable = |name: &str| !name.contains("@.");
    let names: Vec<&str> = units
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| askable(name))
        .collect();
    let mut answers = Vec::new();
    if !names.is_empty() {
        let mut words = vec!["systemctl", "show", "--property=ActiveState", "--"];
        words.extend(names);
        let text = ask(&words, host)?.stdout_text();
        answers.extend(
            text.lines()
                .filter_map(|line| line.strip_prefix("ActiveState="))
                .map(str::to_owned),
        );
    }
    let mut answers = answers.into_iter();
    Ok(units
        .iter()
        .map(|(name, _)| {
            let state = if askable(name) { answers.next() } else { None };
            state.unwrap_or_else(|| "unknown".to_owned())
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_unchanged, exited, printed, run};

    #[test]
    fn units_and_scripts_become_facts() {
        let host = FakeHost::new()
            .directory("/run/systemd/system")
            .command(&["service"], printed(" [ + ]  cron\n [ - ]  old-script\n"))
            .command(
                &["systemctl", "list-units"],
                printed("UNIT LOAD ACTIVE SUB DESCRIPTION\ncron.service loaded active running Regular jobs\nbad.service loaded failed failed A bad one\nonce.service loaded active exited Once\n"),
            )
            .command(
                &["systemctl", "list-unit-files"],
                printed("UNIT FILE STATE PRESET\ncron.service enabled enabled\nbad.service enabled enabled\nonce.service static -\ngetty@.service enabled enabled\nidle.service disabled enabled\n"),
            )
            .command(&["systemctl", "show"], printed("ActiveState=inactive\n"));
        let outcome = assert_unchanged::<ServiceFacts>(&Dict::new().into(), &host);
        let facts = outcome.values.get("ansible_facts").unwrap().to_text();
        for (name, state, status) in [
            ("cron.service", "running", "enabled"),
            ("bad.service", "stopped", "failed"),
            ("once.service", "stopped", "static"),
            ("getty@.service", "unknown", "enabled"),
            ("idle.service", "inactive", "disabled"),
        ] {
            let part = format!("'name': '{name}', 'state': '{state}', 'status': '{status}'");
            assert!(facts.contains(&part), "{part} in {facts}");
        }
        assert!(facts.contains("'name': 'old-script', 'state': 'stopped', 'source': 'sysv'"));
    }

    #[test]
    fn a_host_without_services_is_skipped() {
        let host = FakeHost::new().command(&["service"], exited(1, "", "no\n"));
        let outcome = run::<ServiceFacts>(&Dict::new().into(), &host);
        assert!(
            outcome.skipped && outcome.warnings.len() == 1,
            "{outcome:?}"
        );
    }
}
