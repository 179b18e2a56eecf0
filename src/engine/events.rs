//! What the engine tells of a run: the only way out to screens and files.
//!
//! Under the linear strategy events come in linear order, whatever the order in which hosts really worked.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diag::{Diagnostic, Span};
use crate::value::Dict;
use crate::wire::{ItemResult, JobNews, TaskResult};

/// How a host fared in a run: the numbers of the recap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostStats {
    /// Tasks that ran without failing.
    pub ok: u32,
    /// Of those, the ones that changed something.
    pub changed: u32,
    /// The host could not be reached.
    pub unreachable: u32,
    /// Tasks that failed.
    pub failed: u32,
    /// Tasks that did not run.
    pub skipped: u32,
    /// Blocks that were rescued.
    pub rescued: u32,
    /// Failures that were ignored.
    pub ignored: u32,
}

/// What went over the wire between the controller and a host's worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostTraffic {
    /// How often the controller sent something that depended on what it had heard, the start of the worker included.
    pub round_trips: u64,
    /// Frames to the host.
    pub frames_out: u64,
    /// Their bytes.
    pub bytes_out: u64,
    /// Frames from the host.
    pub frames_in: u64,
    /// Their bytes.
    pub bytes_in: u64,
}

/// The recap: hosts by name.
pub type Recap = BTreeMap<Arc<str>, HostStats>;

/// A task as events name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskHeader {
    /// Unique in the run: results carry the same.
    pub number: u64,
    /// `ROLE : NAME`, rendered.
    pub name: String,
    /// It runs as a handler.
    pub handler: bool,
    /// Where it was written.
    pub span: Span,
    /// The full name of its module.
    pub module: Arc<str>,
    /// Runs in check mode by the command line.
    pub check: bool,
}

/// The end of a task on a host.
#[derive(Clone, Debug)]
pub struct HostResult {
    /// The task.
    pub task: Arc<TaskHeader>,
    /// The host.
    pub host: Arc<str>,
    /// The result; `no_log` says that nothing of it may be shown.
    pub result: Arc<TaskResult>,
    /// It failed, and `ignore_errors` forgives it.
    pub ignored: bool,
    /// The host that did the work instead, as shown: its name, and its address where that is another.
    pub delegated: Option<String>,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A play begins; its name as shown.
    PlayStarted {
        /// The name.
        name: String,
        /// The run is in check mode.
        check: bool,
    },
    /// A play has no hosts at all.
    NoHostsMatched,
    /// All hosts of a play have failed.
    NoHostsLeft,
    /// A task begins.
    TaskStarted(Arc<TaskHeader>),
    /// A task has begun on a host (`-vv` and more).
    HostStarted {
        /// The task.
        task: Arc<TaskHeader>,
        /// The host.
        host: Arc<str>,
    },
    /// An item of a loop is done.
    ItemDone {
        /// The task.
        task: Arc<TaskHeader>,
        /// The host.
        host: Arc<str>,
        /// The item's result.
        item: Arc<ItemResult>,
        /// The host that did the work instead.
        delegated: Option<String>,
    },
    /// A try failed; another follows.
    Retrying {
        /// The task.
        task: Arc<TaskHeader>,
        /// The host.
        host: Arc<str>,
        /// Tries that are left.
        left: u32,
        /// The result of the try.
        result: Arc<Dict>,
    },
    /// There is news of a task's job (`async`).
    Job {
        /// The host.
        host: Arc<str>,
        /// The news.
        news: JobNews,
    },
    /// A host is through with a task.
    HostDone(HostResult),
    /// A file of tasks or a role was included.
    Included {
        /// The file, or the role's name.
        what: String,
        /// The hosts that included it.
        hosts: Vec<Arc<str>>,
        /// The item of the loop, if there was one.
        item: Option<String>,
    },
    /// Something to tell the user.
    Warning(Diagnostic),
    /// A text for a terminal (the prompt of `pause`).
    Message(String),
    /// What went over the wire in the run so far, told before each recap.
    Traffic(BTreeMap<Arc<str>, HostTraffic>),
    /// The run is over.
    Recap(Recap),
}

impl Event {
    /// Returns the task that it tells of.
    pub(super) fn task_mut(&mut self) -> Option<&mut Arc<TaskHeader>> {
        match self {
            Self::TaskStarted(task)
            | Self::HostStarted { task, .. }
            | Self::ItemDone { task, .. }
            | Self::Retrying { task, .. } => Some(task),
            Self::HostDone(done) => Some(&mut done.task),
            _ => None,
        }
    }
}
