//! How long a host may take before it is logged in to: it has its time again with each thing that it says.
//!
//! OpenSSH's client waits `ConnectTimeout` for the first word of a host and for ever after that. A host that many log in to at once
//! takes longer than that for the key exchange, though it is well; one that has fallen silent must not hold the run.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Longer than any run; what a user sets may be more than a clock can count.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// When something came from the other side for the last time.
#[derive(Clone, Debug)]
pub(super) struct LastWord(Arc<Mutex<Instant>>);

impl LastWord {
    /// Counts from now.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    fn get(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn heard(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Waits for `work` as long as no silence is longer than `silence`, and no longer than `most` in all (or `silence`, if that is
    /// more). The error is whichever of the two has passed.
    pub(super) async fn wait<T>(
        &self,
        work: impl Future<Output = T>,
        silence: Duration,
        most: Duration,
    ) -> Result<T, Duration> {
        let silence = silence.min(LONGEST);
        let most = most.max(silence);
        let latest = Instant::now() + most;
        let mut work = pin!(work);
        loop {
            let deadline = (self.get() + silence).min(latest);
            if let Ok(done) = tokio::time::timeout_at(deadline, &mut work).await {
                return Ok(done);
            }
            let now = Instant::now();
            if now >= self.get() + silence {
                return Err(silence);
            }
            if now >= latest {
                return Err(most);
            }
        }
    }
}

/// A stream that tells when something comes.
#[derive(Debug)]
pub(super) struct Heard<S> {
    pub(super) stream: S,
    pub(super) last_word: LastWord,
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.last_word.heard();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Says a word after each of these pauses, then nothing for ever; tells whether all came while somebody waited
    /// for them so, else what had passed.
    async fn listen(pauses: &[u64], silence: u64, most: u64) -> Result<(), u128> {
        let (near, mut far) = tokio::io::duplex(64);
        let mut words = vec![0; pauses.len()];
        let pauses = pauses.to_vec();
        tokio::spawn(async move {
            for pause in pauses {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                if far.write_all(b"!").await.is_err() {
                    return;
                }
            }
            std::future::pending::<()>().await;
        });
        let last_word = LastWord::new();
        let mut stream = Heard {
            stream: near,
            last_word: last_word.clone(),
        };
        let (silence, most) = (Duration::from_millis(silence), Duration::from_millis(most));
        let reading = stream.read_exact(&mut words);
        let waited = last_word.wait(reading, silence, most).await;
        waited.map_or_else(
            |passed| Err(passed.as_millis()),
            |read| {
                read.unwrap();
                Ok(())
            },
        )
    }

    #[tokio::test]
    async fn whoever_speaks_is_waited_for_and_silence_is_not() {
        assert_eq!(listen(&[0], 1000, 1000).await, Ok(()));
        assert_eq!(listen(&[400; 4], 1000, 60_000).await, Ok(()));
        assert_eq!(listen(&[60_000], 200, 60_000).await, Err(200));
        assert_eq!(listen(&[50, 60_000], 200, 60_000).await, Err(200));
        assert_eq!(listen(&[50; 100], 400, 500).await, Err(500), "no end");
        assert_eq!(listen(&[300], 10_000, 0).await, Ok(()), "the least");
        assert_eq!(listen(&[0], u64::MAX, 0).await, Ok(()), "beyond all clocks");
    }
}
