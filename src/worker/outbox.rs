//! What the worker tells: frames to standard output, for whoever started it.
//!
//! Every write becomes a packet of the SSH connection, which host and controller encrypt, decrypt and wake up for; with a result
//! per step that is more work than most steps. So results of steps that end within a moment of each other leave together. What
//! somebody waits for leaves at once, with all that was told before it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::wire::{Report, encode};

/// How long a result may wait for others.
const MOMENT: Duration = Duration::from_millis(2);

/// How many bytes may wait.
const MOST_WAITING: usize = 1 << 16;

/// Where reports go, in the order of the calls.
#[derive(Clone)]
pub(super) struct Outbox {
    shared: Arc<Shared>,
}

struct Shared {
    pending: Mutex<Pending>,
    /// Something waits that nobody else will send.
    waiting: Condvar,
}

struct Pending {
    out: Box<dyn Write + Send>,
    frames: Vec<u8>,
}

impl Pending {
    /// A controller that is gone shows at the input, so errors are left to that.
    fn write(&mut self) {
        let _ = self.out.write_all(&self.frames);
        self.frames.clear();
    }
}

impl Outbox {
    /// Reports to standard output, past the buffer that breaks at lines.
    pub(super) fn to_standard_output() -> io::Result<Self> {
        let out = io::stdout().as_fd().try_clone_to_owned()?;
        Self::to(Box::new(File::from(out)))
    }

    fn to(out: Box<dyn Write + Send>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            pending: Mutex::new(Pending {
                out,
                frames: Vec::new(),
            }),
            waiting: Condvar::new(),
        });
        let sender = shared.clone();
        thread::Builder::new().spawn(move || sender.send_what_waits())?;
        Ok(Self { shared })
    }

    /// Tells a report.
    pub(super) fn send(&self, report: &Report) {
        let frame = encode(report).or_else(|error| encode(&oversized(report, &error.to_string())));
        let Ok(frame) = frame else { return };
        let mut pending = self.shared.lock();
        let first = pending.frames.is_empty();
        pending.frames.extend(frame);
        if !may_wait(report) || pending.frames.len() > MOST_WAITING {
            pending.write();
        } else if first {
            self.shared.waiting.notify_one();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what has waited for a moment, as long as the program runs.
    fn send_what_waits(&self) {
        loop {
            let pending = self
                .waiting
                .wait_while(self.lock(), |pending| pending.frames.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            drop(pending);
            thread::sleep(MOMENT);
            self.lock().write();
        }
    }
}

/// Behind these comes more of the same batch; its end waits for nothing.
fn may_wait(report: &Report) -> bool {
    matches!(
        report,
        Report::Item(..) | Report::Retry(..) | Report::Step(..)
    )
}

/// What is said instead of a result that is too large to send.
fn oversized(report: &Report, why: &str) -> Report {
    let number = match report {
        Report::Executed(number, _) | Report::Step(number, ..) | Report::Piece(number, ..) => {
            *number
        }
        _ => 0,
    };
    Report::Failed(number, format!("the result cannot be sent: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Dict;
    use crate::wire::{StepId, read_frame};
    use std::sync::mpsc::{Receiver, Sender, channel};

    struct Writes(Sender<Vec<u8>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !bytes.is_empty() {
                let _ = self.0.send(bytes.to_vec());
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn outbox() -> (Outbox, Receiver<Vec<u8>>) {
        let (sender, writes) = channel();
        (Outbox::to(Box::new(Writes(sender))).unwrap(), writes)
    }

    fn retry(left: u32) -> Report {
        Report::Retry(1, StepId(1), left, Box::new(Dict::new()))
    }

    fn reports(mut bytes: &[u8]) -> Vec<Report> {
        std::iter::from_fn(|| read_frame(&mut bytes).unwrap()).collect()
    }

    #[test]
    fn the_end_of_a_batch_leaves_at_once_with_what_was_told_before() {
        let (outbox, writes) = outbox();
        outbox.send(&Report::BatchDone(1));
        assert_eq!(reports(&writes.recv().unwrap()), [Report::BatchDone(1)]);
        for left in [2, 1] {
            outbox.send(&retry(left));
        }
        outbox.send(&Report::BatchDone(2));
        let all: Vec<Report> = writes
            .iter()
            .flat_map(|bytes| reports(&bytes))
            .take(3)
            .collect();
        assert_eq!(all, [retry(2), retry(1), Report::BatchDone(2)]);
    }

    #[test]
    fn a_result_that_nothing_follows_leaves_after_a_moment() {
        let (outbox, writes) = outbox();
        outbox.send(&retry(3));
        assert_eq!(reports(&writes.recv().unwrap()), [retry(3)]);
    }

    #[test]
    fn a_result_that_is_too_large_is_a_failure() {
        let failed = oversized(&Report::Piece(7, Vec::new(), true), "too large");
        assert!(matches!(failed, Report::Failed(7, why) if why.contains("too large")));
    }
}
