//! One file of the controller, and its way to one place on the host: what `copy` and `template` share.

use std::cell::OnceCell;
use std::fmt::Write as _;
use std::io::Read;

use crate::kit::{
    AttributeChanges, Attributes, Content, Diff, DiffText, Failure, FileAttributes, FileType, Host,
    Mode, Placement, Reader, Status, SuppliedSum,
};
use crate::modules::files::checksum::{Algorithm, Summing};
use crate::modules::files::trust;
use crate::modules::files::writing::{Refusal, Writing, finish_attributes, unsafe_writes};
use crate::modules::paths;
use crate::value::{Kind, Value};

/// Larger files are not shown in a difference; Ansible's number.
const LARGEST_SHOWN: u64 = 104_448;

/// Where a source's bytes are.
#[derive(Clone, Copy)]
pub(in crate::modules::files) enum Data<'a> {
    /// Here.
    Here(&'a [u8]),
    /// On the controller, under that number.
    Remote(u64),
}

/// The SHA-1 of a source in hexadecimal, asked for when somebody needs it.
pub(in crate::modules::files) struct Sum {
    known: OnceCell<String>,
    /// Its number on the controller.
    remote: Option<u64>,
}

impl Sum {
    pub(in crate::modules::files) fn known(sum: String) -> Self {
        Self {
            known: OnceCell::from(sum),
            remote: None,
        }
    }

    pub(super) fn of(sum: &SuppliedSum) -> Self {
        match sum {
            SuppliedSum::Known(sum) => Self::known(sum.clone()),
            SuppliedSum::Remote(number) => Self {
                known: OnceCell::new(),
                remote: Some(*number),
            },
        }
    }

    fn if_known(&self) -> Option<&str> {
        self.known.get().map(String::as_str)
    }

    /// Returns it where somebody may look at it; of a content that was not summed as it came, it is not worth the way else.
    pub(super) fn seen(&self, host: &dyn Host) -> Result<Option<&str>, Failure> {
        if host.result_is_seen() {
            return self.get(host).map(Some);
        }
        Ok(self.if_known())
    }

    /// Takes the sum of the content that has come.
    fn settle(&self, sum: String) {
        let _ = self.known.set(sum);
    }

    /// Returns it; asks the controller if need be.
    pub(super) fn get(&self, host: &dyn Host) -> Result<&str, Failure> {
        if let (None, Some(number)) = (self.known.get(), self.remote) {
            let mut sum = String::new();
            let read = host.open_supplied(number)?.read_to_string(&mut sum);
            read.map_err(|error| Failure::new(format!("cannot get a checksum: {error}")))?;
            self.settle(sum);
        }
        Ok(self.if_known().unwrap_or_default())
    }
}

/// What is to be copied.
pub(in crate::modules::files) struct Source<'a> {
    /// Its name in a directory.
    pub(in crate::modules::files) name: &'a str,
    /// What the result shows as `src`; nothing for a text.
    pub(in crate::modules::files) shown: Option<&'a str>,
    /// Permission bits, for `preserve`.
    pub(in crate::modules::files) mode: u32,
    pub(in crate::modules::files) sha1: Sum,
    pub(in crate::modules::files) size: u64,
    pub(in crate::modules::files) data: Data<'a>,
    /// Not to be shown.
    pub(in crate::modules::files) secret: bool,
}

/// Where it is to be copied to, and how.
pub(in crate::modules::files) struct Target<'a> {
    pub(in crate::modules::files) dest: &'a str,
    pub(in crate::modules::files) backup: bool,
    pub(in crate::modules::files) force: bool,
    pub(in crate::modules::files) follow: bool,
    pub(in crate::modules::files) checksum: Option<&'a str>,
    pub(in crate::modules::files) validate: Option<&'a str>,
    pub(in crate::modules::files) attributes: FileAttributes<'a>,
    /// What `mode: preserve` stands for.
    pub(in crate::modules::files) preserve: Mode,
    pub(in crate::modules::files) directory_mode: Option<&'a Mode>,
}

/// What a file needs.
#[derive(Debug)]
pub(in crate::modules::files) enum Decision {
    /// There is a file, and `force` is off.
    Kept { path: String },
    /// The content is there; the attributes may differ.
    Same {
        path: String,
        changes: Box<AttributeChanges>,
    },
    /// The content is to be written.
    Write(Box<WriteDecision>),
}

/// A file to write.
#[derive(Debug)]
pub(in crate::modules::files) struct WriteDecision {
    pub(in crate::modules::files) path: String,
    /// What is there and keeps its attributes; a link that is replaced does not count.
    existing: Option<Status>,
    replaces_link: bool,
    /// The content, where it had to be read for the difference.
    content: Option<Vec<u8>>,
    pub(in crate::modules::files) diff: Diff,
}

