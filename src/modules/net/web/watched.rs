//! Reading what comes over the network, as long as the step may last.

use std::io::{self, Read};
use std::time::Duration;

use crate::kit::Host;

/// Passes on what it reads; ends with the step.
pub(in crate::modules) struct Watched<'a> {
    inner: &'a mut (dyn Read + Send),
    host: &'a dyn Host,
}

impl<'a> Watched<'a> {
    /// Reads that.
    pub(in crate::modules) fn new(inner: &'a mut (dyn Read + Send), host: &'a dyn Host) -> Self {
        Self { inner, host }
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.host.sleep(Duration::ZERO).map_err(io::Error::other)?;
        self.inner.read(buffer)
    }
}
