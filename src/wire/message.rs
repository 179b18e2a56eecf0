//! The messages. The controller gives orders, the worker reports; a worker does the same with the child that it keeps for
//! each become user.

use serde::{Deserialize, Serialize};

use super::become_user::Become;
use super::result::{ItemResult, TaskResult};
use super::step::{Batch, StepId};
use crate::kit::{Need, Outcome, Supplied};
use crate::value::{Dict, Value};

/// A module with its rendered arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invocation {
    /// The full name.
    pub module: String,
    /// The rendered arguments.
    pub arguments: Value,
    /// Plan only.
    pub check: bool,
    /// Who acts; nothing means the login user.
    pub becoming: Option<Become>,
    /// The task's environment: names and values.
    pub environment: Vec<(String, String)>,
    /// The controller's files that `prepare` named.
    pub supplied: Vec<Supplied>,
    /// The step's deadline in seconds.
    pub timeout: Option<u64>,
    /// Only a plan that is empty may be carried out.
    pub hold: bool,
    /// Somebody may look at the return values.
    pub seen: bool,
    /// Run it as a job that outlives the worker, and answer as soon as it has begun; the job's time limit in seconds.
    pub asynchronous: Option<u64>,
}

/// What holds for a whole run on a host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerSettings {
    /// Settings for modules by variable name (`ansible_remote_tmp` ...).
    pub settings: Dict,
    /// Secret texts that must not reach a log.
    pub verbosity: u8,
}

/// From the controller (or the parent worker) to the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// The first message: the controller's build and what holds for the run.
    Hello(String, WorkerSettings),
    /// Run these steps in order; one [`Report::Step`] each, then [`Report::BatchDone`].
    Run(u64, Box<Batch>),
    /// Run this module; answered by [`Report::Executed`].
    Execute(u64, Box<Invocation>),
    /// Send this file in pieces ([`Report::Piece`]), as that user.
    Read(u64, String, Option<Box<Become>>),
    /// A piece of what [`Report::AskContent`] asked for; the last one says so.
    Content(u64, #[serde(with = "serde_bytes")] Vec<u8>, bool),
    /// What [`Report::AskFile`] asked for.
    File(u64, Box<Supplied>),
    /// What was asked for cannot be had, and why.
    Refused(u64, String),
    /// End the batch or invocation of that number.
    Cancel(u64),
}

/// From the worker to the controller (or the parent worker).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Report {
    /// The first message: the worker's build.
    Hello(String),
    /// An item of a loop is done.
    Item(u64, StepId, Box<ItemResult>),
    /// A try failed and another follows: tries left, and the result so far.
    Retry(u64, StepId, u32, Box<Dict>),
    /// A step is done.
    Step(u64, StepId, Box<TaskResult>),
    /// A step that may only find out whether it changes something would: it was not begun, and ends the batch.
    Held(u64, StepId),
    /// The batch is done; steps without a result were not begun.
    BatchDone(u64),
    /// A module has ended.
    Executed(u64, Box<Outcome>),
    /// A piece of a file; the last one says so.
    Piece(u64, #[serde(with = "serde_bytes")] Vec<u8>, bool),
    /// The order of that number could not be carried out at all (the user cannot be become, the file not be read), and why.
    Failed(u64, String),
    /// The content of a supplied file is wanted: own number of the request, number of the content.
    AskContent(u64, u64),
    /// A file of the controller is wanted by a step: own number of the request, the step, which file.
    AskFile(u64, StepId, Need),
}
