//! Starting a child as another user: `sudo`, `su` or `doas`, and why it did not work.
//!
//! `sudo` is asked first without a password (`-n`). Only where it says that it wants one, and one is there, it gets it: after
//! its prompt, which carries a random marker so that no lecture or banner is mistaken for it, and never a second time.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::files::random_name;
use crate::wire::{Become, BecomeMethod};

/// A child that has become the user and is about to speak frames.
pub(super) struct Started {
    pub(super) child: Child,
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
}

/// How long the program that changes the user may take: PAM's own delays are within it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Becomes the worker, or takes a copy of it from standard input where the user cannot execute the one that is there.
/// `$1` is the worker, `$2` the marker, `$3` the worker's size, `$4` the locale of the login: `sudo` itself is run in the C locale,
/// so that what it says can be read.
const SCRIPT: &str = r#"unset LC_ALL LANGUAGE
if [ -n "$4" ]; then LC_ALL=$4; export LC_ALL; fi
if [ -x "$1" ]; then exec "$1" --marker "$2"; fi
o=$(umask)
umask 077
for d in /dev/shm /tmp /var/tmp "$HOME"; do
  t=$(mktemp -d "$d/kplay-XXXXXXXXXX" 2>/dev/null) || continue
  if printf '#!/bin/sh\n' >"$t/try" && chmod 700 "$t/try" && "$t/try" 2>/dev/null; then rm -f "$t/try"; break; fi
  rm -rf "$t"; t=
done
if [ -z "$t" ]; then echo "kplay: no directory for a copy of the worker: tried /dev/shm, /tmp, /var/tmp, $HOME" >&2; exit 1; fi
printf '%s wants a copy\n' "$2"
head -c "$3" >"$t/kplay-worker" && chmod 700 "$t/kplay-worker" || exit 1
umask "$o"
exec "$t/kplay-worker" --remove "$t/kplay-worker" --marker "$2""#;

/// Starts a worker as that user, or says why it cannot.
pub(super) fn start(becoming: &Become) -> Result<Started, String> {
    let worker = std::fs::read("/proc/self/exe")
        .map_err(|error| format!("cannot read the worker itself: {error}"))?;
    let path = std::fs::read_link("/proc/self/exe")
        .map(|path| path.to_string_lossy().into_owned())
        .unwrap_or_default();
    let marker = random_name("kplay-", "").map_err(|error| error.to_string())?;
    let launch = Launch {
        becoming,
        worker: &worker,
        path: &path,
        marker: &marker,
    };
    if becoming.method != BecomeMethod::Sudo {
        return launch.try_once(!becoming.password.is_null());
    }
    match launch.try_once(false) {
        Err(why) if wants_password(&why) => {
            if becoming.password.is_null() {
                return Err(format!(
                    "Missing sudo password: becoming `{}` needs one; give it with -K or `ansible_become_password`",
                    becoming.user
                ));
            }
            launch.try_once(true)
        }
        other => other,
    }
}

fn wants_password(why: &str) -> bool {
    why.contains("a password is required") || why.contains("interactive authentication is required")
}

struct Launch<'a> {
    becoming: &'a Become,
    worker: &'a [u8],
    path: &'a str,
    marker: &'a str,
}

