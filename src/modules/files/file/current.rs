//! What is at a path, and what a state decides about it.

use super::change::{Action, Sides};
use crate::kit::{Failure, FileType, Host, Status};
use crate::value::Dict;

/// What a path is, in the words of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Current {
    Absent,
    Directory,
    File,
    Hard,
    Link,
}

impl Current {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Directory => "directory",
            Self::File => "file",
            Self::Hard => "hard",
            Self::Link => "link",
        }
    }

    pub(super) fn of(status: Option<&Status>) -> Self {
        match status {
            None => Self::Absent,
            Some(status) => match status.kind {
                FileType::Link => Self::Link,
                FileType::Directory => Self::Directory,
                _ if status.links > 1 => Self::Hard,
                _ => Self::File,
            },
        }
    }

    pub(super) fn at(path: &str, host: &dyn Host) -> Result<Self, Failure> {
        Ok(Self::of(host.status(path, false)?.as_ref()))
    }
}

/// What a state has decided.
pub(super) struct Decision {
    pub(super) actions: Vec<Action>,
    pub(super) sides: Sides,
    /// `path` or `dest`, and `src` of links.
    pub(super) values: Dict,
    /// The path whose attributes the result shows.
    pub(super) shown: String,
    pub(super) warnings: Vec<String>,
}

/// The path that attributes are meant for: the target of a link if links are followed.
pub(super) fn followed(path: &str, follow: bool, host: &dyn Host) -> Result<String, Failure> {
    let link = follow
        && host
            .status(path, false)?
            .is_some_and(|status| status.is_link());
    if link {
        Ok(host.real_path(path)?)
    } else {
        Ok(path.to_owned())
    }
}
