//! The security tests: kplay as a user runs it, against hosts, workers and files that are not what they should be.
//!
//! Every test is named after the class of attack that it belongs to, T1 to T25 of the list that `docs/testing.md` explains, or
//! `bad_input` for what breaks by itself. Those that need hosts claim them from `tests/lab` and are reported as ignored, with
//! the reason, where there are none (`KPLAY_LAB_REQUIRED=1` makes that a failure).
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot go on ends there"
)]

mod agent;
mod broken_hosts;
mod controller;
mod host_keys;
mod hostile_worker;
#[path = "../oracle/hosts.rs"]
#[expect(dead_code, reason = "the oracle needs more of it")]
mod hosts;
mod interrupts;
mod lab;
mod leaks;
mod module_files;
mod module_words;
mod settings;
mod sudo;
mod temporary_files;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use lab::Lab;

/// A test and what it needs.
pub(crate) enum Test {
    /// This machine alone.
    Here(&'static str, fn()),
    /// So many hosts of the lab.
    Hosts(&'static str, usize, fn(&[lab::Host])),
}

fn main() -> ExitCode {
    // The same program, started by kplay as its worker.
    if let Some(manner) = std::env::var_os(hostile_worker::MANNER) {
        hostile_worker::be(&manner.to_string_lossy());
        return ExitCode::SUCCESS;
    }
    let mut arguments = Arguments::from_args();
    if arguments.test_threads.is_none() {
        arguments.test_threads = Some(3);
    }
    let lab = Arc::new(Lab::new());
    let tests = [
        agent::TESTS,
        broken_hosts::TESTS,
        host_keys::TESTS,
        hostile_worker::TESTS,
        interrupts::TESTS,
        leaks::TESTS,
        module_files::TESTS,
        module_words::TESTS,
        settings::TESTS,
        sudo::TESTS,
        temporary_files::TESTS,
    ];
    let trials = tests.into_iter().flatten().map(|test| trial(test, &lab));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn trial(test: &'static Test, lab: &Arc<Lab>) -> Trial {
    match *test {
        Test::Here(name, run) => Trial::test(name, move || {
            run();
            Ok(())
        }),
        Test::Hosts(name, count, run) => {
            let lab = Arc::clone(lab);
            Trial::ignorable_test(name, move || match lab.take(count) {
                Ok(taken) => {
                    run(&taken.hosts);
                    Ok(Completion::Completed)
                }
                Err(reason) if Lab::is_required() => Err(Failed::from(reason)),
                Err(reason) => Ok(Completion::ignored_with(reason)),
            })
        }
    }
}
