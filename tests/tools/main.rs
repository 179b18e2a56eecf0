//! kplay beside the real `sops` and `age`: what one of them writes the other reads, and the other way round.
//!
//! The programs are built from their Go modules once (`tests/tools/get`); where that is not possible the tests are reported as
//! ignored, with the reason.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod bench;
mod files;
mod keys;

use std::process::ExitCode;
use std::sync::OnceLock;

use libtest_mimic::{Arguments, Completion, Trial};

use bench::Tools;

/// A test with its name.
pub(crate) type Test = (&'static str, Run);

/// How a test is run.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// With the programs alone.
    Plain(fn(&Tools)),
    /// With something that cannot be had everywhere; says why it was not there.
    IfThere(fn(&Tools) -> Result<(), String>),
}

fn main() -> ExitCode {
    static TOOLS: OnceLock<Result<Tools, String>> = OnceLock::new();
    let arguments = Arguments::from_args();
    let tests = [files::TESTS, keys::TESTS];
    let trials = tests.into_iter().flatten().map(|(name, run)| {
        Trial::ignorable_test(*name, move || match TOOLS.get_or_init(Tools::find) {
            Ok(tools) => {
                let ignored = match run {
                    Run::Plain(run) => {
                        run(tools);
                        None
                    }
                    Run::IfThere(run) => run(tools).err(),
                };
                Ok(ignored.map_or(Completion::Completed, Completion::ignored_with))
            }
            Err(why) => Ok(Completion::ignored_with(why)),
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
