//! `reboot`: the host's command, the loss of the connection, and the way back. `complete` calls it.

use std::time::{Duration, Instant};

use super::perform::HereExecutor;
use super::target::Place;
use crate::kit::{Failure, Outcome, Reboot};
use crate::step::{ExecutionError, Executor as _};
use crate::value::{Dict, Value};
use crate::wire::{Become, Invocation};

/// Between two looks at a host that is on its way: at first, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(5)];

/// Reboots the host of the step, or the one that it is delegated to.
pub(super) fn reboot(
    executor: &HereExecutor<'_>,
    request: &Reboot,
    becoming: Option<&Become>,
    delegate: Option<&str>,
    check: bool,
) -> Result<Outcome, Failure> {
    let (name, place) = executor
        .place(delegate)
        .map_err(|error| Failure::new(error.to_string()))?;
    let not_yet = |failure: Failure| failure.with("elapsed", 0).with("rebooted", false);
    if matches!(place, Place::Local) {
        let why = "Running reboot with local connection would reboot the control node.";
        return Err(not_yet(Failure::new(why)));
    }
    if check {
        return Ok(Outcome::changed().with("elapsed", 0).with("rebooted", true));
    }
    let machine = Machine {
        executor,
        name: &name,
        place: &place,
        becoming,
        delegate,
        request,
    };
    let before = machine
        .boot_id()
        .map_err(|why| Failure::new(why).with("reboot", false))?;
    let (module, arguments) = machine.reboot_command()?;
    let start = Instant::now();
    let begun = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00");
    let begun = begun.to_string();
    let elapsed = || start.elapsed().as_secs();
    match machine.execute(module, arguments) {
        Ok(outcome) if outcome.failed => {
            let text = |name: &str| {
                outcome
                    .values
                    .get(name)
                    .map(Value::to_text)
                    .unwrap_or_default()
            };
            return Err(Failure::new(format!(
                "Reboot command failed. Error was: '{}, {}'",
                text("stdout").trim(),
                text("stderr").trim()
            ))
            .with("rebooted", false)
            .with("start", begun)
            .with("elapsed", elapsed()));
        }
        // The host may be gone before it can answer.
        Ok(_) | Err(ExecutionError::Unreachable(_)) => {}
        Err(error) => return Err(not_yet(Failure::new(error.to_string()))),
    }
    let gone = |why: String| {
        Failure::new(why)
            .with("rebooted", true)
            .with("elapsed", elapsed())
    };
    if !executor.sleep(Duration::from_secs(request.post_delay)) {
        return Err(gone("interrupted".to_owned()));
    }
    machine
        .until("last boot time check", || {
            machine.reconnect()?;
            let now = machine.boot_id()?;
            if now.is_empty() || now == before {
                return Err("boot time has not changed".to_owned());
            }
            Ok(())
        })
        .map_err(gone)?;
    machine
        .until("post-reboot test command", || machine.test())
        .map_err(gone)?;
    Ok(Outcome::changed()
        .with("rebooted", true)
        .with("elapsed", elapsed()))
}

/// The host that reboots.
struct Machine<'a> {
    executor: &'a HereExecutor<'a>,
    name: &'a str,
    place: &'a Place,
    becoming: Option<&'a Become>,
    delegate: Option<&'a str>,
    request: &'a Reboot,
}

