//! What a run looks like: consumes the engine's events and nothing else.
//!
//! [`Human`] prints as Ansible's default callback does, so that people and scripts can read on; [`Json`] gathers the run and prints
//! it as one JSON document at its end; [`Minimal`] is for a single task. All write through one [`Printer`], which masks secrets and takes the teeth out of control
//! characters that a host may have sent. `cli` makes them and feeds them.

mod banner;
mod clean;
mod color;
mod diff;
mod human;
mod json;
mod minimal;
mod printer;
mod recap;
mod result;
mod stars;
mod statistics;
mod yaml;

pub use color::Color;
pub use human::Human;
pub use json::Json;
pub use minimal::Minimal;
pub use printer::{Printer, Screen};

use crate::config::Settings;

/// What of the settings and options shapes the output.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own"
)]
#[derive(Clone, Debug)]
pub struct Look {
    /// How often `-v` was given.
    pub verbosity: u8,
    /// The run only checks.
    pub check: bool,
    /// How results are written.
    pub format: result::Format,
    /// Banners say that a task only checks.
    pub check_markers: bool,
    /// Hosts on which all was well are shown.
    pub ok_hosts: bool,
    /// Skipped tasks are shown.
    pub skipped_hosts: bool,
    /// A line for each host that starts a task.
    pub host_starts: bool,
    /// Failures go to standard error.
    pub failures_to_stderr: bool,
    /// The place of a failed task is shown without `-vv`.
    pub path_on_failure: bool,
    /// How many lines surround a difference.
    pub diff_context: usize,
    /// What `set_stats` set is shown.
    pub custom_stats: bool,
}

impl Look {
    /// Returns what these settings say.
    pub fn new(settings: &Settings, verbosity: u8, check: bool) -> Self {
        Self {
            verbosity,
            check,
            format: result::Format::new(settings, verbosity),
            check_markers: settings.check_mode_markers,
            ok_hosts: settings.display_ok_hosts,
            skipped_hosts: settings.display_skipped_hosts,
            host_starts: settings.show_per_host_start,
            failures_to_stderr: settings.display_failed_stderr,
            path_on_failure: settings.show_task_path_on_failure,
            diff_context: usize::try_from(settings.diff_context).unwrap_or(0),
            custom_stats: settings.show_custom_stats,
        }
    }
}