impl Launch<'_> {
    fn command(&self, with_password: bool) -> Command {
        let program = self
            .becoming
            .executable
            .clone()
            .unwrap_or_else(|| self.becoming.method.program().to_owned());
        let size = self.worker.len().to_string();
        let locale = std::env::var("LC_ALL").unwrap_or_default();
        let mut command = Command::new(program);
        match self.becoming.method {
            BecomeMethod::Sudo => {
                match &self.becoming.flags {
                    Some(flags) => command.args(
                        flags
                            .iter()
                            .filter(|flag| !matches!(flag.as_str(), "-S" | "-n")),
                    ),
                    None => command.arg("-H"),
                };
                if with_password {
                    command.args(["-S", "-p", &self.prompt()]);
                } else {
                    command.arg("-n");
                }
                command.args([
                    "-u",
                    &self.becoming.user,
                    "--",
                    "/bin/sh",
                    "-c",
                    SCRIPT,
                    "kplay",
                    self.path,
                    self.marker,
                    &size,
                    &locale,
                ]);
            }
            BecomeMethod::Su => {
                command.args(self.becoming.flags.iter().flatten());
                let words = [SCRIPT, "kplay", self.path, self.marker, &size, &locale]
                    .map(quote)
                    .join(" ");
                command.args([
                    &self.becoming.user,
                    "-s",
                    "/bin/sh",
                    "-c",
                    &format!("exec /bin/sh -c {words}"),
                ]);
            }
            BecomeMethod::Doas => {
                command.args(self.becoming.flags.iter().flatten()).arg("-n");
                command.args([
                    "-u",
                    &self.becoming.user,
                    "/bin/sh",
                    "-c",
                    SCRIPT,
                    "kplay",
                    self.path,
                    self.marker,
                    &size,
                    &locale,
                ]);
            }
        }
        command.env("LC_ALL", "C").env("LANGUAGE", "C");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }

    fn prompt(&self) -> String {
        format!("[{} password]", self.marker)
    }

    fn try_once(&self, with_password: bool) -> Result<Started, String> {
        let method = self.becoming.method.program();
        let mut child = self.command(with_password).spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("`{method}` is not installed on this host; install it or choose another `become_method`")
            }
            _ => format!("cannot run `{method}`: {error}"),
        })?;
        let result = match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => {
                self.converse(stdin, stdout, stderr, with_password)
            }
            _ => Err("the child has no pipes".to_owned()),
        };
        match result {
            Ok((stdin, stdout)) => Ok(Started {
                child,
                stdin,
                stdout,
            }),
            Err(why) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(why)
            }
        }
    }

    /// Goes with the child to the point where it speaks frames.
    fn converse(
        &self,
        mut stdin: ChildStdin,
        stdout: ChildStdout,
        stderr: ChildStderr,
        with_password: bool,
    ) -> Result<(ChildStdin, ChildStdout), String> {
        let (sender, heard) = channel();
        let reading = read_lines(stdout, sender.clone(), self.marker.to_owned());
        read_errors(stderr, sender, self.prompt(), self.becoming.method);
        let mut errors = String::new();
        let mut asked = false;
        let end = Instant::now() + PATIENCE;
        loop {
            match next(&heard, end) {
                Ok(Heard::Copy) => stdin
                    .write_all(self.worker)
                    .and_then(|()| stdin.flush())
                    .map_err(|error| {
                        format!(
                            "cannot give `{}` a copy of the worker: {error}",
                            self.becoming.user
                        )
                    })?,
                Ok(Heard::Ready) => {
                    let stdout = reading
                        .join()
                        .ok()
                        .flatten()
                        .ok_or("the child's output is lost")?;
                    return Ok((stdin, stdout));
                }
                Ok(Heard::Prompt) if asked => return Err(self.wrong_password()),
                Ok(Heard::Prompt) if with_password => {
                    asked = true;
                    let line = format!("{}\n", self.becoming.password.to_text());
                    let _ = stdin
                        .write_all(line.as_bytes())
                        .and_then(|()| stdin.flush());
                }
                Ok(Heard::Prompt) => {
                    return Err(format!(
                        "Missing {} password",
                        self.becoming.method.program()
                    ));
                }
                Ok(Heard::Errors(text)) => errors.push_str(&text),
                Ok(Heard::End) => return Err(self.explain(&errors, asked)),
                Err(()) => {
                    return Err(format!(
                        "`{}` did not answer within {} s",
                        self.becoming.method.program(),
                        PATIENCE.as_secs()
                    ));
                }
            }
        }
    }

    fn wrong_password(&self) -> String {
        format!(
            "Incorrect {} password for becoming `{}`",
            self.becoming.method.program(),
            self.becoming.user
        )
    }

    /// Turns what the program said into the cause.
    fn explain(&self, errors: &str, asked: bool) -> String {
        let said = errors.trim();
        let method = self.becoming.method.program();
        let low = said.to_lowercase();
        let cause = if wants_password(&low) {
            return said.to_owned();
        } else if low.contains("sorry, try again")
            || low.contains("incorrect password")
            || (asked && low.contains("authentication failure"))
        {
            return self.wrong_password();
        } else if low.contains("not in the sudoers")
            || low.contains("not allowed to")
            || low.contains("may not run")
            || low.contains("operation not permitted")
        {
            format!(
                "the login user may not become `{}` with `{method}` (not in sudoers)",
                self.becoming.user
            )
        } else if low.contains("must have a tty") || low.contains("no tty present") {
            format!("`{method}` wants a terminal; remove `requiretty` for this user from sudoers")
        } else if low.contains("unknown user") || low.contains("does not exist") {
            format!("there is no user `{}` on this host", self.becoming.user)
        } else {
            format!("cannot become `{}` with `{method}`", self.becoming.user)
        };
        if said.is_empty() {
            cause
        } else {
            format!("{cause}: {said}")
        }
    }
}

