//! `modification_time` and `access_time` of `file`.

use jiff::fmt::strtime;
use jiff::tz::Offset;

use super::{FileArgs, State};
use crate::kit::{Failure, Host};
use crate::modules::files::stat::seconds;
use crate::value::Dict;

/// What a time shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Preserve,
    Now,
    At(i64),
}

/// Both times that a task wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    modified: Wanted,
    accessed: Wanted,
}

/// The times that a path gets.
#[derive(Clone, Debug)]
pub(super) struct TimeChange {
    path: String,
    accessed: (i64, u32),
    modified: (i64, u32),
}

pub(super) fn default_format() -> String {
    "%Y%m%d%H%M.%S".to_owned()
}

impl Times {
    /// Reads the arguments; `touch` means now where nothing is said.
    pub(super) fn of(args: &FileArgs, state: State, host: &dyn Host) -> Result<Self, Failure> {
        let read = |given: Option<&str>, format: &str| match given {
            None if state == State::Touch => Ok(Wanted::Now),
            None | Some("preserve") => Ok(Wanted::Preserve),
            Some("now") => Ok(Wanted::Now),
            Some(text) => parse(text, format, host).map(Wanted::At),
        };
        Ok(Self {
            modified: read(
                args.modification_time.as_deref(),
                &args.modification_time_format,
            )?,
            accessed: read(args.access_time.as_deref(), &args.access_time_format)?,
        })
    }

    /// Compares with what the path has; a link is looked through. Notes the difference in `before` and `after`.
    pub(super) fn compare(
        self,
        path: &str,
        host: &dyn Host,
        before: &mut Dict,
        after: &mut Dict,
    ) -> Result<Option<TimeChange>, Failure> {
        if (self.modified, self.accessed) == (Wanted::Preserve, Wanted::Preserve) {
            return Ok(None);
        }
        let status = host.status(path, true)?;
        let status = status.ok_or_else(|| {
            let message =
                format!("Error while updating modification or access time: `{path}` leads nowhere");
            Failure::new(message).with("path", path)
        })?;
        let now = host.now();
        let of = |wanted, is| match wanted {
            Wanted::Preserve => is,
            Wanted::Now => now,
            Wanted::At(seconds) => (seconds, 0),
        };
        let (modified, accessed) = (
            of(self.modified, status.times.modified),
            of(self.accessed, status.times.accessed),
        );
        if modified != status.times.modified {
            before.insert("mtime", seconds(status.times.modified));
            after.insert("mtime", seconds(modified));
        }
        if accessed != status.times.accessed {
            before.insert("atime", seconds(status.times.accessed));
            after.insert("atime", seconds(accessed));
        }
        let same = (modified, accessed) == (status.times.modified, status.times.accessed);
        // As Ansible has it, two times that are both set to now are a change even where the clock has not moved.
        let touched = (self.modified, self.accessed) == (Wanted::Now, Wanted::Now);
        Ok((touched || !same).then(|| TimeChange {
            path: path.to_owned(),
            accessed,
            modified,
        }))
    }

    /// Returns the same times for what `touch` is about to create.
    pub(super) fn for_new(self, path: &str, host: &dyn Host) -> Option<TimeChange> {
        let now = host.now();
        let of = |wanted| {
            if let Wanted::At(seconds) = wanted {
                (seconds, 0)
            } else {
                now
            }
        };
        let given =
            matches!(self.modified, Wanted::At(_)) || matches!(self.accessed, Wanted::At(_));
        let (accessed, modified) = (of(self.accessed), of(self.modified));
        given.then(|| TimeChange {
            path: path.to_owned(),
            accessed,
            modified,
        })
    }
}

impl TimeChange {
    pub(super) fn apply(&self, host: &dyn Host) -> Result<(), Failure> {
        host.set_times(&self.path, Some(self.accessed), Some(self.modified), true)
            .map_err(|error| {
                let message = format!("Error while updating modification or access time: {error}");
                Failure::new(message).with("path", self.path.as_str())
            })
    }
}

/// Reads a time of the host's zone.
fn parse(text: &str, format: &str, host: &dyn Host) -> Result<i64, Failure> {
    let wrong = |reason: String| {
        Failure::new(format!(
            "Error while obtaining timestamp for time {text} using format {format}: {reason}"
        ))
    };
    let time = strtime::parse(format, text).map_err(|error| wrong(error.to_string()))?;
    let date = time.to_date().map_err(|error| wrong(error.to_string()))?;
    let clock = time.to_time().unwrap_or(jiff::civil::Time::midnight());
    let naive = Offset::UTC
        .to_timestamp(date.to_datetime(clock))
        .map_err(|error| wrong(error.to_string()))?
        .as_second();
    // The offset counts at the point in time itself, which is known only with it; the second round settles it.
    let guess = naive - i64::from(host.utc_offset(naive));
    Ok(naive - i64::from(host.utc_offset(guess)))
}
