//! The message loop: one thread reads orders, each order of work runs in a thread of its own, all report through one outbox.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::batch;
use super::become_child::Children;
use super::cleanup::Cleanup;
use super::command::Limits;
use super::contents::{Answer, Contents};
use super::files;
use super::host::{ContentSource, HostParts, RealHost, current_identity};
use super::job;
use crate::kit::{Entry, Identity, Outcome, Request};
use crate::value::Dict;
use crate::wire::{BUILD, Become, Invocation, Order, Report, encode, read_frame};

/// Where reports go: one frame at a time.
#[derive(Clone)]
pub(super) struct Outbox {
    out: Arc<Mutex<io::Stdout>>,
}

impl Outbox {
    /// Sends a report. A controller that is gone shows at the input, so errors are left to that.
    pub(super) fn send(&self, report: &Report) {
        let frame = encode(report).or_else(|error| encode(&oversized(report, &error.to_string())));
        if let Ok(frame) = frame {
            let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = out.write_all(&frame).and_then(|()| out.flush());
        }
    }
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

/// What all threads share.
pub(super) struct Shared {
    pub(super) outbox: Outbox,
    pub(super) contents: Arc<Contents>,
    pub(super) cleanup: Cleanup,
    pub(super) children: Children,
    pub(super) identity: Identity,
    pub(super) environment: Vec<(String, String)>,
    pub(super) settings: Mutex<Arc<Dict>>,
    running: Mutex<BTreeMap<u64, Arc<AtomicBool>>>,
    busy: AtomicUsize,
}

impl Shared {
    pub(super) fn settings(&self) -> Arc<Dict> {
        self.settings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<AtomicBool>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a module here, as whoever the invocation says. `owner` is the order's number.
    pub(super) fn execute(
        self: &Arc<Self>,
        owner: u64,
        invocation: &Invocation,
        cancelled: &Arc<AtomicBool>,
    ) -> Result<Outcome, String> {
        match &invocation.becoming {
            Some(becoming) if !self.is_already(becoming) => {
                self.children.execute(self, becoming, invocation, cancelled)
            }
            _ if invocation.asynchronous.is_some() => {
                Ok(job::start(invocation, &self.settings(), cancelled))
            }
            _ => Ok(self.execute_here(owner, invocation, cancelled)),
        }
    }

    /// Nobody needs `sudo` to become who they are.
    fn is_already(&self, becoming: &Become) -> bool {
        becoming.user == self.identity.user
            && becoming.flags.is_none()
            && becoming.executable.is_none()
    }

    fn execute_here(
        &self,
        owner: u64,
        invocation: &Invocation,
        cancelled: &Arc<AtomicBool>,
    ) -> Outcome {
        let deadline = invocation
            .timeout
            .map(|seconds| (Instant::now() + Duration::from_secs(seconds), seconds));
        let mut environment = self.environment.clone();
        for (name, value) in &invocation.environment {
            environment.retain(|(known, _)| known != name);
            environment.push((name.clone(), value.clone()));
        }
        let host = RealHost::new(HostParts {
            identity: self.identity.clone(),
            environment,
            supplied: invocation.supplied.clone(),
            contents: Arc::new(self.contents.clone()) as Arc<dyn ContentSource>,
            settings: self.settings(),
            limits: Limits {
                deadline,
                cancelled: cancelled.clone(),
            },
            cleanup: self.cleanup.clone(),
            owner,
            seen: invocation.seen,
        });
        let outcome = run_module(invocation, &host);
        drop(host);
        self.cleanup.step(owner);
        outcome
    }

    /// Sends a file in pieces.
    fn read_file(self: &Arc<Self>, number: u64, path: &str, becoming: Option<&Become>) {
        if let Some(becoming) = becoming.filter(|becoming| !self.is_already(becoming)) {
            let relay =
                |piece: Vec<u8>, last| self.outbox.send(&Report::Piece(number, piece, last));
            if let Err(why) = self.children.read(self, becoming, path, &relay) {
                self.outbox.send(&Report::Failed(number, why));
            }
            return;
        }
        let sent = files::open(path)
            .map_err(|error| error.to_string())
            .and_then(|mut file| {
                loop {
                    let mut piece = Vec::with_capacity(PIECE);
                    let count = (&mut file)
                        .take(u64::try_from(PIECE).unwrap_or(u64::MAX))
                        .read_to_end(&mut piece)
                        .map_err(|error| files::refused("read", path, &error).to_string())?;
                    let last = count < PIECE;
                    self.outbox.send(&Report::Piece(number, piece, last));
                    if last {
                        return Ok(());
                    }
                }
            });
        if let Err(why) = sent {
            self.outbox.send(&Report::Failed(number, why));
        }
    }
}

/// Runs a module on a host. One that panics has failed.
pub(super) fn run_module(invocation: &Invocation, host: &RealHost) -> Outcome {
    let Some(Entry::Module(entry)) = crate::modules::find(&invocation.module) else {
        return Outcome::from(crate::kit::Failure::new(format!(
            "internal error: the worker has no module `{}`",
            invocation.module
        )));
    };
    let request = Request {
        arguments: &invocation.arguments,
        check: invocation.check,
        hold: invocation.hold,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| entry.run(request, host)));
    outcome.unwrap_or_else(|_| {
        Outcome::from(crate::kit::Failure::new(format!(
            "internal error: `{}` panicked; this is a bug in kplay, please report it with the task",
            invocation.module
        )))
    })
}

/// How much of a file travels in one frame.
pub(super) const PIECE: usize = 1 << 18;

/// How long steps are given to end when the controller is gone.
const LAST_MOMENTS: Duration = Duration::from_millis(500);

/// The worker's conversation.
pub(super) struct Session {
    shared: Arc<Shared>,
}

impl Session {
    /// Writes the marker's line and the first report.
    pub(super) fn start(marker: &str) -> io::Result<Self> {
        if !marker.is_empty() {
            let mut out = io::stdout().lock();
            out.write_all(format!("{marker}\n").as_bytes())?;
            out.flush()?;
        }
        let outbox = Outbox {
            out: Arc::new(Mutex::new(io::stdout())),
        };
        outbox.send(&Report::Hello(BUILD.to_owned()));
        let shared = Shared {
            contents: Arc::new(Contents::new(outbox.clone())),
            outbox,
            cleanup: Cleanup::default(),
            children: Children::default(),
            identity: current_identity(),
            environment: std::env::vars().collect(),
            settings: Mutex::default(),
            running: Mutex::default(),
            busy: AtomicUsize::new(0),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Carries orders out until the input ends; returns the exit status.
    pub(super) fn serve(self) -> u8 {
        let mut input = BufReader::with_capacity(1 << 18, io::stdin());
        match read_frame::<Order>(&mut input) {
            Ok(Some(Order::Hello(build, settings))) if build == BUILD => {
                *self
                    .shared
                    .settings
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Arc::new(settings.settings);
            }
            _ => return 3,
        }
        let status = loop {
            match read_frame::<Order>(&mut input) {
                Ok(Some(order)) => self.carry_out(order),
                Ok(None) => break 0,
                Err(_) => break 1,
            }
        };
        self.end();
        status
    }

    fn carry_out(&self, order: Order) {
        match order {
            Order::Hello(..) => {}
            Order::Run(number, batch) => self.spawn(number, move |shared, cancelled| {
                batch::run(shared, number, &batch, cancelled);
                shared.outbox.send(&Report::BatchDone(number));
            }),
            Order::Execute(number, invocation) => self.spawn(number, move |shared, cancelled| {
                let report = match shared.execute(number, &invocation, cancelled) {
                    Ok(outcome) => Report::Executed(number, Box::new(outcome)),
                    Err(why) => Report::Failed(number, why),
                };
                shared.outbox.send(&report);
            }),
            Order::Read(number, path, becoming) => self.spawn(number, move |shared, _| {
                shared.read_file(number, &path, becoming.as_deref());
            }),
            Order::Content(request, piece, last) => self
                .shared
                .contents
                .deliver(request, Answer::Piece(piece, last)),
            Order::File(request, supplied) => self
                .shared
                .contents
                .deliver(request, Answer::File(supplied)),
            Order::Refused(request, why) => {
                self.shared.contents.deliver(request, Answer::Refused(why));
            }
            Order::Cancel(number) => {
                if let Some(flag) = self.shared.running().get(&number) {
                    flag.store(true, Ordering::Relaxed);
                }
                self.shared.cleanup.step(number);
            }
        }
    }

    fn spawn(
        &self,
        number: u64,
        work: impl FnOnce(&Arc<Shared>, &Arc<AtomicBool>) + Send + 'static,
    ) {
        let cancelled = Arc::new(AtomicBool::new(false));
        self.shared.running().insert(number, cancelled.clone());
        self.shared.busy.fetch_add(1, Ordering::SeqCst);
        let shared = self.shared.clone();
        let started = std::thread::Builder::new().spawn(move || {
            work(&shared, &cancelled);
            shared.running().remove(&number);
            shared.busy.fetch_sub(1, Ordering::SeqCst);
        });
        if let Err(error) = started {
            self.shared.busy.fetch_sub(1, Ordering::SeqCst);
            self.shared.outbox.send(&Report::Failed(
                number,
                format!("cannot start a thread: {error}"),
            ));
        }
    }

    /// Leaves nothing behind.
    fn end(&self) {
        for flag in self.shared.running().values() {
            flag.store(true, Ordering::Relaxed);
        }
        self.shared.children.end();
        self.shared.cleanup.everything();
        let end = Instant::now() + LAST_MOMENTS;
        while self.shared.busy.load(Ordering::SeqCst) > 0 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.shared.cleanup.everything();
    }
}
