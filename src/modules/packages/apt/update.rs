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

/// What an update did.
pub(super) struct Updated {
    /// The cache is another now.
    pub(super) changed: bool,
    pub(super) warnings: Vec<String>,
}

/// Updates it, with waits between tries that double each time. One source that fails is a failure of all.
pub(super) fn run(args: &AptArgs, host: &dyn Host) -> Result<Updated, Failure> {
    let before = cache::updated(host)?;
    let mut warnings = Vec::new();
    let mut reason = String::new();
    for attempt in 0..args.update_cache_retries {
        let lock = format!("DPkg::Lock::Timeout={}", args.lock_timeout);
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
            .min(args.update_cache_retry_max_delay);
        if attempt + 1 < args.update_cache_retries {
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
        args.update_cache_retries
    )))
}