/// What is found at a file's place, before anybody asks for its content.
pub(super) enum Sight {
    /// Nothing is left to find out.
    Decided(Decision),
    /// The content is another one.
    Differs(Differing),
}

/// A file that is to be written, as far as that is known without its content.
pub(super) struct Differing {
    given: String,
    path: String,
    existing: Option<Status>,
}

/// A content that has been asked for.
pub(super) enum Asked<'a> {
    /// It is too large to be read before it is written.
    Later,
    /// It is here.
    Here(&'a [u8]),
    /// It is on its way.
    Coming(Reader),
}

/// What is known of a file that was written.
pub(super) struct Written {
    /// The copy of what was there.
    pub(super) backup: Option<String>,
    /// Summed as the content went by: a large file need not be read again. Only where somebody may look at it, as with the
    /// SHA-1: nothing else costs a host as much of a large file, decryption included.
    pub(super) md5: Option<String>,
}

impl Target<'_> {
    /// The attributes with `preserve` resolved.
    pub(in crate::modules::files) fn resolved(&self) -> FileAttributes<'_> {
        match self.attributes.mode {
            Some(Mode::Preserve) => FileAttributes {
                mode: Some(&self.preserve),
                ..self.attributes
            },
            _ => self.attributes,
        }
    }

    /// The path that a file of that name gets. Links are looked through to see whether it is a directory.
    fn path(&self, source: &Source<'_>, host: &dyn Host) -> Result<String, Failure> {
        let mut path = if self.dest.ends_with('/') {
            paths::join(self.dest, source.name)
        } else {
            self.dest.to_owned()
        };
        if host
            .status(&path, true)?
            .is_some_and(|status| status.is_directory())
        {
            if source.name.is_empty() {
                return Err(Failure::new("can not use content with a dir as dest"));
            }
            path = paths::join(&path, source.name);
        }
        Ok(path)
    }

    /// Compares a source with what is at its place.
    pub(in crate::modules::files) fn decide(
        &self,
        source: &Source<'_>,
        host: &dyn Host,
    ) -> Result<Decision, Failure> {
        match self.look(source, host)? {
            Sight::Decided(decision) => Ok(decision),
            Sight::Differs(differing) => {
                let content = source.receive(source.ask(host)?)?;
                Self::conclude(source, differing, content, host)
            }
        }
    }

    /// Looks at a source's place.
    pub(super) fn look(&self, source: &Source<'_>, host: &dyn Host) -> Result<Sight, Failure> {
        let given = self.path(source, host)?;
        let own = host.status(&given, false)?;
        let link = own.is_some_and(|status| status.is_link());
        let behind = if link && self.follow {
            host.status(&given, true)?
        } else {
            None
        };
        let (path, existing) = match behind {
            Some(status) => (host.real_path(&given)?, Some(status)),
            None => (given.clone(), own),
        };
        // A link to nothing counts as nothing where links are followed.
        let there = existing.is_some() && !(link && self.follow && behind.is_none());
        if there && !self.force {
            return Ok(Sight::Decided(Decision::Kept { path }));
        }
        let current = existing.filter(|status| status.kind == FileType::File);
        if let Some(status) = current
            && status.size == source.size
            && host.access(&path).0
            && Algorithm::Sha1.of_file(&path, host)? == source.sha1.get(host)?
        {
            let changes = self.resolved().compare(&path, host)?;
            if !changes.is_empty() {
                trust::refuse_foreign_directory(&given, host)?;
                trust::refuse_foreign_link(&given, &path, host)?;
            }
            return Ok(Sight::Decided(Decision::Same {
                path,
                changes: Box::new(changes),
            }));
        }
        trust::refuse_foreign_directory(&given, host)?;
        if path != given {
            trust::refuse_foreign_link(&given, &path, host)?;
        }
        self.check_sum(source, host)?;
        Ok(Sight::Differs(Differing {
            given,
            path,
            existing,
        }))
    }

    /// Decides on a file that is to be written, with its content if it is small.
    pub(super) fn conclude(
        source: &Source<'_>,
        differing: Differing,
        content: Option<Vec<u8>>,
        host: &dyn Host,
    ) -> Result<Decision, Failure> {
        let Differing {
            given,
            path,
            existing,
        } = differing;
        let diff = Self::diff(source, content.as_deref(), &given, host)?;
        let replaces_link = existing.is_some_and(|status| status.is_link());
        let existing = existing.filter(|status| !status.is_link());
        Ok(Decision::Write(Box::new(WriteDecision {
            path,
            existing,
            replaces_link,
            content,
            diff,
        })))
    }

    fn check_sum(&self, source: &Source<'_>, host: &dyn Host) -> Result<(), Failure> {
        let Some(wanted) = self.checksum else {
            return Ok(());
        };
        let found = source.sha1.get(host)?;
        if wanted.eq_ignore_ascii_case(found) {
            return Ok(());
        }
        let message = "Copied file does not match the expected checksum. Transfer failed.";
        let failure = Failure::new(message).with("checksum", found);
        Err(failure.with("expected_checksum", wanted))
    }

    fn diff(
        source: &Source<'_>,
        content: Option<&[u8]>,
        path: &str,
        host: &dyn Host,
    ) -> Result<Diff, Failure> {
        // What a reader of that path sees now, through a link too.
        let current = host.status(path, true)?.filter(Status::is_file);
        let hidden = |text: &str| DiffText::Hidden(text.to_owned());
        let larger = |which: &str| {
            DiffText::Hidden(format!("{which} file size is greater than {LARGEST_SHOWN}"))
        };
        let before = match current {
            _ if source.secret => hidden("it holds secrets"),
            None => DiffText::Text(String::new()),
            Some(status) if status.size > LARGEST_SHOWN => larger("destination"),
            Some(_) => {
                let bytes = host.read(path)?;
                shown(&bytes).map_or_else(
                    || hidden("destination file appears to be binary"),
                    DiffText::Text,
                )
            }
        };
        let after = match content {
            _ if source.secret => hidden("it holds secrets"),
            None => larger("source"),
            Some(bytes) => shown(bytes).map_or_else(
                || hidden("source file appears to be binary"),
                DiffText::Text,
            ),
        };
        let diff = Diff {
            before,
            after,
            ..Diff::text("", "")
        };
        let before_header = current.map(|_| path.to_owned());
        Ok(Diff {
            before_header,
            after_header: Some(source.shown.unwrap_or(path).to_owned()),
            ..diff
        })
    }

    /// Writes the file.
    pub(super) fn write(
        &self,
        decision: &WriteDecision,
        source: &Source<'_>,
        host: &dyn Host,
    ) -> Result<Written, Failure> {
        let writing = self.writing(decision, host)?;
        let mut content = decision.content(source, host)?;
        let write = |content: &mut dyn Read| {
            let Some(sha1) = source.sha1.if_known() else {
                if !host.result_is_seen() {
                    return writing.write(Content::Stream(content), host);
                }
                let mut summing = Summing::new(Algorithm::Sha1, content);
                let backup = writing.write(Content::Stream(&mut summing), host)?;
                source.sha1.settle(summing.sum());
                return Ok(backup);
            };
            writing.write_checked(Content::Stream(content), Some(sha1), host)
        };
        let (backup, md5) = if host.result_is_seen() {
            let mut summing = Summing::new(Algorithm::Md5, &mut content);
            let backup = write(&mut summing).map_err(refused)?;
            (backup, Some(summing.sum()))
        } else {
            (write(&mut content).map_err(refused)?, None)
        };
        finish_attributes(&decision.path, &self.resolved(), host)?;
        Ok(Written { backup, md5 })
    }

    /// Tells whether the file may wait for others on its way to its place.
    pub(super) fn can_wait(&self, host: &dyn Host) -> bool {
        !self.backup
            && self.validate.is_none()
            && !unsafe_writes(self.attributes.unsafe_writes, host)
    }

    /// Makes the file ready; whoever commits it calls [`Target::finish`] then.
    pub(super) fn stage(
        &self,
        decision: &WriteDecision,
        source: &Source<'_>,
        host: &dyn Host,
    ) -> Result<Placement, Failure> {
        let writing = self.writing(decision, host)?;
        let mut content = decision.content(source, host)?;
        let sha1 = source.sha1.get(host)?;
        writing.stage(Content::Stream(&mut content), sha1, host)
    }

    /// Sets what a rename does not carry.
    pub(super) fn finish(&self, decision: &WriteDecision, host: &dyn Host) -> Result<(), Failure> {
        finish_attributes(&decision.path, &self.resolved(), host)
    }

    fn writing<'d>(
        &'d self,
        decision: &'d WriteDecision,
        host: &dyn Host,
    ) -> Result<Writing<'d>, Failure> {
        let path = decision.path.as_str();
        let above = paths::folder(path);
        match host.status(above, true)? {
            Some(status) if status.is_directory() => {}
            _ => {
                return Err(Failure::new(format!(
                    "Destination directory {above} does not exist"
                )));
            }
        }
        if !host.access(above).1 && !unsafe_writes(self.attributes.unsafe_writes, host) {
            return Err(Failure::new(format!("Destination {above} not writable")));
        }
        let default = 0o666 & !host.umask();
        let mut attributes =
            self.resolved()
                .for_write(decision.existing.as_ref(), default, host)?;
        if decision.replaces_link {
            // Nothing of what the link led to is passed on.
            let identity = host.identity();
            attributes = Attributes {
                uid: attributes.uid.or(Some(identity.uid)),
                gid: attributes.gid.or(Some(identity.gid)),
                ..attributes
            };
        }
        Ok(Writing {
            destination: path,
            backup: self.backup.then_some(path),
            validate: self.validate,
            attributes,
            unsafe_writes: self.attributes.unsafe_writes,
        })
    }

    /// Warns where a secret goes into a new file that others can read.
    pub(in crate::modules::files) fn exposure(
        &self,
        decision: &WriteDecision,
        source: &Source<'_>,
        host: &dyn Host,
    ) -> Option<String> {
        let open = 0o666 & !host.umask() & 0o044 != 0;
        (source.secret && open && decision.existing.is_none() && self.attributes.mode.is_none())
            .then(|| {
                format!(
                    "`{}` holds a secret and others can read it: give it a mode",
                    decision.path
                )
            })
    }
}

