//! `community.general.timezone`: the host's time zone, and what its hardware clock counts.

use schemars::JsonSchema;
use serde::Deserialize;

use super::setup::managers::runs_systemd;
use crate::kit::{
    Applied, ArgumentError, Command, Content, Diff, Effect, Failure, Host, Meta, Module, Outcome,
    Plan, Support, Write,
};
use crate::value::Dict;

/// What the hardware clock counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
enum Clock {
    /// Local time.
    #[serde(rename = "local")]
    Local,
    /// UTC.
    #[serde(rename = "UTC")]
    Utc,
}

impl Clock {
    fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Utc => "UTC",
        }
    }
}

/// Set the time zone
///
/// ## Check mode
///
/// Tells what would change.
///
/// ## Returns
///
/// - `diff`: the zone and clock before and after.
/// - `msg`: the commands that ran.
///
/// ## Examples
///
/// ```yaml
/// - community.general.timezone:
///     name: Europe/Berlin
/// ```
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TimezoneArgs {
    /// The zone, a path below `/usr/share/zoneinfo`.
    #[serde(default)]
    name: Option<String>,
    /// What the hardware clock counts.
    #[serde(default, alias = "rtc")]
    hwclock: Option<Clock>,
}

/// What is to be set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::modules) struct Change {
    zone: Option<String>,
    clock: Option<Clock>,
}

const ZONES: &str = "/usr/share/zoneinfo";
const ADJUSTMENT: &str = "/etc/adjtime";

fn current_zone(host: &dyn Host) -> String {
    let link = host.read_link("/etc/localtime").ok();
    let from_link = link.and_then(|target| {
        target
            .split_once("zoneinfo/")
            .map(|(_, zone)| zone.to_owned())
    });
    from_link
        .or_else(|| {
            host.read("/etc/timezone")
                .ok()
                .map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
        })
        .filter(|zone| !zone.is_empty())
        .unwrap_or_else(|| "UTC".to_owned())
}

fn current_clock(host: &dyn Host) -> Clock {
    let text = host.read(ADJUSTMENT).unwrap_or_default();
    match String::from_utf8_lossy(&text).lines().nth(2).map(str::trim) {
        Some("LOCAL") => Clock::Local,
        _ => Clock::Utc,
    }
}

pub(super) struct Timezone;

impl Module for Timezone {
    type Args = TimezoneArgs;
    type Change = Change;

    const META: Meta = Meta {
        name: "community.general.timezone",
        aliases: &["ansible.builtin.timezone"],
        family: "system",
        since: "0.1.0",
        effect: Effect::Host,
        check: Support::Full,
        diff: Support::Full,
        free_form: None,
    };

    fn validate(args: &Self::Args) -> Result<(), ArgumentError> {
        if args.name.is_none() && args.hwclock.is_none() {
            return Err(ArgumentError::general(
                "one of the following is required: hwclock, name",
            ));
        }
        Ok(())
    }

    fn plan(args: &Self::Args, host: &dyn Host) -> Result<Plan<Change>, Failure> {
        let (mut before, mut after) = (Dict::new(), Dict::new());
        let mut change = Change::default();
        if let Some(zone) = &args.name {
            let plain = !zone.starts_with(['/', '-'])
                && zone.split('/').all(|part| !matches!(part, "" | "." | ".."));
            let there = plain
                && host
                    .status(&format!("{ZONES}/{zone}"), true)?
                    .is_some_and(|status| status.is_file());
            if !there {
                return Err(Failure::new(format!(
                    "Error message:\ngiven timezone \"{zone}\" is not available"
                )));
            }
            let current = current_zone(host);
            change.zone = (current != *zone).then(|| zone.clone());
            before.insert("name", current);
            after.insert("name", zone.as_str());
        }
        if let Some(clock) = args.hwclock {
            let current = current_clock(host);
            change.clock = (current != clock).then_some(clock);
            before.insert("hwclock", current.name());
            after.insert("hwclock", clock.name());
        }
        let plan = if change == Change::default() {
            Plan::unchanged("zone and clock are as they shall be")
        } else {
            Plan::change(change)
        };
        Ok(plan.with_diff(Diff::state(before, after)))
    }

