//! Units of systemd: one `systemctl show` tells all, and from it follows what is to be done. `systemd_service` and `service` use it.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::kit::{Command, Failure, Host, Outcome, Output, Plan};
use crate::value::{Dict, Value};

/// What a service shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Its configuration is read again; one that does not run is started.
    Reloaded,
    /// Stopped and started; one that does not run is started.
    Restarted,
    /// Running.
    Started,
    /// Not running.
    Stopped,
}

impl State {
    /// The step that leads there, as systemctl and the scripts of System V call it; nothing where the service is so already.
    pub(super) fn step(self, running: bool) -> Option<&'static str> {
        match self {
            Self::Started if running => None,
            Self::Stopped if !running => None,
            Self::Stopped => Some("stop"),
            Self::Restarted if running => Some("restart"),
            Self::Reloaded if running => Some("reload"),
            Self::Started | Self::Restarted | Self::Reloaded => Some("start"),
        }
    }

    /// What results call the state that it ends in.
    pub(super) fn end(self) -> &'static str {
        if self == Self::Stopped {
            "stopped"
        } else {
            "started"
        }
    }
}

/// Whose units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scope {
    /// Those of all users' sessions.
    Global,
    /// The system's.
    #[default]
    System,
    /// Those of the one who acts.
    User,
}

/// What is wanted of a unit.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish<'a> {
    pub(super) unit: Option<&'a str>,
    pub(super) state: Option<State>,
    pub(super) enabled: Option<bool>,
    pub(super) masked: Option<bool>,
    pub(super) reload_manager: bool,
    pub(super) restart_manager: bool,
    pub(super) no_block: bool,
    pub(super) force: bool,
    pub(super) scope: Scope,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::modules) struct Actions {
    managers: Vec<&'static str>,
    /// Of the unit: `mask`, `enable`, `start` ...
    steps: Vec<&'static str>,
}

/// Where unit files lie that a manager may not have read yet.
const UNIT_FOLDERS: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

impl Wish<'_> {
    fn command(&self, words: &[&str], host: &dyn Host) -> Command {
        let mut argv = vec!["systemctl"];
        argv.extend(match self.scope {
            Scope::System => None,
            Scope::User => Some("--user"),
            Scope::Global => Some("--global"),
        });
        argv.extend(self.no_block.then_some("--no-block"));
        argv.extend(self.force.then_some("--force"));
        argv.extend(words);
        let mut command = Command::new(argv).in_c_locale();
        // A user's manager is found by this, which only a login sets.
        if host.environment("XDG_RUNTIME_DIR").is_none() {
            let path = format!("/run/user/{}", host.identity().uid);
            command
                .environment
                .push(("XDG_RUNTIME_DIR".to_owned(), path));
        }
        command
    }

    /// Reads the unit and decides.
    pub(super) fn plan(&self, host: &dyn Host) -> Result<Plan<Actions>, Failure> {
        let mut actions = Actions::default();
        if self.reload_manager {
            actions.managers.push("daemon-reload");
        }
        if self.restart_manager {
            actions.managers.push("daemon-reexec");
        }
        let (steps, values, warnings) = self.steps(host)?;
        actions.steps = steps;
        let plan = match (actions.steps.is_empty(), actions.managers.is_empty()) {
            (true, true) => Plan::unchanged("the unit is as it shall be"),
            (true, false) => Plan::change(actions).uncounted(),
            (false, _) => Plan::change(actions),
        };
        let mut plan = plan.with_all(values);
        plan.warnings = warnings;
        Ok(plan)
    }

    /// What is to be done with the unit, and what the result says of it.
    fn steps(&self, host: &dyn Host) -> Result<(Vec<&'static str>, Dict, Vec<String>), Failure> {
        let Some(unit) = self.unit else {
            return Ok((
                Vec::new(),
                Dict::new()
                    .with("name", Value::NULL)
                    .with("status", Dict::new()),
                Vec::new(),
            ));
        };
        let status = self.status(unit, host)?;
        let field = |name: &str| status.get(name).and_then(Value::as_str).unwrap_or_default();
        let masked = field("LoadState") == "masked";
        let script = super::sysv::exists(unit, host);
        let loaded = !matches!(field("LoadState"), "" | "not-found");
        let found = loaded || script || (self.reload_manager && has_file(unit, host)?);
        if loaded && !masked && status.contains("LoadError") && !field("LoadError").is_empty() {
            return Err(Failure::new(format!(
                "Error loading unit file '{unit}': {}",
                field("LoadError")
            )));
        }
        let missing = || Failure::new(format!("Could not find the requested service {unit}: host"));
        let mut warnings = Vec::new();
        if script && !loaded {
            warnings.push(format!("The service ({unit}) is actually an init script but the system is managed by systemd"));
        }
        let mut steps = Vec::new();
        let mut values = Dict::new().with("name", unit);
        if let Some(wanted) = self.masked
            && (field("UnitFileState") == "masked") != wanted
        {
            if !found {
                return Err(missing());
            }
            steps.push(if wanted { "mask" } else { "unmask" });
        }
        if let Some(wanted) = self.enabled {
            if !found {
                return Err(missing());
            }
            if self.is_enabled(unit, field("UnitFileState"), host)? != wanted {
                steps.push(if wanted { "enable" } else { "disable" });
            }
            values.insert("enabled", wanted);
        }
        if let Some(wanted) = self.state {
            if !found {
                return Err(missing());
            }
            let active = field("ActiveState");
            let running = matches!(active, "active" | "activating");
            let offline = active.is_empty() && is_offline(host);
            if offline {
                warnings.push("Target is a chroot or systemd is offline. This can lead to false positives or prevent the init system tools from working.".to_owned());
            } else if active.is_empty() {
                return Err(Failure::new("Service is in unknown state").with("status", status));
            }
            let ends = wanted == State::Stopped && active == "deactivating";
            if !offline {
                steps.extend(wanted.step(running || ends));
            }
            values.insert("state", wanted.end());
        }
        values.insert("status", status);
        Ok((steps, values, warnings))
    }

    fn status(&self, unit: &str, host: &dyn Host) -> Result<Dict, Failure> {
        let output = host.run(&self.command(&["show", "--", unit], host))?;
        if output.success() {
            return Ok(parse(&output.stdout_text()));
        }
        let reason = output.stderr_text();
        Err(Failure::new(format!(
            "systemctl cannot tell of `{unit}`: {}",
            reason.trim()
        ))
        .with("rc", output.status)
        .with("stderr", reason))
    }

    fn is_enabled(&self, unit: &str, state: &str, host: &dyn Host) -> Result<bool, Failure> {
        match state {
            "enabled" | "static" => Ok(true),
            // These are to be enabled, or disabled, by name: systemd knows what that means for them.
            "enabled-runtime" | "indirect" | "alias" | "disabled" | "linked" | "linked-runtime"
            | "masked" | "masked-runtime" | "transient" | "bad" => Ok(false),
            _ => {
                let output = host.run(&self.command(&["is-enabled", "-l", "--", unit], host))?;
                let answer = output.stdout_text();
                let by_name = matches!(answer.trim_end(), "enabled-runtime" | "indirect" | "alias");
                Ok(output.success() && !by_name)
            }
        }
    }

    /// Carries it out.
    pub(super) fn apply(&self, actions: Actions, host: &dyn Host) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::unchanged();
        let Actions {
            managers,
            mut steps,
        } = actions;
        for action in &managers {
            let output = host.run(&self.command(&[action], host))?;
            if !output.success() {
                let reason = output.stderr_text();
                if !is_offline(host) {
                    return Err(Failure::new(format!(
                        "failure {} during {action}: {reason}",
                        output.status
                    )));
                }
                outcome =
                    outcome.warn(format!("{action} failed, but systemd is offline: {reason}"));
            }
        }
        // What the manager has read now may be another unit than the one that was planned for.
        if !managers.is_empty() && self.unit.is_some() {
            let (again, values, _) = self.steps(host)?;
            outcome.values = values;
            steps = again;
        }
        let mut remaining: VecDeque<&str> = steps.into();
        while let Some(step) = remaining.pop_front() {
            let unit = self.unit.unwrap_or_default();
            let output = host.run(&self.command(&[step, "--", unit], host))?;
            if !output.success() {
                let failure = Failure::new(message(step, unit, &output));
                return Err(if outcome.changed {
                    failure.after_change()
                } else {
                    failure
                });
            }
            outcome.changed = true;
            // A mask hides whether a unit is enabled: only now can that be seen.
            if step == "unmask"
                && let Some(wanted) = self.enabled
            {
                let status = self.status(unit, host)?;
                let state = status.get("UnitFileState").and_then(Value::as_str);
                let enabled = self.is_enabled(unit, state.unwrap_or_default(), host)?;
                remaining.retain(|step| !matches!(*step, "enable" | "disable"));
                if enabled != wanted {
                    remaining.push_front(if wanted { "enable" } else { "disable" });
                }
            }
        }
        Ok(outcome)
    }
}

