//! What a mistake looks like as data: where it is, what is wrong, what to do.
//!
//! Every floor turns its own typed error into a [`Diagnostic`] in one `From` beside the error; `cli` and `report` draw it.
//! Nothing here knows of kplay's domain.

mod codes;
mod diagnostic;
pub mod render;
mod source;
mod suggest;

pub use codes::{CODES, explain};
pub use diagnostic::{Diagnostic, Label, Severity};
pub use source::{FileId, Source, SourceMap, Span};
pub use suggest::{nearest, nearest_one};
