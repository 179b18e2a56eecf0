//! What only the controller can do to complete a module's work: bring a file home, wait for a connection, ask a person.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};

use md5::Md5;
use sha1::{Digest as _, Sha1};

use super::contents::hexadecimal;
use super::outside::Outside;
use super::perform::HereExecutor;
use super::sops_encrypt::Encrypting;
use super::{reboot, run_state};
use crate::kit::{ControllerRequest, Failure, Outcome, PausePrompt};
use crate::step::{ExecutionError, Executor as _};
use crate::template::LookupContext as _;
use crate::value::{Dict, Value};
use crate::wire::{Become, Invocation};

/// Completes what the outcome asks for; requests about variables are left to the dispatcher.
pub(super) fn complete(
    executor: &HereExecutor<'_>,
    outcome: Outcome,
    becoming: Option<&Become>,
    delegate: Option<&str>,
    check: bool,
) -> Outcome {
    let done = match outcome.request.clone() {
        Some(ControllerRequest::Fetch {
            source,
            destination,
            flat,
            sha1,
            validate,
        }) => {
            let fetch = Fetch {
                source,
                destination,
                flat,
                sha1,
                validate,
            };
            fetch.run(executor, &outcome, becoming, delegate)
        }
        Some(ControllerRequest::SopsEncrypt(request)) => Encrypting {
            executor,
            request: &request,
            becoming,
            delegate,
        }
        .run(),
        Some(ControllerRequest::WaitForConnection {
            delay,
            sleep,
            connect_timeout,
            timeout,
        }) => {
            let times = [delay, sleep, connect_timeout, timeout]
                .map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default());
            wait_for_connection(executor, times, delegate)
        }
        Some(ControllerRequest::Reboot(request)) => {
            reboot::reboot(executor, &request, becoming, delegate, check)
        }
        Some(ControllerRequest::Pause(prompt)) => pause(executor, &prompt, &outcome),
        _ => return outcome,
    };
    done.unwrap_or_else(Outcome::from)
}

/// A file of the host on its way to the controller.
struct Fetch {
    source: String,
    destination: String,
    flat: bool,
    sha1: String,
    validate: bool,
}

impl Fetch {
    /// Where the file goes. The host's own path is only ever put below the destination, never out of it.
    fn target(&self, executor: &HereExecutor<'_>) -> Result<PathBuf, Failure> {
        let job = executor.job;
        let scope = job.scope();
        let outside = Outside { scope: &scope };
        let base = match self.destination.strip_prefix("~/") {
            Some(rest) => outside
                .home(None)
                .map_or_else(|| PathBuf::from(rest), |home| home.join(rest)),
            None => job
                .run
                .working_directory
                .join(&*job.play.play.directory)
                .join(&self.destination),
        };
        let parts: Vec<_> = Path::new(&self.source).components().collect();
        if parts
            .iter()
            .any(|part| matches!(part, Component::ParentDir))
            || self.source.contains('\0')
        {
            return Err(Failure::new(format!(
                "the path `{}` holds `..` and is not fetched",
                self.source
            )));
        }
        if !self.flat {
            let below: PathBuf = parts
                .into_iter()
                .filter(|part| matches!(part, Component::Normal(_)))
                .collect();
            return Ok(base.join(&*job.host).join(below));
        }
        if self.destination.ends_with('/') {
            let name = Path::new(&self.source)
                .file_name()
                .ok_or_else(|| Failure::new("there is no file name to keep"))?;
            return Ok(base.join(name));
        }
        if base.is_dir() {
            return Err(Failure::new(
                "dest is an existing directory, use a trailing slash if you want to fetch src into that directory",
            ));
        }
        Ok(base)
    }

    fn run(
        &self,
        executor: &HereExecutor<'_>,
        outcome: &Outcome,
        becoming: Option<&Become>,
        delegate: Option<&str>,
    ) -> Result<Outcome, Failure> {
        let target = self.target(executor)?;
        let shown = target.to_string_lossy().into_owned();
        let here = fs::read(&target).ok();
        let values = |outcome: Outcome, md5: &str| {
            outcome
                .with("dest", shown.as_str())
                .with("checksum", self.sha1.as_str())
                .with("remote_checksum", self.sha1.as_str())
                .with("md5sum", md5)
                .with("remote_md5sum", Value::NULL)
        };
        if let Some(content) = &here
            && hexadecimal(&Sha1::digest(content)) == self.sha1
        {
            let same = Outcome::unchanged().with("file", self.source.as_str());
            let md5 = hexadecimal(&Md5::digest(content));
            let mut outcome = values(same, &md5);
            outcome.values.remove("remote_checksum");
            outcome.values.remove("remote_md5sum");
            return Ok(outcome);
        }
        let refused =
            |error: std::io::Error| Failure::new(format!("cannot write `{shown}`: {error}"));
        let folder = target.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).map_err(refused)?;
        let draft = folder.join(format!(
            ".kplay-{}-{}",
            std::process::id(),
            executor.job.id.0
        ));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .map_err(refused)?;
        let (mut sha1, mut md5) = (Sha1::new(), Md5::new());
        let link = executor
            .link(delegate)
            .map_err(|error| Failure::new(error.to_string()))?;
        let read = executor.wait(link.read(&self.source, becoming.cloned(), |piece| {
            sha1.update(piece);
            md5.update(piece);
            file.write_all(piece)
        }));
        let settled = read
            .map_err(|error| Failure::new(error.to_string()))
            .and_then(|()| {
                let got = hexadecimal(&sha1.finalize());
                if self.validate && got != self.sha1 {
                    return Err(Failure::new(format!(
                        "checksum mismatch: the file changed while it was fetched (`{shown}`)"
                    ))
                    .with("checksum", got)
                    .with("remote_checksum", self.sha1.as_str()));
                }
                let mode = fs::Permissions::from_mode_bits(0o666 & !umask());
                file.set_permissions(mode)
                    .and_then(|()| file.sync_all())
                    .and_then(|()| fs::rename(&draft, &target))
                    .map_err(refused)
            });
        if let Err(failure) = settled {
            let _ = fs::remove_file(&draft);
            return Err(failure);
        }
        let warnings = outcome.warnings.clone();
        Ok(values(
            Outcome {
                warnings,
                ..Outcome::changed()
            },
            &hexadecimal(&md5.finalize()),
        ))
    }
}