impl Machine<'_> {
    fn execute(&self, module: &str, arguments: Dict) -> Result<Outcome, ExecutionError> {
        let invocation = Invocation {
            module: module.to_owned(),
            arguments: arguments.into(),
            check: false,
            becoming: self.becoming.cloned(),
            environment: Vec::new(),
            supplied: Vec::new(),
            timeout: None,
            hold: false,
            seen: true,
            asynchronous: None,
        };
        let link = self.executor.link(self.delegate)?;
        self.executor.wait(link.execute(invocation))
    }

    /// Runs a line of the shell; returns what it printed.
    fn shell(&self, line: &str, what: &str) -> Result<String, String> {
        let arguments = Dict::new().with("_raw_params", line);
        let outcome = self
            .execute("ansible.builtin.shell", arguments)
            .map_err(|error| error.to_string())?;
        let text = |name: &str| {
            outcome
                .values
                .get(name)
                .map(Value::to_text)
                .unwrap_or_default()
        };
        if outcome.failed {
            return Err(format!(
                "{what}, rc: {}, stdout: {}, stderr: {}",
                text("rc"),
                text("stdout"),
                text("stderr")
            ));
        }
        Ok(text("stdout").trim().to_owned())
    }

    fn boot_id(&self) -> Result<String, String> {
        let what = "reboot: failed to get host boot time info";
        self.shell(&self.request.boot_time_command, what)
    }

    fn test(&self) -> Result<(), String> {
        let tested = self.shell(&self.request.test_command, "Test command failed");
        tested.map(drop)
    }

    /// Connects anew: an old connection may hang, and lead to a system that is going down.
    fn reconnect(&self) -> Result<(), String> {
        let links = &self.executor.job.links;
        let run = &self.executor.job.run;
        let own = u64::try_from(run.config.timeout).unwrap_or(10).max(1);
        let limit = Duration::from_secs(self.request.connect_timeout.unwrap_or(own));
        let connected = self.executor.wait(async {
            links.reset(self.name, self.place).await;
            tokio::time::timeout(limit, links.get(self.name, self.place, run, None))
                .await
                .unwrap_or_else(|_| {
                    Err(ExecutionError::Unreachable("no answer in time".to_owned()))
                })
        });
        connected.map(drop).map_err(|error| error.to_string())
    }

    /// Tries until it succeeds; the time for that is the task's `reboot_timeout`.
    fn until(
        &self,
        what: &str,
        mut attempt: impl FnMut() -> Result<(), String>,
    ) -> Result<(), String> {
        let end = Instant::now() + Duration::from_secs(self.request.timeout);
        let [mut pause, most] = PAUSES;
        let mut last = String::new();
        while Instant::now() < end {
            match attempt() {
                Ok(()) => return Ok(()),
                Err(why) => last = why,
            }
            if !self.executor.sleep(pause) {
                return Err("interrupted".to_owned());
            }
            pause = (pause * 2).min(most);
        }
        let timeout = self.request.timeout;
        Err(format!(
            "Timed out waiting for {what} (timeout={timeout}): {last}"
        ))
    }

    /// The module that runs the reboot's command, and its arguments.
    fn reboot_command(&self) -> Result<(&'static str, Dict), Failure> {
        if let Some(line) = &self.request.command {
            let (program, rest) = line.split_once(' ').unwrap_or((line, ""));
            let program = self.find(program)?;
            let line = format!("{program} {rest}");
            return Ok((
                "ansible.builtin.shell",
                Dict::new().with("_raw_params", line),
            ));
        }
        let (program, arguments) = usual_command(&self.distribution()?, self.request);
        let mut words = vec![self.find(program)?];
        words.extend(arguments);
        Ok(("ansible.builtin.command", Dict::new().with("argv", words)))
    }

    /// Returns the distribution's name.
    fn distribution(&self) -> Result<String, Failure> {
        let arguments = Dict::new().with("gather_subset", "min");
        let found = self
            .execute("ansible.builtin.setup", arguments)
            .map_err(|error| Failure::new(error.to_string()))?;
        let name = found
            .values
            .get("ansible_facts")
            .and_then(|facts| facts.get("ansible_distribution"))
            .map(Value::to_text);
        name.ok_or_else(|| Failure::new("the system's distribution cannot be told"))
    }

    /// Returns the path of a program in the search paths, and in no others.
    fn find(&self, program: &str) -> Result<String, Failure> {
        if program.starts_with('/') {
            return Ok(program.to_owned());
        }
        let folders = &self.request.search_paths;
        let arguments = Dict::new()
            .with("paths", folders.clone())
            .with("patterns", vec![program.to_owned()])
            .with("file_type", "any");
        let found = self
            .execute("ansible.builtin.find", arguments)
            .map_err(|error| Failure::new(error.to_string()))?;
        let first = found
            .values
            .get("files")
            .and_then(|files| files.as_list()?.first()?.get("path").map(Value::to_text));
        first.ok_or_else(|| {
            Failure::new(format!(
                "Unable to find command \"{program}\" in search paths: {}",
                folders.join(", ")
            ))
        })
    }
}

/// Returns the program that reboots such a system, and its arguments.
fn usual_command(distribution: &str, request: &Reboot) -> (&'static str, Vec<String>) {
    let minutes = request.pre_delay / 60;
    let shutdown = |delay: String| {
        let words = vec!["-r".to_owned(), delay, request.message.clone()];
        ("shutdown", words)
    };
    match distribution.to_lowercase().as_str() {
        "alpine" => ("reboot", Vec::new()),
        "void" => shutdown(format!("+{minutes}")),
        _ => shutdown(minutes.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_command_depends_on_the_system() {
        let request = Reboot {
            message: "back \"soon\"; $(id)".to_owned(),
            pre_delay: 179,
            ..Reboot::default()
        };
        let words = |distribution| {
            let (program, arguments) = usual_command(distribution, &request);
            format!("{program} {}", arguments.join(" "))
        };
        assert_eq!(words("Debian"), "shutdown -r 2 back \"soon\"; $(id)");
        assert_eq!(words("Void"), "shutdown -r +2 back \"soon\"; $(id)");
        assert_eq!(words("Alpine"), "reboot ");
    }
}