impl WriteDecision {
    /// The content, which is asked for now if it was not before.
    fn content<'c>(
        &'c self,
        source: &Source<'c>,
        host: &dyn Host,
    ) -> Result<Box<dyn Read + 'c>, Failure> {
        Ok(match (&self.content, source.data) {
            (Some(bytes), _) => Box::new(bytes.as_slice()),
            (None, Data::Here(bytes)) => Box::new(bytes),
            (None, Data::Remote(number)) => host.open_supplied(number)?,
        })
    }
}

/// How `copy` and `template` phrase what `validate` said.
pub(in crate::modules::files) fn refused(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Failed(failure) => failure,
        Refusal::Invalid {
            status,
            stdout,
            stderr,
        } => Failure::new("failed to validate")
            .with("exit_status", status)
            .with("stdout", stdout)
            .with("stderr", stderr),
    }
}

/// Text, unless it looks binary.
fn shown(bytes: &[u8]) -> Option<String> {
    (!bytes.contains(&0)).then(|| String::from_utf8_lossy(bytes).into_owned())
}

impl<'s> Source<'s> {
    /// Asks for a content that is small enough to be shown, and does not wait for it.
    pub(super) fn ask(&self, host: &dyn Host) -> Result<Asked<'s>, Failure> {
        Ok(match self.data {
            _ if self.size > LARGEST_SHOWN => Asked::Later,
            Data::Here(bytes) => Asked::Here(bytes),
            Data::Remote(number) => Asked::Coming(host.open_supplied(number)?),
        })
    }

    /// Takes the content when it has come; nothing if it is large.
    pub(super) fn receive(&self, asked: Asked<'_>) -> Result<Option<Vec<u8>>, Failure> {
        match asked {
            Asked::Later => Ok(None),
            Asked::Here(bytes) => Ok(Some(bytes.to_vec())),
            Asked::Coming(reader) => {
                let mut bytes = Vec::new();
                let read = reader.take(LARGEST_SHOWN + 1).read_to_end(&mut bytes);
                let shown = self.shown.unwrap_or(self.name);
                read.map_err(|error| {
                    Failure::new(format!("cannot read `{shown}` of the controller: {error}"))
                })?;
                Ok(Some(bytes))
            }
        }
    }
}

