//! Changing the text of a file that is on the host: what `lineinfile`, `blockinfile` and `replace` share.
//!
//! A symbolic link is written through, as Ansible does it, and keeps its own owner. Where root would follow a link that lies in
//! another user's directory to a file of a third, it refuses (T11).

use super::writing::{Refusal, Writing, finish_attributes};
use super::{directories, trust};
use crate::kit::{
    AttributeChanges, Attributes, Content, Diff, Failure, FileAttributes, Host, Outcome, Status,
};
use crate::modules::paths;

/// The text of a file. Bytes that are no UTF-8 stand as one character each, and come back as they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    bytes: bool,
}

impl Text {
    pub(super) fn of(content: Vec<u8>) -> Self {
        match String::from_utf8(content) {
            Ok(text) => Self { text, bytes: false },
            Err(error) => {
                let text = error.into_bytes().into_iter().map(char::from).collect();
                Self { text, bytes: true }
            }
        }
    }

    /// Returns text of the task (a line, an expression) in the form of this file's text.
    pub(super) fn adapt(&self, text: &str) -> String {
        if self.bytes {
            text.bytes().map(char::from).collect()
        } else {
            text.to_owned()
        }
    }

    /// Returns a changed text as the bytes of the file.
    pub(super) fn encode(&self, text: &str) -> Vec<u8> {
        if !self.bytes {
            return text.as_bytes().to_vec();
        }
        text.chars()
            .map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?'))
            .collect()
    }

    /// Returns the lines with their ends.
    pub(super) fn lines(&self) -> Vec<String> {
        self.text.split_inclusive('\n').map(str::to_owned).collect()
    }
}

/// The file as it is found.
pub(super) struct Found {
    pub(super) text: Text,
    /// Nothing where there is no file.
    pub(super) status: Option<Status>,
}

/// Reads the file, if there is one.
pub(super) fn find(path: &str, host: &dyn Host) -> Result<Found, Failure> {
    let status = host.status(path, true)?;
    if status.is_some_and(|status| status.is_directory()) {
        return Err(Failure::new(format!("Path {path} is a directory !")).with("rc", 256));
    }
    let content = if status.is_some() {
        host.read(path)?
    } else {
        Vec::new()
    };
    Ok(Found {
        text: Text::of(content),
        status,
    })
}

/// What is to be done to the file.
#[derive(Debug)]
pub(super) struct Edit {
    /// The new content, if it changes.
    pub(super) content: Option<Vec<u8>>,
    /// What of the attributes changes; nothing where the file is yet to be made.
    pub(super) changes: Option<AttributeChanges>,
    /// The module's message about the content.
    pub(super) message: String,
}

/// The arguments that the editing modules share.
pub(super) struct Setting<'a> {
    pub(super) path: &'a str,
    pub(super) attributes: FileAttributes<'a>,
    pub(super) backup: bool,
    pub(super) validate: Option<&'a str>,
    /// Write through a symbolic link; else the file takes its place.
    pub(super) follow: bool,
}

const ATTRIBUTES_CHANGED: &str = "ownership, perms or SE linux context changed";

/// The module's message, with what is said of attributes.
pub(super) fn message(content: &str, attributes: bool) -> String {
    match (content.is_empty(), attributes) {
        (_, false) => content.to_owned(),
        (true, true) => ATTRIBUTES_CHANGED.to_owned(),
        (false, true) => format!("{content} and {ATTRIBUTES_CHANGED}"),
    }
}

impl Edit {
    /// Compares the attributes of a file that is there.
    pub(super) fn new(
        found: &Found,
        new: Option<&str>,
        message: &str,
        setting: &Setting<'_>,
        host: &dyn Host,
    ) -> Result<Self, Failure> {
        let changes = match found.status {
            Some(_) => Some(setting.attributes.compare(setting.path, host)?),
            None => None,
        };
        let content = new.map(|text| found.text.encode(text));
        Ok(Self {
            content,
            changes,
            message: message.to_owned(),
        })
    }

    /// Tells whether nothing is to be done.
    pub(super) fn is_empty(&self) -> bool {
        self.content.is_none() && self.changes.as_ref().is_none_or(AttributeChanges::is_empty)
    }

    /// The message as it stands before anything is done.
    pub(super) fn message(&self) -> String {
        message(
            &self.message,
            self.changes
                .as_ref()
                .is_some_and(|changes| !changes.is_empty()),
        )
    }

    /// The differences: the content, and the attributes.
    pub(super) fn diffs(&self, found: &Found, path: &str) -> Vec<Diff> {
        let header = format!("{path} (content)");
        let old = &found.text.text;
        let new = self
            .content
            .as_ref()
            .map_or_else(|| old.clone(), |new| Text::of(new.clone()).text);
        let content = Diff::text(old.as_str(), new).headers(header.clone(), header);
        let attributes = self.changes.as_ref().and_then(AttributeChanges::diff);
        std::iter::once(content).chain(attributes).collect()
    }

    /// Carries it out. Returns the backup's path.
    pub(super) fn apply(
        &self,
        setting: &Setting<'_>,
        host: &dyn Host,
    ) -> Result<(Outcome, Option<String>), Failure> {
        let mut backup = None;
        let mut attributes_changed = self
            .changes
            .as_ref()
            .is_some_and(|changes| !changes.is_empty());
        if let Some(content) = &self.content {
            let real = if setting.follow {
                let real = host.real_path(setting.path)?;
                trust::refuse_foreign_link(setting.path, &real, host)?;
                real
            } else {
                trust::refuse_foreign_directory(setting.path, host)?;
                setting.path.to_owned()
            };
            let existing = host.status(&real, true)?;
            if existing.is_none() {
                for missing in directories::missing(paths::folder(&real), host)? {
                    directories::make(&missing, &FileAttributes::default(), host).map_err(
                        |failure| {
                            Failure::new(format!("Error creating {missing} ({})", failure.message))
                        },
                    )?;
                }
            }
            let default = 0o666 & !host.umask();
            // The attributes of a link are not those of what it leads to.
            let link = setting.follow
                && host
                    .status(setting.path, false)?
                    .is_some_and(|status| status.is_link());
            let wanted = match existing {
                Some(_) if link => Attributes::default(),
                existing => setting
                    .attributes
                    .for_write(existing.as_ref(), default, host)?,
            };
            if existing.is_none() {
                let identity = host.identity();
                attributes_changed = wanted.mode.is_some_and(|mode| mode != default)
                    || wanted.uid.is_some_and(|uid| uid != identity.uid)
                    || wanted.gid.is_some_and(|gid| gid != identity.gid);
            }
            let writing = Writing {
                destination: &real,
                backup: (setting.backup && existing.is_some()).then_some(setting.path),
                validate: setting.validate,
                attributes: wanted,
                unsafe_writes: setting.attributes.unsafe_writes,
            };
            backup =
                writing
                    .write(Content::Bytes(content), host)
                    .map_err(|refusal| match refusal {
                        Refusal::Failed(failure) => failure,
                        Refusal::Invalid { status, stderr, .. } => {
                            Failure::new(format!("failed to validate: rc:{status} error:{stderr}"))
                        }
                    })?;
        }
        match &self.changes {
            Some(changes) if self.content.is_none() => changes.apply(host)?,
            _ => finish_attributes(setting.path, &setting.attributes, host)?,
        }
        let outcome = Outcome::changed().with("msg", message(&self.message, attributes_changed));
        Ok((outcome, backup))
    }
}
