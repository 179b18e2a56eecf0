//! The way to the server: TCP, proxies and TLS as the library has them, or a Unix socket.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
};

/// Opens a Unix socket, whatever host the address names.
#[derive(Clone, Debug)]
pub(super) struct UnixSocket(pub(super) String);

/// An open Unix socket.
#[derive(Debug)]
pub(super) struct UnixTransport {
    stream: UnixStream,
    buffers: LazyBuffers,
}

impl<In: Transport> Connector<In> for UnixSocket {
    type Out = Either<In, UnixTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        _: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let stream = UnixStream::connect(&self.0).map_err(|error| {
            let text = error.to_string();
            let cause = text.split(" (os error").next().unwrap_or_default();
            let number = error.raw_os_error().unwrap_or_default();
            ureq::Error::Io(io::Error::other(format!(
                "Invalid Socket File ({}): [Errno {number}] {cause}",
                self.0
            )))
        })?;
        let config = details.config;
        Ok(Some(Either::B(UnixTransport {
            stream,
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
        })))
    }
}

fn length(timeout: &NextTimeout) -> Option<Duration> {
    timeout.not_zero().map(|length| *length)
}

fn failed(error: io::Error, timeout: &NextTimeout) -> ureq::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ureq::Error::Timeout(timeout.reason),
        _ => ureq::Error::Io(error),
    }
}

impl Transport for UnixTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let timeout = timeout.for_write();
        self.stream.set_write_timeout(length(&timeout))?;
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream
            .write_all(output)
            .map_err(|error| failed(error, &timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let timeout = timeout.for_read();
        self.stream.set_read_timeout(length(&timeout))?;
        let amount = loop {
            match self.stream.read(self.buffers.input_append_buf()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(|error| failed(error, &timeout))?,
            }
        };
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// A connection is made for each request.
    fn is_open(&mut self) -> bool {
        false
    }
}

/// Makes requests as a proxy wants to hear them that passes them on: with the whole address in their first line.
#[derive(Clone, Copy, Debug)]
pub(super) struct PassedOn;

/// A connection to such a proxy.
#[derive(Debug)]
pub(super) struct PassedOnTransport<T> {
    inner: T,
    /// Scheme and host of the address, until they are sent.
    prefix: Option<String>,
}

impl<In: Transport> Connector<In> for PassedOn {
    type Out = PassedOnTransport<In>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let authority = details.uri.authority().map(ToString::to_string);
        Ok(chained.map(|inner| PassedOnTransport {
            inner,
            prefix: authority.map(|authority| format!("http://{authority}")),
        }))
    }
}

impl<T: Transport> Transport for PassedOnTransport<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let Some(prefix) = self.prefix.take() else {
            return self.inner.transmit_output(amount, timeout);
        };
        let output = self.inner.buffers().output();
        let end = amount + prefix.len();
        // `GET /path HTTP/1.1`: the address goes in front of the path.
        let at = output.iter().take(amount).position(|byte| *byte == b' ');
        let Some(at) = at.map(|at| at + 1).filter(|_| end <= output.len()) else {
            return Err(ureq::Error::Io(io::Error::other(
                "the request is too long for a proxy",
            )));
        };
        output.copy_within(at..amount, at + prefix.len());
        if let Some(room) = output.get_mut(at..at + prefix.len()) {
            room.copy_from_slice(prefix.as_bytes());
        }
        self.inner.transmit_output(end, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.inner.await_input(timeout)
    }

    /// A kept connection would need the address of its next request.
    fn is_open(&mut self) -> bool {
        false
    }
}