    fn apply(_: &Self::Args, change: Change, host: &dyn Host) -> Result<Applied, Failure> {
        let mut done = Vec::new();
        let systemd = runs_systemd(host);
        let control = host.find_program("timedatectl").filter(|_| systemd);
        let mut run = |words: Vec<String>| -> Result<(), Failure> {
            let output = host.run(&Command::new(words.clone()).in_c_locale())?;
            if !output.success() {
                let reason = output.stderr_text();
                return Err(Failure::new(format!(
                    "Error message:\n`{}` failed: {}",
                    words.join(" "),
                    reason.trim()
                ))
                .with("rc", output.status));
            }
            done.push(format!("executed `{}`", words.join(" ")));
            Ok(())
        };
        match (&change.zone, &control) {
            (None, _) => {}
            (Some(zone), Some(program)) => run(vec![
                program.clone(),
                "set-timezone".to_owned(),
                zone.clone(),
            ])?,
            (Some(zone), None) => {
                host.symbolic_link(&format!("{ZONES}/{zone}"), "/etc/localtime")?;
                let staged = host.stage(
                    "/etc/timezone",
                    Content::Bytes(format!("{zone}\n").as_bytes()),
                )?;
                host.commit(staged, "/etc/timezone", Write::default())?;
            }
        }
        match (change.clock, &control) {
            (None, _) => {}
            (Some(clock), Some(program)) => {
                let local = if clock == Clock::Local { "yes" } else { "no" };
                run(vec![
                    program.clone(),
                    "set-local-rtc".to_owned(),
                    local.to_owned(),
                ])?;
            }
            (Some(clock), None) => write_clock(clock, host)?,
        }
        let outcome = Outcome::changed();
        Ok(if done.is_empty() {
            outcome
        } else {
            outcome.with("msg", done.join("\n"))
        }
        .into())
    }
}

/// The third line of `/etc/adjtime` says it; the others are the clock's drift.
fn write_clock(clock: Clock, host: &dyn Host) -> Result<(), Failure> {
    let text = host.read(ADJUSTMENT).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let mut lines = text.lines();
    let (first, second) = (
        lines.next().unwrap_or("0.0 0 0.0"),
        lines.next().unwrap_or("0"),
    );
    let third = if clock == Clock::Local {
        "LOCAL"
    } else {
        "UTC"
    };
    let content = format!("{first}\n{second}\n{third}\n");
    let staged = host.stage(ADJUSTMENT, Content::Bytes(content.as_bytes()))?;
    Ok(host.commit(staged, ADJUSTMENT, Write::default())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::FakeHost;
    use crate::kit::fake::{assert_converges, assert_unchanged, failure, printed};
    use crate::value::Value;

    fn host() -> FakeHost {
        FakeHost::new()
            .file("/usr/share/zoneinfo/Europe/Berlin", "")
            .file("/usr/share/zoneinfo/Etc/UTC", "")
            .link("/etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
    }

    fn berlin() -> Dict {
        Dict::new().with("name", "Europe/Berlin")
    }

    #[test]
    fn systemd_sets_the_zone() {
        let host = host()
            .directory("/run/systemd/system")
            .program("systemctl")
            .script(&["/usr/bin/timedatectl"], |_, host| {
                host.erase("/etc/localtime");
                host.write("/etc/timezone", "Europe/Berlin\n");
                printed("")
            })
            .program("timedatectl");
        let outcome = assert_converges::<Timezone>(&berlin().into(), &host);
        assert_eq!(
            outcome.values.get("msg"),
            Some(&Value::from(
                "executed `/usr/bin/timedatectl set-timezone Europe/Berlin`"
            ))
        );
    }

    #[test]
    fn without_systemd_files_say_it() {
        let host = host();
        assert_converges::<Timezone>(&berlin().with("hwclock", "local").into(), &host);
        assert_eq!(host.text("/etc/timezone"), "Europe/Berlin\n");
        assert_eq!(host.text("/etc/adjtime"), "0.0 0 0.0\n0\nLOCAL\n");
        assert_unchanged::<Timezone>(&berlin().into(), &host);
    }

    #[test]
    fn zones_must_exist() {
        for zone in [
            "Europe/Nowhere",
            "../../../etc/passwd",
            "/etc/passwd",
            "Europe",
            "--help",
        ] {
            let message = failure::<Timezone>(&Dict::new().with("name", zone).into(), &host());
            assert_eq!(
                message,
                format!("Error message:\ngiven timezone \"{zone}\" is not available")
            );
        }
        assert_eq!(
            failure::<Timezone>(&Dict::new().into(), &host()),
            "one of the following is required: hwclock, name"
        );
    }
}
