//! What a group of facts is gathered with.

use std::time::Duration;

use crate::kit::Host;

/// The host, and what the task says of it.
pub(super) struct Gathering<'a> {
    pub(super) host: &'a dyn Host,
    pub(super) fact_path: &'a str,
    /// How long a program may take.
    pub(super) timeout: Duration,
    pub(super) warnings: &'a mut Vec<String>,
}
