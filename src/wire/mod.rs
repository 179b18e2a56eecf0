//! What controller and worker say to each other: the specification of a step, the messages, and how they are framed.
//!
//! Both programs are built from one tree and embed its hash ([`BUILD`]); it is the first thing exchanged, so a format never has
//! to be understood by another version.

mod become_user;
mod frame;
mod message;
mod result;
mod shared;
mod step;

pub use become_user::{Become, BecomeMethod};
pub use frame::{FrameError, MAXIMUM_FRAME, decode, encode, read_frame, write_frame};
pub use message::{Invocation, Order, Report, WorkerSettings};
pub use result::{ItemResult, JobNews, Status, TaskResult};
pub use shared::Shared;
pub use step::{
    Asynchronous, Batch, BatchStep, BecomeKeywords, Binding, Course, FailedTask, Loop, LoopControl,
    LoopSource, OnFailure, Step, StepId, StepTask, Trail,
};

/// The hash of the source tree that this program was built from.
pub const BUILD: &str = env!("KPLAY_BUILD");
