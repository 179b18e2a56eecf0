//! The children: one worker per become user, kept on a pipe until the end of the run.
//!
//! Towards a child this worker is the controller: it gives orders, answers questions for content by asking its own controller,
//! and passes results on.

use std::collections::BTreeMap;
use std::io::{BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::become_start;
use super::command::Limits;
use super::host::ContentSource as _;
use super::session::{PIECE, Shared};
use crate::kit::Outcome;
use crate::wire::{
    BUILD, Become, BecomeMethod, Invocation, Order, Report, WorkerSettings, encode, read_frame,
};

/// What makes two ways of becoming the same child.
type Key = (
    BecomeMethod,
    String,
    Option<String>,
    Option<Vec<String>>,
    String,
);

/// A slot is locked while its child is being started, so that two steps start one child.
type Slot = Arc<Mutex<Option<Arc<Running>>>>;

/// All children of this worker.
#[derive(Default)]
pub(super) struct Children {
    slots: Mutex<BTreeMap<Key, Slot>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Children {
    /// Returns the child for that user, started if there is none.
    fn child(&self, shared: &Arc<Shared>, becoming: &Become) -> Result<Arc<Running>, String> {
        let key = (
            becoming.method,
            becoming.user.clone(),
            becoming.executable.clone(),
            becoming.flags.clone(),
            // Another password is another try: a wrong one must not pass because a right one came before.
            becoming.password.to_text(),
        );
        let slot = lock(&self.slots).entry(key).or_default().clone();
        let mut place = lock(&slot);
        if let Some(child) = place
            .as_ref()
            .filter(|child| child.alive.load(Ordering::Relaxed))
        {
            return Ok(child.clone());
        }
        let child = Running::start(shared, becoming)?;
        *place = Some(child.clone());
        Ok(child)
    }

    /// Runs a module as that user.
    pub(super) fn execute(
        &self,
        shared: &Arc<Shared>,
        becoming: &Become,
        invocation: &Invocation,
        cancelled: &Arc<AtomicBool>,
    ) -> Result<Outcome, String> {
        let child = self.child(shared, becoming)?;
        let invocation = Invocation {
            becoming: None,
            ..invocation.clone()
        };
        let (number, answers) = child.ask(|number| Order::Execute(number, Box::new(invocation)));
        let answer = child.answer(number, &answers, cancelled);
        child.forget(number);
        match answer? {
            Report::Executed(_, outcome) => Ok(*outcome),
            Report::Failed(_, why) => Err(why),
            _ => Err("the worker of the become user gave a wrong answer".to_owned()),
        }
    }

    /// Reads a file as that user and hands its pieces on.
    pub(super) fn read(
        &self,
        shared: &Arc<Shared>,
        becoming: &Become,
        path: &str,
        relay: &dyn Fn(Vec<u8>, bool),
    ) -> Result<(), String> {
        let child = self.child(shared, becoming)?;
        let (number, answers) = child.ask(|number| Order::Read(number, path.to_owned(), None));
        let never = Arc::new(AtomicBool::new(false));
        let result = loop {
            match child.answer(number, &answers, &never) {
                Ok(Report::Piece(_, piece, last)) => {
                    relay(piece, last);
                    if last {
                        break Ok(());
                    }
                }
                Ok(Report::Failed(_, why)) | Err(why) => break Err(why),
                Ok(_) => break Err("the worker of the become user gave a wrong answer".to_owned()),
            }
        };
        child.forget(number);
        result
    }

    /// Ends all children: each sees its input end.
    pub(super) fn end(&self) {
        for slot in lock(&self.slots).values() {
            // A child that is being started has a thread that holds its slot; it dies with this process's pipes.
            if let Ok(mut place) = slot.try_lock()
                && let Some(child) = place.take()
            {
                child.end();
            }
        }
    }
}

/// A child that runs.
struct Running {
    stdin: Mutex<Option<ChildStdin>>,
    process: Mutex<Child>,
    next: AtomicU64,
    waiting: Mutex<BTreeMap<u64, Sender<Report>>>,
    alive: AtomicBool,
}

impl Running {
    fn start(shared: &Arc<Shared>, becoming: &Become) -> Result<Arc<Self>, String> {
        let started = become_start::start(becoming)?;
        let running = Arc::new(Self {
            stdin: Mutex::new(Some(started.stdin)),
            process: Mutex::new(started.child),
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            alive: AtomicBool::new(true),
        });
        let settings = WorkerSettings {
            settings: (*shared.settings()).clone(),
            verbosity: 0,
        };
        running.send(&Order::Hello(BUILD.to_owned(), settings));
        let (reader, shared) = (running.clone(), shared.clone());
        std::thread::spawn(move || reader.listen(&shared, started.stdout));
        Ok(running)
    }

    fn send(&self, order: &Order) {
        if let (Ok(frame), Some(stdin)) = (encode(order), lock(&self.stdin).as_mut()) {
            let _ = stdin.write_all(&frame).and_then(|()| stdin.flush());
        }
    }

    fn ask(&self, make: impl FnOnce(u64) -> Order) -> (u64, Receiver<Report>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = channel();
        lock(&self.waiting).insert(number, sender);
        self.send(&make(number));
        (number, receiver)
    }

    fn forget(&self, number: u64) {
        lock(&self.waiting).remove(&number);
    }

    fn answer(
        &self,
        number: u64,
        answers: &Receiver<Report>,
        cancelled: &AtomicBool,
    ) -> Result<Report, String> {
        let mut told = false;
        loop {
            match answers.recv_timeout(Duration::from_millis(100)) {
                Ok(report) => return Ok(report),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err("the worker of the become user ended unexpectedly".to_owned());
                }
                Err(RecvTimeoutError::Timeout) if cancelled.load(Ordering::Relaxed) && !told => {
                    told = true;
                    self.send(&Order::Cancel(number));
                }
                Err(RecvTimeoutError::Timeout) if !self.alive.load(Ordering::Relaxed) => {
                    return Err("the worker of the become user ended unexpectedly".to_owned());
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Reads what the child reports until it ends.
    fn listen(self: &Arc<Self>, shared: &Arc<Shared>, stdout: ChildStdout) {
        let mut input = BufReader::with_capacity(1 << 16, stdout);
        while let Ok(Some(report)) = read_frame::<Report>(&mut input) {
            match report {
                Report::Executed(number, _)
                | Report::Failed(number, _)
                | Report::Piece(number, ..) => {
                    let sender = lock(&self.waiting).get(&number).cloned();
                    if let Some(sender) = sender {
                        let _ = sender.send(report);
                    }
                }
                Report::AskContent(request, content) => self.relay(shared, request, content),
                _ => {}
            }
        }
        self.alive.store(false, Ordering::Relaxed);
        lock(&self.waiting).clear();
        let _ = lock(&self.process).wait();
    }

    /// Passes content from the controller on to the child, in a thread of its own: the child may be slow to read.
    fn relay(self: &Arc<Self>, shared: &Arc<Shared>, request: u64, content: u64) {
        let (child, shared) = (self.clone(), shared.clone());
        std::thread::spawn(move || {
            let limits = Limits {
                deadline: None,
                cancelled: Arc::default(),
            };
            let done = shared
                .contents
                .open(content, &limits)
                .map_err(|error| error.to_string())
                .and_then(|mut reader| {
                    loop {
                        let mut piece = vec![0; PIECE];
                        let count = reader.read(&mut piece).map_err(|error| error.to_string())?;
                        piece.truncate(count);
                        child.send(&Order::Content(request, piece, count == 0));
                        if count == 0 {
                            return Ok(());
                        }
                    }
                });
            if let Err(why) = done {
                child.send(&Order::Refused(request, why));
            }
        });
    }

    fn end(&self) {
        lock(&self.stdin).take();
    }
}
