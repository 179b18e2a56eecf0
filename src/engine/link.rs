//! The controller's end of a worker: orders out, reports in, questions answered.
//!
//! One task writes frames, one reads them. Whoever asks gets a channel on which the reports of its number arrive; when the line is
//! cut all channels close, and everyone who waits learns why. What waits is bounded ([`super::budget`]).

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::{Notify, mpsc};

use super::budget::{Allowance, Budget, Charge};
use super::run_state::RunState;
use super::sending::send_content;
use super::traffic::Counter;
use crate::kit::{Need, Outcome, Supplied};
use crate::remote::Process;
use crate::remote::process::ProcessHandle;
use crate::step::ExecutionError;
use crate::value::Dict;
use crate::wire::{
    BUILD, Batch, Become, Invocation, MAXIMUM_FRAME, Order, Report, StepId, Trail, WorkerSettings,
    decode, encode,
};

/// A frame's length stands in front of it.
const PREFIX: usize = 4;
/// How long a worker may take to end what it runs.
const LAST_MOMENTS: Duration = Duration::from_secs(3);
/// How long a worker that was started may take to say so.
const FIRST_WORD: Duration = Duration::from_secs(15);
/// How many frames may wait to be written: what is behind waits where it comes from.
const WAITING: usize = 32;

/// Answers a step's question for a file of the controller.
pub(super) type FileAnswer = Arc<dyn Fn(StepId, &Need) -> Result<Supplied, String> + Send + Sync>;

/// A batch that is sent together with the command that starts the worker, which saves a round trip.
pub(super) struct FirstBatch {
    frame: Vec<u8>,
    steps: BTreeSet<StepId>,
    answer: FileAnswer,
}

impl FirstBatch {
    /// Prepares the batch, unless it is so large that sending it twice to a host without worker would cost more than it saves.
    pub(super) fn new(batch: &Batch, answer: &FileAnswer) -> Option<Self> {
        let order = Order::Run(FIRST_NUMBER, Box::new(batch.clone()));
        let frame = encode(&order).ok()?;
        (frame.len() <= MOST_EARLY).then(|| Self {
            frame,
            steps: batch.steps.iter().map(|leg| leg.step.id).collect(),
            answer: answer.clone(),
        })
    }
}

/// The number of a [`FirstBatch`].
const FIRST_NUMBER: u64 = 1;
/// How large a [`FirstBatch`] may be.
const MOST_EARLY: usize = 1 << 18;

/// The steps of a [`FirstBatch`], and what the worker tells of them until somebody takes it.
type EarlyReports = (BTreeSet<StepId>, mpsc::UnboundedReceiver<Received>);

/// A worker that runs.
pub(super) struct Link {
    frames: mpsc::Sender<Vec<u8>>,
    early: Mutex<Option<EarlyReports>>,
    shared: Arc<Shared>,
    next: AtomicU64,
    handle: ProcessHandle,
}

struct Shared {
    waiting: Mutex<HashMap<u64, mpsc::UnboundedSender<Received>>>,
    files: Mutex<HashMap<StepId, FileAnswer>>,
    /// Why the line is closed.
    closed: Mutex<Option<String>>,
    /// Ends the input of the worker.
    closing: Notify,
    budget: Budget,
    counter: Arc<Counter>,
}

/// A report, its size on the wire, and its part of the budget.
struct Received {
    report: Report,
    size: usize,
    _charge: Option<Charge>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    /// Returns what a worker is to get first.
    pub(super) fn greeting(run: &RunState, first: Option<&FirstBatch>) -> Result<Vec<u8>, String> {
        let settings = WorkerSettings {
            settings: Dict::new(),
            verbosity: run.options.verbosity,
        };
        let hello = Order::Hello(BUILD.to_owned(), settings);
        let mut greeting = encode(&hello).map_err(|error| error.to_string())?;
        if let Some(first) = first {
            greeting.extend(&first.frame);
        }
        Ok(greeting)
    }