/// Writes a list or dictionary as Python's `json.dumps` does.
pub(in crate::modules) fn python_json(value: &Value) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

fn write_json(value: &Value, out: &mut String) {
    match value.kind() {
        Kind::List(items) | Kind::Tuple(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_json(item, out);
            }
            out.push(']');
        }
        Kind::Dict(dict) => {
            out.push('{');
            for (index, (key, item)) in dict.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                write_json_text(&key.to_json_key(), out);
                out.push_str(": ");
                write_json(item, out);
            }
            out.push('}');
        }
        Kind::Null => out.push_str("null"),
        Kind::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Kind::Int(_) | Kind::Big(_) | Kind::Float(_) => out.push_str(&value.to_text()),
        Kind::Str(text) => write_json_text(text, out),
        Kind::Bytes(_) | Kind::Moment(_) | Kind::Undefined(_) => {
            write_json_text(&value.to_text(), out);
        }
    }
}

/// All but ASCII is escaped, as Python does it.
fn write_json_text(text: &str, out: &mut String) {
    out.push('"');
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'"') => out.push_str("\\\""),
            Ok(b'\\') => out.push_str("\\\\"),
            Ok(b'\n') => out.push_str("\\n"),
            Ok(b'\r') => out.push_str("\\r"),
            Ok(b'\t') => out.push_str("\\t"),
            Ok(8) => out.push_str("\\b"),
            Ok(12) => out.push_str("\\f"),
            Ok(byte @ 0x20..=0x7e) => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out.push('"');
}
