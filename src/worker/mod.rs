//! The program on the host: it reads orders, runs steps and modules as the login user, and keeps a child of itself for every
//! become user.
//!
//! It speaks frames on standard input and output and nothing else. When its input ends (the controller is gone, or the line was
//! cut) it ends every command that it started, removes what is not in its place yet, and goes.

mod accounts;
mod batch;
mod become_child;
mod become_start;
mod cleanup;
mod command;
mod contents;
mod files;
mod host;
mod job;
mod pin;
mod session;

/// Runs the worker until its input ends; returns the exit status. `arguments` are those after the program's name:
/// `--marker TEXT` (written as a line before the first frame) and `--remove PATH` (its own copy, removed at once); with `--job` alone it
/// is the process of a job.
pub fn run(arguments: impl IntoIterator<Item = String>) -> u8 {
    let mut marker = String::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--marker" => marker = arguments.next().unwrap_or_default(),
            job::ARGUMENT => return job::keep(),
            "--remove" => remove_own_copy(&arguments.next().unwrap_or_default()),
            _ => return 2,
        }
    }
    session::Session::start(&marker).map_or(1, session::Session::serve)
}

/// A copy that was made for this start alone is not needed once it runs.
fn remove_own_copy(path: &str) {
    let _ = std::fs::remove_file(path);
    if let Some(folder) = std::path::Path::new(path).parent() {
        let _ = std::fs::remove_dir(folder);
    }
}