    /// Takes over a process that has become a worker and was given the greeting, with the first batch if there is one.
    pub(super) async fn start(
        process: Process,
        run: Arc<RunState>,
        counter: Arc<Counter>,
        first: Option<&FirstBatch>,
    ) -> Result<Arc<Self>, String> {
        let Process {
            mut stdin,
            stdout,
            mut stderr,
            handle,
        } = process;
        let mut stdout = BufReader::new(stdout);
        let (frames, mut to_write) = mpsc::channel::<Vec<u8>>(WAITING);
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            files: Mutex::default(),
            closed: Mutex::default(),
            closing: Notify::new(),
            budget: Budget::new(),
            counter,
        });
        let ending = shared.clone();
        tokio::spawn(async move {
            loop {
                let frame = tokio::select! {
                    biased;
                    () = ending.closing.notified() => break,
                    frame = to_write.recv() => frame,
                };
                let Some(frame) = frame else { break };
                ending.counter.sent(1, frame.len());
                if stdin.write_all(&frame).await.is_err()
                    || (to_write.is_empty() && stdin.flush().await.is_err())
                {
                    return;
                }
            }
            let _ = stdin.shutdown().await;
        });
        // What a worker says outside of its frames can only be about its own end.
        let last_words = Arc::new(Mutex::new(String::new()));
        let words = last_words.clone();
        tokio::spawn(async move {
            let mut buffer = vec![0; 4096];
            while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
                let mut words = lock(&words);
                if words.len() < 16_384 {
                    words.push_str(&String::from_utf8_lossy(
                        buffer.get(..count).unwrap_or_default(),
                    ));
                }
            }
        });
        let word = tokio::time::timeout(FIRST_WORD, read_report(&mut stdout)).await;
        match word.unwrap_or_else(|_| {
            handle.kill();
            let limit = FIRST_WORD.as_secs();
            Err(format!("the worker on the host said nothing for {limit} s"))
        }) {
            Ok(Some((Report::Hello(build), size))) if build == BUILD => {
                shared.counter.received(PREFIX + size);
            }
            Ok(Some(_)) => return Err("the worker on the host is of another build".to_owned()),
            Ok(None) => {
                return Err(format!(
                    "the worker ended at once: {}",
                    lock(&last_words).trim()
                ));
            }
            Err(why) => return Err(why),
        }
        let early = first.map(|first| {
            let (sender, reports) = mpsc::unbounded_channel();
            lock(&shared.waiting).insert(FIRST_NUMBER, sender);
            for step in &first.steps {
                lock(&shared.files).insert(*step, first.answer.clone());
            }
            (first.steps.clone(), reports)
        });
        let (reader, answers) = (shared.clone(), frames.downgrade());
        tokio::spawn(async move {
            let why = loop {
                match read_report(&mut stdout).await {
                    Ok(Some((report, size))) => {
                        reader.counter.received(PREFIX + size);
                        reader.take(report, size, &answers, &run).await;
                    }
                    Ok(None) => {
                        break format!(
                            "the connection to the host was lost {}",
                            lock(&last_words).trim()
                        );
                    }
                    Err(why) => break why,
                }
            };
            lock(&reader.closed).get_or_insert_with(|| why.trim().to_owned());
            lock(&reader.waiting).clear();
        });
        Ok(Arc::new(Self {
            frames,
            early: Mutex::new(early),
            shared,
            next: AtomicU64::new(FIRST_NUMBER + 1),
            handle,
        }))
    }

    /// Tells whether the line is open.
    pub(super) fn is_open(&self) -> bool {
        lock(&self.shared.closed).is_none()
    }

    /// Ends the conversation with a worker that does what no worker does.
    fn break_off(&self, why: &str) -> ExecutionError {
        lock(&self.shared.closed).get_or_insert_with(|| why.to_owned());
        lock(&self.shared.waiting).clear();
        self.shared.closing.notify_one();
        self.handle.kill();
        self.lost()
    }

    fn lost(&self) -> ExecutionError {
        let why = lock(&self.shared.closed).clone();
        ExecutionError::Unreachable(
            why.unwrap_or_else(|| "the connection to the host was lost".to_owned()),
        )
    }

    async fn send(&self, order: &Order) -> Result<(), ExecutionError> {
        let frame = encode(order).map_err(|error| ExecutionError::Failed(error.to_string()))?;
        self.frames.send(frame).await.map_err(|_| self.lost())
    }

    async fn ask(&self, make: impl FnOnce(u64) -> Order) -> Result<Waiting<'_>, ExecutionError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, reports) = mpsc::unbounded_channel();
        lock(&self.shared.waiting).insert(number, sender);
        let waiting = Waiting {
            link: self,
            number,
            reports,
            done: false,
        };
        if !self.is_open() {
            return Err(self.lost());
        }
        self.shared.counter.asked();
        self.send(&make(number)).await?;
        Ok(waiting)
    }

    /// Runs a module.
    pub(super) async fn execute(&self, invocation: Invocation) -> Result<Outcome, ExecutionError> {
        let mut waiting = self
            .ask(|number| Order::Execute(number, Box::new(invocation)))
            .await?;
        match waiting.next().await? {
            Report::Executed(_, outcome) => Ok(*outcome),
            Report::Failed(_, why) => Err(ExecutionError::Failed(why)),
            _ => Err(ExecutionError::Failed(
                "the worker gave a wrong answer".to_owned(),
            )),
        }
    }

    /// Runs a batch; `tell` gets each report as it comes.
    pub(super) async fn run(
        &self,
        batch: Batch,
        answer: FileAnswer,
        mut tell: impl FnMut(Report),
    ) -> Result<(), ExecutionError> {
        let steps: BTreeSet<StepId> = batch.steps.iter().map(|leg| leg.step.id).collect();
        let (mut trail, mut allowance) = (Trail::of(&batch), Allowance::new());
        for step in &steps {
            lock(&self.shared.files).insert(*step, answer.clone());
        }
        let ended = async {
            let early = lock(&self.early).take_if(|(early, _)| *early == steps);
            let mut waiting = match early {
                Some((_, reports)) => Waiting {
                    link: self,
                    number: FIRST_NUMBER,
                    reports,
                    done: false,
                },
                None => {
                    self.ask(|number| Order::Run(number, Box::new(batch)))
                        .await?
                }
            };
            loop {
                let (report, size) = waiting.next_sized().await?;
                let expected = match &report {
                    Report::BatchDone(_) => return Ok(()),
                    Report::Failed(_, why) => return Err(ExecutionError::Failed(why.clone())),
                    Report::Step(_, step, result) => {
                        allowance = Allowance::new();
                        let expected = trail.step() == Some(*step);
                        trail.go_on(result);
                        expected
                    }
                    Report::Held(_, step)
                    | Report::Item(_, step, _)
                    | Report::Retry(_, step, ..) => trail.step() == Some(*step),
                    _ => false,
                };
                if !expected {
                    return Err(self.break_off("the worker gave a wrong answer"));
                }
                if !matches!(report, Report::Step(..)) && !allowance.spend(size) {
                    return Err(self.break_off("the host told more of a step than can be kept"));
                }
                tell(report);
            }
        }
        .await;
        for step in &steps {
            lock(&self.shared.files).remove(step);
        }
        ended
    }

    /// Reads a file of the host; `take` gets its pieces.
    pub(super) async fn read(
        &self,
        path: &str,
        becoming: Option<Become>,
        mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), ExecutionError> {
        let mut waiting = self
            .ask(|number| Order::Read(number, path.to_owned(), becoming.map(Box::new)))
            .await?;
        loop {
            match waiting.next().await? {
                Report::Piece(_, piece, last) => {
                    take(&piece).map_err(|error| ExecutionError::Failed(error.to_string()))?;
                    if last {
                        return Ok(());
                    }
                }
                Report::Failed(_, why) => return Err(ExecutionError::Failed(why)),
                _ => {
                    return Err(ExecutionError::Failed(
                        "the worker gave a wrong answer".to_owned(),
                    ));
                }
            }
        }
    }

    /// Ends the worker: its input ends, it ends what it runs, cleans up and goes. A worker that does not go in time is killed.
    pub(super) async fn close(&self) {
        lock(&self.shared.closed).get_or_insert_with(|| "the connection was closed".to_owned());
        self.shared.closing.notify_one();
        if tokio::time::timeout(LAST_MOMENTS, self.handle.wait())
            .await
            .is_err()
        {
            self.handle.kill();
        }
    }

    /// Lets the worker go: its input ends, and nobody waits for it.
    pub(super) fn release(&self) {
        lock(&self.shared.closed).get_or_insert_with(|| "the connection was closed".to_owned());
        self.shared.closing.notify_one();
    }
}

