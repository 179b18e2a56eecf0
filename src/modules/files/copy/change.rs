//! What `copy` and `template` do once it is decided, in order.

use super::single::{Decision, Source, Target, WriteDecision, Written, refused};
use crate::kit::{
    AttributeChanges, Attributes, Content, Diff, Failure, FileAttributes, Host, Outcome, Plan,
    path_info,
};
use crate::modules::files::checksum::Algorithm;
use crate::modules::files::directories;
use crate::modules::files::writing::Writing;
use crate::modules::paths;
use crate::value::{Dict, Value};

/// One thing to do.
#[derive(Debug)]
pub(in crate::modules::files) enum Step {
    /// Make a directory with the attributes for directories.
    MakeDirectory(String),
    /// Write the source of that number.
    Write(usize, Box<WriteDecision>),
    /// Copy a file of the host with those permission bits.
    CopyFile { from: String, to: String, mode: u32 },
    /// Make a directory with those permission bits.
    CopyDirectory { path: String, mode: u32 },
    /// Make a symbolic link.
    Link { path: String, target: String },
    /// Set what differs.
    Attributes(AttributeChanges),
}

/// All that is to be done.
#[derive(Debug)]
pub(in crate::modules) struct Change {
    pub(in crate::modules::files) steps: Vec<Step>,
}

/// Plans one file.
pub(in crate::modules::files) fn plan_single(
    target: &Target<'_>,
    source: &Source<'_>,
    host: &dyn Host,
) -> Result<Plan<Change>, Failure> {
    let src = source
        .shown
        .map_or_else(Dict::new, |shown| Dict::new().with("src", shown));
    match target.decide(source, host)? {
        Decision::Kept { path } => {
            let why = format!("`{path}` is there, and `force` is off");
            Ok(Plan::unchanged(why).with("dest", target.dest).with_all(src))
        }
        Decision::Same { path, changes } => {
            // As `file` shows it: with the path, and without a header.
            let with_path = |side: &Dict| side.clone().with("path", path.as_str());
            let diff = (!changes.is_empty())
                .then(|| Diff::state(with_path(&changes.before), with_path(&changes.after)));
            let plan = if changes.is_empty() {
                Plan::unchanged(format!("`{path}` has that content"))
            } else {
                Plan::change(Change {
                    steps: vec![Step::Attributes(*changes)],
                })
            };
            let plan = plan
                .with_all(path_info(&path, host)?)
                .with("path", path.as_str())
                .with("dest", path.as_str())
                .with("checksum", source.sha1.get(host)?);
            Ok(diff.into_iter().fold(plan, Plan::with_diff))
        }
        Decision::Write(decision) => {
            let mut steps = Vec::new();
            if target.dest.ends_with('/') {
                steps.extend(
                    directories::missing(paths::folder(&decision.path), host)?
                        .into_iter()
                        .map(Step::MakeDirectory),
                );
            }
            let diff = decision.diff.clone();
            let warning = target.exposure(&decision, source, host);
            steps.push(Step::Write(0, decision));
            // What else the result says is true only of a file that was written.
            let plan = Plan::change(Change { steps }).with_diff(diff);
            Ok(warning.into_iter().fold(plan, Plan::warn))
        }
    }
}

impl Change {
    /// Carries out the plan for one file.
    pub(in crate::modules::files) fn apply_single(
        self,
        target: &Target<'_>,
        source: &Source<'_>,
        host: &dyn Host,
    ) -> Result<Outcome, Failure> {
        let directories = FileAttributes {
            mode: target.directory_mode,
            ..target.attributes
        };
        let mut outcome = Outcome::changed();
        for (index, step) in self.steps.into_iter().enumerate() {
            let after = |failure: Failure| {
                if index > 0 {
                    failure.after_change()
                } else {
                    failure
                }
            };
            match step {
                Step::Write(_, decision) => {
                    let written = write(target, &decision, source, host).map_err(after)?;
                    outcome = outcome.with_all(written);
                    if let Some(shown) = source.shown {
                        outcome = outcome.with("src", shown);
                    }
                }
                Step::Attributes(changes) => {
                    changes.apply(host).map_err(after)?;
                    outcome = outcome.with_all(path_info(changes.path(), host)?);
                }
                other => other.apply(&directories, host).map_err(after)?,
            }
        }
        Ok(outcome)
    }
}

/// Writes one file and returns what the result says of it.
pub(super) fn write(
    target: &Target<'_>,
    decision: &WriteDecision,
    source: &Source<'_>,
    host: &dyn Host,
) -> Result<Dict, Failure> {
    let Written { backup, md5 } = target.write(decision, source, host)?;
    let mut values = path_info(&decision.path, host)?.with("dest", decision.path.as_str());
    if let Some(sum) = source.sha1.seen(host)? {
        values.insert("checksum", sum);
    }
    if let Some(md5) = md5 {
        values.insert("md5sum", md5);
    }
    if let Some(backup) = backup {
        values.insert("backup_file", backup);
    }
    Ok(values)
}

/// The MD5 of a file; null where it cannot be read any more.
pub(super) fn md5(path: &str, host: &dyn Host) -> Value {
    Algorithm::Md5
        .of_file(path, host)
        .map_or(Value::NULL, Value::from)
}

impl Step {
    /// Does what needs no source.
    pub(super) fn apply(
        &self,
        directories: &FileAttributes<'_>,
        host: &dyn Host,
    ) -> Result<(), Failure> {
        match self {
            Self::MakeDirectory(path) => directories::make(path, directories, host),
            Self::CopyDirectory { path, mode } => {
                host.make_directory(path, *mode)?;
                directories.without_mode().compare(path, host)?.apply(host)
            }
            Self::Link { path, target } => {
                host.symbolic_link(target, path)?;
                directories.without_mode().compare(path, host)?.apply(host)
            }
            Self::Attributes(changes) => changes.apply(host),
            Self::CopyFile { from, to, mode } => copy_file(from, to, *mode, directories, host),
            Self::Write(..) => Err(Failure::new("a file cannot be written without its source")),
        }
    }
}

/// Copies one file of a directory: it takes the source's mode; one that is there keeps its owner.
fn copy_file(
    from: &str,
    to: &str,
    mode: u32,
    attributes: &FileAttributes<'_>,
    host: &dyn Host,
) -> Result<(), Failure> {
    let attributes = Attributes {
        mode: Some(mode),
        uid: attributes.uid(host)?,
        gid: attributes.gid(host)?,
    };
    let writing = Writing {
        destination: to,
        backup: None,
        validate: None,
        attributes,
        unsafe_writes: Some(false),
    };
    writing
        .write(Content::File(from), host)
        .map(drop)
        .map_err(refused)
}