/// Nobody answers where a file system is only being made ready.
fn is_offline(host: &dyn Host) -> bool {
    host.environment("SYSTEMD_OFFLINE").as_deref() == Some("1")
}

fn message(step: &str, unit: &str, output: &Output) -> String {
    let error = output.stderr_text();
    match step {
        "mask" | "unmask" => format!("Failed to {step} the service ({unit}): {}", error.trim()),
        "enable" | "disable" => format!(
            "Unable to {step} service {unit}: {}{error}",
            output.stdout_text()
        ),
        _ => format!("Unable to {step} service {unit}: {error}"),
    }
}

fn has_file(unit: &str, host: &dyn Host) -> Result<bool, Failure> {
    let name = if unit.contains('.') {
        unit.to_owned()
    } else {
        format!("{unit}.service")
    };
    // An instance has its template's file.
    let template = match (name.split_once('@'), name.rsplit_once('.')) {
        (Some((base, _)), Some((_, kind))) => format!("{base}@.{kind}"),
        _ => name.clone(),
    };
    for folder in UNIT_FOLDERS {
        for name in [&name, &template] {
            if host.status(&format!("{folder}/{name}"), true)?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Reads `Name=value` lines; a value that begins with `{` goes on until a line ends with `}`.
fn parse(text: &str) -> Dict {
    let mut found = Dict::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some((name, mut value)) = open.take() {
            value.push('\n');
            value.push_str(line);
            if line.trim_end().ends_with('}') {
                found.insert(name, value.trim());
            } else {
                open = Some((name, value));
            }
        } else if let Some((name, value)) = line.split_once('=') {
            let unfinished = name.starts_with("Exec")
                && value.starts_with('{')
                && !value.trim_end().ends_with('}');
            if unfinished {
                open = Some((name.to_owned(), value.to_owned()));
            } else {
                found.insert(name, value.trim());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_may_span_lines() {
        let found = parse(
            "Id=a.service\nExecStart={ path=/bin/sh ; argv[]=sh -c a\nb ; }\nDescription=x = y\nMemory=\n",
        );
        assert_eq!(found.get("Description"), Some(&Value::from("x = y")));
        assert!(
            found
                .get("ExecStart")
                .unwrap()
                .to_text()
                .ends_with("a\nb ; }")
        );
        assert_eq!(found.get("Memory"), Some(&Value::from("")));
    }
}