/// An order that has been given. Dropping it early cancels the order on the host.
struct Waiting<'a> {
    link: &'a Link,
    number: u64,
    reports: mpsc::UnboundedReceiver<Received>,
    done: bool,
}

impl Waiting<'_> {
    async fn next(&mut self) -> Result<Report, ExecutionError> {
        Ok(self.next_sized().await?.0)
    }

    async fn next_sized(&mut self) -> Result<(Report, usize), ExecutionError> {
        let received = self.reports.recv().await.ok_or_else(|| self.link.lost())?;
        let Received { report, size, .. } = received;
        self.done = match &report {
            Report::Executed(..) | Report::Failed(..) | Report::BatchDone(_) => true,
            Report::Piece(_, _, last) => *last,
            _ => false,
        };
        Ok((report, size))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(&self.link.shared.waiting).remove(&self.number);
        if !self.done
            && let Ok(frame) = encode(&Order::Cancel(self.number))
        {
            let _ = self.link.frames.try_send(frame);
        }
    }
}

impl Shared {
    /// Hands a report to whoever waits for it, or answers it; waits while too much is under way.
    async fn take(
        &self,
        report: Report,
        size: usize,
        frames: &mpsc::WeakSender<Vec<u8>>,
        run: &Arc<RunState>,
    ) {
        let number = match &report {
            Report::Hello(_) => return,
            Report::AskContent(request, content) => {
                let charge = self.budget.question(size).await;
                if let Some(frames) = frames.upgrade() {
                    self.counter.asked();
                    let (request, stored) = (*request, run.contents.get(*content));
                    let run = run.clone();
                    tokio::spawn(async move {
                        send_content(request, stored, frames, run).await;
                        drop(charge);
                    });
                }
                return;
            }
            Report::AskFile(request, step, need) => {
                let charge = self.budget.question(size).await;
                if let Some(frames) = frames.upgrade() {
                    self.counter.asked();
                    self.send_file(*request, *step, need.clone(), frames, charge);
                }
                return;
            }
            Report::Item(number, ..)
            | Report::Retry(number, ..)
            | Report::Step(number, ..)
            | Report::Held(number, _)
            | Report::BatchDone(number)
            | Report::Executed(number, _)
            | Report::Piece(number, ..)
            | Report::Failed(number, _) => *number,
        };
        let sender = lock(&self.waiting).get(&number).cloned();
        if let Some(sender) = sender {
            let charge = self.budget.report(size).await;
            let _ = sender.send(Received {
                report,
                size,
                _charge: charge,
            });
        }
    }

