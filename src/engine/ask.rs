//! Questions to the person at the terminal: passwords, prompts, pauses.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// Shows `prompt` on the terminal and returns the line that is typed, without its end; nothing of it is shown unless `echo` says
/// so. Without a terminal the answer is empty.
pub fn line(prompt: &str, echo: bool) -> String {
    let Ok(terminal) = OpenOptions::new().read(true).write(true).open("/dev/tty") else {
        return String::new();
    };
    let Ok(mut out) = terminal.try_clone() else {
        return String::new();
    };
    let _ = out.write_all(prompt.as_bytes()).and_then(|()| out.flush());
    let before = tcgetattr(terminal.as_fd()).ok();
    if !echo && let Some(mut quiet) = before.clone() {
        quiet.local_modes.remove(LocalModes::ECHO);
        let _ = tcsetattr(terminal.as_fd(), OptionalActions::Flush, &quiet);
    }
    let mut answer = String::new();
    let read = BufReader::new(&terminal).read_line(&mut answer);
    if !echo && let Some(before) = before {
        let _ = tcsetattr(terminal.as_fd(), OptionalActions::Flush, &before);
        let _ = out.write_all(b"\n");
    }
    if read.is_err() {
        return String::new();
    }
    answer.trim_end_matches(['\n', '\r']).to_owned()
}

/// Shows `question` and returns the next line of the standard input, typed or piped; empty at its end.
pub fn answer(question: &str) -> String {
    let mut out = std::io::stdout();
    let _ = out
        .write_all(question.as_bytes())
        .and_then(|()| out.flush());
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if !std::io::stdin().is_terminal() {
        let _ = out.write_all(b"\n");
    }
    read.map(|_| answer).unwrap_or_default()
}