/// Quotes a word for a POSIX shell.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

enum Heard {
    Copy,
    Ready,
    Prompt,
    Errors(String),
    End,
}

fn next(heard: &Receiver<Heard>, end: Instant) -> Result<Heard, ()> {
    match heard.recv_timeout(end.saturating_duration_since(Instant::now())) {
        Ok(what) => Ok(what),
        Err(RecvTimeoutError::Disconnected) => Ok(Heard::End),
        Err(RecvTimeoutError::Timeout) => Err(()),
    }
}

/// Reads lines until the marker's own, skipping what a profile prints; gives the pipe back at that point.
fn read_lines(
    mut stdout: ChildStdout,
    sender: Sender<Heard>,
    marker: String,
) -> std::thread::JoinHandle<Option<ChildStdout>> {
    std::thread::spawn(move || {
        let mut line = Vec::new();
        let mut byte = [0];
        let mut budget = 1 << 20;
        let copy = format!("{marker} wants a copy");
        // Byte by byte: not one of the frames behind the marker may be read here.
        while budget > 0 && stdout.read(&mut byte).is_ok_and(|count| count == 1) {
            budget -= 1;
            if byte != *b"\n" {
                line.extend(byte);
                continue;
            }
            if line == marker.as_bytes() {
                let _ = sender.send(Heard::Ready);
                return Some(stdout);
            }
            if line == copy.as_bytes() {
                let _ = sender.send(Heard::Copy);
            }
            line.clear();
        }
        None
    })
}

/// Reads what the program says of itself, and finds its prompt in it.
fn read_errors(
    mut stderr: ChildStderr,
    sender: Sender<Heard>,
    prompt: String,
    method: BecomeMethod,
) {
    std::thread::spawn(move || {
        let mut text = String::new();
        let mut buffer = [0; 1024];
        loop {
            let count = match stderr.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(count) => count,
            };
            text.push_str(&String::from_utf8_lossy(
                buffer.get(..count).unwrap_or_default(),
            ));
            let asks = |text: &str| match method {
                BecomeMethod::Su => text.find("assword:").map(|at| at + "assword:".len()),
                BecomeMethod::Sudo | BecomeMethod::Doas => {
                    text.find(&prompt).map(|at| at + prompt.len())
                }
            };
            while let Some(end) = asks(&text) {
                text.drain(..end);
                let _ = sender.send(Heard::Prompt);
            }
            if text.ends_with('\n') {
                let _ = sender.send(Heard::Errors(std::mem::take(&mut text)));
            }
        }
    });
}