    fn send_file(
        &self,
        request: u64,
        step: StepId,
        need: Need,
        frames: mpsc::Sender<Vec<u8>>,
        charge: Option<Charge>,
    ) {
        let answer = lock(&self.files).get(&step).cloned();
        tokio::task::spawn_blocking(move || {
            let supplied = answer
                .ok_or_else(|| "no step asks for that file".to_owned())
                .and_then(|answer| answer(step, &need));
            let order = match supplied {
                Ok(supplied) => Order::File(request, Box::new(supplied)),
                Err(why) => Order::Refused(request, why),
            };
            if let Ok(frame) = encode(&order) {
                let _ = frames.blocking_send(frame);
            }
            drop(charge);
        });
    }
}

/// Reads one report and its size; memory grows with what arrives, not with what is announced.
async fn read_report(
    stdout: &mut (impl tokio::io::AsyncRead + Unpin),
) -> Result<Option<(Report, usize)>, String> {
    let mut length = [0; 4];
    match stdout.read_exact(&mut length).await {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(format!("the connection broke: {error}")),
    }
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > MAXIMUM_FRAME {
        return Err(format!(
            "the host sent a frame of {length} bytes; the limit is {MAXIMUM_FRAME}"
        ));
    }
    let mut content = Vec::with_capacity(length.min(1 << 16));
    let limit = u64::try_from(length).unwrap_or(0);
    let got = stdout
        .take(limit)
        .read_to_end(&mut content)
        .await
        .map_err(|error| format!("the connection broke: {error}"))?;
    if got < length {
        return Err("the connection was cut in the middle of an answer".to_owned());
    }
    decode(&content)
        .map(|report| Some((report, length)))
        .map_err(|error| format!("the host's answer cannot be read: {error}"))
}
