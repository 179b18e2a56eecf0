//! The package cache's update.

use std::time::Duration;

use super::{AptArgs, cache, command};
use crate::kit::{Command, Failure, Host};

/// Tells whether the cache is older than it may be.
pub(super) fn is_due(args: &AptArgs, host: &dyn Host) -> Result<bool, Failure> {
    let (seconds, nanoseconds) = cache::updated(host)?;
    let valid_until = (seconds.saturating_add(args.cache_valid_time), nanoseconds);
    Ok(valid_until < host.now())
}

/// How stubbornly it is tried.
#[derive(Clone, Copy, Debug)]
pub(in crate::modules::packages) struct Tries {
    pub(in crate::modules::packages) count: u32,
    /// The longest wait between two tries, in seconds.
    pub(in crate::modules::packages) longest_wait: u64,
    /// How long to wait for the lock of another apt, in seconds.
    pub(in crate::modules::packages) lock_timeout: i64,
}

/// What an update did.
pub(in crate::modules::packages) struct Updated {
    /// The cache is another now.
    pub(in crate::modules::packages) changed: bool,
    pub(in crate::modules::packages) warnings: Vec<String>,
}

/// Updates it, with waits between tries that double each time. One source that fails is a failure of all.
pub(in crate::modules::packages) fn run(
    tries: &Tries,
    host: &dyn Host,
) -> Result<Updated, Failure> {
    let before = cache::updated(host)?;
    let mut warnings = Vec::new();
    let mut reason = String::new();
    for attempt in 0..tries.count {
        let lock = format!("DPkg::Lock::Timeout={}", tries.lock_timeout);
        let words = [
            "apt-get",
            "update",
            "-q",
            "-o",
            "APT::Update::Error-Mode=any",
            "-o",
            &lock,
        ];
        let output = host.run(&command::environment(Command::new(words)))?;
        if output.success() {
            return Ok(Updated {
                changed: cache::updated(host)? != before,
                warnings,
            });
        }
        output.stderr_text().trim().clone_into(&mut reason);
        warnings.push(format!(
            "Failed to update cache after {} retries due to {reason}, retrying",
            attempt + 1
        ));
        let wait = 2u64
            .checked_pow(attempt)
            .unwrap_or(u64::MAX)
            .min(tries.longest_wait);
        if attempt + 1 < tries.count {
            host.sleep(Duration::from_secs(wait))?;
        }
    }
    let reason = if reason.is_empty() {
        "unknown reason".to_owned()
    } else {
        reason
    };
    Err(Failure::new(format!(
        "Failed to update apt cache after {} retries: {reason}",
        tries.count
    )))
}
