//! The oracle: runs real playbooks through kplay on fresh hosts and compares everything a user could notice with what
//! ansible-core answered to the same playbook.
//!
//! A case is a directory in `cases/`; ansible-core's answer to it lies in `recorded/`. `docs/testing.md` tells how to
//! write one and what is compared. Cases of the language alone run on the local connection anywhere; the others claim
//! hosts of `tests/lab` and are reported as ignored, with the reason, where there are none.
//!
//! The environment steers it: `KPLAY_ENGINE` (another engine to run in kplay's place), `KPLAY_ORACLE_CASES` (names,
//! blank-separated), `KPLAY_ORACLE_STALE=1` (only cases without a valid answer), `KPLAY_ORACLE_RECORD=1` (write the
//! answers down instead of comparing them), `KPLAY_LAB_REQUIRED=1` (a missing lab is a failure). `tests/oracle/record` and `tests/oracle/run` set them.

mod case;
mod compare;
mod engine;
mod hosts;
mod normalise;
mod observe;
mod record;
mod screen;
mod self_check;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use case::Case;
use engine::Engine;
use hosts::Pool;

/// What one failing case may print.
const SHOWN_DIFFERENCES: usize = 60;

struct Oracle {
    engine: Engine,
    record: bool,
    pool: Result<Pool, String>,
    lab_required: bool,
    /// Cases were named on the command line.
    named: bool,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    let oracle = Arc::new(Oracle {
        engine: Engine::from_environment(),
        record: is_set("KPLAY_ORACLE_RECORD"),
        pool: Pool::find(),
        lab_required: is_set("KPLAY_LAB_REQUIRED"),
        named: is_set("KPLAY_ORACLE_CASES"),
    });
    // The cases wait for hosts more than they compute, and there is no use in more of them than there are hosts.
    if arguments.test_threads.is_none() {
        arguments.test_threads = Some(
            oracle
                .pool
                .as_ref()
                .map_or(2, Pool::size)
                .min(oracle.engine.at_once()),
        );
    }
    let wanted = std::env::var("KPLAY_ORACLE_CASES").unwrap_or_default();
    let wanted: Vec<&str> = wanted.split_whitespace().collect();
    let stale_only = is_set("KPLAY_ORACLE_STALE");
    let trials: Vec<Trial> = case::names()
        .into_iter()
        .filter(|name| wanted.is_empty() || wanted.contains(&name.as_str()))
        .filter(|name| !stale_only || record::is_stale(name))
        .map(|name| {
            let oracle = Arc::clone(&oracle);
            Trial::ignorable_test(name.clone(), move || oracle.run(&name))
        })
        .collect();
    let trials = if wanted.is_empty() && !stale_only && !oracle.record {
        self_check::trials().into_iter().chain(trials).collect()
    } else {
        trials
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

impl Oracle {
    fn run(&self, name: &str) -> Result<Completion, Failed> {
        let case = Case::load(name)?;
        let hosts = match (&self.pool, case.needs_lab()) {
            (Ok(pool), true) => pool.claim(case.hosts)?,
            (Err(reason), true) if self.lab_required || self.record => {
                return Err(Failed::from(reason));
            }
            (Err(reason), true) => return Ok(Completion::ignored_with(reason)),
            (_, false) => hosts::Claim::local(case.hosts),
        };
        let observed = observe::observe(&case, &self.engine, &hosts)?;
        if self.record {
            record::write(&case, &self.engine, &observed)?;
            return Ok(Completion::Completed);
        }
        let recorded = record::read(&case)?;
        let differences = compare::differences(&recorded, &observed);
        let (unexplained, unused) = compare::apply_allowances(differences, &case.allow);
        let mut report: Vec<String> = unexplained.iter().map(ToString::to_string).collect();
        if self.engine.is_kplay() {
            report.extend(
                unused.iter().map(|at| {
                    format!("{at}: this difference is allowed, but there is none any more")
                }),
            );
        }
        if report.is_empty() {
            return Ok(Completion::Completed);
        }
        // Named by hand, a case tells its differences; among all the others it is counted and named as open.
        if !self.named
            && self.engine.is_kplay()
            && let Some(reason) = open_reason(name)
        {
            return Ok(Completion::ignored_with(format!("open: {reason}")));
        }
        let more = report.len().saturating_sub(SHOWN_DIFFERENCES);
        report.truncate(SHOWN_DIFFERENCES);
        if more > 0 {
            report.push(format!("... and {more} more"));
        }
        Err(Failed::from(report.join("\n")))
    }
}

/// Why a case does not agree yet, as `open.txt` says: a name and a reason on each line.
fn open_reason(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(directory().join("open.txt")).ok()?;
    text.lines().find_map(|line| {
        let (open, reason) = line.split_once(char::is_whitespace)?;
        (open == name).then(|| reason.trim().to_owned())
    })
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle")
}

fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty() && value != "0")
}
