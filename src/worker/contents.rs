//! Content of the controller's files, asked for piece by piece as a module reads it.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::command::Limits;
use super::host::ContentSource;
use super::session::Outbox;
use crate::kit::{HostError, Need, Reader, Supplied};
use crate::wire::{Report, StepId};

/// What came back for a request.
#[derive(Debug)]
pub(super) enum Answer {
    /// Bytes, and whether they are the last.
    Piece(Vec<u8>, bool),
    /// A whole file.
    File(Box<Supplied>),
    /// It cannot be had.
    Refused(String),
}

/// How many pieces may wait to be read: the rest waits in the connection.
const WAITING: usize = 16;

/// Requests that are under way.
pub(super) struct Contents {
    outbox: Outbox,
    next: AtomicU64,
    waiting: Mutex<BTreeMap<u64, SyncSender<Answer>>>,
}

impl Contents {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self {
            outbox,
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
        }
    }

    fn ask(&self, make: impl FnOnce(u64) -> Report) -> (u64, Receiver<Answer>) {
        let request = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = sync_channel(WAITING);
        self.lock().insert(request, sender);
        self.outbox.send(&make(request));
        (request, receiver)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, SyncSender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an answer to whoever asked. Waits while the reader is behind, so that memory stays bounded; an answer that nobody
    /// wants any more is dropped.
    pub(super) fn deliver(&self, request: u64, answer: Answer) {
        let last = !matches!(answer, Answer::Piece(_, false));
        let sender = if last {
            self.lock().remove(&request)
        } else {
            self.lock().get(&request).cloned()
        };
        let Some(sender) = sender else { return };
        if let Err(TrySendError::Full(answer)) = sender.try_send(answer)
            && sender.send(answer).is_err()
        {
            self.lock().remove(&request);
        }
    }

    /// Brings a file of the controller for a step.
    pub(super) fn file(
        &self,
        step: StepId,
        need: &Need,
        limits: &Limits,
    ) -> Result<Supplied, String> {
        let (request, receiver) = self.ask(|request| Report::AskFile(request, step, need.clone()));
        let answer = wait(&receiver, limits).map_err(|error| error.to_string());
        self.lock().remove(&request);
        match answer? {
            Answer::File(supplied) => Ok(*supplied),
            Answer::Refused(why) => Err(why),
            Answer::Piece(..) => {
                Err("the controller sent a piece where a file was asked for".to_owned())
            }
        }
    }
}

fn wait(receiver: &Receiver<Answer>, limits: &Limits) -> Result<Answer, HostError> {
    loop {
        limits.check()?;
        match receiver.recv_timeout(Duration::from_millis(100)) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(HostError::Cancelled),
        }
    }
}

impl ContentSource for Arc<Contents> {
    fn open(&self, content: u64, limits: &Limits) -> Result<Reader, HostError> {
        let (request, receiver) = self.ask(|request| Report::AskContent(request, content));
        Ok(Box::new(Incoming {
            receiver,
            limits: limits.clone(),
            contents: self.clone(),
            request,
            piece: Vec::new(),
            at: 0,
            done: false,
        }))
    }
}

/// A content on its way.
struct Incoming {
    receiver: Receiver<Answer>,
    limits: Limits,
    contents: Arc<Contents>,
    request: u64,
    piece: Vec<u8>,
    at: usize,
    done: bool,
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut rest = self.piece.get(self.at..).unwrap_or_default();
            if !rest.is_empty() {
                let count = rest.read(buffer)?;
                self.at += count;
                return Ok(count);
            }
            if self.done {
                return Ok(0);
            }
            match wait(&self.receiver, &self.limits).map_err(io::Error::other)? {
                Answer::Piece(piece, last) => (self.piece, self.at, self.done) = (piece, 0, last),
                Answer::Refused(why) => return Err(io::Error::other(why)),
                Answer::File(_) => {
                    return Err(io::Error::other(
                        "the controller sent a file where a piece was asked for",
                    ));
                }
            }
        }
    }
}

impl Drop for Incoming {
    /// Whoever stops reading early frees the message loop, which may be waiting to deliver.
    fn drop(&mut self) {
        self.contents.lock().remove(&self.request);
    }
}