/// A mode as permissions.
trait ModeBits {
    fn from_mode_bits(bits: u32) -> fs::Permissions;
}

impl ModeBits for fs::Permissions {
    fn from_mode_bits(bits: u32) -> fs::Permissions {
        std::os::unix::fs::PermissionsExt::from_mode(bits)
    }
}

fn umask() -> u32 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|bits| u32::from_str_radix(bits.trim(), 8).ok())
        .unwrap_or(0o022)
}

fn wait_for_connection(
    executor: &HereExecutor<'_>,
    [delay, sleep, connect_timeout, timeout]: [Duration; 4],
    delegate: Option<&str>,
) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let failed = |error: ExecutionError| Failure::new(error.to_string());
    let (host, place) = executor.place(delegate).map_err(failed)?;
    if !delay.is_zero() && !executor.sleep(delay) {
        return Err(Failure::new("interrupted"));
    }
    let end = start + timeout;
    loop {
        let attempt = executor.wait(async {
            executor.job.links.reset(&host, &place).await;
            let limit = connect_timeout.max(Duration::from_secs(1));
            let connected = tokio::time::timeout(
                limit,
                executor
                    .job
                    .links
                    .get(&host, &place, &executor.job.run, None),
            )
            .await;
            let link = connected.unwrap_or_else(|_| {
                Err(ExecutionError::Unreachable("no answer in time".to_owned()))
            })?;
            let ping = Invocation {
                module: "ansible.builtin.ping".to_owned(),
                arguments: Value::dict(Dict::new()),
                check: false,
                becoming: None,
                environment: Vec::new(),
                supplied: Vec::new(),
                timeout: Some(limit.as_secs()),
                hold: false,
                seen: false,
                asynchronous: None,
            };
            link.execute(ping).await
        });
        match attempt {
            Ok(_) => return Ok(Outcome::unchanged().with("elapsed", start.elapsed().as_secs())),
            Err(error) if Instant::now() + sleep >= end => {
                return Err(
                    Failure::new(format!("timed out waiting for the connection: {error}"))
                        .with("elapsed", start.elapsed().as_secs()),
                );
            }
            Err(_) if !executor.sleep(sleep) => return Err(Failure::new("interrupted")),
            Err(_) => {}
        }
    }
}

/// What Ansible says of a pause that has a prompt and a time.
const EARLIER: &str = "(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)\r";

/// A number as Python writes it, rounded to hundredths.
fn hundredths(number: f64) -> String {
    Value::from((number * 100.0).round() / 100.0).to_text()
}

fn pause(
    executor: &HereExecutor<'_>,
    prompt: &PausePrompt,
    outcome: &Outcome,
) -> Result<Outcome, Failure> {
    let mut outcome = outcome.clone();
    let start = run_state::clock();
    let begun = Instant::now();
    let mut typed = String::new();
    match prompt.seconds {
        Some(seconds) => {
            let hidden = if prompt.echo {
                ""
            } else {
                " (output is hidden)"
            };
            executor.tell(format!("Pausing for {seconds} seconds{hidden}"));
            if prompt.prompt.is_some() {
                executor.tell(EARLIER.to_owned());
            }
            executor
                .sleep(Duration::from_secs(seconds))
                .then_some(())
                .ok_or_else(|| Failure::new("interrupted"))?;
        }
        None if std::io::stdin().is_terminal() => {
            let text = prompt
                .prompt
                .as_deref()
                .unwrap_or("Press enter to continue, Ctrl+C to interrupt");
            typed = super::ask::line(
                &format!(
                    "[{}]\n{text}:",
                    super::perform::shown_name(&executor.job.task, &executor.job.scope())
                ),
                prompt.echo,
            );
        }
        // Nobody is there to press Enter.
        None => outcome
            .warnings
            .push("Not waiting for response to prompt as stdin is not interactive".into()),
    }
    let passed = begun.elapsed();
    let (time, unit) = if prompt.in_minutes {
        (passed.as_secs_f64() / 60.0, "minutes")
    } else {
        (passed.as_secs_f64(), "seconds")
    };
    Ok(outcome
        .with("start", start)
        .with("stop", run_state::clock())
        .with("delta", passed.as_secs())
        .with("stdout", format!("Paused for {} {unit}", hundredths(time)))
        .with("user_input", typed))
}
