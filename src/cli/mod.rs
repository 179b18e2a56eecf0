//! The command line: reads it, loads what it names, runs or shows it, and ends with Ansible's exit codes.
//!
//! The order of a start: options, configuration, vault passwords, extra variables, inventory, playbooks, the static check. All that is
//! wrong is said at once, and errors end `kplay` before the first connection. Only here and in `report` anything is printed.

mod adhoc;
mod command;
mod crash;
mod doc;
mod drive;
pub mod exit;
mod explain;
mod extra_vars;
mod generate;
mod graph;
mod ground;
mod inventory;
mod listing;
mod names;
mod options;
mod passwords;
mod play;
mod site;
mod traffic;
mod voice;

use std::ffi::OsString;
use std::process::ExitCode;

use command::{Command, Wish};

/// Does what the command line says.
pub fn run() -> ExitCode {
    crash::prepare();
    let words: Vec<OsString> = std::env::args_os().collect();
    let done = std::panic::catch_unwind(|| obey(&words));
    ExitCode::from(crash::code(&done))
}

fn obey(words: &[OsString]) -> u8 {
    let printer = voice::printer();
    match command::parse(words) {
        Ok(Wish::Play(options)) => play::play(&options, &printer),
        Ok(Wish::Command(command)) => match *command {
            Command::Run(options) => adhoc::run(&options, &printer),
            Command::Inventory(options) => inventory::show(&options, &printer),
            Command::Graph(options) => graph::graph(&options, &printer),
            Command::Doc { module } => doc::doc(module.as_deref(), &printer),
            Command::Explain { code } => explain::explain(code.as_deref(), &printer),
            Command::Completions { shell } => generate::completions(shell, &printer),
            Command::Man => generate::manual_page(&printer),
        },
        Err(error) => {
            let code = if error.use_stderr() {
                exit::UNREADABLE_OPTIONS
            } else {
                exit::FINE
            };
            // Clap finds out by itself whether there is a terminal.
            let _ = error.print();
            code
        }
    }
}
